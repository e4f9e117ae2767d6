"""A sketch written as DOT text."""

from __future__ import annotations

import re
from collections.abc import Iterable

import graphviz

from autograd.drawing.colours import DARK, GREY, INPUT_BORDER, INPUT_FILL, Scale, legend, text_on
from autograd.drawing.forms import forms_of
from autograd.drawing.pictures import Drawing
from autograd.drawing.repeats import repeated
from autograd.drawing.sketch import Look, Sketch, SketchNode, range_of
from autograd.graph.scopes import Path
from autograd.primitives.notation import format_constant

__all__ = ["written"]

READABLE = 500  # operations up to which a fine layout is worth its time
LONGEST = 60  # characters of a line in a box; more are in its tooltip
SHORT = 20  # characters of the name of an operand
TALLEST = 10  # lines of a text in a box
LARGEST = 3000  # characters of all texts of a box or a tooltip: dot takes 16384 bytes
COLUMN = 16  # functions of the same form, a layer's neurons say, up to which they are in one column

# Kinds of nodes differ in shape and border as well as in colour, for print in grey and for the
# colour-blind. An edge from or to a result outweighs an input's, so that a chain is drawn straight.
# The DOT text has every edge from a result to what it was computed from, drawn with its arrow at the
# other end: dot starts from where edges start, and then orders operands as a formula does. It is laid
# out from right to left, where "r" is the left.
_FONT = {"fontname": "Helvetica,Arial,sans-serif", "fontsize": "11"}
_GRAPH = {
    **_FONT,
    "rankdir": "RL",
    "newrank": "true",
    "pad": "0.1",
    "nodesep": "0.1",
    "ranksep": "0.22",
    "fontcolor": DARK,
}
_HURRIED = {"nslimit": "0.1", "nslimit1": "0.1", "mclimit": "0.1", "splines": "line"}
_NODE = {**_FONT, "style": "filled", "color": DARK, "fontcolor": DARK, "height": "0.3", "margin": "0.13,0.03"}
_EDGE = {
    **_FONT, "color": GREY, "fontcolor": GREY, "fontsize": "9", "arrowsize": "0.5", "dir": "back",
    "labeldistance": "0.9",
}  # fmt: skip
_SCOPE = {"style": "rounded,filled", "color": GREY, "margin": "10", "fontsize": "12", "labeljust": "r"}
_SCOPE_FILL = "#f3f4f6"
_INPUT = {"shape": "record", "color": INPUT_BORDER, "penwidth": "2"}
_BOXES = {
    Look.INPUT: _INPUT,
    Look.INPUTS: {**_INPUT, "penwidth": "4"},
    Look.RESULT: {"shape": "Mrecord"},
    Look.TAKEN: {"shape": "record"},
    Look.CUT: {"shape": "Mrecord", "style": "filled,dashed"},
    Look.LAYER: {"shape": "Mrecord", "penwidth": "2"},
}
_AGAIN = {"style": "filled,dashed"}
_CONSTANT = {"shape": "plaintext", "style": "", "width": "0", "margin": "0.05"}
_OPERATION = {
    "shape": "ellipse", "fillcolor": DARK, "fontcolor": "white", "fontsize": "12", "width": "0.3",
    "margin": "0.02",
}  # fmt: skip
_WITH_PORTS = {**_OPERATION, "shape": "record", "color": GREY, "margin": "0.08,0.03"}
_MAIN_EDGE = {"weight": "2"}
_RESULT_EDGE = {"weight": "8"}


def written(sketch: Sketch) -> Drawing:
    """The picture of a sketch."""
    return _Writer(sketch).picture


class _Writer:
    """Takes up the nodes and edges of one sketch, and writes them."""

    def __init__(self, sketch: Sketch) -> None:
        self.nodes = sketch.nodes
        self.uses = sketch.uses()
        self.repeated = repeated(sketch)
        self.homes = _homes(sketch)
        self.scale = Scale(gradient for node in sketch.nodes for gradient in node.grad)
        self.boxes: dict[Path, list[tuple[str, str, dict[str, str]]]] = {(): []}
        self.edges: list[tuple[str, str, dict[str, str]]] = []
        self.tails: dict[int, str] = {}
        self.columns: dict[Path, list[list[int]]] = {}
        for place in reversed(range(len(self.nodes))):
            self.add(place)
        readable = sum(node.primitive is not None for node in self.nodes) <= READABLE
        below = legend(self.scale, sketch.notice)
        self.picture = Drawing(
            graph_attr={**_GRAPH, **({} if readable else _HURRIED), **({"label": below} if below else {})},
            node_attr=_NODE,
            edge_attr=_EDGE,
        )
        self.picture.notice = sketch.notice
        self.picture.drawn = sum(map(len, self.boxes.values())), len(self.edges)
        # dot orders nodes as it meets them. Along the edges, from the result on, is how a formula is
        # read; for a chain of thousands it then needs ten times as long.
        if readable:
            self.columns = _columns(sketch, self.homes)
            self.write_edges()
            self.write_nodes()
        else:
            for box in self.boxes.values():
                box.reverse()
            self.write_nodes()
            self.write_edges()

    def add(self, place: int) -> None:
        """Take up an operation and what goes into it, or an output that is no operation."""
        node = self.nodes[place]
        if node.look is Look.CONSTANT or (not node.operands and self.uses[place]):
            return  # it is taken up with its first use
        if node.result and node.is_bare:  # so that those who use it are joined to the operation
            return
        name = self.named(place)
        if node.primitive is not None:
            operation = f"op{place}"
            label, style = (self.ports(node), _WITH_PORTS) if node.has_ports else (_said(node), _OPERATION)
            self.put(self.homes[place], operation, label, tooltip=_tooltip(node.tooltip), **style)
            if name != operation:
                self.edges.append((name, operation, _RESULT_EDGE))
                name = operation
        edges = []
        for i, (operand, role) in enumerate(zip(node.operands, node.roles), start=1):
            style = _MAIN_EDGE if self.nodes[operand].operands else {}
            if not node.has_ports:
                if role and len(node.operands) > 1:
                    style = {**style, "taillabel": role, "labelangle": "30" if i == 1 else "-30"}
                edges.append((name, self.tail(operand, place, i), style))
            elif self.nodes[operand].look is not Look.CONSTANT:  # that stands in its field
                edges.append((f"{name}:i{i}", self.tail(operand, place, i), style))
        # dot turns what is in a box upside down.
        self.edges += reversed(edges) if self.homes[place] else edges

    def tail(self, place: int, user: int, i: int) -> str:
        """The node that holds an operand; one for this use where it is drawn again."""
        node = self.nodes[place]
        if node.look is Look.CONSTANT:
            name = f"constant{user}_{i}"
            tooltip = " … ".join(map(format_constant, node.data))
            self.put(self.homes[user], name, node.text, tooltip=tooltip, **_CONSTANT)
            return name
        if self.nodes[user].result and not self.nodes[user].is_bare:
            return self.port(self.nodes[user])
        if (user, place) in self.repeated:
            name = f"again{user}_{i}"
            self.box(self.homes[user], name, node, _AGAIN)
            return name
        return self.named(place)

    def named(self, place: int) -> str:
        """The node that holds a result, which is drawn when it is first asked for."""
        name = self.tails.get(place)
        if name is None:
            node = self.nodes[place]
            if node.result and node.is_bare:
                name = self.port(node)
            else:
                name = f"op{place}" if node.is_bare else f"value{place}"
            self.tails[place] = name
            if not node.is_bare:
                self.box(self.homes[place], name, node)
        return name

    def ports(self, node: SketchNode) -> str:
        """An operation with a field for each operand, and for each of several results."""
        operands = []
        for place, role in zip(node.operands, node.roles):
            operand = self.nodes[place]
            name = _cut(role, SHORT)
            operands.append(f"{name} = {operand.text}" if operand.look is Look.CONSTANT else name)
        count = node.result_count
        results = [_fields("o", map(str, range(1, count + 1)))] if count > 1 else []
        return f"{{{'|'.join([_fields('i', operands), _said(node), *results])}}}"

    def port(self, result: SketchNode) -> str:
        """Where an operation hands out one of several results."""
        (operation,) = result.operands
        name = self.named(operation)
        return f"{name}:o{result.result}" if self.nodes[operation].has_ports else name

    def box(self, home: Path, name: str, node: SketchNode, more: dict[str, str] | None = None) -> None:
        """Draw a value's box."""
        numbers = [(what, of) for what, of in (("data", node.data), ("grad", node.grad)) if of]
        lines = [_shortened(line) for line in node.lines]
        fields = [*map(_escaped, lines), *(f"{what} {range_of(of)}" for what, of in numbers)]
        if sum(map(len, fields)) > LARGEST:
            fields[2 : len(lines)] = ["…"]
        whole = [line for line, short in zip(node.lines, lines) if line != short]
        tooltip = ", ".join([*whole, *(f"{what} {' … '.join(map(str, of))}" for what, of in numbers)])
        plain = INPUT_FILL if node.look.is_input else "#ffffff"
        fill = self.scale.fill(node.grad) if self.scale and node.grad else plain
        style = {**_BOXES[node.look], "fillcolor": fill, "fontcolor": text_on(fill), **(more or {})}
        self.put(home, name, " | ".join(fields), tooltip=_tooltip(tooltip or node.tooltip or " "), **style)

    def put(self, home: Path, name: str, label: str, **attributes: str) -> None:
        self.boxes.setdefault(home, []).append((name, label, attributes))

    def write_edges(self) -> None:
        for tail, head, attributes in self.edges:
            self.picture.edge(tail, head, **attributes)

    def write_nodes(self) -> None:
        """Write the nodes, box in box; without recursion, however deep the boxes."""
        inside: dict[Path, dict[Path, None]] = {}
        for path in self.boxes:
            for depth in range(len(path)):
                inside.setdefault(path[:depth], {})[path[: depth + 1]] = None
        ahead: list[Path | None] = [()]
        opened = 0
        while ahead:
            home = ahead.pop()
            if home is None:
                self.picture.body.append("\t}\n")
                continue
            if home:
                self.open(f"cluster_{opened}", home)
                opened += 1
                ahead.append(None)
            ahead.extend(reversed(inside.get(home, {})))
            for name, label, attributes in self.boxes.get(home, []):
                self.picture.node(name, label, **attributes)
            for column in self.columns.get(home, []):
                for names in [f"op{place}" for place in column], [self.named(place) for place in column]:
                    self.picture.body.append(f"\t{{rank=same; {'; '.join(names)}}}\n")

    def open(self, name: str, home: Path) -> None:
        """Open a scope's box. Every other one is white, so that one within another is seen."""
        self.picture.body.append(f"\tsubgraph {name} {{\n")
        fill = _SCOPE_FILL if len(home) % 2 else "white"
        self.picture.attr(label=_escaped(_shortened(home[-1].name)), fillcolor=fill, **_SCOPE)


def _homes(sketch: Sketch) -> list[Path]:
    """The scopes that each node is drawn in: an operation's own, an input's that all its users share."""
    homes = [node.scopes for node in sketch.nodes]
    seen: set[int] = set()
    for node in sketch.nodes:
        home = node.scopes[:-1] if node.look is Look.TAKEN else node.scopes
        for operand in node.operands:
            if sketch.nodes[operand].look.is_input:
                homes[operand] = _shared(homes[operand], home) if operand in seen else home
                seen.add(operand)
    return homes


def _columns(sketch: Sketch, homes: list[Path]) -> dict[Path, list[list[int]]]:
    """The functions of the same form that are drawn one above the other, in each box of scopes."""
    if any(node.look is Look.LAYER for node in sketch.nodes):  # what is alike is merged already
        return {}
    alike: dict[tuple[Path, int], list[int]] = {}
    for place, form in enumerate(forms_of(sketch)):
        primitive = sketch.nodes[place].primitive
        if primitive is not None and not primitive.symbol and not primitive.folded:
            alike.setdefault((homes[place], form), []).append(place)
    columns: dict[Path, list[list[int]]] = {}
    for (home, _), places in alike.items():
        if 1 < len(places) <= COLUMN:
            columns.setdefault(home, []).append(places)
    return columns


def _said(node: SketchNode) -> str:
    """What an operation is called, with a line for all code that it holds."""
    bodies = node.primitive.bodies if node.primitive else ()
    held = [f"{body.name}: {len(body)} operation{'s' * (len(body) != 1)}" for body in bodies]
    return r"\n".join([_escaped(_shortened(line)) for line in [node.symbol, *held]])


def _fields(kind: str, texts: Iterable[str]) -> str:
    """Fields one above the other, named by their kind and number: where arrows end, or begin."""
    fields = [f"<{kind}{i}> {_escaped(text)}" for i, text in enumerate(texts, start=1)]
    return f"{{{'|'.join(fields)}}}"


def _shared(first: Path, second: Path) -> Path:
    depth = 0
    while depth < min(len(first), len(second)) and first[depth] is second[depth]:
        depth += 1
    return first[:depth]


def _shortened(text: str) -> str:
    """A text in a box, without the middle of its lines where they are long or many."""
    lines = [_cut(line, LONGEST) for line in text.split("\n")]
    if len(lines) > TALLEST:
        lines[TALLEST // 2 : -TALLEST // 2] = ["…"]
    return "\n".join(lines)


def _tooltip(text: str) -> str:
    return _escaped(_cut(text, LARGEST))


def _cut(text: str, longest: int) -> str:
    """A text without its middle where it is long."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[1 - half :]}"


_UNWRITABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def _escaped(text: str) -> str:
    """Text as DOT's labels want it, records too, so that it shows as it is.

    A newline starts a line. Other control characters and lone surrogates, which have no place in an
    SVG, become the replacement character.
    """
    text = _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    text = re.sub(r"[\\{}|<>]", r"\\\g<0>", text.replace("&", "&amp;"))
    return graphviz.nohtml(text.replace("\n", r"\n"))  # type: ignore[no-any-return]
