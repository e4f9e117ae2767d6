"""The sketch of a program: names instead of numbers; and of the code that operations hold."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from autograd.drawing.sketch import Look, Sketch, SketchNode, constant
from autograd.graph.scopes import Scope
from autograd.programs.code import Code
from autograd.programs.program import Program

__all__ = ["sketch_of_program", "unfolded"]


def sketch_of_program(program: Program) -> Sketch:
    """A program's operations, one to the other, with boxes for inputs, outputs and what has a label.

    Inputs that nothing depends on are left out.

    Args:
        program: any program.
    """
    returned: dict[int, list[str]] = {}
    for slot, result in zip(program.code.outputs, program.results.names("result")):
        returned.setdefault(slot, []).append(result)
    return _sketch_of_code(program.code, returned)


def unfolded(sketch: Sketch) -> Sketch:
    """Draw the code that operations hold: each piece in a labelled box, from its inputs to its outputs.

    Args:
        sketch: any sketch in which nothing is merged.
    """
    nodes: list[SketchNode] = []
    places: dict[int, int] = {}
    ends: dict[int, list[tuple[int, ...]]] = {}  # of each operation that held code, what makes each result
    for place, node in enumerate(sketch.nodes):
        if node.result and node.operands[0] in ends:
            node = node._replace(operands=ends[node.operands[0]][node.result - 1], result=0)
        else:
            node = node._replace(operands=tuple([places[operand] for operand in node.operands]))
        if node.primitive is not None and node.primitive.bodies:
            ends[place] = _with_bodies(nodes, node)
            if node.result_count > 1:
                continue
            node = node._replace(operands=ends[place][0], primitive=None)
        if node.primitive is None and node.is_bare and not node.result and node.operands:
            if len(node.operands) == 1:
                places[place] = node.operands[0]
                continue
            node = node._replace(lines=("either",))  # of several pieces of code one makes it
        places[place] = len(nodes)
        nodes.append(node)
    return Sketch(nodes, [places[output] for output in sketch.outputs])


def _with_bodies(nodes: list[SketchNode], node: SketchNode) -> list[tuple[int, ...]]:
    """Add the code that an operation holds; return what each of its results is made of."""
    bodies = node.primitive.bodies if node.primitive else ()
    leading = len(node.operands) - len(bodies[0].inputs)
    above = list(zip(node.roles[:leading], node.operands))
    told = [f", {role} = {nodes[at].text}" for role, at in above if nodes[at].look is Look.CONSTANT]
    results: list[list[int]] = [[]] * node.result_count
    for body in bodies:
        inner = unfolded(_sketch_of_code(body, {}))
        path = (*node.scopes, Scope(f"{node.symbol}: {body.name}{''.join(told)}"))
        for role, place in above:
            if nodes[place].look is not Look.CONSTANT:
                nodes.append(SketchNode(Look.TAKEN, (place,), lines=(role,), scopes=path))
        used, start = _used(body), len(nodes)
        operands = [operand for i, operand in enumerate(node.operands[leading:]) if i in used]
        for part, operand in itertools.zip_longest(inner.nodes, operands):
            below = tuple([start + each for each in part.operands])
            if operand is not None:  # the inputs come first
                part, below = part._replace(look=Look.TAKEN), (operand,)
            nodes.append(part._replace(operands=below, scopes=(*path, *part.scopes)))
        results = [[*ends, start + end] for ends, end in zip(results, inner.outputs)]
    return [tuple(ends) for ends in results]


def _used(code: Code) -> set[int]:
    """The slots that something depends on."""
    used = {operand for instruction in code.instructions for operand in instruction.operands}
    return used | set(code.outputs)


def _sketch_of_code(code: Code, returned: Mapping[int, list[str]]) -> Sketch:
    """The sketch of code, in which outputs have names."""
    names, labels, used = code.names(), code.labels(), _used(code)
    nodes: list[SketchNode] = []
    places: dict[int, int] = {}

    def add(slot: int, node: SketchNode) -> None:
        places[slot] = len(nodes)
        nodes.append(node)

    for slot in range(len(code.inputs)):
        if slot in used:
            add(slot, SketchNode(Look.INPUT, lines=(names[slot],)))
    for slot, number in enumerate(code.constants, len(code.inputs)):
        add(slot, constant(number))
    for instruction in code.instructions:
        parts = tuple([places[operand] for operand in instruction.operands])
        written = ", ".join([names[slot] for slot in instruction.results])
        tooltip = f"{written} = {instruction.written(names)}"
        node = SketchNode(
            Look.RESULT, parts, instruction.operation, tooltip=tooltip, scopes=instruction.scopes
        )
        if len(instruction.results) > 1:
            nodes.append(node)
            node = node._replace(operands=(len(nodes) - 1,), primitive=None)
        for i, slot in enumerate(instruction.results, start=1):
            lines = tuple(([labels[slot]] if labels[slot] else []) + returned.get(slot, []))
            if len(instruction.results) == 1:
                add(slot, node._replace(lines=lines))
            elif slot in used:
                add(slot, node._replace(lines=lines, result=i))
    for slot, results in returned.items():
        if slot < code.start:  # an argument, or a constant, that is returned as it is
            nodes.append(SketchNode(Look.RESULT, (places[slot],), lines=tuple(results)))
            places[slot] = len(nodes) - 1
    return Sketch(nodes, [places[slot] for slot in code.outputs])
