"""Right derivatives pass and wrong ones are found at the ends of the range of floats, by every method."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import autograd as ag
from autograd import check_gradients, primitive
from benchmarks.accuracy.exact import exact
from benchmarks.accuracy.ulp import errors, rounded

# The relative size of an error that a method finds where results are normal numbers.
FINDS = {"high-precision": 1e-13, "complex-step": 1e-12, "richardson": 1e-9, "central": 1e-7, "taylor": 1e-5}
SCALED: dict[str, Callable[[float, Any], Any]] = {
    "a cube": lambda s, x: s * x * x * x,
    "a product that underflows": lambda s, x: (s * x) * (s * x),
    "a quotient": lambda s, x: s * x / (3.0 + x),
    "a divisor": lambda s, x: s / (3.0 + x),
    "a power": lambda s, x: s * x**2.5,
    "exp": lambda s, x: s * ag.exp(x),
    "sin within": lambda s, x: ag.sin(s * x),
}


@pytest.mark.parametrize("method", FINDS)
@pytest.mark.parametrize("name", SCALED)
def test_right_derivatives_pass_at_every_magnitude(method: str, name: str) -> None:
    for scale in (5e-324, 1e-320, 1e-310, 1e-308, 1e-300, 1e-162, 1e-155):
        for x in (0.7, 2.1):
            for order in (1, 2):
                report = check_gradients(lambda x, s=scale: SCALED[name](s, x), x, method=method, order=order)
                assert report.passed, (scale, x, report)


def cube_off_by(size: float) -> ag.Primitive:
    return primitive("checking_small_cube", lambda x: x * x * x, (lambda y, x: 3 * x * x * (1 + size),))


@pytest.mark.parametrize("method", FINDS)
@pytest.mark.parametrize(("scale", "size"), [(1e-320, 0.5), (1e-310, 1e-9), (1e-300, 0.0), (1e-250, 0.0)])
def test_wrong_derivatives_are_found_at_every_magnitude(method: str, scale: float, size: float) -> None:
    if method == "complex-step" and scale < 1e-250:  # the imaginary part underflows: its bound says so
        report = check_gradients(lambda x: scale * x, 0.7, method=method)
        assert report.rows[0].bound > 0.1 * scale
        return
    wrong = cube_off_by(max(size, FINDS[method]))
    assert check_gradients(lambda x: scale * wrong(x), 0.7, method=method).rows[0].verdict == "differs"


def test_the_quotient_of_a_derivative_may_be_subnormal() -> None:
    """There ``-y / b`` has lost digits of y, which no unit of its own last place tells of."""
    for a, b in ((7.8314e-320, 5.293859537872275e-09), (3e-315, 1e-5), (1e-322, 1e-3)):
        report = check_gradients(lambda b, a=a: a / b, b, method="high-precision")
        assert report.passed, report


@pytest.mark.parametrize("x", [1.2174596665894437, 0.5, 5.0, 20.0, 26.5, -3.0])
@pytest.mark.parametrize("function", [ag.erf, ag.erfc])
def test_functions_are_taken_to_be_as_accurate_as_they_are(function: ag.Primitive, x: float) -> None:
    """At the first, erfc is further off than at any other point that was measured."""
    report = check_gradients(function, x, method="high-precision")
    assert report.passed, report
    assert report.rows[0].bound <= max(6.0 * math.ulp(report.rows[0].analytic), 1e-320)


def test_the_worst_point_of_erfc_is_one() -> None:
    point = (1.2174596665894437,)
    (apart,) = errors([ag.erfc(*point)], rounded([exact("erfc", point)[""]]))
    assert 4.0 < apart < 5.0


@pytest.mark.parametrize(
    ("function", "x"),
    [(ag.cos, 2.1684714451092387e20), (ag.cos, 1.510677598022888e43), (ag.tan, 2.1684714451092387e20)],
)
def test_next_to_a_zero_or_a_pole_a_large_argument_is_reduced_as_well_as_it_is(
    function: ag.Primitive, x: float
) -> None:
    """Next to a multiple of pi/2 the cosine is off by hundreds of units, which is little beside its slope."""
    assert check_gradients(function, x, method="high-precision").passed
    wrong = primitive(
        "checking_large", function.forward, (lambda y, x: function.partials[0](y, x) * 1.00001,)
    )
    assert not check_gradients(wrong, x, method="high-precision").passed
