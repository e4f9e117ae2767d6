"""Simplification: the same program in fewer instructions, to the last bit.

`Builder` takes operations one by one and hands out slots. An operation that it has seen is not made
again (it knows which primitives commute), one on constants becomes a constant, and one that returns
an operand, or another operation's result, whatever the numbers are, becomes that. Nothing is done
that would change a nan, a signed zero or a rounding: x + 0 stays, because -0 + 0 is 0.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from autograd.graph.scopes import Path
from autograd.primitives import table
from autograd.primitives.operation import Operation
from autograd.primitives.primitive import Primitive
from autograd.programs.code import Code, Instruction
from autograd.support.user_line import Line

__all__ = ["Builder", "Transcript"]

LONGEST_REMEMBERED = 2000  # steps; a longer trace is simplified each time, and takes no memory


class Builder:
    """Collects simplified operations.

    A slot is an int: inputs, constants and operations share one numbering, in order of appearance.
    """

    def __init__(self) -> None:
        # None for an input, a float for a constant, else the Instruction of which it is a result
        self._slots: list[Any] = []
        self._constants: dict[bytes, int] = {}
        self._operations: dict[tuple[Operation, tuple[int, ...]], int] = {}
        self._notable: set[int] = set()  # constants, negations, absolutes: what a rewriting starts from

    def input(self) -> int:
        """The slot of one more input."""
        self._slots.append(None)
        return len(self._slots) - 1

    def constant(self, number: float) -> int:
        """The slot of a number; one for each pattern of bits."""
        bits = struct.pack("<d", number)
        if bits not in self._constants:
            self._constants[bits] = len(self._slots)
            self._notable.add(len(self._slots))
            self._slots.append(number)
        return self._constants[bits]

    def operation(
        self,
        operation: Operation,
        operands: Sequence[int],
        label: str = "",
        line: Line | None = None,
        scopes: Path = (),
    ) -> int:
        """The slot that holds an operation of earlier slots; of several results the first one's."""
        operands = tuple(operands)
        slots, notable = self._slots, self._notable
        if not notable.isdisjoint(operands) or (len(operands) > 1 and operands[-2] == operands[-1]):
            if operation.result_count == 1 and all(type(slots[operand]) is float for operand in operands):
                return self.constant(operation(*[slots[operand] for operand in operands]))
            rewrite = _REWRITES.get(operation)
            rewritten = rewrite and rewrite(_Site(self, label, line, scopes), *operands)
            if rewritten is not None:
                return rewritten
        key = operation, operands
        if operation.commutative and operands[0] > operands[1]:
            key = operation, operands[::-1]
        at = self._operations.get(key)
        if at is None:
            at = self._operations[key] = len(slots)
            results = tuple(range(at, at + operation.result_count))
            slots += [Instruction(operation, operands, results, (), line, scopes)] * len(results)
            if operation is table.neg or operation is table.absolute:
                notable.add(at)
        if label:
            self.label(at, label)
        return at

    def label(self, slot: int, label: str) -> None:
        """Name a result, unless it has a name."""
        instruction = self._slots[slot]
        if label and isinstance(instruction, Instruction):
            labels = list(instruction.labels or [""] * len(instruction.results))
            labels[slot - instruction.results[0]] = labels[slot - instruction.results[0]] or label
            for result in instruction.results:
                self._slots[result] = instruction._replace(labels=tuple(labels))

    def finish(self, name: str, inputs: Sequence[str], outputs: Sequence[int]) -> Code:
        """The code, without what no output needs.

        Args:
            name: what the code is called.
            inputs: a name for each input.
            outputs: slots.
        """
        slots, needed = self._slots, set(outputs)
        for at in range(len(slots) - 1, -1, -1):
            if at in needed and type(slots[at]) is Instruction:
                needed.update(slots[at].operands, slots[at].results)
        kinds: tuple[list[int], list[int], list[int]] = [], [], []
        for at, slot in enumerate(slots):
            if slot is None:
                kinds[0].append(at)
            elif at in needed:
                kinds[1 if type(slot) is float else 2].append(at)
        place = {at: i for i, at in enumerate([*kinds[0], *kinds[1], *kinds[2]])}.__getitem__
        instructions = []
        for at in kinds[2]:
            operation, operands, results, labels, line, scopes = slots[at]
            if at == results[0]:
                operands, results = tuple(map(place, operands)), tuple(map(place, results))
                instructions.append(Instruction(operation, operands, results, labels, line, scopes))
        constants = [slots[at] for at in kinds[1]]
        return Code(name, inputs, constants, instructions, tuple(map(place, outputs)))


class Transcript:
    """Takes down what a `Builder` would be told, and tells it at the end, unless it was told the same before.

    A slot is an int, of a constant a negative one.
    """

    def __init__(self) -> None:
        self._steps: list[tuple[Any, ...]] = []
        self._constants: list[float] = []
        self._size = 0

    def input(self) -> int:
        """As `Builder.input`; the inputs come first."""
        self._size += 1
        return self._size - 1

    def constant(self, number: float) -> int:
        """As `Builder.constant`."""
        self._constants.append(number)
        return -len(self._constants)

    def operation(
        self, operation: Operation, operands: tuple[int, ...], label: str, line: Line | None, scopes: Path
    ) -> int:
        """As `Builder.operation`."""
        self._steps.append((operation, operands, label, line, scopes))
        self._size += operation.result_count
        return self._size - operation.result_count

    def label(self, slot: int, label: str) -> None:
        """As `Builder.label`."""
        self._steps.append((None, (slot,), label))

    def finish(self, name: str, inputs: Sequence[str], outputs: Sequence[int]) -> Code:
        """As `Builder.finish`; the same object where steps, constants and names are the same."""
        tell = _told if len(self._steps) <= LONGEST_REMEMBERED else _told.__wrapped__
        constants = struct.pack(f"{len(self._constants)}d", *self._constants)
        return tell(name, tuple(inputs), constants, tuple(self._steps), tuple(outputs))


@lru_cache(maxsize=64)
def _told(
    name: str,
    inputs: tuple[str, ...],
    constants: bytes,
    steps: tuple[tuple[Any, ...], ...],
    outputs: tuple[int, ...],
) -> Code:
    builder = Builder()
    slots = [builder.input() for _ in inputs]
    numbers = struct.unpack(f"{len(constants) // 8}d", constants)

    def slot(at: int) -> int:
        return slots[at] if at >= 0 else builder.constant(numbers[-at - 1])

    for operation, operands, label, *rest in steps:
        places = tuple([slot(operand) for operand in operands])
        if operation is None:
            builder.label(places[0], label)
        else:
            base = builder.operation(operation, places, label, *rest)
            slots += range(base, base + operation.result_count)
    return builder.finish(name, inputs, [slot(output) for output in outputs])


class _Site:
    """What a rewriting rule may ask of its operands, and how it makes another operation instead."""

    def __init__(self, builder: Builder, label: str, line: Line | None, scopes: Path) -> None:
        self.builder = builder
        self.label = label
        self.line = line
        self.scopes = scopes

    def make(self, primitive: Primitive, *operands: int) -> int:
        return self.builder.operation(primitive, operands, self.label, self.line, self.scopes)

    def seen(self, primitive: Primitive, *operands: int) -> int | None:
        """The slot of an operation on two operands that commute, if it was made before."""
        return self.builder._operations.get((primitive, tuple(sorted(operands))))

    def number(self, slot: int) -> str:
        """A constant as text, which tells 0.0 from -0.0; "" for anything else."""
        one = self.builder._slots[slot]
        return repr(one) if type(one) is float else ""

    def inside(self, primitive: Primitive, slot: int) -> int | None:
        """The operand of a slot that holds this primitive of one operand, else None."""
        one = self.builder._slots[slot]
        return one.operands[0] if isinstance(one, Instruction) and one.operation is primitive else None


def _add(at: _Site, a: int, b: int) -> int | None:
    if "-0.0" in (at.number(a), at.number(b)):
        return b if at.number(a) == "-0.0" else a
    if (x := at.inside(table.neg, b)) is not None:
        return at.make(table.sub, a, x)
    if (x := at.inside(table.neg, a)) is not None:
        return at.make(table.sub, b, x)
    return None


def _sub(at: _Site, a: int, b: int) -> int | None:
    if at.number(b) == "0.0":
        return a
    if (x := at.inside(table.neg, b)) is not None:
        return at.make(table.add, a, x)
    return None


def _mul(at: _Site, a: int, b: int) -> int | None:
    for one, other in ((a, b), (b, a)):
        if at.number(one) == "1.0":
            return other
        if at.number(one) == "-1.0":
            return at.make(table.neg, other)
        if at.number(one).startswith("-"):  # -2x beside 2x: one product
            seen = at.seen(table.mul, at.builder.constant(-float(at.number(one))), other)
            return None if seen is None else at.make(table.neg, seen)
    x, y = at.inside(table.neg, a), at.inside(table.neg, b)
    if x is not None and y is not None:
        return at.make(table.mul, x, y)
    return None


def _div(at: _Site, a: int, b: int) -> int | None:
    if at.number(b) == "1.0":
        return a
    if at.number(b) == "-1.0":
        return at.make(table.neg, a)
    x, y = at.inside(table.neg, a), at.inside(table.neg, b)
    if x is not None and y is not None:
        return at.make(table.div, x, y)
    return None


def _neg(at: _Site, a: int) -> int | None:
    return at.inside(table.neg, a)


def _pow(at: _Site, a: int, b: int) -> int | None:
    if at.number(b) == "2.0":
        return at.make(table.mul, a, a)
    if at.number(b) == "1.0":
        return a
    if at.number(b) in ("0.0", "-0.0"):
        return at.builder.constant(1.0)
    return None


def _absolute(at: _Site, a: int) -> int | None:
    if (x := at.inside(table.neg, a)) is not None:
        return at.make(table.absolute, x)
    return a if at.inside(table.absolute, a) is not None else None


def _where(at: _Site, c: int, a: int, b: int) -> int | None:
    if at.number(c):
        return b if at.number(c) in ("0.0", "-0.0") else a
    return a if a == b else None


def _same(_: _Site, a: int, b: int) -> int | None:
    return a if a == b else None


def _less(at: _Site, a: int, b: int) -> int | None:
    return at.builder.constant(0.0) if a == b else None


# For each primitive what it comes to in special cases, or None. Each is right for every pattern of
# bits; a test holds it against the operation itself on nans, infinities and signed zeros. They are asked
# where an operand is a constant, a negation or an absolute, or where the last two are the same.
_REWRITES: dict[Operation, Callable[..., int | None]] = {
    table.add: _add,
    table.sub: _sub,
    table.mul: _mul,
    table.div: _div,
    table.neg: _neg,
    table.pow: _pow,
    table.absolute: _absolute,
    table.where: _where,
    table.maximum: _same,
    table.minimum: _same,
    table.less: _less,
}
