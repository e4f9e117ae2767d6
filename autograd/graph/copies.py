"""Copies and pickles of graphs: never by recursion, however deep the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd.graph import context
from autograd.graph.nodes import N, Node, is_array, new_node, parents
from autograd.graph.walks import depends_on, full_order, leaves_among

__all__ = ["Copied"]

_UNCOPIED = "nodes that stay themselves"  # a key of `deepcopy`'s memo, whose others are ids

Row = tuple[Any, ...]  # what `new_node` takes, the operands by their index


class Copied:
    """A node that can be copied and pickled, with all that it was computed from. Scopes stay behind.

    While a function is traced or differentiated, what depends on its arguments is its own copy: another
    node would be a number of this moment, from which no derivative leads back.
    """

    __slots__ = ()

    def __copy__(self: N) -> N:
        if _depends_on_variables(self):
            return self
        return _told(_again(self, parents(self)))

    def __deepcopy__(self: N, memo: dict[Any, Any]) -> N:
        uncopied: set[Any] = memo.setdefault(_UNCOPIED, set())  # what depends on variables
        waiting: list[Any] = [self]
        while waiting:  # each node after its operands, and once for all that is copied with it
            node = waiting[-1]
            nodes = [part for part in parents(node) if type(part) is not float]
            missing = [part for part in nodes if id(part) not in memo]
            if missing and id(node) not in memo:
                waiting += missing
                continue
            waiting.pop()
            if id(node) in memo:
                continue
            if node in context.variables or not uncopied.isdisjoint(nodes):
                uncopied.add(node)
                memo[id(node)] = node
            else:
                parts = [part if type(part) is float else memo[id(part)] for part in parents(node)]
                memo[id(node)] = _told(_again(node, parts))
        return memo[id(self)]  # type: ignore[no-any-return]

    def __reduce__(self: Node) -> tuple[Any, ...]:
        """Pickle the whole graph, flat.

        Leaves stay the same object wherever they occur in one pickle; an operation shared by two
        results that are pickled side by side comes back once for each.

        Raises:
            TypeError: it depends on what a function is being traced on or differentiated by.
        """
        if _depends_on_variables(self):
            raise TypeError(
                "a Value cannot be pickled, or sent to another process, inside of a function that is being "
                "traced or differentiated: its gradient would be lost. Call the pool outside, with the "
                "function that grad or jit returns, or use threads"
            )
        if self._operation is None:
            return new_node, _parts(self, ())
        order = full_order(self)
        inputs = leaves_among(map(parents, order))
        index = {node: i for i, node in enumerate([*inputs, *order])}
        rows: list[Row] = [
            _parts(node, tuple(part if type(part) is float else index[part] for part in parents(node)))
            for node in order
        ]
        return _rebuilt, (inputs, rows)


def _depends_on_variables(node: Any) -> bool:
    """Whether a node is or depends on what a function is being traced on or differentiated by."""
    return bool(context.variables) and depends_on([node], context.variables)


def _told(node: N) -> N:
    """A copy, of which a trace learns, as of any node that is made while it is on."""
    if context.active and node._operation is not None:
        context.tell_recorded(node)
    return node


def _parts(node: Any, operands: Sequence[Any]) -> tuple[Any, ...]:
    """What `new_node` makes a node of, with these operands."""
    if node._operation is None and node._right is True:  # a constant array
        operands = (None, True)
    dims = getattr(node, "_dims", None) if is_array(node) else None
    return type(node), node._operation, operands, node._number, node._grad, node.label, dims


def _again(node: N, operands: Sequence[Any]) -> N:
    return new_node(*_parts(node, operands))  # type: ignore[no-any-return]


def _rebuilt(inputs: list[N], rows: list[Row]) -> N:
    nodes = list(inputs)
    for kind, operation, indices, *rest in rows:
        parts = [index if type(index) is float else nodes[index] for index in indices]
        nodes.append(new_node(kind, operation, parts, *rest))
    return nodes[-1]
