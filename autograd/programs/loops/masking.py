"""The reverse of loops where a `where` of arrays left some elements of adjoints absent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd.graph.nodes import is_array, is_node
from autograd.primitives import table
from autograd.programs.code import Code
from autograd.programs.simplification import Builder

if TYPE_CHECKING:
    from autograd.programs.loops.loop import Loop

__all__ = ["choice_of", "pull_masked"]


def choice_of(body: Code, carries: int) -> tuple[int | None, ...] | None:
    """The operands of a loop that is a `where` of arrays, None for a constant; None of any other loop."""
    if carries or len(body.instructions) != 1 or body.instructions[0].operation is not table.where:
        return None
    ((_, operands, results, *_),) = body.instructions
    if tuple(body.outputs) != tuple(results):
        return None
    return tuple([1 + operand if operand < len(body.inputs) else None for operand in operands])


def pull_masked(
    loop: Loop,
    inputs: Sequence[Any],
    adjoints: Sequence[Any],
    masks: Sequence[Any],
    wanted: Sequence[bool],
) -> list[tuple[Any, Any]]:
    """What the operands of a loop receive, with masks: see `Operation.pull_masked`."""
    count = inputs[0]
    if loop.choice is not None:
        present = _column(loop, count, 1.0 if masks[0] is None else masks[0])
        by_mask = loop.pull(inputs, (), [present], wanted)
        return list(zip(loop.pull(inputs, (), adjoints, wanted), by_mask))
    carries, width = loop.carries, 1 + loop.carries + loop.columns
    places = [place for place in range(carries, loop.result_count) if masks[place] is not None]
    columns = [_column(loop, count, masks[place]) for place in places]
    operands = [*inputs[:width], *columns, *inputs[width:]]
    asked_for = [*wanted[:width], *[False] * len(columns), *wanted[width:]]
    received = list(_guarding(loop, tuple(places)).pull(operands, (), adjoints, asked_for))
    terms = received[:width] + received[width + len(columns) :]
    mask = None
    if len(places) == loop.result_count:
        mask = columns[0]
        for column in columns[1:]:
            mask = _either(mask, column)
    return [(term, mask if place in loop.aligned else None) for place, term in enumerate(terms)]


def _column(loop: Loop, count: Any, mask: Any) -> Any:
    """A mask as an array."""
    if isinstance(mask, np.ndarray) or (is_node(mask) and is_array(mask)):
        return mask
    return loop.filling()(count, mask)


def _either(first: Any, second: Any) -> Any:
    both = isinstance(first, np.ndarray) and isinstance(second, np.ndarray)
    return np.where(first, 1.0, second) if both else table.where(first, 1.0, second)


@lru_cache(maxsize=256)
def _guarding(loop: Loop, places: tuple[int, ...]) -> Loop:
    """The loop with a mask as a column for some of its ys, which are 0 where that is."""
    body, width = loop.body, loop.carries + loop.columns
    builder = Builder()
    inputs: list[int] = []
    masks: list[int] = []
    for place in range(len(body.inputs)):
        if place == width:
            masks = [builder.input() for _ in places]
        inputs.append(builder.input(place in body.arrays))
    masks = masks or [builder.input() for _ in places]
    slots = builder.replay(body, inputs)
    outputs = [slots[output] for output in body.outputs]
    for place, mask in zip(places, masks):
        outputs[place] = builder.operation(table.where, (mask, outputs[place], builder.constant(0.0)))
    names = [*body.inputs[:width], *[f"is_there{place}" for place in places], *body.inputs[width:]]
    return loop.like(builder.finish(body.name, names, outputs), loop.carries, loop.columns + len(places))
