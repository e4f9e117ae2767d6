"""Which side of each comparison in a program a point lies on, and which sides no point has tried."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.comparing.comparison import Untried
from autograd.derivation.expression_walks import size
from autograd.derivation.expressions import Symbol, Symbolic, applied, as_expression
from autograd.derivation.text import text
from autograd.derivatives.sweeps import dependent_on, reverse
from autograd.engines.numpy import NumpyEngine
from autograd.graph.nodes import numbers
from autograd.primitives import table
from autograd.primitives.primitive import Primitive
from autograd.programs.code import Code, Instruction
from autograd.programs.lowering import in_pairs, straight
from autograd.programs.program import Program
from autograd.support.locks import cached_property

__all__ = ["Branches"]

Array = np.ndarray[Any, np.dtype[Any]]

_LONGEST = 12  # names in an operand that is written out

# What each primitive that chooses asks of its first operand and its second, or 0 where it has one.
_QUESTIONS: dict[Any, tuple[Callable[[Any, Any], bool], str, str]] = {
    table.less: (operator.lt, "<", ">="),
    table.less_equal: (operator.le, "<=", ">"),
    table.equal: (operator.eq, "==", "!="),
    table.where: (operator.ne, "!=", "=="),
    **dict.fromkeys((table.maximum, table.minimum, table.relu, table.absolute), (operator.gt, ">", "<=")),
}
_WITH_ZERO = frozenset({table.where, table.relu, table.absolute})
_COMPARISONS = frozenset({table.less, table.less_equal, table.equal})


class _Choice(NamedTuple):
    """An operation that computes one thing or another, by a comparison.

    Attributes:
        instruction: the operation.
        left: the slot of what is compared.
        right: the slot of what it is compared with; None for 0.
        is_searched: whether the side where the comparison holds is more than single points.
    """

    instruction: Instruction
    left: int
    right: int | None
    is_searched: bool

    def holds(self, slots: Any) -> Any:
        """Whether the comparison holds, at the numbers (or arrays) of a program's slots."""
        right = 0.0 if self.right is None else slots[self.right]
        return _QUESTIONS[self.instruction.operation][0](slots[self.left], right)

    def is_tie(self, slots: Sequence[Any]) -> bool:
        """Whether what is compared is equal."""
        return bool(slots[self.left] == (0.0 if self.right is None else slots[self.right]))


class Branches:
    """The comparisons of a program by which its derivative may jump.

    Args:
        program: what is differentiated.
        places: the inputs that it is differentiated by.
    """

    def __init__(self, program: Program, places: Sequence[int]) -> None:
        self._code = in_pairs(straight(program.code))
        self._closed_over = numbers(program.captured)
        self._places = list(places)
        self._applied = [instruction[:3] for instruction in self._code.instructions]
        self._choices = list(_choices(self._code, self._places))

    @cached_property
    def _compared(self) -> list[int]:
        """The slots of what is compared."""
        slots = {slot for choice in self._choices for slot in (choice.left, choice.right) if slot is not None}
        return sorted(slots)

    @cached_property
    def _engine(self) -> NumpyEngine:
        code = self._code
        return NumpyEngine(Code(code.name, code.inputs, code.constants, code.instructions, self._compared))

    def sides(self, point: Sequence[float]) -> list[bool] | None:
        """For each comparison whether it holds at a point; None where one of them is about to turn."""
        if not self._choices:
            return []
        slots = self._code.run([*point, *self._closed_over])
        if any(choice.is_tie(slots) and self._moves(choice, slots) for choice in self._choices):
            return None
        return [choice.holds(slots) for choice in self._choices]

    def sides_of_many(self, points: Array) -> Array:
        """The same for many points, ties left aside: a row for each, with a bool for each comparison."""
        arrays = self._engine.map([*points.T, *self._closed_over], len(points), None)
        slots = dict(zip(self._compared, arrays))
        sides = [choice.holds(slots) for choice in self._choices]
        return np.array(sides, dtype=bool).reshape(len(sides), -1).T

    def _moves(self, choice: _Choice, slots: Sequence[Any]) -> bool:
        """Whether the difference of what is compared changes with the inputs that are differentiated by."""
        seeds = [(choice.left, 1.0)] + ([] if choice.right is None else [(choice.right, -1.0)])
        slopes = reverse(self._applied, seeds, self._places, values=lambda keys: [slots[key] for key in keys])
        return any(slope != 0.0 for slope in slopes)

    def missing(self, tried: Sequence[Sequence[bool]]) -> list[tuple[int, bool]]:
        """The sides that are not among those tried: the comparison's index, and whether it holds there."""
        return [
            (i, side)
            for i, choice in enumerate(self._choices)
            for side in (False, True)
            if (choice.is_searched or not side) and all(sides[i] != side for sides in tried)
        ]

    def untried(self, missing: Sequence[tuple[int, bool]]) -> list[Untried]:
        """What to say of sides that no point was found on."""
        written = _written(self._code)
        said = {}
        for i, side in missing:
            instruction, left, right, _ = self._choices[i]
            _, holds, fails = _QUESTIONS[instruction.operation]
            second = "0" if right is None else text(written[right])
            condition = f"{text(written[left])} {fails if side else holds} {second}"
            at = f" (at {instruction.line})" if instruction.line else ""
            said[condition] = Untried(
                f"only where {condition}",
                f"{_called(instruction, written)}{at} was tried only where {condition}: no point was found "
                "on the other side, where the gradient may be wrong.",
            )
        return list(said.values())


def _choices(code: Code, places: Sequence[int]) -> list[_Choice]:
    dependent = dependent_on(places, [instruction[:3] for instruction in code.instructions])
    comparisons: set[int] = set()
    of_points: set[int] = set()  # slots that are other than elsewhere at single points
    choices = []
    for instruction in code.instructions:
        primitive, operands, results, *_ = instruction
        if not of_points.isdisjoint(operands):
            of_points.update(results)
        if primitive not in _QUESTIONS:
            continue
        left, right = operands[0], None if primitive in _WITH_ZERO else operands[1]
        if primitive in _COMPARISONS:
            comparisons.update(results)
        if primitive is table.equal and not dependent.isdisjoint(operands):
            of_points.update(results)
        if left != right and not (primitive is table.where and left in comparisons):
            choices.append(_Choice(instruction, left, right, of_points.isdisjoint((*results, left))))
    return choices


def _written(code: Code) -> list[Symbolic]:
    """What is in each slot, written out as far as it is short."""
    names = code.names()
    written: list[Symbolic] = [*map(Symbol, code.inputs), *map(as_expression, code.constants)]
    for operation, operands, results, *_ in code.instructions:
        whole = None
        if isinstance(operation, Primitive):
            whole = applied(operation, [written[operand] for operand in operands])
        is_short = whole is not None and size(whole) <= _LONGEST
        written += [whole] if whole is not None and is_short else [Symbol(names[slot]) for slot in results]
    return written


def _called(instruction: Instruction, written: Sequence[Symbolic]) -> str:
    """An operation as it is written, or its name alone where it is long."""
    expression = written[instruction.results[0]]
    return instruction.operation.name if isinstance(expression, Symbol) else text(expression)
