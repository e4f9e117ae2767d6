"""The Taylor remainder test: it tells right from wrong by the order, and says nothing where it cannot."""

from __future__ import annotations

import math

import pytest
from mpmath import mp, mpf

import autograd as ag
from autograd import check_gradients, primitive
from autograd.checking.differences import ladder


def checked(f, *point):
    return check_gradients(f, *point, method="taylor").rows[0]


@pytest.mark.parametrize(
    ("f", "exact", "x", "limit"),
    [
        (ag.exp, mp.exp, 0.0, 1.5e-7),
        (ag.exp, mp.exp, 0.3, 1e-7),
        (ag.exp, mp.exp, 7.0, 1.5e-7),
        (ag.sin, mp.sin, 0.0, 2e-14),
        (lambda x: ag.sigmoid(5.0 * x), lambda x: 1 / (1 + mp.exp(-5 * x)), 0.0, 1e-9),
        (lambda x: x * x, lambda x: x**2, 0.3, 5e-8),
        (lambda x: 3.0 * x, lambda x: 3 * x, 0.0, 5e-15),
        (lambda x: 3.0 * x, lambda x: 3 * x, 1.0, 2e-14),
        (lambda x: 3.0 * x, lambda x: 3 * x, 1e6, 3e-14),
        (ag.log, mp.log, 1e6, 5e-7),
        (ag.asin, mp.asin, 0.3, 5e-8),
        (lambda x: ag.relu(x - 0.300001) + x, lambda x: x, 0.3, 1e-8),  # settled below the kink
        (lambda x: ag.log(ag.cos(20.0 * x)), lambda x: mp.log(mp.cos(20 * x)), 0.01, 1e-6),
    ],
)
def test_bounds_hold_and_are_as_tight_as_the_method_allows(f, exact, x, limit):
    row = checked(f, x)
    with mp.workdps(50):
        slope = mp.diff(exact, mpf(x))
        assert abs(row.numeric - slope) <= row.bound <= limit * abs(slope)
    assert row.passed


@pytest.mark.parametrize("size", [1e-6, 1e-5, 1e-3, 0.1, -0.5, 1.0, -2.0])
@pytest.mark.parametrize("x", [0.3, 0.7, -2.5, 7.0])
def test_a_wrong_derivative_differs_and_the_true_one_is_told(size, x):
    wrong = primitive("checking_taylor_off", math.sin, (lambda y, x: ag.cos(x) * (1.0 + size),))
    row = checked(wrong, x)
    assert row.verdict == "differs"
    assert abs(row.numeric - math.cos(x)) <= 0.02 * abs(size * math.cos(x))
    assert abs(row.analytic - row.numeric) <= 1.5 * row.bound, "the bound is what an order of 1.5 leaves"


@pytest.mark.parametrize("inside", [0.0, 1.0])
@pytest.mark.parametrize("away", [1e-13, -1e-13])
def test_a_kink_nearer_than_any_step_is_no_difference(away, inside):
    def f(x):
        return inside * x * x + ag.relu(x - (1000.0 + away)) + x

    assert checked(f, 1000.0).verdict != "differs"


def test_a_period_shorter_than_any_step_is_no_difference():
    for turn in range(1, 40):
        assert checked(ag.sin, turn * 1.2345e15).verdict != "differs", turn


def test_what_rounding_did_to_the_engines_derivative_is_no_remainder():
    """Next to a root the function is far more exact than its derivative, of which most digits cancel."""
    row = checked(lambda x: ag.tanh(x) * ag.cos(2.95) + 1.03 * x, 1e-9)
    assert row.passed
    assert row.bound <= 1e-12 * abs(row.analytic)


@pytest.mark.parametrize("x", [1e-12, -1e-12, 1e-6, 0.01])
def test_a_root_of_a_kinked_function_is_no_difference(x):
    for f in (abs, lambda x: abs(x) + ag.sin(x), lambda x: ag.relu(x) * 3.0 + x * x):
        assert checked(f, x).verdict != "differs"


@pytest.mark.parametrize("x", [0.0, 0.3, 0.7, -2.5, 7.0])
def test_an_error_of_one_in_ten_million_is_found(x):
    slightly = primitive("checking_taylor_slightly_off", math.sin, (lambda y, x: ag.cos(x) * (1.0 + 1e-7),))
    assert checked(ag.sin, x).passed
    assert checked(slightly, x).verdict == "differs"


@pytest.mark.parametrize(
    ("f", "x", "evaluations"),
    [
        (lambda x: x * x * x, 0.3, 61),
        (lambda x: x * x * x, 1.0, 57),
        (lambda x: x * x, 0.3, 61),
        (lambda x: -x, 1.0, 11),
    ],
)
def test_the_search_ends_where_no_remainder_is_clear(f, x, evaluations):
    calls = []
    checked(lambda x: (calls.append(x), f(x))[1], x)
    assert len(calls) == evaluations


@pytest.mark.parametrize("smooth", [2, 3, 4, 5, 6])
def test_a_wrong_derivative_is_told_from_the_fourth_smooth_step_on(smooth):
    wrong = primitive("checking_taylor_sign", lambda x: 2.0 * x, (lambda y, x: -2.0,))
    reach = 1.5 * list(ladder(1.0))[-smooth]  # longer steps meet a jump
    row = checked(lambda x: wrong(x) + ag.less(reach, abs(x - 1.0)), 1.0)
    assert row.verdict == ("differs" if smooth >= 4 else "undecided")


def test_the_bound_of_what_is_computed_exactly_is_the_rounding_of_the_test():
    """Of two values and twice of their difference, eight times, by the longest step."""
    for f in (lambda x: -x, abs, ag.relu):
        places = 8.0 * (1.0 + 1.0 + 2.0 * 0.25)
        assert checked(f, 1.0).bound == pytest.approx(places * 2.0**-52 / next(ladder(1.0)), abs=0.0)
