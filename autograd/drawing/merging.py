"""A sketch whose nodes are merged by groups, each of which becomes one node."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence

from autograd.drawing.sketch import Look, Sketch, SketchNode
from autograd.graph.scopes import Path, Scope

__all__ = ["merged"]

_KINDS = 5  # kinds of operations that a box lists


def merged(sketch: Sketch, groups: Sequence[Hashable], titles: Mapping[Hashable, str]) -> Sketch:
    """Draw each group of operations as one node, and inputs that the same groups use alike as one.

    Args:
        sketch: any sketch.
        groups: the group of each node; None for inputs and constants. A group of one operation that has
            no title stays as it is.
        titles: what stands in a group's box above all else.
    """
    return _Merger(sketch, groups, titles).sketch


class _Merger:
    def __init__(self, sketch: Sketch, groups: Sequence[Hashable], titles: Mapping[Hashable, str]) -> None:
        self.nodes = sketch.nodes
        self.groups = groups
        self.titles = titles
        self.members: dict[Hashable, list[int]] = {}
        for place, group in enumerate(groups):
            if group is not None:
                self.members.setdefault(group, []).append(place)
        self.outside = set(sketch.outputs)  # the results that are used outside of their group
        for place, node in enumerate(self.nodes):
            self.outside.update(part for part in node.operands if groups[part] != groups[place])
        self.paths = _Paths(self.nodes, self.members.values())

        self.merged: list[SketchNode] = []
        self.moved: dict[int, int] = {}  # where an input or an operation has gone
        self.add_inputs(sketch.outputs)
        ordered = sorted(self.members, key=lambda group: self.members[group][-1])
        constants = {group: self.add_constants(group) for group in ordered}
        for at, group in enumerate(ordered, len(self.merged)):
            self.moved.update(dict.fromkeys(self.members[group], at))
        for group in ordered:
            merge = self.whole if self.is_whole(group) else self.layer
            self.merged.append(merge(self.members[group], constants[group]))
        self.sketch = Sketch(
            self.merged, list(dict.fromkeys(self.moved[output] for output in sketch.outputs))
        )

    def is_whole(self, group: Hashable) -> bool:
        """Whether a group is one operation, to be drawn as such."""
        return len(self.members[group]) == 1 and group not in self.titles

    def add_inputs(self, outputs: Iterable[int]) -> None:
        """Add the inputs: as one those that the same groups use, in the same place of the same operation."""
        users: dict[int, set[Hashable]] = {}
        for place, node in enumerate(self.nodes):
            for i, operand in enumerate(node.operands):
                if self.nodes[operand].look is Look.INPUT:
                    users.setdefault(operand, set()).add((self.groups[place], node.primitive, i))
        for output in outputs:
            if self.nodes[output].look is Look.INPUT:
                users.setdefault(output, set()).add(output)
        alike: dict[Hashable, list[int]] = {}
        for place, of in users.items():
            alike.setdefault(frozenset(of), []).append(place)
        for places in alike.values():
            some = [self.nodes[place] for place in places]
            self.moved.update(dict.fromkeys(places, len(self.merged)))
            self.merged.append(some[0] if len(some) == 1 else _inputs(some))

    def add_constants(self, group: Hashable) -> list[int]:
        """Add the constants that a group uses, as one where the group is one; return their new places."""
        constants = [
            self.nodes[operand]
            for place in self.members[group]
            for operand in self.nodes[place].operands
            if self.nodes[operand].look is Look.CONSTANT
        ]
        if constants and not self.is_whole(group):
            constants = [SketchNode(Look.CONSTANT, data=_extremes(constant.data for constant in constants))]
        self.merged += constants
        return list(range(len(self.merged) - len(constants), len(self.merged)))

    def whole(self, members: list[int], constants: list[int]) -> SketchNode:
        """An operation as it is, with its operands where they have gone."""
        [node] = [self.nodes[place] for place in members]
        rest = iter(constants)
        operands = [self.moved[part] if part in self.moved else next(rest) for part in node.operands]
        return node._replace(operands=tuple(operands), scopes=self.paths.joined(node.scopes))

    def layer(self, members: list[int], constants: list[int]) -> SketchNode:
        """Operations as one, with the numbers of those whose results are used outside."""
        some = [self.nodes[place] for place in members]
        parts = dict.fromkeys(
            self.moved[part] for node in some for part in node.operands if part in self.moved
        )
        parts.pop(self.moved[members[0]], None)
        results = [self.nodes[place] for place in members if place in self.outside]
        inner = [self.nodes[place] for place in members if place not in self.outside]
        group = self.groups[members[0]]
        title = (self.titles[group],) if group in self.titles else ()
        below = _counted(inner)
        counts = [_counted(results), *([f"of {below}"] if below else [])]
        return SketchNode(
            Look.LAYER,
            (*parts, *constants),
            lines=(*title, *_names(results), *counts),
            data=_extremes(node.data for node in results),
            grad=_extremes(node.grad for node in results),
            scopes=self.paths.joined(some[0].scopes),
        )


def _inputs(some: list[SketchNode]) -> SketchNode:
    return SketchNode(
        Look.INPUTS,
        lines=(f"{len(some)} inputs", *_names(some)),
        data=_extremes(node.data for node in some),
        grad=_extremes(node.grad for node in some),
    )


def _names(some: list[SketchNode]) -> tuple[str, ...]:
    """The labels of nodes, in one line: the first and the last where there are many."""
    labels = list(dict.fromkeys(node.lines[0] for node in some if node.lines))
    if not labels:
        return ()
    return (", ".join(labels) if len(labels) <= 2 else f"{labels[0]} … {labels[-1]}",)


def _counted(some: list[SketchNode]) -> str:
    """How many operations there are of each kind: ``16 *, 4 tanh, sin``."""
    kinds = Counter(node.symbol for node in some if node.symbol).most_common()
    rest = sum(count for _, count in kinds[_KINDS:])
    parts = [f"{count} {symbol}" if count > 1 else symbol for symbol, count in kinds[:_KINDS]]
    return ", ".join(parts) + (f" and {rest} more" if rest else "")


def _extremes(numbers: Iterable[tuple[float, ...]]) -> tuple[float, ...]:
    """The smallest and the largest number; nan where one is nan; nothing of nothing."""
    flat = [number for some in numbers for number in some]
    if not flat:
        return ()
    return (math.nan,) if any(map(math.isnan, flat)) else tuple(dict.fromkeys((min(flat), max(flat))))


class _Paths:
    """The scopes that merged nodes are drawn in: scopes that share a group become one.

    Args:
        nodes: of a sketch.
        groups: the places of the nodes that are merged; their scopes have the same names.
    """

    def __init__(self, nodes: list[SketchNode], groups: Iterable[list[int]]) -> None:
        self.joined_with: dict[Scope, Scope] = {}
        for members in groups:
            first = nodes[members[0]].scopes
            for place in members:
                for scope, other in zip(nodes[place].scopes, first):
                    if self.first(scope) is not self.first(other):
                        self.joined_with[self.first(scope)] = self.first(other)
        alike: dict[Scope, dict[Scope, None]] = {}
        for node in nodes:
            for scope in node.scopes:
                alike.setdefault(self.first(scope), {})[scope] = None
        self.drawn = {first: _joined(scopes) for first, scopes in alike.items()}

    def first(self, scope: Scope) -> Scope:
        """The scope that stands for all that are joined with it."""
        while scope in self.joined_with:
            scope = self.joined_with[scope]
        return scope

    def joined(self, path: Path) -> Path:
        """The scopes to draw in the place of some."""
        return tuple([self.drawn[self.first(scope)] for scope in path])


def _joined(scopes: Collection[Scope]) -> Scope:
    """The scope that is drawn in the place of several: ``head × 4``, ``layer 1 … layer 3``."""
    first, *_, last = [*scopes, *scopes]
    if first is last:
        return first
    return Scope(
        f"{first.name} × {len(scopes)}" if first.name == last.name else f"{first.name} … {last.name}"
    )
