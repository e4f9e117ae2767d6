"""Operations between numbers and whole arrays: packing, unpacking, and reading one element."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from autograd.primitives.ieee import described
from autograd.primitives.operation import Operation

__all__ = ["ArrayOperation", "expanded", "item", "length", "put", "stack", "unstack"]


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

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return _MAKERS[type(self)], self._settings()

    def _settings(self) -> tuple[Any, ...]:
        return ()


class Stack(ArrayOperation):
    """The array of so many numbers."""

    def __init__(self, count: int) -> None:
        self.name, self.arity = f"stack_{count}", count

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The array."""
        return (np.array(inputs, float),)

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The tangents, stacked."""
        return (self(*tangents),)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The elements of the adjoint."""
        terms = unstack(self.arity)(adjoints[0])
        return (terms,) if self.arity == 1 else terms  # type: ignore[no-any-return]

    def expand(self, *inputs: Any) -> Any:
        """A list."""
        return list(inputs)

    def _settings(self) -> tuple[Any, ...]:
        return (self.arity,)


class Unstack(ArrayOperation):
    """The elements of an array of so many."""

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

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The elements of the tangent."""
        parts = self(*tangents)
        return (parts,) if self.result_count == 1 else parts  # type: ignore[no-any-return]

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The adjoints, stacked."""
        return (stack(self.result_count)(*adjoints),)

    def expand(self, *inputs: Any) -> Any:
        """The elements of a sequence."""
        return inputs[0][0] if self.result_count == 1 else tuple(inputs[0])

    def _settings(self) -> tuple[Any, ...]:
        return (self.result_count,)


class Item(ArrayOperation):
    """One element of an array; a negative index counts from its end."""

    arity = 1

    def __init__(self, index: int) -> None:
        self.name, self.index = f"item_{index}".replace("-", "_last_"), index

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The element."""
        return (inputs[0][self.index].item(),)

    def example(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """Any number."""
        return (0.5,)

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The element of the tangent."""
        return (self(*tangents),)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The adjoint in an array of zeros."""
        return (put(self.index)(adjoints[0], inputs[0]),)

    def expand(self, *inputs: Any) -> Any:
        """An element of a sequence."""
        return inputs[0][self.index]

    def _settings(self) -> tuple[Any, ...]:
        return (self.index,)


class Put(ArrayOperation):
    """A number in an array of zeros that is as long as another array."""

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

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The number's tangent in an array of zeros."""
        return (self(tangents[0], inputs[1]),)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The adjoint's element."""
        return item(self.index)(adjoints[0]) if wanted[0] else None, None

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
        operation = getattr(slots[operands[0]], "operation", None)
        if operation is not None and hasattr(operation, "body"):
            return (slots[operands[0]].operands[0],)
        return None

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


stack = lru_cache(maxsize=1024)(Stack)
unstack = lru_cache(maxsize=1024)(Unstack)
item = lru_cache(maxsize=1024)(Item)
put = lru_cache(maxsize=1024)(Put)
length = Length()


def _length() -> Length:
    return length


_MAKERS: dict[type, Any] = {Stack: stack, Unstack: unstack, Item: item, Put: put, Length: _length}
