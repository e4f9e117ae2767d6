"""Nodes, as others read them, and walks over a graph: operands before the operations that use them.

A node keeps its numbers and operands in private slots, which only this folder touches. Reading them by
these functions, unlike `Value.data`, is allowed in a trace: it is for those who build programs, pictures
and derivatives of a graph, and know that the numbers are those of the moment.
"""

from __future__ import annotations

import threading
from collections.abc import Container, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from autograd.primitives.operation import Projection

__all__ = [
    "Application",
    "N",
    "Node",
    "applications",
    "assign",
    "clear_gradients",
    "full_order",
    "gradients",
    "is_constant",
    "is_leaf",
    "leaves",
    "leaves_among",
    "new_node",
    "number",
    "numbers",
    "operands",
    "operation",
    "parents",
    "projected",
    "topological_order",
]


class Node(Protocol):
    """What a walk needs to know of a node; `Value` is one.

    A leaf has no operation. The first operand is in ``_left``, the second in ``_right``; an operation
    of three or more keeps them all as one tuple in ``_left``. An operand is a node, or a plain float
    where it is a constant. An operation of several results makes one node that holds them all in
    ``_data``, which nobody outside this folder sees, and of it a node for each result: see `Projection`.
    ``_scopes`` is what `scopes_of` tells, or None; ``_mark`` belongs to `full_order`.
    """

    label: str
    _data: float
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
    return operand if type(operand) is float else operand._data


def numbers(operands: Iterable[Any]) -> list[float]:
    """The `number` behind each of several operands or results."""
    return [operand if type(operand) is float else operand._data for operand in operands]


def gradients(nodes: Iterable[Node]) -> list[float]:
    """The gradients that nodes hold."""
    return [node._grad for node in nodes]


def assign(nodes: Iterable[Node], numbers: Iterable[float]) -> None:
    """Give each of several leaves its next number, as an optimizer does at each step."""
    for node, data in zip(nodes, numbers):
        node._data = data


def clear_gradients(nodes: Iterable[Node]) -> None:
    """Set the gradient of each of several nodes to 0."""
    for node in nodes:
        node._grad = 0.0


def is_constant(operand: Any) -> bool:
    """Whether an operand is a plain number, and no node."""
    return type(operand) is float


def is_leaf(node: Node) -> bool:
    """Whether no operation made a node."""
    return node._operation is None


def operation(node: Node) -> Any:
    """The operation that computed a node; None for a leaf."""
    return node._left._operation if type(node._operation) is Projection else node._operation


def new_node(
    kind: type[N],
    operation: Any,
    operands: Sequence[Any],
    data: float,
    grad: float = 0.0,
    label: str = "",
) -> N:
    """A node made of its parts, without `__init__`, which checks what a user passes; in no scope."""
    node = object.__new__(kind)
    node._data, node._grad, node.label, node._operation = data, grad, label, operation
    node._left, node._right = (*operands, None, None)[:2] if len(operands) < 3 else (tuple(operands), None)
    node._scopes = node._mark = None
    return node


# A walk marks the nodes that it has visited, with an object of its own. One at a time: two threads
# whose graphs share operations would lose each other's marks.
_walking = threading.Lock()


def topological_order(*roots: N, stop: Iterable[N] = ()) -> list[N]:
    """All results of operations that nodes depend on, themselves included, each after its operands.

    Leaves and constants are left out: nothing flows on from them.

    Args:
        roots: the results to start from.
        stop: nodes that count as leaves: the walk does not enter them.
    """
    return [node for node in full_order(*roots, stop=stop) if type(node._data) is float]


def full_order(*roots: N, stop: Iterable[N] = ()) -> list[N]:
    """The same with the nodes that have several results, each before its results.

    Depth-first, with a stack of its own: a node that is met is opened and put on the stack, beneath what
    it depends on; when it turns up again, all that it depends on has been listed. Linear in the size of
    the graph.

    Args:
        roots: as for `topological_order`.
        stop: as for `topological_order`.
    """
    order: list[N] = []
    stack: list[Any] = []
    kind = type(roots[0]) if roots else None
    for root in reversed(roots):
        if root._operation is not None:
            stack.append(root)  # noqa: PERF401  a comprehension costs a small graph a tenth of its time
    with _walking:
        opened, done = object(), object()
        for node in stop:
            node._mark = done
        while stack:
            node = stack.pop()
            if node._mark is opened:
                node._mark = done
                order.append(node)
                continue
            while node._mark is not done:
                node._mark = opened
                stack.append(node)
                right = node._right
                if type(right) is kind and right._mark is not done and right._operation is not None:
                    stack.append(right)
                node = node._left
                if type(node) is not kind:
                    if type(node) is tuple:
                        for part in reversed(node):
                            if type(part) is kind and part._operation is not None:
                                stack.append(part)  # noqa: PERF401  as above
                    break
                if node._operation is None:
                    break
    return order


def leaves(order: Iterable[N], stop: Container[N] = ()) -> list[N]:
    """The leaves that results depend on, in the order of first use (constants are none).

    Args:
        order: the results, of a `topological_order`.
        stop: nodes that count as leaves.
    """
    return leaves_among(map(operands, order), stop)


def leaves_among(operands: Iterable[Sequence[Any]], stop: Container[Any] = ()) -> list[Any]:
    """The leaves among the operands of operations, in the order of first use: see `leaves`."""
    used: dict[Any, None] = {}
    for each in operands:
        for operand in each:
            if type(operand) is not float and (operand._operation is None or operand in stop):
                used[operand] = None
    return list(used)


Application = tuple[Any, tuple[Any, ...], tuple[Any, ...]]  # an operation, its operands, its results


def applications(*roots: N, stop: Iterable[N] = ()) -> list[Application]:
    """What was applied to what to compute nodes, in topological order: see `topological_order`."""
    order = full_order(*roots, stop=stop)
    applied: list[Application] = [
        (node._operation, parents(node), (node,)) for node in order if type(node._operation) is not Projection
    ]
    return applied if len(applied) == len(order) else _with_results(applied, order)


def _with_results(applied: list[Application], order: list[N]) -> list[Application]:
    """The same, where some nodes of an order are results of nodes that have several."""
    handed_out: dict[N, dict[int, list[N]]] = {}
    for node in order:
        if type(node._operation) is Projection:
            handed_out.setdefault(node._left, {}).setdefault(node._operation.index, []).append(node)
    completed: list[Application] = []
    for operation, operands, (node,) in applied:
        if operation.result_count == 1:
            completed.append((operation, operands, (node,)))
            continue
        results = [handed_out[node].get(i) or [projected(node, i)] for i in range(operation.result_count)]
        completed.append((operation, operands, tuple([nodes[0] for nodes in results])))
        for first, *copies in results:
            completed += [(copy._operation, (first,), (copy,)) for copy in copies]
    return completed


def projected(node: N, index: int) -> N:
    """One result of a node that has several."""
    result = new_node(type(node), Projection(index), (node,), node._data[index])  # type: ignore[index]
    result._scopes = node._scopes
    return result
