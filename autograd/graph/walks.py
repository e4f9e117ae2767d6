"""Nodes, as others read them, and walks over a graph: operands before the operations that use them.

A node keeps its numbers and operands in private slots, which only this folder touches. Reading them by
these functions, unlike `Value.data`, is allowed in a trace: it is for those who build programs, pictures
and derivatives of a graph, and know that the numbers are those of the moment.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, Protocol, TypeVar

__all__ = [
    "N",
    "Node",
    "assign",
    "clear_gradients",
    "gradients",
    "is_constant",
    "is_leaf",
    "leaves",
    "new_node",
    "number",
    "numbers",
    "operands",
    "operation",
    "topological_order",
    "update_each",
]


class Node(Protocol):
    """What a walk needs to know of a node; `Value` is one.

    A leaf has no primitive. The first operand is in ``_left``, the second in ``_right``; an operation
    of three or more keeps them all as one tuple in ``_left``. An operand is a node, or a plain float
    where it is a constant. ``_scopes`` is what `scopes_of` tells, or None; ``_mark`` belongs to
    `topological_order`.
    """

    label: str
    _data: float
    _grad: float
    _primitive: Any
    _left: Any
    _right: Any
    _scopes: Any
    _mark: Any


N = TypeVar("N", bound=Node)


def operands(node: Node) -> tuple[Any, ...]:
    """The operands of a node in order: nodes, and floats where they are constants."""
    if node._primitive is None:
        return ()
    if type(node._left) is tuple:
        return node._left
    return (node._left,) if node._right is None else (node._left, node._right)


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


def update_each(nodes: Iterable[Node], rule: Callable[..., float], lr: float) -> None:
    """Give each of several leaves the number that a rule makes of its own, its gradient and ``lr``."""
    for node in nodes:
        node._data = rule(node._data, node._grad, lr=lr)


def clear_gradients(nodes: Iterable[Node]) -> None:
    """Set the gradient of each of several nodes to 0."""
    for node in nodes:
        node._grad = 0.0


def is_constant(operand: Any) -> bool:
    """Whether an operand is a plain number, and no node."""
    return type(operand) is float


def is_leaf(node: Node) -> bool:
    """Whether no operation made a node."""
    return node._primitive is None


def operation(node: Node) -> Any:
    """The primitive that computed a node; None for a leaf."""
    return node._primitive


def new_node(
    kind: type[N],
    primitive: Any,
    operands: Sequence[Any],
    data: float,
    grad: float = 0.0,
    label: str = "",
) -> N:
    """A node made of its parts, without `__init__`, which checks what a user passes; in no scope."""
    node = object.__new__(kind)
    node._data, node._grad, node.label, node._primitive = data, grad, label, primitive
    node._left, node._right = (*operands, None, None)[:2] if len(operands) < 3 else (tuple(operands), None)
    node._scopes = node._mark = None
    return node


# A walk marks the nodes that it has visited, with an object of its own. One at a time: two threads
# whose graphs share operations would lose each other's marks.
_walking = threading.Lock()


def topological_order(*roots: N, stop: Iterable[N] = ()) -> list[N]:
    """All operations that nodes depend on, themselves included, each after its operands.

    Leaves and constants are left out: nothing flows on from them. Depth-first, with a stack of its own:
    a node that is met is opened and put on the stack, beneath what it depends on; when it turns up
    again, all that it depends on has been listed. Linear in the size of the graph.

    Args:
        roots: the results to start from.
        stop: nodes that count as leaves: the walk does not enter them.
    """
    order: list[N] = []
    stack: list[Any] = []
    kind = type(roots[0]) if roots else None
    for root in reversed(roots):
        if root._primitive is not None:
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
                if type(right) is kind and right._mark is not done and right._primitive is not None:
                    stack.append(right)
                node = node._left
                if type(node) is not kind:
                    if type(node) is tuple:
                        for part in reversed(node):
                            if type(part) is kind and part._primitive is not None:
                                stack.append(part)  # noqa: PERF401  as above
                    break
                if node._primitive is None:
                    break
    return order


def leaves(order: list[N], stop: Container[N] = ()) -> list[N]:
    """The leaves that operations depend on, in the order of first use (constants are none).

    Args:
        order: the operations.
        stop: nodes that count as leaves.
    """
    used: dict[N, None] = {}
    for node in order:
        for operand in operands(node):
            if type(operand) is not float and (operand._primitive is None or operand in stop):
                used[operand] = None
    return list(used)
