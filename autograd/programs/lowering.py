"""Lowering: a program in elementary operations only, those that an engine has a machine's word for.

A composite primitive is replaced by its expression over others, and so is a user's own where its
forward can be traced. One that cannot (it calls ``math`` on its arguments, or decides by ``if``) stays
in the program, and the engine calls it back in Python.
"""

from __future__ import annotations

import warnings
from weakref import WeakKeyDictionary

from autograd.primitives.primitive import Primitive
from autograd.programs.program import Instruction, Program
from autograd.programs.simplification import Builder
from autograd.programs.tracing import trace

__all__ = ["is_elementary", "lowered"]

_expressions: WeakKeyDictionary[Primitive, Program | None] = WeakKeyDictionary()


def is_elementary(primitive: Primitive) -> bool:
    """Whether engines know it by itself: an operator, a function of C's library, or ``where``."""
    return primitive.is_builtin and primitive.expression is None


def lowered(program: Program) -> Program:
    """The same program with composite primitives written out; simplified again.

    Sharing across them is found: sigmoid(x) and sigmoid(-x) have one exponential.
    """
    builder = Builder()
    slots = [builder.input() for _ in program.inputs]
    _replay(builder, program, slots)
    constants, instructions, outputs = builder.finish([slots[output] for output in program.outputs])
    return Program(
        program.name,
        program.inputs,
        constants,
        instructions,
        outputs,
        program.arguments,
        program.results,
        program.captured,
    )


def _replay(builder: Builder, program: Program, slots: list[int], caller: Instruction | None = None) -> None:
    """Append to the slots (the inputs') those of the program's constants and instructions.

    What stands in the place of a caller belongs to its line.
    """
    slots += [builder.constant(number) for number in program.constants]
    for instruction in program.instructions:
        operands = [slots[operand] for operand in instruction.operands]
        primitive = instruction.primitive
        expression = None if is_elementary(primitive) else _expression(primitive)
        if expression is None:
            label = "" if caller else instruction.label
            slots.append(builder.operation(primitive, operands, label, (caller or instruction).line))
        else:
            inner = list(operands)
            _replay(builder, expression, inner, caller or instruction)
            (output,) = expression.outputs
            slots.append(inner[output])


def _expression(primitive: Primitive) -> Program | None:
    """The primitive as a program over others, or None where its forward cannot be traced."""
    if primitive not in _expressions:
        try:
            traced = trace(primitive.expression or primitive.forward, *[0.5] * primitive.arity)
        except Exception as error:  # the forward is the user's: it may refuse Values in any way
            warnings.warn(
                f"the primitive {primitive.name!r} cannot be traced ({type(error).__name__}) and is called "
                "back in Python by compiled programs, which is slow: write its forward with the functions "
                "of autograd and where, or give it an expression",
                stacklevel=2,
            )
            _expressions[primitive] = None
        else:
            _expressions[primitive] = traced if traced.results.is_scalar else None
    return _expressions[primitive]
