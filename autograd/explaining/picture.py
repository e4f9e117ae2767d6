"""The graph as the page draws it: boxes with room for what they say, edges as SVG paths."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import NamedTuple

from autograd.explaining.contents import Account
from autograd.explaining.layers import Layout, Point, Size, layered
from autograd.explaining.words import rounded, sign
from autograd.graph.value import Value
from autograd.graph.walks import number

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


def picture(account: Account) -> Picture:
    headings = [_heading(account, node) for node in range(len(account.nodes))]
    layout = layered(_sizes(account, headings), account.uses)
    boxes = [
        [round(length, 1) for length in (*corner, *size)]
        for corner, size in zip(layout.corners, layout.sizes)
    ]
    size = [round(length, 1) for length in layout.size]
    return Picture(size, headings, boxes, *_edges(account, layout))


def _heading(account: Account, node: int) -> str:
    """The first line in a box: a leaf and its number, an operation as a formula if it is short."""
    name, formula = _clipped(account.names[node]), account.formulas[node]
    if formula is None:
        return f"{name} = {rounded(number(account.nodes[node]))}"
    text = account.in_names(node, formula)
    return f"{name} = {text}" if _columns(text) <= SHORT_FORMULA else f"{name}: {sign(account.nodes[node])}"


def _sizes(account: Account, headings: list[str]) -> list[Size]:
    """A box is wide enough for all that it ever shows."""
    lines = [[heading, rounded(number(value))] for heading, value in zip(headings, account.nodes)]
    sent = [
        [(one, after) for one, _, _, _, after in step.shares if isinstance(one, Value) and after is not None]
        for step in account.backward
    ]
    expected = Counter(one for shares in sent for one, _ in shares)
    count: Counter[Value] = Counter()
    for shares in sent:
        count.update(one for one, _ in shares)
        for one, after in shares:
            part = f" ({count[one]}/{expected[one]})" if count[one] < expected[one] else ""
            lines[account.place[one]].append(f"∂ {rounded(after)}{part}")
    return [
        Size(max(map(_columns, shown)) * COLUMN + 2 * MARGIN, (3 if formula else 2) * LINE + MARGIN)
        for shown, formula in zip(lines, account.formulas)
    ]


def _columns(text: str) -> int:
    """How many columns a text takes in a monospaced font."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _clipped(name: str) -> str:
    while _columns(name) > LONGEST_NAME:
        name = name.rstrip("…")[:-1] + "…"
    return name


def _edges(account: Account, layout: Layout) -> tuple[list[list[str]], list[list[tuple[int, str]]]]:
    """The trunks and the edges of a `Picture`."""
    trunks: list[list[str]] = [[] for _ in account.nodes]
    edges: list[list[tuple[int, str]]] = [[] for _ in account.nodes]
    for (node, place), points in layout.routes.items():
        *shared, last = _path(points)
        one = account.uses[node][place]
        trunks[one] = max(trunks[one], shared, key=len)
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
