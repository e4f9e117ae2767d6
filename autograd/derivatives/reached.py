"""Models of anyone's class: objects whose ``parameters()`` are their weights.

What is reached from a model is walked along attributes, lists, tuples, dicts and object arrays, and
never by recursion.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from autograd.graph.value import Value

__all__ = ["values_within"]

Part = tuple[Any, Any]  # where it stands in what holds it: an attribute, an index or a key; and the part

_OPAQUE = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, Value)


def parts_of(container: Any) -> list[Part] | None:
    """What an object holds, and where; None for what is not looked into."""
    if isinstance(container, (float, int, str, bytes, *_OPAQUE)) or container is None:
        return None
    if isinstance(container, dict):
        return list(container.items())
    if isinstance(container, (list, tuple)):
        return list(enumerate(container))
    if isinstance(container, np.ndarray):
        return list(np.ndenumerate(container)) if container.dtype.kind == "O" else None
    attributes = dict(getattr(container, "__dict__", {}))
    for cls in type(container).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(container, name):
                attributes[name] = getattr(container, name)
    return list(attributes.items()) or None


def reached(root: Any) -> Iterator[tuple[Any, list[Part] | None]]:
    """Every object that is reached, once, with its parts, in the order of reading."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        holder = stack.pop()
        if id(holder) not in seen:
            seen.add(id(holder))
            parts = parts_of(holder)
            yield holder, parts
            stack += [part for _, part in reversed(parts or ())]


def values_within(root: Any) -> set[Value]:
    """The Values that are reached from an object."""
    return {holder for holder, _ in reached(root) if isinstance(holder, Value)}
