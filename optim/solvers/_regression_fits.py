"""Fits of a regression: from one starting point by one method, or from many, keeping the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optim.arrays import Array, lengths
from optim.solvers._descent import descend
from optim.solvers._newton import SquaresIterate
from optim.solvers._regression import Regression
from optim.solvers._searching import promising_starts

__all__ = ["SCIPY_METHODS", "RegressionFit", "best_fit", "fit_from"]

SCIPY_METHODS = {"trf": "trf", "dogbox": "dogbox", "lm": "lm", "levenberg-marquardt": "lm"}
_FINISHED = 3  # of the points that a search finds, followed to the end
_TOLERANCE = 1e-15
_SETTLED = 1e-6  # of a standard error: the distance from the minimum at which a fit counts as converged
_NOISE = 100.0  # roundings of the parameters; a fit without residuals is at the minimum when it is as near
_GAIN = 1e-6  # of the sum of squares: what a later fit must gain to be preferred
_HOPELESS = 2.0  # times the least sum of squares so far: a start above it is not followed
_SMALL, _LARGE = 1e-100, 1e100  # lengths of a Jacobian's columns that need no other units
_HUGE = 1e100  # stands for residuals that are inf or nan, so that a solver turns round


@dataclass(frozen=True)
class RegressionFit:
    """Where a fit came to.

    Attributes:
        params: the parameters.
        residuals: the whitened residuals there.
        weights: what another loss than the squares multiplies their derivatives by, each of shape (n, 1).
        square: the sum of their squares (for another loss than the squares, twice SciPy's cost).
        distance: how far the minimum is estimated to be, in standard errors; inf where it is no bowl.
        rounding: how far the sum of squares may be off.
        converged: whether the minimum is next to nothing away.
        method: how it was found.
    """

    params: Array
    residuals: Array
    weights: Array | float
    square: float
    distance: float
    rounding: float
    converged: bool
    method: str

    def beats(self, other: RegressionFit) -> bool:
        """Whether it is to be preferred to a fit that was found before it."""
        if self.converged != other.converged:
            return self.converged
        return self.square < other.square * (1.0 - _GAIN) - other.rounding


def fit_from(
    regression: Regression, start: Array, method: str, options: Mapping[str, Any]
) -> RegressionFit | None:
    """Fit from one starting point by one of SciPy's methods, and go on by Newton's to rounding level.

    Returns:
        The fit; None where the residuals are not finite at the starting point, or the method broke down.

    Raises:
        ValueError: SciPy refuses the method for such a problem.
    """
    from scipy.optimize import least_squares

    if method == "lm" and regression.is_bounded:
        raise ValueError("method 'lm' takes no bounds: 'trf', 'dogbox' and None do")
    with np.errstate(all="ignore"):
        if not np.isfinite(regression.residuals(start)).all():
            return None
        units = _units(regression, start)
        settings: dict[str, Any] = {**dict.fromkeys(("ftol", "xtol", "gtol"), _TOLERANCE), "x_scale": "jac"}
        settings |= {"max_nfev": 100 * (len(start) + 1), **options}
        if method != "lm":
            settings["bounds"] = (regression.lower / units, regression.upper / units)
        if not isinstance(settings["x_scale"], (str, type(None))):
            settings["x_scale"] = settings["x_scale"] / units

        def residuals(x: Array) -> Array:
            return np.nan_to_num(regression.residuals(x * units), nan=_HUGE, posinf=_HUGE, neginf=-_HUGE)

        def jacobian(x: Array) -> Array:
            return np.nan_to_num(regression.jacobian(x * units) * units, posinf=0.0, neginf=0.0)

        try:
            result = least_squares(residuals, start / units, jacobian, method=method, **settings)
        except np.linalg.LinAlgError:
            return None
        result.x, result.jac = result.x * units, result.jac / units
        if settings.get("loss", "linear") != "linear":
            return _robust(regression, result, method)
        return _finished(regression, result.x, method)


def _units(regression: Regression, start: Array) -> Array:
    """Units for the parameters, 1 if possible, in which SciPy may square the derivatives."""
    slopes = lengths(regression.jacobian(start))
    fine = ~np.isfinite(slopes) | (slopes == 0.0) | ((slopes > _SMALL) & (slopes < _LARGE))
    return np.where(fine, 1.0, np.ldexp(1.0, -np.frexp(slopes)[1]))


def _robust(regression: Regression, result: Any, method: str) -> RegressionFit:
    """SciPy's result for another loss than the squares."""
    plain = lengths(regression.jacobian(result.x), axis=1)
    weights = lengths(result.jac, axis=1) / np.where(plain == 0.0, 1.0, plain)
    return RegressionFit(
        result.x, result.fun, weights[:, None], 2.0 * result.cost, np.nan, 0.0, result.status > 0, method
    )


def _finished(regression: Regression, start: Array, method: str) -> RegressionFit:
    at, steps = descend(SquaresIterate(regression, start))
    converged, distance, rounding = False, np.inf, 0.0
    if at.is_finite:
        freedom = max(1, len(at.residuals) - len(at.x))
        deviation = np.sqrt(max(at.value / freedom, float(np.mean(regression.rounding**2))))
        size, noise = at.step.size, _NOISE * at.noise
        rounding = noise * (2.0 * float(np.sqrt(at.value)) + noise)
        # Of residuals that are noise the second derivatives tell nothing.
        bowl = at.step.convex or np.sqrt(at.value) <= noise
        if bowl:
            distance = float(size / deviation) if deviation else 0.0
        converged = bool(bowl and size <= max(_SETTLED * deviation, noise))
    name = f"{method}, then {steps} Newton steps" if steps else method
    return RegressionFit(at.x, at.residuals, 1.0, at.value, distance, rounding, converged, name)


def best_fit(
    regression: Regression, p0: Array | None, starts: int, seed: int, options: Mapping[str, Any]
) -> RegressionFit | None:
    """The best of several fits: from p0 by more than one method, and from what a search finds.

    Returns:
        The first converged fit that no later one betters; the best one where none converged; None where
        the formula is finite at none of the starting points.
    """
    first = "trf" if regression.is_bounded or len(regression.y) < regression.size else "lm"
    best: RegressionFit | None = None

    def follow(start: Array, method: str) -> None:
        nonlocal best
        fit = fit_from(regression, start, method, options)
        if fit is not None and (best is None or fit.beats(best)):
            best = fit

    if p0 is not None:
        for method in dict.fromkeys((first, "trf")):
            follow(p0, method)
    searched = promising_starts(regression, p0, starts, seed) if starts else []
    for start in searched[:_FINISHED]:
        if best is None or not best.converged or regression.square(start) < _HOPELESS * best.square:
            follow(start, first)
    return best
