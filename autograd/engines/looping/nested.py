"""Nests of loops, compiled and ready to run: over batches, in sequence, or once on whole arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.engines.looping.nests import Nest
from autograd.engines.looping.slots import COUNT, UnknownLengthError
from autograd.engines.looping.stops import STOP_SLOTS, raise_stopped
from autograd.engines.machine.compiler import CompiledModule, llvm_text
from autograd.engines.machine.memory import InMemory
from autograd.programs.code import Code
from autograd.programs.loops.checkpointing import Checkpointed

__all__ = ["Counted", "Nested"]


class Nested(InMemory):
    """Code with loops in it, ready to run over batches and in sequence: see `engines.Compiled`.

    Args:
        code: lowered code whose outputs are numbers.

    Raises:
        UnknownLengthError: a length is neither a number nor that of another array.
    """

    def __init__(self, code: Code) -> None:
        nest = Nest(code)
        module = CompiledModule(llvm_text("driver") + nest.text)
        inputs = [f"v{i}" for i in range(nest.inputs)]
        super().__init__(module, np.zeros(1), Code("nest", inputs, (), (), ()), {}, nest.callbacks)
        self._slots = np.zeros(nest.size + STOP_SLOTS)
        self._outputs = np.arange(nest.inputs, nest.size)
        self._instructions = nest.instructions
        self._arrays = code.arrays
        self._required = nest.required
        self._constants = nest.arrays

    def _check(self, slots: np.ndarray) -> None:
        super()._check(slots)
        raise_stopped(slots)

    def scan(
        self, carry: Sequence[float], columns: Sequence[np.ndarray], shared: Sequence[Any], count: int
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it in sequence, handing results on; what is shared may be arrays.

        Raises:
            UnknownLengthError: an array has another length than the code goes along.
        """
        first = len(carry) + len(columns)
        numbers: list[float] = []
        kept = []
        for place, each in enumerate(shared, first):
            if place not in self._arrays:
                numbers.append(each)
                continue
            if self._required.get(place, len(each)) != len(each):
                raise UnknownLengthError("an array has another length than the loops along it")
            kept.append(np.ascontiguousarray(each, float))
            numbers += _numbers_of(kept[-1])
        return super().scan(carry, columns, numbers, count)


class Counted:
    """One operation on arrays as long as its first operand says, compiled as a whole.

    Args:
        operation: a lowered operation; those of its results that are arrays are as long, too.

    Raises:
        UnknownLengthError: the length of another array is neither a number nor that of an array.
    """

    def __init__(self, operation: Checkpointed) -> None:
        code = operation.alone()
        self._nest = nest = Nest(code, is_counted=True)
        module = CompiledModule(nest.text)
        self._run = module.function("run", ctypes.c_void_p, ctypes.c_void_p)
        self._kinds = code.kinds()

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...] | None:
        """The results; None where an array has another length."""
        count = int(inputs[0])
        arity = len(inputs)
        arrays = {
            place: np.ascontiguousarray(inputs[place], float) for place in range(arity) if self._kinds[place]
        }
        for place, key in self._nest.required.items():
            if len(arrays[place]) != (count if key == COUNT else key):
                return None
        slots: list[float] = []
        for place, each in enumerate(inputs):
            slots += _numbers_of(arrays[place]) if place in arrays else [each]
        results = [np.empty(count) if is_array else 0.0 for is_array in self._kinds[arity:]]
        first = len(slots)
        slots += [float(result.ctypes.data) if isinstance(result, np.ndarray) else 0.0 for result in results]
        memory = np.array([*slots, *[0.0] * STOP_SLOTS])
        self._run(memory.ctypes.data, 0)
        self._nest.callbacks.raise_pending()
        raise_stopped(memory)
        numbers = memory[first:-STOP_SLOTS].tolist()
        return tuple([result if isinstance(result, np.ndarray) else n for result, n in zip(results, numbers)])


def _numbers_of(array: np.ndarray) -> list[float]:
    """An array as compiled code takes it: its address and its length."""
    return [float(array.ctypes.data), float(len(array))]
