"""Where `explain` puts boxes and edges: apart, in order, crossing little, as straight as can be."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations, pairwise, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, minimize

from autograd.explaining.explained_graph import ExplainedGraph
from autograd.explaining.layers import AISLE, BEND, GAP, STRAIGHTNESS, Layout, Size, layered
from tests.autograd.explaining.test_explaining import assignment, shared_leaf

Uses = list[list[int]]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Size], Uses]:
    """Boxes and operands of a graph that leads to its last node."""
    count = draw(st.integers(2, 25))
    uses = [draw(st.lists(st.integers(0, node - 1), max_size=3)) if node else [] for node in range(count)]
    used = {operand for parts in uses for operand in parts}
    uses.append([node for node in range(len(uses)) if node not in used] or [0])
    sizes = [Size(draw(st.integers(20, 90)), draw(st.sampled_from([36, 51]))) for _ in uses]
    return sizes, uses


@given(graphs())
def test_boxes_keep_apart_and_edges_go_to_the_right_past_all_of_them(graph: Any) -> None:
    sizes, uses = graph
    layout = layered(sizes, uses)
    boxes = [(x, y, x + size.width, y + size.height) for (x, y), size in zip(layout.corners, sizes)]
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert 0 <= left < right <= layout.size.width + 1e-6
        assert 0 <= top < bottom <= layout.size.height + 1e-6
        for a, b, c, d in boxes[:i]:
            assert right <= a or c <= left or bottom + GAP <= b + 1e-6 or d + GAP <= top + 1e-6
    for (node, place), points in layout.routes.items():
        operand = uses[node][place]
        assert points[0] == (boxes[operand][2], pytest.approx((boxes[operand][1] + boxes[operand][3]) / 2))
        assert points[-1][0] == boxes[node][0]
        assert boxes[node][1] < points[-1][1] < boxes[node][3]
        assert all(before[0] <= after[0] for before, after in pairwise(points))
        for (start, y), (end, level) in zip(points[::2], points[1::2]):  # within a layer, from side to side
            if (end, level) != points[-1]:
                assert y == level
                assert not any(a < end and start < c and b < y < d for a, b, c, d in boxes)


def test_a_tree_is_drawn_in_the_order_of_its_formula() -> None:
    uses = [[], [], [], [], [0, 1], [2, 3], [4, 5]]
    tops = [y for _, y in layered([Size(50, 40)] * 7, uses).corners]
    assert tops[0] < tops[1] < tops[2] < tops[3]
    assert tops[4] < tops[6] < tops[5]


def test_a_chain_is_drawn_straight() -> None:
    layout = layered([Size(50, 40)] * 5, [[], [0], [1], [2], [3]])
    assert {y for _, y in layout.corners} == {0.0}


def test_layers_are_as_wide_as_their_widest_box_and_an_edge_leads_from_side_to_side() -> None:
    sizes = [Size(10, 20), Size(30, 20), Size(50, 20), Size(40, 60)]
    layout = layered(sizes, [[], [], [0, 1], [0, 2]])
    second, last = 30 + AISLE, 30 + AISLE + 50 + AISLE
    assert [x for x, _ in layout.corners] == [0, 0, second, last]
    assert layout.size.width == last + 40
    assert [x for x, _ in layout.routes[2, 0]] == [10, 30, second]
    assert [x for x, _ in layout.routes[3, 0]] == [10, 30, second, second + 50, last]
    ports = [
        layout.routes[node, place][-1][1] - layout.corners[node][1] for node in (2, 3) for place in (0, 1)
    ]
    assert ports == pytest.approx([20 / 3, 40 / 3, 60 / 3, 120 / 3])
    assert min(y for _, y in layout.corners) >= 0


# What is in a layout, read from its routes. An item is a box or the passage of a node's edges past other
# boxes, known by its node and the left side of its layer.
Item = tuple[int, float]


class Drawn:
    """A layout's items with their middles and heights, and the links from item to item with their ports."""

    def __init__(self, layout: Layout, uses: Uses) -> None:
        self.middle: dict[Item, float] = {}
        self.height: dict[Item, float] = {}
        for node, ((x, y), size) in enumerate(zip(layout.corners, layout.sizes)):
            self.middle[node, x], self.height[node, x] = y + size.height / 2, size.height
        self.links: set[tuple[Item, Item, float]] = set()
        for (node, place), points in layout.routes.items():
            operand, (x, y) = uses[node][place], layout.corners[node]
            ahead = [(operand, layout.corners[operand][0])]
            for left, level in points[2:-1:2]:
                ahead.append((operand, left))
                self.middle[operand, left], self.height[operand, left] = level, BEND
            self.links |= {(*pair, 0.0) for pair in pairwise(ahead)}
            self.links.add((ahead[-1], (node, x), points[-1][1] - self.middle[node, x]))
        layers = sorted({x for _, x in self.middle})
        self.rows = [
            sorted((i for i in self.middle if i[1] == x), key=self.middle.__getitem__) for x in layers
        ]

    def is_passage(self, item: Item) -> bool:
        return self.height[item] == BEND


def crossings(links: list[tuple[float, float]]) -> int:
    """How many pairs of links cross, each given by where it starts and where it ends."""
    return sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(links, 2))


def drawn_crossings(drawn: Drawn) -> int:
    """Pairs of lines that cross from one layer to the next, counted one by one."""
    middle = drawn.middle
    return sum(
        crossings([(middle[a], middle[b] + port) for a, b, port in drawn.links if a in row])
        for row in map(set, drawn.rows[:-1])
    )


def fewest_crossings(drawn: Drawn) -> int:
    """The fewest that any order of the rows has: row by row, for each order the fewest up to there."""
    fewest = dict.fromkeys(permutations(drawn.rows[0]), 0)
    for row in drawn.rows[1:]:
        links = [link for link in drawn.links if link[1] in row]
        fewest_here = {}
        for order in permutations(row):
            ends = [order.index(b) + port / 1000 for _, b, port in links]
            fewest_here[order] = min(
                before + crossings([(left.index(a), end) for (a, _, _), end in zip(links, ends)])
                for left, before in fewest.items()
            )
        fewest = fewest_here
    return min(fewest.values())


def bend(drawn: Drawn, middles: Any) -> float:
    """How far links are from straight: squares, those along passages weighted."""
    at = dict(zip(drawn.middle, middles))
    return sum(
        (STRAIGHTNESS if drawn.is_passage(a) and drawn.is_passage(b) else 1.0) * (at[a] - at[b] - port) ** 2
        for a, b, port in drawn.links
    )


def straightest(drawn: Drawn) -> float:
    """The least of `bend` with the rows in this order, boxes apart."""
    place = {item: i for i, item in enumerate(drawn.middle)}
    apart, gaps = [], []
    for row in drawn.rows:
        for above, below in pairwise(row):
            apart.append(np.eye(len(place))[place[below]] - np.eye(len(place))[place[above]])
            gaps.append((drawn.height[above] + drawn.height[below]) / 2 + GAP)
    constraints = [LinearConstraint(np.array(apart), gaps, np.inf)] if apart else []
    start = np.array(list(drawn.middle.values()))
    best = minimize(lambda middles: bend(drawn, middles), start, method="SLSQP", constraints=constraints)
    return float(best.fun)


def small_graphs(count: int) -> Iterator[Drawn]:
    """Layouts of graphs with at most four items in a layer."""
    rng = random.Random(0)
    while count:
        nodes = rng.randint(5, 9)
        uses = [[], [], []]
        uses += [[rng.randrange(max(0, i - 4), i) for _ in range(rng.randint(1, 3))] for i in range(3, nodes)]
        used = {operand for parts in uses for operand in parts}
        uses.append([node for node in range(nodes) if node not in used] or [0])
        drawn = Drawn(layered([Size(40, rng.choice([36, 51])) for _ in uses], uses), uses)
        if max(map(len, drawn.rows)) <= 4:
            count -= 1
            yield drawn


def test_edges_are_as_straight_as_scipys_optimizer_makes_them_to_a_thousandth() -> None:
    for drawn in small_graphs(30):
        assert bend(drawn, [*drawn.middle.values()]) <= 1.001 * straightest(drawn) + 1e-3


def test_in_four_of_five_small_graphs_no_order_of_the_boxes_crosses_fewer_edges() -> None:
    beyond = [drawn_crossings(drawn) - fewest_crossings(drawn) for drawn in small_graphs(60)]
    assert min(beyond) == 0
    assert beyond.count(0) >= 49


@pytest.mark.parametrize(
    "uses",
    [
        ExplainedGraph(assignment()).uses,
        ExplainedGraph(shared_leaf()).uses,
        [[], [], [], [1], [3, 1], [0, 2, 4]],
    ],
)
def test_a_formula_that_can_be_drawn_without_crossings_is(uses: Uses) -> None:
    assert drawn_crossings(Drawn(layered([Size(40, 36)] * len(uses), uses), uses)) == 0
