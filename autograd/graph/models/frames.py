"""The frame of a model: all of it but its parameters, from which copies with other parameters are made.

Containers on the way to a parameter are copied, each once, so that sharing and cycles stay. What is not on
the way is a setting: the copies have the same object, and frames are equal only where their settings are.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Container, Sequence
from functools import partial
from types import FunctionType, MethodType
from typing import Any
from weakref import ref

import numpy as np

from autograd.graph.models.reached import Part, reached
from autograd.graph.models.skeletons import ContainerPlace, Maker, ParameterPlace, Skeleton, base_of
from autograd.graph.value import Value
from autograd.support.exact_keys import exact_key

__all__ = ["Frame", "SharedNumber"]

_SUFFIXES_SHOWN = 12  # of a name, so that the names of a deep model stay short
_KNOWN = object, list, tuple, dict, OrderedDict, defaultdict


class SharedNumber(float):
    """A number that stands at several places of a model: the object tells that they are one parameter."""

    __slots__ = ()


class _Identity:
    """What is equal to itself only."""

    __slots__ = ("_setting",)

    def __init__(self, setting: Any) -> None:
        self._setting = setting

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self._setting is other._setting

    def __hash__(self) -> int:
        return id(self._setting)


class Frame(Skeleton):
    """What of a model is not its parameters.

    Args:
        model: the model.
        index_of: which parameter it is that stands at a place, None for none; asked once for each place, in
            an order that depends on nothing but the frame.

    Attributes:
        kind: the model's class.
        counts: at how many places each parameter stands.

    Raises:
        TypeError: an object on the way to a parameter cannot be copied.
    """

    __slots__ = ("_hash", "_key", "_model", "kind")

    def __init__(self, model: Any, index_of: Callable[[Any], int | None]) -> None:
        self.kind = type(model)
        containers = [(container, parts) for container, parts in reached(model) if parts]
        super().__init__(containers, index_of)
        self._key = _key(containers, self._containers)
        self._hash = hash(self._key)
        self._model = None if self._containers else model

    def model(self, parameters: Sequence[Any]) -> Any:
        """A model with these parameters; what is no number may stand for them."""
        contents = [
            SharedNumber(parameter) if type(parameter) is float and self.counts[index] > 1 else parameter
            for index, parameter in enumerate(parameters)
        ]
        return self.copy(contents) if self._containers else self._model

    def _other_maker(self, container: Any) -> Maker:
        kind, base = type(container).__name__, base_of(container).__name__
        raise TypeError(
            f"a {kind} is on the way to parameters of a model, and what {base} holds beside its attributes "
            "cannot be copied: keep the parameters in objects of your own classes, lists, tuples, dicts and "
            "NumPy arrays"
        )

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


def _key(containers: list[tuple[Any, list[Part]]], on_the_way: Container[int]) -> Any:
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
    if isinstance(container, deque):
        return container.maxlen
    is_known = isinstance(container, (partial, ref)) or base_of(container) in _KNOWN
    return None if is_known else _Identity(container)


def _setting_key(setting: Any) -> Any:
    """What is equal where a setting that holds nothing is the same: by identity where nothing else tells."""
    return exact_key(setting, _content_key)


def _content_key(setting: Any) -> Any:
    kind = type(setting)
    if isinstance(setting, np.ndarray):
        return setting.dtype.str, setting.shape, setting.tobytes()
    if kind is set:
        return frozenset(map(_setting_key, setting))
    if kind is deque:
        return setting.maxlen
    has_no_state = kind in (list, dict) or (base_of(setting) is object is not kind and kind is not Value)
    return None if has_no_state else _Identity(setting)
