"""The chain rule over named lines: the derivative of the result by each name, step by step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from autograd.derivation.differentiation import differentiate
from autograd.derivation.expression_walks import size, symbols
from autograd.derivation.expressions import ONE, ZERO, Derivative, Sum, Symbol, Symbolic, chained, total
from autograd.derivation.lines import Lines

__all__ = ["DerivativeStep", "Link", "chain_rule"]


LONGEST = 40  # names in an expanded form


class Link(NamedTuple):
    """A line's direct dependence on a name.

    Attributes:
        of: the line's name.
        by: a name in the line.
        slope: the partial derivative, all other names held fixed.
        partial: whether the line depends on the name by way of other names too.
    """

    of: Symbol
    by: Symbol
    slope: Symbolic
    partial: bool


class DerivativeStep(NamedTuple):
    """The derivative of the result by one name, in forms that are equal to each other.

    Attributes:
        name: what it is by.
        derivative: the derivative itself, used as a name.
        links: the dependences that it comes from.
        rule: the chain rule in derivatives only.
        filled: the rule with the partial derivatives filled in.
        expanded: without derivatives, in names of the lines; None where that is long.
    """

    name: Symbol
    derivative: Derivative
    links: tuple[Link, ...]
    rule: Symbolic
    filled: Symbolic
    expanded: Symbolic | None


def chain_rule(written: Lines, inputs: Sequence[Symbol]) -> tuple[list[DerivativeStep], list[DerivativeStep]]:
    """Differentiate the result of lines.

    Args:
        written: the lines.
        inputs: what to differentiate by.

    Returns:
        The steps for the lines between, from the result back, and those for the inputs.
    """
    result = written.result
    reach = _reach(written)
    steps: dict[Symbol, DerivativeStep] = {}

    def step(name: Symbol) -> DerivativeStep:
        links = []
        for line in written.lines:
            if line.name == result or (line.name in steps and steps[line.name].links):
                slope = differentiate(line.expression, name, line.name)
                if slope != ZERO:
                    indirect = any(name in reach[symbol] for symbol in symbols(line.expression))
                    links.append(Link(line.name, name, slope, indirect))
        rule: list[Symbolic] = []
        filled: list[Symbolic] = []
        expanded: list[Symbolic | None] = []
        for link in links:
            above = steps.get(link.of)  # none above the result
            adjoint, in_full = (above.derivative, above.expanded) if above else (ONE, ONE)
            rule.append(chained(adjoint, Derivative(link.of.name, name.name, link.partial)))
            filled.append(chained(adjoint, link.slope))
            expanded.append(None if in_full is None else chained(in_full, link.slope))
        whole = Derivative(result.name, name.name)
        return DerivativeStep(
            name, whole, tuple(links), _side_by_side(rule), _side_by_side(filled), _short_sum(expanded)
        )

    wanted = set(inputs)
    between = [
        line.name for line in reversed(written.lines) if line.name != result and reach[line.name] & wanted
    ]
    for name in [*between, *inputs]:
        steps[name] = step(name)
    return [steps[name] for name in between if steps[name].links], [steps[name] for name in inputs]


def _side_by_side(terms: list[Symbolic]) -> Symbolic:
    """A sum with a term for each link, as they are."""
    return Sum(tuple(terms)) if len(terms) > 1 else total(*terms)


def _short_sum(terms: Sequence[Symbolic | None]) -> Symbolic | None:
    known = [term for term in terms if term is not None]
    expanded = total(*known)
    return expanded if len(known) == len(terms) and size(expanded) <= LONGEST else None


def _reach(written: Lines) -> dict[Symbol, set[Symbol]]:
    """For each name the names that it depends on, directly or not."""
    reach: dict[Symbol, set[Symbol]] = defaultdict(set)
    for line in written.lines:
        direct = set(symbols(line.expression))
        reach[line.name] = direct.union(*[reach[symbol] for symbol in direct])
    return reach
