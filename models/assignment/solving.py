"""Solving for the nine weights at once: Levenberg-Marquardt on all residuals, from several random starts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.assignment.data import Array
from models.assignment.graph import forward
from optim.solvers.sums_of_squares import least_squares

__all__ = ["Solution", "levenberg_marquardt", "representative"]

_LONGEST = 200  # evaluations; a start that needs more creeps along a plateau


@dataclass(frozen=True)
class Solution:
    """What the starts came to.

    Attributes:
        weights: the weights of the least loss, as `representative` has them.
        loss: their mean squared error.
        found: how many starts came to that loss.
        starts: how many there were.
        seconds: the time they took, compiling included.
    """

    weights: list[float]
    loss: float
    found: int
    starts: int
    seconds: float


def levenberg_marquardt(
    X: Array, y: Array, *, starts: int = 12, seed: int = 0, engine: str = "auto"
) -> Solution:
    """Minimise the sum of squared errors over all samples by MINPACK's Levenberg-Marquardt.

    Args:
        X: the features, of shape (n, 5), n at least 9.
        y: the targets, of shape (n,).
        starts: how many starts; their weights are normal, mean 0 and standard deviation 1.
        seed: equal seeds give equal starts.
        engine: as for `autograd.jit`.

    Returns:
        The best start's solution. About one start in three finds the planted weights.

    Raises:
        FloatingPointError: no start had finite derivatives all the way.
        MissingExtraError: SciPy is not installed.

    >>> from models.assignment.data import load_assignment_data
    >>> solution = levenberg_marquardt(*load_assignment_data())
    >>> max(abs(weight - 1.0) for weight in solution.weights) < 1e-10
    True
    """
    began = time.perf_counter()
    rng = np.random.default_rng(seed)
    ends: list[tuple[float, list[float]]] = []
    for start in rng.normal(0.0, 1.0, (starts, 9)):
        try:
            end = least_squares(_residual, start, method="lm", data=(X, y), max_nfev=_LONGEST, engine=engine)
        except FloatingPointError:  # exp overflowed: this start leads nowhere
            continue
        ends.append((2.0 * float(end.cost) / len(y), end.x.tolist()))
    if not ends:
        raise FloatingPointError(f"the loss overflows from each of {starts} starts: scale the features")
    loss, weights = min(ends)
    exact = 1e-20 * float(np.mean(np.square(y)))  # losses below are rounding
    count = sum(end <= max(loss * (1.0 + 1e-6), exact) for end, _ in ends)
    return Solution(representative(weights), loss, count, starts, time.perf_counter() - began)


def _residual(w: Any, x: Any, y: Any) -> Any:
    """Target less prediction, of one sample."""
    at = forward(w, x, y)
    return y - (at.tanh + at.sigmoid * w[8])


def representative(weights: Sequence[float]) -> list[float]:
    """The weights with the same predictions whose w1 and w3 are not negative.

    The square is even in (w1, w2) together. So is the product of the sine, odd in w3, and the sum, odd
    in (w4, w5): the prediction is even in (w3, w4, w5) together.

    >>> representative([-1.0, 2.0, 3.0, -4.0, 5.0, -6.0, 7.0, 8.0, 9.0])
    [1.0, -2.0, 3.0, -4.0, 5.0, -6.0, 7.0, 8.0, 9.0]
    """
    signs = [-1.0 if weights[0] < 0.0 else 1.0] * 2 + [-1.0 if weights[2] < 0.0 else 1.0] * 3 + [1.0] * 4
    return [sign * weight for sign, weight in zip(signs, weights)]
