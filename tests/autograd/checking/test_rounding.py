"""Running error bounds: never less than the true error, seldom much more."""

from __future__ import annotations

import itertools
import json
import math
import operator
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import mp, mpf

import autograd as ag
from autograd import primitive, where
from autograd.checking.rounding import DERIVATIVE_ULPS, VALUE_ULPS, Rounded, partials
from autograd.testing import TABLE
from benchmarks.accuracy.exact import VALUES
from benchmarks.accuracy.table import FIGURES

POINTS = {
    1: [(0.75,), (-0.4,), (1.75,), (7.0,)],
    2: [(0.75, 0.4), (0.4, 0.75), (3.3, 2.0), (-1.5, 2.5)],
    3: [(1.0, 0.75, 0.4)],
}
MEASURED = json.loads(FIGURES.read_text("utf-8"))["primitives"]
LAST_PLACES = 5.0
ERRORS = [(0.0, 0.0, 0.0), (1e-9, 1e-9, 1e-9), (0.0, 1e-9, 0.0), (1e-9, 0.0, 0.0), (0.1, 0.2, 0.15)]
FOLLOWED_EXACTLY = (ag.add, ag.sub, ag.mul, ag.div)  # others to first order
LOOSE = (ag.relu, ag.maximum, ag.minimum, where)  # an operand that is not chosen counts as well


def farthest(entry: ag.Primitive, point: tuple[float, ...], errors: tuple[float, ...], y: float):
    """How far the exact result may be from y; None where it is not defined all over."""
    ends = [{mpf(x) - error, mpf(x), mpf(x) + error} for x, error in zip(point, errors)]
    exact = [VALUES[entry.name](*corner) for corner in itertools.product(*ends)]
    return max(abs(end - y) for end in exact) if all(isinstance(end, mpf) for end in exact) else None


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.name)
def test_the_bound_of_each_primitive_holds_and_is_tight(entry):
    compared = 0
    for point, errors in itertools.product(POINTS[entry.arity], ERRORS):
        result = entry(*[Rounded(x, error) for x, error in zip(point, errors)])
        with mp.workdps(40):
            most = farthest(entry, point, errors, result.value) if math.isfinite(result.value) else None
        if most is None:
            continue
        slack = 1.0 + 1e-12 if entry in FOLLOWED_EXACTLY or entry.arity == 1 else 1.2
        assert most <= slack * result.error, (point, errors)
        if max(errors) < 0.1 and entry not in LOOSE:
            assert result.error <= 1.001 * most + LAST_PLACES * math.ulp(result.value), (point, errors)
        compared += 1
    assert compared >= 5


def promised(measured: float) -> float:
    """The bound for a function whose largest error was measured."""
    return measured if measured in (0.0, 0.5) else max(4.0, math.ceil(measured + 0.25))


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.name)
def test_what_the_table_promises_is_what_was_measured(entry):
    outputs = MEASURED[entry.name]
    assert VALUE_ULPS[entry] == promised(outputs[""][""]["ours"]["ulp"])
    slopes = [outputs[key][""]["ours"]["ulp"] for key in outputs if len(key) == 1]
    assert DERIVATIVE_ULPS[entry] == max(4.0, promised(max(slopes)))


@pytest.mark.parametrize("operation", [operator.mul, operator.truediv])
@given(st.data())
def test_bounds_hold_where_results_are_subnormal_and_errors_underflow(operation, data):
    exponent, target = data.draw(st.integers(-1060, 60)), data.draw(st.integers(-1085, -1000))
    other = target - exponent if operation is operator.mul else exponent - target
    fractions = [data.draw(st.floats(1.0, 2.0)) for _ in "ab"]
    values = [math.ldexp(f, max(-1070, min(1000, e))) for f, e in zip(fractions, (exponent, other))]
    a, b = [Rounded(value, value * data.draw(st.floats(0.0, 1e-3))) for value in values]
    result = operation(a, -b)
    for signs in itertools.product((-1, 1), repeat=2):
        ends = [Fraction(x.value) + sign * Fraction(x.error) for x, sign in zip((a, b), signs)]
        apart = abs(-operation(*ends) - Fraction(result.value))
        assert apart <= Fraction(result.error) * (1 + Fraction(1, 10**12))


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
@example(15.49432851686166, 497.4243517375944)  # both parts of what it loses are there, of different signs
def test_what_a_sum_loses_is_known_exactly(a, b):
    assert (Rounded(a) + Rounded(b)).error == abs(Fraction(a + b) - Fraction(a) - Fraction(b))
    assert (Rounded(a) - Rounded(b)).error == abs(Fraction(a - b) - Fraction(a) + Fraction(b))
    assert (Rounded(a, 2.0) - Rounded(b, 1.0)).error >= 3.0


def test_what_is_exact_has_no_error():
    third = Rounded(1.0 / 3.0)
    for exact in (
        third * 2.0, 0.5 * third, third * 0.0, -third, abs(-third), third + third, third - third,
        ag.maximum(third, 0.0), ag.less(third, 1.0), where(ag.less(third, 1.0), third, 2.0),
    ):  # fmt: skip
        assert exact.error == 0.0
    tiny = Rounded(3e-320)
    for exact in (tiny * 1.0, -1.0 * tiny, tiny * 4.0, tiny * 0.0, tiny + tiny, tiny - Rounded(2e-320)):
        assert exact.error == 0.0
    assert (tiny * 0.5).error == math.ulp(0.0), "a half of a subnormal number may not be one"
    assert (third * Rounded(2.0, 1e-9)).error == pytest.approx(1e-9 / 3.0, rel=1e-6, abs=0.0)
    assert (third * 3.0).error == 0.5 * math.ulp(1.0)


def test_a_number_in_a_formula_is_exact_if_it_is_short():
    unit = Rounded(1.0)
    assert [(unit * number).error for number in (0.5, 3.0, -0.0625, 1024.0)] == [0.0] * 4
    assert (unit * 0.1).error == 0.5 * math.ulp(0.1)
    assert (unit * 1e300).error == 0.5 * math.ulp(1e300)


def test_both_ends_and_the_slope_between_are_tried():
    assert ag.sin(Rounded(0.0, math.pi)).error >= 1.0
    assert ag.log(Rounded(1.0, 0.75)).error >= -math.log(0.25)
    assert ag.exp(Rounded(0.0, 1.0)).error >= math.e - 1.0
    assert ag.cos(Rounded(0.0, 1e-9)).error < 1e-15
    assert ag.pow(Rounded(0.0), Rounded(0.5)).error < 1e-300


def test_a_quotient_by_what_may_be_zero_is_unbounded():
    assert (Rounded(1.0) / Rounded(0.5, 0.5)).error == math.inf
    assert (Rounded(1.0) / Rounded(0.5, 0.25)).error == pytest.approx(2.0)


def test_a_comparison_is_certain_unless_errors_could_turn_it():
    for compare in (ag.less, ag.less_equal, ag.equal):
        assert compare(Rounded(1.0, 2e-3), Rounded(1.0025, 1e-3)).error == 1.0
        assert compare(Rounded(1.0, 1e-3), Rounded(1.0, 0.0)).error == 1.0
        assert compare(Rounded(1.0, 0.5), Rounded(1.5)).error == 1.0
        assert compare(Rounded(1.0, 1e-3), Rounded(1.0025, 1e-3)).error == 0.0
        assert compare(Rounded(-1.0, 1e-3), Rounded(1.0, 1e-3)).error == 0.0
        assert compare(Rounded(1.0), Rounded(1.0)).error == 0.0


def test_an_uncertain_condition_allows_both_branches():
    a, b = Rounded(2.0, 0.25), Rounded(1.5, 0.125)
    assert where(Rounded(1.0, 1.0), a, b).error == 0.75
    assert where(Rounded(0.5, 1.0), b, a).error == 0.75
    assert where(Rounded(1.0, 0.5), a, b).error == 0.25
    assert where(Rounded(0.0), a, b).error == 0.125


# Primitives of the user's.


def test_a_users_forward_is_followed_operation_by_operation():
    lossy = primitive("checking_lossy", lambda x: (x + 1e10) - 1e10, (1.0,))
    result = lossy(Rounded(0.3))
    assert abs(result.value - 0.3) <= result.error < 1e-6


def test_a_forward_that_takes_only_floats_is_taken_for_an_accurate_one():
    opaque = primitive("checking_opaque", lambda x: math.ldexp(float(x), 1), (2.0,))
    result = opaque(Rounded(0.3, 1e-9))
    assert result.error == pytest.approx(2e-9, rel=1e-6, abs=0.0)
    assert opaque(Rounded(0.3)).error == 4.0 * math.ulp(0.6)


def test_a_forward_a_little_off_its_expression_is_as_wrong_as_that_and_one_far_off_is_taken_alone():
    near = primitive(
        "checking_near", lambda x: x * (1.0 + 3 * 2.0**-52), (1.0,), expression=lambda x: x * 1.0
    )
    assert near(Rounded(1.0)).error == 3.0 * 2.0**-52
    far = primitive("checking_far", lambda x: x * 1.01, (1.0,), expression=lambda x: x * 1.0)
    assert far(Rounded(1.0)).error == 4.0 * 2.0**-52


@pytest.mark.parametrize(("apart", "error"), [(10, 4 + 10), (12, 4 + 12), (14, 4)])
def test_a_forward_may_be_off_by_twice_its_expressions_error_and_four_places(apart, error):
    place = 2.0**-53  # of the sine of 0.75, whose error is four of them
    off = primitive(
        "checking_off_its_expression",
        lambda x: math.sin(x) + apart * place,
        (lambda y, x: ag.cos(x),),
        expression=lambda x: ag.sin(x),
    )
    assert off(Rounded(0.75)).error == error * place


def test_rules_that_take_only_floats_are_tried_at_both_ends_of_each_operand():
    floats_only = primitive(
        "checking_floats_only_rule",
        lambda a, b, c: a * a * b + c,
        (lambda y, a, b, c: 2.0 * float(a) * float(b), lambda y, a, b, c: float(a) ** 2, 0.0),
    )
    inputs = (Rounded(3.0, 0.1), Rounded(2.0, 0.01), Rounded(5.0))
    by_a, by_b, by_c = partials(floats_only, floats_only(*inputs), inputs, (True, True, True))
    assert (by_a.value, by_b.value, by_c) == (12.0, 9.0, None)
    assert by_a.error == pytest.approx(2 * 0.4 + 2 * 0.06, rel=1e-9)
    assert by_b.error == pytest.approx(3.1**2 - 2.9**2, rel=1e-9)
    exact = tuple(Rounded(operand.value) for operand in inputs)
    by_a, by_b, _ = partials(floats_only, floats_only(*exact), exact, (True, False, False))
    assert by_a.error == 4.0 * math.ulp(12.0)
    assert by_b is None


def test_what_is_not_finite_has_no_bound():
    assert Rounded(math.inf).error == Rounded(math.nan).error == Rounded(1.0, math.nan).error == math.inf
    assert repr(Rounded(0.5, 1e-9)) == "0.5 +- 1.0e-09"
