"""The points at which gradients are compared: how many, how far around the given one, and what stays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Comparison, compare


def scattered(point: float, **options: Any) -> Comparison:
    """A right gradient, compared around a point."""
    return compare(lambda x: x * x, lambda x: 2 * x, point, **options)


@pytest.mark.parametrize("points", [0, 1, 5])
def test_the_given_point_comes_first_and_the_random_ones_are_as_many_as_asked_for(points: int) -> None:
    report = scattered(0.3, points=points)
    assert len(report.points) == points + 1
    assert report.points[0] == (0.3,)
    assert report.components[0].compared_at == tuple(range(points + 1))


@pytest.mark.parametrize(("point", "reach"), [(0.3, 0.5), (-0.9, 0.5), (40.0, 20.0), (-40.0, 20.0)])
def test_points_lie_up_to_half_the_coordinate_s_size_or_half_of_one_to_both_sides(
    point: float, reach: float
) -> None:
    off = np.array([x - point for (x,) in scattered(point, points=200).points])
    assert -reach <= off.min() < -0.95 * reach
    assert 0.95 * reach < off.max() <= reach


def test_coordinates_vary_by_themselves() -> None:
    report = compare(lambda x: x[0] * x[1], lambda x: [x[1], x[0]], [1.0, 1.0], points=50)
    a, b = np.array([x for (x,) in report.points[1:]]).T
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.3


def test_points_come_nearer_where_the_function_has_no_number_farther_off() -> None:
    def f(x: Any) -> Any:
        return ag.log(1e-3 - (x - 1.0) ** 2)

    report = compare(f, lambda x: -2 * (x - 1) / (1e-3 - (x - 1) ** 2), 1.0)
    off = [abs(x - 1.0) for (x,) in report.points]
    assert report.passed
    assert len(off) == 9
    assert 0.01 < max(off) < 0.0317


def test_the_search_for_points_ends() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        return ag.log(1.0 - 1e30 * (x - 1.0) ** 2)

    report = compare(f, lambda x: 0.0, 1.0)
    assert report.points == ((1.0,),)
    assert len(calls) < 150
    del calls[:]
    assert compare(f, lambda x: 0.0 if x == 1.0 else math.sqrt(-1.0), 1.0).points == ((1.0,),)
    assert len(calls) < 150


def test_where_either_function_raises_at_random_points_others_are_taken() -> None:
    def f(x: Any) -> Any:
        if x > 2.2:
            raise OverflowError
        return x * x

    def hand(x: float) -> float:
        return 2 * math.sqrt(x - 1.5) ** 2 + 3.0  # a ValueError left of 1.5

    report = compare(f, hand, 2.0, points=20)
    assert len(report.points) == 21
    assert all(1.5 <= x <= 2.2 for (x,) in report.points)
    assert min(x for (x,) in report.points) < 1.8


@pytest.mark.parametrize(
    ("n", "stays"),
    [
        (3, True),
        (True, True),
        (np.int64(3), True),
        (np.uint8(3), True),
        (np.array(3), True),
        (np.array([True, False]), True),
        (np.array([1, 2]), True),
        (3.0, False),
        (np.array([1.0, 2.0]), False),
    ],
)
def test_whole_numbers_of_other_arguments_stay_and_all_else_varies(n: Any, stays: bool) -> None:
    report = compare(lambda x, n: x * np.array([n]).sum(), lambda x, n: np.sum(n), 2, n)
    assert report.passed
    numbers = np.ravel(n).astype(float)
    for x, other in report.points[1:]:
        assert x != 2.0
        assert np.all(np.ravel(np.asarray(other, dtype=float)) == numbers) == stays


def test_arrays_before_a_whole_number_do_not_change_which_numbers_vary() -> None:
    def f(a: Any, n: Any, x: Any) -> Any:
        return a.sum() * n * x

    report = compare(f, lambda a, n, x: a.sum() * n, np.array([1.0, 2.0]), 3, 4, argnums=2)
    assert report.passed
    for a, n, x in report.points[1:]:
        assert n == 3
        assert x != 4
        assert len({*a, 1.0, 2.0}) == 4


def test_a_point_that_is_not_finite_is_compared_alone() -> None:
    assert scattered(math.inf).points == ((math.inf,),)
    assert compare(lambda x, n: x * n, lambda x, n: n, 2.0, math.inf).points == ((2.0, math.inf),)


def test_a_function_may_return_what_numpy_makes_of_its_result() -> None:
    f = lambda x: np.array(x[0] * x[1], dtype=object)  # noqa: E731
    assert compare(f, lambda x: [x[1], x[0]], [1.0, 2.0])
    for constant in (3, np.array(3.0), np.float32(3.0), np.int64(3)):
        report = compare(lambda x, constant=constant: constant, lambda x: 0.0, 1.0)
        assert report.passed


def test_overflow_in_a_gradient_by_hand_is_no_warning() -> None:
    report = compare(lambda x: x * x, lambda x: 2 * x + 0 * np.tanh(np.float64(1e308) * 10 * x), 1.0)
    assert report.passed


@pytest.mark.parametrize(("count", "shown"), [(12, "x[11]: in"), (13, "x[11], ...: in")])
def test_twelve_names_are_listed_of_the_components_expected(count: int, shown: str) -> None:
    with pytest.raises(ValueError, match=rf"must return the {count} derivatives by x\[0\], .*") as raised:
        compare(lambda x: sum(x), lambda x: [1.0], [1.0] * count)
    assert shown in str(raised.value)
