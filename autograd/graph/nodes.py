"""Nodes, as others read and make them: their slots, which only this folder touches.

Reading a node by these functions, unlike `Value.data`, is allowed in a trace: it is for those who build
programs, pictures and derivatives of a graph, and know that the numbers are those of the moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from autograd.graph import context
from autograd.primitives.ieee import to_float
from autograd.primitives.operation import Operation, Projection
from autograd.primitives.table import where

__all__ = [
    "N",
    "Node",
    "assign",
    "clear_gradients",
    "constant_node",
    "gradients",
    "is_array",
    "is_constant",
    "is_leaf",
    "is_node",
    "kind_of",
    "kinds",
    "made_since",
    "new_node",
    "number",
    "numbers",
    "operands",
    "operation",
    "parents",
    "partials_at",
    "projected",
    "record_node",
    "result_index",
    "selected_operands",
]


class Node(Protocol):
    """What a walk needs to know of a node; `Value` is one.

    A leaf has no operation, and tells in ``_left`` when it was made: see `made_since`. The first operand is
    in ``_left``, the second in ``_right``; an operation of three or more, or one that takes whole arrays,
    keeps them all as one tuple in ``_left``. An operand is a node, or a plain float where it is a constant;
    a constant array is a leaf whose ``_right`` is True. The elements of an array are flat in ``_number``, and
    ``_dims`` is its shape, not there where it has one axis. An operation of several results makes one node
    that holds them all in ``_number``, which nobody outside this folder sees, and of it a node for each
    result: see `Projection`. ``_scopes`` is what `scopes_of` tells, and not there for a node in no scope;
    ``_mark`` belongs to `full_order`.
    """

    label: str
    _number: Any
    _grad: float
    _operation: Any
    _left: Any
    _right: Any
    _scopes: Any
    _mark: Any


N = TypeVar("N", bound=Node)


def parents(node: Node) -> tuple[Any, ...]:
    """What a node keeps as its operands: for one of several results the node that has them all."""
    if node._operation is None:
        return ()
    if type(node._left) is tuple:
        return node._left
    return (node._left,) if node._right is None else (node._left, node._right)


def operands(node: Node) -> tuple[Any, ...]:
    """The operands of a node in order: nodes, and floats where they are constants."""
    return parents(node._left if type(node._operation) is Projection else node)


def number(operand: Any) -> float:
    """The number behind an operand or a result: a constant's own, or that of a node."""
    return operand if type(operand) is float else operand._number


def numbers(operands: Iterable[Any]) -> list[float]:
    """The `number` behind each of several operands or results."""
    return [operand if type(operand) is float else operand._number for operand in operands]


def selected_operands(operation: Operation, operands: Sequence[Any]) -> Sequence[Any]:
    """The operands that a result was made of: without what a `where` did not select."""
    if operation is not where:
        return operands
    condition, first, second = operands
    return condition, (first if number(condition) else second)


def gradients(nodes: Iterable[Node]) -> list[float]:
    """The gradients that nodes hold."""
    return [node._grad for node in nodes]


def assign(nodes: Iterable[Node], numbers: Iterable[float]) -> None:
    """Give each of several leaves its next number, as an optimizer does at each step."""
    for node, data in zip(nodes, numbers):
        node._number = data


def clear_gradients(nodes: Iterable[Node]) -> None:
    """Set the gradient of each of several nodes to 0."""
    for node in nodes:
        node._grad = 0.0


def is_constant(operand: Any) -> bool:
    """Whether an operand is a plain number, and no node, or an array of them."""
    return type(operand) is float or (operand._operation is None and operand._right is True)


def constant_node(data: np.ndarray) -> Any:
    """A node of a constant array."""
    node = kinds[np.ndarray](data)
    node._right = True
    return node


# The class of the nodes that hold a number, and of those that hold a whole array.
kinds: dict[type, Any] = {}


def kind_of(data: Any) -> Any:
    """The class of the nodes that hold such data."""
    return kinds.get(type(data), kinds[float])


def is_array(node: Node) -> bool:
    """Whether a node holds a whole array."""
    return type(node._number) is np.ndarray


def is_node(thing: object) -> bool:
    """Whether something is a node: a Value, or an array of a graph."""
    return isinstance(thing, tuple(kinds.values()))


def is_leaf(node: Node) -> bool:
    """Whether no operation made a node."""
    return node._operation is None


def made_since(node: Node, beginning: int) -> bool:
    """Whether a node is a leaf that was made after a `beginning`; a copy counts as made before.

    What a function makes, it does not close over.
    """
    return node._operation is None and node._left is not None and node._left >= beginning


def operation(node: Node) -> Any:
    """The operation that computed a node; None for a leaf."""
    return node._left._operation if type(node._operation) is Projection else node._operation


def partials_at(node: Node) -> Sequence[float | None]:
    """The partial derivatives of a primitive by its operands, where it was computed; None by a constant."""
    parts = operands(node)
    wanted = tuple([type(part) is not float for part in parts])
    partials: Sequence[float | None] = operation(node).partials_at(
        node._number, tuple(numbers(parts)), wanted
    )
    return partials


def result_index(node: Node) -> int:
    """Which of the results of its operation a node is, counted from 0."""
    return node._operation.index if type(node._operation) is Projection else 0


def new_node(
    kind: type[N],
    operation: Any,
    operands: Sequence[Any],
    data: Any,
    grad: float = 0.0,
    label: str = "",
    dims: tuple[int, ...] | None = None,
) -> N:
    """A node made of its parts, without `__init__`, which checks what a user passes; in no scope.

    Args:
        kind, operation, operands, data, grad, label: its parts.
        dims: the shape of an array, where it has other than one axis.
    """
    node = object.__new__(kind)
    if dims is not None:
        node._dims = dims  # type: ignore[attr-defined]
    node._number, node._grad, node.label, node._operation = data, grad, label, operation
    if len(operands) < 3 and not (operation is not None and operation.takes_arrays):
        node._left, node._right = (*operands, None, None)[:2]
    else:
        node._left, node._right = tuple(operands), None
    node._mark = None
    return node


def projected(node: Any, index: int) -> Any:
    """One result of a node that has several."""
    data = node._number[index]
    result = new_node(kind_of(data), Projection(index), (node,), data)
    if hasattr(node, "_scopes"):
        result._scopes = node._scopes
    return result


def record_node(operation: Operation, args: Sequence[Any]) -> Any:
    """Apply an operation that takes arrays, or has several results, to nodes, numbers and arrays of floats.

    Returns:
        The node of its result, or the tuple of those of its results: one node holds them all, and each is a
        node made of it.
    """
    parts = [arg if type(arg) is float or is_node(arg) else operation.operand(arg) for arg in args]
    parts = [constant_node(part) if type(part) is np.ndarray else part for part in parts]
    tracing = context.active and context.current().tracing
    results = operation.example(numbers(parts)) if tracing else operation.run(numbers(parts))
    data = tuple([_checked(result, operation) for result in results])
    if len(data) != operation.result_count:
        raise TypeError(f"{operation.name} must have {operation.result_count} results, got {len(data)}")
    nodes: tuple[Any, ...]
    if len(data) == 1:
        nodes = (new_node(kind_of(data[0]), operation, parts, data[0]),)
    else:
        node = new_node(kind_of(data), operation, parts, data)
        nodes = tuple([projected(node, index) for index in range(len(data))])
    if context.active:
        for result in nodes:
            context.tell_recorded(result)
    return nodes[0] if len(nodes) == 1 else nodes


def _checked(result: Any, operation: Operation) -> Any:
    if operation.takes_arrays and type(result) is np.ndarray:
        return result
    return to_float(result, f"a result of {operation.name}")
