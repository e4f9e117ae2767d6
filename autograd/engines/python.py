"""The engine in Python: runs the source of code as a Python function, one point at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.programs.code import Code
from autograd.programs.source import harmless, module

__all__ = ["PythonEngine"]

_TOO_LONG = 20_000  # instructions; Python's compiler takes its time over functions of that length


class PythonEngine:
    """Runs code as the function that its `source` defines."""

    def __init__(self, code: Code) -> None:
        self._code = code
        if len(code) > _TOO_LONG:
            self._function: Any = lambda *inputs: code(inputs)
            return
        text, needed = module(code)
        namespace: dict[str, Any] = {}
        exec(compile(text, f"<program {harmless(code.name)}>", "exec"), namespace)
        namespace.update(needed)  # and not what the same name was registered for since
        self._function = namespace["program"]

    def call(self, inputs: Sequence[float]) -> list[float]:
        """Run it at one point."""
        return list(self._function(*inputs))

    def map(self, columns: Sequence[Any], count: int, reduce: str | None) -> list[Any]:
        """Run it for many samples, one after the other: see `engines.Compiled`."""
        width = len(self._code.outputs)
        if reduce is None:
            collected = [np.empty(count) for _ in range(width)]
            for i, results in enumerate(self._each(columns, count)):
                for array, result in zip(collected, results):
                    array[i] = result
            return collected
        totals = [0.0] * width
        for results in self._each(columns, count):
            totals = [total + result for total, result in zip(totals, results)]
        return [total / count if count else math.nan for total in totals] if reduce == "mean" else totals

    def _each(self, columns: Sequence[Any], count: int) -> Any:
        mapped = [
            isinstance(column, np.ndarray) and place not in self._code.arrays
            for place, column in enumerate(columns)
        ]
        for i in range(count):
            yield self._function(
                *[float(column[i]) if is_mapped else column for column, is_mapped in zip(columns, mapped)]
            )

    def scan(
        self, carry: Sequence[float], columns: Sequence[np.ndarray], shared: Sequence[float], count: int
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it in sequence, handing results on: see `engines.Compiled`."""
        width = len(carry)
        state = list(carry)
        collected = [np.empty(count) for _ in range(len(self._code.outputs) - width)]
        entries = [column if column.ndim > 1 else column.tolist() for column in columns]
        rows = zip(*entries) if columns else ((),) * count
        for i, row in enumerate(rows):
            results = self._function(*state, *row, *shared)
            state = list(results[:width])
            for array, result in zip(collected, results[width:]):
                array[i] = result
        return state, collected
