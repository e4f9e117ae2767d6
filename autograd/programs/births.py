"""Where in a run of code a nan or an inf is born."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.graph.anomaly import is_born
from autograd.primitives import table
from autograd.primitives.operation import Operation
from autograd.programs.code import Code, Instruction
from autograd.support.user_line import Line, user_line

__all__ = ["quiet", "raise_birth"]


def raise_birth(
    code: Code, inputs: Sequence[float], place: str = "", line: Line | None = None
) -> list[float]:
    """Repeat a run of code, and raise where a result's nan or inf is born.

    Args:
        code: what was run.
        inputs: its inputs.
        place: which run it was, for the message.
        line: the line that what has none belongs to; without, the user's that is running.

    Returns:
        The outputs, where none of them is nan or inf, or it came in with the inputs.

    Raises:
        FloatingPointError: names the operation, its operands and the line that wrote it.
    """
    slots = code.run(inputs, _applied)
    for instruction, slot in _led_to(code, slots):
        if instruction.operation.takes_arrays:
            instruction.operation.hunt(
                [slots[operand] for operand in instruction.operands], place, instruction.line or line
            )
        elif is_born(slots[slot], [slots[operand] for operand in instruction.operands]):
            names = code.labels()
            shown = [
                f"{names[operand]}={slots[operand]}" if names[operand] else f"{slots[operand]}"
                for operand in instruction.operands
            ]
            written = instruction.line or line or user_line()
            call = f"{instruction.operation.name}({', '.join(shown)})"
            raise FloatingPointError(f"{call} is {slots[slot]} in {code.name}{place}, at {written}")
    return [slots[output] for output in code.outputs]


def quiet(code: Code, inputs: Sequence[Any]) -> list[Any]:
    """The outputs of code, in which nobody hunts for what is not finite."""
    slots = code.run(inputs, _applied)
    return [slots[output] for output in code.outputs]


def _applied(operation: Operation, *operands: Any) -> Any:
    """An operation's result, or results; a loop's before anyone hunts in it."""
    if not operation.bodies:
        return operation(*operands)
    results = operation.run_quietly(operands)
    return results[0] if len(results) == 1 else results


def _is_finite(number: Any) -> bool:
    """Whether a number is finite, or each of an array."""
    return bool(np.isfinite(number).all())


def _led_to(code: Code, slots: Sequence[float]) -> list[tuple[Instruction, int]]:
    """The results that are not finite and led to an output that is not, in order, with their instructions."""
    went_in = set(code.outputs)
    guilty = []
    for instruction in reversed(code.instructions):
        results = [slot for slot in instruction.results if slot in went_in and not _is_finite(slots[slot])]
        guilty += [(instruction, slot) for slot in results]
        if results and instruction.operation is table.where:  # what it did not choose did not go in
            condition, *choices = instruction.operands
            went_in.add(choices[0 if slots[condition] else 1])
        elif results:
            went_in.update(instruction.operands)
    return guilty[::-1]
