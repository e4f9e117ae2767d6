"""A derivation on the page: which forms are shown, in which rows, and what is said beneath."""

from __future__ import annotations

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
    found: list[str] = []
    for line in derived(f, names).text.splitlines():
        begins = line.startswith(f"    {left} = ")
        if begins or (found and line.startswith(" " * (len(left) + 5))):
            found.append(line[len(left) + 5 :])
        elif found:
            break
    return found


def powers(x):
    return sum(x**i for i in range(1, 26))


def test_a_long_sum_goes_on_in_the_next_line():
    assert rows(powers, "x", "df/dx") == [
        "= df/du * du/dx + df/dq * ∂q/∂x + ∂f/∂x",
        "= df/du * (1 + 2*x + 3*x^2 + 4*x^3 + 5*x^4 + 6*x^5 + 7*x^6 + 8*x^7 + 9*x^8 + 10*x^9 + 11*x^10"
        " + 12*x^11)",
        "  + df/dq * (13*x^12 + 14*x^13 + 15*x^14 + 16*x^15 + 17*x^16 + 18*x^17 + 19*x^18 + 20*x^19 + 21*x^20"
        " + 22*x^21 + 23*x^22) + (24*x^23 + 25*x^24)",
    ]
    latex = derived(powers, "x").latex.splitlines()
    assert latex[-4] == (
        r"\frac{df}{dx} &= \frac{df}{du} \cdot \frac{du}{dx}"
        r" + \frac{df}{dq} \cdot \frac{\partial q}{\partial x} + \frac{\partial f}{\partial x} \\"
    )
    assert latex[-3].startswith(r"&= \frac{df}{du} \cdot (1 + 2 x + 3 x^{2}")
    assert latex[-3].endswith(r"12 x^{11}) \\")
    assert latex[-2].startswith(r"&\quad + \frac{df}{dq} \cdot (13 x^{12}")
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


def test_a_line_of_a_sum_has_the_terms_that_have_room_in_a_hundred_characters():
    for length in range(80, 99):
        names = f"{'a' * length} bb cc dd ee"
        first, second = rows(lambda *v: sum(v), names, "f")
        term = " ".join(second.split()[:2])
        assert len(first.removeprefix("= ")) < 99 <= len(f"{first.removeprefix('= ')} {term}")
        assert f"{first} {second.strip()}" == "= " + " + ".join(names.split())


def test_forms_stand_side_by_side_where_they_have_a_hundred_characters_together():
    for length in range(70, 85):
        name = "a" * length
        found = rows(lambda a, b: ag.exp(a * b) * b, f"{name} b", f"df/d{name}")
        rule, filled = f"df/de * de/d{name}", "df/de * e*b"
        together = len(rule + filled) <= 100
        assert found == [*([f"= {rule} = {filled}"] if together else [f"= {rule}", f"= {filled}"]), "= b^2*e"]


def test_the_last_form_is_in_the_inputs_if_it_has_sixty_characters_at_most():
    for length in range(40, 55):
        name = "a" * length
        inputs = f"15*exp(3*{name})"
        last = rows(lambda a: 5 * ag.exp(3 * a), name, f"df/d{name}")[-1]
        assert last == "= " + (inputs if len(inputs) <= 60 else "15*e")


@pytest.mark.parametrize(("count", "last"), [(59, "6*exp(3*x)"), (60, "6*e")])
def test_a_formula_of_more_than_sixty_names_is_not_written_in_the_inputs_alone(count, last):
    names = ["x", *(f"v{i}" for i in range(count))]
    inputs = [Value(0.5, name) for name in names]
    text = derive(lambda x, *others: 2 * ag.exp(3 * x) + sum(others), *inputs).text
    assert text.splitlines()[-1].endswith(f"= {last}")


def test_a_form_of_more_than_a_hundred_characters_is_not_written_in_one_piece():
    for length in range(90, 101):
        name = "a" * length
        found = rows(lambda a, b, c: ag.exp(a * b) * c, f"{name} b c", "df/db")
        assert (f"= c*e*{name}" in found) == (len(f"c*e*{name}") <= 100)


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
    assert len(derive(sum_of(200), 1.0).lines.lines) == 50
    with pytest.raises(ValueError, match="has 201 operations"):
        derive(sum_of(201), 1.0)
    assert derive(lambda x: x * x + x, 1.0, max_operations=2).text
    with pytest.raises(ValueError, match="max_operations is 1"):
        derive(lambda x: x * x + x, 1.0, max_operations=1)
