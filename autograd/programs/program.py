"""`Program`: a graph as a straight-line program in single-assignment form, which engines run.

The slots of a program are numbered: first its inputs, then its constants, then one for each
instruction, in the order of execution. An instruction applies a primitive to earlier slots.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from autograd.graph.anomaly import is_hunted, raise_birth
from autograd.graph.scopes import Path
from autograd.graph.trees import Structure, flatten
from autograd.graph.value import Value
from autograd.primitives.primitive import Primitive
from autograd.support.user_line import Line

__all__ = ["Instruction", "Program"]


class Instruction(NamedTuple):
    """One operation.

    Attributes:
        primitive: what is applied.
        operands: to which slots.
        label: the user's name for the result, or "".
        line: the line of the user's code that made it, where known.
        scopes: the scopes that it was recorded in, the outermost first; a program's file has none.
    """

    primitive: Primitive
    operands: tuple[int, ...]
    label: str = ""
    line: Line | None = None
    scopes: Path = ()


class Program:
    """A function of floats, written out: `trace` makes one.

    Attributes:
        name: the traced function's name.
        inputs: a name for each input: the scalars of the arguments, then the Values closed over.
        constants: the numbers that occur in it.
        instructions: the operations in order.
        outputs: the slots that it returns.
        arguments: the `Structure` of its tuple of arguments.
        results: the `Structure` of what it returns.
        captured: the Values that the function closes over, read anew at each call.

    >>> from autograd.programs.tracing import trace
    >>> program = trace(lambda x, y: x * y + y, 2.0, 3.0)
    >>> program(5.0, 7.0), len(program)
    (42.0, 2)
    """

    def __init__(
        self,
        name: str,
        inputs: Sequence[str],
        constants: Sequence[float],
        instructions: Sequence[Instruction],
        outputs: Sequence[int],
        arguments: Structure,
        results: Structure,
        captured: Sequence[Value] = (),
    ) -> None:
        self.name = name
        self.inputs = tuple(inputs)
        self.constants = tuple(constants)
        self.instructions = tuple(instructions)
        self.outputs = tuple(outputs)
        self.arguments = arguments
        self.results = results
        self.captured = tuple(captured)
        self._checked()

    def _checked(self) -> None:
        """Raise a ValueError where the parts do not make a program."""
        first = len(self.inputs) + len(self.constants)
        if self.arguments.size + len(self.captured) != len(self.inputs):
            raise ValueError(
                f"a program of {self.arguments.size} arguments and {len(self.captured)} captured Values must "
                f"have as many inputs together, got {len(self.inputs)}"
            )
        if self.results.size != len(self.outputs):
            raise ValueError(f"a program must return {self.results.size} results, got {len(self.outputs)}")
        for at, instruction in enumerate(self.instructions, first):
            primitive, operands = instruction.primitive, instruction.operands
            if len(operands) != primitive.arity:
                raise ValueError(f"{primitive.name} takes {primitive.arity} operands, got {len(operands)}")
            if min(operands) < 0 or max(operands) >= at:
                raise ValueError(f"instruction {at - first} uses a slot that is not computed before it")
        if not all(0 <= output < first + len(self.instructions) for output in self.outputs):
            raise ValueError("an output is a slot that the program does not have")

    def __len__(self) -> int:
        return len(self.instructions)

    def counts(self) -> dict[str, int]:
        """How many instructions there are of each kind, the most frequent first."""
        return dict(Counter(instruction.primitive.name for instruction in self.instructions).most_common())

    def flat(self, args: Sequence[Any]) -> list[float]:
        """Check the arguments of a call and list the inputs: the scalars, then what is closed over.

        Raises:
            TypeError: the arguments' number, structure or type is not the traced one's.
        """
        scalars, structure = flatten(tuple(args), f"an argument of {self.name}")
        if structure != self.arguments:
            raise TypeError(
                f"{self.name} was traced for arguments of the structure {self.arguments}, got {structure}"
            )
        for name, scalar in zip(self.inputs, scalars):
            if isinstance(scalar, Value):
                raise TypeError(
                    f"a program runs on numbers, got a Value for {name}: pass its data, or call the "
                    "function itself to go on recording"
                )
        return scalars + [one._data for one in self.captured]

    def __call__(self, *args: Any) -> Any:
        """Run it in Python.

        Args:
            args: as the traced function's: numbers in the same structure.

        Returns:
            Floats in the structure that the traced function returned.

        Raises:
            TypeError: the arguments' number, structure or type is not the traced one's.
        """
        inputs = self.flat(args)
        slots = [*inputs, *self.constants]
        for instruction in self.instructions:
            slots.append(instruction.primitive(*[slots[operand] for operand in instruction.operands]))
        results = [slots[output] for output in self.outputs]
        if is_hunted(results):
            raise_birth(self, inputs)
        return self.results.unflatten(results)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a JSON file, whose format `autograd.programs.saving` documents.

        Raises:
            ProgramFileError: the arguments or results hold what a file cannot, a dataclass for one.
            OSError: the file cannot be written.
        """
        from autograd.programs.saving import SavedProgram, dump

        code = self.name, self.inputs, self.constants, self.instructions, self.outputs
        dump(SavedProgram(code, self.arguments, self.results, self.captured), path)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Program:
        """Read a program that `save` wrote.

        Raises:
            ProgramFileError: the file holds no program, a damaged one, or one that uses a primitive
                which is not registered here; names the place in it.
            OSError: the file cannot be read.
        """
        from autograd.programs.saving import load

        code, arguments, results, captured = load(path)
        return Program(*code, arguments, results, captured)

    @property
    def source(self) -> str:
        """Python source of one function of the flat inputs: see `engines.python.source`."""
        from autograd.engines.python import source

        return source(self)

    def names(self) -> list[str]:
        """A name for each slot: the inputs' own, the constants as numbers, the user's labels or t1, t2..."""
        found = [*self.inputs, *(format_constant(number) for number in self.constants)]
        taken = set(found)
        for i, instruction in enumerate(self.instructions, 1):
            name = instruction.label if instruction.label not in taken else ""
            found.append(name or f"t{i}")
            taken.add(found[-1])
        return found

    def __str__(self) -> str:
        names = self.names()
        first = len(self.inputs) + len(self.constants)
        lines = [
            f"{self.name}: {len(self.inputs)} inputs, {len(self.instructions)} instructions, "
            f"{len(self.outputs)} outputs",
            f"  inputs   {', '.join(self.inputs)}",
        ]
        written = [
            f"  {names[at]} = {formula(instruction, names)}"
            for at, instruction in enumerate(self.instructions, first)
        ]
        width = min(max(map(len, written), default=0), 48)
        for text, instruction in zip(written, self.instructions):
            line = instruction.line
            lines.append(f"{text:<{width}}  # line {line.number}: {line.text}" if line else text)
        lines.append(f"  outputs  {', '.join(names[output] for output in self.outputs)}")
        return "\n".join(lines)

    def _repr_svg_(self) -> str | None:
        """The picture for a notebook; None, and the text stands, where it is large."""
        from autograd.drawing import notebook_svg

        return notebook_svg(self)

    def __repr__(self) -> str:
        return (
            f"<Program {self.name}: {len(self.inputs)} inputs, {len(self.instructions)} instructions, "
            f"{len(self.outputs)} outputs>"
        )


def format_constant(number: float) -> str:
    """A number as a person writes it: 2 for 2.0."""
    return (
        repr(int(number))
        if number.is_integer() and abs(number) < 1e15 and str(number) != "-0.0"
        else repr(number)
    )


def formula(instruction: Instruction, names: Sequence[str]) -> str:
    """An instruction's right-hand side: ``a * b``, ``-a``, ``sin(a)``."""
    primitive = instruction.primitive
    operands = [names[operand] for operand in instruction.operands]
    if primitive.symbol and len(operands) == 2:
        return f"{operands[0]} {primitive.symbol} {operands[1]}"
    if primitive.symbol and len(operands) == 1:
        return f"{primitive.symbol}{operands[0]}"
    return f"{primitive.name}({', '.join(operands)})"
