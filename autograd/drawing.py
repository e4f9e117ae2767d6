"""`draw`: the graph that a value was computed by, as a picture that Graphviz lays out."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Container
from pathlib import Path
from typing import Any

import graphviz

from autograd.graph import operands, topological_order
from autograd.program import Program, formula
from autograd.value import Value

__all__ = ["Drawing", "draw"]

HUB = 8  # an input used more often is drawn again beside each use: dot's time explodes on hubs
READABLE = 500  # operations up to which a fine layout is worth its time
TIME_LIMIT = 60.0  # seconds that a layout may take
SHOWN_NODES = 2_000  # the largest picture that a notebook shows unasked
SHOWN_SECONDS = 5.0  # and how long it may wait for it

# Kinds of nodes differ in shape and border as well as in colour, for print in grey and for the
# colour-blind. An edge from or to a result outweighs an input's, so that a chain is drawn straight.
_DARK, _GREY = "#3b4252", "#6b7280"
_FONT = {"fontname": "Helvetica,Arial,sans-serif", "fontsize": "11"}
_GRAPH = {"rankdir": "LR", "pad": "0.1", "nodesep": "0.12", "ranksep": "0.3"}
_HURRIED = {"nslimit": "0.5", "nslimit1": "0.5", "mclimit": "0.1", "splines": "line"}
_NODE = {**_FONT, "style": "filled", "color": _DARK, "height": "0.3"}
_EDGE = {**_FONT, "color": _GREY, "fontcolor": _GREY, "arrowsize": "0.5", "labeldistance": "1.6"}
_RESULT = {"shape": "Mrecord", "fillcolor": "white"}
_LEAF = {"shape": "record", "fillcolor": "#cfe3f5", "penwidth": "2"}
_LEAF_AGAIN = {**_LEAF, "style": "filled,dashed"}
_CONSTANT = {"shape": "plaintext", "style": "", "width": "0", "margin": "0.05"}
_OPERATION = {
    "shape": "ellipse", "fillcolor": _DARK, "fontcolor": "white", "fontsize": "12", "width": "0.3",
    "margin": "0.02",
}  # fmt: skip
_MAIN_EDGE = {"weight": "2"}


class Drawing(graphviz.Digraph):  # type: ignore[misc]  # graphviz is untyped
    """A `graphviz.Digraph` that is laid out within a time limit, with or without the `dot` program.

    The `dot` program is used where it is installed, pygraphviz's own layout otherwise; either works
    in a process of its own, which is killed at the time limit. What needs no layout (`source`,
    `save`, `node`, `edge`, `attr`) needs neither.
    """

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
        partial = target.with_name(f".{uuid.uuid4().hex}.tmp")
        try:
            partial.write_bytes(picture)
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)
        return str(target)

    def pipe(self, format: str = "svg", timeout: float | None = TIME_LIMIT) -> bytes:  # noqa: A002
        """The picture as bytes; arguments and errors as in `render`."""
        command = _layout_command(format.lower())
        text: str = self.source
        try:
            done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(
                f"laying out {self._size()} took longer than {timeout:g} s and was stopped: draw a smaller "
                f"part (a result nearer to the inputs), or allow more time (timeout=...); the DOT text is "
                f"in .source"
            ) from None
        if done.returncode != 0 or not done.stdout:
            said = done.stderr.decode(errors="replace").strip()[-500:]
            raise RuntimeError(
                f"Graphviz ({command[0]}) failed on {self._size()}, exit status {done.returncode}: {said}"
            )
        return done.stdout

    def view(self, path: str | os.PathLike[str] = "graph.pdf") -> str:
        """Write the picture to a file and open it in the system's viewer; see `render`."""
        written = self.render(path)
        graphviz.view(written)
        return written

    def _repr_svg_(self) -> str | None:
        """The picture for a notebook; None, and the text stands, where it is not to be had quickly."""
        nodes, _ = self._count()
        if nodes > SHOWN_NODES:
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
        return f"<Drawing of {self._size()}: .render('graph.svg') writes it, .source is its DOT text>"

    def _count(self) -> tuple[int, int]:
        edges = sum(" -> " in line for line in self.body)
        return len(self.body) - edges, edges

    def _size(self) -> str:
        nodes, edges = self._count()
        return f"{nodes} nodes and {edges} edges"


def draw(value: Value | Program, *more: Value) -> Drawing:
    """Draw the graph that values were computed by, from the inputs on the left to them on the right.

    A value is a box with its label, data and gradient (5 digits; the SVG's tooltips have all):
    rounded and white where an operation made it; square, blue and with a heavy border where it is an
    input. An operation is a small dark ellipse with its symbol or name; where the order of its
    operands matters, their arrows are numbered. A constant is a bare number, and is drawn at each use.
    An input used more than 8 times is drawn again at each use, with a dashed border.

    A `Program` is drawn with the names of its inputs and outputs, and without numbers.

    Args:
        value: the result to draw, or a program.
        more: further results for the same picture.

    Returns:
        A `Drawing`. It shows itself in a notebook; `Drawing.render` writes it to a file.

    Raises:
        TypeError: an argument is neither.

    >>> x = Value(3.0, "x")
    >>> draw(2 * x + 1)
    <Drawing of 7 nodes and 6 edges: .render('graph.svg') writes it, .source is its DOT text>
    """
    if isinstance(value, Program) and not more:
        return _draw_program(value)
    roots: tuple[Any, ...] = (value, *more)
    for root in roots:
        if not isinstance(root, Value):
            raise TypeError(
                f"draw takes Values, each as an argument of its own, got {type(root).__name__}: "
                "a graph is recorded where a formula is computed on Values"
            )
    order = topological_order(*roots)
    layout = _GRAPH
    if len(order) <= READABLE:
        # From the result back, dot puts operands from top to bottom as the formula has them from left
        # to right. On a chain of thousands that costs it ten times the time.
        order.reverse()
    else:
        layout = {**_GRAPH, **_HURRIED}
    uses = Counter(one for node in order for one in operands(node) if type(one) is not float)
    results = {node: f"value{place}" for place, node in enumerate(order)}
    inputs: dict[Value, str] = {}
    picture = Drawing(graph_attr=layout, node_attr=_NODE, edge_attr=_EDGE)
    for place, node in enumerate(order):
        operation, parts = f"op{place}", operands(node)
        primitive: Any = node._primitive
        numbered = len(parts) > 1 and not primitive.commutative
        picture.node(operation, _escaped(node._op), tooltip=primitive.name, **_OPERATION)
        for i, one in enumerate(parts, start=1):
            tail = results.get(one) or inputs.get(one)
            if tail is None:
                tail = f"input{place}_{i}"
                if type(one) is float:
                    picture.node(tail, f"{one:.5g}", tooltip=f"{one}", **_CONSTANT)
                elif uses[one] > HUB:
                    _draw_value(picture, tail, one, _LEAF_AGAIN)
                else:
                    _draw_value(picture, tail, one, _LEAF)
                    inputs[one] = tail
            style = _MAIN_EDGE if one in results else {}
            number = {"headlabel": str(i), "labelangle": "-30" if i == 1 else "30"} if numbered else {}
            picture.edge(tail, operation, **style, **number)
        _draw_value(picture, results[node], node, _RESULT)
        picture.edge(operation, results[node], **_MAIN_EDGE)
    for i, root in enumerate(dict.fromkeys(roots), start=1):
        if root not in results and not uses[root]:
            _draw_value(picture, f"root{i}", root, _LEAF)
    return picture


def _draw_program(program: Program) -> Drawing:
    """Operations one to the other, with boxes for inputs and outputs only."""
    names = program.names()
    inputs, first = len(program.inputs), len(program.inputs) + len(program.constants)
    uses = Counter(operand for one in program.instructions for operand in one.operands)
    layout = _GRAPH if len(program) <= READABLE else {**_GRAPH, **_HURRIED}
    picture = Drawing(graph_attr=layout, node_attr=_NODE, edge_attr=_EDGE)

    def beside(slot: int, use: str) -> str:
        """The node of a slot; of an input that is a hub, and of a constant, one for this use."""
        if slot >= first:
            return f"op{slot}"
        tail = f"input{use}" if slot >= inputs or uses[slot] > HUB else f"slot{slot}"
        if slot >= inputs:
            picture.node(tail, names[slot], **_CONSTANT)
        else:
            picture.node(tail, _escaped(names[slot]), **(_LEAF_AGAIN if uses[slot] > HUB else _LEAF))
        return tail

    for at, instruction in reversed(list(enumerate(program.instructions, first))):
        primitive = instruction.primitive
        title = f"{names[at]} = {formula(instruction, names)}"
        picture.node(f"op{at}", _escaped(primitive.symbol or primitive.name), tooltip=title, **_OPERATION)
        numbered = len(instruction.operands) > 1 and not primitive.commutative
        for i, operand in enumerate(instruction.operands, start=1):
            number = {"headlabel": str(i), "labelangle": "-30" if i == 1 else "30"} if numbered else {}
            picture.edge(beside(operand, f"{at}_{i}"), f"op{at}", **number)
    for i, output in enumerate(program.outputs, start=1):
        picture.node(f"output{i}", _escaped(f"result {i}"), **_RESULT)
        picture.edge(beside(output, f"_result{i}"), f"output{i}", **_MAIN_EDGE)
    return picture


def _draw_value(picture: Drawing, name: str, value: Value, style: dict[str, str]) -> None:
    fields = [f"data {value._data:.5g}", f"grad {value._grad:.5g}"]
    if value.label:
        fields.insert(0, _escaped(str(value.label)))
    picture.node(name, " | ".join(fields), tooltip=f"data {value._data}, grad {value._grad}", **style)


_UNWRITABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def _escaped(text: str) -> str:
    """Text as DOT's labels want it, records too, so that it shows as it is.

    A newline starts a line. Other control characters and lone surrogates, which have no place in an
    SVG, become the replacement character.
    """
    text = _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    text = re.sub(r"[\\{}|<>]", r"\\\g<0>", text.replace("&", "&amp;"))
    return graphviz.nohtml(text.replace("\n", r"\n"))  # type: ignore[no-any-return]


_OPTIONS = {"svg": [], "png": ["-Gdpi=144"], "pdf": []}

_PYGRAPHVIZ = """\
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot", args=" ".join(sys.argv[2:])))
"""


def _layout_command(format: str) -> list[str]:  # noqa: A002
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
