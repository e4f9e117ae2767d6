"""The two passes in sentences: what a screen reader says, and what is printed in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from autograd.explaining.backward_pass import BackwardStep, Share
from autograd.explaining.explained_graph import ExplainedGraph
from autograd.graph.nodes import number
from autograd.primitives.notation import format_rounded
from autograd.programs.formulas import Formula, Operand

__all__ = ["Told", "tell"]

LISTED = 12  # gradients in the last sentence; all are in the page's table


class Told(NamedTuple):
    """One step of the two passes.

    Attributes:
        phase: "start", "forward", "seed", "backward" or "end".
        sentence: what happens.
        node: the operation, in a step forward or backward.
        backward: the step of the backward pass, in a step backward.
    """

    phase: str
    sentence: str
    node: int | None = None
    backward: BackwardStep | None = None


def tell(graph: ExplainedGraph) -> Iterator[Told]:
    """All steps in order.

    >>> from autograd.graph.value import Value
    >>> x = Value(3.0, "x")
    >>> for told in tell(ExplainedGraph(x * x)):
    ...     print(told.sentence)
    L is computed from 1 leaf by 1 operation.
    Forward: L = x·x = 3·3 = 9.
    The gradient of L by itself is 1.
    Backward through L = x·x, with gradient 1: x receives 1·3 = 3; x receives 1·3 = 3, and has 6 by now.
    Done. The gradients of the leaves: x 6.
    """
    result = graph.names[-1]
    yield Told(
        "start",
        f"{result} is computed from {_counted(len(graph.inputs), 'leaf', 'leaves')} by "
        f"{_counted(len(graph.order), 'operation', 'operations')}.",
    )
    for node in range(len(graph.inputs), len(graph.nodes)):
        yield Told("forward", _forward(graph, node), node)
    yield Told("seed", f"The gradient of {result} by itself is 1.")
    for step in graph.backward:
        node = graph.place[step.node]
        yield Told("backward", _backward(graph, node, step), node, step)
    yield Told("end", _end(graph))


def _forward(graph: ExplainedGraph, node: int) -> str:
    formula = graph.formulas[node]
    numbers = formula.text() if formula else ""
    return f"Forward: {graph.equation(node)} = {numbers} = {format_rounded(number(graph.nodes[node]))}."


def _backward(graph: ExplainedGraph, node: int, step: BackwardStep) -> str:
    through = f"Backward through {graph.equation(node)}"
    if step.gradient is None:
        return f"{through}: no gradient reaches it, so it sends none."
    sent = "; ".join(_sent(graph, step.gradient, share) for share in step.shares)
    return f"{through}, with gradient {format_rounded(step.gradient)}: {sent}."


def _sent(graph: ExplainedGraph, gradient: float, share: Share) -> str:
    if isinstance(share.operand, float):
        return f"{format_rounded(share.operand)} is a constant and receives nothing"
    name = graph.names[graph.place[share.operand]]
    if share.partial is None or share.contribution is None or share.after is None:
        return f"{name} receives nothing: {share.reason}"
    factor = Formula((Operand(share.partial, is_tight=True),)).text()
    product = f"{format_rounded(gradient)}·{factor} = {format_rounded(share.contribution)}"
    total = "" if share.before is None else f", and has {format_rounded(share.after)} by now"
    return f"{name} receives {product}{total}"


def _end(graph: ExplainedGraph) -> str:
    count = len(graph.inputs)
    shown = [f"{graph.names[i]} {format_rounded(graph.gradients[i])}" for i in graph.listing()[:LISTED]]
    more = f", and {count - LISTED} more" if count > LISTED else ""
    return f"Done. The gradients of the leaves: {', '.join(shown)}{more}."


def _counted(count: int, singular: str, plural: str) -> str:
    return f"{count} {singular if count == 1 else plural}"
