"""How residuals' variance spreads to the fitted parameters, and which parameters the data do not determine.

Observations, and what a formula gives for them, are known to a rounding, and so therefore is the minimum. A
parameter is determined if that does not matter to it. This is tried out, in three steps.

1. Each parameter is moved by what rounding may move it by, on either side. Where a column of the Jacobian
   comes out reversed, there is a point between, as good as any, at which it is 0: it counts as 0, and its
   parameter is not determined.
2. What the moves, and a rounding of the predictors, change in the columns that are left is their noise. A
   singular value below it counts as 0 (H. Weyl's theorem; G. W. Stewart and J. Sun, Matrix Perturbation
   Theory, 1990, IV.4).
3. All parameters are moved together along each singular vector, by what rounding may move them by: along one
   whose singular value counts as 0, as far as the residuals stay as they are. Another singular vector whose
   effect on the residuals comes out reversed counts as without effect.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from optim.arrays import Array, lengths, scales

__all__ = ["Spread", "spread"]

_EPSILON = float(np.finfo(float).eps)
_PART = 1e-6  # of a parameter in a direction that nothing is known of


class Spread(NamedTuple):
    """What a variance of the residuals becomes in the parameters.

    Attributes:
        factor: of shape (p, m): of residuals of variance 1 the covariances are ``factor @ factor.T``.
        undetermined: the parameters that the data do not determine; their rows mean nothing.
    """

    factor: Array
    undetermined: list[int]


def spread(
    jacobian: Callable[[Array], Array], params: Array, roundings: Array, nudged: Array | None = None
) -> Spread:
    """The inverse of ``J' J``, as a product, by the singular values of J.

    Args:
        jacobian: from p parameters to the derivatives of n residuals by them, of shape (n, p).
        params: where the minimum is, of shape (p,).
        roundings: how far rounding may take each residual there, of shape (n,).
        nudged: the derivatives there with the predictors moved by a rounding, where there are predictors.

    >>> J = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0], [0.0, 0.0, 4.0]])
    >>> result = spread(lambda params: J, np.ones(3), 1e-16 * np.ones(3))
    >>> float(result.factor[2] @ result.factor[2]), result.undetermined
    (0.0625, [0, 1])
    """
    size = len(params)
    slopes = jacobian(params)
    scale = scales(slopes)
    columns = slopes / scale

    def at(shift: Array) -> Array:
        return jacobian(params + shift) / scale

    def moved(shift: Array) -> list[Array]:
        return [at(-shift), at(shift)]

    alone = np.maximum(np.abs(columns).T @ roundings / scale, _EPSILON * np.abs(params))
    lost = ~columns.any(axis=0)
    changes = np.zeros((size, size))  # of the first parameter's column, when the second is moved
    for i in np.flatnonzero(~lost).tolist():
        for there in moved(np.where(np.arange(size) == i, alone, 0.0)):
            lost |= (there * columns).sum(axis=0) <= 0.0
            changes[:, i] = np.fmax(changes[:, i], lengths(there - columns))
    left = np.flatnonzero(~lost)
    noise = changes[np.ix_(left, left)].sum(axis=1)
    if nudged is not None:
        noise = noise + np.nan_to_num(lengths(nudged / scale - columns)[left])

    basis, triangle = np.linalg.qr(columns[:, left])
    outer, singular, right = np.linalg.svd(triangle)
    directions = np.zeros((len(left), size))
    directions[:, left] = right
    own = _EPSILON * np.sqrt(len(columns)) * len(left)  # the factorisation's noise
    known = np.flatnonzero(singular > float(lengths(noise)) + own)
    effects = basis @ outer[:, known]
    steps = directions[known] / singular[known, None] / scale  # each changes the residuals by its effect
    determined = np.full(len(known), True)
    places = [
        there for step, reach in zip(steps, np.abs(effects).T @ roundings) for there in moved(reach * step)
    ]
    rounding = float(np.linalg.norm(roundings))
    for direction in np.delete(directions, known, axis=0):
        places += [_farthest(at, columns, scale, side, own, rounding) for side in (-direction, direction)]
    for there in places:
        determined &= ~((((there * scale) @ steps.T) * effects).sum(axis=0) <= 0.0)
    free = np.delete(directions, known[determined], axis=0)
    undetermined = lost | (np.abs(free).max(axis=0, initial=0.0) > _PART)
    return Spread(steps[determined].T, np.flatnonzero(undetermined).tolist())


def _farthest(
    at: Callable[[Array], Array],
    columns: Array,
    scale: Array,
    direction: Array,
    own: float,
    rounding: float,
) -> Array:
    """The scaled derivatives as far along a direction as the residuals stay as they are, to rounding.

    What the way there changes in them is its length times the mean of the slopes at its ends.
    """
    length = rounding / own
    while True:
        there = at(length * direction / scale)
        if np.linalg.norm((columns + there) @ direction) * length / 2.0 <= rounding:
            return there
        length /= 2.0
