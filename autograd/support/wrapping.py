"""What a function of functions returns: a callable that binds as a method and can be pickled and copied."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import MethodType
from typing import Any

__all__ = ["Wrapper"]


class Wrapper:
    """A callable made of a function.

    On a class it is a method, as a function is. If it has taken the function's place, as a decorator makes it
    do, it is pickled by name; otherwise by what it was made of.

    Args:
        f: the function.
        named: what it takes over from the function.

    Raises:
        TypeError: the function is a classmethod, which cannot be called.
    """

    def __init__(self, f: Callable[..., Any], named: tuple[str, ...] = functools.WRAPPER_ASSIGNMENTS) -> None:
        if isinstance(f, classmethod):
            name = type(self).__name__
            raise TypeError(f"a classmethod cannot be called by itself: put @classmethod above {name}")
        self._f = f
        functools.update_wrapper(self, f, assigned=named, updated=())

    def made_of(self) -> tuple[Any, ...]:
        """The arguments that make the same once more."""
        raise NotImplementedError

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None or isinstance(self._f, staticmethod):
            return self
        return MethodType(self, instance)

    def __reduce__(self) -> str | tuple[Any, ...]:
        return self._global_name() or (type(self), self.made_of())

    def _global_name(self) -> str:
        """The name under which its module has it, "" where that is something else."""
        name: str = getattr(self, "__qualname__", "")
        place: Any = sys.modules.get(getattr(self, "__module__", None) or "")
        for part in name.split("."):
            place = getattr(place, part, None)
        return name if place is self else ""
