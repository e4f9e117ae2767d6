"""`While`: a loop that ends by a condition as one operation, which holds the code of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.graph.nodes import number
from autograd.primitives import table
from autograd.programs.births import quiet, raise_birth
from autograd.programs.code import Code, distinct
from autograd.programs.control.branching import Cond
from autograd.programs.loops import loop_rules
from autograd.programs.loops.holding import CodeOperation
from autograd.programs.loops.joining import leading_to, narrowed
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.packing import expanded
from autograd.programs.simplification import Builder
from autograd.support.locks import cached_property
from autograd.support.user_line import Line

__all__ = ["While", "beyond_limit"]

_IN_PYTHON = 2000  # operations that are run in less time than compiled
_EXAMPLE_STEPS = 2  # not 0: of empty arrays nothing is recorded
_FIRST, _LARGEST = 16, 1 << 16  # steps that are run at a time


class While(CodeOperation):
    """``while condition(carry, shared): carry, ys = body(carry, shared)``, at most so many times.

    Its operands are the most steps that it may take, inf for any number; the first carries; and what all
    steps share. Its results are the last carries, and an array for each y, as long as it took steps. The
    derivative in forward mode is of the same kind; in reverse mode one of the same kind keeps what is
    needed, and a `Loop` goes back over as many steps.

    Args:
        condition: code of the body's inputs with one output; all but 0 holds, nan too.
        body: the code of a step. Its inputs are the carries and what is shared; its outputs are the next
            carries, then the ys.
        carries: how many carries there are.

    Attributes:
        shared: how many operands all steps share.
    """

    name = "while_loop"
    leading = ("max_steps",)
    roles = ("condition", "step")
    columns = 0
    is_open = True
    engine = "auto"
    checkpoint = None
    filling = Loop.filling

    def __init__(self, condition: Code, body: Code, carries: int) -> None:
        self.condition = condition
        self.body = body
        self.bodies = (condition, body)
        self.carries = carries
        self.shared = len(body.inputs) - carries
        self.arity = 1 + len(body.inputs)
        self.result_count = len(body.outputs)

    def _settings(self) -> tuple[Any, ...]:
        return self.carries, self.condition.key(), self.body.key()

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return While, (self.condition, self.body, self.carries)

    def split(self, inputs: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """The carries, no columns, and the shared numbers among the inputs of the body."""
        return list(inputs[: self.carries]), [], list(inputs[self.carries :])

    # What it computes.

    def run_quietly(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The last carries and the arrays of ys; a short one is run in Python."""
        few = max(1, _IN_PYTHON // (1 + self.condition.weight() + self.body.weight()))
        limit, *operands = inputs
        carries, _, shared = self.split(operands)
        ys: list[list[float]] = [[] for _ in range(self.result_count - self.carries)]
        few = int(min(few, limit))
        for _ in range(few):
            if not self._holds(carries, shared):
                break
            outputs = quiet(self.body, [*carries, *shared])
            carries = outputs[: self.carries]
            for y, output in zip(ys, outputs[self.carries :]):
                y.append(output)
        else:
            last = self.run_with(_run_loop, [limit, *carries, *shared], few)
            carries = list(last[: self.carries])
            return (*carries, *map(np.append, ys, last[self.carries :]))
        return (*carries, *(np.array(y, float) for y in ys))

    def run_with(
        self, run: Callable[[Loop, list[Any]], Sequence[Any]], inputs: Sequence[Any], done: int = 0
    ) -> tuple[Any, ...]:
        """The same, where something runs a loop: so many steps at a time, until the condition is false.

        Args:
            run: returns a loop's results.
            inputs: the operands.
            done: how many steps were taken before.

        Raises:
            RuntimeError: the condition still holds after the most steps.
        """
        limit, *operands = inputs
        carries, _, shared = self.split(operands)
        ys: list[list[Any]] = [[np.empty(0)] for _ in range(self.result_count - self.carries)]
        size = _FIRST
        while True:
            count = int(min(size, max(limit - done, 0)))
            if not count:
                if self._holds(carries, shared):
                    raise RuntimeError(beyond_limit(self.condition.name, done, self._told(carries)))
                break
            results = run(self.in_steps, [float(count), *carries, *shared])
            carries, held = list(results[: self.carries]), results[self.carries]
            steps = int(held.sum())
            for y, part in zip(ys, results[self.carries + 1 :]):
                y.append(part[:steps])
            done += steps
            if steps < count:
                break
            size = min(2 * size, _LARGEST)
        return (*carries, *map(np.concatenate, ys))

    @cached_property
    def in_steps(self) -> Loop:
        """So many steps of it, of which those do nothing where the condition is false.

        Its first y is 1 for each step that does something; the others are its own.
        """
        builder = Builder()
        inputs = [builder.input(place in self.body.arrays) for place in range(len(self.body.inputs))]
        (held,) = [builder.replay(self.condition, inputs)[output] for output in self.condition.outputs]
        holds = builder.operation(table.where, [held, builder.constant(1.0), builder.constant(0.0)])
        step = builder.results(Cond([self._pause(), self.body]), [holds, *inputs])
        outputs = [*step[: self.carries], holds, *step[self.carries :]]
        return Loop(builder.finish(self.body.name, self.body.inputs, outputs), self.carries, 0)

    @cached_property
    def counters(self) -> list[int]:
        """The carries that are one more after each step."""
        body = self.body
        ones = [at for at, constant in enumerate(body.constants, len(body.inputs)) if repr(constant) == "1.0"]
        made = {each.results[0]: each for each in body.instructions if each.operation is table.add}
        outputs = enumerate(body.outputs[: self.carries])
        return [
            carry
            for carry, output in outputs
            if output in made and any(set(made[output].operands) == {carry, one} for one in ones)
        ]

    def _pause(self) -> Code:
        """A step that does nothing."""
        builder = Builder()
        inputs = [builder.input(place in self.body.arrays) for place in range(len(self.body.inputs))]
        nothing = [builder.constant(0.0)] * (self.result_count - self.carries)
        return builder.finish(self.body.name, self.body.inputs, [*inputs[: self.carries], *nothing])

    def _holds(self, carries: Sequence[Any], shared: Sequence[Any]) -> bool:
        return bool(quiet(self.condition, [*carries, *shared])[0])

    def _told(self, carries: Sequence[Any]) -> str:
        return ", ".join([f"{name}={carry}" for name, carry in zip(self.body.inputs, carries)])

    def hunt(self, inputs: Sequence[Any], place: str = "", line: Line | None = None) -> None:
        """Repeat the loop step by step, and raise where a nan or an inf is born; names the step."""
        carries, _, shared = self.split(inputs[1:])
        step = 0
        while self._holds(carries, shared):
            raise_birth(self.condition, [*carries, *shared], f"{place}, step {step}", line)
            carries = raise_birth(self.body, [*carries, *shared], f"{place}, step {step}", line)[
                : self.carries
            ]
            step += 1

    def example(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The first carries, and arrays of two zeros; carries that count have counted two steps."""
        carries = list(inputs[1 : 1 + self.carries])
        for place in self.counters:
            carries[place] = carries[place] + _EXAMPLE_STEPS
        return (*carries, *[np.zeros(_EXAMPLE_STEPS)] * (self.result_count - self.carries))

    def expand(self, limit: Any, *inputs: Any, apply: Callable[..., Any] = expanded) -> Any:
        """The loop, written out step by step with `expanded_here`: for these numbers alone."""
        if apply is expanded:
            raise TypeError(
                f"how often the loop of {self.body.name} runs depends on its numbers: it cannot be written "
                "out as one formula"
            )
        carries, _, shared = self.split(inputs)
        ys: list[list[Any]] = [[] for _ in range(self.result_count - self.carries)]
        done = 0

        def holds() -> bool:
            (answer,) = self.condition([*carries, *shared], apply)
            return bool(number(answer))

        while holds():
            if done >= number(limit):
                raise RuntimeError(beyond_limit(self.condition.name, done, self._told(carries)))
            outputs = self.body([*carries, *shared], apply)
            carries, done = outputs[: self.carries], done + 1
            for y, output in zip(ys, outputs[self.carries :]):
                y.append(output)
        results = (*carries, *ys)
        return results[0] if len(results) == 1 else results

    # Its derivatives.

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """A loop by the same condition that carries tangents beside the carries."""
        return loop_rules.push(self, inputs, tangents)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """A loop that goes back, over what one by the same condition keeps."""
        return loop_rules.pull(self, inputs, adjoints, wanted)

    def like(self, body: Code, carries: int, columns: int) -> While:
        """The same of another body, with more carries after its own, and more that is shared."""
        builder = Builder()
        inputs = [builder.input(place in body.arrays) for place in range(len(body.inputs))]
        own = [*inputs[: self.carries], *inputs[carries : carries + self.shared]]
        slots = builder.replay(self.condition, own)
        outputs = [slots[output] for output in self.condition.outputs]
        return While(builder.finish(self.condition.name, body.inputs, outputs), body, carries)

    def keeping(self, step: Code) -> tuple[While, list[int]]:
        """The same with a body that has other ys, and as its last carry the number of steps.

        Returns:
            The loop, and which operand of this one each of its own is; the place after them means 0.
        """
        builder = Builder()
        kinds = [place in step.arrays for place in range(len(step.inputs))]
        kinds.insert(self.carries, False)
        inputs = list(map(builder.input, kinds))
        steps = inputs.pop(self.carries)
        slots = builder.replay(step, inputs)
        outputs = [slots[output] for output in step.outputs]
        outputs.insert(self.carries, builder.operation(table.add, [steps, builder.constant(1.0)]))
        names = distinct([*step.inputs[: self.carries], "steps", *step.inputs[self.carries :]])
        order = [*range(1 + self.carries), self.arity, *range(1 + self.carries, self.arity)]
        return self.like(builder.finish(step.name, names, outputs), self.carries + 1, 0), order

    def backward(self, body: Code, carries: int, columns: int) -> Loop:
        """The loop that goes back over its steps."""
        return Loop(body, carries, columns, True)

    # What becomes of it in code.

    def arrays(self, operands: Sequence[bool]) -> tuple[bool, ...]:
        """A carry is one where its first is; the ys are."""
        inside = [place in self.body.arrays for place in range(len(self.body.inputs))]
        self.expect(operands, [False, *inside])
        kinds = self.body.kinds()
        outputs = [kinds[output] for output in self.body.outputs]
        ys = self.result_count - self.carries
        self.expect(outputs, [*inside[: self.carries], *[False] * ys])
        if self.condition.kinds()[self.condition.outputs[0]]:
            raise TypeError("the condition of a loop must be a number, got an array")
        return (*inside[: self.carries], *[True] * ys)

    def pruned(self, needed: Sequence[bool]) -> tuple[While, list[int], list[int]]:
        """The loop without results that nobody needs, and without what only those need."""
        asked = leading_to(self.condition, 0, [0])
        wanted = {place for place, need in enumerate(needed) if need}
        wanted |= {place for place in range(self.carries) if place in asked}
        used = leading_to(self.body, self.carries, wanted)
        left = [i for i in range(self.result_count) if i in wanted or (i < self.carries and i in used)]
        used |= {*asked, *[place for place in left if place < self.carries]}
        kept = [place for place in range(len(self.body.inputs)) if place in used]
        names = [self.body.inputs[place] for place in kept]
        outputs = [self.body.outputs[place] for place in left]
        condition = narrowed(self.condition, kept, self.condition.outputs, asked, names)
        body = narrowed(self.body, kept, outputs, leading_to(self.body, 0, left), names)
        carries = sum(place < self.carries for place in left)
        return While(condition, body, carries), [0, *[1 + place for place in kept]], left

    def with_bodies(self, bodies: Sequence[Code]) -> While:
        """The same loop of other code with the same inputs and outputs."""
        condition, body = bodies
        return While(condition, body, self.carries)


def beyond_limit(condition: str, steps: int | str, carry: str) -> str:
    """What an error says of a loop that was to end before."""
    return (
        f"the condition {condition} still holds after max_steps={steps} steps of while_loop, with the "
        f"carry {carry}: let it take more steps, or see whether each comes nearer to where the condition ends"
    )


def _run_loop(loop: Loop, inputs: list[Any]) -> Sequence[Any]:
    return loop.run_quietly(inputs)
