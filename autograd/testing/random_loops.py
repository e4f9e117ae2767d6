"""Random formulas with loops in them, nested in one another, and points at which they are tame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autograd.primitives.primitive import Primitive
from autograd.primitives.table import add, sin
from autograd.running.fori_loop import fori_loop as fori_loop_of_ours
from autograd.running.scan import scan as scan_of_ours
from autograd.support.extras import require
from autograd.testing.random_formulas import (
    LARGEST_STRETCH,
    TABLE,
    Step,
    looked_up,
    points,
    tame_answers,
    written_step,
)

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["LoopedExpression", "Repetition", "looped_expressions"]

Operand = int | float  # a place among inputs and earlier results, or a constant


class Repetition(NamedTuple):
    """A loop among the steps of a formula, `scan` or `fori_loop`.

    Within it, the places of its columns' elements (of a `fori_loop` that of the number) follow those of all
    that is known outside, then come the carries, then the results of its own steps. After it, outside, stand
    the last carries, and the sum of the ys where there are any.

    Attributes:
        turns: how often it runs.
        starts: what the carries begin with.
        columns: for each array that a `scan` runs along its numbers; None for a `fori_loop`.
        steps: the operations of each turn in order.
        ends: the places of the next carries.
        y: the place of what is stacked, or None.
    """

    turns: int
    starts: tuple[Operand, ...]
    columns: tuple[tuple[float, ...], ...] | None
    steps: Sequence[Any]
    ends: tuple[int, ...]
    y: int | None

    @property
    def results(self) -> int:
        """How many there are after it."""
        return len(self.starts) + (self.y is not None)

    def row(self, turn: int) -> list[float]:
        """What is new in a turn: the number, or an element of each column."""
        return [float(turn)] if self.columns is None else [column[turn] for column in self.columns]


class LoopedExpression(NamedTuple):
    """A formula with loops and a point at which it is tame. It is called like a function, and prints as one.

    Attributes:
        point: the inputs' values.
        steps: the operations and loops in order; the last one's last result is the formula's.
        stretch: a bound, to first order, on the rounding error of any result, in units of the error of a
            number of 1. Tolerances are multiples of it.
    """

    point: tuple[float, ...]
    steps: tuple[Step | Repetition, ...]
    stretch: float

    def __call__(self, *inputs: Any) -> Any:
        """Evaluate the formula on anything that primitives take, with this library's loops."""
        return self.run(inputs, scan_of_ours, fori_loop_of_ours)

    def run(
        self,
        inputs: Sequence[Any],
        scan: Callable[..., Any],
        fori_loop: Callable[..., Any],
        apply: Callable[..., Any] = Primitive.__call__,
    ) -> Any:
        """The same with other loops of the same form, or with other settings, and with other primitives.

        Args:
            inputs: numbers.
            scan: is called as ``scan(step, carry, xs, length=count)``, where xs is a list of arrays, or None.
            fori_loop: is called as ``fori_loop(0, count, body, carry)``.
            apply: ``apply(primitive, *operands)`` is an operation's result.
        """

        def repeated(loop: Repetition, results: list[Any]) -> list[Any]:
            def turn(row: Sequence[Any], carry: Sequence[Any]) -> tuple[list[Any], Any]:
                inner = _run(loop.steps, [*results, *row, *carry], repeated, apply)
                return [inner[end] for end in loop.ends], None if loop.y is None else inner[loop.y]

            starts = looked_up(loop.starts, results)
            if loop.columns is None:
                return list(fori_loop(0, loop.turns, lambda i, carry: turn([i], carry)[0], starts))
            xs = [np.array(column) for column in loop.columns] or None
            last, ys = scan(lambda carry, x: turn(x or [], carry), starts, xs, length=loop.turns)
            return [*last] if loop.y is None else [*last, ys.sum()]

        return _run(self.steps, list(inputs), repeated, apply)[-1]

    def in_python(self, *inputs: Any) -> Any:
        """Evaluate the formula with loops of Python, unrolled: what the other should come to, bit for bit."""

        def repeated(loop: Repetition, results: list[Any]) -> list[Any]:
            carry, total = looked_up(loop.starts, results), 0.0 if not loop.turns else -0.0
            for turn in range(loop.turns):
                inner = _run(loop.steps, [*results, *loop.row(turn), *carry], repeated)
                carry = [inner[end] for end in loop.ends]
                total = total if loop.y is None else total + inner[loop.y]
            return carry if loop.y is None else [*carry, total]

        return _run(self.steps, list(inputs), repeated)[-1]

    @property
    def source(self) -> str:
        """The formula as Python source, to be pasted where NumPy is np and all else comes from `autograd`.

        >>> from autograd import mul
        >>> loop = Repetition(3, (1.0,), ((0.5, 1.0, 1.5),), (Step(mul, (0, 2)), Step(mul, (1, 3))), (4,), 2)
        >>> print(LoopedExpression((0.5,), (loop,), 1.0).source)
        def f(v1):  # at 0.5
            def step2(carry, x):
                (v3,), (v4,) = carry, x
                v5 = v1 * v3
                v6 = v4 * v5
                return [v6], v3
            (v7,), ys8 = scan(step2, [1.0], [np.array([0.5, 1.0, 1.5])], length=3)
            v9 = ys8.sum()
            return v9
        """
        numbers = count(1)
        names = [f"v{next(numbers)}" for _ in self.point]
        lines = [f"def f({', '.join(names)}):  # at {', '.join(map(repr, self.point))}"]
        lines += [f"    {line}" for line in _lines(self.steps, names, numbers)]
        return "\n".join([*lines, f"    return {names[-1]}"])

    def __repr__(self) -> str:
        return self.source

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """For Hypothesis and IPython: lines of their own, so that they can be taken as they are."""
        for line in self.source.splitlines():
            printer.text(line)
            printer.break_()


def _run(
    steps: Sequence[Step | Repetition],
    results: list[Any],
    repeated: Callable[[Repetition, list[Any]], list[Any]],
    apply: Callable[..., Any] = Primitive.__call__,
) -> list[Any]:
    """Results and those of steps."""
    for step in steps:
        if isinstance(step, Repetition):
            results += repeated(step, results)
        else:
            results.append(apply(step.primitive, *looked_up(step.operands, results)))
    return results


def _lines(steps: Sequence[Step | Repetition], names: list[str], numbers: Iterator[int]) -> list[str]:
    """The statements of steps, given names of what is known, to which those of the results are added."""
    lines = []
    for step in steps:
        if isinstance(step, Repetition):
            lines += _lines_of_loop(step, names, numbers)
        else:
            text = written_step(step, names)
            names.append(f"v{next(numbers)}")
            lines.append(f"{names[-1]} = {text}")
    return lines


def _lines_of_loop(loop: Repetition, names: list[str], numbers: Iterator[int]) -> list[str]:
    def new(how_many: int) -> list[str]:
        return [f"v{next(numbers)}" for _ in range(how_many)]

    def tuple_of(parts: Sequence[str]) -> str:
        return f"({', '.join(parts)},)"

    step = f"step{next(numbers)}"
    carry, row = new(len(loop.starts)), new(1 if loop.columns is None else len(loop.columns))
    inner = [*names, *row, *carry]
    within = _lines(loop.steps, inner, numbers)
    ends = f"[{', '.join([inner[end] for end in loop.ends])}]"
    starts = f"[{', '.join([names[s] if type(s) is int else repr(s) for s in loop.starts])}]"
    last = new(len(carry))
    names += last
    if loop.columns is None:
        head = [f"def {step}({row[0]}, carry):", f"    {tuple_of(carry)} = carry"]
        call = [f"{tuple_of(last)} = fori_loop(0, {loop.turns}, {step}, {starts})"]
        return [*head, *[f"    {line}" for line in within], f"    return {ends}", *call]
    arrays = [f"np.array({list(column)!r})" for column in loop.columns]
    head = [f"def {step}(carry, x):", f"    {tuple_of(carry)}, {tuple_of(row)} = carry, x"]
    if not row:
        head[1] = f"    {tuple_of(carry)} = carry"
    y = None if loop.y is None else inner[loop.y]
    ys = f"ys{next(numbers)}"
    xs = f"[{', '.join(arrays)}]" if arrays else "None"
    call = [f"{tuple_of(last)}, {ys} = scan({step}, {starts}, {xs}, length={loop.turns})"]
    if y is not None:
        names += new(1)
        call.append(f"{names[-1]} = {ys}.sum()")
    return [*head, *[f"    {line}" for line in within], f"    return {ends}, {y}", *call]


def looped_expressions(
    point: tuple[float, ...] | None = None,
    table: Iterable[Primitive] = TABLE,
    size: int = 6,
    inputs: int = 2,
    depth: int = 3,
) -> SearchStrategy[LoopedExpression]:
    """Formulas of random steps and loops, each with a point at which all it computes is tame.

    A loop's steps use what is known outside too. In the place of a step that would not be tame in one of its
    turns stands a sine. Results that nothing uses are added up at the end.

    Args:
        point: where they are to be tame; None for `points` of so many inputs.
        table: the primitives that they are made of, a user's own for one.
        size: the largest number of steps, of the formula and of each loop.
        inputs: how many inputs they have, where no point is given.
        depth: how deep loops are nested at most.

    Raises:
        MissingExtraError: Hypothesis is not installed.
        ValueError: the table is empty.

    >>> from hypothesis import given
    >>> from autograd import grad
    >>> @given(looped_expressions())
    ... def test_gradients_of_loops_are_those_of_loops_in_python(expression):
    ...     first, second = grad(expression)(*expression.point), grad(expression.in_python)(*expression.point)
    ...     assert abs(first - second) <= 1e-13 * expression.stretch**2
    >>> test_gradients_of_loops_are_those_of_loops_in_python()
    """
    require("testing", "hypothesis")
    from hypothesis import strategies as st

    choices = tuple(table)
    if not choices:
        raise ValueError("expressions need a primitive to be made of, got an empty table")
    constants = st.integers(-12, 12).map(lambda n: n / 4)

    def operand(draw: DrawFn, known: int) -> Operand:
        return known - 1 - draw(st.integers(0, known - 1)) if draw(st.integers(0, 3)) else draw(constants)

    def loop(draw: DrawFn, known: int, levels: int) -> Repetition:
        turns = draw(st.integers(0, (2, 3, 5)[min(levels, 2)]))
        hundredths = st.lists(st.integers(-200, 200).map(lambda n: n / 100), min_size=turns, max_size=turns)
        columns = draw(st.none() | st.lists(hundredths.map(tuple), max_size=2))
        starts = [operand(draw, known) for _ in range(draw(st.integers(1, 2)))]
        inside = known + (1 if columns is None else len(columns)) + len(starts)
        steps, inside = block(draw, inside, levels)
        places = st.integers(0, inside - known - 1).map(lambda back: inside - 1 - back)
        y = None if columns is None else draw(st.none() | places)
        ends = tuple([draw(places) for _ in starts])
        return Repetition(turns, tuple(starts), None if columns is None else tuple(columns), steps, ends, y)

    def block(draw: DrawFn, known: int, levels: int) -> tuple[Any, int]:
        """Steps of which so many places are known, and how many are known after them."""
        steps: list[Step | Repetition] = []
        for _ in range(draw(st.integers(1, size))):
            chance = 2 if levels == depth else 4
            if levels and draw(st.integers(1, chance)) == chance:
                repetition = loop(draw, known, levels - 1)
                steps.append(repetition)
                known += repetition.results
            else:
                primitive = draw(st.sampled_from(choices))
                steps.append(Step(primitive, tuple([operand(draw, known) for _ in range(primitive.arity)])))
                known += 1
        return steps, known

    @st.composite
    def expression(draw: DrawFn) -> LoopedExpression:
        start = draw(points(inputs)) if point is None else point
        steps, known = block(draw, len(start), depth)
        last = known - 1
        for unused in sorted({*range(last)} - set(_used(steps))):
            steps.append(Step(add, (last, unused)))
            last, known = known, known + 1
        return _tamed(start, steps)

    return expression()


def _used(steps: Sequence[Step | Repetition]) -> Iterator[Operand]:
    """The places that steps use, and constants."""
    for step in steps:
        if isinstance(step, Repetition):
            yield from (*step.starts, *step.ends, *_used(step.steps))
        else:
            yield from step.operands


class _WildError(Exception):
    """A step is not tame."""

    def __init__(self, steps: list[Any], place: int) -> None:
        super().__init__()
        self.steps, self.place = steps, place


def _tamed(point: tuple[float, ...], steps: list[Step | Repetition]) -> LoopedExpression:
    """The formula, in which sines stand in the place of steps that are not tame."""
    errors = None
    while errors is None:
        errors = _errors_or_tamer(point, steps)
    return LoopedExpression(point, _frozen(steps), max(1.0, *errors))


def _errors_or_tamer(point: tuple[float, ...], steps: list[Step | Repetition]) -> list[float] | None:
    """The errors of the results; None where a step was not tame, in whose place a sine is put."""
    try:
        return _errors(steps, list(point), [0.0] * len(point))
    except _WildError as wild:
        operands = wild.steps[wild.place].operands
        place = next((operand for operand in operands if type(operand) is int), 0)
        wild.steps[wild.place] = Step(sin, (place,))
        return None


def _frozen(steps: Sequence[Step | Repetition]) -> tuple[Step | Repetition, ...]:
    return tuple(
        [step._replace(steps=_frozen(step.steps)) if isinstance(step, Repetition) else step for step in steps]
    )


def _errors(steps: Any, results: list[float], errors: list[float]) -> list[float]:
    """Bounds on the errors of results, to which those of the steps are added, as their results are.

    Raises:
        _WildError: a step is not tame.
    """
    for at, step in enumerate(steps):
        if isinstance(step, Repetition):
            _add_loop(step, results, errors)
            continue
        answers = tame_answers(step, results) if any(type(o) is int for o in step.operands) else None
        if answers is None:
            raise _WildError(steps, at)
        y, partials = answers
        handed_on = zip(step.operands, partials)
        error = abs(y) + sum(abs(slope) * errors[o] for o, slope in handed_on if type(o) is int)
        if error > LARGEST_STRETCH and step.primitive is not sin:
            raise _WildError(steps, at)
        results.append(y)
        errors.append(error)
    return errors


def _add_loop(loop: Repetition, results: list[float], errors: list[float]) -> None:
    """Add a loop's results, and the bounds on their errors."""
    carry = looked_up(loop.starts, results)
    carry_errors = [errors[start] if type(start) is int else 0.0 for start in loop.starts]
    total, total_error = 0.0, 0.0
    for turn in range(loop.turns):
        row = loop.row(turn)
        inner, inner_errors = [*results, *row, *carry], [*errors, *[0.0] * len(row), *carry_errors]
        _errors(loop.steps, inner, inner_errors)
        carry, carry_errors = [inner[end] for end in loop.ends], [inner_errors[end] for end in loop.ends]
        if loop.y is not None:
            total += inner[loop.y]
            total_error += abs(total) + inner_errors[loop.y]
    results += carry if loop.y is None else [*carry, total]
    errors += carry_errors if loop.y is None else [*carry_errors, total_error]
