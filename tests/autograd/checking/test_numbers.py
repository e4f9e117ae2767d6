"""What a user wrote for floats is computed on other kinds of numbers, however it is written."""

from __future__ import annotations

import math
import math as maths
import operator
from math import sin

import pytest

import autograd as ag
from autograd import Value, check_gradients, primitive
from autograd.checking.numbers import restated
from autograd.checking.precise import arithmetic
from autograd.checking.rounding import Rounded

HALF = 0.5


def sinc_slope(y, x):
    return ag.where(ag.equal(x, 0.0), 0.0, (ag.cos(x) - y) / ag.where(ag.equal(x, 0.0), 1.0, x))


def scaled(by: float, function=sin):
    """A closure over a number and over a function that uses `math`."""

    def inner(x):
        return function(by * x) + by

    return lambda x: inner(x) * by


def recursive(x, depth: int = 3):
    return x if depth == 0 else maths.sin(recursive(x, depth - 1))


def signed(x):
    return (+x if x >= 0.0 else -x) * (1.0 if x > 0.0 else -1.0)


def middle_part(x):
    return -1.0 if x < -1.0 else (x if x <= 1.0 else 1.0)


# The function, its rule, and points at which a slip in how it is read would show.
WRITTEN = {
    "a zero is false": (lambda x: math.sin(x) / x if x else 1.0, sinc_slope, (0.7, 1.0, -1.0)),
    "compared for equality": (lambda x: 1.0 if x == 0.0 else math.sin(x) / x, sinc_slope, (0.7, 1.0, -1.0)),
    "compared by size": (middle_part, lambda y, x: ag.less(abs(x), 1.0), (0.5, 1.5, -1.5)),
    "signs": (signed, lambda y, x: 1.0, (0.7, -0.7)),
    "an absolute value": (lambda x: abs(x) * x, lambda y, x: 2.0 * abs(x), (0.7, -0.7)),
    "a name of its own": (
        lambda x: maths.sin(x) * HALF,
        lambda y, x: HALF * ag.cos(x),
        (0.7,),
    ),
    "a function of math": (lambda x: sin(x), lambda y, x: ag.cos(x), (0.7,)),
    "the same function": (math.sin, lambda y, x: ag.cos(x), (0.7,)),
    "a function that fits no name": (
        lambda x: math.pow(x, 3.0) + math.fabs(x) + math.pi,
        lambda y, x: 3.0 * x * x + 1.0,
        (0.7,),
    ),
    "a closure": (scaled(2.0), lambda y, x: 4.0 * ag.cos(2.0 * x), (0.7,)),
    "a default": (lambda x, function=math.sin: function(x), lambda y, x: ag.cos(x), (0.7,)),
    "a default by name": (
        lambda x, *, function=sin, by=2.0: function(x) * by,
        lambda y, x: 2.0 * ag.cos(x),
        (0.7,),
    ),
    "a function within": (lambda x: (lambda y: math.exp(y) * x)(x), lambda y, x: y + ag.exp(x), (0.7,)),
    "a recursive one": (
        recursive,
        lambda y, x: ag.cos(x) * ag.cos(ag.sin(x)) * ag.cos(ag.sin(ag.sin(x))),
        (0.7,),
    ),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_users_function_is_read_whichever_way_it_is_written(how):
    forward, rule, points = WRITTEN[how]
    written = primitive(f"checking_written_{list(WRITTEN).index(how)}", forward, (rule,))
    for point in points:
        report = check_gradients(written, point, method="high-precision")
        assert report.passed, report
        assert report.rows[0].bound <= 1e-14


def test_a_restated_primitive_is_the_same_in_all_but_the_users_functions():
    users = primitive("checking_restated", lambda x: math.sin(x), (lambda y, x: ag.cos(x),), domain="x > 0")
    twin = restated(users)
    assert (twin.name, twin.arity, twin.domain) == ("checking_restated", 1, "x > 0")
    assert twin.forward is not users.forward
    assert restated(ag.hypot).forward is ag.hypot.forward, "a function of the library takes any number"


def test_numbers_are_ordered_as_floats_are():
    for a, b in ((1.0, 2.0), (2.0, 1.0), (1.0, 1.0), (math.nan, 1.0)):
        for left, right in ((Rounded(a), b), (Rounded(a), Rounded(b)), (a, Rounded(b))):
            for compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
                assert compare(left, right) is compare(a, b)
    assert [bool(Rounded(number)) for number in (0.0, 1.0, -1.0, 2.0)] == [False, True, True, True]
    with pytest.raises(TypeError, match="it asks for a float"):
        float(Rounded(1.0))


def test_the_rounding_of_a_rule_with_math_is_followed_operation_by_operation():
    """The rule loses eight digits here; as a whole, taken for a good one, it would be called wrong."""
    cancelling = primitive(
        "checking_cancelling",
        lambda x: x / 2.0 - math.sin(2.0 * x) / 4.0,
        (lambda y, x: 1.0 - math.cos(x) ** 2,),
    )
    (row,) = check_gradients(cancelling, 1e-4, method="high-precision").rows
    assert row.analytic != row.numeric
    assert row.passed


def test_comparisons_hold_where_both_are_equal():
    unit = Value(1.0)
    for compare, slope in ((ag.less, 3.0), (ag.less_equal, 2.0), (ag.equal, 2.0)):
        report = check_gradients(
            lambda x, compare=compare: ag.where(compare(unit, unit), 2.0 * x, 3.0 * x), 0.7
        )
        assert report.method == "high-precision"
        assert report.passed
        assert report.rows[0].numeric == slope


def test_arithmetic_has_the_digits_it_is_asked_for_and_touches_no_one_elses():
    from mpmath import mp

    before = mp.dps
    third = arithmetic(40).apply(ag.div, arithmetic(40).number(1), arithmetic(40).number(3))
    assert str(third) == "0." + "3" * 40
    assert arithmetic(40).power_of_10(-3) * 1000 == 1
    assert mp.dps == before
