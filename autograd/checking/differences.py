"""Difference quotients: the function's values a little beside the point, and nothing else of it.

A quotient is wrong by truncation, which grows with the step, and by rounding, which grows as the step
shrinks. Rounding is bounded by an analysis of the function's own operations. Truncation is estimated from
quotients of several steps, each half of the one before. The estimate is a bound once halving the step
at least halves the truncation. That holds when the step is small against the scale on which the function
changes, and shows in the slopes to the left and to the right, which then draw together as the step shrinks;
at a kink nearer than the step they stay apart. Each input gets the step that balances the two best.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from autograd.checking.rounding import Rounded
from autograd.checking.subject import Estimate, Gradient, Hessian

__all__ = ["balanced", "by_steps", "fixed_step", "ladder", "richardson"]

# The longest step, as a part of the input's power of 2, or of 1 where that is more. Of 7 bits, so that steps
# lead to floats exactly, and such that its quotient by pi has no long runs of equal bits: no halving of it is
# next to a multiple of pi, and a sine does not hide its period from several steps in a row.
_LONGEST = 81 / 256
_SHORTEST = 256  # units in the last place of the input; steps are 81 times a power of 2, so of 324 or more
_MOST_STEPS = 200
_MOST_COLUMNS = 8  # of Richardson's table
_MOST_HOPELESS = 3
_LEAST_STRAIGHTENING = 0.75  # of the bend, by halving the step, which halves that of a smooth function
_MOST_UNBALANCED = 64.0  # truncation by rounding: two steps of a quotient that is exact to third order


class Quotient(NamedTuple):
    """A difference quotient.

    Attributes:
        value: what came out.
        rounding: how far rounding may have moved it.
        bend: how far the slopes to the left and to the right are apart.
        blur: how far rounding may have moved that.
    """

    value: float
    rounding: float
    bend: float = 0.0
    blur: float = 0.0


def fixed_step(level: Gradient, eps: float) -> list[float]:
    """Central differences with one step for every input."""
    point = level.subject.point

    def at(i: int, number: float) -> float:
        return level.subject.value([*point[:i], number, *point[i + 1 :]])

    return [(at(i, x + eps) - at(i, x - eps)) / (2 * eps) for i, x in enumerate(point)]


def balanced(level: Gradient | Hessian) -> list[list[Estimate]]:
    """Central differences, whose step balances truncation against rounding."""
    return by_steps(level, lambda *_: _Balance())


def richardson(level: Gradient | Hessian) -> list[list[Estimate]]:
    """Central differences of many steps, extrapolated to none (L. F. Richardson, 1911).

    The error of an extrapolated value is taken to be its distance from those it was made of (C. J. F.
    Ridders, Accurate computation of F'(x) and F'(x)F''(x), 1982), and rounding is carried through the table.
    """
    return by_steps(level, lambda *_: _Extrapolation())


def ladder(x: float) -> Iterator[float]:
    """Steps away from a number, each half of the one before."""
    step = _LONGEST * 2.0 ** max(math.frexp(x)[1] - 1, 0)
    for _ in range(_MOST_STEPS):
        if step < _SHORTEST * math.ulp(x):
            return
        yield step
        step *= 0.5


class Search(Protocol):
    """A derivative that is looked for with steps each half of the one before.

    Attributes:
        best: the best estimate so far.
    """

    best: Estimate

    @property
    def is_settled(self) -> bool:
        """Whether smaller steps can do no better."""

    def take(self, here: Rounded, right: Rounded, left: Rounded, steps: tuple[float, float]) -> None:
        """Learn the function's values at the point and a step away from it to both sides."""


def by_steps(level: Gradient | Hessian, search: Callable[[int, int], Search]) -> list[list[Estimate]]:
    """Derivatives by values at shrinking steps, a row for each function whose derivatives they are.

    Args:
        level: the functions.
        search: makes the search for the derivative of one of them by one input, by their indices.
    """
    point = level.subject.point
    here = level.sample(point)
    columns = []
    for i, x in enumerate(point):
        searches = [search(row, i) for row in range(len(here))]
        for step in ladder(x):
            above, below = x + step, x - step
            ends = [level.sample([*point[:i], end, *point[i + 1 :]]) for end in (above, below)]
            for each, *values in zip(searches, here, *ends):
                each.take(*values, (above - x, x - below))
            if all(each.is_settled for each in searches):
                break
        columns.append([each.best for each in searches])
    return [list(row) for row in zip(*columns)]


def _quotient(middle: Rounded, high: Rounded, low: Rounded, steps: tuple[float, float]) -> Quotient:
    width = sum(steps)
    value = (high.value - low.value) / width
    right, left = (high.value - middle.value) / steps[0], (middle.value - low.value) / steps[1]
    errors = high.error + low.error
    return Quotient(
        value,
        errors / width + 1.5 * math.ulp(value),
        abs(right - left),
        (errors + 2.0 * middle.error) / min(steps) + 2.0 * (math.ulp(right) + math.ulp(left)),
    )


_NOTHING = Estimate(math.nan, math.inf)


class _Balance:
    """The best of central differences, as they come in with shrinking steps.

    Where halving a step halves its truncation at least, the truncation left is at most the difference of
    the last two quotients; a quarter of the difference before that is as good an estimate, and both must be
    small. At the best balance truncation and rounding are of one size; where truncation is all that there
    is, shrinking the step has led nowhere. And a quotient of a smaller step must not be further away than
    those that the best was made of: if one is, they have all jumped over what the function does.
    """

    def __init__(self) -> None:
        self.best = _NOTHING
        self._reach = math.inf  # how far the quotients that it was made of are away from the best
        self._hopeless = 0  # steps in a row whose rounding alone is more than the best's bound
        self._quotients: list[Quotient] = []

    @property
    def is_settled(self) -> bool:
        """Whether smaller steps have confirmed the best, and can do no better."""
        return self._hopeless >= _MOST_HOPELESS

    def take(self, here: Rounded, right: Rounded, left: Rounded, steps: tuple[float, float]) -> None:
        """Learn the values of the next step: see `Search`."""
        self._add(_quotient(here, right, left, steps))

    def _add(self, quotient: Quotient) -> None:
        if not math.isfinite(quotient.value + quotient.rounding):
            self._quotients, self.best = [], _NOTHING  # the step leaves the domain, or crosses a pole
            return
        if abs(quotient.value - self.best.numeric) > self._reach + self.best.bound + 2.0 * quotient.rounding:
            self.best = _NOTHING
        self._quotients.append(quotient)
        if len(self._quotients) >= 3 and self._is_straightening(*self._quotients[-3:]):
            self._improve(*self._quotients[-3:])
        self._hopeless = self._hopeless + 1 if quotient.rounding >= self.best.bound else 0

    @staticmethod
    def _is_straightening(*quotients: Quotient) -> bool:
        """Whether the bend shrinks with the step, or rounding hides it."""
        return all(
            shorter.bend <= max(_LEAST_STRAIGHTENING * longer.bend, shorter.blur)
            for longer, shorter in itertools.pairwise(quotients)
        )

    def _improve(self, first: Quotient, second: Quotient, last: Quotient) -> None:
        truncation = max(abs(last.value - second.value), abs(second.value - first.value) / 4.0)
        self._offer(last.value, truncation, 2.0 * last.rounding + second.rounding)

    def _offer(self, value: float, truncation: float, rounding: float) -> None:
        if truncation + rounding < self.best.bound and truncation <= _MOST_UNBALANCED * rounding:
            self.best = Estimate(value, truncation + rounding)
            self._reach = max(abs(quotient.value - value) for quotient in self._quotients[-2:])


class _Extrapolation(_Balance):
    """The best entry of Richardson's table, of three quotients or more."""

    def __init__(self) -> None:
        super().__init__()
        self._above: list[Quotient] = []  # the last two rows of the table
        self._row: list[Quotient] = []

    def _add(self, quotient: Quotient) -> None:
        """A quotient begins the table's next row."""
        self._above = self._row if self._quotients else []
        self._row = [quotient]
        for column, upper in enumerate(self._above[:_MOST_COLUMNS], start=1):
            left = self._row[-1]
            factor = 4.0**column - 1.0
            value = left.value + (left.value - upper.value) / factor
            rounding = left.rounding + (left.rounding + upper.rounding) / factor + math.ulp(value)
            self._row.append(Quotient(value, rounding))
        super()._add(quotient)

    def _improve(self, *_: Quotient) -> None:
        for upper, left, entry in zip(self._above[1:], self._row[1:], self._row[2:]):
            truncation = max(abs(entry.value - left.value), abs(entry.value - upper.value))
            self._offer(entry.value, truncation, 2.0 * entry.rounding + max(left.rounding, upper.rounding))
