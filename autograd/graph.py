"""Walks over a graph of nodes: operands before the operations that use them, and never by recursion."""

from __future__ import annotations

import threading
from collections.abc import Container, Iterable, Iterator
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

    Leaves and constants are left out: nothing flows on from them. The walk goes down from a node to
    an operand that it has not visited; from a node with no such operand left, which is thereby next
    in the order, it goes back up. Linear in the size of the graph.

    Args:
        roots: the results to start from.
        stop: nodes that count as leaves: the walk does not enter them.
    """
    order: list[N] = []
    above: list[N] = []
    progress: dict[N, Iterator[Any]] = {}  # through the operands of operations with more than two
    with _walking:
        visited = object()
        for node in stop:
            node._mark = visited
        for root in roots:
            if root._mark is visited or root._primitive is None:
                continue
            kind = type(root)
            root._mark = visited
            node = root
            while True:
                left, right = node._left, node._right
                if type(left) is kind and left._mark is not visited and left._primitive is not None:
                    below = left
                elif type(right) is kind and right._mark is not visited and right._primitive is not None:
                    below = right
                elif type(left) is tuple and (unvisited := _next(node, visited, progress)) is not None:
                    below = unvisited
                else:
                    order.append(node)
                    if not above:
                        break
                    node = above.pop()
                    continue
                below._mark = visited
                above.append(node)
                node = below
    return order


def _next(node: Any, visited: object, progress: dict[Any, Iterator[Any]]) -> Any:
    """The next operand of an operation of many that the walk has not visited, or None."""
    for one in progress.setdefault(node, iter(node._left)):
        if type(one) is not float and one._mark is not visited and one._primitive is not None:
            return one
    return None


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
