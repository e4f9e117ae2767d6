"""Gauss-Newton and Newton steps on a sum of squares, down to rounding level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from autograd.support.locks import cached_property
from optim.solvers._arrays import Array, lengths, scales

__all__ = ["Iterate", "NewtonStep", "Problem", "descend"]

EPSILON = float(np.finfo(float).eps)
_SHORTEST = 2.0**-20  # of the full step, tried when the sum of squares rises
_LEVEL = 1e-9  # of the sum of squares: a rise that a shorter step may have
_FLATTEST = (
    1e-3  # curvature, relative to Gauss and Newton's, below which a direction counts as bent the wrong way
)


@dataclass(frozen=True)
class Problem:
    """A sum of squares to be minimised within bounds.

    Attributes:
        residuals: from n parameters to m residuals.
        jacobian: from n parameters to the residuals' derivatives, of shape (m, n).
        curvature: from parameters and residuals to the sum of residual times second derivatives, of
            shape (n, n); None for Gauss-Newton steps, which leave it out.
        lower: the least values of the parameters.
        upper: the largest.
        rounding: how far each residual may be off whatever the parameters are.
    """

    residuals: Callable[[Array], Array]
    jacobian: Callable[[Array], Array]
    curvature: Callable[[Array, Array], Array] | None = None
    lower: float | Array = -np.inf
    upper: float | Array = np.inf
    rounding: float | Array = 0.0


class Iterate:
    """A point on the way: its sum of squares, and what its derivatives say of the minimum."""

    def __init__(self, problem: Problem, x: Array) -> None:
        self._problem = problem
        self.x = x
        self.residuals = problem.residuals(x)
        with np.errstate(over="ignore", invalid="ignore"):
            self.square = float(self.residuals @ self.residuals)

    @cached_property
    def jacobian(self) -> Array:
        """The residuals' derivatives by all parameters."""
        return self._problem.jacobian(self.x)

    @property
    def is_finite(self) -> bool:
        """Whether the point can be gone on from."""
        return bool(np.isfinite(self.square) and np.isfinite(self.jacobian).all())

    @cached_property
    def roundings(self) -> Array:
        """How far each residual may be off: what a rounding of each parameter does to it, for one."""
        roundings: Array = EPSILON * (np.abs(self.jacobian) @ np.abs(self.x)) + self._problem.rounding
        return roundings

    @cached_property
    def noise(self) -> float:
        """How far the residuals may be off, all together."""
        return float(lengths(self.roundings))

    @property
    def rounding(self) -> float:
        """How far the sum of squares may be off."""
        return self.noise * (2.0 * float(np.sqrt(self.square)) + self.noise)

    @cached_property
    def step(self) -> NewtonStep:
        """The step to where the minimum is expected: what would cross a bound is held there."""
        problem, x = self._problem, self.x
        curvature = None if problem.curvature is None else problem.curvature(x, self.residuals)
        room = problem.lower - x, problem.upper - x
        # A step of each alone tells which press on a bound; at a bound, those whose slope points out of it.
        scale = scales(self.jacobian)
        alone = -((self.jacobian / scale).T @ self.residuals) / scale
        held = (alone <= room[0]) | (alone >= room[1])
        change = np.where(held, np.clip(alone, *room), 0.0)
        while True:
            moved = self.jacobian @ change
            shifted = self.residuals + moved
            bent = None if curvature is None else curvature[np.ix_(~held, ~held)]
            solved = _solve(self.jacobian[:, ~held], shifted, bent)
            change[~held] = solved.change
            crossing = ~held & ((change < room[0]) | (change > room[1]))
            if not crossing.any():
                size = float(np.hypot(solved.size, lengths(moved)))
                promised = solved.promised + self.square - float(shifted @ shifted)
                return NewtonStep(change, size, promised, solved.convex)
            held |= crossing
            change = np.where(held, np.clip(change, *room), 0.0)


class NewtonStep(NamedTuple):
    """A step, and what is known of it.

    Attributes:
        change: of the parameters.
        size: its length, measured by what it does to the residuals.
        promised: the reduction of the sum of squares that it promises.
        convex: whether the sum of squares is bent upwards in all directions.
    """

    change: Array
    size: float
    promised: float
    convex: bool


def _solve(jacobian: Array, residuals: Array, curvature: Array | None) -> NewtonStep:
    """The step to the minimum of a sum of squares, as the derivatives at a point tell.

    With J = U S V' (of columns scaled to length 1), a step T z with T = V / S changes the residuals by
    U z. Along z the Hessian is I + T' C T: the curvature C, the sum of residual times second derivatives,
    is what Gauss-Newton leaves out. So no normal equations are formed, whose condition is the square of J's.
    """
    scale = scales(jacobian)
    basis, triangle = np.linalg.qr(jacobian / scale)
    left, singular, right = np.linalg.svd(triangle, full_matrices=False)
    kept = singular > EPSILON * max(jacobian.shape) * singular.max(initial=0.0)
    steps = (right[kept].T / singular[kept]) / scale[:, None]
    slopes = left[:, kept].T @ (basis.T @ residuals)
    z, convex = -slopes, True
    if curvature is not None and len(z):
        relative = steps.T @ curvature @ steps
        if np.isfinite(relative).all():
            values, axes = np.linalg.eigh(np.eye(len(z)) + (relative + relative.T) / 2.0)
            convex = bool(values[0] > 0.0)
            # Along an axis that is bent the wrong way, or hardly bent, Newton's step would climb or leap.
            values = np.where(values > _FLATTEST, values, np.maximum(np.abs(values), 1.0))
            z = -axes @ ((axes.T @ slopes) / values)
    return NewtonStep(steps @ z, float(lengths(z)), float(-slopes @ z), convex)


def descend(problem: Problem, x: Array, max_steps: int = 100) -> tuple[Iterate, int]:
    """Take steps while the sum of squares falls, then while they get shorter.

    Near the minimum the sum of squares is flat to rounding long before the parameters are exact; there
    the steps' own length tells more (P. Deuflhard, Newton Methods for Nonlinear Problems, 2004, 4.3).

    Returns:
        The last iterate, and the number of steps.
    """
    at = Iterate(problem, x)
    if not at.is_finite:
        return at, 0
    for count in range(max_steps):
        following = _next(problem, at)
        if following is None:
            return _on_bounds(problem, at), count
        at = following
    return at, max_steps


def _on_bounds(problem: Problem, at: Iterate) -> Iterate:
    """The iterate with what is a rounding away from a bound that it presses on put there."""
    end = np.clip(at.x + at.step.change, problem.lower, problem.upper)
    reached = ((end == problem.lower) | (end == problem.upper)) & (end != at.x)
    if not reached.any():
        return at
    trial = Iterate(problem, np.where(reached, end, at.x))
    return trial if trial.square <= at.square + at.rounding and trial.is_finite else at


def _next(problem: Problem, at: Iterate) -> Iterate | None:
    """The iterate that follows; None at the end, where rounding decides what is better."""
    if at.step.size <= EPSILON * np.sqrt(at.square):
        return None
    fraction = 1.0
    while fraction >= _SHORTEST:
        trial = Iterate(problem, np.clip(at.x + fraction * at.step.change, problem.lower, problem.upper))
        if np.isfinite(trial.square):
            enough = at.square - 1e-4 * fraction * at.step.promised
            if trial.square < enough - at.rounding and trial.is_finite:
                return trial
            level = trial.square <= at.square * (1.0 + _LEVEL) + 10.0 * at.rounding
            if fraction == 1.0 and level and trial.is_finite and trial.step.size < at.step.size:
                return trial
        if at.step.promised <= at.rounding:
            return None
        fraction /= 2.0
    return None
