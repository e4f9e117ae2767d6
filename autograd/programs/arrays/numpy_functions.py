"""NumPy's functions of arrays that are one node each: whole where they can be, else of object arrays."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from autograd.graph import context
from autograd.graph.context import current
from autograd.graph.nodes import is_constant, is_node
from autograd.graph.value import Value
from autograd.primitives import table
from autograd.primitives.primitive import Primitive
from autograd.programs.arrays import shaping
from autograd.programs.arrays.elementwise import (
    Ties,
    as_node,
    count_of,
    fits,
    is_whole,
    mapped,
    reduced,
    running,
)
from autograd.programs.loops.answers import OF_NUMBERS, apart, of_numbers, of_values, plain, refuse_writing

__all__ = [
    "called",
    "largest_along",
    "mean_along",
    "norm",
    "of_ufunc",
    "smallest_along",
    "sum_along",
]


def called(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """One of NumPy's functions, called with an array among its arguments."""
    if kwargs.get("out") is not None:
        refuse_writing()
    kwargs = {name: arg for name, arg in kwargs.items() if not (arg is None and name in ("out", "dtype"))}
    if function in OF_NUMBERS:
        return of_numbers(function, args, kwargs)
    own = _FUNCTIONS.get(function)
    if own is not None and _takes(own, args, kwargs):
        try:
            result = own(*args, **kwargs)
        except _NotWholeError:
            result = NotImplemented
        if result is not NotImplemented:
            return result
    return of_values(
        function, [apart(arg) for arg in args], {name: apart(arg) for name, arg in kwargs.items()}
    )


def _takes(own: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a function of ours knows all arguments."""
    try:
        _signature(own).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


_signature = lru_cache(inspect.signature)


class _NotWholeError(Exception):
    """Something cannot be done whole."""


def _whole(arg: Any) -> Any:
    """An array as one node."""
    node = as_node(arg) if is_whole(arg) or isinstance(arg, np.ndarray) else as_node(np.asarray(arg))
    if not is_whole(node):
        raise _NotWholeError
    return node


# Along axes.


def _axes_of(array: Any, axis: Any) -> list[int]:
    """The axes, the last first, or NumPy's error."""
    np.empty((0,) * array.ndim).sum(axis)
    axes = range(array.ndim) if axis is None else axis if type(axis) is tuple else (axis,)
    return sorted([each % array.ndim for each in axes], reverse=True)


def _along(array: Any, axis: Any, keepdims: bool, every: Callable[..., Any], one: Callable[..., Any]) -> Any:
    """What a function makes of all elements, or another one along each axis."""
    axes = _axes_of(array, axis)
    if len(axes) == array.ndim and not keepdims:
        return every(array)
    result = array
    for each in axes:
        result = one(result, each) if result.ndim > 1 else every(result)
    return _kept(result, array, axes) if keepdims else result


def _kept(result: Any, array: Any, axes: Sequence[int]) -> Any:
    """What was made along axes of an array, with these axes as ones of length 1."""
    dims = [1 if place in axes else count for place, count in enumerate(array._dims)]
    if is_whole(result):
        return shaping.reshaped(result, dims if not result._axes else [-1, *dims[1:]])
    return as_node(np.full(dims, result, object if isinstance(result, Value) else float))


def sum_along(array: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The sum of all elements, or along axes."""
    return _along(array, axis, keepdims, _sum, shaping.summed_along)


def _sum(array: Any) -> Any:
    return reduced(table.add, array) if math.prod(array._dims) else 0.0


def mean_along(array: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The mean of all elements, or along axes."""
    axes = _axes_of(array, axis)
    total = sum_along(array, axis, keepdims=keepdims)
    if 0 not in axes or not array._axes:
        return table.div(total, float(math.prod([array._dims[each] for each in axes])))
    left = [length for place, length in enumerate(array._dims) if place not in axes]
    return total / (count_of(array) / float(math.prod(left)))


def largest_along(array: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The largest of all elements, or along axes."""
    return _extreme(table.maximum, "maximum", array, axis, keepdims)


def smallest_along(array: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The smallest of all elements, or along axes."""
    return _extreme(table.minimum, "minimum", array, axis, keepdims)


def _extreme(primitive: Primitive, what: str, array: Any, axis: Any, keepdims: bool) -> Any:
    if any(not array._dims[each] for each in _axes_of(array, axis)):
        raise ValueError(f"zero-size array to reduction operation {what} which has no identity")

    def one(part: Any, axis: int) -> Any:
        """Halves against each other until one entry is left."""
        while (length := part._dims[axis]) > 1:
            lead = (slice(None),) * axis
            half = length // 2
            larger = mapped(primitive, (part[(*lead, slice(half))], part[(*lead, slice(half, 2 * half))]))
            rest = [part[(*lead, slice(2 * half, None))]] if length % 2 else []
            part = shaping.joined([larger, *rest], axis)
        return part[(slice(None),) * axis + (0,)]

    extremes = _along(array, axis, False, lambda whole: reduced(primitive, whole), one)
    if is_node(extremes) and not is_constant(extremes):
        extremes = _shared_by_ties(extremes, array, _axes_of(array, axis))
    if not keepdims:
        return extremes
    return _kept(extremes, array, _axes_of(array, axis))


def _shared_by_ties(extremes: Any, array: Any, axes: Sequence[int]) -> Any:
    """The extremes of an array along axes, whose derivatives are shared by what is equal to them."""
    if not is_whole(extremes):
        return Ties()(extremes, array)
    inner = array._dims[1:]
    left = [1 if place + 1 in axes else count for place, count in enumerate(inner)]
    strides = np.broadcast_to(np.empty(left, np.int8), inner).strides
    made = Ties(0 in axes, math.prod(left), 0, tuple(inner), tuple(strides))(extremes, array)
    return shaping.shaped(made, extremes._dims, extremes._axes)


def _variance(array: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    array = _whole(array)
    off = array - mean_along(array, axis, keepdims=axis is not None)
    if not ddof:
        return mean_along(off * off, axis, keepdims=keepdims)
    size = math.prod([array.shape[each] for each in _axes_of(array, axis)])
    return table.div(sum_along(off * off, axis, keepdims=keepdims), float(size - ddof))


def _deviation(array: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    return table.sqrt(_variance(array, axis, ddof=ddof, keepdims=keepdims))


def norm(array: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002
    """The root of a sum of squares, with the derivative 0 at the origin; NotImplemented for other norms."""
    dimensions = array.ndim if axis is None else np.size(axis)
    if not (ord is None or (ord == 2 and dimensions == 1) or (ord == "fro" and dimensions == 2)):
        return NotImplemented
    if dimensions > 2 and axis is not None:
        return NotImplemented
    total = np.sum(array * array, axis=axis, keepdims=keepdims)
    return np.frompyfunc(_root, 1, 1)(total) if isinstance(total, np.ndarray) else _root(total)


def _root(total: Any) -> Any:
    return table.where(table.less(0.0, total), table.sqrt(total), total)


# Products.


def _product(first: Any, second: Any) -> Any:
    first, second = _whole(first), _whole(second)
    if first.ndim == second.ndim == 1:
        return _sum(mapped(table.mul, (first, second)))
    if first.ndim > 2 or second.ndim > 2:
        return NotImplemented
    return shaping.multiplied(first, second)


def of_ufunc(ufunc: Any, inputs: Sequence[Any]) -> Any:
    """What NumPy's function of such a name does, where it is no primitive; else NotImplemented."""
    if ufunc in _BITWISE and not (context.active and current().tracing):
        raise TypeError(f"{ufunc.__name__} (&, |, ^, ~) combines comparisons, such as a > 1, got an Array")
    if ufunc is np.matmul:
        try:
            return _product(*inputs)
        except (_NotWholeError, TypeError):
            return NotImplemented
    if ufunc in OF_NUMBERS:
        return of_numbers(ufunc, inputs, {})
    if ufunc in _COMPARISONS and fits(inputs):
        return _compared(ufunc, inputs)
    if ufunc is np.square:
        return inputs[0] * inputs[0]
    return inputs[0] if ufunc is np.positive else NotImplemented


_BITWISE = (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert)
_COMPARISONS: dict[Any, Callable[..., Any]] = {
    np.less: lambda a, b: mapped(table.less, (a, b)),
    np.less_equal: lambda a, b: mapped(table.less_equal, (a, b)),
    np.greater: lambda a, b: mapped(table.less, (b, a)),
    np.greater_equal: lambda a, b: mapped(table.less_equal, (b, a)),
    np.equal: lambda a, b: mapped(table.equal, (a, b)),
    np.not_equal: lambda a, b: 1.0 - mapped(table.equal, (a, b)),
}


def _compared(ufunc: Any, inputs: Sequence[Any]) -> Any:
    """A comparison: recorded in a trace, as 0 or 1, and elsewhere of the numbers, an array of bools."""
    if context.active and current().tracing:
        return _COMPARISONS[ufunc](*inputs)
    return ufunc(*map(plain, inputs))


# Shapes.


def _view_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of NumPy's that makes a view, of one node."""

    def view(array: Any, *args: Any, **kwargs: Any) -> Any:
        result = shaping.viewed(_whole(array), lambda probe: function(probe, *args, **kwargs))
        return NotImplemented if result is None else result

    return view


def _reshape(array: Any, shape: Any = None, order: str = "C", **kwargs: Any) -> Any:
    shape = kwargs.pop("newshape", shape)
    if order != "C" or kwargs or shape is None:
        return NotImplemented
    return shaping.reshaped(_whole(array), tuple(shape) if np.ndim(shape) else (shape,))


def _ravel(array: Any, order: str = "C") -> Any:
    return _reshape(array, (-1,), order)


def _expand(array: Any, axis: int) -> Any:
    array = _whole(array)
    if array._axes and axis not in (0, -1 - array.ndim):
        place = axis % (array.ndim + 1)
        made = shaping.viewed_in_rows(array, lambda probe: np.expand_dims(probe, place - 1))
        return NotImplemented if made is None else made
    return shaping.viewed(array, lambda probe: np.expand_dims(probe, axis))


def _concatenate(arrays: Sequence[Any], axis: Any = 0) -> Any:
    parts = [_whole(array) for array in arrays]
    if axis is None:
        parts, axis = [shaping.reshaped(part, (-1,)) for part in parts], 0
    return shaping.joined(parts, axis)


def _stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    parts = [_whole(array) for array in arrays]
    if len({part.ndim for part in parts}) > 1:
        return NotImplemented
    return shaping.joined([_expand(part, axis) for part in parts], axis)


def _column_stack(arrays: Sequence[Any]) -> Any:
    parts = [_whole(array) for array in arrays]
    return shaping.joined([_expand(part, 1) if part.ndim == 1 else part for part in parts], 1)


def _hstack(arrays: Sequence[Any]) -> Any:
    parts = [_whole(array) for array in arrays]
    return shaping.joined(parts, 0 if parts[0].ndim == 1 else 1)


def _vstack(arrays: Sequence[Any]) -> Any:
    parts = [_whole(array) for array in arrays]
    return shaping.joined([_expand(part, 0) if part.ndim == 1 else part for part in parts], 0)


def _where(condition: Any, *choices: Any) -> Any:
    if len(choices) != 2 or not fits((condition, *choices)):
        return NotImplemented
    return mapped(table.where, (condition, *choices))


def _cumsum(array: Any, axis: Any = None) -> Any:
    array = _whole(array)
    if axis is not None and array.ndim > 1:
        return NotImplemented
    return running(table.add, shaping.reshaped(array, (-1,)))


def _difference(array: Any, n: int = 1, axis: int = -1) -> Any:
    array = _whole(array)
    if n != 1 or array.ndim != 1 or axis not in (0, -1):
        return NotImplemented
    return array[1:] - array[:-1]


def _sorted(array: Any, axis: Any = -1) -> Any:
    order = np.argsort(array, axis=axis, kind="stable")
    entries = np.asarray(array)
    return np.take_along_axis(
        entries.reshape(-1) if axis is None else entries, order, -1 if axis is None else axis
    )


def _outer(first: Any, second: Any) -> Any:
    first, second = _ravel(first), _ravel(second)
    return _expand(first, 1) * second


def _clip(
    array: Any,
    a_min: Any = None,
    a_max: Any = None,
    *,
    min: Any = None,  # noqa: A002  as NumPy calls it
    max: Any = None,  # noqa: A002
) -> Any:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    result = array if low is None else mapped(table.maximum, (array, low))
    return result if high is None else mapped(table.minimum, (result, high))


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **{
        function: _view_of(function)
        for function in (
            np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.squeeze, np.broadcast_to, np.flip,
            np.fliplr, np.flipud, np.diagonal, np.atleast_2d, np.atleast_3d, np.rot90,
        )
    },
    np.sum: sum_along,
    np.mean: mean_along,
    np.max: largest_along,
    np.min: smallest_along,
    np.amax: largest_along,
    np.amin: smallest_along,
    np.var: _variance,
    np.std: _deviation,
    np.linalg.norm: norm,
    np.dot: _product,
    np.inner: lambda a, b: _product(a, b) if np.ndim(a) == np.ndim(b) == 1 else NotImplemented,
    np.vdot: lambda a, b: _product(_ravel(a), _ravel(b)),
    np.outer: _outer,
    np.reshape: _reshape,
    np.ravel: _ravel,
    np.expand_dims: _expand,
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.column_stack: _column_stack,
    np.hstack: _hstack,
    np.vstack: _vstack,
    np.where: _where,
    np.sort: _sorted,
    np.cumsum: _cumsum,
    np.diff: _difference,
    np.clip: _clip,
    np.ndim: lambda array: array.ndim,
    np.shape: lambda array: array.shape,
    np.size: lambda array: array.size,
}  # fmt: skip
