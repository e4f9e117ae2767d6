"""Derivatives at kinks: which choice they are, in every engine and order."""

import copy
import itertools
import math
import operator
import pickle
from importlib.util import find_spec

import numpy as np
import pytest
import sympy
from mpmath import mp, mpf

import autograd
from autograd import Value, compare, derive, grad, hessian, hypot, jit, jvp, maximum, minimum, trace, vmap

NAN = math.nan
ENGINES = ["python", "numpy", *(["llvm", "interpreter"] if find_spec("llvmlite") else [])]


def largest(p):
    return maximum(*p)


def backward(f, point):
    values = [Value(number) for number in point]
    f(values).backward()
    return [v.grad for v in values]


@pytest.mark.parametrize("choose", [maximum, minimum])
@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ([2.0, 2.0, 2.0], [1 / 3] * 3),
        ([2.0] * 7, [1 / 7] * 7),
        ([2.0, 5.0, 2.0, 5.0], {maximum: [0.0, 0.5, 0.0, 0.5], minimum: [0.5, 0.0, 0.5, 0.0]}),
        ([0.0, -0.0, 0.0], [1 / 3] * 3),
        ([math.inf] * 3, [1 / 3] * 3),
        ([1.0, NAN, 1.0], [0.0] * 3),
    ],
)
def test_operands_that_tie_share_a_derivative_equally(choose, point, expected):
    expected = expected if type(expected) is list else expected[choose]

    def f(p):
        return choose(*p)

    assert backward(f, point) == expected
    assert grad(f)(point) == expected
    assert [jvp(f, (point,), (list(axis),))[1] for axis in np.eye(len(point))] == expected
    for engine in ENGINES:
        assert jit(grad(f), engine=engine)(point) == expected
        assert vmap(grad(f), engine=engine)(np.array([point])).tolist() == [expected]


def test_ties_are_shared_in_derivatives_of_the_second_order():
    f = lambda x: maximum(x, x**2, 3 * x - 2)  # noqa: E731
    assert grad(f)(1.0) == 2.0
    assert grad(grad(f))(1.0) == pytest.approx(2 / 3)
    assert jit(grad(grad(f)))(1.0) == grad(grad(f))(1.0)
    assert hessian(lambda p: largest(p) ** 2)([1.0, 1.0, 1.0]) == [[pytest.approx(2 / 9)] * 3] * 3


def test_a_maximum_of_many_is_one_operation_wherever_it_is_written(tmp_path):
    def f(a, b, c):
        return maximum(a, b, c) ** 2

    program = trace(f, 1.0, 2.0, 3.0)
    assert program.counts()["maximum"] == 1
    program.save(tmp_path / "maximum.json")
    assert autograd.Program.load(tmp_path / "maximum.json")(1.0, 4.0, 3.0) == 16.0
    names: dict = {}
    exec(program.source, names)
    assert names["program"](1.0, 4.0, 3.0) == (16.0,)
    operation = program.instructions[0].operation
    assert pickle.loads(pickle.dumps(operation)) is copy.deepcopy(operation) is operation
    assert "maximum(a, b, c)" in str(derive(f, 1.0, 2.0, 3.0))


def test_a_comparison_with_a_gradient_by_hand_tries_each_argument_of_a_maximum():
    def f(a, b, c):
        return maximum(a, b, c) ** 2

    def right(a, b, c):
        u = max(a, b, c)
        return tuple([2.0 * u * (x == u) for x in (a, b, c)])

    compared = compare(f, right, 1.0, 2.0, 0.5, argnums=(0, 1, 2))
    assert compared.passed, str(compared)
    wrong = compare(f, lambda a, b, c: (0.0, 2.0 * b, 0.0), 1.0, 2.0, 0.5, argnums=(0, 1, 2))
    assert not wrong.passed


def test_the_hypotenuse_has_the_derivative_0_at_the_origin():
    def f(p):
        return hypot(*p)

    assert backward(f, [0.0, -0.0]) == grad(f)([0.0, -0.0]) == [0.0, 0.0]
    assert jvp(f, ([0.0, 0.0],), ([1.0, 2.0],)) == (0.0, 0.0)
    for engine in ENGINES:
        assert jit(grad(f), engine=engine)([0.0, 0.0]) == [0.0, 0.0]
        assert vmap(grad(f), engine=engine)(np.array([[0.0, 0.0], [3.0, 4.0]])).tolist() == [
            [0, 0],
            [0.6, 0.8],
        ]


def limit_at_0(exponent, by_base, by_exponent):
    """What a derivative of a**b tends to as a falls to 0; 0 for those of 0**0 by its exponent alone."""
    if exponent == by_base == 0.0:
        return 0.0
    b = sympy.Symbol("b")
    falling = sympy.Integer(1)
    for i in range(by_base):
        falling *= b - i
    with mp.workdps(30):
        a = mpf(10) ** -(10**6)
        total = mpf(0)
        for k in range(by_exponent + 1):
            factor = sympy.diff(falling, b, k).subs(b, sympy.Rational(exponent))
            total += mp.binomial(by_exponent, k) * mpf(factor.p) / factor.q * mp.log(a) ** (by_exponent - k)
        total *= a ** (mpf(exponent) - by_base)
        if abs(total) < 1e-5:
            return 0.0
        return float(total) if abs(total) < 1e5 else math.copysign(math.inf, total)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0, 0.5, 1.5, 2.5, -0.5, -1.0, -2.0])
def test_the_derivatives_of_a_power_at_0_are_limits_in_whichever_order_they_are_taken(exponent):
    for order in (1, 2, 3):
        for places in itertools.product((0, 1), repeat=order):
            expected = limit_at_0(exponent, places.count(0), places.count(1))
            backward, forward = operator.pow, operator.pow
            for place in places:
                backward = grad(backward, argnums=place)
                forward = along(forward, place)
            assert backward(0.0, exponent) == expected, places
            assert forward(0.0, exponent) == expected, places
            for engine in ENGINES:
                assert jit(backward, engine=engine)(0.0, exponent) == expected, places


def along(f, place):
    return lambda *point: jvp(f, point, (1.0 - place, float(place)))[1]


def test_a_hessian_of_a_power_is_symmetric():
    def f(p):
        return p[0] ** p[1]

    assert hessian(f)([0.0, 1.0]) == [[0.0, -math.inf], [-math.inf, 0.0]]
    for engine in ENGINES:
        assert jit(hessian(f), engine=engine)([0.0, 1.0]) == [[0.0, -math.inf], [-math.inf, 0.0]]
    for exponent, second in ((3.0, -12.0), (2.0, 2.0), (-1.0, -0.25)):
        (by_base, mixed), (other, by_exponent) = hessian(f)([-2.0, exponent])
        assert by_base == second
        assert all(map(math.isnan, (mixed, other, by_exponent)))


def test_second_derivatives_of_a_hypotenuse_at_the_origin_are_0():
    assert hessian(lambda p: hypot(*p))([0.0, 0.0]) == [[0.0, 0.0], [0.0, 0.0]]
    for engine in ENGINES:
        assert jit(hessian(lambda p: hypot(*p)), engine=engine)([0.0, 0.0]) == [[0.0, 0.0], [0.0, 0.0]]
