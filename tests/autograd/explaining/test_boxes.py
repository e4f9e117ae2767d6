"""`explain` and `derive` of graphs with loops, calls and operations with several results."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from autograd import Value, array, custom_derivative, derive, explain, grad, jit, scan, vmap
from tests.autograd.programs.test_operations import wave

XS = np.array([1.0, 2.0, 3.0])


def damped(w, b):
    """The last carry, and a sum of what the steps stack."""

    def step(c, x):
        c = (w * c + x + b).tanh()
        return c, c * c

    last, squares = scan(step, 0.5, XS)
    return last * w + squares.sum()


def nested(w, b):
    def outer(c, x):
        return scan(lambda d, z: (d * w + z * b, None), c, XS)[0] + x, None

    return scan(outer, b, XS)[0]


def of_two_carries(w, b):
    def step(carry, x):
        position, speed = carry
        return (position + 0.1 * speed, speed - w * position + x), None

    (position, speed), _ = scan(step, (b, 1.0), XS)
    return position * speed


def through_arrays(w, b):
    values = array([w, b, w * b])
    return (values * XS + b).sum() + values[1]


area = jit(lambda width, height: (width * height, width + height))


def called(w, b):
    covered, around = area(w, b)
    return covered * around.sin()


@custom_derivative
def scaled(a, b):
    return a * b, a + b


@scaled.pull
def _(args, results, adjoints):
    (a, b), (product, total) = args, adjoints
    return product * b + total, product * a + total


def with_a_rule_of_its_own(w, b):
    product, total = scaled(w, b * b)
    return product * total.sin()


def mapped(w, b):
    return vmap(lambda x, w: (w * x).sin() * b, in_axes=(0, None), reduce="sum")(XS, w)


FORMULAS = [damped, nested, of_two_carries, through_arrays, called, with_a_rule_of_its_own, mapped, wave]


def explained(f, **settings):
    """What a page says of the leaves' gradients, and what `backward` finds."""
    w, b = Value(0.7, "w"), Value(0.3, "b")
    result = f(w, b)
    page = explain(result, **settings)
    assert (w.grad, b.grad) == (0.0, 0.0)
    result.backward()
    last = str(page).splitlines()[-1]
    told = dict(re.findall(r"(\w+) (−?[\d.e−]+)[,.]?(?= |$)", last.partition("leaves: ")[2]))
    return {name: float(text.replace("−", "-").rstrip(".")) for name, text in told.items()}, (w, b)


@pytest.mark.parametrize("unfold", [False, True])
@pytest.mark.parametrize("f", FORMULAS)
def test_gradients_are_those_of_backward(f, unfold):
    told, (w, b) = explained(f, unfold=unfold)
    assert told == {"w": pytest.approx(w.grad, rel=1e-5), "b": pytest.approx(b.grad, rel=1e-5)}


def test_a_loop_is_a_function_of_the_numbers_that_went_in():
    lines = str(explain(damped(Value(0.3, "w"), Value(0.1, "b")))).splitlines()
    assert lines[0] == "L is computed from 2 leaves by 4 operations."
    assert lines[1].startswith("Forward: t1 = step(w, b) = step(0.3, 0.1) = 0.99775")
    slope = grad(lambda w: scan(lambda c, x: ((w * c + x + 0.1).tanh(), None), 0.5, XS)[0])(0.3)
    (backward,) = (line for line in lines if line.startswith("Backward through t1"))
    assert f"w receives 0.3·{slope:.6g}" in backward


def test_each_result_is_a_step_of_its_own():
    text = str(explain(of_two_carries(Value(0.7, "w"), Value(0.3, "b"))))
    assert "t1 = step₁(b, w)" in text
    assert "t2 = step₂(b, w)" in text


def test_unfolded_each_step_of_a_loop_is_told():
    w = Value(2.0, "w")
    text = str(explain(scan(lambda c, x: (c * w + x, None), 1.0, XS)[0], unfold=True))
    assert "Forward: t2 = t1 + 1 = 2 + 1 = 3." in text
    assert "Forward: L = t5 + 3 = 16 + 3 = 19." in text
    assert text.splitlines()[-1] == "Done. The gradients of the leaves: w 18."


@pytest.mark.parametrize("unfold", [False, True])
def test_labels_stay(unfold):
    w = Value(0.5, "w")
    last, _ = scan(lambda c, x: (c * w + x, None), 1.0, XS)
    last.label = "last"
    loss = last**2
    loss.label = "loss"
    text = str(explain(loss, unfold=unfold))
    assert "Forward: loss = last² =" in text


def test_a_page_of_a_loop_has_its_numbers():
    page = explain(damped(Value(0.3, "w"), Value(0.1, "b"))).html
    (data,) = re.findall(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page, re.S)
    nodes = {node["name"]: node for node in json.loads(data)["nodes"]}
    assert nodes["t1"]["value"][0] == "0.997751"
    assert nodes["t1"]["partials"] == [None, None]


def test_numbers_that_were_changed_since_are_refused():
    w = Value(0.5, "w")
    result = scan(lambda c, x: (c * w + x, None), 1.0, XS)[0]
    w.data = 0.6
    with pytest.raises(ValueError, match="changed since"):
        explain(result)


def test_a_long_loop_is_one_step_and_refused_unfolded():
    w = Value(0.5, "w")
    result = scan(lambda c, x: (c * w + x, None), 1.0, np.arange(1e6))[0]
    assert len(str(explain(result)).splitlines()) == 5
    with pytest.raises(ValueError, match=r"2000000 operations with its loops written out.*leave out unfold"):
        explain(result, unfold=True)


def test_a_short_loop_is_derived_step_by_step():
    derivation = derive(lambda w: scan(lambda c, x: ((w * c + x).tanh(), None), 0.0, XS)[0], 0.5)
    assert "t2 = tanh(w*t1 + 2)" in str(derivation)
    assert "df/dt2" in str(derivation)


def test_a_long_loop_is_not_derived_and_the_message_says_what_to_do():
    with pytest.raises(ValueError, match=r"loops written out.*derive a loop of fewer steps"):
        derive(lambda w: scan(lambda c, x: (c * w + x, None), 1.0, np.arange(1e6))[0], 0.5)
    with pytest.raises(TypeError, match=r"floor_division.*derive what comes before it and after it"):
        derive(wave, 3.7, 1.3)
