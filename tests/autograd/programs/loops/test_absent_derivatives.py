"""A carry whose derivative is absent in some steps contributes nothing there, as in the loop written out."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autograd as ag
from autograd import Value, grad, hessian, jacobian, jit, jvp, scan, trace, value_and_grad, vmap
from autograd.engines import engine_names
from autograd.engines.looping.settling import settled
from autograd.programs.tracing import record


def written_out(step, carry, xs, length=None):
    """The same loop, in Python."""
    ys = []
    for i in range(len(xs) if length is None else length):
        carry, y = step(carry, None if xs is None else float(xs[i]))
        ys.append(y)
    return carry, ys


def last_is_infinite(p, run, count=3):
    """The root has an infinite slope in the last step, whose b goes into nothing."""

    def step(carry, x):
        a, b = carry
        return (a + b * p, ag.sqrt(b * (1.0 - x) + (p - x * p - b * 0.0) * x)), None

    xs = np.zeros(count)
    xs[-1] = 1.0
    return run(step, (0.0, p), xs)[0][0]


def first_is_infinite(p, run):
    """The root has an infinite slope in the first step, at a number that nothing is differentiated by."""
    return run(lambda c, _: (ag.sqrt(c) + p, None), 0.0, None, length=3)[0]


def chain(p, run):
    """What is in the last of four carries comes from the first, three steps later; each by a root of 0."""

    def step(carry, x):
        a, b, c, _ = carry
        return (a * p + x, ag.sqrt(a - x), ag.sqrt(b), ag.sqrt(c) * p), b

    (_, _, _, d), ys = run(step, (p, 0.0, 0.0, 0.0), np.array([0.25, 0.0, 0.1, 0.0, 0.0]))
    return d + ys[2]


def exchange(p, run):
    """Two carries change places: the derivative of each is there in every second step."""

    def step(carry, _):
        a, b = carry
        return (b, ag.sqrt(a) * p), None

    return run(step, (0.0, p), None, length=5)[0][0]


CASES = [last_is_infinite, first_is_infinite, chain, exchange]


@pytest.mark.parametrize("f", CASES)
def test_it_is_that_of_the_loop_written_out(f):
    expected = grad(f)(1.7, written_out)
    assert math.isfinite(expected)
    assert grad(lambda p: f(p, scan))(1.7) == pytest.approx(expected, rel=1e-14)
    for engine in engine_names():
        value, slope = jit(value_and_grad(lambda p: f(p, scan)), engine)(1.7)
        assert (value, slope) == pytest.approx((f(1.7, written_out), expected), rel=1e-14), engine
        assert jit(lambda p: jvp(lambda q: f(q, scan), (p,), (1.0,))[1], engine)(1.7) == pytest.approx(
            jvp(lambda q: f(q, written_out), (1.7,), (1.0,))[1], rel=1e-14
        )
    assert vmap(grad(lambda p: f(p, scan)))(np.array([1.7, 1.7]))[1] == pytest.approx(expected, rel=1e-14)
    p = Value(1.7)
    f(p, scan).backward()
    assert p.grad == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("f", [last_is_infinite, exchange])
def test_second_derivatives(f):
    expected = hessian(lambda p: f(p, written_out))(1.7)
    assert math.isfinite(expected)
    assert hessian(lambda p: f(p, scan))(1.7) == pytest.approx(expected, rel=1e-13)
    assert jit(hessian(lambda p: f(p, scan)))(1.7) == pytest.approx(expected, rel=1e-13)
    assert jacobian(grad(lambda p: f(p, scan)))(1.7) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("count", [1, 2, 300])
def test_checkpointed_loops_and_loops_of_any_length(count):
    expected = grad(lambda p: last_is_infinite(p, written_out, count))(1.7)
    for checkpoint in (None, 7, "binomial"):

        def run(step, carry, xs, checkpoint=checkpoint):
            return scan(step, carry, xs, checkpoint=checkpoint)

        result = jit(grad(lambda p, run=run: last_is_infinite(p, run, count)))(1.7)
        assert result == pytest.approx(expected, rel=1e-12)


def test_an_infinite_slope_that_is_there_is_not_hidden():
    def f(p):
        return scan(lambda c, _: (ag.sqrt(c * p), None), 1.0, None, length=3)[0]

    assert grad(f)(0.0) == math.inf or math.isnan(grad(f)(0.0))


def test_derivatives_that_are_there_in_every_step_have_no_flags():
    program = trace(grad(lambda p: scan(lambda c, _: (ag.sin(c * p), None), p, None, length=9)[0]), 0.5)
    assert "is_there" not in str(program)
    assert "is_there" in str(trace(grad(lambda p: chain(p, scan)), 0.5))


def test_a_carry_that_becomes_constant_is_put_into_the_body():
    def body(a, b, c, x):
        return a * x, 1.0, ag.where(b, 2.0, a), ag.where(c, a, x)

    code = record(body, *[0.5] * 4)[0]
    assert settled(code, 1) is None
    steps, later = settled(code, 3)
    assert steps == 2
    assert [operation.name for operation in later.operations()] == ["mul"]
    for start in ([2.0, 0.0, 0.0], [2.0, 5.0, -1.0]):
        ours = theirs = start
        for x in (1.5, 0.5, -2.0, 3.0):
            outputs = code([*ours, x])
            if steps:
                steps -= 1
            else:
                assert later([*theirs, x]) == outputs
            ours = theirs = outputs[:3]
        steps = 2
