"""Loops some of whose carries are the same number from some step on: their body with that number in it."""

from __future__ import annotations

from functools import lru_cache

from autograd.programs.code import ByContent, Code
from autograd.programs.simplification import Builder

__all__ = ["settled"]

_LONGEST = 8  # steps after which a carry may still change


def settled(code: Code, carries: int) -> tuple[int, Code] | None:
    """From which step on a loop can be run by another body, which computes less, and that body.

    It has the same inputs and outputs. A flag of a derivative, as in `presence`, is such a carry.

    Args:
        code: a body.
        carries: how many of its inputs are carried.

    Returns:
        None where there is none.
    """
    if not any(len(code.inputs) <= output < code.start for output in code.outputs[:carries]):
        return None
    return _settled(ByContent(code), carries)


@lru_cache(maxsize=256)
def _settled(body: ByContent, carries: int) -> tuple[int, Code] | None:
    code = body.code
    known: dict[int, float] = {}
    for steps in range(_LONGEST):
        builder = Builder()
        inputs = [builder.input(place in code.arrays) for place in range(len(code.inputs))]
        made = builder.replay(
            code, [builder.constant(known[i]) if i in known else slot for i, slot in enumerate(inputs)]
        )
        outputs = [made[output] for output in code.outputs]
        following = {
            i: number
            for i, output in enumerate(outputs[:carries])
            if (number := builder.number(output)) is not None
        }
        if repr(following) == repr(known):  # to the bit, and nan is nan
            return steps, builder.finish(code.name, code.inputs, outputs)
        known = following
    return None
