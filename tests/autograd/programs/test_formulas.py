"""Formulas as text, and the README's table."""

from __future__ import annotations

import math
import runpy
from pathlib import Path

import pytest
from hypothesis import given

import autograd
from autograd import Value, equal, less, less_equal, maximum, primitive
from autograd.primitives.ieee import Float
from autograd.programs.formulas import formula, table
from autograd.testing import expressions
from tests.autograd.programs.test_simplification import same_bits


@pytest.mark.parametrize(
    "text",
    [
        "x + y*x",
        "(x + y)*x",
        "x - (y - x)",
        "x - y - x",
        "x/(y/x)",
        "x/y/x",
        "-x*y",
        "-(x + y)",
        "(-x)**2",
        "-x**2",
        "x**y**2",
        "(x**y)**2",
        "2*x - 0.5",
        "sin(x + 1)*y",
        "x*y/x",
        "x/y*x",
        "x/(y*x)",
        "x**(-y)",
        "x - -y",
        "x - y/x",
        "2**x",
        "0.5**x",
        "0**x",
        "(-0.5)**x",
        "(-2)**x",
        "maximum(x, y - 1)",
    ],
)
def test_a_formula_is_written_as_it_was_typed(text):
    functions = {name: getattr(autograd, name) for name in ("sin", "maximum")}
    assert formula(eval(text, {"x": Value(2.0, "x"), "y": Value(3.0, "y"), **functions})) == text


def test_a_comparison_is_enclosed_in_whatever_uses_it():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    below = less(x, y)
    assert formula(less(below, x)) == "(x < y) < x"
    assert formula(less_equal(x, less_equal(y, x))) == "x <= (y <= x)"
    assert formula(equal(less_equal(y, x), x + 1)) == "(y <= x) == x + 1"
    assert formula(less(equal(x, y), below)) == "(x == y) < (x < y)"
    assert formula(below + x) == "(x < y) + x"
    assert formula(x - equal(x, y)) == "x - (x == y)"
    assert formula(-less_equal(x, y)) == "-(x <= y)"
    assert formula(maximum(below, x)) == "maximum(x < y, x)"


@pytest.mark.filterwarnings("ignore:'autograd.programs.formulas' found in sys.modules:RuntimeWarning")
def test_the_module_prints_the_table(capsys):
    runpy.run_module("autograd.programs.formulas", run_name="__main__")
    assert capsys.readouterr().out == f"{table()}\n"


@given(expressions(size=8))
def test_a_written_formula_computes_the_same(expression):
    inputs = [Value(number, f"v{i}") for i, number in enumerate(expression.point)]
    value = expression(*inputs)
    if isinstance(value, Value):
        names = {name: getattr(autograd, name) for name in autograd.__all__ if name.islower()}
        names |= {leaf.label: Float(leaf.data) for leaf in inputs} | {"inf": math.inf, "nan": math.nan}
        assert same_bits(float(eval(formula(value), names)), value.data)


def test_a_formula_that_sharing_makes_too_long_is_refused():
    v = Value(1.0, "v")
    for _ in range(40):
        v = v + v
    with pytest.raises(ValueError, match="longer than 10000 characters"):
        formula(v)
    x = Value(1.0, "x")
    assert formula(x + 1, longest=5) == "x + 1"
    with pytest.raises(ValueError, match="longer than 4 characters"):
        formula(x + 1, longest=4)


def test_a_symbol_that_says_not_how_it_binds_is_written_as_a_call():
    fused = primitive("formulas_fused", lambda a, b, c: a * b + c, (1, 1, 1), symbol="*")
    inner = primitive("formulas_inner", lambda a, b: a * b, (1, 1), symbol="@")
    x, y = Value(1.0, "x"), Value(2.0, "y")
    assert formula(fused(x, y, 3.0)) == "formulas_fused(x, y, 3)"
    assert formula(2 * inner(x, y)) == "2*formulas_inner(x, y)"


def test_the_readme_has_the_table_of_primitives():
    readme = Path(__file__).parents[3] / "README.md"
    assert f"\n{table()}\n\n" in readme.read_text(), (
        "run: python -m autograd.programs.formulas, and put it into README.md"
    )
