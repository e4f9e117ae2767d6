"""Gradient checking: the engine's derivatives against central differences."""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from autograd.tracing import argument_names
from autograd.trees import flatten
from autograd.value import Value

__all__ = ["GradientCheck", "Row", "check_gradients"]


class Row(NamedTuple):
    """The check of one input.

    Attributes:
        name: the input, as one would write it (``w[0]``).
        analytic: the engine's derivative.
        numeric: the central difference.
        relative: ``(analytic - numeric) / max(|analytic|, |numeric|)``, 0 where both are 0.
        passed: whether ``|analytic - numeric| <= atol + rtol * max(|analytic|, |numeric|)``.
    """

    name: str
    analytic: float
    numeric: float
    relative: float
    passed: bool


class GradientCheck(NamedTuple):
    """A report: one `Row` an input, and the norm form. True where every input passed.

    Attributes:
        rows: the inputs in order.
        norm: ``||analytic - numeric|| / (||analytic|| + ||numeric||)`` in Euclidean norms, 0 where
            both are 0 (the form of Andrew Ng's course).
        eps: the step of the differences.
        rtol: the relative tolerance.
        atol: the absolute tolerance.
    """

    rows: tuple[Row, ...]
    norm: float
    eps: float
    rtol: float
    atol: float

    @property
    def passed(self) -> bool:
        """Whether every input passed."""
        return all(row.passed for row in self.rows)

    def __bool__(self) -> bool:
        return self.passed

    def _repr_html_(self) -> str:
        """The table for a notebook; a wrong row has its verdict in words."""
        lines = []
        for row in self.rows:
            figures = (f"{row.analytic:.10g}", f"{row.numeric:.10g}", f"{row.relative:.2e}")
            cells = "".join(f'<td style="text-align: right">{figure}</td>' for figure in figures)
            verdict = "ok" if row.passed else "<strong>differs</strong>"
            lines.append(f"<tr><td><code>{html.escape(row.name)}</code></td>{cells}<td>{verdict}</td></tr>")
        titles = "".join(f"<th>{title}</th>" for title in ("input", "analytic", "numeric", "relative", ""))
        return (
            f"<table><thead><tr>{titles}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
            f"<p>{html.escape(self._summary())}</p>"
        )

    def _summary(self) -> str:
        wrong = sum(not row.passed for row in self.rows)
        verdict = "passed" if self.passed else f"FAILED for {wrong} of {len(self.rows)} inputs"
        tolerances = f"eps={self.eps:g}, rtol={self.rtol:g}, atol={self.atol:g}"
        return f"norm form {self.norm:.2e}; {verdict} ({tolerances})"

    def __str__(self) -> str:
        width = max([len(row.name) for row in self.rows], default=5)
        lines = [f"{'input':<{width}}  {'analytic':>23}  {'numeric':>23}  {'relative':>10}"]
        for row in self.rows:
            figures = f"{row.analytic:>23.16e}  {row.numeric:>23.16e}  {row.relative:>10.2e}"
            lines.append(f"{row.name:<{width}}  {figures}" + ("" if row.passed else "  <-- differs"))
        lines.append(self._summary())
        return "\n".join(lines)


def check_gradients(
    f: Callable[..., Any], *args: Any, eps: float = 1e-6, rtol: float = 1e-4, atol: float = 1e-8
) -> GradientCheck:
    """Compare the engine's derivatives of ``f`` with ``(f(x + eps) - f(x - eps)) / (2 * eps)``.

    Args:
        f: a function of Values that returns one Value.
        args: where to check it: numbers, Values (their data is taken, they are not touched), arrays,
            and any nesting of them. Every number in them is an input to be checked.
        eps: the step.
        rtol: the relative tolerance. A difference quotient is good to about ``eps**2`` by truncation
            and ``2e-16 * |f| / eps`` by rounding.
        atol: the absolute tolerance, for derivatives near 0.

    Returns:
        A `GradientCheck`, which prints as a table.

    Raises:
        TypeError: an argument holds something else than numbers, or ``f`` returns no scalar.
        ValueError: a step or tolerance is not positive (a tolerance may be 0).

    >>> report = check_gradients(lambda w: w[0] * w[1].sin(), [2.0, 0.5])
    >>> report.passed, report.rows[0].name
    (True, 'w[0]')
    """
    for name, number, allowed in (
        ("eps", eps, eps > 0),
        ("rtol", rtol, rtol >= 0),
        ("atol", atol, atol >= 0),
    ):
        if not allowed or not math.isfinite(number):
            raise ValueError(f"{name} must be a positive number, got {number!r}")
    scalars, structure = flatten(args, "an argument of the function to check", integers=False)
    point = [one.data if isinstance(one, Value) else one for one in scalars]

    inputs = [Value(number) for number in point]
    result = f(*structure.unflatten(inputs))
    if isinstance(result, Value):
        result.backward()

    def at(i: int, number: float) -> float:
        moved: list[Any] = [Value(one) for one in point]
        moved[i] = Value(number)
        return _number(f(*structure.unflatten(moved)))

    _number(result)
    rows = []
    for i, (one, name) in enumerate(zip(scalars, argument_names(f, args))):
        numeric = (at(i, point[i] + eps) - at(i, point[i] - eps)) / (2 * eps)
        rows.append(_row(getattr(one, "label", "") or name, inputs[i].grad, numeric, rtol, atol))
    return GradientCheck(tuple(rows), _norm_form(rows), eps, rtol, atol)


def _row(name: str, analytic: float, numeric: float, rtol: float, atol: float) -> Row:
    largest = max(abs(analytic), abs(numeric))
    if analytic == numeric:
        return Row(name, analytic, numeric, 0.0, True)
    difference = analytic - numeric
    passed = abs(difference) <= atol + rtol * largest and math.isfinite(largest)
    return Row(name, analytic, numeric, difference / largest, passed)


def _norm_form(rows: list[Row]) -> float:
    apart = math.hypot(*(row.analytic - row.numeric for row in rows))
    size = math.hypot(*(row.analytic for row in rows)) + math.hypot(*(row.numeric for row in rows))
    return apart / size if apart else 0.0


def _number(result: Any) -> float:
    if isinstance(result, Value):
        return result.data
    if isinstance(result, (int, float)):
        return float(result)
    raise TypeError(f"the function to check must return one number or Value, got {type(result).__name__}")
