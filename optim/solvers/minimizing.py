"""`minimize`: SciPy's minimisers, fed with exact gradients, Hessians and Hessian-vector products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import hessian, jacobian
from autograd.graph.trees import flatten
from autograd.support.extras import require
from optim.arrays import Array, real_array
from optim.solvers._compiling import compiled
from optim.solvers._objective import Objective, Point, Sight
from optim.solvers._polishing import polished
from optim.solvers._unknowns import Unknowns
from optim.solvers._warnings import warn, warn_of_ignored

__all__ = ["minimize"]

# SciPy's methods, by what they can use beside the function.
_FREE = ["Nelder-Mead", "Powell", "COBYLA", "COBYQA"]  # of derivatives
_PRODUCTS = ["Newton-CG", "trust-ncg", "trust-krylov", "trust-constr"]
_HESSIAN = ["dogleg", "trust-exact"]
_METHODS = [*_FREE, "CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP", *_PRODUCTS, *_HESSIAN]
_UNBOUNDED = ["CG", "BFGS", "Newton-CG", "trust-ncg", "trust-krylov", "dogleg", "trust-exact"]
# What each of them calls an end for want of precision, where Newton's method may go on.
_IMPRECISE = {"CG": 2, "BFGS": 2, "Newton-CG": 2, "L-BFGS-B": 2, "TNC": 4, "SLSQP": 8}
_ABOVE = {"eq": 0.0, "ineq": np.inf}  # the largest value that a constraint of this type may have
_SMALL = 30  # unknowns at most, that a Hessian is formed of after the search
_NAMES = {name.lower(): name for name in _METHODS} | {"l-bfgs": "L-BFGS-B"}


def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: str | Callable[..., Any] | None = None,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Callable[..., Any] | None = None,
    options: dict[str, Any] | None = None,
    *,
    data: Any = None,
    engine: str = "auto",
) -> Any:
    """Minimise a scalar function: `scipy.optimize.minimize` with exact derivatives.

    The engine derives and compiles the gradient and, if the method uses them, the Hessian or its products
    with vectors. Constraints get their Jacobians and Hessians likewise.

    Where the function or its gradient is nan or infinite, the search turns back and goes on from the last
    point where they are finite; the result's message names the point and the operation. Without constraints
    and with at most 30 unknowns, a search that uses derivatives is finished by Newton's method with the exact
    Hessian, down to rounding level and within the bounds. A saddle point is no success.

    Args:
        fun: the function ``fun(x, *args)``, made of operators and the library's functions; returns one
            number.
        x0: where to start. A number or a flat sequence becomes an array of shape (n,), as in SciPy; any
            other nesting of lists, tuples, dicts, dataclasses and arrays of numbers stays as it is, and
            ``fun`` is called with it.
        args: further arguments, constants of the run; one that is no tuple counts as the only one.
        method: one of SciPy's names. The gradient serves "CG", "BFGS", "L-BFGS-B" (also "L-BFGS"), "TNC",
            "SLSQP" and all of the following; Hessian-vector products serve "Newton-CG", "trust-ncg",
            "trust-krylov" and "trust-constr"; the Hessian serves "dogleg" and "trust-exact".
            "Nelder-Mead", "Powell", "COBYLA" and "COBYQA" use no derivatives. None for "BFGS", with
            bounds "L-BFGS-B", with constraints "SLSQP". Or a function, as in SciPy.
        jac: ignored, with a warning, as are ``hess`` and ``hessp``: derivatives are exact. They stand where
            SciPy has them.
        bounds: a pair (least, largest) for each number of x0 in order, None for none, or
            `scipy.optimize.Bounds`. What starts out of them is put on them.
        constraints: one constraint or a list, as in SciPy; derivatives that are not given are exact. None
            for none.
        tol: the tolerance, as in SciPy.
        callback: called after each iteration, as in SciPy; gets x in the structure of x0.
        options: the method's options.
        data: arrays ``(X, y)`` whose first axis counts samples: then ``fun(x, *sample, *args)`` is the
            loss of one sample, and its mean over the samples is minimised.
        engine: as for `autograd.jit`, or "eager": ``fun`` itself is called, which need not be traceable.

    Returns:
        SciPy's `OptimizeResult`, with ``x`` in the structure of x0; ``nit`` and ``nfev`` are the search's.

    Raises:
        TypeError: x0 is not made of real numbers, fun returns no number, or jac is True, which says that it
            returns its gradient too.
        ValueError: there is no such method, x0 is empty or not finite, or fun is not finite at x0.
        FloatingPointError: the gradient is not finite at x0; names the operation.
        TracingError: fun did what cannot be traced (``if``, ``math.exp``); names the line.
        MissingExtraError: SciPy is not installed.

    Warns:
        OptimizeWarning: an argument is ignored, or the gradient was nan or infinite where fun is finite.

    >>> def rosenbrock(x):
    ...     return sum((1 - a) ** 2 + 100 * (b - a**2) ** 2 for a, b in zip(x, x[1:]))
    >>> minimize(rosenbrock, [-1.2, 1.0, 1.0], method="trust-exact").x.round(14)
    array([1., 1., 1.])
    >>> fitted = minimize(lambda p: (p["a"] - 1) ** 2 + (p["b"] + 2) ** 2, {"a": 0.0, "b": 0.0})
    >>> {name: round(one, 6) for name, one in fitted.x.items()}
    {'a': 1.0, 'b': -2.0}
    """
    require("fit", "scipy")
    from scipy import optimize

    if jac is True:
        raise TypeError("jac=True says that fun returns its gradient too: let it return its value alone")
    warn_of_ignored("minimize", jac=jac or None, hess=hess, hessp=hessp)
    constraints = () if constraints is None else constraints
    chosen = _chosen(method, bounds, constraints)
    unknowns = Unknowns(x0)
    sides = _sides(None if chosen in _UNBOUNDED else bounds, len(unknowns.start))
    constants = args if isinstance(args, tuple) else (args,)
    objective = Objective(unknowns, fun, constants, data, engine, sides)
    listed = constraints if isinstance(constraints, (list, tuple)) else [constraints]
    derived = chosen not in _FREE
    sight = Sight(objective, derived, np.clip(unknowns.start, *sides), downhill=not listed)
    result = optimize.minimize(
        sight.value_and_gradient if derived else sight.value,
        sight.good.x,
        method=chosen,
        jac=derived or None,
        hess=sight.hessian if chosen in _HESSIAN else None,
        hessp=sight.product if chosen in _PRODUCTS else None,
        bounds=bounds,
        constraints=[_with_derivatives(constraint, unknowns, chosen, engine) for constraint in listed],
        tol=tol,
        callback=None if callback is None else unknowns.arranging(callback),
        options=options,
    )
    _keep_to_the_good(result, sight)
    ended = result.get("success", True) or result.get("status") == _IMPRECISE.get(chosen)
    if ended and derived and not (listed or callable(method)) and len(result.x) <= _SMALL:
        _polish(result, objective)
    _tell(result, sight)
    result.x = unknowns.arranged(result.x)
    return result


def _keep_to_the_good(result: Any, sight: Sight) -> None:
    """Replace a result that is nan, or that a failed search leaves worse than an earlier point."""
    end = sight.point(np.atleast_1d(result.x))
    best = end
    if not end.is_finite:
        result.success, best = False, sight.good
    if sight.downhill and not result.get("success", True):
        seen = [point for point in (best, sight.good, sight.sharp) if point is not None]
        best = min(seen, key=lambda point: point.value)
    if best is not end:
        _put(result, best)


def _put(result: Any, point: Point) -> None:
    result.x, result.fun = point.x, point.value
    for name in ("grad", "jac"):  # of constraints' Jacobians trust-constr's `jac` is a list
        if isinstance(result.get(name), np.ndarray):
            result[name] = point.gradient


def _polish(result: Any, objective: Objective) -> None:
    """Go on by Newton's method, and say of the end what the Hessian tells."""
    better = polished(objective, result.x)
    if better is None:
        return
    end, steps, settled = better
    _put(result, end.point)
    if settled and not end.step.convex:
        result.success = False
        result.message = f"{result.message}; but the curvature is negative along a direction: a saddle"
    elif settled and not result.success:
        result.success, result.status = True, 0
        result.message = f"Newton's method settled after {steps} steps (from where: {result.message})"
    elif steps:
        result.message = f"{result.message}; then {steps} steps of Newton's method"


def _tell(result: Any, sight: Sight) -> None:
    """Say in the message what was nan on the way, and warn of a gradient that is."""
    report = sight.report()
    if report:
        result.message = f"{result.get('message', '')}{report}"
    if sight.sharp is not None:
        warn(f"minimize: {report.removeprefix('; ')}")


def _chosen(method: Any, bounds: Any, constraints: Any) -> Any:
    """The method's name as SciPy spells it, or the function that it is."""
    if callable(method):
        return method
    if method is None:
        unconstrained = isinstance(constraints, (list, tuple)) and not constraints
        return "SLSQP" if not unconstrained else "BFGS" if bounds is None else "L-BFGS-B"
    name = _NAMES.get(method.lower()) if isinstance(method, str) else None
    if name is None:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}, or a function, got {method!r}")
    return name


def _sides(bounds: Any, size: int) -> tuple[Array, Array]:
    """The least and the largest values, of shape (size,) each."""
    if bounds is None:
        bounds = [(None, None)] * size
    if hasattr(bounds, "lb"):
        pairs = np.transpose([*np.broadcast_arrays(bounds.lb, bounds.ub)])
        bounds = np.broadcast_to(pairs, (size, 2)) if pairs.size == 2 else pairs
    table = real_array(bounds, "bounds", missing=np.nan)
    if table.shape != (size, 2):
        raise ValueError(
            f"bounds must be a pair (least, largest) for each of the {size} numbers of x0, or None, got an "
            f"array of shape {table.shape}"
        )
    lower, upper = table.T
    return np.where(np.isnan(lower), -np.inf, lower), np.where(np.isnan(upper), np.inf, upper)


def _with_derivatives(constraint: Any, unknowns: Unknowns, method: Any, engine: str) -> Any:
    """A constraint as SciPy takes it, of flat arrays, with exact derivatives where none are given."""
    from scipy.optimize import NonlinearConstraint

    if isinstance(constraint, dict):
        if not {"type", "fun"} <= constraint.keys():
            raise ValueError(f"a constraint must have the keys 'type' and 'fun', got {sorted(constraint)}")
        if "jac" in constraint or constraint["type"] not in _ABOVE:
            return constraint
        fun, args = constraint["fun"], constraint.get("args", ())
        constraint = NonlinearConstraint(lambda x: fun(x, *args), 0.0, _ABOVE[constraint["type"]])
    if not isinstance(constraint, NonlinearConstraint) or callable(constraint.jac):
        return constraint
    values, slopes, bends = _constraint(constraint.fun, unknowns, engine)
    second = {"hess": bends} if method == "trust-constr" else {}  # others warn that they ignore it
    return NonlinearConstraint(
        values, constraint.lb, constraint.ub, slopes, keep_feasible=constraint.keep_feasible, **second
    )


def _constraint(
    fun: Callable[..., Any], unknowns: Unknowns, engine: str
) -> tuple[Callable[..., Array], Callable[..., Array], Callable[..., Array]]:
    """A constraint's values (m,), its Jacobian (m, n), and the Hessian (n, n) of its values times weights."""

    def listed(x: Sequence[Any]) -> list[Any]:
        return flatten(fun(unknowns.arranged(x)), "what a constraint returns")[0]

    def weighted(x: Sequence[Any], weights: Sequence[Any]) -> Any:
        return sum(weight * value for weight, value in zip(weights, listed(x)))

    values, slopes = compiled(listed, (), engine), compiled(jacobian(listed), (), engine)
    bends = compiled(hessian(weighted), (), engine)
    return (
        lambda x: np.array(values(x.tolist())),
        lambda x: np.array(slopes(x.tolist())),
        lambda x, weights: np.array(bends(x.tolist(), weights.tolist())),
    )
