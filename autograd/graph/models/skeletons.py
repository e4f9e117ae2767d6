"""Skeletons: structures with some of their contents left out, of which copies with others there are made.

Containers on the way to such a content are copied, each once, so that sharing and cycles stay; the copies
have all else in common. Nothing here recurses.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from copy import copy
from functools import lru_cache, partial
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, WrapperDescriptorType
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from autograd.graph.models.reached import Part

__all__ = ["ContainerPlace", "Maker", "ParameterPlace", "Skeleton", "base_of"]

_IMMUTABLE_TYPE, _HEAP_TYPE = 1 << 8, 1 << 9  # flags of classes: a class statement's has the second alone
_IN_C = WrapperDescriptorType, BuiltinFunctionType
_NEEDED_WHOLE = "entry", "member", "referent", "argument"


class ParameterPlace(NamedTuple):
    """Stands in the place of a content that is left out."""

    at: int


class ContainerPlace(NamedTuple):
    """Stands in the place of a container."""

    at: int


class Maker(NamedTuple):
    """How a container is made: empty, to be filled, or whole of pairs of places and contents."""

    empty: Callable[[], Any] | None
    whole: Callable[[list[tuple[Any, Any]]], Any]


class Skeleton:
    """What of a structure remains when some of its contents are left out.

    Args:
        containers: the structure: what is `reached` from it, if it has parts. In these parts places come
            to stand for containers, and for what is left out.
        index_of: which of the contents to leave out it is that stands at a place, None for none; asked once
            for each place, in the order of the containers.

    Attributes:
        counts: at how many places each of them stood.
    """

    __slots__ = ("_containers", "_first_place", "counts")

    def __init__(
        self, containers: Sequence[tuple[Any, list[Part]]], index_of: Callable[[Any], int | None]
    ) -> None:
        self.counts: dict[int, int] = defaultdict(int)
        numbers = {id(container): number for number, (container, _) in enumerate(containers)}
        # For contents left out, and for containers counted down from -1, where they are met first.
        self._first_place: dict[int, tuple[int, Part]] = {}
        users: dict[int, list[int]] = defaultdict(list)
        waiting = []
        for number, (_, parts) in enumerate(containers):
            for at, part in enumerate(parts):
                index, inner = index_of(part.content), numbers.get(id(part.content))
                if index is not None:
                    parts[at] = Part(part.kind, part.place, ParameterPlace(index))
                    self.counts[index] += 1
                    self._first_place.setdefault(index, (number, part))
                    waiting.append(number)
                elif inner is not None:
                    parts[at] = Part(part.kind, part.place, ContainerPlace(inner))
                    users[inner].append(number)
                    self._first_place.setdefault(-1 - inner, (number, part))
        on_the_way = set(waiting)
        while waiting:
            further = set(users[waiting.pop()]) - on_the_way
            on_the_way |= further
            waiting += further
        settled = {
            number: [_settled(part, containers, on_the_way) for part in containers[number][1]]
            for number in on_the_way
        }
        # What a container holds comes before it, so that it is whole when it is hashed.
        self._containers = {
            number: (_maker(containers[number][0]) or self._other_maker(containers[number][0]), parts)
            for number, parts in _inner_first(settled)
        }

    def copy(self, contents: Sequence[Any]) -> Any:
        """The structure with other contents in the places of those left out; None where there are none."""
        copies: dict[int, Any] = {}
        for number, (maker, _) in self._containers.items():
            if maker.empty is not None:
                copies[number] = maker.empty()

        def content_of(part: Part) -> Any:
            content = part.content
            if type(content) is ContainerPlace:
                if content.at not in copies:
                    make_whole(content.at)
                return copies[content.at]
            return contents[content.at] if type(content) is ParameterPlace else content

        def make_whole(number: int) -> None:
            waiting = [number]  # and before it what it is made of
            while waiting:
                if waiting[-1] in copies:  # two were waiting for it
                    waiting.pop()
                    continue
                maker, parts = self._containers[waiting[-1]]
                needed = [part for part in parts if part.kind in _NEEDED_WHOLE]
                missing = [at for at in _containers_among(needed) if at not in copies]
                waiting += missing
                if not missing:
                    copies[waiting.pop()] = maker.whole([(part.place, content_of(part)) for part in needed])

        for number, (maker, parts) in self._containers.items():
            if number not in copies:
                make_whole(number)
            for part in parts:
                if maker.empty is not None or part.kind in ("attribute", "slot"):
                    _put(copies[number], part, content_of(part))
        return copies.get(0)

    def _other_maker(self, container: Any) -> Maker:
        """How an object is made of whose class it is not known what it holds beside its parts."""
        return Maker(partial(copy, container), _as_is)


def _containers_among(parts: list[Part]) -> list[int]:
    return [part.content.at for part in parts if type(part.content) is ContainerPlace]


def _inner_first(parts_of: dict[int, list[Part]]) -> list[tuple[int, list[Part]]]:
    """The containers that are reached from the first, each after those that it holds, but for cycles."""
    order, entered, stack = [], set(), [0] if parts_of else []
    while stack:
        number = stack.pop()
        if number < 0:
            order.append((~number, parts_of[~number]))
        elif number not in entered:
            entered.add(number)
            stack += [~number, *_containers_among(parts_of[number])]
    return order


def _maker(container: Any) -> Maker | None:
    kind, base = type(container), base_of(container)
    if isinstance(container, FunctionType):
        return Maker(partial(_new_function, container), _as_is)
    if isinstance(container, MethodType):
        return Maker(None, lambda parts: MethodType(container.__func__, parts[0][1]))
    if type(container) is ref:
        return Maker(None, lambda parts: ref(parts[0][1]))
    if isinstance(container, partial):
        return Maker(None, partial(_new_partial, kind))
    if base is tuple:
        return Maker(None, lambda parts: tuple.__new__(kind, [content for _, content in parts]))
    if base is np.ndarray:
        return Maker(partial(np.ndarray.__new__, kind, container.shape, dtype=object), _as_is)
    if base is frozenset:
        return Maker(None, lambda parts: frozenset.__new__(kind, [content for _, content in parts]))
    if base is deque:
        return Maker(partial(_new_deque, container), _as_is)
    if base in (object, list, dict, OrderedDict, defaultdict, set):
        return Maker(partial(base.__new__, kind), _as_is)
    return None


def base_of(container: Any) -> Any:
    """The class written in C that the container's class builds on: what it holds, attributes do not tell."""
    cls: Any = type(container)
    return _base(cls)


@lru_cache(maxsize=1024)
def _base(cls: Any) -> Any:
    return next(base for base in cls.__mro__ if not _is_in_python(base))


def _is_in_python(cls: Any) -> bool:
    if cls.__flags__ & (_IMMUTABLE_TYPE | _HEAP_TYPE) != _HEAP_TYPE:
        return False
    return not any(isinstance(vars(cls).get(name), _IN_C) for name in ("__new__", "__init__"))


def _as_is(_: object) -> Any:
    raise AssertionError("it is made empty")


def _new_function(function: FunctionType) -> FunctionType:
    cells = tuple([CellType() for _ in function.__closure__ or ()])
    code, name = function.__code__, function.__name__
    copied = FunctionType(code, function.__globals__, name, function.__defaults__, cells)
    copied.__kwdefaults__ = function.__kwdefaults__
    copied.__dict__.update(function.__dict__)
    return copied


def _new_deque(container: Any) -> Any:
    copied = deque.__new__(type(container))
    deque.__init__(copied, (), container.maxlen)
    return copied


def _new_partial(kind: Any, parts: list[tuple[Any, Any]]) -> Any:
    (_, function), *held = parts
    positional = [content for place, content in held if isinstance(place, int)]
    return kind(
        function, *positional, **{place: content for place, content in held if isinstance(place, str)}
    )


def _put(container: Any, part: Part, content: Any) -> None:
    if part.kind == "attribute":
        container.__dict__[part.place] = content
    elif part.kind == "slot":
        object.__setattr__(container, part.place, content)
    elif part.kind == "cell":
        container.__closure__[container.__code__.co_freevars.index(part.place)].cell_contents = content
    elif isinstance(container, list):
        list.append(container, content)
    elif isinstance(container, deque):
        deque.append(container, content)
    elif part.kind == "member":
        set.add(container, content)
    elif part.kind == "item":
        base_of(container).__setitem__(container, *content)
    elif isinstance(container, np.ndarray):
        container[part.place] = content
    else:
        base_of(container).__setitem__(container, part.place, content)


def _settled(part: Part, containers: Sequence[tuple[Any, list[Part]]], on_the_way: set[int]) -> Part:
    """A part with a container that is not on the way as the setting that it is."""
    content = part.content
    if type(content) is ContainerPlace and content.at not in on_the_way:
        return part._replace(content=containers[content.at][0])
    return part
