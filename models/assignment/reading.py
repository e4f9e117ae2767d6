"""Reading a table of numbers from a file that somebody else made, which may be broken or hostile.

Nothing in a file can run, and no more memory is taken than a few times the file's size.
"""

from __future__ import annotations

import io
import math
import os
import pickle
import pickletools
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

__all__ = ["DataError", "read_table"]

Array = np.ndarray[Any, np.dtype[np.float64]]


class DataError(ValueError):
    """A data file that cannot be used; says which, what was found and what was expected."""


class _FoundError(ValueError):
    """What a file holds in place of a table, in words that continue "found"."""


def read_table(path: str | os.PathLike[str], columns: int) -> Array:
    """Read an array of shape (n, columns) from a ``.pkl``, ``.npy`` or ``.csv`` file.

    Args:
        path: the file. A pickle may hold one NumPy array and nothing else, a ``.csv`` may begin with
            a header.
        columns: how many columns it must have.

    Returns:
        The table as float64; at least one row, every number finite.

    Raises:
        DataError: the file is missing, empty, truncated, of another kind or shape, or holds anything
            that is not a finite real number.
    """
    path = Path(path)
    try:
        return _checked(_read(path), columns)
    except _FoundError as error:
        raise DataError(
            f"{path}: found {error}; expected a .pkl, .npy or .csv file with an array of finite real "
            f"numbers of shape (n, {columns})"
        ) from None


def _read(path: Path) -> np.ndarray[Any, Any]:
    kind = path.suffix.lower()
    if kind not in _READERS:
        raise _FoundError(f"a file name that ends in {kind!r}" if kind else "a file name without an ending")
    try:
        if not path.exists():
            raise _FoundError("no such file")
        if not path.is_file():
            raise _FoundError("a directory" if path.is_dir() else "something that is not a regular file")
        content = path.read_bytes()
    except OSError as error:
        raise _FoundError(f"a file that cannot be read ({error.strerror})") from None
    if not content.strip():
        raise _FoundError("an empty file")
    try:
        return _READERS[kind](content)
    except _FoundError:
        raise
    except Exception as error:  # whatever a parser trips over, it is the file that is at fault
        what = f"{type(error).__name__}: {error}"
        raise _FoundError(f"a broken or truncated {kind} file ({what[:200]})") from None


def _checked(table: np.ndarray[Any, Any], columns: int) -> Array:
    if table.ndim != 2 or table.shape[1] != columns or not len(table):
        raise _FoundError(f"an array of shape {table.shape}")
    with np.errstate(over="ignore"):  # a long double beyond float64 becomes inf and is found below
        table = table.astype(np.float64)
    wrong = np.argwhere(~np.isfinite(table))
    if len(wrong):
        row, column = wrong[0]
        raise _FoundError(f"{table[row, column]} in row {row + 1}, column {column + 1}")
    return table


def _array(shape: Any, dtype: np.dtype[Any], fortran: Any, raw: bytes) -> np.ndarray[Any, Any]:
    """An array as a binary file describes it, where the description fits the bytes that are there."""
    if dtype.kind not in "iuf":
        raise _FoundError(f"an array of dtype {dtype}")
    sound = type(shape) is tuple and all(type(n) is int and 0 <= n < 2**40 for n in shape)
    if not sound or math.prod(shape) * dtype.itemsize != len(raw):
        raise _FoundError(
            f"a truncated or broken file: {len(raw)} bytes of numbers for an array of shape "
            f"{str(shape)[:80]} and dtype {dtype}"
        )
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")


def _from_csv(content: bytes) -> np.ndarray[Any, Any]:
    text = content.decode("utf-8-sig")
    lines = [(place, line.split(",")) for place, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not any(map(_is_number, lines[0][1])):
        del lines[0]  # a header
    if not lines:
        raise _FoundError("text without a row of numbers")
    for place, cells in lines:
        wrong = next((cell for cell in cells if not _is_number(cell)), None)
        if wrong is not None:
            raise _FoundError(f"{wrong.strip()[:40]!r} in line {place}")
        if len(cells) != len(lines[0][1]):
            raise _FoundError(f"{len(cells)} numbers in line {place} and {len(lines[0][1])} in the first row")
    return np.array([[float(cell) for cell in cells] for _, cells in lines])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _from_npy(content: bytes) -> np.ndarray[Any, Any]:
    file = io.BytesIO(content)
    version = npy_format.read_magic(file)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise _FoundError(f"a .npy file of the unknown version {version}")
    if version == (1, 0):
        shape, fortran, dtype = npy_format.read_array_header_1_0(file)
    else:  # 3 differs from 2 only in the names of columns, which are refused anyway
        shape, fortran, dtype = npy_format.read_array_header_2_0(file)
    return _array(shape, dtype, fortran, content[file.tell() :])


# A pickle is a program that builds an object by calling what it names. One of an array names five things;
# here they are stand-ins that only write down what they are told. Any other name is refused.


class _StandIn:
    args: tuple[Any, ...] = ()
    state: Any = None

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Reconstruct(_StandIn):
    """``_reconstruct(ndarray, (0,), b"b")``, state ``(version, shape, dtype, fortran, raw)``."""


class _FromBuffer(_StandIn):
    """``_frombuffer(raw, dtype, shape, order)``."""


class _Dtype(_StandIn):
    """``dtype(code, False, True)``, state ``(version, byte order, subtype, names, ...)``."""


class _Encode(_StandIn):
    """``encode(text, "latin1")``: how old protocols write bytes."""


_STAND_INS: dict[str, type[_StandIn]] = {
    "numpy.ndarray": _StandIn,
    "numpy.dtype": _Dtype,
    "numpy.core.multiarray._reconstruct": _Reconstruct,
    "numpy._core.multiarray._reconstruct": _Reconstruct,
    "numpy.core.numeric._frombuffer": _FromBuffer,
    "numpy._core.numeric._frombuffer": _FromBuffer,
    "_codecs.encode": _Encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type[_StandIn]:
        asked = f"{module}.{name}"
        if asked not in _STAND_INS:
            raise _FoundError(f"a pickle that asks for {asked[:80]!r}, which was refused")
        return _STAND_INS[asked]


def _from_pickle(content: bytes) -> np.ndarray[Any, Any]:
    # One array takes about 60 instructions. Reading them without running them makes sure that all the
    # bytes they announce are in the file; that no place in the memo is beyond their number, since the
    # unpickler makes room up to it; and that none is an EXT, which would get around `find_class`.
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content), 1):
        far = isinstance(argument, int) and argument > count and "PUT" in opcode.name
        if count > 500 or far or "EXT" in opcode.name:
            raise _FoundError("a pickle that holds other things than one NumPy array")
    pickled = _Unpickler(io.BytesIO(content), encoding="latin1").load()
    if isinstance(pickled, _FromBuffer):
        raw, dtype, shape, order = pickled.args
        return _array(shape, _real(dtype), order == "F", _bytes(raw))
    if isinstance(pickled, _Reconstruct):
        shape, dtype, fortran, raw = pickled.state[-4:]
        return _array(shape, _real(dtype), fortran, _bytes(raw))
    raise _FoundError(f"a pickled {type(pickled).__name__}")


def _real(dtype: _Dtype) -> np.dtype[Any]:
    """A pickled dtype of real numbers."""
    _, order, subtype, names = dtype.state[:4]
    code = dtype.args[0] if subtype is names is None else "a structured type"
    if not re.fullmatch(r"[iuf]\d\d?", code):
        raise _FoundError(f"an array of dtype {code[:80]}")
    return np.dtype(f"{order}{code}")


def _bytes(raw: Any) -> bytes:
    """The numbers of a pickled array: bytes, or text of which each character is one."""
    if isinstance(raw, (bytes, bytearray)):
        return bytes(raw)
    text: str = raw.args[0] if isinstance(raw, _Encode) else raw
    return text.encode("latin1")


_READERS = {".pkl": _from_pickle, ".npy": _from_npy, ".csv": _from_csv}
