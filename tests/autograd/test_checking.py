"""`check_gradients`: it passes what is right, and names the input whose rule is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autograd as ag
from autograd import Value, check_gradients, primitive
from models.assignment.data import load_assignment_data
from models.assignment.graph import loss

wrong_cos = primitive("checking_wrong_cos", math.cos, lambda y, x: (ag.sin(x),))  # the sign is missing


def test_a_broken_rule_is_found_and_its_input_is_named():
    report = check_gradients(lambda a, b: ag.sin(a) * wrong_cos(b), 0.7, 0.4)
    assert not report
    assert [(row.name, row.passed) for row in report.rows] == [("a", True), ("b", False)]
    assert report.rows[1].analytic == pytest.approx(-report.rows[1].numeric)
    assert report.norm > 0.1
    lines = str(report).splitlines()
    assert "differs" in lines[2]
    assert "FAILED for 1 of 2 inputs" in lines[-1]


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


def test_every_number_in_a_nested_argument_is_a_row():
    report = check_gradients(
        lambda p, *rest: p["a"][0] * p["b"][1] + rest[0] * rest[1],
        {"a": [2.0], "b": np.array([1.0, 3.0])},
        4.0,
        5.0,
    )
    assert report.passed
    assert [row.name for row in report.rows] == ["p['a'][0]", "p['b'][0]", "p['b'][1]", "rest[0]", "rest[1]"]
    assert [round(row.analytic, 9) for row in report.rows] == [3.0, 0.0, 2.0, 5.0, 4.0]


def test_values_name_their_rows_and_are_not_touched():
    w = Value(2.0, "weight")
    w.grad = 7.0
    report = check_gradients(lambda x: x**3, w)
    assert report.rows[0].name == "weight"
    assert (w.data, w.grad) == (2.0, 7.0)


def test_a_constant_function_has_rows_of_zeros():
    report = check_gradients(lambda x: 5.0, 1.0)
    assert report.rows[0][1:4] == (0.0, 0.0, 0.0)
    assert report.passed
    assert report.norm == 0.0


def test_a_derivative_that_is_nan_or_infinite_fails():
    assert not check_gradients(lambda x: x.sqrt(), 0.0)
    assert not check_gradients(lambda x: x.log(), -1.0)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: check_gradients(lambda x: [x], 1.0), TypeError, "one number or Value, got list"),
        (lambda: check_gradients(lambda x: x, "a"), TypeError, "got str 'a'"),
        (lambda: check_gradients(lambda x: x[0], np.array([1, 2])), TypeError, "astype"),
        (lambda: check_gradients(lambda x: x, 1.0, eps=0.0), ValueError, "eps must be a positive number"),
        (lambda: check_gradients(lambda x: x, 1.0, rtol=-1.0), ValueError, "rtol"),
        (lambda: check_gradients(lambda x: x, 1.0, atol=math.nan), ValueError, "atol"),
    ],
)
def test_bad_input_is_told_what_was_wrong(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_notebook_shows_a_table_that_names_what_is_wrong():
    wrong = primitive("checking_shown", lambda x: x * x, lambda y, x: (3 * x,))
    labelled = Value(2.0, "<b>&w")
    page = check_gradients(lambda w, x: wrong(w) * x, labelled, 3.0)._repr_html_()
    assert page.count("<tr>") == 3
    assert "<code>&lt;b&gt;&amp;w</code>" in page
    assert page.count("<strong>differs</strong>") == 1
    assert "FAILED for 1 of 2 inputs" in page
    assert "12" in page
