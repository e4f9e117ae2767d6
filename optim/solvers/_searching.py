"""Starting points for a regression: many at random, improved all at once, the best handed on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from optim.arrays import Array, lengths
from optim.solvers._regression import Regression

__all__ = ["promising_starts"]

_POINTS = 256  # of the data, that a search looks at
_NUMBERS = 2_000_000  # derivatives that are kept at a time, at most
_ROUNDS = 6
_DRAWN = 8  # in a round, for each point that is kept
_PRIOR = 6.0  # points of each kind that count as kept before the first round
_STEPS = 40  # that each kept point is improved by
_FOLLOWED = 6  # of them, that are improved further
_MORE_STEPS = 200
_PATIENCE = 8  # steps without a gain after which a point is left
_GAIN = 1e-6  # of the sum of squares, that counts as one
_BENDING = 0.75  # the longest acceleration, relative to half the velocity, that a step may have
_RIDGE = 1e-12  # added to squared singular values, of columns of length 1


def promising_starts(regression: Regression, center: Array | None, count: int, seed: int) -> list[Array]:
    """The best points of a search, each from another valley as far as their sums of squares tell.

    Parameters are drawn around the center and on the scales of the data; those in which the formula is
    linear are solved for. The best drawn points are then improved by Levenberg-Marquardt steps.

    Args:
        regression: what is to be fitted.
        center: where the user would start, if anywhere.
        count: how many points are improved.
        seed: equal seeds give equal points.
    """
    rng = np.random.default_rng(seed)
    thinned = regression.thinned(_POINTS, rng)
    pool_size = min(count, max(2, _NUMBERS // (_DRAWN * len(thinned.y) * regression.size)))
    with np.errstate(all="ignore"):
        pool = _pool(thinned, center, pool_size, rng)
        valleys = _distinct(*_improved(thinned, pool, _STEPS))[:_FOLLOWED]
        if not valleys:
            return []
        return _distinct(*_improved(thinned, np.array(valleys), _MORE_STEPS))


class _Drawn(NamedTuple):
    """Points, the kinds of each of their parameters, and their sums of squares."""

    params: Array
    kinds: np.ndarray
    squares: Array

    def best(self, count: int) -> _Drawn:
        """Those of the least squares."""
        order = np.argsort(self.squares, kind="stable")[:count]
        return _Drawn(self.params[order], self.kinds[order], self.squares[order])

    def joined(self, other: _Drawn) -> _Drawn:
        """Both together."""
        return _Drawn(*(np.concatenate(pair) for pair in zip(self, other)))


def _pool(regression: Regression, center: Array | None, count: int, rng: np.random.Generator) -> Array:
    """The best points of several rounds, each of which draws more often what paid in those before it.

    A third of them are from the first round, so that not all are of one kind.
    """

    def drawn(pool: _Drawn | None) -> _Drawn:
        params, kinds = _draw(regression, center, pool, _DRAWN * count, rng)
        if center is not None and pool is None:
            params[0] = center
        params = regression.clip(_solved_for_linear(regression, _within(regression, params, rng)))
        return _Drawn(params, kinds, _squares(regression.residuals_of_many(params)))

    pool = drawn(None).best(count)
    first = pool.params[: count // 3]
    for _ in range(_ROUNDS - 1):
        pool = pool.joined(drawn(pool)).best(count)
    return np.concatenate([pool.params[: count - len(first)], first])


def _draw(
    regression: Regression, center: Array | None, pool: _Drawn | None, count: int, rng: np.random.Generator
) -> tuple[Array, np.ndarray]:
    """Points at random, and which kind each of their parameters is of.

    They are on scales of the data, or of the center; kinds that the kept points have are drawn more often.
    """
    shape = (count, regression.size)
    signs = rng.choice([-1.0, 1.0], shape)
    if center is not None:
        signs = np.where((center != 0.0) & (rng.random(shape) < 0.8), np.sign(center), signs)
    predictors = regression.x.reshape(-1, len(regression.y))
    row = rng.integers(len(predictors), size=shape)
    low, high = np.array(predictors.min(axis=1))[row], np.array(predictors.max(axis=1))[row]
    span = np.where(high > low, high - low, 1.0)
    pure = signs * 10.0 ** rng.uniform(-2.0, 1.0, shape)
    kinds = [
        rng.uniform(low, high),  # a place
        signs * 10.0 ** rng.uniform(-1.0, 2.0, shape) / span,  # a rate
        signs * 10.0 ** rng.uniform(-2.0, 1.0, shape) * span,  # a width
        pure,
    ]
    if center is not None:
        near = 10.0 ** rng.uniform(-1.0, 1.0, shape)
        kinds += [np.where(center == 0.0, pure, center * near**spread) for spread in (0.2, 0.5, 1.0, 2.0)]
    odds = np.full((regression.size, len(kinds)), _PRIOR)
    if pool is not None:
        odds += np.stack([(pool.kinds == kind).sum(axis=0) for kind in range(len(kinds))], axis=1)
    bounds = odds.cumsum(axis=1) / odds.sum(axis=1, keepdims=True)
    chosen = (rng.random(shape)[:, :, None] >= bounds[:, :-1]).sum(axis=2)
    points: Array = np.choose(chosen, kinds)
    return points, chosen


def _within(regression: Regression, params: Array, rng: np.random.Generator) -> Array:
    """Move what is out of bounds into them."""
    lower, upper = regression.lower, regression.upper
    outside = (params < lower) | (params > upper)
    closed = np.isfinite(lower) & np.isfinite(upper)
    mirrored = np.where(params < lower, 2.0 * lower - params, 2.0 * upper - params)
    anywhere = rng.uniform(np.where(closed, lower, 0.0), np.where(closed, upper, 1.0), params.shape)
    return np.where(outside, np.where(closed, anywhere, mirrored), params)


def _solved_for_linear(regression: Regression, params: Array) -> Array:
    """Give the parameters in which the formula is linear the values that fit best, the others being given."""
    linear = regression.linear
    if not linear:
        return params
    started = params.copy()
    started[:, linear] = 0.0
    residuals, jacobian = regression.of_many(started)
    _, steps = _damped_steps(residuals, jacobian[:, :, linear], np.zeros(len(params)))
    solved = started.copy()
    solved[:, linear] = steps
    usable: Any = np.isfinite(solved).all(axis=1)
    return np.where(usable[:, None], solved, params)


def _damped_steps(residuals: Array, jacobian: Array, damping: Array) -> tuple[Array, Array]:
    """Levenberg-Marquardt steps of many problems, by their normal equations, scaled.

    Returns:
        The matrices that turn residuals into the parameters that they stand for, and the steps.
    """
    scale = lengths(jacobian, axis=1)
    scale = np.where((scale > 0.0) & np.isfinite(scale), scale, 1.0)
    columns = np.nan_to_num(jacobian / scale[:, None, :], posinf=0.0, neginf=0.0)
    transposed = np.swapaxes(columns, 1, 2)
    normal = transposed @ columns
    normal += (damping + _RIDGE)[:, None, None] * np.eye(columns.shape[2])
    solver = np.linalg.inv(normal) @ transposed / scale[:, :, None]
    return solver, -(solver @ residuals[:, :, None])[:, :, 0]


def _squares(residuals: Array) -> Array:
    squares: Array = (residuals * residuals).sum(axis=-1)
    return np.where(np.isfinite(squares), squares, np.inf)


def _improved(regression: Regression, params: Array, steps: int) -> tuple[Array, Array]:
    """Levenberg-Marquardt steps with geodesic acceleration, from many points at once.

    Along a step v the residuals change by J v + w/2, w being their second derivative along v: the step is
    bent by half of what undoes w, so that it follows a curved valley.

    Returns:
        The points, and their sums of squares.

    Source: M. K. Transtrum and J. P. Sethna, Improvements to the Levenberg-Marquardt algorithm for
    nonlinear least-squares minimization, 2012.
    """
    params = params.copy()
    residuals, jacobian = regression.of_many(params)
    squares = _squares(residuals)
    damping = np.full(len(params), 1e-2)
    idle = np.zeros(len(params), int)
    for _ in range(steps):
        solver, velocity = _damped_steps(residuals, jacobian, damping)
        bends = np.nan_to_num(regression.bends_of_many(params, velocity))
        acceleration = -(solver @ bends[:, :, None])[:, :, 0]
        scale = lengths(jacobian, axis=1)
        bending = np.linalg.norm(scale * acceleration, axis=1)
        gentle = 2.0 * bending <= _BENDING * np.linalg.norm(scale * velocity, axis=1)
        trial = regression.clip(params + velocity + acceleration / 2.0)
        trial_residuals, trial_jacobian = regression.of_many(trial)
        trial_squares = _squares(trial_residuals)
        idle = np.where(gentle & (trial_squares < squares * (1.0 - _GAIN)), 0, idle + 1)
        better = gentle & (trial_squares < squares) & np.isfinite(trial_jacobian).all(axis=(1, 2))
        params[better], squares[better] = trial[better], trial_squares[better]
        residuals[better], jacobian[better] = trial_residuals[better], trial_jacobian[better]
        damping = np.clip(np.where(better, damping / 5.0, damping * 4.0), 1e-12, 1e8)
        if (idle > _PATIENCE).all():
            break
    return params, squares


def _distinct(params: Array, squares: Array) -> list[Array]:
    """A point of each valley, the deepest first; squares that differ by less than 0.1 % make one valley.

    Several points are equally good where the formula has symmetries, or where frequencies fold on even
    spacing. The one with the smallest parameters is taken, positive ones before negative ones.
    """
    norms = np.linalg.norm(np.where(params < 0.0, 2.0 * params, params), axis=1)
    left = np.isfinite(squares)
    chosen = []
    while left.any():
        same = left & (squares <= squares[left].min() * (1.0 + 1e-3))
        chosen.append(params[np.flatnonzero(same)[np.argmin(norms[same])]])
        left &= ~same
    return chosen
