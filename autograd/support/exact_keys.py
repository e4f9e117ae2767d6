"""Keys of settings, which tell apart what `==` takes for the same: 1, 1.0 and True, 0.0 and -0.0."""

from __future__ import annotations

import dataclasses
import struct
from decimal import Decimal
from typing import Any

import numpy as np

__all__ = ["exact_key"]


def exact_key(setting: Any) -> Any:
    """A key that is equal for settings of the same type and bits, and unhashable where the setting is.

    Tuples, frozensets, slices and dataclasses are looked into. Anything else is equal where its own
    ``__eq__`` says so and the type is the same.

    >>> exact_key((1, 0.0)) == exact_key((1, 0.0)), exact_key((1, 0.0)) == exact_key((True, -0.0))
    (True, False)
    >>> exact_key(float("nan")) == exact_key(float("nan"))
    True
    """
    kind = type(setting)
    if isinstance(setting, np.generic):
        return kind, setting.dtype.str, setting.tobytes()
    if isinstance(setting, float):
        return kind, struct.pack("d", setting)
    if isinstance(setting, complex):
        return kind, struct.pack("2d", setting.real, setting.imag)
    if isinstance(setting, Decimal):
        return kind, setting.as_tuple()
    if isinstance(setting, tuple):
        return kind, tuple(map(exact_key, setting))
    if isinstance(setting, frozenset):
        return kind, frozenset(map(exact_key, setting))
    if isinstance(setting, slice):
        return kind, tuple(map(exact_key, (setting.start, setting.stop, setting.step)))
    if dataclasses.is_dataclass(setting) and not isinstance(setting, type) and _compares_fields(kind):
        compared = [field.name for field in dataclasses.fields(setting) if field.compare]
        return kind, tuple(exact_key(getattr(setting, name)) for name in compared)
    return kind, setting


def _compares_fields(cls: Any) -> bool:
    """Whether a dataclass can be hashed, and compares by the ``__eq__`` that was generated for it."""
    code = getattr(cls.__eq__, "__code__", None)
    return cls.__hash__ is not None and code is not None and code.co_filename == "<string>"
