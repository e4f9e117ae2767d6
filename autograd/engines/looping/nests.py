"""Code with arrays and loops as one function of LLVM's text: loops become blocks, arrays stand in memory.

An array is its address, how many elements it goes on to the next one, and its length. What an operation makes
is allocated where it begins, and freed at the end of the step, or of the function, that it was allocated in.
Nothing checks a length while the code runs: see `lengths`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from autograd.engines.looping import rearranged
from autograd.engines.looping.lengths import Key, UnknownLengthError, inputs_of
from autograd.engines.looping.nest_text import NestText
from autograd.engines.looping.segments import checkpointed
from autograd.engines.looping.settling import settled
from autograd.engines.looping.slots import Along, ArrayAt, Slot
from autograd.engines.looping.stops import TOO_LONG, stops_text
from autograd.engines.machine.ir import Callbacks, call, literal, template
from autograd.engines.machine.loops import LARGE
from autograd.primitives.operation import Operation
from autograd.programs.arrays.rearranging import Rearrangement
from autograd.programs.code import Code, Instruction
from autograd.programs.control.branching import Cond
from autograd.programs.control.repeating import While
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.mapping import Map, in_order
from autograd.programs.loops.packing import Item, Put, Stack, Unstack
from autograd.programs.loops.reverse.checkpointing import Checkpointed

__all__ = ["Nest"]

_STEPS = 100  # of a loop, about
_PAUSE = 1 << 22  # instructions; after so many, a fraction of a second, a loop looks for an interrupt
_MOST_STEPS = (
    10_000  # of a loop that ends by a condition; a longer one is run by itself, and may be interrupted
)
_LONGEST = 1 << 26  # elements of an array whose length the code names


class Nest(NestText):
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

    Raises:
        UnknownLengthError: a length follows from no input's.
    """

    def __init__(self, code: Code) -> None:
        super().__init__("body")
        self.callbacks = Callbacks()
        self._may_fuse = code.weight() <= LARGE
        self.arrays: list[np.ndarray] = []
        self.required: dict[tuple[Key, Key], None] = {}
        self.least: dict[tuple[Key, int], None] = {}
        self.lengths: dict[Key, str] = {}  # the names of lengths
        self.work = 0
        self._times = 1  # that the code is run which is being written
        self._counts: dict[str, Key] = {}  # by the names of doubles: the lengths that they are
        self._steps: dict[Key, str] = {}  # the names of lengths that a run finds out
        self._claims: dict[Slot, str] = {}  # doubles that may be such a length, and the one that is
        names: list[Slot] = []
        for place in range(len(code.inputs)):
            loaded = self.load("%slots", str(place))
            is_array = place in code.arrays
            names.append(ArrayAt(self.pointer(loaded), ("input", place)) if is_array else loaded)
            self._counts[loaded] = ("input", place)
        self._places_of_ys = _destinations(code)
        outputs = self.block_of(code, names)
        self.outputs = [output.key if isinstance(output, ArrayAt) else None for output in outputs]
        for key in filter(None, self.outputs):
            self.length(key)
        first = len(code.inputs) + len(self.lengths)
        for place, output in enumerate(outputs):
            if not isinstance(output, ArrayAt):
                self.store(output, "%slots", str(first + place))
            elif output.address != f"%out{place}":
                self._copy_out(output, f"%out{place}")
        self.free()
        lines, self.lines = self.lines, []
        for place, name in enumerate(self.lengths.values(), len(code.inputs)):
            self.lines.append(f"{name} = fptosi double {self.load('%slots', str(place))} to i64")
        for place, key in enumerate(self.outputs):
            if key is not None:
                there = self.new(f"fptoui double {self.load('%slots', str(first + place))} to i64")
                self.lines.append(f"%out{place} = inttoptr i64 {there} to ptr")
        self.size = first + len(outputs)
        head = "define void @run(ptr %slots, ptr %code) {\nentry:"
        self.lines.append(f"%stop = getelementptr i64, ptr %slots, i64 {self.size}")
        stopped = self.new(f"icmp ne i64 {self.new('load i64, ptr %stop')}, 0")
        self.lines.append(f"br i1 {stopped}, label %left, label %body\nbody:")
        last = ["br label %left", *self.stops, "left:\nret void\n}"]
        self.text = "\n".join([stops_text(), head, *self.lines, *lines, *last])

    def places(self) -> set[int]:
        """The places of the inputs that lengths follow from."""
        keys = [*self.lengths, *itertools.chain(*self.required), *[key for key, _ in self.least]]
        return set().union(*map(inputs_of, [key for key in [*keys, *self.outputs] if key is not None]))

    def length(self, key: Key) -> str:
        """A length as a whole number."""
        if type(key) is int:
            return str(key)
        if key in self._steps:
            return self._steps[key]
        return self.lengths.setdefault(key, f"%length{len(self.lengths)}")

    def require(self, key: Key, other: Key) -> None:
        """See to it that two lengths are equal."""
        if key != other:
            if type(key) is type(other) is int:
                raise UnknownLengthError("lengths differ")
            self.required[key, other] = None

    def element(self, array: ArrayAt, index: str | int) -> str:
        """An element of an array."""
        return self.load(array.address, self.product(index, array.stride))

    def shifted(self, array: ArrayAt, offset: str | int, key: Key, stride: int = 1) -> ArrayAt:
        """The part of an array that begins at an element, and takes each of so many."""
        begin = self.product(offset, array.stride)
        address = self.new(f"getelementptr double, ptr {array.address}, i64 {begin}")
        return ArrayAt(address, key, array.stride * stride)

    def allocated(self, key: Key, *, zeros: bool = False) -> ArrayAt:
        """An array that is freed at the end of the step; of anything, or of zeros."""
        length = self.length(key)
        if zeros:
            return ArrayAt(self.memory(length), key)
        size = self.select("sgt", self.product(length, 8), "8")  # of nothing there may be no address
        return ArrayAt(self.kept(self.new(f"call ptr @malloc(i64 {size})")), key)

    def _copy_out(self, array: ArrayAt, address: str) -> None:
        if array.stride == 1:
            size = self.product(self.length(array.key), 8)
            copy = f"ptr {address}, ptr {array.address}, i64 {size}, i1 false"
            self.lines.append(f"call void @llvm.memcpy.p0.p0.i64({copy})")
            return

        def step(index: str, _: list[str]) -> list[str]:
            self.store(self.element(array, index), address, index)
            return []

        self.looped(self.length(array.key), [], step)

    def block_of(self, code: Code, names: Sequence[Slot]) -> list[Slot]:
        """Write the instructions of code, given its inputs; returns the outputs."""
        return self._rest_of(code, dict(enumerate([*names, *map(self.constant, code.constants)])))

    def _rest_of(self, code: Code, slots: dict[int, Slot]) -> list[Slot]:
        """The same, given what slots hold; the instructions whose results are among them are written."""
        self.work += self._times * len(code)
        for instruction in code.instructions:
            if instruction.results[0] not in slots:
                self._write(instruction, slots)
        return [slots[output] for output in code.outputs]

    def _write(self, instruction: Instruction, slots: dict[int, Slot]) -> None:
        results = self._results(instruction, [slots[operand] for operand in instruction.operands])
        slots.update(zip(instruction.results, results))

    def _same_at_each_step(self, loop: Loop | While, shared: Sequence[Slot]) -> dict[int, Slot]:
        """What slots of a loop's body hold that do not change; writes what computes numbers of such."""
        first = loop.carries + loop.columns
        slots = dict(enumerate([*shared, *map(self.constant, loop.body.constants)], first))
        for instruction in loop.body.instructions:
            if template(instruction.operation) is not None and slots.keys() >= set(instruction.operands):
                self._write(instruction, slots)
        return slots

    def _choice(self, cond: Cond, operands: Sequence[Slot]) -> Sequence[Slot]:
        index, *inputs = operands
        if any(cond.arrays([False, *[isinstance(slot, ArrayAt) for slot in inputs]])):
            raise UnknownLengthError("a choice between arrays, whose lengths are not known")

        def is_chosen(place: int) -> str:
            return self.new(f"fcmp oge double {index}, {literal(float(place))}")

        return self.switched(
            [
                (partial(is_chosen, place) if place else None, partial(self.block_of, body, inputs))
                for place, body in reversed([*enumerate(cond.bodies)])
            ]
        )

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
        if isinstance(operation, Map):
            operation, order = operation.as_loop
            operands = in_order(operands, order, literal(0.0))
        if isinstance(operation, Loop):
            return self._loop(operation, operands, self._places_of_ys.get(id(instruction), {}))
        if isinstance(operation, Cond):
            return self._choice(operation, operands)
        if isinstance(operation, While):
            return self._while(operation, operands)
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

    def _loop(self, loop: Loop, operands: Sequence[Slot], places: dict[int, str]) -> Sequence[Slot]:
        """Write a loop; the places of some ys, by their places among the results, may be given."""
        key, steps = self.steps_of(loop, operands[0])
        starts, columns, shared = loop.split(operands[1:])
        for column in columns:
            self.require(column.key, key)
        ys = [ArrayAt(places[i], key) if i in places else self.allocated(key) for i in loop.stacked]
        along = Along(columns, shared, [y.address for y in ys])
        return [*self.repeated(loop, ("0", steps), starts, along, key), *ys]

    def _while(self, loop: While, operands: Sequence[Slot]) -> Sequence[Slot]:
        """Write a loop that ends by a condition; where it has ys, it is run again with their length known."""
        limit, *rest = operands
        if any(loop.arrays([isinstance(slot, ArrayAt) for slot in operands])[: loop.carries]):
            raise UnknownLengthError("a loop that ends by a condition carries arrays")
        starts, _, shared = loop.split(rest)
        fixed = self._same_at_each_step(loop, shared)
        most = self.new(f"call i64 @llvm.fptosi.sat.i64.f64(double {limit})")
        most = self.select("slt", most, str(_MOST_STEPS))

        def holds(carries: list[str]) -> str:
            (held,) = self.block_of(loop.condition, [*carries[:-1], *shared])
            return self.new(f"fcmp une double {held}, {literal(0.0)}")

        def step(index: str, carries: list[str]) -> Sequence[str]:
            self.leave_if(self.new(f"icmp sge i64 {index}, {most}"), TOO_LONG)
            outputs = self._rest_of(loop.body, fixed | dict(enumerate(carries[:-1])))
            following = self.new(f"fadd double {carries[-1]}, {literal(1.0)}")
            return [*outputs[: loop.carries], following]

        times, self._times = self._times, self._times * 10 * _STEPS
        *last, count = self.looped(_MOST_STEPS + 1, [*starts, literal(0.0)], step, holds=holds)
        self._times = times
        key = "steps", count
        self._steps[key] = self.new(f"fptosi double {count} to i64")
        self._counts[count] = key
        ys: Sequence[Slot] = ()
        if loop.result_count > loop.carries:
            again = Loop(loop.body, loop.carries, 0)
            ys = self._loop(again, [count, *starts, *shared], {})[loop.carries :]
        self._claims.update(dict.fromkeys([last[carry] for carry in loop.counters], count))
        return [*last, *ys]

    def steps_of(self, loop: Loop, count: Slot) -> tuple[Key, str]:
        """The number of steps, and its name."""
        if count in self._claims:
            claimed, count = count, self._claims[count]
            self.leave_if(self.new(f"fcmp une double {claimed}, {count}"), TOO_LONG)
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
        others = settled(loop.body, loop.carries)
        if others is not None and not (type(key) is int and key <= others[0]):
            steps, body = others
            if loop.is_reversed:
                middle = self.select("sgt", self.sum(end, -steps), begin)
                halves = [(middle, end), (begin, middle)]
            else:
                middle = self.select("slt", self.sum(begin, steps), end)
                halves = [(begin, middle), (middle, end)]
            for part, half in zip((loop.body, body), halves):
                starts = self._run(loop.with_bodies([part]), half, starts, along, key)
            return [*starts]
        return self._run(loop, bounds, starts, along, key)

    def _run(
        self, loop: Loop, bounds: tuple[str, str], starts: Sequence[Slot], along: Along, key: Key
    ) -> list[str]:
        """The steps of a loop between bounds, by its own body."""
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


def _destinations(code: Code) -> dict[int, dict[int, str]]:
    """For loops whose ys are outputs of code, by the instructions' ids, where these results are to be put."""
    places: dict[int, str] = {}
    for place, output in enumerate(code.outputs):
        places.setdefault(output, f"%out{place}")
    destinations: dict[int, dict[int, str]] = {}
    for instruction in code.instructions:
        if isinstance(instruction.operation, (Loop, Map)):
            results = instruction.results
            destinations[id(instruction)] = {
                i: places[results[i]] for i in instruction.operation.stacked if results[i] in places
            }
    return destinations
