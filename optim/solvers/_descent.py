"""Newton's method down to rounding level, within bounds: what sums of squares and other functions share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, TypeVar

import numpy as np

from autograd.support.locks import cached_property
from optim.arrays import Array

__all__ = ["EPSILON", "Iterate", "NewtonStep", "descend"]

EPSILON = float(np.finfo(float).eps)
AnIterate = TypeVar("AnIterate", bound="Iterate")
_SHORTEST = 2.0**-20  # of the full step, tried when the value rises
_LEVEL = 1e-9  # of the value: a rise that a shorter step may have


class NewtonStep(NamedTuple):
    """A step, and what is known of it.

    Attributes:
        change: of the unknowns.
        size: its length, measured by what it does to the value: about the root of what it changes there.
        promised: the reduction of the value that it promises.
        convex: whether the value is bent upwards in all directions.
    """

    change: Array
    size: float
    promised: float
    convex: bool


class Iterate(ABC):
    """A point on the way to a minimum within bounds.

    Args:
        problem: what is minimised; has the bounds ``lower`` and ``upper``.
        x: the unknowns.

    Attributes:
        value: what is minimised, there.
    """

    value: float

    def __init__(self, problem: Any, x: Array) -> None:
        self.problem, self.x = problem, x

    def at(self: AnIterate, x: Array) -> AnIterate:
        """Another point of the same problem."""
        return type(self)(self.problem, x)

    @property
    @abstractmethod
    def is_finite(self) -> bool:
        """Whether the point can be gone on from."""

    @property
    @abstractmethod
    def rounding(self) -> float:
        """How far the value may be off."""

    @abstractmethod
    def solved(self, change: Array, free: np.ndarray) -> NewtonStep:
        """The whole step where what is not free changes as given."""

    @property
    @abstractmethod
    def alone(self) -> Array:
        """The steps that each unknown would take if it were the only one."""

    @cached_property
    def step(self) -> NewtonStep:
        """The step to where the minimum is expected: what would cross a bound is held there."""
        room = self.problem.lower - self.x, self.problem.upper - self.x
        # A step of each alone tells which press on a bound; at a bound, those whose slope points out of it.
        at_bound = (self.alone <= room[0]) | (self.alone >= room[1])
        change = np.where(at_bound, np.clip(self.alone, *room), 0.0)
        while True:
            step = self.solved(change, ~at_bound)
            crossing = ~at_bound & ((step.change < room[0]) | (step.change > room[1]))
            if not crossing.any():
                return step
            at_bound |= crossing
            change = np.where(at_bound, np.clip(step.change, *room), 0.0)


def descend(start: AnIterate, max_steps: int = 100) -> tuple[AnIterate, int]:
    """Take steps while the value falls, then while they get shorter.

    Near the minimum the value is flat to rounding long before the unknowns are exact; there the steps'
    own length tells more (P. Deuflhard, Newton Methods for Nonlinear Problems, 2004, 4.3).

    Returns:
        The last iterate, and the number of steps.
    """
    at = start
    if not at.is_finite:
        return at, 0
    for count in range(max_steps):
        following = _next(at)
        if following is None:
            return _on_bounds(at), count
        at = following
    return at, max_steps


def _on_bounds(at: AnIterate) -> AnIterate:
    """The iterate with what is a rounding away from a bound that it presses on put there."""
    end = np.clip(at.x + at.step.change, at.problem.lower, at.problem.upper)
    reached = ((end == at.problem.lower) | (end == at.problem.upper)) & (end != at.x)
    if not reached.any():
        return at
    trial = at.at(np.where(reached, end, at.x))
    return trial if trial.value <= at.value + at.rounding and trial.is_finite else at


def _next(at: AnIterate) -> AnIterate | None:
    """The iterate that follows; None at the end, where rounding decides what is better."""
    if at.step.size <= EPSILON * np.sqrt(abs(at.value)):
        return None
    fraction = 1.0
    while fraction >= _SHORTEST:
        trial = at.at(np.clip(at.x + fraction * at.step.change, at.problem.lower, at.problem.upper))
        if np.isfinite(trial.value):
            enough = at.value - 1e-4 * fraction * at.step.promised
            if trial.value < enough - at.rounding and trial.is_finite:
                return trial
            level = trial.value <= at.value + _LEVEL * abs(at.value) + 10.0 * at.rounding
            if fraction == 1.0 and level and trial.is_finite and trial.step.size < at.step.size:
                return trial
        if at.step.promised <= at.rounding:
            return None
        fraction /= 2.0
    return None
