"""Code with arrays and loops as one function of LLVM's text: loops become blocks, arrays stand in memory.

An array is its address and its length. What a loop stacks is allocated where the loop begins, and freed at
the end of the step, or of the function, that it was allocated in. Nothing checks a length while it runs:
lengths that do not follow from the code are compared before.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from autograd.engines.machine.compiler import CompiledModule, llvm_text
from autograd.engines.machine.ir import Callbacks, call, literal, template
from autograd.engines.machine.loops import LARGE
from autograd.engines.machine.memory import InMemory
from autograd.primitives.operation import Operation
from autograd.programs.code import Code, Instruction
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.packing import Item, Put, Stack, Unstack

__all__ = ["Nested", "UnknownLengthError"]

_LONGEST = 1 << 26  # elements of an array whose length the code names
_USUAL = 100  # steps of a loop whose number is not known, to estimate the work


class UnknownLengthError(ValueError):
    """Code has an array whose length cannot be known before it runs."""


class _Array(NamedTuple):
    """An array.

    Attributes:
        address: the name of its address.
        length: the name of its length.
        key: equal for arrays that are as long: a number, or what tells where the length comes from.
    """

    address: str
    length: str
    key: Any


Slot = Any  # the name of a double, or an `_Array`


class Nest:
    """Lowered code, some of whose instructions are loops, as the function ``run(slots, code)``.

    The slots hold the inputs, and then the outputs. Where inputs are arrays, the first number among both
    counts the steps of the loop around it. Arrays come last, each as three numbers: its address, its length,
    and how many elements further it begins at each step.

    Args:
        code: lowered code whose carries and outputs are numbers.

    Attributes:
        text: the function.
        inputs: how many doubles the inputs take.
        callbacks: what it calls back.
        arrays: constant arrays whose addresses it has.
        required: for the places of some inputs how long the arrays there must be.
        instructions: about how many it runs.

    Raises:
        UnknownLengthError: a length is neither a number nor that of another array.
    """

    def __init__(self, code: Code) -> None:
        self.callbacks = Callbacks()
        self.arrays: list[np.ndarray] = []
        self.required: dict[int, Any] = {}
        self.instructions = 0
        self._may_fuse = code.weight() <= LARGE
        self._times = 1
        self._lengths: dict[str, Any] = {}  # by the names of doubles: the keys of lengths
        self._numbers = count()
        self._lines: list[str] = []
        self._block = "entry"
        self._allocated: list[list[str]] = [[]]
        self.inputs = 0
        slots: dict[int, Slot] = {}
        step = self._input() if code.arrays else ""
        for place in range(len(code.inputs)):
            if place not in code.arrays:
                slots[place] = self._input()
        for place in sorted(code.arrays):
            slots[place] = self._pointed(step, place)
        slots.update(enumerate(map(self._constant, code.constants), len(code.inputs)))
        outputs = [self._new(f"fadd double {step}, 1.0")] if code.arrays else []
        outputs += self._block_of(code, slots)
        for i, output in enumerate(outputs, self.inputs):
            self._store(output, "%slots", str(i))
        self._free()
        head = "define void @run(ptr %slots, ptr %code) {\nentry:"
        self.text = "\n".join([_MEMORY, head, *self._lines, "ret void\n}"])

    def _new(self, text: str) -> str:
        """A fresh name, given to what a text computes."""
        name = f"%n{next(self._numbers)}"
        self._lines.append(f"{name} = {text}")
        return name

    def _load(self, array: str, index: str) -> str:
        place = self._new(f"getelementptr double, ptr {array}, i64 {index}")
        return self._new(f"load double, ptr {place}")

    def _store(self, number: str, array: str, index: str) -> None:
        place = self._new(f"getelementptr double, ptr {array}, i64 {index}")
        self._lines.append(f"store double {number}, ptr {place}")

    def _input(self) -> str:
        """The next of the inputs, as a double."""
        self.inputs += 1
        return self._load("%slots", str(self.inputs - 1))

    def _pointed(self, step: str, place: int) -> _Array:
        """An array that is an input: where its part of this step begins, and how long that is."""
        step, address, length, stride = [
            self._new(f"fptoui double {number} to i64")
            for number in (step, self._input(), self._input(), self._input())
        ]
        pointer = self._new(f"inttoptr i64 {address} to ptr")
        begin = self._new(f"mul i64 {step}, {stride}")
        part = self._new(f"getelementptr double, ptr {pointer}, i64 {begin}")
        return _Array(part, length, ("input", place))

    def _require(self, array: _Array, key: Any) -> None:
        """See to it that an array has a length, or will have it when the code runs."""
        first, second = self._settled(array.key), self._settled(key)
        if first == second:
            return
        inputs = [(one, other) for one, other in ((first, second), (second, first)) if type(one) is tuple]
        if not inputs:
            raise UnknownLengthError("the lengths of arrays do not follow from the code")
        (_, place), length = inputs[0]
        self.required[place] = length

    def _settled(self, key: Any) -> Any:
        """What a key comes to, where an input must be as long as something else."""
        while type(key) is tuple and key[1] in self.required:
            key = self.required[key[1]]
        return key

    def _begin(self, block: str) -> None:
        self._lines.append(f"{block}:")
        self._block = block

    def _memory(self, length: str) -> str:
        """Memory for so many doubles, zeros, which is freed at the end of the step."""
        pointer = self._new(f"call ptr @calloc(i64 {length}, i64 8)")
        self._allocated[-1].append(pointer)
        return pointer

    def _free(self) -> None:
        self._lines += [f"call void @free(ptr {pointer})" for pointer in self._allocated.pop()]

    def _block_of(self, code: Code, slots: dict[int, Slot]) -> list[Slot]:
        """Write the instructions of code that are not written, given what slots hold; returns the outputs."""
        for instruction in code.instructions:
            if instruction.results[0] not in slots:
                self._write(instruction, slots)
        return [slots[output] for output in code.outputs]

    def _write(self, instruction: Instruction, slots: dict[int, Slot]) -> None:
        self.instructions += self._times
        results = self._results(instruction, [slots[operand] for operand in instruction.operands])
        slots.update(zip(instruction.results, results))

    def _before(self, loop: Loop, shared: Sequence[Slot]) -> dict[int, Slot]:
        """What slots of a loop's body hold at every step; writes what computes numbers of such."""
        first = loop.carries + loop.columns
        slots = dict(enumerate([*shared, *map(self._constant, loop.body.constants)], first))
        for instruction in loop.body.instructions:
            if template(instruction.operation) is not None and slots.keys() >= set(instruction.operands):
                self._write(instruction, slots)
        return slots

    def _constant(self, constant: Any) -> Slot:
        if type(constant) is float:
            if constant.is_integer() and 0 <= constant <= _LONGEST:
                self._lengths[literal(constant)] = int(constant)
            return literal(constant)
        array = np.ascontiguousarray(constant)
        self.arrays.append(array)
        return _Array(f"inttoptr (i64 {array.ctypes.data} to ptr)", str(len(array)), len(array))

    def _results(self, instruction: Instruction, operands: Sequence[Slot]) -> Sequence[Slot]:
        operation: Any = instruction.operation
        if isinstance(operation, Loop):
            return self._loop(operation, operands)
        if isinstance(operation, Stack):
            array = self._memory(str(len(operands)))
            for i, operand in enumerate(operands):
                self._store(operand, array, str(i))
            return [_Array(array, str(len(operands)), len(operands))]
        if isinstance(operation, Unstack):
            self._require(operands[0], operation.result_count)
            return [self._load(operands[0].address, str(i)) for i in range(operation.result_count)]
        if isinstance(operation, Item):
            return [self._load(operands[0].address, self._place(operation.index, operands[0]))]
        if isinstance(operation, Put):
            number, like = operands
            array = self._memory(like.length)
            self._store(number, array, self._place(operation.index, like))
            return [_Array(array, like.length, like.key)]
        if operation.takes_arrays:  # the length
            name = self._new(f"sitofp i64 {operands[0].length} to double")
            self._lengths[name] = operands[0].key
            return [name]
        return [self._number(operation, operands)]

    def _place(self, index: int, array: _Array) -> str:
        """Where an element stands, which must be known to be there."""
        if type(array.key) is not int or not -array.key <= index < array.key:
            raise UnknownLengthError("an element is read of an array whose length is not known")
        return str(index % array.key)

    def _number(self, operation: Operation, operands: Sequence[str]) -> str:
        text = template(operation, fused=self._may_fuse)
        if text is None:
            text = f"{{y}} = {call(self.callbacks.address(operation), operation.arity)}"
        name = f"%n{next(self._numbers)}"
        self._lines.append(text.format(*operands, y=name))
        return name

    def _loop(self, loop: Loop, operands: Sequence[Slot]) -> Sequence[Slot]:
        key = self._lengths.get(operands[0])
        starts, columns, shared = loop.split(operands[1:])
        if key is None or any(place in loop.body.arrays for place in range(loop.carries)):
            raise UnknownLengthError("how often a loop runs is not known, or it carries arrays")
        for column in columns:
            self._require(column, key)
        steps = self._new(f"fptosi double {operands[0]} to i64")
        ys = [self._memory(steps) for _ in range(loop.result_count - loop.carries)]
        slots = self._before(loop, shared)
        number, before = next(self._numbers), self._block
        head, within, after = f"head{number}", f"step{number}", f"after{number}"
        self._lines.append(f"br label %{head}")
        self._begin(head)
        at = len(self._lines)  # of the phis, which name what is written later
        index = f"%i{number}"
        carries = [f"%carry{number}.{i}" for i in range(loop.carries)]
        more = self._new(f"icmp slt i64 {index}, {steps}")
        self._lines.append(f"br i1 {more}, label %{within}, label %{after}")
        self._begin(within)
        place = index
        if loop.is_reversed:
            last = self._new(f"sub i64 {steps}, 1")
            place = self._new(f"sub i64 {last}, {index}")
        self._allocated.append([])
        elements = [self._load(column.address, place) for column in columns]
        slots.update(enumerate([*carries, *elements]))
        outer = self._times
        self._times *= key if type(key) is int else _USUAL
        outputs = self._block_of(loop.body, slots)
        self._times = outer
        for y, output in zip(ys, outputs[loop.carries :]):
            self._store(output, y, place)
        self._free()
        following = self._new(f"add i64 {index}, 1")
        self._lines.append(f"br label %{head}")
        phis = [f"{index} = phi i64 [ 0, %{before} ], [ {following}, %{self._block} ]"]
        phis += [
            f"{carry} = phi double [ {start}, %{before} ], [ {output}, %{self._block} ]"
            for carry, start, output in zip(carries, starts, outputs)
        ]
        self._lines[at:at] = phis
        self._begin(after)
        return [*carries, *(_Array(y, steps, key) for y in ys)]


_MEMORY = "declare noalias ptr @calloc(i64, i64)\ndeclare void @free(ptr)"


class Nested(InMemory):
    """Code with loops in it, ready to run over batches and in sequence: see `engines.Compiled`.

    Args:
        code: lowered code whose outputs are numbers.

    Raises:
        UnknownLengthError: a length is neither a number nor that of another array.
    """

    _outputs_stand_apart = True

    def __init__(self, code: Code) -> None:
        nest = Nest(code)
        selection = 2 if code.weight() <= LARGE else 0  # with which time and memory grow in proportion
        module = CompiledModule(llvm_text("driver") + nest.text, selection=selection)
        inputs = [f"v{i}" for i in range(nest.inputs)]
        super().__init__(module, np.zeros(1), Code("nest", inputs, (), (), ()), {}, nest.callbacks)
        outputs = len(code.outputs) + bool(code.arrays)
        self._slots = np.zeros(nest.inputs + outputs)
        self._outputs = np.arange(nest.inputs, len(self._slots))
        self._instructions = nest.instructions
        self._arrays = sorted(code.arrays)
        self._required = nest.required
        self._constants = nest.arrays

    def scan(
        self,
        carry: Sequence[float],
        columns: Sequence[np.ndarray],
        shared: Sequence[Any],
        count: int,
        samples: int = 1,
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it in sequence, handing results on; a column's elements, and what is shared, may be arrays.

        Raises:
            UnknownLengthError: an array has another length than the code goes along.
        """
        first = len(carry) + len(columns)
        inputs = [*columns, *shared]
        arrays = {place: np.ascontiguousarray(inputs[place - len(carry)], float) for place in self._arrays}
        lengths = {place: array.shape[-1] for place, array in arrays.items()}
        for place, key in self._required.items():
            if lengths[place] != (lengths[key[1]] if type(key) is tuple else key):
                raise UnknownLengthError("an array has another length than the loops along it")
        if not arrays:
            return super().scan(carry, columns, shared, count, samples)
        numbers = [column for place, column in enumerate(columns, len(carry)) if place not in arrays]
        others = [each for place, each in enumerate(shared, first) if place not in arrays]
        for place, array in arrays.items():
            others += array.ctypes.data, lengths[place], lengths[place] if place < first else 0
        samples = max(samples, max(lengths.values()) // _USUAL)
        last, ys = super().scan([0.0, *carry], numbers, others, count, samples)
        return last[1:], ys
