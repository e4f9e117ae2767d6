"""Residuals divided by their uncertainties, and brought to a size whose squares are floats."""

from __future__ import annotations

import numpy as np

from optim.arrays import Array

__all__ = ["Whitening"]

_UNIT = float(np.finfo(float).eps) / 2.0  # the largest relative error of one rounding


class Whitening:
    """Turns residuals into uncorrelated ones of equal variance.

    Their common standard deviation is ``2**-exponent``. The exponent makes the largest ratio of an
    observation to its standard deviation about 1, so that sums of squares neither overflow nor vanish in any
    units. Scaling by a power of two rounds nothing.

    Args:
        sigma: the observations' standard deviations, of shape (n,), or their covariances, (n, n); None for
            equal ones of 1.
        y: the observations, of shape (n,).

    Attributes:
        exponent: see above.

    Raises:
        ValueError: the covariances are not symmetric and positive definite.

    >>> whitening = Whitening(np.array([2.0**-600, 2.0**-599]), np.array([1.0, 1.0]))
    >>> whitening.exponent, whitening.apply(np.array([3.0, 3.0]))
    (600, array([3. , 1.5]))
    """

    def __init__(self, sigma: Array | None, y: Array) -> None:
        self._factor: Array | None = None
        self._shift = 0
        deviations = np.ones(len(y)) if sigma is None else sigma
        if deviations.ndim == 2:
            self._shift = _exponent(np.diag(deviations).max()) // 2
            covariances = np.ldexp(deviations, -2 * self._shift)
            self._factor = _factor_of(covariances)
            deviations = np.ldexp(np.sqrt(np.diag(covariances)), self._shift)
        counted = y != 0.0 if y.any() else np.full(len(y), True)
        self.exponent = int((np.frexp(y[counted])[1] - np.frexp(deviations[counted])[1]).max())
        self._shift += self.exponent
        with np.errstate(over="ignore", under="ignore"):
            scaled = np.ldexp(deviations, self.exponent)
        self._deviations: Array = np.clip(scaled, np.finfo(float).tiny, np.finfo(float).max)

    def without_correlations(self, chosen: np.ndarray) -> Whitening:
        """The same for some of the observations, with correlations between them left out."""
        other = object.__new__(Whitening)
        other.exponent, other._shift, other._factor = self.exponent, self._shift, None
        other._deviations = self._deviations[chosen]
        return other

    def apply(self, rows: Array) -> Array:
        """Whiten an array whose first axis counts the observations."""
        if self._factor is not None:
            return _triangular(self._factor, np.ldexp(rows, -self._shift), transposed=False)
        whitened: Array = (rows.T / self._deviations).T
        return whitened

    def apply_to_columns(self, columns: Array) -> Array:
        """The same for an array whose last axis counts them, correlations left out."""
        whitened: Array = columns / self._deviations
        return whitened

    def transposed(self, residuals: Array) -> Array:
        """The transposed operation: pulls whitened residuals back to the observations."""
        if self._factor is not None:
            pulled: Array = np.ldexp(_triangular(self._factor, residuals, transposed=True), -self._shift)
            return pulled
        return residuals / self._deviations

    def rounding(self, y: Array) -> Array:
        """How far each whitened residual may be off because the observations are rounded to floats."""
        rounding = _UNIT * np.abs(y)
        if self._factor is None:
            return self.apply(rounding)
        total: Array = np.abs(self.apply(np.diag(rounding))).sum(axis=1)
        return total


def _exponent(number: float) -> int:
    return int(np.frexp(number)[1])


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
