"""How far a value and its derivatives may be off, and the named exceptions with their reasons.

The goals hold wherever the exact number is 0 or a normal double (a value's everywhere). An exception
takes the points that it names out of the count; the errors there are listed with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from benchmarks.accuracy.ulp import LARGEST, SMALLEST_NORMAL

__all__ = ["GOALS", "Limit", "exception_at", "is_ordinary", "limit_of"]

GOALS = (2.0, 4.0, 16.0)  # units in the last place: of values, of first and of second derivatives

Point = Sequence[float]
Exact = Mapping[str, float]  # the exact numbers at a point, rounded, by the names of `exact.keys`


class Limit(NamedTuple):
    """How far an output may be off, and why that is more than the goal ("" where it is the goal)."""

    ulp: float
    reason: str


# Functions that the C library computes are as good as it is: the largest errors of glibc's that were found
# in 10**8 points, rounded up.
_OF_THE_C_LIBRARY = {"tanh": 2.25, "erfc": 5.0}


def limit_of(name: str, key: str) -> Limit:
    """The limit for an output of a primitive outside the exceptions."""
    if not key and name in _OF_THE_C_LIBRARY:
        return Limit(_OF_THE_C_LIBRARY[name], "the C library's own error")
    return Limit(GOALS[len(key)], "")


def is_ordinary(number: float) -> bool:
    """Whether a number is 0 or a normal double."""
    return number == 0.0 or _is_normal(number)


def _is_normal(*numbers: float) -> bool:
    return all(SMALLEST_NORMAL <= abs(number) <= LARGEST for number in numbers)


def exception_at(name: str, key: str, point: Point, exact: Exact) -> str:
    """The reason why an output is not counted at a point, or ""."""
    for names, keys, holds, reason in _EXCEPTIONS:
        if name in names.split() and (key or "value") in keys.split() and holds(point, exact):
            return reason
    return ""


_REDUCTION = "the C library's reduction of a large x, next to a multiple of pi/2"
_POWER = "a factor on the way is subnormal or overflows"
_LOWER = "the value or a first derivative is subnormal or overflows"
_QUOTIENT = "the quotient a/b is subnormal"
_UNDERFLOW = "a product underflows on the way"
_ZERO = "near a zero of the second derivative, where terms cancel"


def _is_lower_lost(_: Point, exact: Exact) -> bool:
    return not all(is_ordinary(number) for key, number in exact.items() if len(key) < 2)


def _is_fourth_power_lost(point: Point, _: Exact) -> bool:
    """Whether ``b / (a*a + b*b)**2`` underflows, scaled as the rule of atan2 scales it."""
    least, largest = sorted(map(abs, point))
    if not least:
        return False
    small, large = math.log2(least), math.log2(largest)
    scale = 566 if large < -309 else -550 if large > 298 else 0
    return small + scale - 4 * (large + scale) < -1022


# Names, outputs, where, why.
_EXCEPTIONS: tuple[tuple[str, str, Callable[[Point, Exact], bool], str], ...] = (
    ("sin cos", "value x xx", lambda p, e: abs(p[0]) > 2.0**26 and min(abs(e[""]), abs(e["x"])) < 2.0**-36,
     _REDUCTION),
    ("tan", "value x xx", lambda p, e: abs(p[0]) > 2.0**26 and not 2.0**-36 < abs(e[""]) < 2.0**36,
     _REDUCTION),
    ("div", "b", lambda _, e: not is_ordinary(e[""]), _QUOTIENT),
    ("pow", "a", lambda p, e: not _is_normal(e[""] / p[0]), _POWER),
    ("pow", "aa", lambda p, e: not _is_normal(e[""] / p[0] / p[0]), _POWER),
    ("pow", "ab ba", lambda p, e: not _is_normal(e[""] / p[0], (e["b"] or e[""]) / p[0], 1 / p[0]), _POWER),
    ("pow", "ab ba", lambda p, e: abs(e["ab"] * p[0] / e[""]) < 0.5, _ZERO),
    ("atan2", "aa ab ba bb", lambda p, _: max(map(abs, p)) < 2.0**-510, "a product overflows on the way"),
    ("atan2", "aa ab ba bb", _is_fourth_power_lost, _UNDERFLOW),
    ("atan", "xx", lambda p, _: abs(p[0]) > 2.0**250, _UNDERFLOW),
    ("tanh asin acos atanh", "xx", lambda p, _: abs(p[0]) < 0.25, _ZERO),
    ("sigmoid", "xx", lambda p, _: abs(p[0]) < 0.5, _ZERO),
    ("hypot", "aa", lambda p, _: 2 * abs(p[1]) < abs(p[0]), _ZERO),
    ("hypot", "bb", lambda p, _: 2 * abs(p[0]) < abs(p[1]), _ZERO),
    ("atan2", "ab ba", lambda p, _: abs(abs(p[0]) - abs(p[1])) < max(map(abs, p)) / 3, _ZERO),
    ("div", "bb", _is_lower_lost, _LOWER),
    ("pow hypot atan2", "aa ab ba bb", _is_lower_lost, _LOWER),
    ("erf erfc", "xx", _is_lower_lost, _LOWER),
)  # fmt: skip
