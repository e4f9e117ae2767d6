"""Dataclasses taken apart by their fields, of which some may be settings, and made again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from autograd.support.exact_keys import exact_key

__all__ = ["fields_of", "made_of_fields"]


def fields_of(instance: Any) -> tuple[list[Any], _Static, list[str]]:
    names, settings = [], []
    for field in dataclasses.fields(instance):
        if field.metadata.get("static"):
            settings.append(getattr(instance, field.name))
        else:
            names.append(field.name)
    return [getattr(instance, name) for name in names], _Static(type(instance), settings), names


class _Static:
    """Settings of a dataclass, equal where their types and bits are: 1 is not True, nor 0.0 -0.0."""

    __slots__ = ("_hash", "_key", "settings")

    def __init__(self, cls: Any, settings: Sequence[Any]) -> None:
        self.settings = settings
        self._key = exact_key(tuple(settings))
        try:
            self._hash = hash(self._key)
        except TypeError as error:
            raise ValueError(
                f"the static fields of {cls.__name__} must be hashable ({error}), because compiled code is "
                "found again by them, and what is changed in place would not be noticed: write a tuple for a "
                "list or an array, a frozenset for a set, a frozen dataclass for a dict"
            ) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Static) and self._key == other._key

    def __hash__(self) -> int:
        return self._hash


def made_of_fields(cls: Any, settings: _Static, children: Any) -> Any:
    """An instance with these fields; its `__init__` may demand what a gradient does not satisfy."""
    instance: Any = object.__new__(cls)
    static, others = iter(settings.settings), iter(children)
    for field in dataclasses.fields(cls):
        object.__setattr__(instance, field.name, next(static if field.metadata.get("static") else others))
    return instance
