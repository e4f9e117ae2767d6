"""Values replaced by numbers wherever a structure holds them: what `has_aux` hands out.

Lists, tuples, dicts, sets, object arrays, dataclasses and objects of anyone's class are looked into. Only
what holds a replaced Value, at any depth, is copied; sharing and cycles stay, and all else is left as it is.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import partial
from types import FunctionType, MethodType
from typing import Any
from weakref import ref

import numpy as np

from autograd.graph.models.reached import reached
from autograd.graph.models.skeletons import Skeleton
from autograd.graph.nodes import is_node
from autograd.graph.trees import array_of
from autograd.graph.value import Value

__all__ = ["with_values_replaced"]

_OPAQUE = FunctionType, MethodType, partial, ref
_ATOMS = {float, int, bool, str, bytes, complex, type(None)}
_DEEPEST_PLAIN = 20


def with_values_replaced(root: Any, replace: Callable[[Sequence[Value]], Sequence[Any]]) -> Any:
    """A structure with other objects in the place of its Values.

    Args:
        root: the structure.
        replace: is handed all Values at once, and returns what stands for each, perhaps itself.

    >>> with_values_replaced({"a": {Value(1.0)}, "b": "text"}, lambda values: [v.data for v in values])
    {'a': {1.0}, 'b': 'text'}
    """
    plain: list[Value] = []
    if _is_plain(root, plain, set(), _DEEPEST_PLAIN):
        replaced = {id(value): other for value, other in zip(plain, replace(plain))}
        return _plain_copy(root, replaced)
    objects = list(reached([root], _OPAQUE, hashed=True))
    values = [part for part, _ in objects if is_node(part)]
    others = {id(value): other for value, other in zip(values, replace(values)) if other is not value}
    if not others:
        return root
    containers = [(container, parts) for container, parts in objects if parts]
    for array, parts in containers:
        if type(array) is np.ndarray and any(id(part.content) in others for part in parts):
            entries = [others.get(id(part.content), part.content) for part in parts]
            if {float}.issuperset(map(type, entries)):
                others[id(array)] = array_of(entries, array.shape)
    index = {place: at for at, place in enumerate(others)}
    skeleton = Skeleton(containers, lambda content: index.get(id(content)))
    return skeleton.copy(list(others.values()))[0]


# The usual structure, a few lists, tuples and dicts within each other, has a way of its own, which is short.


def _is_plain(part: Any, values: list[Value], seen: set[int], levels: int) -> bool:
    """Whether all that is reached is Values, which are listed, and atoms in containers that are met once."""
    kind = type(part)
    if kind is Value:
        values.append(part)
        return True
    if kind in _ATOMS:
        return True
    if kind not in (list, tuple, dict) or id(part) in seen or not levels:
        return False
    if kind is dict and not {str}.issuperset(map(type, part)):
        return False
    seen.add(id(part))
    contents = part.values() if kind is dict else part
    return all(_is_plain(content, values, seen, levels - 1) for content in contents)


def _plain_copy(part: Any, replaced: dict[int, Any]) -> Any:
    """A plain structure with others in the place of Values; the same object where it holds none."""
    kind = type(part)
    if kind is Value:
        return replaced[id(part)]
    if kind in _ATOMS:
        return part
    contents = list(part.values() if kind is dict else part)
    copies = [_plain_copy(content, replaced) for content in contents]
    if all(map(operator.is_, copies, contents)):
        return part
    return dict(zip(part, copies)) if kind is dict else kind(copies)
