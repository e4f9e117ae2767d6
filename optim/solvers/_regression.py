"""A formula over all points of a data set: residuals and exact derivatives by its parameters."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np

from autograd import hessian, jit, jvp, trace, value_and_grad, vmap
from autograd.support.locks import cached_property
from optim.arrays import Array
from optim.solvers._compiling import one_number
from optim.solvers._whitening import Whitening

__all__ = ["Regression"]

_REQUIREMENT = (
    "the formula must return one number for one point: f(x, *params) is handed xdata[i], or the column "
    "xdata[:, i] where there are several predictors;"
)


class Regression:
    """The residuals of a formula ``f(x, *params)`` for one point, ``f(x_i, *params) - y_i``, whitened.

    Args:
        f: the formula.
        x: the predictors, of shape (n,) or (k, n).
        y: the observations, of shape (n,).
        size: the number of parameters.
        whitening: what divides by sigma.
        engine: as for `autograd.jit`.
        bounds: the least and the largest values of the parameters, of shape (size,) or one for all.

    Attributes:
        lower, upper: the bounds, of shape (size,).
        evaluations: how many times the residuals were computed at all points.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        x: Array,
        y: Array,
        size: int,
        whitening: Whitening,
        engine: str,
        bounds: tuple[float | Array, float | Array] = (-np.inf, np.inf),
    ) -> None:
        def at_point(params: Any, x: Any) -> Any:
            return one_number(f(x, *params), _REQUIREMENT)

        def bent(params: Any, x: Any, weight: Any) -> Any:
            return [[weight * entry for entry in row] for row in hessian(at_point)(params, x)]

        def bend(params: Any, x: Any, direction: Any) -> Any:
            def along(params: Any) -> Any:
                return jvp(lambda params: at_point(params, x), (params,), (direction,))[1]

            return jvp(along, (params,), (direction,))[1]

        self.x, self.y, self.size = x, y, size
        self.lower, self.upper = (np.broadcast_to(side, (size,)) for side in bounds)
        self.evaluations = 0
        self._whitening = whitening
        self._at_point = at_point
        self._values = jit(vmap(at_point, in_axes=(None, -1), engine=engine))
        self._values_of_many = jit(vmap(at_point, in_axes=(0, -1), engine=engine))
        self._gradients = jit(vmap(value_and_grad(at_point), in_axes=(None, -1), engine=engine))
        self._gradients_of_many = jit(vmap(value_and_grad(at_point), in_axes=(0, -1), engine=engine))
        self._curvature = jit(vmap(bent, in_axes=(None, -1, 0), reduce="sum", engine=engine))
        self._bends_of_many = jit(vmap(bend, in_axes=(0, -1, 0), engine=engine))

    def residuals(self, params: Array) -> Array:
        """The whitened residuals, of shape (n,)."""
        self.evaluations += 1
        return self._whitening.apply(self._values(params.tolist(), self.x) - self.y)

    @property
    def rounding(self) -> Array:
        """How far each may be off because the observations are rounded to floats."""
        return self._whitening.rounding(self.y)

    @property
    def is_bounded(self) -> bool:
        """Whether a parameter has a bound."""
        return bool(np.isfinite(self.lower).any() or np.isfinite(self.upper).any())

    def clip(self, params: Array) -> Array:
        """Parameters with what is out of bounds put on them."""
        return np.clip(params, self.lower, self.upper)

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
        code = program.code
        begin = len(code.inputs)
        zero = [begin <= at < code.start and code.constants[at - begin] == 0.0 for at in code.outputs]
        vanishes = np.array(zero).reshape(self.size, self.size)
        chosen: list[int] = []
        for i in range(self.size):
            if vanishes[i, [*chosen, i]].all():
                chosen.append(i)
        return chosen

    def noise(self, params: Array) -> Array:
        """How far each may be off because the formula is computed in floats.

        It is measured: over the smallest change of a parameter the formula is a straight line, so what the
        two ends together deviate from that line is rounding.
        """
        residuals, columns = self.residuals(params), self.jacobian(params).T
        noise = np.zeros(len(residuals))
        for i, column in enumerate(columns):
            for end in (-np.inf, np.inf):
                moved = params.copy()
                moved[i] = np.nextafter(params[i], end)
                change = self.residuals(moved) - residuals - (moved[i] - params[i]) * column
                noise = np.fmax(noise, np.abs(change) / 2.0)
        return noise

    def nudged(self) -> Regression:
        """The same with each predictor moved to a float beside it."""
        other = copy(self)
        other.x = np.nextafter(self.x, np.inf)
        return other

    def thinned(self, points: int, rng: np.random.Generator) -> Regression:
        """The same for a random selection of the points, with correlations between them left out."""
        count = len(self.y)
        chosen = np.arange(count) if count <= points else np.sort(rng.choice(count, points, replace=False))
        other = copy(self)
        other.x, other.y = np.ascontiguousarray(self.x[..., chosen]), self.y[chosen]
        other._whitening = self._whitening.without_correlations(chosen)
        return other

    def residuals_of_many(self, params: Array) -> Array:
        """The residuals of m parameter sets (m, p), of shape (m, n)."""
        return self._whitened_rows(self._values_of_many(*self._spread(params)))

    def of_many(self, params: Array) -> tuple[Array, Array]:
        """The same, and their derivatives by the parameters, of shape (m, n, p)."""
        values, columns = self._gradients_of_many(*self._spread(params))
        jacobian = np.stack(columns, axis=1).reshape(len(params), len(self.y), self.size)
        whitened = self._whitening.apply_to_columns(np.swapaxes(jacobian, 1, 2))
        return self._whitened_rows(values), np.swapaxes(whitened, 1, 2)

    def _whitened_rows(self, values: Array) -> Array:
        return self._whitening.apply_to_columns(values.reshape(-1, len(self.y)) - self.y)

    def bends_of_many(self, params: Array, directions: Array) -> Array:
        """The residuals' second derivatives along a direction for each parameter set, of shape (m, n)."""
        along = [np.repeat(column, len(self.y)) for column in directions.T]
        bends = self._bends_of_many(*self._spread(params), along)
        return self._whitening.apply_to_columns(bends.reshape(len(params), len(self.y)))

    def _spread(self, params: Array) -> tuple[list[Array], Array]:
        """Every parameter set at every point, as the columns of one batch."""
        return [np.repeat(column, len(self.y)) for column in params.T], np.tile(self.x, len(params))
