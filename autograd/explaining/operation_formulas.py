"""What an operation's rule looks like: its own formula, and those of its partial derivatives."""

from __future__ import annotations

import math
from contextvars import Context

from autograd.derivation.differentiation import textbook_partial
from autograd.graph.nodes import operands, operation
from autograd.graph.value import Value
from autograd.primitives.ieee import evaluate
from autograd.primitives.notation import format_rounded
from autograd.primitives.primitive import Primitive
from autograd.programs.formulas import PRINTED_SIGNS, Formula, application, as_operand, printed

__all__ = ["operation_formula", "partial_formulas", "textbook_remark"]


def operation_formula(node: Value) -> Formula:
    """An operation as an expression of its operands.

    Raises:
        ValueError: an operand's number has been changed since the operation was computed.
    """
    primitive = _primitive(node)
    formula = application(primitive, [as_operand(operand) for operand in operands(node)], PRINTED_SIGNS)
    result = primitive(*map(_number, operands(node)))
    if not _alike(result, node.data):
        raise ValueError(
            f"{formula.text()} is {result}, but {node.data} when the graph was recorded: a Value's data was "
            "changed since (by an optimizer's step, say). Compute the result again, then explain it"
        )
    return formula


def partial_formulas(node: Value) -> list[Formula | None]:
    """An operation's partial derivatives, in the textbook's form where the table has one.

    Returns:
        A formula for each operand; None where there is nothing to read: by a constant, where the
        derivative is zero everywhere, and where a user's rule computes on floats only.
    """
    primitive, parts = _primitive(node), operands(node)
    # Leaves of the same numbers, so that a rule with a Python ``if`` takes the branch that it takes for them.
    y, *args = [Value(part.data) if isinstance(part, Value) else part for part in (node, *parts)]
    nodes = {leaf: part for leaf, part in zip((y, *args), (node, *parts)) if isinstance(leaf, Value)}
    is_node = tuple(isinstance(part, Value) for part in parts)

    def write() -> list[Formula | None]:
        formulas: list[Formula | None] = []
        numbers = primitive.partials_at(node.data, tuple(map(_number, parts)), is_node)
        for place, number in enumerate(numbers):
            partial = None if number is None else textbook_partial(primitive, place, tuple(args), y)
            is_graph = isinstance(partial, Value)
            formulas.append(
                None
                if partial is None
                else printed(partial, nodes)
                if is_graph
                else as_operand(float(partial))
            )
        return formulas

    try:
        return Context().run(write)
    except Exception:  # a user's rule may do on Values whatever it likes; its numbers stand all the same
        return [None] * len(parts)


def textbook_remark(node: Value, place: int, partial: float) -> str:
    """Where the textbook's form, which is shown, gives another number than the rule: why. Or ""."""
    textbook = _primitive(node).textbook
    rule = textbook[place] if textbook else None
    if not callable(rule):
        return ""
    shown = float(evaluate(rule, *map(_number, (node, *operands(node)))))
    if _alike(shown, partial, 1e-6):
        return ""
    return f"In floats this form gives {format_rounded(shown)}; the engine computes an accurate one."


def _primitive(node: Value) -> Primitive:
    primitive: Primitive = operation(node)
    return primitive


def _number(operand: Value | float) -> float:
    return operand.data if isinstance(operand, Value) else operand


def _alike(number: float, other: float, tolerance: float = 0.0) -> bool:
    """Whether two numbers are equal within a relative tolerance; nan is like nan."""
    return math.isclose(number, other, rel_tol=tolerance) or (math.isnan(number) and math.isnan(other))
