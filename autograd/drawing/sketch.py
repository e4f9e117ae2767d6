"""`Sketch`: what a picture is to show, of a graph or a program alike, before it is folded and written."""

from __future__ import annotations

from collections import Counter, deque
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from autograd.graph.scopes import Path
from autograd.primitives.notation import format_constant
from autograd.primitives.operation import Operation

__all__ = ["Look", "Sketch", "SketchNode", "constant", "extremes_of", "nearest", "range_of", "size_of"]


_MOST_PORTS = 40


class Look(Enum):
    """The kinds of nodes, each of which is drawn in a way of its own."""

    INPUT = "input"
    CONSTANT = "constant"
    RESULT = "result"
    TAKEN = "taken"  # an operand, within the code that an operation holds
    CUT = "cut"  # a result whose operands are left out
    INPUTS = "inputs"  # many inputs as one
    LAYER = "layer"  # many operations as one

    @property
    def is_input(self) -> bool:
        return self in (Look.INPUT, Look.INPUTS)


class SketchNode(NamedTuple):
    """An input, a constant, or an operation with its result.

    Of an operation with several results each result that is used is a node of its own, whose only operand is
    the node of the operation.

    Attributes:
        look: which of them.
        operands: the places of the nodes that it was computed from, in order.
        primitive: the operation, which is drawn before the result's box; None where there is none.
        lines: what stands in the box above the numbers: a label, for one.
        data: the number; the smallest and the largest where the node stands for many; or nothing.
        grad: the gradient, likewise.
        tooltip: what the pointer shows at the operation.
        scopes: the scopes that it was recorded in.
        result: which of several results it is, counted from 1; 0 where it is the only one.
    """

    look: Look
    operands: tuple[int, ...] = ()
    primitive: Operation | None = None
    lines: tuple[str, ...] = ()
    data: tuple[float, ...] = ()
    grad: tuple[float, ...] = ()
    tooltip: str = ""
    scopes: Path = ()
    result: int = 0

    @property
    def is_bare(self) -> bool:
        """Whether there is nothing to write into a box."""
        return not self.lines and not self.data

    @property
    def text(self) -> str:
        """What stands for it where it is a constant."""
        return " ".join(self.lines) or range_of(self.data)

    @property
    def symbol(self) -> str:
        """How the operation is written."""
        return "" if self.primitive is None else self.primitive.symbol or self.primitive.name

    @property
    def is_operator(self) -> bool:
        """Whether the operation is written with a symbol, not as a function."""
        return self.primitive is not None and bool(self.primitive.symbol)

    @property
    def roles(self) -> list[str]:
        """What each operand is to the operation: what its code calls it, or a number where order matters."""
        operation, count = self.primitive, len(self.operands)
        if operation is None or operation.commutative:
            return [""] * count
        numbers = [str(i) for i in range(1, count + 1)]
        inputs = operation.bodies[0].inputs if operation.bodies else ()
        before = count - len(inputs)
        return [*(operation.leading if len(operation.leading) == before else numbers[:before]), *inputs]

    @property
    def has_ports(self) -> bool:
        """Whether the operation is drawn as a box with a field for each operand and result."""
        if self.primitive is None or len(self.operands) + self.result_count > _MOST_PORTS:
            return False
        return self.result_count > 1 or bool(self.primitive.bodies)

    @property
    def result_count(self) -> int:
        """How many results the operation has."""
        return 1 if self.primitive is None else self.primitive.result_count


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


def constant(number: Any) -> SketchNode:
    """The node of a constant, a number or a whole array."""
    return SketchNode(Look.CONSTANT, lines=size_of(number), data=extremes_of(number))


def size_of(number: Any) -> tuple[str, ...]:
    """How long an array is, as a line; nothing of a number."""
    return (format_constant(number),) if isinstance(number, np.ndarray) else ()


def range_of(numbers: tuple[float, ...]) -> str:
    """One number, or the smallest and the largest, in five digits."""
    return " … ".join(dict.fromkeys(f"{number:.5g}" for number in numbers))


def extremes_of(number: Any) -> tuple[float, ...]:
    """A number; of a whole array the smallest and the largest, or nothing where it is empty."""
    if isinstance(number, np.ndarray):
        return (number.min().item(), number.max().item()) if len(number) else ()
    return (number,)
