"""The Taylor remainder test: what the derivative leaves of the function shrinks as the square of the step.

The remainder is ``R(h) = f(x + h) - f(x) - h * f'(x)``. Halving ``h`` leaves a quarter of it where the
engine's derivative is right, and a half where it is wrong: the measured order ``log2(R(2h) / R(h))`` goes to
2, or to 1. A wrong derivative leaves remainders of opposite signs on the two sides, whose sum shrinks as the
square of the step all the same; where it does not, the function is not smooth on the scale of the steps, and
the test leaves the derivative undecided.
"""

from __future__ import annotations

import math

from autograd.checking.differences import by_steps
from autograd.checking.rounding import Rounded
from autograd.checking.subject import Estimate, Gradient, Hessian

__all__ = ["taylor"]

_LEAST_ORDER = 1.5  # the middle between right and wrong
# A remainder is measured where it is so many times what rounding may have done to it: then the order is off
# by log2((1 + 1/8) / (1 - 1/8)) = 0.36 at most, less than what 1 and 2 are away from the middle.
_CLEAR = 8.0
_LEAST_SMOOTH = 4  # steps in a row: one may look smooth by chance, where a period is shorter than the steps
_MOST_UNCLEAR = 4  # steps in a row that end the search: a remainder may pass through 0 on its way


def taylor(level: Gradient | Hessian) -> list[list[Estimate]]:
    """The derivative that each remainder speaks for, and how far off order 2 allows it to be.

    The derivative is ``f'(x) + R(h) / h`` with the smallest step at which the remainder stands clear of
    rounding; the bound is what ``R(2h)`` leaves by an order of 1.5. Where no remainder is clear, it is what
    rounding allows.
    """
    return by_steps(level, lambda row, i: _Remainders(level.analytic[row][i], level.errors[row][i]))


class _Remainders:
    """The remainders of one function along one input, as they come in with shrinking steps."""

    def __init__(self, derivative: float, error: float) -> None:
        self.derivative = derivative
        self.error = error
        self.best = Estimate(math.nan, math.inf)
        self.is_settled = False
        self._before: float | None = None  # the last step's remainder, if it was clear
        self._sum_before = math.inf  # the last step's remainders on both sides, added
        self._smooth = 0  # steps in a row on which the function looked smooth
        self._is_measured = False
        self._unclear = 0

    def take(self, here: Rounded, right: Rounded, left: Rounded, steps: tuple[float, float]) -> None:
        """Learn the function's values a step away, half as far as the one before: see `by_steps`."""
        step, _ = steps
        term = step * self.derivative
        remainder = (right.value - here.value) - term
        rounding = right.error + here.error + step * self.error
        rounding += math.ulp(right.value) + math.ulp(here.value) + 2.0 * math.ulp(term)
        total = abs(remainder + ((left.value - here.value) + term))
        looks_smooth = total <= max(self._sum_before / 2.0**_LEAST_ORDER, 2.0 * rounding)
        self._sum_before, self._smooth = total, self._smooth + 1 if looks_smooth else 0
        if not math.isfinite(remainder + rounding):
            self._before = None
            return
        slope = self.derivative + remainder / step
        allowed = 0.0 if self._before is None else self._before / 2.0**_LEAST_ORDER
        limit = _CLEAR * rounding
        if abs(remainder) > limit:
            if self._before is not None:
                is_smooth = self._smooth >= _LEAST_SMOOTH and total <= abs(remainder)
                is_told = abs(remainder) <= allowed or is_smooth
                self.best = Estimate(slope, allowed / step) if is_told else Estimate(math.nan, math.inf)
                self._is_measured = True
            self._before, self._unclear = abs(remainder), 0
            return
        # It has gone down to rounding: by order 2, or there was none that was clear.
        if abs(remainder) + rounding < allowed or (not self._is_measured and limit / step < self.best.bound):
            self.best = Estimate(slope, limit / step)
        self._before, self._unclear = None, self._unclear + 1
        self.is_settled = self._unclear >= _MOST_UNCLEAR
