"""The report of a gradient check: what it says in a terminal and in a notebook, to the letter."""

from __future__ import annotations

import math
from html.parser import HTMLParser

import pytest

import autograd as ag
from autograd import check_gradients, primitive
from autograd.checking import GradientCheck, Row

ROWS = (
    Row("w[0]", 0.1 + 0.2, 0.1 + 0.2, 0.0, True, 1.5e-16),
    Row("w[1]", -2.0, -1.5, -0.25, False, 2.5e-9),
    Row("bias", 1.25, math.nan, math.nan, False, math.inf),
    Row("x", 0.0, 0.0, 0.0, True, 0.0),
)
REPORT = GradientCheck(ROWS, 0.0625, None, None, None, "richardson", 1, ("A note.", "Another <note>."))


def test_a_terminal_shows_each_figure_and_marks_what_failed():
    assert str(REPORT).splitlines() == [
        "input             analytic              numeric   relative  difference     bound",
        "w[0]     3.00000000000e-01    3.00000000000e-01   0.00e+00    0.00e+00  1.50e-16",
        "w[1]    -2.00000000000e+00   -1.50000000000e+00  -2.50e-01    5.00e-01  2.50e-09  <-- differs",
        "bias     1.25000000000e+00                  nan        nan         nan       inf  <-- undecided",
        "x        0.00000000000e+00    0.00000000000e+00   0.00e+00    0.00e+00  0.00e+00",
        "norm form 6.25e-02; FAILED for 2 of 4 inputs (method richardson, bounds up to 2.5e-09)",
        "A note.",
        "Another <note>.",
    ]


def test_a_notebook_shows_numbers_from_which_the_floats_can_be_read_back():
    html = REPORT._repr_html_()
    assert "<td><code>3.0000000000000004e-01</code></td>" in html
    assert html.count("border-left: 4px solid #d32f2f") == 2
    assert "FAILED for 2 of 4 inputs (method richardson, bounds up to 2.5e-09)<br>A note.<br>" in html
    assert "Another &lt;note&gt;." in html


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (REPORT._replace(rows=ROWS[:1], order=2), "passed (method richardson, bounds up to 1.5e-16)"),
        (REPORT._replace(rows=ROWS[1:3], order=2), "FAILED for 2 of 2 derivatives (method richardson"),
        (
            REPORT._replace(rows=ROWS[2:3]),
            "FAILED for 1 of 1 inputs (method richardson, bounds up to 0.0e+00)",
        ),
        (REPORT._replace(rows=()), "passed (method richardson, bounds up to 0.0e+00)"),
        (REPORT._replace(eps=1e-6, rtol=1e-4, atol=0.0), "(eps=1e-06, rtol=0.0001, atol=0)"),
    ],
)
def test_the_verdict_says_how_it_was_reached(report, sentence):
    assert sentence in str(report)
    assert report.passed == bool(report) == ("FAILED" not in str(report))


def test_a_derivative_that_is_not_finite_differs_and_is_not_undecided():
    for analytic in (math.nan, math.inf):
        assert Row("x", analytic, 1.0, math.nan, False, math.inf).verdict == "differs"
    assert [row.verdict for row in ROWS] == ["passed", "differs", "undecided", "passed"]


class _Cells(HTMLParser):
    """The text of a table, cell by cell, and which rows have a style of their own."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.styled: list[bool] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
            self.styled.append("style" in dict(attrs))
        elif tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows:
            self.rows[-1][-1] += data


def test_a_notebook_shows_a_table_whose_wrong_rows_say_so():
    wrong_cos = primitive("checking_shown_cos", math.cos, lambda y, x: (ag.sin(x),))
    name = "<b>&w"
    report = check_gradients(lambda p: p[name] * wrong_cos(p["x"]), {name: 2.0, "x": 0.4})
    cells = _Cells(report._repr_html_())
    assert cells.rows[0] == ["input", "analytic", "numeric", "relative", "difference", "bound", "verdict"]
    assert (
        [row[0] for row in cells.rows[1:]] == [row.name for row in report.rows] == [f"p[{name!r}]", "p['x']"]
    )
    assert [row[-1] for row in cells.rows[1:]] == ["passed", "✗ differs"]
    assert [float(row[1]) for row in cells.rows[1:]] == [row.analytic for row in report.rows]
    assert cells.styled == [False, False, True]
