"""What an index chooses of an array that is one node."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.graph.value import Value
from autograd.programs.arrays import shaping
from autograd.programs.arrays.lookups import Lookup

__all__ = ["element", "part"]


def element(dims: Sequence[int], index: Any) -> int | None:
    """Where the one element stands that plain ints choose, counted from the end if the first int is negative.

    None where the index chooses no single element in this way.

    Raises:
        IndexError: it is out of range.
    """
    places = index if type(index) is tuple else (index,)
    if len(places) != len(dims) or not all(map(_is_int, places)):
        return None
    for axis, (place, length) in enumerate(zip(places, dims)):
        if not -length <= place < length:
            where = f"an array of {length} elements" if len(dims) == 1 else f"axis {axis}, of length {length}"
            raise IndexError(f"index {place} is out of range for {where}")
    first, *inner = map(int, places)
    at = first
    for place, length in zip(inner, dims[1:]):
        at = at * length + place % length
    return at


def part(array: Any, index: Any) -> Any:
    """The array that a slice, an int, an ellipsis, a new axis, or several of them choose.

    An index may be a Value that is a whole number. None where NumPy's own way is to be gone, by way of an
    object array.
    """
    if isinstance(index, Value) or (type(index) is tuple and any(isinstance(each, Value) for each in index)):
        return _looked_up(array, index if type(index) is tuple else (index,))
    if type(index) is type(array):
        raise TypeError(
            "an array is not indexed by an Array of a graph, whose numbers may change: write "
            "where(condition, a, 0.0) for a[condition], and index by one number at a time"
        )
    places = index if type(index) is tuple else (index,)
    if not all(_is_basic(place) for place in places):
        return None
    if array._axes:
        kept = _along_rows(array, places)
        if kept is not None:
            return kept
    return shaping.viewed(array, lambda probe: probe[index])


def _along_rows(array: Any, places: Sequence[Any]) -> Any:
    """The part, where the first axis stands first in it, or does not stand in it, however long it is."""
    first: Any = places[0] if places else Ellipsis
    inner = tuple(places[1:])
    if first is Ellipsis and len(places) - sum(place is None for place in places) <= len(array._dims):
        missing = len(array._dims) - sum(place is not None and place is not Ellipsis for place in places)
        if not missing:
            return None
        first, inner = slice(None), (*[slice(None)] * (missing - 1), *places[1:])
    if _is_int(first):
        if not -array._dims[0] <= first < array._dims[0]:
            raise IndexError(f"index {first} is out of range for axis 0, of length {array._dims[0]}")
        row = shaping.rows_of(array, slice(int(first), int(first) + 1 or None))
        return shaping.viewed(row, lambda probe: probe[(0, *inner)])
    if not isinstance(first, slice):
        return None
    chosen = array if first == slice(None) else shaping.rows_of(array, first)
    if not inner:
        return chosen
    every = inner if Ellipsis in inner else (*inner, Ellipsis)  # with which one element is a view, too
    return shaping.viewed_in_rows(chosen, lambda probe: probe[every])


def _looked_up(array: Any, places: Sequence[Any]) -> Any:
    """The entry at indices of which some are Values: a number, or of fewer indices than axes an array."""
    dims = array._dims
    if len(places) > len(dims) or not all(isinstance(place, Value) or _is_int(place) for place in places):
        raise TypeError(
            "an index that is a Value stands alone or among ints, one an axis: a[i], a[i, 2] or a[i][1:]"
        )
    first, *others = places
    if not isinstance(first, Value):
        return array[int(first)][tuple(others)]
    inner = dims[1:]
    if not others:
        return _row(array, first, inner)
    if not any(isinstance(other, Value) for other in others):
        if len(places) < len(dims):
            return _row(array, first, inner)[tuple(others)]
        return Lookup(math.prod(inner), element(inner, tuple(others)))(first, array)
    return _row(array, first, inner)[tuple(others)]


def _row(array: Any, index: Value, inner: tuple[int, ...]) -> Any:
    if not inner:
        return Lookup(1, 0)(index, array)
    return shaping.shaped(Lookup(math.prod(inner), None)(index, array), inner)


def _is_int(place: Any) -> bool:
    return isinstance(place, (int, np.integer)) and not isinstance(place, bool)


def _is_basic(place: Any) -> bool:
    if isinstance(place, slice):
        bounds = (place.start, place.stop, place.step)
        return all(bound is None or _is_int(bound) for bound in bounds)
    return place is None or place is Ellipsis or _is_int(place)
