"""`Checkpointed`: the reverse of a loop as one operation that keeps few of the loop's carries at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autograd.derivatives import sweeps
from autograd.graph.nodes import is_node
from autograd.graph.walks import applications
from autograd.programs.births import raise_birth
from autograd.programs.code import Code, Instruction, distinct
from autograd.programs.loops.holding import CodeOperation
from autograd.programs.loops.joining import fewer, narrowed
from autograd.programs.loops.loop_rules import is_zero, lengths_of, like, lines_of, results_of
from autograd.programs.loops.packing import expanded
from autograd.programs.loops.reverse.revolve import Policy, schedule
from autograd.programs.tracing import LinesOfNodes, written
from autograd.support.user_line import Line

if TYPE_CHECKING:
    from autograd.programs.loops.loop import Loop

__all__ = ["Checkpointed", "is_pair", "run_pairs_by"]

Run = Callable[["Loop", Sequence[Any]], tuple[Any, ...]]
Runner = Callable[["Checkpointed", Sequence[Any]], tuple[Any, ...]]


class _Parts(NamedTuple):
    """What the code of a `Checkpointed` consists of.

    Attributes:
        keeping: the loop that keeps carries.
        advance: the same, keeping none.
        forward: the operands of both, slots of the code.
        backward: the loop that goes back.
        back: its operands; some of its columns are what the other keeps.
        results: which of its results the code returns.
    """

    keeping: Loop
    advance: Loop
    forward: tuple[int, ...]
    backward: Loop
    back: tuple[int, ...]
    results: tuple[int, ...]


def is_pair(code: Code) -> bool:
    """Whether code is a loop, and a second one that goes back along what the first stacks."""
    loops: list[Any] = [instruction.operation for instruction in code.instructions]
    if len(loops) != 2 or not all(hasattr(loop, "is_reversed") for loop in loops):
        return False
    (first, second), (keeping, backward) = loops, code.instructions
    kept = {place for place, slot in enumerate(backward.operands) if slot in keeping.results}
    return bool(
        keeping.operands[0] == backward.operands[0] == 0
        and first.is_reversed != second.is_reversed
        and {*code.outputs} <= {*backward.results}
        and {backward.operands[place] for place in kept} <= {*keeping.results[first.carries :]}
        and kept <= {*range(1 + second.carries, 1 + second.carries + second.columns)}
        and not any(place in first.body.arrays for place in range(first.carries))
    )


class Checkpointed(CodeOperation):
    """Two loops, of which the second goes back over what the first keeps, a segment of the steps at a time.

    The results are those of the second loop, bit for bit. What is kept at once is what a schedule says, and
    the other carries are computed again. Its derivative in forward mode is such an operation again; that in
    reverse mode keeps all carries, since the second loop and its own reverse both go along them.

    Args:
        body: code of the two: see `is_pair`.
        policy: says which carries are kept: see `schedule`.

    Attributes:
        parts: what the code consists of.
        stacked: which results are arrays that the second loop stacks.
    """

    name = "checkpointed"

    def __init__(self, body: Code, policy: Policy) -> None:
        self.body = body
        self.bodies = (body,)
        self.policy = policy
        loops: list[Any] = [instruction.operation for instruction in body.instructions]
        (keeping, backward), (forward, back) = loops, [each.operands for each in body.instructions]
        results = tuple(map(body.instructions[1].results.index, body.outputs))
        self.parts = _Parts(keeping, keeping.without_ys(), forward, backward, back, results)
        self.engine = backward.engine
        self.arity = len(body.inputs)
        self.result_count = len(body.outputs)
        self.stacked = [at for at, place in enumerate(results) if place >= backward.carries]

    @classmethod
    def over(cls, keeping: Loop, backward: Loop, policy: Policy) -> Checkpointed:
        """The two loops of a reverse, given the operands of the first, then those of the second.

        Args:
            keeping: the loop that keeps carries.
            backward: the loop that goes back, whose first columns they are.
            policy: says which carries are kept.
        """
        return cls(_one_after_the_other(keeping, backward), policy)

    def _settings(self) -> tuple[Any, ...]:
        return self.policy, self.body.key()

    def run_quietly(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The results of the second loop."""
        return _running[-1](self, inputs)

    def hunt(self, inputs: Sequence[Any], place: str = "", line: Line | None = None) -> None:
        """Repeat the loops step by step, and raise where a nan or an inf is born; names the step."""
        raise_birth(self.body, inputs, place, line)

    def run_with(self, run: Run, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The same, where something runs each segment's loops on their operands."""
        parts = self.parts
        slots = [*inputs, *self.body.constants]
        _, *start = [slots[place] for place in parts.forward]
        kept = range(self.body.start, self.body.size)
        count = int(inputs[0])
        _, *back = [None if place in kept else slots[place] for place in parts.back]
        forward = parts.keeping.split(start)
        adjoints, columns, shared = parts.backward.split(back)
        carried = parts.backward.carries
        which = [place - kept.start - parts.keeping.carries for place in parts.back[1 + carried :]]
        ys = [np.empty(count) for _ in range(parts.backward.result_count - carried)]

        def part(loop: Loop, carries: Sequence[Any], begin: int, end: int) -> tuple[Any, ...]:
            along = self._along(forward[1], begin, end)
            return run(loop, [float(end - begin), *carries, *along, *forward[2]])

        def go_back(carries: Sequence[Any], begin: int, end: int) -> None:
            nonlocal adjoints
            numbers = part(parts.keeping, carries, begin, end)[parts.keeping.carries :]
            along = [
                numbers[i] if column is None else self._along([column], begin, end)[0]
                for i, column in zip(which, columns)
            ]
            outputs = run(parts.backward, [float(end - begin), *adjoints, *along, *shared])
            adjoints = list(outputs[:carried])
            for whole, y in zip(self._along(ys, begin, end), outputs[carried:]):
                whole[:] = y

        plan = schedule(self.policy, count)
        rows = [(0, forward[0])]
        end = count
        while rows:
            begin, carries = rows[-1]
            if end - begin <= plan.segment:
                go_back(carries, begin, end)
                end = begin
                rows.pop()
            else:
                middle = begin + plan.before_next(end - begin, plan.rows - len(rows))
                last = part(parts.advance, carries, begin, middle)
                rows.append((middle, list(last)))
        results = [*adjoints, *ys]
        return tuple([results[place] for place in parts.results])

    def _along(self, columns: Sequence[np.ndarray], begin: int, end: int) -> list[np.ndarray]:
        """What belongs to the steps from one to before another, of arrays that loops go along."""
        if self.parts.keeping.is_reversed:
            return [column[len(column) - end : len(column) - begin] for column in columns]
        return [column[begin:end] for column in columns]

    def example(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The first carries of the second loop, and zeros."""
        slots = [*inputs, *self.body.constants, *[None] * (self.body.size - self.body.start)]
        results = self.parts.backward.example([slots[place] for place in self.parts.back])
        return tuple([results[place] for place in self.parts.results])

    def expand(self, *inputs: Any, apply: Callable[..., Any] = expanded) -> Any:
        """The two loops, written out step by step."""
        results = tuple(self.body(inputs, apply))
        return results[0] if len(results) == 1 else results

    def arrays(self, operands: Sequence[bool]) -> tuple[bool, ...]:
        """The results that are arrays are those of the second loop."""
        self.expect(operands, [place in self.body.arrays for place in range(self.arity)])
        kinds = self.body.kinds()
        return tuple([kinds[output] for output in self.body.outputs])

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """A pair of loops that carry tangents beside the carries."""
        present = tuple([not is_zero(tangent) for tangent in tangents])
        lines = lines_of(self.parts.keeping.body), lines_of(self.parts.backward.body)
        code, places = _pushed(self, present, lengths_of(self.body, inputs), lines)
        operands = [*inputs, *[tangent for tangent in tangents if not is_zero(tangent)]]
        if is_pair(code):
            outputs: Sequence[Any] = results_of(Checkpointed(code, self.policy), operands)
        else:
            outputs = code(operands)
        tangents_of = dict(zip(places, outputs))
        return [tangents_of.get(place) for place in range(self.result_count)]

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """What the operands of the two loops receive, one after the other."""
        parts = self.parts
        slots = [*inputs, *self.body.constants]
        slots += results_of(parts.keeping, [slots[place] for place in parts.forward])
        asked_for = [*wanted, *[False] * len(self.body.constants)]
        is_kept_wanted = any(asked_for[place] for place in parts.forward)
        asked_for += [is_kept_wanted] * parts.keeping.result_count
        received: list[Any] = [None] * self.body.size

        def receive(
            loop: Loop, places: Sequence[int], outcome: Sequence[Any], of_outcome: Sequence[Any]
        ) -> None:
            operands = [slots[place] for place in places]
            terms = loop.pull(operands, outcome, of_outcome, [asked_for[place] for place in places])
            for place, term in zip(places, terms):
                if term is not None:
                    received[place] = term if received[place] is None else received[place] + term

        outcome: list[Any] = [None] * parts.backward.result_count
        of_outcome: list[Any] = [0.0] * parts.backward.result_count
        for place, result, adjoint in zip(parts.results, results, adjoints):
            outcome[place], of_outcome[place] = result, adjoint
        receive(parts.backward, parts.back, outcome, of_outcome)
        first = self.body.start
        of_kept = received[first : first + parts.keeping.result_count]
        if any(term is not None for term in of_kept):
            of_results = [0.0 if term is None else term for term in of_kept]
            receive(parts.keeping, parts.forward, slots[first:], of_results)
        return received[: self.arity]

    def pruned(self, needed: Sequence[bool]) -> tuple[Checkpointed, list[int], list[int]] | None:
        """The same with fewer results, and without what only the others need."""
        left = [place for place, need in enumerate(needed) if need]
        code = fewer(self.body, [self.body.outputs[place] for place in left])
        used = sorted({slot for each in code.instructions for slot in each.operands if slot < self.arity})
        shorter = narrowed(code, used, code.outputs)
        return (Checkpointed(shorter, self.policy), used, left) if is_pair(shorter) else None

    @property
    def told(self) -> tuple[str, Policy]:
        """What a file says of it beside its body."""
        return "checkpointed", self.policy

    def alone(self) -> Code:
        """Code that applies it to its inputs, and nothing else."""
        results = tuple(range(self.arity, self.arity + self.result_count))
        applied = Instruction(self, tuple(range(self.arity)), results)
        return Code(self.body.name, self.body.inputs, (), [applied], results, self.body.arrays)

    def with_bodies(self, bodies: Sequence[Code]) -> Checkpointed:
        """The same of other code of the same inputs and outputs."""
        (body,) = bodies
        return Checkpointed(body, self.policy)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Checkpointed, (self.body, self.policy)


@lru_cache(maxsize=256)
def _one_after_the_other(keeping: Loop, backward: Loop) -> Code:
    """Code of the two loops of a reverse, given the first's operands, then the second's."""
    kept = keeping.result_count - keeping.carries
    own, theirs = range(1, keeping.arity), range(keeping.arity, keeping.arity + backward.arity - 1 - kept)
    size = theirs.stop
    first = Instruction(keeping, (0, *own), tuple(range(size, size + keeping.result_count)))
    size += keeping.result_count
    adjoints, others = theirs[: backward.carries], theirs[backward.carries :]
    operands = (0, *adjoints, *first.results[keeping.carries :], *others)
    second = Instruction(backward, operands, tuple(range(size, size + backward.result_count)))
    names = [*backward.body.inputs]
    del names[backward.carries : backward.carries + kept]
    names = distinct(["steps", *keeping.body.inputs, *names])
    arrays = {place for each in (first, second) for place in _array_operands(each)} - {*first.results}
    return Code(keeping.body.name, names, (), [first, second], second.results, arrays)


def _array_operands(instruction: Instruction) -> list[int]:
    """The operands of a loop that are arrays."""
    loop: Any = instruction.operation
    columns = range(loop.carries, loop.carries + loop.columns)
    slots = instruction.operands[1:]
    return [slot for place, slot in enumerate(slots) if place in columns or place in loop.body.arrays]


@lru_cache(maxsize=256)
def _pushed(
    operation: Checkpointed, present: tuple[bool, ...], lengths: tuple[int, ...], _: Any
) -> tuple[Code, list[int]]:
    """Code of the tangents of the results, and which results have some."""
    body = operation.body
    inputs = [like(body, place, lengths) for place in range(operation.arity)]
    seeds = {place: like(body, place, lengths) for place in range(operation.arity) if present[place]}
    places: list[int] = []

    def compute(lines: LinesOfNodes) -> list[Any]:
        slots = lines.repeated(body, inputs)
        outputs = [slots[output] for output in body.outputs]
        steps = applications(*filter(is_node, outputs), stop=inputs)
        pairs = [(inputs[place], seed) for place, seed in seeds.items()]
        tangents = sweeps.forward(steps, pairs, outputs, lift=True)
        places[:] = [place for place, tangent in enumerate(tangents) if is_node(tangent)]
        return [tangents[place] for place in places]

    code, _captured = written(f"{body.name}_tangents", [*inputs, *seeds.values()], compute)
    return code, places


def _in_segments(operation: Checkpointed, inputs: Sequence[Any]) -> tuple[Any, ...]:
    return operation.run_with(lambda loop, operands: loop.run_quietly(operands), inputs)


_running: list[Runner] = [_in_segments]  # the last one runs them


def run_pairs_by(runner: Runner) -> None:
    """Have checkpointed loops run by something else than Python.

    Args:
        runner: is called with the operation and its operands' numbers; returns its results.
    """
    _running.append(runner)
