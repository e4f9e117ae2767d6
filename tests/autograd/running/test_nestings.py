"""jit, vmap, scan, fori_loop and grad nested at random to depth 3: equal to plain Python, run eagerly."""

from __future__ import annotations

import random
from types import SimpleNamespace

import numpy as np
import pytest

import autograd as ag
from autograd import fori_loop, grad, hessian, jit, scan, value_and_grad, vmap
from autograd.engines import engine_names

XS = np.array([0.3, -0.8, 0.5])
KINDS = ["jit", "vmap", "scan", "fori_loop", "grad"]


def scanned_in_python(step, c, xs):
    ys = []
    for x in xs.tolist():
        c, y = step(c, x)
        ys.append(y)
    return c, sum(ys)


def counted_in_python(count, turn, c):
    for i in range(count):
        c = turn(float(i), c)
    return c


OURS = SimpleNamespace(
    jit=jit,
    mapped=lambda f, xs: vmap(f)(xs).sum(),
    averaged=lambda f, xs: vmap(f, reduce="mean")(xs),
    scanned=lambda step, c, xs: (lambda last, ys: (last, ys.sum()))(*scan(step, c, xs)),
    counted=lambda count, turn, c: fori_loop(0, count, turn, c),
    grad=grad,
)
PLAIN = SimpleNamespace(
    jit=lambda f: f,
    mapped=lambda f, xs: sum(f(x) for x in xs.tolist()),
    averaged=lambda f, xs: sum(f(x) for x in xs.tolist()) / len(xs),
    scanned=scanned_in_python,
    counted=counted_in_python,
    grad=grad,
)


def drawn(kinds, seed, tools):
    """A function of two numbers in which transforms of these kinds are nested, the outermost first."""
    draws = random.Random(seed)
    if not kinds:
        a, b = draws.uniform(0.5, 1.5), draws.uniform(-1.0, 1.0)
        return draws.choice(
            [
                lambda w, x: ag.sin(w * x * a) + b * w,
                lambda w, x: ag.tanh(w - x * b) * a + w * w * 0.25,
                lambda w, x: w / (2.0 + x * x) + ag.cos(w + b * x),
                lambda w, x: ag.where(ag.less(w, x * b), ag.sin(w) * x, w * x * a),
            ]
        )
    kind, *rest = kinds
    inner = drawn(rest, draws.random(), tools)
    factor = draws.uniform(0.5, 1.0)
    others = draws.random() < 0.5

    def outer(w, x):
        if kind == "jit":
            result = tools.jit(inner)(w, x * factor) if others else jitted(w, x)
        elif kind == "vmap":
            map_ = tools.mapped if others else tools.averaged
            result = map_(lambda a: inner(w * a, x), XS)
        elif kind == "scan":
            last, total = tools.scanned(lambda c, a: (ag.tanh(inner(c, a * x) + w), c * a), w * factor, XS)
            result = last + total
        elif kind == "fori_loop":
            result = tools.counted(2, lambda i, c: ag.tanh(inner(c, x + i * factor)) + w, w)
        else:
            result = tools.grad(inner)(w * factor, x)
        return ag.sin(result) * factor + w * x

    jitted = tools.jit(inner)
    return outer


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_every_nesting_is_that_of_plain_python(first, second):
    for seed, third in enumerate(KINDS):
        kinds = [first, second, third]
        f, g = (drawn(kinds, repr((kinds, seed)), tools) for tools in (OURS, PLAIN))
        w, x = 0.6, 0.4
        expected, slopes = value_and_grad(g, (0, 1))(w, x)
        value, gradient = value_and_grad(f, (0, 1))(w, x)
        assert value == pytest.approx(expected, rel=1e-13)
        assert gradient == pytest.approx(slopes, rel=1e-12, abs=1e-14)
        assert f(w, x) == pytest.approx(expected, rel=1e-13)
        engine = engine_names()[(KINDS.index(first) + KINDS.index(second) + seed) % len(engine_names())]
        value, gradient = jit(value_and_grad(f, (0, 1)), engine)(w, x)
        assert value == pytest.approx(expected, rel=1e-13)
        assert gradient == pytest.approx(slopes, rel=1e-12, abs=1e-14)
        if seed == 0:
            assert hessian(f)(w, x) == pytest.approx(hessian(g)(w, x), rel=1e-11, abs=1e-13)
