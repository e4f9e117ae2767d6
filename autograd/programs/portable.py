"""The primitives in Python that imports only ``math`` and never raises: what generated source carries.

Each function returns, bit for bit, what the primitive of its name does. `definition` gives the source of
one, which stands by itself or on others in this file.
"""

import inspect
import math
import re
from typing import Any

from autograd.primitives.threefry import (
    QUANTILE,
    normal_quantile,
    polynomial,
    random_key_0,
    random_key_1,
    random_normal,
    random_uniform,
    threefry,
)

__all__ = ["NAMES", "STANDS_ON", "definition"]

# What those functions of math raise that can, and the answer of IEEE 754 then.
_ANSWERS = {
    **dict.fromkeys(("sqrt", "sin", "cos", "tan", "asin", "acos"), ("ValueError", "math.nan")),
    **dict.fromkeys(("log", "log2", "log10"), ("ValueError", "-math.inf if x == 0.0 else math.nan")),
    "log1p": ("ValueError", "-math.inf if x == -1.0 else math.nan"),
    "atanh": ("ValueError", "math.copysign(math.inf, x) if abs(x) == 1.0 else math.nan"),
    **dict.fromkeys(("exp", "expm1", "cosh"), ("OverflowError", "math.inf")),
    "sinh": ("OverflowError", "math.copysign(math.inf, x)"),
}


def div(a: float, b: float) -> float:
    try:
        return a / b
    except ZeroDivisionError:
        if a == 0.0 or a != a:
            return math.nan
        return math.copysign(math.inf, a) * math.copysign(1.0, b)


def pow(a: float, b: float) -> float:
    if b == 2.0:
        return a * a
    odd = b % 2.0 == 1.0
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0.0 and odd else math.inf
    except ValueError:  # zero to a negative power, or a negative number to a fraction
        if a != 0.0:
            return math.nan
        return math.copysign(math.inf, a) if odd else math.inf


def hypot(a: float, b: float) -> float:
    try:
        return abs(complex(a, b))  # C's hypot; math.hypot rounds otherwise
    except OverflowError:  # for nan, too, where errno is left from an earlier call
        return math.inf if a == a and b == b else math.nan


def acosh(x: float) -> float:
    if x > 2.0**60:
        return math.log1p(x) + 0.6931471805599453
    if not x >= 1.0:
        return math.nan
    t = x - 1.0
    square = (t + t) + t * t
    r = math.sqrt(square)
    c = 134217729.0 * r
    upper = c - (c - r)
    missing = (square - upper * upper) - (r - upper) * (r + upper)
    z = r + t
    rest = (t - (z - r)) + missing / (r + r + 2.0**-1000)
    return math.log1p(z) + rest / (1.0 + z)


def sigmoid(x: float) -> float:
    e = math.exp(-abs(x))
    y = (1.0 if x >= 0.0 else e) / (1.0 + e)
    return e - e * y if x < -1.0 else y


def softplus(x: float) -> float:
    return math.log1p(math.exp(-abs(x))) + relu(x)


def relu(x: float) -> float:
    return 0.0 if x <= 0.0 else x


def maximum(a: float, b: float) -> float:
    return a if a >= b or a != a else b


def minimum(a: float, b: float) -> float:
    return a if a <= b or a != a else b


_FUNCTIONS = (
    *(
        div,
        pow,
        hypot,
        acosh,
        sigmoid,
        softplus,
        relu,
        maximum,
        minimum,
        polynomial,
        normal_quantile,
        threefry,
    ),
    *(random_key_0, random_key_1, random_uniform, random_normal),
)
_OTHERS: dict[str, Any] = {"QUANTILE": QUANTILE, **{f.__name__: f for f in _FUNCTIONS}}
NAMES = (*_ANSWERS, *_OTHERS)
# What functions call that are none of a primitive, or stand in another.
STANDS_ON = {
    "softplus": ("relu",),
    **dict.fromkeys(("random_key_0", "random_key_1", "random_uniform"), ("threefry",)),
    "random_normal": ("threefry", "random_uniform", "polynomial", "normal_quantile", "QUANTILE"),
}


def definition(name: str) -> str:
    """The source of the function of that name.

    >>> print(definition("exp"))
    def exp(x):
        try:
            return math.exp(x)
        except OverflowError:
            return math.inf
    """
    if name in _ANSWERS:
        error, answer = _ANSWERS[name]
        lines = f"def {name}(x):", "    try:", f"        return math.{name}(x)", f"    except {error}:"
        return "\n".join([*lines, f"        return {answer}"])
    if not callable(_OTHERS[name]):
        return f"{name} = {_OTHERS[name]!r}"
    text = inspect.getsource(_OTHERS[name]).rstrip()
    return re.sub(r": (?:float|int|Any|tuple\[.*?\])(?=[,)])|(?<=\)) -> [^:\n]+", "", text)
