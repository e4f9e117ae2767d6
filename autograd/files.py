"""Writing a file whole: whoever reads it finds what it held before, or all of what is written."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file, all of it or nothing, even where the process or the machine stops half-way.

    Args:
        path: where to; a file there is replaced in one step.
        content: bytes, or text, which is written as UTF-8.

    Raises:
        OSError: it cannot be written; what was there before is untouched.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(f"{folder}/note.txt", "all of it")
    ...     print(Path(folder, "note.txt").read_text())
    all of it
    """
    path = Path(path)
    part = path.with_name(f".{uuid4().hex}.part")
    try:
        with open(part, "xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())  # a machine that stops must not find the new name on old blocks
        os.replace(part, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None  # the file that was asked for
    finally:
        part.unlink(missing_ok=True)
