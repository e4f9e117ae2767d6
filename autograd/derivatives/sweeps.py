"""Reverse and forward sweeps: the chain rule over a whole computation, touching no one's `grad`.

A sweep visits the applied operations of a graph, whose nodes are Values, or of code, whose nodes are slot
numbers. On floats it gives numbers. Lifted, it calls the operations' rules with the Values themselves, and so
builds the graph of the derivative, which can be differentiated again. Another arithmetic supplies its own
numbers for the nodes and its own chain rule for one operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from typing import Any

from autograd.derivatives.guards import (
    added,
    is_present,
    pulled_with_guards,
    pushed_with_guards,
    unguarded,
)
from autograd.graph.context import deriving, is_watched, tell_propagated, tell_pushed
from autograd.graph.nodes import number, numbers, selected_operands
from autograd.graph.walks import Application
from autograd.primitives.masked import pulled as pulled_masked
from autograd.primitives.operation import ABSENT, Operation
from autograd.primitives.primitive import Primitive

__all__ = ["dependent_on", "forward", "pulled", "reverse"]

Received = Sequence[tuple[Any, Any, Any]]  # an operand, the term that it received, its adjoint before or None
Observer = Callable[[Application, Sequence[Any], Received], None]


def dependent_on(inputs: Iterable[Any], applied: Iterable[Application]) -> set[Any]:
    """The inputs, and those of the results that depend on one of them."""
    dependent = set(inputs)
    for _, operands, results in applied:
        for operand in operands:
            if type(operand) is not float and operand in dependent:
                dependent.update(results)
                break
    return dependent


def pulled(
    operation: Operation,
    inputs: Sequence[Any],
    results: Sequence[Any],
    adjoints: Sequence[Any],
    wanted: Sequence[bool],
) -> Sequence[Any]:
    """The chain rule at one operation, as the operation has it: what each operand receives, or None."""
    if len(adjoints) > 1:  # of a result that nothing depends on it is None
        adjoints = [ABSENT if adjoint is None else adjoint for adjoint in adjoints]
    return pulled_masked(operation, inputs, results, adjoints, wanted)


def reverse(
    applied: Sequence[Application],
    seeds: Iterable[tuple[Any, Any]],
    inputs: Sequence[Any],
    *,
    lift: bool = False,
    values: Callable[[Sequence[Any]], Sequence[Any]] = numbers,
    pull: Callable[..., Sequence[Any]] = pulled,
    observer: Observer | None = None,
) -> list[Any]:
    """Sum of ``seed * d(output)/d(input)`` over the outputs, for each input.

    Args:
        applied: what was applied to what, in topological order.
        seeds: outputs, each with the number or Value that its derivative is multiplied by.
        inputs: leaves, or nodes that the walk stopped at.
        lift: whether to build the derivative's graph.
        values: gives the numbers of several operands or results, if not the nodes' own.
        pull: the chain rule at one operation, with the arguments of `pulled`.
        observer: is told of each operation that an adjoint reaches: what was applied, its results' adjoints,
            and what its operands received.

    Returns:
        One number or Value an input; 0.0 where no output depends on it.
    """
    if is_watched() and observer is None:
        observer = _tell
    involved = dependent_on(inputs, applied)
    adjoints: dict[Any, Any] = {}
    for output, seed in seeds:
        if output in involved:
            adjoints[output] = added(adjoints[output], seed) if output in adjoints else seed
    if not lift and values is numbers and pull is pulled and observer is None:
        _reverse_on_floats(applied, adjoints, involved)
        return [unguarded(adjoints.get(node, 0.0)) for node in inputs]
    with deriving() as context:
        for application in reversed(applied):
            operation, operands, results = application
            reached = [adjoints.pop(result, None) for result in results]
            if reached[0] is None and all(adjoint is None for adjoint in reached):
                continue
            wanted = [type(operand) is not float and operand in involved for operand in operands]
            if lift:
                context.source.node = results[0]
                terms = pulled_with_guards(pull, operation, operands, results, reached, wanted)
            else:
                terms = pull(operation, values(operands), values(results), reached, wanted)
            received = []
            for operand, term, want in zip(operands, terms, wanted):
                if want and term is not None:
                    earlier = adjoints.get(operand)
                    if earlier is None:
                        adjoints[operand] = term
                    else:
                        adjoints[operand] = added(earlier, term) if lift else earlier + term
                    if observer is not None:
                        received.append((operand, term, earlier))
            if observer is not None:
                observer(application, reached, received)
        return [unguarded(adjoints.get(node, 0.0)) for node in inputs]


def _reverse_on_floats(applied: Sequence[Application], adjoints: dict[Any, Any], involved: Set[Any]) -> None:
    """The sweep of `reverse` on plain numbers, with what `Primitive.pull` does written out."""
    for operation, operands, results in reversed(applied):
        terms: Any = None
        if operation.rules is None:
            reached = [adjoints.pop(result, None) for result in results]
            if all(adjoint is None for adjoint in reached):
                continue
        else:
            adjoint = adjoints.pop(results[0], None)
            if adjoint is None:
                continue
            y, inputs, reached = number(results[0]), numbers(operands), [adjoint]
            try:
                terms = [
                    (operand, adjoint * (rule if type(rule) is float else rule(y, *inputs)))
                    for operand, rule in zip(operands, operation.rules)
                    if type(operand) is not float and operand in involved
                ]
            except ArithmeticError:  # a rule divided by zero: that operation again, below
                terms = None
        if terms is None:
            wanted = [type(operand) is not float and operand in involved for operand in operands]
            received = pulled(operation, numbers(operands), numbers(results), reached, wanted)
            terms = [
                (operand, term)
                for operand, term, want in zip(operands, received, wanted)
                if want and term is not None
            ]
        for operand, term in terms:
            earlier = adjoints.get(operand)
            adjoints[operand] = term if earlier is None else earlier + term


def _tell(application: Application, adjoints: Sequence[Any], received: Received) -> None:
    """Tell this context's watchers, of what is there."""
    if any(map(is_present, adjoints)):
        reached = list(map(_number, adjoints))
        handed_on = [
            (operand, _number(term), _number(earlier))
            for operand, term, earlier in received
            if is_present(term)
        ]
        tell_propagated(application[2][0], reached, handed_on)


def _number(derivative: Any) -> float:
    """The number of a derivative, 0.0 for one that is not there."""
    return number(getattr(derivative, "derivative", derivative)) if is_present(derivative) else 0.0


def forward(
    applied: Sequence[Application],
    seeds: Sequence[tuple[Any, Any]],
    outputs: Sequence[Any],
    *,
    lift: bool = False,
) -> list[Any]:
    """The derivative of each output along a direction.

    Args:
        applied: what was applied to what, in topological order, the inputs not among the results.
        seeds: inputs, each with its component of the direction, a number or Value.
        outputs: Values, or numbers, whose derivative is 0.
        lift: whether to build the derivative's graph.

    Returns:
        One number or Value an output; 0.0 where it does not depend on an input.
    """
    watched = _selected(applied, outputs) if is_watched() else ()
    tangents: dict[Any, Any] = dict(seeds)
    with deriving() as context:
        for operation, operands, results in applied:
            along = [None if type(operand) is float else tangents.get(operand) for operand in operands]
            if all(tangent is None for tangent in along):
                continue
            if not isinstance(operation, Primitive):
                along = [ABSENT if tangent is None else tangent for tangent in along]
            if lift:
                context.source.node = results[0]
                pushed = pushed_with_guards(operation, operands, results, along)
            else:
                pushed = operation.push(numbers(operands), numbers(results), along)
            for result, tangent in zip(results, pushed):
                if tangent is not None:
                    tangents[result] = tangent
                    if result in watched and is_present(tangent):
                        used = [_number(tangent) for tangent in along if is_present(tangent)]
                        tell_pushed(result, _number(tangent), used)
        return [0.0 if type(output) is float else unguarded(tangents.get(output, 0.0)) for output in outputs]


def _selected(applied: Sequence[Application], outputs: Iterable[Any]) -> set[Any]:
    """What outputs were made of, without what no `where` on the way selects."""
    selected = {output for output in outputs if type(output) is not float}
    for operation, operands, results in reversed(applied):
        if not selected.isdisjoint(results):
            used = selected_operands(operation, operands)
            selected.update([operand for operand in used if type(operand) is not float])
    return selected
