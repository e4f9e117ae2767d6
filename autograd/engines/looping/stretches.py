"""Code with arrays and loops in it, in stretches: an engine runs what is between them, and loops' bodies."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from autograd.engines.looping.lengths import UnknownLengthError
from autograd.engines.looping.sums import Sums, terms_of
from autograd.engines.python import PythonEngine
from autograd.programs.arrays.rearranging import Rearrangement
from autograd.programs.code import ByContent, Code, Instruction
from autograd.programs.control.branching import Cond, is_selectable
from autograd.programs.control.repeating import While
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.mapping import Map
from autograd.programs.loops.reverse.checkpointing import Checkpointed
from autograd.programs.lowering import lowered
from autograd.support.locks import cached_property

__all__ = ["Stretches", "has_arrays", "on_engine", "selected"]


def has_arrays(code: Code) -> bool:
    """Whether code has to do with whole arrays."""
    return bool(code.arrays) or any(instruction.operation.takes_arrays for instruction in code.instructions)


def selected(code: Code) -> Code:
    """The same code, in which every branch of a choice is computed where that costs time alone."""
    if not any(map(is_selectable, code.operations())):
        return code
    return lowered(code, split=False, is_kept=lambda operation: not is_selectable(operation))


def on_engine(code: Code, engine: Any) -> Any:
    """Code made ready by an engine, as a whole where that can run it as it is, or in stretches."""
    is_whole = not has_arrays(code)
    if engine is PythonEngine:
        is_checkpointed = any(isinstance(operation, Checkpointed) for operation in code.operations())
        is_whole = not (code.arrays or is_checkpointed)
    elif not is_whole and engine.selects:
        is_whole = not has_arrays(selected(code))
    return engine(code) if is_whole else Stretches(code, engine)


class _Stretch(NamedTuple):
    """What is done at a time.

    Attributes:
        run: the results of operands.
        operands: their slots.
        results: the slots of the results.
    """

    run: Callable[[Sequence[Any]], Sequence[Any]]
    operands: tuple[int, ...]
    results: tuple[int, ...]


class Stretches(PythonEngine):
    """Code that has to do with arrays: see `engines.Compiled`.

    Args:
        code: the code.
        engine: a class of engines, which runs the stretches of operations on numbers, and loops' bodies.
    """

    def __init__(self, code: Code, engine: Any) -> None:
        self._code = code
        self._function = self._run
        self._after = [None] * (code.size - code.start)
        self._engine = engine
        kinds = code.kinds()
        self._returns_arrays = any(kinds[output] for output in code.outputs)
        self._is_of_arrays = (
            self._returns_arrays
            or bool(code.arrays)
            or any(isinstance(operation, (Rearrangement, While)) for operation in code.operations())
            or all(
                isinstance(operation, Cond) or not operation.takes_arrays for operation in code.operations()
            )
        )

    @cached_property
    def _stretches(self) -> list[_Stretch]:
        return _stretches(self._code, self._engine)

    def _run(self, *inputs: Any) -> list[Any]:
        code = self._code
        slots = [*inputs, *code.constants, *self._after]
        for run, operands, results in self._stretches:
            for slot, result in zip(results, run([slots[operand] for operand in operands])):
                slots[slot] = result
        return [_own(slots[output], output < code.start) for output in code.outputs]

    def call(self, inputs: Sequence[Any]) -> list[Any]:
        """Run it at one point, compiled as a whole where the engine can: see `engines.Compiled`."""
        if self._is_of_arrays and self._nested is not None:
            with contextlib.suppress(UnknownLengthError):
                results: list[Any] = self._nested.call(inputs)
                return results
        return super().call(inputs)

    def map(self, columns: Sequence[Any], count: int, reduce: str | None) -> list[Any]:
        """Run it for many samples, compiled as a whole where the engine can: see `engines.Compiled`."""
        if not self._returns_arrays and self._nested is not None:
            with contextlib.suppress(UnknownLengthError):
                results: list[Any] = self._nested.map(columns, count, reduce)
                return results
        return super().map(columns, count, reduce)

    def scan(
        self, carry: Sequence[Any], columns: Sequence[np.ndarray], shared: Sequence[Any], count: int
    ) -> tuple[list[Any], list[np.ndarray]]:
        """Run it in sequence, compiled as a whole where the engine can: see `engines.Compiled`."""
        carries_arrays = any(place < len(carry) for place in self._code.arrays)
        if not carries_arrays and not self._returns_arrays and self._nested is not None:
            with contextlib.suppress(UnknownLengthError):
                results: tuple[list[Any], list[np.ndarray]] = self._nested.scan(carry, columns, shared, count)
                return results
        return super().scan(carry, columns, shared, count)

    @cached_property
    def _nested(self) -> Any:
        """The code, compiled as a whole; None where that cannot be."""
        return _nested(lowered(self._code), self._engine)


def _own(result: Any, came_in: bool) -> Any:
    """A result that shares no memory with anything else."""
    if isinstance(result, np.ndarray) and (came_in or result.base is not None):
        return result.copy()
    return result


def _stretches(code: Code, engine: Any) -> list[_Stretch]:
    """The instructions in as few stretches as may be: what can be done is done before the next loop."""
    waiting = list(code.instructions)
    ready = set(range(code.start))
    stretches = []
    whole = False
    while waiting:
        stretch: list[Instruction] = []
        left: list[Instruction] = []
        for instruction in waiting:
            is_next = instruction.operation.takes_arrays == whole and ready.issuperset(instruction.operands)
            if is_next:
                ready.update(instruction.results)
            (stretch if is_next else left).append(instruction)
        waiting = left
        if whole:
            stretches += [_of_arrays(instruction, engine) for instruction in stretch]
        elif stretch:
            stretches.append(_of_numbers(code, stretch, waiting, engine))
        whole = not whole
    return stretches


def _of_arrays(instruction: Instruction, engine: Any) -> _Stretch:
    operation = instruction.operation
    if isinstance(operation, Loop):
        return _Stretch(
            partial(_loop_run, operation, engine=engine), instruction.operands, instruction.results
        )
    if isinstance(operation, While):
        run = partial(operation.run_with, partial(_loop_run, engine=engine))
        return _Stretch(run, instruction.operands, instruction.results)
    if isinstance(operation, Cond):
        return _Stretch(
            partial(_branch_run, operation, engine=engine), instruction.operands, instruction.results
        )
    if isinstance(operation, Map):
        return _Stretch(
            partial(_map_run, operation, engine=engine), instruction.operands, instruction.results
        )
    if isinstance(operation, Checkpointed):
        return _Stretch(_Segments(operation, engine).run, instruction.operands, instruction.results)
    return _Stretch(operation.run, instruction.operands, instruction.results)


class _Segments:
    """A checkpointed reverse, compiled as a whole where an engine can; else each segment's loops are.

    Args:
        operation: the operation.
        engine: a class of engines.
    """

    def __init__(self, operation: Checkpointed, engine: Any) -> None:
        self._operation = operation
        self._engine = engine

    @cached_property
    def _nested(self) -> Any:
        operation = self._operation
        return _nested(operation.with_bodies([lowered(operation.body)]).alone(), self._engine)

    def run(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """The results."""
        if self._nested is not None:
            with contextlib.suppress(UnknownLengthError):
                results: Sequence[Any] = self._nested.call(inputs)
                return results
        return self._operation.run_with(partial(_loop_run, engine=self._engine), inputs)


def _nested(code: Code, engine: Any) -> Any:
    """Lowered code, compiled as a whole by an engine; None where that cannot be."""
    if not hasattr(engine, "nested"):
        return None
    try:
        return engine.nested(code)
    except UnknownLengthError:
        return None


def _of_numbers(
    code: Code, stretch: Sequence[Instruction], waiting: Sequence[Instruction], engine: Any
) -> _Stretch:
    """Operations on numbers, compiled together."""
    made = {result for instruction in stretch for result in instruction.results}
    used = dict.fromkeys(
        [slot for instruction in stretch for slot in instruction.operands if slot not in made]
    )
    inputs = [slot for slot in used if not len(code.inputs) <= slot < code.start]
    constants = [slot for slot in used if len(code.inputs) <= slot < code.start]
    later = {slot for instruction in waiting for slot in instruction.operands}.union(code.outputs)
    outputs = sorted(made & later)
    order = [*inputs, *constants, *[result for instruction in stretch for result in instruction.results]]
    place = {slot: i for i, slot in enumerate(order)}.__getitem__
    part = Code(
        code.name,
        [f"v{i}" for i in range(len(inputs))],
        [code.constants[slot - len(code.inputs)] for slot in constants],
        [
            instruction._replace(
                operands=tuple(map(place, instruction.operands)),
                results=tuple(map(place, instruction.results)),
            )
            for instruction in stretch
        ],
        [place(slot) for slot in outputs],
    )
    return _Stretch(engine(part).call, tuple(inputs), tuple(outputs))


def _loop_run(loop: Loop, inputs: Sequence[Any], engine: Any) -> tuple[Any, ...]:
    """The results of a loop, whose body an engine runs."""
    return loop.run_with(lambda _code, _engine, *args: _body_on(engine, loop).scan(*args), inputs)


def _map_run(mapped: Map, inputs: Sequence[Any], engine: Any) -> tuple[Any, ...]:
    """The results of a map, whose body an engine runs."""
    return mapped.run_with(lambda _code, _engine, *args: _body_on(engine, mapped).map(*args), inputs)


def _branch_run(choice: Cond, inputs: Sequence[Any], engine: Any) -> Sequence[Any]:
    return choice.run_with(
        lambda branch, operands: _branch_on(engine, ByContent(branch)).call(operands), inputs
    )


@lru_cache(maxsize=256)
def _branch_on(engine: Any, body: ByContent) -> Any:
    """A branch made ready by an engine; the same again where it says the same."""
    return on_engine(body.code, engine)


@lru_cache(maxsize=256)
def _body_on(engine: Any, operation: Loop | Map) -> Any:
    """An operation's body made ready by an engine; the same again where the operation says the same."""
    if has_arrays(operation.body):
        return on_engine(operation.body, engine)
    terms = None
    if isinstance(operation, Loop) and engine is not PythonEngine:
        terms = terms_of(operation)
    return engine(operation.body) if terms is None else Sums(engine(terms))
