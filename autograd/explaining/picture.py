"""The graph as the page draws it: boxes with room for what they say, edges as SVG paths."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import NamedTuple

from autograd.explaining.explained_graph import ExplainedGraph
from autograd.explaining.layers import Layout, Point, Size, layered
from autograd.graph.nodes import number
from autograd.graph.value import Value
from autograd.primitives.notation import format_rounded
from autograd.programs.formulas import PRINTED_SIGNS

__all__ = ["Picture", "picture"]

# Boxes are as wide as their text in a monospaced font of 12 px.
COLUMN, LINE, MARGIN = 7.3, 15.0, 6.0
SHORT_FORMULA = 9  # columns that a formula may take in a box; a longer one is there by its sign alone
LONGEST_NAME = 12  # columns that a name may take there


class Picture(NamedTuple):
    """What the page needs to draw a graph; lists have an entry a node.

    The edges out of one node run together, in a trunk, until each turns off: an edge is the number of
    the trunk's pieces that it goes through, and its own last piece.

    Attributes:
        size: width and height.
        headings: the first line in each box.
        boxes: left, top, width and height of each.
        trunks: of the edges out of each node.
        edges: those into each node, in the order of its operands.
    """

    size: list[float]
    headings: list[str]
    boxes: list[list[float]]
    trunks: list[list[str]]
    edges: list[list[tuple[int, str]]]


def picture(graph: ExplainedGraph) -> Picture:
    """Lay a graph out."""
    headings = [_heading(graph, node) for node in range(len(graph.nodes))]
    layout = layered(_sizes(graph, headings), graph.uses)
    boxes = [
        [round(length, 1) for length in (*corner, *size)]
        for corner, size in zip(layout.corners, layout.sizes)
    ]
    size = [round(length, 1) for length in layout.size]
    return Picture(size, headings, boxes, *_edges(graph, layout))


def _heading(graph: ExplainedGraph, node: int) -> str:
    """The first line in a box: a leaf and its number, an operation as a formula if it is short."""
    name, formula = _clipped(graph.names[node]), graph.formulas[node]
    if formula is None:
        return f"{name} = {format_rounded(number(graph.nodes[node]))}"
    text = graph.in_names(formula)
    if _columns(text) <= SHORT_FORMULA:
        return f"{name} = {text}"
    operation = graph.nodes[node]._op
    return f"{name}: {PRINTED_SIGNS.get(operation, operation)}"


def _sizes(graph: ExplainedGraph, headings: list[str]) -> list[Size]:
    """A box is wide enough for all that it ever shows."""
    lines = [[heading, format_rounded(number(value))] for heading, value in zip(headings, graph.nodes)]
    sent = [
        [
            (share.operand, share.after)
            for share in step.shares
            if isinstance(share.operand, Value) and share.after is not None
        ]
        for step in graph.backward
    ]
    expected = Counter(operand for shares in sent for operand, _ in shares)
    count: Counter[Value] = Counter()
    for shares in sent:
        count.update(operand for operand, _ in shares)
        for operand, after in shares:
            part = f" ({count[operand]}/{expected[operand]})" if count[operand] < expected[operand] else ""
            lines[graph.place[operand]].append(f"∂ {format_rounded(after)}{part}")
    return [
        Size(max(map(_columns, shown)) * COLUMN + 2 * MARGIN, (3 if formula else 2) * LINE + MARGIN)
        for shown, formula in zip(lines, graph.formulas)
    ]


def _columns(text: str) -> int:
    """How many columns a text takes in a monospaced font."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _clipped(name: str) -> str:
    while _columns(name) > LONGEST_NAME:
        name = name.rstrip("…")[:-1] + "…"
    return name


def _edges(graph: ExplainedGraph, layout: Layout) -> tuple[list[list[str]], list[list[tuple[int, str]]]]:
    """The trunks and the edges of a `Picture`."""
    trunks: list[list[str]] = [[] for _ in graph.nodes]
    edges: list[list[tuple[int, str]]] = [[] for _ in graph.nodes]
    for (node, place), points in layout.routes.items():
        *shared, last = _path(points)
        operand = graph.uses[node][place]
        trunks[operand] = max(trunks[operand], shared, key=len)
        edges[node].append((len(shared), last))
    return trunks, edges


def _path(points: list[Point]) -> list[str]:
    """An edge in SVG, point by point: straight where it stays level, as past boxes, and else curved."""
    x, y = points[0]
    pieces = [f"M{x:.1f} {y:.1f}"]
    for right, level in points[1:]:
        if abs(level - y) < 0.05:
            pieces.append(f"H{right:.1f}")
        else:
            middle = (x + right) / 2
            pieces.append(f"C{middle:.1f} {y:.1f} {middle:.1f} {level:.1f} {right:.1f} {level:.1f}")
        x, y = right, level
    return pieces
