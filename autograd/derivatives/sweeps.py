"""Reverse and forward sweeps: the chain rule over a whole graph, touching no one's `grad`.

On floats a sweep gives numbers. Lifted, it runs the rules on the Values themselves and so builds the
derivative's own graph, which can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd.graph.context import deriving, is_watched, tell_propagated, tell_pushed
from autograd.graph.value import Value
from autograd.graph.walks import number, numbers, operands, operation

__all__ = ["dependent_on", "forward", "reverse"]


def dependent_on(inputs: Sequence[Value], order: Sequence[Value]) -> set[Value]:
    """The inputs, and those of the operations that depend on one of them."""
    found = set(inputs)
    for node in order:
        for one in operands(node):
            if type(one) is not float and one in found:
                found.add(node)
                break
    return found


def reverse(
    order: Sequence[Value], seeds: Sequence[tuple[Value, Any]], inputs: Sequence[Value], *, lift: bool
) -> list[Any]:
    """Sum of ``seed * d(output)/d(input)`` over the outputs, for each input.

    Args:
        order: the operations in topological order.
        seeds: outputs, each with the number or Value that its derivative is multiplied by.
        inputs: leaves of the order, or operations that the walk stopped at.
        lift: whether to build the derivative's graph.

    Returns:
        One float or Value an input; 0.0 where no output depends on it.
    """
    involved = dependent_on(inputs, order)
    watched = is_watched()
    adjoints: dict[Value, Any] = {}
    for output, seed in seeds:
        if output in involved:
            adjoints[output] = _plus(adjoints.get(output), seed)
    with deriving() as context:
        for node in reversed(order):
            adjoint = adjoints.pop(node, None) if node in involved else None
            if adjoint is None:
                continue
            if lift:
                context.source.node = node
            rules = None if lift or watched else node._primitive.rules  # type: ignore[union-attr]
            if rules is not None and _propagated(node, rules, adjoint, adjoints, involved):
                continue
            parts = operands(node)
            received = []
            for one, partial in zip(parts, _partials(node, parts, involved, lift)):
                if partial is not None:
                    held, term = adjoints.get(one), _times(adjoint, partial)
                    adjoints[one] = _plus(held, term)
                    if watched:
                        received.append((one, number(term), 0.0 if held is None else number(held)))
            if watched:
                tell_propagated(node, number(adjoint), received)
    return [adjoints.get(one, 0.0) for one in inputs]


def _propagated(
    node: Value, rules: tuple[Any, ...], adjoint: float, adjoints: dict[Value, Any], involved: set[Value]
) -> bool:
    """Hand a float on to one or two operands, unless a rule divides by zero: as `Value.backward` does it."""
    left, right = node._left, node._right
    y, a = node._data, left if type(left) is float else left._data
    operand_data = (a,) if right is None else (a, right if type(right) is float else right._data)
    try:
        terms = [
            (one, adjoint * (rule if type(rule) is float else rule(y, *operand_data)))
            for one, rule in zip((left, right), rules)
            if type(one) is not float and one in involved
        ]
    except ArithmeticError:
        return False
    for one, term in terms:
        known = adjoints.get(one)
        adjoints[one] = term if known is None else known + term
    return True


def forward(
    order: Sequence[Value], seeds: Sequence[tuple[Value, Any]], outputs: Sequence[Any], *, lift: bool
) -> list[Any]:
    """The derivative of each output along a direction.

    Args:
        order: the operations in topological order, the inputs not among them.
        seeds: inputs, each with its component of the direction, a number or Value.
        outputs: Values, or numbers, whose derivative is 0.
        lift: whether to build the derivative's graph.

    Returns:
        One float or Value an output; 0.0 where it does not depend on an input.
    """
    watched = is_watched()
    tangents: dict[Any, Any] = dict(seeds)
    with deriving() as context:
        for node in order:
            parts = operands(node)
            if not any(type(one) is not float and one in tangents for one in parts):
                continue
            if lift:
                context.source.node = node
            total, used = None, []
            for one, partial in zip(parts, _partials(node, parts, tangents, lift)):
                if partial is not None:
                    total = _plus(total, _times(tangents[one], partial))
                    used.append(tangents[one])
            if total is not None:
                tangents[node] = total
                if watched:
                    tell_pushed(node, number(total), list(map(number, used)))
    return [tangents.get(output, 0.0) if isinstance(output, Value) else 0.0 for output in outputs]


def _partials(node: Value, parts: tuple[Any, ...], involved: Any, lift: bool) -> list[Any]:
    """The partials by those operands that are involved, None for the others."""
    wanted = tuple(type(one) is not float and one in involved for one in parts)
    if lift:
        partials = operation(node).partials_at(node, parts, wanted)
        return [one if one is None or isinstance(one, Value) else float(one) for one in partials]
    partials = operation(node).partials_at(number(node), tuple(numbers(parts)), wanted)
    return list(partials)


def _times(adjoint: Any, partial: Any) -> Any:
    """The product; a factor 1, or -1, that is a plain number makes no operation (the bits are the same)."""
    for one, other in ((partial, adjoint), (adjoint, partial)):
        if type(one) is float:
            if one == 1.0:
                return other
            if one == -1.0:
                return -other
    return adjoint * partial


def _plus(total: Any, term: Any) -> Any:
    return term if total is None else total + term
