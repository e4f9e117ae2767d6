"""The frame of a model: all of it but its parameters, from which copies with other parameters are made.

Containers on the way to a parameter are copied, each once, so that sharing and cycles stay. What is not on
the way is a setting: the copies have the same object, and frames are equal only where their settings are.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, WrapperDescriptorType
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from autograd.graph.models.reached import Part, reached
from autograd.graph.value import Value

__all__ = ["Frame", "SharedNumber"]

_SUFFIXES_SHOWN = 12  # of a name, so that the names of a deep model stay short
_IMMUTABLE_TYPE, _HEAP_TYPE = (
    1 << 8,
    1 << 9,
)  # flags of classes; one that a class statement made has the second
_IN_C = WrapperDescriptorType, BuiltinFunctionType


class SharedNumber(float):
    """A number that stands at several places of a model: the object tells that they are one parameter."""

    __slots__ = ()


class ParameterPlace(NamedTuple):
    """Stands in the place of a parameter."""

    at: int


class ContainerPlace(NamedTuple):
    """Stands in the place of a container."""

    at: int


class _Identity:
    """What is equal to itself only."""

    __slots__ = ("_setting",)

    def __init__(self, setting: Any) -> None:
        self._setting = setting

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self._setting is other._setting

    def __hash__(self) -> int:
        return id(self._setting)


class Frame:
    """What of a model is not its parameters.

    Args:
        model: the model.
        index_of: which parameter it is that stands at a place, None for none; asked once for each place, in
            an order that depends on nothing but the frame.

    Attributes:
        kind: the model's class.
        counts: at how many places each parameter stands.
    """

    __slots__ = ("_containers", "_first_place", "_hash", "_key", "_model", "counts", "kind")

    def __init__(self, model: Any, index_of: Callable[[Any], int | None]) -> None:
        self.kind = type(model)
        self.counts: dict[int, int] = defaultdict(int)
        containers = [(container, parts) for container, parts in reached(model) if parts]
        numbers = {id(container): number for number, (container, _) in enumerate(containers)}
        # For parameters, and for containers counted down from -1, where they are met first.
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
        self._key = _key(containers, on_the_way)
        self._hash = hash(self._key)
        self._model = None if 0 in on_the_way else model
        self._containers = {
            number: (_maker(container), [_settled(part, containers, on_the_way) for part in parts])
            for number, (container, parts) in enumerate(containers)
            if number in on_the_way
        }

    def model(self, parameters: Sequence[Any]) -> Any:
        """A model with these parameters; what is no number may stand for them."""
        contents = [
            SharedNumber(parameter) if type(parameter) is float and self.counts[index] > 1 else parameter
            for index, parameter in enumerate(parameters)
        ]
        containers: dict[int, Any] = {}
        for number, (maker, _) in self._containers.items():
            if maker.empty is not None:
                containers[number] = maker.empty()

        def content_of(part: Part) -> Any:
            content = part.content
            if isinstance(content, ParameterPlace):
                return contents[content.at]
            return containers[content.at] if isinstance(content, ContainerPlace) else content

        for number in self._containers:
            waiting = [number]  # and before it what it is made of
            while waiting:
                maker, parts = self._containers[waiting[-1]]
                if waiting[-1] in containers:
                    waiting.pop()
                    continue
                needed = [part for part in parts if part.kind in ("entry", "referent", "argument")]
                missing = [
                    part.content.at
                    for part in needed
                    if isinstance(part.content, ContainerPlace) and part.content.at not in containers
                ]
                if missing:
                    waiting += missing
                else:
                    containers[waiting.pop()] = maker.whole(
                        [(part.place, content_of(part)) for part in needed]
                    )
        for number, (maker, parts) in self._containers.items():
            for part in parts:
                if maker.empty is not None or part.kind in ("attribute", "slot"):
                    _put(containers[number], part, content_of(part))
        return containers[0] if containers else self._model

    def name(self, index: int) -> str:
        """What to write after the model to name a parameter: ``.layers[0].w``."""
        suffixes = []
        place = index
        while place != -1:
            number, part = self._first_place[place]
            suffixes.append(part.suffix)
            place = -1 - number
        if len(suffixes) > _SUFFIXES_SHOWN:
            half = _SUFFIXES_SHOWN // 2
            suffixes[half:-half] = ["..."]
        return "".join(reversed(suffixes))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frame) and self._hash == other._hash and self._key == other._key

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        count = len(self.counts)
        names = [self.name(index).removeprefix(".") for index in (0, count - 1)[: min(count, 2)]]
        return f"{self.kind.__name__}({', ..., '.join(names)}: {count} parameters)"


class _Maker(NamedTuple):
    """How a container is made: empty, to be filled, or whole of pairs of places and contents."""

    empty: Callable[[], Any] | None
    whole: Callable[[list[tuple[Any, Any]]], Any]


def _maker(container: Any) -> _Maker:
    kind, base = type(container), _base(container)
    if isinstance(container, FunctionType):
        return _Maker(partial(_new_function, container), _as_is)
    if isinstance(container, MethodType):
        return _Maker(None, lambda parts: MethodType(container.__func__, parts[0][1]))
    if type(container) is ref:
        return _Maker(None, lambda parts: ref(parts[0][1]))
    if isinstance(container, partial):
        return _Maker(None, partial(_new_partial, kind))
    if base is tuple:
        return _Maker(None, lambda parts: tuple.__new__(kind, [content for _, content in parts]))
    if base is np.ndarray:
        return _Maker(partial(np.ndarray.__new__, kind, container.shape, dtype=object), _as_is)
    if base in (object, list, dict, OrderedDict, defaultdict):
        return _Maker(partial(base.__new__, kind), _as_is)
    raise TypeError(
        f"a {kind.__name__} is on the way to parameters of a model, and what {base.__name__} holds beside "
        "its attributes cannot be copied: keep the parameters in objects of your own classes, lists, tuples, "
        "dicts and NumPy arrays"
    )


def _base(container: Any) -> Any:
    """The class written in C that the container's class builds on: what it holds, attributes do not tell."""
    return next(base for base in type(container).__mro__ if not _is_in_python(base))


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


def _new_partial(kind: Any, parts: list[tuple[Any, Any]]) -> Any:
    (_, function), *arguments = parts
    positional = [content for place, content in arguments if isinstance(place, int)]
    return kind(
        function, *positional, **{place: content for place, content in arguments if isinstance(place, str)}
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
    elif isinstance(container, np.ndarray):
        container[part.place] = content
    else:
        _base(container).__setitem__(container, part.place, content)


def _settled(part: Part, containers: list[tuple[Any, list[Part]]], on_the_way: set[int]) -> Part:
    """A part with a container that is not on the way as the setting that it is."""
    content = part.content
    if isinstance(content, ContainerPlace) and content.at not in on_the_way:
        return part._replace(content=containers[content.at][0])
    return part


def _key(containers: list[tuple[Any, list[Part]]], on_the_way: set[int]) -> Any:
    """What is equal where classes, nesting, sharing and settings are: a row for each container."""
    if not containers:
        return ()
    rows: list[Any] = []
    numbers = [0]
    positions = {0: 0}

    def token(content: Any) -> Any:
        if isinstance(content, ParameterPlace):
            return "parameter", content.at
        if not isinstance(content, ContainerPlace):
            return _setting_key(content)
        container = containers[content.at][0]
        if isinstance(container, FunctionType) and content.at not in on_the_way:
            return _Identity(container)
        if content.at not in positions:
            positions[content.at] = len(numbers)
            numbers.append(content.at)
        return "container", positions[content.at]

    for number in numbers:  # which grows
        container, parts = containers[number]
        rows.append((type(container), _own_key(container)))
        rows += [(part.kind, _setting_key(part.place), token(part.content)) for part in parts]
    return tuple(rows)


def _own_key(container: Any) -> Any:
    """What of a container is not among its parts."""
    if isinstance(container, FunctionType):
        own = container.__code__, container.__defaults__, container.__kwdefaults__
        return tuple([_Identity(setting) for setting in own])
    if isinstance(container, MethodType):
        return _Identity(container.__func__)
    if isinstance(container, np.ndarray):
        return container.shape
    known = (object, list, tuple, dict, OrderedDict, defaultdict)
    return (
        None if isinstance(container, (partial, ref)) or _base(container) in known else _Identity(container)
    )


def _setting_key(setting: Any) -> Any:
    """What is equal where a setting that holds nothing is the same: by identity where nothing else tells."""
    kind = type(setting)
    if kind in (str, int, bool, bytes, type(None)):
        return kind, setting
    if isinstance(setting, (float, complex, np.generic)):
        return kind, repr(setting)  # 0.0 is not -0.0, and nan is nan
    if isinstance(setting, np.ndarray):
        return kind, setting.dtype.str, setting.shape, setting.tobytes()
    if kind is tuple:
        return kind, tuple(map(_setting_key, setting))
    if kind in (set, frozenset):
        return kind, frozenset(map(_setting_key, setting))
    has_no_state = kind in (list, dict) or (_base(setting) is object is not kind and kind is not Value)
    return (kind, None) if has_no_state else _Identity(setting)
