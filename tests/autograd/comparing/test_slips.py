"""Slips of every kind in small formulas, told in words; what is too far-fetched to be one is not."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Comparison, Value, compare
from autograd.comparing.contributions import Series, Term
from autograd.comparing.slips import Slip
from autograd.derivation.chain_rule import Link
from autograd.derivation.expressions import Symbol


def compared(f: Callable[..., Any], hand: Callable[..., Any], by: str, fixed: str = "") -> Comparison:
    """Two gradients at 0.3, 0.7, 1.1, ...; the first names are what it is by, a letter each."""
    point = [Value(0.3 + 0.4 * i, name) for i, name in enumerate(by + fixed)]
    return compare(f, hand, *point, argnums=tuple(range(len(by))))


def verdict(f: Callable[..., Any], hand: Callable[..., Any], fixed: str = "") -> str:
    """What is said of the derivative by x."""
    return compared(f, lambda *point: (hand(*point),), "x", fixed).components[0].verdict


@pytest.mark.parametrize(
    ("mistaken", "words"),
    [
        (lambda y: y, "f"),
        (lambda y: 1 - y, "1 - f"),
        (lambda y: 1 + y, "1 + f"),
        (lambda y: 1 - y**2, "1 - f^2"),
        (lambda y: 1 + y**2, "1 + f^2"),
        (lambda y: y * (1 - y), "f*(1 - f)"),
        (lambda y: y**2, "f^2"),
    ],
)
def test_what_of_a_function_s_value_is_taken_for_its_derivative_is_told(mistaken: Any, words: str) -> None:
    sentence = verdict(ag.atan, lambda x: mistaken(math.atan(x)))
    assert sentence == f"dx has {words} where 1/(1 + x^2) belongs"


@pytest.mark.parametrize(
    ("mistaken", "words"),
    [
        (lambda x: x, "x"),
        (lambda x: 1 / x, "1/x"),
        (lambda x: 1 - x, "1 - x"),
        (lambda x: 1 - x**2, "1 - x^2"),
        (lambda x: 1 + x**2, "1 + x^2"),
        (lambda x: x * (1 - x), "x*(1 - x)"),
    ],
)
def test_what_of_a_function_s_argument_is_taken_for_its_derivative_is_told(mistaken: Any, words: str) -> None:
    assert verdict(ag.sin, mistaken) == f"dx has {words} where cos(x) belongs"


def test_a_function_in_the_middle_of_a_line_is_taken_for_its_derivative() -> None:
    sentence = verdict(lambda x, w: w * ag.atan(x * w), lambda x, w: w**2 * math.atan(x * w), "w")
    assert sentence == "dx has atan(x*w) where 1/(1 + x^2*w^2) belongs"


@pytest.mark.parametrize(
    ("name", "other"), [("sin", "cos"), ("cos", "sin"), ("sinh", "cosh"), ("cosh", "sinh")]
)
def test_a_function_is_told_from_the_one_that_it_is_the_derivative_of(name: str, other: str) -> None:
    report = compared(
        lambda x, y: getattr(ag, name)(y) * ag.atan(x),
        lambda x, y: (getattr(math, other)(y) / (1 + x * x),),
        *("x", "y"),
    )
    assert report.components[0].verdict == f"dx has {other}(y) where {name}(y) belongs"


def test_a_power_in_the_formula_may_be_one_too_many() -> None:
    finding = verdict(lambda x, w: x**3 * w, lambda x, w: 3 * x**2 * w * x**3, "w")
    assert finding == "dx has a factor x^3 too many"


def test_a_name_that_the_derivative_has_no_factor_of_may_be_one_too_many() -> None:
    assert verdict(lambda x, w, y: (w * x - y) ** 2, lambda x, w, y: 2 * (w * x - y) * w * y, "wy") == (
        "dx has a factor y too many"
    )


@pytest.mark.parametrize(
    ("u", "words"),
    [
        (lambda a, b, c: a + b - c, "a + b - c"),
        (lambda a, b, c: a - b + c, "a - b + c"),
        (lambda a, b, c: -a - b - c, "-a - b - c"),
    ],
)
def test_the_wrong_sign_of_any_term_of_a_sum_is_found(u: Any, words: str) -> None:
    def hand(*point: float) -> tuple[float, ...]:
        return 2 * u(*point), -2 * u(*point), -2 * u(*point)

    report = compared(lambda a, b, c: (a - b - c) ** 2, hand, "abc")
    first, *places = report.findings[0].splitlines()
    assert first == f"Every component has {words} where a - b - c belongs, where"
    assert [place.split(" = ")[0].strip() for place in places] == ["df/da", "df/db", "df/dc"]


@pytest.mark.parametrize(
    ("hand", "words"),
    [
        (lambda x, w: w * x, "lacks the factor 2*e"),
        (lambda x, w: w * 2 * x, "lacks the factor e"),
        (lambda x, w: w * 2 * x / 3, "lacks the factor e and is 1/3 of what it should be"),
        (lambda x, w: w, "lacks the factor 2*e*x"),
    ],
)
def test_a_number_is_missing_with_a_factor_only_if_the_derivation_has_it(hand: Any, words: str) -> None:
    assert verdict(lambda x, w: (x**2).exp() * w, hand, "w") == f"dx {words}"


def test_a_way_round_of_odd_length_is_followed_with_its_sign() -> None:
    def f(x: Any) -> Any:
        u = x * x
        a = u.sin()
        result = a * u
        u.label, a.label, result.label = "u", "a", "f"
        return result

    assert verdict(f, lambda x: 2 * x * math.sin(x * x)) == "dx lacks the term df/da * cos(u)"


def test_a_constant_derivative_has_no_error_to_hide_another_formula_in() -> None:
    """What is not explained by itself is held against misread formulas: 2 is not 2 + sin(x)/10."""
    report = compared(lambda x, y: 2 * x + y.sin(), lambda x, y: (2 + 0.1 * math.sin(x), -math.cos(y)), "xy")
    assert report.components[0].verdict.startswith("dx fits no known slip")
    report = compared(
        lambda x, y, z: 2 * x + (y + z).sin(), lambda x, y, z: (2, math.cos(y - z), -math.cos(y - z)), "xyz"
    )
    assert report.findings == (
        "dy, dz: each would be right for f = 2*x + sin(y - z) in place of f = 2*x + sin(y + z).",
    )


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (12.0, "has a factor 12 too many"),
        (13.0, "has a factor 13 too many"),
        (1 / 12, "is 1/12 of what it should be"),
        (1 / 13, "is 0.0769231 times what it should be"),
        (12 / 11, "is 12/11 of what it should be"),
        (14 / 13, "is 1.07692 times what it should be"),
        (-0.75, "is 3/4 of what it should be and has the wrong sign"),
        (-1.037, "is -1.037 times what it should be"),
        (-0.999999, "is -0.999999 times what it should be"),
    ],
)
def test_a_wrong_number_is_told_as_a_fraction_if_it_is_one_of_small_numbers(
    factor: float, words: str
) -> None:
    assert verdict(lambda x: x.sin(), lambda x: factor * math.cos(x)) == f"dx {words}"


@pytest.mark.parametrize(
    ("added", "words"),
    [
        (lambda x, y: y / 12, "y/12"),
        (lambda x, y: -3.0, "-3"),
        (lambda x, y: 2.5 * math.cos(x), "2.5*cos(x)"),
    ],
)
def test_a_term_too_many_is_told_with_its_number(added: Any, words: str) -> None:
    sentence = verdict(lambda x, y: y * x.sin(), lambda x, y: y * math.cos(x) + added(x, y), "y")
    assert sentence == f"dx has a term too many: {words}"


def test_a_term_too_many_has_a_small_number() -> None:
    def finding(number: int) -> str:
        return verdict(lambda x, y: y * x.sin(), lambda x, y: y * math.cos(x) + number * y, "y")

    assert finding(12) == "dx has a term too many: 12*y"
    assert finding(13).startswith("dx fits no known slip")


@pytest.mark.parametrize(
    ("hand", "words"),
    [
        (lambda w, e: w * e, "2*a*b*x"),
        (lambda w, e: w, "2*e*a*b*x"),
    ],
)
def test_all_that_comes_from_one_function_may_be_missing(hand: Any, words: str) -> None:
    sentence = verdict(
        lambda x, a, b, w: (x**2 * a * b).exp() * w,
        lambda x, a, b, w: hand(w, math.exp(x**2 * a * b)),
        "abw",
    )
    assert sentence == f"dx lacks the factor {words}"


def test_the_slopes_of_two_lines_may_be_missing() -> None:
    sentence = verdict(lambda x, a, w: ag.sigmoid(((x * a).exp() + 1.0) ** 3) * w, lambda x, a, w: w, "aw")
    assert sentence == "dx lacks the factor 3*e*a*s*(1 - s)*(e + 1)^2"


def test_numbers_of_two_factors_may_be_missing_with_one() -> None:
    def f(x: Any, w: Any) -> Any:
        e = (x**2).exp()
        e.label = "e"
        return e**3 * w

    finding = verdict(f, lambda x, w: w * math.exp(x**2) ** 2 * x, "w")
    assert finding == "dx lacks the factor 6*e"


@pytest.mark.parametrize(
    ("hand", "words"),
    [
        (lambda x, w, v: v * math.cos(x) * w, "lacks the factor e"),
        (lambda x, w, v: v * w, "lacks the factor e*cos(x)"),
        (lambda x, w, v: math.exp(v * math.sin(x)) * math.cos(x), "lacks the factor v*w"),
        (lambda x, w, v: w, "lacks the factor e*v*cos(x)"),
        (lambda x, w, v: -w * v / x, "fits no known slip"),
    ],
)
def test_factors_that_are_missing_together_are_named(hand: Any, words: str) -> None:
    assert verdict(lambda x, w, v: (v * x.sin()).exp() * w, hand, "wv").startswith(f"dx {words}")


@pytest.mark.parametrize(
    ("hand", "words"),
    [
        (lambda s, c: 3 * s + 2 * c, "has a wrong term: x^3*cos(x) has a factor 2 too many"),
        (lambda s, c: 3 * s - c, "has a wrong term: x^3*cos(x) has the wrong sign"),
        (lambda s, c: s + c, "has a wrong term: 3*sin(x)*x^2 is 1/3 of what it should be"),
        (lambda s, c: c, "lacks the term 3*sin(x)*x^2"),
        (lambda s, c: 3 * s, "lacks the term x^3*cos(x)"),
        (lambda s, c: 3 * c, "fits no known slip"),
    ],
)
def test_a_slip_in_one_of_two_terms_is_told_of_that_term(hand: Any, words: str) -> None:
    sentence = verdict(lambda x: x**3 * x.sin(), lambda x: hand(x**2 * math.sin(x), x**3 * math.cos(x)))
    assert sentence.startswith(f"dx {words}")


def test_the_likelier_of_two_slips_costs_less() -> None:
    f, x, y = Symbol("f"), Symbol("x"), Symbol("y")
    link = Link(f, x, x + y, False)
    nothing = Series(np.zeros(1), np.zeros(1))
    whole, part = Term(link, link.slope, nothing), Term(link, x, nothing)
    costs = [
        slip.cost
        for slip in (
            Slip(0.0),
            Slip(-1.0),
            Slip(0.0, term=whole),
            Slip(2.0),
            Slip(-1.0, term=whole),
            Slip(1.0, missing=x),
            Slip(1.0, extra=x),
            Slip(-1.0, missing=x),
            Slip(0.0, term=part),
            Slip(1.037),
            Slip(0.5, missing=x),
            Slip(1.0, added=True),
            Slip(1.0, missing=x, extra=y),
            Slip(1.0, missing=x * y, extra=y),
        )
    ]
    assert all(less < more for less, more in pairwise(costs))


def test_what_a_slip_makes_of_a_component() -> None:
    x, y = Symbol("x"), Symbol("y")
    numbers = {x: 2.0, y: 5.0}
    term = Term(Link(Symbol("f"), x, x, False), x, Series(np.array(3.0), np.array(0.0)))
    for slip, wrong in [
        (Slip(0.0), 0.0),
        (Slip(-1.0), -10.0),
        (Slip(0.5, missing=x), 2.5),
        (Slip(3.0, missing=x, extra=y), 75.0),
        (Slip(0.0, term=term), 7.0),
        (Slip(-1.0, missing=x, term=term), 5.5),
        (Slip(4.0, added=True), 14.0),
        (Slip(2.0, extra=y, added=True), 20.0),
    ]:
        assert slip.applied(10.0, numbers) == wrong


@pytest.mark.parametrize(("points", "words"), [(2, "lacks the factor x"), (1, "fits no known slip")])
def test_three_points_tell_a_slip_from_a_coincidence(points: int, words: str) -> None:
    report = compare(lambda x: x**3, lambda x: 3 * x, Value(0.7, "x"), points=points)
    assert report.components[0].verdict.startswith(f"dx {words}")


@pytest.mark.parametrize("size", [1e-30, 1e12])
def test_slips_are_told_at_every_scale(size: float) -> None:
    def finding(hand: Callable[[float], float]) -> str:
        return verdict(lambda x: size * x**3 * x.sin(), lambda x: size * hand(x))

    assert "lacks the term" in finding(lambda x: x**3 * math.cos(x))
    assert "lacks the factor x" in verdict(lambda x: size * x**3, lambda x: 3 * size * x)
    assert finding(lambda x: 0.0) == "dx is 0"
    right = lambda x: 3 * x**2 * math.sin(x) + x**3 * math.cos(x)  # noqa: E731
    assert finding(lambda x: 1.037 * right(x)) == "dx is 1.037 times what it should be"
    assert finding(lambda x: right(x) / 7) == "dx is 1/7 of what it should be"
    assert finding(lambda x: math.tan(x)).startswith("dx fits no known slip")


def test_small_factors_are_named() -> None:
    finding = verdict(lambda x: 1e-30 * (x * x).sin(), lambda x: 2e-30 * x)
    assert finding == "dx lacks the factor cos(x^2)"
    report = compared(lambda w, x: (x - 25.0).exp() * w, lambda w, x: (1.0,), "w", "x")
    assert report.components[0].verdict == "dw lacks the factor e"


def test_a_factor_with_few_digits_left_is_named() -> None:
    """Its argument is rounded, and the sine makes a hundred thousand times of that."""
    hand = lambda w, x: (x * math.sin(1e5 * x),)  # noqa: E731
    report = compared(lambda w, x: w * x + (1e5 * x).sin(), hand, "w", "x")
    assert report.components[0].verdict == "dw has a factor sin(100000*x) too many"


def test_no_slip_is_read_out_of_numbers_with_few_digits() -> None:
    """By the textbook's rule, 1 - tanh^2, three digits are left there."""

    def hand(x: float) -> float:
        return 0.03 / math.cosh(14 + 0.01 * x) ** 2 * (1 + 1e-3 * math.sin(50 * x))

    sentence = verdict(lambda x: (14 + 0.01 * x).tanh(), hand)
    assert sentence.startswith("dx fits no known slip")


def test_a_small_term_beside_a_large_one_is_named() -> None:
    assert verdict(lambda x: 3e6 * x, lambda x: 3e6 + x) == "dx has a term too many: x"


def test_what_is_nothing_but_rounding_is_zero() -> None:
    assert verdict(lambda x: x.sin(), lambda x: 1.2e-16 * math.sin(5 * x)) == "dx is 0"


def test_a_component_of_zeros_is_told_so() -> None:
    assert verdict(lambda x: x, lambda x: 0.0) == "dx is 0"
    assert verdict(lambda x, y: x + x * y, lambda x, y: y, "y") == "dx lacks the term 1"


def test_a_number_that_is_no_fraction_goes_with_no_factor() -> None:
    assert verdict(lambda x: x**3, lambda x: 3.111 * x**3).startswith("dx fits no known slip")
    assert verdict(lambda x: x**3, lambda x: 3.111 * x**2) == "dx is 1.037 times what it should be"
    assert verdict(lambda x: x**3, lambda x: 6 * x**3).startswith("dx fits no known slip"), "too far-fetched"
    assert (
        verdict(lambda x: x**3, lambda x: 1.5 * x) == "dx lacks the factor x and is 1/2 of what it should be"
    )
    assert verdict(lambda x: x**3, lambda x: 2 * x).startswith("dx fits no known slip"), "too far-fetched"
    assert verdict(lambda x: x**3, lambda x: -3 * x**3) == "dx has a factor x too many and has the wrong sign"


def test_where_both_sides_of_an_identity_are_zero_it_may_hold() -> None:
    w = Value(0.7, "w")
    report = compare(lambda x, w: x * x * w.sin(), lambda x, w: 2 * math.sin(w) ** 2, Value(0.0, "x"), w)
    assert report.components[0].wrong_at[0] == 0
    assert report.components[0].verdict == "dx has sin(w) where x belongs"
