"""`Sketch`: what a picture is to show, of a graph or a program alike, before it is folded and written."""

from __future__ import annotations

from collections import Counter, deque
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from autograd.graph.scopes import Path
from autograd.primitives.operation import Operation

__all__ = ["Look", "Sketch", "SketchNode", "extremes_of", "nearest"]


class Look(Enum):
    """The kinds of nodes, each of which is drawn in a way of its own."""

    INPUT = "input"
    CONSTANT = "constant"
    RESULT = "result"
    CUT = "cut"  # a result whose operands are left out
    INPUTS = "inputs"  # many inputs as one
    LAYER = "layer"  # many operations as one

    @property
    def is_input(self) -> bool:
        return self in (Look.INPUT, Look.INPUTS)


class SketchNode(NamedTuple):
    """An input, a constant, or an operation with its result.

    Attributes:
        look: which of them.
        operands: the places of the nodes that it was computed from, in order.
        primitive: the operation, which is drawn before the result's box; None where there is none.
        lines: what stands in the box above the numbers: a label, for one.
        data: the number; the smallest and the largest where the node stands for many; or nothing.
        grad: the gradient, likewise.
        tooltip: what the pointer shows at the operation.
        scopes: the scopes that it was recorded in.
    """

    look: Look
    operands: tuple[int, ...] = ()
    primitive: Operation | None = None
    lines: tuple[str, ...] = ()
    data: tuple[float, ...] = ()
    grad: tuple[float, ...] = ()
    tooltip: str = ""
    scopes: Path = ()

    @property
    def symbol(self) -> str:
        """How the operation is written."""
        return "" if self.primitive is None else self.primitive.symbol or self.primitive.name

    @property
    def is_operator(self) -> bool:
        """Whether the operation is written with a symbol, not as a function."""
        return self.primitive is not None and bool(self.primitive.symbol)

    @property
    def is_numbered(self) -> bool:
        """Whether the order of the operands matters."""
        return len(self.operands) > 1 and self.primitive is not None and not self.primitive.commutative


class Sketch(NamedTuple):
    """The nodes of a picture.

    Attributes:
        nodes: each after its operands, unless some are merged: these may use each other.
        outputs: the places of the results that the picture is of.
        notice: what is left out, or "".
    """

    nodes: list[SketchNode]
    outputs: list[int]
    notice: str = ""

    def uses(self) -> Counter[int]:
        """How often each node is an operand."""
        return Counter(place for node in self.nodes for place in node.operands)


def nearest(sketch: Sketch, most: int) -> Sketch:
    """As many nodes of a sketch as may be drawn: those nearest to the outputs, in steps.

    Constants do not count. A result whose operands would be too many is cut: it is drawn without what
    it was computed from.

    Args:
        sketch: any sketch.
        most: how many nodes may be drawn.
    """
    nodes = sketch.nodes
    there = sum(node.look is not Look.CONSTANT for node in nodes)
    if there <= most:
        return sketch
    outputs = sketch.outputs[:most]
    drawn, whole, ahead = set(outputs), set(), deque(outputs)
    while ahead:
        place = ahead.popleft()
        more = {part for part in nodes[place].operands if nodes[part].look is not Look.CONSTANT} - drawn
        if len(drawn) + len(more) <= most:
            whole.add(place)
            drawn |= more
            ahead.extend(sorted(more))
    constants = {part for place in whole for part in nodes[place].operands} - drawn
    moved = {place: at for at, place in enumerate(sorted(drawn | constants))}
    kept = []
    for place in moved:
        node = nodes[place]
        if place in whole:
            node = node._replace(operands=tuple([moved[operand] for operand in node.operands]))
        elif node.operands:
            node = node._replace(look=Look.CUT, operands=(), primitive=None, lines=("…", *node.lines))
        kept.append(node)
    notice = f"{len(drawn)} of {there} nodes are drawn, those nearest to the result"
    return Sketch(kept, [moved[place] for place in outputs], notice)


def extremes_of(number: Any) -> tuple[float, ...]:
    """A number; of a whole array the smallest and the largest, or nothing where it is empty."""
    if isinstance(number, np.ndarray):
        return (number.min().item(), number.max().item()) if len(number) else ()
    return (number,)
