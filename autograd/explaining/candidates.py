"""The numbers that a gradient derived by hand comes to with each slip that can be told at one point.

The slips, their effects and the words for them are those of `compare`. But `compare` sees a gradient at many
points and can look for any factor; at one point only the factors and terms of the chain rule are tried.
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

__all__ = ["Candidate", "Candidates", "Factor"]


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
        factor: the position of the derivative that it is about, where it is about one.
        suspects: positions of the derivatives that may be wrong, where they are several.
    """

    number: float
    says: Phrase
    factor: int | None = None
    suspects: tuple[int, ...] = ()


class _Worded(NamedTuple):
    """A slip, its cost, and what to say of it."""

    slip: Slip
    cost: float
    says: Phrase


class Candidates:
    """The wrong gradients that slips give.

    Attributes:
        factors: the derivatives by which gradients are sent, in the order of the backward pass.
        swapped: the leaves' gradients, which may stand in each other's places.

    >>> from autograd.graph.value import Value
    >>> slips = Candidates(ExplainedGraph(Value(3.0, "x").sin() * 2.0))
    >>> [round(candidate.number, 3) for candidate in slips.of(0)]
    [1.98, -3.96, -0.99, -0.99, 2.0]
    """

    def __init__(self, graph: ExplainedGraph) -> None:
        self._graph = graph
        self.factors = [
            Factor(graph.place[step.node], i, graph.place[share.operand], share.partial, share.contribution)
            for step in graph.backward
            for i, share in enumerate(step.shares)
            if not (isinstance(share.operand, float) or share.partial is None or share.contribution is None)
        ]
        self.swapped = [
            Candidate(graph.gradients[leaf], ("is the derivative by ", Symbol(graph.names[leaf])))
            for leaf in graph.listing()
            if math.isfinite(graph.gradients[leaf])
        ]
        self._whole = list(map(self._worded, (Slip(-1.0), Slip(2.0), Slip(0.5))))
        self._missing: list[_Worded] = []
        self._terms: list[_Worded] = []
        for factor in self.factors:
            user, operand = graph.names[factor.user], graph.names[factor.operand]
            link = Link(Symbol(user), Symbol(operand), Derivative(user, operand), False)
            sent = Series(np.array(factor.contribution), np.array(0.0))
            self._missing.append(self._worded(Slip(1.0, missing=link.slope)))
            self._terms.append(self._worded(Slip(0.0, term=Term(link, link.slope, sent))))

    def _worded(self, slip: Slip) -> _Worded:
        return _Worded(slip, slip.cost, phrase(slip, None, self._graph.names[-1]))

    def of(self, node: int) -> list[Candidate]:
        """What slips make of a node's gradient, the likeliest first."""
        right = self._graph.gradients[node]
        wrong = []
        for (slip, _, says), factor, suspects in sorted(self._slips(node), key=lambda entry: entry[0].cost):
            partial = 1.0 if factor is None else self.factors[factor].partial
            with np.errstate(all="ignore"):
                number = float(slip.applied(right, {slip.missing: partial}))
            if math.isfinite(number) and number != right:
                wrong.append(Candidate(number, says, factor, suspects))
        return wrong

    def _slips(self, node: int) -> Iterator[tuple[_Worded, int | None, tuple[int, ...]]]:
        """The slips in a gradient, each with the factor that it is about, and with the suspects."""
        way = self._graph.way_from(node)
        on_way = [(i, factor) for i, factor in enumerate(self.factors) if factor.operand in way]
        negative: dict[Factor, int] = {}  # x*x has the same derivative twice: once will do
        for i, factor in on_way:
            if factor.partial < 0:
                negative.setdefault(factor._replace(place=0), i)
        for whole in self._whole:
            yield whole, None, tuple(negative.values()) if whole.slip.constant < 0 else ()
        received = [i for i, factor in on_way if factor.operand == node]
        if len(received) > 1:
            yield from ((self._terms[i], i, ()) for i in received)
        yield from ((self._missing[i], i, ()) for i, factor in on_way if factor.partial != 0)
