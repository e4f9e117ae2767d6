"""The primitives in Python that imports only ``math`` and never raises: what generated source carries.

Each function returns, bit for bit, what the primitive of its name does. `engines.python` copies the
source of those that a program uses, so each stands by itself or on others in this file.
"""

import math


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


def exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def expm1(x: float) -> float:
    try:
        return math.expm1(x)
    except OverflowError:
        return math.inf


def log(x: float) -> float:
    try:
        return math.log(x)
    except ValueError:
        return -math.inf if x == 0.0 else math.nan


def log1p(x: float) -> float:
    try:
        return math.log1p(x)
    except ValueError:
        return -math.inf if x == -1.0 else math.nan


def log2(x: float) -> float:
    try:
        return math.log2(x)
    except ValueError:
        return -math.inf if x == 0.0 else math.nan


def log10(x: float) -> float:
    try:
        return math.log10(x)
    except ValueError:
        return -math.inf if x == 0.0 else math.nan


def sqrt(x: float) -> float:
    try:
        return math.sqrt(x)
    except ValueError:
        return math.nan


def hypot(a: float, b: float) -> float:
    try:
        return abs(complex(a, b))  # C's hypot; math.hypot rounds otherwise
    except OverflowError:  # for nan, too, where errno is left from an earlier call
        return math.inf if a == a and b == b else math.nan


def sin(x: float) -> float:
    try:
        return math.sin(x)
    except ValueError:
        return math.nan


def cos(x: float) -> float:
    try:
        return math.cos(x)
    except ValueError:
        return math.nan


def tan(x: float) -> float:
    try:
        return math.tan(x)
    except ValueError:
        return math.nan


def asin(x: float) -> float:
    try:
        return math.asin(x)
    except ValueError:
        return math.nan


def acos(x: float) -> float:
    try:
        return math.acos(x)
    except ValueError:
        return math.nan


def sinh(x: float) -> float:
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(math.inf, x)


def cosh(x: float) -> float:
    try:
        return math.cosh(x)
    except OverflowError:
        return math.inf


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


def atanh(x: float) -> float:
    try:
        return math.atanh(x)
    except ValueError:
        return math.copysign(math.inf, x) if abs(x) == 1.0 else math.nan


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
