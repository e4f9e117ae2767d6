"""Loops that hand nothing on but sums: their steps are run as a batch, and added up in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.primitives import table
from autograd.programs.code import Code
from autograd.programs.loops.joining import leading_to
from autograd.programs.loops.loop import Loop
from autograd.programs.simplification import Builder

__all__ = ["Sums", "terms_of"]

_BLOCK = 2**18  # results of steps that are kept at a time


def terms_of(loop: Loop) -> Code | None:
    """What each step of a loop on numbers adds to each carry, and its ys; None where it reads a carry.

    >>> from autograd import trace
    >>> body = trace(lambda total, x: (total + x * x, x), 0.0, 0.0).code
    >>> print(terms_of(Loop(body, 1, 1)))
    <lambda>: 1 inputs, 1 instructions, 2 outputs
      inputs   x
      t1 = x * x  # ...
      outputs  t1, x
    """
    body, carries = loop.body, loop.carries
    made_by = {result: instruction for instruction in body.instructions for result in instruction.results}
    terms = []
    for carry, output in enumerate(body.outputs[:carries]):
        operation, operands = made_by[output][:2] if output in made_by else (None, ())
        if carry not in operands or operation not in (table.add, table.sub):
            return None
        terms.append(operands[operands[0] == carry])
    outputs = [*terms, *body.outputs[carries:]]
    code = Code(body.name, body.inputs, body.constants, body.instructions, outputs, body.arrays)
    needed = leading_to(code, 0, range(len(outputs)))
    if not needed.isdisjoint(range(carries)):
        return None
    builder = Builder()
    slots = [-1] * carries + [builder.input() for _ in body.inputs[carries:]]
    slots = builder.replay(code, slots, needed)
    outputs = [slots[output] for output in outputs]
    for carry, output in enumerate(body.outputs[:carries]):
        if made_by[output].operation is table.sub:
            outputs[carry] = builder.operation(table.neg, [outputs[carry]])
    return builder.finish(body.name, body.inputs[carries:], outputs)


class Sums:
    """Such a loop, ready to run in sequence: see `engines.Compiled`.

    Args:
        terms: its `terms_of`, made ready by an engine.
    """

    def __init__(self, terms: Any) -> None:
        self._terms = terms

    def scan(
        self, carry: Sequence[float], columns: Sequence[np.ndarray], shared: Sequence[float], count: int
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it, a block of steps at a time."""
        width, block = len(carry), max(1, _BLOCK // (1 + len(carry)))
        totals: Any = np.array(carry, float)
        collected = []
        for begin in range(0, count, block):
            size = min(block, count - begin)
            part = [column[begin : begin + size] for column in columns]
            results = self._terms.map([*part, *shared], size, None)
            sums = np.empty((size + 1, width))
            sums[0] = totals
            for i, result in enumerate(results[:width]):
                sums[1:, i] = result
            with np.errstate(all="ignore"):
                totals = np.add.accumulate(sums, axis=0)[-1]  # unlike a sum of NumPy's, in order
            collected.append(results[width:])
        return totals.tolist(), [np.concatenate(parts) for parts in zip(*collected)]
