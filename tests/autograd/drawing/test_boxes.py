"""Scopes as labelled boxes."""

from __future__ import annotations

import contextlib
import re

import pytest

import autograd
from autograd import Value, draw, scope, trace, value_and_grad
from autograd.graph.scopes import enclose
from tests.autograd.drawing.reading import boxes, edges, written


def graph():
    w, x, y = Value(0.5, "w"), Value(2.0, "x"), Value(3.0, "y")
    with scope("outer"):
        a = w * x
        with scope("inner"):
            b = a.sin() + 1.0
    return b * w - y


@pytest.mark.usefixtures("layout")
def test_scopes_are_drawn_as_boxes_in_boxes():
    contents = boxes(draw(graph()).pipe())
    assert contents.keys() == {"outer", "inner"}
    assert {"sin", "+", "1"} <= set(contents["inner"])
    assert set(contents["inner"]) < set(contents["outer"])
    assert "x" in contents["outer"], "an input that only this scope uses"
    assert not {"w", "y", "-"} & set(contents["outer"]), "inputs that others use as well, and the rest"


def test_an_input_of_two_scopes_is_in_neither() -> None:
    x, y = Value(1.0, "x"), Value(2.0, "y")
    with scope("first"):
        a = x * y
    with scope("second"):
        b = a * x
    contents = boxes(draw(b).pipe())
    assert "y" in contents["first"]
    assert "x" not in contents["first"] + contents["second"]


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize("context", [contextlib.nullcontext, lambda: scope("box")])
def test_operands_are_from_top_to_bottom_as_the_formula_has_them(context) -> None:
    w = [Value(1.0, f"w{i}") for i in range(4)]
    with context():
        y = (w[0] * w[1] + w[2] * w[3]).exp()
    heights = {text.text: float(text.get("y")) for text in written(draw(y).pipe())}
    assert sorted((weight.label for weight in w), key=heights.get) == [weight.label for weight in w]


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize("context", [contextlib.nullcontext, lambda: scope("box")])
def test_functions_of_the_same_form_are_in_one_column(context) -> None:
    """The neurons of a layer, though the next one adds them up one by one."""
    w = [Value(1.0 + i, f"w{i}") for i in range(5)]
    with context():
        y = sum(weight.sin() for weight in w)
    columns = [text.get("x") for text in written(draw(y).pipe()) if text.text == "sin"]
    assert len(columns) == 5
    assert len(set(columns)) == 1


def test_boxes_change_nothing_of_what_is_drawn_in_them():
    plain = Value(0.5, "w") * Value(2.0, "x")
    with scope("part"):
        boxed = Value(0.5, "w") * Value(2.0, "x")
    assert sorted(edges(draw(plain)), key=str) == sorted(edges(draw(boxed)), key=str)


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize(
    "name", ["a|b {c} <d>", 'say "hi" \\N \\G', "a -> b; // c", "&amp; <b>", "∂L/∂w₁", "graph"]
)
def test_a_name_is_drawn_as_it_is(name):
    with scope(name):
        y = Value(1.0).sin()
    assert boxes(draw(y).pipe()).keys() == {name}


def test_many_scopes_are_drawn_without_recursion(few_frames_left):
    def nested(depth, v):
        while depth:
            stack.append(scope(f"{depth}"))
            stack[-1].__enter__()
            depth -= 1
        return v.sin()

    stack = []
    y = nested(200, Value(1.0))
    while stack:
        stack.pop().__exit__(None, None, None)
    assert draw(y).source.count("subgraph") == 200


def test_an_enclosed_part_is_drawn_as_a_box():
    part = Value(1.0, "x").sin()
    whole = part * 2
    enclose("part", part)
    assert "sin" in boxes(draw(whole).pipe())["part"]


@pytest.mark.usefixtures("layout")
def test_a_program_keeps_the_scopes_of_what_it_was_traced_from() -> None:
    def formula(w, x):
        with scope("outer"):
            a = w * x
            with scope("inner"):
                b = a.sin() + 1.0
        return b * w - x

    for program in (trace(formula, 0.5, 2.0), trace(value_and_grad(formula), 0.5, 2.0)):
        contents = boxes(draw(program).pipe())
        assert contents.keys() == {"outer", "inner"}
        assert {"sin", "+", "1"} <= set(contents["inner"])
        assert not {"-", "cos"} & set(contents["outer"]), "what is outside, and derivatives"


def test_a_box_stands_out_from_the_one_around_it() -> None:
    v = Value(1.0)
    with scope("1"), scope("2"), scope("3"), scope("4"):
        v = v.sin()
    fills = [fill for fill, _ in re.findall(r"fillcolor=(\S+) .* label=(\d)", draw(v).source)]
    assert [fill == "white" for fill in fills] == [False, True, False, True], "the picture itself is white"


def test_an_input_is_in_the_innermost_box_that_all_its_uses_are_in() -> None:
    x, y, z = Value(1.0, "x"), Value(2.0, "y"), Value(3.0, "z")
    with scope("outer"):
        with scope("left"), scope("deep"):
            a = x * y * z
        with scope("right"):
            b = x.sin() + a
        c = b * 2.0
    with scope("other"):
        d = c - y
    contents = boxes(draw(d).pipe())
    assert [name for name in contents if "x" in contents[name]] == ["outer"]
    assert [name for name in contents if "y" in contents[name]] == []
    assert {name for name in contents if "z" in contents[name]} == {"outer", "left", "deep"}


def test_only_functions_that_are_alike_and_do_not_follow_each_other_make_a_column() -> None:
    x = [Value(float(i), f"x{i}") for i in range(5)]
    assert "rank=same" not in draw(sum(value * 2.0 for value in x)).source
    assert "rank=same" not in draw(autograd.maximum(*x)).source
    assert "rank=same" not in draw(x[0].sin()).source
    assert "rank=same" in draw(x[0].sin() + x[1].sin()).source
