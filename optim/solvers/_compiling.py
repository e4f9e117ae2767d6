"""Functions of flat unknowns, compiled; mapped over the samples where there are data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import Value, jit, vmap
from autograd.graph.nodes import numbers
from autograd.graph.trees import flatten
from autograd.primitives.ieee import described, is_real
from autograd.running.jit import checked_engine

__all__ = ["compiled", "one_number"]


def compiled(
    f: Callable[..., Any],
    arrays: Sequence[np.ndarray],
    engine: str,
    *,
    unknowns: int = 1,
    reduce: str | None = None,
) -> Callable[..., Any]:
    """A function of its first arguments, the unknowns, alone.

    Args:
        f: a function ``f(*unknowns, *sample)``.
        arrays: the samples: arrays whose first axis counts them; none where f takes none.
        engine: as for `autograd.jit`, or "eager" to run f on Values at each call.
        unknowns: how many arguments those are.
        reduce: as for `autograd.vmap`.

    >>> product = compiled(lambda x, y: x * y, [np.array([1.0, 3.0])], "eager", reduce="mean")
    >>> product(5.0)
    10.0
    """
    checked_engine(engine, "eager")
    if not arrays:
        return _on_floats(f) if engine == "eager" else jit(f, engine)
    if engine == "eager":
        mapped = _looped(f, unknowns, reduce)
    else:
        mapped = jit(vmap(f, in_axes=[None] * unknowns + [0] * len(arrays), reduce=reduce, engine=engine))
    return lambda *points: mapped(*points, *arrays)


def _on_floats(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function's results as plain numbers, whatever Values it closes over."""

    def called(*points: Any) -> Any:
        scalars, structure = flatten(f(*points))
        return structure.unflatten(numbers(scalars))

    return called


def _looped(f: Callable[..., Any], unknowns: int, reduce: str | None) -> Callable[..., Any]:
    """`autograd.vmap`, one sample after the other."""

    def mapped(*args: Any) -> Any:
        points, arrays = args[:unknowns], args[unknowns:]
        results = [f(*points, *sample) for sample in zip(*arrays)]
        columns = np.array([numbers(flatten(result)[0]) for result in results]).T
        reduced = columns if reduce is None else columns.mean(axis=1).tolist()
        return flatten(results[0])[1].nest(list(reduced))

    return mapped


def one_number(result: Any, requirement: str) -> Any:
    """What a user's function returned, where that must be a number; an array of one entry is that entry.

    Raises:
        TypeError: it is no number; begins with what was required.
    """
    if isinstance(result, np.ndarray) and result.size == 1:
        result = result.item()
    if isinstance(result, (Value, bool)) or is_real(result):
        return result
    raise TypeError(f"{requirement} got {described(result)}")
