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
    """Raise where a nan or an inf is born: an inf of finite numbers, a nan where there was none.

    Within the context every operation is checked as it is recorded, and every gradient as it is
    handed on by `Value.backward`; both are slower by far. What was put in (the data of a leaf) was not
    born there and goes through.

    Raises:
        FloatingPointError: names the operation, its inputs and the line that wrote it.

    >>> x = Value(0.0, "x")
    >>> with detect_anomaly():
    ...     x.log()
    Traceback (most recent call last):
    FloatingPointError: log(x=0.0) is -inf, at <doctest ...>:2: x.log()
    """
    with watch(_Detective()):
        yield


class _Detective:
    """Checks each node, and remembers the line that made it for the way back."""

    def __init__(self) -> None:
        self.lines: dict[Value, Line] = {}

    def recorded(self, node: Value) -> None:
        line = self.lines[node] = user_line()
        if _is_born(node._data, [_number(one) for one in operands(node)]):
            raise FloatingPointError(f"{_call(node)} is {node._data}, at {line}")

    def propagated(self, node: Value, received: list[tuple[Value, float]]) -> None:
        line = self.lines.get(node)
        where = f", recorded at {line}" if line else ""
        involved = [node._grad, node._data, *(_number(one) for one in operands(node))]
        for operand, gradient in received:
            if _is_born(gradient, involved):
                raise FloatingPointError(
                    f"backward through {_call(node)} = {node._data} hands a gradient of {gradient} to "
                    f"{_named(operand)}, having received {node._grad}{where}"
                )
            if math.isfinite(gradient) and not math.isfinite(operand._grad):
                raise FloatingPointError(
                    f"the gradients handed to {_named(operand)} add up to {operand._grad}, with {gradient} "
                    f"from {_call(node)}{where}"
                )


def _is_born(result: float, of: list[float]) -> bool:
    """Whether a result is an inf of finite numbers, or a nan of numbers that were none."""
    if math.isnan(result):
        return not any(map(math.isnan, of))
    return math.isinf(result) and all(map(math.isfinite, of))


def _number(operand: Any) -> float:
    return operand if type(operand) is float else operand._data


def _named(operand: Any) -> str:
    label = "" if type(operand) is float else operand.label
    return f"{label}={_number(operand)}" if label else f"{_number(operand)}"


def _call(node: Value) -> str:
    return f"{node._primitive.name}({', '.join(map(_named, operands(node)))})"  # type: ignore[union-attr]
