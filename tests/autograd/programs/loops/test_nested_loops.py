"""Loops within loops, over arrays that other loops stacked, drawn at random: equal to those of Python."""

from __future__ import annotations

import random

import numpy as np
import pytest

import autograd as ag
from autograd import grad, hessian, jit, jvp, scan, trace, value_and_grad
from autograd.engines import engine_names

POINT = [0.7, -0.4]


def python_scan(step, carry, xs, length):
    """The same loop, in Python."""
    ys = []
    elements = [None] * length if xs is None else list(xs)
    for x in elements:
        carry, y = step(carry, x)
        ys.append(y)
    return carry, np.array(ys, object)


def extend(pool, draws, count):
    """Append operations on what a pool holds."""
    for _ in range(count):
        a, b = draws.choice(pool), draws.choice(pool)
        kind = draws.randrange(7)
        if kind < 3:
            pool.append((a + b, a * b * 0.5, a - b)[kind])
        elif kind < 5:
            pool.append(ag.sin(a) * b if kind == 3 else ag.tanh(a - b))
        else:
            pool.append(a / (2.0 + b * b) if kind == 5 else ag.where(ag.less(a, b), a, b * 0.5))


def drawn_xs(pool, arrays, draws, count):
    """What a loop goes along: an array of an earlier loop, numbers, Values, or nothing."""
    kind = draws.random()
    if kind < 0.4 and arrays:
        return draws.choice(arrays)
    if kind < 0.6:
        return np.array([draws.uniform(-1, 1) for _ in range(count)])
    if kind < 0.8 and count:
        chosen = [draws.choice(pool) for _ in range(count)]
        return np.array(chosen, float if {float}.issuperset(map(type, chosen)) else object)
    return None


def drawn_loop(pool, arrays, depth, run, seed):
    """A loop in whose step there may be others."""
    draws = random.Random(seed)
    carried, count = draws.randrange(1, 3), draws.randrange(4)
    xs = drawn_xs(pool, arrays, draws, count)
    start = tuple(draws.choice(pool) for _ in range(carried))
    seeds = draws.random(), draws.random()

    def step(carry, x):
        inner = random.Random(seeds[0])
        known = [*carry, *pool, *([] if x is None else [x]), 0.5]
        extend(known, inner, 3)
        if depth and inner.random() < 0.7:
            last, ys = drawn_loop(known[-4:], list(arrays), depth - 1, run, seeds[1])
            known += last
            if len(ys):
                known += [ys[-1], sum(ys, 0.0)]
        extend(known, inner, 2)
        return tuple(ag.tanh(known[-1 - i] * 1.0) for i in range(carried)), known[-3] * 1.0

    return run(step, start, xs, length=count if xs is None else len(xs))


def drawn_function(seed, run):
    """Two loops one after the other, nested to depth 3."""

    def f(p):
        draws = random.Random(seed)
        pool, arrays, total = list(p), [], 0.0
        for factor in (1.0, 2.0):
            last, ys = drawn_loop(pool, arrays, 2, run, draws.random())
            pool = [*p, *last]
            total = total + sum(last, 0.0)
            if len(ys):
                arrays.append(ys)
                total = total + sum(ys * factor, 0.0)
        return total

    return f


@pytest.mark.parametrize("seed", range(18))
def test_nested_loops_are_those_of_python(seed):
    ours, theirs = drawn_function(seed, scan), drawn_function(seed, python_scan)
    value, gradient = value_and_grad(theirs)(POINT)
    result = value_and_grad(ours)(POINT)
    assert result[0] == pytest.approx(value, rel=1e-15)
    assert result[1] == pytest.approx(gradient, rel=1e-11, abs=1e-13)
    engine = engine_names()[seed % len(engine_names())]
    assert jit(value_and_grad(ours), engine)(POINT)[1] == pytest.approx(gradient, rel=1e-11, abs=1e-13)
    second = np.array(hessian(theirs)(POINT))
    assert np.array(hessian(ours)(POINT)) == pytest.approx(second, rel=1e-9, abs=1e-11)
    if seed % 3 == 0:
        assert np.array(jit(hessian(ours), engine)(POINT)) == pytest.approx(second, rel=1e-9, abs=1e-11)
        trace(hessian(ours), POINT).code.kinds()  # raises where an array stands for a number
    if seed % 3 == 1:
        direction = (POINT,), ([1.0, 2.0],)
        assert jvp(grad(ours), *direction)[1] == pytest.approx(jvp(grad(theirs), *direction)[1], rel=1e-9)
        along = grad(lambda p: sum(grad(theirs)(p)))(POINT)
        assert grad(lambda p: sum(grad(ours)(p)))(POINT) == pytest.approx(along, rel=1e-9, abs=1e-11)
