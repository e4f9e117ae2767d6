"""Values replaced by numbers wherever a structure holds them: what `has_aux` hands out.

Lists, tuples, dicts, sets, object arrays, dataclasses and objects of anyone's class are looked into. Only
what holds a replaced Value, at any depth, is copied; sharing and cycles stay, and all else is left as it is.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Sequence
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from autograd.graph.nodes import is_node
from autograd.graph.trees import array_of
from autograd.graph.value import Value

__all__ = ["with_values_replaced"]

_OPAQUE = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, Value, str, bytes, float, int)


def with_values_replaced(root: Any, replace: Callable[[Sequence[Value]], Sequence[Any]]) -> Any:
    """A structure with other objects in the place of its Values.

    Args:
        root: the structure.
        replace: is handed all Values at once, and returns what stands for each, perhaps itself.

    >>> with_values_replaced({"a": {Value(1.0)}, "b": "text"}, lambda values: [v.data for v in values])
    {'a': {1.0}, 'b': 'text'}
    """
    values: dict[Value, None] = {}
    holders: dict[int, list[int]] = {}  # of each object, by id, who holds it
    seen = {}  # by id; it keeps alive what only a list made here holds
    stack = [root]
    while stack:
        part = stack.pop()
        if is_node(part):
            values[part] = None
        if id(part) not in seen:
            seen[id(part)] = part
            for inner in _parts(part):
                holders.setdefault(id(inner), []).append(id(part))
                stack.append(inner)
    copies: dict[int, Any] = {}
    for value, other in zip(values, replace(list(values))):
        if other is not value:
            copies[id(value)] = other
    affected: set[int] = set()
    reached = list(copies)
    while reached:
        place = reached.pop()
        if place not in affected:
            affected.add(place)
            reached += holders.get(place, [])
    return _rebuilt(root, affected, copies)


def _attributes(holder: Any) -> dict[str, Any]:
    attributes = dict(getattr(holder, "__dict__", {}))
    for cls in type(holder).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(holder, name):
                attributes[name] = getattr(holder, name)
    return attributes


def _parts(holder: Any) -> list[Any]:
    """What an object holds."""
    if holder is None or isinstance(holder, _OPAQUE) or is_node(holder):
        return []
    if isinstance(holder, np.ndarray):
        return holder.ravel().tolist() if holder.dtype.kind == "O" else []
    parts = list(_attributes(holder).values())
    if isinstance(holder, dict):
        parts += [*holder.keys(), *holder.values()]
    elif isinstance(holder, (list, tuple, set, frozenset, deque)):
        parts += holder
    return parts


def _rebuilt(holder: Any, affected: set[int], copies: dict[int, Any]) -> Any:
    """An object with what stands for its Values; itself where that is nothing else."""
    if id(holder) in copies:
        return copies[id(holder)]
    if id(holder) not in affected:
        return holder
    if isinstance(holder, np.ndarray):
        parts = [_rebuilt(part, affected, copies) for part in holder.ravel().tolist()]
        copies[id(holder)] = array_of(parts, holder.shape)
        return copies[id(holder)]
    if isinstance(holder, (tuple, frozenset)):
        parts = [_rebuilt(part, affected, copies) for part in holder]
        copies[id(holder)] = type(holder)(*parts) if hasattr(holder, "_fields") else type(holder)(parts)
        return copies[id(holder)]
    twin = copies[id(holder)] = copy.copy(holder)
    if isinstance(holder, dict):
        twin.clear()
        for key, part in holder.items():
            twin[_rebuilt(key, affected, copies)] = _rebuilt(part, affected, copies)
    elif isinstance(holder, set):
        twin.clear()
        twin.update(_rebuilt(part, affected, copies) for part in holder)
    elif isinstance(holder, (list, deque)):
        for at, part in enumerate(holder):
            twin[at] = _rebuilt(part, affected, copies)
    for name, part in _attributes(holder).items():
        object.__setattr__(twin, name, _rebuilt(part, affected, copies))
    return twin
