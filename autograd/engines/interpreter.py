"""The interpreter engine: a loop over a program's arrays, compiled once a process.

A program becomes an array of numbers, without compiling anything: runs of equal operations, each an
opcode, how many there are, and their operands' slots. The result goes to the next slot. Instructions
are put in an order in which equal ones stand together, so that the loop rarely has to switch.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any

import numpy as np

from autograd.engines.machine.ir import HEAD, Callbacks, MachineCode, literal, template
from autograd.engines.machine.memory import DRIVER, InMemory
from autograd.primitives.operation import Operation
from autograd.primitives.primitive import all_primitives
from autograd.programs.code import Code
from autograd.programs.lowering import lowered
from autograd.programs.tracing import record

__all__ = ["Engine"]

_END, _CALLBACK, _FIRST = 0, 1, 2  # opcodes; those of primitives begin with _FIRST
_HEADER = 4  # integers of the code before its first run
_ENTRY = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_int32))


class Engine(InMemory):
    """A program for the interpreter: see `autograd.engines.Compiled`.

    >>> from autograd.programs.program import trace
    >>> Engine(trace(lambda x, y: x * y + y, 2.0, 3.0).code).call([5.0, 7.0])
    [42.0]
    """

    def __init__(self, program: Code) -> None:
        opcodes = _opcodes()
        if not opcodes.keys() >= {one.operation for one in program.instructions}:
            program = lowered(program)
        callbacks = _Callbacks(
            dict.fromkeys(one.operation for one in program.instructions if one.operation not in opcodes)
        )
        first = len(program.inputs) + len(program.constants)
        code, place = _encoded(program, callbacks)
        slots = np.zeros(first + len(program))
        slots[len(program.inputs) : first] = program.constants
        super().__init__(
            _machine(),
            code,
            slots,
            len(program.inputs),
            [int(place[output]) for output in program.outputs],
            len(program),
            callbacks,
        )


# The machine.


# Writes an order of the instructions to %order: from what is ready, always the kind of which there is
# most, until none of it is ready. A size in %sizes[0], the operands' in [1], the first instruction's
# slot in [2], the number of kinds in [3]; the arrays are described where they are made.
_ARRANGE = """
define private void @push(i32 %i, ptr %kinds, ptr %tops, ptr %belows, ptr %heights) {
  %kind.at = getelementptr i32, ptr %kinds, i32 %i
  %kind = load i32, ptr %kind.at
  %top.at = getelementptr i32, ptr %tops, i32 %kind
  %top = load i32, ptr %top.at
  %below.at = getelementptr i32, ptr %belows, i32 %i
  store i32 %top, ptr %below.at
  store i32 %i, ptr %top.at
  %height.at = getelementptr i32, ptr %heights, i32 %kind
  %height = load i32, ptr %height.at
  %higher = add i32 %height, 1
  store i32 %higher, ptr %height.at
  ret void
}
define void @arrange(ptr noalias %sizes, ptr noalias %kinds, ptr noalias %owners, ptr noalias %operands,
                     ptr noalias %users, ptr noalias %nexts, ptr noalias %waiting,
                     ptr noalias %tops, ptr noalias %belows, ptr noalias %heights, ptr noalias %order) {
entry:
  %size.wide = load i64, ptr %sizes
  %size = trunc i64 %size.wide to i32
  %edges.at = getelementptr i64, ptr %sizes, i64 1
  %edges.wide = load i64, ptr %edges.at
  %edges = trunc i64 %edges.wide to i32
  %first.at = getelementptr i64, ptr %sizes, i64 2
  %first.wide = load i64, ptr %first.at
  %first = trunc i64 %first.wide to i32
  %several.at = getelementptr i64, ptr %sizes, i64 3
  %several.wide = load i64, ptr %several.at
  %several = trunc i64 %several.wide to i32
  br label %linking
linking:  ; each operand that an instruction computes: its user is noted, and waits
  %e = phi i32 [ 0, %entry ], [ %e.next, %linked ]
  %linking.more = icmp slt i32 %e, %edges
  br i1 %linking.more, label %edge, label %starting
edge:
  %operand.at = getelementptr i32, ptr %operands, i32 %e
  %operand = load i32, ptr %operand.at
  %source = sub i32 %operand, %first
  %computed = icmp sge i32 %source, 0
  br i1 %computed, label %link, label %linked
link:
  %user.at = getelementptr i32, ptr %users, i32 %source
  %user = load i32, ptr %user.at
  %next.at = getelementptr i32, ptr %nexts, i32 %e
  store i32 %user, ptr %next.at
  store i32 %e, ptr %user.at
  %owner.at = getelementptr i32, ptr %owners, i32 %e
  %owner = load i32, ptr %owner.at
  %waits.at = getelementptr i32, ptr %waiting, i32 %owner
  %waits = load i32, ptr %waits.at
  %waits.more = add i32 %waits, 1
  store i32 %waits.more, ptr %waits.at
  br label %linked
linked:
  %e.next = add i32 %e, 1
  br label %linking
starting:  ; what waits for nothing is ready
  %s = phi i32 [ 0, %linking ], [ %s.next, %started ]
  %starting.more = icmp slt i32 %s, %size
  br i1 %starting.more, label %start, label %choose
start:
  %start.waits.at = getelementptr i32, ptr %waiting, i32 %s
  %start.waits = load i32, ptr %start.waits.at
  %start.ready = icmp eq i32 %start.waits, 0
  br i1 %start.ready, label %start.push, label %started
start.push:
  call void @push(i32 %s, ptr %kinds, ptr %tops, ptr %belows, ptr %heights)
  br label %started
started:
  %s.next = add i32 %s, 1
  br label %starting
choose:  ; the kind of which most is ready
  %done = phi i32 [ 0, %starting ], [ %done.here, %chosen ]
  %finished = icmp sge i32 %done, %size
  br i1 %finished, label %end, label %look
look:
  %k = phi i32 [ 0, %choose ], [ %k.next, %look ]
  %best = phi i32 [ 0, %choose ], [ %best.next, %look ]
  %most = phi i32 [ 0, %choose ], [ %most.next, %look ]
  %k.height.at = getelementptr i32, ptr %heights, i32 %k
  %k.height = load i32, ptr %k.height.at
  %k.better = icmp sgt i32 %k.height, %most
  %best.next = select i1 %k.better, i32 %k, i32 %best
  %most.next = select i1 %k.better, i32 %k.height, i32 %most
  %k.next = add i32 %k, 1
  %k.more = icmp slt i32 %k.next, %several
  br i1 %k.more, label %look, label %chosen
chosen:
  %done.here = phi i32 [ %done, %look ], [ %done.next, %released ]
  %best.top.at = getelementptr i32, ptr %tops, i32 %best.next
  %i = load i32, ptr %best.top.at
  %none = icmp slt i32 %i, 0
  br i1 %none, label %choose, label %take
take:
  %i.below.at = getelementptr i32, ptr %belows, i32 %i
  %i.below = load i32, ptr %i.below.at
  store i32 %i.below, ptr %best.top.at
  %i.height.at = getelementptr i32, ptr %heights, i32 %best.next
  %i.height = load i32, ptr %i.height.at
  %i.lower = sub i32 %i.height, 1
  store i32 %i.lower, ptr %i.height.at
  %order.at = getelementptr i32, ptr %order, i32 %done.here
  store i32 %i, ptr %order.at
  %done.next = add i32 %done.here, 1
  %i.user.at = getelementptr i32, ptr %users, i32 %i
  %i.user = load i32, ptr %i.user.at
  br label %released
released:  ; its users wait for one operand less
  %u = phi i32 [ %i.user, %take ], [ %u.next, %waited ]
  %u.none = icmp slt i32 %u, 0
  br i1 %u.none, label %chosen, label %release
release:
  %u.owner.at = getelementptr i32, ptr %owners, i32 %u
  %u.owner = load i32, ptr %u.owner.at
  %u.waits.at = getelementptr i32, ptr %waiting, i32 %u.owner
  %u.waits = load i32, ptr %u.waits.at
  %u.less = sub i32 %u.waits, 1
  store i32 %u.less, ptr %u.waits.at
  %u.ready = icmp eq i32 %u.less, 0
  br i1 %u.ready, label %ready, label %waited
ready:
  call void @push(i32 %u.owner, ptr %kinds, ptr %tops, ptr %belows, ptr %heights)
  br label %waited
waited:
  %u.next.at = getelementptr i32, ptr %nexts, i32 %u
  %u.next = load i32, ptr %u.next.at
  br label %released
end:
  ret void
}
"""


@cache
def _opcodes() -> dict[Operation, int]:
    """A number for each of the library's own primitives."""
    own = [one for one in all_primitives() if one.is_builtin]
    return {one: i for i, one in enumerate(filter(_is_known, own), _FIRST)}


def _is_known(primitive: Operation) -> bool:
    return primitive.is_composite or template(primitive) is not None


@cache
def _machine() -> MachineCode:
    """The interpreter itself, compiled.

    Its code is an array of 32-bit integers: the address that it calls back (two of them), the first
    slot to compute (two of them), then the runs.
    """
    opcodes = _opcodes()
    bodies = {primitive: _body(primitive, f"%op{i}") for primitive, i in opcodes.items()}
    names = [f"op{i}" for i in (_CALLBACK, *opcodes.values())]
    text = [
        HEAD,
        DRIVER,
        _ARRANGE,
        "define void @run(ptr %slots, ptr %code) {\nentry:",
        "%callback = load ptr, ptr %code",
        "%first.at = getelementptr i8, ptr %code, i64 8\n%first = load i64, ptr %first.at",
        "%first.result = getelementptr double, ptr %slots, i64 %first",
        "%begin = getelementptr i8, ptr %code, i64 16\nbr label %switch",
        "switch:",
        f"%at = phi ptr [ %begin, %entry ], {_joined('.operands.next', names)}",
        f"%result = phi ptr [ %first.result, %entry ], {_joined('.result.next', names)}",
        "%opcode = load i32, ptr %at",
        "%count.at = getelementptr i32, ptr %at, i64 1\n%count = load i32, ptr %count.at",
        "%operands = getelementptr i32, ptr %at, i64 2",
        "switch i32 %opcode, label %end [",
        *(f"i32 {name[2:]}, label %{name}" for name in names),
        "]",
    ]
    # For a call back the count is that of the integers that follow: the primitive's and its operands.
    text += [
        "op1:",
        "%op1.y = call double %callback(ptr %slots, ptr %operands)\nstore double %op1.y, ptr %result",
        "%op1.operands.next = getelementptr i32, ptr %operands, i32 %count",
        "%op1.result.next = getelementptr double, ptr %result, i64 1\nbr label %switch",
    ]
    for primitive, i in opcodes.items():
        name = f"op{i}"
        text += [
            f"{name}:",
            f"%{name}.operands = phi ptr [ %operands, %switch ], [ %{name}.operands.next, %{name} ]",
            f"%{name}.result = phi ptr [ %result, %switch ], [ %{name}.result.next, %{name} ]",
            f"%{name}.left = phi i32 [ %count, %switch ], [ %{name}.left.next, %{name} ]",
            *(_fetched(name, operand) for operand in range(primitive.arity)),
            bodies[primitive],
            f"store double %{name}.y, ptr %{name}.result",
            f"%{name}.operands.next = getelementptr i32, ptr %{name}.operands, i64 {primitive.arity}",
            f"%{name}.result.next = getelementptr double, ptr %{name}.result, i64 1",
            f"%{name}.left.next = sub i32 %{name}.left, 1",
            f"%{name}.more = icmp ne i32 %{name}.left.next, 0",
            f"br i1 %{name}.more, label %{name}, label %switch",
        ]
    text.append("end:\nret void\n}")
    return MachineCode("\n".join(text))


def _joined(what: str, names: Sequence[str]) -> str:
    return ", ".join(f"[ %{name}{what}, %{name} ]" for name in names)


def _fetched(name: str, i: int) -> str:
    """The text that loads operand ``i``."""
    it = f"%{name}.{i}"
    return (
        f"{it}.number = getelementptr i32, ptr %{name}.operands, i64 {i}\n"
        f"{it}.slot = load i32, ptr {it}.number\n"
        f"{it}.index = zext i32 {it}.slot to i64\n"
        f"{it}.at = getelementptr double, ptr %slots, i64 {it}.index\n"
        f"{it} = load double, ptr {it}.at"
    )


def _body(primitive: Operation, name: str) -> str:
    """The text that computes ``NAME.y`` of ``NAME.0``, ``NAME.1``...: a composite's is its expression."""
    operands = [f"{name}.{i}" for i in range(primitive.arity)]
    if not primitive.is_composite:
        return _operation(primitive, f"{name}.y", operands)
    program = lowered(record(primitive.expand, *[0.5] * primitive.arity)[0])
    operands += map(literal, program.constants)
    text = []
    for i, instruction in enumerate(program.instructions):
        result = f"{name}.t{i}"
        text.append(
            _operation(instruction.operation, result, [operands[one] for one in instruction.operands])
        )
        operands.append(result)
    # A sum with -0 is the number itself: LLVM has no copy.
    return "\n".join([*text, f"{name}.y = fadd double {operands[program.outputs[0]]}, {literal(-0.0)}"])


def _operation(primitive: Operation, result: str, operands: Sequence[str]) -> str:
    return (template(primitive) or "").format(*operands, y=result)


# A program as an array.


def _encoded(program: Code, callbacks: _Callbacks) -> tuple[np.ndarray, np.ndarray]:
    """The code of a program, and for each of its slots where the interpreter has it."""
    opcodes = {**dict.fromkeys(callbacks.numbers, _CALLBACK), **_opcodes()}
    first, size = len(program.inputs) + len(program.constants), len(program)
    primitives = [instruction.operation for instruction in program.instructions]
    kinds = np.fromiter([opcodes[one] for one in primitives], np.int32, size)
    arities = np.fromiter([one.arity for one in primitives], np.int32, size)
    operands = np.fromiter(
        chain.from_iterable([instruction.operands for instruction in program.instructions]),
        np.int32,
        int(arities.sum()),
    )
    order = _arranged(kinds, arities, operands, first)
    place = np.arange(first + size, dtype=np.int32)
    place[first + order] = np.arange(first, first + size, dtype=np.int32)
    starts = (np.cumsum(arities) - arities)[order]  # of each instruction's operands
    kinds, arities = kinds[order], arities[order]
    called = kinds == _CALLBACK
    begins_run = np.ones(size, bool)  # a call back is a run of its own
    begins_run[1:] = (kinds[1:] != kinds[:-1]) | called[1:]
    # Where the operands stand in the code: behind the header, and two integers a run, and for a call
    # back the primitive's number.
    before = np.cumsum(arities + 2 * begins_run + called)
    at = _HEADER + before - arities
    code = np.full(_HEADER + (int(before[-1]) if size else 0) + 1, _END, np.int32)
    code[:2] = np.array([callbacks.entry], np.uintp).view(np.int32)
    code[2:4] = np.array([first], np.int64).view(np.int32)
    heads = np.flatnonzero(begins_run)
    code[at[heads] - 2 - called[heads]] = kinds[heads]
    counts = np.diff(heads, append=size)
    code[at[heads] - 1 - called[heads]] = np.where(called[heads], arities[heads] + 1, counts)
    for call in np.flatnonzero(called):
        code[at[call] - 1] = callbacks.numbers[primitives[order[call]]]
    for i in range(int(arities.max(initial=0))):
        having = arities > i
        code[at[having] + i] = place[operands[starts[having] + i]]
    return code, place


def _arranged(kinds: np.ndarray, arities: np.ndarray, operands: np.ndarray, first: int) -> np.ndarray:
    """An order of execution in which equal operations stand together."""
    size = len(kinds)
    owners = np.repeat(np.arange(size, dtype=np.int32), arities)
    order = np.empty(size, np.int32)
    several = len(_opcodes()) + _FIRST
    arrays = [
        np.array([size, len(operands), first, several], np.int64),
        kinds,
        owners,
        operands,
        np.full(size, -1, np.int32),  # each instruction's users: the first one's place among operands
        np.empty(len(operands), np.int32),  # the next one's
        np.zeros(size, np.int32),  # how many operands each instruction waits for
        np.full(several, -1, np.int32),  # the instructions that are ready, a stack a kind: its top
        np.empty(size, np.int32),  # what lies below
        np.zeros(several, np.int32),  # its height
        order,
    ]
    if size:
        arrange = _machine().function("arrange", *[ctypes.c_void_p] * len(arrays))
        arrange(*[one.ctypes.data for one in arrays])
    return order


class _Callbacks(Callbacks):
    """The primitives of a program that the interpreter calls back, each by a number.

    Attributes:
        numbers: the primitives and their numbers.
        entry: the address to call, 0 without any.
    """

    def __init__(self, primitives: Iterable[Operation]) -> None:
        super().__init__()
        self.numbers = {one: i for i, one in enumerate(primitives)}
        self._functions = [(self.guarded(one), one.arity) for one in self.numbers]
        self._entry = _ENTRY(self._answer)
        self.entry = (ctypes.cast(self._entry, ctypes.c_void_p).value or 0) if self.numbers else 0

    def __bool__(self) -> bool:
        return bool(self.numbers)

    def _answer(self, slots: Any, code: Any) -> float:
        function, arity = self._functions[code[0]]
        return float(function(*[slots[code[i]] for i in range(1, arity + 1)]))
