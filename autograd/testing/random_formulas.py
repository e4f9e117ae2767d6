"""Random formulas over the table of primitives, and points at which they are tame."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd.primitives.notation import format_constant
from autograd.primitives.primitive import Primitive, all_primitives
from autograd.primitives.table import add, stop_gradient
from autograd.support.extras import require

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = [
    "LARGEST_STRETCH",
    "TABLE",
    "Expression",
    "Step",
    "expressions",
    "looked_up",
    "points",
    "tame_answers",
    "written_constant",
    "written_step",
]

_LARGEST = 20.0  # of a step's result and of its partial derivatives
LARGEST_STRETCH = 1e4
_NEARBY = 1e-3  # within this distance a step's result and partials change smoothly

# What expressions are made of unless they are told: the library's own primitives, but for stop_gradient,
# whose derivative is 0 by decree, which no difference quotient finds.
TABLE = tuple(p for p in all_primitives() if p.is_builtin and p is not stop_gradient)


class Step(NamedTuple):
    """One operation.

    Attributes:
        primitive: what is applied.
        operands: to what: an int is a place among inputs and earlier results, a float a constant.
    """

    primitive: Primitive
    operands: tuple[int | float, ...]


class Expression(NamedTuple):
    """A formula and a point at which it is tame. It is called like a function, and prints as one.

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
        results = list(inputs)
        for step in self.steps:
            results.append(step.primitive(*looked_up(step.operands, results)))
        return results[-1]

    @property
    def source(self) -> str:
        """The formula as Python source, to be pasted where the primitives are imported from `autograd`.

        >>> from autograd import mul, sin
        >>> print(Expression((0.5, 2.0), (Step(mul, (0, 1)), Step(sin, (2,))), 1.0).source)
        def f(v0, v1):  # at 0.5, 2.0
            v2 = v0 * v1
            v3 = sin(v2)
            return v3
        """
        names = [f"v{i}" for i in range(len(self.point) + len(self.steps))]
        arguments, point = ", ".join(names[: len(self.point)]), ", ".join(map(repr, self.point))
        lines = [f"def f({arguments}):  # at {point}"]
        lines += [
            f"    {name} = {written_step(step, names)}"
            for name, step in zip(names[len(self.point) :], self.steps)
        ]
        return "\n".join([*lines, f"    return {names[-1]}"])

    def __repr__(self) -> str:
        return self.source

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """For Hypothesis and IPython: lines of their own, so that they can be taken as they are."""
        for line in self.source.splitlines():
            printer.text(line)
            printer.break_()


def looked_up(operands: tuple[int | float, ...], results: list[Any]) -> list[Any]:
    """What operands stand for."""
    return [results[operand] if type(operand) is int else operand for operand in operands]


def written_step(step: Step, names: list[str]) -> str:
    """A step's right-hand side; a comparison as a call, since ``a < b`` is a bool where nothing is traced."""
    parts = [names[part] if type(part) is int else written_constant(part) for part in step.operands]
    symbol = step.primitive.symbol
    if symbol in ("+", "-", "*", "/"):
        return f" {symbol} ".join(parts) if len(parts) == 2 else f"{symbol}{parts[0]}"
    return f"{step.primitive.name}({', '.join(parts)})"


def written_constant(number: float) -> str:
    """A number as Python has it, in brackets where it is negative."""
    return format_constant(number) if number >= 0 else f"({format_constant(number)})"


def points(inputs: int = 2, low: float = -3.0, high: float = 3.0) -> SearchStrategy[tuple[float, ...]]:
    """Points to evaluate at: tuples of hundredths, which are easy to read and shrink towards 0.

    Args:
        inputs: how many coordinates.
        low: the smallest value of a coordinate.
        high: the largest.

    Raises:
        MissingExtraError: Hypothesis is not installed.
        ValueError: there is no hundredth between the two.

    >>> from hypothesis import given
    >>> from autograd import exp
    >>> @given(points(1, low=-1.0, high=1.0))
    ... def test_exp_is_above_its_tangent(point):
    ...     assert exp(point[0]) >= 1 + point[0]
    >>> test_exp_is_above_its_tangent()
    """
    require("testing", "hypothesis")
    from hypothesis import strategies as st

    least, most = round(100 * low), round(100 * high)
    least, most = least + (least / 100 < low), most - (most / 100 > high)
    if least > most:
        raise ValueError(f"low must be below high, and a hundredth between them, got {low!r} and {high!r}")
    return st.tuples(*[st.integers(least, most).map(lambda n: n / 100)] * inputs)


def expressions(
    point: tuple[float, ...] | None = None,
    table: Iterable[Primitive] = TABLE,
    size: int = 24,
    inputs: int = 2,
) -> SearchStrategy[Expression]:
    """Formulas of random steps over a table of primitives, each with a point at which it is tame.

    Results and inputs that no step uses are added up at the end, so that the formula depends on all inputs.

    Args:
        point: where they are to be tame; None for `points` of so many inputs.
        table: the primitives that they are made of, a user's own for one.
        size: the largest number of steps, without the sums at the end.
        inputs: how many inputs they have, where no point is given.

    Raises:
        MissingExtraError: Hypothesis is not installed.
        ValueError: the table is empty.

    >>> from hypothesis import given
    >>> from autograd import Value
    >>> @given(expressions())
    ... def test_values_compute_as_floats_do(expression):
    ...     assert expression(*map(Value, expression.point)).data == expression(*expression.point)
    >>> test_values_compute_as_floats_do()
    """
    require("testing", "hypothesis")
    from hypothesis import strategies as st

    choices = tuple(table)
    if not choices:
        raise ValueError("expressions need a primitive to be made of, got an empty table")

    @st.composite
    def expression(draw: DrawFn) -> Expression:
        formula = _Formula(draw(points(inputs)) if point is None else point)
        for _ in range(draw(st.integers(1, size))):
            primitive = draw(st.sampled_from(choices))
            latest_first = [*formula.unused()[::-1], *range(len(formula.results))[::-1]]
            places = st.sampled_from(latest_first)
            constants = st.integers(-12, 12).map(lambda n: n / 4)
            operands = [
                draw(places if draw(st.integers(0, 3)) else constants) for _ in range(primitive.arity)
            ]
            formula.take(Step(primitive, tuple(operands)))
        return formula.finished()

    return expression()


class _Formula:
    """A formula in the making."""

    def __init__(self, point: tuple[float, ...]) -> None:
        self.point = point
        self.results = list(point)
        self._steps: list[Step] = []
        self._stretch = 1.0

    def take(self, step: Step) -> None:
        """Add a step, if it is tame and depends on something."""
        if not any(type(operand) is int for operand in step.operands):
            return
        stretch = self._stretch * _growth(step, self.results)
        if stretch <= LARGEST_STRETCH:
            self._add(step, stretch)

    def _add(self, step: Step, stretch: float) -> None:
        self.results.append(step.primitive(*looked_up(step.operands, self.results)))
        self._steps.append(step)
        self._stretch = stretch

    def unused(self) -> list[int]:
        """What no step has used yet: drawn as often as all there is, so that results meet in later steps."""
        used = {operand for step in self._steps for operand in step.operands if type(operand) is int}
        return sorted(set(range(len(self.results))) - used)

    def finished(self) -> Expression:
        """The formula, with what has not been used added up."""
        for unused in self.unused()[:-1]:
            self._add(Step(add, (len(self.results) - 1, unused)), self._stretch + 1.0)
        return Expression(self.point, tuple(self._steps), self._stretch)


def _growth(step: Step, results: list[float]) -> float:
    """What a step multiplies errors by, at most 1 for a harmless one; inf where it is not tame."""
    answers = tame_answers(step, results)
    return math.inf if answers is None else max(1.0, abs(answers[0]), sum(map(abs, answers[1])))


def tame_answers(step: Step, results: list[float]) -> tuple[float, list[float]] | None:
    """A step's result and its partials, 0 by constants; None where it is not tame."""
    wanted = tuple(type(operand) is int for operand in step.operands)
    inputs = looked_up(step.operands, results)
    y, partials = _answers(step.primitive, inputs, wanted)
    if not _all_below(_LARGEST, [y, *partials]):
        return None
    for i, want in enumerate(wanted):
        for distance in (-_NEARBY, _NEARBY) if want else ():
            beside = [*inputs[:i], inputs[i] + distance, *inputs[i + 1 :]]
            y_there, partials_there = _answers(step.primitive, beside, wanted)
            changes = [a - b for a, b in zip([y, *partials], [y_there, *partials_there])]
            if not _all_below(_NEARBY * _LARGEST, changes):
                return None
    return y, partials


def _answers(
    primitive: Primitive, inputs: list[float], wanted: tuple[bool, ...]
) -> tuple[float, list[float]]:
    y = primitive(*inputs)
    return y, [partial or 0.0 for partial in primitive.partials_at(y, tuple(inputs), wanted)]


def _all_below(limit: float, numbers: list[float]) -> bool:
    return all(abs(number) <= limit for number in numbers)
