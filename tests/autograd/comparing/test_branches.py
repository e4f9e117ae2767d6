"""`compare` where functions choose: both sides of each comparison are tried, or it is said which is not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import absolute, compare, equal, log, maximum, minimum, relu, where


def test_a_gradient_that_is_right_on_one_side_of_a_maximum_fails() -> None:
    report = compare(lambda a, b: maximum(a, b) ** 2, lambda a, b: (2 * a, 0.0), 1.5, 1.0, argnums=(0, 1))
    assert [component.passed for component in report.components] == [False, False]
    assert all(report.points[i][0] < report.points[i][1] for i in report.components[0].wrong_at)
    right = compare(
        lambda a, b: maximum(a, b) ** 2,
        lambda a, b: (2 * a, 0.0) if a > b else (0.0, 2 * b),
        1.5,
        1.0,
        argnums=(0, 1),
    )
    assert right.passed
    assert right.untried == ()


ONE_SIDED: list[tuple[Callable[..., Any], Callable[..., Any], float]] = [
    (lambda x: relu(x) ** 2 + x, lambda x: 2 * x + 1, 2.0),
    (abs, lambda x: 1.0, 2.0),
    (absolute, lambda x: -1.0, -3.0),
    (lambda x: minimum(x, 5.0), lambda x: 1.0, 2.0),
    (lambda x: maximum(x - 1e6, 0.0), lambda x: 0.0, 2.0),
    (lambda x: where(x < 7.0, x, x * x), lambda x: 1.0, 2.0),
    (lambda x: where(x <= -7.0, x, x * x), lambda x: 2 * x, 2.0),
    (lambda x: where((x < 0) * (x > -3), x, x * x), lambda x: 2 * x, 2.0),
    (lambda x: relu(ag.sin(x) - 0.9), lambda x: 0.0, 0.1),
    (lambda x: log(x) * where(x < 1e-3, 2.0, 1.0), lambda x: 1 / x, 2.0),
]


@pytest.mark.parametrize(("f", "hand", "x"), ONE_SIDED)
def test_a_derivative_that_is_right_on_one_side_only_fails(
    f: Callable[..., Any], hand: Callable[..., Any], x: float
) -> None:
    report = compare(f, hand, x)
    assert not report.passed
    assert 0 not in report.components[0].wrong_at
    assert "at the given one it is right" in report.findings[0]
    assert report.untried == ()


def test_a_kink_far_off_in_one_of_many_coordinates_is_found() -> None:
    def f(x: Any) -> Any:
        return sum(v * v for v in x) + relu(x[17] - 300.0)

    report = compare(f, lambda x: [2 * v for v in x], [1.0] * 40)
    assert [component.name for component in report.components if not component.passed] == ["x[17]"]


def test_a_branch_that_no_point_lies_on_is_named_in_the_last_line() -> None:
    report = compare(lambda x: relu(x**2 + 1), lambda x: 2 * x, 2.0)
    assert report.passed
    (untried,) = report.untried
    assert untried.condition == "only where x^2 + 1 > 0"
    assert "test_branches.py" in untried.sentence
    assert untried.sentence in str(report)
    last = "passed only where x^2 + 1 > 0: 1 component is equal to rounding at 9 points"
    assert str(report).endswith(last)
    assert last in repr(report)
    assert "only where x^2 + 1 &gt; 0" in report._repr_html_()


def test_points_stay_in_the_domain_of_the_function_and_of_the_gradient() -> None:
    report = compare(lambda x: log(x) + relu(x), lambda x: 1 / x + 1, 2.0)
    assert report.passed
    assert all(x > 0 for (x,) in report.points)
    assert str(report).splitlines()[-1].startswith("passed only where x > 0: ")
    report = compare(lambda x: x + relu(x), lambda x: 2.0 + 0 * math.sqrt(x), 2.0)
    assert str(report).splitlines()[-1].startswith("passed only where x > 0: ")


def test_a_label_that_stays_as_it_is_restricts_what_is_tried() -> None:
    report = compare(lambda x, y: where(y < 2, x, x * x), lambda x, y: 2 * x, 1.5, 3)
    assert report.passed
    assert report.untried[0].condition == "only where y >= 2"


def test_many_branches_are_counted() -> None:
    report = compare(lambda x: sum(relu(v * v + 1) for v in x), lambda x: 2 * x, np.ones(6))
    assert len(report.untried) == 6
    assert "So were 3 more" in str(report)
    assert ", and 3 conditions more: 6 components" in str(report).splitlines()[-1]


@pytest.mark.parametrize("f", [abs, lambda x: maximum(x, -x), lambda x: where(x < 0, -x, x)])
@pytest.mark.parametrize("at_kink", [-1.0, 0.0, 0.5, 7.0])
def test_exactly_at_a_kink_nothing_is_compared(f: Callable[..., Any], at_kink: float) -> None:
    report = compare(f, lambda x: float(np.sign(x)) if x else at_kink, 0.0)
    assert report.passed
    assert 0 not in report.components[0].compared_at
    assert report.findings == ("The given point is exactly at a kink: nothing was compared there.",)
    assert not compare(f, lambda x: 1.0, 0.0)


def test_a_constant_0_behind_a_dead_unit_is_no_kink() -> None:
    report = compare(lambda x: relu(relu(x)) + x, lambda x: 1.0, -2.0)
    assert 0 in report.components[0].compared_at
    assert not report.passed
    assert compare(lambda x: relu(relu(x)) + x, lambda x: 1.0 + (x > 0), -2.0)


def test_equality_at_a_single_point_need_not_be_tried() -> None:
    def f(x: Any) -> Any:
        return where(equal(x, 0.0), 1.0, ag.sin(x) / x)

    report = compare(f, lambda x: (math.cos(x) - math.sin(x) / x) / x, 2.0)
    assert report.passed
    assert report.untried == ()


@pytest.mark.parametrize(
    ("f", "line"),
    [(lambda x: max(x, 0.0) ** 2, "max(x, 0.0)"), (lambda x: x * x if x > 0 else 0.0 * x, "if x > 0 else")],
)
def test_what_python_decides_is_said_with_what_to_write_instead(f: Callable[..., Any], line: str) -> None:
    report = compare(f, lambda x: 2 * x, 1.5)
    (untried,) = report.untried
    assert line in untried.sentence
    assert "write maximum, minimum or where" in untried.sentence
    assert str(report).splitlines()[-1].startswith("passed on the branches that Python took: ")
    with pytest.raises(ag.TracingError, match=r"(?s)test_branches.py.*write where, maximum, minimum"):
        ag.derive(f, 1.5)


def test_random_points_on_both_sides_are_enough() -> None:
    report = compare(abs, lambda x: math.copysign(1.0, x), 0.1)
    assert len(report.points) == 9
    assert report.untried == ()
