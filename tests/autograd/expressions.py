"""Random expressions: a Hypothesis strategy of formulas over the table of primitives.

A formula is a list of steps, each a primitive applied to inputs, constants and earlier results, so that
results are shared and used again. Every formula comes with a point, near which it is tame: no step is
close to a kink, a jump or the edge of its domain, and rounding errors stay small. That is learned from
the primitives' own answers, so a primitive of a user's own needs no description.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from hypothesis import strategies as st

from autograd import Primitive, add, all_primitives, stop_gradient

LARGEST = 20.0  # of a step's result and of its partial derivatives
LARGEST_STRETCH = 1e4
NEARBY = 1e-3  # within this distance a step's result and partials change smoothly

# stop_gradient's derivative is 0 by decree, which no difference quotient finds.
TABLE = tuple(p for p in all_primitives() if p.place == "autograd.primitives" and p is not stop_gradient)


class Step(NamedTuple):
    """One operation: an int among its operands is a place among inputs and results, a float a constant."""

    primitive: Primitive
    operands: tuple[int | float, ...]


class Expression(NamedTuple):
    """A formula and a point at which it is tame.

    Attributes:
        point: the inputs' values.
        steps: the operations in order; the last one's result is the formula's.
        stretch: how many times an error made somewhere can grow on its way, forward or backward: the
            product of every step's largest result or sum of partials. Tolerances are multiples of it.
    """

    point: tuple[float, ...]
    steps: tuple[Step, ...]
    stretch: float

    def __call__(self, *inputs: Any) -> Any:
        """Evaluate the formula on anything that primitives take: numbers, Values, arrays."""
        found = list(inputs)
        for step in self.steps:
            found.append(step.primitive(*_looked_up(step.operands, found)))
        return found[-1]

    def __repr__(self) -> str:
        lines = [repr(number) for number in self.point]
        for primitive, operands in self.steps:
            parts = [f"v{one}" if type(one) is int else repr(one) for one in operands]
            lines.append(f"{primitive.name}({', '.join(parts)})")
        return "; ".join(f"v{i} = {line}" for i, line in enumerate(lines))


def points(inputs: int = 2) -> st.SearchStrategy[tuple[float, ...]]:
    """Points to evaluate at, of so many coordinates."""
    return st.tuples(*[st.integers(-300, 300).map(lambda n: n / 100)] * inputs)


@st.composite
def expressions(
    draw: st.DrawFn,
    point: tuple[float, ...] | None = None,
    table: Iterable[Primitive] = TABLE,
    size: int = 24,
) -> Expression:
    """Formulas of up to ``size`` random steps over a table of primitives.

    What no step has used is added up at the end, so that the formula depends on all its inputs.
    """
    point = draw(points()) if point is None else point
    choices = st.sampled_from(tuple(table))
    constants = st.integers(-12, 12).map(lambda n: n / 4)
    found, steps, stretch = list(point), [], 1.0

    def take(step: Step) -> None:
        nonlocal stretch
        growth = _growth(step, found)
        if growth * stretch <= LARGEST_STRETCH:
            stretch *= growth
            found.append(step.primitive(*_looked_up(step.operands, found)))
            steps.append(step)

    for _ in range(draw(st.integers(1, size))):
        primitive = draw(choices)
        places = st.sampled_from(range(len(found))[::-1])  # the latest result is the simplest choice
        operands = [draw(places if draw(st.integers(0, 3)) else constants) for _ in range(primitive.arity)]
        if any(type(operand) is int for operand in operands):
            take(Step(primitive, tuple(operands)))
    used = {operand for step in steps for operand in step.operands if type(operand) is int}
    for unused in sorted(set(range(len(found) - 1)) - used):
        steps.append(Step(add, (len(found) - 1, unused)))
        found.append(found[-1] + found[unused])
        stretch += 1.0
    return Expression(point, tuple(steps), stretch)


def _looked_up(operands: tuple[int | float, ...], found: list[Any]) -> list[Any]:
    return [found[operand] if type(operand) is int else operand for operand in operands]


def _growth(step: Step, found: list[float]) -> float:
    """What a step multiplies errors by, at most 1 for a harmless one; inf where it is not tame."""
    wanted = tuple(type(operand) is int for operand in step.operands)
    inputs = _looked_up(step.operands, found)
    y, partials = _answers(step.primitive, inputs, wanted)
    if not _all_below(LARGEST, [y, *partials]):
        return math.inf
    for i, want in enumerate(wanted):
        for distance in (-NEARBY, NEARBY) if want else ():
            beside = [*inputs[:i], inputs[i] + distance, *inputs[i + 1 :]]
            y_there, partials_there = _answers(step.primitive, beside, wanted)
            changes = [a - b for a, b in zip([y, *partials], [y_there, *partials_there])]
            if not _all_below(NEARBY * LARGEST, changes):
                return math.inf
    return max(1.0, abs(y), sum(map(abs, partials)))


def _answers(
    primitive: Primitive, inputs: list[float], wanted: tuple[bool, ...]
) -> tuple[float, list[float]]:
    y = primitive(*inputs)
    return y, [partial or 0.0 for partial in primitive.partials_at(y, tuple(inputs), wanted)]


def _all_below(limit: float, numbers: list[float]) -> bool:
    return all(abs(number) <= limit for number in numbers)
