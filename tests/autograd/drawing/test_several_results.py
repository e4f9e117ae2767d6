"""`draw` of operations with several results, and of those that hold code: one box with a field for each."""

from __future__ import annotations

import re

import numpy as np
import pytest

from autograd import Value, array, draw, grad, jit, scan, trace, value_and_grad, vmap
from tests.autograd.drawing.reading import boxes, edges, labels, nodes
from tests.autograd.programs.test_operations import divide

XS = np.array([1.0, 2.0, 3.0])


def damped(w):
    """A loop of two carries and stacked ys, and a second one over these."""

    def step(carry, x):
        position, speed = carry
        return (position + 0.1 * speed, speed - w * position + x), position * w

    (position, speed), ys = scan(step, (1.0, 0.0), XS)
    return position * speed + ys.sum()


def nested(w):
    def outer(c, x):
        def inner(d, z):
            return d * w + z, None

        return scan(inner, c, XS)[0] + x, None

    return scan(outer, 0.0, XS)[0]


def holders(picture):
    """The boxes with fields: for each its lines, and the texts of its fields."""
    found = []
    for node in nodes(picture).values():
        if re.search(r"<[io]1>", node["label"]):
            fields = re.findall(r"<(\w+)> ([^|}]*)", node["label"])
            title = re.search(r"\}\|([^|{}]+)", node["label"])[1]
            found.append((title.split("\\n"), dict(fields)))
    return found


def test_an_operation_with_two_results_is_one_box_from_which_both_come():
    a, b = Value(7.5, "a"), Value(2.0, "b")
    quotient, remainder = divide(a, b)
    quotient.label, remainder.label = "quotient", "remainder"
    picture = draw(quotient * remainder)
    assert sorted(edge[:2] for edge in edges(picture)) == [
        ("*", "data 4.5 | grad 0"),
        ("a | data 7.5 | grad 0", "floor_division.i1"),
        ("b | data 2 | grad 0", "floor_division.i2"),
        ("floor_division.o1", "quotient | data 3 | grad 0"),
        ("floor_division.o2", "remainder | data 1.5 | grad 0"),
        ("quotient | data 3 | grad 0", "*"),
        ("remainder | data 1.5 | grad 0", "*"),
    ]


def test_in_a_program_what_uses_a_result_is_joined_to_its_field():
    def f(a, b):
        quotient, remainder = divide(a, b)
        return quotient * remainder + remainder

    assert sorted(edge[:2] for edge in edges(draw(trace(f, 7.5, 2.0)))) == [
        ("*", "+"),
        ("+", "result"),
        ("a", "floor_division.i1"),
        ("b", "floor_division.i2"),
        ("floor_division.o1", "*"),
        ("floor_division.o2", "*"),
        ("floor_division.o2", "+"),
    ]


def test_a_result_that_nobody_uses_has_no_box_but_a_field():
    picture = draw(divide(Value(7.5, "a"), 2.0)[1])
    assert [edge[:2] for edge in edges(picture)] == [
        ("floor_division.o2", "data 1.5 | grad 0"),
        ("a | data 7.5 | grad 0", "floor_division.i1"),
    ]
    assert holders(picture) == [(["floor_division"], {"i1": "1", "i2": "2 = 2", "o1": "1", "o2": "2"})]


@pytest.mark.parametrize("of_values", [True, False])
def test_a_loop_is_one_box_that_names_its_step_and_its_operands(of_values):
    drawn = damped(Value(0.3, "w")) if of_values else trace(damped, 0.3)
    (lines, fields), *others = sorted(holders(draw(drawn)), key=lambda box: -len(box[1]))
    if of_values:
        ((summing, _),) = others
        assert lines == ["loop", "step: 5 operations"]
        assert summing[1].endswith(": 1 operation")
    else:  # the sum is made along the way
        assert (lines, others) == (["loop", "step: 6 operations"], [])
    operands = {"steps = 3", "carry[0] = 1", "carry[1] = 0", "x = array[3]", "w"}
    assert operands <= set(fields.values())
    assert [fields[name] for name in ("o1", "o2", "o3")] == ["1", "2", "3"]


def test_an_array_of_a_graph_says_how_long_it_is_and_between_which_numbers_it_lies():
    w = Value(0.3, "w")
    _, ys = scan(lambda c, x: (c + x, c * w), 1.0, XS)
    ys.sum().backward()
    assert "array[3] | data 0.3 … 1.2 | grad 1" in labels(draw(ys.sum()))


@pytest.mark.parametrize("unfold", [False, True])
@pytest.mark.parametrize("fold", [None, "layers", "scopes"])
@pytest.mark.parametrize("f", [damped, nested, value_and_grad(damped), value_and_grad(nested)])
def test_pictures_of_loops_are_laid_out(f, fold, unfold):
    for drawn in (trace(f, 0.3), *([f(Value(0.3, "w"))] if f in (damped, nested) else [])):
        svg = draw(drawn, fold=fold, unfold=unfold).pipe("svg")
        assert svg.startswith(b"<?xml")


def test_unfolded_code_is_in_a_labelled_box_within_the_box_that_holds_it():
    within = boxes(draw(trace(nested, 0.3), unfold=True).pipe("svg"))
    inner = ["w", "d", "z", "*", "+"]
    assert sorted(within) == ["loop: inner, steps = 3", "loop: outer, steps = 3"]
    assert sorted(within["loop: inner, steps = 3"]) == sorted(inner)
    assert {"c", "x", "+", *inner} <= set(within["loop: outer, steps = 3"])
    assert not holders(draw(trace(nested, 0.3), unfold=True))


def test_unfolded_each_result_is_joined_to_what_makes_it_in_the_last_step():
    def f(w):
        return scan(lambda c, _: (c * w, None), 1.0, None, length=3)[0]

    assert sorted(edge[:2] for edge in edges(draw(f(Value(2.0, "w")), unfold=True))) == [
        ("*", "data 8 | grad 0"),
        ("1", "c"),
        ("c", "*"),
        ("w", "*"),
        ("w | data 2 | grad 0", "w"),
    ]


def test_unfolded_a_number_of_steps_that_is_not_known_is_an_input_of_the_box():
    def f(w):
        return scan(lambda c, x: (c * w + x, None), 1.0, XS, checkpoint="sqrt")[0]

    within = {edge[:2] for edge in edges(draw(trace(grad(f), 0.3), unfold=True))}
    assert {("steps", "steps"), ("3", "steps")} <= within


def test_a_call_is_a_box_with_the_name_of_the_function():
    @jit
    def area(width, height):
        return width * height, width + height

    covered, _ = area(Value(2.0, "width"), Value(3.0, "height"))
    ((lines, fields),) = holders(draw(covered))
    assert lines[1] == "area: 2 operations"
    assert list(fields.values())[:2] == ["width", "height"]


def test_a_map_is_a_box_that_says_how_many_samples_there_are():
    f = vmap(lambda x, w: (w * x).sin(), in_axes=(0, None), reduce="sum")
    ((lines, fields),) = holders(draw(trace(lambda w: f(XS, w), 0.5)))
    assert lines[0] == "map"
    assert list(fields.values()) == ["samples = 3", "x = array[3]", "w"]


def test_an_operation_of_very_many_results_has_no_fields():
    elements = array(np.arange(60.0)) * Value(2.0)
    picture = draw(sum([*elements]))
    assert all("unstack_60" not in lines for lines, _ in holders(picture))
    assert labels(picture).count("unstack_60") == 1


def test_layers_fold_several_results_with_their_operation():
    a = [Value(float(i), f"a{i}") for i in range(4, 8)]
    pairs = [divide(part, 2.0) for part in a]
    picture = draw(sum(quotient * remainder for quotient, remainder in pairs), fold="layers")
    assert "4 floor_division" in " ".join(labels(picture))
