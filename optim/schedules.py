"""Learning-rate schedules: functions from the number of a step, counted from 0, to its learning rate.

An optimizer takes one in the place of a rate: ``Adam(w, lr=Cosine(0.1, steps=1000))``. Any function of
that kind will do. These are in the closed forms of PyTorch's ``lr_scheduler`` classes, where PyTorch's
learning rate is the ``rate`` here and its "epoch" a step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from autograd.primitives.ieee import described, power
from optim.checks import check_fields, real, setting, whole

__all__ = ["Constant", "Cosine", "Exponential", "Linear", "Schedule", "StepDecay", "WarmUp"]

Schedule = Callable[[int], float]


def _callable(name: str, schedule: Any) -> Schedule:
    if not callable(schedule):
        raise TypeError(f"{name} must be a schedule, such as Constant(0.1), got {described(schedule)}")
    return schedule  # type: ignore[no-any-return]


_RATE = real(least=0.0)
_FACTOR = real(above=0.0)
_COUNT = partial(whole, least=1)


class _Checked:
    """Checks the fields of a schedule.

    Raises:
        TypeError: a rate or a factor is no number, a count no whole number, or a schedule no function.
        ValueError: a rate is negative, a factor not positive, a count below 1, or one not finite.
    """

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class Constant(_Checked):
    """The same rate at every step: ``rate``.

    >>> Constant(0.1)(1000)
    0.1
    """

    rate: float = setting(_RATE)

    def __call__(self, step: int) -> float:  # noqa: ARG002
        return self.rate


@dataclass(frozen=True)
class StepDecay(_Checked):
    """Multiplied by a factor every so many steps: ``rate * factor**(step // every)``.

    PyTorch: ``StepLR(step_size=every, gamma=factor)``.

    >>> decay = StepDecay(0.8, every=10, factor=0.5)
    >>> decay(9), decay(10), decay(20)
    (0.8, 0.4, 0.2)
    """

    rate: float = setting(_RATE)
    every: int = setting(_COUNT)
    factor: float = setting(_FACTOR, 0.1)

    def __call__(self, step: int) -> float:
        return self.rate * power(self.factor, float(step // self.every))


@dataclass(frozen=True)
class Exponential(_Checked):
    """Multiplied by a factor at each step: ``rate * factor**step``.

    PyTorch: ``ExponentialLR(gamma=factor)``.

    >>> Exponential(0.8, factor=0.5)(3)
    0.1
    """

    rate: float = setting(_RATE)
    factor: float = setting(_FACTOR)

    def __call__(self, step: int) -> float:
        return self.rate * power(self.factor, float(step))


@dataclass(frozen=True)
class Linear(_Checked):
    """Along a line down or up to the last rate: ``rate + (last - rate) * step / steps``.

    After ``steps`` it stays at ``last``. PyTorch: ``LinearLR(start_factor=1, end_factor=last/rate,
    total_iters=steps)``.

    >>> [Linear(0.5, steps=4)(step) for step in range(6)]
    [0.5, 0.375, 0.25, 0.125, 0.0, 0.0]
    """

    rate: float = setting(_RATE)
    steps: int = setting(_COUNT)
    last: float = setting(_RATE, 0.0)

    def __call__(self, step: int) -> float:
        if step >= self.steps:
            return self.last
        return self.rate + (self.last - self.rate) * step / self.steps


@dataclass(frozen=True)
class Cosine(_Checked):
    """Half a wave down to the last rate: ``last + (rate - last) * (1 + cos(pi * step / steps)) / 2``.

    After ``steps`` it stays at ``last``. PyTorch: ``CosineAnnealingLR(T_max=steps, eta_min=last)``, which
    rises again there.

    Source: I. Loshchilov and F. Hutter, SGDR: stochastic gradient descent with warm restarts, 2017.

    >>> fall = Cosine(0.5, steps=4)
    >>> fall(0), fall(2), fall(4), fall(5)
    (0.5, 0.25, 0.0, 0.0)
    """

    rate: float = setting(_RATE)
    steps: int = setting(_COUNT)
    last: float = setting(_RATE, 0.0)

    def __call__(self, step: int) -> float:
        turn = math.pi * min(step, self.steps) / self.steps
        return self.last + (self.rate - self.last) * (1 + math.cos(turn)) / 2


@dataclass(frozen=True)
class WarmUp(_Checked):
    """Along a line up to another schedule's first rate, and then that schedule from its beginning.

    ``first + (schedule(0) - first) * step / steps`` while ``step < steps``, ``schedule(step - steps)``
    from there on. PyTorch: ``SequentialLR`` of ``LinearLR(start_factor=first/rate, total_iters=steps)``
    and the other, with ``milestones=[steps]``.

    >>> rates = WarmUp(Cosine(0.5, steps=4), steps=2, first=0.25)
    >>> [round(rates(step), 3) for step in range(7)]
    [0.25, 0.375, 0.5, 0.427, 0.25, 0.073, 0.0]
    """

    schedule: Schedule = setting(_callable)
    steps: int = setting(_COUNT)
    first: float = setting(_RATE, 0.0)

    def __call__(self, step: int) -> float:
        if step >= self.steps:
            return self.schedule(step - self.steps)
        return self.first + (self.schedule(0) - self.first) * step / self.steps
