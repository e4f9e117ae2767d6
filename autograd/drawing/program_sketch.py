"""The sketch of a program: names instead of numbers."""

from __future__ import annotations

from autograd.drawing.sketch import Look, Sketch, SketchNode
from autograd.primitives.notation import written
from autograd.programs.program import Program

__all__ = ["sketch_of_program"]


def sketch_of_program(program: Program) -> Sketch:
    """A program's operations, one to the other, with boxes for inputs, outputs and what has a label.

    Inputs that nothing depends on are left out.

    Args:
        program: any program.
    """
    names, results = program.names(), program.results.names("result")
    first = len(program.inputs) + len(program.constants)
    used = {operand for instruction in program.instructions for operand in instruction.operands} | set(
        program.outputs
    )
    outputs: dict[int, list[str]] = {}
    for slot, result in zip(program.outputs, results):
        outputs.setdefault(slot, []).append(result)
    nodes: list[SketchNode] = []
    places: dict[int, int] = {}

    def add(slot: int, node: SketchNode) -> None:
        places[slot] = len(nodes)
        nodes.append(node)

    for slot in range(len(program.inputs)):
        if slot in used:
            add(slot, SketchNode(Look.INPUT, lines=(names[slot],)))
    for slot, number in enumerate(program.constants, len(program.inputs)):
        add(slot, SketchNode(Look.CONSTANT, data=(number,)))
    for slot, (primitive, operands, label, _, scopes) in enumerate(program.instructions, first):
        lines = tuple(([label] if label else []) + outputs.get(slot, []))
        title = f"{names[slot]} = {written(primitive, [names[operand] for operand in operands])}"
        parts = tuple([places[operand] for operand in operands])
        add(slot, SketchNode(Look.RESULT, parts, primitive, lines, tooltip=title, scopes=scopes))
    for slot, returned in outputs.items():
        if slot < first:  # an argument, or a constant, that is returned as it is
            nodes.append(SketchNode(Look.RESULT, (places[slot],), lines=tuple(returned)))
            places[slot] = len(nodes) - 1
    return Sketch(nodes, [places[slot] for slot in outputs])
