"""Code with arrays and loops as one function of LLVM's text: loops become blocks, arrays stand in memory.

An array is its address and its length. What a loop stacks is allocated where the loop begins, and freed at
the end of the step, or of the function, that it was allocated in. Nothing checks a length while it runs:
lengths that do not follow from the code are compared before.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

from autograd.engines.looping.segments import checkpointed
from autograd.engines.looping.slots import COUNT, Along, ArrayAt, Slot, UnknownLengthError
from autograd.engines.machine.compiler import CompiledModule, llvm_text
from autograd.engines.machine.ir import Callbacks, call, literal, template
from autograd.engines.machine.memory import InMemory
from autograd.primitives.operation import Operation
from autograd.programs.code import Code, Instruction
from autograd.programs.loops.checkpointing import Checkpointed
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.packing import Item, Put, Stack, Unstack

__all__ = ["Counted", "Nest", "Nested"]

_LONGEST = 1 << 26  # elements of an array whose length the code names


class Nest:
    """Lowered code, some of whose instructions are loops, as the function ``run(slots, code)``.

    The slots hold the inputs, an array as two doubles, its address and its length, and then the outputs.

    Args:
        code: lowered code whose carries are numbers.
        is_counted: whether the first input is the number of steps, and how long the outputs are that are
            arrays, whose addresses the caller gives in the place of results.

    Attributes:
        text: the function.
        inputs: how many doubles the inputs take.
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
        self.text = "\n".join([_MEMORY, head, *self.lines, "ret void\n}"])

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
        pointer = self.new(f"call ptr @calloc(i64 {length}, i64 8)")
        self._allocated[-1].append(pointer)
        return pointer

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
        number, before = next(self.numbered), self.block
        head, within, after = f"head{number}", f"step{number}", f"after{number}"
        self.lines.append(f"br label %{head}")
        self.begin(head)
        at = len(self.lines)  # of the phis, which name what is written later
        index = f"%i{number}"
        carries = [f"%carry{number}.{i}" for i in range(loop.carries)]
        more = self.new(f"icmp slt i64 {index}, {end}")
        self.lines.append(f"br i1 {more}, label %{within}, label %{after}")
        self.begin(within)
        place = self.new(f"sub i64 {turned}, {index}") if loop.is_reversed else index
        self._allocated.append([])
        elements = [self.load(address, place) for address in along.columns]
        self._times, outer = self._times * (key if type(key) is int else 100), self._times
        outputs = self._block_of(loop.body, [*carries, *elements, *along.shared])
        self._times = outer
        for y, output in zip(along.ys, outputs[loop.carries :]):
            self.store(output, y, place)
        self._free()
        following = self.new(f"add i64 {index}, 1")
        self.lines.append(f"br label %{head}")
        phis = [f"{index} = phi i64 [ {begin}, %{before} ], [ {following}, %{self.block} ]"]
        phis += [
            f"{carry} = phi double [ {start}, %{before} ], [ {output}, %{self.block} ]"
            for carry, start, output in zip(carries, starts, outputs)
        ]
        self.lines[at:at] = phis
        self.begin(after)
        return carries


_MEMORY = "declare noalias ptr @calloc(i64, i64)\ndeclare void @free(ptr)"


class Nested(InMemory):
    """Code with loops in it, ready to run over batches and in sequence: see `engines.Compiled`.

    Args:
        code: lowered code whose outputs are numbers.

    Raises:
        UnknownLengthError: a length is neither a number nor that of another array.
    """

    def __init__(self, code: Code) -> None:
        nest = Nest(code)
        module = CompiledModule(llvm_text("driver") + nest.text)
        inputs = [f"v{i}" for i in range(nest.inputs)]
        super().__init__(module, np.zeros(1), Code("nest", inputs, (), (), ()), {}, nest.callbacks)
        self._slots = np.zeros(nest.inputs + len(code.outputs))
        self._outputs = np.arange(nest.inputs, len(self._slots))
        self._instructions = nest.instructions
        self._arrays = code.arrays
        self._required = nest.required
        self.constants = nest.arrays

    def scan(
        self, carry: Sequence[float], columns: Sequence[np.ndarray], shared: Sequence[Any], count: int
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it in sequence, handing results on; what is shared may be arrays.

        Raises:
            UnknownLengthError: an array has another length than the code goes along.
        """
        first = len(carry) + len(columns)
        numbers: list[float] = []
        kept = []
        for place, each in enumerate(shared, first):
            if place not in self._arrays:
                numbers.append(each)
                continue
            if self._required.get(place, len(each)) != len(each):
                raise UnknownLengthError("an array has another length than the loops along it")
            kept.append(np.ascontiguousarray(each, float))
            numbers += _numbers_of(kept[-1])
        return super().scan(carry, columns, numbers, count)


class Counted:
    """One operation on arrays as long as its first operand says, compiled as a whole.

    Args:
        operation: a lowered operation; those of its results that are arrays are as long, too.

    Raises:
        UnknownLengthError: the length of another array is neither a number nor that of an array.
    """

    def __init__(self, operation: Checkpointed) -> None:
        code = operation.alone()
        self._nest = nest = Nest(code, is_counted=True)
        module = CompiledModule(nest.text)
        self._run = module.function("run", ctypes.c_void_p, ctypes.c_void_p)
        self._kinds = code.kinds()

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...] | None:
        """The results; None where an array has another length."""
        count = int(inputs[0])
        arity = len(inputs)
        arrays = {
            place: np.ascontiguousarray(inputs[place], float) for place in range(arity) if self._kinds[place]
        }
        for place, key in self._nest.required.items():
            if len(arrays[place]) != (count if key == COUNT else key):
                return None
        slots: list[float] = []
        for place, each in enumerate(inputs):
            slots += _numbers_of(arrays[place]) if place in arrays else [each]
        results = [np.empty(count) if is_array else 0.0 for is_array in self._kinds[arity:]]
        first = len(slots)
        slots += [float(result.ctypes.data) if isinstance(result, np.ndarray) else 0.0 for result in results]
        memory = np.array(slots)
        self._run(memory.ctypes.data, 0)
        self._nest.callbacks.raise_pending()
        numbers = memory[first:].tolist()
        return tuple([result if isinstance(result, np.ndarray) else n for result, n in zip(results, numbers)])


def _numbers_of(array: np.ndarray) -> list[float]:
    """An array as compiled code takes it: its address and its length."""
    return [float(array.ctypes.data), float(len(array))]
