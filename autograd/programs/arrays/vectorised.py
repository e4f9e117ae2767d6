"""Loops whose steps are exact arithmetic, run by NumPy over whole columns, to the bits of step after step.

NumPy rounds a sum, a product or a root as every engine does, but not an exponential. A carry may stay what it
is, or be a running sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.primitives import table
from autograd.primitives.operation import Operation
from autograd.programs.code import Code, Instruction

__all__ = ["vectorised"]


def _where(condition: Any, first: Any, second: Any) -> Any:
    return np.where(np.not_equal(condition, 0.0), first, second)


def _flag(compare: Callable[..., Any]) -> Callable[..., Any]:
    return lambda first, second: np.asarray(compare(first, second), float)


_EXACT: dict[Operation, Callable[..., Any]] = {
    table.add: np.add,
    table.sub: np.subtract,
    table.mul: np.multiply,
    table.div: np.true_divide,
    table.neg: np.negative,
    table.absolute: np.absolute,
    table.sqrt: np.sqrt,
    table.stop_gradient: np.asarray,
    table.where: _where,
    table.less: _flag(np.less),
    table.less_equal: _flag(np.less_equal),
    table.equal: _flag(np.equal),
}


def vectorised(
    body: Code, carries: Sequence[Any], columns: Sequence[Any], shared: Sequence[Any], count: int
) -> tuple[list[Any], list[np.ndarray]] | None:
    """The last carries and the arrays of ys of a loop; None where its steps are something else.

    Args:
        body, carries, columns, shared, count: as for what runs loops: see `loops.loop.run_by`.
    """
    if body.arrays or not _EXACT.keys() >= {instruction.operation for instruction in body.instructions}:
        return None
    width = len(carries)
    inputs = [None if body.outputs[i] != i else carry for i, carry in enumerate(carries)]
    slots: list[Any] = [*inputs, *columns, *shared, *body.constants, *[None] * len(body)]
    waiting = list(body.instructions)
    with np.errstate(all="ignore"):
        while waiting:
            left = [instruction for instruction in waiting if not _is_done(instruction, body, slots, carries)]
            if len(left) == len(waiting):
                return None
            waiting = left
    if any(slots[output] is None for output in body.outputs):
        return None
    ends = [np.broadcast_to(slots[output], count) for output in body.outputs]
    return [end[-1].item() for end in ends[:width]], [np.array(end) for end in ends[width:]]


def _is_done(instruction: Instruction, body: Code, slots: list[Any], carries: Sequence[Any]) -> bool:
    """Compute an instruction's result for all steps, if its operands are known, or add a running sum up."""
    operands = [slots[operand] for operand in instruction.operands]
    (result,) = instruction.results
    if all(operand is not None for operand in operands):
        slots[result] = _EXACT[instruction.operation](*operands)
        return True
    unknown = [place for place, operand in zip(instruction.operands, operands) if operand is None]
    if instruction.operation is not table.add or len(unknown) != 1:
        return False
    (carry,) = unknown
    (term,) = [operand for operand in operands if operand is not None]
    if carry >= len(carries) or body.outputs[carry] != result or not np.ndim(term):
        return False
    totals = np.add.accumulate(np.concatenate([[carries[carry]], term]))
    slots[carry], slots[result] = totals[:-1], totals[1:]
    return True
