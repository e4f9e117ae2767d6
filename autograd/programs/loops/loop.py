"""`Loop`: a sequential loop as one operation, which holds the code of a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.graph.nodes import number
from autograd.primitives.operation import Operation
from autograd.programs.births import raise_birth
from autograd.programs.code import Code
from autograd.programs.loops import joining, loop_rules, masking
from autograd.programs.loops.holding import CodeOperation, Joined
from autograd.programs.loops.packing import expanded
from autograd.programs.loops.reverse.checkpointing import Checkpointed
from autograd.programs.loops.reverse.revolve import Policy
from autograd.support.user_line import Line

__all__ = ["Loop", "one_by_one", "run_by"]

Run = tuple[list[Any], list[np.ndarray]]
Runner = Callable[[Code, str, list[Any], list[np.ndarray], list[Any], int], Run]


class Loop(CodeOperation):
    """A sequential loop: ``carry, ys = body(carry, xs, shared)``, so many times.

    Its operands are the number of steps, the first carries, an array for each column of xs, and what all
    steps share; its results are the last carries, and an array for each y. Carries and what is shared may
    be arrays too. The derivative of a loop, in either mode, is a loop.

    Args:
        body: the code of a step. Its inputs are the carries, an element of each column, and what is shared;
            its outputs are the next carries, then the ys.
        carries: how many carries there are.
        columns: how many columns.
        is_reversed: whether the steps go from the columns' end to their beginning; a y stands where the xs
            of its step stand.
        engine: what runs it where it is called by itself: see `run_by`.
        checkpoint: which carries its reverse keeps: see `revolve.Policy`.

    Attributes:
        shared: how many operands all steps share.
        stacked: which results are the arrays of ys.
    """

    name = "loop"
    leading = ("steps",)
    is_open = False  # how many steps it takes is known before it runs

    def __init__(
        self,
        body: Code,
        carries: int,
        columns: int,
        is_reversed: bool = False,
        engine: str = "auto",
        checkpoint: Policy = None,
    ) -> None:
        self.body = body
        self.bodies = (body,)
        self.carries = carries
        self.columns = columns
        self.shared = len(body.inputs) - carries - columns
        self.is_reversed = is_reversed
        self.engine = engine
        self.checkpoint = checkpoint
        self.arity = 1 + len(body.inputs)
        self.result_count = len(body.outputs)
        self.stacked = range(carries, self.result_count)
        self.aligned = range(1, 1 + columns) if not carries else ()
        self.choice = masking.choice_of(body, carries)

    def _settings(self) -> tuple[Any, ...]:
        return self.carries, self.columns, self.is_reversed, self.checkpoint, self.body.key()

    def split(self, inputs: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """The carries, columns and shared numbers among the inputs of the body."""
        width = self.carries + self.columns
        return list(inputs[: self.carries]), list(inputs[self.carries : width]), list(inputs[width:])

    def run_quietly(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The last carries and the arrays of ys."""
        return self.run_with(_running[-1], inputs)

    def hunt(self, inputs: Sequence[Any], place: str = "", line: Line | None = None) -> None:
        """Repeat the loop step by step, and raise where a nan or an inf is born; names the step."""
        count, *rest = inputs
        carries, columns, shared = self.split(rest)
        steps = range(int(count))
        is_written = not self.columns or any(instruction.line for instruction in self.body.instructions)
        step = "step" if is_written else "element"  # of an array, in a loop that nobody wrote
        for i in reversed(steps) if self.is_reversed else steps:
            numbers = [*carries, *[column[i].item() for column in columns], *shared]
            carries = raise_birth(self.body, numbers, f"{place}, {step} {i}", line)[: self.carries]

    def run_with(self, runner: Runner, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The same, where something runs the body from a first carry along the columns: see `run_by`."""
        count = int(inputs[0])
        carries, columns, shared = self.split(inputs[1:])
        if any(len(column) != count for column in columns):
            lengths = sorted({len(column) for column in columns})
            raise ValueError(f"a loop of {count} steps needs arrays of that length, got lengths {lengths}")
        if not count:
            return (*carries, *(np.empty(0) for _ in range(self.result_count - self.carries)))
        if self.is_reversed:
            columns = [column[::-1] for column in columns]
        last, ys = runner(self.body, self.engine, carries, columns, shared, count)
        return (*last, *(y[::-1] for y in ys)) if self.is_reversed else (*last, *ys)

    def example(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The first carries, and zeros."""
        ys = np.broadcast_to(0.0, int(inputs[0]))  # which takes no memory
        return (*inputs[1 : 1 + self.carries], *[ys] * (self.result_count - self.carries))

    def expand(self, count: Any, *inputs: Any, apply: Callable[..., Any] = expanded) -> Any:
        """The loop, written out step by step; a column may be any sequence."""
        carries, columns, shared = self.split(inputs)
        steps = range(int(number(count)))
        ys: list[list[Any]] = [[] for _ in range(self.result_count - self.carries)]
        for i in reversed(steps) if self.is_reversed else steps:
            outputs = self.body([*carries, *[column[i] for column in columns], *shared], apply)
            carries = outputs[: self.carries]
            for y, output in zip(ys, outputs[self.carries :]):
                y.append(output)
        if self.is_reversed:
            ys = [y[::-1] for y in ys]
        results = (*carries, *ys)
        return results[0] if len(results) == 1 else results

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """A loop that carries tangents beside the carries."""
        return loop_rules.push(self, inputs, tangents)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """A loop in the other direction, over the carries that a loop in this direction keeps."""
        return loop_rules.pull(self, inputs, adjoints, wanted)

    def pull_masked(
        self,
        inputs: Sequence[Any],
        results: Sequence[Any],
        adjoints: Sequence[Any],
        masks: Sequence[Any],
        wanted: Sequence[bool],
    ) -> Sequence[tuple[Any, Any]]:
        """The same of a loop whose body chooses by the masks."""
        return masking.pull_masked(self, inputs, adjoints, masks, wanted)

    def arrays(self, operands: Sequence[bool]) -> tuple[bool, ...]:
        """A carry is one where its first is; the ys are."""
        columns = range(self.carries, self.carries + self.columns)
        inside = [place in self.body.arrays for place in range(len(self.body.inputs))]
        if any(inside[place] for place in columns):
            raise TypeError("an element of a column must be a number, got an array")
        self.expect(operands, [False, *[is_array or i in columns for i, is_array in enumerate(inside)]])
        kinds = self.body.kinds()
        outputs = [kinds[output] for output in self.body.outputs]
        self.expect(outputs, [*inside[: self.carries], *[False] * (len(outputs) - self.carries)])
        return (*inside[: self.carries], *[True] * (len(outputs) - self.carries))

    def pruned(self, needed: Sequence[bool]) -> tuple[Loop, list[int], list[int]]:
        """The loop without results that nobody needs, and without what only those need."""
        return joining.pruned(self, needed)

    def joined(
        self, operands: Sequence[int], other: Operation, others: Sequence[int], results: Sequence[int]
    ) -> Joined | None:
        """One loop that does the steps of two, side by side; what they have in common is done once.

        Args:
            operands: slots.
            other: another operation.
            others: its operands; it may go along what this one stacks, and depend on no other of its results.
            results: of this one.
        """
        parts = joining.joined(self, operands, other, others, results) if isinstance(other, Loop) else None
        return None if parts is None else Joined(*parts)

    def with_bodies(self, bodies: Sequence[Code]) -> Loop:
        """The same loop of another body with the same inputs and outputs."""
        (body,) = bodies
        return self.like(body, self.carries, self.columns)

    def like(self, body: Code, carries: int, columns: int) -> Loop:
        """A loop of another body that runs as this one does."""
        return Loop(body, carries, columns, self.is_reversed, self.engine, self.checkpoint)

    def keeping(self, step: Code) -> tuple[Loop, list[int]]:
        """The same loop of a body that has other ys; which operand of this one each of its own is."""
        return self.like(step, self.carries, self.columns), [*range(self.arity)]

    def backward(self, body: Code, carries: int, columns: int) -> Loop:
        """The loop that goes back over its steps."""
        return Loop(body, carries, columns, not self.is_reversed, self.engine)

    @property
    def told(self) -> tuple[str, list[Any]]:
        """What a file says of it beside its body."""
        numbers: list[Any] = [self.carries, self.columns, int(self.is_reversed)]
        return "loop", numbers if self.checkpoint is None else [*numbers, self.checkpoint]

    def without_ys(self) -> Loop:
        """The same loop, of which only the carries are asked for."""
        left = joining.fewer(self.body, self.body.outputs[: self.carries])
        return self.like(left, self.carries, self.columns)

    def checkpointed(self, keeping: Loop, backward: Loop, policy: Policy) -> Checkpointed:
        """The two loops of a reverse as one operation: see `Checkpointed.over`."""
        return Checkpointed.over(keeping, backward, policy)

    @classmethod
    def filling(cls) -> Loop:
        """The loop that makes an array of so many equal numbers."""
        return cls(Code("fill", ["number"], (), (), [0]), 0, 0)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        settings = self.is_reversed, self.engine, self.checkpoint
        return Loop, (self.body, self.carries, self.columns, *settings)


def one_by_one(
    body: Code,
    _: str,
    carries: list[Any],
    columns: list[np.ndarray],
    shared: list[Any],
    count: int,
) -> Run:
    """Run a loop in Python."""
    ys: list[list[float]] = [[] for _ in range(len(body.outputs) - len(carries))]
    width = len(carries)
    rows = zip(*[column.tolist() for column in columns]) if columns else ((),) * count
    for row in rows:
        outputs = body([*carries, *row, *shared])
        carries = outputs[:width]
        for y, output in zip(ys, outputs[width:]):
            y.append(output)
    return carries, [np.array(y, float) for y in ys]


_running: list[Runner] = [one_by_one]  # the last one runs loops


def run_by(runner: Runner) -> None:
    """Have loops run otherwise than in Python.

    Args:
        runner: is called with a body, the name of an engine, carries, columns, what is shared, and the
            number of steps, of which there is at least one; returns the last carries and the arrays of ys.
    """
    _running.append(runner)
