"""The running error bound, operation by operation, and of gradients: against the bound worked by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

import autograd as ag
from autograd import Value, compare, grad, primitive
from autograd.comparing.rounded import UNIT, HandRounded, RoundedGradient

A, B = HandRounded(3.0, 1e-10), HandRounded(-0.5, 1e-12)


def ends(function: Callable[[float], float], x: HandRounded) -> list[float]:
    """How far a function is from its value where its argument's error ends."""
    return [abs(function(x.value + shift) - function(x.value)) for shift in (x.error, -x.error)]


@pytest.mark.parametrize(
    ("make", "value", "error"),
    [
        (lambda: A * B, -1.5, 0.5 * 1e-10 + 3 * 1e-12 + UNIT * 1.5),
        (lambda: A / B, -6.0, 1e-10 / 0.5 + 3 / 0.25 * 1e-12 + UNIT * 6),
        (lambda: A + B, 2.5, 1e-10 + 1e-12 + UNIT * 2.5),
        (lambda: A - 1.0, 2.0, 1e-10 + UNIT * 2),
        (lambda: 2.0 * A, 6.0, 2e-10 + UNIT * 6),
        (
            lambda: ag.sqrt(A),
            math.sqrt(3),
            max(1e-10 / (2 * math.sqrt(3)), *ends(math.sqrt, A)) + UNIT * math.sqrt(3),
        ),
        (
            lambda: ag.exp(B),
            math.exp(-0.5),
            max(math.exp(-0.5) * 1e-12, *ends(math.exp, B)) + 4 * UNIT * math.exp(-0.5),
        ),
        (lambda: -A, -3.0, 1e-10),
        (lambda: abs(B), 0.5, 1e-12),
        (lambda: ag.maximum(A, B), 3.0, 1e-10),
        (lambda: ag.less(B, A), 1.0, 0.0),
        (lambda: ag.where(ag.less(A, 5.0), B, A), -0.5, 1e-12),
        (lambda: HandRounded(3.0) * 2.0, 6.0, UNIT * 6),
        (lambda: ag.log(HandRounded(0.0)) * 0.0, math.nan, math.inf),
        (lambda: HandRounded(3e-200) * HandRounded(7e-200), 0.0, 2.0**-1074),
        (lambda: HandRounded(3e-310) * HandRounded(0.7), 2.1e-310, 2.0**-1074),
        (lambda: HandRounded(3e-310) / HandRounded(0.7), 3e-310 / 0.7, 2.0**-1074),
        (lambda: ag.exp(HandRounded(-740.0)), math.exp(-740.0), 4 * 2.0**-1074),
    ],
)
def test_an_operation_hands_errors_on_by_its_derivatives_and_adds_its_own(
    make: Callable[[], HandRounded], value: float, error: float
) -> None:
    result = make()
    assert result.value == pytest.approx(value, rel=1e-15, abs=0.0, nan_ok=True)
    assert result.error == pytest.approx(error, rel=1e-9, abs=0.0, nan_ok=True)


@pytest.mark.parametrize("number", [0.0, 1.0, -2.0, math.nan])
def test_it_is_true_where_the_number_is(number: float) -> None:
    assert bool(HandRounded(number, 1.0)) == bool(number)


def test_a_unit_is_the_largest_relative_error_of_one_rounding() -> None:
    assert 1.0 + UNIT == 1.0
    assert 1.0 + UNIT * (1 + 1e-15) == 1.0 + 2 * UNIT > 1.0


def errors(f: Any, *point: float) -> list[float]:
    inputs = [Value(number) for number in point]
    return RoundedGradient(f(*inputs), inputs).errors


def test_a_gradient_s_errors_are_those_of_the_chain_rule_written_out() -> None:
    x, y, z, unit = HandRounded(0.3), HandRounded(0.7), HandRounded(-1.1), HandRounded(1.0)
    assert errors(lambda x, y: x * y, 0.3, 0.7) == [(unit * y).error, (unit * x).error]
    assert errors(lambda x, y, z: x * y + x * z, 0.3, 0.7, -1.1) == pytest.approx(
        [(unit * 1.0 * z + unit * 1.0 * y).error, (unit * 1.0 * x).error, (unit * 1.0 * x).error],
        rel=1e-9,
        abs=0.0,
    )
    u = x * y
    assert errors(lambda x, y: ag.sin(x * y), 0.3, 0.7)[0] == (unit * ag.cos(u) * y).error
    # the second term is subtracted: the bound knows of the cancellation
    less = errors(lambda x, y: x * y - x * 0.7, 0.3, 0.7)[0]
    assert less == pytest.approx((unit * 1.0 * y + unit * -1.0 * 0.7).error, rel=1e-9, abs=0.0)


def test_what_no_gradient_is_asked_of_stands_in_nobody_s_way() -> None:
    x, c = Value(0.3), Value(0.9)
    with_c = RoundedGradient(x.sin() + c.exp(), [x])
    assert with_c.components == [math.cos(0.3)]
    assert with_c.errors == [(HandRounded(1.0) * 1.0 * ag.cos(HandRounded(0.3))).error]
    assert RoundedGradient(x.sin(), [x, c]).components == [math.cos(0.3), 0.0]
    assert RoundedGradient(x.sin(), [x, c]).errors[1] == 0.0


def test_a_constant_has_a_gradient_of_zeros_without_errors() -> None:
    result = RoundedGradient(3, [Value(1.0), Value(2.0)])
    assert result.is_usable
    assert (result.result, result.components, result.errors) == (3.0, [0.0, 0.0], [0.0, 0.0])


def test_a_rule_that_is_no_formula_counts_as_rounded_once_more() -> None:
    opaque = primitive("rounding_opaque", math.sin, lambda y, x: (math.cos(float(x)),))
    (error,) = errors(opaque, 0.3)
    assert error == pytest.approx((4 + 1) * UNIT * math.cos(0.3), rel=1e-9, abs=0.0)


def test_a_gradient_is_usable_where_all_its_numbers_are_finite() -> None:
    x = Value(1.0)
    eaten = RoundedGradient(1e30 * ag.sin(1e150 * (1e150 + 1e-150 * x)), [x])
    assert math.isfinite(eaten.components[0])
    assert eaten.errors == [math.inf]
    assert not eaten.is_usable
    assert not RoundedGradient(Value(0.0).log(), []).is_usable
    zero = Value(0.0)
    assert not RoundedGradient(zero.sqrt(), [zero]).is_usable
    assert RoundedGradient(x.sin(), [x]).is_usable


def test_the_bound_of_rounding_holds_and_is_no_wider_than_it_must_be():
    def f(a, b):
        return ag.tanh(a * b) - ag.exp(b / a) * ag.sin(a**3 + 1 / b)

    def exactly(a, b):
        return mp.tanh(a * b) - mp.exp(b / a) * mp.sin(a**3 + 1 / b)

    rng = np.random.default_rng(0)
    shares = []
    for a, b in rng.uniform(0.5, 3, (200, 2)).tolist():
        result = f(HandRounded(a), HandRounded(b))
        with mp.workdps(40):
            error = abs(result.value - exactly(mpf(a), mpf(b)))
        assert result.value == f(a, b)
        shares.append(float(error / result.error))
    assert max(shares) <= 1
    assert np.mean(shares) > 0.01


def test_where_the_textbook_has_no_number_the_table_has():
    report = compare(lambda x: x + 0.0 ** (x + 1), lambda x: 1.0 + 2.3e-16, 1.0)
    assert report.passed
    assert len(report.points) == 9


def test_a_difference_beyond_rounding_is_seen():
    assert compare(lambda x: x**3, lambda x: 3 * x**2 * (1 + 1e-15), 0.7)
    assert not compare(lambda x: x**3, lambda x: 3 * x**2 * (1 + 1e-12), 0.7)


def test_every_use_of_a_number_adds_to_the_bound():
    def bound(f):
        x = Value(0.3)
        return RoundedGradient(f(x), [x]).errors[0]

    steep = bound(lambda x: (1e3 * x).sin())
    assert bound(lambda x: (1e3 * x).sin() + x * x) > steep
    assert bound(lambda x: x * x + (1e3 * x).sin()) > steep


def test_the_engine_s_numbers_are_those_of_grad():
    inputs = [Value(0.3), Value(0.4)]
    result = RoundedGradient(inputs[0] * inputs[1].tanh(), inputs)
    assert tuple(result.components) == grad(lambda x, y: x * y.tanh(), (0, 1))(0.3, 0.4)
