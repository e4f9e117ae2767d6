"""Walks over a graph: operands before the operations that use them, and never by recursion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

from autograd.graph import context
from autograd.graph.nodes import N, kinds, operands, parents, projected
from autograd.primitives.operation import Projection
from autograd.support.locks import fork_safe_lock

__all__ = [
    "Application",
    "Transcript",
    "applications",
    "depends_on",
    "full_order",
    "leaves",
    "leaves_among",
    "topological_order",
]

# A walk marks the nodes that it has visited, with an object of its own. One at a time: two threads
# whose graphs share operations would lose each other's marks.
_walking = fork_safe_lock()


def topological_order(*roots: N, stop: Iterable[N] = ()) -> list[N]:
    """All results of operations that nodes depend on, themselves included, each after its operands.

    Leaves and constants are left out: nothing flows on from them.

    Args:
        roots: the results to start from.
        stop: nodes that count as leaves: the walk does not enter them.
    """
    return [node for node in full_order(*roots, stop=stop) if type(node._number) is not tuple]


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
    kind = kinds[float]
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
                            if type(part) is not float and part._operation is not None:
                                stack.append(part)  # noqa: PERF401  as above
                    break
                if node._operation is None:
                    break
    return order


def leaves(order: Iterable[N], stop: Set[N] = frozenset()) -> list[N]:
    """The leaves that results depend on, in the order of first use (constants are none).

    Args:
        order: the results, of a `topological_order`.
        stop: nodes that count as leaves.
    """
    return leaves_among(map(operands, order), stop)


def leaves_among(operands: Iterable[Sequence[Any]], stop: Set[Any] = frozenset()) -> list[Any]:
    """The leaves among the operands of operations, in the order of first use: see `leaves`."""
    used: dict[Any, None] = {}
    for each in operands:
        for operand in each:
            if type(operand) is not float and (operand._operation is None or operand in stop):
                used[operand] = None
    return list(used)


def depends_on(nodes: Sequence[N], inputs: Set[N]) -> bool:
    """Whether one of several nodes is, or was computed from, one of the inputs."""
    below = leaves_among(map(parents, full_order(*nodes, stop=inputs)), inputs)
    return not inputs.isdisjoint([*nodes, *below])


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
    for operation, parts, (node,) in applied:
        if operation.result_count == 1:
            completed.append((operation, parts, (node,)))
            continue
        results = [handed_out[node].get(i) or [projected(node, i)] for i in range(operation.result_count)]
        completed.append((operation, parts, tuple([nodes[0] for nodes in results])))
        for first, *copies in results:
            completed += [(copy._operation, (first,), (copy,)) for copy in copies]
    return completed


class Transcript:
    """Nodes written down as one hashable key, from which all that is to be known of their graph follows.

    Args:
        inputs: leaves that the key begins with.
        is_outside: tells of a node that none of those written down made, and that is no input, whether it
            stands for itself; otherwise it is a constant.

    Attributes:
        outside: the nodes that stand for themselves, in the order of first use.
        constants: the constants in the order of their use, floats or whole arrays.
        is_complete: False once a node was used that was to be written down before.
    """

    def __init__(self, inputs: Iterable[Any], is_outside: Callable[[Any], bool]) -> None:
        self.outside: list[Any] = []
        self.constants: list[Any] = []
        self.is_complete = True
        self._is_outside = is_outside
        self._places = {node: place for place, node in enumerate(inputs)}
        self._steps: list[Any] = []

    def note(self, nodes: Mapping[N, Any]) -> None:
        """Write down the operations that made nodes, in order, each with what else there is to tell of it."""
        places, steps, kind, place = self._places, self._steps, kinds[float], self._place
        known, any_scopes = places.get, context.any_scopes
        for node, told in nodes.items():
            left, right = node._left, node._right
            at_left = known(left) if type(left) is kind else None
            at_right = known(right) if type(right) is kind else None
            operation = node._operation
            steps += (
                operation.index if type(operation) is Projection else operation,
                place(left) if at_left is None else at_left,
                place(right) if at_right is None and right is not None else at_right,
                node.label,
                told,
                getattr(node, "_scopes", None) if any_scopes else None,
            )
            places[node] = len(places)

    def key(self, outputs: Iterable[Any]) -> tuple[Any, ...]:
        """What was written down and, beside the constants, which of it are the outputs."""
        ends = tuple([self._place(output) for output in outputs])
        return tuple(self._steps), ends

    def _place(self, operand: Any) -> Any:
        """Which node or input an operand is, in the order of writing; -1 for a constant."""
        if type(operand) is tuple:
            return tuple([self._place(part) for part in operand])
        place = None if type(operand) is float else self._places.get(operand)
        if place is not None:
            return place
        if type(operand) is float or (operand._operation is None and not self._is_outside(operand)):
            self.constants.append(operand if type(operand) is float else operand._number)
            return -1
        if type(operand._number) is tuple:  # a node of several results, of which some are written down
            self.note({operand: None})
        else:
            self.is_complete &= self._is_outside(operand)
            self._steps.append((operand.label, type(operand._number)))
            self.outside.append(operand)
            self._places[operand] = len(self._places)
        return self._places[operand]
