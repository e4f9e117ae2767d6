"""A lowered program as LLVM's text, and the loops around it that the llvm engine compiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autograd.engines.machine.ir import Callbacks, call, literal, template
from autograd.primitives.operation import Operation
from autograd.programs.code import Code

__all__ = ["LARGE", "Body", "loads", "map_text", "scan_text", "stores"]

LARGE = 2000  # instructions; beyond it a program is compiled in parts


class Body:
    """A lowered program as LLVM's text: ``%vN`` is slot N, a constant is itself.

    Args:
        program: the program.

    Attributes:
        inputs: the number of inputs.
        operands: what each slot is called.
        outputs: the operand that each output is.
    """

    def __init__(self, program: Code) -> None:
        self.program = program
        self.inputs = len(program.inputs)
        self.operands = [f"%v{i}" for i in range(self.inputs)]
        self.operands += map(literal, program.constants)
        self.operands += [f"%v{i}" for i in range(program.start, program.size)]
        self.outputs = [self.operands[output] for output in program.outputs]
        self.callbacks = Callbacks()
        primitives = dict.fromkeys(instruction.operation for instruction in program.instructions)
        self._templates = {primitive: self._template(primitive).format for primitive in primitives}

    def _template(self, primitive: Operation) -> str:
        known = template(primitive, fused=len(self.program) <= LARGE)
        return known or f"{{y}} = {call(self.callbacks.address(primitive), primitive.arity)}"

    def lines(self) -> list[str]:
        """The text of the instructions."""
        names, templates = self.operands, self._templates
        return [
            templates[instruction.operation](*[names[slot] for slot in instruction.operands], y=names[at])
            for at, instruction in enumerate(self.program.instructions, self.program.start)
        ]

    def looped(self, varying: Iterable[int]) -> tuple[list[str], list[str]]:
        """The text before a loop and in it, where only these of the inputs vary within the loop."""
        moving = set(varying)
        parts: tuple[list[str], list[str]] = [], []
        for at, (instruction, line) in enumerate(
            zip(self.program.instructions, self.lines()), self.program.start
        ):
            if not moving.isdisjoint(instruction.operands):
                moving.add(at)
            parts[at in moving].append(line)
        return parts


def loads(array: str, places: Iterable[tuple[int, int]]) -> list[str]:
    """Load slots from an array of doubles, each from its index."""
    return [
        f"%in{slot} = getelementptr double, ptr {array}, i64 {i}\n"
        f"%v{slot} = load double, ptr %in{slot}, align 1"
        for slot, i in places
    ]


def stores(array: str, places: Iterable[tuple[str, int]]) -> list[str]:
    """Store operands to an array of doubles, each at its index."""
    return [
        f"%out{i} = getelementptr double, ptr {array}, i64 {i}\nstore double {operand}, ptr %out{i}"
        for operand, i in places
    ]


def _columns(operands: Sequence[str], kinds: str) -> tuple[list[str], list[str]]:
    """The text before the loop and in it that loads one element of each column."""
    before, within = [], []
    for i, (operand, kind) in enumerate(zip(operands, kinds)):
        column = f"%column{i}"
        before.append(
            f"{column}.at = getelementptr ptr, ptr %columns, i64 {i}\n{column} = load ptr, ptr {column}.at"
        )
        if kind == "s":
            before.append(f"{operand} = load double, ptr {column}")
        elif kind == "c":
            within.append(
                f"{column}.element = getelementptr double, ptr {column}, i64 %i\n"
                f"{operand} = load double, ptr {column}.element"
            )
        else:
            before.append(
                f"{column}.stride.at = getelementptr i64, ptr %column.strides, i64 {i}\n"
                f"{column}.stride = load i64, ptr {column}.stride.at"
            )
            within.append(
                f"{column}.offset = mul i64 %i, {column}.stride\n"
                f"{column}.element = getelementptr i8, ptr {column}, i64 {column}.offset\n"
                f"{operand} = load double, ptr {column}.element, align 1"
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


def _loop(
    pointers: str, before: Sequence[str], heads: Sequence[str], within: Sequence[str], after: Sequence[str]
) -> str:
    """A function that loops over ``%i`` from ``%begin`` to ``%end``, once at least.

    Args:
        pointers: its parameters that come first.
        before: the text before the loop.
        heads: the text that stands first in it: the numbers that go from one round to the next.
        within: the rest of it.
        after: the text behind it.
    """
    lines = [
        f"define void @loop({pointers}, i64 %begin, i64 %end) {{",
        "entry:",
        *before,
        "br label %loop",
        "loop:",
        "%i = phi i64 [ %begin, %entry ], [ %i.next, %loop ]",
        *heads,
        *within,
        "%i.next = add nsw i64 %i, 1",
        "%i.more = icmp slt i64 %i.next, %end",
        "br i1 %i.more, label %loop, label %done",
        "done:",
        *after,
        "ret void",
        "}",
    ]
    return "\n".join(lines)


def map_text(body: Body, kinds: str, *, summed: bool) -> str:
    """A loop over samples that stores results, or adds them up."""
    before, load = _columns(body.operands[: body.inputs], kinds)
    fixed, moving = body.looped(i for i, kind in enumerate(kinds) if kind != "s")
    if summed:
        places: list[str] = []
        totals = [
            f"%total{i} = phi double [ 0.0, %entry ], [ %sum{i}, %loop ]" for i in range(len(body.outputs))
        ]
        store = [f"%sum{i} = fadd double %total{i}, {output}" for i, output in enumerate(body.outputs)]
        after = stores("%results", ((f"%sum{i}", i) for i in range(len(body.outputs))))
    else:
        totals, after = [], []
        places, store = _results(body.outputs)
    return _loop(
        "ptr %columns, ptr %column.strides, ptr %results",
        [*before, *fixed, *places],
        totals,
        [*load, *moving, *store],
        after,
    )


def scan_text(body: Body, carried: int, kinds: str) -> str:
    """A sequential loop with the carry in registers; the state is the carry, then the shared numbers."""
    names, width = body.operands, carried + len(kinds)
    before, load = _columns(names[carried:width], kinds)
    fixed, moving = body.looped(range(width))
    places, store = _results(body.outputs[carried:])
    state = [f"%carry{i}" for i in range(carried)] + names[width : body.inputs]
    loaded = [
        f"%state{i} = getelementptr double, ptr %state, i64 {i}\n{name} = load double, ptr %state{i}"
        for i, name in enumerate(state)
    ]
    nexts = list(enumerate(body.outputs[:carried]))
    return _loop(
        "ptr %state, ptr %columns, ptr %column.strides, ptr %results",
        [*loaded, *before, *places, *fixed],
        [f"{names[i]} = phi double [ %carry{i}, %entry ], [ {output}, %loop ]" for i, output in nexts],
        [*load, *moving, *store],
        [f"store double {output}, ptr %state{i}" for i, output in nexts],
    )
