"""`fori_loop`: the same as Python's `for`, on every engine and differentiated."""

from __future__ import annotations

import numpy as np
import pytest

from autograd import Value, fori_loop, grad, hessian, jit, trace
from autograd.engines import engine_names


def newton(a, run=fori_loop):
    """The square root of a, by ten steps."""
    return run(0, 10, lambda _, x: 0.5 * (x + a / x), a)


def weighted(p, run=fori_loop):
    return run(2, 7, lambda i, c: {"sum": c["sum"] + i * p * c["last"], "last": c["last"] * p}, FIRST)["sum"]


FIRST = {"sum": 0.0, "last": 1.0}


def python_loop(lower, upper, body, carry):
    for i in range(lower, upper):
        carry = body(float(i), carry)
    return carry


@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize("f", [newton, weighted])
def test_it_is_pythons_loop(f, engine):
    def on_engine(p):
        return f(p, lambda *args: fori_loop(*args, engine=engine))

    assert on_engine(1.7) == f(1.7, python_loop)
    for order in (grad, lambda f: grad(grad(f))):
        expected = order(lambda p: f(p, python_loop))(1.7)
        assert order(on_engine)(1.7) == pytest.approx(expected, rel=1e-12)
        assert jit(order(f), engine)(1.7) == pytest.approx(expected, rel=1e-12)


def test_it_is_one_operation():
    assert trace(newton, 2.0).counts() == {"loop": 1}
    root = newton(Value(2.0))  # both its start and what its body closes over
    assert root.data == pytest.approx(np.sqrt(2.0), rel=1e-15)


def test_bounds():
    assert fori_loop(3, 3, lambda i, c: c + i, 5.0) == 5.0
    assert fori_loop(3, 1, lambda i, c: c + i, 5.0) == 5.0
    assert fori_loop(-2, np.int64(2), lambda i, c: c + i, 0.0) == -2.0
    assert np.array(hessian(lambda p: fori_loop(0, 0, lambda i, c: c * p[0], p[1]))([1.0, 2.0])).sum() == 0.0


def test_bad_input_is_named():
    with pytest.raises(TypeError, match="upper must be a whole number, got float"):
        fori_loop(0, 3.0, lambda i, c: c, 1.0)
    with pytest.raises(TypeError, match="upper must be a whole number, got Value: how often a loop runs"):
        fori_loop(0, Value(3.0), lambda i, c: c, 1.0)
    with pytest.raises(TypeError, match="a carry of the structure"):
        fori_loop(0, 3, lambda i, c: (c, c), 1.0)
