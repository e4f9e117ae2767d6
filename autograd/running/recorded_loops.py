"""Loops that were recorded as operations, run by engines where they are called by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from autograd.programs.arrays.vectorised import vectorised
from autograd.programs.code import Code, Instruction
from autograd.programs.loops.loop import one_by_one, run_by
from autograd.programs.loops.mapping import map_by, sample_by_sample
from autograd.programs.loops.reverse.checkpointing import Checkpointed, run_pairs_by
from autograd.running.jit import choose_engine
from autograd.running.store import bare, found_or_compiled, lifted

__all__ = ["run_compiled"]

_SHORTEST_COMPILED = 2000  # operations of recorded loops; fewer are run in less time than compiled
_FEWEST_VECTORISED = 16  # steps

_run_in_python: WeakKeyDictionary[Code, int] = WeakKeyDictionary()  # operations, for each body


def _is_short(body: Code, engine: str, count: int) -> bool:
    """Whether a loop is to be run in Python: together with the runs of its body before it is short."""
    if engine != "auto" or any(instruction.operation.bodies for instruction in body.instructions):
        return False
    operations = _run_in_python.get(body, 0) + count * len(body)
    if operations > _SHORTEST_COMPILED:
        return False
    _run_in_python[body] = operations
    return True


def _run_body(
    body: Code, engine: str, carries: list[Any], columns: list[np.ndarray], shared: list[Any], count: int
) -> tuple[list[Any], list[np.ndarray]]:
    """Run a recorded loop: by NumPy, where the bits are the same, else compiled, unless it is short."""
    if engine == "auto" and count >= _FEWEST_VECTORISED:
        results = vectorised(body, carries, columns, shared, count)
        if results is not None:
            return results
    if _is_short(body, engine, count):
        return one_by_one(body, engine, carries, columns, shared, count)
    if engine in ("auto", "eager"):
        engine = choose_engine(body, "scan")
    run = found_or_compiled(body, engine, lift=True)
    return run.scan(carries, columns, [*shared, *lifted(body)], count)


def _run_map(body: Code, engine: str, operands: Sequence[Any], count: int, how: str | None) -> Sequence[Any]:
    """Run a recorded map: compiled and on all cores, unless it is short."""
    if _is_short(body, engine, count):
        return sample_by_sample(body, engine, operands, count, how)
    run = found_or_compiled(body, choose_engine(body, "map") if engine == "auto" else engine, lift=True)
    return run.map([*operands, *lifted(body)], count, how)


def _run_pair(pair: Checkpointed, inputs: Sequence[Any]) -> tuple[Any, ...]:
    """Run a checkpointed reverse: compiled, unless it is short."""
    loops = pair.parts.keeping, pair.parts.backward
    longest = max([loop.body for loop in loops], key=len)
    if _is_short(longest, pair.engine, 2 * int(inputs[0])):
        return pair.run_with(lambda loop, operands: loop.run_with(one_by_one, operands), inputs)
    engine = choose_engine(longest, "scan") if pair.engine in ("auto", "eager") else pair.engine
    pair, constants = _lifted_pair(pair)
    return tuple(found_or_compiled(pair.alone(), engine).call([*inputs, *constants]))


def _lifted_pair(pair: Checkpointed) -> tuple[Checkpointed, list[float]]:
    """The same with the constants of the two loops as operands after the others, and the constants."""
    body = pair.body
    constants: list[float] = []
    shift = sum(len(lifted(instruction.operation.bodies[0])) for instruction in body.instructions)
    instructions = []
    for instruction in body.instructions:
        loop: Any = instruction.operation
        numbers = lifted(loop.body)
        added = range(pair.arity + len(constants), pair.arity + len(constants) + len(numbers))
        slots = [slot if slot < pair.arity else slot + shift for slot in instruction.operands]
        lifted_loop = loop.like(bare(loop.body, lift=True), loop.carries, loop.columns)
        results = tuple([slot + shift for slot in instruction.results])
        instructions.append(Instruction(lifted_loop, (*slots, *added), results))
        constants += numbers
    names = [*body.inputs, *[f"k{i}" for i in range(shift)]]
    outputs = [slot + shift for slot in body.outputs]
    code = Code(body.name, names, body.constants, instructions, outputs, body.arrays)
    return Checkpointed(code, pair.policy), constants


def run_compiled() -> None:
    """Have recorded loops run by engines."""
    run_by(_run_body)
    map_by(_run_map)
    run_pairs_by(_run_pair)
