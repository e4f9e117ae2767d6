"""`detect_anomaly`: find the operation, and the line of code, where a nan or an inf is born."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autograd.graph import operands
from autograd.locating import Line, user_line
from autograd.value import Value
from autograd.watching import watch

__all__ = ["detect_anomaly"]


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise where an operation, forward or backward, makes a nan or an inf of finite numbers.

    Within the context every operation is checked as it is recorded, and every gradient as it is
    handed on by `Value.backward`; both are slower by far. A nan that was put in (the data of a leaf)
    was not born there and goes through.

    Raises:
        FloatingPointError: names the operation, its inputs and the line that wrote it.

    >>> x = Value(0.0, "x")
    >>> with detect_anomaly():
    ...     x.log()
    Traceback (most recent call last):
    FloatingPointError: log(x=0.0) is -inf, of finite inputs, at <doctest ...>:2: x.log()
    """
    with watch(_Detective()):
        yield


class _Detective:
    """Checks each node, and remembers the line that made it for the way back."""

    def __init__(self) -> None:
        self.lines: dict[Value, Line] = {}

    def recorded(self, node: Value) -> None:
        line = self.lines[node] = user_line()
        if not math.isfinite(node._data) and all(math.isfinite(_number(one)) for one in operands(node)):
            raise FloatingPointError(f"{_call(node)} is {node._data}, of finite inputs, at {line}")

    def propagated(self, node: Value, received: list[tuple[Value, float]]) -> None:
        if not math.isfinite(node._grad) or not math.isfinite(node._data):
            return
        for operand, gradient in received:
            if not math.isfinite(gradient):
                line = self.lines.get(node)
                where = f", recorded at {line}" if line else ""
                raise FloatingPointError(
                    f"backward through {_call(node)} = {node._data} hands a gradient of {gradient} to "
                    f"{_named(operand)}, having received {node._grad}{where}"
                )


def _number(operand: Any) -> float:
    return operand if type(operand) is float else operand._data


def _named(operand: Any) -> str:
    label = "" if type(operand) is float else operand.label
    return f"{label}={_number(operand)}" if label else f"{_number(operand)}"


def _call(node: Value) -> str:
    return f"{node._primitive.name}({', '.join(map(_named, operands(node)))})"  # type: ignore[union-attr]
