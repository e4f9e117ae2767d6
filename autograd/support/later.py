"""Names of a package that are imported when they are first asked for: what most programs do without."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

__all__ = ["later"]


def later(namespace: dict[str, Any], places: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """The `__getattr__` of a package some of whose names come from modules that are imported late.

    Args:
        namespace: the package's `globals()`, which keep what was asked for.
        places: for each module, the names that come from it.
    """
    modules = {name: module for module, names in places.items() for name in names}

    def __getattr__(name: str) -> Any:  # noqa: N807  it becomes the package's
        if name not in modules:
            raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
        namespace[name] = getattr(import_module(modules[name]), name)
        return namespace[name]

    return __getattr__
