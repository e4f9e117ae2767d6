"""Unknowns in the user's arrangement, and as the flat array of floats that SciPy works on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.graph.nodes import numbers
from autograd.graph.trees import flatten
from optim.arrays import Array

__all__ = ["Unknowns"]


class Unknowns:
    """What a solver is to find.

    Args:
        x0: where to start: as in SciPy a number or a flat sequence of numbers, which becomes an array of
            shape (n,), or any other nesting of lists, tuples, dicts, dataclasses and arrays of numbers.

    Attributes:
        start: x0 as an array of shape (n,).
        is_flat: whether the arrangement is such an array.

    Raises:
        TypeError: it is not made of real numbers.
        ValueError: it is empty, or nan or inf is in it.

    >>> unknowns = Unknowns({"w": [1.0, 2.0], "b": 3.0})
    >>> unknowns.start, unknowns.arranged([4.0, 5.0, 6.0])
    (array([3., 1., 2.]), {'w': [5.0, 6.0], 'b': 4.0})
    """

    def __init__(self, x0: Any) -> None:
        if isinstance(x0, (list, tuple)) and all(isinstance(entry, (int, float, np.number)) for entry in x0):
            x0 = np.array(x0, dtype=float)
        elif isinstance(x0, (int, float, np.number)):
            x0 = np.array([x0], dtype=float)
        self.is_flat = isinstance(x0, np.ndarray) and x0.ndim == 1
        scalars, self._structure = flatten(x0, "x0")
        if not scalars:
            raise ValueError("x0 must hold at least one number, got none")
        self.start: Array = np.array(numbers(scalars))
        for name, start in zip(self._structure.names("x0"), self.start.tolist()):
            if not np.isfinite(start):
                raise ValueError(f"x0 must be finite, got {start} for {name}")

    def arranged(self, scalars: Sequence[Any] | Array) -> Any:
        """Numbers, or Values, in the arrangement of x0."""
        return self._structure.unflatten(scalars.tolist() if isinstance(scalars, np.ndarray) else scalars)

    def arranging(self, callback: Callable[..., Any]) -> Callable[..., Any]:
        """A callback that is handed x so arranged; SciPy tells its two kinds by their parameters."""
        if self.is_flat:
            return callback
        if set(inspect.signature(callback).parameters) == {"intermediate_result"}:

            def with_result(*, intermediate_result: Any) -> Any:
                result = type(intermediate_result)(intermediate_result)
                result.x = self.arranged(intermediate_result.x)
                return callback(intermediate_result=result)

            return with_result
        return lambda x, *rest: callback(self.arranged(x), *rest)
