"""IEEE 754 arithmetic: what counts as a real number, and answers where Python raises."""

import math
import operator
from decimal import Decimal
from fractions import Fraction
from math import exp as imported_exp

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import autograd
from autograd import Value, primitive
from autograd.primitives.ieee import Float, evaluate, power, to_float

inf, nan = math.inf, math.nan


def same(a: float, b: float) -> bool:
    """Whether two floats are the same to the bit, any nan counting as any other."""
    return (math.isnan(a) and math.isnan(b)) or a.hex() == b.hex()


# What counts as a real number.


@pytest.mark.parametrize(
    "number",
    [
        3,
        -1.5,
        Fraction(-7, 4),
        Decimal("0.375"),
        *[kind(2) for kind in (np.float16, np.float32, np.float64, np.longdouble, np.int8, np.uint64)],
    ],
    ids=lambda number: type(number).__name__,
)
def test_every_kind_of_real_number_becomes_a_plain_float(number):
    result = to_float(number, "it")
    assert type(result) is float
    assert result == number


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (True, "bool True"),
        (np.True_, "bool"),
        ("3", "str '3'"),
        (1j, "complex 1j"),
        (np.complex128(1), "complex128"),
        (None, "NoneType"),
        ([1.0], "list"),
        (np.zeros((2, 3)), r"an array of shape \(2, 3\)"),
        (np.array(1.0), r"an array of shape \(\)"),
        (Value(1.0), "Value"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_real_number_is_named(value, named):
    with pytest.raises(TypeError, match=f"^the weight must be a real number .*, got .*{named}"):
        to_float(value, "the weight")


def test_an_int_beyond_the_largest_double_says_what_to_do():
    with pytest.raises(OverflowError, match=r"the weight must fit a float64.*1329 bits.*float\('inf'\)"):
        to_float(10**400, "the weight")


# The library's primitives: on floats, on Values, over arrays.

CASES = [
    ("add", (1e308, 1e308), inf),
    ("sub", (inf, inf), nan),
    ("mul", (1e200, -1e200), -inf),
    ("mul", (inf, 0.0), nan),
    ("div", (1.0, 0.0), inf),
    ("div", (-1.0, 0.0), -inf),
    ("div", (1.0, -0.0), -inf),
    ("div", (0.0, 0.0), nan),
    ("div", (1e300, 1e-300), inf),
    ("pow", (-8.0, 1 / 3), nan),
    ("pow", (0.0, -1.0), inf),
    ("pow", (-0.0, -1.0), -inf),
    ("pow", (-0.0, -2.0), inf),
    ("pow", (0.0, -inf), inf),
    ("pow", (0.0, 0.0), 1.0),
    ("pow", (nan, 0.0), 1.0),
    ("pow", (1.0, nan), 1.0),
    ("pow", (-1.0, inf), 1.0),
    ("pow", (1e200, 2.0), inf),
    ("pow", (-1e200, 3.0), -inf),
    ("pow", (-2.0, 3.0), -8.0),
    ("exp", (1000.0,), inf),
    ("exp", (-1000.0,), 0.0),
    ("expm1", (1000.0,), inf),
    ("expm1", (-0.0,), -0.0),
    ("log", (0.0,), -inf),
    ("log", (-0.0,), -inf),
    ("log", (-1.0,), nan),
    ("log1p", (-1.0,), -inf),
    ("log1p", (-2.0,), nan),
    ("log2", (0.0,), -inf),
    ("log2", (-1.0,), nan),
    ("log10", (0.0,), -inf),
    ("log10", (-1.0,), nan),
    ("sqrt", (-1.0,), nan),
    ("sqrt", (-0.0,), -0.0),
    ("hypot", (1e200, 1e200), math.hypot(1e200, 1e200)),
    ("hypot", (inf, nan), inf),
    ("sin", (inf,), nan),
    ("cos", (-inf,), nan),
    ("tan", (inf,), nan),
    ("asin", (1.5,), nan),
    ("acos", (-1.5,), nan),
    ("atan", (inf,), math.pi / 2),
    ("atan2", (0.0, -0.0), math.pi),
    ("atan2", (-0.0, -0.0), -math.pi),
    ("sinh", (1000.0,), inf),
    ("sinh", (-1000.0,), -inf),
    ("cosh", (-1000.0,), inf),
    ("tanh", (inf,), 1.0),
    ("asinh", (-inf,), -inf),
    ("acosh", (0.5,), nan),
    ("atanh", (1.0,), inf),
    ("atanh", (-1.0,), -inf),
    ("atanh", (2.0,), nan),
    ("sigmoid", (1000.0,), 1.0),
    ("sigmoid", (-1000.0,), 0.0),
    ("sigmoid", (nan,), nan),
    ("softplus", (1000.0,), 1000.0),
    ("softplus", (-1000.0,), 0.0),
    ("softplus", (inf,), inf),
    ("softplus", (-inf,), 0.0),
    ("softplus", (nan,), nan),
    ("erf", (inf,), 1.0),
    ("erfc", (-inf,), 2.0),
    ("relu", (nan,), nan),
    ("relu", (-inf,), 0.0),
    ("relu", (inf,), inf),
    ("absolute", (-0.0,), 0.0),
    ("absolute", (-inf,), inf),
    ("maximum", (nan, 1.0), nan),
    ("maximum", (1.0, nan), nan),
    ("minimum", (nan, 1.0), nan),
    ("minimum", (1.0, nan), nan),
    ("less", (nan, 1.0), 0.0),
    ("less_equal", (1.0, nan), 0.0),
    ("equal", (nan, nan), 0.0),
    ("equal", (0.0, -0.0), 1.0),
    ("where", (1.0, 2.0, nan), 2.0),
    ("where", (0.0, nan, 2.0), 2.0),
]
each_case = pytest.mark.parametrize(
    ("name", "args", "expected"), CASES, ids=[f"{name}{args}" for name, args, _ in CASES]
)


@each_case
def test_on_floats_nothing_raises(name, args, expected):
    result = getattr(autograd, name)(*args)
    assert type(result) is float
    assert same(result, expected), result


@each_case
def test_on_values_nothing_raises_forward_or_backward(name, args, expected):
    leaves = [Value(arg) for arg in args]
    result = getattr(autograd, name)(*leaves)
    result.backward()
    assert type(result.data) is float
    assert same(result.data, expected), result
    assert [type(leaf.grad) for leaf in leaves] == [float] * len(leaves)


@each_case
def test_over_arrays_nothing_raises(name, args, expected):
    result = getattr(autograd, name)(*[np.array([arg]) for arg in args])
    assert result.dtype == float
    assert result.shape == (1,)
    assert same(float(result[0]), expected), result


@pytest.mark.parametrize(
    ("operation", "args", "expected"),
    [
        (operator.truediv, (1.0, 0.0), inf),
        (operator.truediv, (0.0, 0.0), nan),
        (operator.pow, (-8.0, 1 / 3), nan),
        (operator.pow, (0.0, -1.0), inf),
        (operator.pow, (1e200, 2), inf),
    ],
)
def test_operators_do_not_raise_with_a_number_on_either_side(operation, args, expected):
    left, right = args
    for result in (
        operation(Value(left), Value(right)),
        operation(Value(left), right),
        operation(left, Value(right)),
    ):
        assert type(result.data) is float
        assert same(result.data, expected), result


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (lambda x: x.sqrt(), 0.0, inf),
        (lambda x: x.log(), 0.0, inf),
        (lambda x: 1 / x, 0.0, -inf),
        (lambda x: 1 / x, -0.0, -inf),
        (lambda x: x**-1, 0.0, -inf),
        (lambda x: x**0.5, 0.0, inf),
        (lambda x: x.asin(), 1.0, inf),
        (lambda x: x.acos(), -1.0, -inf),
        (lambda x: x.atanh(), 1.0, inf),
        (lambda x: x.acosh(), 1.0, inf),
        (lambda x: x.log1p(), -1.0, inf),
        (lambda x: x.exp(), 1000.0, inf),
        (lambda x: x.sqrt(), -1.0, nan),
    ],
)
def test_at_the_edge_of_its_domain_a_gradient_is_its_limit(function, at, expected):
    x = Value(at)
    function(x).backward()
    assert same(x.grad, expected), x.grad


# Squares.


@given(st.floats())
@example(1.6970319309869248)  # here the C library's pow rounds otherwise
def test_a_square_is_a_product_to_the_bit(x):
    assert same(power(x, 2.0), x * x)
    assert same((Value(x) ** 2).data, x * x)
    assert same((Value(x) ** Value(2)).data, x * x)
    assert same(autograd.pow(x, 2), x * x)
    assert same(float(autograd.pow(np.array([x]), 2)[0]), x * x)


@given(st.floats(), st.floats())
def test_power_is_the_c_librarys_wherever_python_answers(base, exponent):
    try:
        expected = base * base if exponent == 2.0 else math.pow(base, exponent)
    except (OverflowError, ValueError):
        assert math.isinf(power(base, exponent)) or math.isnan(power(base, exponent))
    else:
        assert same(power(base, exponent), expected)


# What a user defines.


def helper(x):
    return math.exp(x)


def recursive(x, times):
    return math.exp(x) if times == 0 else recursive(x, times - 1)


def with_a_closure():
    from math import exp

    return lambda x: exp(x)


def with_a_default(x, function=math.log):
    return function(x)


@pytest.mark.parametrize(
    ("forward", "at", "expected"),
    [
        pytest.param(lambda x: 1 / x, 0.0, inf, id="division"),
        pytest.param(lambda x: 1 // x, 0.0, inf, id="floor division"),
        pytest.param(lambda x: 1 % x, 0.0, nan, id="remainder"),
        pytest.param(lambda x: x**3, 1e200, inf, id="power"),
        pytest.param(lambda x: 10**x, 1000.0, inf, id="power of a constant"),
        pytest.param(lambda x: x**0.5, -4.0, nan, id="complex result"),
        pytest.param(lambda x: 2 * x**0.5 - 1, -4.0, nan, id="complex on the way"),
        pytest.param(lambda x: math.exp(x) - math.log(x), 1000.0, inf, id="math"),
        pytest.param(lambda x: imported_exp(x), 1000.0, inf, id="from math import"),
        pytest.param(math.exp, 1000.0, inf, id="math's own function"),
        pytest.param(lambda x: autograd.exp(x) * 2, 1000.0, inf, id="a primitive"),
        pytest.param(lambda x: 1 / (1 + math.exp(-x)), -1000.0, 0.0, id="goes through inf"),
        pytest.param(lambda x: x if x > 0 else 1 / (x - x), -3.0, inf, id="if"),
        pytest.param(lambda x: helper(x), 1000.0, inf, id="a helper"),
        pytest.param(lambda x: recursive(x, 3), 1000.0, inf, id="a helper that calls itself"),
        pytest.param(with_a_closure(), 1000.0, inf, id="closure"),
        pytest.param(with_a_default, 0.0, -inf, id="default"),
        pytest.param(lambda x: math.gamma(x), 200.0, inf, id="gamma"),
        pytest.param(lambda x: math.gamma(x), 0.0, inf, id="gamma at 0"),
        pytest.param(lambda x: math.gamma(x), -0.0, -inf, id="gamma at -0"),
        pytest.param(lambda x: math.gamma(x), 1e-309, inf, id="gamma near 0"),
        pytest.param(lambda x: math.gamma(x), -1e-309, -inf, id="gamma below 0"),
        pytest.param(lambda x: math.gamma(x), -1.0, nan, id="gamma at a pole"),
        pytest.param(
            lambda x: math.exp2(x),
            2000.0,
            inf,
            id="exp2",
            marks=pytest.mark.skipif(not hasattr(math, "exp2"), reason="since Python 3.11"),
        ),
        pytest.param(lambda x: operator.truediv(-x, x * 0.0), 2.0, -inf, id="operator.truediv"),
        pytest.param(lambda x: operator.pow(x, x), 1e3, inf, id="operator.pow"),
        pytest.param(lambda x: math.lgamma(x), 0.0, inf, id="lgamma"),
        pytest.param(lambda x: math.log(x, 2), 0.0, -inf, id="log to a base"),
        pytest.param(lambda x: math.log(x, 1.0), 8.0, inf, id="log to the base 1"),
        pytest.param(lambda x: math.exp(x**0.5), -1.0, nan, id="math of complex"),
        pytest.param(lambda x: max(x**0.5, 0.0), -1.0, nan, id="max of complex"),
    ],
)
def test_a_users_forward_follows_ieee(forward, at, expected):
    function = primitive("ieee_forward", forward, lambda y, x: (1.0,))
    for result in (function(at), function(Value(at)).data, float(function(np.array([at]))[0])):
        assert type(result) is float
        assert same(result, expected), result


@pytest.mark.parametrize(
    ("rule", "at", "expected"),
    [
        (lambda y, x: (1 / x,), 0.0, inf),
        (lambda y, x: (math.exp(x),), 1000.0, inf),
        (lambda y, x: (x**0.5,), -4.0, nan),
        ((lambda y, x: 1 / x,), 0.0, inf),
        ((lambda y, x: x**0.5,), -4.0, nan),
    ],
)
def test_a_users_rule_follows_ieee(rule, at, expected):
    x = Value(at)
    primitive("ieee_rule", lambda x: 1.0, rule)(x).backward()
    assert type(x.grad) is float
    assert same(x.grad, expected), x.grad


@pytest.mark.parametrize("error", [ValueError("mine"), ArithmeticError("mine"), RuntimeError("mine")])
def test_what_a_users_definition_raises_itself_reaches_the_caller(error):
    def forward(x):
        raise error

    refuse = primitive("ieee_refusing", forward, lambda y, x: (1.0,))
    for argument in (1.0, Value(1.0), np.ones(2)):
        with pytest.raises(type(error), match=r"^mine$"):
            refuse(argument)


def test_evaluate_keeps_defaults_keywords_and_closures():
    offset = 2.0

    def function(x, y=1.0, *, scale=3.0):
        return offset + y + scale / x

    assert evaluate(function, 0.0) == inf
    assert evaluate(function, 3.0) == 4.0


# Float.


@given(st.floats(), st.floats(), st.sampled_from(["add", "sub", "mul", "truediv", "floordiv", "mod"]))
def test_a_float_computes_as_a_plain_float_wherever_that_answers(a, b, name):
    operation = getattr(operator, name)
    results = [operation(Float(a), b), operation(a, Float(b)), operation(Float(a), Float(b))]
    assert [type(result) for result in results] == [Float] * 3
    try:
        expected = operation(a, b)
    except ZeroDivisionError:
        with np.errstate(all="ignore"):
            expected = float(
                getattr(np, {"truediv": "divide", "floordiv": "floor_divide"}.get(name, name))(a, b)
            )
    assert all(same(result, expected) for result in results), (results, expected)


def test_a_float_stays_one_under_sign_and_absolute():
    assert [type(result) for result in (-Float(1), +Float(1), abs(Float(-1)))] == [Float] * 3
    assert (-Float(1), +Float(1), abs(Float(-1))) == (-1.0, 1.0, 1.0)


@pytest.mark.parametrize("other", ["a", None, [1.0]])
def test_a_float_refuses_what_is_no_number(other):
    with pytest.raises(TypeError):
        Float(1.0) + other
