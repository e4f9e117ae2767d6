"""Gauss-Newton and Newton steps on a sum of squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.support.locks import cached_property
from optim.arrays import Array, lengths, scales
from optim.solvers._descent import EPSILON, Iterate, NewtonStep

__all__ = ["SquaresIterate"]

_FLATTEST = (
    1e-3  # curvature, relative to Gauss and Newton's, below which a direction counts as bent the wrong way
)


class SquaresIterate(Iterate):
    """A point on the way: its sum of squares, and what its derivatives say of the minimum.

    Args:
        problem: has, beside the bounds, from n parameters the m ``residuals`` and their ``jacobian`` (m, n);
            ``curvature``, from parameters and residuals to the sum of residual times second derivatives
            (n, n), or None for Gauss-Newton steps, which leave it out; and ``rounding``, how far each
            residual may be off whatever the parameters are.
        x: the parameters.
    """

    def __init__(self, problem: Any, x: Array) -> None:
        super().__init__(problem, x)
        self.residuals: Array = problem.residuals(x)
        with np.errstate(over="ignore", invalid="ignore"):
            self.value = float(self.residuals @ self.residuals)

    @cached_property
    def jacobian(self) -> Array:
        """The residuals' derivatives by all parameters."""
        jacobian: Array = self.problem.jacobian(self.x)
        return jacobian

    @property
    def is_finite(self) -> bool:
        return bool(np.isfinite(self.value) and np.isfinite(self.jacobian).all())

    @cached_property
    def noise(self) -> float:
        """How far the residuals may be off, all together: what a rounding of each parameter does, for one."""
        of_parameters = EPSILON * (np.abs(self.jacobian) @ np.abs(self.x))
        return float(lengths(of_parameters + self.problem.rounding))

    @property
    def rounding(self) -> float:
        return self.noise * (2.0 * float(np.sqrt(self.value)) + self.noise)

    @property
    def alone(self) -> Array:
        scale = scales(self.jacobian)
        return -((self.jacobian / scale).T @ self.residuals) / scale

    @cached_property
    def _curvature(self) -> Array | None:
        curvature = self.problem.curvature
        return None if curvature is None else curvature(self.x, self.residuals)

    def solved(self, change: Array, free: np.ndarray) -> NewtonStep:
        moved = self.jacobian @ change
        shifted = self.residuals + moved
        bent = None if self._curvature is None else self._curvature[np.ix_(free, free)]
        solved = _solve(self.jacobian[:, free], shifted, bent)
        whole = change.copy()
        whole[free] = solved.change
        size = float(np.hypot(solved.size, lengths(moved)))
        promised = solved.promised + self.value - float(shifted @ shifted)
        return NewtonStep(whole, size, promised, solved.convex)


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
