"""Running compiled code whose numbers live in memory: large programs, and the interpreter's.

Such code is a function ``run(slots, code)`` of an array of doubles, which holds the inputs first. The
loop around it is the same for all: ``DRIVER`` in LLVM's language, to be compiled with ``run``.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.engines.batches.chunks import Columns, chunk_size, in_chunks, reduced
from autograd.engines.machine.ir import Callbacks, MachineCode

__all__ = ["DRIVER", "InMemory"]

# For each i from %begin to %end: load one element of each column into slots, from slot %first on; run;
# store each result, or add it, at %results[k] + i * %steps[k]; load the carry from %next into the
# first slots. There is at least one i, column, result and carried number to each loop that is entered.
DRIVER = """
define void @loop(ptr %slots, ptr %code, i64 %first, i64 %width, ptr %columns, ptr %strides,
                  i64 %height, ptr %outputs, ptr %results, ptr %steps, i64 %add,
                  i64 %carried, ptr %next, i64 %begin, i64 %end) {
entry:
  %adds = icmp ne i64 %add, 0
  br label %sample
sample:
  %i = phi i64 [ %begin, %entry ], [ %i.next, %step ]
  %any.columns = icmp sgt i64 %width, 0
  br i1 %any.columns, label %load, label %body
load:
  %j = phi i64 [ 0, %sample ], [ %j.next, %load ]
  %column.at = getelementptr ptr, ptr %columns, i64 %j
  %column = load ptr, ptr %column.at
  %stride.at = getelementptr i64, ptr %strides, i64 %j
  %stride = load i64, ptr %stride.at
  %offset = mul i64 %i, %stride
  %element.at = getelementptr i8, ptr %column, i64 %offset
  %element = load double, ptr %element.at, align 1
  %slot = add i64 %first, %j
  %slot.at = getelementptr double, ptr %slots, i64 %slot
  store double %element, ptr %slot.at
  %j.next = add i64 %j, 1
  %more.columns = icmp slt i64 %j.next, %width
  br i1 %more.columns, label %load, label %body
body:
  call void @run(ptr %slots, ptr %code)
  %any.results = icmp sgt i64 %height, 0
  br i1 %any.results, label %store, label %stored
store:
  %k = phi i64 [ 0, %body ], [ %k.next, %store ]
  %output.at = getelementptr i64, ptr %outputs, i64 %k
  %output = load i64, ptr %output.at
  %value.at = getelementptr double, ptr %slots, i64 %output
  %value = load double, ptr %value.at
  %result.at = getelementptr ptr, ptr %results, i64 %k
  %result = load ptr, ptr %result.at
  %step.at = getelementptr i64, ptr %steps, i64 %k
  %step.bytes = load i64, ptr %step.at
  %result.offset = mul i64 %i, %step.bytes
  %place = getelementptr i8, ptr %result, i64 %result.offset
  %old = load double, ptr %place
  %sum = fadd double %old, %value
  %stored.value = select i1 %adds, double %sum, double %value
  store double %stored.value, ptr %place
  %k.next = add i64 %k, 1
  %more.results = icmp slt i64 %k.next, %height
  br i1 %more.results, label %store, label %stored
stored:
  %any.carried = icmp sgt i64 %carried, 0
  br i1 %any.carried, label %carry, label %step
carry:
  %c = phi i64 [ 0, %stored ], [ %c.next, %carry ]
  %next.at = getelementptr double, ptr %next, i64 %c
  %carried.value = load double, ptr %next.at
  %carried.at = getelementptr double, ptr %slots, i64 %c
  store double %carried.value, ptr %carried.at
  %c.next = add i64 %c, 1
  %more.carried = icmp slt i64 %c.next, %carried
  br i1 %more.carried, label %carry, label %step
step:
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %end
  br i1 %more, label %sample, label %done
done:
  ret void
}
"""
_POINTER, _INTEGER = ctypes.c_void_p, ctypes.c_int64
_LOOP = [
    *[_POINTER, _POINTER, _INTEGER, _INTEGER, _POINTER, _POINTER],
    *[_INTEGER, _POINTER, _POINTER, _POINTER, _INTEGER],
    *[_INTEGER, _POINTER, _INTEGER, _INTEGER],
]


class InMemory:
    """A program ready to run over slots in memory: the methods of `autograd.engines.Compiled`.

    Args:
        compiled: has the functions ``run`` and ``loop``.
        code: what ``run`` reads beside the slots; kept.
        slots: the slots before a run, constants filled in.
        inputs: how many of them, from the first on, are inputs.
        outputs: the slots of the outputs.
        instructions: how many instructions a run takes.
        callbacks: what the code calls back.
    """

    def __init__(
        self,
        compiled: MachineCode,
        code: np.ndarray,
        slots: np.ndarray,
        inputs: int,
        outputs: Sequence[int],
        instructions: int,
        callbacks: Callbacks,
    ) -> None:
        self._run = compiled.function("run", _POINTER, _POINTER)
        self._loop = compiled.function("loop", *_LOOP)
        self._code = code
        self._slots = slots
        self._outputs = np.array(outputs, np.int64)
        self._instructions = instructions
        self._callbacks = callbacks
        self._fill: Any = struct.Struct(f"{inputs}d").pack_into
        self._free: list[np.ndarray] = []  # slots to run in: a run takes one and gives it back

    def call(self, inputs: Sequence[float]) -> list[float]:
        """Run it at one point."""
        slots = self._take()
        self._fill(slots, 0, *inputs)
        self._run(slots.ctypes.data, self._code.ctypes.data)
        found = slots[self._outputs].tolist()
        self._free.append(slots)
        self._callbacks.raise_pending()
        return found  # type: ignore[no-any-return]

    def _take(self) -> np.ndarray:
        try:
            return self._free.pop()
        except IndexError:
            return self._slots.copy()

    def map(self, columns: Sequence[Any], count: int, reduce: str | None) -> list[Any]:
        """Run it for many samples, on all cores."""
        given = Columns(columns, count)
        size = chunk_size(self._instructions)
        if reduce:
            return reduced(
                lambda row, begin, end: self._over(given, _places(row), 0, begin, end, add=True),
                count,
                size,
                len(self._outputs),
                reduce,
            )
        results = np.empty((len(self._outputs), count))
        places = _places(results)
        in_chunks(lambda _, begin, end: self._over(given, places, 8, begin, end), count, size, results)
        return list(results)

    def _over(
        self,
        given: Columns,
        places: np.ndarray,
        step: int,
        begin: int,
        end: int,
        add: bool = False,
    ) -> None:
        """Run it for the samples from ``begin`` to ``end``."""
        slots = self._take()
        self._drive(slots, 0, given, places, np.full(len(places), step, np.int64), begin, end, add=add)
        self._free.append(slots)
        self._callbacks.raise_pending()

    def scan(
        self, carry: Sequence[float], columns: Sequence[np.ndarray], shared: Sequence[float], count: int
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it in sequence, handing results on."""
        carried = len(carry)
        given = Columns(columns, count)
        following = np.array(carry, float)
        results = np.empty((len(self._outputs) - carried, count))
        places = np.concatenate([_places(following), _places(results)])
        steps = np.repeat(np.array([0, 8], np.int64), [carried, len(results)])
        slots = self._take()
        self._fill(slots, 0, *carry, *[0.0] * len(columns), *shared)
        # In pieces, between which Python may notice an exception or an interrupt.
        piece = chunk_size(self._instructions) * (1 if self._callbacks else 256)
        for begin in range(0, count, piece):
            end = min(count, begin + piece)
            self._drive(slots, carried, given, places, steps, begin, end, following=following)
            self._callbacks.raise_pending()
        self._free.append(slots)
        return following.tolist(), list(results)

    def _drive(
        self,
        slots: np.ndarray,
        first: int,
        given: Columns,
        places: np.ndarray,
        steps: np.ndarray,
        begin: int,
        end: int,
        *,
        following: np.ndarray | None = None,
        add: bool = False,
    ) -> None:
        self._loop(
            slots.ctypes.data,
            self._code.ctypes.data,
            first,
            len(given.strides),
            given.pointers.ctypes.data,
            given.strides.ctypes.data,
            len(places),
            self._outputs.ctypes.data,
            places.ctypes.data,
            steps.ctypes.data,
            add,
            0 if following is None else len(following),
            None if following is None else following.ctypes.data,
            begin,
            end,
        )


def _places(array: np.ndarray) -> np.ndarray:
    """The address of each entry along the first axis of an array."""
    return array.ctypes.data + np.arange(len(array), dtype=np.uintp) * np.uintp(array.strides[0])
