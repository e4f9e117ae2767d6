"""What the reverse of a loop takes over from its steps, instead of computing it once more of the carries.

That is what takes longer to compute than to keep, and what a step computes anyway: an exponential, say, or
the cosine of what it takes the sine of, since one call of the C library gives both.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograd.primitives import table
from autograd.primitives.operation import Operation
from autograd.programs.code import Code
from autograd.programs.simplification import Builder

__all__ = ["with_residuals"]

_CHEAP = {
    *(table.add, table.sub, table.mul, table.div, table.neg, table.sqrt, table.absolute, table.where),
    *(table.less, table.less_equal, table.equal, table.maximum, table.minimum, table.relu),
    table.stop_gradient,
}
_CHOOSING = {table.maximum, table.minimum, table.relu}
_TOGETHER: dict[Operation, Operation] = {table.sin: table.cos, table.cos: table.sin}


def with_residuals(
    step: Code, back: Code, same: Sequence[int | None], at: int, most: int
) -> tuple[Code, Code, int]:
    """The bodies of a loop and of its reverse, the second of which takes residuals of the first.

    Args:
        step: the body of the loop.
        back: that of the loop that goes back.
        same: for each of its inputs the input of the step that it is, if it is one.
        at: where residuals are to stand among its inputs.
        most: how many there may be.

    Returns:
        The step, whose last outputs are the residuals; the other body, which has them as inputs; how many
        there are.
    """
    builder = Builder()
    inputs = [builder.input(place in step.arrays) for place in range(len(step.inputs))]
    slots = builder.replay(step, inputs)
    certain = {slots[slot] for slot in _certain(step)}
    there = [None if place is None else inputs[place] for place in same]
    there += map(builder.constant, back.constants)
    kept: dict[int, int] = {}  # slots of the body that goes back, and where the builder has the same
    for operation, operands, results, *_ in back.instructions:
        parts = [there[operand] for operand in operands]
        if operation.takes_arrays or len(results) > 1 or any(part is None for part in parts):
            there += [None] * len(results)
            continue
        known = [part for part in parts if part is not None]
        slot = builder.operation(operation, known)
        there.append(slot)
        together = _TOGETHER.get(operation)
        is_known = slot in certain or (together is not None and builder.operation(together, known) in certain)
        if is_known and operation not in _CHEAP and (slot in kept.values() or len({*kept.values()}) < most):
            kept[results[0]] = slot
    residuals = list(dict.fromkeys(kept.values()))
    outputs = [*[slots[output] for output in step.outputs], *residuals]
    names = [*back.inputs[:at], *[f"residual_{i}" for i in range(len(residuals))], *back.inputs[at:]]
    return (
        builder.finish(step.name, step.inputs, outputs),
        _taking(back, names, at, {slot: residuals.index(known) for slot, known in kept.items()}),
        len(residuals),
    )


def _certain(step: Code) -> set[int]:
    """The slots whose numbers go into the outputs whatever is selected on the way.

    Others may be inf or nan without harm, where anomalies are hunted for too.
    """
    certain = {*step.outputs}
    for operation, operands, results, *_ in reversed(step.instructions):
        if not certain.isdisjoint(results) and operation not in _CHOOSING:
            certain.update(operands[:1] if operation is table.where else operands)
    return certain


def _taking(back: Code, names: Sequence[str], at: int, kept: dict[int, int]) -> Code:
    """A body with residuals for inputs, in the place of what it computes in some slots."""
    builder = Builder()
    added = len(names) - len(back.inputs)
    own = [*range(at), *[-1] * added, *range(at, len(back.inputs))]
    slots = [builder.input(place in back.arrays) for place in own]
    known = {slot: slots[at + place] for slot, place in kept.items()}
    made = builder.replay(back, [*slots[:at], *slots[at + added :]], known=known)
    return builder.finish(back.name, names, [made[output] for output in back.outputs])
