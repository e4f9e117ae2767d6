"""One expression's derivative by one name, and the chain rule over lines."""

from __future__ import annotations

import math
from string import ascii_letters

import pytest

import autograd as ag
from autograd import Value, derive, primitive
from autograd.derivation.differentiation import differentiate, rule_mentions_result
from autograd.derivation.expressions import Symbol, as_expression
from autograd.derivation.text import text
from autograd.primitives import table

x, y, z = Symbol("x"), Symbol("y"), Symbol("z")
numeric = primitive("differentiation_numeric", math.sin, lambda result, x: (math.cos(x),))


@pytest.mark.parametrize(
    ("expression", "derivative"),
    [
        (x, "1"),
        (y, "0"),
        (as_expression(3), "0"),
        (2 * x + y - 1, "2"),
        (3 * x * y * z, "3*y*z"),
        (x**3 * y, "3*y*x^2"),
        (2 * table.sin(x) * table.cos(x), "2*cos(x)^2 - 2*sin(x)^2"),
        (y**x, "y^x*log(y)"),
        (x**y, "y*x^(y - 1)"),
        (table.maximum(y, 2 * z), "0"),
        # a comparison is constant where it has a derivative
        (x < y, "0"),
        ((x <= y) * x, "x <= y"),
        (table.equal(x, 2) * x + table.stop_gradient(x), "x == 2"),
        # a choice is differentiated branch by branch
        (table.where(x < y, x**2, z), "where(x < y, 2*x, 0)"),
        (table.where(x < y, z, x**2), "where(x < y, 0, 2*x)"),
        (table.where(x < y, y, z), "0"),
        (numeric(2 * x), "2*differentiation_numeric'(2*x)"),
    ],
)
def test_a_derivative_as_a_person_writes_it(expression, derivative):
    assert text(differentiate(expression, x)) == derivative


def test_a_rule_that_uses_the_result_uses_its_name():
    assert text(differentiate(table.exp(2 * x), x)) == "2*exp(2*x)"
    assert text(differentiate(table.exp(2 * x), x, y)) == "2*y"
    assert text(differentiate(table.sigmoid(x * z), x, y)) == "y*(1 - y)*z"


def test_which_rules_use_the_result():
    using = {
        entry.name
        for entry in (table.exp, table.tanh, table.sigmoid, table.sin, table.log)
        if rule_mentions_result(entry)
    }
    assert using == {"exp", "tanh", "sigmoid"}


def test_only_lines_that_depend_on_what_is_asked_for_are_differentiated():
    def f(a, b):
        return ag.exp(a * b) * ag.sigmoid(b * b)

    assert "df/ds" not in derive(f, 1.0, 2.0).text
    assert "df/de" in derive(f, 1.0, 2.0).text
    assert "df/ds" in derive(f, 1.0, 2.0, argnums=1).text


def test_a_line_that_the_result_does_not_change_with_has_no_derivative():
    text = derive(lambda a, b: ag.stop_gradient(ag.exp(a * b)) * a, 1.0, 2.0, argnums=(0, 1)).text
    assert "df/de" not in text
    assert "    df/db = 0" in text.splitlines()


@pytest.mark.parametrize("count", [40, 41])
def test_a_derivative_of_more_than_forty_names_is_not_written_in_one_piece(count):
    first, *others = [letter for letter in ascii_letters if letter != "f"][: count + 1]

    def f(*factors):
        return math.prod(factors)

    lines = derive(f, *(Value(1.0, name) for name in [first, *others])).text.splitlines()
    last = lines[-1].removeprefix("          = ").split("*")
    assert (sorted(last) == sorted(others)) == (count <= 40)
