"""Every primitive with its first and second derivatives, in closed form, in mpmath.

The forms are those of textbooks, rewritten only where the textbook's cancels: what is written here is
as good as the working precision at every point of the domain. A test holds them against difference
quotients taken with hundreds of digits.
"""

# ruff: noqa: ARG005 - a derivative takes the result and the operands, used or not
from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement
from typing import Any

from mpmath import mp, mpf

__all__ = ["DIGITS", "VALUES", "exact", "keys"]

DIGITS = 60


def keys(arity: int) -> list[str]:
    """The names of the value (""), the derivatives by one operand ("a") and by two ("ab", "ba")."""
    names = {1: "x", 2: "ab", 3: "cab"}[arity]
    return ["", *names, *[first + second for first in names for second in names]]


def exact(name: str, point: Sequence[float]) -> dict[str, Any]:
    """A primitive at a point, by the names of `keys`; what is not defined there is left out."""
    with mp.workdps(DIGITS):
        operands = [mpf(x) for x in point]
        value = VALUES[name](*operands)
        first, second = _DERIVATIVES[name](value, *operands)
    names = keys(len(operands))
    derivatives = dict(zip(names, (value, *first)))
    order = "".join(name for name in names if len(name) == 1)
    for (a, b), number in zip(combinations_with_replacement(order, 2), second):
        derivatives[a + b] = derivatives[b + a] = number
    return {name: derivatives[name] for name in names if derivatives[name] is not None}


VALUES: dict[str, Callable[..., Any]] = {
    "less": lambda a, b: mpf(a < b),
    "less_equal": lambda a, b: mpf(a <= b),
    "equal": lambda a, b: mpf(a == b),
    "where": lambda c, a, b: a if c else b,
    "stop_gradient": lambda x: x,
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "pow": mp.power,
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log": mp.log,
    "log1p": mp.log1p,
    "log2": lambda x: mp.log(x, 2),
    "log10": mp.log10,
    "sqrt": mp.sqrt,
    "hypot": mp.hypot,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "atan2": mp.atan2,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "asinh": mp.asinh,
    "acosh": mp.acosh,
    "atanh": mp.atanh,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(-abs(x))) + max(x, mpf(0)),
    "erf": mp.erf,
    "erfc": lambda x: mp.erfc(min(x, mpf(1000))),  # beyond, the series asks for too much
    "relu": lambda x: max(x, mpf(0)),
    "absolute": abs,
    "maximum": max,
    "minimum": min,
}

# The derivatives of a function of its result and its operands: by each operand, and those once more by
# each from there on (aa, ab, bb).

Derivatives = tuple[Sequence[Any], Sequence[Any]]


def _constant(_: Any, *operands: Any) -> Derivatives:
    """Of what is the same all around the point."""
    count = len(operands)
    return (mpf(0),) * count, (mpf(0),) * (count * (count + 1) // 2)


def _linear(*slopes: int) -> Callable[..., Derivatives]:
    return lambda *_: ([mpf(slope) for slope in slopes], _constant(None, *slopes)[1])


def _unary(function: Callable[[Any, Any], tuple[Any, Any]]) -> Callable[..., Derivatives]:
    def at(y: Any, x: Any) -> Derivatives:
        first, second = function(y, x)
        return (first,), (second,)

    return at


def _tan(y: Any, _: Any) -> tuple[Any, Any]:
    return 1 + y * y, 2 * y * (1 + y * y)


def _asin(_: Any, x: Any) -> tuple[Any, Any]:
    square = (1 - x) * (1 + x)
    return (1 / mp.sqrt(square), x / (square * mp.sqrt(square))) if square else (mp.inf, x * mp.inf)


def _acos(_: Any, x: Any) -> tuple[Any, Any]:
    first, second = _asin(None, x)
    return -first, -second


def _atan(_: Any, x: Any) -> tuple[Any, Any]:
    return 1 / (1 + x * x), -2 * x / (1 + x * x) ** 2


def _tanh(y: Any, x: Any) -> tuple[Any, Any]:
    first = mp.sech(x) ** 2
    return first, -2 * y * first


def _asinh(_: Any, x: Any) -> tuple[Any, Any]:
    root = mp.sqrt(1 + x * x)
    return 1 / root, -x / root**3


def _acosh(_: Any, x: Any) -> tuple[Any, Any]:
    root = mp.sqrt((x - 1) * (x + 1))
    return (1 / root, -x / root**3) if root else (mp.inf, -mp.inf)


def _atanh(_: Any, x: Any) -> tuple[Any, Any]:
    square = (1 - x) * (1 + x)
    return 1 / square, 2 * x / square**2


def _sigmoid(y: Any, x: Any) -> tuple[Any, Any]:
    first = y / (1 + mp.exp(x))
    return first, -first * mp.tanh(x / 2)


def _softplus(_: Any, x: Any) -> tuple[Any, Any]:
    y = VALUES["sigmoid"](x)
    return y, _sigmoid(y, x)[0]


def _erf(_: Any, x: Any) -> tuple[Any, Any]:
    first = 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)
    return first, -2 * x * first


def _erfc(_: Any, x: Any) -> tuple[Any, Any]:
    first, second = _erf(None, x)
    return -first, -second


def _pow(y: Any, a: Any, b: Any) -> Derivatives:
    """Of a negative base and an integer exponent only the derivatives by the base are defined."""
    by_base, by_base_twice = b * y / a, b * (b - 1) * y / a**2
    if a < 0:
        return (by_base, None), (by_base_twice, None, None)
    log = mp.log(a)
    return (by_base, y * log), (by_base_twice, y / a * (1 + b * log), y * log**2)


def _hypot(y: Any, a: Any, b: Any) -> Derivatives:
    return (a / y, b / y), (b * b / y**3, -a * b / y**3, a * a / y**3)


def _atan2(_: Any, a: Any, b: Any) -> Derivatives:
    square = a * a + b * b
    mixed = 2 * a * b / square**2
    return (b / square, -a / square), (-mixed, (a - b) * (a + b) / square**2, mixed)


def _chosen(y: Any, a: Any, b: Any) -> Derivatives:
    """Of two different operands, of which the result is one."""
    return (mpf(y == a), mpf(y == b)), (mpf(0),) * 3


_DERIVATIVES: dict[str, Callable[..., Derivatives]] = {
    **dict.fromkeys(["less", "less_equal", "equal", "stop_gradient"], _constant),
    "where": lambda y, c, a, b: ((mpf(0), mpf(c != 0), mpf(c == 0)), (mpf(0),) * 6),
    "add": _linear(1, 1),
    "sub": _linear(1, -1),
    "mul": lambda y, a, b: ((b, a), (mpf(0), mpf(1), mpf(0))),
    "div": lambda y, a, b: ((1 / b, -y / b), (mpf(0), -1 / b**2, 2 * y / b**2)),
    "neg": _linear(-1),
    "pow": _pow,
    "exp": _unary(lambda y, x: (y, y)),
    "expm1": _unary(lambda y, x: (mp.exp(x), mp.exp(x))),
    "log": _unary(lambda y, x: (1 / x, -1 / x**2)),
    "log1p": _unary(lambda y, x: (1 / (1 + x), -1 / (1 + x) ** 2)),
    "log2": _unary(lambda y, x: (1 / (x * mp.ln2), -1 / (x**2 * mp.ln2))),
    "log10": _unary(lambda y, x: (1 / (x * mp.ln10), -1 / (x**2 * mp.ln10))),
    "sqrt": _unary(lambda y, x: (1 / (2 * y), -1 / (4 * x * y))),
    "hypot": _hypot,
    "sin": _unary(lambda y, x: (mp.cos(x), -y)),
    "cos": _unary(lambda y, x: (-mp.sin(x), -y)),
    "tan": _unary(_tan),
    "asin": _unary(_asin),
    "acos": _unary(_acos),
    "atan": _unary(_atan),
    "atan2": _atan2,
    "sinh": _unary(lambda y, x: (mp.cosh(x), y)),
    "cosh": _unary(lambda y, x: (mp.sinh(x), y)),
    "tanh": _unary(_tanh),
    "asinh": _unary(_asinh),
    "acosh": _unary(_acosh),
    "atanh": _unary(_atanh),
    "sigmoid": _unary(_sigmoid),
    "softplus": _unary(_softplus),
    "erf": _unary(_erf),
    "erfc": _unary(_erfc),
    "relu": _unary(lambda y, x: (mpf(x > 0), mpf(0))),
    "absolute": _unary(lambda y, x: (mpf((x > 0) - (x < 0)), mpf(0))),
    "maximum": _chosen,
    "minimum": _chosen,
}
