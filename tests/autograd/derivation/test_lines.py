"""What a person would give a name, and which: formulas as the lines that they are written in."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

import autograd as ag
from autograd import Value, derive, primitive
from autograd.derivation.naming import input_names
from autograd.derivation.text import text


def lines(f: Callable[..., Any], names: str) -> list[str]:
    """The forward lines of a formula of inputs with these names."""
    derivation = derive(f, *(Value(0.5, name) for name in names.split()))
    return [f"{name.name} = {text(expression)}" for name, expression in derivation.lines.lines]


of_seven = primitive(
    "lines_of_seven",
    lambda a, b, c, d, e, f, g: a + b + c + d + e + f + g,
    (1.0,) * 7,
)
of_thirteen = primitive(
    "lines_of_thirteen",
    lambda a, b, c, d, e, f, g, h, i, j, k, m, n: a + b + c + d + e + f + g + h + i + j + k + m + n,
    (1.0,) * 13,
)


def used_twice(inner: Callable[..., Any]) -> Callable[..., Any]:
    def f(*args):
        u = inner(*args)
        return u * u + u

    return f


def function_used_twice(a, b):
    u = ag.sin(a)
    return u + u * b


def difference_from_two(a, b, c):
    u = a * b * c
    return (2 - u) * u


def product_of_sums(count: int) -> Callable[..., Any]:
    def f(a, b, c, d):
        total = 1.0
        for i in range(2, 2 + count):
            total = total * (i * a + b + c + d)
        return total

    return f


@pytest.mark.parametrize(
    ("f", "names", "written"),
    [
        # what is used twice, unless it is two names at most
        (used_twice(lambda a, b: a * b), "a b", ["f = a^2*b^2 + a*b"]),
        (used_twice(lambda a, b, c: a * b * c), "a b c", ["u = a*b*c", "f = u^2 + u"]),
        (function_used_twice, "a b", ["f = sin(a) + sin(a)*b"]),
        # a sum in a product, a power or a function, if it has more than three names
        (lambda a, b, c, d: (a + b + c) * d, "a b c d", ["f = (a + b + c)*d"]),
        (lambda a, b, c, d: (a + b + c + d) * a, "a b c d", ["u = a + b + c + d", "f = u*a"]),
        (lambda a, b, c, d: a / (a + b + c + d), "a b c d", ["u = a + b + c + d", "f = a/u"]),
        (lambda a, b, c, d: (a + b + c + d) ** 2, "a b c d", ["u = a + b + c + d", "f = u^2"]),
        (lambda a, b, c, d: -(a + b + c + d), "a b c d", ["f = -(a + b + c + d)"]),
        (lambda a, b, c, d: (a * b * c * d) * a, "a b c d", ["f = a^2*b*c*d"]),
        (lambda a, b, c, d: ag.sin(a + b + c), "a b c d", ["f = sin(a + b + c)"]),
        (lambda a, b, c, d: ag.sin(a * b * c * d), "a b c d", ["z = a*b*c*d", "f = sin(z)"]),
        # a function's result if it has more than two names, or if its derivative is written with it
        (lambda a, b: ag.sin(a * b) * a, "a b", ["f = sin(a*b)*a"]),
        (lambda x, b, c: ag.sin(x * b * c) * x, "x b c", ["a = sin(x*b*c)", "f = a*x"]),
        (lambda x, b, c: ag.exp(x * b) * c, "x b c", ["e = exp(x*b)", "f = e*c"]),
        (lambda x, b, c: ag.exp(x) * c, "x b c", ["f = exp(x)*c"]),
        (lambda a, b, c: ag.where(a < b, a * b, c) * a, "a b c", ["f = where(a < b, a*b, c)*a"]),
        (lambda x, b, c: ag.hypot(x, b) * c, "x b c", ["u = hypot(x, b)", "f = u*c"]),
        # functions within functions: two are read at a glance
        (lambda x: ag.sin(ag.cos(x)) * x, "x", ["f = sin(cos(x))*x"]),
        (lambda x: ag.sin(ag.cos(ag.log(x))) * x, "x", ["c = cos(log(x))", "f = sin(c)*x"]),
        # a line has twelve names at most
        (
            lambda *v: sum(value * other for value, other in pairwise(v)),
            "a b c d e g h",
            ["f = a*b + b*c + c*d + d*e + e*g + g*h"],
        ),
        (
            lambda *v: sum(value * other for value, other in pairwise(v)) + v[0],
            "a b c d e g h",
            ["u = a*b + b*c + c*d + d*e + e*g + g*h", "f = u + a"],
        ),
        (
            lambda *v: (
                v[0] - (v[1] * v[2] * v[3] + v[2] * v[3] * v[4] + v[3] * v[4] * v[5] + v[0] * v[1] * v[2])
            ),
            "a b c d e g",
            ["p = b*c*d + c*d*e + d*e*g + a*b*c", "f = a - p"],
        ),
        (
            lambda *v: of_seven(*(value * value.sin() for value in v)) + v[0],
            "t v w x y z k",
            [
                "u = t*sin(t)",
                "q = v*sin(v)",
                "r = lines_of_seven(u, q, w*sin(w), x*sin(x), y*sin(y), z*sin(z), k*sin(k))",
                "f = r + t",
            ],
        ),
        (
            lambda *v: of_thirteen(*v) + v[0],
            "a b c d e g h i j k l m n",
            ["u = lines_of_thirteen(a, b, c, d, e, g, h, i, j, k, l, m, n)", "f = u + a"],
        ),
        # a prediction is what is compared with an input
        (lambda y, a, b, c: (y - a * b) ** 2, "y a b c", ["f = (y - a*b)^2"]),
        (lambda y, a, b, c: (y - (a + b + c)) ** 2, "y a b c", ["p = a + b + c", "f = (y - p)^2"]),
        (
            lambda y, k, *v: (y - (sum(value * other for value, other in pairwise(v)) + v[0])) * k,
            "y k a b c d e g",
            ["p = a*b + b*c + c*d + d*e + e*g + a", "f = (y - p)*k"],
        ),
        (lambda y, a, b, c: ((a + b + c) - y) ** 2, "y a b c", ["p = a + b + c", "f = (p - y)^2"]),
        (lambda y, a, b, c: (y - (a - b - c)) ** 2, "y a b c", ["u = y - (a - b - c)", "f = u^2"]),
        (difference_from_two, "a b c", ["u = a*b*c", "f = (2 - u)*u"]),
        (lambda a, b, c, d: ag.maximum(a * b * c * d, a), "a b c d", ["u = a*b*c*d", "f = maximum(u, a)"]),
        (lambda y, a, b, c: (2 - y * a * b * c) ** 2, "y a b c", ["u = 2 - y*a*b*c", "f = u^2"]),
        (lambda y, a, b, c: (y - ag.where(a, b, c)) ** 2, "y a b c", ["p = where(a, b, c)", "f = (y - p)^2"]),
        # letters: those of the functions, then in turn, with numbers where there are several
        (product_of_sums(2), "a b c d", ["u = 2*a + b + c + d", "q = 3*a + b + c + d", "f = u*q"]),
        (
            product_of_sums(4),
            "a b c d",
            [
                *("u = 2*a + b + c + d", "q = 3*a + b + c + d", "v = 4*a + b + c + d"),
                *("r = 5*a + b + c + d", "f = u*q*v*r"),
            ],
        ),
        (
            product_of_sums(5),
            "a b c d",
            [
                *("u1 = 2*a + b + c + d", "u2 = 3*a + b + c + d", "u3 = 4*a + b + c + d"),
                *("u4 = 5*a + b + c + d", "u5 = 6*a + b + c + d", "f = u1*u2*u3*u4*u5"),
            ],
        ),
        (product_of_sums(2), "u v q1 q", ["r = 2*u + v + q1 + q", "h = 3*u + v + q1 + q", "f = r*h"]),
        (
            product_of_sums(5),
            "u1 b u3 d",
            [
                *("u2 = 2*u1 + b + u3 + d", "u4 = 3*u1 + b + u3 + d", "u5 = 4*u1 + b + u3 + d"),
                *("u6 = 5*u1 + b + u3 + d", "u7 = 6*u1 + b + u3 + d", "f = u2*u4*u5*u6*u7"),
            ],
        ),
        (
            lambda a, b: ag.exp(a * b) + ag.exp(a + b),
            "a b",
            ["e1 = exp(a*b)", "e2 = exp(a + b)", "f = e1 + e2"],
        ),
        (
            lambda a, b: ag.exp(a * b) + ag.exp(a + b),
            "e1 e",
            ["e2 = exp(e1*e)", "e3 = exp(e1 + e)", "f = e2 + e3"],
        ),
        (lambda a, b: ag.exp(a * b) + a, "e e_2", ["e_3 = exp(e*e_2)", "f = e_3 + e"]),
        # the result
        (lambda x: x, "x", ["f = x"]),
        (lambda x: x, "f", ["F = f"]),
        (lambda x: 5.0, "x", ["f = 5"]),
        (lambda x, y: x * y, "f F", ["result = f*F"]),
    ],
)
def test_a_formula_is_written_in_few_lines(f, names, written):
    assert lines(f, names) == written


def loss(a, b):
    return (a - b) ** 2


def total_cost(a, b):
    return a + b


def test_a_loss_is_called_so():
    assert lines(loss, "a b") == ["L = (a - b)^2"]
    assert lines(total_cost, "a b") == ["L = a + b"]
    assert lines(loss, "L b") == ["F = (L - b)^2"]


def test_the_user_s_labels_are_kept_and_made_readable():
    def f(a, b):
        u, v, w = a * b, a + b, a - b
        u.label, v.label, w.label = "1st part", "a", "%"
        result = u + v * w
        result.label = "all"
        return result

    assert lines(f, "a b") == ["v1st_part = a*b", "a_2 = a + b", "v = a - b", "all = v1st_part + a_2*v"]


def test_the_result_keeps_clear_of_a_label():
    def f(a, b):
        u = a * b
        u.label = "f"
        return u + a

    assert lines(f, "a b") == ["f = a*b", "F = f + a"]


def test_names_of_inputs_are_readable_and_all_different():
    labels = ["", "a b", "1st", "x", "x", "x_2", "x", "pi", "nan", "é", "w['a b']", "p.q[0]'", "x[0", "-c-"]
    assert input_names(labels) == [
        *("v", "a_b", "v1st", "x", "x_2", "x_2_2", "x_3", "pi_2", "nan_2", "é", "w['a b']", "p.q[0]'"),
        *("x_0", "c"),
    ]
