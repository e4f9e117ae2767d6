"""The table of primitives: every operation's value and derivatives, each written once.

A rule is ordinary arithmetic, in the operators and functions that users write: on floats it gives
`Value.backward` its numbers, on Values it builds the gradient's own graph. ``y`` is the operation's
result. Where the textbook's form of a derivative loses digits, the rule is written another way and
the textbook's stands beside it, for reading only.

Formulas: Abramowitz and Stegun, Handbook of Mathematical Functions, 4.1 (exp, log), 4.3 and 4.4
(trigonometric), 4.5 and 4.6 (hyperbolic), 7.1 (erf).
"""

from __future__ import annotations

import math
import operator
import sys
from functools import reduce
from typing import Any

import numpy as np

from autograd.primitives.ieee import power
from autograd.primitives.operation import register
from autograd.primitives.primitive import Primitive, primitive

LOG_2 = 0.6931471805599453
_LARGEST = sys.float_info.max
LOG2_E = 1.4426950408889634  # 1/log(2)
LOG10_E = 0.4342944819032518  # 1/log(10)
TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)

# Comparisons are 0 or 1 and constant between their jumps; `where` chooses without a Python `if`, so
# that a rule can be recorded.

less = primitive("less", lambda a, b: 1.0 if a < b else 0.0, (0, 0), symbol="<",
                 on_arrays=lambda a, b: np.less(a, b).astype(float))

less_equal = primitive("less_equal", lambda a, b: 1.0 if a <= b else 0.0, (0, 0), symbol="<=",
                       on_arrays=lambda a, b: np.less_equal(a, b).astype(float))

# (`operator.eq`, because CPython's own `==` of floats may leave the flag of an invalid operation at nan, of
# which NumPy warns where it compares an array of Values.)
equal = primitive("equal", lambda a, b: float(operator.eq(a, b)), (0, 0), symbol="==", commutative=True,
                  on_arrays=lambda a, b: np.equal(a, b).astype(float))



def refuse_inverted(condition: Any, role: str) -> None:
    """Refuse what Python's ``~`` makes of a bool: -2 of True and -1 of False, which both count as true.

    Raises:
        ValueError: it is such an int, or an array of nothing else.
    """
    is_array = isinstance(condition, np.ndarray)
    if is_array and (condition.dtype.kind not in "iO" or not condition.size):
        return
    if all(map(_is_inverted, condition.flat if is_array else (condition,))):
        which = "of inverted bools" if is_array else condition
        raise ValueError(
            f"{role} is {which}: ~ makes -2 of True and -1 of False, and both count as true; write "
            "logical_not(condition) for ~condition"
        )


def _is_inverted(number: Any) -> bool:
    return isinstance(number, (int, np.integer)) and number in (-1, -2)


class _Where(Primitive):
    """The choice, which has no partial derivative by what it does not select, where that is seen."""

    def __call__(self, *args: Any) -> Any:
        if args and type(args[0]) is not float:
            refuse_inverted(args[0], "the condition of where")
            if isinstance(args[0], np.ndarray) and args[0].dtype.kind == "i":
                args = args[0] != 0, *args[1:]  # where others are objects, each is asked alone: a -1 is a number
        return super().__call__(*args)

    def partials_at(self, y: Any, inputs: tuple[Any, ...], wanted: tuple[bool, ...]) -> list[Any]:
        condition, _, _ = inputs
        if type(condition) is not float:
            return super().partials_at(y, inputs, wanted)
        _, by_first, by_second = wanted
        return [None, 1.0 if by_first and condition else None, 1.0 if by_second and not condition else None]


where = register(_Where(
    "where", lambda c, a, b: a if c else b,
    (0, lambda y, c, a, b: where(c, 1.0, 0.0), lambda y, c, a, b: where(c, 0.0, 1.0)),
    on_arrays=np.where, place=__name__))

stop_gradient = primitive("stop_gradient", operator.pos, (0,), expression=lambda x: x)

# Arithmetic.

add = primitive("add", operator.add, (1, 1), symbol="+", commutative=True, on_arrays=np.add)

sub = primitive("sub", operator.sub, (1, -1), symbol="-", on_arrays=np.subtract)

mul = primitive("mul", operator.mul, (lambda y, a, b: b, lambda y, a, b: a), symbol="*",
                commutative=True, on_arrays=np.multiply)

div = primitive("div", operator.truediv, (lambda y, a, b: 1 / b, lambda y, a, b: -y / b), symbol="/",
                domain="b != 0", on_arrays=np.divide)

neg = primitive("neg", operator.neg, (-1,), symbol="-", on_arrays=np.negative)



def _power_of_arrays(a: Any, b: Any) -> Any:
    a, b = np.broadcast_arrays(a, b)  # of a single exponent 0.5 NumPy would take a root, with other zeros
    return np.where(b == 2, a * a, np.power(a, b.copy()))


def _power_by_base(_: Any, a: Any, b: Any) -> Any:
    """``b * a**(b - 1)``, and what the rounding of ``b - 1`` cuts off put back.

    The power multiplies a rounding of the exponent by ``log(a)``: ``a**(c + d) = a**c * (1 + d*log(a))``
    where d is that small. As for derivatives, d is too small to matter. Beyond 2**53 every double is even, and
    the odd power of a negative number needs its sign.
    """
    lower = b - 1
    if type(b) is float and b != 0.0 and abs(b) <= 2.0**53 and lower + 1 == b:
        return b * pow(a, lower)  # a constant that loses nothing, as most do
    back = lower - b
    lost = ((b - (lower - back)) - (1 + back)) * log(absolute(a))
    raised = pow(a, lower)
    sign = where(less(a, 0.0) * less(2.0**53, absolute(b)), -1.0, 1.0)
    slope = b * raised * (1 + stop_gradient(where(less(absolute(lost), 1.0), lost, 0.0))) * sign
    return where(equal(a, 0.0), _power_by_base_of_0(a, b, lower, raised), slope)


# The mixed derivatives of a**b have terms in a**(b - n) * log(a)**m, which at a = 0 would cancel to nan. So
# there the rules are other functions of the same values, whose derivatives of any order are what the leading
# term tends to as a falls to 0: -a**(b - d), for a very small d, is in place of a**b * log(a). Where the
# exponent of a is 0 just there, that is a square root, whose derivatives are infinite.


def _power_by_base_of_0(a: Any, b: Any, lower: Any, raised: Any) -> Any:
    to_0 = where(equal(lower, 0.0), 1.0 - sqrt(lower) / (1.0 + a), raised)
    return where(equal(b, 0.0), sqrt(b) / (1.0 + a), stop_gradient(b) * to_0)


_SLIGHTLY_LESS = 1.0 - 2.0**-50


def _power_by_exponent(y: Any, a: Any, b: Any) -> Any:
    """``y * log(a)``, and where y is subnormal or overflows, its root twice, which does not.

    At a = 0 it is 0 where y is, and for 0**0, as PyTorch has it.
    """
    if type(y) is float and 2.0**-1022 <= abs(y) < math.inf and a != 0.0:
        return y * log(a)
    is_0 = equal(a, 0.0)
    is_extreme = less(absolute(y), 2.0**-1022) + less(_LARGEST, absolute(y))
    root = pow(a, b * where(is_0, _SLIGHTLY_LESS, where(is_extreme, 0.5, 1.0)))
    of_0 = where(equal(b, 0.0), sqrt(a) / (1.0 + b), 0.0 - root)
    return where(is_0, of_0, root * log(a) * where(is_extreme, root, 1.0))


pow = primitive(
    "pow", power, (_power_by_base, _power_by_exponent), symbol="**", domain="a > 0, or b an integer", libm="pow",
    on_arrays=_power_of_arrays,
    textbook=(lambda y, a, b: b * a ** (b - 1), lambda y, a, b: y * log(a)))

# Exponentials and logarithms.

exp = primitive("exp", math.exp, (lambda y, x: y,), on_arrays=np.exp)

expm1 = primitive("expm1", math.expm1, (lambda y, x: exp(x),), on_arrays=np.expm1)

log = primitive("log", math.log, (lambda y, x: 1 / x,), domain="x > 0", on_arrays=np.log)

log1p = primitive("log1p", math.log1p, (lambda y, x: 1 / (1 + x),), domain="x > -1", on_arrays=np.log1p)

log2 = primitive("log2", math.log2, (lambda y, x: LOG2_E / x,), domain="x > 0", on_arrays=np.log2)

log10 = primitive("log10", math.log10, (lambda y, x: LOG10_E / x,), domain="x > 0", on_arrays=np.log10)

sqrt = primitive("sqrt", math.sqrt, (lambda y, x: 0.5 / y,), domain="x >= 0", on_arrays=np.sqrt)



def _hypot(a: float, b: float) -> float:
    """C's function, by way of ``abs``: `math.hypot` rounds otherwise, and engines have C's.

    Given a nan, ``abs`` raises if errno is still set by an earlier overflow or underflow.
    """
    try:
        return abs(complex(a, b))
    except OverflowError:
        return math.inf if a == a and b == b else math.nan


def _hypot_partial(y: Any, a: Any, b: Any) -> Any:
    """``a / y``, without what y has lost where it is subnormal or overflows; 0 at the origin, a kink."""
    if type(y) is float and 2.0**-1000 < y < 2.0**1000:
        return a / y
    scale = stop_gradient(where(less(y, 2.0**-1000), 2.0**200, where(less(2.0**1000, y), 0.25, 1.0)))
    return where(equal(y, 0.0), 0.0, scale * a / hypot(scale * a, scale * b))


hypot = primitive(
    "hypot", _hypot, (_hypot_partial, lambda y, a, b: _hypot_partial(y, b, a)), commutative=True, libm="hypot",
    on_arrays=np.hypot, textbook=(lambda y, a, b: a / y, lambda y, a, b: b / y))

# Trigonometric functions and their inverses.

sin = primitive("sin", math.sin, (lambda y, x: cos(x),), on_arrays=np.sin)

cos = primitive("cos", math.cos, (lambda y, x: -sin(x),), on_arrays=np.cos)

tan = primitive("tan", math.tan, (lambda y, x: 1 + y * y,), on_arrays=np.tan)

asin = primitive("asin", math.asin, (lambda y, x: 1 / sqrt((1 - x) * (1 + x)),), domain="-1 <= x <= 1",
                 on_arrays=np.arcsin, textbook=(lambda y, x: 1 / sqrt(1 - x**2),))

acos = primitive("acos", math.acos, (lambda y, x: -1 / sqrt((1 - x) * (1 + x)),), domain="-1 <= x <= 1",
                 on_arrays=np.arccos, textbook=(lambda y, x: -1 / sqrt(1 - x**2),))

atan = primitive("atan", math.atan, (lambda y, x: 1 / (1 + x * x),), on_arrays=np.arctan)


def _over_squares(part: Any, a: Any, b: Any) -> Any:
    """``part / (a*a + b*b)``, where part is a or b, scaled by a power of 2 where a square over- or underflows.

    The limits and the powers are such that quotients that are normal numbers stay so.
    """
    size = absolute(a) + absolute(b)
    if type(size) is float and _LEAST_SIZE <= size <= _LARGEST_SIZE:
        return part / (a * a + b * b)
    raised = where(less(size, _LEAST_SIZE), 2.0**566, where(less(_LARGEST_SIZE, size), 2.0**-550, 1.0))
    scale = stop_gradient(raised)
    a, b = scale * a, scale * b
    return scale * (scale * part / (a * a + b * b))


# Well inside 2**-511 and 2**512, beyond which squares are subnormal or infinite.
_LEAST_SIZE, _LARGEST_SIZE = 2.0**-310, 2.0**300

atan2 = primitive(
    "atan2", math.atan2,
    (lambda y, a, b: _over_squares(b, a, b), lambda y, a, b: -_over_squares(a, a, b)),
    domain="not a = b = 0", on_arrays=np.arctan2,
    textbook=(lambda y, a, b: b / (a**2 + b**2), lambda y, a, b: -a / (a**2 + b**2)))

# Hyperbolic functions and their inverses.

sinh = primitive("sinh", math.sinh, (lambda y, x: cosh(x),), on_arrays=np.sinh)

cosh = primitive("cosh", math.cosh, (lambda y, x: sinh(x),), on_arrays=np.cosh)

tanh = primitive("tanh", math.tanh, (lambda y, x: 4.0 * sigmoid(2.0 * x) * sigmoid(-2.0 * x),), on_arrays=np.tanh,
                 textbook=(lambda y, x: 1 - y**2,))

asinh = primitive("asinh", math.asinh, (lambda y, x: 1 / hypot(1.0, x),), on_arrays=np.arcsinh,
                  textbook=(lambda y, x: 1 / sqrt(x**2 + 1),))


def _upper_half(x: Any) -> Any:
    """The upper 26 bits of a number, whose square is exact.

    Source: T. J. Dekker, A floating-point technique for extending the available precision, 1971.
    """
    c = 134217729.0 * x  # 2**27 + 1: halves of at most 26 bits, whose products are exact
    return c - (c - x)


def _acosh(x: float) -> float:
    if x > _HUGE:
        return math.log1p(x) + LOG_2
    if not x >= 1.0:
        return math.nan
    parts: tuple[float, float] = _acosh_parts(x - 1.0, math.sqrt)
    z, rest = parts
    return math.log1p(z) + rest / (1.0 + z)


def _acosh_expression(x: Any) -> Any:
    """``log1p(z)``, where ``z = t + sqrt(2*t + t*t)`` and ``t = x - 1``, with what rounding takes from z."""
    z, rest = _acosh_parts(x - 1.0, sqrt)
    is_huge = less(_HUGE, x)
    z = where(less_equal(1.0, x), where(is_huge, x, z), -2.0)
    return log1p(z) + where(is_huge, LOG_2, rest / (1.0 + z))


def _acosh_parts(t: Any, root: Any) -> tuple[Any, Any]:
    """The sum z and its rest: the root's error, found by its upper half, and the sum's."""
    square = (t + t) + t * t
    r = root(square)
    upper = _upper_half(r)
    missing = (square - upper * upper) - (r - upper) * (r + upper)
    z = r + t
    return z, (t - (z - r)) + missing / (r + r + 2.0**-1000)  # where r is 0, so is what is missing


_HUGE = 2.0**60  # from here on acosh(x) is log(2*x)

acosh = primitive("acosh", _acosh, (lambda y, x: 1 / (sqrt(x - 1) * sqrt(x + 1)),), domain="x >= 1",
                  expression=_acosh_expression, on_arrays=np.arccosh, textbook=(lambda y, x: 1 / sqrt(x**2 - 1),))

atanh = primitive("atanh", math.atanh, (lambda y, x: 1 / ((1 - x) * (1 + x)),), domain="-1 < x < 1",
                  on_arrays=np.arctanh, textbook=(lambda y, x: 1 / (1 - x**2),))

# Functions of statistics and learning: composites, each also an expression over the others.


def _sigmoid(x: float) -> float:
    e = math.exp(-abs(x))
    y = (1.0 if x >= 0.0 else e) / (1.0 + e)
    return e - e * y if x < -1.0 else y


def _sigmoid_expression(x: Any) -> Any:
    """``1/(1 + e)``, and ``e/(1 + e)`` for the negative.

    Below -1 that quotient only serves to take a part off e, so that its roundings are parts too.
    """
    e = exp(-absolute(x))
    y = where(less_equal(0.0, x), 1.0, e) / (1.0 + e)
    return where(less(x, -1.0), e - e * y, y)


sigmoid = primitive("sigmoid", _sigmoid, (lambda y, x: y * sigmoid(-x),), expression=_sigmoid_expression,
                    textbook=(lambda y, x: y * (1 - y),))

softplus = primitive("softplus", lambda x: math.log1p(math.exp(-abs(x))) + (0.0 if x <= 0.0 else x),
                     (lambda y, x: sigmoid(x),),
                     expression=lambda x: log1p(exp(-absolute(x))) + relu(x))


def _gaussian(x: Any) -> Any:
    """``exp(-x*x)`` without the rounding of ``x*x``, which would cost a factor of 1 + x*x in accuracy.

    ``x`` is split in two, of which the upper half squares exactly. From 30 on the result is 0.
    """
    x = where(less(30.0, absolute(x)), 30.0, x)
    upper = _upper_half(x)
    return exp(-upper * upper) * exp((upper - x) * (x + upper))


erf = primitive("erf", math.erf, (lambda y, x: TWO_OVER_SQRT_PI * _gaussian(x),),
                textbook=(lambda y, x: TWO_OVER_SQRT_PI * exp(-(x**2)),))

erfc = primitive("erfc", math.erfc, (lambda y, x: -TWO_OVER_SQRT_PI * _gaussian(x),),
                 textbook=(lambda y, x: -TWO_OVER_SQRT_PI * exp(-(x**2)),))

# Functions with a kink, where the derivative is a choice: relu'(0) = absolute'(0) = 0, and operands
# that tie for a maximum share it. A nan passes on.

relu = primitive("relu", lambda x: 0.0 if x <= 0.0 else x, (lambda y, x: less(0.0, x),),
                 expression=lambda x: where(less_equal(x, 0.0), 0.0, x))

absolute = primitive("absolute", math.fabs, (lambda y, x: less(0.0, x) - less(x, 0.0),), on_arrays=np.abs)


def _shared(y: Any, *inputs: Any) -> tuple[Any, ...]:
    """What is equal to the result shares it equally; of nan nothing is equal."""
    ties = [equal(operand, y) for operand in inputs]
    count = maximum(reduce(operator.add, ties), 1.0)
    return tuple([tie / count for tie in ties])


maximum = primitive(
    "maximum", lambda a, b: a if a >= b or a != a else b,
    (lambda y, a, b: less(b, a) + 0.5 * equal(a, b), lambda y, a, b: less(a, b) + 0.5 * equal(a, b)),
    folded=True, partials_of_many=_shared,
    expression=lambda a, b: where(less_equal(b, a), a, where(equal(a, a), b, a)))

minimum = primitive(
    "minimum", lambda a, b: a if a <= b or a != a else b,
    (lambda y, a, b: less(a, b) + 0.5 * equal(a, b), lambda y, a, b: less(b, a) + 0.5 * equal(a, b)),
    folded=True, partials_of_many=_shared,
    expression=lambda a, b: where(less_equal(a, b), a, where(equal(a, a), b, a)))
