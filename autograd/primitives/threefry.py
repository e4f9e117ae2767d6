"""Random numbers as plain functions of a key and a number, on floats and on arrays.

The generator is Threefry-2x32 of 20 rounds: a cipher that turns a counter of two words of 32 bits, with a
key of two more, into two words without pattern (J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw,
Parallel random numbers: as easy as 1, 2, 3, SC 2011). It has no state: the i-th number of a key is a function
of i. Words are whole numbers in floats, and what is none (a fraction, a negative number) gives nan.

The functions on floats need nothing but ``math``, because generated source carries them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = [
    "DRAW",
    "PARITY",
    "QUANTILE",
    "ROTATIONS",
    "normal_of_arrays",
    "normal_quantile",
    "polynomial",
    "quantile_of_arrays",
    "random_key_0",
    "random_key_1",
    "random_normal",
    "random_uniform",
    "threefry",
    "uniform_of_arrays",
    "words_of_arrays",
]

PARITY = 0x1BD11BDA
ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
DRAW = 0x80000000  # in the counters of what is drawn, so that none of it is a key that is folded in

# Numerators and denominators, the highest power first, of the rational functions whose quotients are the
# quantile of the normal distribution: in its middle, and at 1.6 and 5 in sqrt(-log(p)) of its tails (M. J.
# Wichura, Algorithm AS 241, Applied Statistics 37, 1988, PPND16).
QUANTILE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
     3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
     0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0),
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
     0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
     0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0),
)  # fmt: skip


def threefry(k0: float, k1: float, i: float, tag: int) -> tuple[int, int] | None:
    """The two words of a key and a counter; None where these are no whole numbers of their ranges."""
    if not (0.0 <= k0 < 2.0**32 and 0.0 <= k1 < 2.0**32 and 0.0 <= i < 2.0**53):
        return None
    keys = int(k0), int(k1), 0x1BD11BDA ^ int(k0) ^ int(k1)
    count = int(i)
    if keys[0] != k0 or keys[1] != k1 or count != i:
        return None
    a = ((count >> 32) ^ tag) + keys[0]
    b = (count + keys[1]) & 0xFFFFFFFF
    for group in range(1, 6):
        for r in (13, 15, 26, 6) if group % 2 else (17, 29, 16, 24):
            a = (a + b) & 0xFFFFFFFF
            b = ((b << r | b >> (32 - r)) & 0xFFFFFFFF) ^ a
        a = (a + keys[group % 3]) & 0xFFFFFFFF
        b = (b + keys[(group + 1) % 3] + group) & 0xFFFFFFFF
    return a, b


def random_key_0(k0: float, k1: float, i: float) -> float:
    """The first word of a key that is made of a key and a number."""
    words = threefry(k0, k1, i, 0)
    return math.nan if words is None else float(words[0])


def random_key_1(k0: float, k1: float, i: float) -> float:
    """Its second word."""
    words = threefry(k0, k1, i, 0)
    return math.nan if words is None else float(words[1])


def random_uniform(k0: float, k1: float, i: float) -> float:
    """A number between 0 and 1, neither of them: the middle of one of 2**52 equal parts."""
    words = threefry(k0, k1, i, 0x80000000)
    return math.nan if words is None else ((words[0] << 20 | words[1] >> 12) + 0.5) * 2.0**-52


def random_normal(k0: float, k1: float, i: float) -> float:
    """A normal number: the quantile of the uniform one."""
    return normal_quantile(random_uniform(k0, k1, i))


def normal_quantile(u: float) -> float:
    """The number that a normal one is below with a probability, by AS 241."""
    q = u - 0.5
    if abs(q) <= 0.425:
        x, tops, bottoms = 0.180625 - q * q, QUANTILE[0], QUANTILE[1]
    else:
        x = math.sqrt(-math.log(u if q < 0.0 else 1.0 - u))
        x, tops, bottoms = (x - 1.6, *QUANTILE[2:4]) if x <= 5.0 else (x - 5.0, *QUANTILE[4:6])
        q = -1.0 if q < 0.0 else 1.0
    quotient: float = polynomial(x, tops) / polynomial(x, bottoms)
    return q * quotient


def polynomial(x: Any, c: tuple[float, ...]) -> Any:
    """A polynomial of degree 7, by G. Estrin's scheme, in which fewer operations wait for one another."""
    y = x * x
    upper = (c[0] * x + c[1]) * y + (c[2] * x + c[3])
    return upper * (y * y) + ((c[4] * x + c[5]) * y + (c[6] * x + c[7]))


def words_of_arrays(tag: int, k0: Any, k1: Any, i: Any) -> tuple[Any, Any]:
    """The words of `threefry` for arrays, in floats; nan where there are none."""
    k0, k1, i = np.broadcast_arrays(k0, k1, i)
    known = (k0 >= 0.0) & (k0 < 2.0**32) & (k1 >= 0.0) & (k1 < 2.0**32) & (i >= 0.0) & (i < 2.0**53)
    known &= (k0 == np.floor(k0)) & (k1 == np.floor(k1)) & (i == np.floor(i))
    whole = [np.where(known, operand, 0.0).astype(np.uint64) for operand in (k0, k1, i)]
    k = [word.astype(np.uint32) for word in whole[:2]]
    k.append(np.uint32(PARITY) ^ k[0] ^ k[1])
    a = ((whole[2] >> np.uint64(32)).astype(np.uint32) ^ np.uint32(tag)) + k[0]
    b = whole[2].astype(np.uint32) + k[1]
    for group in range(1, 6):
        for r in ROTATIONS[:4] if group % 2 else ROTATIONS[4:]:
            a = a + b
            b = (b << np.uint32(r) | b >> np.uint32(32 - r)) ^ a
        a, b = a + k[group % 3], b + k[(group + 1) % 3] + np.uint32(group)
    return np.where(known, a, np.nan), np.where(known, b, np.nan)


def uniform_of_arrays(k0: Any, k1: Any, i: Any) -> Any:
    """`random_uniform` for arrays."""
    a, b = words_of_arrays(DRAW, k0, k1, i)
    return (a * 2.0**20 + np.floor(b * 2.0**-12) + 0.5) * 2.0**-52


def normal_of_arrays(k0: Any, k1: Any, i: Any) -> Any:
    """`random_normal` for arrays."""
    u = uniform_of_arrays(k0, k1, i)
    return quantile_of_arrays(np.atleast_1d(u)).reshape(u.shape)


def quantile_of_arrays(u: Any) -> Any:
    """`normal_quantile` for arrays of some dimension, with the logarithm of ``math``, for the same bits."""
    q = u - 0.5
    number = q * _ratio(0.180625 - q * q, *QUANTILE[:2])
    tail = np.nonzero(~(np.abs(q) <= 0.425))
    low = q[tail] < 0.0
    p = np.where(low, u[tail], 1.0 - u[tail])
    r = np.sqrt(-np.array([math.log(each) for each in p.tolist()]))
    ratio = np.where(r <= 5.0, _ratio(r - 1.6, *QUANTILE[2:4]), _ratio(r - 5.0, *QUANTILE[4:6]))
    number[tail] = np.where(low, -1.0, 1.0) * ratio
    return number


def _ratio(x: Any, tops: tuple[float, ...], bottoms: tuple[float, ...]) -> Any:
    return polynomial(x, tops) / polynomial(x, bottoms)
