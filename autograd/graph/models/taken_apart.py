"""Models taken apart: objects of any class whose ``parameters()`` are their Values.

In what transforms make of a model, numbers or arrays stand in the places of its Values. Numbers have no
identity; to find out which of those in a model ``parameters()`` means, it is asked of a copy with Values.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd.graph.context import entered
from autograd.graph.models.frames import Frame, SharedNumber
from autograd.graph.value import Value
from autograd.primitives.ieee import described

__all__ = ["is_model", "taken_apart"]


def is_model(candidate: Any) -> bool:
    """Whether it is an object with a method ``parameters``."""
    return not isinstance(candidate, type) and callable(getattr(candidate, "parameters", None))


def taken_apart(model: Any) -> tuple[list[Any], Frame]:
    """The parameters of a model in their order, each once, and the frame of it.

    Raises:
        TypeError: ``parameters()`` returns something else than Values.
        ValueError: a parameter cannot be reached from the object.
    """
    listed = _listed(model)
    numbers, stand_ins = _Numbers(), []
    if not all(isinstance(parameter, Value) for parameter in listed):
        frame = Frame(model, numbers.count)
        stand_ins = [Value(content if isinstance(content, float) else 0.0) for content in numbers.contents]
        with entered(tracing=False):  # whatever it decides by numbers was refused above
            listed = _listed(frame.model(stand_ins))
    parameters = list({id(parameter): parameter for parameter in listed}.values())
    index = {id(parameter): at for at, parameter in enumerate(parameters)}
    again = _Numbers()

    def index_of(content: Any) -> int | None:
        number = again.count(content) if stand_ins else None
        return index.get(id(content if number is None else stand_ins[number]))

    frame = Frame(model, index_of)
    for at, parameter in enumerate(parameters):
        if at not in frame.counts:
            label = f" ({parameter.label!r})" if isinstance(parameter, Value) and parameter.label else ""
            raise ValueError(
                f"parameter {at}{label} of {frame.kind.__name__} is not reached from the object, so that no "
                "copy of it with other numbers can be made: keep each Value that parameters() returns in an "
                "attribute, or in a list, tuple, dict or NumPy array there"
            )
    contents = {id(value): content for value, content in zip(stand_ins, numbers.contents)}
    plain = [contents.get(id(parameter), parameter) for parameter in parameters]
    return [float(content) if isinstance(content, float) else content for content in plain], frame


def _listed(model: Any) -> list[Any]:
    name = type(model).__name__
    listed = model.parameters()
    if not isinstance(listed, Iterable):
        raise TypeError(f"parameters() of {name} must return its Values in a list, got {described(listed)}")
    parameters = list(listed)
    for at, parameter in enumerate(parameters):
        if isinstance(parameter, (Value, float)) or _is_array(parameter):
            continue
        advice = "keep its numbers as Values, w = Value(0.5), or pass them in lists, dicts or arrays"
        if isinstance(parameter, np.ndarray):
            advice = "return the elements of an array of Values, [*w.flat]"
        raise TypeError(
            f"the parameters of a model must be Values, and parameter {at} of {name} is "
            f"{described(parameter)}: {advice}"
        )
    return parameters


def _is_array(content: Any) -> bool:
    return isinstance(content, np.ndarray) and content.dtype.kind == "f"


class _Numbers:
    """Counts the places of a model where a number stands, or an array; one that is shared once."""

    def __init__(self) -> None:
        self.contents: list[Any] = []
        self._shared: dict[int, int] = {}

    def count(self, content: Any) -> int | None:
        """The number of a place by what stands there; None for what is no number."""
        if not isinstance(content, float) and not _is_array(content):
            return None
        number = len(self.contents)
        if isinstance(content, (SharedNumber, np.ndarray)):
            number = self._shared.setdefault(id(content), number)
        if number == len(self.contents):
            self.contents.append(content)
        return number
