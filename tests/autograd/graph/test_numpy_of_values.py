"""NumPy with Values: its scalars as operands, arrays of Values, its functions and reductions over them."""

import math
import operator

import numpy as np
import pytest

from autograd import Value

OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


def values_of(array: np.ndarray) -> list[float]:
    return [value.data for value in array.ravel()]


def test_value_leaves_numpy_its_own_ways():
    assert not hasattr(Value, "__array_ufunc__")
    assert not hasattr(Value, "__array_priority__")
    for operation in ("add", "sub", "mul", "truediv", "pow"):
        for method in (f"__{operation}__", f"__r{operation}__"):
            assert getattr(Value(1.0), method)(np.ones(2)) is NotImplemented
    assert Value(1.0).__lt__(np.ones(2)) is NotImplemented


@pytest.mark.parametrize("operation", OPERATORS, ids=lambda operation: operation.__name__)
def test_an_array_on_either_side_gives_an_array_of_values(operation):
    v, array = Value(3.0), np.array([[1.0, 2.0], [4.0, 0.5]])
    sides = [(operation(v, array), operation(3.0, array)), (operation(array, v), operation(array, 3.0))]
    for result, expected in sides:
        assert (result.dtype, result.shape) == (object, (2, 2))
        assert values_of(result) == pytest.approx(expected.ravel().tolist(), rel=1e-15)
    result.sum().backward()
    assert v.grad != 0.0


def test_a_scalar_of_numpy_gives_a_value():
    v = Value(3.0)
    for number in (np.float64(2), np.float32(2), np.int64(2), np.array(2.0)):
        for node in (number * v, v * number):
            assert type(node) is Value
            assert node.data == 6.0


def test_a_matrix_product():
    w = np.array([[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]])
    x = np.array([10.0, 100.0])
    y = w @ x
    assert values_of(y) == [210.0, 430.0]
    (y[0] + 2 * y[1]).backward()
    assert [[weight.grad for weight in row] for row in w] == [[10.0, 100.0], [20.0, 200.0]]
    inputs = np.array([Value(1.0), Value(1.0)])
    (np.array([[1.0, 2.0], [3.0, 4.0]]) @ inputs).sum().backward()
    assert [leaf.grad for leaf in inputs] == [4.0, 6.0]


def test_reductions():
    a = np.array([Value(1.0), Value(2.0), Value(6.0)])
    for reduced, expected, gradient in (
        (a.sum(), 9.0, [1.0, 1.0, 1.0]),
        (a.mean(), 3.0, [1 / 3, 1 / 3, 1 / 3]),
        (a.var(), 14 / 3, [-4 / 3, -2 / 3, 2.0]),
        (a.prod(), 12.0, [12.0, 6.0, 2.0]),
        (a.max(), 6.0, [0.0, 0.0, 1.0]),
        (a.min(), 1.0, [1.0, 0.0, 0.0]),
        (a.dot(a), 41.0, [2.0, 4.0, 12.0]),
        (np.std(a), math.sqrt(14 / 3), [x / (2 * math.sqrt(14 / 3)) for x in (-4 / 3, -2 / 3, 2.0)]),
    ):
        for entry in a:
            entry.grad = 0.0
        assert type(reduced) is Value
        reduced.backward()
        assert reduced.data == pytest.approx(expected)
        assert [entry.grad for entry in a] == pytest.approx(gradient)


UFUNCS = [
    *[
        "exp",
        "expm1",
        "log",
        "log1p",
        "log2",
        "log10",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "arcsin",
        "arccos",
        "arctan",
    ],
    *["sinh", "cosh", "tanh", "arcsinh", "arctanh", "absolute", "fabs", "negative", "positive", "square"],
    *["reciprocal", "conjugate"],
]


@pytest.mark.parametrize("name", UFUNCS)
def test_numpys_functions_of_one_argument_map_over_values(name):
    function = getattr(np, name)
    a = np.array([Value(0.25), Value(0.5)])
    result = function(a)
    expected = function(np.array([0.25, 0.5])).tolist()
    assert values_of(result) == pytest.approx(expected, rel=1e-15)
    result[1].backward()
    step = 1e-6
    assert a[1].grad == pytest.approx((function(0.5 + step) - function(0.5 - step)) / (2 * step), rel=1e-8)
    assert function(Value(0.5)).data == pytest.approx(expected[1], rel=1e-15)


@pytest.mark.parametrize("name", ["hypot", "arctan2", "power", "maximum", "minimum", "add", "divide"])
def test_numpys_functions_of_two_arguments_map_over_values(name):
    function = getattr(np, name)
    result = function(np.array([Value(0.25), Value(0.5)]), np.array([Value(3.0), Value(0.125)]))
    assert values_of(result) == pytest.approx(function([0.25, 0.5], [3.0, 0.125]).tolist(), rel=1e-15)


def test_comparisons_over_arrays_give_masks():
    a = np.array([Value(1.0), Value(3.0)])
    assert (a > 2).tolist() == [False, True]
    assert (Value(2.0) < a).tolist() == [False, True]
    assert np.sort(a[::-1])[0] is a[0]
