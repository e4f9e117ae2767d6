"""What the picture of `explain` says and has room for, and how its edges are drawn."""

from __future__ import annotations

import re
from importlib import resources

import pytest

import autograd as ag
from autograd import Value
from autograd.explaining import layers
from autograd.explaining.explained_graph import ExplainedGraph
from autograd.explaining.layers import AISLE, layered
from autograd.explaining.picture import COLUMN, LINE, MARGIN, picture
from tests.autograd.explaining.test_explaining import assignment, choices, shared_leaf


def test_a_leaf_shows_its_number_and_an_operation_its_formula_if_that_is_short() -> None:
    x, y = Value(-2.0, "x"), Value(0.123456789, "long")
    product = x * y
    product.label = "p"
    last = ag.where(ag.less(x, 0.0), product, (y**2).tanh())
    assert picture(ExplainedGraph(last)).headings == [
        "x = −2",
        "long = 0.123457",
        "t1 = x < 0",
        "p = x·long",
        "t3 = long²",
        "t4 = tanh(t3)",
        "L: where",
    ]
    assert picture(ExplainedGraph(Value(1.0, "abcd") * Value(1.0, "efgh"))).headings[-1] == "L = abcd·efgh"
    assert picture(ExplainedGraph(Value(1.0, "abcd") * Value(1.0, "efghi"))).headings[-1] == "L: ·"


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("twelve_chars", "twelve_chars"),
        ("thirteen_char", "thirteen_ch…"),
        ("fourteen_chars", "fourteen_ch…"),
        ("損失関数の勾配", "損失関数の…"),
    ],
)
def test_a_name_of_more_than_twelve_columns_is_shortened(label: str, shown: str) -> None:
    assert picture(ExplainedGraph(Value(1.0, label))).headings == [f"{shown} = 1"]


def widths(result: Value) -> dict[str, int]:
    """Of each node's box how many columns of text it has room for."""
    graph = ExplainedGraph(result)
    room = [(width - 2 * MARGIN) / COLUMN for _, _, width, _ in picture(graph).boxes]
    assert room == pytest.approx([round(length) for length in room], abs=0.01)
    return dict(zip(graph.names, map(round, room)))


def test_a_box_is_as_wide_as_the_longest_that_it_ever_shows() -> None:
    x = Value(3.0, "x")
    assert widths(x**2 + 5 * x) == {"x": len("∂ 5 (1/2)"), "t1": 7, "t2": 8, "L": 11}
    assert widths(x * x)["x"] == len("x = 3"), "both contributions come at once"
    assert widths(x * 0.123456)["x"] == len("∂ 0.123456")
    assert widths(Value(1.0, "x") * 3.25)["L"] == len("L = x·3.25")
    assert widths(Value(1.0, "x").exp().sin())["L"] == len("L = sin(t1)")
    assert widths(Value(1.0, "損失"))["損失"] == len("損失 = 1") + 2


def test_a_use_that_sends_nothing_is_no_contribution_to_make_room_for() -> None:
    """It comes first on the way back: the box then shows one contribution of two."""
    x = Value(0.0, "x")
    result = (x.sin() + x.exp() * 0.25) * ag.less(x, 5.0)
    assert widths(result)["x"] == len("∂ 0.25 (1/2)")
    assert widths(ag.less(x, 5.0) * (x.sin() + x.exp() * 0.25))["x"] == len("∂ 0.25 (1/2)")


def test_boxes_have_lines_for_what_they_say_and_stand_in_layers() -> None:
    x = Value(3.0, "x")
    drawn = picture(ExplainedGraph(x.exp()))
    left = 9 * COLUMN + 2 * MARGIN
    assert drawn.boxes == [
        pytest.approx([0, LINE / 2, left, 2 * LINE + MARGIN], abs=0.06),
        pytest.approx([left + AISLE, 0, 10 * COLUMN + 2 * MARGIN, 3 * LINE + MARGIN], abs=0.06),
    ]
    assert drawn.size == pytest.approx([sum(drawn.boxes[1][::2]), 3 * LINE + MARGIN], abs=0.11)


@pytest.mark.parametrize("build", [assignment, choices, shared_leaf])
def test_edges_go_through_the_points_of_the_layout_level_where_they_come_and_go(build) -> None:
    graph = ExplainedGraph(build())
    drawn = picture(graph)
    layout = layered([layers.Size(*box[2:]) for box in drawn.boxes], graph.uses)
    for (node, place), points in layout.routes.items():
        length, last = drawn.edges[node][place]
        trunk = drawn.trunks[graph.uses[node][place]]
        assert length <= len(trunk)
        pieces = [*trunk[:length], last]
        assert len(pieces) == len(points)
        x, y = points[0]
        for i, (piece, point) in enumerate(zip(pieces, points)):
            kind, numbers = piece[0], [float(digits) for digits in re.findall(r"-?[\d.]+", piece[1:])]
            if kind == "H":
                numbers.append(y)
            assert numbers[-2:] == pytest.approx(point, abs=0.2)
            if kind == "C":  # between layers
                assert i % 2 == 0
                middle = (x + point[0]) / 2
                assert numbers[:4] == pytest.approx([middle, y, middle, point[1]], abs=0.2)
            assert kind == ("M" if i == 0 else "H" if abs(y - point[1]) < 0.05 else "C")
            x, y = point


def test_the_page_writes_where_the_boxes_have_room() -> None:
    files = resources.files("autograd.explaining").joinpath("web")
    script, style = (files.joinpath(name).read_text("utf-8") for name in ("graph.js", "page.css"))
    lengths = re.search(r"PADDING = (\d+), LINE = (\d+);", script)
    font = re.search(r"#graph text \{[^}]*font: (\d+)px", style)
    assert lengths
    assert font
    padding, line, letter = int(lengths[1]), int(lengths[2]), 0.6 * int(font[1])
    leaf, operation = picture(ExplainedGraph(Value(3.0, "x").exp())).boxes
    assert leaf[3] == 2 * line + padding
    assert operation[3] == 3 * line + padding
    room = operation[2] - 2 * padding
    assert 10 * letter <= room <= 10 * 1.05 * letter, "a letter is that wide, or a little wider"
