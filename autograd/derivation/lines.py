"""A program as few lines: which results get a name, and what is written in one piece."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from autograd.derivation.differentiation import rule_mentions_result
from autograd.derivation.expression_walks import depth, size
from autograd.derivation.expressions import Applied, Sum, Symbol, Symbolic, applied, as_expression
from autograd.derivation.naming import input_names, result_name, result_names
from autograd.primitives import table
from autograd.primitives.primitive import Primitive
from autograd.programs.code import Code, Instruction

__all__ = ["Lines", "NamedLine", "NoFormulaError", "lines_of"]

# How much a person writes without giving it a name, counted in names.
REPEATED = 2  # what is used more than once
PLAIN = 2  # a function and its argument
OPERAND = 3  # an argument of a function, or a sum in a product or a power
LONGEST = 12  # a whole line
DEEPEST = 1  # functions within an argument


class NamedLine(NamedTuple):
    """One named result.

    Attributes:
        name: the left-hand side.
        expression: the right-hand side.
    """

    name: Symbol
    expression: Symbolic


class Lines(NamedTuple):
    """What a program computes, as a person would write it down.

    Attributes:
        inputs: a name for each of the program's inputs.
        lines: the named results in order, the program's own last; each is written in names from above.
    """

    inputs: tuple[Symbol, ...]
    lines: tuple[NamedLine, ...]

    @property
    def result(self) -> Symbol:
        """The name of what the program returns."""
        return self.lines[-1].name


def lines_of(program: Code, labels: list[str]) -> Lines:
    """Group a program's instructions to lines.

    A result gets a name if the user labelled it, if it is used several times, if it is a function's result
    and the function's derivative is written with it, or if the line would be hard to read without.

    Args:
        program: a program with one result.
        labels: what to call its inputs.
    """
    inputs = input_names(labels)
    names = result_names(program, _Grouping(program).named, inputs)
    exprs: list[Symbolic] = [*map(Symbol, inputs), *map(as_expression, program.constants)]
    lines = []
    for at, instruction in enumerate(program.instructions, len(exprs)):
        expression = applied(_primitive(instruction), [exprs[operand] for operand in instruction.operands])
        if at in names:
            lines.append(NamedLine(Symbol(names[at]), expression))
            expression = lines[-1].name
        exprs.append(expression)
    (output,) = program.outputs
    result = exprs[output]
    if not lines or result != lines[-1].name:  # an input or a number: nothing is computed
        lines.append(NamedLine(Symbol(result_name(program, inputs)), result))
    return Lines(tuple(map(Symbol, inputs)), tuple(lines))


class NoFormulaError(TypeError):
    """An operation is no primitive, and so has no partial derivatives to write down."""


def _primitive(instruction: Instruction) -> Primitive:
    """What an instruction applies.

    Raises:
        NoFormulaError: it is no primitive.
    """
    if not isinstance(instruction.operation, Primitive):
        raise NoFormulaError(
            f"{instruction.operation.name} is an operation without partial derivatives as formulas, which "
            "cannot be derived by hand: derive what comes before it and after it by themselves"
        )
    return instruction.operation


class _Grouping:
    """Decides which of a program's results get a name.

    Attributes:
        named: their slots.
    """

    def __init__(self, program: Code) -> None:
        self.named: set[int] = set()
        self._program = program
        self._inputs = [Symbol(f"input {i}") for i in range(len(program.inputs))]
        self._exprs: list[Symbolic] = [*self._inputs, *map(as_expression, program.constants)]
        self._first = len(self._exprs)
        uses = Counter(slot for instruction in program.instructions for slot in set(instruction.operands))
        for at, instruction in enumerate(program.instructions, self._first):
            operands, label = instruction.operands, instruction.label
            for operand in operands:
                if self._stands_out(_primitive(instruction), operand):
                    self._shorten(operand)
            self._exprs.append(self._written(at))
            while size(self._exprs[at]) > LONGEST and self._name_largest(operands):
                self._exprs[at] = self._written(at)
            repeated = uses[at] > 1 and size(self._exprs[at]) > REPEATED
            if label or at in program.outputs or repeated or self._is_worth_a_name(at):
                self._name(at)

    def _written(self, at: int) -> Symbolic:
        instruction = self._program.instructions[at - self._first]
        return applied(_primitive(instruction), [self._exprs[operand] for operand in instruction.operands])

    def _name(self, at: int) -> None:
        self.named.add(at)
        self._exprs[at] = Symbol(f"result {at}")

    def _name_largest(self, operands: tuple[int, ...]) -> bool:
        """Name the longest of some operands, if a name makes it shorter; return whether it does."""
        at = max(operands, key=lambda slot: size(self._exprs[slot]))
        if size(self._exprs[at]) < 2:
            return False
        self._name(at)
        return True

    def _is_worth_a_name(self, at: int) -> bool:
        """Whether it is a function's result that is long, or that its derivative is written with."""
        expression = self._exprs[at]
        if not isinstance(expression, Applied) or expression.primitive in _CHOOSING:
            return False
        if len(expression.args) == 1 and expression.args[0] in self._inputs:
            return False
        return size(expression) > PLAIN or rule_mentions_result(expression.primitive)

    def _stands_out(self, primitive: Primitive, operand: int) -> bool:
        """Whether an operand is too much to be written where it stands."""
        expression = self._exprs[operand]
        if primitive in (table.add, table.sub, table.neg):
            return False
        if primitive in (table.mul, table.div, table.pow):
            return isinstance(expression, Sum) and size(expression) > OPERAND
        return size(expression) > OPERAND or depth(expression) > DEEPEST

    def _shorten(self, at: int) -> None:
        """Name a result; but of the difference of an input and a sum or product only the latter."""
        primitive, operands, *_ = self._program.instructions[at - self._first]
        if primitive is table.sub and min(operands) < len(self._program.inputs):
            other = max(operands)
            if self._program.instructions[other - self._first].operation is not table.sub:
                self._name(other)
                self._exprs[at] = self._written(at)
                return
        self._name(at)


# Their derivatives are 0 or those of their operands: nothing is gained by a name.
_CHOOSING = (table.less, table.less_equal, table.equal, table.where, table.stop_gradient)
