"""What a loop's steps compute at cost is kept for its reverse, and not computed there once more."""

from __future__ import annotations

import numpy as np
import pytest

import autograd as ag
from autograd import detect_anomaly, grad, hessian, jit, scan, trace, value_and_grad
from autograd.programs.loops.loop import Loop

XS = np.linspace(-1.0, 1.0, 30)


def bodies_of(f, *args):
    """The operations of each loop's body in a function's program."""
    return [loop.body.counts() for loop in trace(f, *args).code.operations() if isinstance(loop, Loop)]


def looped(step, p, run=scan):
    return run(step(p), p, XS)[0]


def written_out(step, carry, xs):
    for x in xs:
        carry, _ = step(carry, float(x))
    return carry, None


def exponential(p):
    return lambda c, x: (0.1 * ag.exp(c * x) + 0.5 * c, None)


def oscillating(p):
    return lambda c, x: (c + 0.1 * ag.sin(c * p + x), None)


def choosing(p):
    return lambda c, x: (ag.where(x < 2.0, c * p + x, ag.exp(1e5 * (c * c + 1.0))), None)


@pytest.mark.parametrize(
    ("step", "kept"), [(exponential, {"exp"}), (oscillating, {"sin", "cos"}), (choosing, set())]
)
def test_it_is_computed_once_and_the_gradient_is_that_of_the_loop_written_out(step, kept):
    forward, back = bodies_of(value_and_grad(lambda p: looped(step, p)), 0.7)
    assert kept <= {*forward}
    assert not kept & {*back}
    value, slope = value_and_grad(lambda p: looped(step, p, written_out))(0.7)
    for run in (value_and_grad, lambda f: jit(value_and_grad(f)), lambda f: jit(value_and_grad(f), "python")):
        assert run(lambda p: looped(step, p))(0.7) == pytest.approx((value, slope), rel=1e-13)
    assert hessian(lambda p: looped(step, p))(0.7) == pytest.approx(
        hessian(lambda p: looped(step, p, written_out))(0.7), rel=1e-11
    )


def test_what_is_not_selected_is_no_anomaly():
    with detect_anomaly():
        assert np.isfinite(grad(lambda p: looped(choosing, p))(0.7))
        assert np.isfinite(jit(grad(lambda p: looped(choosing, p)))(0.7))


def test_at_most_three_numbers_are_kept_a_carry_and_step():
    def step(c, x):
        for i in range(1, 9):
            c = ag.sin(c * i) + ag.exp(-c * c) * x
        return c, None

    forward = next(
        loop
        for loop in trace(grad(lambda p: scan(step, p, XS)[0]), 0.7).code.operations()
        if isinstance(loop, Loop) and not loop.is_reversed
    )
    assert 2 <= len(forward.stacked) <= 3
