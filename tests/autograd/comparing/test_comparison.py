"""How a comparison looks: the whole text, the whole HTML, and its last line for every outcome."""

from __future__ import annotations

import math
from typing import Any

import pytest

from autograd import Comparison, Value, compare
from tests.autograd.comparing.test_slips import compared


def wrong() -> Comparison:
    """Two components, one of which is wrong."""
    long = Value(0.5, "width"), Value(-1234.5, "y")
    return compare(lambda x, y: (x - y) ** 2, lambda x, y: (2 * x - 2 * y, x - y), *long, argnums=(0, 1))


def test_the_text_is_a_table_findings_definitions_and_a_summary() -> None:
    assert str(wrong()).splitlines() == [
        "component  by hand  by engine  difference  rounding       wrong at",
        "dwidth        2470       2470     0.0e+00   2.1e-11              -",
        "dy            1235      -2470     3.7e+03   2.1e-11  9 of 9 points",
        "",
        "dy lacks the factor 2 and has the wrong sign, where",
        "    df/dy = -2*(width - y)",
        "with f = (width - y)^2",
        "FAILED: 1 of 2 components is wrong (compared at 9 points)",
    ]


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    report = compare(lambda w: w[0] * w[1], lambda w: [w[1], w[0]], [1e-7, 1234567.25])
    name = Value(1.0, "a_long_name")
    assert str(report).splitlines()[:3] == [
        "component     by hand   by engine  difference  rounding  wrong at",
        "dw[0]      1234567.25  1234567.25     0.0e+00   2.2e-09         -",
        "dw[1]           1e-07       1e-07     0.0e+00   1.8e-22         -",
    ]
    lines = str(compare(lambda x: 2 * x, lambda x: 2.0, name)).splitlines()
    assert lines[0].startswith("component     by hand")
    assert lines[1].startswith("da_long_name        2")


def test_definitions_stand_one_below_the_other() -> None:
    def f(x: Any) -> Any:
        a = x.exp()
        b = a.sin() * a
        a.label, b.label = "a", "b"
        return b**2

    report = compared(f, lambda x: (0.5 * math.exp(x) * math.sin(math.exp(x)),), "x")
    shown = str(report).splitlines()
    start = next(i for i, line in enumerate(shown) if line.startswith("with "))
    assert shown[start : start + len(report.definitions)] == [
        ("with " if i == 0 else "     ") + definition for i, definition in enumerate(report.definitions)
    ]
    assert report.definitions == ("a = exp(x)", "b = sin(a)*a", "f = b^2")
    assert "<p>with<br>" + "<br>".join(report.definitions) + "</p>" in report._repr_html_()


def test_the_html_has_the_same() -> None:
    cells = [line.split("  ") for line in str(wrong()).splitlines()[:3]]
    head, right, bad = ([cell.strip() for cell in row if cell.strip()] for row in cells)
    assert wrong()._repr_html_() == (
        "<table><thead><tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr></thead><tbody><tr>"
        + "".join(f"<td>{cell}</td>" for cell in right)
        + '</tr><tr style="font-weight: bold">' + "".join(f"<td>{cell}</td>" for cell in bad)
        + "</tr></tbody></table><ul><li>dy lacks the factor 2 and has the wrong sign, where<br>"
        "    df/dy = -2*(width - y)</li></ul><p>with<br>f = (width - y)^2</p>"
        "<p>FAILED: 1 of 2 components is wrong (compared at 9 points)</p>"
    )  # fmt: skip
    branching = compare(lambda x: x if x > -50 else 0.0, lambda x: -1.0, Value(1.0, "<b>"))
    assert "<td>d&lt;b&gt;</td>" in branching._repr_html_()
    assert "<li>d&lt;b&gt; has the wrong sign" in branching._repr_html_()
    right_one = compare(lambda x: x, lambda x: 1.0, 1.0)._repr_html_()
    assert "<ul>" not in right_one
    assert "with" not in right_one


def product(x: Any, y: Any) -> Any:
    return x * y


def nowhere(x: Any, y: Any) -> Any:
    """It has no derivative by x."""
    return (x * 0.0).sqrt() + y


@pytest.mark.parametrize(
    ("f", "hand", "points", "verdict"),
    [
        (product, lambda x, y: (y, x), 8, "passed: 2 components are equal to rounding at 9 points"),
        (product, lambda x, y: (y, x), 0, "passed: 2 components are equal to rounding at 1 point"),
        (product, lambda x, y: (x, y), 8, "FAILED: 2 of 2 components are wrong (compared at 9 points)"),
        (product, lambda x, y: (x, x), 0, "FAILED: 1 of 2 components is wrong (compared at 1 point)"),
        (nowhere, lambda x, y: (x, 1.0), 3, "FAILED: 1 of 2 components could not be compared"),
        (nowhere, lambda x, y: (x, 1.5), 0, "FAILED: 1 of 2 components is wrong (compared at 1 point)"),
    ],
)
def test_the_summary(f: Any, hand: Any, points: int, verdict: str) -> None:
    report = compare(f, hand, Value(0.3, "x"), Value(0.7, "y"), argnums=(0, 1), points=points)
    assert str(report).splitlines()[-1] == verdict
    assert repr(report) == f"<Comparison: {verdict}>"
    assert bool(report) == report.passed == verdict.startswith("passed")
