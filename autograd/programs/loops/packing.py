"""Operations between numbers and whole arrays: packing, unpacking, and reading one element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.primitives.ieee import described
from autograd.primitives.operation import Operation

__all__ = [
    "ArrayOperation",
    "Item",
    "Length",
    "Put",
    "Stack",
    "Unstack",
    "expanded",
    "expanded_here",
    "length",
]


class ArrayOperation(Operation):
    """An operation whose operands and results may be whole arrays, of one dimension."""

    takes_arrays = True
    is_builtin = True

    def operand(self, number: object) -> Any:
        """A plain number as a float, an array as one of floats."""
        if not isinstance(number, np.ndarray):
            return super().operand(number)
        if number.ndim != 1 or number.dtype.kind not in "fbiu":
            raise TypeError(
                f"an operand of {self.name} must be a number or an array of numbers of one dimension, got "
                f"{described(number)} of {number.dtype}"
            )
        return number.astype(float, copy=False)

    def _settings(self) -> tuple[Any, ...]:
        """What tells it from another of its class."""
        return ()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._settings() == other._settings()

    def __hash__(self) -> int:
        return hash((type(self), self._settings()))

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return type(self), self._settings()


class Stack(ArrayOperation):
    """The array of so many numbers."""

    moves = True

    def __init__(self, count: int) -> None:
        self.name, self.arity = f"stack_{count}", count

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The array."""
        return (np.array(inputs, float),)

    def arrays(self, operands: Sequence[bool]) -> tuple[bool, ...]:
        """The result is."""
        self.expect(operands, [False] * self.arity)
        return (True,)

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The tangents, stacked."""
        return (self(*tangents),)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The elements of the adjoint."""
        terms = Unstack(self.arity)(adjoints[0])
        return (terms,) if self.arity == 1 else terms

    def expand(self, *inputs: Any) -> Any:
        """A list."""
        return list(inputs)

    def _settings(self) -> tuple[Any, ...]:
        return (self.arity,)


class Unstack(ArrayOperation):
    """The elements of an array of so many."""

    moves = True
    arity = 1

    def __init__(self, count: int) -> None:
        self.name, self.result_count = f"unstack_{count}", count

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The elements."""
        (array,) = inputs
        if len(array) != self.result_count:
            raise ValueError(f"an array of {self.result_count} elements was to be unpacked, got {len(array)}")
        return tuple(array.tolist())

    def example(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """Any numbers."""
        return (0.5,) * self.result_count

    def arrays(self, operands: Sequence[bool]) -> tuple[bool, ...]:
        """No result is."""
        self.expect(operands, [True])
        return (False,) * self.result_count

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The elements of the tangent."""
        parts = self(*tangents)
        return (parts,) if self.result_count == 1 else parts

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The adjoints, stacked."""
        return (Stack(self.result_count)(*adjoints),)

    def expand(self, *inputs: Any) -> Any:
        """The elements of a sequence."""
        return inputs[0][0] if self.result_count == 1 else tuple(inputs[0])

    def _settings(self) -> tuple[Any, ...]:
        return (self.result_count,)


class Item(ArrayOperation):
    """One element of an array; a negative index counts from its end."""

    moves = True
    arity = 1

    def __init__(self, index: int) -> None:
        self.name, self.index = f"item_{index}".replace("-", "_last_"), index

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The element."""
        return (inputs[0][self.index].item(),)

    def example(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """Any number."""
        return (0.5,)

    def arrays(self, operands: Sequence[bool]) -> tuple[bool, ...]:
        """The result is none."""
        self.expect(operands, [True])
        return (False,)

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The element of the tangent."""
        return (self(*tangents),)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The adjoint in an array of zeros."""
        return (Put(self.index)(adjoints[0], inputs[0]),)

    def expand(self, *inputs: Any) -> Any:
        """An element of a sequence."""
        return inputs[0][self.index]

    def _settings(self) -> tuple[Any, ...]:
        return (self.index,)


class Put(ArrayOperation):
    """A number in an array of zeros that is as long as another array."""

    moves = True
    arity = 2

    def __init__(self, index: int) -> None:
        self.name, self.index = f"put_{index}".replace("-", "_last_"), index

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The array."""
        number, like = inputs
        array = np.zeros(len(like))
        array[self.index] = number
        return (array,)

    def example(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """Zeros."""
        return (np.zeros(len(inputs[1])),)

    def arrays(self, operands: Sequence[bool]) -> tuple[bool, ...]:
        """The result is."""
        self.expect(operands, [False, True])
        return (True,)

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The number's tangent in an array of zeros."""
        return (self(tangents[0], inputs[1]),)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The adjoint's element."""
        return Item(self.index)(adjoints[0]) if wanted[0] else None, None

    def expand(self, *inputs: Any) -> Any:
        """A list."""
        elements = [0.0] * len(inputs[1])
        elements[self.index] = inputs[0]
        return elements

    def _settings(self) -> tuple[Any, ...]:
        return (self.index,)


class Length(ArrayOperation):
    """How many elements an array has."""

    name = "length"
    arity = 1

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The number of elements."""
        return (float(len(inputs[0])),)

    def known(self, operands: Sequence[int], slots: Sequence[Any]) -> tuple[int, ...] | None:
        """Of an array that came out of a loop, the number of the loop's steps."""
        (array,) = operands
        made_by = slots[array]
        stacked = getattr(getattr(made_by, "operation", None), "stacked", ())
        return (made_by.operands[0],) if stacked and made_by.results.index(array) in stacked else None

    def arrays(self, operands: Sequence[bool]) -> tuple[bool, ...]:
        """The result is none."""
        self.expect(operands, [True])
        return (False,)

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """None."""
        return (None,)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """None."""
        return (None,)


def expanded(operation: Operation, *operands: Any) -> Any:
    """An operation's results, by operations on numbers alone; arrays may be any sequences of numbers."""
    return operation.expand(*operands) if operation.takes_arrays else operation(*operands)


def expanded_here(operation: Operation, *operands: Any) -> Any:
    """The same, where the numbers of the operands decide which code runs, and how often."""
    if operation.bodies and operation.takes_arrays:
        return operation.expand(*operands, apply=expanded_here)
    return expanded(operation, *operands)


length = Length()
