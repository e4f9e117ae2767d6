"""Reading an entry of an array at an index that is known when the code runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.programs.arrays import on_lists
from autograd.programs.arrays.rearranging import Rearrangement

__all__ = ["Lookup", "PutAt"]


class Lookup(Rearrangement):
    """The row of an array at an index, a whole number from 0, or a number in it; the index has no derivative.

    Args:
        unit: how many elements a row has.
        place: which of them is read, None for all.
    """

    arity = 2
    listed = staticmethod(on_lists.lookup)

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The entry."""
        entry = on_lists.lookup(*inputs, *self.settings)
        return (entry if self.settings[1] is None else float(entry),)

    def example(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """Any numbers."""
        unit, place = self.settings
        return (np.full(unit, 0.5) if place is None else 0.5,)

    def arrays(self, operands: Sequence[bool]) -> tuple[bool, ...]:
        """The result is where it is a row."""
        self.expect(operands, [False, True])
        return (self.settings[1] is None,)

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The entry of the tangent."""
        return (None,) if type(tangents[1]) is float else (self(inputs[0], tangents[1]),)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The adjoint in an array of zeros."""
        index, array = inputs
        return None, PutAt(*self.settings)(index, adjoints[0], array) if wanted[1] else None


class PutAt(Rearrangement):
    """An entry at an index in an array of zeros that is as long as another array: see `Lookup`."""

    arity = 3
    listed = staticmethod(on_lists.put_at)

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The array."""
        return (np.array(on_lists.put_at(*inputs, *self.settings), float),)

    def example(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """Zeros."""
        return (np.zeros(len(inputs[2])),)

    def arrays(self, operands: Sequence[bool]) -> tuple[bool, ...]:
        """The result is."""
        self.expect(operands, [False, self.settings[1] is None, True])
        return (True,)

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The entry's tangent in an array of zeros."""
        index, _, like = inputs
        tangent = tangents[1]
        is_none = type(tangent) is float and tangent == 0.0
        return (None if is_none else self(index, tangent, like),)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The adjoint's entry."""
        return None, Lookup(*self.settings)(inputs[0], adjoints[0]) if wanted[1] else None, None
