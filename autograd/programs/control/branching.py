"""`Cond`: a choice between pieces of code as one operation, which holds the code of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.graph.nodes import is_node, number
from autograd.primitives import table
from autograd.primitives.operation import Operation
from autograd.programs.births import quiet, raise_birth
from autograd.programs.code import Code, distinct
from autograd.programs.control import branch_rules
from autograd.programs.control.branch_rules import place_of
from autograd.programs.loops.holding import CodeOperation, Joined, example_of
from autograd.programs.loops.joining import leading_to
from autograd.programs.loops.packing import expanded
from autograd.programs.simplification import Builder
from autograd.support.user_line import Line

__all__ = ["Cond", "is_selectable"]


class Cond(CodeOperation):
    """One of several branches, chosen by a number; the others are not computed.

    Its operands are the number and those of the branches: below 1, and for nan, it is the first branch, from
    1 on the second, from 2 on the third, and beyond the last one the last. Operands and results may be
    arrays. The derivative of a choice, in either mode, is a choice between the branches' derivatives.

    Args:
        branches: two or more, with as many inputs and outputs each, numbers and arrays in the same places.
    """

    name = "cond"

    def __init__(self, branches: Sequence[Code]) -> None:
        self.bodies = tuple(branches)
        self.roles = tuple([f"branch {place}" for place in range(len(branches))])
        first = self.bodies[0]
        self.arity = 1 + len(first.inputs)
        self.result_count = len(first.outputs)
        if any(map(first.is_unlike, self.bodies)):
            raise ValueError("the branches of a choice must have the same inputs, and as many outputs")

    def _settings(self) -> tuple[Any, ...]:
        return tuple([branch.key() for branch in self.bodies])

    def run_quietly(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The results of the branch that is chosen."""
        return self.run_with(quiet, inputs)

    def run_with(
        self, runner: Callable[[Code, list[Any]], Sequence[Any]], inputs: Sequence[Any]
    ) -> tuple[Any, ...]:
        """The same, where something runs a branch on its inputs."""
        index, *operands = inputs
        return tuple(runner(self.bodies[place_of(index, len(self.bodies))], operands))

    def hunt(self, inputs: Sequence[Any], place: str = "", line: Line | None = None) -> None:
        """Raise where a nan or an inf is born in the branch that is chosen."""
        index, *operands = inputs
        raise_birth(self.bodies[place_of(index, len(self.bodies))], operands, place, line)

    def example(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """What the first branch makes of an example."""
        return tuple(self.bodies[0](inputs[1:], example_of))

    def expand(self, index: Any, *inputs: Any, apply: Callable[..., Any] = expanded) -> Any:
        """Every branch, and a choice between their results; with `expanded_here` the branch chosen alone."""
        bodies = self.bodies
        if apply is not expanded:
            at = place_of(number(index) if is_node(index) else index, len(bodies))
            bodies = bodies[at : at + 1]
        results, *others = [body(inputs, apply) for body in bodies]
        for place, outcome in enumerate(others, 1):
            condition = table.less_equal(float(place), index)
            results = [_selected(condition, new, old) for new, old in zip(outcome, results)]
        return results[0] if len(results) == 1 else tuple(results)

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """A choice between the branches' tangents."""
        return branch_rules.push(self, inputs, tangents)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """A choice between what the branches hand on."""
        return branch_rules.pull(self, inputs, adjoints, wanted)

    def arrays(self, operands: Sequence[bool]) -> tuple[bool, ...]:
        """A result is one where it is in every branch."""
        first = self.bodies[0]
        self.expect(operands, [False, *[place in first.arrays for place in range(len(first.inputs))]])
        results = [self._results_of(body) for body in self.bodies]
        if any(kinds != results[0] for kinds in results):
            raise TypeError("a result of a choice must be an array in every branch, or a number in every one")
        return results[0]

    @staticmethod
    def _results_of(body: Code) -> tuple[bool, ...]:
        kinds = body.kinds()
        return tuple([kinds[output] for output in body.outputs])

    def pruned(self, needed: Sequence[bool]) -> tuple[Cond, list[int], list[int]]:
        """The choice without results that nobody needs, and without operands that no branch then uses."""
        left = [place for place, need in enumerate(needed) if need]
        used = [leading_to(body, 0, left) for body in self.bodies]
        kept = [i for i in range(self.arity - 1) if any(i in slots for slots in used)]
        branches = []
        for body, slots in zip(self.bodies, used):
            builder = Builder()
            inputs = [builder.input(i in body.arrays) if i in kept else -1 for i in range(len(body.inputs))]
            made = builder.replay(body, inputs, slots)
            names = [body.inputs[i] for i in kept]
            branches.append(builder.finish(body.name, names, [made[body.outputs[i]] for i in left]))
        return Cond(branches), [0, *[1 + i for i in kept]], left

    def joined(
        self, operands: Sequence[int], other: Operation, others: Sequence[int], results: Sequence[int]
    ) -> Joined | None:
        """One choice that does the work of two by the same number; what they have in common is done once."""
        same_number = isinstance(other, Cond) and operands[0] == others[0]
        depends = not set(results).isdisjoint(others)
        if not same_number or depends or len(self.bodies) != len(other.bodies):
            return None
        slots = list(dict.fromkeys([*operands[1:], *others[1:]]))
        arrays = {slots.index(slot) for i, slot in enumerate(operands[1:]) if i in self.bodies[0].arrays}
        arrays |= {slots.index(slot) for i, slot in enumerate(others[1:]) if i in other.bodies[0].arrays}
        names = dict(zip(others[1:], other.bodies[0].inputs)) | dict(zip(operands[1:], self.bodies[0].inputs))
        branches = []
        for body, second in zip(self.bodies, other.bodies):
            builder = Builder()
            inputs = {slot: builder.input(i in arrays) for i, slot in enumerate(slots)}
            outputs: list[int] = []
            for code, places in ((body, operands), (second, others)):
                made = builder.replay(code, [inputs[slot] for slot in places[1:]])
                outputs += [made[output] for output in code.outputs]
            labels = distinct([names[slot] for slot in slots])
            branches.append(builder.finish(body.name, labels, outputs))
        own = self.result_count
        return Joined(
            Cond(branches),
            (operands[0], *slots),
            list(range(own)),
            list(range(own, own + other.result_count)),
        )

    def with_bodies(self, bodies: Sequence[Code]) -> Cond:
        """The choice between other branches with the same inputs and outputs."""
        return Cond(bodies)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Cond, (self.bodies,)


def is_selectable(operation: Operation) -> bool:
    """Whether every branch of a choice may be computed, and the results chosen between by `where`."""
    return isinstance(operation, Cond) and all(
        inner.is_builtin and (isinstance(inner, Cond) or not inner.takes_arrays)
        for body in operation.bodies
        for inner in body.operations()
    )


def _selected(condition: Any, new: Any, old: Any) -> Any:
    """One of two numbers, or of two sequences of numbers."""
    if isinstance(new, (list, tuple, np.ndarray)):
        return [table.where(condition, *pair) for pair in zip(new, old)]
    return table.where(condition, new, old)
