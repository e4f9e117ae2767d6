"""Conditions: `logical_not`, ``&`` and ``|``, and what ``~`` makes of a bool, which is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autograd import TracingError, Value, grad, jit, logical_not, trace, vmap, where


def middle(x):
    return where(logical_not((x > 5) & (x < 7) | (x == 2)), x * x, 3.0 * x)


@pytest.mark.parametrize(
    ("condition", "opposite"),
    [
        *[(True, False), (False, True), (0, True), (3, False), (0.0, True), (math.nan, False)],
        *[(np.True_, False), (np.float32(0), True), (Value(2.0), False), (Value(0.0), True)],
    ],
)
def test_the_opposite_of_a_condition_is_a_bool(condition, opposite):
    assert logical_not(condition) is opposite


def test_the_opposites_of_arrays_are_arrays_of_bools():
    for array in (
        np.array([True, False]),
        np.array([1, 0]),
        np.array([2.0, 0.0]),
        np.array([Value(1), Value(0)]),
    ):
        opposites = logical_not(array)
        assert opposites.dtype == bool
        assert opposites.tolist() == [False, True]


@pytest.mark.parametrize("x", [6.0, 2.0, 5.0, 7.0, -1.0])
def test_conditions_are_combined_alike_eagerly_and_traced(x):
    expected = 3.0 if 5 < x < 7 or x == 2 else 2.0 * x
    v = Value(x)
    middle(v).backward()
    assert v.grad == grad(middle)(x) == jit(grad(middle), engine="python")(x) == expected
    assert vmap(grad(middle), engine="numpy")(np.array([x, x])).tolist() == [expected] * 2
    combined = [v & True, False | v, v & Value(0.0), v | 0]
    assert combined == [True, True, False, True]
    assert all(type(answer) is bool for answer in combined)


def test_the_opposite_of_an_array_of_conditions_is_recorded():
    def f(x):
        return where(logical_not(np.array([x > 5], dtype=object))[0], x, 1.0)

    assert [jit(f, engine="python")(x) for x in (4.0, 6.0)] == [4.0, 1.0]


@pytest.mark.parametrize(
    "refused",
    [
        lambda x: where(~(x > 5), 1.0, x),
        lambda x: where(~(x < 5), 1.0, x),
        lambda x: where(np.int64(-2), 1.0, x),
        lambda x: where(~np.array([x > 5, x < 5], dtype=object), 1.0, 2.0),
        lambda x: where(~np.array([1, 0]), 1.0, 2.0),
        lambda x: x & ~(x > 5),
        lambda x: ~(x > 5) | x,
        lambda x: logical_not(~(x > 5)),
    ],
)
def test_what_python_makes_of_an_inverted_bool_is_no_condition(refused):
    with pytest.raises(ValueError, match="write logical_not"):
        refused(Value(6.0))


def test_other_numbers_are_conditions_as_ever():
    assert where(-1.0, 1.0, 2.0) == where(-3, 1.0, 2.0) == 1.0
    assert where(np.array([1, -1, 0]), 1.0, 2.0).tolist() == [1.0, 1.0, 2.0]
    values = np.array([Value(3.0), Value(4.0), Value(5.0)])
    assert [v.data for v in where(np.array([1, -1, 0]), values, Value(2.0))] == [3.0, 4.0, 2.0]
    assert where(~np.array([True, False]), 1.0, 2.0).tolist() == [2.0, 1.0]


def test_what_is_no_condition_is_named():
    with pytest.raises(TypeError, match="str 'a'"):
        logical_not("a")
    with pytest.raises(TypeError, match="logical_not"):
        trace(lambda x: where(~(x > 5), x, 1.0), 1.0)
    with pytest.raises(TypeError, match="&"):
        Value(1.0) & "a"
    with pytest.raises(TracingError):
        trace(lambda x: x if logical_not(x > 5) else 1.0, 1.0)
