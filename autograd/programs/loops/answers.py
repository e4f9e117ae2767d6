"""What NumPy itself answers of Arrays: of the numbers alone, or of object arrays of Values; else why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from autograd.graph import context
from autograd.graph.nodes import number
from autograd.graph.refusals import TracingError, explain, refuse_in_trace
from autograd.graph.value import Value
from autograd.programs.arrays.elementwise import is_whole

__all__ = ["OF_NUMBERS", "apart", "of_numbers", "of_values", "plain", "refuse_writing", "taken_apart"]

OF_NUMBERS = {
    np.isnan, np.isfinite, np.isinf, np.signbit, np.isclose, np.allclose, np.array_equal, np.argmax,
    np.argmin, np.argsort, np.searchsorted,
}  # fmt: skip


def taken_apart(args: Sequence[Any]) -> list[Any]:
    """Arguments in which arrays of a graph are object arrays."""
    return [apart(arg) for arg in args]


def apart(arg: Any) -> Any:
    """An argument in which arrays of a graph are object arrays."""
    if is_whole(arg):
        return np.asarray(arg)
    return type(arg)(taken_apart(arg)) if type(arg) in (list, tuple) else arg


def refuse_writing() -> NoReturn:
    """Refuse what writes into an Array, or an Array's elements into an array of numbers."""
    raise TypeError(
        "an Array is not written to, because a graph remembers it, and an array of plain numbers does not "
        "hold its elements: for a += b write a = a + b, for out= assign the result, for a[i] = b write "
        "where(condition, b, a) or np.concatenate, or np.asarray(a) for an object array of its elements"
    )


def of_values(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What NumPy itself makes of object arrays of Values.

    Raises:
        TypeError: it cannot compute with these; the error says what to write instead.
    """
    try:
        return function(*args, **kwargs)
    except TracingError:
        raise
    except (TypeError, AttributeError) as error:
        explain(error)
        raise TypeError(
            f"{error}\nNumPy takes an Array apart for {function.__name__}, into Values: where it cannot "
            "compute with these, write it with the functions of autograd, or register it with "
            "autograd.primitive; where no gradient is wanted, call it with the numbers alone, a.data"
        ) from error


def of_numbers(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What a function answers of the numbers alone: a position or a bool, which has no derivative."""
    for arg in (*args, *kwargs.values()):
        if is_whole(arg) and context.active:
            refuse_in_trace(f"np.{function.__name__}", arg)
    return function(*map(plain, args), **{name: plain(arg) for name, arg in kwargs.items()})


def plain(arg: Any) -> Any:
    """The numbers of an argument."""
    arg = arg._number.reshape(arg._dims) if is_whole(arg) else number(arg) if isinstance(arg, Value) else arg
    return _numbers_of(arg)


def _numbers_of(arg: Any) -> Any:
    if isinstance(arg, np.ndarray) and arg.dtype.kind == "O":
        return np.array([number(each) if isinstance(each, Value) else each for each in arg.flat]).reshape(
            arg.shape
        )
    return arg
