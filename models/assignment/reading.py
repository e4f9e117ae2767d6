"""Reading a table of numbers from a file that somebody else made, which may be broken or hostile.

Nothing in a file can run, none is larger than 1 GiB, and reading takes at most ten times its size in memory.
"""

from __future__ import annotations

import io
import math
import os
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


# A pickle is a program for a machine with a stack. This machine has only those instructions that an array
# needs, calls nothing, and looks at what it holds only where it knows the type: tuples that share their
# parts may be too large to be hashed, compared or printed.

_PUSHED = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_NAMES = {
    "numpy.ndarray",
    "numpy.dtype",  # code, False, True; state: version, byte order, subtype, names, ...
    "numpy.core.multiarray._reconstruct",  # ndarray, (0,), b"b"; state: version, shape, dtype, fortran, raw
    "numpy._core.multiarray._reconstruct",
    "numpy.core.numeric._frombuffer",  # raw, dtype, shape, order
    "numpy._core.numeric._frombuffer",
    "_codecs.encode",  # text, "latin1": how old protocols write bytes
}


class _Name(str):
    """A name that a pickle asks for, without the module."""

    __slots__ = ()


class _Call:
    """A call that a pickle asks for, which is not made, and the state that it gives the result."""

    __match_args__ = ("name", "args", "state")

    def __init__(self, name: Any, args: Any) -> None:
        if type(name) is not _Name or type(args) is not tuple:
            raise _FoundError("a pickle that calls what is no function")
        self.name, self.args, self.state = name, args, None


def _from_pickle(content: bytes, _: int) -> np.ndarray[Any, Any]:
    match _unpickled(content):
        case _Call("_frombuffer", (raw, dtype, shape, order)):
            return _array(shape, _real(dtype), order == "F", _bytes(raw))
        case _Call("_reconstruct", _, (*_, shape, dtype, bool() | int() as fortran, raw)):
            return _array(shape, _real(dtype), bool(fortran), _bytes(raw))
        case pickled:
            raise _FoundError(f"a pickled {type(pickled).__name__.strip('_')}")


def _unpickled(content: bytes) -> Any:
    """What is on the stack in the end."""
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}
    argument: Any
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        name = opcode.name
        if count > 500:  # an array takes about 60
            raise _FoundError("a pickle that holds other things than one array of numbers")
        if name in _PUSHED:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name == "MARK":
            marks.append(len(stack))
        elif name == "TUPLE" or name in _TUPLES:
            start = marks.pop() if name == "TUPLE" else len(stack) - _TUPLES[name]
            stack[start:] = [tuple(stack[start:])]
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if name == "MEMOIZE" else argument] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name == "GLOBAL":
            stack.append(_named(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            stack[-2:] = [_named(*stack[-2:])]
        elif name == "REDUCE":
            stack[-2:] = [_Call(*stack[-2:])]
        elif name == "BUILD":
            state = stack.pop()
            stack[-1].state = state
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise _FoundError(f"a pickle that holds other things than one array of numbers ({name})")
    return stack[-1]


def _named(module: Any, name: Any) -> _Name:
    if type(module) is not str or type(name) is not str:
        raise _FoundError("a pickle that asks for what is no name")
    if f"{module}.{name}" not in _NAMES:
        raise _FoundError(f"a pickle that asks for {f'{module}.{name}'[:80]!r}, which was refused")
    return _Name(name)


def _real(dtype: Any) -> np.dtype[Any]:
    """A pickled dtype of real numbers."""
    match dtype:
        case _Call("dtype", (str(code), *_), (_, "<" | ">" | "|" | "=" as order, None, None, *_)):
            if re.fullmatch(r"[iuf][0-9]{1,2}", code):
                return np.dtype(f"{order}{code}")
            raise _FoundError(f"an array of dtype {code[:80]!a}")
    raise _FoundError("an array of a dtype that is none of real numbers")


def _bytes(raw: Any) -> _Raw:
    """The numbers of a pickled array: bytes, or text of which each character is one."""
    match raw:
        case bytes() | bytearray():
            return raw
        case str(text) | _Call("encode", (str(text), "latin1")):
            return text.encode("latin1")
    raise _FoundError("an array without its bytes")


_READERS: dict[str, Callable[[bytes, int], np.ndarray[Any, Any]]] = {
    ".pkl": _from_pickle,
    ".npy": _from_npy,
    ".csv": _from_csv,
}
