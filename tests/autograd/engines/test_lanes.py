"""A large batch of loops is run several samples side by side, and each gets the bits that it gets alone."""

from __future__ import annotations

import numpy as np
import pytest

import autograd as ag
from autograd import detect_anomaly, fori_loop, grad, jit, scan, value_and_grad, vmap

pytest.importorskip("llvmlite")


def filtered(p, xs, weight):
    """A loop over shared numbers, with a loop within each step."""

    def step(carry, x):
        mean, spread = carry
        mean = mean + p[0] * (x - mean)
        spread = fori_loop(0, 3, lambda i, s: 0.5 * s + ag.sin(mean * weight + i) ** 2, spread)
        return (mean, spread), mean * spread

    (mean, spread), ys = scan(step, (p[1], 1.0), xs)
    return mean * spread + scan(lambda total, y: (total + y * p[1], None), 0.0, ys)[0]


@pytest.mark.parametrize(("count", "calls"), [(5, 60), (1001, 2)])
def test_the_bits_are_those_of_one_alone(count, calls):
    points = np.random.default_rng(3).uniform(0.1, 0.9, size=(count, 2))
    xs = np.linspace(-1.0, 1.0, 20)
    batch = jit(vmap(value_and_grad(filtered), in_axes=(0, None, None)))
    for _ in range(calls):  # much work, until it pays to compile it for several samples
        values, gradients = batch(points, xs, 0.75)
    alone = jit(value_and_grad(filtered))
    for i in [*range(min(count, 9)), count - 2, count - 1]:
        value, gradient = alone([*points[i]], xs, 0.75)
        assert values[i] == value
        assert [*gradients[i]] == gradient
    sums = vmap(value_and_grad(filtered), in_axes=(0, None, None), reduce="sum")(points, xs, 0.75)
    assert sums[0] == pytest.approx(values.sum(), rel=1e-12)


def test_what_goes_wrong_is_that_of_its_sample():
    def f(p, q):
        return scan(lambda c, _: (ag.log(c * p - q), None), 5.0, None, length=3)[0]

    p, q = np.full(3001, 2.0), np.linspace(0.0, 1.0, 3001)
    batch = jit(vmap(grad(f)))
    for _ in range(5):
        slopes = batch(p, q)
    assert [*slopes[-5:]] == [grad(f)(2.0, each) for each in q[-5:]]
    q[6] = 50.0
    with detect_anomaly(), pytest.raises(FloatingPointError, match="sample 6"):
        batch(p, q)
    assert np.flatnonzero(np.isnan(batch(p, q))).tolist() == [6]
