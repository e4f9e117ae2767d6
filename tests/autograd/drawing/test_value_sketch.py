"""`draw` of values: what is drawn, and how the kinds of nodes are told apart."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd import Value, draw, primitive
from autograd.drawing.colours import INPUT_FILL
from autograd.drawing.repeats import LONGEST
from tests.autograd.drawing.reading import edges, labels, nodes


def test_values_and_operations_are_connected_nodes() -> None:
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    c = a * b
    c.label = "c"
    picture = draw((c + 1).tanh())
    assert [edge[:2] for edge in sorted(edges(picture))] == [
        ("*", "c | data -6 | grad 0"),
        ("+", "data -5 | grad 0"),
        ("1", "+"),
        ("a | data 2 | grad 0", "*"),
        ("b | data -3 | grad 0", "*"),
        ("c | data -6 | grad 0", "+"),
        ("data -5 | grad 0", "tanh"),
        ("tanh", "data -0.99991 | grad 0"),
    ]
    assert len(nodes(picture)) == 9


def test_gradients_are_drawn_and_nothing_is_changed() -> None:
    x, w = Value(1.23456789, "x"), Value(0.5, "w")
    loss = (w * x - 1) ** 2
    loss.backward()
    before = [(v.data, v.grad) for v in (x, w, loss)]
    picture = draw(loss)
    assert "x | data 1.2346 | grad -0.38272" in labels(picture)
    assert f"data {x.data}, grad {x.grad}" in picture.source, "the tooltip has all digits"
    assert [(v.data, v.grad) for v in (x, w, loss)] == before


def test_infinities_and_nan_are_drawn() -> None:
    assert "data inf | grad 0" in labels(draw(Value(1.0) / 0))
    assert "data nan | grad 0" in labels(draw(Value(-1.0).log()))


def test_kinds_of_nodes_differ_in_shape_border_and_fill() -> None:
    drawn = {node["label"]: node for node in nodes(draw(Value(1.0, "x") * 2)).values()}
    leaf, result = drawn["x | data 1 | grad 0"], drawn["data 2 | grad 0"]
    assert leaf["shape"] != result["shape"]
    assert (leaf["fillcolor"], result["fillcolor"]) == (INPUT_FILL, "#ffffff")
    assert float(leaf["penwidth"]) > 1
    assert "color" in leaf
    assert not {"penwidth", "color"} & result.keys()
    assert drawn["*"]["shape"] == "ellipse"
    assert drawn["2"]["shape"] == "plaintext"


def test_the_order_of_operands_is_told_where_it_matters() -> None:
    x, y = Value(5.0, "x"), Value(3.0, "y")
    number = {(tail[0], head): more.get("taillabel") for tail, head, more in edges(draw(x - y, y + x))}
    assert number["x", "-"] == "1"
    assert number["y", "-"] == "2"
    assert number["x", "+"] is number["y", "+"] is None
    choice = edges(draw(autograd.where(x, y, 7.0)))
    assert [(tail[0], more["taillabel"]) for tail, head, more in choice if head == "where"] == [
        ("x", "1"),
        ("y", "2"),
        ("7", "3"),
    ]
    sides = [float(more["labelangle"]) > 0 for _, head, more in choice if head == "where"]
    assert sides == [True, False, False], "the first number is above its line, the others are below theirs"
    assert "taillabel" not in draw(-x).source, "a single operand has no number"


def test_lines_between_results_are_straightened_before_those_from_inputs() -> None:
    """Dot keeps an edge the shorter and straighter, the larger its weight."""
    weight = {
        edge[:2]: int(edge[2].get("weight", 1))
        for edge in edges(draw(Value(1.0, "x").sin() * Value(2.0, "y")))
    }
    assert (
        weight["sin", "data 0.84147 | grad 0"]
        > weight["data 0.84147 | grad 0", "*"]
        > weight["y | data 2 | grad 0", "*"]
    )


def test_a_value_used_twice_by_one_operation_is_one_node_with_two_edges() -> None:
    x = Value(3.0, "x")
    assert sorted(edge[:2] for edge in edges(draw(x * x))) == [
        ("*", "data 9 | grad 0"),
        ("x | data 3 | grad 0", "*"),
        ("x | data 3 | grad 0", "*"),
    ]


@pytest.mark.parametrize(("uses", "copies"), [(8, 1), (9, 9)])
def test_an_input_used_more_than_8_times_is_drawn_again_beside_each_use(uses: int, copies: int) -> None:
    a, v = Value(0.5, "a"), Value(0.0, "v")
    for _ in range(uses):
        v = v + a
    drawn = [node for node in nodes(draw(v)).values() if node["label"].startswith("a |")]
    assert len(drawn) == copies
    assert all(("dashed" in node.get("style", "")) == (copies > 1) for node in drawn)


@pytest.mark.parametrize(("uses", "copies"), [(LONGEST + 1, 1), (LONGEST + 4, 4)])
def test_a_result_is_drawn_again_only_where_a_line_would_be_too_long(uses: int, copies: int) -> None:
    h = Value(1.0, "x") * 3
    h.label = "h"
    picture = draw(sum((h * i for i in range(uses)), Value(0.0)))
    drawn = [node for node in nodes(picture).values() if node["label"].startswith("h |")]
    assert len(drawn) == copies
    assert sum("dashed" in node.get("style", "") for node in drawn) == copies - 1


def test_a_constant_is_drawn_at_each_use() -> None:
    x = Value(1.0, "x")
    assert labels(draw((x + 2.5) * 2.5 - 2.5)).count("2.5") == 3


def test_several_results_share_one_picture() -> None:
    x = Value(2.0, "x")
    h = x * 3
    alone = Value(7.0, "alone")
    picture = draw(h + 1, h - 1, h, x, alone, alone)
    assert sorted(label for label in labels(picture) if "data" in label) == [
        "alone | data 7 | grad 0",
        "data 5 | grad 0",
        "data 6 | grad 0",
        "data 7 | grad 0",
        "x | data 2 | grad 0",
    ]


def test_a_leaf_alone_is_a_picture() -> None:
    assert labels(draw(Value(1.0, "x"))) == ["x | data 1 | grad 0"]


def test_a_deep_graph_is_walked_without_recursion() -> None:
    v = Value(1.0)
    for _ in range(5_000):
        v = -v
    assert len(nodes(draw(v, max_nodes=10_000))) == 10_001


def test_a_primitive_of_the_users_own_is_drawn_by_its_name_or_symbol() -> None:
    cube = primitive("drawn_cube", lambda x: x**3, lambda _, x: (3 * x**2,))
    odd = primitive("drawn_odd", lambda x, _: x, (1, 0), symbol="<|>")
    x = Value(2.0, "x")
    assert ("drawn_cube", "data 8 | grad 0", {"weight": "8"}) in edges(draw(cube(x)))
    assert r"\<\|\>" in labels(draw(odd(x, x)))


@pytest.mark.parametrize("thing", [3.0, "x", None, [Value(1.0)], np.array([1.0])])
def test_anything_but_a_value_is_refused_by_its_type(thing: object) -> None:
    with pytest.raises(TypeError, match=f"draw takes Values.*got {type(thing).__name__}"):
        draw(thing)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="draw takes Values"):
        draw(Value(1.0), thing)  # type: ignore[arg-type]


def test_a_drawing_says_how_large_it_is_and_what_to_do_with_it() -> None:
    text = repr(draw(Value(1.0) + 1))
    assert "4 nodes and 3 edges" in text
    assert ".render(" in text
    assert ".source" in text


def test_a_long_label_loses_its_middle_and_is_whole_in_the_tooltip() -> None:
    label = "first " + "and so on " * 20 + '{a|b} "last"'
    (box,) = nodes(draw(Value(1.0, label))).values()
    assert box["label"].startswith("first and so on")
    assert "…" in box["label"]
    assert len(box["label"]) < len(label)
    assert "and so on " * 20 in box["tooltip"]
    (short,) = nodes(draw(Value(1.0, "short"))).values()
    assert "short" not in short["tooltip"]


def test_a_line_of_a_box_has_60_characters_at_most_with_the_beginning_and_the_end_of_a_longer_one() -> None:
    fits = "".join(map(str, range(35)))
    long = f"{fits}5"
    assert len(fits) == 60
    (box,) = nodes(draw(Value(1.0, f"{fits}\n{long}"))).values()
    first, second = box["label"].split(" |")[0].split("\\n")
    assert first == fits
    assert second == f"{long[:30]}…{long[-29:]}"
