"""Where in a run of code a nan or an inf is born."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autograd.graph.anomaly import is_born
from autograd.primitives import table
from autograd.programs.code import Code, Instruction

__all__ = ["raise_birth"]


def raise_birth(code: Code, inputs: Sequence[float], place: str = "") -> list[float]:
    """Repeat a run of code, and raise where a result's nan or inf is born.

    Args:
        code: what was run.
        inputs: its inputs.
        place: which run it was, for the message.

    Returns:
        The outputs, where none of them is nan or inf, or it came in with the inputs.

    Raises:
        FloatingPointError: names the operation, its operands and the line that wrote it.
    """
    slots = code.run(inputs)
    for instruction, slot in _led_to(code, slots):
        if is_born(slots[slot], [slots[operand] for operand in instruction.operands]):
            names = code.labels()
            shown = [
                f"{names[operand]}={slots[operand]}" if names[operand] else f"{slots[operand]}"
                for operand in instruction.operands
            ]
            line = f", at {instruction.line}" if instruction.line else ""
            call = f"{instruction.operation.name}({', '.join(shown)})"
            raise FloatingPointError(f"{call} is {slots[slot]} in {code.name}{place}{line}")
    return [slots[output] for output in code.outputs]


def _led_to(code: Code, slots: Sequence[float]) -> list[tuple[Instruction, int]]:
    """The results that are not finite and led to an output that is not, in order, with their instructions."""
    went_in = set(code.outputs)
    guilty = []
    for instruction in reversed(code.instructions):
        results = [slot for slot in instruction.results if slot in went_in and not math.isfinite(slots[slot])]
        guilty += [(instruction, slot) for slot in results]
        if results and instruction.operation is table.where:  # what it did not choose did not go in
            condition, *choices = instruction.operands
            went_in.add(choices[0 if slots[condition] else 1])
        elif results:
            went_in.update(instruction.operands)
    return guilty[::-1]
