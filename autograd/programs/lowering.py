"""Lowering: a program in elementary operations only, those that an engine has a machine's word for.

A composite primitive is replaced by its expression over others, and so is a user's own where its
forward can be traced. One that cannot (it calls ``math`` on its arguments, or decides by ``if``) stays
in the program, and the engine calls it back in Python.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from autograd.graph.nodes import is_node
from autograd.graph.value import Value
from autograd.primitives.operation import Operation
from autograd.primitives.primitive import Primitive
from autograd.programs.code import Code, Instruction
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.mapping import Map
from autograd.programs.loops.packing import expanded, expanded_here
from autograd.programs.simplification import Builder
from autograd.programs.tracing import LinesOfNodes, record, written

__all__ = [
    "in_pairs",
    "in_primitives",
    "is_elementary",
    "lowered",
    "result_of",
    "size_of_straight",
    "size_written_out",
    "straight",
]

_expressions: WeakKeyDictionary[Operation, Code | None] = WeakKeyDictionary()


def is_elementary(operation: Operation) -> bool:
    """Whether engines know it by itself: an operator, a function of C's library, or ``where``."""
    return operation.is_builtin and not operation.is_composite


def lowered(code: Code, *, split: bool = True, is_kept: Callable[[Operation], bool] = is_elementary) -> Code:
    """The same code with composite operations written out, simplified again.

    Sharing across them is found: sigmoid(x) and sigmoid(-x) have one exponential.

    Args:
        code: any code.
        split: whether an operation with several results becomes one for each of them, as engines need it
            whose instructions have one result.
        is_kept: tells operations that are not written out.
    """
    builder = Builder()
    slots = [builder.input(place in code.arrays) for place in range(len(code.inputs))]
    _replay(builder, code, slots, split, is_kept)
    return builder.finish(code.name, code.inputs, [slots[output] for output in code.outputs])


def in_pairs(code: Code) -> Code:
    """The same code with operations on two operands in place of one on more: maximum(maximum(a, b), c)."""
    return lowered(
        code, split=False, is_kept=lambda operation: getattr(operation, "of_two", operation) is operation
    )


def _replay(
    builder: Builder,
    code: Code,
    slots: list[int],
    split: bool,
    is_kept: Callable[[Operation], bool],
    caller: Instruction | None = None,
) -> None:
    """Append to the slots (the inputs') those of the code's constants and instructions.

    What stands in the place of a caller belongs to its line.
    """
    slots += [builder.constant(number) for number in code.constants]
    for instruction in code.instructions:
        operands = [slots[operand] for operand in instruction.operands]
        operation = instruction.operation
        if operation.bodies:
            bodies = [lowered(body, split=split, is_kept=is_kept) for body in operation.bodies]
            operation = operation.with_bodies(bodies)
            instruction = instruction._replace(operation=operation)
        expression = None if is_kept(operation) else _expression(operation)
        if expression is not None:
            inner = list(operands)
            _replay(builder, expression, inner, split, is_kept, caller or instruction)
            slots += [inner[output] for output in expression.outputs]
        else:
            slots += _kept(builder, instruction, operands, split, caller)


def _kept(
    builder: Builder, instruction: Instruction, operands: list[int], split: bool, caller: Instruction | None
) -> list[int]:
    """The slots of an operation that is not written out."""
    operation, line = instruction.operation, (caller or instruction).line
    labels = [""] * operation.result_count if caller else instruction.labels
    if split and not isinstance(operation, Primitive) and not operation.takes_arrays:
        places = range(operation.result_count)
        slots = [builder.operation(result_of(operation, place), operands, line=line) for place in places]
    else:
        slots = list(builder.results(operation, operands, line=line))
    for slot, label in zip(slots, labels):
        builder.label(slot, label)
    return slots


@cache
def result_of(operation: Operation, index: int) -> Primitive:
    """One result of an operation as a primitive, for those who know one result an instruction.

    It computes on floats; its rules on floats and on Values.
    """

    def forward(*inputs: Any) -> Any:
        return operation.run(inputs)[index]

    def rule(place: int) -> Callable[..., Any]:
        def partial(_: Any, *inputs: Any) -> Any:
            adjoints = [float(i == index) for i in range(operation.result_count)]
            wanted = [i == place for i in range(operation.arity)]
            results = operation(*inputs) if any(map(is_node, inputs)) else operation.run(inputs)
            results = results if isinstance(results, tuple) else (results,)
            term = operation.pull(inputs, results, adjoints, wanted)[place]
            return 0.0 if term is None else term

        return partial

    return Primitive(f"{operation.name}_{index}", forward, tuple(map(rule, range(operation.arity))))


def straight(code: Code, point: Sequence[float] = ()) -> Code:
    """The same code on numbers alone: loops are written out step by step.

    Args:
        code: code whose inputs are numbers.
        point: for each input a number, where the code is for these numbers alone: of choices it has the
            branches that they lead to, and otherwise every branch.
    """
    if not any(instruction.operation.takes_arrays for instruction in code.instructions):
        return code
    inputs = [Value(number, name) for number, name in zip(point or [0.5] * len(code.inputs), code.inputs)]

    def compute(lines: LinesOfNodes) -> list[Any]:
        slots = lines.repeated(code, inputs, expanded_here if point else expanded)
        return [slots[output] for output in code.outputs]

    return written(code.name, inputs, compute)[0]


def size_written_out(operation: Operation, steps: float | None) -> int:
    """How many operations on numbers stand for one, where loops are written out step by step.

    Args:
        operation: any operation.
        steps: its first operand, of a loop how often it runs its code; it counts as 1 where it is not known.
    """
    if not operation.takes_arrays or not operation.bodies:
        return 1
    inner = sum(map(size_of_straight, operation.bodies))
    return inner * int(steps) if isinstance(operation, (Loop, Map)) and steps is not None else inner


def size_of_straight(code: Code) -> int:
    """The length of `straight` code, without writing it."""
    known = dict(enumerate(code.constants, len(code.inputs)))
    return sum(
        size_written_out(operation, known.get(operands[0])) for operation, operands, *_ in code.instructions
    )


def in_primitives(code: Code, point: Sequence[float]) -> Code:
    """The same code at a point, in primitives on numbers: see `straight`.

    Each result of another operation is an instruction of its own.
    """
    code = straight(code, point)
    builder = Builder()
    slots = [builder.input() for _ in code.inputs] + [builder.constant(number) for number in code.constants]
    for instruction in code.instructions:
        operands = [slots[operand] for operand in instruction.operands]
        slots += _kept(builder, instruction, operands, split=True, caller=None)
    return builder.finish(code.name, code.inputs, [slots[output] for output in code.outputs])


def _expression(operation: Operation) -> Code | None:
    """The operation as code of others, or None where what computes it cannot be traced."""
    is_function = bool(operation.bodies) and not operation.takes_arrays
    if is_function or operation.is_called_back:
        return operation.bodies[0] if is_function else None
    if operation not in _expressions:
        try:
            code, _, results, _ = record(operation.expand, *[0.5] * operation.arity)
        except Exception as error:  # the forward is the user's: it may refuse Values in any way
            warnings.warn(
                f"the primitive {operation.name!r} cannot be traced ({type(error).__name__}) and is called "
                "back in Python by compiled programs, which is slow: write its forward with the functions "
                "of autograd and where, or give it an expression",
                stacklevel=2,
            )
            _expressions[operation] = None
        else:
            is_whole = results.is_scalar or (operation.result_count == results.size > 1)
            _expressions[operation] = code if is_whole else None
    return _expressions[operation]
