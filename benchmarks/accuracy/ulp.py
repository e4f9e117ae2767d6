"""Errors in units in the last place.

The unit is that of the exact number: the distance between doubles in its binade, and below the normal
numbers that between subnormal ones, 2**-1074. Where the exact number rounds to an infinity, that infinity
is right and everything else is infinitely wrong; an infinity in the place of a number counts as 2**1024.
A nan is infinitely wrong. Zeros of either sign are the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from mpmath import mp, mpf

from benchmarks.accuracy.exact import DIGITS

__all__ = ["LARGEST", "SMALLEST", "SMALLEST_NORMAL", "Rounded", "errors", "rounded"]

LARGEST, SMALLEST_NORMAL, SMALLEST = 1.7976931348623157e308, 2.0**-1022, 2.0**-1074


class Rounded(NamedTuple):
    """Exact numbers as doubles, and what these lack.

    Attributes:
        nearest: the numbers as doubles; inf where they round to it.
        rest: what is left, in units in the last place of the exact number.
        unit: that unit.
    """

    nearest: np.ndarray
    rest: np.ndarray
    unit: np.ndarray


def rounded(numbers: Iterable[Any]) -> Rounded:
    """Numbers of mpmath in the form in which doubles are held against them."""
    with mp.workdps(DIGITS):
        table = np.array([_split(number) for number in numbers]).reshape(-1, 3)
    return Rounded(*table.T)


def _split(number: Any) -> tuple[float, float, float]:
    nearest = float(number)
    if not math.isfinite(nearest):
        return nearest, 0.0, math.inf
    exponent = math.frexp(nearest)[1] if nearest else -1074
    if abs(number) < mpf(2) ** (exponent - 1):  # rounded up to a power of two
        exponent -= 1
    unit = math.ldexp(1.0, max(exponent - 53, -1074))
    return nearest, float((number - mpf(nearest)) / unit), unit


def errors(computed: np.ndarray, exact: Rounded) -> np.ndarray:
    """How far doubles are from exact numbers, in units in the last place of the exact ones."""
    with np.errstate(all="ignore"):
        near = np.clip(computed, -LARGEST, LARGEST)
        beyond = np.where(np.isinf(computed), np.copysign(2.0**971 / exact.unit, computed), 0.0)
        apart = np.abs((near - exact.nearest) / exact.unit + beyond - exact.rest)
        apart = np.where(np.isinf(exact.nearest), np.where(computed == exact.nearest, 0.0, np.inf), apart)
    return np.where(np.isnan(computed), np.inf, apart)
