"""Known slips: what turns a right component, or a term of it, into one that was derived by hand.

A slip is an identity: it must hold at every point where the component is wrong, to rounding. Of several
that hold, the simplest is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from autograd.comparing.contributions import EvaluatedDerivation, Series, Term, factors_of, links_to
from autograd.comparing.rounded import UNIT, roundings
from autograd.derivation.expression_walks import size
from autograd.derivation.expressions import ONE, Numeral, Symbol, Symbolic, product

__all__ = ["FEWEST_POINTS", "SAFETY", "Slip", "explained"]

SAFETY = 8.0  # how many times the rounding bound of one formula that of an equal one may be
FEWEST_POINTS = 3  # that tell a formula from a coincidence
_PAIRED = 40  # factors of which two may be missing together
_INFORMATIVE = 1e-6  # the relative error up to which a point tells one factor from another
_PLAIN = {Fraction(p, q) for p in range(1, 13) for q in range(1, 13)}

Array = np.ndarray[Any, np.dtype[np.float64]]


class Slip(NamedTuple):
    """A component, or a term of it, was multiplied by ``constant * extra / missing``, or that was added.

    Attributes:
        constant: the number; 0 where the whole is missing.
        missing: a factor that is lacking, or 1.
        extra: a factor that is there instead, or too many, or 1.
        term: the term that was multiplied; None for the whole component.
        added: whether ``constant * extra`` was added to the component instead.
    """

    constant: float
    missing: Symbolic = ONE
    extra: Symbolic = ONE
    term: Term | None = None
    added: bool = False

    @property
    def cost(self) -> float:
        """How much there is to tell: of two slips that explain the same, the cheaper is the likelier."""
        cost = 0.2 * (size(self.missing) + size(self.extra)) + 0.5 * (self.constant < 0)
        if self.missing != ONE:
            cost += 1.0
        if self.extra != ONE:
            cost += 1.3
        if abs(self.constant) not in (0.0, 1.0):
            cost += 1.0 if _plain(self.constant, 0.0) else 2.0
        if self.term is not None:  # a term of a factor, as in 1 - t^2, is seldom meant
            cost += 0.6 if self.term.slope == self.term.link.slope else 1.8
        return cost + 2.5 * self.added

    def applied(self, right: Any, values: Mapping[Symbolic, Any]) -> Any:
        """What the slip makes of a component that is right.

        Args:
            right: the right component, at one point or an array of points.
            values: the numbers of the slip's factors there.

        >>> Slip(2.0, missing=Symbol("x")).applied(12.0, {Symbol("x"): 4.0})
        6.0
        """
        extra, missing = (1.0 if factor == ONE else values[factor] for factor in (self.extra, self.missing))
        if self.added:
            return right + self.constant * extra
        part = right if self.term is None else self.term.series.values
        wrong = self.constant * extra * part / missing
        return wrong if self.term is None else right - part + wrong


def explained(
    by_hand: Array, right: Series, wrong: Array, name: Symbol, evaluated: EvaluatedDerivation | None
) -> Slip | None:
    """The simplest slip that explains a component at the points where it is wrong.

    Args:
        by_hand: the component by hand, at all points.
        right: the right component.
        wrong: whether it is wrong, at each point.
        name: what it is the derivative by.
        evaluated: the derivation at these points; None where there is none.
    """

    def series(factor: Symbolic) -> Series:
        assert evaluated is not None, "without a derivation no factor is looked for"
        return evaluated.series(factor).at(wrong)

    search = _Search(by_hand[wrong], right.at(wrong), series)
    slips = list(search.multiples([ONE], [ONE]))
    is_plain = any(slip.cost < 0.6 for slip in slips)  # it is 0, or has the wrong sign
    if evaluated is not None and len(search.by_hand) >= FEWEST_POINTS and not is_plain:
        slips += _slips_of_formula(search, name, evaluated, wrong)
    return min(slips, key=lambda slip: slip.cost, default=None)


def _slips_of_formula(
    search: _Search, name: Symbol, evaluated: EvaluatedDerivation, wrong: Array
) -> Iterator[Slip]:
    links = links_to(name, evaluated.derivation)
    own = _distinct([factor for link in links for factor in factors_of(link.slope)])
    pairs = _distinct([product(*pair) for pair in combinations(own[:_PAIRED], 2)])
    pool = [ONE, *_distinct(evaluated.pool)]
    yield from search.multiples([ONE, *own], pool)
    yield from search.multiples(pairs, [ONE])
    yield from search.additions(pool)
    for term in evaluated.terms_of(name):
        part = term._replace(series=term.series.at(wrong))
        yield from search.multiples([ONE, *_distinct(factors_of(term.slope))], pool, part)


def _distinct(factors: Sequence[Symbolic]) -> list[Symbolic]:
    return list(dict.fromkeys(factor for factor in factors if not isinstance(factor, Numeral)))


class _Search:
    """Looks for identities between a component by hand and the right component.

    Args:
        by_hand: the component by hand, at the points where it is wrong.
        right: the right component there.
        series: gives the numbers of a factor there.
    """

    def __init__(self, by_hand: Array, right: Series, series: Callable[[Symbolic], Series]) -> None:
        self.by_hand = by_hand
        self._right = right
        self._series = series
        with np.errstate(all="ignore"):
            ratio = np.where(right.values == 0, 0.0, np.abs(by_hand / right.values))
        self._errors = SAFETY * right.errors * (1 + ratio) + roundings(8, by_hand)

    def multiples(
        self, missing: list[Symbolic], extra: list[Symbolic], term: Term | None = None
    ) -> Iterator[Slip]:
        """The component, or a term of it where it has others, is the right one times something."""
        right, wrong = self._right, Series(self.by_hand, self._errors)
        if term is not None:
            others = right.values - term.series.values
            errors = self._errors + SAFETY * term.series.errors
            if (np.abs(others) <= errors).all():
                return
            right, wrong = term.series, Series(self.by_hand - others, errors)
        if (np.abs(wrong.values) <= wrong.errors).all():
            yield Slip(0.0, term=term)
            return
        for constant, lacking, more in self._identities(wrong, right, missing, extra):
            if _is_likely(constant, lacking, more):
                yield Slip(constant, lacking, more, term)

    def additions(self, extra: list[Symbolic]) -> Iterator[Slip]:
        """Something was added to it."""
        excess = Series(self.by_hand - self._right.values, self._errors)
        ones = Series(np.ones_like(self.by_hand), np.zeros_like(self.by_hand))
        for constant, _, more in self._identities(excess, ones, [ONE], extra):
            yield Slip(constant, extra=more, added=True)

    def _identities(
        self, wrong: Series, right: Series, missing: list[Symbolic], extra: list[Symbolic]
    ) -> Iterator[tuple[float, Symbolic, Symbolic]]:
        """All plain numbers and factors with ``wrong * missing == number * extra * right`` at every point."""
        if not missing:
            return
        left = self._times(wrong, missing)
        base = self._times(right, extra)
        values, errors = left.values[:, None, :], left.errors[:, None, :]
        with np.errstate(all="ignore"):
            ratios = values / base.values
            relative = errors / np.abs(values) + base.errors / np.abs(base.values)
            relative[~(np.isfinite(ratios) & np.isfinite(relative))] = np.inf
            best = np.argmin(relative, axis=-1)[..., None]
            constants = np.take_along_axis(ratios, best, axis=-1)
            allowed = errors + np.abs(constants) * base.errors + roundings(16, values)
            holds = (np.abs(values - constants * base.values) <= allowed).all(axis=-1)
            telling = (allowed < _INFORMATIVE * np.abs(values)).sum(axis=-1)
        fewest = min(FEWEST_POINTS, len(wrong.values))
        for i, j in zip(*np.nonzero(holds & (telling >= fewest))):
            precision = 4 * float(relative[i, j, best[i, j, 0]]) + 16 * UNIT
            plain = _plain(float(constants[i, j, 0]), precision)
            if plain is not None:
                yield plain, missing[i], extra[j]
            elif missing[i] == extra[j] == ONE and fewest == FEWEST_POINTS:
                yield float(constants[i, j, 0]), ONE, ONE

    def _times(self, numbers: Series, factors: list[Symbolic]) -> Series:
        """A row for each factor: the product with it."""
        ones = Series(np.ones_like(numbers.values), np.zeros_like(numbers.values))
        series = [ones if factor == ONE else self._series(factor) for factor in factors]
        values, errors = np.array([row.values for row in series]), np.array([row.errors for row in series])
        with np.errstate(all="ignore"):
            error = numbers.errors * np.abs(values) + SAFETY * errors * np.abs(numbers.values)
            return Series(numbers.values * values, error)


def _is_likely(constant: float, missing: Symbolic, extra: Symbolic) -> bool:
    """Whether a number goes with factors: a missing one may have had a whole number with it, as in 3*x^2."""
    if missing == extra == ONE or abs(constant) == 1:
        return True
    return extra == ONE and (1 / abs(constant)).is_integer()


def _plain(number: float, precision: float) -> float | None:
    """The fraction of small numbers that a number is, to a relative precision, or None."""
    nearest = Fraction(number).limit_denominator(12)
    if abs(nearest) not in _PLAIN or abs(number - float(nearest)) > precision * abs(number):
        return None
    return float(nearest)
