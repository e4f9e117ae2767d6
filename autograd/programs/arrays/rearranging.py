"""Operations that put the elements of whole arrays elsewhere, or add them up.

An array of any rank is flat here, the last axis running fastest. The lengths of axes are settings of an
operation, but for the first axis: how long that is follows from the array's length when it runs.
Each operation is linear in its first operand, and names the one that takes derivatives back through it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from autograd.graph.nodes import is_node
from autograd.programs.arrays import on_lists
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.packing import ArrayOperation, length

__all__ = ["Gather", "Join", "PartOf", "PutRows", "Rearrangement", "Rows", "Scatter", "SpreadRows", "SumRows"]


class Rearrangement(ArrayOperation):
    """An operation on an array, perhaps beside another one whose length alone matters.

    A subclass computes in `run`, and sets ``arity`` to 2 where there is another array.
    """

    arity = 1
    moves = True

    def __init__(self, *settings: Any) -> None:
        self.settings = settings
        self.name = type(self).listed.__name__
        self._hash = hash((type(self), settings))

    listed: Any  # the same on lists

    def back(self) -> Rearrangement:
        """The operation that adjoints go back through; a second operand of it is the first one here."""
        raise NotImplementedError

    def arrays(self, operands: Sequence[bool]) -> tuple[bool, ...]:
        """All are."""
        self.expect(operands, [True] * self.arity)
        return (True,)

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The same, of the tangent."""
        tangent = tangents[0]
        return (None,) if type(tangent) is float else (self(tangent, *inputs[1:]),)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The adjoint, taken back."""
        back = self.back()
        operands = (adjoints[0], inputs[0])[: back.arity]
        return (back(*operands) if wanted[0] else None, None)[: self.arity]

    def expand(self, *inputs: Any) -> Any:
        """A list."""
        return type(self).listed(*inputs, *self.settings)

    def source(self, operands: Sequence[str]) -> str:
        """The call of the function of its name in generated source."""
        return f"{self.name}({', '.join([*operands, *map(repr, self.settings)])})"

    def _settings(self) -> tuple[Any, ...]:
        return self.settings

    def __hash__(self) -> int:
        return self._hash


class Gather(Rearrangement):
    """Of each row of so many elements some, perhaps repeated, that stand in a pattern of strides.

    Args:
        unit: how many elements a row has.
        offset: where the first of the pattern stands in the row.
        shape: how long the pattern is along each of its axes.
        strides: how many elements it goes on along each.
    """

    listed = staticmethod(on_lists.gather)

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The array, a view where that can be."""
        unit, offset, shape, strides = self.settings
        (array,) = inputs
        _check_rows(self, array, unit)
        rows = np.lib.stride_tricks.as_strided(
            array[offset:] if len(array) else array,
            (len(array) // unit, *shape),
            [array.itemsize * each * (array.strides[0] // array.itemsize) for each in (unit, *strides)],
            writeable=False,
        )
        return (rows.reshape(-1),)

    def back(self) -> Scatter:
        """Adds up."""
        return Scatter(*self.settings)

    def known(self, operands: Sequence[int], slots: Sequence[Any]) -> tuple[int, ...] | None:
        """The operand, where every element stays where it is."""
        unit, offset, shape, strides = self.settings
        in_order = tuple([math.prod(shape[place + 1 :]) for place in range(len(shape))])
        is_same = offset == 0 and math.prod(shape) == unit
        is_same = is_same and all(a == b or n == 1 for a, b, n in zip(strides, in_order, shape))
        return (operands[0],) if is_same else None


class Scatter(Rearrangement):
    """Rows of so many elements, each the sum of those of an array that a pattern of strides puts there."""

    listed = staticmethod(on_lists.scatter)

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The array."""
        unit, offset, shape, strides = self.settings
        (array,) = inputs
        width = math.prod(shape)
        _check_rows(self, array, width)
        result = np.zeros((len(array) // width, unit))
        places = _places(offset, shape, strides)
        rows = array.reshape(-1, width)
        if len(set(places)) == width:
            result[:, places] += rows
        else:  # one after the other: repeated places are added up
            for at, place in enumerate(places):
                result[:, place] += rows[:, at]
        return (result.reshape(-1),)

    def back(self) -> Gather:
        """Reads what was put."""
        return Gather(*self.settings)


@lru_cache(maxsize=256)
def _places(offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> list[int]:
    places = [offset]
    for count, stride in zip(shape, strides):
        places = [place + i * stride for place in places for i in range(count)]
    return places


class Rows(Rearrangement):
    """Rows of so many elements, those of a slice.

    Args:
        start, stop, step: of the slice.
        unit: how many elements a row has.
    """

    listed = staticmethod(on_lists.rows)

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The array, a view where that can be."""
        *bounds, unit = self.settings
        _check_rows(self, inputs[0], unit)
        return (inputs[0].reshape(-1, unit)[slice(*bounds)].reshape(-1),)

    def back(self) -> PutRows:
        """Puts them where they were."""
        return PutRows(*self.settings)


class PutRows(Rearrangement):
    """An array of zeros as long as another one, with an array's rows where a slice reads them."""

    arity = 2
    listed = staticmethod(on_lists.put_rows)

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The array."""
        *bounds, unit = self.settings
        array, like = inputs
        _check_rows(self, like, unit)
        result = np.zeros((len(like) // unit, unit))
        result[slice(*bounds)] = array.reshape(-1, unit)
        return (result.reshape(-1),)

    def back(self) -> Rows:
        """Reads them."""
        return Rows(*self.settings)


class SumRows(Rearrangement):
    """The sum of an array's rows of so many elements."""

    listed = staticmethod(on_lists.sum_rows)

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The row."""
        (unit,) = self.settings
        (array,) = inputs
        _check_rows(self, array, unit)
        with np.errstate(all="ignore"):
            if unit == 1:  # which NumPy would add up in pairs
                return (np.add.accumulate(np.concatenate([[0.0], array]))[-1:],)
            return (np.add.reduce(array.reshape(-1, unit), axis=0, initial=0.0),)

    def back(self) -> SpreadRows:
        """To every row the same."""
        return SpreadRows(*self.settings)


class SpreadRows(Rearrangement):
    """A row of so many elements, repeated until there are as many as another array has."""

    arity = 2
    listed = staticmethod(on_lists.spread_rows)

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The array."""
        (unit,) = self.settings
        row, like = inputs
        _check_rows(self, like, unit)
        if len(row) != unit:
            raise ValueError(f"a row of {unit} elements was to be repeated, got {len(row)}")
        return (np.tile(row, len(like) // unit),)

    def back(self) -> SumRows:
        """Adds up."""
        return SumRows(*self.settings)


class Join(Rearrangement):
    """The rows of several arrays side by side: of each so many elements, or the whole array where that is 0.

    Args:
        units: how many elements a row of each array has; all are 0, or none is.
    """

    listed = staticmethod(on_lists.join)

    def __init__(self, *units: int) -> None:
        super().__init__(*units)
        self.arity = len(units)

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The array."""
        if not self.settings[0]:
            return (np.concatenate(inputs),)
        for array, unit in zip(inputs, self.settings):
            _check_rows(self, array, unit)
        rows = [array.reshape(-1, unit) for array, unit in zip(inputs, self.settings)]
        return (np.concatenate(rows, axis=1).reshape(-1),)

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The tangents, side by side."""
        return (self(*[_zeros_for(tangent, array) for tangent, array in zip(tangents, inputs)]),)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """Of each array its part of the adjoint."""
        parts = [PartOf(place, *self.settings) for place in range(self.arity)]
        return [part(adjoints[0], *inputs) if want else None for part, want in zip(parts, wanted)]

    def expand(self, *inputs: Any) -> Any:
        """A list."""
        return on_lists.join(self.settings, *inputs)

    def source(self, operands: Sequence[str]) -> str:
        """A call in generated source."""
        return f"join({', '.join([repr(self.settings), *operands])})"


class PartOf(Rearrangement):
    """The elements of an array that came from one of those that a `Join` joined, which follow as operands.

    Args:
        place: which one.
        units: as for `Join`.
    """

    listed = staticmethod(on_lists.part)

    def __init__(self, place: int, *units: int) -> None:
        super().__init__(place, *units)
        self.index, self.units = place, units
        self.arity = 1 + len(units)

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The array."""
        array, *others = inputs
        widths = [unit or len(other) for unit, other in zip(self.units, others)]
        begin, total = sum(widths[: self.index]), sum(widths)
        if not self.units[0]:
            return (array[begin : begin + widths[self.index]],)
        _check_rows(self, array, total)
        return (array.reshape(-1, total)[:, begin : begin + widths[self.index]].reshape(-1),)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The adjoint, joined with zeros."""
        others = [adjoints[0] if i == self.index else 0.0 for i in range(len(self.units))]
        received: list[Any] = [None] * self.arity
        if wanted[0]:
            received[0] = Join(*self.units)(*[_zeros_for(*pair) for pair in zip(others, inputs[1:])])
        return received

    def expand(self, *inputs: Any) -> Any:
        """A list."""
        return on_lists.part(self.index, self.units, *inputs)

    def source(self, operands: Sequence[str]) -> str:
        """A call in generated source."""
        return f"part({', '.join([repr(self.index), repr(self.units), *operands])})"


def _zeros_for(derivative: Any, array: Any) -> Any:
    """A derivative of an array; zeros where there is none."""
    if type(derivative) is not float:
        return derivative
    return Loop.filling()(length(array), 0.0) if is_node(array) else np.zeros(len(array))


def _check_rows(operation: Rearrangement, array: np.ndarray, unit: int) -> None:
    if len(array) % unit:
        raise ValueError(
            f"{operation.name} takes an array of rows of {unit} elements, got {len(array)} elements"
        )
