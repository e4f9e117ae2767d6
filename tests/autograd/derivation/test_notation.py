"""Expressions on paper: in text, which Python reads but for ``^``, and in LaTeX, both unambiguous."""

from __future__ import annotations

from fractions import Fraction

import pytest

from autograd.derivation.expressions import Applied, Chain, Derivative, Numeral, Slope, Symbol, power
from autograd.derivation.latex import latex, latex_name
from autograd.derivation.text import text
from autograd.primitives import table

x, y, z = Symbol("x"), Symbol("y"), Symbol("z")
up, local = Derivative("L", "u"), Derivative("u", "x")
third = Numeral(Fraction(1, 3))


@pytest.mark.parametrize(
    ("expression", "in_text", "in_latex"),
    [
        # sums begin with a term without a sign if there is one
        (-x + y, "y - x", "y - x"),
        (-x - y + z, "z - x - y", "z - x - y"),
        (-x - y, "-x - y", "-x - y"),
        (x - (y + z), "x - (y + z)", "x - (y + z)"),
        (-2 * (x - y), "-2*(x - y)", "-2 (x - y)"),
        (x + y / 2, "x + y/2", r"x + \frac{y}{2}"),
        (x - y / 2, "x - y/2", r"x - \frac{y}{2}"),
        (x * (y + 1), "x*(y + 1)", "x (y + 1)"),
        # quotients
        (-x / y, "-x/y", r"-\frac{x}{y}"),
        (x / (y * z), "x/(y*z)", r"\frac{x}{y z}"),
        (x / (3 * y * z), "x/(3*y*z)", r"\frac{x}{3 y z}"),
        (x * y / z**2, "x*y/z^2", r"\frac{x y}{z^{2}}"),
        ((x - y) / (x + y), "(x - y)/(x + y)", r"\frac{x - y}{x + y}"),
        ((x - y) * z / (x + y), "(x - y)*z/(x + y)", r"\frac{(x - y) z}{x + y}"),
        (1 / x, "1/x", r"\frac{1}{x}"),
        (-1 / x**2, "-1/x^2", r"-\frac{1}{x^{2}}"),
        (x * table.sin(y / z), "x*sin(y/z)", r"x \sin\left(\frac{y}{z}\right)"),
        # numbers: a fraction where its parts are short, decimals else
        (x / 10, "x/10", r"\frac{x}{10}"),
        (x / 16, "0.0625*x", "0.0625 x"),
        (x / 11, "x/11", r"\frac{x}{11}"),
        (2 * x / 3, "2*x/3", r"\frac{2 x}{3}"),
        (0.75 * x, "0.75*x", "0.75 x"),
        (x - 0.5, "x - 0.5", "x - 0.5"),
        (x - third, "x - 1/3", r"x - \frac{1}{3}"),
        (1e-7 * x, "1e-07*x", r"1 \cdot 10^{-7} x"),
        (x + 1.5e30, "x + 1.5e+30", r"x + 1.5 \cdot 10^{30}"),
        (3 * Chain((up, 2 * x)) + 0, "3*(dL/du * 2*x)", r"3 \left(\frac{dL}{du} \cdot 2 x\right)"),
        # words and numbers do not run into what is beside them
        (Symbol("rate") * Symbol("time"), "rate*time", r"\mathrm{rate} \cdot \mathrm{time}"),
        (x * Symbol("rate") * y, "x*rate*y", r"x \cdot \mathrm{rate} \cdot y"),
        (Symbol("rate") * (x + 1), "rate*(x + 1)", r"\mathrm{rate} \cdot (x + 1)"),
        (2**x * Symbol("rate"), "2^x*rate", r"2^{x} \mathrm{rate}"),
        (2 * Symbol("rate"), "2*rate", r"2 \mathrm{rate}"),
        (x * table.hypot(x, y), "x*hypot(x, y)", r"x \cdot \mathrm{hypot}(x, y)"),
        (x * 2**y, "x*2^y", r"x \cdot 2^{y}"),
        # powers
        ((x + 1) ** 2, "(x + 1)^2", "(x + 1)^{2}"),
        ((x * y) ** 0.5, "(x*y)^0.5", "(x y)^{0.5}"),
        (x ** (-y), "x^(-y)", "x^{-y}"),
        (x ** (y / 2), "x^(y/2)", r"x^{\frac{y}{2}}"),
        (x**third, "x^(1/3)", r"x^{\frac{1}{3}}"),
        (power(third, x), "(1/3)^x", r"\left(\frac{1}{3}\right)^{x}"),
        (power(Numeral(Fraction(-2)), x), "(-2)^x", "(-2)^{x}"),
        (power(Numeral(Fraction(0.5)), x), "0.5^x", "0.5^{x}"),
        ((x**y) ** z, "(x^y)^z", "(x^{y})^{z}"),
        (power(Numeral(Fraction(1e30)), x), "1e+30^x", r"(1 \cdot 10^{30})^{x}"),
        (power(Numeral(Fraction(-1e30)), x), "(-1e+30)^x", r"(-1 \cdot 10^{30})^{x}"),
        (table.sin(x) ** 2, "sin(x)^2", r"\sin^{2}(x)"),
        (table.sin(x / y) ** 2, "sin(x/y)^2", r"\sin^{2}\left(\frac{x}{y}\right)"),
        (table.sin(x) ** 0.5, "sin(x)^0.5", r"\sin(x)^{0.5}"),
        (table.sin(x) ** y, "sin(x)^y", r"\sin(x)^{y}"),
        (1 / table.sin(x) ** 2, "1/sin(x)^2", r"\frac{1}{\sin^{2}(x)}"),
        (table.hypot(x, y) ** 2, "hypot(x, y)^2", r"\mathrm{hypot}(x, y)^{2}"),
        (table.sqrt(x + 1), "sqrt(x + 1)", r"\sqrt{x + 1}"),
        (abs(x / y), "absolute(x/y)", r"\left|\frac{x}{y}\right|"),
        (table.maximum(x, 0), "maximum(x, 0)", r"\max(x, 0)"),
        # comparisons count as numbers, a number stands on the right
        (Applied(table.less, (Numeral(Fraction(0)), x)), "x > 0", "[x > 0]"),
        (Applied(table.less, (x, Numeral(Fraction(0)))), "x < 0", "[x < 0]"),
        (table.less_equal(2, x), "x >= 2", r"[x \ge 2]"),
        (table.equal(2, x), "x == 2", "[x = 2]"),
        ((x < y) * z, "(x < y)*z", "[x < y] z"),
        ((x <= y) + z, "(x <= y) + z", r"[x \le y] + z"),
        ((x + 1 < y) < z, "(x + 1 < y) < z", "[[x + 1 < y] < z]"),
        (x / y < z, "x/y < z", r"\left[\frac{x}{y} < z\right]"),
        (
            table.where(x < y, x, 2),
            "where(x < y, x, 2)",
            r"\begin{cases} x & \text{if } x < y \\ 2 & \text{otherwise} \end{cases}",
        ),
        (
            table.where(x, table.equal(0, y), 2),
            "where(x, y == 0, 2)",
            r"\begin{cases} [y = 0] & \text{if } x \ne 0 \\ 2 & \text{otherwise} \end{cases}",
        ),
        (
            table.sin(table.where(table.equal(0, y), x, y)),
            "sin(where(y == 0, x, y))",
            r"\sin\left(\begin{cases} x & \text{if } y = 0 \\ y & \text{otherwise} \end{cases}\right)",
        ),
        (
            2 * table.where(x, y, z) ** 2,
            "2*where(x, y, z)^2",
            r"2 \left(\begin{cases} y & \text{if } x \ne 0 \\ z & \text{otherwise} \end{cases}\right)^{2}",
        ),
        (
            x + 1 / table.where(x, y, z),
            "x + 1/where(x, y, z)",
            r"x + \frac{1}{\begin{cases} y & \text{if } x \ne 0 \\ z & \text{otherwise} \end{cases}}",
        ),
        (
            x - table.where(x, y, z),
            "x - where(x, y, z)",
            r"x - \left(\begin{cases} y & \text{if } x \ne 0 \\ z & \text{otherwise} \end{cases}\right)",
        ),
        # the chain rule's products
        (Chain((up, local)), "dL/du * du/dx", r"\frac{dL}{du} \cdot \frac{du}{dx}"),
        (Chain((up, x + y)), "dL/du * (x + y)", r"\frac{dL}{du} \cdot (x + y)"),
        (Chain((up, -x)), "dL/du * (-x)", r"\frac{dL}{du} \cdot (-x)"),
        (Chain((up, x < y)), "dL/du * (x < y)", r"\frac{dL}{du} \cdot [x < y]"),
        (Chain((-1 * up, x)), "-dL/du * x", r"-\frac{dL}{du} \cdot x"),
        (Chain((Numeral(Fraction(-1)), x)), "-x", "-x"),
        (Chain((Numeral(Fraction(-1)), up, x)), "-dL/du * x", r"-\frac{dL}{du} \cdot x"),
        (Chain((x, 2 * y)), "x*2*y", r"x \cdot 2 y"),
        (y - Chain((up, x)), "y - dL/du * x", r"y - \frac{dL}{du} \cdot x"),
        (y + Chain((-1 * up, x)), "y - dL/du * x", r"y - \frac{dL}{du} \cdot x"),
        (Derivative("L", "u", partial=True), "∂L/∂u", r"\frac{\partial L}{\partial u}"),
        (Derivative("y'", "w1"), "dy'/dw1", r"\frac{dy'}{dw_{1}}"),
        # slopes that are no formula
        (Slope(table.sin, 0, (x,)), "sin'(x)", r"\mathrm{sin}'(x)"),
        (Slope(table.hypot, 0, (x, y)), "∂1 hypot(x, y)", r"\partial_{1} \mathrm{hypot}(x, y)"),
        (Slope(table.hypot, 1, (x, y)), "∂2 hypot(x, y)", r"\partial_{2} \mathrm{hypot}(x, y)"),
        (2 * Slope(table.sin, 0, (x,)), "2*sin'(x)", r"2 \mathrm{sin}'(x)"),
    ],
)
def test_signs_parentheses_and_quotients(expression, in_text, in_latex):
    assert text(expression) == in_text
    assert latex(expression) == in_latex


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("w", "w"),
        ("w1", "w_{1}"),
        ("w_1", "w_{1}"),
        ("w12[3]", "w_{12,3}"),
        ("w[0][1]", "w_{0,1}"),
        ("w[0, 1]", "w_{0,1}"),
        ("w['a']", r"w_{\mathrm{a}}"),
        ("w['a_b'][2]", r"w_{\mathrm{a\_b},2}"),
        ("y''", "y''"),
        ("w1'", "w_{1}'"),
        ("x[0]'", "x_{0}'"),
        ("x'[0]", "x_{0}'"),
        ("alpha", r"\alpha"),
        ("Gamma_2", r"\Gamma_{2}"),
        ("pi", r"\pi"),
        ("rate", r"\mathrm{rate}"),
        ("rate2", r"\mathrm{rate}_{2}"),
        ("learning_rate", r"\mathrm{learning\_rate}"),
        ("p.q", r"\mathrm{p.q}"),
        (r"50% \of ^~ {x}", r"\mathrm{50\% \backslash of \hat{}\sim  \{x\}}"),
    ],
)
def test_a_name_in_latex(name, written):
    assert latex_name(name) == written


def test_infinity_in_latex_is_its_sign():
    assert latex(-Symbol("inf")) == r"-\infty"
