"""Keys of settings, which tell apart what `==` takes for the same: 1, 1.0 and True, 0.0 and -0.0."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np

__all__ = ["exact_key"]

_TOLD_APART = {str, int, bool, bytes, type(None)}  # by their type and ``__eq__``


def exact_key(setting: Any, key_of: Callable[[Any], Any] = lambda setting: setting) -> Any:
    """A key that is equal for settings of the same type and bits, and unhashable where the setting is.

    Tuples, frozensets, slices and dataclasses are looked into.

    Args:
        setting: any object.
        key_of: what tells anything else apart from others of its type; by default its own ``__eq__`` does.

    >>> exact_key((1, 0.0)) == exact_key((1, 0.0)), exact_key((1, 0.0)) == exact_key((True, -0.0))
    (True, False)
    >>> exact_key(float("nan")) == exact_key(float("nan"))
    True
    """
    kind = type(setting)
    if kind in _TOLD_APART:
        return kind, setting
    if isinstance(setting, np.generic):
        return kind, setting.dtype.str, setting.tobytes()
    if isinstance(setting, float):
        return kind, struct.pack("d", setting)
    if isinstance(setting, complex):
        return kind, struct.pack("2d", setting.real, setting.imag)
    if isinstance(setting, Decimal):
        return kind, setting.as_tuple()
    if isinstance(setting, frozenset):
        return kind, frozenset([exact_key(member, key_of) for member in setting])
    if isinstance(setting, tuple):
        entries: Any = setting
    elif isinstance(setting, slice):
        entries = setting.start, setting.stop, setting.step
    elif dataclasses.is_dataclass(setting) and not isinstance(setting, type) and _compares_fields(kind):
        entries = [getattr(setting, field.name) for field in dataclasses.fields(setting) if field.compare]
    else:
        return kind, key_of(setting)
    return kind, tuple([exact_key(entry, key_of) for entry in entries])


def _compares_fields(cls: Any) -> bool:
    """Whether a dataclass can be hashed, and compares by the ``__eq__`` that was generated for it."""
    code = getattr(cls.__eq__, "__code__", None)
    return cls.__hash__ is not None and code is not None and code.co_filename == "<string>"
