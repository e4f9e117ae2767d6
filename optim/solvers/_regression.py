"""A formula over all points of a data set: residuals and exact derivatives by its parameters."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np

from autograd import hessian, jvp, trace, value_and_grad, vmap
from autograd.ieee import described
from autograd.value import Value
from optim.solvers._arrays import Array

__all__ = ["Regression", "Whitening"]


class Whitening:
    """Turns residuals into uncorrelated ones of variance 1.

    Args:
        sigma: the observations' standard deviations, of shape (n,), or their covariances, (n, n).
        count: the number of observations.

    Raises:
        ValueError: the covariances are not symmetric and positive definite.
    """

    def __init__(self, sigma: Array | None, count: int) -> None:
        self.deviations = np.ones(count) if sigma is None else sigma
        self._factor: Array | None = None
        if sigma is not None and sigma.ndim == 2:
            self._factor = _factor_of(sigma)
            self.deviations = np.sqrt(np.diag(sigma))

    def apply(self, rows: Array) -> Array:
        """Whiten an array whose first axis counts the observations."""
        if self._factor is not None:
            return _triangular(self._factor, rows, transposed=False)
        return (rows.T / self.deviations).T

    def transposed(self, residuals: Array) -> Array:
        """The transposed operation: pulls whitened residuals back to the observations."""
        if self._factor is not None:
            return _triangular(self._factor, residuals, transposed=True)
        return residuals / self.deviations


def _factor_of(covariances: Array) -> Array:
    symmetric = np.allclose(covariances, covariances.T, rtol=1e-10, atol=0.0)
    try:
        if symmetric:
            return np.linalg.cholesky(covariances).astype(float)
    except np.linalg.LinAlgError:
        pass
    wrong = "is not positive definite" if symmetric else "is not symmetric"
    raise ValueError(f"sigma of shape {covariances.shape} must be a covariance matrix, but {wrong}")


def _triangular(factor: Array, rows: Array, *, transposed: bool) -> Array:
    from scipy.linalg import solve_triangular

    solved: Array = solve_triangular(factor, rows, trans="T" if transposed else "N", lower=True)
    return solved


class Regression:
    """The residuals ``(f(x_i, *params) - y_i) / sigma_i`` of a formula ``f(x, *params)`` for one point.

    Args:
        f: the formula.
        x: the predictors, of shape (n,) or (k, n).
        y: the observations, of shape (n,).
        size: the number of parameters.
        whitening: what divides by sigma.
        engine: as for `autograd.jit`.

    Attributes:
        evaluations: how many times the residuals were computed at all points.
    """

    def __init__(
        self, f: Callable[..., Any], x: Array, y: Array, size: int, whitening: Whitening, engine: str
    ) -> None:
        def at_point(params: Any, x: Any) -> Any:
            return _one_number(f(x, *params))

        def bent(params: Any, x: Any, weight: Any) -> Any:
            return [[weight * entry for entry in row] for row in hessian(at_point)(params, x)]

        def bend(params: Any, x: Any, direction: Any) -> Any:
            def along(params: Any) -> Any:
                return jvp(lambda params: at_point(params, x), (params,), (direction,))[1]

            return jvp(along, (params,), (direction,))[1]

        self.x, self.y, self.size = x, y, size
        self.evaluations = 0
        self._whitening = whitening
        self._at_point = at_point
        self._values = vmap(at_point, in_axes=(None, -1), engine=engine)
        self._values_of_many = vmap(at_point, in_axes=(0, -1), engine=engine)
        self._gradients = vmap(value_and_grad(at_point), in_axes=(None, -1), engine=engine)
        self._gradients_of_many = vmap(value_and_grad(at_point), in_axes=(0, -1), engine=engine)
        self._curvature = vmap(bent, in_axes=(None, -1, 0), reduce="sum", engine=engine)
        self._bends_of_many = vmap(bend, in_axes=(0, -1, 0), engine=engine)

    def residuals(self, params: Array) -> Array:
        """The whitened residuals, of shape (n,)."""
        self.evaluations += 1
        return self._whitening.apply(self._values(params.tolist(), self.x) - self.y)

    def square(self, params: Array) -> float:
        """The sum of their squares."""
        residuals = self.residuals(params)
        return float(residuals @ residuals)

    def jacobian(self, params: Array) -> Array:
        """Their derivatives by the parameters, of shape (n, p)."""
        columns = self._gradients(params.tolist(), self.x)[1]
        return self._whitening.apply(np.stack(columns, axis=1))

    def curvature(self, params: Array, residuals: Array) -> Array:
        """The sum of residual times second derivatives: what Gauss and Newton leave out, of shape (p, p)."""
        weights = self._whitening.transposed(residuals)
        return np.array(self._curvature(params.tolist(), self.x, weights))

    @cached_property
    def linear(self) -> list[int]:
        """Parameters in which, taken together, the formula is linear: their second derivatives are 0.

        That is read off the formula's program, where such a derivative is the constant 0.
        """
        first = self.x[..., 0]
        example = first if first.ndim else float(first)
        program = trace(hessian(self._at_point), [1.0] * self.size, example)
        begin, end = len(program.inputs), len(program.inputs) + len(program.constants)
        zero = [begin <= at < end and program.constants[at - begin] == 0.0 for at in program.outputs]
        vanishes = np.array(zero).reshape(self.size, self.size)
        chosen: list[int] = []
        for i in range(self.size):
            if vanishes[i, [*chosen, i]].all():
                chosen.append(i)
        return chosen

    def thinned(self, points: int, rng: np.random.Generator) -> Regression:
        """The same for a random selection of the points, with correlations between them left out."""
        count = len(self.y)
        chosen = np.arange(count) if count <= points else np.sort(rng.choice(count, points, replace=False))
        other = copy(self)
        other.x, other.y = np.ascontiguousarray(self.x[..., chosen]), self.y[chosen]
        other._whitening = Whitening(self._whitening.deviations[chosen], len(chosen))
        return other

    def residuals_of_many(self, params: Array) -> Array:
        """The residuals of m parameter sets (m, p), of shape (m, n)."""
        return self._whitened_rows(self._values_of_many(*self._spread(params)))

    def of_many(self, params: Array) -> tuple[Array, Array]:
        """The same, and their derivatives by the parameters, of shape (m, n, p)."""
        values, columns = self._gradients_of_many(*self._spread(params))
        jacobian = np.stack(columns, axis=1).reshape(len(params), len(self.y), self.size)
        return self._whitened_rows(values), jacobian / self._whitening.deviations[:, None]

    def _whitened_rows(self, values: Array) -> Array:
        residuals: Array = (values.reshape(-1, len(self.y)) - self.y) / self._whitening.deviations
        return residuals

    def bends_of_many(self, params: Array, directions: Array) -> Array:
        """The residuals' second derivatives along a direction for each parameter set, of shape (m, n)."""
        along = [np.repeat(column, len(self.y)) for column in directions.T]
        bends = self._bends_of_many(*self._spread(params), along)
        found: Array = bends.reshape(len(params), len(self.y)) / self._whitening.deviations
        return found

    def _spread(self, params: Array) -> tuple[list[Array], Array]:
        """Every parameter set at every point, as the columns of one batch."""
        return [np.repeat(column, len(self.y)) for column in params.T], np.tile(self.x, len(params))


def _one_number(result: Any) -> Any:
    if isinstance(result, np.ndarray) and result.size == 1:
        result = result.item()
    if isinstance(result, (Value, int, float, np.floating, np.integer)):
        return result
    raise TypeError(
        "the formula must return one number for one point: f(x, *params) is handed xdata[i], or the column "
        f"xdata[:, i] where there are several predictors; got {described(result)}"
    )
