"""Which line of the user's code is running."""

from __future__ import annotations

import linecache
import sys
import warnings
from functools import lru_cache
from types import FrameType
from typing import NamedTuple

__all__ = ["Line", "user_line", "warn_user"]


class Line(NamedTuple):
    """A line of source code.

    Attributes:
        file: its file.
        number: its number there, counted from 1.
        carried: what it says, where a program's file carried that: whoever wrote the file chose the name
            of the source file, too, which is not opened then.
    """

    file: str
    number: int
    carried: str | None = None

    @property
    def text(self) -> str:
        """What it says, without indentation; "" where the source is not to be had."""
        if self.carried is not None:
            return self.carried
        return linecache.getline(self.file, self.number).strip()

    def __str__(self) -> str:
        return f"{self.file}:{self.number}" + (f": {self.text}" if self.text else "")


def user_line(passed: int = 0) -> Line:
    """The innermost running line outside this package, and outside NumPy, which may call it.

    Args:
        passed: how many frames, from the caller's on, are known to be this package's.

    >>> user_line().text != ""
    True
    """
    frame = _user_frame(passed)
    return _line(frame.f_code.co_filename, frame.f_lineno)


@lru_cache(maxsize=4096)  # one object for a line: a trace asks for it at each operation, and compares
def _line(file: str, number: int) -> Line:
    return Line(file, number)


def warn_user(message: str) -> None:
    """Warn at that line; as Python has it, once for each line unless the user asks for all."""
    frame = _user_frame()
    module = frame.f_globals
    warnings.warn_explicit(
        message,
        UserWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        module.get("__name__"),
        module.setdefault("__warningregistry__", {}),
    )


def _user_frame(passed: int = 0) -> FrameType:
    frame = sys._getframe(2 + passed)
    while _is_passed_over(frame.f_globals.get("__name__")) and (back := frame.f_back) is not None:
        frame = back
    return frame


_PASSED_OVER = {__name__.partition(".")[0], "numpy"}


@lru_cache(maxsize=1024)  # a trace asks for each frame of each operation
def _is_passed_over(module: object) -> bool:
    return isinstance(module, str) and module.partition(".")[0] in _PASSED_OVER
