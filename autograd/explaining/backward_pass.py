"""The backward pass as `Value.backward` makes it, number by number, touching nobody's `grad`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autograd.graph.value import Value
from autograd.graph.walks import operands

__all__ = ["BackwardStep", "Share", "backward_steps"]


class Share(NamedTuple):
    """What the backward pass does for one operand of an operation.

    Attributes:
        operand: the Value, or the number where it is a constant.
        partial: the operation's derivative by it; None where nothing is sent, to a constant and where
            the derivative is zero everywhere.
        contribution: what is sent, the operation's gradient times the partial.
        before: the operand's gradient until then, None where this is the first contribution.
        after: its gradient from then on.
    """

    operand: Value | float
    partial: float | None = None
    contribution: float | None = None
    before: float | None = None
    after: float | None = None


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
    gradients = {root: 1.0}
    steps = []
    for node in reversed(order):
        gradient = gradients.get(node)
        shares = () if gradient is None else _shares(node, gradient, gradients)
        steps.append(BackwardStep(node, gradient, shares))
    return steps, gradients


def _shares(node: Value, gradient: float, gradients: dict[Value, float]) -> tuple[Share, ...]:
    """The chain rule at one operation; the gradients of its operands are brought up to date."""
    parts = operands(node)
    inputs = tuple(part if type(part) is float else part._data for part in parts)
    is_node = tuple(type(part) is not float for part in parts)
    partials = node._primitive.partials_at(node._data, inputs, is_node)  # type: ignore[union-attr]
    shares = []
    for operand, partial in zip(parts, partials):
        if partial is None:
            shares.append(Share(operand))
            continue
        contribution = gradient * partial
        before = gradients.get(operand)
        # The engine starts a leaf from 0 and an operation from -0, which only a sum of zeros can tell.
        start = (0.0 if operand._primitive is None else -0.0) if before is None else before
        gradients[operand] = start + contribution
        shares.append(Share(operand, partial, contribution, before, gradients[operand]))
    return tuple(shares)
