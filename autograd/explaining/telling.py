"""The two passes in sentences: what a screen reader says, and what is printed in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from autograd.explaining.backward_pass import Share, Step
from autograd.explaining.contents import Account
from autograd.explaining.words import rounded
from autograd.graph.walks import number

__all__ = ["Told", "tell"]

LISTED = 12  # gradients in the last sentence; all are in the page's table


class Told(NamedTuple):
    """One step of the two passes.

    Attributes:
        phase: "start", "forward", "seed", "backward" or "end".
        sentence: what happens.
        node: the operation, in a step forward or backward.
        backward: the step backward, where it is one.
    """

    phase: str
    sentence: str
    node: int | None = None
    backward: Step | None = None


def tell(account: Account) -> Iterator[Told]:
    """All steps in order.

    >>> from autograd.graph.value import Value
    >>> x = Value(3.0, "x")
    >>> for told in tell(Account(x * x)):
    ...     print(told.sentence)
    L is computed from 1 leaf by 1 operation.
    Forward: L = x·x = 3·3 = 9.
    The gradient of L by itself is 1.
    Backward through L = x·x, with gradient 1: x receives 1·3 = 3; x receives 1·3 = 3, and has 6 by now.
    Done. The gradients of the leaves: x 6.
    """
    result = account.names[-1]
    yield Told(
        "start",
        f"{result} is computed from {_counted(len(account.inputs), 'leaf', 'leaves')} by "
        f"{_counted(len(account.order), 'operation', 'operations')}.",
    )
    for one in account.order:
        yield Told("forward", _forward(account, account.place[one]), account.place[one])
    yield Told("seed", f"The gradient of {result} by itself is 1.")
    for step in account.backward:
        node = account.place[step.node]
        yield Told("backward", _backward(account, node, step), node, step)
    yield Told("end", _end(account))


def _forward(account: Account, node: int) -> str:
    formula = account.formulas[node]
    numbers = account.in_numbers(node, formula) if formula else ""
    return f"Forward: {account.equation(node)} = {numbers} = {rounded(number(account.nodes[node]))}."


def _backward(account: Account, node: int, step: Step) -> str:
    through = f"Backward through {account.equation(node)}"
    if step.gradient is None:
        return f"{through}: no gradient reaches it, so it sends none."
    sent = "; ".join(_sent(account, step.gradient, share) for share in step.shares)
    return f"{through}, with gradient {rounded(step.gradient)}: {sent}."


def _sent(account: Account, gradient: float, share: Share) -> str:
    if isinstance(share.operand, float):
        return f"{rounded(share.operand)} is a constant and receives nothing"
    name = account.names[account.place[share.operand]]
    if share.partial is None or share.contribution is None or share.after is None:
        return f"{name} receives nothing, the derivative by it being 0 everywhere"
    product = f"{rounded(gradient)}·{_enclosed(share.partial)} = {rounded(share.contribution)}"
    total = "" if share.before is None else f", and has {rounded(share.after)} by now"
    return f"{name} receives {product}{total}"


def _end(account: Account) -> str:
    count = len(account.inputs)
    shown = [f"{account.names[i]} {rounded(account.gradients[i])}" for i in account.listing()[:LISTED]]
    more = f", and {count - LISTED} more" if count > LISTED else ""
    return f"Done. The gradients of the leaves: {', '.join(shown)}{more}."


def _enclosed(number: float) -> str:
    text = rounded(number)
    return f"({text})" if text.startswith("−") else text


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
