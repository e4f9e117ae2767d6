"""The derivatives of loops: each is a loop, of a body that is the derivative of the other's body.

Forward: the tangents are carried beside the carries. Reverse: a loop repeats the steps and keeps the
carries that each began with; another goes back over them and carries the adjoints, and what those of the
shared numbers add up to (A. Griewank and A. Walther, Evaluating Derivatives, 2008, chapter 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autograd.derivatives import sweeps
from autograd.graph.nodes import is_array, is_node, kinds, number
from autograd.graph.value import Value
from autograd.graph.walks import applications
from autograd.primitives.operation import Operation
from autograd.programs.code import Code
from autograd.programs.loops.joining import leading_to
from autograd.programs.loops.packing import Length, Put, length
from autograd.programs.loops.reverse.presence import flags_of
from autograd.programs.loops.reverse.residuals import with_residuals
from autograd.programs.loops.reverse.revolve import Policy
from autograd.programs.tracing import LinesOfNodes, written
from autograd.support.user_line import warn_user

if TYPE_CHECKING:
    from autograd.programs.control.repeating import While
    from autograd.programs.loops.loop import Loop

__all__ = [
    "Mask",
    "depending_on",
    "having",
    "is_zero",
    "lengths_of",
    "like",
    "lines_of",
    "nothing_like",
    "pull",
    "push",
    "results_of",
]

Mask = tuple[bool, ...]
MOST_BYTES = 1 << 30  # of carries that are kept without being told to


def push(loop: Loop | While, inputs: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """The tangents of a loop's results: see `Operation.push`."""
    count, *operands = inputs
    along = tangents[1:]
    present = tuple([not is_zero(tangent) for tangent in along])
    pushed = _pushed(loop, present, lengths_of(loop.body, operands), lines_of(loop.body))
    if pushed is None:
        return [None] * loop.result_count
    starts, columns, shared = loop.split(operands)
    by_starts, by_columns, by_shared = loop.split(along)
    everything = [
        *[count, *starts, *pushed.flags, *[_start(loop, by_starts[i], starts[i]) for i in pushed.carried]],
        *[*columns, *having(by_columns), *shared, *having(by_shared)],
    ]
    outcome = results_of(pushed.loop, [everything[place] for place in pushed.operands])
    tangents_of = dict(zip(pushed.results, outcome[len(outcome) - len(pushed.results) :]))
    return [tangents_of.get(place) for place in range(loop.result_count)]


def pull(
    loop: Loop | While, inputs: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
) -> list[Any]:
    """What the operands of a loop receive: see `Operation.pull`."""
    present = tuple([not is_zero(adjoint) for adjoint in adjoints])
    count, *operands = inputs
    needed = tuple(map(bool, wanted[1:]))
    pulled = _pulled(loop, present, needed, lengths_of(loop.body, operands), lines_of(loop.body))
    received: list[Any] = [None] * loop.arity
    if pulled is None:
        return received
    starts, columns, shared = loop.split(operands)
    keeping, kept_operands, places = pulled.keeping or (None, [], [])
    policy = _policy(loop, count, len(places))
    forward = [[*inputs, 0.0][place] for place in kept_operands]
    kept: dict[int, Any] = {}
    if keeping is not None and policy is None:
        last = results_of(keeping, forward)
        kept = dict(zip(places, last[keeping.carries :]))
        count = last[keeping.carries - 1] if loop.is_open else count
    sums = [nothing_like(loop, shared[i]) for i in pulled.sums]
    everything = [
        *[count, *pulled.flags, *[_start(loop, adjoints[i], starts[i]) for i in pulled.carried], *sums],
        *[*map(kept.get, range(pulled.kept)), *columns, *having(adjoints[loop.carries :])],
        *[*shared, *[starts[i] for i in _arrays(loop)]],
    ]
    back = [everything[place] for place in pulled.operands]
    if keeping is not None and policy is not None:
        first = 1 + pulled.loop.carries
        of_known_length: Any = loop
        both = of_known_length.checkpointed(keeping, pulled.loop, policy)
        terms = results_of(both, [*forward, *back[1:first], *back[first + len(places) :]])
    else:
        terms = results_of(pulled.loop, back)
    for place, term in zip(pulled.receivers, terms[len(terms) - len(pulled.receivers) :]):
        if wanted[1 + place]:
            received[1 + place] = term
    return received


class _Pushed(NamedTuple):
    """The loop of tangents.

    Attributes:
        loop: the loop. Its last results are the tangents.
        operands: which it takes of: the count, the carries, flags, tangents, columns, their tangents, what
            is shared, its tangents.
        flags: the first flags: see `presence`.
        carried: the carries that have tangents.
        results: which results of the other loop its tangents are of.
    """

    loop: Loop | While
    operands: list[int]
    flags: list[float]
    carried: list[int]
    results: list[int]


@lru_cache(maxsize=256)
def _pushed(loop: Loop | While, present: Mask, lengths: tuple[int, ...], _: Any) -> _Pushed | None:
    body, carries = loop.body, loop.carries
    dependent = depending_on(body, carries, [i for i, has in enumerate(present) if has])
    carried = [i for i in range(carries) if body.outputs[i] in dependent or i in dependent]
    results = [i for i, output in enumerate(body.outputs) if output in dependent or i in carried]
    if not results:
        return None
    inputs = [like(body, i, lengths) for i in range(len(body.inputs))]
    starts, columns, shared = loop.split(inputs)
    seeds = {i: like(body, i, lengths) for i in range(len(body.inputs)) if present[i] or i in carried}
    by_starts = [seeds[i] for i in carried]
    by_columns = [seeds[i] for i in range(carries, carries + loop.columns) if present[i]]
    by_shared = [seeds[i] for i in range(carries + loop.columns, len(inputs)) if present[i]]
    flags = flags_of(loop, present, carried, _outputs_of, _inputs_of)
    are_there = flags.inputs()

    def compute(lines: LinesOfNodes) -> list[Any]:
        slots = lines.repeated(body, inputs)
        outputs = [slots[output] for output in body.outputs]
        applied = applications(*filter(is_node, outputs), stop=inputs)
        pairs = [(inputs[i], flags.guarded(i, seed, are_there)) for i, seed in seeds.items()]
        tangents = sweeps.forward(applied, pairs, outputs, lift=True)
        return [*outputs[:carries], *flags.following(are_there), *[tangents[i] for i in results]]

    everything = [*starts, *are_there, *by_starts, *columns, *by_columns, *shared, *by_shared]
    code, _captured = written(f"{body.name}_tangents", everything, compute)
    width = carries + len(are_there)
    made = loop.like(code, width + len(carried), loop.columns + len(by_columns))
    shorter, operands, _left = made.pruned([False] * width + [True] * len(results))
    return _Pushed(shorter, operands, flags.starts, carried, results)


class _Pulled(NamedTuple):
    """The loops of the reverse.

    Attributes:
        loop: the loop that goes back.
        operands: which it takes of: the count, flags, the adjoints of carries, sums, what is kept, the
            columns, the adjoints of the ys, what is shared.
        flags: the first flags: see `presence`.
        carried: the carries that have adjoints.
        sums: the shared operands that receive something.
        kept: how much might be kept: carries, and residuals.
        receivers: which operands of the other loop's body receive its last results.
        keeping: the loop that keeps them, which operands of the other loop it takes, and which of them it
            keeps; None where none are needed.
    """

    loop: Loop
    operands: list[int]
    flags: list[float]
    carried: list[int]
    sums: list[int]
    kept: int
    receivers: list[int]
    keeping: tuple[Loop | While, list[int], list[int]] | None


@lru_cache(maxsize=256)
def _pulled(
    loop: Loop | While, present: Mask, wanted: Mask, lengths: tuple[int, ...], _: Any
) -> _Pulled | None:
    body, carries = loop.body, loop.carries
    width = carries + loop.columns
    following = depending_on(body, carries, [i for i, want in enumerate(wanted) if want])
    leading = leading_to(body, carries, [i for i, has in enumerate(present) if has])
    reached = leading & following
    carried = [i for i in range(carries) if i in following and (i in leading or present[i])]
    received = [i for i in range(carries, len(wanted)) if wanted[i] and i in reached]
    if not received and not any(wanted[i] for i in carried):
        return None
    inputs = [like(body, i, lengths) for i in range(len(body.inputs))]
    starts, columns, shared = loop.split(inputs)
    adjoints = [like(body, i, lengths) for i in carried]
    sums = [like(body, i, lengths) for i in received if i >= width]
    by_ys = [Value(0.5, f"adjoint_of_y{i}") for i, has in enumerate(present[carries:]) if has]
    flags = flags_of(loop, present, carried, _inputs_of, _outputs_of)
    are_there = flags.inputs()

    def compute(lines: LinesOfNodes) -> list[Any]:
        slots = lines.repeated(body, inputs)
        outputs = [slots[output] for output in body.outputs]
        targets = [*carried, *[i for i, has in enumerate(present) if has and i >= carries]]
        received_by = [flags.guarded(i, each, are_there) for i, each in zip(targets, [*adjoints, *by_ys])]
        seeds = [(outputs[i], seed) for i, seed in zip(targets, received_by) if is_node(outputs[i])]
        applied = applications(*[output for output, _ in seeds], stop=inputs)
        ends = [inputs[i] for i in [*carried, *received]]
        terms = sweeps.reverse(applied, seeds, ends, lift=True)
        own, others = terms[: len(carried)], dict(zip(received, terms[len(carried) :]))
        added = [
            total if is_zero(others[i]) else total + others[i]
            for total, i in zip(sums, [i for i in received if i >= width])
        ]
        return [*flags.following(are_there), *own, *added, *[others[i] for i in received if i < width]]

    kept = [starts[i] for i in _numbers(loop)]
    arrays = [starts[i] for i in _arrays(loop)]  # of an array that is carried nothing else is needed
    code, _captured = written(
        f"{body.name}_adjoints",
        [*are_there, *adjoints, *sums, *kept, *columns, *by_ys, *shared, *arrays],
        compute,
    )
    _check_lengths(code, len(arrays))
    first = len(are_there) + len(adjoints) + len(sums)
    numbers = _numbers(loop)
    same = [*[None] * first, *numbers, *range(carries, width), *[None] * len(by_ys)]
    same += [*range(width, len(inputs)), *[None] * len(arrays)]
    step, code, residuals = with_residuals(body, code, same, first + len(kept), 2 * len(kept))
    columns_of = len(kept) + residuals + loop.columns + len(by_ys)
    made = loop.backward(code, first, columns_of)
    needed_results = [place >= len(are_there) for place in range(made.result_count)]
    shorter, operands, _left = made.pruned(needed_results)
    to_keep = [*numbers, *step.outputs[len(body.outputs) :]]
    places = [place - 1 - first for place in operands if 0 <= place - 1 - first < len(to_keep)]
    keeping = _keeping(loop, step, [to_keep[place] for place in places])
    receivers = [*carried, *[i for i in received if i >= width], *[i for i in received if i < width]]
    summed = [i - width for i in received if i >= width]
    kept_by = None if keeping is None else (*keeping, places)
    return _Pulled(shorter, operands, flags.starts, carried, summed, len(to_keep), receivers, kept_by)


def _outputs_of(body: Code, inputs: Iterable[int]) -> set[int]:
    """The outputs of a body that depend on inputs in the same step, by their places."""
    dependent = depending_on(body, 0, inputs)
    return {place for place, output in enumerate(body.outputs) if output in dependent}


def _inputs_of(body: Code, outputs: Iterable[int]) -> set[int]:
    """The inputs of a body that outputs depend on in the same step, and slots that they also need."""
    return leading_to(body, 0, outputs)


def _policy(loop: Loop | While, count: Any, kept: int) -> Policy:
    """Which carries the reverse of a loop keeps; says so where too many would be kept otherwise."""
    if loop.is_open or loop.checkpoint is not None or 8 * number(count) * kept <= MOST_BYTES:
        return loop.checkpoint
    _say(loop.body.name, int(number(count)), kept)
    return "sqrt"


@lru_cache(maxsize=256)
def _say(name: str, steps: int, kept: int) -> None:
    warn_user(
        f"the reverse of {name}, a loop of {steps} steps, would keep {8 * steps * kept >> 30} GiB of its "
        "carries. It keeps those of some steps only, and computes the others again, as with "
        'checkpoint="sqrt": give scan or fori_loop the checkpoint= that you want'
    )


def _numbers(loop: Loop | While) -> list[int]:
    """The carries that are numbers."""
    return [i for i in range(loop.carries) if i not in loop.body.arrays]


def _arrays(loop: Loop | While) -> list[int]:
    """The carries that are arrays: sums of derivatives, each as long at every step."""
    return [i for i in range(loop.carries) if i in loop.body.arrays]


def _check_lengths(code: Code, count: int) -> None:
    """Raise where code reads more than the lengths of the last so many of its inputs."""
    places = range(len(code.inputs) - count, len(code.inputs))
    for operation, operands, *_ in code.instructions:
        read = operands[:-1] if isinstance(operation, (Put, Length)) else operands  # the last for its length
        if any(operand in places for operand in read):
            raise TypeError(
                f"{code.name} would need the elements of an array at each step, which are not kept"
            )


def _keeping(loop: Loop | While, step: Code, kept: list[int]) -> tuple[Loop | While, list[int]] | None:
    """A loop that keeps these slots of a step, and which operands of the other it takes."""
    if not kept and not loop.is_open:
        return None
    carries = loop.carries
    outputs = [*step.outputs[:carries], *kept]
    code = Code(step.name, step.inputs, step.constants, step.instructions, outputs, step.arrays)
    made, order = loop.keeping(code)
    shorter, operands, _left = made.pruned([False] * carries + [True] * (made.result_count - carries))
    return shorter, [order[place] for place in operands]


def depending_on(code: Code, carries: int, inputs: Iterable[int]) -> set[int]:
    """The slots of a loop's body that depend on inputs, in the same step or by way of carries."""
    applied: Any = [instruction[:3] for instruction in code.instructions]
    started = set(inputs)
    while True:
        dependent: set[int] = sweeps.dependent_on(started, applied)
        reached = {i for i in range(carries) if code.outputs[i] in dependent} - started
        if not reached:
            return dependent
        started |= reached


def lengths_of(body: Code, operands: Sequence[Any]) -> tuple[int, ...]:
    """How long the arrays among the inputs of a body are, in order."""
    arrays: list[Any] = [operands[place] for place in sorted(body.arrays)]
    return tuple([len(array._number if is_node(array) else array) for array in arrays])


def like(body: Code, place: int, lengths: tuple[int, ...]) -> Any:
    """A leaf that stands for an input of a body, or for its derivative."""
    if place not in body.arrays:
        return Value(0.5, body.inputs[place])
    leaf = kinds[np.ndarray](np.zeros(lengths[sorted(body.arrays).index(place)]))
    leaf.label = body.inputs[place]
    return leaf


def lines_of(body: Code) -> tuple[Any, ...]:
    """What a body's derivative has from it beside what it says: its lines, for messages."""
    return tuple([instruction.line for instruction in body.instructions])


def is_zero(derivative: Any) -> bool:
    """Whether there is none."""
    return derivative is None or (type(derivative) is float and derivative == 0.0)


def having(derivatives: Sequence[Any]) -> list[Any]:
    """Those of some derivatives that are there."""
    return [derivative for derivative in derivatives if not is_zero(derivative)]


def results_of(operation: Operation, operands: Sequence[Any]) -> tuple[Any, ...]:
    """What an operation makes of operands, a tuple also where it is one result."""
    results = operation(*operands)
    return (results,) if operation.result_count == 1 else results


def _start(loop: Loop | While, derivative: Any, carry: Any) -> Any:
    """What the derivative of a carry begins with: zeros of its kind where there is none."""
    return nothing_like(loop, carry) if is_zero(derivative) else derivative


def nothing_like(loop: Loop | While | type[Loop], operand: Any) -> Any:
    """What a sum begins with: 0, or zeros where the operand is an array."""
    if is_node(operand) and is_array(operand):
        return loop.filling()(length(operand), 0.0)
    return np.zeros(len(operand)) if isinstance(operand, np.ndarray) else 0.0
