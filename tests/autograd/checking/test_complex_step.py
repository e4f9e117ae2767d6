"""The complex step: what it computes on is the analytic continuation, and its bounds hold at every scale."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from mpmath import mp, mpc, mpf

import autograd as ag
from autograd import Value, check_gradients, primitive, where
from autograd.checking import RefusedError
from autograd.checking.complex_step import Complex
from autograd.testing import TABLE
from benchmarks.accuracy.exact import VALUES

# Those that the reference writes for real numbers only.
CONTINUED = {
    **VALUES,
    "hypot": lambda a, b: mp.sqrt(a * a + b * b),
    "atan2": lambda a, b: -1j * mp.log((b + 1j * a) / mp.sqrt(a * a + b * b)),
    "softplus": lambda z: mp.log(1 + mp.exp(z)),
}
NO_COMPLEX_VERSION = {
    *("absolute", "relu", "maximum", "minimum", "less", "less_equal", "equal", "where", "erf", "erfc"),
}
floats_only = primitive(
    "checking_floats_only", lambda x: float(np.interp(x, [0, 1], [0, 2])), (lambda y, x: 2.0,)
)
REALS = (-30.0, -2.5, -1.5, -0.6, -1e-9, 1e-9, 0.25, 0.75, 1.5, 4.0, 30.0)


def is_near_the_reference(primitive: ag.Primitive, *point: complex) -> bool:
    """Whether a complex version is right in both parts, each to a few roundings."""
    result = primitive(*[Complex(number) for number in point]).number
    with mp.workdps(80):
        exact = mpc(CONTINUED[primitive.name](*[mpc(number) for number in point]))
        turned = max([abs(mpc(number).imag / number) for number in point if number], default=0)
        least = turned * abs(exact)  # of an imaginary part that is no difference of larger ones
        return (
            abs(result.real - exact.real) <= 1e-13 * abs(exact)
            and abs(result.imag - exact.imag) <= 1e-13 * max(abs(exact.imag), least)
        )  # fmt: skip


def is_inside(primitive: ag.Primitive, point: tuple[float, ...]) -> bool:
    """Whether a primitive is analytic around a point, in all operands (a negative base is not)."""
    with mp.workdps(80):
        try:
            real = VALUES[primitive.name](*map(mpf, point))
        except ZeroDivisionError:
            return False
    return isinstance(real, mpf) and not (primitive is ag.pow and point[0] < 0.0)


@pytest.mark.parametrize("turned", [1e-30, 0.0625])
def test_each_complex_version_is_the_functions_analytic_continuation(turned):
    compared = 0
    for entry in TABLE:
        for point in itertools.product(REALS, repeat=entry.arity):
            if entry.name in NO_COMPLEX_VERSION or not is_inside(entry, point):
                continue
            moved = [complex(x, abs(x) * by) for x, by in zip(point, (turned, -turned / 2))]
            assert is_near_the_reference(entry, *moved), (entry.name, moved)
            compared += 1
    assert compared > 500


@pytest.mark.parametrize("turned", [1e-30, 0.0625])
@pytest.mark.parametrize("base", [-2.5, -1.0, -0.75, 0.0])
def test_a_whole_power_keeps_the_sign_of_its_base(base, turned):
    for exponent in (-3.0, -1.0, 1.0, 2.0, 3.0, 4.0, 5.0):
        if base or exponent > 0.0:
            assert is_near_the_reference(ag.pow, complex(base, turned), complex(exponent)), exponent


def test_the_origin_has_its_values():
    assert ag.hypot(Complex(0j), Complex(0j)).number == 0.0
    assert [ag.pow(Complex(0j), n).number for n in (0.0, 1.0, 2.0, 3.0)] == [1.0, 0.0, 0.0, 0.0]


def difference(f, x):
    """A check of one derivative by the complex step."""
    return check_gradients(f, x, method="complex-step").rows[0]


@pytest.mark.parametrize("f", [ag.log, ag.sqrt, ag.log2, lambda x: x**0.25])
@pytest.mark.parametrize("x", [1e-200, 1e-50, 1.0, 1e50])
def test_the_step_is_small_beside_the_input(f, x):
    row = difference(f, x)
    assert row.passed
    assert row.bound <= 1e-14 * abs(row.analytic)


def test_a_derivative_of_zero_may_be_off_by_what_the_step_leaves_of_it():
    row = difference(lambda x: x**3, 0.0)
    assert row.passed
    assert row.numeric != 0.0
    assert row.bound == pytest.approx(2.0 * abs(row.numeric), abs=0.0)


def test_the_bound_of_what_the_engine_computes_exactly_is_that_of_complex_functions():
    assert difference(lambda x: 4.0 * x, 1.0).bound == 8.0 * math.ulp(4.0)


def test_an_input_too_small_for_a_step_beside_it_is_refused_and_no_larger_one():
    assert difference(ag.sin, 2.0**-750).passed
    with pytest.raises(RefusedError, match="is too small for a complex step"):
        difference(ag.sin, 1.5 * 2.0**-751)


def test_numbers_too_small_for_all_their_digits_widen_the_bound():
    row = difference(lambda x: (x * 1e-55) * 1e55, 1e-220)
    assert row.passed
    assert 1e-5 < 1.0 - row.numeric < row.bound < 1e-2


@pytest.mark.parametrize(("apart", "is_refused"), [(10, False), (14, True)])
def test_a_real_part_may_be_off_by_three_times_its_error(apart, is_refused):
    off = primitive(
        "checking_real_part_off",
        lambda x: x * (1.0 + apart * 2.0**-52),
        (1.0,),
        expression=lambda x: x * 1.0,
    )
    if is_refused:
        with pytest.raises(
            RefusedError, match=r"^checking_real_part_off is 1 on real numbers and 1 on complex"
        ):
            difference(lambda x: off(x), 1.0)
    else:
        assert difference(lambda x: off(x), 1.0).passed


@pytest.mark.parametrize("condition", [1.0, 0.0, 5.0])
def test_a_condition_that_no_input_changes_chooses(condition):
    captured = Value(condition)  # an input of the program: any other condition is decided by the trace
    row = difference(lambda x: where(captured, ag.sin(x), x * x), 0.75)
    assert row.passed
    assert row.numeric == pytest.approx(math.cos(0.75) if condition else 1.5)


@pytest.mark.parametrize("x", [720.0, -720.0, 800.0, -800.0])
def test_what_an_exponential_overflows_is_computed_on_the_other_side(x):
    assert difference(ag.sigmoid, x).passed
    assert difference(ag.softplus, x).passed


@pytest.mark.parametrize(
    ("f", "x", "words"),
    [
        (ag.sin, 1e-300, r"x = 1e-300 is too small for a complex step beside it"),
        (lambda x: ag.exp(x * 1000.0), 1.0, "exp is inf on real numbers and nan on complex ones, at .*test_"),
        (lambda x: ag.atanh(x * 0.0 + 1.0), 1.0, "atanh is inf on real numbers and nan on complex ones"),
        (lambda x: ag.pow(-2.0, x), 3.0, "pow is -8 on real numbers and nan on complex ones"),
        (lambda x: x**1.5, 0.0, "pow is 0 on real numbers and nan on complex ones"),  # a branch point
        (lambda x: ag.atan2(0.0, x), 0.0, "atan2 is 0 on real numbers and 3.14159 on complex ones"),
        (
            lambda x: floats_only(x),
            0.3,
            r"checking_floats_only takes no complex numbers \(it asks for a float",
        ),
    ],
)
def test_what_has_no_complex_step_is_refused_with_the_reason(f, x, words):
    with pytest.raises(RefusedError, match=f"^{words}"):  # it ends with the line, which holds the words
        difference(lambda x: f(x), x)
