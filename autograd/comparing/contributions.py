"""What the parts of a derivation come to at many points: names, factors, and each link's contribution."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.checking.rounding import Rounded
from autograd.comparing.rounded import HandRounded, rounded_partial
from autograd.derivation import Derivation
from autograd.derivation.chain_rule import DerivativeStep, Link
from autograd.derivation.expression_walks import evaluate, substituted, walk
from autograd.derivation.expressions import (
    ONE,
    Applied,
    Chain,
    Numeral,
    Power,
    Slope,
    Sum,
    Symbol,
    Symbolic,
    applied,
    product,
    split,
    total,
)
from autograd.derivation.lines import NamedLine
from autograd.primitives import table

__all__ = ["EvaluatedDerivation", "Series", "Term", "factors_of", "links_to"]

Array = np.ndarray[Any, np.dtype[np.float64]]


class Series(NamedTuple):
    """A number at each of some points.

    Attributes:
        values: the numbers.
        errors: how far rounding may have moved each.
    """

    values: Array
    errors: Array

    def at(self, places: Any) -> Series:
        """At some of the points."""
        return Series(self.values[places], self.errors[places])


class Term(NamedTuple):
    """A part of a component: what one term of one link contributes to it.

    Attributes:
        link: the link.
        slope: the link's slope, or one term of it where that is a sum.
        series: what it contributes.
    """

    link: Link
    slope: Symbolic
    series: Series


class EvaluatedDerivation:
    """A derivation, evaluated.

    Args:
        derivation: of the function.
        points: for each point the function's inputs.
        forward: lines to find the names' numbers by, where they are not the derivation's own.

    Attributes:
        derivation: of the function.
        pool: factors that are likely to be met in a wrong formula.
    """

    def __init__(
        self,
        derivation: Derivation,
        points: Sequence[Sequence[float]],
        forward: Sequence[NamedLine] | None = None,
    ) -> None:
        self.derivation = derivation
        self._count = len(points)
        self._values: dict[Symbolic, Any] = {}
        self._series: dict[Symbolic, Series] = {}
        inputs = derivation.lines.inputs
        closed_over = [value.data for value in derivation.captured]
        for name, *numbers in zip(inputs, *[[*point, *closed_over] for point in points]):
            self._values[name] = self._array(map(HandRounded, numbers))
        for line in derivation.lines.lines if forward is None else forward:
            self._values[line.name] = self._evaluated(line.expression)
        self._adjoints: dict[Symbol, Any] = {derivation.lines.result: 1.0}
        for step in derivation.between:
            self._adjoints[step.name] = self._values[step.derivative] = self._evaluated(step.filled)
        self.pool = list(dict.fromkeys(self._likely_factors()))

    def _array(self, numbers: Iterable[Any]) -> Any:
        array = np.empty(self._count, dtype=object)
        array[:] = list(numbers)
        return array

    def _evaluated(self, expression: Symbolic) -> Any:
        for part in walk(expression):
            if isinstance(part, Slope) and part not in self._values:
                primitive, place, args = part.primitive, part.place, map(self._evaluated, part.args)
                self._values[part] = self._array(
                    rounded_partial(primitive, place, point, primitive(*point)) for point in zip(*args)
                )
        result = evaluate(expression, self._values)
        return result if isinstance(result, np.ndarray) else self._array([result] * self._count)

    def series(self, expression: Symbolic) -> Series:
        """An expression in the derivation's names at each point."""
        if expression not in self._series:
            self._series[expression] = _series(self._evaluated(expression))
        return self._series[expression]

    def gradient(self) -> list[Series]:
        """The components at each point."""
        return [self.series(step.filled) for step in self.derivation.gradient]

    def terms_of(self, name: Symbol) -> Iterator[Term]:
        """What each term of each link on the way contributes to the derivative by an input."""
        steps = _steps_to(name, self.derivation)
        tangents: dict[Symbol, Any] = {name: 1.0}
        for line in self.derivation.lines.lines:
            for step in steps:
                for link in step.links:
                    if link.of == line.name and step.name in tangents:
                        more = tangents[step.name] * self._evaluated(link.slope)
                        tangents[line.name] = tangents.get(line.name, 0.0) + more
        for step in steps:
            for link in step.links:
                for slope in link.slope.terms if isinstance(link.slope, Sum) else (link.slope,):
                    contribution = self._adjoints[link.of] * tangents[step.name] * self._evaluated(slope)
                    yield Term(link, slope, _series(contribution))

    def _likely_factors(self) -> Iterator[Symbolic]:
        """Names, slopes' factors, functions' values, and derivatives that are often taken for each other."""
        for step in self.derivation.steps:
            for link in step.links:
                for factor in factors_of(link.slope):
                    yield from (factor, *_with_a_sign_changed(factor))
        yield from (name for name in self._values if isinstance(name, Symbol))
        for line in self.derivation.lines.lines:
            for part in walk(line.expression):
                if isinstance(part, Applied):
                    yield from _mistakable(part, line.name if part == line.expression else part)
                elif isinstance(part, Power):
                    yield part


def _steps_to(name: Symbol, derivation: Derivation) -> list[DerivativeStep]:
    """The steps that a component is derived by, its own first."""
    steps = {step.name: step for step in derivation.steps}
    ahead = [name]
    for above in ahead:
        if above in steps:
            ahead += [link.of for link in steps[above].links if link.of not in ahead]
    return [steps[above] for above in ahead if above in steps]


def links_to(name: Symbol, derivation: Derivation) -> list[Link]:
    """The links that a component is derived by."""
    return [link for step in _steps_to(name, derivation) for link in step.links]


def _series(array: Any) -> Series:
    return Series(
        np.array([number.value if isinstance(number, Rounded) else number for number in array], dtype=float),
        np.array([number.error if isinstance(number, Rounded) else 0.0 for number in array], dtype=float),
    )


def _with_a_sign_changed(expression: Symbolic) -> Iterator[Symbolic]:
    """A sum with the sign of one term changed: ``1 + s`` for ``1 - s``."""
    if isinstance(expression, Sum):
        for i, term in enumerate(expression.terms):
            yield total(*expression.terms[:i], -term, *expression.terms[i + 1 :])


def _mistakable(call: Applied, y: Symbolic) -> Iterator[Symbolic]:
    """What people write for a function's derivative when they err: of its value, of its argument."""
    yield from (y, 1 - y, 1 + y, 1 - y**2, 1 + y**2, y * (1 - y), y**2)
    (x, *more) = call.args
    if not more:
        yield from (x, 1 / x, 1 - x, 1 - x**2, 1 + x**2, x * (1 - x))
        if call.primitive in _RELATED:
            yield applied(_RELATED[call.primitive], (x,))


_RELATED = {
    table.sin: table.cos, table.cos: table.sin, table.sinh: table.cosh, table.cosh: table.sinh,
}  # fmt: skip


def factors_of(slope: Symbolic) -> list[Symbolic]:
    """The factors of a slope: each by itself, groups as the chain rule made them, and the whole."""
    parts: list[Symbolic] = []
    for part in slope.parts if isinstance(slope, Chain) else (slope,):
        number, factors = split(part)
        parts.append(Numeral(abs(number)))
        for factor in factors:
            parts += [factor, factor.base] if isinstance(factor, Power) else [factor]
        parts.append(product(Numeral(abs(number)), *factors))
    number, factors = split(substituted(slope, {}))
    parts.append(product(Numeral(abs(number)), *factors))
    return [part for part in dict.fromkeys(parts) if part != ONE]
