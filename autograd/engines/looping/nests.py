"""Code with arrays and loops as one function of LLVM's text: loops become blocks, arrays stand in memory.

An array is its address and its length. What a loop stacks is allocated where the loop begins, and freed at
the end of the step, or of the function, that it was allocated in. Nothing checks a length while it runs:
lengths that do not follow from the code are compared before.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

from autograd.engines.looping.segments import checkpointed
from autograd.engines.looping.slots import COUNT, Along, ArrayAt, Slot, UnknownLengthError
from autograd.engines.looping.stops import NO_MEMORY, stops_text
from autograd.engines.machine.ir import Callbacks, call, literal, template
from autograd.primitives.operation import Operation
from autograd.programs.code import Code, Instruction
from autograd.programs.loops.checkpointing import Checkpointed
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.packing import Item, Put, Stack, Unstack

__all__ = ["Nest"]

_STEPS = 100  # of a loop whose steps are not known, for estimates
_PAUSE = 1 << 22  # instructions; after so many, a fraction of a second, a loop looks for an interrupt
_LONGEST = 1 << 26  # elements of an array whose length the code names


class Nest:
    """Lowered code, some of whose instructions are loops, as the function ``run(slots, code)``.

    The slots hold the inputs, an array as two doubles, its address and its length, then the outputs, and
    then the numbers that say why it stopped early: see `stops`.

    Args:
        code: lowered code whose carries are numbers.
        is_counted: whether the first input is the number of steps, and how long the outputs are that are
            arrays, whose addresses the caller gives in the place of results.

    Attributes:
        text: the function.
        inputs: how many doubles the inputs take.
        size: how many the inputs and the outputs take.
        callbacks: what it calls back.
        arrays: constant arrays whose addresses it has.
        required: for the places of some inputs how long the arrays there must be; `COUNT` where that is what
            the first input says.
        lines: its text so far.
        block: the block that the text is in.
        numbered: numbers for names.
        instructions: about how many it runs.

    Raises:
        UnknownLengthError: a length is neither a number nor that of another array.
    """

    def __init__(self, code: Code, *, is_counted: bool = False) -> None:
        self.callbacks = Callbacks()
        self.arrays: list[np.ndarray] = []
        self.required: dict[int, Any] = {}
        self.instructions = 0
        self._times = 1
        self._lengths: dict[str, Any] = {}  # by the names of doubles: the keys of lengths
        self.numbered = count()
        self.lines: list[str] = []
        self.block = "entry"
        self._allocated: list[list[str]] = [[]]
        self._stops: list[str] = []  # the blocks in which the function is left early
        self.size = len(code.inputs) + len(code.arrays) + len(code.outputs)
        self._stop = self.new(f"getelementptr i64, ptr %slots, i64 {self.size}")
        stopped = self.new(f"load i64, ptr {self._stop}")
        self._leave_if(self.new(f"icmp ne i64 {stopped}, 0"))
        names: list[Slot] = []
        self.inputs = 0
        for place in range(len(code.inputs)):
            width = 2 if place in code.arrays else 1
            loaded = [self.load("%slots", str(self.inputs + i)) for i in range(width)]
            names.append(self._pointed(loaded[0], loaded[1], place) if width == 2 else loaded[0])
            self.inputs += width
        if is_counted:
            self._lengths[names[0]] = COUNT
        outputs = self._block_of(code, names)
        for i, output in enumerate(outputs, self.inputs):
            if not isinstance(output, ArrayAt):
                self.store(output, "%slots", str(i))
                continue
            self.require(output, COUNT)
            there = self._pointer(self.load("%slots", str(i)))
            size = self.new(f"mul i64 {output.length}, 8")
            self.lines.append(
                f"call void @llvm.memcpy.p0.p0.i64(ptr {there}, ptr {output.address}, i64 {size}, i1 false)"
            )
        self._free()
        head = "define void @run(ptr %slots, ptr %code) {\nentry:"
        self.text = "\n".join([stops_text(), head, *self.lines, "ret void", *self._stops, "}"])

    def new(self, text: str) -> str:
        """A fresh name, given to what a text computes."""
        name = f"%n{next(self.numbered)}"
        self.lines.append(f"{name} = {text}")
        return name

    def load(self, array: str, index: str) -> str:
        place = self.new(f"getelementptr double, ptr {array}, i64 {index}")
        return self.new(f"load double, ptr {place}")

    def store(self, number: str, array: str, index: str) -> None:
        place = self.new(f"getelementptr double, ptr {array}, i64 {index}")
        self.lines.append(f"store double {number}, ptr {place}")

    def _pointed(self, address: str, length: str, place: int) -> Slot:
        whole = self.new(f"fptosi double {length} to i64")
        return ArrayAt(self._pointer(address), whole, ("input", place))

    def _pointer(self, address: str) -> str:
        whole = self.new(f"fptoui double {address} to i64")
        return self.new(f"inttoptr i64 {whole} to ptr")

    def require(self, array: ArrayAt, key: Any) -> None:
        """See to it that an array has a length."""
        is_input = type(array.key) is tuple and (type(key) is int or key == COUNT)
        if array.key == key or (is_input and self.required.setdefault(array.key[1], key) == key):
            return
        raise UnknownLengthError("the lengths of arrays do not follow from the code")

    def begin(self, block: str) -> None:
        self.lines.append(f"{block}:")
        self.block = block

    def memory(self, length: str) -> str:
        """Memory for so many doubles, zeros, which is freed at the end of the step."""
        some = self.chosen("sgt", length, "1")  # of none there may be no address
        pointer = self.new(f"call ptr @calloc(i64 {some}, i64 8)")
        self._leave_if(self.new(f"icmp eq ptr {pointer}, null"), NO_MEMORY)
        self._allocated[-1].append(pointer)
        return pointer

    def chosen(self, condition: str, first: str, second: str) -> str:
        """The first of two whole numbers where a condition holds between them, else the second."""
        holds = self.new(f"icmp {condition} i64 {first}, {second}")
        return self.new(f"select i1 {holds}, i64 {first}, i64 {second}")

    def leave_if_interrupted(self) -> None:
        """Stop where a handler of signals raises something."""
        self._leave_if(self.new(f"call i1 @interrupted(ptr {self._stop})"))

    def _leave_if(self, condition: str, reason: int | None = None) -> None:
        """Leave the function where a condition holds, and free what is allocated there."""
        number = next(self.numbered)
        self.lines.append(f"br i1 {condition}, label %stop{number}, label %go{number}")
        self._stops.append(f"stop{number}:")
        if reason is not None:
            self._stops.append(f"store i64 {reason}, ptr {self._stop}")
        self._stops += [f"call void @free(ptr {each})" for scope in self._allocated for each in scope]
        self._stops.append("ret void")
        self.begin(f"go{number}")

    def _free(self) -> None:
        self.lines += [f"call void @free(ptr {pointer})" for pointer in self._allocated.pop()]

    def _block_of(self, code: Code, names: Sequence[Slot]) -> list[Slot]:
        """Write the instructions of code, given its inputs; returns the outputs."""
        slots = [*names, *map(self.constant, code.constants)]
        for instruction in code.instructions:
            self.instructions += self._times
            slots += self._results(instruction, [slots[operand] for operand in instruction.operands])
        return [slots[output] for output in code.outputs]

    def constant(self, constant: Any) -> Slot:
        """What stands for a constant."""
        if type(constant) is float:
            if constant.is_integer() and 0 <= constant <= _LONGEST:
                self._lengths[literal(constant)] = int(constant)
            return literal(constant)
        array = np.ascontiguousarray(constant)
        self.arrays.append(array)
        return ArrayAt(f"inttoptr (i64 {array.ctypes.data} to ptr)", str(len(array)), len(array))

    def _results(self, instruction: Instruction, operands: Sequence[Slot]) -> Sequence[Slot]:
        operation: Any = instruction.operation
        if isinstance(operation, Loop):
            return self._loop(operation, operands)
        if isinstance(operation, Checkpointed):
            return checkpointed(self, operation, operands)
        if isinstance(operation, Stack):
            array = self.memory(str(len(operands)))
            for i, operand in enumerate(operands):
                self.store(operand, array, str(i))
            return [ArrayAt(array, str(len(operands)), len(operands))]
        if isinstance(operation, Unstack):
            self.require(operands[0], operation.result_count)
            return [self.load(operands[0].address, str(i)) for i in range(operation.result_count)]
        if isinstance(operation, Item):
            return [self.load(operands[0].address, self._place(operation.index, operands[0]))]
        if isinstance(operation, Put):
            number, like = operands
            array = self.memory(like.length)
            self.store(number, array, self._place(operation.index, like))
            return [ArrayAt(array, like.length, like.key)]
        if operation.takes_arrays:  # the length
            name = self.new(f"sitofp i64 {operands[0].length} to double")
            self._lengths[name] = operands[0].key
            return [name]
        return [self._number(operation, operands)]

    def _place(self, index: int, array: ArrayAt) -> str:
        """Where an element stands, which must be known to be there."""
        if type(array.key) is not int or not -array.key <= index < array.key:
            raise UnknownLengthError("an element is read of an array whose length is not known")
        return str(index % array.key)

    def _number(self, operation: Operation, operands: Sequence[str]) -> str:
        text = template(operation)
        if text is None:
            text = f"{{y}} = {call(self.callbacks.address(operation), operation.arity)}"
        name = f"%n{next(self.numbered)}"
        self.lines.append(text.format(*operands, y=name))
        return name

    def _loop(self, loop: Loop, operands: Sequence[Slot]) -> Sequence[Slot]:
        key, steps = self.steps_of(loop, operands[0])
        starts, columns, shared = loop.split(operands[1:])
        for column in columns:
            self.require(column, key)
        ys = [self.memory(steps) for _ in range(loop.result_count - loop.carries)]
        along = Along([column.address for column in columns], shared, ys)
        carries = self.repeated(loop, ("0", steps), starts, along, key)
        return [*carries, *(ArrayAt(y, steps, key) for y in ys)]

    def steps_of(self, loop: Loop, count: Slot) -> tuple[Any, str]:
        """The number of steps: what it is equal to, and its name."""
        key = self._lengths.get(count)
        if key is None or any(place in loop.body.arrays for place in range(loop.carries)):
            raise UnknownLengthError("how often a loop runs is not known, or it carries arrays")
        return key, self.new(f"fptosi double {count} to i64")

    def repeated(
        self, loop: Loop, bounds: tuple[str, str], starts: Sequence[Slot], along: Along, key: Any
    ) -> list[str]:
        """Write the steps of a loop whose places are from one whole number to before another.

        Args:
            loop: the loop.
            bounds: the names of the numbers.
            starts: the first carries.
            along: what the steps have beside them.
            key: about how many steps there are, where that is a number.

        Returns:
            The names of the last carries.
        """
        begin, end = bounds
        if loop.is_reversed:
            last = self.new(f"sub i64 {end}, 1")
            turned = self.new(f"add i64 {begin}, {last}")
        pause = max(1, _PAUSE // _weight(loop.body))
        is_paused = type(key) is not int or key > pause
        limit = self.chosen("slt", self.new(f"add i64 {begin}, {pause}"), end) if is_paused else end
        number, before = next(self.numbered), self.block
        head, within, after = f"head{number}", f"step{number}", f"after{number}"
        self.lines.append(f"br label %{head}")
        self.begin(head)
        at = len(self.lines)  # of the phis, which name what is written later
        index, upto = f"%i{number}", f"%upto{number}" if is_paused else end
        carries = [f"%carry{number}.{i}" for i in range(loop.carries)]
        more = self.new(f"icmp slt i64 {index}, {upto}")
        behind = f"pause{number}" if is_paused else after
        self.lines.append(f"br i1 {more}, label %{within}, label %{behind}")
        self.begin(within)
        place = self.new(f"sub i64 {turned}, {index}") if loop.is_reversed else index
        self._allocated.append([])
        elements = [self.load(address, place) for address in along.columns]
        self._times, outer = self._times * (key if type(key) is int else _STEPS), self._times
        outputs = self._block_of(loop.body, [*carries, *elements, *along.shared])
        self._times = outer
        for y, output in zip(along.ys, outputs[loop.carries :]):
            self.store(output, y, place)
        self._free()
        following = self.new(f"add i64 {index}, 1")
        self.lines.append(f"br label %{head}")
        edges = [(before, begin, starts, limit), (self.block, following, outputs, upto)]
        if is_paused:
            self.begin(behind)
            ended = self.new(f"icmp sge i64 {index}, {end}")
            self.lines.append(f"br i1 {ended}, label %{after}, label %poll{number}")
            self.begin(f"poll{number}")
            self.leave_if_interrupted()
            limit = self.chosen("slt", self.new(f"add i64 {index}, {pause}"), end)
            self.lines.append(f"br label %{head}")
            edges.append((self.block, index, carries, limit))
        phis = [_phi("i64", index, [(number, block) for block, number, _, _ in edges])]
        phis += [_phi("i64", upto, [(number, block) for block, _, _, number in edges])] * is_paused
        phis += [
            _phi("double", carry, [(numbers[i], block) for block, _, numbers, _ in edges])
            for i, carry in enumerate(carries)
        ]
        self.lines[at:at] = phis
        self.begin(after)
        return carries


def _phi(kind: str, name: str, edges: Sequence[tuple[str, str]]) -> str:
    """The text of a number that depends on the block before."""
    return f"{name} = phi {kind} " + ", ".join([f"[ {number}, %{block} ]" for number, block in edges])


def _weight(code: Code) -> int:
    """About how many instructions a run of code takes, at least one."""
    bodies = [body for instruction in code.instructions for body in instruction.operation.bodies]
    return 1 + len(code) + _STEPS * sum(map(_weight, bodies))
