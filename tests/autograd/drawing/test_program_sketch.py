"""`draw` of programs: names instead of numbers."""

from __future__ import annotations

from autograd import Value, draw, trace
from autograd.drawing.repeats import HUB
from tests.autograd.drawing.reading import edges, labels, nodes


def test_a_program_is_drawn_with_its_names_and_no_numbers():
    picture = draw(trace(lambda x, w: [x * w + 2, w, 1.0], 1.0, 2.0))
    assert [edge[:2] for edge in sorted(edges(picture))] == [
        ("*", "+"),
        ("+", "result[0]"),
        ("1", "result[2]"),
        ("2", "+"),
        ("w", "*"),
        ("w", "result[1]"),
        ("x", "*"),
    ]
    assert "size of the gradient" not in picture.source
    assert picture.pipe("svg").startswith(b"<?xml")


def test_labelled_results_and_outputs_are_boxes_and_the_formula_is_a_tooltip():
    def f(x, y):
        h = x - y
        h.label = "h"
        return {"sum": h + 1, "same": h}

    drawn = nodes(draw(trace(f, 1.0, 2.0)))
    boxes = {node["label"] for node in drawn.values() if node["shape"] == "Mrecord"}
    assert boxes == {"h | result['same']", "result['sum']"}
    assert "h = x - y" in {node.get("tooltip") for node in drawn.values()}


def test_inputs_that_nothing_depends_on_are_left_out():
    weight = Value(2.0, "weight")
    assert sorted(labels(draw(trace(lambda x, unused: x * weight, 1.0, 2.0)))) == [
        "*",
        "result",
        "weight",
        "x",
    ]


def test_a_programs_hub_is_drawn_again_at_each_use():
    def f(a):
        total = a
        for _ in range(HUB + 2):
            total = total.sin() + a
        return total

    assert labels(draw(trace(f, 1.0))).count("a") == HUB + 3


def test_a_program_of_one_input_is_a_picture():
    assert [edge[:2] for edge in edges(draw(trace(lambda x: x, 1.0)))] == [("x", "result")]


def test_boxes_have_the_formula_as_a_tooltip_and_inputs_none():
    tooltips = {
        node["label"]: node["tooltip"] for node in nodes(draw(trace(lambda x, y: x - y, 1.0, 2.0))).values()
    }
    assert tooltips == {"x": " ", "y": " ", "-": "t1 = x - y", "result": "t1 = x - y"}


def test_outputs_that_no_operation_makes_are_nearest_to_themselves():
    program = trace(lambda x, w: [w, x * w, 1.0], 1.0, 2.0)
    drawn = labels(draw(program, max_nodes=3))
    assert sorted(drawn) == ["1", "result[2]", "… | result[0]", "… | result[1]"]
