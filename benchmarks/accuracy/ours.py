"""Our values and derivatives at many points: recorded on Values, and as a program on each engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import Primitive, Value, grad, trace
from autograd.engines import compiled
from benchmarks.accuracy.measuring import Run

__all__ = ["by_backward", "by_transforms", "on_engine", "same"]


def on_engine(primitive: Primitive, engine: str) -> Run:
    """As a program with all derivatives, on an engine.

    Raises:
        ModuleNotFoundError: the engine needs a package that is not installed.
    """
    runner = compiled(trace(_everything(primitive), *[0.5] * primitive.arity).code, engine)
    return lambda columns: np.array(runner.map(columns, len(columns[0]), None))


def by_transforms(primitive: Primitive) -> Run:
    """What `grad` and `grad` of `grad` return on floats."""
    return _point_by_point(_everything(primitive))


def by_backward(primitive: Primitive) -> Run:
    """The value, and the derivatives that `Value.backward` leaves."""

    def at(*point: float) -> list[float]:
        leaves = [Value(number) for number in point]
        result = primitive(*leaves)
        result.backward()
        return [result.data, *[leaf.grad for leaf in leaves]]

    return _point_by_point(at)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two results are the same; any nan equals any nan, and 0 equals -0 (`backward` adds to 0)."""
    return bool(np.all((a == b) | (np.isnan(a) & np.isnan(b))))


def _everything(primitive: Primitive) -> Callable[..., list[Any]]:
    """The function that returns a primitive's value, its derivatives and its second derivatives."""
    operands = range(primitive.arity)
    first = [grad(primitive, i) for i in operands]
    second = [grad(derivative, i) for derivative in first for i in operands]
    functions: list[Callable[..., Any]] = [primitive, *first, *second]
    return lambda *point: [function(*point) for function in functions]


def _point_by_point(function: Callable[..., list[float]]) -> Run:
    def run(columns: Sequence[np.ndarray]) -> np.ndarray:
        return np.array([function(*point) for point in zip(*[column.tolist() for column in columns])]).T

    return run
