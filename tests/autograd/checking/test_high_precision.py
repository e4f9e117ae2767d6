"""The reference in high precision: right to the last bit, in tails too, and what it finds wrong it names."""

from __future__ import annotations

import math

import pytest
from mpmath import mp, mpf

import autograd as ag
from autograd import check_gradients, primitive, where
from autograd.checking import RefusedError
from autograd.checking.precise import Precise

wrong_product = primitive(
    "checking_wrong_product", lambda a, b: a * b, (lambda y, a, b: b, lambda y, a, b: 1.25 * a)
)
wrong_cos = primitive("checking_sign_lost", math.cos, (lambda y, x: ag.sin(x),))
flat_square = primitive("checking_flat_square", lambda x: x * x, (0.0,))


def checked(f, *point, order=1):
    return check_gradients(f, *point, method="high-precision", order=order)


@pytest.mark.parametrize("x", [0.01, 20.0, 60.0, 85.0, 95.0, 105.0, 160.0, 300.0, 350.0])
def test_derivatives_in_the_tails_are_right_to_the_last_bit(x):
    """The quotient's digits cancel, and too few are left of the first 160."""
    with mp.workdps(1200):
        slope = mp.sech(mpf(x)) ** 2
        (row,) = checked(ag.tanh, x).rows
        assert abs(row.numeric - slope) <= 0.5 * math.ulp(float(slope))
    assert row.passed


def test_a_reference_may_be_off_by_half_a_place_and_the_engine_by_its_own_rounding():
    (row,) = checked(lambda x: x / 3.0, 0.7).rows
    assert row.numeric == row.analytic == 1.0 / 3.0
    assert row.bound == math.ulp(1.0 / 3.0)
    (row,) = checked(lambda x: x * 0.75, 0.7).rows
    assert row.bound == 0.5 * math.ulp(0.75), "the engine's is exact"


@pytest.mark.parametrize("f", [lambda x: -ag.sin(x), lambda x: 2.0 - ag.sin(x)])
def test_an_adjoint_of_minus_one_is_an_adjoint(f):
    (row,) = checked(f, 0.7).rows
    assert row.passed
    assert row.numeric == pytest.approx(-math.cos(0.7), rel=1e-15)


@pytest.mark.parametrize("scale", [1e-50, 1e-20, 1e20])
def test_second_derivatives_of_any_size_have_all_their_digits(scale):
    rows = checked(lambda x, y: scale * (x * x * ag.exp(y)), 0.7, 0.5, order=2).rows
    exact = [scale * math.exp(0.5) * number for number in (1.4, 0.49, 2.0, 1.4, 1.4, 0.49)]
    assert [row.numeric for row in rows] == pytest.approx(exact, rel=1e-14, abs=0.0)
    assert all(row.passed for row in rows)


def test_second_derivatives_of_a_constant_are_zero_beyond_doubt():
    for row in checked(lambda x, y: 5.0, 0.7, 0.5, order=2).rows:
        assert (row.numeric, row.bound) == (0.0, 0.0)


@pytest.mark.parametrize("slope", [1e-30, 1.0, 1e30])
def test_a_second_derivative_that_is_zero_is_zero(slope):
    row = checked(lambda x: ag.log(ag.exp(slope * x)), 0.7 / slope, order=2).rows[1]
    assert row.numeric == 0.0
    assert row.passed


@pytest.mark.parametrize(
    ("forward", "x", "calls"),
    [
        (math.tanh, 1.0, 21),
        (lambda x: x * x, 0.3, 21),
        (lambda x: x - 0.3, 0.3, 15),  # a right rule needs no findings
        (math.tanh, 100.0, 31),  # once more, with more digits
        (lambda x: x * 0.0, 1.0, 25),  # with a longer step too
        (math.cos, 0.0, 31),
        (lambda x: x * x, 0.0, 25),
    ],
)
def test_an_operation_is_computed_more_often_only_where_that_is_needed(forward, x, calls):
    called = []

    def counting(x):
        called.append(x)
        return forward(x)

    checked(primitive("checking_counting", counting, (lambda y, x: 1.0,)), x)
    assert len(called) == calls


@pytest.mark.parametrize(
    ("forward", "x", "digits", "steps"),
    [
        (lambda x: math.sin(x) * 1.0, 0.5, {160}, {60}),
        (lambda x: math.tanh(x) * 1.0, 100.0, {160, 1000}, {60, 50}),  # too few digits were left
        (lambda x: math.cos(x) * 1.0, 0.0, {160, 1000}, {60, 50}),  # a derivative of 0: steps of 1 then
    ],
)
def test_numbers_have_so_many_digits_and_steps_are_such_parts_of_them(forward, x, digits, steps):
    digits_and_steps = []

    def recording(number):
        if isinstance(number, Precise):
            digits_and_steps.append((number.arithmetic.context.dps, abs(number.number - x) / (abs(x) or 1.0)))
        return forward(number)

    checked(primitive("checking_recording", recording, (lambda y, x: 1.0,)), x)
    assert {dps for dps, _ in digits_and_steps} == digits
    assert {round(-float(mp.log10(step)), 6) for _, step in digits_and_steps if step} == steps


# What a kink is, and what only looks like one.


@pytest.mark.parametrize("x", [0.0, 1e-40, -1e-40, 2.0])
@pytest.mark.parametrize("order", [1, 2])
def test_a_smooth_function_through_zero_has_no_kink(x, order):
    for f in (lambda x: x**3, lambda x: ag.sin(x) * x, lambda x: x**4 + x, ag.sinh):
        assert checked(f, x, order=order).passed, (f, x)


@pytest.mark.parametrize("slopes", [(0.0, 1e-30), (1.0, -1.0), (1.0, 1.0 + 1e-9), (1e30, 0.0)])
def test_a_kink_between_two_branches_is_one_on_either_side_of_the_condition(slopes):
    a, b = slopes
    for f in (
        lambda x: where(x < 0.0, a * x, b * x),
        lambda x: where(x <= 0.0, a * x, b * x),
        lambda x: where(ag.less(0.0, x) + ag.less(1.0, x), b * x, a * x),
    ):
        report = checked(f, 0.0)
        assert math.isnan(report.rows[0].numeric)
        assert not report.passed
        assert any("does not exist at this point" in note for note in report.notes)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: where(x < 0.0, 0.5 * x, 0.5 * x),
        lambda x: where(x <= 0.0, x - x * x, ag.sin(x)),
        lambda x: where(x < 0.0, 0.0, 1.0) - where(x < 0.0, 0.0, 1.0) + x,
        lambda x: where(x < -1.0, abs(x), ag.exp(x)),
    ],
)
def test_branches_that_meet_smoothly_have_a_derivative(f):
    assert checked(f, 0.0).passed


# Findings.


def test_a_wrong_rule_is_named_with_the_operand_and_nothing_else_is():
    report = checked(lambda x, w: wrong_product(x, w) + x - 0.5 * w, 0.75, 2.0)
    (note,) = report.notes
    assert note.startswith(
        "the derivative of checking_wrong_product by its operand 2 is 0.75, and its rule says 0.9375, at "
    )
    assert "wrong_product(x, w) + x" in note


def test_a_condition_has_no_derivative_and_none_is_missed():
    report = checked(lambda x: where(ag.less(1.0, x), x, wrong_cos(x)), 0.4)
    (note,) = report.notes
    assert note.startswith("the derivative of checking_sign_lost is -0.389418342308650")
    assert [note.partition(" is ")[0] for note in checked(lambda x: where(x, x, 2.0 * x), 0.0).notes] == []


def test_a_rule_that_gives_no_derivative_says_zero():
    (note,) = checked(lambda x: flat_square(x) + 1.0, 0.75).notes
    assert note.startswith("the derivative of checking_flat_square is 1.5, and its rule says 0.0, at ")


def test_a_function_that_is_another_in_mpmath_is_refused_with_both_values():
    itself = primitive("checking_itself", lambda x: x, (1.0,), expression=lambda x: x * x)
    with pytest.raises(
        RefusedError, match=r"^checking_itself is 0\.7 on floats and 0\.48999999999999994 in mpmath, at "
    ):
        checked(lambda x: itself(x), 0.7)
