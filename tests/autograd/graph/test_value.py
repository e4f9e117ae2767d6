"""`Value`: a number that behaves as one, keeps its gradient, and refuses what would lose it."""

import builtins
import copy
import gc
import math
import operator

import numpy as np
import pytest

from autograd import Value, maximum, where
from autograd.graph.nodes import operands

NUMBERS = [
    2,
    2.0,
    True,
    *[kind(2) for kind in (np.float16, np.float32, np.float64, np.int8, np.uint64)],
    np.True_,
]
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


def kind(thing: object) -> str:
    return type(thing).__name__


# Data, gradient, label.


def test_a_value_holds_its_data_a_gradient_of_0_and_a_label():
    v = Value(2.5, "w")
    assert (v.data, v.grad, v.label) == (2.5, 0.0, "w")
    assert Value(1.0).label == ""
    assert Value(data=1.0, label="x").label == "x"


@pytest.mark.parametrize("number", [n for n in NUMBERS if not isinstance(n, (bool, np.bool_))], ids=kind)
def test_data_and_gradient_are_plain_floats_whatever_they_are_made_of(number):
    v = Value(number)
    assert type(v.data) is float
    v.data = v.grad = number
    assert (type(v.data), type(v.grad)) == (float, float)
    assert (v.data, v.grad) == (2.0, 2.0)


@pytest.mark.parametrize(
    "thing", [True, np.True_, "2", 1j, None, [2.0], np.array(2.0), np.ones(3), Value(2.0)], ids=kind
)
def test_what_is_no_real_number_is_refused(thing):
    v = Value(1.0)
    with pytest.raises(TypeError, match=r"the data of a Value must be a real number .* got .*"):
        Value(thing)
    with pytest.raises(TypeError, match=r"^data must be a real number"):
        v.data = thing
    with pytest.raises(TypeError, match=r"^grad must be a real number"):
        v.grad = thing
    assert (v.data, v.grad) == (1.0, 0.0)


@pytest.mark.parametrize("label", [3, None, b"w", 1.5], ids=kind)
def test_a_label_must_be_text(label):
    with pytest.raises(TypeError, match=f"the label of a Value must be a str, got {kind(label)}"):
        Value(1.0, label)


def test_an_unknown_argument_is_named():
    with pytest.raises(TypeError, match="Value takes data and label, got an argument 'requires_grad'"):
        Value(1.0, requires_grad=True)


def test_there_is_no_other_attribute():
    with pytest.raises(AttributeError):
        Value(1.0).gradient = 2.0


# Operators.


@pytest.mark.parametrize("number", NUMBERS, ids=kind)
@pytest.mark.parametrize("operation", OPERATORS, ids=lambda operation: operation.__name__)
def test_a_number_of_any_kind_stands_on_either_side(operation, number):
    for node, expected in (
        (operation(Value(3.0), number), operation(3.0, float(number))),
        (operation(number, Value(3.0)), operation(float(number), 3.0)),
        (operation(Value(3.0), Value(float(number))), operation(3.0, float(number))),
    ):
        assert type(node) is Value
        assert type(node.data) is float
        assert (node.data, node.grad, node.label) == (expected, 0.0, "")


@pytest.mark.parametrize("number", NUMBERS, ids=kind)
def test_operators_need_no_help_from_numpy(number):
    v = Value(3.0)
    for name in ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "pow", "rpow"):
        node = getattr(v, f"__{name}__")(number)
        assert {type(operand) for operand in operands(node)} == {Value, float}


@pytest.mark.parametrize("operation", OPERATORS, ids=lambda operation: operation.__name__)
def test_the_side_matters_for_the_gradient(operation):
    a, b, left, right = Value(3.0), Value(2.0), Value(3.0), Value(2.0)
    operation(a, b).backward()
    operation(left, 2.0).backward()
    operation(3.0, right).backward()
    assert (left.grad, right.grad) == (a.grad, b.grad)


def test_assignment_with_an_operator_makes_another_value():
    first = v = Value(3.0)
    v += 1
    v *= 2
    v -= 3
    v /= 5
    v **= 2
    assert v.data == 1.0
    assert first.data == 3.0
    v.backward()
    assert first.grad == pytest.approx(2 * 1.0 * 2 / 5)


def test_signs():
    v = Value(-2.0)
    assert (-v).data == 2.0
    assert +v is v
    assert abs(v).data == 2.0
    abs(v).backward()
    assert v.grad == -1.0


@pytest.mark.parametrize("operation", OPERATORS, ids=lambda operation: operation.__name__)
@pytest.mark.parametrize("thing", ["2", None, [2.0], 1j, object()], ids=kind)
def test_operators_refuse_what_is_no_number(operation, thing):
    for sides in ((Value(1.0), thing), (thing, Value(1.0))):
        with pytest.raises(TypeError):
            operation(*sides)


def test_an_int_too_large_for_a_float_is_refused():
    with pytest.raises(OverflowError, match="an operand must fit a float64"):
        Value(1.0) * 10**400


def test_masks_count_as_0_or_1():
    y = 2.5
    v = Value(3.0)
    loss = (y > 0) * v + (y < 0) * -v
    loss.backward()
    assert (loss.data, v.grad) == (3.0, 1.0)


@pytest.mark.parametrize(
    ("method", "function"), [("hypot", math.hypot), ("atan2", math.atan2), ("arctan2", math.atan2)]
)
def test_methods_of_two_operands_take_numbers_and_values(method, function):
    bound = getattr(Value(3.0), method)
    assert bound(4).data == bound(Value(4.0)).data == function(3.0, 4.0)


@pytest.mark.parametrize("method", ["hypot", "atan2"])
def test_methods_of_two_operands_refuse_what_is_no_number(method):
    with pytest.raises(TypeError):
        getattr(Value(3.0), method)("4")


# Comparisons.


@pytest.mark.parametrize(
    "compare", [operator.lt, operator.le, operator.gt, operator.ge], ids=lambda c: c.__name__
)
@pytest.mark.parametrize("other", [*NUMBERS, -1, 5.0, math.nan, math.inf], ids=repr)
def test_comparisons_are_those_of_floats(compare, other):
    v = Value(2.0)
    for result, expected in (
        (compare(v, other), compare(2.0, float(other))),
        (compare(other, v), compare(float(other), 2.0)),
        (compare(v, Value(float(other))), compare(2.0, float(other))),
    ):
        assert result is expected or result is np.bool_(expected)


@pytest.mark.parametrize("thing", ["2", None, [1.0], 1j], ids=kind)
def test_comparisons_refuse_what_is_no_number(thing):
    with pytest.raises(TypeError, match="not supported between"):
        Value(1.0) < thing  # noqa: B015


def test_an_int_of_any_size_can_be_compared_with():
    assert Value(1.0) < 10**400


def test_truth_is_that_of_the_number():
    assert Value(0.5)
    assert Value(math.nan)
    assert not Value(0.0)
    assert not Value(-0.0)


# Python's functions of many numbers.


def test_sum_prod_max_min_and_sorted():
    values = [Value(number) for number in (3.0, 1.0, 2.0)]
    three, one, two = values
    assert max(values) is three
    assert min(values) is one
    assert sorted(values) == [one, two, three]
    total, product = sum(values), math.prod(values)
    assert (total.data, product.data) == (6.0, 6.0)
    total.backward()
    assert [value.grad for value in values] == [1.0, 1.0, 1.0]
    product.backward()
    assert [value.grad for value in values] == [1.0 + 2.0, 1.0 + 6.0, 1.0 + 3.0]


def test_pythons_pow_and_abs():
    v = Value(3.0)
    builtins.pow(v, 2).backward()
    assert v.grad == 6.0
    with pytest.raises(TypeError):
        builtins.pow(v, 2, 5)


# As text.


@pytest.mark.parametrize("spec", ["", ".3f", "8.2e", ">12", "+.1%", "g"])
def test_formatting_is_that_of_a_float(spec):
    assert format(Value(2.5), spec) == format(2.5, spec)
    assert f"{Value(-1 / 3):{spec}}" == f"{-1 / 3:{spec}}"


def test_repr_names_data_gradient_and_label():
    assert repr(Value(2)) == str(Value(2)) == "Value(data=2.0, grad=0.0)"
    v = Value(-0.1, "w1")
    v.grad = math.inf
    assert repr(v) == "Value(data=-0.1, grad=inf, label='w1')"
    assert repr(v + 1) == "Value(data=0.9, grad=0.0)"


# What would lose a gradient.


@pytest.mark.parametrize(
    "convert",
    [
        float,
        complex,
        np.float64,
        math.sin,
        math.floor,
        math.isnan,
        lambda v: math.fsum([v]),
        "%.2f".__mod__,
    ],
    ids=["float", "complex", "np.float64", "math.sin", "math.floor", "math.isnan", "math.fsum", "%"],
)
def test_turning_into_a_float_is_refused_with_the_way_out(convert):
    with pytest.raises(TypeError, match=r"gradient would be lost.*autograd.sin\(v\) or v.sin\(\).*v.data"):
        convert(Value(1.0))


def test_turning_into_an_int_is_refused_with_the_way_out():
    with pytest.raises(TypeError, match=r"gradient would be lost: write int\(v.data\)"):
        int(Value(1.0))


@pytest.mark.parametrize("convert", [lambda a: a.astype(float), lambda a: np.asarray(a, dtype=np.float32)])
def test_turning_an_array_of_values_into_floats_is_refused(convert):
    with pytest.raises(TypeError, match="gradient would be lost"):
        convert(np.array([Value(1.0), Value(2.0)]))


def test_a_value_is_no_index():
    with pytest.raises(TypeError):
        [1, 2, 3][Value(1.0)]
    with pytest.raises(TypeError):
        range(Value(3.0))


# A node is one object.


def test_a_node_has_slots_and_no_container_of_its_own():
    v = Value(1.0) * Value(2.0) + 3
    assert not hasattr(v, "__dict__")
    assert not any(isinstance(referent, (list, dict, set, tuple)) for referent in gc.get_referents(v))


def test_a_graph_has_no_cycles(living_values):
    """So that it is freed as soon as it is let go, without the garbage collector."""
    w = Value(0.5)
    before = living_values()
    loss = maximum((w * 2).tanh(), where(w > 0, w, 1.0), 0.0) ** 2
    loss.backward()
    copied = copy.deepcopy(loss)
    assert living_values() > before
    del loss, copied
    assert living_values() == before
