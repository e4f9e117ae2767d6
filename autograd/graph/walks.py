"""Walks over a graph of nodes: operands before the operations that use them, and never by recursion."""

from __future__ import annotations

import threading
from collections.abc import Container, Iterable
from typing import Any, Protocol, TypeVar

__all__ = ["Node", "leaves", "operands", "topological_order"]


class Node(Protocol):
    """What a walk needs to know of a node; `Value` is one.

    A leaf has no primitive. The first operand is in ``_left``, the second in ``_right``; an operation
    of three or more keeps them all as one tuple in ``_left``. An operand is a node, or a plain float
    where it is a constant. ``_mark`` belongs to `topological_order`.
    """

    _mark: Any

    _primitive: Any
    _left: Any
    _right: Any


# A walk marks the nodes that it has visited, with an object of its own. One at a time: two threads
# whose graphs share operations would lose each other's marks.
_walking = threading.Lock()

N = TypeVar("N", bound=Node)


def operands(node: Node) -> tuple[Any, ...]:
    """The operands of a node in order: nodes, and floats where they are constants."""
    if node._primitive is None:
        return ()
    if type(node._left) is tuple:
        return node._left
    return (node._left,) if node._right is None else (node._left, node._right)


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
                        stack.extend(
                            one for one in reversed(node) if type(one) is kind and one._primitive is not None
                        )
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
    found: dict[N, None] = {}
    for node in order:
        for operand in operands(node):
            if type(operand) is not float and (operand._primitive is None or operand in stop):
                found[operand] = None
    return list(found)
