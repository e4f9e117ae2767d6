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
from autograd.engines.looping.stops import NO_MEMORY, stops_text
from autograd.engines.machine.ir import Callbacks, call, literal, template
from autograd.primitives.operation import Operation
from autograd.programs.arrays.rearranging import Rearrangement
from autograd.programs.code import Code, Instruction
from autograd.programs.loops.checkpointing import Checkpointed
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.packing import Item, Put, Stack, Unstack

__all__ = ["Nest"]

_STEPS = 100  # of a loop, about
_PAUSE = 1 << 22  # instructions; after so many, a fraction of a second, a loop looks for an interrupt
_LONGEST = 1 << 26  # elements of an array whose length the code names


class Nest:
    """Lowered code with arrays as the function ``run(slots, code)``.

    The slots hold the inputs, of an array its address; then the lengths that the code asks for; the address
    of where each output goes that is an array; the outputs that are numbers; and the numbers that say why it
    stopped early: see `stops`.

    Args:
        code: lowered code whose carries are numbers.

    Attributes:
        text: the function.
        lengths: the lengths that it is to be given.
        outputs: of each output the length, None for a number.
        size: how many slots there are before those of `stops`.
        callbacks: what it calls back.
        arrays: constant arrays whose addresses it has.
        required: lengths that must be equal.
        least: lengths, and how long they must be at least.
        work: about how many instructions it runs.
        lines: its text so far.
        block: the block that the text is in.
        numbered: numbers for names.

    Raises:
        UnknownLengthError: a length follows from no input's.
    """

    def __init__(self, code: Code) -> None:
        self.callbacks = Callbacks()
        self.arrays: list[np.ndarray] = []
        self.required: dict[tuple[Key, Key], None] = {}
        self.least: dict[tuple[Key, int], None] = {}
        self.lengths: dict[Key, str] = {}  # the names of lengths
        self.work = 0
        self._times = 1  # that the code is run which is being written
        self._counts: dict[str, Key] = {}  # by the names of doubles: the lengths that they are
        self.numbered = itertools.count()
        self.lines: list[str] = []
        self.block = "body"
        self._allocated: list[list[str]] = [[]]
        self._stops: list[str] = []  # the blocks in which the function is left early
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
        self.size = first + len(outputs)
        head = "define void @run(ptr %slots, ptr %code) {\nentry:"
        self.lines.append(f"%stop = getelementptr i64, ptr %slots, i64 {self.size}")
        stopped = self.new(f"icmp ne i64 {self.new('load i64, ptr %stop')}, 0")
        self.lines.append(f"br i1 {stopped}, label %left, label %body\nbody:")
        last = ["br label %left", *self._stops, "left:\nret void\n}"]
        self.text = "\n".join([stops_text(), head, *self.lines, *lines, *last])

    def places(self) -> set[int]:
        """The places of the inputs that lengths follow from."""
        keys = [*self.lengths, *itertools.chain(*self.required), *[key for key, _ in self.least]]
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
        size = self.select("sgt", self.product(length, 8), "8")  # of nothing there may be no address
        return ArrayAt(self._kept(self.new(f"call ptr @malloc(i64 {size})")), key)

    def memory(self, length: str) -> str:
        """The address of so many zeros, which are freed at the end of the step."""
        some = self.select("sgt", length, "1")
        return self._kept(self.new(f"call ptr @calloc(i64 {some}, i64 8)"))

    def _kept(self, pointer: str) -> str:
        self._leave_if(self.new(f"icmp eq ptr {pointer}, null"), NO_MEMORY)
        self._allocated[-1].append(pointer)
        return pointer

    def select(self, condition: str, first: str, second: str) -> str:
        """The first of two whole numbers where a condition holds between them, else the second."""
        holds = self.new(f"icmp {condition} i64 {first}, {second}")
        return self.new(f"select i1 {holds}, i64 {first}, i64 {second}")

    def leave_if_interrupted(self) -> None:
        """Stop where a handler of signals raises something."""
        self._leave_if(self.new("call i1 @interrupted(ptr %stop)"))

    def _leave_if(self, condition: str, reason: int | None = None) -> None:
        """Leave the function where a condition holds, and free what is allocated there."""
        number = next(self.numbered)
        self.lines.append(f"br i1 {condition}, label %stop{number}, label %go{number}")
        self._stops.append(f"stop{number}:")
        if reason is not None:
            self._stops.append(f"store i64 {reason}, ptr %stop")
        self._stops += [f"call void @free(ptr {each})" for scope in self._allocated for each in scope]
        self._stops.append("br label %left")
        self.begin(f"go{number}")

    def free(self) -> None:
        """Free what was allocated since the step began."""
        self.lines += [f"call void @free(ptr {pointer})" for pointer in self._allocated.pop()]

    def looped(
        self,
        count: str | int,
        starts: Sequence[str],
        step: Callable[[str, list[str]], Sequence[str]],
        begin: str = "0",
        pause: int = 0,
    ) -> list[str]:
        """A loop, ``carries = step(index, carries)`` from an index to before another; the last carries.

        After every ``pause`` steps, unless that is 0, it looks for an interrupt.
        """
        end, limit = str(count), str(count)
        if pause:
            limit = self.select("slt", self.sum(begin, pause), end)
        number, before = next(self.numbered), self.block
        index, upto = f"%i{number}", f"%upto{number}" if pause else end
        carries = [f"%carry{number}.{i}" for i in range(len(starts))]
        self.lines.append(f"br label %head{number}")
        self.begin(f"head{number}")
        at = len(self.lines)  # of the phis, which name what is written later
        more = self.new(f"icmp slt i64 {index}, {upto}")
        behind = f"pause{number}" if pause else f"after{number}"
        self.lines.append(f"br i1 {more}, label %step{number}, label %{behind}")
        self.begin(f"step{number}")
        self._allocated.append([])
        nexts = step(index, carries)
        self.free()
        following = self.new(f"add i64 {index}, 1")
        self.lines.append(f"br label %head{number}")
        edges = [(before, [begin, limit, *starts]), (self.block, [following, upto, *nexts])]
        if pause:
            self.begin(behind)
            ended = self.new(f"icmp sge i64 {index}, {end}")
            self.lines.append(f"br i1 {ended}, label %after{number}, label %poll{number}")
            self.begin(f"poll{number}")
            self.leave_if_interrupted()
            limit = self.select("slt", self.sum(index, pause), end)
            self.lines.append(f"br label %head{number}")
            edges.append((self.block, [index, limit, *carries]))
        for place, name in reversed([*enumerate([index, upto, *carries])]):
            if pause or place != 1:
                kind = "double" if place > 1 else "i64"
                numbers = ", ".join([f"[ {numbers[place]}, %{block} ]" for block, numbers in edges])
                self.lines.insert(at, f"{name} = phi {kind} {numbers}")
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
        slots = [*names, *map(self.constant, code.constants)]
        self.work += self._times * len(code)
        for instruction in code.instructions:
            slots += self._results(instruction, [slots[operand] for operand in instruction.operands])
        return [slots[output] for output in code.outputs]

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
        if loop.is_reversed:
            last = self.new(f"sub i64 {end}, 1")
            turned = self.new(f"add i64 {begin}, {last}")

        def step(index: str, carries: list[str]) -> Sequence[str]:
            place = self.new(f"sub i64 {turned}, {index}") if loop.is_reversed else index
            elements = [self.element(column, place) for column in along.columns]
            outputs = self.block_of(loop.body, [*carries, *elements, *along.shared])
            for y, output in zip(along.ys, outputs[loop.carries :]):
                self.store(output, y, place)
            return outputs[: loop.carries]

        pause = max(1, _PAUSE // _weight(loop.body))
        is_short = type(key) is int and key <= pause
        times, self._times = self._times, self._times * (key if type(key) is int else _STEPS)
        carries = self.looped(end, starts, step, begin, 0 if is_short else pause)
        self._times = times
        return carries


def _weight(code: Code) -> int:
    """About how many instructions a run of code takes, at least one."""
    bodies = [body for instruction in code.instructions for body in instruction.operation.bodies]
    return 1 + len(code) + _STEPS * sum(map(_weight, bodies))
