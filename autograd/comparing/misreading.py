"""Another formula, for which a gradient by hand would be right: the formula with a slip in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from autograd.comparing.contributions import EvaluatedDerivation, Series
from autograd.derivation import Derivation
from autograd.derivation.expression_walks import parts_of, rebuilt
from autograd.derivation.expressions import Sum, Symbolic, total
from autograd.derivation.lines import Lines, NamedLine
from autograd.derivation.text import text

__all__ = ["misreading"]


def misreading(
    derivation: Derivation,
    points: Sequence[Sequence[float]],
    agrees: Callable[[list[Series]], bool],
) -> str:
    """A line that makes a gradient by hand right, with a sign changed or a term left out.

    The line may have been read so only where its number was computed, or in its derivatives too.

    Args:
        derivation: of the formula as it is.
        points: for each point the inputs.
        agrees: whether a gradient equals that by hand.

    Returns:
        What was read instead of what; "" where there is no such line.
    """
    lines = derivation.lines.lines
    inputs = [step.name for step in derivation.gradient]
    for at, (name, expression) in enumerate(lines):
        for other in _slipped(expression):
            read = Lines(derivation.lines.inputs, (*lines[:at], NamedLine(name, other), *lines[at + 1 :]))
            misread = Derivation(read, inputs, derivation.program, derivation.captured)
            accounts = (
                EvaluatedDerivation(derivation, points, read.lines),
                EvaluatedDerivation(misread, points),
            )
            if any(agrees(account.gradient()) for account in accounts):
                return f"{name.name} = {text(other)} in place of {name.name} = {text(expression)}"
    return ""


def _slipped(expression: Symbolic) -> Iterator[Symbolic]:
    """An expression with a term of a sum in it changed, in every way."""
    if isinstance(expression, Sum):
        for i, term in enumerate(expression.terms):
            others = expression.terms[:i], expression.terms[i + 1 :]
            yield total(*others[0], -term, *others[1])
            yield total(*others[0], *others[1])
    parts = parts_of(expression)
    for i, part in enumerate(parts):
        for other in _slipped(part):
            yield rebuilt(expression, (*parts[:i], other, *parts[i + 1 :]))
