"""What a gradient that was derived by hand comes to with a slip in it, for each slip that one point can tell.

The slips, what they make of a gradient and the words for them are those of `compare`. But `compare` sees
a gradient at many points and may look for any factor; at one point, only what is on the way counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from autograd.comparing.contributions import Series, Term
from autograd.comparing.sentences import Phrase, phrase
from autograd.comparing.slips import Slip
from autograd.derivation.chain_rule import Link
from autograd.derivation.expressions import Derivative, Symbol
from autograd.explaining.explained_graph import ExplainedGraph

__all__ = ["Candidate", "Factor", "candidates", "factors", "swapped"]


class Factor(NamedTuple):
    """The derivative of an operation by one of its operands, where a gradient is sent by it.

    Attributes:
        user: the operation.
        place: which of its operands.
        operand: the node that this operand is.
        partial: the derivative.
        contribution: what is sent.
    """

    user: int
    place: int
    operand: int
    partial: float
    contribution: float


class Candidate(NamedTuple):
    """A wrong gradient, and what is wrong with it.

    Attributes:
        number: what the slip makes of the gradient.
        says: what to say of it.
        factors: positions of the derivatives that it may be about.
    """

    number: float
    says: Phrase
    factors: tuple[int, ...] = ()


def factors(graph: ExplainedGraph) -> list[Factor]:
    """All derivatives by which gradients are sent, in the order of the backward pass."""
    return [
        Factor(graph.place[step.node], place, graph.place[share.operand], share.partial, share.contribution)
        for step in graph.backward
        for place, share in enumerate(step.shares)
        if share.partial is not None
        and share.contribution is not None
        and not isinstance(share.operand, float)
    ]


def candidates(graph: ExplainedGraph, factors: list[Factor], node: int) -> list[Candidate]:
    """What slips make of a node's gradient, the likeliest first.

    >>> from autograd.graph.value import Value
    >>> graph = ExplainedGraph(Value(3.0, "x").sin() * 2.0)
    >>> [round(candidate.number, 3) for candidate in candidates(graph, factors(graph), 0)]
    [1.98, -3.96, -0.99, -0.99, 2.0]
    """
    right = graph.gradients[node]
    wrong = []
    for slip, partial, about in sorted(_slips(graph, factors, node), key=lambda entry: entry[0].cost):
        with np.errstate(all="ignore"):
            number = float(slip.applied(np.array([right]), {slip.missing: partial})[0])
        if math.isfinite(number) and number != right:
            wrong.append(Candidate(number, phrase(slip, None, graph.names[-1]), about))
    return wrong


def _slips(
    graph: ExplainedGraph, factors: list[Factor], node: int
) -> Iterator[tuple[Slip, float, tuple[int, ...]]]:
    """The slips, each with the number of the factor that it is about, and the places of those to look at."""
    way = _way(graph, node)
    on_way = [(i, factor) for i, factor in enumerate(factors) if factor.operand in way]
    negative: dict[Factor, int] = {}  # of x*x, whose two derivatives are the same, one is enough
    for i, factor in on_way:
        if factor.partial < 0:
            negative.setdefault(factor._replace(place=0), i)
    yield Slip(-1.0), 1.0, tuple(negative.values())
    yield Slip(2.0), 1.0, ()
    yield Slip(0.5), 1.0, ()
    received = [factor for _, factor in on_way if factor.operand == node]
    for i, factor in on_way:
        link = _link(graph, factor)
        yield Slip(1.0, missing=link.slope), factor.partial, (i,)
        if factor in received and len(received) > 1:
            sent = Series(np.array([factor.contribution]), np.zeros(1))
            yield Slip(0.0, term=Term(link, link.slope, sent)), 1.0, (i,)


def _link(graph: ExplainedGraph, factor: Factor) -> Link:
    user, operand = graph.names[factor.user], graph.names[factor.operand]
    return Link(Symbol(user), Symbol(operand), Derivative(user, operand), False)


def _way(graph: ExplainedGraph, start: int) -> set[int]:
    """A node and all that depend on it."""
    way = {start}
    for node, uses in enumerate(graph.uses):
        if not way.isdisjoint(uses):
            way.add(node)
    return way


def swapped(graph: ExplainedGraph) -> list[Candidate]:
    """The leaves' gradients, which may stand in each other's places."""
    return [
        Candidate(graph.gradients[leaf], ("is the derivative by ", Symbol(graph.names[leaf])))
        for leaf in graph.listing()
        if math.isfinite(graph.gradients[leaf])
    ]
