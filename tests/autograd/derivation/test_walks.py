"""Walks over expressions: their size, their depth, their order, and the number that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from autograd import Value, grad
from autograd.derivation.expression_walks import depth, evaluate, ordered, size, substituted
from autograd.derivation.expressions import Chain, Derivative, Slope, Symbol, as_expression
from autograd.derivation.text import text
from autograd.graph.walks import topological_order
from autograd.primitives import table

x, y, z = Symbol("x"), Symbol("y"), Symbol("z")


def test_the_size_counts_names_but_not_those_of_numbers():
    assert size(as_expression(3)) == size(Symbol("pi")) == 0
    assert size(x * y + table.sin(x) ** y + Symbol("inf")) == 4
    assert size(Chain((x, Slope(table.hypot, 0, (x, y))))) == 3


def test_the_depth_counts_functions_within_each_other():
    assert depth(x * y + 1) == 0
    assert depth(table.sin(x) * table.cos(x)) == 1
    assert depth(1 + table.sin(x * table.cos(y) ** 2)) == 2
    assert depth(table.hypot(x, table.sin(table.exp(y)))) == 3


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        ((y + 1) * table.sin(x) * x, "x*sin(x)*(y + 1)"),
        (table.sin(x) * y * table.cos(x) * x, "y*x*sin(x)*cos(x)"),
        ((y + 1) ** 2 * table.sin(x) ** 2 * x**2, "x^2*sin(x)^2*(y + 1)^2"),
        (table.exp(-y) / x * 2 + 1, "2*exp(-y)/x + 1"),
        (table.log(z * (y + 1) * x), "log(z*x*(y + 1))"),
        ((0.1 * x) * (table.sin(y) * 0.3), "0.1*0.3*x*sin(y)"),
    ],
)
def test_products_begin_with_what_is_simple(expression, written):
    assert text(ordered(expression)) == written


def test_names_are_replaced_everywhere_and_what_comes_out_is_tidy():
    expression = Chain((table.sin(x) + x, Slope(table.cos, 0, (x,)))) * y ** (x + 1)
    replaced = substituted(expression, {x: 2 * z, y: z})
    assert text(replaced) == "(sin(2*z) + 2*z)*cos'(2*z)*z^(2*z + 1)"
    assert substituted(x * y, {x: as_expression(0)}) == as_expression(0)


def test_a_number_is_the_engine_s_to_the_last_bit():
    not_as_a_power = 1.7042433769876917  # where glibc's pow(x, -1) is not 1/x
    for point in [not_as_a_power, *np.random.default_rng(0).uniform(-3, 3, 100).tolist()]:
        assert evaluate(1 / x, {x: point}) == 1 / point
        assert evaluate(3 * x**2 * y, {x: point, y: 0.7}) == 3 * (point * point) * 0.7
        assert evaluate(x - y - 0.1, {x: point, y: 0.7}) == point - 0.7 - 0.1


def test_numbers_of_any_kind_can_be_put_in():
    expression = 3 * table.sin(x) / y + Symbol("pi")
    slope = grad(lambda v: evaluate(expression, {x: v, y: 2.0}))(0.5)
    assert slope == pytest.approx(1.5 * np.cos(0.5), rel=1e-15)
    assert isinstance(evaluate(expression, {x: Value(0.5), y: 2.0}), Value)


def test_a_product_without_a_number_is_one_multiplication():
    inputs = {x: Value(0.5), y: Value(2.0)}
    assert len(topological_order(evaluate(x * y, inputs))) == 1


def test_derivatives_and_slopes_have_numbers_too():
    up = Derivative("L", "x")
    assert evaluate(Chain((up, 2 * y)), {up: 3.0, y: 5.0}) == 30.0
    assert evaluate(Slope(table.hypot, 1, (x, y)), {x: 3.0, y: 4.0}) == 0.8
    assert evaluate(Slope(table.hypot, 0, (x, y)), {x: 3.0, y: 4.0}) == 0.6
