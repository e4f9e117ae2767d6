"""The llvm engine: a program lowered to LLVM and compiled, at the speed of hand-written C.

A call at one point, a loop over samples and a sequential loop are each one compiled function, made when
it is first asked for, in which every number lives in a register. A large program is compiled in parts
that communicate through memory, and without optimisation, so that the time grows as the program does.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import chain, count
from typing import Any

import numpy as np

from autograd.engines.batches.chunks import Columns, chunk_size, in_chunks, in_turns, reduced
from autograd.engines.machine.ir import HEAD, MachineCode, binding
from autograd.engines.machine.loops import LARGE, Body, batches_text, loads, map_text, scan_text, stores
from autograd.engines.machine.memory import DRIVER, InMemory
from autograd.programs.code import Code
from autograd.programs.lowering import lowered

__all__ = ["Engine"]

PART = 1000  # instructions of a part
_POINTER, _INTEGER = ctypes.c_void_p, ctypes.c_int64


class Engine:
    """A program compiled by LLVM: see `autograd.engines.Compiled`.

    >>> from autograd.programs.program import trace
    >>> Engine(trace(lambda x, y: x * y + y, 2.0, 3.0).code).call([5.0, 7.0])
    [42.0]
    """

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
        given = Columns(columns, count)
        size = chunk_size(len(self._program))
        body, summed = self._body, reduce is not None
        loop = self._loop(
            ("map", given.kinds, summed), lambda: map_text(body, given.kinds, summed=summed), 3, 2
        )
        pointers, strides = given.pointers.ctypes.data, given.strides.ctypes.data

        def sums(row: np.ndarray, begin: int, end: int) -> None:
            loop(pointers, strides, row.ctypes.data, begin, end)
            body.callbacks.raise_pending()

        if reduce:
            return reduced(sums, count, size, len(body.outputs), reduce, given)
        results = [np.empty(count) for _ in body.outputs]
        places = _addresses(results)

        def store(_: int, begin: int, end: int) -> None:
            loop(pointers, strides, places.ctypes.data, begin, end)
            body.callbacks.raise_pending()

        in_chunks(store, count, size, (given, results))
        return results

    def scan(
        self, carry: Sequence[float], columns: Sequence[np.ndarray], shared: Sequence[float], count: int
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it in sequence, handing results on."""
        if self._is_large:
            return self._in_memory.scan(carry, columns, shared, count)
        given = Columns(columns, count)
        body = self._body
        carried = len(carry)
        loop = self._loop(("scan", carried, given.kinds), lambda: scan_text(body, carried, given.kinds), 4, 2)
        state = np.array([*carry, *shared], float)
        results = [np.empty(count) for _ in body.outputs[carried:]]
        places = _addresses(results)
        # In pieces, between which Python may notice an exception or an interrupt.
        piece = chunk_size(len(self._program)) * (1 if body.callbacks else 256)
        for begin in range(0, count, piece):
            loop(
                state.ctypes.data,
                given.pointers.ctypes.data,
                given.strides.ctypes.data,
                places.ctypes.data,
                begin,
                min(count, begin + piece),
            )
            body.callbacks.raise_pending()
        return state[:carried].tolist(), results

    def scan_batches(
        self,
        each: Any,
        carry: Sequence[float],
        columns: Sequence[np.ndarray],
        rows: Sequence[np.ndarray],
        shared: tuple[Sequence[float], Sequence[float]],
        size: int,
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it once a batch, on another program's totals: see `autograd.engines.BatchesInTurn`."""
        if self._is_large or not isinstance(each, Engine) or each._is_large:
            return in_turns(self, each, carry, columns, rows, shared, size)
        carried, count = len(carry), len(columns[0])
        batches = -(-count // size)
        given, given_rows = Columns(columns, count), Columns(rows, batches)
        key = "batches", each._program, carried, given.kinds, given_rows.kinds
        if key not in self._compiled:
            self._compiled[key] = _BatchLoop(self._program, *key[1:])
        loop = self._compiled[key]
        state = np.array([*carry, *shared[1], *shared[0]], float)
        results = [np.empty(batches) for _ in self._body.outputs[carried:]]
        arrays = [state, given.pointers, given.strides, given_rows.pointers, given_rows.strides]
        arrays.append(_addresses(results))
        piece = max(1, loop.piece // size)
        for begin in range(0, batches, piece):
            end = min(batches, begin + piece)
            loop.run(*(array.ctypes.data for array in arrays), begin, end, size, count)
            loop.raise_pending()
        return state[:carried].tolist(), results

    @cached_property
    def _in_memory(self) -> InMemory:
        """A large program, compiled once for every method."""
        return _in_parts(self._body)

    def _loop(self, key: tuple[Any, ...], text: Callable[[], str], pointers: int, integers: int) -> Any:
        """The compiled loop for one kind of columns."""
        if key not in self._compiled:
            arguments = [_POINTER] * pointers + [_INTEGER] * integers
            self._compiled[key] = MachineCode(text()).function("loop", *arguments)
        return self._compiled[key]


def _addresses(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([array.__array_interface__["data"][0] for array in arrays], np.uintp)


class _BatchLoop:
    """Two programs compiled into one loop over batches: see `batches_text`.

    Attributes:
        run: the compiled function.
        piece: how many samples to run it over before Python may notice an exception or an interrupt.
    """

    def __init__(self, turn: Code, each: Code, carried: int, kinds: str, row_kinds: str) -> None:
        carry = [f"%v{i}" for i in range(carried)]
        totals = [f"%sum{i}" for i in range(len(each.outputs))]
        bodies = Body(turn, given=[*carry, *totals]), Body(each, "e", carry)
        self._callbacks = [body.callbacks for body in bodies]
        text = batches_text(*bodies, carried, kinds, row_kinds)
        self.run = MachineCode(text).function("loop", *[_POINTER] * 6, *[_INTEGER] * 4)
        self.piece = chunk_size(len(turn) + len(each)) * (1 if any(self._callbacks) else 256)

    def raise_pending(self) -> None:
        """Raise what a primitive raised that was called back."""
        for callbacks in self._callbacks:
            callbacks.raise_pending()


# One point.


def _caller(body: Body) -> Callable[[Sequence[float]], list[float]]:
    """A function that runs the program at one point, from Python, with as little around it as may be."""
    made = MachineCode(_call_text(body))
    run = made.function("call", ctypes.c_char_p, _POINTER, holds_gil=not body.callbacks)
    pack = struct.Struct(f"{body.inputs}d").pack
    unpack = struct.Struct(f"{len(body.outputs)}d").unpack_from
    room = ctypes.c_double * len(body.outputs)
    free: list[tuple[Any, int]] = []  # room for results: a call takes one and gives it back, in any thread
    raise_pending = body.callbacks.raise_pending if body.callbacks else None

    def run_at(inputs: Sequence[float]) -> list[float]:
        try:
            taken = free.pop()
        except IndexError:
            results = room()
            taken = results, ctypes.addressof(results)
        run(pack(*inputs), taken[1])
        found = list(unpack(taken[0]))
        free.append(taken)
        if raise_pending:
            raise_pending()
        return found

    return run_at


def _call_text(body: Body) -> str:
    """Each input is loaded where it is first used, each output stored where it is computed.

    Over a thousand numbers that are all alive at once, LLVM takes five times as long.
    """
    waiting = dict(enumerate(loads("%in", zip(range(body.inputs), count()))))
    ready: dict[str, list[str]] = {}
    for operand, store in zip(body.outputs, stores("%out", zip(body.outputs, count()))):
        ready.setdefault(operand, []).append(store)
    text = [HEAD, "define void @call(ptr noalias %in, ptr noalias %out) {"]
    for slot, (one, line) in enumerate(zip(body.program.instructions, body.lines()), body.first):
        text += [waiting.pop(used) for used in dict.fromkeys(one.operands) if used in waiting]
        text += [line, *ready.pop(body.operands[slot], [])]
    return "\n".join([*text, *waiting.values(), *chain(*ready.values()), "ret void\n}"])


# Large programs.


def _in_parts(body: Body) -> InMemory:
    """A large program, in functions that find in memory what other parts computed."""
    program, first = body.program, body.first
    parts = [range(at, min(at + PART, len(program))) for at in range(0, len(program), PART)]

    def part_of(slot: int) -> int:
        """The number of the part that computes a slot, -1 for an input or a constant."""
        return (slot - first) // PART if slot >= first else -1

    def is_constant(slot: int) -> bool:
        return body.inputs <= slot < first

    taken = []  # for each part the slots that it takes from memory
    for number, part in enumerate(parts):
        used = {one for at in part for one in program.instructions[at].operands}
        taken.append(sorted(one for one in used if part_of(one) != number and not is_constant(one)))
    # In memory stand the inputs, the constants, and what goes from a part to another or outside.
    crossing = sorted({one for one in [*chain(*taken), *program.outputs] if one >= first})
    place = {one: i for i, one in enumerate([*range(first), *crossing])}
    given: list[list[int]] = [[] for _ in parts]
    for one in crossing:
        given[part_of(one)].append(one)
    text = [HEAD, DRIVER]
    for number, part in enumerate(parts):
        text += [
            f"define private void @part{number}(ptr %slots) {{",
            *loads("%slots", ((one, place[one]) for one in taken[number])),
            *body.lines(part.start, part.stop),
            *stores("%slots", ((body.operands[one], place[one]) for one in given[number])),
            "ret void\n}",
        ]
    calls = [f"call void @part{number}(ptr %slots)" for number in range(len(parts))]
    text += ["define void @run(ptr %slots, ptr %code) {", *calls, "ret void\n}"]
    slots = np.zeros(len(place))
    slots[body.inputs : first] = program.constants
    return InMemory(
        MachineCode("\n".join(text), selection=0),
        np.zeros(0),
        slots,
        body.inputs,
        [place[output] for output in program.outputs],
        len(program),
        body.callbacks,
    )
