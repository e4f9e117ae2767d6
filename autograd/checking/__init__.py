"""Gradient checking: the engine's derivatives against others that know nothing of its rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd.checking.check_report import GradientCheck, Row
from autograd.checking.complex_step import complex_step
from autograd.checking.differences import balanced, fixed_step, richardson
from autograd.checking.high_precision import findings, high_precision
from autograd.checking.numbers import RefusedError
from autograd.checking.subject import Estimate, Gradient, Hessian, Subject
from autograd.checking.taylor import taylor
from autograd.support.extras import MissingExtraError

__all__ = ["METHODS", "GradientCheck", "RefusedError", "Row", "check_gradients"]

_FIXED = "fixed-step"
_FINDERS: dict[str, Callable[[Gradient | Hessian], list[list[Estimate]]]] = {
    "high-precision": high_precision,
    "complex-step": complex_step,
    "richardson": richardson,
    "central": balanced,
    "taylor": taylor,
}
_BY_STRENGTH = ("high-precision", "complex-step", "richardson")
METHODS = (*_FINDERS, _FIXED)
_MOST_NAMED = 5
_NO_BOUND = "the engine's rounding there cannot be bounded"
_NO_STEP = (
    f"at no step does the function look smooth, or {_NO_BOUND}; a kink or a jump may be nearer than the "
    "shortest step, or a period shorter"
)
_WHY_UNDECIDED = dict.fromkeys(["high-precision", "complex-step"], _NO_BOUND)


def check_gradients(
    f: Callable[..., Any],
    *args: Any,
    method: str | None = None,
    order: int = 1,
    eps: float | None = None,
    rtol: float | None = None,
    atol: float | None = None,
) -> GradientCheck:
    """Compare the engine's derivatives of ``f`` with derivatives found another way.

    Every method but ``"fixed-step"`` has its own error bound, to which a bound on the engine's rounding is
    added: their sum is what the two may differ by. A rule that is wrong by more than the bound, which the
    report prints, is found. A right one passes, even where the function is badly conditioned.

    ================  =============================================================  =====================
    method            the derivative is                                              typically good to
    ================  =============================================================  =====================
    high-precision    by the chain rule, each operation differentiated in mpmath     rounding of the engine
    complex-step      ``f(x + ih)`` divided by ``h``, the imaginary part             the same, a little more
    richardson        central differences, extrapolated to a step of 0               1e-13
    central           central differences, their step balanced against rounding      1e-10
    taylor            the engine's own; its remainders must be of second order       1e-7
    fixed-step        central differences of step ``eps``                            ``rtol`` and ``atol``
    ================  =============================================================  =====================

    The first two read the function as a program, so it must be one that `trace` takes; the complex step
    needs analytic primitives besides (no ``absolute``, ``relu``, ``maximum``, ``where``, ``less``). A method
    that cannot be used is refused. The default is the first of high-precision, complex-step and richardson
    that can be used; the report says which, and why not a stronger one.

    Args:
        f: a function of Values that returns one Value.
        args: where to check it: numbers, Values (their data is taken, they are not touched), arrays,
            and any nesting of them. Every number in them is an input to be checked.
        method: one of `METHODS`; None for the strongest.
        order: 2 to check the second derivatives too, each against derivatives of the gradient (in high
            precision, of the function).
        eps: the step of fixed-step differences. Whoever gives it, or a tolerance, chooses that method.
        rtol: their relative tolerance, 1e-4 by default. A difference quotient is good to about ``eps**2`` by
            truncation and ``2e-16 * |f| / eps`` by rounding.
        atol: their absolute tolerance, 1e-8 by default, for derivatives near 0.

    Returns:
        A `GradientCheck`, which prints as a table.

    Raises:
        RefusedError: the method that was asked for cannot be used on this function.
        MissingExtraError: high precision was asked for, and mpmath is not installed.
        TypeError: an argument holds something else than numbers, or ``f`` returns no scalar.
        ValueError: a step or tolerance is not positive (a tolerance may be 0), or options do not go together.

    >>> report = check_gradients(lambda w: w[0] * w[1].sin(), [2.0, 0.5])
    >>> report.passed, report.rows[0].name, report.method
    (True, 'w[0]', 'high-precision')
    >>> check_gradients(lambda w: w[0] * w[1].sin(), [2.0, 0.5], eps=1e-6, rtol=1e-6).passed
    True
    """
    if method is not None and method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, or None, got {method!r}")
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, got {order!r}")
    subject = Subject(f, args)
    if method == _FIXED or not (eps is rtol is atol is None):
        if method not in (None, _FIXED) or order != 1:
            raise ValueError(
                f"eps, rtol and atol belong to the method {_FIXED!r}, of order 1: the others find their own "
                "steps and bounds"
            )
        return _with_fixed_step(subject, *_checked(eps, rtol, atol))
    gradient = Gradient(subject)
    levels: list[Gradient | Hessian] = [gradient] if order == 1 else [gradient, Hessian(gradient)]
    used, estimates, notes = _estimated(levels, method)
    rows = []
    for level, numeric in zip(levels, estimates):
        for columns in zip(level.names, level.analytic, level.errors, numeric):
            rows += [
                _row(name, analytic, *estimate, error) for name, analytic, error, estimate in zip(*columns)
            ]
    if used == "high-precision" and not all(row.passed for row in rows):
        notes += findings(gradient)
    undecided = [row.name for row in rows if row.verdict == "undecided"]
    if undecided:
        names = f"{'; '.join(undecided[:_MOST_NAMED])}{'; ...' if len(undecided) > _MOST_NAMED else ''}"
        notes.append(f"undecided is {names}: {_WHY_UNDECIDED.get(used, _NO_STEP)}")
    return GradientCheck(tuple(rows), _norm_form(rows), None, None, None, used, order, tuple(notes))


def _estimated(
    levels: Sequence[Gradient | Hessian], method: str | None
) -> tuple[str, list[list[list[Estimate]]], list[str]]:
    """The derivatives by the method asked for, or the strongest that can be used; why others could not be."""
    if method is not None:
        return method, [_FINDERS[method](level) for level in levels], []
    refused: dict[str, list[str]] = {}
    for name in _BY_STRENGTH:
        try:
            estimates = [_FINDERS[name](level) for level in levels]
            break
        except (RefusedError, MissingExtraError) as error:
            refused.setdefault(str(error), []).append(name)
    notes = [f"{' and '.join(names)} could not be used: {reason}" for reason, names in refused.items()]
    return name, estimates, notes


def _with_fixed_step(subject: Subject, eps: float, rtol: float, atol: float) -> GradientCheck:
    gradient = Gradient(subject)
    rows = [
        _row(name, analytic, numeric, rtol * max(abs(analytic), abs(numeric)), atol)
        for name, analytic, numeric in zip(subject.names, gradient.analytic[0], fixed_step(gradient, eps))
    ]
    return GradientCheck(tuple(rows), _norm_form(rows), eps, rtol, atol, _FIXED, 1, ())


def _checked(eps: float | None, rtol: float | None, atol: float | None) -> tuple[float, float, float]:
    """The settings of a fixed step, the defaults filled in."""
    settings = []
    for name, number, default, allowed in (
        ("eps", eps, 1e-6, eps is None or eps > 0),
        ("rtol", rtol, 1e-4, rtol is None or rtol >= 0),
        ("atol", atol, 1e-8, atol is None or atol >= 0),
    ):
        number = default if number is None else number
        if not allowed or not math.isfinite(number):
            raise ValueError(f"{name} must be a positive number, got {number!r}")
        settings.append(number)
    return settings[0], settings[1], settings[2]


def _row(name: str, analytic: float, numeric: float, bound: float, error: float) -> Row:
    """A row, with what the numeric derivative and the engine's may be wrong by."""
    bound += error
    difference, largest = analytic - numeric, max(abs(analytic), abs(numeric))
    if analytic == numeric:
        return Row(name, analytic, numeric, 0.0, math.isfinite(largest), bound)
    passed = math.isfinite(largest) and abs(difference) <= bound < math.inf
    return Row(name, analytic, numeric, difference / largest if largest else math.nan, passed, bound)


def _norm_form(rows: Sequence[Row]) -> float:
    apart = math.hypot(*(row.analytic - row.numeric for row in rows))
    size = math.hypot(*(row.analytic for row in rows)) + math.hypot(*(row.numeric for row in rows))
    return apart / size if apart else 0.0
