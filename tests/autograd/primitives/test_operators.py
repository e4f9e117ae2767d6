"""Operators that hand their primitive over to a class's hook."""

from __future__ import annotations

import operator

import pytest

import autograd as ag
from autograd.primitives.operators import Operators


class Written(Operators):
    """Says what it was asked to compute."""

    @classmethod
    def _apply(cls, primitive, args):
        return (primitive, *["w" if isinstance(arg, cls) else arg for arg in args])


W = Written()


@pytest.mark.parametrize(
    ("operation", "primitive"),
    [
        (operator.add, ag.add),
        (operator.sub, ag.sub),
        (operator.mul, ag.mul),
        (operator.truediv, ag.div),
        (operator.pow, ag.pow),
        (operator.lt, ag.less),
        (operator.le, ag.less_equal),
    ],
)
def test_an_operator_is_a_call_of_its_primitive_on_either_side(operation, primitive):
    assert operation(W, 2.0) == (primitive, "w", 2.0)
    assert operation(W, W) == (primitive, "w", "w")
    if operation not in (operator.lt, operator.le):  # Python turns those round itself
        assert operation(2.0, W) == (primitive, 2.0, "w")


def test_the_operators_of_one_operand_and_the_comparisons_the_other_way_round():
    assert (ag.neg, "w") == -W
    assert abs(W) == (ag.absolute, "w")
    assert +W is W
    assert (W > 2.0) == (W > 2.0) == (ag.less, 2.0, "w")
    assert (W >= 2.0) == (W >= 2.0) == (ag.less_equal, 2.0, "w")


def test_operators_need_the_hook_that_they_hand_over_to():
    class Bare(Operators):
        pass

    with pytest.raises(NotImplementedError):
        _ = Bare() + 1
