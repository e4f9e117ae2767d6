"""Layout: the process that reads DOT text and writes a picture, whichever Graphviz there is."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys

__all__ = ["lay_out"]

_OPTIONS = {"svg": [], "png": ["-Gdpi=144"], "pdf": []}

_PYGRAPHVIZ = """\
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot", args=" ".join(sys.argv[2:])))
"""


def lay_out(source: str, format: str, timeout: float | None, size: str) -> bytes:  # noqa: A002
    """The picture of a DOT text.

    The `dot` program does it where it is installed, pygraphviz otherwise; either in a process of its
    own, which is killed at the time limit.

    Args:
        source: the DOT text.
        format: "svg", "png" or "pdf".
        timeout: seconds that it may take; None for no limit.
        size: how large the graph is, in words, for the errors.

    Raises:
        ValueError: the format is none of the three.
        RuntimeError: there is no Graphviz, or it failed.
        TimeoutError: it reached the time limit.
    """
    command = _command(format.lower())
    try:
        done = subprocess.run(command, input=source.encode(), capture_output=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise TimeoutError(
            f"laying out {size} took longer than {timeout:g} s and was stopped: draw less of it "
            f'(fold="layers", a smaller max_nodes, a result nearer to the inputs), or allow more time '
            f"(timeout=...); the DOT text is in .source"
        ) from None
    if done.returncode != 0 or not done.stdout:
        complaint = done.stderr.decode(errors="replace").strip()[-500:]
        raise RuntimeError(
            f"Graphviz ({command[0]}) failed on {size}, exit status {done.returncode}: {complaint}"
        )
    return done.stdout


def _command(format: str) -> list[str]:  # noqa: A002
    """The program that reads DOT and writes the picture, with its arguments."""
    if format not in _OPTIONS:
        raise ValueError(
            f"a drawing is written as svg, png or pdf, got {format!r}: end the path in .svg, .png or .pdf, "
            f"or pass format=...; .save(path) writes the DOT text"
        )
    program = shutil.which("dot")
    if program is not None:
        return [program, f"-T{format}", *_OPTIONS[format]]
    if importlib.util.find_spec("pygraphviz") is not None:
        # Warnings are pygraphviz's own affair, also where PYTHONWARNINGS makes errors of ours.
        return [sys.executable, "-W", "ignore", "-c", _PYGRAPHVIZ, format, *_OPTIONS[format]]
    raise RuntimeError(
        'a picture needs Graphviz, and there is none: either pip install "valuegrad[draw]" (pygraphviz, '
        "which carries Graphviz), or install the dot program (apt install graphviz, brew install graphviz, "
        "https://graphviz.org/download); the DOT text is in .source all the same"
    )
