"""The data of a fit: predictors, observations and their uncertainties, checked."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from optim.arrays import Array, real_array, refuse_infinite
from optim.solvers._whitening import Whitening

__all__ = ["Observations"]


class Observations(NamedTuple):
    """What was observed.

    Attributes:
        x: the predictors, of shape (n,) or (k, n).
        y: the observations, of shape (n,).
        whitening: what divides residuals by their uncertainties.
    """

    x: Array
    y: Array
    whitening: Whitening

    @classmethod
    def checked(cls, xdata: Any, ydata: Any, sigma: Any, nan_policy: str | None) -> Observations:
        """The data as arrays of floats.

        Raises:
            TypeError: something is not made of real numbers.
            ValueError: shapes do not match, there is nothing, something is nan or inf, or sigma is no
                uncertainty.
        """
        if nan_policy not in (None, "raise", "omit"):
            raise ValueError(f"nan_policy must be 'raise' or 'omit', got {nan_policy!r}")
        x, y = real_array(xdata, "xdata"), real_array(ydata, "ydata")
        if y.ndim != 1:
            raise ValueError(
                f"ydata must have shape (n,), one observation a point, but is {y.ndim}-dimensional, of shape "
                f"{y.shape}{_advice(y)}"
            )
        if not len(y):
            raise ValueError("ydata must have at least one observation, got none")
        if x.ndim == 0 or x.shape[-1] != len(y):
            hint = ": pass its transpose, xdata.T" if x.ndim == 2 and x.shape[0] == len(y) else ""
            raise ValueError(
                f"xdata must have shape ({len(y)},), or (k, {len(y)}) for k predictors, to match ydata's "
                f"{len(y)} observations, got shape {x.shape}{hint}"
            )
        deviations = None if sigma is None else _uncertainties(sigma, len(y))
        if nan_policy == "omit":
            complete = ~(np.isnan(y) | np.isnan(x.reshape(-1, len(y))).any(axis=0))
            x, y = x[..., complete], y[complete]
            if not len(y):
                raise ValueError("every point of the data holds a nan: there is nothing to fit")
            if deviations is not None:
                deviations = (
                    deviations[complete] if deviations.ndim == 1 else deviations[np.ix_(complete, complete)]
                )
        omit = "; nan_policy='omit' leaves out points that hold a nan"
        refuse_infinite(x, "xdata", omit)
        refuse_infinite(y, "ydata", omit)
        return cls(np.ascontiguousarray(x), y, Whitening(deviations, y))


def _advice(y: Array) -> str:
    """How to make one-dimensional observations of others."""
    if y.ndim > 1 and y.size == max(y.shape):
        return ": pass ydata.ravel()"
    return ": fit one column at a time, ydata[:, 0] first" if y.ndim == 2 else ""


def _uncertainties(sigma: Any, count: int) -> Array:
    array = real_array(sigma, "sigma")
    if array.shape == ():
        array = np.full(count, float(array))
    if array.shape not in ((count,), (count, count)):
        raise ValueError(
            f"sigma must be one number, have shape ({count},) for standard deviations or ({count}, {count}) "
            f"for covariances, got shape {array.shape}"
        )
    refuse_infinite(array, "sigma")
    if array.ndim == 1 and not (array > 0.0).all():
        at = int(np.argmin(array > 0.0))
        raise ValueError(f"sigma must be above 0, got {array[at]:g} at point {at}")
    return array
