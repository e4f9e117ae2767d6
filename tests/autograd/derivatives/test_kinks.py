"""Derivatives at kinks: which choice they are, in every engine and order."""

import copy
import math
import pickle
from importlib.util import find_spec

import numpy as np
import pytest

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
