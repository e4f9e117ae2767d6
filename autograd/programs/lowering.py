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

import numpy as np

from autograd.graph.nodes import is_node
from autograd.graph.value import Value
from autograd.primitives import table
from autograd.primitives.operation import Operation
from autograd.primitives.primitive import Primitive
from autograd.programs.arrays.elementwise import Ties
from autograd.programs.arrays.lookups import Lookup, PutAt
from autograd.programs.arrays.products import MatrixProduct
from autograd.programs.arrays.rearranging import Rearrangement
from autograd.programs.code import Code, Instruction, distinct
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.mapping import Map
from autograd.programs.loops.packing import Item, Length, Put, Stack, Unstack, expanded, expanded_here
from autograd.programs.simplification import Builder
from autograd.programs.tracing import LinesOfNodes, record, written

__all__ = [
    "Extent",
    "in_elements",
    "in_pairs",
    "in_primitives",
    "is_elementary",
    "lowered",
    "result_of",
    "size_of_straight",
    "size_written_out",
    "straight",
]

_MOST_STEPS = 64  # of a loop whose steps work on arrays, and which is written out
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
        if isinstance(operation, Ties):  # which tells derivatives alone
            slots.append(operands[0])
            continue
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


def in_elements(code: Code, operands: Sequence[Any]) -> Code:
    """The same code for arrays of certain lengths, in primitives on numbers: see `Extent`.

    Args:
        code: code that an `Extent` could be made of, on these operands.
        operands: for each input an array as long as it is to be, a float that it is to be, or None.

    Returns:
        Code whose inputs are the elements of arrays and the numbers that were not told, and whose outputs
        are the elements of arrays, and numbers.
    """
    builder = Builder()
    names: list[str] = []

    def element(name: str) -> _Element:
        names.append(name)
        return _Element(builder.input(), apply)

    def apply(operation: Operation, *operands: Any) -> Any:
        if operation.takes_arrays:
            how = {"apply": apply} if operation.bodies else {}
            return operation.expand(*map(_listed, operands), **how)
        if all(type(operand) is float for operand in operands):
            return operation(*operands)
        return _alone([_Element(at, apply) for at in builder.results(operation, [*map(slot_of, operands)])])

    def slot_of(operand: Any) -> int:
        return operand.at if type(operand) is _Element else builder.constant(operand)

    inputs = [
        operand
        if type(operand) is float
        else element(name)
        if operand is None
        else [element(f"{name}_{i}") for i in range(len(operand))]
        for name, operand in zip(code.inputs, operands)
    ]
    slots = code.run(inputs, apply)
    results = [_listed(slots[output]) for output in code.outputs]
    elements = [each for result in results for each in (result if isinstance(result, list) else [result])]
    return builder.finish(code.name, distinct(names), [*map(slot_of, elements)])


class _Element:
    """A number in code that is being written, which operations on lists of such add and multiply.

    Args:
        at: its slot.
        apply: applies an operation to such numbers, and floats.
    """

    __slots__ = ("_apply_to", "at")

    def __init__(self, at: int, apply: Callable[..., Any]) -> None:
        self.at = at
        self._apply_to = apply

    def __add__(self, other: Any) -> Any:
        return self._apply_to(table.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return self._apply_to(table.add, other, self)

    def __mul__(self, other: Any) -> Any:
        return self._apply_to(table.mul, self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._apply_to(table.mul, other, self)


def _listed(operand: Any) -> Any:
    return operand.tolist() if isinstance(operand, np.ndarray) else operand


class Extent:
    """How long code is where it is written out in operations on numbers, found without writing it.

    Attributes:
        numbers: how many operations on numbers there are, and elements that are put elsewhere.
        arrays: how many operations on whole arrays they stand for; a loop over numbers alone is one.
        results: the outputs: arrays of their lengths, floats that are known, or None.

    Args:
        code: any code.
        operands: for each input an array of its length, a float that is known, or None.

    Raises:
        ValueError: it is not to be written out: an operand's number decides what it does, it adds up in
            another order, a loop has too many steps, or lengths do not fit.
        IndexError: an array is too short.
    """

    def __init__(self, code: Code, operands: Sequence[Any]) -> None:
        self.numbers = self.arrays = 0
        slots = code.run(operands, self._apply)
        self.results = [slots[output] for output in code.outputs]

    def _apply(self, operation: Operation, *operands: Any) -> Any:
        if not operation.takes_arrays:
            self.numbers += 1
            is_known = operation.result_count == 1 and all(type(operand) is float for operand in operands)
            return operation(*operands) if is_known else _alone([None] * operation.result_count)
        self.arrays += 1
        if isinstance(operation, (Loop, Map)):
            return _alone(self._looped(operation, *operands))
        if isinstance(operation, Length):
            return float(len(operands[0]))
        is_rearranged = isinstance(operation, Rearrangement) and not isinstance(operation, (Lookup, PutAt))
        if not (is_rearranged or isinstance(operation, (Item, Put, Stack, Unstack))):
            raise ValueError(f"{operation.name} is not written out")
        results = operation.run([0.5 if operand is None else operand for operand in operands])
        arrays = [each for each in (*operands, *results) if isinstance(each, np.ndarray)]
        self.numbers += max(map(len, arrays), default=0)
        if isinstance(operation, MatrixProduct):
            self.numbers += operation.size(*map(len, operands))
        return _alone([each if isinstance(each, np.ndarray) else None for each in results])

    def _looped(self, operation: Loop | Map, count: Any, *operands: Any) -> list[Any]:
        """The results of a loop, which has as many operations as each of its steps together."""
        if isinstance(operation, Loop):
            width, sums = operation.carries, 0
            along: Sequence[int] = range(width, width + operation.columns)
        else:
            width, sums, along = 0, operation.sums, operation.columns
        if type(count) is not float or sums or any(len(operands[place]) != count for place in along):
            raise ValueError(f"{operation.name} is not written out")
        entries = [
            None if place in along or (place < width and not isinstance(operand, np.ndarray)) else operand
            for place, operand in enumerate(operands)
        ]
        step = Extent(operation.body, entries)
        if step.arrays and count > _MOST_STEPS:
            raise ValueError(f"{operation.name} stays one: its steps, which work on arrays, are many")
        self.numbers += int(count) * step.numbers
        self.arrays += int(count) * step.arrays
        ys = np.broadcast_to(0.0, int(count))  # which takes no memory
        return [*entries[:width], *[ys] * (operation.result_count - width)]


def _alone(results: Sequence[Any]) -> Any:
    return results[0] if len(results) == 1 else tuple(results)


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
