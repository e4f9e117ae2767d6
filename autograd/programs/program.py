"""`Program`: code with the calling convention of the function that it came from; `trace` makes one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from autograd.graph.anomaly import is_hunted
from autograd.graph.context import current
from autograd.graph.nodes import is_node, numbers
from autograd.graph.trees import Structure, flatten
from autograd.graph.value import Value
from autograd.programs import saving
from autograd.programs.births import raise_birth
from autograd.programs.code import Code, Instruction
from autograd.programs.loops.call import Call
from autograd.programs.source import source
from autograd.programs.tracing import record, with_keywords

__all__ = ["Program", "trace"]


class Program:
    """A function of floats, written out: `trace` makes one.

    Attributes:
        code: what it computes, from a flat list of inputs to a flat list of outputs.
        arguments: the `Structure` of its tuple of arguments, the last one a dict of those by keyword.
        results: the `Structure` of what it returns.
        captured: the Values that the function closes over, read anew at each call; they are inputs of the
            code, after the arguments' scalars.

    Raises:
        ValueError: the parts do not fit each other.

    >>> program = trace(lambda x, y: x * y + y, 2.0, 3.0)
    >>> program(5.0, 7.0), len(program)
    (42.0, 2)
    """

    def __init__(
        self, code: Code, arguments: Structure, results: Structure, captured: Sequence[Value] = ()
    ) -> None:
        self.code = code
        self.arguments = arguments
        self.results = results
        self.captured = tuple(captured)
        self._calls: dict[str, Call] = {}  # by engine
        if arguments.size + len(self.captured) != len(code.inputs):
            raise ValueError(
                f"a program of {arguments.size} arguments and {len(self.captured)} captured Values must "
                f"have as many inputs together, got {len(code.inputs)}"
            )
        if results.size != len(code.outputs):
            raise ValueError(f"a program must return {results.size} results, got {len(code.outputs)}")

    @property
    def name(self) -> str:
        """The traced function's name."""
        return self.code.name

    @property
    def inputs(self) -> tuple[str, ...]:
        """A name for each input: the scalars of the arguments, then the Values closed over."""
        return self.code.inputs

    @property
    def constants(self) -> tuple[float, ...]:
        """The numbers that occur in it."""
        return self.code.constants

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """The operations in order."""
        return self.code.instructions

    @property
    def outputs(self) -> tuple[int, ...]:
        """The slots that it returns."""
        return self.code.outputs

    def __len__(self) -> int:
        return len(self.code)

    def counts(self) -> dict[str, int]:
        """How many instructions there are of each kind, the most frequent first."""
        return self.code.counts()

    def names(self) -> list[str]:
        """A name for each slot: the inputs' own, the constants as numbers, the user's labels or t1, t2..."""
        return self.code.names()

    def flat(self, args: Sequence[Any], keywords: dict[str, Any] | None = None) -> list[Any]:
        """Check the arguments of a call and list the scalars in them.

        Raises:
            TypeError: the arguments' number, structure or type is not the traced one's.
        """
        scalars, structure = flatten(
            with_keywords(tuple(args), keywords or {}),
            f"an argument of {self.name}",
            whole="operands" if self.arguments.wholes else "",
        )
        if structure != self.arguments and structure.as_general_as(self.arguments) != self.arguments:
            raise TypeError(
                f"{self.name} was traced for arguments of the structure {self.arguments}, got {structure}"
            )
        return scalars

    def applied(self, scalars: Sequence[Any], engine: str = "auto") -> Any:
        """Its results where it is recorded, as one operation: see `Call`.

        Args:
            scalars: the scalars of its arguments: Values and floats.
            engine: what runs it, and its derivatives.
        """
        if not self.outputs:
            return self.results.unflatten([])
        call = self._calls.get(engine) or self._calls.setdefault(engine, Call(self.code, engine))
        results = call(*scalars, *self.captured)
        return self.results.unflatten([results] if call.result_count == 1 else results)

    def __call__(self, /, *args: Any, **keywords: Any) -> Any:
        """Run it in Python; with Values among the arguments, or in a trace, record it as one operation.

        Args:
            args, keywords: as the traced function's: numbers and Values in the same structure.

        Returns:
            Floats, or Values where it was recorded, in the structure that the traced function returned.

        Raises:
            TypeError: the arguments' number, structure or type is not the traced one's.
        """
        scalars = self.flat(args, keywords)
        if current().tracing or any(map(is_node, scalars)):
            return self.applied(scalars)
        inputs = scalars + numbers(self.captured)
        results = self.code(inputs)
        if is_hunted(results):
            raise_birth(self.code, inputs)
        return self.results.unflatten(results)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a JSON file, whose format `autograd.programs.saving` documents.

        Raises:
            ProgramFileError: the arguments or results hold what a file cannot, a dataclass for one.
            OSError: the file cannot be written.
        """
        saving.dump(saving.SavedProgram(self.code, self.arguments, self.results, self.captured), path)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Program:
        """Read a program that `save` wrote.

        Raises:
            ProgramFileError: the file holds no program, a damaged one, or one that uses a primitive
                which is not registered here; names the place in it.
            OSError: the file cannot be read.
        """
        return Program(*saving.load(path))

    @property
    def source(self) -> str:
        """Python source of one function of the flat inputs: see `autograd.programs.source`."""
        return source(self.code)

    def __str__(self) -> str:
        return str(self.code)

    def __repr__(self) -> str:
        return repr(self.code).replace("<Code", "<Program", 1)


def trace(f: Callable[..., Any], /, *example_args: Any, **keywords: Any) -> Program:
    """Run a function once on Values and write down what it computes.

    Args:
        f: a function of numbers in any structure that returns numbers in any structure. What it does
            must not depend on the numbers: where it asks (``if x > 0``, ``x.data``) tracing refuses.
        example_args, keywords: arguments of the structure that the program is for, which is called with
            the same by position and by keyword. Their numbers do not matter.

    Returns:
        The simplified `Program`. A Value that the function closes over is one more input, read anew
        at each call.

    Raises:
        TracingError: the function did what a program cannot repeat; names the line.
        TypeError: an argument or the result is not made of real numbers.

    >>> program = trace(lambda x: (x * 2 + 1) ** 2, 0.0)
    >>> program(3.0)
    49.0
    >>> program.counts()
    {'mul': 2, 'add': 1}
    """
    return Program(*record(f, *example_args, **keywords))
