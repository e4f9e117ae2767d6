"""Arrays of floats: their type, and how they are made of what users pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.primitives.ieee import as_array, described, floats_of_objects

__all__ = ["Array", "lengths", "real_array", "refuse_infinite", "scales"]

Array = np.ndarray[Any, np.dtype[np.float64]]

_SMALL, _LARGE = 1e-140, 1e140  # norms between which squares neither vanish nor overflow


def real_array(numbers: Any, name: str, missing: float | None = None) -> Array:
    """An array of floats, a copy; None in it stands for ``missing``, where that is a number.

    Raises:
        TypeError: it is not made of real numbers, or its rows differ in length.

    >>> real_array([1, 2], "xdata")
    array([1., 2.])
    """
    try:
        array = as_array(numbers, name)
        array = np.asarray(numbers) if array is None else array
    except ValueError:
        raise TypeError(f"{name} must be an array of real numbers, got rows of different lengths") from None
    if array.dtype.kind == "O" and array.ndim:
        present = [missing if entry is None and missing is not None else entry for entry in array.flat]
        return floats_of_objects(np.array(present, object).reshape(array.shape), name)
    if array.dtype.kind in "fiub":
        return array.astype(float)
    what = f"an array of {array.dtype}" if array.ndim else described(numbers)
    raise TypeError(f"{name} must be an array of real numbers, got {what}")


def refuse_infinite(array: Array, name: str, hint: str = "") -> None:
    """Raise a ValueError that names the first number that is nan or infinite, if there is one."""
    finite = np.isfinite(array)
    if finite.all():
        return
    where = np.argwhere(~finite)
    at = tuple(where[0].tolist())
    more = f" (and {len(where) - 1} more)" if len(where) > 1 else ""
    place = f"[{', '.join(map(str, at))}]" if at else ""
    raise ValueError(f"{name} must be finite, but {name}{place} is {array[at]:g}{more}{hint}")


def lengths(array: Array, axis: int = 0) -> Array:
    """The Euclidean norms along an axis. Squares of the largest and smallest floats do no harm.

    >>> lengths(np.array([[3e200, 3.0, 0.0], [4e200, 4.0, 0.0]]))
    array([5.e+200, 5.e+000, 0.e+000])
    """
    with np.errstate(over="ignore", invalid="ignore"):
        norms = np.asarray(np.linalg.norm(array, axis=axis))
        extreme = ~((norms > _SMALL) & (norms < _LARGE))
        if extreme.any():
            rows = np.moveaxis(array, axis, -1)[extreme]
            exponents = np.frexp(np.abs(rows).max(axis=-1, initial=0.0))[1]
            scaled = np.linalg.norm(np.ldexp(rows, -exponents[:, None]), axis=-1)
            norms[extreme] = np.ldexp(scaled, exponents)
    return norms


def scales(columns: Array) -> Array:
    """The lengths of a matrix's columns, to divide them by: 1 for a column of zeros."""
    norms = lengths(columns)
    return np.where(norms == 0.0, 1.0, norms)
