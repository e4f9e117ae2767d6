"""The interpreter engine: a loop over a program's arrays, compiled once a process.

A program becomes an array of numbers, without compiling anything: runs of equal operations, each an
opcode, how many there are, and their operands' slots. The result goes to the next slot. Instructions
are put in an order in which equal ones stand together, so that the loop rarely has to switch.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from string import Template
from typing import Any, NamedTuple

import numpy as np

from autograd.engines.looping.lengths import UnknownLengthError
from autograd.engines.looping.stretches import selected
from autograd.engines.machine.compiler import CompiledModule, llvm_text
from autograd.engines.machine.ir import Callbacks, literal, template
from autograd.engines.machine.memory import InMemory
from autograd.primitives.operation import Operation
from autograd.primitives.primitive import Primitive, all_primitives
from autograd.primitives.random_numbers import RANDOM
from autograd.programs.code import Code
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.mapping import Map
from autograd.programs.lowering import Extent, in_elements, lowered
from autograd.programs.tracing import record

__all__ = ["InterpreterEngine"]

_END, _CALLBACK, _FIRST = 0, 1, 2  # opcodes; those of primitives begin with _FIRST
_HEADER = 4  # integers of the code before its first run
_MOST = 1_000_000  # operations on numbers that stand for code with arrays; each takes microseconds to write
_MOST_FOR_EACH = 500  # of them for one on whole arrays, which takes NumPy a few microseconds
_MOST_LENGTHS = 1024  # whose calls are counted
_ENTRY = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_int32))


class WrittenOut:
    """Code with arrays in it, in operations on numbers alone for each set of lengths that it is called with.

    It is one for the code and lengths where it pays; otherwise its methods raise an `UnknownLengthError`. A
    long loop stays one, and so do operations on long arrays.

    Args:
        code: lowered code.
    """

    def __init__(self, code: Code) -> None:
        self._code = selected(code)
        self._counts = {
            operands[0]
            for operation, operands, *_ in self._code.instructions
            if isinstance(operation, (Loop, Map)) and operands[0] < len(code.inputs)
        }
        self._ready: dict[tuple[Any, ...], _Ready | None] = {}
        self._asked: Counter[tuple[Any, ...]] = Counter()
        self._written = 0  # how often it was written out

    def call(self, inputs: Sequence[Any]) -> list[Any]:
        """Run it at one point, given numbers, and arrays of floats."""
        counts = self._counts
        engine, lengths = self._ready_for(
            [
                each if isinstance(each, np.ndarray) else float(each) if place in counts else None
                for place, each in enumerate(inputs)
            ]
        )
        parts = [
            each if isinstance(each, np.ndarray) else (each,)
            for place, each in enumerate(inputs)
            if place not in counts
        ]
        outputs = engine.outputs_at(np.concatenate(parts) if parts else np.empty(0))
        results: list[Any] = []
        at = 0
        for length in lengths:
            results.append(outputs[at].item() if length is None else outputs[at : at + length].copy())
            at += 1 if length is None else length
        return results

    def map(self, columns: Sequence[Any], count: int, reduce: str | None) -> list[Any]:
        """Run it for many samples; arrays among the columns that the code takes whole are shared."""
        arrays = self._code.arrays
        if reduce is not None or self._counts:  # sums are added up in the same order at every length
            raise UnknownLengthError("sums are not written out")
        engine, _ = self._ready_for(
            [column if place in arrays else None for place, column in enumerate(columns)]
        )
        return engine.map(
            [
                each
                for place, column in enumerate(columns)
                for each in (column.tolist() if place in arrays else [column])
            ],
            count,
            None,
        )

    def scan(
        self, carry: Sequence[float], columns: Sequence[np.ndarray], shared: Sequence[Any], count: int
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it in sequence, handing results on; a column's entries, and what is shared, may be arrays."""
        if self._counts:
            raise UnknownLengthError("how often a loop runs its code may change from step to step")
        entries = [np.empty(column.shape[1]) if column.ndim > 1 else None for column in columns]
        whole = [each if isinstance(each, np.ndarray) else None for each in shared]
        engine, _ = self._ready_for([*[None] * len(carry), *entries, *whole])
        along = [each for column in columns for each in (column.T if column.ndim > 1 else [column])]
        numbers = [
            each for one in shared for each in (one.tolist() if isinstance(one, np.ndarray) else [one])
        ]
        return engine.scan(carry, along, numbers, count)

    def _ready_for(self, operands: Sequence[Any]) -> _Ready:
        """The code for arrays of these lengths.

        To write it takes time, so other lengths have to be asked for as often as it was written before.
        """
        key = tuple([len(each) if isinstance(each, np.ndarray) else each for each in operands])
        if key not in self._ready:
            if len(self._asked) >= _MOST_LENGTHS:
                self._asked.clear()
            self._asked[key] += 1
            if self._asked[key] > self._written:
                self._written += 1
                self._keep(key, operands)
        ready = self._ready.get(key)
        if ready is None:
            raise UnknownLengthError("it does not pay to write the code out for these lengths")
        return ready

    def _keep(self, key: tuple[Any, ...], operands: Sequence[Any]) -> None:
        """Write the code out where that pays, and keep it."""
        try:
            extent = Extent(self._code, operands)
        except (ValueError, IndexError):  # where lengths do not fit, running it will tell
            self._ready[key] = None
            return
        if extent.numbers > min(_MOST, _MOST_FOR_EACH * extent.arrays):
            self._ready[key] = None
            return
        lengths = [len(each) if isinstance(each, np.ndarray) else None for each in extent.results]
        engine = InterpreterEngine(in_elements(self._code, operands))
        kept = [ready.engine.size for ready in self._ready.values() if ready is not None]
        if sum(kept) + engine.size > _MOST:
            self._ready.clear()
        self._ready[key] = _Ready(engine, lengths)


class _Ready(NamedTuple):
    """Code for certain lengths.

    Attributes:
        engine: what runs it.
        lengths: of each output that is an array its length, otherwise None.
    """

    engine: InterpreterEngine
    lengths: list[int | None]


class InterpreterEngine(InMemory):
    """A program for the interpreter: see `autograd.engines.Compiled`.

    >>> from autograd import trace
    >>> InterpreterEngine(trace(lambda x, y: x * y + y, 2.0, 3.0).code).call([5.0, 7.0])
    [42.0]
    """

    selects = True
    nested = WrittenOut  # what runs code with arrays in it as a whole

    def __init__(self, program: Code) -> None:
        opcodes = _opcodes()
        program = selected(program)
        if not opcodes.keys() >= set(_primitives(program)):
            program = lowered(program)
        unknown = [primitive for primitive in _primitives(program) if primitive not in opcodes]
        callbacks = _NumberedCallbacks(dict.fromkeys(unknown))
        code, place = _encoded(program, callbacks)
        draws = not set(RANDOM).isdisjoint(_primitives(program))
        super().__init__(_interpreter(draws), code, program, place, callbacks)
        self.size = len(program)


# The interpreter.


def _primitives(program: Code) -> list[Operation]:
    """What each instruction applies."""
    return [instruction.operation for instruction in program.instructions]


@cache
def _opcodes() -> dict[Any, int]:
    """A number for each of the library's own primitives."""
    builtin = [primitive for primitive in (*all_primitives(), *RANDOM) if primitive.is_builtin]
    return {primitive: opcode for opcode, primitive in enumerate(filter(_is_known, builtin), _FIRST)}


def _is_known(primitive: Primitive) -> bool:
    return primitive.is_composite or primitive.is_random or template(primitive) is not None


@cache
def _interpreter(draws: bool = False) -> CompiledModule:
    """The interpreter itself, compiled, with the function that arranges instructions.

    Args:
        draws: whether it knows random numbers, whose functions take time to compile too.
    """
    opcodes = {
        primitive: opcode for primitive, opcode in _opcodes().items() if draws or not primitive.is_random
    }
    blocks = [f"op{opcode}" for opcode in (_CALLBACK, *opcodes.values())]
    run = Template(llvm_text("interpreter")).substitute(
        labels=" ".join(f"i32 {block[2:]}, label %{block}" for block in blocks),
        next_operands=", ".join(f"[ %{block}.operands.next, %{block} ]" for block in blocks),
        next_results=", ".join(f"[ %{block}.result.next, %{block} ]" for block in blocks),
    )
    loops = [_run_loop(primitive, f"op{opcode}") for primitive, opcode in opcodes.items()]
    return CompiledModule("\n".join([llvm_text("driver"), llvm_text("arrange"), run, *loops, "}"]))


# The load of an operand in run_loop.ll, whose slot stands in the code.
_LOAD = Template("""\
%$block.$i.number = getelementptr i32, ptr %$block.operands, i64 $i
%$block.$i.slot = load i32, ptr %$block.$i.number
%$block.$i.index = zext i32 %$block.$i.slot to i64
%$block.$i.at = getelementptr double, ptr %slots, i64 %$block.$i.index
%$block.$i = load double, ptr %$block.$i.at""")


def _run_loop(primitive: Operation, block: str) -> str:
    """The text of the loop over a run of one primitive's operations."""
    return Template(llvm_text("run_loop")).substitute(
        block=block,
        loads="\n".join([_LOAD.substitute(block=block, i=i) for i in range(primitive.arity)]),
        body=_body(primitive, f"%{block}"),
        arity=primitive.arity,
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
        used = [operands[slot] for slot in instruction.operands]
        text.append(_operation(instruction.operation, result, used))
        operands.append(result)
    # A sum with -0 is the number itself: LLVM has no copy.
    return "\n".join([*text, f"{name}.y = fadd double {operands[program.outputs[0]]}, {literal(-0.0)}"])


def _operation(primitive: Operation, result: str, operands: Sequence[str]) -> str:
    return (template(primitive) or "").format(*operands, y=result)


# A program as an array.


def _encoded(program: Code, callbacks: _NumberedCallbacks) -> tuple[np.ndarray, np.ndarray]:
    """The code of a program, and for each of its slots where the interpreter has it."""
    opcodes = {**dict.fromkeys(callbacks.numbers, _CALLBACK), **_opcodes()}
    first, size = program.start, len(program)
    primitives = _primitives(program)
    kinds = np.fromiter([opcodes[primitive] for primitive in primitives], np.int32, size)
    arities = np.fromiter([primitive.arity for primitive in primitives], np.int32, size)
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
    """An order of execution in which equal operations stand together: see ``arrange.ll``."""
    size = len(kinds)
    owners = np.repeat(np.arange(size, dtype=np.int32), arities)
    order = np.empty(size, np.int32)
    kind_count = len(_opcodes()) + _FIRST
    arrays = [
        np.array([size, len(operands), first, kind_count], np.int64),
        kinds,
        owners,
        operands,
        np.full(size, -1, np.int32),  # users
        np.empty(len(operands), np.int32),  # nexts
        np.zeros(size, np.int32),  # waiting
        np.full(kind_count, -1, np.int32),  # tops
        np.empty(size, np.int32),  # belows
        np.zeros(kind_count, np.int32),  # heights
        order,
    ]
    if size:
        arrange = _interpreter().function("arrange", *[ctypes.c_void_p] * len(arrays))
        arrange(*[array.ctypes.data for array in arrays])
    return order


class _NumberedCallbacks(Callbacks):
    """The primitives of a program that the interpreter calls back, each by a number.

    Attributes:
        numbers: the primitives and their numbers.
        entry: the address to call, 0 without any.
    """

    def __init__(self, primitives: Iterable[Operation]) -> None:
        super().__init__()
        self.numbers = {primitive: i for i, primitive in enumerate(primitives)}
        self._functions = [(self.guarded(primitive), primitive.arity) for primitive in self.numbers]
        self._entry = _ENTRY(self._answer)
        self.entry = (ctypes.cast(self._entry, ctypes.c_void_p).value or 0) if self.numbers else 0

    def __bool__(self) -> bool:
        return bool(self.numbers)

    def _answer(self, slots: Any, code: Any) -> float:
        function, arity = self._functions[code[0]]
        return float(function(*[slots[code[i]] for i in range(1, arity + 1)]))
