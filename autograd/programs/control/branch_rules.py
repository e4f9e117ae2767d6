"""The derivatives of choices: each is a choice by the same number, between the branches' derivatives.

The branch that is chosen is computed again where its derivative needs what it computed. An operand that it
does not use receives exactly 0 from it, whatever the derivatives of the other branches are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autograd.derivatives import sweeps
from autograd.derivatives.guards import Guarded
from autograd.graph.nodes import is_node, kinds
from autograd.graph.value import Value
from autograd.graph.walks import applications
from autograd.primitives import table
from autograd.programs.code import Code
from autograd.programs.loops.joining import leading_to
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.loop_rules import (
    Mask,
    depending_on,
    having,
    is_zero,
    lengths_of,
    like,
    lines_of,
    nothing_like,
    results_of,
)
from autograd.programs.tracing import LinesOfNodes, written

if TYPE_CHECKING:
    from autograd.programs.control.branching import Cond

__all__ = ["place_of", "pull", "push"]


class _Derived(NamedTuple):
    """A choice between the derivatives of branches.

    Attributes:
        operation: the choice.
        operands: which it takes of: the number, the operands of the branches, the derivatives given.
        receivers: what its results are the derivatives of, by their places.
        using: for each of these in which branches there is a derivative at all.
    """

    operation: Cond
    operands: list[int]
    receivers: list[int]
    using: list[tuple[bool, ...]]


def push(cond: Cond, inputs: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """The tangents of a choice's results: see `Operation.push`."""
    along = tangents[1:]
    given = tuple([not is_zero(tangent) for tangent in along])
    pushed = _pushed(cond, given, lengths_of(cond.bodies[0], inputs[1:]), _lines(cond))
    return _received(pushed, inputs, along, cond.result_count)


def pull(cond: Cond, inputs: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]) -> list[Any]:
    """What the operands of a choice receive: see `Operation.pull`."""
    given = tuple([None if is_zero(adjoint) else np.shape(adjoint) for adjoint in adjoints])
    lengths = lengths_of(cond.bodies[0], inputs[1:])
    pulled = _pulled(cond, given, tuple(map(bool, wanted[1:])), lengths, _lines(cond))
    return [None, *_received(pulled, inputs, adjoints, cond.arity - 1)]


def place_of(index: float, count: int) -> int:
    """Which of so many branches a number chooses: see `Cond`."""
    return int(min(index, count - 1.0)) if index >= 1.0 else 0


def _received(
    derived: _Derived | None, inputs: Sequence[Any], derivatives: Sequence[Any], count: int
) -> list[Any]:
    """The derivatives that a choice between derivatives makes of some, each in its place of so many."""
    received: list[Any] = [None] * count
    if derived is not None:
        everything = [*inputs, *having(derivatives)]
        results = results_of(derived.operation, [everything[place] for place in derived.operands])
        conditions: dict[tuple[bool, ...], Any] = {}
        for place, result, using in zip(derived.receivers, results, derived.using):
            received[place] = _where_used(inputs[0], result, using, conditions)
    return received


def _where_used(index: Any, derivative: Any, using: tuple[bool, ...], conditions: dict[Any, Any]) -> Any:
    """A derivative where the branch that is chosen has one; conditions are kept by what they are of."""
    if all(using):
        return derivative
    if type(index) is float:
        return derivative if using[place_of(index, len(using))] else None
    if using not in conditions:
        condition: Any = float(using[0])
        for place, uses in enumerate(using[1:], 1):
            condition = table.where(table.less_equal(float(place), index), float(uses), condition)
        conditions[using] = condition
    return Guarded(derivative, ((conditions[using], True),))


@lru_cache(maxsize=256)
def _pushed(cond: Cond, given: Mask, lengths: tuple[int, ...], _: Any) -> _Derived | None:
    seeded = [i for i, has in enumerate(given) if has]
    reached = [depending_on(body, 0, seeded) for body in cond.bodies]
    receivers = [
        place
        for place in range(cond.result_count)
        if any(body.outputs[place] in slots for body, slots in zip(cond.bodies, reached))
    ]

    def derived(body: Code) -> Code:
        inputs = [like(body, i, lengths) for i in range(len(body.inputs))]
        seeds = [like(body, i, lengths) for i in seeded]

        def compute(lines: LinesOfNodes) -> list[Any]:
            slots = lines.repeated(body, inputs)
            outputs = [slots[body.outputs[place]] for place in receivers]
            applied = applications(*filter(is_node, outputs), stop=inputs)
            pairs = [(inputs[i], seed) for i, seed in zip(seeded, seeds)]
            return _filled(sweeps.forward(applied, pairs, outputs, lift=True), outputs)

        return written(f"{body.name}_tangents", [*inputs, *seeds], compute)[0]

    using = [
        tuple([body.outputs[place] in slots for body, slots in zip(cond.bodies, reached)])
        for place in receivers
    ]
    return _between(cond, derived, receivers, using)


@lru_cache(maxsize=256)
def _pulled(
    cond: Cond, given: tuple[Any, ...], wanted: Mask, lengths: tuple[int, ...], _: Any
) -> _Derived | None:
    targets = [i for i, has in enumerate(given) if has is not None]
    asked_for = [i for i, want in enumerate(wanted) if want]
    reached = []
    for body in cond.bodies:
        followed = depending_on(body, 0, asked_for)
        led = leading_to(body, 0, [place for place in targets if body.outputs[place] in followed])
        reached.append(led.intersection(asked_for))
    receivers = sorted(set().union(*reached))

    def derived(body: Code) -> Code:
        inputs = [like(body, i, lengths) for i in range(len(body.inputs))]
        seeds = [_adjoint(place, given[place]) for place in targets]

        def compute(lines: LinesOfNodes) -> list[Any]:
            slots = lines.repeated(body, inputs)
            outputs = [slots[body.outputs[place]] for place in targets]
            pairs = [(output, seed) for output, seed in zip(outputs, seeds) if is_node(output)]
            applied = applications(*[output for output, _ in pairs], stop=inputs)
            ends = [inputs[i] for i in receivers]
            return _filled(sweeps.reverse(applied, pairs, ends, lift=True), ends)

        return written(f"{body.name}_adjoints", [*inputs, *seeds], compute)[0]

    using = [tuple([i in places for places in reached]) for i in receivers]
    return _between(cond, derived, receivers, using)


def _between(
    cond: Cond, derived: Callable[[Code], Code], receivers: list[int], using: list[tuple[bool, ...]]
) -> _Derived | None:
    """The choice between what derives each branch; None where nothing has a derivative."""
    if not receivers:
        return None
    choice = type(cond)([derived(body) for body in cond.bodies])
    trimmed, operands, _ = choice.pruned([True] * len(receivers))
    return _Derived(trimmed, operands, receivers, using)


def _adjoint(place: int, shape: tuple[int, ...]) -> Any:
    """A leaf that stands for the adjoint of a result."""
    leaf = kinds[np.ndarray](np.zeros(shape)) if shape else Value(0.5)
    leaf.label = f"adjoint_of_{place}"
    return leaf


def _filled(derivatives: Sequence[Any], nodes: Sequence[Any]) -> list[Any]:
    """Derivatives by nodes, or of them, where arrays of zeros stand for those that are not there."""
    return [
        nothing_like(Loop, node) if is_zero(derivative) else derivative
        for derivative, node in zip(derivatives, nodes)
    ]


def _lines(cond: Cond) -> tuple[Any, ...]:
    return tuple(map(lines_of, cond.bodies))
