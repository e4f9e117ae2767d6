"""The text of a choice: each branch in blocks of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autograd.engines.looping.lengths import UnknownLengthError
from autograd.engines.looping.slots import ArrayAt, Slot
from autograd.engines.machine.ir import literal
from autograd.programs.control.branching import Cond

if TYPE_CHECKING:
    from autograd.engines.looping.nests import Nest

__all__ = ["choice"]


def choice(nest: Nest, cond: Cond, operands: Sequence[Slot]) -> Sequence[Slot]:
    """Write a choice into a nest; returns the results.

    Raises:
        UnknownLengthError: a result is an array, which may be another in each branch.
    """
    index, *inputs = operands
    if any(cond.arrays([False, *[isinstance(slot, ArrayAt) for slot in inputs]])):
        raise UnknownLengthError("a choice between arrays, whose lengths are not known")
    number = next(nest.numbered)
    ends: list[tuple[str, list[Slot]]] = []
    for place in range(len(cond.bodies) - 1, -1, -1):
        if place:
            is_chosen = nest.new(f"fcmp oge double {index}, {literal(float(place))}")
            taken, other = f"branch{number}.{place}", f"below{number}.{place}"
            nest.lines.append(f"br i1 {is_chosen}, label %{taken}, label %{other}")
            nest.begin(taken)
        outputs = nest.inside(cond.bodies[place], inputs)
        ends.append((nest.block, outputs))
        nest.lines.append(f"br label %after{number}")
        if place:
            nest.begin(other)
    nest.begin(f"after{number}")
    results = []
    for numbers in zip(*[outputs for _, outputs in ends]):
        sources = [f"[ {output}, %{block} ]" for output, (block, _) in zip(numbers, ends)]
        results.append(nest.new(f"phi double {', '.join(sources)}"))
    return results
