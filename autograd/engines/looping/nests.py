"""Code with arrays and loops as one function of LLVM's text: loops become blocks, arrays stand in memory.

An array is its address, how many elements it goes on to the next one, and its length. What an operation makes
is allocated where it begins, and freed at the end of the step, or of the function, that it was allocated in.
Nothing checks a length while the code runs: see `lengths`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.engines.looping import rearranged
from autograd.engines.looping.lengths import Key, UnknownLengthError, inputs_of
from autograd.engines.looping.segments import checkpointed
from autograd.engines.looping.slots import Along, ArrayAt, Slot
from autograd.engines.machine.ir import Callbacks, call, literal, template
from autograd.engines.machine.loops import LARGE
from autograd.primitives.operation import Operation
from autograd.programs.arrays.rearranging import Rearrangement
from autograd.programs.code import Code, Instruction
from autograd.programs.loops.checkpointing import Checkpointed
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.packing import Item, Put, Stack, Unstack

__all__ = ["Nest"]

_LONGEST = 1 << 26  # elements of an array whose length the code names


class Nest:
    """Lowered code with arrays as the function ``run(slots, code)``.

    The slots hold the inputs, of an array its address; then the lengths that the code asks for; the address
    of where each output goes that is an array; and the outputs that are numbers.

    Args:
        code: lowered code whose carries are numbers.

    Attributes:
        text: the function.
        lengths: the lengths that it is to be given.
        outputs: of each output the length, None for a number.
        callbacks: what it calls back.
        arrays: constant arrays whose addresses it has.
        required: lengths that must be equal.
        least: lengths, and how long they must be at least.
        work: how many instructions are run how often: pairs of numbers and lengths.
        lines: its text so far.
        block: the block that the text is in.
        numbered: numbers for names.

    Raises:
        UnknownLengthError: a length follows from no input's.
    """

    def __init__(self, code: Code) -> None:
        self.callbacks = Callbacks()
        self._may_fuse = code.weight() <= LARGE
        self.arrays: list[np.ndarray] = []
        self.required: dict[tuple[Key, Key], None] = {}
        self.least: dict[tuple[Key, int], None] = {}
        self.lengths: dict[Key, str] = {}  # the names of lengths
        self.work: list[tuple[int, tuple[Key, ...]]] = []
        self._around: tuple[Key, ...] = ()  # how often the loops run that the code is in
        self._counts: dict[str, Key] = {}  # by the names of doubles: the lengths that they are
        self.numbered = itertools.count()
        self.lines: list[str] = []
        self.block = "body"
        self._allocated: list[list[str]] = [[]]
        names: list[Slot] = []
        for place in range(len(code.inputs)):
            loaded = self.load("%slots", str(place))
            is_array = place in code.arrays
            names.append(ArrayAt(self._pointer(loaded), ("input", place)) if is_array else loaded)
            self._counts[loaded] = ("input", place)
        outputs = self.block_of(code, names)
        self.outputs = [output.key if isinstance(output, ArrayAt) else None for output in outputs]
        for key in filter(None, self.outputs):
            self.length(key)
        first = len(code.inputs) + len(self.lengths)
        for place, output in enumerate(outputs, first):
            if isinstance(output, ArrayAt):
                self._copy_out(output, self._pointer(self.load("%slots", str(place))))
            else:
                self.store(output, "%slots", str(place))
        self.free()
        lines, self.lines = self.lines, []
        for place, name in enumerate(self.lengths.values(), len(code.inputs)):
            self.lines.append(f"{name} = fptosi double {self.load('%slots', str(place))} to i64")
        head = "define void @run(ptr %slots, ptr %code) {\nentry:"
        self.text = "\n".join([_MEMORY, head, *self.lines, "br label %body\nbody:", *lines, "ret void\n}"])

    def places(self) -> set[int]:
        """The places of the inputs that lengths follow from."""
        keys = [*self.lengths, *itertools.chain(*self.required), *[key for key, _ in self.least]]
        keys += [key for _, around in self.work for key in around]
        return set().union(*map(inputs_of, [key for key in [*keys, *self.outputs] if key is not None]))

    # Text.

    def new(self, text: str) -> str:
        """A fresh name, given to what a text computes."""
        name = f"%n{next(self.numbered)}"
        self.lines.append(f"{name} = {text}")
        return name

    def product(self, first: str | int, second: str | int) -> str:
        """The product of two whole numbers."""
        if type(first) is int and type(second) is int:
            return str(first * second)
        return self.new(f"mul i64 {first}, {second}") if second != 1 else str(first)

    def sum(self, first: str | int, second: str | int) -> str:
        """The sum of two whole numbers."""
        return self.new(f"add i64 {first}, {second}") if second != 0 else str(first)

    def load(self, address: str, index: str) -> str:
        """The double at an index."""
        place = self.new(f"getelementptr double, ptr {address}, i64 {index}")
        return self.new(f"load double, ptr {place}")

    def store(self, number: str, address: str, index: str) -> None:
        """Put a double at an index."""
        place = self.new(f"getelementptr double, ptr {address}, i64 {index}")
        self.lines.append(f"store double {number}, ptr {place}")

    def element(self, array: ArrayAt, index: str | int) -> str:
        """An element of an array."""
        return self.load(array.address, self.product(index, array.stride))

    def shifted(self, array: ArrayAt, offset: str | int, key: Key, stride: int = 1) -> ArrayAt:
        """The part of an array that begins at an element, and takes each of so many."""
        begin = self.product(offset, array.stride)
        address = self.new(f"getelementptr double, ptr {array.address}, i64 {begin}")
        return ArrayAt(address, key, array.stride * stride)

    def _pointer(self, double: str) -> str:
        whole = self.new(f"fptoui double {double} to i64")
        return self.new(f"inttoptr i64 {whole} to ptr")

    def length(self, key: Key) -> str:
        """A length as a whole number."""
        if type(key) is int:
            return str(key)
        return self.lengths.setdefault(key, f"%length{len(self.lengths)}")

    def require(self, key: Key, other: Key) -> None:
        """See to it that two lengths are equal."""
        if key != other:
            if type(key) is type(other) is int:
                raise UnknownLengthError("lengths differ")
            self.required[key, other] = None

    def allocated(self, key: Key, *, zeros: bool = False) -> ArrayAt:
        """An array that is freed at the end of the step; of anything, or of zeros."""
        length = self.length(key)
        if zeros:
            return ArrayAt(self.memory(length), key)
        pointer = self.new(f"call ptr @malloc(i64 {self.product(length, 8)})")
        self._allocated[-1].append(pointer)
        return ArrayAt(pointer, key)

    def memory(self, length: str) -> str:
        """The address of so many zeros, which are freed at the end of the step."""
        pointer = self.new(f"call ptr @calloc(i64 {length}, i64 8)")
        self._allocated[-1].append(pointer)
        return pointer

    def free(self) -> None:
        """Free what was allocated since the step began."""
        self.lines += [f"call void @free(ptr {pointer})" for pointer in self._allocated.pop()]

    def looped(
        self,
        count: str | int,
        starts: Sequence[str],
        step: Callable[[str, list[str]], Sequence[str]],
        begin: str = "0",
    ) -> list[str]:
        """A loop, ``carries = step(index, carries)`` from an index to before another; the last carries."""
        number, before = next(self.numbered), self.block
        self.lines.append(f"br label %head{number}")
        self.begin(f"head{number}")
        at = len(self.lines)  # of the phis, which name what is written later
        index = f"%i{number}"
        carries = [f"%carry{number}.{i}" for i in range(len(starts))]
        more = self.new(f"icmp slt i64 {index}, {count}")
        self.lines.append(f"br i1 {more}, label %step{number}, label %after{number}")
        self.begin(f"step{number}")
        self._allocated.append([])
        nexts = step(index, carries)
        self.free()
        following = self.new(f"add i64 {index}, 1")
        self.lines.append(f"br label %head{number}")
        phis = [f"{index} = phi i64 [ {begin}, %{before} ], [ {following}, %{self.block} ]"]
        phis += [
            f"{carry} = phi double [ {start}, %{before} ], [ {output}, %{self.block} ]"
            for carry, start, output in zip(carries, starts, nexts)
        ]
        self.lines[at:at] = phis
        self.begin(f"after{number}")
        return carries

    def chosen(self, condition: str, number: Callable[[], str], otherwise: Callable[[], str]) -> str:
        """A double that is computed in one of two ways."""
        place = next(self.numbered)
        self.lines.append(f"br i1 {condition}, label %then{place}, label %else{place}")
        results = []
        for name, compute in ((f"then{place}", number), (f"else{place}", otherwise)):
            self.begin(name)
            result = compute()
            results.append(f"[ {result}, %{self.block} ]")
            self.lines.append(f"br label %joined{place}")
        self.begin(f"joined{place}")
        return self.new(f"phi double {', '.join(results)}")

    def begin(self, block: str) -> None:
        self.lines.append(f"{block}:")
        self.block = block

    def _copy_out(self, array: ArrayAt, address: str) -> None:
        def step(index: str, _: list[str]) -> list[str]:
            self.store(self.element(array, index), address, index)
            return []

        self.looped(self.length(array.key), [], step)

    # Code.

    def block_of(self, code: Code, names: Sequence[Slot]) -> list[Slot]:
        """Write the instructions of code, given its inputs; returns the outputs."""
        return self._rest_of(code, dict(enumerate([*names, *map(self.constant, code.constants)])))

    def _rest_of(self, code: Code, slots: dict[int, Slot]) -> list[Slot]:
        """The same, given what slots hold; the instructions whose results are among them are written."""
        self.work.append((len(code), self._around))
        for instruction in code.instructions:
            if instruction.results[0] not in slots:
                self._write(instruction, slots)
        return [slots[output] for output in code.outputs]

    def _write(self, instruction: Instruction, slots: dict[int, Slot]) -> None:
        results = self._results(instruction, [slots[operand] for operand in instruction.operands])
        slots.update(zip(instruction.results, results))

    def _same_at_each_step(self, loop: Loop, shared: Sequence[Slot]) -> dict[int, Slot]:
        """What slots of a loop's body hold that do not change; writes what computes numbers of such."""
        first = loop.carries + loop.columns
        slots = dict(enumerate([*shared, *map(self.constant, loop.body.constants)], first))
        for instruction in loop.body.instructions:
            if template(instruction.operation) is not None and slots.keys() >= set(instruction.operands):
                self._write(instruction, slots)
        return slots

    def constant(self, constant: Any) -> Slot:
        """What stands for a constant."""
        if type(constant) is float:
            if constant.is_integer() and 0 <= constant <= _LONGEST:
                self._counts[literal(constant)] = int(constant)
            return literal(constant)
        array = np.ascontiguousarray(constant)
        self.arrays.append(array)
        return ArrayAt(f"inttoptr (i64 {array.ctypes.data} to ptr)", len(array))

    def _results(self, instruction: Instruction, operands: Sequence[Slot]) -> Sequence[Slot]:
        operation: Any = instruction.operation
        if isinstance(operation, Loop):
            return self._loop(operation, operands)
        if isinstance(operation, Checkpointed):
            return checkpointed(self, operation, operands)
        if isinstance(operation, Rearrangement):
            return [rearranged.result(self, operation, operands)]
        if isinstance(operation, Stack):
            array = self.allocated(len(operands))
            for i, operand in enumerate(operands):
                self.store(operand, array.address, str(i))
            return [array]
        if isinstance(operation, Unstack):
            self.require(operands[0].key, operation.result_count)
            return [self.element(operands[0], i) for i in range(operation.result_count)]
        if isinstance(operation, Item):
            return [self.element(operands[0], self._place(operation.index, operands[0].key))]
        if isinstance(operation, Put):
            number, like = operands
            array = self.allocated(like.key, zeros=True)
            self.store(number, array.address, self._place(operation.index, like.key))
            return [array]
        if operation.takes_arrays:  # the length
            name = self.new(f"sitofp i64 {self.length(operands[0].key)} to double")
            self._counts[name] = operands[0].key
            return [name]
        return [self.number(operation, operands)]

    def _place(self, index: int, key: Key) -> str:
        """Where an element stands, which must be there."""
        least = index + 1 if index >= 0 else -index
        if type(key) is int and key < least:
            raise UnknownLengthError("an array is too short")
        self.least[key, least] = None
        return str(index) if index >= 0 else self.sum(self.length(key), index)

    def number(self, operation: Operation, operands: Sequence[str]) -> str:
        """The result of an operation on numbers."""
        text = template(operation, fused=self._may_fuse)
        if text is None:
            text = f"{{y}} = {call(self.callbacks.address(operation), operation.arity)}"
        name = f"%n{next(self.numbered)}"
        self.lines.append(text.format(*operands, y=name))
        return name

    def _loop(self, loop: Loop, operands: Sequence[Slot]) -> Sequence[Slot]:
        key, steps = self.steps_of(loop, operands[0])
        starts, columns, shared = loop.split(operands[1:])
        for column in columns:
            self.require(column.key, key)
        ys = [self.allocated(key) for _ in range(loop.result_count - loop.carries)]
        along = Along(columns, shared, [y.address for y in ys])
        return [*self.repeated(loop, ("0", steps), starts, along, key), *ys]

    def steps_of(self, loop: Loop, count: Slot) -> tuple[Key, str]:
        """The number of steps, and its name."""
        key = self._counts.get(count)
        if key is None or any(place in loop.body.arrays for place in range(loop.carries)):
            raise UnknownLengthError("how often a loop runs is not known, or it carries arrays")
        return key, self.length(key)

    def repeated(
        self, loop: Loop, bounds: tuple[str, str], starts: Sequence[Slot], along: Along, key: Key
    ) -> list[str]:
        """Write the steps of a loop whose places are from one whole number to before another.

        Args:
            loop: the loop.
            bounds: the names of the numbers.
            starts: the first carries.
            along: what the steps have beside them.
            key: how many steps there are in all.

        Returns:
            The names of the last carries.
        """
        begin, end = bounds
        fixed = self._same_at_each_step(loop, along.shared)
        if loop.is_reversed:
            last = self.new(f"sub i64 {end}, 1")
            turned = self.new(f"add i64 {begin}, {last}")

        def step(index: str, carries: list[str]) -> Sequence[str]:
            place = self.new(f"sub i64 {turned}, {index}") if loop.is_reversed else index
            elements = [self.element(column, place) for column in along.columns]
            outputs = self._rest_of(loop.body, fixed | dict(enumerate([*carries, *elements])))
            for y, output in zip(along.ys, outputs[loop.carries :]):
                self.store(output, y, place)
            return outputs[: loop.carries]

        around, self._around = self._around, (*self._around, key)
        carries = self.looped(end, starts, step, begin)
        self._around = around
        return carries


_MEMORY = (
    "declare noalias ptr @calloc(i64, i64)\ndeclare noalias ptr @malloc(i64)\ndeclare void @free(ptr)\n"
    "declare i64 @llvm.fptosi.sat.i64.f64(double)"
)
