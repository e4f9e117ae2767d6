"""Writing a picture of matplotlib's whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from autograd.support.whole_files import write_whole

__all__ = ["write_figure"]


def write_figure(figure: Any, path: Path) -> None:
    """Write a figure to a file; what stops half-way leaves none.

    Args:
        figure: a `matplotlib.figure.Figure`.
        path: the file; its suffix (.png, .svg or .pdf) chooses the format.

    Raises:
        OSError: it cannot be written; what was there before is untouched.
    """
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:], dpi=150)
    write_whole(path, picture.getvalue())
