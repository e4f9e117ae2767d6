"""Known slips: what turns a right component, or a term of it, into the wrong one that was found by hand.

A slip is an identity: it must hold at every point where the component is wrong, to rounding. Of several
that hold, the one that takes the least to tell is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from autograd.comparing.contributions import EvaluatedDerivation, Series, Term, factors_of, steps_to
from autograd.comparing.rounded import UNIT
from autograd.derivation.expressions import ONE, Numeral, Symbol, Symbolic, product
from autograd.derivation.walks import size

__all__ = ["FEWEST_POINTS", "SAFETY", "Slip", "explained"]

SAFETY = 8.0  # how many times the rounding bound of one formula that of an equal one may be
FEWEST_POINTS = 3  # that tell a formula from a coincidence
_PAIRED = 40  # factors of which two may be missing together
_INFORMATIVE = 1e-6  # the relative error up to which a point tells one factor from another
_PLAIN = {Fraction(p, q) for p in range(1, 13) for q in range(1, 13)}

Array = np.ndarray[Any, np.dtype[np.float64]]
Lookup = Callable[[Symbolic], Series]


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
    by_hand: Array, right: Series, wrong: Array, name: Symbol, account: EvaluatedDerivation | None
) -> Slip | None:
    """The simplest slip that explains a component at the points where it is wrong.

    Args:
        by_hand: the component by hand, at all points.
        right: the right one.
        wrong: whether it is wrong, at each point.
        name: what it is the derivative by.
        account: of the derivation; None where there is none.
    """
    search = _Search(by_hand[wrong], right.at(wrong))
    slips = list(search.of_the_whole([ONE], [ONE], _no_series))
    is_plain = any(slip.cost < 0.6 for slip in slips)  # it is 0, or has the wrong sign
    if account is not None and len(search.by_hand) >= FEWEST_POINTS and not is_plain:
        slips += _slips_of_formula(search, name, account, wrong)
    return min(slips, key=lambda slip: slip.cost, default=None)


def _slips_of_formula(
    search: _Search, name: Symbol, account: EvaluatedDerivation, wrong: Array
) -> Iterator[Slip]:
    links = [link for step in steps_to(name, account.derivation) for link in step.links]
    own = _distinct([one for link in links for one in factors_of(link.slope)])
    pairs = _distinct([product(one, other) for one, other in combinations(own[:_PAIRED], 2)])
    pool = _distinct(account.pool)

    def series(one: Symbolic) -> Series:
        return account.series(one).at(wrong)

    yield from search.of_the_whole([ONE, *own], [ONE, *pool], series)
    yield from search.of_the_whole(pairs, [ONE], series)
    yield from search.additions([ONE, *pool], series)
    for term in account.terms_of(name):
        part = term._replace(series=term.series.at(wrong))
        yield from search.of_a_term(part, [ONE, *_distinct(factors_of(term.slope))], [ONE, *pool], series)


def _no_series(one: Symbolic) -> Series:
    raise KeyError(one)


def _distinct(factors: Sequence[Symbolic]) -> list[Symbolic]:
    return list(dict.fromkeys(one for one in factors if not isinstance(one, Numeral)))


class _Search:
    """Looks for identities between a component by hand and the right one."""

    def __init__(self, by_hand: Array, right: Series) -> None:
        self.by_hand = by_hand
        self._right = right
        with np.errstate(all="ignore"):
            ratio = np.where(right.values == 0, 0.0, np.abs(by_hand / right.values))
        self._errors = SAFETY * right.errors * (1 + ratio) + 8 * UNIT * np.abs(by_hand)

    def of_the_whole(self, missing: list[Symbolic], extra: list[Symbolic], series: Lookup) -> Iterator[Slip]:
        """The component is the right one times something."""
        if (np.abs(self.by_hand) <= self._errors).all():
            yield Slip(0.0)
            return
        for constant, lacking, more in _identities(
            Series(self.by_hand, self._errors), self._right, missing, extra, series
        ):
            if _is_likely(constant, lacking, more):
                yield Slip(constant, lacking, more)

    def of_a_term(
        self, term: Term, missing: list[Symbolic], extra: list[Symbolic], series: Lookup
    ) -> Iterator[Slip]:
        """One of its terms is the right one times something; the component has others."""
        others = self._right.values - term.series.values
        errors = self._errors + SAFETY * term.series.errors
        if (np.abs(others) <= errors).all():
            return
        remains = self.by_hand - others
        if (np.abs(remains) <= errors).all():
            yield Slip(0.0, term=term)
            return
        for constant, lacking, more in _identities(
            Series(remains, errors), term.series, missing, extra, series
        ):
            if _is_likely(constant, lacking, more):
                yield Slip(constant, lacking, more, term)

    def additions(self, extra: list[Symbolic], series: Lookup) -> Iterator[Slip]:
        """Something was added to it."""
        found = Series(self.by_hand - self._right.values, self._errors)
        ones = Series(np.ones_like(self.by_hand), np.zeros_like(self.by_hand))
        for constant, _, more in _identities(found, ones, [ONE], extra, series):
            yield Slip(constant, extra=more, added=True)


def _is_likely(constant: float, missing: Symbolic, extra: Symbolic) -> bool:
    """Whether a number goes with factors: a missing one may have had a whole number with it, as in 3*x^2."""
    if missing == extra == ONE or abs(constant) == 1:
        return True
    return extra == ONE and (1 / abs(constant)).is_integer()


def _identities(
    found: Series,
    right: Series,
    missing: list[Symbolic],
    extra: list[Symbolic],
    series: Lookup,
) -> Iterator[tuple[float, Symbolic, Symbolic]]:
    """All plain numbers and factors with ``found * missing == number * extra * right`` at every point."""
    if not missing:
        return
    left = _times(found, missing, series)
    base = _times(right, extra, series)
    values, errors = left.values[:, None, :], left.errors[:, None, :]
    with np.errstate(all="ignore"):
        ratios = values / base.values
        relative = errors / np.abs(values) + base.errors / np.abs(base.values)
        relative[~(np.isfinite(ratios) & np.isfinite(relative))] = np.inf
        best = np.argmin(relative, axis=-1)[..., None]
        constants = np.take_along_axis(ratios, best, axis=-1)
        allowed = errors + np.abs(constants) * base.errors + 16 * UNIT * np.abs(values)
        holds = (np.abs(values - constants * base.values) <= allowed).all(axis=-1)
        telling = (allowed < _INFORMATIVE * np.abs(values)).sum(axis=-1)
    fewest = min(FEWEST_POINTS, len(found.values))
    for i, j in zip(*np.nonzero(holds & (telling >= fewest))):
        precision = 4 * float(relative[i, j, best[i, j, 0]]) + 16 * UNIT
        plain = _plain(float(constants[i, j, 0]), precision)
        if plain is not None:
            yield plain, missing[i], extra[j]
        elif missing[i] == extra[j] == ONE and fewest == FEWEST_POINTS:
            yield float(constants[i, j, 0]), ONE, ONE


def _times(one: Series, factors: list[Symbolic], series: Lookup) -> Series:
    """A row for each factor: the product with it."""
    values = np.array([np.ones_like(one.values) if f == ONE else series(f).values for f in factors])
    errors = np.array([np.zeros_like(one.values) if f == ONE else series(f).errors for f in factors])
    with np.errstate(all="ignore"):
        return Series(one.values * values, one.errors * np.abs(values) + SAFETY * errors * np.abs(one.values))


def _plain(number: float, precision: float) -> float | None:
    """The fraction of small numbers that a number is, to a relative precision, or None."""
    nearest = Fraction(number).limit_denominator(12)
    if abs(nearest) not in _PLAIN or abs(number - float(nearest)) > precision * abs(number):
        return None
    return float(nearest)
