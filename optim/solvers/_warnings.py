"""Warnings as SciPy gives them; and its arguments that mean nothing where derivatives are exact."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["split_ignored", "warn", "warn_of_ignored"]

_DERIVATIVES = ("jac", "hess", "hessp", "diff_step", "epsfcn", "Dfun", "col_deriv")
_REASONS = {
    **dict.fromkeys(_DERIVATIVES, "derivatives are exact"),
    "jac_sparsity": "Jacobians are dense",
    "workers": "there are no finite differences to share out",
    "check_finite": "data are always checked",
    "maxfev": "max_nfev limits the evaluations",
    "factor": "steps are scaled by the Jacobian",
    "diag": "x_scale scales the parameters",
    "verbose": "a fit is several runs",
    "callback": "no iterations of SciPy's are run",
}


def split_ignored(
    options: Mapping[str, Any], used: Collection[str], function: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options that are used, and those of SciPy's that are not.

    Raises:
        TypeError: an option is neither.

    >>> split_ignored({"ftol": 1e-9, "maxfev": 100}, ["ftol"], "curve_fit")
    ({'ftol': 1e-09}, {'maxfev': 100})
    """
    if unknown := [name for name in options if name not in used and name not in _REASONS]:
        raise TypeError(f"{function} has no option {unknown[0]!r}; there are {', '.join(sorted(used))}")
    passed_on = {name: value for name, value in options.items() if name in used}
    return passed_on, {name: value for name, value in options.items() if name not in used}


def warn_of_ignored(function: str, **arguments: Any) -> None:
    """Name the arguments that were given, and say why each is ignored.

    Warns:
        OptimizeWarning: there is one that is not None.
    """
    reasons = [f"{name} ({_REASONS[name]})" for name, value in arguments.items() if value is not None]
    if reasons:
        warn(f"{function} ignores {', '.join(reasons)}")


def warn(message: str) -> None:
    """Warn of the line that called the solver, which called what calls this."""
    from scipy.optimize import OptimizeWarning

    warnings.warn(message, OptimizeWarning, stacklevel=4)
