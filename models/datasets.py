"""Small data sets for classifiers in the plane, drawn with a seed: two moons, circles, spirals.

Each function returns X of shape (n, 2) and y of shape (n,), the samples in random order. Noise is normal,
added to both coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from optim.checks import checked, whole

__all__ = ["circles", "moons", "spirals"]

Array = np.ndarray[Any, np.dtype[np.float64]]
Indices = np.ndarray[Any, np.dtype[np.int64]]


def moons(n: int = 100, noise: float = 0.0, seed: int | None = 0) -> tuple[Array, Array]:
    """Two half circles of radius 1 that reach into each other: the shapes of scikit-learn's ``make_moons``.

    Args:
        n: how many points, at least 2; half of them, rounded down, on the first moon.
        noise: the standard deviation of the noise.
        seed: draws noise and order; equal seeds give equal data, None other data each time.

    Returns:
        X of shape (n, 2), and y of shape (n,), floats: -1 on the upper moon, around (0, 0), and +1 on
        the lower, around (1, 1/2).

    Raises:
        TypeError, ValueError: an argument is no number, or out of its range.

    >>> X, y = moons(100, noise=0.1, seed=1)
    >>> X.shape, sorted(set(y.tolist())), float(y.sum())
    ((100, 2), [-1.0, 1.0], 0.0)
    """
    whole("n", n, least=2)
    first, second = np.linspace(0.0, math.pi, n // 2), np.linspace(0.0, math.pi, n - n // 2)
    upper = _points(np.cos(first), np.sin(first))
    lower = _points(1.0 - np.cos(second), 0.5 - np.sin(second))
    return _signed(*_drawn([upper, lower], noise, seed))


def circles(
    n: int = 100, noise: float = 0.0, seed: int | None = 0, factor: float = 0.8
) -> tuple[Array, Array]:
    """A circle of radius 1 and a smaller one within: the shapes of scikit-learn's ``make_circles``.

    Args:
        n: how many points, at least 2; half of them, rounded down, on the outer circle.
        noise, seed: as for `moons`.
        factor: the inner circle's radius, above 0 and below 1.

    Returns:
        X of shape (n, 2), and y of shape (n,), floats: -1 on the outer circle, +1 on the inner.

    Raises:
        TypeError, ValueError: an argument is no number, or out of its range.

    >>> X, y = circles(4, factor=0.5)
    >>> np.hypot(*X.T)[y == 1]
    array([0.5, 0.5])
    """
    whole("n", n, least=2)
    factor = checked("factor", factor, above=0.0, below=1.0)
    outer, inner = (_circle(np.arange(count) / count) for count in (n // 2, n - n // 2))
    return _signed(*_drawn([outer, factor * inner], noise, seed))


def spirals(
    n: int = 100, noise: float = 0.0, seed: int | None = 0, classes: int = 2, turns: float = 1.0
) -> tuple[Array, Indices]:
    """Archimedean spirals from near the origin out to radius 1, one a class, wound into each other.

    Args:
        n: how many points, at least one a class; where n is no multiple of the classes, the first have
            one more.
        noise, seed: as for `moons`.
        classes: how many spirals, at least 2.
        turns: how often each winds around the origin, above 0.

    Returns:
        X of shape (n, 2), and y of shape (n,), ints: the class, 0 to classes - 1.

    Raises:
        TypeError, ValueError: an argument is no number, or out of its range.

    >>> X, y = spirals(90, classes=3)
    >>> X.shape, np.bincount(y)
    ((90, 2), array([30, 30, 30]))
    """
    whole("classes", classes, least=2)
    whole("n", n, least=classes)
    turns = checked("turns", turns, above=0.0)
    arms = []
    for k in range(classes):
        count = n // classes + (k < n % classes)
        radius = np.arange(1, count + 1) / count
        arms.append(radius[:, None] * _circle(turns * radius + k / classes))
    return _drawn(arms, noise, seed)


def _circle(turns: Array) -> Array:
    """Points on the unit circle, by the angle in turns."""
    angle = 2.0 * math.pi * turns
    return _points(np.cos(angle), np.sin(angle))


def _points(x: Array, y: Array) -> Array:
    return np.stack([x, y], axis=1)


def _drawn(groups: Sequence[Array], noise: float, seed: int | None) -> tuple[Array, Indices]:
    """The points of all groups, with noise and in random order, and the index of the group of each."""
    noise = checked("noise", noise, least=0.0)
    if seed is not None:
        whole("seed", seed, least=0)
    rng = np.random.default_rng(seed)
    X = np.concatenate(groups)
    y = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    X += rng.normal(0.0, noise, X.shape)
    order = rng.permutation(len(X))
    return X[order], y[order]


def _signed(X: Array, y: Indices) -> tuple[Array, Array]:
    """Two classes as -1 and +1."""
    return X, np.where(y == 1, 1.0, -1.0)
