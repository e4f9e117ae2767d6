"""The sketch of a program: names instead of numbers."""

from __future__ import annotations

from autograd.drawing.sketch import Look, Sketch, SketchNode, extremes_of
from autograd.programs.program import Program

__all__ = ["sketch_of_program"]


def sketch_of_program(program: Program) -> Sketch:
    """A program's operations, one to the other, with boxes for inputs, outputs and what has a label.

    Inputs that nothing depends on are left out.

    Args:
        program: any program.
    """
    code, results = program.code, program.results.names("result")
    names = code.names()
    used = {operand for instruction in code.instructions for operand in instruction.operands}
    used.update(code.outputs)
    outputs: dict[int, list[str]] = {}
    for slot, result in zip(code.outputs, results):
        outputs.setdefault(slot, []).append(result)
    nodes: list[SketchNode] = []
    places: dict[int, int] = {}

    def add(slot: int, node: SketchNode) -> None:
        places[slot] = len(nodes)
        nodes.append(node)

    for slot in range(len(code.inputs)):
        if slot in used:
            add(slot, SketchNode(Look.INPUT, lines=(names[slot],)))
    for slot, number in enumerate(code.constants, len(code.inputs)):
        add(slot, SketchNode(Look.CONSTANT, data=extremes_of(number)))
    labels = code.labels()
    for instruction in code.instructions:
        parts = tuple([places[operand] for operand in instruction.operands])
        node = SketchNode(Look.RESULT, parts, instruction.operation, scopes=instruction.scopes)
        for slot in instruction.results:
            lines = tuple(([labels[slot]] if labels[slot] else []) + outputs.get(slot, []))
            add(slot, node._replace(lines=lines, tooltip=f"{names[slot]} = {instruction.written(names)}"))
    for slot, returned in outputs.items():
        if slot < code.start:  # an argument, or a constant, that is returned as it is
            nodes.append(SketchNode(Look.RESULT, (places[slot],), lines=tuple(returned)))
            places[slot] = len(nodes) - 1
    return Sketch(nodes, [places[slot] for slot in outputs])
