"""Compiled functions that read Values, or are called inside of transforms."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from autograd import Value, check_gradients, compare, grad, jit, scan, trace, value_and_grad, vmap
from optim import SGD, fit

XS = np.array([1.0, 2.0])


def square(w, x):
    return w * w * x


def test_values_closed_over_are_read_anew():
    calls = []
    w = Value(2.0)

    def loss(w, x):
        calls.append(x)
        return square(w, x)

    fast = jit(lambda x: value_and_grad(loss)(w, x), engine="python")
    mapped = vmap(lambda x: value_and_grad(square)(w, x), reduce="sum", engine="python")
    assert fast(3.0) == (12.0, 12.0)
    assert mapped(XS) == (12.0, 12.0)
    w.data = 5.0
    assert fast(1.0) == (25.0, 10.0)
    assert mapped(XS) == (75.0, 30.0)
    assert len(calls) == 1


def test_nothing_is_said_inside_a_transform_or_a_trace():
    fast = jit(square, engine="python")
    mapped = vmap(lambda w, x: w * x, in_axes=(None, 0), engine="python")

    def both(w):
        carry, _ = scan(lambda carry, x: (carry * x, carry), w, XS, engine="python")
        return fast(w, 3.0) + mapped(w, XS).sum() + carry

    w = Value(2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert grad(both)(2.0) == grad(both)(w).data == jit(grad(both), engine="python")(2.0) == 17.0
        assert trace(both, 2.0)(1.0) == 8.0
        check_gradients(both, 2.0)
        assert compare(both, lambda w: 6.0 * w + 5.0, 2.0)
        for engine in ("eager", "python"):
            fitted = fit(lambda w, x: (fast(w, 1.0) - x) ** 2, Value(1.5), XS * 0.0 + 4.0, SGD(lr=0.01), 50,
                         engine=engine)  # fmt: skip
            assert fitted.params.data == pytest.approx(2.0)
