"""How long arrays are, as it follows from the lengths of a function's inputs: worked out before each call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Key", "UnknownLengthError", "inputs_of", "length_at", "rows_of", "total", "units"]

# A length is a number; or a tuple of its kind and what it is made of: the place of an input whose length or
# number it is, the rows of so many elements that a slice chooses, or where they begin, so many elements for
# each row of so many, or a sum of lengths.
Key = Any


class UnknownLengthError(ValueError):
    """Code has an array whose length cannot be known before it runs, or that does not fit."""


def length_at(key: Key, lengths: Mapping[int, int]) -> int:
    """A length, given those of the inputs by their places.

    Raises:
        UnknownLengthError: an array has no whole number of rows.
    """
    if isinstance(key, int):
        return key
    kind, *parts = key
    if kind == "input":
        return lengths[parts[0]]
    if kind == "sum":
        return sum(length_at(part, lengths) for part in parts)
    of, unit, *rest = parts
    count, left = divmod(length_at(of, lengths), int(unit))
    if left:
        raise UnknownLengthError("an array has no whole number of rows")
    if kind == "units":
        return count * int(rest[0])
    chosen = range(count)[slice(*rest[0])]
    return len(chosen) if kind == "rows" else chosen.start if len(chosen) else 0


def inputs_of(key: Key) -> set[int]:
    """The places of the inputs that a length follows from.

    Raises:
        UnknownLengthError: it follows from how many steps a loop takes that ends by a condition.
    """
    if isinstance(key, int):
        return set()
    kind, *parts = key
    if kind == "steps":
        raise UnknownLengthError("how many steps a loop takes is not known")
    if kind == "input":
        return {parts[0]}
    return set().union(*map(inputs_of, parts if kind == "sum" else parts[:1]))


def units(key: Key, unit: int, width: int) -> Key:
    """So many elements for each row of so many."""
    if unit == width:
        return key
    if type(key) is tuple and key[0] == "units" and key[3] == unit:
        return units(key[1], key[2], width)
    return _known(("units", key, unit, width))


def rows_of(key: Key, unit: int, chosen: slice, *, start: bool = False) -> Key:
    """How many rows a slice chooses, or where they begin."""
    bounds = chosen.start, chosen.stop, chosen.step  # a slice has no hash
    return _known(("start" if start else "rows", key, unit, bounds))


def total(keys: list[Key]) -> Key:
    """The sum of lengths."""
    return keys[0] if len(keys) == 1 else _known(("sum", *keys)) if keys else 0


def _known(key: Key) -> Key:
    """A length as a number, where it follows from numbers."""
    try:
        return length_at(key, {})
    except KeyError:
        return key
