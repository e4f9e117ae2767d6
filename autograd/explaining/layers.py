"""Where the boxes of a graph go: in layers from left to right, each box left of all that use it.

The method of K. Sugiyama, S. Tagawa and M. Toda, Methods for visual understanding of hierarchical
system structures, IEEE Trans. SMC 11 (1981): layers, then an order within each that crosses few
edges, then places that make edges straight. It needs nothing installed, and gives the same picture
for the same graph everywhere.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Layout", "Size", "layered"]

GAP = 9.0  # between boxes one above the other
AISLE = 22.0  # between layers
BEND = 3.0  # the height of an edge on its way past boxes
STRAIGHTNESS = 4.0  # how much more an edge counts where it passes boxes
SWEEPS = 12  # over all layers, for the order; and as many for the places

Point = tuple[float, float]


class Size(NamedTuple):
    """What a box takes up."""

    width: float
    height: float


class Layout(NamedTuple):
    """A finished layout.

    Attributes:
        size: of the whole.
        sizes: of each box, as given.
        corners: the upper left corner of each box.
        routes: for each edge the points that it goes through, by (node, operand's place).
    """

    size: Size
    sizes: Sequence[Size]
    corners: list[Point]
    routes: dict[tuple[int, int], list[Point]]


def layered(sizes: Sequence[Size], uses: Sequence[Sequence[int]]) -> Layout:
    """Lay out a graph with one last node, that all others lead to.

    Args:
        sizes: of each node's box.
        uses: the operands of each node in order, as positions in ``sizes``; an operand comes before
            the nodes that use it.

    >>> layout = layered([Size(20, 10), Size(30, 10)], [[], [0]])
    >>> layout.corners, layout.size
    ([(0.0, 0.0), (42.0, 0.0)], Size(width=72.0, height=10.0))
    """
    graph = _Layers(uses)
    _untangle(graph)
    tops = _tops(graph, [size.height for size in sizes])
    lefts, rights = _sides(graph, [size.width for size in sizes])
    corners = [(lefts[graph.layer[node]], tops[node, None]) for node in range(len(uses))]

    def route(node: int, place: int) -> list[Point]:
        """Out of the middle of the operand's box, past the layers between, in at the operand's port."""
        operand = uses[node][place]
        y = corners[operand][1] + sizes[operand].height / 2
        points = [(corners[operand][0] + sizes[operand].width, y), (rights[graph.layer[operand]], y)]
        for layer in range(graph.layer[operand] - 1, graph.layer[node], -1):
            y = tops[operand, layer] + BEND / 2
            points += [(lefts[layer], y), (rights[layer], y)]
        left, top = corners[node]
        return [*points, (left, top + sizes[node].height * (0.5 + _port(uses[node], place)))]

    height = max(top + size.height for (_, top), size in zip(corners, sizes))
    routes = {
        (node, place): route(node, place) for node in range(len(uses)) for place in range(len(uses[node]))
    }
    return Layout(Size(rights[0], height), sizes, corners, routes)


def _port(parts: Sequence[int], place: int) -> float:
    """Where an operand enters, as a part of the height from the middle: the first above the second."""
    return (place + 1) / (len(parts) + 1) - 0.5


# An item of a layer: a box (node, None), or the passage of the edges out of a node (node, layer).
# The edges out of one node share their passages, so that a node used everywhere has one trunk.
_Item = tuple[int, int | None]
_Links = dict[_Item, list[tuple[_Item, float]]]


class _Layers:
    """A graph in layers, counted from the last node back.

    Attributes:
        layer: of each node.
        rows: the items of each layer, from top to bottom.
        after: for each item those that it leads to, one layer on, each with the port that it enters.
        before: the same from the other end.
    """

    def __init__(self, uses: Sequence[Sequence[int]]) -> None:
        self.uses = uses
        self.layer = [0] * len(uses)
        for node in reversed(range(len(uses))):
            for operand in uses[node]:
                self.layer[operand] = max(self.layer[operand], self.layer[node] + 1)
        self.rows: list[list[_Item]] = [[] for _ in range(max(self.layer) + 1)]
        self.after: _Links = defaultdict(list)
        self.before: _Links = defaultdict(list)
        for node in self._depth_first():
            self.rows[self.layer[node]].append((node, None))
            for place, operand in enumerate(uses[node]):
                self._connect(operand, node, _port(uses[node], place))

    def _depth_first(self) -> Iterator[int]:
        """The nodes from the last one back, operands in order: a tree drawn so crosses no edges."""
        stack, seen = [len(self.uses) - 1], set()
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                yield node
                stack.extend(reversed(self.uses[node]))

    def _connect(self, operand: int, node: int, port: float) -> None:
        """An edge, from its end back through the layers between, until it meets another of the same start."""
        target: _Item = (node, None)
        for layer in range(self.layer[node] + 1, self.layer[operand] + 1):
            item = (operand, layer if layer < self.layer[operand] else None)
            known = item in self.after
            self.after[item].append((target, port))
            self.before[target].append((item, port))
            if known:
                return
            if item[1] is not None:
                self.rows[layer].append(item)
            target, port = item, 0.0


def _untangle(graph: _Layers) -> None:
    """Order each row by the mean place of its neighbours, to and fro; keep the best order."""
    best, fewest = [list(row) for row in graph.rows], _crossings(graph)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        pairs = list(pairwise(graph.rows))  # each row with the one to its left
        if sweep % 2 == 0:
            for fixed, row in pairs:
                _sort(row, fixed, graph.after)
        else:
            for row, fixed in reversed(pairs):
                _sort(row, fixed, graph.before)
        crossings = _crossings(graph)
        if crossings < fewest:
            best, fewest = [list(row) for row in graph.rows], crossings
    graph.rows = best


def _sort(row: list[_Item], fixed: list[_Item], links: _Links) -> None:
    """Order a row by where its neighbours in a fixed row are; a box's own ports cancel out in the mean."""
    at = {item: place for place, item in enumerate(fixed)}
    wishes = {item: float(place) for place, item in enumerate(row)}
    for item in row:
        near = [at[other] + port for other, port in links.get(item, ())]
        if near:
            wishes[item] = sum(near) / len(near)
    row.sort(key=wishes.__getitem__)


def _crossings(graph: _Layers) -> int:
    """How many pairs of edges cross: inversions, counted layer by layer."""
    total = 0
    for fixed, row in pairwise(graph.rows):
        at = {item: place for place, item in enumerate(fixed)}
        passed: list[float] = []
        for item in row:
            ends = [at[other] + port for other, port in graph.after[item]]
            total += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return total


def _tops(graph: _Layers, heights: Sequence[float]) -> dict[_Item, float]:
    """The upper edge of each item: near its neighbours' middle, in the row's order, never overlapping."""
    tall = {item: heights[item[0]] if item[1] is None else BEND for row in graph.rows for item in row}
    middle: dict[_Item, float] = {}

    def wish(item: _Item) -> tuple[float, float]:
        """Where an item's edges are straight in the mean, and the weight of that."""
        places = [(middle[other] + port * tall[other], other) for other, port in graph.after.get(item, ())]
        places += [(middle[other], other) for other, _ in graph.before.get(item, ())]  # its ports cancel out
        if not places:
            return middle[item], 1.0
        passing = item[1] is not None
        weights = [STRAIGHTNESS if passing and other[1] is not None else 1.0 for _, other in places]
        total = sum(weights)
        return sum(weight * place for weight, (place, _) in zip(weights, places)) / total, total

    packed = []  # for each row how far from its first item's middle each item's must be at least
    for row in graph.rows:
        offsets = [0.0]
        for above, item in pairwise(row):
            offsets.append(offsets[-1] + (tall[above] + tall[item]) / 2 + GAP)
        packed.append(offsets)
        middle.update(zip(row, offsets))
    for sweep in range(SWEEPS):
        for row, offsets in list(zip(graph.rows, packed))[:: 1 if sweep % 2 else -1]:
            wishes = [wish(item) for item in row]
            free = _nondecreasing(
                [(place - offset, weight) for (place, weight), offset in zip(wishes, offsets)]
            )
            middle.update((item, place + offset) for item, place, offset in zip(row, free, offsets))
    highest = min(middle[item] - tall[item] / 2 for item in middle)
    return {item: place - tall[item] / 2 - highest for item, place in middle.items()}


def _nondecreasing(wishes: Sequence[tuple[float, float]]) -> list[float]:
    """The nondecreasing sequence nearest to (wish, weight) by squares: pool adjacent violators."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for mean, weight in wishes:
        count = 1
        while pools and pools[-1][0] >= mean:
            other, mass, size = pools.pop()
            mean = (mean * weight + other * mass) / (weight + mass)
            weight, count = weight + mass, count + size
        pools.append((mean, weight, count))
    return [mean for mean, _, count in pools for _ in range(count)]


def _sides(graph: _Layers, widths: Sequence[float]) -> tuple[list[float], list[float]]:
    """The left and the right edge of each layer, the last layer being the leftmost."""
    lefts, rights = [0.0] * len(graph.rows), [0.0] * len(graph.rows)
    edge = -AISLE
    for layer in reversed(range(len(graph.rows))):
        lefts[layer] = edge + AISLE
        edge = rights[layer] = lefts[layer] + max(
            widths[node] for node, passage in graph.rows[layer] if passage is None
        )
    return lefts, rights
