"""`detect_anomaly`: find the operation, and the line of code, where a nan or an inf is born."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd.graph import context
from autograd.graph.context import Received, Watcher, current, entered
from autograd.graph.nodes import is_array, is_constant, number, numbers, operands, operation
from autograd.graph.value import Value
from autograd.support.user_line import Line, user_line

__all__ = ["detect_anomaly", "is_born", "is_hunted"]


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise where a nan or an inf is born: an inf of finite numbers, a nan where there was none.

    Within the context every operation is checked as it is recorded, and every derivative as it is
    handed on, by `Value.backward` as by `grad` and its kin; both are slower by far. A program, compiled
    or not, is checked by its results: where one is not finite, the run is repeated an instruction at a
    time to find out why; a function that is traced is not checked before it runs. What was put in (the
    data of a leaf) was not born there and goes through.

    Raises:
        FloatingPointError: names the operation, its inputs and the line that wrote it.

    >>> x = Value(0.0, "x")
    >>> with detect_anomaly():
    ...     x.log()
    Traceback (most recent call last):
    FloatingPointError: log(x=0.0) is -inf, at <doctest ...>:2: x.log()
    """
    with entered(watchers=(*current().watchers, _Detective()), detecting=True):
        yield


def is_hunted(*results: Iterable[Any]) -> bool:
    """Whether a program's results are to be looked into: they are not finite, and anomalies detected."""
    if not (context.active and current().detecting):
        return False
    return not all(math.isfinite(number) for numbers in results for number in numbers)


class _Detective(Watcher):
    """Checks each node, and remembers the line that made it for the way back.

    Of a derivative's own graph it is each partial derivative that is checked, and not what its rule
    computed on the way: of two sides a rule chooses one. Its operations belong to the line of what it
    is the derivative of.
    """

    def __init__(self) -> None:
        self.lines: dict[Value, Line] = {}

    def recorded(self, node: Value) -> None:
        if current().tracing:
            return  # on numbers that do not matter
        source = current().source.node
        line = self.lines[node] = self.lines.get(source) or user_line()
        if operation(node).takes_arrays:
            return  # it hunts by itself
        if source is None and is_born(node._data, numbers(operands(node))):
            raise FloatingPointError(f"{_call(node)} is {node._data}, at {line}")

    def propagated(self, node: Value, adjoints: Sequence[float], received: Received) -> None:
        for operand, gradient, held in received:
            gradient, held = _worst(gradient), _worst(held)
            if self._is_born_at(node, gradient, adjoints):
                reached = " and ".join(map(str, adjoints))
                raise FloatingPointError(
                    f"backward through {_call(node)} = {node._data} hands a gradient of {gradient} to "
                    f"{_named(operand)}, having received {reached}{self._where(node)}"
                )
            if is_born(held + gradient, [held, gradient]):
                raise FloatingPointError(
                    f"the gradients handed to {_named(operand)} add up to {held + gradient}, with {gradient} "
                    f"from {_call(node)}{self._where(node)}"
                )

    def pushed(self, node: Value, tangent: float, tangents: Sequence[float]) -> None:
        if self._is_born_at(node, tangent, tangents):
            raise FloatingPointError(
                f"forward through {_call(node)} = {node._data} gives a tangent of {tangent}, "
                f"having received {' and '.join(map(str, tangents))}{self._where(node)}"
            )

    def _is_born_at(self, node: Value, derivative: float, of: Sequence[float]) -> bool:
        results = node._data if isinstance(node._data, tuple) else (node._data,)
        return is_born(_worst(derivative), [*map(_worst, [*of, *results, *numbers(operands(node))])])

    def _where(self, node: Value) -> str:
        line = self.lines.get(node)
        return f", recorded at {line}" if line else ""


def _worst(number: Any) -> float:
    """A number; of an array one that is not finite, if there is one."""
    if type(number) is not np.ndarray:
        return number  # type: ignore[no-any-return]
    others = number[~np.isfinite(number)]
    return others[0].item() if len(others) else 0.0


def is_born(result: float, of: list[float]) -> bool:
    """Whether a result is an inf of finite numbers, or a nan of numbers that were none."""
    if math.isnan(result):
        return not any(map(math.isnan, of))
    return math.isinf(result) and all(map(math.isfinite, of))


def _named(operand: Any) -> str:
    label = "" if type(operand) is float else operand.label
    shown = number(operand) if is_constant(operand) or not is_array(operand) else "an array"
    return f"{label}={shown}" if label else f"{shown}"


def _call(node: Value) -> str:
    return f"{operation(node).name}({', '.join(map(_named, operands(node)))})"
