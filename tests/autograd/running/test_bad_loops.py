"""What `scan` and `fori_loop` say to bad input, whoever calls them, and what they do with no step at all."""

from __future__ import annotations

import numpy as np
import pytest

from autograd import Value, fori_loop, grad, jit, scan, vmap
from autograd.engines import engine_names

XS = np.arange(3.0)
CALLERS = {
    "plain": lambda f: f(1.5),
    "a Value": lambda f: f(Value(1.5)),
    "grad": lambda f: grad(f)(1.5),
    "jit": lambda f: jit(f)(1.5),
    "vmap": lambda f: vmap(f)(np.array([1.5, 2.0])),
}


def keep(carry, x):
    return carry, x


def double(carry, _):
    return 2.0 * carry, carry


BAD = {
    "no function": (lambda x: scan(3.0, x, XS), TypeError, r"step must be a function \(carry, x\)"),
    "no body": (lambda x: fori_loop(0, 3, None, x), TypeError, r"body must be a function \(i, carry\)"),
    "one parameter": (lambda x: scan(lambda c: (c, c), x, XS), TypeError, r"step .* \(carry, x\), in .*py:"),
    "three": (lambda x: fori_loop(0, 3, lambda a, b, c: c, x), TypeError, r"body .* of \(i, carry\), in "),
    "no pair": (lambda x: scan(lambda c, _: c, x, XS), TypeError, r"pair \(carry, y\), got .*py:.*: return"),
    "a triple": (lambda x: scan(lambda c, _: (c, c, c), x, XS), TypeError, "got tuple of 3"),
    "nesting": (lambda x: scan(lambda c, _: ((c, c), c), x, XS), TypeError, r"step .* got \(\*, \*\), in "),
    "shape": (
        lambda x: scan(lambda c, _: (np.concatenate([c, c]), None), np.array([x, 1.0]), XS),
        TypeError,
        r"structure array\(2,\), got array\(4,\), in .*py:\d+\nA carry keeps .* begin with",
    ),
    "body's shape": (
        lambda x: fori_loop(0, 3, lambda i, c: np.concatenate([c, c]), np.array([x, 1.0])),
        TypeError,
        r"body .* structure array\(2,\), got array\(4,\), in .*py:\d+\nA carry keeps",
    ),
    "y": (lambda x: scan(lambda c, _: (c, "a"), x, XS), TypeError, "the y that the step returns .* str 'a'"),
    "no xs": (lambda x: scan(keep, x, None), ValueError, "no array and no length: write length=n"),
    "a number": (lambda x: scan(keep, x, 3.0), TypeError, "xs .* got float: .* None with length=n"),
    "a generator": (lambda x: scan(keep, x, iter([1.0])), TypeError, r"xs .*: pass np.array\(list\(xs\)\)"),
    "a list": (lambda x: scan(keep, x, [1.0, 2.0]), TypeError, r"xs .* write np.array\("),
    "strings": (lambda x: scan(keep, x, np.array(["a"])), TypeError, "xs must hold real numbers"),
    "complex": (lambda x: scan(keep, x, np.array([1j])), TypeError, "xs must hold real numbers"),
    "objects": (lambda x: scan(keep, x, np.array([None, 1.0], object)), TypeError, "an entry of xs must be"),
    "lengths": (lambda x: scan(keep, x, {"a": XS, "b": XS[1:]}), ValueError, r"3 in xs\['a'\], 2 in xs"),
    "xs, length": (lambda x: scan(keep, x, XS, length=4), ValueError, "got 3 with length=4: leave"),
    "checkpoint": (lambda x: scan(keep, x, XS, checkpoint=2.0), ValueError, "checkpoint must be .* got 2.0"),
    "step in itself": (lambda x: scan(endless, x, XS), TypeError, "endless never ends .* in .*py:"),
    **{
        f"length={length!r}": (lambda x, n=length: scan(double, x, None, length=n), error, "length must be")
        for length, error in [
            (-1, ValueError), (10**20, ValueError), (2.0, TypeError), (True, TypeError),
            (np.True_, TypeError), ("3", TypeError), (np.array([3]), TypeError), (Value(3.0), TypeError),
        ]
    },
    **{
        f"upper={upper!r}": (lambda x, n=upper: fori_loop(0, n, double, x), TypeError, "upper must be")
        for upper in (2.0, True, None, np.float64(3.0), Value(3.0))
    },
}  # fmt: skip


def endless(carry, _):
    return scan(endless, carry, XS)[0], None


@pytest.mark.parametrize("caller", CALLERS.values(), ids=CALLERS)
@pytest.mark.parametrize(("loop", "error", "message"), BAD.values(), ids=BAD)
def test_the_same_is_said_to_every_caller(loop, error, message, caller):
    with pytest.raises(error, match=f"(?s){message}"):
        caller(loop)


def test_what_a_step_itself_raises_is_left_as_it_is():
    def fails(carry, x):
        raise TypeError("mine takes 2 positional arguments")

    with pytest.raises(TypeError, match=r"^mine takes"):
        scan(fails, 1.0, XS)


def test_a_length_that_is_traced_leads_to_while_loop():
    for caller in (grad, jit):
        with pytest.raises(TypeError, match=r"length .* got Value: .* while_loop"):
            caller(lambda n: scan(double, 1.0, None, length=n)[0])(3.0)
        with pytest.raises(TypeError, match=r"'Value' object cannot(?s:.*)fori_loop .* while_loop"):
            caller(lambda n: sum([n for _ in range(n)]))(3.0)
        with pytest.raises(TypeError, match=r"'Value' object is not iterable(?s:.*)fori_loop .* while_loop"):
            caller(lambda n: sum([n for _ in n]))(3.0)


def test_ragged_ys_of_called_steps_are_refused():
    with pytest.raises(TypeError, match=r"ys of one structure, got array\(1,\), and array\(2,\) in step 1"):
        scan(lambda n, _: (n + 1.0, np.ones(int(n))), 1.0, XS, engine="eager")


@pytest.mark.parametrize("xs", [np.array([1, 2]), np.array([True, False]), np.array([1, 2], np.float32)])
def test_real_numbers_of_any_type_are_xs(xs):
    total = sum(xs.tolist())
    for caller, expected in [("plain", 1.5 * total), ("grad", total), ("jit", 1.5 * total)]:
        assert CALLERS[caller](lambda p: scan(lambda c, x: (c + p * x, None), 0.0, xs)[0]) == expected
    assert np.isnan(scan(lambda c, x: (c + x, None), 0.0, np.array([1.0, np.nan]))[0])


@pytest.mark.parametrize("engine", ["eager", *engine_names()])
def test_no_step_at_all(engine):
    def loop(p):
        return scan(lambda c, x: (c * p, {"c": c, "x": [x]}), p, np.empty((0, 2)), engine=engine)

    for last, ys in (loop(1.5), jit(loop)(1.5), loop(Value(1.5))):
        assert getattr(last, "data", last) == 1.5
        assert np.shape(ys["c"]) == (0,)
        assert np.shape(ys["x"][0]) == (0, 2)
    for transform in (grad, lambda f: jit(grad(f))):
        assert transform(lambda p: loop(p)[0])(1.5) == 1.0
        assert transform(lambda p: p + loop(p)[1]["c"].sum())(1.5) == 1.0
        assert transform(lambda p: fori_loop(3, 1, lambda i, c: c * p, 2.0, engine=engine))(1.5) == 0.0
    assert vmap(lambda p: fori_loop(0, 0, lambda i, c: c * p, p, engine=engine))(XS).tolist() == XS.tolist()
    if engine != "eager":
        assert vmap(lambda x: loop(x)[0], engine=engine)(np.empty(0)).shape == (0,)
        assert grad(vmap(lambda p, x: p * x, (None, 0), "sum", engine))(1.5, np.empty(0)) == 0.0


def test_a_gradient_in_a_step_does_not_leave_out_a_leaf_that_is_also_closed_over():
    leaf = Value(2.0)

    def slope(by):
        return grad(lambda w: leaf * w)(by)

    for run in (
        lambda: scan(lambda c, x: (slope(c) * x, None), leaf, XS),
        lambda: scan(lambda c, x: (slope(x) * c, None), 1.0, np.array([1.0, leaf])),
        lambda: fori_loop(0, 3, lambda i, c: slope(c) * i, leaf),
    ):
        with pytest.raises(ValueError, match=r"reached through the closure"):
            run()
    assert scan(lambda c, x: (slope(c) * x, None), Value(3.0), XS)[0].data == 4.0
