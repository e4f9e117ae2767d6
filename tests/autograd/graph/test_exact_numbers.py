"""`Fraction` and `Decimal` beside Values: real numbers like any other, rounded to floats."""

import math
import operator
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from autograd import TracingError, Value, exp, grad, hypot, jit, maximum, trace, vmap
from autograd.engines import engine_names

HALVES = [Fraction(1, 2), Decimal("0.5")]
ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


def name(thing):
    return thing.__name__ if callable(thing) else type(thing).__name__


@pytest.mark.parametrize("half", HALVES, ids=name)
@pytest.mark.parametrize("operate", ARITHMETIC, ids=name)
def test_arithmetic_on_either_side(operate, half):
    for f, expected in (
        (lambda x: operate(x, half), operate(3.0, 0.5)),
        (lambda x: operate(half, x), operate(0.5, 3.0)),
    ):
        assert f(Value(3.0)) == expected
        assert type(f(Value(3.0))) is Value
        for engine in engine_names():
            assert jit(f, engine=engine)(3.0) == expected
        step = 1e-6
        slope = (float(f(Value(3.0 + step)).data) - f(Value(3.0 - step)).data) / (2 * step)
        assert grad(f)(3.0) == pytest.approx(slope, rel=1e-8)


@pytest.mark.parametrize("half", HALVES, ids=name)
@pytest.mark.parametrize("compare", COMPARISONS, ids=name)
def test_comparisons_on_either_side(compare, half):
    for number in (0.0, 0.5, 1.0, math.inf, -math.inf, math.nan):
        for answer, expected in (
            (compare(Value(number), half), compare(number, 0.5)),
            (compare(half, Value(number)), compare(0.5, number)),
        ):
            assert answer is expected
    at = np.array([0.0, 0.5, 1.0])
    for engine in engine_names():
        assert (
            vmap(lambda x: compare(x, half) * 1.0, engine=engine)(at).tolist()
            == (compare(at, 0.5) * 1.0).tolist()
        )
        assert (
            vmap(lambda x: compare(half, x) * 1.0, engine=engine)(at).tolist()
            == (compare(0.5, at) * 1.0).tolist()
        )
    with pytest.raises(TracingError, match="deciding"):
        trace(lambda x: x if compare(half, x) else 2 * x, 1.0)


def test_a_fraction_is_rounded_as_it_is_recorded():
    third = Fraction(1, 3)
    assert Value(1 / 3) == third == Value(1 / 3)
    assert Value(third).data == 1 / 3
    assert Value(0.1) == Decimal("0.1")
    assert Value(math.inf) > Fraction(10**400)
    assert Value(1e308) < Fraction(10**400)
    assert Value(math.inf) == Decimal("1e400")
    assert Value(1.0) != Decimal("nan")
    with pytest.raises(OverflowError, match=r"fit a float64.*got Fraction"):
        Value(1.0) * Fraction(10**400)


@pytest.mark.parametrize("half", HALVES, ids=name)
def test_wherever_a_number_is_taken(half):
    v = Value(1.0)
    v.data = half
    assert v.data == 0.5
    assert type(v.data) is float
    assert exp(half) == math.exp(0.5)
    assert maximum(Value(0.25), half) == hypot(half, 0.0) == 0.5
    assert grad(lambda x: x * x)(half) == 1.0
    assert grad(lambda p: p[0] * p[1])([half, 3]) == [3.0, 0.5]
    assert grad(lambda x: half)(1.0) == 0.0
    assert jit(lambda x: [x, half])(half) == [0.5, 0.5]
    assert (np.array([half, half]) * Value(2.0)).sum() == 2.0
    assert vmap(lambda x: 2 * x)(np.array([half, half])).tolist() == [1.0, 1.0]
    assert vmap(lambda x, k: k * x, in_axes=(0, None))(np.ones(2), half).tolist() == [0.5, 0.5]
    assert half in [Value(0.5)]
