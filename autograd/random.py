"""Random numbers that are functions of a key and a number, for use inside loops and compiled code.

A key stands for a sequence of numbers, and ``normal(key, i)`` is the i-th: nothing is stored and nothing is
used up. So a Monte Carlo path needs no array of its noise, the same key gives the same path eagerly and on
every engine, bit for bit, and derivatives go through what is made of the noise (their own derivative is 0).
The names are those of ``jax.random``, whose keys and `fold_in` have the same words.

>>> from autograd import exp, grad, random, scan
>>> def price(rate, key, steps=100):  # a path of geometric Brownian motion
...     def step(carry, _):
...         i, x = carry
...         return (i + 1, x * exp(rate / steps + 0.02 * random.normal(key, i))), None
...     return scan(step, (0.0, 1.0), None, length=steps)[0][1]
>>> key = random.key(2026)
>>> bool(price(0.05, key) == price(0.05, key)), bool(price(0.05, key) == price(0.05, random.fold_in(key, 1)))
(True, False)
>>> round(grad(price)(0.05, key) / price(0.05, key), 12)
1.0

The generator is Threefry-2x32-20 (Salmon, Moraes, Dror and Shaw, SC 2011), which passes the statistical tests
of TestU01 and is no cipher for secrets.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd.graph.nodes import is_node
from autograd.primitives.ieee import described
from autograd.primitives.random_numbers import random_key_0, random_key_1, random_normal, random_uniform

__all__ = ["Key", "fold_in", "key", "normal", "split", "uniform"]

Key = tuple[Any, Any]  # two whole numbers below 2**32, or arrays of them


def key(seed: int) -> Key:
    """The key of a seed: the pair of its upper and lower 32 bits, in floats.

    Args:
        seed: a whole number from 0 to below 2**64.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is out of that range.

    >>> key(7)
    (0.0, 7.0)
    """
    try:
        number = operator.index(seed)
    except TypeError:
        raise TypeError(f"the seed must be a whole number, got {described(seed)}") from None
    if not 0 <= number < 2**64:
        raise ValueError(f"the seed must be from 0 to below 2**64, got {number}")
    return float(number >> 32), float(number & 0xFFFFFFFF)


def fold_in(key: Key, i: Any) -> Key:
    """Another key, made of a key and a number: each number gives one that is unlike all others.

    Args:
        key: a key.
        i: a whole number from 0 to below 2**53, a Value, or an array of them, of which the keys are a pair of
            arrays: ``vmap(path)(fold_in(key, np.arange(1000)))``.

    Raises:
        TypeError: the key is no pair, or something is no number.
        ValueError: a number is no whole one in its range.

    >>> fold_in(key(7), 1)
    (195045567.0, 4062205631.0)
    """
    k0, k1, i = _checked(key, i)
    return random_key_0(k0, k1, i), random_key_1(k0, k1, i)


def split(key: Key, count: int = 2) -> list[Key]:
    """So many keys made of one: `fold_in` of 0, 1, 2...

    Args:
        key: a key.
        count: a whole number from 0.

    Raises:
        TypeError: the key is no pair, or the count is no whole number.
        ValueError: the count is below 0.

    >>> first, second = split(key(7))
    >>> second == fold_in(key(7), 1)
    True
    """
    try:
        whole = operator.index(count)
    except TypeError:
        raise TypeError(f"the count of keys must be a whole number, got {described(count)}") from None
    if whole < 0:
        raise ValueError(f"the count of keys must be from 0, got {whole}")
    return [fold_in(key, i) for i in range(whole)]


def uniform(key: Key, i: Any) -> Any:
    """The i-th number of a key that is spread evenly between 0 and 1, neither of which it is.

    Args:
        key: a key.
        i: a whole number from 0 to below 2**53, a Value, or an array of them.

    Raises:
        TypeError: the key is no pair, or something is no number.
        ValueError: a number is no whole one in its range. (Where it is traced or a Value, the result is nan.)

    >>> uniform(key(7), 0)
    0.12981055366108418
    """
    return random_uniform(*_checked(key, i))


def normal(key: Key, i: Any) -> Any:
    """The i-th number of a key that is normally distributed, with mean 0 and variance 1.

    It is the quantile (AS 241) of `uniform` of the same i, and so antithetic to ``-normal(key, i)``.

    Args:
        key: a key.
        i: as for `uniform`.

    Raises:
        TypeError: as for `uniform`.
        ValueError: as for `uniform`.

    >>> normal(key(7), 0)
    -1.127287117506054
    >>> normal(key(7), np.arange(2))
    array([-1.12728712, -0.75156406])
    """
    return random_normal(*_checked(key, i))


def _checked(key: Any, i: Any) -> tuple[Any, Any, Any]:
    """The operands, where what is a plain number is one that belongs there."""
    if not isinstance(key, (tuple, list)) or len(key) != 2:
        raise TypeError(f"a key is a pair of numbers, made by random.key(seed), got {described(key)}")
    for operand, end, what in ((key[0], 2.0**32, "a key"), (key[1], 2.0**32, "a key"), (i, 2.0**53, "i")):
        numbers = np.asarray(operand) if not is_node(operand) else np.zeros(0)
        if numbers.dtype.kind in "fiu" and not ((numbers >= 0) & (numbers < end) & (numbers % 1 == 0)).all():
            raise ValueError(
                f"{what} must be made of whole numbers from 0 to below {end:.0f}, got {operand!r}"
            )
    return key[0], key[1], i
