"""`Drawing`: a picture's DOT text, which shows itself in a notebook and is written to files."""

from __future__ import annotations

import os
from collections.abc import Container
from pathlib import Path

import graphviz

from autograd.drawing.graphviz import lay_out
from autograd.support.whole_files import write_whole

__all__ = ["Drawing"]

TIME_LIMIT = 60.0  # seconds that a layout may take
SHOWN_NODES = 2_000  # the largest picture that a notebook shows unasked
SHOWN_SECONDS = 5.0  # and how long it may wait for it


class Drawing(graphviz.Digraph):  # type: ignore[misc]  # graphviz is untyped
    """A `graphviz.Digraph` that is laid out within a time limit, with or without the `dot` program.

    The `dot` program is used where it is installed, pygraphviz's own layout otherwise; either works
    in a process of its own, which is killed at the time limit. What needs no layout (`source`,
    `save`, `node`, `edge`, `attr`) needs neither.

    Attributes:
        notice: what the picture leaves out and how to see it, or "" where it is all there.
        drawn: how many nodes and edges `draw` drew.
    """

    notice: str = ""
    drawn: tuple[int, int] = (0, 0)

    def render(
        self,
        path: str | os.PathLike[str],
        format: str | None = None,  # noqa: A002
        timeout: float | None = TIME_LIMIT,
    ) -> str:
        """Write the picture to a file, whole or not at all.

        Args:
            path: the file; its suffix chooses the format. Missing folders are made.
            format: "svg", "png" or "pdf"; added to the path as its suffix where it has another.
            timeout: seconds that the layout may take; None for no limit.

        Returns:
            The path of the file written.

        Raises:
            ValueError: the format is none of the three.
            RuntimeError: there is no Graphviz, or it failed.
            TimeoutError: the layout reached the time limit.
        """
        target = Path(path)
        if format is None:
            format = target.suffix[1:]
        elif target.suffix.lower() != f".{format.lower()}":
            target = target.with_name(f"{target.name}.{format}")
        picture = self.pipe(format, timeout)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, picture)
        return str(target)

    def save(self, path: str | os.PathLike[str] = "graph.gv") -> str:
        """Write the DOT text to a file, whole or not at all; missing folders are made.

        Args:
            path: the file.

        Returns:
            The path of the file written.
        """
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, self.source)
        return str(target)

    def pipe(self, format: str = "svg", timeout: float | None = TIME_LIMIT) -> bytes:  # noqa: A002
        """The picture as bytes; arguments and errors as in `render`."""
        return lay_out(self.source, format, timeout, self._size())

    def view(self, path: str | os.PathLike[str] = "graph.pdf") -> str:
        """Write the picture to a file and open it in the system's viewer; see `render`."""
        written = self.render(path)
        graphviz.view(written)
        return written

    def _repr_svg_(self) -> str | None:
        """The picture for a notebook; None, and the text stands, where it is not all there or slow."""
        if self.notice or self.drawn[0] > SHOWN_NODES:
            return None
        try:
            return self.pipe("svg", SHOWN_SECONDS).decode()
        except Exception:  # whatever goes wrong with the picture, a notebook's cell must not fail by it
            return None

    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None, **_: object
    ) -> dict[str, str]:
        kind = "image/svg+xml"
        wanted = (include is None or kind in include) and (exclude is None or kind not in exclude)
        svg = self._repr_svg_() if wanted else None
        return {} if svg is None else {kind: svg}

    def __repr__(self) -> str:
        notice = f" ({self.notice})" if self.notice else ""
        return f"<Drawing of {self._size()}{notice}: .render('graph.svg') writes it, .source is its DOT text>"

    def _size(self) -> str:
        nodes, edges = self.drawn
        return f"{nodes} nodes and {edges} edges"
