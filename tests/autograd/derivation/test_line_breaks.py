"""A derivation on the page: which forms are shown, in which rows, and what is said beneath."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import autograd as ag
from autograd import Derivation, Value, derive, primitive

opaque = primitive("layout_opaque", lambda x: float(x) * 2.0, lambda y, x: (float(x) * 0.0 + 2.0,))


def derived(f: Callable[..., Any], names: str) -> Derivation:
    """By all inputs, which have these names."""
    inputs = [Value(0.5, name) for name in names.split()]
    return derive(f, *inputs, argnums=tuple(range(len(inputs))))


def rows(f: Callable[..., Any], names: str, left: str) -> list[str]:
    """The right-hand sides of one line and of those that go on from it."""
    rows: list[str] = []
    for line in derived(f, names).text.splitlines():
        begins = line.startswith(f"    {left} = ")
        if begins or (rows and line.startswith(" " * (len(left) + 5))):
            rows.append(line[len(left) + 5 :])
        elif rows:
            break
    return rows


def powers(x):
    return sum(x**i for i in range(1, 26))


def test_a_long_sum_goes_on_in_further_lines():
    chain_rule, *lines = rows(powers, "x", "df/dx")
    assert chain_rule == "= df/du * du/dx + df/dq * ∂q/∂x + ∂f/∂x"
    assert len(lines) > 1
    assert max(map(len, lines)) < 150
    terms = ["1", "2*x", *(f"{i}*x^{i - 1}" for i in range(3, 26))]
    whole = " ".join(line.strip() for line in lines)
    assert [term.strip("()") for term in re.split(r" \+ (?:df/d\w \* )?|df/d\w \* ", whole)[1:]] == terms
    latex = derived(powers, "x").latex.splitlines()
    assert latex[-len(lines) - 1].startswith(r"&= \frac{df}{du} \cdot (1 + 2 x + 3 x^{2}")
    assert all(line.startswith(r"&\quad + ") for line in latex[-len(lines) : -1])
    assert latex[-1] == r"\end{aligned}"


def test_the_chain_rule_has_a_term_for_each_link():
    assert rows(lambda x, y: ag.exp(x * y) + x**2 + x**3, "x y", "df/dx") == [
        "= df/de * de/dx + ∂f/∂x = df/de * e*y + (2*x + 3*x^2)",
        "= y*exp(x*y) + 2*x + 3*x^2",
    ]


def test_the_sections_in_latex():
    assert derived(lambda x, y: ag.exp(x * y) * x, "x y").latex.splitlines() == [
        r"\begin{aligned}",
        r"&\textbf{Forward} \\",
        r"e &= \exp(x y) \\",
        r"f &= e x \\",
        r"&\textbf{Backward} \\",
        r"\frac{df}{de} &= x \\",
        r"&\textbf{Gradient} \\",
        r"\frac{df}{dx} &= \frac{df}{de} \cdot \frac{de}{dx} + \frac{\partial f}{\partial x}"
        r" = \frac{df}{de} \cdot e y + e \\",
        r"&= x y \exp(x y) + \exp(x y) \\",
        r"\frac{df}{dy} &= \frac{df}{de} \cdot \frac{de}{dy} = \frac{df}{de} \cdot e x \\",
        r"&= x^{2} \exp(x y)",
        r"\end{aligned}",
    ]


@pytest.mark.parametrize(("length", "count"), [(20, 1), (95, 2)])
def test_a_sum_is_written_whole_in_as_many_lines_as_it_needs(length, count):
    names = f"{'a' * length} bb cc dd ee"
    lines = rows(lambda *values: sum(values), names, "f")
    assert " ".join(line.strip() for line in lines) == "= " + " + ".join(names.split())
    assert len(lines) == count


def test_short_forms_stand_side_by_side_and_long_ones_below_each_other():
    def forms(name: str) -> list[str]:
        return rows(lambda a, b: ag.exp(a * b) * b, f"{name} b", f"df/d{name}")

    assert forms("short") == ["= df/de * de/dshort = df/de * e*b", "= b^2*exp(short*b)"]
    long = "a" * 110
    assert forms(long) == [f"= df/de * de/d{long}", "= df/de * e*b", "= b^2*e"]


@pytest.mark.parametrize(("name", "last"), [("a", "15*exp(3*a)"), ("a" * 110, "15*e")])
def test_the_last_form_is_in_the_inputs_if_it_is_short(name, last):
    assert rows(lambda a: 5 * ag.exp(3 * a), name, f"df/d{name}")[-1] == f"= {last}"


@pytest.mark.parametrize(("count", "last"), [(5, "6*exp(3*x)"), (120, "6*e")])
def test_a_long_formula_is_not_written_in_the_inputs_alone(count, last):
    names = ["x", *(f"v{i}" for i in range(count))]
    inputs = [Value(0.5, name) for name in names]
    text = derive(lambda x, *others: 2 * ag.exp(3 * x) + sum(others), *inputs).text
    assert text.splitlines()[-1].endswith(f"= {last}")


@pytest.mark.parametrize(("name", "is_short"), [("a", True), ("a" * 110, False)])
def test_a_long_form_is_not_written_in_one_piece(name, is_short):
    forms = rows(lambda a, b, c: ag.exp(a * b) * c, f"{name} b c", "df/db")
    assert (forms[-1] == f"= c*{name}*exp({name}*b)") == is_short


def test_a_derivative_that_is_short_in_the_inputs_ends_with_that():
    assert rows(lambda a, b, c: ag.exp(a * b * c) * c, "a b c", "df/da") == [
        "= df/de * de/da = df/de * e*b*c",
        "= c^2*b*exp(a*b*c)",
    ]


def test_notes_explain_the_signs_that_are_used_and_no_others():
    notes = {
        "∂": "∂ stands for the direct dependence: the other names in the line are held fixed.",
        "compare": "A comparison counts as 1 where it holds, as 0 elsewhere.",
        "where": "where(c, a, b) is a where c holds, b elsewhere.",
        "stop": "stop_gradient(x) is x, but counts as a constant.",
        "opaque": "The rule of layout_opaque cannot be written as a formula: ' (or ∂1, ∂2) marks it.",
    }

    def noted(f: Callable[..., Any]) -> set[str]:
        return {sign for sign, note in notes.items() if note in derived(f, "x y").text}

    assert noted(lambda x, y: x * y) == set()
    assert noted(lambda x, y: ag.exp(x * y) * x) == {"∂"}
    assert noted(lambda x, y: abs(x)) == {"compare"}
    assert noted(lambda x, y: ag.where(x, y, 1.0)) == {"where"}
    assert noted(lambda x, y: ag.stop_gradient(x) * y) == {"stop"}
    assert noted(lambda x, y: opaque(x)) == {"opaque"}
    assert derived(lambda x, y: x * y, "x y").text.endswith("df/dy = x")
    assert derived(lambda x, y: ag.where(x < y, opaque(x), y), "x y").text.endswith(
        "\n\n" + "\n".join([notes["compare"], notes["where"], notes["opaque"]])
    )


def test_the_first_argument_is_differentiated_by_unless_told_otherwise():
    gradient = derive(lambda x, y: x * y, 1.0, 2.0).text.partition("Gradient:\n")[2]
    assert gradient == "    df/dx = y"


def sum_of(count: int) -> Callable[[Any], Any]:
    def f(x):
        total = x
        for i in range(count):
            total = ag.sin(total) if i % 2 else total + i
        return total

    return f


def test_two_hundred_operations_are_derived_and_no_more_unless_told_so():
    assert derive(sum_of(200), 1.0).text
    with pytest.raises(ValueError, match="has 201 operations"):
        derive(sum_of(201), 1.0)
    assert derive(lambda x: x * x + x, 1.0, max_operations=2).text
    with pytest.raises(ValueError, match="max_operations is 1"):
        derive(lambda x: x * x + x, 1.0, max_operations=1)
