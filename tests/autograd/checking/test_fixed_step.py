"""Differences of a fixed step: the step and the tolerances are the user's."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
from autograd import check_gradients
from models.assignment.data import load_assignment_data
from models.assignment.graph import loss


def test_the_assignment_passes_in_its_own_setting():
    X, y = load_assignment_data()
    w = [0.00271756, 0.01260512, 0.00167639, -0.00207756, 0.00720768, 0.00114524, 0.00684168, 0.02242521]
    report = check_gradients(
        lambda w: loss(w, X[0].tolist(), y[0]), [*w, 0.01296444], eps=1e-7, rtol=1e-3, atol=0.0
    )
    assert report.passed
    assert max(abs(row.relative) for row in report.rows) <= 1e-3
    assert report.norm < 1e-7
    assert [row.name for row in report.rows] == [f"w[{i}]" for i in range(9)]
    assert "(eps=1e-07, rtol=0.001, atol=0)" in str(report)


@given(st.floats(-2, 2), st.floats(1e-7, 1e-3), st.floats(0, 1e-6))
def test_a_fixed_step_and_its_tolerances_are_taken_as_they_are_given(x, eps, rtol):
    report = check_gradients(lambda x: x**3, x, eps=eps, rtol=rtol)
    (row,) = report.rows
    assert row.numeric == (math.pow(x + eps, 3) - math.pow(x - eps, 3)) / (2 * eps)
    assert row.bound == rtol * max(abs(row.analytic), abs(row.numeric)) + 1e-8
    assert row.passed == (abs(row.analytic - row.numeric) <= row.bound)
    assert (report.eps, report.rtol, report.atol, report.method) == (eps, rtol, 1e-8, "fixed-step")


def test_a_fixed_step_has_the_documented_defaults():
    report = check_gradients(ag.sin, 0.7, method="fixed-step")
    assert report.passed
    assert (report.eps, report.rtol, report.atol, report.order) == (1e-6, 1e-4, 1e-8, 1)


def test_a_difference_as_large_as_the_tolerance_passes():
    (row,) = check_gradients(lambda x: x**3, 0.7, eps=0.125, rtol=0.0).rows
    difference = abs(row.analytic - row.numeric)
    assert not row.passed
    assert check_gradients(lambda x: x**3, 0.7, eps=0.125, rtol=0.0, atol=difference).passed
    assert not check_gradients(lambda x: x**3, 0.7, eps=0.125, rtol=0.0, atol=0.99 * difference).passed
