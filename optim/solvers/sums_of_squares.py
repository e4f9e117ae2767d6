"""`least_squares`: SciPy's solvers for sums of squares, and Gauss-Newton, fed with exact Jacobians."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd import jacobian, jvp
from autograd.graph.nodes import is_array, is_node
from autograd.graph.trees import flatten
from autograd.support.extras import require
from optim.arrays import Array
from optim.samples import Samples
from optim.solvers._compiling import compiled
from optim.solvers._descent import descend
from optim.solvers._newton import SquaresIterate
from optim.solvers._regression_fits import SCIPY_METHODS
from optim.solvers._unknowns import Unknowns
from optim.solvers._warnings import warn_of_ignored

__all__ = ["least_squares"]

METHODS = [*SCIPY_METHODS, "gauss-newton"]


def least_squares(
    fun: Callable[..., Any],
    x0: Any,
    jac: Any = None,
    bounds: Any = (-np.inf, np.inf),
    method: str = "trf",
    ftol: float | None = 1e-15,
    xtol: float | None = 1e-15,
    gtol: float | None = 1e-15,
    x_scale: Any = "jac",
    loss: Any = "linear",
    f_scale: float = 1.0,
    diff_step: Any = None,
    tr_solver: str | None = None,
    tr_options: dict[str, Any] | None = None,
    jac_sparsity: Any = None,
    max_nfev: int | None = None,
    verbose: int = 0,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    callback: Callable[..., Any] | None = None,
    workers: Any = None,
    *,
    data: Any = None,
    engine: str = "auto",
) -> Any:
    """Minimise half the sum of squared residuals: `scipy.optimize.least_squares` with exact Jacobians.

    The Jacobian is exact. So by default the tolerances are at rounding level and the unknowns are scaled by
    the Jacobian; SciPy's defaults are 1e-8 and no scaling.

    Args:
        fun: the residuals ``fun(x, *args, **kwargs)``, made of operators and the library's functions:
            numbers in any structure.
        x0: where to start. A number or a flat sequence becomes an array of shape (n,), as in SciPy; any
            other nesting of lists, tuples, dicts, dataclasses and arrays of numbers stays as it is, and
            ``fun`` is called with it.
        jac: ignored, with a warning, as are ``diff_step``, ``jac_sparsity`` and ``workers``: they are about
            derivatives that SciPy has no formula for. They stand where SciPy has them.
        bounds: a pair (least, largest) of numbers or arrays of shape (n,), or `scipy.optimize.Bounds`.
        method: "trf" (trust region) or "dogbox" (Powell's dogleg), which take bounds, or "lm", also
            called "levenberg-marquardt" (MINPACK's), all of them SciPy's; or "gauss-newton": its steps,
            by an orthogonal factorisation, shortened where the squares would rise.
        ftol: the relative change of the sum of squares at which to stop; as in SciPy.
        xtol: the relative change of the unknowns at which to stop; as in SciPy.
        gtol: the gradient at which to stop; as in SciPy. "gauss-newton" has no use for these three: it
            stops where rounding does.
        x_scale: the unknowns' scales, or "jac" for those of the Jacobian; "gauss-newton" needs none.
        loss: as in SciPy, for "trf" and "dogbox".
        f_scale: as in SciPy.
        tr_solver: as in SciPy.
        tr_options: as in SciPy.
        max_nfev: how often the residuals are computed at most; for "gauss-newton", how many steps.
        verbose: as in SciPy.
        args: further arguments, constants of the run.
        kwargs: further arguments by name.
        callback: called after each iteration, as in SciPy (from 1.16); gets x in the structure of x0.
        data: arrays ``(X, y)`` whose first axis counts samples: then ``fun(x, *sample, *args)`` gives the
            residuals of one sample, and is mapped over them.
        engine: as for `autograd.jit`, or "eager": ``fun`` itself is called, which need not be traceable.

    Returns:
        SciPy's `OptimizeResult`, with ``x`` in the structure of x0. Its ``fun`` holds the m residuals,
        those of a sample together, and ``jac`` is of shape (m, n).

    Raises:
        TypeError: x0 or the residuals are not made of real numbers.
        ValueError: there is no such method, x0 is empty or not finite, the residuals are a table or not
            finite at x0, or SciPy refuses an argument.
        FloatingPointError: a derivative is nan or inf where the residuals are finite.
        TracingError: fun did what cannot be traced (``if``, ``math.exp``); names the line.
        MissingExtraError: SciPy is not installed.

    Warns:
        OptimizeWarning: an argument is ignored.

    >>> result = least_squares(lambda x: [1 - x[0], 10 * (x[1] - x[0] ** 2)], [-1.2, 1.0], method="lm")
    >>> result.x, float(result.cost)
    (array([1., 1.]), 0.0)
    >>> x, y = np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0])
    >>> line = least_squares(lambda p, x, y: p["a"] * x + p["b"] - y, {"a": 0.0, "b": 0.0}, data=(x, y))
    >>> {name: round(value, 12) for name, value in line.x.items()}
    {'a': 2.0, 'b': 1.0}
    """
    require("fit", "scipy")
    from scipy import optimize

    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    ignored = {"jac": jac, "diff_step": diff_step, "jac_sparsity": jac_sparsity, "workers": workers}
    settings: dict[str, Any] = {"ftol": ftol, "xtol": xtol, "gtol": gtol, "x_scale": x_scale}
    settings |= {"loss": loss, "f_scale": f_scale, "max_nfev": max_nfev, "verbose": verbose}
    settings |= {"bounds": bounds, "tr_solver": tr_solver, "tr_options": tr_options or {}}
    unknowns = Unknowns(x0)
    if method == "gauss-newton":
        ignored["callback"] = callback
    elif callback is not None:
        settings["callback"] = unknowns.arranging(callback)
    warn_of_ignored("least_squares", **ignored)
    problem = _Residuals(unknowns, fun, tuple(args), dict(kwargs or {}), data, engine)
    start, name = unknowns.start, SCIPY_METHODS.get(method)
    problem.check_start(start, name)
    if name is None:
        result = _gauss_newton(problem, start, bounds, loss, max_nfev)
    else:
        result = optimize.least_squares(problem.residuals, start, problem.jacobian, method=name, **settings)
    result.x = unknowns.arranged(result.x)
    return result


class _Residuals:
    """The residuals and their Jacobian, compiled, of flat arrays; a problem for `SquaresIterate`."""

    lower, upper, rounding, curvature = -np.inf, np.inf, 0.0, None

    def __init__(
        self,
        unknowns: Unknowns,
        fun: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        data: Any,
        engine: str,
    ) -> None:
        def listed(x: Sequence[Any], *sample: Any) -> Any:
            residuals = fun(unknowns.arranged(x), *sample, *args, **kwargs)
            is_whole = is_node(residuals) and is_array(residuals)
            if (is_whole or isinstance(residuals, np.ndarray)) and residuals.size > max(
                residuals.shape, default=1
            ):
                raise ValueError(
                    "fun must return residuals along one dimension, got an array of shape "
                    f"{residuals.shape}. Arrays of shapes (n,) and (n, 1) are paired each with each: take "
                    "the latter's .ravel(); "
                    "where a table is meant, return its .ravel()"
                )
            return residuals.reshape(-1) if is_whole else flatten(residuals, "what fun returns")[0]

        def derivatives(x: Sequence[Any]) -> list[Any]:
            return [jvp(listed, (x,), (axis,))[1] for axis in np.eye(len(x)).tolist()]

        listed.__name__ = getattr(fun, "__name__", type(fun).__name__)
        self._arrays = [] if data is None else Samples(data).arrays
        self._values = compiled(listed, self._arrays, engine)
        self._jacobian = compiled(jacobian(listed), self._arrays, engine)
        self._derivatives = compiled(derivatives, [], engine)
        self._is_whole = False  # whether the residuals are one array, and so their derivatives by an unknown

    @np.errstate(all="ignore")
    def residuals(self, x: Array) -> Array:
        """The residuals, of shape (m,)."""
        results = self._values(x.tolist())
        self._is_whole = isinstance(results, np.ndarray)
        values = np.array(results, dtype=float)
        return np.ascontiguousarray(values.T).ravel()

    @np.errstate(all="ignore")
    def jacobian(self, x: Array) -> Array:
        """Their derivatives, of shape (m, n)."""
        of_whole = self._is_whole and not self._arrays
        jacobian = np.array((self._derivatives if of_whole else self._jacobian)(x.tolist()), dtype=float)
        if of_whole:
            jacobian = np.ascontiguousarray(jacobian.T)
        elif self._arrays:
            jacobian = np.moveaxis(jacobian, -1, 0)
        jacobian = jacobian.reshape(-1, len(x))
        if not np.isfinite(jacobian).all():
            i, j = np.argwhere(~np.isfinite(jacobian))[0]
            raise FloatingPointError(
                f"the residuals are finite, but the derivative of residual {i} by unknown {j} is "
                f"{jacobian[i, j]:g} at x = {x.tolist()}: start elsewhere, set bounds, or scale the unknowns"
            )
        return jacobian

    def check_start(self, start: Array, method: str | None) -> None:
        """Refuse a starting point without residuals, or where one is not finite or overflows squared."""
        values = self.residuals(start)
        if not len(values):
            raise ValueError("fun must return at least one residual, got none")
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise ValueError(
                f"the residuals must be finite at x0, got {values[bad[0]]:g} for residual {bad[0]} "
                f"({len(bad)} in all)"
            )
        with np.errstate(over="ignore"):
            square = float(values @ values)
        if method != "lm" and not np.isfinite(square):
            raise ValueError(
                f"the sum of the residuals' squares overflows at x0, where the largest is "
                f"{np.abs(values).max():g}: divide them by their unit, or take method='lm'"
            )


def _gauss_newton(problem: _Residuals, start: Array, bounds: Any, loss: Any, max_nfev: int | None) -> Any:
    from scipy.optimize import OptimizeResult

    pair = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else bounds
    if loss != "linear" or not (np.isneginf(pair[0]).all() and np.isposinf(pair[1]).all()):
        raise ValueError("gauss-newton takes neither bounds nor a loss: 'trf' and 'dogbox' do")
    limit = 100 * len(start) if max_nfev is None else max_nfev
    last, steps = descend(SquaresIterate(problem, start), limit)
    length = float(np.sqrt(last.value))
    success = steps < limit and last.step.size <= max(1e-8 * length, 100.0 * last.noise)
    gradient = last.jacobian.T @ last.residuals
    return OptimizeResult(
        x=last.x,
        cost=last.value / 2.0,
        fun=last.residuals,
        jac=last.jacobian,
        grad=gradient,
        optimality=float(np.abs(gradient).max()),
        active_mask=np.zeros(len(start), dtype=int),
        nfev=steps + 1,
        njev=steps + 1,
        status=1 if success else 0,
        success=success,
        message=(
            f"after {steps} steps the next would change the residuals by {last.step.size:.1e} of {length:.1e}"
        ),
    )
