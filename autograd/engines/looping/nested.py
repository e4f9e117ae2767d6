"""`Nested`: code with arrays in it, compiled as a whole and ready to run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.engines.looping.lengths import Key, UnknownLengthError, length_at
from autograd.engines.looping.nests import Nest
from autograd.engines.machine.compiler import CompiledModule, llvm_text
from autograd.engines.machine.memory import InMemory
from autograd.programs.code import Code

__all__ = ["Nested"]

_MOST_WORK = 1 << 28  # instructions that are run without noticing an interrupt


class Nested(InMemory):
    """Code with arrays in it, ready to run: see `engines.Compiled`.

    Args:
        code: lowered code.

    Raises:
        UnknownLengthError: a length follows from no input's.
    """

    def __init__(self, code: Code) -> None:
        nest = Nest(code)
        module = CompiledModule(llvm_text("driver") + nest.text)
        width = len(code.inputs) + len(nest.lengths)
        inputs = [f"v{i}" for i in range(width)]
        super().__init__(module, np.zeros(1), Code("nest", inputs, (), (), ()), {}, nest.callbacks)
        self._slots = np.zeros(width + len(code.outputs))
        self._outputs = np.arange(width, len(self._slots))
        self._instructions = self._work(nest.work, dict.fromkeys(code.arrays, 100))
        self._arrays = sorted(code.arrays)
        self._nest = nest

    def call(self, inputs: Sequence[Any]) -> list[Any]:
        """Run it at one point.

        Raises:
            UnknownLengthError: arrays have other lengths than the code goes along, or it would take long.
        """
        numbers, lengths, kept = self._numbers(inputs)
        if self._work(self._nest.work, lengths) > _MOST_WORK:
            raise UnknownLengthError("it takes long, so that interrupts must be noticed meanwhile")
        keys = self._nest.outputs
        arrays = {i: np.empty(length_at(key, lengths)) for i, key in enumerate(keys) if key is not None}
        slots = self._free_slots()
        self._fill(slots, 0, *numbers)
        for i, array in arrays.items():
            slots[self._outputs[i]] = array.ctypes.data
        self._run(slots.ctypes.data, self._code.ctypes.data)
        results = slots[self._outputs].tolist()
        self._free.append(slots)
        self._callbacks.raise_pending()
        del kept  # which had to live until here
        return [arrays.get(i, result) for i, result in enumerate(results)]

    def _numbers(self, inputs: Sequence[Any]) -> tuple[list[float], dict[int, int], list[np.ndarray]]:
        """What stands in the slots before a run, the lengths of the arrays, and what must live meanwhile."""
        numbers = list(inputs)
        kept = [np.ascontiguousarray(inputs[place], float) for place in self._arrays]
        lengths = {place: len(array) for place, array in zip(self._arrays, kept)}
        for place, array in zip(self._arrays, kept):
            numbers[place] = float(array.ctypes.data)
        nest = self._nest
        if any(length_at(one, lengths) != length_at(other, lengths) for one, other in nest.required):
            raise UnknownLengthError("arrays have other lengths than the code goes along")
        if any(length_at(key, lengths) < least for key, least in nest.least):
            raise UnknownLengthError("an array is too short")
        return numbers + [float(length_at(key, lengths)) for key in nest.lengths], lengths, kept

    @staticmethod
    def _work(work: Sequence[tuple[int, tuple[Key, ...]]], lengths: dict[int, int]) -> int:
        """How many instructions a run takes."""
        total = 0
        for instructions, around in work:
            for key in around:
                instructions *= length_at(key, lengths)
            total += instructions
        return total

    def scan(
        self, carry: Sequence[float], columns: Sequence[np.ndarray], shared: Sequence[Any], count: int
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it in sequence, handing results on; what is shared may be arrays.

        Raises:
            UnknownLengthError: an array has another length than the code goes along.
        """
        first = len(carry) + len(columns)
        numbers, _, kept = self._numbers([0.0] * first + list(shared))
        results = super().scan(carry, columns, numbers[first:], count)
        del kept
        return results
