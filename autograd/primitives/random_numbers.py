"""The primitives of random numbers, whose derivatives are 0: what `autograd.random` applies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd.primitives import table, threefry
from autograd.primitives.operation import register
from autograd.primitives.primitive import Primitive

__all__ = ["RANDOM", "random_key_0", "random_key_1", "random_normal", "random_uniform"]


def _random(forward: Callable[..., float], on_arrays: Callable[..., Any]) -> Primitive:
    made = Primitive(
        forward.__name__, forward, (0, 0, 0), on_arrays=on_arrays, place=table.__name__, is_random=True
    )
    return register(made)


random_key_0 = _random(threefry.random_key_0, lambda *args: threefry.words_of_arrays(0, *args)[0])
random_key_1 = _random(threefry.random_key_1, lambda *args: threefry.words_of_arrays(0, *args)[1])
random_uniform = _random(threefry.random_uniform, threefry.uniform_of_arrays)
random_normal = _random(threefry.random_normal, threefry.normal_of_arrays)

RANDOM = (random_key_0, random_key_1, random_uniform, random_normal)
