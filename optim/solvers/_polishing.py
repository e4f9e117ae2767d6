"""Newton's method on a smooth function, from where a search ended, to rounding level."""

from __future__ import annotations

import numpy as np

from autograd.support.locks import cached_property
from optim.arrays import Array, lengths
from optim.solvers._descent import EPSILON, Iterate, NewtonStep, descend
from optim.solvers._objective import Objective, Point

__all__ = ["polished"]

_STEPS = 50
_NEAR = 1e-6  # of the unknowns' size: a step as short is near a minimum
_SHRUNK = 1e-3  # of the first step: one that tells of a minimum, if a flat one
_FLAT = 1e-8  # of the largest curvature (of unknowns scaled to 1 each): a negative one that may be rounding
_EVEN = 16.0 * EPSILON  # of the same, for each unknown: curvature of which nothing is known
_AT_REST = 1e-8  # of what the curvature makes of the unknowns' size: a gradient that is none


@np.errstate(all="ignore")
def polished(objective: Objective, x: Array) -> tuple[SmoothIterate, int, bool] | None:
    """Go on from a point by Newton's method.

    Returns:
        Where it came to, after how many steps, and whether a further one would change nothing but rounding;
        None where that is no better: it rose, or went far without an end.
    """
    start = SmoothIterate(objective, np.clip(x, objective.lower, objective.upper))
    if not start.is_finite:
        return None
    end, steps = descend(start, _STEPS)
    gradient, size = end.point.gradient, np.abs(end.x)
    free = ~((end.x <= objective.lower) & (gradient > 0.0) | (end.x >= objective.upper) & (gradient < 0.0))
    tolerance = _AT_REST * (size @ np.abs(end.hessian) @ size + abs(end.value))
    at_rest = np.abs(gradient[free]) @ size[free] <= tolerance + end.rounding
    settled = bool(at_rest and end.step.promised <= 2.0 * end.rounding)
    last, first = lengths(end.step.change), lengths(start.step.change)
    near = last <= _NEAR * lengths(end.x) or last <= _SHRUNK * first
    if end.value > start.value + 10.0 * end.rounding or not near:
        return None
    return end, steps, settled


class SmoothIterate(Iterate):
    """A point on the way, with the gradient and the Hessian there; the problem is an `Objective`."""

    def __init__(self, problem: Objective, x: Array) -> None:
        super().__init__(problem, x)
        self.point: Point = problem.point(x)
        self.value = self.point.value

    @property
    def is_finite(self) -> bool:
        return self.point.is_finite and bool(np.isfinite(self.hessian).all())

    @cached_property
    def rounding(self) -> float:
        gradient, x = self.point.gradient, self.x
        off = [EPSILON * abs(self.value)]  # at least; over the smallest change of an unknown it is a line
        for i, side in np.ndindex(len(x), 2):
            moved = x.copy()
            moved[i] = np.nextafter(x[i], (self.problem.lower, self.problem.upper)[side][i])
            value = self.problem.point(moved, derived=False).value
            off.append(abs(value - self.value - float((moved - x) @ gradient)))
        return float(np.nanmax(off)) + EPSILON * float(np.abs(gradient) @ np.abs(x))

    @cached_property
    def hessian(self) -> Array:
        """The Hessian, of shape (n, n)."""
        hessian: Array = self.problem.hessian(self.x)
        return hessian

    @property
    def alone(self) -> Array:
        with np.errstate(all="ignore"):
            return np.nan_to_num(
                -self.point.gradient / np.abs(np.diag(self.hessian)), nan=0.0, posinf=np.inf, neginf=-np.inf
            )

    def solved(self, change: Array, free: np.ndarray) -> NewtonStep:
        diagonal = np.sqrt(np.abs(np.diag(self.hessian)))[free]
        scale = np.where(diagonal > 0.0, diagonal, 1.0)
        values, axes = np.linalg.eigh(self.hessian[np.ix_(free, free)] / np.outer(scale, scale))
        slopes = axes.T @ ((self.point.gradient + self.hessian @ change)[free] / scale)
        largest = np.abs(values).max(initial=0.0)
        bent = np.abs(values) > _EVEN * len(values) * largest
        # Along an axis that is bent the wrong way Newton's step would climb; along one that is flat, leap.
        along = np.where(bent, -slopes / np.where(bent, np.abs(values), 1.0), 0.0)
        whole = change.copy()
        whole[free] = (axes @ along) / scale
        promised = -float(self.point.gradient @ whole + whole @ self.hessian @ whole / 2.0)
        return NewtonStep(
            whole,
            float(np.sqrt(2.0 * max(promised, 0.0))),
            promised,
            bool((values >= -_FLAT * largest).all()),
        )
