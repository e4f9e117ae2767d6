"""Primitives of whole arrays, element by element, and along them: each is a loop of a short body."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from autograd.graph import context
from autograd.graph.context import current
from autograd.graph.nodes import constant_node, is_constant, is_leaf, is_node, kinds, operation
from autograd.graph.value import Value
from autograd.primitives import table
from autograd.primitives.ieee import as_array
from autograd.primitives.primitive import Primitive, all_primitives
from autograd.programs.arrays import on_lists, shaping
from autograd.programs.arrays.rearranging import Gather, Rearrangement, Scatter, SpreadRows, SumRows
from autograd.programs.code import Code, Instruction
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.packing import Item, Stack, length
from autograd.programs.simplification import Builder

__all__ = ["Ties", "as_node", "count_of", "fits", "is_whole", "mapped", "primitive_of", "reduced", "running"]

_COMPARISONS = {np.less: table.less, np.less_equal: table.less_equal, np.equal: table.equal}


def is_whole(arg: Any) -> bool:
    """Whether something is an array that is one node."""
    return isinstance(arg, kinds[np.ndarray])


def count_of(array: Any) -> Any:
    """How many elements an array has; in a trace of it, as a number that is read when the program runs."""
    if not is_whole(array):
        return float(len(array))
    is_fixed = is_constant(array) or (is_leaf(array) and array not in context.variables)
    if isinstance(operation(array), Stack) or is_fixed or not (context.active and current().tracing):
        return float(len(array._number))
    return length(array)


def as_node(arg: Any) -> Any:
    """An operand of a function of whole arrays: an array as one node, or a number."""
    if is_whole(arg) or isinstance(arg, Value):
        return arg
    array = as_array(arg, "an operand beside an Array")
    if array is None or not array.ndim:
        return arg.item() if isinstance(arg, np.ndarray) else arg
    if array.dtype.kind == "O":
        return shaping.shaped(Stack(array.size)(*array.flat), array.shape) if array.size else _constant(array)
    return _constant(array)


def _constant(array: np.ndarray) -> Any:
    node = constant_node(np.array(array, float).reshape(-1))  # its numbers of now
    return shaping.shaped(node, array.shape)


def mapped(primitive: Primitive, args: Sequence[Any]) -> Any:
    """A primitive of arrays, element by element, and of numbers, which go with every element."""
    parts = [as_node(arg) for arg in args]
    places = [i for i, part in enumerate(parts) if is_whole(part)]
    arrays, dims, axes = shaping.broadcast([parts[i] for i in places])
    others = [parts[i] if is_node(parts[i]) else primitive.operand(parts[i]) for i in range(len(parts))]
    # A number that is part of the formula is so of the body: x**2 is x*x. Outside of a trace one body serves
    # for all numbers, but for exponents.
    inside = primitive is table.pow or bool(context.active and current().tracing)
    numbers = {i: part.hex() for i, part in enumerate(others) if inside and type(part) is float}
    loop = _elementwise(primitive, len(parts), tuple(places), tuple(numbers.items()))
    counted = next((array for array in arrays if not is_constant(array)), arrays[0])
    shared = [others[i] for i in range(len(parts)) if i not in places and i not in numbers]
    made = shaping.applied(loop, count_of(counted), *arrays, *shared)
    return shaping.shaped(made, dims, axes)


@lru_cache(maxsize=1024)
def _elementwise(
    primitive: Primitive, arity: int, arrays: tuple[int, ...], numbers: tuple[tuple[int, str], ...]
) -> Loop:
    """The loop that applies a primitive to the elements of the operands that are arrays, and to numbers."""
    inside = dict(numbers)
    order = [*arrays, *(i for i in range(arity) if i not in arrays and i not in inside)]
    builder = Builder()
    slots = {place: builder.input() for place in order}
    slots |= {place: builder.constant(float.fromhex(number)) for place, number in numbers}
    result = builder.operation(primitive.of_arity(arity), [slots[place] for place in range(arity)])
    return Loop(
        builder.finish(primitive.name, [f"x{i}" for i in range(len(order))], [result]), 0, len(arrays)
    )


@lru_cache(maxsize=64)
def _folding(primitive: Primitive, keeps: bool) -> Loop:
    """The loop that applies a primitive to what it has come to and the next element."""
    outputs = [2, 2] if keeps else [2]
    instructions = [Instruction(primitive, (0, 1), (2,))]
    return Loop(Code(primitive.name, ["total", "x"], (), instructions, outputs), 1, 1)


def reduced(primitive: Primitive, array: Any) -> Any:
    """What all elements of an array come to, one after the other: their sum, or their maximum."""
    if primitive is table.add:
        return shaping.applied(_folding(primitive, False), count_of(array), -0.0, array)
    first = array._number[0].item() if is_constant(array) else Item(0)(array)
    flat = shaping.reshaped(array, (-1,))
    rest = shaping.rows_of(flat, slice(1, None, None))
    return shaping.applied(_folding(primitive, False), count_of(rest), first, rest)


def running(primitive: Primitive, array: Any) -> Any:
    """What the elements of an array come to, up to each of them."""
    _, results = _folding(primitive, True)(count_of(array), -0.0, array)
    return shaping.shaped(results, (len(array._number),), array._axes)


class Ties(Rearrangement):
    """The extremes of an array, given beside it: those elements that are equal to one share its derivative.

    Its value is the first operand, whose own derivative does not count, and so a program that is run without
    its derivative does not need the array.

    Args:
        is_first: whether the extremes are along the first axis, too.
        pattern: of the other axes the `Gather` that repeats an entry for each element that it is the extreme
            of; nothing where there is one extreme of all elements, a number.
    """

    arity = 2
    listed = staticmethod(on_lists.ties)

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The extremes."""
        return (inputs[0],)

    example = run

    def arrays(self, operands: Sequence[bool]) -> tuple[bool, ...]:
        """The result is where the first operand is."""
        self.expect(operands, [bool(self.settings), True])
        return (bool(self.settings),)

    def _spread(self, entries: Any, like: Any) -> Any:
        """An array like the other one, of the entry that goes with each element."""
        if not self.settings:
            return Loop.filling()(length(like), entries)
        is_first, *pattern = self.settings
        wide = Gather(*pattern)(entries)
        return SpreadRows(math.prod(pattern[2]))(wide, like) if is_first else wide

    def _summed(self, array: Any) -> Any:
        """What the elements that go with each entry add up to."""
        if not self.settings:
            return _folding(table.add, False)(length(array), -0.0, array)
        is_first, *pattern = self.settings
        return Scatter(*pattern)(SumRows(math.prod(pattern[2]))(array) if is_first else array)

    def _shared(self, total: Any, ties: Any) -> Any:
        """A number for each extreme, over how many elements are equal to it; of nan nothing is."""
        count = self._summed(ties)
        if not self.settings:
            return total / table.maximum(count, 1.0)
        count = _each(table.maximum, 1)(length(count), count, 1.0)
        return _each(table.div, 2)(length(count), total, count)

    def _ties(self, extremes: Any, array: Any) -> Any:
        return _each(table.equal, 2)(length(array), array, self._spread(extremes, array))

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The mean of the tangents of those that are equal."""
        if type(tangents[1]) is float:
            return (None,)
        ties = self._ties(*inputs)
        chosen = _each(table.where, 2)(length(ties), ties, tangents[1], 0.0)
        return (self._shared(self._summed(chosen), ties),)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The adjoint, in equal parts."""
        if not wanted[1]:
            return None, None
        ties = self._ties(*inputs)
        part = self._spread(self._shared(adjoints[0], ties), ties)
        return None, _each(table.where, 2)(length(ties), ties, part, 0.0)


def _each(primitive: Primitive, arrays: int) -> Loop:
    """A primitive of the elements of so many arrays, and of numbers after them."""
    return _elementwise(primitive, primitive.arity, tuple(range(arrays)), ())


@lru_cache(maxsize=1)
def _primitives() -> dict[Any, Primitive]:
    """NumPy's functions of whole arrays that are primitives of the table."""
    own = [each for each in all_primitives() if each.is_builtin and isinstance(each.on_arrays, np.ufunc)]
    return {
        **{each.on_arrays: each for each in own},
        np.add: table.add,
        np.subtract: table.sub,
        np.multiply: table.mul,
        np.true_divide: table.div,
        np.negative: table.neg,
        np.power: table.pow,
        np.float_power: table.pow,
        np.absolute: table.absolute,
        np.fabs: table.absolute,
        np.maximum: table.maximum,
        np.minimum: table.minimum,
    }


def primitive_of(ufunc: Any) -> Primitive | None:
    """The primitive that computes what one of NumPy's functions does; a comparison is asked for elsewhere."""
    primitive = getattr(ufunc, "primitive", None) or _primitives().get(ufunc)
    return None if ufunc in _COMPARISONS else primitive


def fits(inputs: Sequence[Any]) -> bool:
    """Whether operands are real numbers, and arrays whose shapes go together."""
    if not all(map(_is_real, inputs)):
        return False
    shapes = [arg._dims if is_whole(arg) else np.shape(arg) for arg in inputs if not isinstance(arg, Value)]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


def _is_real(arg: Any) -> bool:
    if isinstance(arg, np.ndarray):
        return arg.dtype.kind in "fbiuO"
    return is_whole(arg) or isinstance(arg, (Value, float, int, np.floating, np.integer, np.bool_))
