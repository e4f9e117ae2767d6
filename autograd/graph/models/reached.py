"""What is reached from an object: by attributes, containers, functions and weak references.

Nothing here recurses, so that a model may be as deep as it likes.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from functools import partial
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from autograd.graph.nodes import is_node
from autograd.graph.value import Value

__all__ = ["Part", "parts_of", "reached", "values_within"]

_OPAQUE = (type, ModuleType, BuiltinFunctionType, Value, float, int, complex, str, bytes, type(None))
_WITHOUT_ATTRIBUTES = {list, tuple, dict, deque, set, frozenset, np.ndarray}


class Part(NamedTuple):
    """A part of a container.

    Attributes:
        kind: "attribute", "slot", "entry" (of a list, tuple, deque, dict or array), "cell" (of a function),
            "referent" (of a bound method or a weak reference), "argument" (of a `functools.partial`), or,
            where hashed parts are asked for, "item" (of a dict: key and value) or "member" (of a set).
        place: its name, index or key.
        content: what stands there.
    """

    kind: str
    place: Any
    content: Any

    @property
    def suffix(self) -> str:
        """What one writes after the container to name it."""
        return f"[{self.place!r}]" if self.kind == "entry" else f".{self.place}"


def parts_of(container: Any, hashed: bool = False) -> list[Part]:
    """What an object holds; nothing for what is not looked into.

    Args:
        container: any object.
        hashed: whether what it finds by hash is among its parts: keys, and members of sets.
    """
    if isinstance(container, _OPAQUE) or is_node(container):
        return []
    if isinstance(container, FunctionType):
        cells = zip(container.__code__.co_freevars, container.__closure__ or ())
        return [Part("cell", name, cell.cell_contents) for name, cell in cells if not _is_empty(cell)]
    if isinstance(container, MethodType):
        return [Part("referent", "__self__", container.__self__)]
    if type(container) is ref:
        return [] if container() is None else [Part("referent", "__call__()", container())]
    parts: list[Part] = []
    if isinstance(container, np.ndarray):
        if container.dtype.kind == "O":
            parts = [Part("entry", index, content) for index, content in np.ndenumerate(container)]
    elif isinstance(container, partial):
        contents: list[tuple[Any, Any]] = [("func", container.func), *enumerate(container.args)]
        contents += container.keywords.items()
        parts = [Part("argument", place, content) for place, content in contents]
    elif isinstance(container, dict):
        parts = [
            Part("item", at, item) if hashed and type(item[0]) is not str else Part("entry", *item)
            for at, item in enumerate(container.items())
        ]
        if isinstance(container, defaultdict):
            parts.append(Part("slot", "default_factory", container.default_factory))
    elif isinstance(container, (list, tuple, deque)):
        parts = [Part("entry", index, content) for index, content in enumerate(container)]
    elif hashed and isinstance(container, (set, frozenset)):
        parts = [Part("member", at, content) for at, content in enumerate(container)]
    return parts if type(container) in _WITHOUT_ATTRIBUTES else parts + _attributes(container)


def _attributes(container: Any) -> list[Part]:
    attributes = [Part("attribute", *item) for item in getattr(container, "__dict__", {}).items()]
    for cls in type(container).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            is_private = slot.startswith("__") and not slot.endswith("__")
            name = f"_{cls.__name__.lstrip('_')}{slot}" if is_private else slot
            if name not in ("__dict__", "__weakref__") and hasattr(container, name):
                attributes.append(Part("slot", name, getattr(container, name)))
    return attributes


def _is_empty(cell: CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return True
    return False


def reached(
    root: Any, opaque: tuple[type, ...] = (), hashed: bool = False
) -> Iterator[tuple[Any, list[Part]]]:
    """Every object that is reached, once, with its `parts_of` (none of an opaque one); the nearest first."""
    seen = {id(root): root}  # which keeps alive what only a part made here holds
    queue = deque([root])
    while queue:
        container = queue.popleft()
        parts = [] if isinstance(container, opaque) else parts_of(container, hashed)
        yield container, parts
        for part in parts:
            if id(part.content) not in seen:
                seen[id(part.content)] = part.content
                queue.append(part.content)


def values_within(root: Any) -> set[Value]:
    """The Values that are reached from an object, but for those that functions close over."""
    functions = FunctionType, MethodType, partial
    return {content for content, _ in reached(root, functions) if isinstance(content, Value)}
