"""The sketch of a program: names instead of numbers."""

from __future__ import annotations

from autograd.drawing.sketch import Look, Node, Sketch
from autograd.programs.code import formula
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
    nodes: list[Node] = []
    places: dict[int, int] = {}

    def add(slot: int, node: Node) -> None:
        places[slot] = len(nodes)
        nodes.append(node)

    for slot in range(len(code.inputs)):
        if slot in used:
            add(slot, Node(Look.INPUT, lines=(names[slot],)))
    for slot, number in enumerate(code.constants, len(code.inputs)):
        add(slot, Node(Look.CONSTANT, data=(number,)))
    for instruction in code.instructions:
        operands = tuple([places[operand] for operand in instruction.operands])
        for slot, label in zip(instruction.results, instruction.labels or [""] * len(instruction.results)):
            lines = ([label] if label else []) + outputs.get(slot, [])
            title = f"{names[slot]} = {formula(instruction, names)}"
            look = Node(Look.RESULT, operands, instruction.operation, tuple(lines), tooltip=title)
            add(slot, look._replace(scopes=instruction.scopes))
    for slot, returned in outputs.items():
        if slot < code.start:  # an argument, or a constant, that is returned as it is
            nodes.append(Node(Look.RESULT, (places[slot],), lines=tuple(returned)))
            places[slot] = len(nodes) - 1
    return Sketch(nodes, [places[slot] for slot in outputs])
