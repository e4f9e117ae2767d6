"""What a comparison says of each component: its numbers, at which points it is wrong, whose it is instead."""

from __future__ import annotations

import math
from typing import Any

import pytest

import autograd as ag
from autograd import Value, compare
from tests.autograd.comparing.test_slips import compared


def branching(x: Any, y: Any) -> Any:
    """x*y^2, of which nothing but numbers can be had: it cannot be traced."""
    return x * y**2 if x > -50 else x


def test_a_component_has_its_numbers_at_the_given_point() -> None:
    report = compared(lambda x, y: x**2 * y, lambda x, y: (3 * x * y, x**2), "xy")
    x, y = report.components
    assert (x.by_hand, x.by_engine) == (3 * 0.3 * 0.7, 2 * 0.3 * 0.7)
    assert x.difference == x.by_hand - x.by_engine
    assert (y.by_hand, y.by_engine, y.difference) == (0.3**2, 0.3**2, 0.0)
    assert 2**-53 * y.by_engine < y.allowed < 1e-12 * y.by_engine
    assert compare(lambda x: x, lambda x: 0.5, 1.0).components[0].difference == -0.5
    assert (
        compare(ag.sqrt, lambda x: 0.5 / math.sqrt(x) if x else math.inf, 0.0).components[0].difference == 0
    )


def test_how_far_rounding_reaches_is_told_of_the_given_point() -> None:
    near, far = (compare(lambda x: x**3, lambda x: 3 * x**2, x).components[0].allowed for x in (1.0, 1000.0))
    assert far == pytest.approx(1e6 * near)


@pytest.mark.parametrize(
    ("hand", "verdicts"),
    [
        (lambda x, y: (2 * x * y, 2 * x * y), ("dx is the derivative by y", "")),
        (lambda x, y: (y * y, y * y), ("", "dy is the derivative by x")),
        (lambda x, y: (2 * x * y, y * y), ("dx is swapped with dy", "dy is swapped with dx")),
        (lambda x, y: (-y * y, -2 * x * y), ("dx has the wrong sign", "dy has the wrong sign")),
        (lambda x, y: (y * y / 2, 2 * x * y), ("dx lacks the factor 2", "")),
        (lambda x, y: (1.037 * y * y, 2 * x * y), ("dx is 1.037 times what it should be", "")),
    ],
)
def test_without_a_derivation_components_are_held_against_each_other(
    hand: Any, verdicts: tuple[str, ...]
) -> None:
    report = compared(branching, hand, "xy")
    assert tuple(component.verdict for component in report.components) == verdicts
    assert not any("could not be looked for" in finding for finding in report.findings)
    assert report.definitions == ()


def test_why_factors_were_not_looked_for_is_said_only_where_it_matters() -> None:
    wrong = compared(branching, lambda x, y: (y + x**2, 0.0), "xy")
    assert wrong.findings[1] == "dy is 0."
    reason = "Factors and terms could not be looked for: the function cannot be traced (deciding (if, "
    assert wrong.findings[2].startswith(reason)
    assert "\n" not in wrong.findings[2]
    traced = compared(lambda x: x**3, lambda x: (math.sin(x),), "x")
    assert len(traced.findings) == 1


def test_a_formula_that_is_too_large_to_be_searched_is_compared() -> None:
    def f(x: Any) -> Any:
        y = x
        for _ in range(251):
            y = (y + x).sin()
        return y

    report = compared(f, lambda x: (ag.grad(f)(x) + math.sin(x),), "x")
    assert report.findings[0].startswith("dx fits no known slip")
    assert report.findings[1] == (
        "Factors and terms could not be looked for: the function has more than 500 operations: compare a "
        "smaller part."
    )


def test_what_another_component_should_be_is_told_before_a_far_fetched_slip() -> None:
    def f(x: Any, y: Any) -> Any:
        return (3 * x).sin() * (y / 7).tanh() + x

    report = compared(f, lambda x, y: (math.sin(3 * x) * (1 - math.tanh(y / 7) ** 2) / 7,) * 2, "xy")
    assert report.components[0].verdict == "dx is the derivative by y"


def test_a_finding_ends_with_a_place_a_question_mark_or_a_full_stop() -> None:
    placed = compared(lambda x: (3 * x).sin(), lambda x: (math.cos(3 * x),), "x")
    assert placed.findings == ("dx lacks the factor 3, where\n    df/dx = 3*cos(3*x)",)
    assert placed.definitions == ("f = sin(3*x)",)
    report = compared(lambda x: x**2, lambda x: (2 * x * (1 + 1e-6 * math.sin(x)),), "x")
    assert report.findings[0].endswith("short of digits?")
    assert report.definitions == ()
    assert compared(branching, lambda x, y: (-y * y, 2 * x * y), "xy").findings == ("dx has the wrong sign.",)


def test_components_with_the_same_slip_are_told_together() -> None:
    three = compared(lambda x, y, z: x * y * z, lambda x, y, z: (-y * z, -x * z, -x * y), "xyz")
    assert three.findings == ("Every component has the wrong sign.",)
    two = compared(lambda x, y: x * y, lambda x, y: (-y, -x), "xy")
    assert two.findings == ("dx, dy: each has the wrong sign.",)
    apart = compared(lambda x, y, z: x * y * z, lambda x, y, z: (-y * z, x * z, -x * y), "xyz")
    assert apart.findings == ("dx, dz: each has the wrong sign.",)
    report = compare(lambda x: x, lambda x: -1.0, Value(1.0, "x"))
    assert report.findings[0].startswith("dx has the wrong sign")


def square(hand: Any, **options: Any) -> tuple[str, list[tuple[float, float]]]:
    """What is said of a derivative of x^2 at 0.9, and the pairs by hand and right where they differ."""
    report = compare(lambda x: x**2, hand, Value(0.9, "x"), **options)
    pairs = [(hand(x), 2 * x) for (x,) in report.points]
    return report.components[0].verdict, [pair for pair in pairs if pair[0] != pair[1]]


@pytest.mark.parametrize(
    ("hand", "where"),
    [
        (lambda x: 2 * x + math.sin(x) / 9, ""),
        (lambda x: 2 * x + (math.sin(x) if x > 0.91 else 0), "; at the given one it is right)"),
        (lambda x: 2 * x + (math.sin(x) if x < 0.91 else 0), " of 31 points)"),
    ],
)
def test_an_unknown_slip_is_told_by_its_size_and_ratio(hand: Any, where: str) -> None:
    finding, pairs = square(hand, points=30)
    off = [abs(by_hand - right) for by_hand, right in pairs]
    ratios = [by_hand / right for by_hand, right in pairs]
    assert finding.startswith(
        f"dx fits no known slip: it is off by {min(off):.3g} to {max(off):.3g}, and its ratio to the right "
        f"one goes from {min(ratios):.6g} to {max(ratios):.6g}"
    )
    assert finding.endswith(where)
    assert (f"(at {len(pairs)} of 31 points" in finding) == (len(pairs) < 31)


def test_a_slip_at_one_point_only_is_told_with_its_numbers() -> None:
    assert (
        square(lambda x: 2 * x + (x == 0.9))[0]
        == "dx is 2.8 where it should be 1.8 (at the given point only)"
    )
    finding = square(lambda x: 2 * x if x < 1.2 else math.nan, points=30)[0]
    assert finding.startswith("dx is nan where it should be 2.")
    assert finding.endswith("of 31 points; at the given one it is right)")


def test_what_is_off_by_less_than_a_ten_thousandth_is_called_nearly_right() -> None:
    hand = lambda x: 2 * x * (1 + 1e-6 * math.sin(x))  # noqa: E731
    finding, pairs = square(hand)
    off = [abs(by_hand - right) for by_hand, right in pairs]
    assert finding.startswith(
        f"dx is nearly right, but off by {min(off):.3g} to {max(off):.3g}, where rounding explains at most "
    )
    assert finding.endswith("is it found by finite differences, or a number in it short of digits?")
    assert 0 < float(finding.partition("at most ")[2].partition(":")[0]) < 1e-13
    assert "fits no known slip" in square(lambda x: 2 * x * (1 + 2e-4 * math.sin(x)))[0]


def test_a_slip_near_a_point_without_a_number_is_told() -> None:
    report = compare(ag.log, lambda x: 1 / x if 0 < x < 0.2 else 2 / x if x else 0.0, Value(0.0, "x"))
    (x,) = report.components
    assert 0 not in x.compared_at
    assert x.verdict == f"dx has a factor 2 too many (at {len(x.wrong_at)} of {len(x.compared_at)} points)"


def test_a_component_without_a_number_is_named_beside_one_that_is_right() -> None:
    report = compared(lambda x, y: ag.sqrt(x * 0.0) + y * y, lambda x, y: (0.0, 2 * y), "xy")
    why = "the engine has no derivative there that rounding leaves digits of. Compare at another point."
    assert report.findings == (f"dx could not be compared: {why}",)
    assert [component.passed for component in report.components] == [False, True]
    assert str(report).endswith("FAILED: 1 of 2 components could not be compared")
    alone = compared(lambda x: ag.sqrt(x * 0.0), lambda x: (0.0,), "x")
    assert alone.findings == (f"Nothing could be compared: {why}",)


def test_what_is_swapped_is_told_rather_than_two_numbers() -> None:
    report = compared(
        lambda x, y: (x + 2 * y).sin(), lambda x, y: (2 * math.cos(x + 2 * y), math.cos(x + 2 * y)), "xy"
    )
    assert report.findings == ("dx is swapped with dy.",)


def test_two_names_in_the_place_of_two_are_another_component() -> None:
    def hand(x: float, y: float, a: float, b: float, c: float, d: float) -> tuple[float, float]:
        return c * d, c * d

    assert compared(lambda x, y, a, b, c, d: x * a * b + y * c * d, hand, "xy", "abcd").findings == (
        "dx is the derivative by y.",
    )


@pytest.mark.parametrize(("points", "finding"), [(2, "dx is swapped with dy."), (1, "dx fits no known slip")])
def test_three_points_tell_whose_a_component_is(points: int, finding: str) -> None:
    x, y = Value(0.3, "x"), Value(0.7, "y")
    hand = lambda x, y: (x**2 * math.cos(y), 2 * x * math.sin(y))  # noqa: E731
    report = compare(lambda x, y: x**2 * y.sin(), hand, x, y, argnums=(0, 1), points=points)
    assert report.findings[0].startswith(finding)


def test_of_two_that_it_could_be_the_first_is_told() -> None:
    def f(x: Any, y: Any, z: Any) -> Any:
        return x * (y + z) ** 2 if x > -50 else x

    report = compared(f, lambda x, y, z: (2 * x * (y + z),) * 3, "xyz")
    assert report.findings == ("dx is the derivative by y.",)


def test_a_component_is_another_one_where_it_is_wrong() -> None:
    report = compared(branching, lambda x, y: (2 * x * y if x > 0.2 else y * y, 2 * x * y), "xy")
    wrong = len(report.components[0].wrong_at)
    assert 3 <= wrong < 9
    assert report.findings == (f"dx is the derivative by y (at {wrong} of 9 points).",)


def test_a_wrong_sign_is_told_though_the_components_could_be_swapped() -> None:
    report = compared(lambda x, y: (x - y).sin(), lambda x, y: (-math.cos(x - y), math.cos(x - y)), "xy")
    assert report.findings[0].startswith("dx, dy: each has the wrong sign")


def test_a_ratio_is_taken_where_the_right_number_is_not_zero() -> None:
    report = compare(lambda x: ag.relu(x) * x, lambda x: 2 * x + math.sin(x), Value(0.1, "x"))
    off = [abs(2 * x + math.sin(x) - 2 * max(x, 0.0)) for (x,) in report.points]
    ratios = [(2 * x + math.sin(x)) / (2 * x) for (x,) in report.points if x > 0]
    assert 0 < len(ratios) < 9
    assert report.components[0].verdict == (
        f"dx fits no known slip: it is off by {min(off):.3g} to {max(off):.3g}, and its ratio to the right "
        f"one goes from {min(ratios):.6g} to {max(ratios):.6g}"
    )


def test_small_and_large_derivatives_are_compared_as_closely() -> None:
    for size in (1e-20, 1.0, 1e20):
        assert not compare(lambda x, size=size: size * x, lambda x, size=size: size * (1 + 1e-13), 1.0)
        assert compare(lambda x, size=size: size * x, lambda x, size=size: size * (1 + 2e-16), 1.0)


# A function times a scale, its derivative by hand.
SCALED: dict[str, tuple[Any, Any]] = {
    "a cube": (lambda s, x: s * x * x * x, lambda s, x: s * 3 * x * x),
    "a sum": (lambda s, x: s * x + s * x * x, lambda s, x: s + 2 * s * x),
    "a quotient": (lambda s, x: s * x / (3.0 + x), lambda s, x: s * 3 / (3 + x) ** 2),
    "a product that underflows": (lambda s, x: (s * x) * (s * x), lambda s, x: 2 * s * s * x),
    "a divisor": (lambda s, x: s / (3.0 + x), lambda s, x: -s / (3 + x) ** 2),
    "a power": (lambda s, x: s * x**2.5, lambda s, x: s * 2.5 * x**1.5),
    "exp": (lambda s, x: s * ag.exp(x), lambda s, x: s * math.exp(x)),
    "tanh": (lambda s, x: s * ag.tanh(x), lambda s, x: s / math.cosh(x) ** 2),
}


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("scale", [5e-324, 1e-320, 3e-315, 1e-310, 1e-308, 1e-300, 1e-162, 1e-155, 1e150])
@pytest.mark.parametrize("x", [0.7, 2.1])
def test_a_right_gradient_passes_at_every_magnitude(name: str, scale: float, x: float) -> None:
    f, hand = SCALED[name]
    report = compare(lambda x: f(scale, x), lambda x: hand(scale, x), x)
    assert report.passed, str(report)


@pytest.mark.parametrize(("scale", "size"), [(1e-320, 0.5), (1e-310, 1e-10), (1e-300, 1e-12), (1e150, 1e-12)])
@pytest.mark.parametrize("name", ["a cube", "a sum", "a quotient", "a divisor", "a power", "exp"])
def test_a_wrong_gradient_is_seen_at_every_magnitude(name: str, scale: float, size: float) -> None:
    f, hand = SCALED[name]
    assert not compare(lambda x: f(scale, x), lambda x: hand(scale, x) * (1 + size), 0.7)


def test_where_rounding_may_have_eaten_all_digits_nothing_is_compared() -> None:
    report = compare(lambda x: 1e30 * ag.sin(1e150 * (1e150 + 1e-150 * x)), lambda x: 1.0, 1.0)
    assert math.isfinite(report.components[0].by_engine)
    assert report.components[0].compared_at == ()
    assert not report


@pytest.mark.parametrize(
    ("f", "hand", "words"),
    [
        (
            lambda x, y, z: (x - y - z).sin(),
            lambda x, y, z: (math.cos(x + y - z),),
            "f = sin(x + y - z) in place of f = sin(x - y - z)",
        ),
        (
            lambda x, y, z: (x + y).sin() * z * y.cos(),
            lambda x, y, z: (math.cos(x - y) * z * math.cos(y),),
            "f = sin(x - y)*z*cos(y) in place of f = sin(x + y)*z*cos(y)",
        ),
        (
            lambda x, y, z: (x - y - z).sin(),
            lambda x, y, z: (math.cos(x - y),),
            "f = sin(x - y) in place of f = sin(x - y - z)",
        ),
    ],
)
def test_a_misread_sum_is_found_where_it_stands(f: Any, hand: Any, words: str) -> None:
    assert compared(f, hand, "x", "yz").findings == (f"dx would be right for {words}.",)


def test_a_misread_formula_may_lack_an_argument() -> None:
    def hand(x: float, y: float, z: float) -> tuple[float, ...]:
        return math.cos(x - y), -math.cos(x - y), 0.0

    assert compared(lambda x, y, z: (x - y - z).sin(), hand, "xyz").findings == (
        "Every component would be right for f = sin(x - y) in place of f = sin(x - y - z).",
    )
