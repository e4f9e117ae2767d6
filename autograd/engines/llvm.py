"""The llvm engine: a program lowered to LLVM and compiled, at the speed of hand-written C.

A call at one point, a loop over samples and a sequential loop are each one compiled function, made when
it is first asked for, in which every number lives in a register. A large program is compiled in parts
that communicate through memory, and without optimisation, so that the time grows as the program does.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import chain, count
from typing import Any

import numpy as np

from autograd.engines._batches import Columns, chunk_size, in_chunks, reduced
from autograd.engines._ir import HEAD, Callbacks, Code, binding, call, literal, template
from autograd.engines._slots import DRIVER, InMemory
from autograd.lowering import lowered
from autograd.program import Program
from autograd.registry import Primitive

__all__ = ["Engine"]

LARGE = 2000  # instructions; beyond it a program is compiled in parts
PART = 1000  # instructions of a part
_POINTER, _INTEGER = ctypes.c_void_p, ctypes.c_int64


class Engine:
    """A program compiled by LLVM: see `autograd.engines.Compiled`.

    >>> from autograd.tracing import trace
    >>> Engine(trace(lambda x, y: x * y + y, 2.0, 3.0)).call([5.0, 7.0])
    [42.0]
    """

    def __init__(self, program: Program) -> None:
        binding()  # which says what to install where it is missing
        self._program = lowered(program)
        self._body = _Body(self._program)
        self._is_large = len(self._program) > LARGE
        self._call: Callable[[Sequence[float]], list[float]] | None = None
        self._compiled: dict[str, Any] = {}  # by kind of loop and of columns

    def call(self, inputs: Sequence[float]) -> list[float]:
        """Run it at one point."""
        if self._call is None:
            self._call = self._in_memory.call if self._is_large else _caller(self._body)
        return self._call(inputs)

    def map(self, columns: Sequence[Any], count: int, reduce: str | None) -> list[Any]:
        """Run it for many samples, on all cores."""
        if self._is_large:
            return self._in_memory.map(columns, count, reduce)
        given = Columns(columns, count)
        size = chunk_size(len(self._program))
        loop = self._loop(f"{'sum' if reduce else 'map'} {given.kinds}")
        pointers, strides = given.pointers.ctypes.data, given.strides.ctypes.data
        body = self._body

        def sums(row: np.ndarray, begin: int, end: int) -> None:
            loop(pointers, strides, row.ctypes.data, begin, end)
            body.callbacks.raise_pending()

        if reduce:
            return reduced(sums, count, size, len(body.outputs), reduce)
        results = [np.empty(count) for _ in body.outputs]
        places = _addresses(results)

        def store(_: int, begin: int, end: int) -> None:
            loop(pointers, strides, places.ctypes.data, begin, end)
            body.callbacks.raise_pending()

        in_chunks(store, count, size)
        return results

    def scan(
        self, carry: Sequence[float], columns: Sequence[np.ndarray], shared: Sequence[float], count: int
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it in sequence, handing results on."""
        if self._is_large:
            return self._in_memory.scan(carry, columns, shared, count)
        given = Columns(columns, count)
        body = self._body
        loop = self._loop(f"scan {len(carry)} {given.kinds}")
        state = np.array([*carry, *shared], float)
        results = [np.empty(count) for _ in body.outputs[len(carry) :]]
        places = _addresses(results)
        # In pieces, between which Python may notice an exception or an interrupt.
        piece = chunk_size(len(self._program)) * (1 if body.callbacks else 256)
        for begin in range(0, count, piece):
            loop(
                state.ctypes.data,
                given.pointers.ctypes.data,
                given.strides.ctypes.data,
                places.ctypes.data,
                begin,
                min(count, begin + piece),
            )
            body.callbacks.raise_pending()
        return state[: len(carry)].tolist(), results

    @cached_property
    def _in_memory(self) -> InMemory:
        """A large program, compiled once for every method."""
        return _in_parts(self._body)

    def _loop(self, key: str) -> Any:
        """The compiled loop for one kind of columns."""
        if key not in self._compiled:
            kind, *how = key.split(" ")
            if kind == "scan":
                made = Code(_scan(self._body, int(how[0]), how[1]))
                arguments = [_POINTER, _POINTER, _POINTER, _POINTER, _INTEGER, _INTEGER]
            else:
                made = Code(_map(self._body, how[0], summed=kind == "sum"))
                arguments = [_POINTER, _POINTER, _POINTER, _INTEGER, _INTEGER]
            self._compiled[key] = made.function("loop", *arguments)
        return self._compiled[key]


class _Body:
    """A lowered program as LLVM's text: ``%vN`` is slot N, a constant is itself.

    Attributes:
        inputs: the number of inputs.
        outputs: the operand that each output is.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.inputs = len(program.inputs)
        self.first = self.inputs + len(program.constants)
        self.operands = [f"%v{i}" for i in range(self.inputs)]
        self.operands += map(literal, program.constants)
        self.operands += [f"%v{i}" for i in range(self.first, self.first + len(program))]
        self.outputs = [self.operands[output] for output in program.outputs]
        self.callbacks = Callbacks()
        primitives = dict.fromkeys(one.primitive for one in program.instructions)
        self._templates = {primitive: self._template(primitive).format for primitive in primitives}

    def _template(self, primitive: Primitive) -> str:
        found = template(primitive, fused=len(self.program) <= LARGE)
        return found or f"{{y}} = {call(self.callbacks.address(primitive), primitive.arity)}"

    def lines(self, begin: int = 0, end: int | None = None) -> list[str]:
        """The text of the instructions from ``begin`` to ``end``."""
        names, templates = self.operands, self._templates
        return [
            templates[primitive](*[names[one] for one in used], y=names[at])
            for at, (primitive, used, _, _) in enumerate(
                self.program.instructions[begin:end], self.first + begin
            )
        ]

    def looped(self, varying: Iterable[int]) -> tuple[list[str], list[str]]:
        """The text before a loop and in it, where only these of the inputs vary within the loop."""
        moving = set(varying)
        parts: tuple[list[str], list[str]] = [], []
        for at, (instruction, line) in enumerate(zip(self.program.instructions, self.lines()), self.first):
            if not moving.isdisjoint(instruction.operands):
                moving.add(at)
            parts[at in moving].append(line)
        return parts


def _addresses(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([array.__array_interface__["data"][0] for array in arrays], np.uintp)


# One point.


def _caller(body: _Body) -> Callable[[Sequence[float]], list[float]]:
    """A function that runs the program at one point, from Python, with as little around it as may be."""
    made = Code(_call_text(body))
    run = made.function("call", ctypes.c_char_p, _POINTER, holds_gil=not body.callbacks)
    pack = struct.Struct(f"{body.inputs}d").pack
    unpack = struct.Struct(f"{len(body.outputs)}d").unpack_from
    room = ctypes.c_double * len(body.outputs)
    free: list[tuple[Any, int]] = []  # room for results: a call takes one and gives it back, in any thread
    raise_pending = body.callbacks.raise_pending if body.callbacks else None

    def run_at(inputs: Sequence[float]) -> list[float]:
        try:
            taken = free.pop()
        except IndexError:
            results = room()
            taken = results, ctypes.addressof(results)
        run(pack(*inputs), taken[1])
        found = list(unpack(taken[0]))
        free.append(taken)
        if raise_pending:
            raise_pending()
        return found

    return run_at


def _call_text(body: _Body) -> str:
    return "\n".join(
        [
            HEAD,
            "define void @call(ptr noalias %in, ptr noalias %out) {",
            *_loads("%in", zip(range(body.inputs), count())),
            *body.lines(),
            *_stores("%out", zip(body.outputs, count())),
            "ret void\n}",
        ]
    )


def _loads(array: str, places: Iterable[tuple[int, int]]) -> list[str]:
    """Load slots from an array of doubles, each from its index."""
    return [
        f"%in{slot} = getelementptr double, ptr {array}, i64 {i}\n"
        f"%v{slot} = load double, ptr %in{slot}, align 1"
        for slot, i in places
    ]


def _stores(array: str, places: Iterable[tuple[str, int]]) -> list[str]:
    """Store operands to an array of doubles, each at its index."""
    return [
        f"%out{i} = getelementptr double, ptr {array}, i64 {i}\nstore double {operand}, ptr %out{i}"
        for operand, i in places
    ]


# Loops.


def _columns(slots: range, kinds: str) -> tuple[list[str], list[str]]:
    """The text before the loop and in it that makes slots of the columns' elements."""
    before, within = [], []
    for i, (slot, kind) in enumerate(zip(slots, kinds)):
        before.append(
            f"%column{i}.at = getelementptr ptr, ptr %columns, i64 {i}\n"
            f"%column{i} = load ptr, ptr %column{i}.at"
        )
        if kind == "s":
            before.append(f"%v{slot} = load double, ptr %column{i}")
        elif kind == "c":
            within.append(
                f"%element{i} = getelementptr double, ptr %column{i}, i64 %i\n"
                f"%v{slot} = load double, ptr %element{i}"
            )
        else:
            before.append(
                f"%stride{i}.at = getelementptr i64, ptr %strides, i64 {i}\n"
                f"%stride{i} = load i64, ptr %stride{i}.at"
            )
            within.append(
                f"%offset{i} = mul i64 %i, %stride{i}\n"
                f"%element{i} = getelementptr i8, ptr %column{i}, i64 %offset{i}\n"
                f"%v{slot} = load double, ptr %element{i}, align 1"
            )
    return before, within


def _results(operands: Sequence[str]) -> tuple[list[str], list[str]]:
    """The text before the loop and in it that stores one element of each result."""
    before = [
        f"%result{i}.at = getelementptr ptr, ptr %results, i64 {i}\n%result{i} = load ptr, ptr %result{i}.at"
        for i in range(len(operands))
    ]
    within = [
        f"%place{i} = getelementptr double, ptr %result{i}, i64 %i\nstore double {operand}, ptr %place{i}"
        for i, operand in enumerate(operands)
    ]
    return before, within


_STEP = "%next = add nsw i64 %i, 1\n%more = icmp slt i64 %next, %end\nbr i1 %more, label %loop, label %done"


def _map(body: _Body, kinds: str, *, summed: bool) -> str:
    """A loop over samples that stores results, or adds them up."""
    before, load = _columns(range(body.inputs), kinds)
    fixed, moving = body.looped(i for i, kind in enumerate(kinds) if kind != "s")
    if summed:
        totals = [
            f"%total{i} = phi double [ 0.0, %entry ], [ %sum{i}, %loop ]" for i in range(len(body.outputs))
        ]
        within = [f"%sum{i} = fadd double %total{i}, {operand}" for i, operand in enumerate(body.outputs)]
        after = _stores("%results", ((f"%sum{i}", i) for i in range(len(body.outputs))))
    else:
        totals, after = [], []
        places, within = _results(body.outputs)
        before += places
    return "\n".join(
        [
            HEAD,
            "define void @loop(ptr %columns, ptr %strides, ptr %results, i64 %begin, i64 %end) {\nentry:",
            *before,
            *fixed,
            "br label %loop\nloop:\n%i = phi i64 [ %begin, %entry ], [ %next, %loop ]",
            *totals,
            *load,
            *moving,
            *within,
            _STEP,
            "done:",
            *after,
            "ret void\n}",
        ]
    )


def _scan(body: _Body, carried: int, kinds: str) -> str:
    """A sequential loop with the carry in registers; the state is the carry, then the shared numbers."""
    slots = range(body.inputs)
    before, load = _columns(slots[carried : carried + len(kinds)], kinds)
    fixed, moving = body.looped(slots[: carried + len(kinds)])
    places, store = _results(body.outputs[carried:])
    state = [f"%carry{i}" for i in range(carried)] + [f"%v{i}" for i in slots[carried + len(kinds) :]]
    fetch = [
        f"%state{i} = getelementptr double, ptr %state, i64 {i}\n{name} = load double, ptr %state{i}"
        for i, name in enumerate(state)
    ]
    return "\n".join(
        [
            HEAD,
            "define void @loop(ptr %state, ptr %columns, ptr %strides, ptr %results, i64 %begin, i64 %end) {",
            "entry:",
            *fetch,
            *before,
            *places,
            *fixed,
            "br label %loop\nloop:\n%i = phi i64 [ %begin, %entry ], [ %next, %loop ]",
            *(
                f"%v{i} = phi double [ %carry{i}, %entry ], [ {body.outputs[i]}, %loop ]"
                for i in range(carried)
            ),
            *load,
            *moving,
            *store,
            _STEP,
            "done:",
            *(f"store double {body.outputs[i]}, ptr %state{i}" for i in range(carried)),
            "ret void\n}",
        ]
    )


# Large programs.


def _in_parts(body: _Body) -> InMemory:
    """A large program, in functions that find in memory what other parts computed."""
    program, first = body.program, body.first
    parts = [range(at, min(at + PART, len(program))) for at in range(0, len(program), PART)]

    def part_of(slot: int) -> int:
        """The number of the part that computes a slot, -1 for an input or a constant."""
        return (slot - first) // PART if slot >= first else -1

    def is_constant(slot: int) -> bool:
        return body.inputs <= slot < first

    taken = []  # for each part the slots that it takes from memory
    for number, part in enumerate(parts):
        used = {one for at in part for one in program.instructions[at].operands}
        taken.append(sorted(one for one in used if part_of(one) != number and not is_constant(one)))
    # In memory stand the inputs, the constants, and what goes from a part to another or outside.
    crossing = sorted({one for one in [*chain(*taken), *program.outputs] if one >= first})
    place = {one: i for i, one in enumerate([*range(first), *crossing])}
    given: list[list[int]] = [[] for _ in parts]
    for one in crossing:
        given[part_of(one)].append(one)
    text = [HEAD, DRIVER]
    for number, part in enumerate(parts):
        text += [
            f"define private void @part{number}(ptr %slots) {{",
            *_loads("%slots", ((one, place[one]) for one in taken[number])),
            *body.lines(part.start, part.stop),
            *_stores("%slots", ((body.operands[one], place[one]) for one in given[number])),
            "ret void\n}",
        ]
    calls = [f"call void @part{number}(ptr %slots)" for number in range(len(parts))]
    text += ["define void @run(ptr %slots, ptr %code) {", *calls, "ret void\n}"]
    slots = np.zeros(len(place))
    slots[body.inputs : first] = program.constants
    return InMemory(
        Code("\n".join(text), selection=0),
        np.zeros(0),
        slots,
        body.inputs,
        [place[output] for output in program.outputs],
        len(program),
        body.callbacks,
    )
