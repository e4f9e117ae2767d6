"""Difference quotients: which steps they take, how good they are, and what they must not be taken in by."""

from __future__ import annotations

import itertools
import math

import pytest
from mpmath import mp, mpf

import autograd as ag
from autograd import check_gradients
from autograd.checking.differences import ladder


@pytest.mark.parametrize("x", [0.0, 1e-300, 0.3, -1.0, 1.5, 2.0, -4.7, 1000.0, 1e10, -1e300])
def test_steps_halve_from_a_part_of_the_input_to_a_few_of_its_last_places(x):
    steps = list(ladder(x))
    power = 2.0 ** max(math.floor(math.log2(abs(x))) if x else 0, 0)
    assert steps[0] == 81 / 256 * power
    assert all(shorter == longer / 2.0 for longer, shorter in itertools.pairwise(steps))
    if len(steps) < 200:
        assert steps[-1] / 2.0 < 256 * math.ulp(x) < steps[-1]
    else:
        assert len(steps) == 200
        assert abs(x) < 1e-40, "it ended before the input's last places"


@pytest.mark.parametrize(
    ("f", "exact", "x", "central", "richardson"),
    [
        (ag.exp, mp.exp, 0.0, 4e-10, 3e-13),
        (ag.exp, mp.exp, 1.0, 4e-10, 3e-13),
        (ag.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), 0.0, 5e-10, 1e-12),
        (lambda x: ag.sigmoid(5.0 * x), lambda x: 1 / (1 + mp.exp(-5 * x)), 0.0, 5e-10, 1e-12),
        (lambda x: ag.sin(20.0 * x), lambda x: mp.sin(20 * x), 0.3, 5e-10, 2e-13),
        (lambda x: x * x * x * x * x, lambda x: x**5, 1.0, 2e-10, 2e-14),
        (lambda x: x * x * x, lambda x: x**3, 0.3, 1e-10, 5e-15),
        (lambda x: x * x * x, lambda x: x**3, 1.0, 1e-10, 8e-15),
        (lambda x: x * x, lambda x: x**2, 0.3, 2e-15, 5e-15),
        (lambda x: 3.0 * x, lambda x: 3 * x, 0.3, 2e-15, 5e-15),
    ],
)
def test_bounds_hold_and_are_as_tight_as_the_method_allows(f, exact, x, central, richardson):
    with mp.workdps(50):
        slope = mp.diff(exact, mpf(x))
        for method, limit in (("central", central), ("richardson", richardson)):
            (row,) = check_gradients(f, x, method=method).rows
            assert row.passed
            assert abs(row.numeric - slope) <= row.bound <= limit * abs(slope), method


@pytest.mark.parametrize("x", [1000.0, 1e6])
@pytest.mark.parametrize(("method", "limit"), [("central", 1e-9), ("richardson", 1e-13)])
def test_steps_grow_with_the_input(x, method, limit):
    (row,) = check_gradients(lambda x: x * x * x * x * x, x, method=method).rows
    assert row.passed
    assert row.bound <= limit * row.analytic


each_method = pytest.mark.parametrize("method", ["central", "richardson"])


@each_method
@pytest.mark.parametrize("x", [0.0, 0.3])
def test_a_hump_that_the_longest_steps_reach_over_is_seen_by_shorter_ones(method, x):
    def hump(t):
        return t * ag.relu(1.0 - abs(t))

    (row,) = check_gradients(lambda z: 0.1 * z + 0.0075 * hump((z - x) * 20.0), x, method=method).rows
    assert row.numeric == pytest.approx(0.25, abs=1e-3)
    assert row.passed


@each_method
def test_a_line_up_to_a_kink_is_exact(method):
    (row,) = check_gradients(lambda x: 4.0 * x + ag.relu(x - 0.31), 0.3, method=method).rows
    assert row.passed
    assert row.numeric == 4.0
    assert row.bound < 1e-12


@pytest.mark.parametrize("f", [lambda x: -x, abs, ag.relu, lambda x: ag.maximum(x, 0.0)])
@pytest.mark.parametrize(
    ("method", "places"),
    [
        # A quotient is off by 1.5 places; the last of two counts twice.
        ("central", 2 * 1.5 + 1.5),
        # The second column is off by 1.5 + (1.5 + 1.5) / 3 + 1, the third by 3.5 + (3.5 + 3.5) / 15 + 1.
        ("richardson", 2 * (4.5 + 7 / 15) + 3.5),
    ],
)
def test_the_bound_of_what_is_computed_exactly_is_the_rounding_of_quotients(f, method, places):
    (row,) = check_gradients(f, 1.0, method=method).rows
    assert row.bound == pytest.approx(places * 2.0**-52, rel=1e-12, abs=0.0)


@pytest.mark.parametrize(
    ("method", "f", "x", "evaluations"),
    [
        ("central", lambda x: x * x * x, 0.3, 49),
        ("central", lambda x: x * x * x * x * x, 1.0, 49),
        ("central", lambda x: -x, 1.0, 89),
        ("richardson", lambda x: x * x * x, 0.3, 23),
        ("richardson", lambda x: x * x * x, 1.0, 19),
        ("richardson", lambda x: x * x * x * x * x, 1.0, 21),
    ],
)
def test_the_search_ends_where_shorter_steps_can_do_no_better(method, f, x, evaluations):
    calls = []
    check_gradients(lambda x: (calls.append(x), f(x))[1], x, method=method)
    assert len(calls) == evaluations
