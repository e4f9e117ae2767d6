"""`curve_fit`: fit a formula to data by least squares, with its exact derivatives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.primitives.ieee import described
from autograd.support.extras import require
from optim.arrays import Array, real_array
from optim.checks import checked, whole
from optim.solvers._observations import Observations
from optim.solvers._regression import Regression
from optim.solvers._regression_fits import SCIPY_METHODS, RegressionFit, best_fit, fit_from
from optim.solvers._uncertainty import uncertainty
from optim.solvers._warnings import split_ignored, warn_of_ignored

__all__ = ["NotConvergedError", "curve_fit"]

_OPTIONS = {"ftol", "xtol", "gtol", "x_scale", "max_nfev", "loss", "f_scale", "tr_solver", "tr_options"}


class NotConvergedError(RuntimeError):
    """No fit settled at a minimum.

    Attributes:
        popt: the best parameters that were found.
    """

    def __init__(self, message: str, popt: Array) -> None:
        super().__init__(message)
        self.popt = popt


def curve_fit(
    f: Callable[..., Any],
    xdata: Any,
    ydata: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    check_finite: bool | None = None,
    bounds: Any = (-np.inf, np.inf),
    method: str | None = None,
    jac: Any = None,
    *,
    full_output: bool = False,
    nan_policy: str | None = None,
    starts: int = 48,
    seed: int = 0,
    engine: str = "auto",
    **options: Any,
) -> tuple[Any, ...]:
    """Fit a formula to data by least squares: `scipy.optimize.curve_fit` with exact derivatives.

    The formula is for one point. It is traced and mapped over the data. Its exact first and second
    derivatives take the fit down to rounding level.

    Args:
        f: the formula ``f(x, *params)``, made of operators and the library's functions. ``x`` is
            ``xdata[i]``, or the column ``xdata[:, i]`` where there are several predictors. Parameters that
            it takes by keyword alone and without a default come last: ``functools.partial(f, a=2)`` leaves
            those after ``a`` to be fitted.
        xdata: the predictors, of shape (n,), or (k, n) for k of them.
        ydata: the observations, of shape (n,).
        p0: where to start, of shape (p,). None leaves that to the search; the formula must then name its
            parameters.
        sigma: the observations' standard deviations, of shape (n,) or one number for all, or their
            covariances, of shape (n, n). None for equal ones.
        absolute_sigma: whether sigma is in the unit of ydata; otherwise only its proportions count, and
            its scale is estimated from the residuals.
        check_finite: data are always checked; False is ignored, with a warning.
        bounds: the least and the largest values: a pair of numbers or arrays of shape (p,), or
            `scipy.optimize.Bounds`.
        method: None to fit from p0 and from the points that a search finds, by Levenberg-Marquardt and
            trust-region steps, and keep the best fit; among equally good ones the one from p0. "lm" (also
            "levenberg-marquardt"), "trf" or "dogbox" for one fit by that method of SciPy's, from p0 (from 1
            if there is none). Newton's steps follow in every case, unless a ``loss`` is given.
        jac: ignored, with a warning: derivatives are exact.
        full_output: whether to return more.
        nan_policy: "omit" leaves out points that hold a nan; None or "raise" refuses them.
        starts: how many starting points the search improves; 0 for none but p0.
        seed: equal seeds give equal searches.
        engine: as for `autograd.jit`.
        options: ``ftol``, ``xtol``, ``gtol`` (1e-15 each, the last for observations scaled to about 1),
            ``x_scale``, ``max_nfev``, ``loss``, ``f_scale``, ``tr_solver``, ``tr_options`` of
            `scipy.optimize.least_squares`. Others of SciPy's (``maxfev``, ``epsfcn``, ``verbose`` ...) are
            ignored, with a warning.

    Returns:
        ``(popt, pcov)``: the parameters of shape (p,) and their covariances of shape (p, p); the standard
        errors are ``np.sqrt(np.diag(pcov))``. Variances are inf for parameters that the data, known to
        rounding, do not determine; a warning names them. A variance estimated from the residuals is at least
        that of rounding the observations. A parameter at a bound counts as any other, as in SciPy. With
        ``full_output`` also a dict (``nfev``: evaluations of the formula at all points; ``fvec``: residuals
        over sigma; ``method``: what found the fit; ``distance``: how far the minimum is estimated to be, in
        standard errors; ``stderr``: the standard errors, of shape (p,), right even where a variance
        overflows; ``undetermined``: names of parameters), a message, and 1.

    Raises:
        NotConvergedError: no fit settled at a minimum; it holds the best parameters.
        TypeError: something is not made of real numbers, or the formula returns no number.
        ValueError: shapes do not match, data are missing, nan or infinite, or p0 is out of bounds.
        TracingError: the formula did what cannot be traced (``math.exp``, ``if``); names the line.
        MissingExtraError: SciPy is not installed.

    Warns:
        OptimizeWarning: the data do not determine a parameter, leave no degree of freedom, a variance is
            beyond what floats can hold, or an argument is ignored.

    Source of the final steps: D. M. Bates and D. G. Watts, Nonlinear regression analysis and its
    applications, 1988, 2.2 (Gauss-Newton by QR) and 7.2 (relative curvature).

    >>> from autograd import exp
    >>> x = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    >>> y = np.array([5.1, 3.0, 1.9, 1.1, 0.7])
    >>> popt, pcov = curve_fit(lambda x, a, rate: a * exp(-rate * x), x, y)
    >>> popt.round(4), np.sqrt(np.diag(pcov)).round(4)
    (array([5.0787, 0.5049]), array([0.0493, 0.0096]))
    """
    require("fit", "scipy")
    _check_call(f, method)
    options, ignored = split_ignored(options, _OPTIONS, "curve_fit")
    warn_of_ignored("curve_fit", jac=jac, check_finite=None if check_finite else check_finite, **ignored)
    data = Observations.checked(xdata, ydata, sigma, nan_policy)
    p0 = None if p0 is None else np.atleast_1d(real_array(p0, "p0"))
    names, by_name = _parameter_names(f, p0)
    f = _by_place(f, len(names) - len(by_name), by_name)
    sides = _bounds(bounds, names)
    _check_start(p0, *sides, names)
    regression = Regression(f, data.x, data.y, len(names), data.whitening, engine, sides)
    if method is None and options.get("loss", "linear") != "linear":
        method = "trf"
    start = regression.clip(np.ones(len(names))) if p0 is None else p0
    exponent = data.whitening.exponent
    # A robust loss begins to count less at the residual f_scale, which is scaled as the observations are.
    f_scale = checked("f_scale", options.get("f_scale", 1.0), above=0.0)
    options["f_scale"] = float(np.ldexp(f_scale, -exponent))
    if method is not None:
        fit = fit_from(regression, start, SCIPY_METHODS[method], options)
    else:
        searched = whole("starts", starts, 0)
        first = p0 if searched else start
        fit = best_fit(regression, first, searched, seed, options)
    if fit is None:
        raise ValueError(_not_finite(regression, start, data))
    _check_converged(fit, names, exponent)
    estimate = uncertainty(fit, regression, exponent, names, absolute_sigma)
    if not full_output:
        return fit.params, estimate.covariances
    with np.errstate(over="ignore", under="ignore"):
        residuals = np.ldexp(fit.residuals, exponent)
    details = {
        "nfev": regression.evaluations,
        "fvec": residuals,
        "method": fit.method,
        "distance": fit.distance,
        "stderr": estimate.errors,
        "undetermined": estimate.undetermined,
    }
    return fit.params, estimate.covariances, details, f"converged by {fit.method}", 1


def _check_call(f: Any, method: Any) -> None:
    if not callable(f):
        raise TypeError(f"f must be a formula f(x, *params), got {described(f)}")
    if method is not None and method not in SCIPY_METHODS:
        raise ValueError(f"method must be None or one of {', '.join(SCIPY_METHODS)}, got {method!r}")


def _parameter_names(f: Callable[..., Any], p0: Array | None) -> tuple[list[str], list[str]]:
    """What the formula calls its parameters, as many as p0 has where there is one; those by keyword alone."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # a builtin without a signature
        parameters = [inspect.Parameter("params", inspect.Parameter.VAR_POSITIONAL)]
    starred = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters)
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = [parameter for parameter in parameters if parameter.kind in by_place][1:]
    names = [parameter.name for parameter in named]
    by_name = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    if p0 is None:
        if starred or not names + by_name:
            raise ValueError(
                "p0 must be given where the formula does not name its parameters, as f(x, a, b) does: "
                "its length tells how many there are"
            )
        return names + by_name, by_name
    if p0.ndim != 1 or not len(p0):
        raise ValueError(f"p0 must have shape (p,), one start a parameter, got shape {p0.shape}")
    least = sum(parameter.default is parameter.empty for parameter in named)
    placed = len(p0) - len(by_name)
    if placed < least or (placed > len(names) and not starred):
        fixed = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty]
        fixed_note = f"; {', '.join(fixed)} keep what they have" if fixed else ""
        raise ValueError(
            f"p0 must have {len(names + by_name)} entries, one for each of {', '.join(names + by_name)}, got "
            f"{len(p0)}{fixed_note}"
        )
    starred_names = [f"params[{i}]" for i in range(placed - len(names))]
    return [*[*names, *starred_names][:placed], *by_name], by_name


def _by_place(f: Callable[..., Any], placed: int, by_name: Sequence[str]) -> Callable[..., Any]:
    """The formula with all of its parameters by place."""
    if not by_name:
        return f

    def formula(x: Any, *params: Any) -> Any:
        return f(x, *params[:placed], **dict(zip(by_name, params[placed:])))

    formula.__name__ = getattr(f, "__name__", type(f).__name__)
    return formula


def _bounds(bounds: Any, names: Sequence[str]) -> tuple[Array, Array]:
    """The least and the largest values, of shape (p,) each."""
    pair = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else bounds
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(
            f"bounds must be a pair (lower, upper) or scipy.optimize.Bounds, got {described(bounds)}"
        )
    sides = []
    for side, bound in zip(("lower", "upper"), pair):
        array = real_array(bound, f"the {side} bound")
        if array.shape not in ((), (len(names),)):
            raise ValueError(
                f"the {side} bound must be one number or have shape ({len(names)},), one for each of "
                f"{', '.join(names)}, got shape {array.shape}"
            )
        sides.append(np.broadcast_to(array, (len(names),)))
    for name, low, high in zip(names, *sides):
        if not low < high:
            raise ValueError(f"the lower bound of {name} must be below the upper, got {low:g} and {high:g}")
    return sides[0], sides[1]


def _check_start(p0: Array | None, lower: Array, upper: Array, names: Sequence[str]) -> None:
    if p0 is None:
        return
    for name, start, low, high in zip(names, p0.tolist(), lower.tolist(), upper.tolist()):
        if not np.isfinite(start):
            raise ValueError(f"p0 must be finite, got {start:g} for {name}")
        if not low <= start <= high:
            raise ValueError(
                f"p0 must be within the bounds, got {start:g} for {name}, not in [{low:g}, {high:g}]"
            )


def _not_finite(regression: Regression, start: Array, data: Observations) -> str:
    with np.errstate(all="ignore"):
        at = int(np.argmin(np.isfinite(regression.residuals(start))))
    return (
        f"the formula is nan or inf at every start that was tried, at {start.tolist()} first for point {at}, "
        f"x = {data.x[..., at].tolist()}: give p0 where it is finite at all points"
    )


def _check_converged(fit: RegressionFit, names: Sequence[str], exponent: int) -> None:
    if fit.converged:
        return
    best = ", ".join(f"{name} = {value:.6g}" for name, value in zip(names, fit.params))
    with np.errstate(over="ignore"):
        square = float(np.ldexp(fit.square, 2 * exponent))
    away = f"may be {fit.distance:.1e} standard errors away" if np.isfinite(fit.distance) else "is not near"
    raise NotConvergedError(
        f"no fit settled at a minimum. The best has a sum of squares of {square:.6g} at {best}, and the "
        f"minimum {away}. It may lie at infinity, or the formula not be smooth there: look at the fit, then "
        "give another p0, bounds, more starts or a larger max_nfev",
        fit.params,
    )
