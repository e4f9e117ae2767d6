"""What is done with the shape of an array whole: views, broadcasting, sums along axes, joining, products."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from autograd.graph.nodes import constant_node, is_constant, kinds, number, parents
from autograd.primitives.operation import Operation
from autograd.programs.arrays.products import MatrixProduct
from autograd.programs.arrays.rearranging import Gather, Join, Rows, Scatter, SpreadRows, SumRows
from autograd.programs.loops.packing import Item

__all__ = [
    "UNCHANGED",
    "Axis",
    "applied",
    "ask_for_length",
    "broadcast",
    "joined",
    "multiplied",
    "reshaped",
    "rows_of",
    "shaped",
    "summed_along",
    "viewed",
    "viewed_in_rows",
]

Dims = tuple[int, ...]
UNCHANGED = Gather(1, 0, (), ())
_HUGE = 1 << 40  # elements; nobody has so many


class Axis:
    """The first axis of an array that a function is traced on, whose length may be another in a later call.

    Attributes:
        is_asked: whether something in the trace depends on the length.
    """

    __slots__ = ("is_asked",)

    def __init__(self) -> None:
        self.is_asked = False


def ask_for_length(array: Any) -> None:
    """Note that a trace depends on how long the first axis of an array is."""
    for axis in array._axes:
        axis.is_asked = True


def axes_below(array: Any) -> tuple[Axis, ...]:
    """The axes, of what a function is traced on, that lengths of an array may come from."""
    found: dict[Axis, None] = {}
    seen: set[Any] = set()
    stack = [*parents(array)]
    while stack:
        node = stack.pop()
        if type(node) is float or node in seen:
            continue
        seen.add(node)
        axes = _known_axes(node)
        if axes is None:
            stack += parents(node)
        else:
            found |= dict.fromkeys(axes)
    return tuple(found)


def _known_axes(node: Any) -> tuple[Axis, ...] | None:
    """The axes that somebody has told of an array; None where nobody has."""
    cls = kinds[np.ndarray]
    try:
        return cls._axes.__get__(node) if isinstance(node, cls) else None
    except AttributeError:
        return None


def shaped(node: Any, dims: Dims, axes: Iterable[Axis] = ()) -> Any:
    """A node that was just made, as an array of a shape; axes are those that its first axis comes from."""
    node._dims = dims
    node._axes = tuple(dict.fromkeys(axes))
    return node


def applied(operation: Operation, *operands: Any) -> Any:
    """An operation on arrays; of constants the constant that it comes to."""
    if not all(map(is_constant, operands)):
        return operation(*operands)
    result = operation(*map(number, operands))
    return constant_node(result) if isinstance(result, np.ndarray) else result


def viewed(array: Any, view: Callable[[np.ndarray], np.ndarray]) -> Any:
    """What one of NumPy's functions that make views of arrays makes of an array.

    Args:
        array: the array.
        view: the function; it is called with an array of the same shape.

    Returns:
        The array, or the number where the view has no axes; None where the function returns no view.
    """
    dims: Dims = array._dims
    pattern = _pattern(dims, view)
    if pattern is None:
        return None
    ask_for_length(array)
    offset, shape, strides = pattern
    if not math.prod(shape):
        return shaped(constant_node(np.empty(0)), shape)
    if not shape:
        return applied(Item(offset), array)  # one number
    return shaped(applied(Gather(math.prod(dims), offset, shape, strides), array), shape)


def _pattern(
    dims: Dims, view: Callable[[np.ndarray], np.ndarray]
) -> tuple[int, Dims, tuple[int, ...]] | None:
    """Where a view begins, its shape and its strides, in elements; None where it is no view."""
    probe = np.empty(dims, np.int8)
    part = view(probe)
    if not isinstance(part, np.ndarray):
        return None
    if part.size and not np.may_share_memory(part, probe):
        return None
    offset = part.__array_interface__["data"][0] - probe.__array_interface__["data"][0]
    return offset, part.shape, part.strides


def viewed_in_rows(array: Any, view: Callable[[np.ndarray], np.ndarray]) -> Any:
    """The same of a function of each entry along the first axis, however many there are."""
    first, *inner = array._dims
    pattern = _pattern(tuple(inner), view)
    if pattern is None or not math.prod(pattern[1]):
        return None
    offset, shape, strides = pattern
    made = applied(Gather(math.prod(inner), offset, shape, strides), array)
    return shaped(made, (first, *shape), array._axes)


def rows_of(array: Any, rows: slice) -> Any:
    """The entries along the first axis that a slice chooses."""
    first, *inner = array._dims
    unit = math.prod(inner)
    lengths = [len(range(*rows.indices(count))) for count in (2, first, _HUGE)]
    axes = array._axes
    if len(set(lengths)) == 1:
        axes = ()
    elif lengths[1] < 2:  # an array of length 1 is broadcast
        ask_for_length(array)
    made = applied(Rows(rows.start, rows.stop, rows.step, unit), array)
    return shaped(made, (lengths[1], *inner), axes)


def reshaped(array: Any, shape: Sequence[int]) -> Any:
    """The same elements in another shape, of which one length may be -1; without axes the one number."""
    dims: Dims = array._dims
    size = math.prod(dims)
    wanted = np.empty(dims, np.int8).reshape(shape).shape  # or NumPy's error
    inner = math.prod(wanted[1:])
    axes = array._axes
    if axes and (wanted[:1] != dims[:1] or inner != math.prod(dims[1:])):
        keeps = shape[:1] == (-1,) and inner and math.prod(dims[1:]) % inner == 0 and wanted[0] > 1
        if not keeps:
            ask_for_length(array)
            axes = ()
    if not size:
        return shaped(constant_node(np.empty(0)), wanted)
    if not wanted:
        return applied(Item(0), array)  # one number
    return shaped(applied(UNCHANGED, array), wanted, axes)


def broadcast(arrays: Sequence[Any]) -> tuple[list[Any], Dims, tuple[Axis, ...]]:
    """Arrays in their common shape, that shape, and where its first axis comes from.

    Raises:
        ValueError: there is none.
    """
    dims: Dims = np.broadcast_shapes(*[array._dims for array in arrays])
    full = [array for array in arrays if len(array._dims) == len(dims) and array._dims[0] == dims[0]]
    axes = tuple(axis for array in full for axis in array._axes)
    for array in arrays:
        if len(array._dims) < len(dims) or (array._dims[0] != dims[0]):
            ask_for_length(array)
    if not math.prod(dims):
        return [shaped(constant_node(np.empty(0)), dims) for _ in arrays], dims, axes
    inner = dims[1:]
    wide = {id(array): _widened(array, inner) for array in arrays}
    like = wide[id(full[0])]
    unit = math.prod(inner)
    parts = [
        wide[id(array)]
        if any(array is each for each in full)
        else shaped(applied(SpreadRows(unit), wide[id(array)], like), dims)
        for array in arrays
    ]
    return parts, dims, axes


def _widened(array: Any, inner: Dims) -> Any:
    """An array whose axes but the first are those of a shape; without a first one of its own one row."""
    own = (1,) * (1 + len(inner) - len(array._dims)) + array._dims
    if own[1:] == inner:
        return array
    offset, shape, strides = _pattern(own[1:], lambda probe: np.broadcast_to(probe, inner)) or (0, (), ())
    return shaped(applied(Gather(math.prod(own[1:]), offset, shape, strides), array), (own[0], *inner))


def summed_along(array: Any, axis: int) -> Any:
    """The sum along an axis, of an array of two axes at least."""
    dims: Dims = array._dims
    left = (*dims[:axis], *dims[axis + 1 :])
    if not math.prod(left):
        return shaped(constant_node(np.empty(0)), left)
    if not dims[axis]:
        return shaped(constant_node(np.zeros(math.prod(left))), left)
    if axis == 0:
        return shaped(applied(SumRows(math.prod(left)), array), left)
    inner = left[1:]
    places = np.expand_dims(np.empty(inner, np.int8), axis - 1)
    strides = list(places.strides)
    strides[axis - 1] = 0
    made = applied(Scatter(math.prod(inner), 0, dims[1:], tuple(strides)), array)
    return shaped(made, left, array._axes)


def joined(arrays: Sequence[Any], axis: int) -> Any:
    """Arrays one after the other along an axis.

    Raises:
        ValueError: their shapes do not fit.
    """
    dims = np.concatenate([np.broadcast_to(np.int8(0), array._dims) for array in arrays], axis).shape
    axis %= len(dims)
    arrays = [array for array in arrays if math.prod(array._dims)]
    if not arrays:
        return shaped(constant_node(np.empty(0)), dims)
    units = [0 if axis == 0 else math.prod(array._dims[axis:]) for array in arrays]
    axes = [each for array in arrays for each in array._axes]
    return shaped(applied(Join(*units), *arrays), dims, axes)


def multiplied(first: Any, second: Any) -> Any:
    """The product of two arrays of one or two axes that `@` is, as long as not both have one.

    Raises:
        ValueError: their shapes do not fit.
    """
    own, other = first._dims, second._dims
    if own[-1] != other[0]:
        raise ValueError(
            f"matmul: shapes {own} and {other} do not fit: the last axis of the first operand must be as "
            "long as the first axis of the second"
        )
    dims = (*own[:-1], *other[1:])
    if not math.prod(own) or not math.prod(other):
        return shaped(constant_node(np.zeros(math.prod(dims))), dims)
    width = math.prod(other[1:])
    if len(own) == 1:  # a row times a matrix: the sum goes along the first axis of both
        return shaped(applied(MatrixProduct(1, width, "b"), first, second), dims)
    return shaped(applied(MatrixProduct(own[1], width, "c"), first, second), dims, first._axes)
