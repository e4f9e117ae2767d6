"""`Nested`: code with arrays in it, compiled as a whole and ready to run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.engines.looping.lengths import UnknownLengthError, length_at
from autograd.engines.looping.nests import Nest
from autograd.engines.looping.stops import STOP_SLOTS, raise_stopped
from autograd.engines.machine.compiler import CompiledModule, llvm_text
from autograd.engines.machine.loops import LARGE
from autograd.engines.machine.memory import InMemory
from autograd.programs.code import Code, distinct
from autograd.programs.simplification import Builder

__all__ = ["Nested"]

_MOST_SIZES = 64  # that are remembered
LANES = 4  # samples that are run side by side, since each waits for its own numbers most of the time
_MUCH = 1 << 23  # instructions; from then on it pays to compile that


class Nested(InMemory):
    """Code with arrays in it, ready to run: see `engines.Compiled`.

    Args:
        code: lowered code.
        in_lanes: whether batches may be run by code for several samples side by side.

    Raises:
        UnknownLengthError: a length follows from no input's.
    """

    _outputs_stand_apart = True

    def __init__(self, code: Code, *, in_lanes: bool = True) -> None:
        nest = Nest(code)
        selection = 2 if code.weight() <= LARGE else 0  # with which time and memory grow in proportion
        module = CompiledModule(llvm_text("driver") + nest.text, selection=selection)
        width = len(code.inputs) + len(nest.lengths)
        inputs = [f"v{i}" for i in range(width)]
        super().__init__(module, np.zeros(1), Code("nest", inputs, (), (), ()), {}, nest.callbacks)
        self._slots = np.zeros(nest.size + STOP_SLOTS)
        self._outputs = np.arange(width, nest.size)
        self._arrays = sorted(code.arrays)
        self._nest = nest
        self._places = sorted(nest.places())
        self._instructions = nest.work
        self._sizes: dict[tuple[int, ...], _Sizes] = {}
        self._program = code
        self._done = 0  # instructions, in batches
        self._is_for_lanes = in_lanes and code.weight() * LANES <= LARGE
        self._lanes: dict[tuple[int, ...], Nested | None] = {}  # by the inputs that vary

    def call(self, inputs: Sequence[Any]) -> list[Any]:
        """Run it at one point, given numbers, and arrays of floats.

        Raises:
            UnknownLengthError: arrays have other lengths than the code goes along.
        """
        numbers, sizes, kept = self._prepared(inputs, 0)
        arrays = {place: np.empty(length) for place, length in sizes.outputs}
        slots = self._free_slots()
        self._fill(slots, 0, *numbers)
        for place, array in arrays.items():
            slots[self._outputs[place]] = array.ctypes.data
        self._run(slots.ctypes.data, self._code.ctypes.data)
        results = slots[self._outputs].tolist()
        self._check(slots)
        self._free.append(slots)
        del kept  # which had to live until here
        return [arrays.get(place, result) for place, result in enumerate(results)] if arrays else results

    def _check(self, slots: np.ndarray) -> None:
        super()._check(slots)
        raise_stopped(slots)

    def _prepared(self, inputs: Sequence[Any], first: int) -> tuple[list[float], _Sizes, list[np.ndarray]]:
        """What stands in the slots before a run, what follows from lengths, and what must live meanwhile.

        Args:
            inputs: numbers, and arrays of floats.
            first: the first input that stays the same at every sample, but for arrays of one length.
        """
        if any(place < first and place not in self._arrays for place in self._places):
            raise UnknownLengthError("a length changes from sample to sample")
        numbers = list(inputs)
        kept = [np.ascontiguousarray(inputs[place], float) for place in self._arrays]
        for place, array in zip(self._arrays, kept):
            numbers[place] = float(array.ctypes.data)
        lengths = tuple(
            [
                int(each) if isinstance(each, float) else len(each)
                for each in map(inputs.__getitem__, self._places)
            ]
        )
        sizes = self._sizes.get(lengths)
        if sizes is None:
            if len(self._sizes) >= _MOST_SIZES:
                self._sizes.clear()
            sizes = self._sizes[lengths] = self._sized(dict(zip(self._places, lengths)))
        return [*numbers, *sizes.lengths], sizes, kept

    def _sized(self, lengths: dict[int, int]) -> _Sizes:
        nest = self._nest
        if any(length_at(one, lengths) != length_at(other, lengths) for one, other in nest.required):
            raise UnknownLengthError("arrays have other lengths than the code goes along")
        if any(length_at(key, lengths) < least for key, least in nest.least):
            raise UnknownLengthError("an array is too short")
        outputs = [
            (place, length_at(key, lengths)) for place, key in enumerate(nest.outputs) if key is not None
        ]
        numbers = [float(length_at(key, lengths)) for key in nest.lengths]
        return _Sizes(numbers, outputs)

    def map(self, columns: Sequence[Any], count: int, reduce: str | None) -> list[Any]:
        """Run it for many samples; arrays among the columns are shared.

        Raises:
            UnknownLengthError: an array has another length than the code goes along.
        """
        if any(isinstance(columns[place], np.ndarray) for place in set(self._places) - set(self._arrays)):
            raise UnknownLengthError("a length changes from sample to sample")
        if reduce is None and count >= LANES and self._is_for_lanes:
            results = self._mapped_in_lanes(columns, count)
            if results is not None:
                return results
        numbers, _, kept = self._prepared(columns, 0)
        results = super().map(numbers, count, reduce)
        del kept
        return results

    def _mapped_in_lanes(self, columns: Sequence[Any], count: int) -> list[Any] | None:
        """Run it for many samples, several at a time; None where that does not pay."""
        varying = tuple(
            [
                place
                for place, column in enumerate(columns)
                if isinstance(column, np.ndarray) and place not in self._arrays
            ]
        )
        self._done += count * self._instructions
        if self._done < _MUCH:
            return None
        if varying not in self._lanes:
            try:
                self._lanes[varying] = Nested(_side_by_side(self._program, varying), in_lanes=False)
            except UnknownLengthError:
                self._lanes[varying] = None
        lanes = self._lanes[varying]
        if lanes is None:
            return None
        whole = count - count % LANES
        shared = [column for place, column in enumerate(columns) if place not in varying]
        parts = [columns[place][lane:whole:LANES] for lane in range(LANES) for place in varying]
        by_lane = lanes.map([*shared, *parts], whole // LANES, None)
        width = len(by_lane) // LANES
        results = [np.empty(count) for _ in range(width)]
        for i, part in enumerate(by_lane):
            results[i % width][i // width : whole : LANES] = part
        if whole < count:
            rest = [column[whole:] if place in varying else column for place, column in enumerate(columns)]
            numbers, _, kept = self._prepared(rest, 0)
            for result, part in zip(results, super().map(numbers, count - whole, None)):
                result[whole:] = part
            del kept
        return results

    def scan(
        self, carry: Sequence[float], columns: Sequence[np.ndarray], shared: Sequence[Any], count: int
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it in sequence, handing results on; a column's entries, and what is shared, may be arrays.

        Raises:
            UnknownLengthError: an array has another length than the code goes along.
        """
        first = len(carry) + len(columns)
        along = [np.ascontiguousarray(column) if column.ndim > 1 else column for column in columns]
        entries = [np.empty(column.shape[1]) if column.ndim > 1 else 0.0 for column in along]
        numbers, _, kept = self._prepared([*carry, *entries, *shared], first)
        rows = [_places(column) if column.ndim > 1 else column for column in along]
        results = super().scan(carry, rows, numbers[first:], count)
        del kept
        return results


def _side_by_side(code: Code, varying: Sequence[int]) -> Code:
    """Code for several samples: their loops over the same steps become one.

    Its inputs are those that all samples share, then the others of each sample.
    """
    builder = Builder()
    own = [place for place in range(len(code.inputs)) if place not in varying]
    shared = {place: builder.input(place in code.arrays) for place in own}
    samples = [shared | {place: builder.input() for place in varying} for _ in range(LANES)]
    outputs: list[int] = []
    for inputs in samples:
        slots = builder.replay(code, [inputs[place] for place in range(len(code.inputs))])
        outputs += [slots[output] for output in code.outputs]
    names = [code.inputs[place] for place in [*own, *[*varying] * LANES]]
    return builder.finish(code.name, distinct(names), outputs)


def _places(array: np.ndarray) -> np.ndarray:
    """The addresses of the rows of an array."""
    return array.ctypes.data + np.arange(len(array), dtype=float) * array.strides[0]


class _Sizes(NamedTuple):
    """What follows from the lengths of a function's inputs.

    Attributes:
        lengths: those that the function is given.
        outputs: of the outputs that are arrays the places and the lengths.
    """

    lengths: list[float]
    outputs: list[tuple[int, int]]
