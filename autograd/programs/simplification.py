"""Simplification: the same program in fewer instructions, to the last bit.

`Builder` takes operations one by one and hands out slots. An operation that it has seen is not made
again (it knows which primitives commute), one on constants becomes a constant, and one that returns
an operand, or another operation's result, whatever the numbers are, becomes that. Nothing is done
that would change a nan, a signed zero or a rounding: x + 0 stays, because -0 + 0 is 0.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import numpy as np

from autograd.graph.scopes import Path
from autograd.primitives import table
from autograd.primitives.operation import Operation
from autograd.primitives.primitive import Primitive
from autograd.programs.code import Code, Instruction
from autograd.support.user_line import Line

__all__ = ["Builder"]


class Builder:
    """Collects simplified operations.

    A slot is an int: inputs, constants and operations share one numbering, in order of appearance.
    """

    def __init__(self) -> None:
        # None for an input, a float for a constant, else the Instruction of which it is a result
        self._slots: list[Any] = []
        self._constants: dict[Any, int] = {}
        self._operations: dict[tuple[Operation, tuple[int, ...]], Sequence[int]] = {}
        self._notable: set[int] = set()  # constants, negations, absolutes: what a rewriting starts from
        self._arrays: set[int] = set()  # inputs that are whole arrays
        self._loops: list[int] = []  # the first slots of operations that others may join

    def input(self, is_array: bool = False) -> int:
        """The slot of one more input."""
        if is_array:
            self._arrays.add(len(self._slots))
        self._slots.append(None)
        return len(self._slots) - 1

    def constant(self, number: Any) -> int:
        """The slot of a number, one for each pattern of bits; or of an array of floats."""
        is_array = type(number) is np.ndarray
        bits = (number.tobytes(),) if is_array else struct.pack("<d", number)
        if bits not in self._constants:
            self._constants[bits] = len(self._slots)
            if not is_array:
                self._notable.add(len(self._slots))
            self._slots.append(number)
        return self._constants[bits]

    @property
    def size(self) -> int:
        """How many slots there are."""
        return len(self._slots)

    def number(self, slot: int) -> float | None:
        """The number that is in a slot whatever the inputs are, if there is one."""
        known = self._slots[slot]
        return known if type(known) is float else None

    def replay(
        self,
        code: Code,
        slots: Sequence[int],
        only: Container[int] | None = None,
        scopes: Path = (),
        known: Mapping[int, int] | None = None,
    ) -> list[int]:
        """Do what code does.

        Args:
            code: the code.
            slots: those of its inputs, here.
            only: which of its slots are wanted; the others are -1 where they cost an operation.
            scopes: what it is in.
            known: slots of the code whose numbers are here already, and where.

        Returns:
            The slot, here, of each of its own.
        """
        slots = [*slots, *map(self.constant, code.constants)]
        for operation, operands, results, labels, line, inner in code.instructions:
            if only is not None and not any(result in only for result in results):
                slots += [-1] * len(results)
                continue
            if known is not None and results[0] in known:
                slots.append(known[results[0]])
                continue
            path = (*scopes, *inner)
            made = self.results(operation, [slots[operand] for operand in operands], "", line, path)
            for slot, label in zip(made, labels):
                self.label(slot, label)
            slots += made
        return slots

    def operation(
        self,
        operation: Operation,
        operands: Sequence[int],
        label: str = "",
        line: Line | None = None,
        scopes: Path = (),
    ) -> int:
        """The slot that holds an operation of earlier slots; of several results the first one's."""
        return self.results(operation, operands, label, line, scopes)[0]

    def results(
        self,
        operation: Operation,
        operands: Sequence[int],
        label: str = "",
        line: Line | None = None,
        scopes: Path = (),
    ) -> Sequence[int]:
        """The slots that hold the results of an operation of earlier slots; a label is the first one's."""
        operands = tuple(operands)
        slots, notable = self._slots, self._notable
        if not notable.isdisjoint(operands) or (len(operands) > 1 and operands[-2] == operands[-1]):
            is_number = operation.result_count == 1 and not operation.takes_arrays
            if is_number and all(type(slots[operand]) is float for operand in operands):
                return (self.constant(operation(*[slots[operand] for operand in operands])),)
            rewrite = _REWRITES.get(operation)
            rewritten = rewrite and rewrite(_Site(self, label, line, scopes), *operands)
            if rewritten is not None:
                return (rewritten,)
        key = operation, operands
        if operation.commutative and operands[0] > operands[1]:
            key = operation, operands[::-1]
        results = self._operations.get(key)
        if results is None and operation.takes_arrays:
            if operation.is_inlined:
                (body,) = operation.bodies
                inside = self.replay(body, operands, scopes=scopes)
                results = [inside[output] for output in body.outputs]
            else:
                results = operation.known(operands, slots) or self._joined(operation, operands)
        if results is None:
            at = len(slots)
            results = tuple(range(at, at + operation.result_count))
            slots += [Instruction(operation, operands, results, (), line, scopes)] * len(results)
            if operation is table.neg or operation is table.absolute:
                notable.add(at)
            if _may_join(operation):
                self._loops.append(at)
        self._operations[key] = results
        if label:
            self.label(results[0], label)
        return results

    def _joined(self, operation: Operation, operands: tuple[int, ...]) -> tuple[int, ...] | None:
        """The results of an operation that an earlier one can do besides its own work, if there is one."""
        slots = self._slots
        for at in self._loops if _may_join(operation) else ():
            earlier = slots[at]
            known = [slots[operand] for operand in operands if operand not in earlier.results]
            if any(type(slot) is Instruction and min(slot.results) >= at for slot in known):
                continue  # it does not stand before the earlier one
            joined = earlier.operation.joined(earlier.operands, operation, operands, earlier.results)
            if joined is None:
                continue
            old = dict(zip(joined.own, earlier.results))
            added = iter(range(len(slots), len(slots) + joined.operation.result_count - len(old)))
            results = tuple(
                [old[i] if i in old else next(added) for i in range(joined.operation.result_count)]
            )
            labels = dict(zip(earlier.results, earlier.labels))
            instruction = earlier._replace(
                operation=joined.operation,
                operands=joined.operands,
                results=results,
                labels=tuple([labels.get(result, "") for result in results]) if labels else (),
            )
            slots += [instruction] * (len(results) - len(old))
            for result in results:
                slots[result] = instruction
            return tuple([results[place] for place in joined.others])
        return None

    def label(self, slot: int, label: str) -> None:
        """Name a result, unless it has a name."""
        instruction = self._slots[slot]
        if label and isinstance(instruction, Instruction):
            labels = list(instruction.labels or [""] * len(instruction.results))
            place = instruction.results.index(slot)
            labels[place] = labels[place] or label
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
        kept = []
        first_at: dict[int, int] = {}  # of the results of each instruction, which may be many
        for at, slot in enumerate(slots):
            if type(slot) is Instruction:
                first_at.setdefault(id(slot.results), at)
        for at in range(len(slots) - 1, -1, -1):
            instruction = slots[at]
            if type(instruction) is Instruction and at == first_at[id(instruction.results)]:
                instruction = _needed(instruction, needed)
                if instruction is not None:
                    needed.update(instruction.operands)
                    kept.append(instruction)
        inputs_at = [at for at, slot in enumerate(slots) if slot is None]
        constants_at = [
            at for at, slot in enumerate(slots) if at in needed and type(slot) in (float, np.ndarray)
        ]
        results_at = [result for instruction in reversed(kept) for result in instruction.results]
        place = {at: i for i, at in enumerate([*inputs_at, *constants_at, *results_at])}.__getitem__
        instructions = [
            instruction._replace(
                operands=tuple(map(place, instruction.operands)),
                results=tuple(map(place, instruction.results)),
            )
            for instruction in reversed(kept)
        ]
        constants = [slots[at] for at in constants_at]
        arrays = map(place, self._arrays)
        return Code(name, inputs, constants, instructions, tuple(map(place, outputs)), arrays)


def _may_join(operation: Operation) -> bool:
    """Whether operations of its kind can ever be joined."""
    return type(operation).joined is not Operation.joined


def _needed(instruction: Instruction, needed: Container[int]) -> Instruction | None:
    """An instruction, or what of it is needed; None where nothing is."""
    operation, operands, results, labels, *_ = instruction
    if len(results) == 1:
        return instruction if results[0] in needed else None
    wanted = [result in needed for result in results]
    if not any(wanted):
        return None
    pruned = None if all(wanted) else operation.pruned(wanted)
    if pruned is None:
        return instruction
    operation, used, left = pruned
    return instruction._replace(
        operation=operation,
        operands=tuple([operands[place] for place in used]),
        results=tuple([results[place] for place in left]),
        labels=tuple([labels[place] for place in left]) if labels else (),
    )


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
        results = self.builder._operations.get((primitive, tuple(sorted(operands))))
        return None if results is None else results[0]

    def number(self, slot: int) -> str:
        """A constant as text, which tells 0.0 from -0.0; "" for anything else."""
        held = self.builder._slots[slot]
        return repr(held) if type(held) is float else ""

    def compares(self, slot: int) -> bool:
        """Whether a slot holds a comparison's answer, which is 0 or 1."""
        held = self.builder._slots[slot]
        return isinstance(held, Instruction) and held.operation in (table.less, table.less_equal, table.equal)

    def inside(self, primitive: Primitive, slot: int) -> int | None:
        """The operand of a slot that holds this primitive of one operand, else None."""
        held = self.builder._slots[slot]
        return held.operands[0] if isinstance(held, Instruction) and held.operation is primitive else None


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
    for factor, other in ((a, b), (b, a)):
        if at.number(factor) == "1.0":
            return other
        if at.number(factor) == "-1.0":
            return at.make(table.neg, other)
        if at.number(factor).startswith("-"):  # -2x beside 2x: one product
            seen = at.seen(table.mul, at.builder.constant(-float(at.number(factor))), other)
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
    if at.number(a) == "1.0" and at.number(b) == "0.0" and at.compares(c):
        return c
    return a if a == b else None


def _same(_: _Site, a: int, b: int) -> int | None:
    return a if a == b else None


def _less(at: _Site, a: int, b: int) -> int | None:
    return at.builder.constant(0.0) if a == b else None


def _less_equal(at: _Site, a: int, b: int) -> int | None:
    return b if at.number(a) == "1.0" and at.compares(b) else None


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
    table.less_equal: _less_equal,
}
