"""Reading a table of numbers from a file that somebody else made, which may be broken or hostile.

Nothing in a file can run, none is larger than 1 GiB, and reading takes at most ten times its size in memory.
"""

from __future__ import annotations

import io
import math
import os
import pickle
import pickletools
import re
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from autograd.support.foreign_files import ForeignFileError, read_foreign

__all__ = ["DataError", "read_table"]

Array = np.ndarray[Any, np.dtype[np.float64]]
_Raw = bytes | bytearray | memoryview

_LARGEST = 2**30  # bytes of a file
_LONGEST = 10_000  # bytes of a line of text


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
        DataError: the file is missing, empty, truncated, larger than 1 GiB, of another kind or shape,
            or holds anything that is not a finite real number.
    """
    path = Path(path)
    try:
        return _checked(_read(path, columns), columns)
    except _FoundError as error:
        raise DataError(
            f"{path}: found {error}; expected a .pkl, .npy or .csv file with an array of finite real "
            f"numbers of shape (n, {columns})"
        ) from None


def _read(path: Path, columns: int) -> np.ndarray[Any, Any]:
    kind = path.suffix.lower()
    if kind not in _READERS:
        raise _FoundError(f"a file name that ends in {kind!r}" if kind else "a file name without an ending")
    try:
        content = read_foreign(path, _LARGEST)
    except FileNotFoundError:
        raise _FoundError("no such file") from None
    except ForeignFileError as error:
        raise _FoundError(str(error)) from None
    except OSError as error:
        raise _FoundError(f"a file that cannot be read ({error.strerror})") from None
    if not content:
        raise _FoundError("an empty file")
    try:
        return _READERS[kind](content, columns)
    except _FoundError:
        raise
    except Exception as error:  # whatever a parser trips over, it is the file that is at fault
        what = ascii(f"{type(error).__name__}: {error}"[:200])[1:-1]
        raise _FoundError(f"a broken or truncated {kind} file ({what})") from None


def _checked(table: np.ndarray[Any, Any], columns: int) -> Array:
    if table.ndim != 2 or table.shape[1] != columns or not len(table):
        raise _FoundError(f"an array of shape {table.shape}")
    with np.errstate(over="ignore"):  # a long double beyond float64 becomes inf and is found below
        table = table.astype(np.float64, copy=False)
    wrong = np.argwhere(~np.isfinite(table))
    if len(wrong):
        row, column = wrong[0]
        raise _FoundError(f"{table[row, column]} in row {row + 1}, column {column + 1}")
    return table


def _array(shape: Any, dtype: np.dtype[Any], fortran: bool, raw: _Raw) -> np.ndarray[Any, Any]:
    """An array as a binary file describes it, where the description fits the bytes that are there."""
    if dtype.kind not in "iuf":
        raise _FoundError(f"an array of dtype {str(dtype)[:80]}")
    if type(shape) is not tuple or not all(type(n) is int and 0 <= n < 2**63 for n in shape):
        raise _FoundError("an array whose shape is not made of counts")
    if math.prod(shape) * dtype.itemsize != len(raw):
        raise _FoundError(
            f"a truncated or broken file: {len(raw)} bytes of numbers for an array of shape "
            f"{str(shape)[:80]} and dtype {dtype}"
        )
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")


_NUMBER = r"[ \t]*[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:nan|inf))[ \t]*"


def _from_csv(content: bytes, columns: int) -> np.ndarray[Any, Any]:
    is_number = re.compile(_NUMBER).fullmatch
    is_row = re.compile(",".join([f"(?:{_NUMBER})"] * columns)).fullmatch
    numbers = array("d")
    is_first = True
    file = io.BytesIO(content)
    for place, raw in enumerate(iter(lambda: file.readline(_LONGEST + 1), b""), 1):
        if len(raw) > _LONGEST:
            raise _FoundError(f"more than {_LONGEST} characters in line {place}")
        line = raw.decode("utf-8-sig" if place == 1 else "utf-8").removesuffix("\n").removesuffix("\r")
        is_blank = not line.strip(" \t")
        if is_row(line):
            numbers.extend(map(float, line.split(",")))
        elif not is_blank:
            cells = line.split(",")
            if not is_first or any(map(is_number, cells)):  # else it is a header
                wrong = next((repr(cell[:40]) for cell in cells if not is_number(cell)), "")
                raise _FoundError(f"{wrong or f'{len(cells)} numbers'} in line {place}")
        is_first = is_first and is_blank
    if not numbers:
        raise _FoundError("text without a row of numbers")
    return np.frombuffer(numbers).reshape(-1, columns)


def _from_npy(content: bytes, _: int) -> np.ndarray[Any, Any]:
    file = io.BytesIO(content)
    version = npy_format.read_magic(file)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise _FoundError(f"a .npy file of the unknown version {version}")
    if version == (1, 0):
        shape, fortran, dtype = npy_format.read_array_header_1_0(file)
    else:  # 3 differs from 2 only in the names of columns, which are refused anyway
        shape, fortran, dtype = npy_format.read_array_header_2_0(file)
    return _array(shape, dtype, fortran, memoryview(content)[file.tell() :])


# A pickle is a program for a machine with a stack. It may have only those instructions that an array needs,
# and what it asks for is a stand-in that keeps what it is called with. Nothing looks at what the machine
# holds but where its type is known: tuples that share their parts may be too large to be hashed, compared or
# printed.

_INSTRUCTIONS = {
    *("PROTO", "FRAME", "STOP", "MARK", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_TUPLE"),
    *("NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "GET", "BINGET", "LONG_BINGET"),
    *("GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD"),
}
_MOST_INSTRUCTIONS = 500  # an array takes about 60
_NAMES = {
    "numpy.ndarray",
    "numpy.dtype",  # code, False, True; state: version, byte order, subtype, names, ...
    "numpy.core.multiarray._reconstruct",  # ndarray, (0,), b"b"; state: version, shape, dtype, fortran, raw
    "numpy._core.multiarray._reconstruct",
    "numpy.core.numeric._frombuffer",  # raw, dtype, shape, order
    "numpy._core.numeric._frombuffer",
    "_codecs.encode",  # text, "latin1": how old protocols write bytes
}


class _StandIn:
    """A name that a pickle asks for, without the module; called, it keeps the arguments, and the state."""

    __match_args__ = ("name", "args", "state")

    def __init__(self, name: str, args: tuple[Any, ...] | None = None) -> None:
        self.name, self.args, self.state = name, args, None

    def __call__(self, *args: Any) -> _StandIn:
        return _StandIn(self.name, args)

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Unpickler(pickle.Unpickler):
    """Finds nothing but stand-ins."""

    def find_class(self, module: str, name: str) -> _StandIn:
        if f"{module}.{name}" not in _NAMES:
            raise _FoundError(f"a pickle that asks for {f'{module}.{name}'[:80]!r}, which was refused")
        return _StandIn(name)


def _from_pickle(content: bytes, _: int) -> np.ndarray[Any, Any]:
    argument: Any
    for count, (opcode, argument, _place) in enumerate(pickletools.genops(content)):
        is_far = "PUT" in opcode.name and argument > _MOST_INSTRUCTIONS  # all up to it would take memory
        if count > _MOST_INSTRUCTIONS or is_far or opcode.name not in _INSTRUCTIONS:
            raise _FoundError(f"a pickle that holds other things than one array of numbers ({opcode.name})")
    match _Unpickler(io.BytesIO(content), encoding="latin1").load():
        case _StandIn("_frombuffer", (raw, dtype, shape, order)):
            return _array(shape, _real(dtype), order == "F", _bytes(raw))
        case _StandIn("_reconstruct", _, (*_, shape, dtype, bool() | int() as fortran, raw)):
            return _array(shape, _real(dtype), bool(fortran), _bytes(raw))
        case pickled:
            raise _FoundError(f"a pickled {type(pickled).__name__.strip('_')}")


def _real(dtype: Any) -> np.dtype[Any]:
    """A pickled dtype of real numbers."""
    match dtype:
        case _StandIn("dtype", (str(code), *_), (_, "<" | ">" | "|" | "=" as order, None, None, *_)):
            if re.fullmatch(r"[iuf][0-9]{1,2}", code):
                return np.dtype(f"{order}{code}")
            raise _FoundError(f"an array of dtype {code[:80]!a}")
    raise _FoundError("an array of a dtype that is none of real numbers")


def _bytes(raw: Any) -> _Raw:
    """The numbers of a pickled array: bytes, or text of which each character is one."""
    match raw:
        case bytes() | bytearray():
            return raw
        case str(text) | _StandIn("encode", (str(text), "latin1")):
            return text.encode("latin1")
    raise _FoundError("an array without its bytes")


_READERS: dict[str, Callable[[bytes, int], np.ndarray[Any, Any]]] = {
    ".pkl": _from_pickle,
    ".npy": _from_npy,
    ".csv": _from_csv,
}
