"""`detect_anomaly`: find the operation, and the line of code, where a nan or an inf is born."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd.graph import context
from autograd.graph.context import Received, Watcher, current, entered
from autograd.graph.nodes import (
    is_array,
    is_constant,
    number,
    numbers,
    operands,
    operation,
    selected_operands,
)
from autograd.graph.value import Value
from autograd.primitives import table
from autograd.support.user_line import Line, user_line

__all__ = ["detect_anomaly", "is_born", "is_hunted"]


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise where a nan or an inf is born: an inf of finite numbers, a nan where there was none.

    Within the context every operation is checked as it is recorded, and every derivative as it is
    handed on, by `Value.backward` as by `grad` and its kin; both are slower by far. Since a `where` may
    yet leave out what an operation computed, the error is raised when a derivative goes through the
    operation, or at the end of the context: for what only comparisons, and `where`s that do not select
    it, have used, none is raised. A program, compiled or not, is checked by its results: where one is
    not finite, the run is repeated an instruction at a time to find out why; a function that is traced
    is not checked before it runs. What was put in (the data of a leaf) was not born there and goes
    through.

    Raises:
        FloatingPointError: names the operation, its inputs and the line that wrote it.

    >>> x = Value(0.0, "x")
    >>> with detect_anomaly():
    ...     y = x.log()
    Traceback (most recent call last):
    FloatingPointError: log(x=0.0) is -inf, at <doctest ...>:2: y = x.log()
    """
    detective = _Detective()
    with entered(watchers=(*current().watchers, detective), detecting=True):
        yield
    detective.finish()


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

    Attributes:
        lines: where each node was recorded.
        births: for each node the first birth that its number was made of, as its place and message.
        results: of these nodes those that no operation has used, with the same.
    """

    def __init__(self) -> None:
        self.lines: dict[Value, Line] = {}
        self.births: dict[Value, tuple[int, str]] = {}
        self.results: dict[Value, tuple[int, str]] = {}

    def recorded(self, node: Value) -> None:
        if current().tracing:
            return  # on numbers that do not matter
        source = current().source.node
        line = self.lines[node] = self.lines.get(source) or user_line()
        if source is None:
            self._follow(node, line)

    def _follow(self, node: Value, line: Line) -> None:
        used = selected_operands(operation(node), operands(node))
        births = [self.births[operand] for operand in used if operand in self.births]
        hunts_by_itself = operation(node).takes_arrays
        if not hunts_by_itself and is_born(node._number, numbers(used)):
            births.append((len(self.births), f"{_call(node)} is {node._number}, at {line}"))
        for operand in operands(node):
            self.results.pop(operand, None)
        if births and operation(node) not in _COMPARISONS:
            self.births[node] = self.results[node] = min(births)

    def finish(self) -> None:
        """Raise what has not been raised: the first birth that led to something."""
        if self.results:
            raise FloatingPointError(min(self.results.values())[1])

    def _raise_birth(self, node: Value) -> None:
        if node in self.births:
            self.results.clear()
            raise FloatingPointError(self.births[node][1])

    def propagated(self, node: Value, adjoints: Sequence[float], received: Received) -> None:
        self._raise_birth(node)
        for operand, gradient, held in received:
            gradient, held = _worst(gradient), _worst(held)
            if self._is_born_at(node, gradient, adjoints):
                reached = " and ".join(map(str, adjoints))
                raise FloatingPointError(
                    f"backward through {_call(node)} = {node._number} hands a gradient of {gradient} to "
                    f"{_named(operand)}, having received {reached}{self._where(node)}"
                )
            if is_born(held + gradient, [held, gradient]):
                raise FloatingPointError(
                    f"the gradients handed to {_named(operand)} add up to {held + gradient}, with {gradient} "
                    f"from {_call(node)}{self._where(node)}"
                )

    def pushed(self, node: Value, tangent: float, tangents: Sequence[float]) -> None:
        self._raise_birth(node)
        if self._is_born_at(node, tangent, tangents):
            raise FloatingPointError(
                f"forward through {_call(node)} = {node._number} gives a tangent of {tangent}, "
                f"having received {' and '.join(map(str, tangents))}{self._where(node)}"
            )

    def _is_born_at(self, node: Value, derivative: float, of: Sequence[float]) -> bool:
        results = node._number if isinstance(node._number, tuple) else (node._number,)
        return is_born(_worst(derivative), [*map(_worst, [*of, *results, *numbers(operands(node))])])

    def _where(self, node: Value) -> str:
        line = self.lines.get(node)
        return f", recorded at {line}" if line else ""


def _worst(number: Any) -> float:
    """A number; of an array one that is not finite, if there is one."""
    if not isinstance(number, np.ndarray):
        return number  # type: ignore[no-any-return]
    others = number[~np.isfinite(number)]
    return others[0].item() if len(others) else 0.0


_COMPARISONS = frozenset({table.less, table.less_equal, table.equal})


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
