"""How well the parameters of a fit are known; a warning names those that are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from optim.arrays import Array, lengths
from optim.solvers._covariance import spread
from optim.solvers._regression import Regression
from optim.solvers._regression_fits import RegressionFit
from optim.solvers._warnings import warn

__all__ = ["Uncertainty", "uncertainty"]

_TINY = float(np.finfo(float).tiny)


class Uncertainty(NamedTuple):
    """How well the parameters are known.

    Attributes:
        covariances: of shape (p, p); inf for parameters that are not determined.
        errors: the standard errors, of shape (p,): right even where a variance over- or underflows.
        undetermined: names of the parameters that the data do not determine.
    """

    covariances: Array
    errors: Array
    undetermined: list[str]


def uncertainty(
    fit: RegressionFit, regression: Regression, exponent: int, names: Sequence[str], absolute: bool
) -> Uncertainty:
    """How well the parameters are known.

    Args:
        fit: the fit.
        regression: what it is a fit of.
        exponent: whitened residuals are in units of 2**exponent standard deviations.
        names: of the parameters.
        absolute: whether those deviations are given; otherwise the residuals tell their scale.

    Warns:
        OptimizeWarning: the data do not determine a parameter or leave no degree of freedom, or a variance
            is beyond what floats can hold.
    """
    freedom = len(fit.residuals) - len(names)
    with np.errstate(all="ignore"):
        factor, unknown = spread(
            lambda params: fit.weights * regression.jacobian(params),
            fit.params,
            regression.rounding + regression.noise(fit.params),
            fit.weights * regression.nudged().jacobian(fit.params),
        )
        if absolute:
            factor = np.ldexp(factor, -exponent)
        else:  # residuals below rounding do not tell of a variance below it
            factor *= np.sqrt(max(fit.square / max(freedom, 1), float(np.mean(regression.rounding**2))))
        covariances, errors = factor @ factor.T, lengths(factor, axis=1)
        variances = np.diag(covariances)
        beyond = (errors > 0.0) & ~((variances >= _TINY) & np.isfinite(variances))
    undetermined = [names[i] for i in unknown]
    if freedom <= 0 and not absolute:
        warn(
            f"{len(fit.residuals)} observations of {len(names)} parameters leave nothing to tell the "
            "residuals' variance from: all variances are inf. Give sigma with absolute_sigma=True"
        )
        unknown = list(range(len(names)))
    elif undetermined:
        change = "change them together" if len(undetermined) > 1 else "change it"
        warn(
            f"the data do not determine {', '.join(undetermined)}: there is a way to {change} that leaves "
            "every residual as it is, to first order and to rounding. The variance is inf; fix a parameter, "
            "or write the formula with fewer"
        )
    errors[unknown] = covariances[unknown, :] = covariances[:, unknown] = np.inf
    beyond[unknown] = False
    if beyond.any():
        warn(
            f"the variance of {', '.join(np.array(names)[beyond])} is beyond what floats can hold: choose "
            "other units, or take the standard errors from full_output's 'stderr'"
        )
    return Uncertainty(covariances, errors, undetermined)
