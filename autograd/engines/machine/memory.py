"""Running compiled code whose numbers stand in memory: large programs, and the interpreter's.

Such code is a function ``run(slots, code)`` of an array of doubles, which holds the inputs first. The
loop around it is the same for all: ``driver.ll``, to be compiled with ``run``.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd.engines.batches.chunks import (
    ColumnAddresses,
    chunk_size,
    entry_addresses,
    in_chunks,
    pieces,
    reduced,
)
from autograd.engines.machine.compiler import CompiledModule
from autograd.engines.machine.ir import Callbacks
from autograd.programs.code import Code

__all__ = ["InMemory"]

_POINTER, _INTEGER = ctypes.c_void_p, ctypes.c_int64
_DOUBLE = 8  # bytes


class _Job(ctypes.Structure):
    """What the loop of ``driver.ll`` is told: its type ``%Job``, field by field.

    Attributes:
        arrays: what the addresses belong to, which must live as long.
    """

    _fields_ = (
        ("code", _POINTER),  # what run reads beside the slots
        ("first", _INTEGER),  # the slot that takes the first column's elements
        ("column_count", _INTEGER),
        ("columns", _POINTER),  # the address of each one's first element
        ("strides", _POINTER),  # the bytes from one element to the next
        ("output_count", _INTEGER),
        ("outputs", _POINTER),  # the slot of each
        ("results", _POINTER),  # where the first sample's goes
        ("steps", _POINTER),  # the bytes to the next sample's
        ("adds", _INTEGER),  # whether outputs are added to what is there
        ("carry_count", _INTEGER),
        ("carry", _POINTER),  # what goes to the first slots after each sample
    )
    arrays: tuple[Any, ...]


class InMemory:
    """A program ready to run over slots in memory: the methods of `autograd.engines.Compiled`.

    Args:
        module: has the functions ``run`` and ``loop``.
        code: what ``run`` reads beside the slots; kept.
        program: the program, whose inputs and constants stand in the first slots.
        place: of each of its slots where that is in memory, if it is there.
        callbacks: what the code calls back.
    """

    _outputs_stand_apart = False  # whether outputs have slots of their own, one after the other

    def __init__(
        self,
        module: CompiledModule,
        code: np.ndarray,
        program: Code,
        place: Mapping[int, int] | np.ndarray,
        callbacks: Callbacks,
    ) -> None:
        self._run = module.function("run", _POINTER, _POINTER)
        self._loop = module.function("loop", _POINTER, ctypes.POINTER(_Job), _INTEGER, _INTEGER)
        self._code = code
        self._slots = np.zeros(len(place))  # before a run
        self._slots[len(program.inputs) : program.start] = program.constants
        self._outputs = np.array([place[output] for output in program.outputs], np.int64)
        self._instructions = len(program)
        self._callbacks = callbacks
        self._fill: Any = struct.Struct(f"{len(program.inputs)}d").pack_into
        self._free: list[np.ndarray] = []  # slots that no run uses: each takes some and gives them back

    def call(self, inputs: Sequence[float]) -> list[float]:
        """Run it at one point."""
        slots = self._free_slots()
        self._fill(slots, 0, *inputs)
        self._run(slots.ctypes.data, self._code.ctypes.data)
        results = slots[self._outputs].tolist()
        self._check(slots)
        self._free.append(slots)
        return results  # type: ignore[no-any-return]

    def outputs_at(self, inputs: np.ndarray) -> np.ndarray:
        """The same, of an array of numbers."""
        slots = self._free_slots()
        slots[: len(inputs)] = inputs
        self._run(slots.ctypes.data, self._code.ctypes.data)
        results = slots[self._outputs]
        self._check(slots)
        self._free.append(slots)
        return results

    def _check(self, slots: np.ndarray) -> None:  # noqa: ARG002  others find it there
        """Raise what came up in a run on these slots."""
        self._callbacks.raise_pending()

    def _free_slots(self) -> np.ndarray:
        try:
            return self._free.pop()
        except IndexError:
            return self._slots.copy()

    def map(self, columns: Sequence[Any], count: int, reduce: str | None) -> list[Any]:
        """Run it for many samples, on all cores."""
        batch = ColumnAddresses(columns, count)
        size = chunk_size(self._instructions)
        if reduce:

            def add(sums: np.ndarray, begin: int, end: int) -> None:
                self._run_chunk(self._job(batch, [(sums, 0)], adds=True), begin, end)

            return reduced(add, count, size, len(self._outputs), reduce)
        results = np.empty((len(self._outputs), count))
        job = self._job(batch, [(results, _DOUBLE)])
        in_chunks(lambda _, begin, end: self._run_chunk(job, begin, end), count, size)
        return list(results)

    def _run_chunk(self, job: _Job, begin: int, end: int) -> None:
        """Run it for the samples from ``begin`` to ``end``."""
        slots = self._free_slots()
        self._loop(slots.ctypes.data, job, begin, end)
        self._check(slots)
        self._free.append(slots)

    def scan(
        self, carry: Sequence[float], columns: Sequence[np.ndarray], shared: Sequence[float], count: int
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it in sequence, handing results on."""
        width, slots = len(carry), self._free_slots()
        results = np.empty((len(self._outputs) - width, count))
        parts: list[tuple[np.ndarray, int]] = [(results, _DOUBLE)]
        if self._outputs_stand_apart:
            state = slots[self._outputs[0] :][:width] if width else np.empty(0)
        else:  # the next carry may stand among the slots of this one
            state = np.empty(width)
            parts.insert(0, (state, 0))
        job = self._job(ColumnAddresses(columns, count), parts)
        job.first = job.carry_count = width
        job.carry = state.ctypes.data
        self._fill(slots, 0, *carry, *[0.0] * len(columns), *shared)
        for begin, end in pieces(count, self._instructions, calls_back=bool(self._callbacks)):
            self._loop(slots.ctypes.data, job, begin, end)
            self._check(slots)
        last = state.tolist() if count else list(carry)
        self._free.append(slots)
        return last, list(results)

    def _job(
        self, columns: ColumnAddresses, results: Sequence[tuple[np.ndarray, int]], *, adds: bool = False
    ) -> _Job:
        """A loop over columns that hands nothing on.

        Args:
            columns: the columns.
            results: arrays whose entries along the first axis take the last outputs in order, each with
                the bytes from one sample's place in an entry to the next.
            adds: whether outputs are added to what is there.
        """
        places = np.array([place for array, _ in results for place in entry_addresses(array)], np.uintp)
        steps = np.array([step for array, step in results for _ in range(len(array))], np.int64)
        outputs = self._outputs[len(self._outputs) - len(places) :]
        job = _Job(
            code=self._code.ctypes.data,
            column_count=len(columns.strides),
            columns=columns.pointers.buffer_info()[0],
            strides=columns.strides.buffer_info()[0],
            output_count=len(places),
            outputs=outputs.ctypes.data,
            results=places.ctypes.data,
            steps=steps.ctypes.data,
            adds=adds,
        )
        job.arrays = self._code, columns, outputs, places, steps, results
        return job
