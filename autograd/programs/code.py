"""`Code`: a computation in single-assignment form, as bare data, and the one way to run it forward.

A slot holds a number, or a whole array of them.
The slots of code are numbered: first its inputs, then its constants, then the results of its instructions
in the order of execution. An instruction applies an operation to earlier slots.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.graph.scopes import Path
from autograd.primitives.notation import format_constant, written
from autograd.primitives.operation import Operation
from autograd.support.user_line import Line

__all__ = ["ByContent", "Code", "Instruction", "distinct"]


class Instruction(NamedTuple):
    """One operation.

    Attributes:
        operation: what is applied.
        operands: to which slots.
        results: the slots of its results.
        labels: the user's names for the results, "" for one without; empty where no result has one.
        line: the line of the user's code that made it, where known.
        scopes: the scopes that it was recorded in, the outermost first; a file has none.
    """

    operation: Operation
    operands: tuple[int, ...]
    results: tuple[int, ...]
    labels: tuple[str, ...] = ()
    line: Line | None = None
    scopes: Path = ()

    def written(self, names: Sequence[str]) -> str:
        """Its right-hand side, with a name for each slot: ``a * b``, ``-a``, ``sin(a)``."""
        return written(self.operation, [names[operand] for operand in self.operands])

    @property
    def label(self) -> str:
        """The user's name for the first result, or ""."""
        return self.labels[0] if self.labels else ""


class Code:
    """A function of numbers, written out.

    Attributes:
        name: what the function is called.
        inputs: a name for each input.
        constants: the numbers that occur in it, and arrays of floats.
        instructions: the operations in order.
        outputs: the slots that it returns.
        arrays: the inputs that are whole arrays, by their places.
        start: the number of slots before the first instruction's.
        size: the number of all slots.

    Raises:
        ValueError: the parts do not make code.
    """

    def __init__(
        self,
        name: str,
        inputs: Sequence[str],
        constants: Sequence[Any],
        instructions: Sequence[Instruction],
        outputs: Sequence[int],
        arrays: Iterable[int] = (),
    ) -> None:
        self.name = name
        self.inputs = tuple(inputs)
        self.constants = tuple(constants)
        self.instructions = tuple(instructions)
        self.outputs = tuple(outputs)
        self.arrays = frozenset(arrays)
        self.start = len(self.inputs) + len(self.constants)
        self.size = self._counted()
        self._keys: dict[bool, _Key] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_keys": {}}  # hashes are of one process

    def _counted(self) -> int:
        """The number of slots; raises where an instruction or an output names one that is not there."""
        size = self.start
        for i, (operation, operands, results, _, _, _) in enumerate(self.instructions):
            if len(operands) != operation.arity:
                raise ValueError(f"{operation.name} takes {operation.arity} operands, got {len(operands)}")
            for operand in operands:
                if not 0 <= operand < size:
                    raise ValueError(f"instruction {i} uses a slot that is not computed before it")
            end = size + operation.result_count
            if results != tuple(range(size, end)):
                raise ValueError(
                    f"instruction {i} must write the slots from {size} to {end - 1}, got {results}"
                )
            size = end
        if not all(0 <= output < size for output in self.outputs):
            raise ValueError("an output is a slot that the program does not have")
        return size

    def __len__(self) -> int:
        return len(self.instructions)

    def run(
        self,
        inputs: Sequence[Any],
        apply: Callable[..., Any] = Operation.__call__,
        constants: Sequence[Any] | None = None,
    ) -> list[Any]:
        """Run it forward.

        Args:
            inputs: a number for each input: floats, Values or numbers of another arithmetic.
            apply: ``apply(operation, *operands)`` returns the result of an operation, or the tuple of its
                results where it has several.
            constants: what stands for the constants, where it is not the floats themselves.

        Returns:
            What is in each slot.
        """
        slots = [*inputs, *(self.constants if constants is None else constants)]
        for operation, operands, results, *_ in self.instructions:
            result = apply(operation, *[slots[operand] for operand in operands])
            if len(results) == 1:
                slots.append(result)
            else:
                slots.extend(result)
        return slots

    def __call__(self, inputs: Sequence[Any], apply: Callable[..., Any] = Operation.__call__) -> list[Any]:
        """Its outputs: see `run`."""
        slots = self.run(inputs, apply)
        return [slots[output] for output in self.outputs]

    def key(self, *, lift: bool = False) -> Hashable:
        """What it says, hashable: names, labels and lines do not matter; constants do, to the bit.

        It is made once.

        Args:
            lift: whether it is to be the same for other numbers as constants.
        """
        key = self._keys.get(lift)
        return self._keys.setdefault(lift, _Key(self._said(lift))) if key is None else key

    def _said(self, lift: bool) -> tuple[Any, ...]:
        written = [_bits(constant, lift) for constant in self.constants]
        applied = tuple([instruction[:2] for instruction in self.instructions])
        return len(self.inputs), self.arrays, tuple(written), applied, self.outputs

    def weight(self) -> int:
        """How many instructions there are, those in bodies too."""
        bodies: list[Code] = [body for step in self.instructions for body in step.operation.bodies]
        return len(self) + sum(body.weight() for body in bodies)

    def counts(self) -> dict[str, int]:
        """How many instructions there are of each kind, the most frequent first."""
        return dict(Counter(instruction.operation.name for instruction in self.instructions).most_common())

    def is_unlike(self, other: Code) -> bool:
        """Whether other code cannot stand in its place: it has other inputs, or more outputs, or fewer."""
        shapes = [(len(code.inputs), code.arrays, len(code.outputs)) for code in (self, other)]
        return shapes[0] != shapes[1]

    def labels(self) -> list[str]:
        """The user's name for what is in each slot, "" for what has none."""
        labels = [*self.inputs, *[""] * len(self.constants)]
        for instruction in self.instructions:
            labels += instruction.labels or [""] * len(instruction.results)
        return labels

    def names(self) -> list[str]:
        """A name for each slot: the inputs' own, the constants as numbers, the user's labels or t1, t2..."""
        names = [*self.inputs, *map(format_constant, self.constants)]
        in_use = set(names)
        for label in self.labels()[self.start :]:
            is_free = label and label not in in_use
            names.append(label if is_free else f"t{len(names) - self.start + 1}")
            in_use.add(names[-1])
        return names

    def kinds(self) -> list[bool]:
        """For each slot whether it holds a whole array.

        Raises:
            TypeError: an operand is an array that must be a number, or the other way round.
        """
        kinds = [place in self.arrays for place in range(len(self.inputs))]
        kinds += [type(constant) is np.ndarray for constant in self.constants]
        for instruction in self.instructions:
            kinds += instruction.operation.arrays([kinds[operand] for operand in instruction.operands])
        return kinds

    def operations(self) -> dict[Operation, None]:
        """What is applied in it, each operation once; those in bodies too."""
        applied: dict[Operation, None] = {}
        for instruction in self.instructions:
            for body in instruction.operation.bodies:
                applied |= body.operations()
            applied[instruction.operation] = None
        return applied

    def __str__(self) -> str:
        head = (
            f"{self.name}: {len(self.inputs)} inputs, {len(self)} instructions, {len(self.outputs)} outputs"
        )
        rows = self._rows()
        width = min(max((len(text) for text, line in rows if line), default=0), 48)
        lines = [
            f"{text:<{width}}  # line {line.number}: {line.text}" if line else text for text, line in rows
        ]
        return "\n".join([head, *lines])

    def _rows(self, indent: str = "  ") -> list[tuple[str, Line | None]]:
        """What is printed: a text and its line; the bodies of operations are indented under them."""
        names = self.names()
        rows: list[tuple[str, Line | None]] = [(f"{indent}inputs   {', '.join(self.inputs)}", None)]
        for instruction in self.instructions:
            results = ", ".join([names[result] for result in instruction.results])
            rows.append((f"{indent}{results} = {instruction.written(names)}", instruction.line))
            roles = instruction.operation.roles
            for place, body in enumerate(instruction.operation.bodies):
                rows += [(f"{indent}    {roles[place]}", None)] if roles else []
                rows += body._rows(indent + ("      " if roles else "    "))
        outputs = ", ".join([names[output] for output in self.outputs])
        return [*rows, (f"{indent}outputs  {outputs}", None)]

    def __repr__(self) -> str:
        return (
            f"<Code {self.name}: {len(self.inputs)} inputs, {len(self)} instructions, "
            f"{len(self.outputs)} outputs>"
        )


class _Key:
    """What hashes and compares as a tuple does that is long and is asked for often."""

    __slots__ = ("_hash", "_said")

    def __init__(self, said: tuple[Any, ...]) -> None:
        self._said = said
        self._hash = hash(said)

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, _Key) and self._hash == other._hash and self._said == other._said
        )

    def __hash__(self) -> int:
        return self._hash


class ByContent:
    """Code as the key of a cache: equal where it says the same, whatever its names and lines are."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._key = code.key()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByContent) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def distinct(names: Iterable[str]) -> list[str]:
    """The names, with a number after those that came before.

    >>> distinct(["x", "y", "x", "x_2", "x"])
    ['x', 'y', 'x_2', 'x_2_2', 'x_3']
    """
    in_use: set[str] = set()
    repeats: Counter[str] = Counter()
    unique = []
    for name in names:
        unused = name
        while unused in in_use:
            repeats[name] += 1
            unused = f"{name}_{repeats[name] + 1}"
        in_use.add(unused)
        unique.append(unused)
    return unique


def _bits(constant: Any, lift: bool) -> bytes | None:
    if type(constant) is np.ndarray:
        return constant.tobytes()
    return None if lift else struct.pack("<d", constant)
