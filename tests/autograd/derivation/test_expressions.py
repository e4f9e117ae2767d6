"""How expressions tidy themselves: exactly, so that what is written is what the formula says."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, fields
from fractions import Fraction

import pytest

from autograd.derivation.expression_walks import evaluate
from autograd.derivation.expressions import (
    Applied,
    Chain,
    Derivative,
    Numeral,
    Power,
    Symbol,
    applied,
    as_expression,
    chained,
    product,
    total,
)
from autograd.derivation.latex import latex
from autograd.derivation.text import text
from autograd.primitives import table

x, y, z = Symbol("x"), Symbol("y"), Symbol("z")
up = Derivative("L", "u")


def number(value: float | Fraction) -> Numeral:
    return Numeral(Fraction(value))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (math.pi, "pi"),
        (math.pi / 2, "pi/2"),
        (2 * math.pi, "2*pi"),
        (4 * math.pi, "4*pi"),
        (math.sqrt(2 * math.pi), "sqrt(2*pi)"),
        (2 / math.sqrt(math.pi), "2/sqrt(pi)"),
        (math.log(2), "log(2)"),
        (math.log(10), "log(10)"),
        (math.log2(math.e), "1/log(2)"),
        (math.log10(math.e), "1/log(10)"),
        (math.inf, "inf"),
        (0.1, "0.1"),
        (3, "3"),
        (1e300, "1e+300"),
    ],
)
def test_a_number_is_written_as_a_person_does_and_means_the_same(value, written):
    assert text(as_expression(value)) == written
    assert text(as_expression(-value)) == f"-{written}"
    assert evaluate(as_expression(value), {}) == pytest.approx(value, rel=1e-15)
    assert evaluate(as_expression(-value), {}) == pytest.approx(-value, rel=1e-15)


def test_numbers_without_a_sign():
    assert text(as_expression(math.nan)) == "nan"
    assert text(as_expression(0.0)) == text(as_expression(-0.0)) == "0"
    assert (text(as_expression(True)), text(as_expression(False))) == ("1", "0")


@pytest.mark.parametrize(
    ("make", "written"),
    [
        # numbers are joined where the result is a float, or a fraction of small numbers
        (lambda: 0.5 * x + 0.25 * x, "0.75*x"),
        (lambda: 0.1 * x + 0.2 * x, "0.1*x + 0.2*x"),
        (lambda: product(number(0.1), number(0.2), x), "0.1*0.2*x"),
        (lambda: product(number(0.1), x, number(2)), "0.2*x"),
        (lambda: x / 1000, "x/1000"),
        (lambda: x / 1001 * 2, "2*x/1001"),
        (lambda: product(number(Fraction(1, 1001)), x), "(1/1001)*x"),
        (lambda: product(number(Fraction(1, 1000)), x), "x/1000"),
        (lambda: product(number(Fraction(1, 7)), number(Fraction(1, 143)), x), "(1/143)*x/7"),
        (lambda: product(number(Fraction(1, 9)), number(Fraction(1, 111)), x), "x/999"),
        (lambda: product(number(Fraction(999_999, 17)), x), "999999*x/17"),
        (lambda: product(number(Fraction(1_000_000, 7)), x), "(1000000/7)*x"),
        (lambda: product(number(1e300), number(1e300)), "1e+300*1e+300"),
        # equal terms are counted, wherever they stand; what cancels is left out
        (lambda: total(x, y, x), "2*x + y"),
        (lambda: total(x * y, z, y * x), "2*x*y + z"),
        (lambda: total(x, y, -x), "y"),
        (lambda: x + y - y - x, "0"),
        (lambda: x - x, "0"),
        (lambda: (x + y) + (z + x), "2*x + y + z"),
        (lambda: x - (y - z), "x - (y - z)"),
        (lambda: x - 3, "x - 3"),
        (lambda: x + 1 - 2, "x - 1"),
        (lambda: total(), "0"),
        # equal bases become powers, but a factor is not cancelled by a divisor: it may be 0
        (lambda: x * y * x, "x^2*y"),
        (lambda: x**2 * x, "x^3"),
        (lambda: x**2 / x, "x^2/x"),
        (lambda: x / y / y, "x/y^2"),
        (lambda: 1 / x / x, "1/x^2"),
        (lambda: x**0.5 * x**0.5, "(x^0.5)^2"),
        (lambda: x**y * x**y, "(x^y)^2"),
        (lambda: (x + y) * (x + y), "(x + y)^2"),
        (lambda: 0 * x, "0"),
        (lambda: x * 1, "x"),
        (lambda: -1 * -x, "x"),
        (lambda: -(x * y), "-x*y"),
        # whole exponents go to each factor; others do not, nor very large ones
        (lambda: x**0, "1"),
        (lambda: x**1, "x"),
        (lambda: x**-1, "1/x"),
        (lambda: (2 * x * y) ** 2, "4*x^2*y^2"),
        (lambda: (2 * x / y) ** -2, "y^2/(4*x^2)"),
        (lambda: (-x) ** 3, "-x^3"),
        (lambda: (x**2) ** 3, "x^6"),
        (lambda: (x**6) ** -2, "1/x^12"),
        (lambda: (x**2) ** 0.5, "(x^2)^0.5"),
        (lambda: (x**0.5) ** 2, "(x^0.5)^2"),
        (lambda: (x**y) ** 2, "(x^y)^2"),
        (lambda: (x * y) ** 0.5, "(x*y)^0.5"),
        (lambda: (x * y) ** z, "(x*y)^z"),
        (lambda: (x * y) ** 64, "x^64*y^64"),
        (lambda: (x * y) ** 65, "(x*y)^65"),
        (lambda: number(2) ** 10, "1024"),
        (lambda: number(2) ** -1, "0.5"),
        (lambda: number(-2) ** 3, "-8"),
        (lambda: number(1) ** 2, "1"),
        (lambda: number(-1) ** 2, "1"),
        (lambda: number(4) ** 0.5, "4^0.5"),
        (lambda: number(0.1) ** 2, "0.1^2"),
        (lambda: number(0) ** 2, "0^2"),
        (lambda: number(0) ** -1, "1/0"),
        (lambda: number(10) ** 64, "10^64"),
        (lambda: 2**x, "2^x"),
        # the operators, from both sides
        (lambda: 3 - x, "3 - x"),
        (lambda: 3 / x, "3/x"),
        (lambda: x / 3, "x/3"),
        (lambda: abs(x), "absolute(x)"),
        (lambda: x < 1, "x < 1"),
        (lambda: x > 1, "x > 1"),
        (lambda: x <= y, "x <= y"),
        (lambda: x >= y, "y <= x"),
    ],
)
def test_tidying_is_exact(make, written):
    assert text(make()) == written


@pytest.mark.parametrize(
    ("parts", "in_text", "in_latex"),
    [
        ((x, y), "x*y", "x y"),
        ((x, 2 * y), "x*2*y", r"x \cdot 2 y"),
        ((2 * x, y), "2*x*y", "2 x y"),
        ((-2 * x, 3 * y), "-2*x*3*y", r"-2 x \cdot 3 y"),
        ((x, -y), "-x*y", "-x y"),
        ((-x, -y), "x*y", "x y"),
        ((x, -2 * y), "-x*2*y", r"-x \cdot 2 y"),
        ((x, -y / 2), "-x*y/2", r"-\frac{x y}{2}"),
        ((x, number(3)), "3*x", "3 x"),
        ((x, number(3), number(5)), "15*x", "15 x"),
        ((x, y / 2), "x*y/2", r"\frac{x y}{2}"),
        ((x, 2 / y), "2*x/y", r"\frac{2 x}{y}"),
        ((x / y, 2 * z), "2*x*z/y", r"\frac{2 x z}{y}"),
        ((x / 2, 3 * z), "x/2*3*z", r"\frac{x}{2} \cdot 3 z"),
        ((x, y, 2 * z, x), "x*y*2*z*x", r"x y \cdot 2 z x"),
        ((x, 2 * y, 3 * z, x), "x*2*y*3*z*x", r"x \cdot 2 y \cdot 3 z x"),
        ((x, number(0), y), "0", "0"),
        ((number(1),), "1", "1"),
        ((number(3),), "3", "3"),
        ((), "1", "1"),
        ((number(0.1), x, number(0.1), number(0.1)), "0.1*0.1^2*x", r"0.1 \cdot 0.1^{2} x"),
        ((up, x), "dL/du * x", r"\frac{dL}{du} \cdot x"),
        ((up, 2 * x), "dL/du * 2*x", r"\frac{dL}{du} \cdot 2 x"),
        ((up, -x, y), "-dL/du * x*y", r"-\frac{dL}{du} \cdot x y"),
        ((up, number(1), x), "dL/du * x", r"\frac{dL}{du} \cdot x"),
        ((up, x / y), "dL/du * x/y", r"\frac{dL}{du} \cdot \frac{x}{y}"),
        ((x, up), "x*dL/du", r"x \cdot \frac{dL}{du}"),
        ((x, up, y), "x*dL/du * y", r"x \cdot \frac{dL}{du} \cdot y"),
        ((x, 2 * y, up, z), "x*2*y*dL/du * z", r"x \cdot 2 y \cdot \frac{dL}{du} \cdot z"),
        ((Chain((up, x)), y), "dL/du * x*y", r"\frac{dL}{du} \cdot x y"),
        (
            (Chain((up, 2 * x)), Chain((3 * y, z))),
            "dL/du * 2*x*3*y*z",
            r"\frac{dL}{du} \cdot 2 x \cdot 3 y z",
        ),
    ],
)
def test_a_chain_keeps_what_came_together(parts, in_text, in_latex):
    assert text(chained(*parts)) == in_text
    assert latex(chained(*parts)) == in_latex


def test_parts_of_one_chain_are_counted_as_if_given_one_by_one():
    assert chained(Chain((up, 2 * x)), Chain((3 * y, z))) == chained(up, 2 * x, 3 * y, z)


def test_expressions_are_equal_where_they_are_written_alike_and_can_be_keys():
    assert x * y + 1 == x * y + 1
    assert x + y != y + x
    assert {x / y: 1}[x / y] == 1
    assert Derivative("L", "x") != Derivative("L", "x", partial=True)


def test_an_expression_does_not_change_once_it_is_made():
    for expression in (x, number(1), up, x + y, x * y, x**y, Applied(table.sin, (x,)), Chain((up, x))):
        with pytest.raises(FrozenInstanceError):
            setattr(expression, fields(expression)[0].name, "other")


def test_an_expression_is_neither_true_nor_false():
    with pytest.raises(TypeError, match="a rule chooses with where"):
        bool(x < 1)


def test_a_primitive_of_numbers_and_expressions_makes_an_expression():
    assert table.hypot(3.0, x) == applied(table.hypot, (3, x)) == Applied(table.hypot, (number(3), x))
    assert table.pow(x, 2.5) == Power(x, number(2.5))
