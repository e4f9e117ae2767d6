"""Batches: arrays taken apart into a column for each scalar of a sample, and put together again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from autograd.graph.trees import Structure
from autograd.graph.value import Value
from autograd.primitives.ieee import as_array, described, floats_of_objects
from autograd.programs.loops.array import Array
from autograd.programs.loops.packing import Stack

__all__ = ["arrays_of", "columns_of", "plain", "samples_first", "shape_of", "stacked", "whole_column"]


def plain(number: Any) -> Any:
    return number if isinstance(number, Value) else float(number)


def arrays_of(arg: Any, name: str, bare: str = "") -> tuple[list[Any], Structure]:
    """The arrays of an argument to be mapped; their elements are left where they are.

    Args:
        arg: the argument.
        name: what to call it in an error.
        bare: what to do where it is a bare number.
    """
    leaves, outer = Structure.of_arrays(arg)
    arrays = []
    for leaf in leaves:
        if isinstance(leaf, Array):
            arrays.append(leaf)
            continue
        array = as_array(leaf, name)
        if array is None or array.ndim == 0:
            got, advice = described(leaf), bare
            if leaf is not arg:
                got, advice = f"{got} in a {type(arg).__name__}", ""
                if isinstance(arg, (list, tuple)):
                    advice = ": if these are its samples, write np.array(...)"
            raise TypeError(
                f"{name} must be an array with its samples along an axis, or a structure of such arrays, got "
                f"{got}{advice}"
            )
        if array.dtype.kind not in "fbiuO":
            raise TypeError(f"{name} must hold real numbers, got an array of {array.dtype}")
        if array.dtype.kind == "O" and not any(isinstance(entry, Value) for entry in array.flat):
            array = floats_of_objects(array, name)
        arrays.append(array)
    return arrays, outer


def shape_of(array: Any) -> tuple[int, ...]:
    """The shape of an array; of one of a graph, asking which is no question of its length to a trace."""
    shape: tuple[int, ...] = array._dims if isinstance(array, Array) else array.shape
    return shape


def columns_of(arrays: Sequence[np.ndarray], outer: Structure) -> tuple[list[np.ndarray], Structure]:
    """One column (a view) for each scalar of one entry along the first axis, and that entry's structure."""
    columns: list[Any] = []
    array: Any
    shapes = [shape_of(array)[1:] for array in arrays]
    for array, shape in zip(arrays, shapes):
        if not shape:
            columns.append(array)
        else:
            columns += [array[(slice(None), *at)] for at in product(*map(range, shape))]
    return columns, outer.with_shapes([shape or None for shape in shapes])


def whole_column(column: Any) -> Any:
    """A column as one operand of a loop."""
    if isinstance(column, np.ndarray) and column.dtype.kind == "O":
        return Stack(len(column))(*map(plain, column)) if len(column) else np.empty(0)
    return np.array(column, float) if isinstance(column, np.ndarray) else column  # its numbers of now


def samples_first(array: Any, axis: int, name: str) -> Any:
    """An array with its samples along the first axis."""
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(f"in_axes names axis {axis} of {name}, whose array has shape {array.shape}")
    return array if axis == 0 or array.ndim == 1 else np.moveaxis(array, axis, 0)


def stacked(results: Structure, columns: Sequence[Any], count: int, out_axes: Any = 0) -> Any:
    """Columns of results in the structure of one sample's; which axis counts the samples, `vmap` tells.

    Raises:
        ValueError: ``out_axes`` does not fit the results.
    """
    parts: list[Any] = []
    at = 0
    for shape in results.shapes:
        size = 1 if shape is None else math.prod(shape)
        block = columns[at : at + size]
        at += size
        if shape is None:
            parts += block
        else:
            parts.append(
                np.stack(block, axis=1).reshape(count, *shape) if size else np.empty((count, *shape))
            )
    if type(out_axes) is not int or out_axes != 0:
        axes = results.spread(out_axes, "out_axes")
        parts = [_samples_at(part, axis) for part, axis in zip(parts, axes)]
    return results.nest(parts)


def _samples_at(array: np.ndarray, axis: Any) -> np.ndarray:
    if not isinstance(axis, int) or not -array.ndim <= axis < array.ndim:
        raise ValueError(
            f"out_axes must name an axis of each result by an int, got {axis!r} for one that has {array.ndim}"
        )
    return np.moveaxis(array, 0, axis)
