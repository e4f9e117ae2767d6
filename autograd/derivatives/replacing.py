"""Values replaced by numbers wherever a structure holds them: what `has_aux` hands out.

Lists, tuples, dicts, sets, object arrays, dataclasses and objects of anyone's class are looked into. Only
what holds a replaced Value, at any depth, is copied; sharing and cycles stay, and all else is left as it is.
"""

from __future__ import annotations

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


def with_values_replaced(root: Any, replace: Callable[[Sequence[Value]], Sequence[Any]]) -> Any:
    """A structure with other objects in the place of its Values.

    Args:
        root: the structure.
        replace: is handed all Values at once, and returns what stands for each, perhaps itself.

    >>> with_values_replaced({"a": {Value(1.0)}, "b": "text"}, lambda values: [v.data for v in values])
    {'a': {1.0}, 'b': 'text'}
    """
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
