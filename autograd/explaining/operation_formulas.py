"""What an operation's rule looks like: its own formula, and those of its partial derivatives."""

from __future__ import annotations

from contextvars import Context
from typing import Any

from autograd.derivation.differentiation import textbook_partial
from autograd.explaining.boxes import is_alike
from autograd.graph.nodes import is_constant, number, numbers, operands, operation, partials_at
from autograd.graph.value import Value
from autograd.primitives.ieee import evaluate
from autograd.primitives.notation import format_rounded
from autograd.programs.formulas import PRINTED_SIGNS, Formula, application, as_operand, printed

__all__ = ["operation_formula", "partial_formulas", "textbook_remark"]


def operation_formula(node: Value) -> Formula:
    """An operation as an expression of its operands.

    Raises:
        ValueError: an operand's number has been changed since the operation was computed.
    """
    primitive, parts = operation(node), operands(node)
    formula = application(primitive, list(map(as_operand, parts)), PRINTED_SIGNS)
    result = primitive(*numbers(parts))
    if not is_alike(result, number(node)):
        raise ValueError(
            f"{formula.text()} is {result}, but {number(node)} when the graph was recorded: a Value's data "
            "was changed since (by an optimizer's step, say). Compute the result again, then explain it"
        )
    return formula


def partial_formulas(node: Value) -> list[Formula | None]:
    """An operation's partial derivatives, in the textbook's form where the table has one.

    Returns:
        A formula for each operand; None where there is nothing to read: by a constant, where the
        derivative is zero everywhere, and where a user's rule computes on floats only.
    """
    parts = operands(node)
    try:
        return Context().run(_partial_formulas, node, parts)
    except Exception:  # a user's rule may do on Values whatever it likes; its numbers stand all the same
        return [None] * len(parts)


def _partial_formulas(node: Value, parts: tuple[Value | float, ...]) -> list[Formula | None]:
    # Leaves of the same numbers, so that a rule with a Python ``if`` takes the branch that it takes for them.
    copies: list[Any] = [part if is_constant(part) else Value(number(part)) for part in (node, *parts)]
    nodes = dict(zip(copies, (node, *parts)))

    def formula(place: int) -> Formula:
        partial = textbook_partial(operation(node), place, tuple(copies[1:]), copies[0])
        return printed(partial, nodes) if isinstance(partial, Value) else as_operand(float(partial))

    return [None if slope is None else formula(place) for place, slope in enumerate(partials_at(node))]


def textbook_remark(node: Value, place: int, partial: float) -> str:
    """Where the textbook's form, which is shown, gives another number than the rule: why. Or ""."""
    textbook = operation(node).textbook
    rule = textbook[place] if textbook else None
    if not callable(rule):
        return ""
    shown = float(evaluate(rule, *numbers((node, *operands(node)))))
    if is_alike(shown, partial, 1e-6):
        return ""
    return f"In floats this form gives {format_rounded(shown)}; the engine computes an accurate one."
