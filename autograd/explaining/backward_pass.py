"""The backward pass as `Value.backward` makes it, number by number, touching nobody's `grad`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autograd.derivatives.sweeps import Received, reverse
from autograd.graph.nodes import is_leaf, partials_at, selected_operands
from autograd.graph.value import Value
from autograd.graph.walks import Application, applications, leaves

__all__ = ["BackwardStep", "Share", "backward_steps"]


class Share(NamedTuple):
    """What the backward pass does for one operand of an operation.

    Attributes:
        operand: the Value, or the number where it is a constant.
        partial: the operation's derivative by it; None where nothing is sent, to a constant and for the
            reason below.
        contribution: what is sent, the operation's gradient times the partial.
        before: the operand's gradient until then, None where this is the first contribution.
        after: its gradient from then on.
        reason: why nothing is sent to a Value.
    """

    operand: Value | float
    partial: float | None = None
    contribution: float | None = None
    before: float | None = None
    after: float | None = None
    reason: str = ""


class BackwardStep(NamedTuple):
    """The backward pass at one operation.

    Attributes:
        node: the operation.
        gradient: its gradient, to which nothing is added any more; None where none reaches it.
        shares: what each operand receives, in order; none where no gradient reaches the operation.
    """

    node: Value
    gradient: float | None
    shares: tuple[Share, ...]


def backward_steps(root: Value, order: Sequence[Value]) -> tuple[list[BackwardStep], dict[Value, float]]:
    """What `Value.backward` does on a graph whose gradients are all 0, an operation a step.

    Args:
        root: the result that is differentiated.
        order: the operations that it depends on, itself included, in topological order.

    Returns:
        The steps, in the order in which they happen, and the gradients of all nodes that a gradient reaches.

    >>> x = Value(3.0, "x")
    >>> y = x * x
    >>> (step,), gradients = backward_steps(y, [y])
    >>> [(share.partial, share.after) for share in step.shares], gradients[x]
    ([(3.0, 3.0), (3.0, 6.0)], 6.0)
    """
    steps = {node: BackwardStep(node, None, ()) for node in reversed(order)}

    def observe(application: Application, adjoints: Sequence[float], received: Received) -> None:
        operation, parts, (node,) = application
        sent = iter(received)
        used = selected_operands(operation, parts)
        shares = [
            Share(part, reason=_ZERO if any(part is each for each in used) else _LEFT_OUT)
            if partial is None
            else _share(partial, *next(sent))
            for part, partial in zip(parts, partials_at(node))
        ]
        steps[node] = BackwardStep(node, adjoints[0], tuple(shares))

    inputs = leaves(order)
    swept = reverse(applications(root), [(root, 1.0)], inputs, observer=observe)
    gradients = {step.node: step.gradient for step in steps.values() if step.gradient is not None}
    reached = {share.operand for step in steps.values() for share in step.shares if share.partial is not None}
    gradients |= {leaf: 0.0 + gradient for leaf, gradient in zip(inputs, swept) if leaf in reached}
    return list(steps.values()), gradients or {root: 1.0}


_ZERO = "the derivative by it is 0 everywhere"
_LEFT_OUT = "it is not selected"


def _share(partial: float, operand: Value, contribution: float, before: float | None) -> Share:
    """What an operand received. The engine starts a leaf from 0, which only a sum of zeros can tell."""
    after = contribution if before is None else before + contribution
    if is_leaf(operand):
        after = 0.0 + after
    return Share(operand, partial, contribution, before, after)
