"""The llvm engine: a program lowered to LLVM and compiled, at the speed of hand-written C.

A call at one point, a loop over samples and a sequential loop are each one function, compiled when it is
first needed, with every number in a register. A large program is compiled once, without optimisation, so that
the compile time grows only in proportion to it, and its numbers stand in memory.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Sequence
from itertools import chain, count
from typing import Any

import numpy as np

from autograd.engines.batches.chunks import (
    ColumnAddresses,
    addresses,
    chunk_size,
    in_chunks,
    pieces,
    reduced,
)
from autograd.engines.looping.nested import Nested
from autograd.engines.looping.settling import settled
from autograd.engines.machine.compiler import CompiledModule, binding
from autograd.engines.machine.loops import LARGE, Body, loads, map_text, scan_text, stores
from autograd.programs.code import Code
from autograd.programs.lowering import lowered
from autograd.support.locks import cached_property

__all__ = ["LlvmEngine"]

_POINTER, _INTEGER = ctypes.c_void_p, ctypes.c_int64


class LlvmEngine:
    """A program compiled by LLVM: see `autograd.engines.Compiled`.

    >>> from autograd import trace
    >>> LlvmEngine(trace(lambda x, y: x * y + y, 2.0, 3.0).code).call([5.0, 7.0])
    [42.0]
    """

    nested = Nested  # what runs code with loops in it as a whole

    def __init__(self, program: Code) -> None:
        binding()  # which says what to install where it is missing
        self._program = lowered(program)
        self._body = Body(self._program)
        self._is_large = len(self._program) > LARGE
        self._call: Callable[[Sequence[float]], list[float]] | None = None
        self._compiled: dict[tuple[Any, ...], Any] = {}  # by kind of loop and of columns

    def call(self, inputs: Sequence[float]) -> list[float]:
        """Run it at one point."""
        if self._call is None:
            self._call = self._in_memory.call if self._is_large else _caller(self._body)
        return self._call(inputs)

    def map(self, columns: Sequence[Any], count: int, reduce: str | None) -> list[Any]:
        """Run it for many samples, on all cores."""
        if self._is_large:
            return self._in_memory.map(columns, count, reduce)
        batch = ColumnAddresses(columns, count)
        size = chunk_size(len(self._program))
        body, summed = self._body, reduce is not None
        loop = self._loop(("map", batch.kinds, summed), lambda: map_text(body, batch.kinds, summed=summed), 3)

        pointers, strides = batch.pointers.buffer_info()[0], batch.strides.buffer_info()[0]

        def run(results: int, begin: int, end: int) -> None:
            loop(pointers, strides, results, begin, end)
            body.callbacks.raise_pending()

        if reduce:

            def add(sums: np.ndarray, begin: int, end: int) -> None:
                run(sums.ctypes.data, begin, end)

            return reduced(add, count, size, len(body.outputs), reduce, batch)
        results = [np.empty(count) for _ in body.outputs]
        places = addresses(results)
        first = places.buffer_info()[0]
        in_chunks(lambda _, begin, end: run(first, begin, end), count, size, (batch, results, places))
        return results

    def scan(
        self, carry: Sequence[float], columns: Sequence[np.ndarray], shared: Sequence[float], count: int
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it in sequence, handing results on."""
        if self._is_large:
            return self._in_memory.scan(carry, columns, shared, count)
        sequence = ColumnAddresses(columns, count)
        body, carried, kinds = self._body, len(carry), sequence.kinds
        state = np.array([*carry, *shared], float)
        results = [np.empty(count) for _ in body.outputs[carried:]]
        tables = sequence.pointers, sequence.strides, addresses(results)
        pointers = [state.ctypes.data, *[table.buffer_info()[0] for table in tables]]
        steps, later = self._settled(carried) if count > 1 else (count, self)
        for engine, first, last in ((self, 0, min(steps, count)), (later, steps, count)):
            for begin, end in pieces(last - first, len(engine._program), calls_back=bool(body.callbacks)):
                engine._scan_loop(carried, kinds)(*pointers, first + begin, first + end)
                engine._body.callbacks.raise_pending()
        return state[:carried].tolist(), results

    def _scan_loop(self, carried: int, kinds: str) -> Any:
        return self._loop(("scan", carried, kinds), lambda: scan_text(self._body, carried, kinds), 4)

    def _settled(self, carried: int) -> tuple[int, LlvmEngine]:
        """From which step on a loop is run by another engine, and that engine: see `settled`."""
        key = "settled", carried
        if key not in self._compiled:
            later = settled(self._program, carried)
            self._compiled[key] = (0, self) if later is None else (later[0], LlvmEngine(later[1]))
        return self._compiled[key]  # type: ignore[no-any-return]

    @cached_property
    def _in_memory(self) -> Nested:
        """A large program, compiled once for every method."""
        return Nested(self._program)

    def _loop(self, key: tuple[Any, ...], text: Callable[[], str], pointers: int) -> Any:
        """The compiled loop for one kind of columns."""
        if key not in self._compiled:
            module = CompiledModule(text())
            self._compiled[key] = module.function("loop", *[_POINTER] * pointers, _INTEGER, _INTEGER)
        return self._compiled[key]


# One point.


def _caller(body: Body) -> Callable[[Sequence[float]], list[float]]:
    """A function that runs the program at one point, from Python, with as little around it as may be."""
    module = CompiledModule(_call_text(body))
    run = module.function("call", ctypes.c_char_p, _POINTER, holds_gil=not body.callbacks)
    pack = struct.Struct(f"{body.inputs}d").pack
    unpack = struct.Struct(f"{len(body.outputs)}d").unpack_from
    room = ctypes.c_double * len(body.outputs)
    free: list[tuple[Any, int]] = []  # room for results: a call takes one and gives it back, in any thread
    raise_pending = body.callbacks.raise_pending if body.callbacks else None

    def run_at(inputs: Sequence[float]) -> list[float]:
        try:
            buffer = free.pop()
        except IndexError:
            results = room()
            buffer = results, ctypes.addressof(results)
        run(pack(*inputs), buffer[1])
        numbers = list(unpack(buffer[0]))
        free.append(buffer)
        if raise_pending:
            raise_pending()
        return numbers

    return run_at


def _call_text(body: Body) -> str:
    """Each input is loaded where it is first used, each output stored where it is computed.

    Over a thousand numbers that are all alive at once, LLVM takes five times as long.
    """
    waiting = dict(enumerate(loads("%in", zip(range(body.inputs), count()))))
    ready: dict[str, list[str]] = {}
    for operand, store in zip(body.outputs, stores("%out", zip(body.outputs, count()))):
        ready.setdefault(operand, []).append(store)
    text = ["define void @call(ptr noalias %in, ptr noalias %out) {"]
    instructions = body.program.instructions
    for slot, (instruction, line) in enumerate(zip(instructions, body.lines()), body.program.start):
        text += [
            waiting.pop(operand) for operand in dict.fromkeys(instruction.operands) if operand in waiting
        ]
        text += [line, *ready.pop(body.operands[slot], [])]
    return "\n".join([*text, *waiting.values(), *chain(*ready.values()), "ret void\n}"])
