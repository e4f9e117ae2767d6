"""Writing a file whole: whoever reads it finds what it held before, or all of what is written."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file, all of it or nothing, even where the process or the machine stops half-way.

    Args:
        path: where to; a file there is replaced in one step. What cannot be replaced, such as
            ``/dev/stdout`` or a pipe, is written to.
        content: bytes, or text, which is written as UTF-8.

    Raises:
        OSError: it cannot be written; what was there before is untouched.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(f"{folder}/note.txt", "all of it")
    ...     with open(f"{folder}/note.txt") as file:
    ...         print(file.read())
    all of it
    """
    data = content.encode() if isinstance(content, str) else content
    target = os.path.realpath(path)  # a link goes on pointing to it
    try:
        if os.path.exists(target) and not (os.path.isfile(target) or os.path.isdir(target)):
            with open(target, "wb") as file:
                file.write(data)
        else:
            _replace(target, data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None  # the file that was asked for


def _replace(target: str, data: bytes) -> None:
    part = os.path.join(os.path.dirname(target), f".{os.urandom(16).hex()}.part")
    try:
        with open(part, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # a machine that stops must not find the new name on old blocks
        if os.path.isfile(target):
            os.chmod(part, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(part, target)
    finally:
        with suppress(OSError):  # it is not there: it was never made, or it has the file's name
            os.unlink(part)
