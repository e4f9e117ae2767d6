"""Transforms: against closed forms, SymPy and each other, nested in every way, over every structure."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

import autograd as ag
from autograd import Value, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from autograd.graph.walks import topological_order


def rosenbrock(x, y):
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def beale(x, y):
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def himmelblau(x, y):
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def branin(x, y, cos=ag.cos, pi=math.pi):
    return (y - 5.1 / (4 * pi**2) * x**2 + 5 / pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * pi)) * cos(x) + 10


@functools.cache
def symbolic(f):
    """By SymPy, for mpmath: the gradient, and the second derivatives row by row."""
    x, y = sympy.symbols("x y")
    formula = branin(x, y, cos=sympy.cos) if f is branin else f(x, y)
    gradient = [formula.diff(by) for by in (x, y)]
    return sympy.lambdify(
        (x, y), (gradient, [first.diff(by) for first in gradient for by in (x, y)]), "mpmath"
    )


@pytest.mark.parametrize("f", [rosenbrock, beale, himmelblau, branin], ids=lambda f: f.__name__)
@given(st.floats(-3, 3), st.floats(-3, 3))
def test_gradient_and_hessian_of_the_standard_functions_equal_sympy(f, a, b):
    with mp.workdps(40):
        gradient, second = ([*map(float, derivatives)] for derivatives in symbolic(f)(mpf(a), mpf(b)))
    scale = 1e3 * (1 + abs(a)) ** 6 * (1 + abs(b)) ** 6  # of the terms that cancel
    assert grad(f, (0, 1))(a, b) == pytest.approx(gradient, rel=1e-13, abs=1e-16 * scale)
    assert np.array(hessian(f, (0, 1))(a, b)) == pytest.approx(
        np.reshape(second, (2, 2)), rel=1e-13, abs=1e-16 * scale
    )


def test_derivatives_of_tanh_of_every_order_are_right_at_0():
    f, derivatives = ag.tanh, []
    for _ in range(5):
        f = grad(f)
        derivatives.append(f(0.0))
    assert derivatives == [1.0, 0.0, -2.0, 0.0, 16.0]


def test_third_derivative_of_sigmoid_is_right_at_0():
    assert grad(grad(grad(ag.sigmoid)))(0.0) == -1 / 8


def test_an_inner_derivative_does_not_confuse_its_variable_with_the_outer():
    assert grad(lambda x: x * grad(lambda y: x * y)(x))(3.0) == 6.0
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(5.0) == 1.0  # Siskind and Pearlmutter's example


def test_an_inner_derivative_stays_differentiable_by_what_it_is_taken_at():
    assert grad(lambda x: grad(lambda y: y**3)(x) * x)(2.0) == 36.0  # d/dx 3x^3


def test_forward_in_reverse_and_reverse_in_forward_agree():
    def f(x):
        return ag.sin(x[0] * x[1]) + x[1] ** 3

    x, v = [0.3, -1.2], [0.5, 2.0]
    forward_over_reverse = jvp(grad(f), (x,), (v,))[1]
    reverse_over_forward = grad(lambda x: jvp(f, (x,), (v,))[1])(x)
    assert forward_over_reverse == pytest.approx(reverse_over_forward, rel=1e-14)
    assert hvp(f, (x,), (v,)) == forward_over_reverse
    assert (np.array(hessian(f)(x)) @ v).tolist() == pytest.approx(forward_over_reverse, rel=1e-14)


@given(st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_jacobian_is_the_same_by_forward_and_reverse_sweeps(point):
    def tall(x):  # more results than inputs: forward
        return [x[0] * x[1], ag.sin(x[2]), x[0] / (2 + x[1] ** 2), x[2] ** 3]

    forward = jacobian(tall)(point)
    reverse = [jacobian(lambda x, i=i: tall(x)[i])(point) for i in range(4)]
    assert np.array(forward) == pytest.approx(np.array(reverse), rel=1e-14, abs=1e-300)


def test_jvp_and_vjp_are_transposes():
    def f(x, y):
        return [x * y, ag.exp(x), y.sin() * x]

    value, tangent = jvp(f, (0.3, 0.7), (2.0, -1.0))
    same_value, pull = vjp(f, 0.3, 0.7)
    assert value == same_value
    cotangent = [1.0, -2.0, 0.5]
    left = sum(c * t for c, t in zip(cotangent, tangent))
    right = 2.0 * pull(cotangent)[0] - pull(cotangent)[1]
    assert left == pytest.approx(right, rel=1e-14)


def test_a_result_that_is_returned_twice_is_pulled_back_twice():
    def f(x):
        y = x * x
        return [y, y]

    assert vjp(f, 3.0)[1]([1.0, 10.0]) == (66.0,)


@dataclass
class Model:
    weights: Any
    bias: Any


def test_gradients_come_back_in_the_structure_of_the_argument():
    model = Model(weights=np.array([[1.0, 2.0], [3.0, 4.0]]), bias={"b": [5.0, (6.0, None)]})

    def f(m):
        return (m.weights * m.weights).sum() + m.bias["b"][0] * m.bias["b"][1][0]

    gradient = grad(f)(model)
    assert isinstance(gradient, Model)
    assert gradient.weights.dtype == float
    assert gradient.weights.tolist() == [[2.0, 4.0], [6.0, 8.0]]
    assert gradient.bias == {"b": [6.0, (5.0, None)]}


def test_a_frozen_dataclass_with_checks_of_its_own_is_rebuilt_without_them():
    @dataclass(frozen=True)
    class Positive:
        x: Any

        def __post_init__(self):
            if not self.x > 0:
                raise ValueError("x must be positive")

    assert grad(lambda p: -p.x)(Positive(2.0)).x == -1.0


def test_jacobian_of_arrays_is_one_array():
    matrix = jacobian(lambda x: np.array([[x[0], x[1] * 2], [x[0] * x[1], 0.0 * x[1]]]))(np.array([2.0, 3.0]))
    assert matrix.shape == (2, 2, 2)
    assert matrix.tolist() == [[[1, 0], [0, 2]], [[3, 2], [0, 0]]]
    assert hessian(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0])).tolist() == [[6, 4], [4, 0]]


def test_jacobian_nests_the_result_s_structure_around_the_argument_s():
    matrices = jacobian(lambda p: {"s": p["a"] * p["b"], "d": p["a"] - p["b"]})({"a": 2.0, "b": 3.0})
    assert matrices == {"s": {"a": 3.0, "b": 2.0}, "d": {"a": 1.0, "b": -1.0}}


def test_jacobian_finds_its_way_through_numbers_and_arrays_on_both_sides():
    def f(p):
        return p["a"] * p["b"], p["c"] * p["a"], p["b"].sum()

    point = {"a": 2.0, "b": np.array([3.0, 4.0]), "c": np.array([5.0, 6.0, 7.0])}
    by_b, by_c, of_sum = jacobian(f)(point)
    assert by_b["a"].tolist() == [3.0, 4.0]
    assert by_b["b"].tolist() == [[2.0, 0.0], [0.0, 2.0]]
    assert by_b["c"].tolist() == [[0.0] * 3] * 2
    assert by_c["a"].tolist() == [5.0, 6.0, 7.0]
    assert by_c["b"].tolist() == [[0.0] * 2] * 3
    assert by_c["c"].tolist() == [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]]
    assert (of_sum["a"], of_sum["b"].tolist(), of_sum["c"].tolist()) == (0.0, [1.0, 1.0], [0.0] * 3)


def test_what_is_made_says_what_it_is():
    assert grad(rosenbrock).__name__ == "gradient_of_rosenbrock"
    assert grad(rosenbrock).__doc__ == "The gradient of rosenbrock."


def test_argnums_and_aux():
    assert grad(lambda x, y: x * y, argnums=1)(2.0, 3.0) == 2.0
    assert grad(lambda x, y: x * y, argnums=(1, 0))(2.0, 3.0) == (2.0, 3.0)
    assert grad(lambda x, y: x * y, argnums=-1)(2.0, 3.0) == 2.0
    assert grad(lambda x, y: x * y, argnums=-2)(2.0, 3.0) == 3.0
    assert grad(lambda x: (x**2, "kept"), has_aux=True)(6.0) == (12.0, "kept")
    assert value_and_grad(lambda x: (x**2, {"half": x / 2, "note": "kept"}), has_aux=True)(6.0) == (
        (36.0, {"half": 3.0, "note": "kept"}),
        12.0,
    )


class Pair(NamedTuple):
    first: Any
    second: Any


def test_what_is_returned_beside_the_scalar_holds_numbers_in_any_structure():
    def f(x):
        return x**2, [x, (2 * x, Pair(3 * x, {"four": 4 * x})), np.ones(1), None]

    _, (first, (second, pair), array, nothing) = grad(f, has_aux=True)(1.0)
    assert (first, second, pair) == (1.0, 2.0, Pair(3.0, {"four": 4.0}))
    assert [type(number) for number in (first, second, pair, pair.first)] == [float, float, Pair, float]
    assert (array.tolist(), nothing) == ([1.0], None)


def test_a_result_of_no_dimensions_is_a_scalar_and_of_one_is_none():
    assert grad(lambda x: np.array(x * x))(3.0) == 6.0
    with pytest.raises(TypeError, match="must return one scalar, got an array"):
        grad(lambda x: np.array([x * x]))(3.0)


@pytest.mark.parametrize(
    "f", [lambda x: 1 / x, ag.sqrt, ag.log, lambda x: x**-1.0], ids=["reciprocal", "sqrt", "log", "power"]
)
@pytest.mark.parametrize("transform", [grad, jacobian, lambda f: lambda x: jvp(f, (x,), (1.0,))[1]])
def test_at_a_pole_every_transform_finds_what_backward_finds(f, transform):
    x = Value(0.0)
    f(x).backward()
    assert math.isinf(x.grad)
    assert transform(f)(0.0) == x.grad


def test_what_does_not_depend_on_the_argument_has_gradient_0():
    assert grad(lambda x: 5.0)(1.0) == 0.0
    assert grad(lambda x: Value(5.0))(1.0) == 0.0
    assert jacobian(lambda x: [x, 1.0])(2.0) == [1.0, 0.0]
    assert grad(lambda x: ag.stop_gradient(x) * x)(3.0) == 3.0


def test_results_are_floats_unless_they_depend_on_a_value_from_outside():
    w = Value(2.0, "w")
    assert type(grad(lambda x: x * x)(3.0)) is float
    assert type(grad(lambda x: w + x * x)(3.0)) is float
    closed_over = grad(lambda x: w * x * x)(3.0)
    assert isinstance(closed_over, Value)
    closed_over.backward()
    assert (closed_over.data, w.grad) == (12.0, 6.0)
    w.grad = 0
    passed_in = grad(lambda x: x**3)(w)
    passed_in.backward()
    assert (passed_in.data, w.grad) == (12.0, 12.0)
    assert type(grad(lambda x: x * Value(4.0))(3.0)) is float  # made inside, so not from outside


def test_numbers_stay_numbers_beside_a_value_from_outside_and_inside_a_trace():
    value, gradient = value_and_grad(lambda x: Value(5.0) * 2)(Value(1.0))
    assert (type(value), value, gradient) == (float, 10.0, 0.0)

    def f(x):
        return x * math.floor(grad(lambda y: y * y)(3.5))  # math takes no Value

    assert ag.trace(f, 1.0)(2.0) == 14.0


def test_what_a_call_makes_inside_another_is_not_from_outside():
    def f(x):
        grad(lambda y: y * y)(2.0)
        return x * Value(4.0)

    assert type(grad(f)(3.0)) is float


def test_a_derivative_s_graph_multiplies_by_nothing_that_is_1_or_minus_1():
    w = Value(2.0)
    slope = grad(lambda x: -(x * w - 5.0))(3.0)
    kinds = [node._operation.name for node in topological_order(slope)]
    assert slope.data == -2.0
    assert kinds == ["neg"]


def test_nobody_s_grad_is_touched():
    w, x = Value(2.0), Value(3.0)
    w.grad, x.grad = 10.0, 20.0
    result = grad(lambda v: v * w + v**2)(x)
    hessian(lambda v: w * v**2)(x)
    assert (w.grad, x.grad, result.grad) == (10.0, 20.0, 0.0)


def test_a_derivative_that_depends_on_nothing_from_outside_is_a_float():
    x = Value(2.0)
    for f in (lambda x: 3.0 * x, lambda x: x * Value(3.0)):
        for derivative in (grad(f)(x), jvp(f, (x,), (1.0,))[1]):
            assert type(derivative) is float
            assert derivative == 3.0
    slopes = jacobian(lambda x: [3.0 * x, x * x])(x)
    assert [type(slope) for slope in slopes] == [float, Value]


def test_a_primitive_of_the_user_s_has_derivatives_of_every_order():
    quartic = ag.primitive("quartic_for_transforms", lambda x: x**4, lambda y, x: (4 * x**3,))
    assert grad(quartic)(2.0) == 32.0
    assert grad(grad(grad(quartic)))(2.0) == 48.0
    assert jvp(quartic, (2.0,), (1.0,)) == (16.0, 32.0)


def test_a_deep_graph_needs_no_recursion(few_frames_left):
    def f(x):
        y = x
        for _ in range(20_000):
            y = y * 1.0001
        return y

    assert grad(f)(1.0) == pytest.approx(1.0001**20_000)
    assert jvp(f, (1.0,), (1.0,))[1] == pytest.approx(1.0001**20_000)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: grad(lambda x: [x])(1.0), "return one scalar, got list.*jacobian"),
        (lambda: grad(lambda x: None)(1.0), "return one scalar, got NoneType"),
        (lambda: grad(lambda x: x)("a"), "argument 0.* got str 'a'"),
        (lambda: grad(lambda x: x)(1j), "got complex"),
        (lambda: grad(lambda x: x[0])(np.array([1, 2])), r"int64.*astype\(float\)"),
        (lambda: grad(lambda x: x, argnums=1)(1.0), "argnums 1 names no argument"),
        (lambda: grad(lambda x: x, has_aux=True)(1.0), "must return a pair"),
        (lambda: jvp(lambda x: x, 1.0, 1.0), r"primals must be a tuple.*\(primals,\)"),
        (lambda: jvp(lambda x: x, (1.0,), (1.0, 2.0)), "structure"),
        (
            lambda: jvp(sum, (np.array([1, 2]),), (np.ones(2),)),
            r"^a primal .* int64: pass x.astype",
        ),
        (lambda: vjp(lambda x: x, 1.0)[1]([1.0]), "cotangent must have the result's structure"),
    ],
)
def test_bad_input_is_told_what_was_wrong(call, words):
    with pytest.raises(TypeError, match=words):
        call()
