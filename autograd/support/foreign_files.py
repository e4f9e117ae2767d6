"""Reading a file that somebody else may have made: a regular file up to a bound, and JSON of one meaning."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable
from typing import Any

__all__ = [
    "LONGEST",
    "ForeignFileError",
    "Taker",
    "check_digest",
    "digest",
    "is_text",
    "parse_json",
    "printable",
    "read_foreign",
    "shown",
    "unexpected",
]

LONGEST = 1000  # characters of a text: printing a program may repeat it with each instruction

# Of a JSON text. An empty array has three characters there and 64 bytes in memory, an object with an
# entry seven and 240.
_ARRAYS = 5_000_000
_OBJECTS = 100_000


class ForeignFileError(ValueError):
    """A file is not opened, or not parsed; says what it is instead of what it should be."""


def read_foreign(path: str | os.PathLike[str], largest: int) -> bytes:
    """All bytes of a regular file.

    A device, a pipe or a file that is too large is refused before a byte of it is read: reading one may
    never end, and opening a device may do something.

    Args:
        path: the file, or a link to it.
        largest: how many bytes it may have.

    Raises:
        ForeignFileError: it is no regular file, or larger.
        OSError: it is not there, or cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_foreign(folder, 1000)
    Traceback (most recent call last):
    autograd.support.foreign_files.ForeignFileError: a directory
    """
    _check(os.stat(path), largest)
    with open(path, "rb", opener=_open_at_once) as file:
        status = os.fstat(file.fileno())
        _check(status, largest)  # again: another file may have taken its name in between
        return file.read(status.st_size)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe would be waited for


def _check(status: os.stat_result, largest: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        is_directory = stat.S_ISDIR(status.st_mode)
        raise ForeignFileError("a directory" if is_directory else "something that is not a regular file")
    if status.st_size > largest:
        raise ForeignFileError(f"a file of {status.st_size} bytes, more than the {largest} that are read")


def parse_json(text: str, number: Callable[[str], Any]) -> Any:
    """What a JSON text says, where that takes a bounded depth, memory and time.

    Args:
        text: the text.
        number: makes a number of digits with a point or an exponent, of "NaN", "Infinity" or
            "-Infinity"; a ValueError of it refuses the text.

    Raises:
        ForeignFileError: it is no JSON, names a key of an object twice, is nested too deeply, or has
            too many arrays, objects or digits.

    >>> parse_json('{"a": [1, 2.5]}', float)
    {'a': [1, 2.5]}
    """
    if text.count("[") > _ARRAYS or text.count("{") > _OBJECTS:
        raise ForeignFileError(f"JSON of more than {_ARRAYS} arrays or {_OBJECTS} objects")
    try:
        return json.loads(
            text,
            parse_int=_whole,
            parse_float=number,
            parse_constant=number,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise ForeignFileError("JSON that is nested too deeply") from None
    except ValueError as error:
        raise ForeignFileError(f"no JSON of the form that is expected ({error})") from None


def _whole(digits: str) -> int:
    if len(digits) > 18:
        raise ValueError(f"a whole number of {len(digits)} digits")
    return int(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("an object that names a key twice")
    return entries


def printable(text: str) -> str:
    """Text as `is_text` has it, with question marks for letters that are not printed, and cut off."""
    text = text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def is_text(node: object) -> bool:
    """Whether it is a string that may be shown to a person, and is not too long to be.

    >>> is_text("a name"), is_text("two\\nlines"), is_text(3)
    (True, False, False)
    """
    return type(node) is str and len(node) <= LONGEST and node.isprintable()


def unexpected(place: str, expected: str, node: Any) -> ForeignFileError:
    """The error that says what a parsed JSON text holds at a place, and what was expected there.

    >>> unexpected("outputs[0]", "a slot", "z")
    ForeignFileError("at outputs[0]: expected a slot, got 'z'")
    """
    return ForeignFileError(f"at {place}: expected {expected}, got {shown(node)}")


def shown(node: Any) -> str:
    """What a parsed JSON text holds somewhere, in at most a line.

    >>> shown("z" * 100), shown([1, 2]), shown(None)
    ("'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz...'", 'an array of 2', 'null')
    """
    if isinstance(node, str):
        return ascii(node if len(node) <= 60 else f"{node[:57]}...")
    if isinstance(node, (list, dict)):
        return f"an {'array' if isinstance(node, list) else 'object'} of {len(node)}"
    return json.dumps(node)


class Taker:
    """Takes parsed JSON apart, and refuses what is not as expected, with its place."""

    def index(self, node: Any, place: str, count: int) -> int:
        """A whole number from 0, less than a count."""
        if type(node) is not int or not 0 <= node < count:
            raise unexpected(place, f"a whole number from 0, less than {count}", node)
        return node

    def text(self, node: Any, place: str) -> str:
        """A text of a line."""
        if not is_text(node):
            raise unexpected(place, f"a string of at most {LONGEST} printable characters", node)
        return str(node)

    def each(self, check: Callable[[Any, str], Any], node: Any, place: str) -> list[Any]:
        """An array, each entry of which is checked."""
        return [check(child, f"{place}[{i}]") for i, child in enumerate(self.kind(list, node, place))]

    def row(self, node: Any, place: str, *entries: str) -> list[Any]:
        """An array of so many entries, which are called so."""
        if type(node) is not list or len(node) != len(entries):
            raise unexpected(place, f"an array of {', '.join(entries)}", node)
        return node

    def kind(self, kind: type, node: Any, place: str) -> Any:
        """A list or a dict."""
        if type(node) is not kind:
            raise unexpected(place, "an array" if kind is list else "an object", node)
        return node


_CHECKSUM = re.compile('"checksum": "([0-9a-f]{64})"}\n')


def digest(text: str) -> str:
    """The SHA-256 of a text, which ends a file as its checksum."""
    return hashlib.sha256(text.encode("ascii", errors="replace")).hexdigest()


def check_digest(text: str) -> None:
    """Raise where a text does not end with its checksum."""
    body, keyword, last = text.rpartition('"checksum"')
    end = _CHECKSUM.fullmatch(keyword + last)
    if end is None:
        raise unexpected("the end", "a checksum and one end of line: the file is cut off", text[-60:])
    if end[1] != digest(body):
        raise unexpected("checksum", f"{digest(body)}: the file has been changed", end[1])
