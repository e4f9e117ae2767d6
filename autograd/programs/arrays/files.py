"""Operations between numbers and arrays as JSON, and as what may be hostile is read again."""

from __future__ import annotations

import math
from typing import Any

from autograd.primitives.operation import Operation
from autograd.programs.arrays.elementwise import Ties
from autograd.programs.arrays.lookups import Lookup, PutAt
from autograd.programs.arrays.products import MatrixProduct
from autograd.programs.arrays.rearranging import (
    Gather,
    Join,
    PartOf,
    PutRows,
    Rearrangement,
    Rows,
    Scatter,
    SpreadRows,
    SumRows,
)
from autograd.programs.loops.packing import Item, Put, Stack, Unstack, length

__all__ = ["made_again", "written_down"]

_LARGEST = 1 << 20  # number that a file may give
_MOST_AXES = 32


def written_down(operation: Operation) -> dict[str, Any]:
    """What a file says of an operation between numbers and arrays: what kind it is of, and its settings."""
    settings = operation.__reduce__()[1]
    if isinstance(operation, Rearrangement):
        return {operation.name: [list(each) if type(each) is tuple else each for each in settings]}
    return {type(operation).__name__.lower(): settings[0] if settings else 0}


def made_again(entry: dict[str, Any]) -> Operation | None:
    """The operation that `written_down` wrote down; None where there is no such one."""
    if len(entry) != 1:
        return None
    ((kind, settings),) = entry.items()
    if kind in _CHECKS:
        operation, is_right = _CHECKS[kind]
        if type(settings) is not list:
            return None
        settings = [tuple(each) if type(each) is list else each for each in settings]
        try:
            return operation(*settings) if is_right(*settings) else None
        except TypeError:  # there are more or fewer of them
            return None
    if not _is_number(settings, -_LARGEST):
        return None
    if kind == "length":
        return length
    made = {"stack": Stack, "unstack": Unstack, "item": Item, "put": Put}.get(kind)
    return None if made is None or (settings < 1 and kind in ("stack", "unstack")) else made(settings)


def _is_number(setting: Any, least: int = 0) -> bool:
    return type(setting) is int and least <= setting <= _LARGEST


def _is_pattern(unit: Any, offset: Any, shape: Any, strides: Any) -> bool:
    if not (_is_number(unit, 1) and _is_number(offset) and type(shape) is type(strides) is tuple):
        return False
    if not len(shape) == len(strides) <= _MOST_AXES or not all(_is_number(each, 1) for each in shape):
        return False
    if math.prod(shape) > _LARGEST or not all(_is_number(each, -_LARGEST) for each in strides):
        return False
    ends = [(count - 1) * stride for count, stride in zip(shape, strides)]
    least, most = sum(min(end, 0) for end in ends), sum(max(end, 0) for end in ends)
    return bool(offset + least >= 0 and offset + most < unit)


def _is_repeated(is_first: Any = False, *pattern: Any) -> bool:
    return type(is_first) is bool and (not pattern or _is_pattern(*pattern))


def _is_slice(start: Any, stop: Any, step: Any, unit: Any) -> bool:
    bounds = all(each is None or _is_number(each, -_LARGEST) for each in (start, stop, step))
    return bounds and step != 0 and _is_number(unit, 1)


def _is_row(unit: Any) -> bool:
    return _is_number(unit, 1)


def _are_units(*units: Any) -> bool:
    return bool(units) and (set(units) == {0} or all(_is_number(unit, 1) for unit in units))


def _is_part(place: Any, *units: Any) -> bool:
    return _are_units(*units) and _is_number(place) and place < len(units)


def _is_product(k: Any, m: Any, missing: Any) -> bool:
    return _is_number(k, 1) and _is_number(m, 1) and missing in ("a", "b", "c")


def _is_place(unit: Any, place: Any) -> bool:
    return _is_number(unit, 1) and (place is None or (_is_number(place) and place < unit))


_CHECKS: dict[str, tuple[Any, Any]] = {
    "gather": (Gather, _is_pattern),
    "scatter": (Scatter, _is_pattern),
    "rows": (Rows, _is_slice),
    "put_rows": (PutRows, _is_slice),
    "sum_rows": (SumRows, _is_row),
    "spread_rows": (SpreadRows, _is_row),
    "join": (Join, _are_units),
    "part": (PartOf, _is_part),
    "product": (MatrixProduct, _is_product),
    "lookup": (Lookup, _is_place),
    "put_at": (PutAt, _is_place),
    "ties": (Ties, _is_repeated),
}
