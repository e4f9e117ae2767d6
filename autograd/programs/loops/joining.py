"""Loops with less in them: what nobody needs is dropped, and two loops become one."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from autograd.programs.code import Code, distinct
from autograd.programs.simplification import Builder

if TYPE_CHECKING:
    from autograd.programs.loops.loop import Loop

__all__ = ["fewer", "joined", "leading_to", "pruned"]

LONGEST = 2000  # instructions of a body; a longer one takes long to compile


def leading_to(code: Code, carries: int, outputs: Iterable[int]) -> set[int]:
    """The slots that outputs of a loop's body depend on, in the same step or by way of the next ones.

    Args:
        code: the body.
        carries: how many of its inputs are carried.
        outputs: the outputs, by their places. The carries that lead to them count as outputs too.
    """
    needed = {code.outputs[output] for output in outputs}
    while True:
        for instruction in reversed(code.instructions):
            if not needed.isdisjoint(instruction.results):
                needed.update(instruction.operands)
        size = len(needed)
        needed.update([code.outputs[i] for i in range(carries) if i in needed])
        if len(needed) == size:
            return needed


def pruned(loop: Loop, needed: Sequence[bool]) -> tuple[Loop, list[int], list[int]]:
    """A loop with those of its results that are needed, and whatever they need.

    Returns:
        The loop; which operands of the other one it takes; which results of the other one it has.
    """
    body, carries = loop.body, loop.carries
    needed = [bool(need) for need in needed]
    wanted = [place for place, need in enumerate(needed) if need]
    used = leading_to(body, carries, wanted)
    left = [
        place for place in range(loop.result_count) if needed[place] or (place < carries and place in used)
    ]
    used |= {place for place in left if place < carries}
    kept = [place for place in range(len(body.inputs)) if place in used]
    code = narrowed(body, kept, [body.outputs[place] for place in left], used)
    shorter = loop.like(
        code,
        sum(place < carries for place in left),
        sum(carries <= place < carries + loop.columns for place in kept),
    )
    return shorter, [0, *(1 + place for place in kept)], left


def narrowed(
    code: Code,
    kept: Sequence[int],
    outputs: Sequence[int],
    used: set[int] | None = None,
    names: Sequence[str] | None = None,
) -> Code:
    """Code of some of its inputs, with these slots for outputs.

    Args:
        code: the code.
        kept: the inputs that the outputs need, and others that are to stay, by their places.
        outputs: slots.
        used: the slots that the outputs need; all where it does not say.
        names: what the inputs are called, if not as before.
    """
    builder = Builder()
    slots = [-1] * len(code.inputs)
    for place in kept:
        slots[place] = builder.input(place in code.arrays)
    slots = builder.replay(code, slots, used)
    names = [code.inputs[place] for place in kept] if names is None else names
    return builder.finish(code.name, names, [slots[output] for output in outputs])


def fewer(code: Code, outputs: Sequence[int]) -> Code:
    """Code of the same inputs with these slots for outputs, and only what they need."""
    return narrowed(code, range(len(code.inputs)), outputs)


def joined(
    first: Loop, operands: Sequence[int], second: Loop, others: Sequence[int], results: Sequence[int]
) -> tuple[Loop, tuple[int, ...], list[int], list[int]] | None:
    """One loop for two over the same steps: see `Loop.joined`."""
    if (
        operands[0] != others[0]
        or (first.is_reversed, first.checkpoint) != (second.is_reversed, second.checkpoint)
        or len(first.body) + len(second.body) > LONGEST
    ):
        return None
    starts, columns, shared = first.split(operands[1:])
    other_starts, other_columns, other_shared = second.split(others[1:])
    # What the first loop stacks the second may go along: a step of it has the element at once.
    stacked = {results[i]: i for i in first.stacked}
    if any(slot in results and slot not in stacked for slot in others) or not stacked.keys().isdisjoint(
        [*other_starts, *other_shared]
    ):
        return None
    along = [slot for slot in other_columns if slot not in stacked]
    twins = _twins(first, second, [starts, columns, shared], [other_starts, other_columns, other_shared])
    fresh = [j for j in range(second.carries) if j not in twins]
    all_columns = list(dict.fromkeys([*columns, *along]))
    all_shared = list(dict.fromkeys([*shared, *other_shared]))
    arrays = _arrays(first, second, fresh)
    builder = Builder()
    carried = [builder.input(array) for array in arrays]
    column_at = {slot: builder.input() for slot in all_columns}
    array_slots = _shared_arrays(first, shared) | _shared_arrays(second, other_shared)
    shared_at = {slot: builder.input(slot in array_slots) for slot in all_shared}
    place = {j: twins[j] if j in twins else first.carries + fresh.index(j) for j in range(second.carries)}
    own = builder.replay(
        first.body,
        [*carried[: first.carries], *[column_at[slot] for slot in columns], *[shared_at[s] for s in shared]],
    )
    column_at |= {slot: own[first.body.outputs[i]] for slot, i in stacked.items()}
    theirs = builder.replay(
        second.body,
        [
            *[carried[place[j]] for j in range(second.carries)],
            *[column_at[slot] for slot in other_columns],
            *[shared_at[slot] for slot in other_shared],
        ],
    )
    nexts = [own[output] for output in first.body.outputs[: first.carries]]
    nexts += [theirs[second.body.outputs[j]] for j in fresh]
    ys = [own[output] for output in first.body.outputs[first.carries :]]
    y_place = {slot: len(nexts) + i for i, slot in reversed(list(enumerate(ys)))}
    other_places = [place[j] for j in range(second.carries)]
    for output in second.body.outputs[second.carries :]:
        slot = theirs[output]
        if slot not in y_place:
            y_place[slot] = len(nexts) + len(ys)
            ys.append(slot)
        other_places.append(y_place[slot])
    names = _names(first, second, fresh, [columns, shared], [other_columns, other_shared], stacked)
    code = builder.finish(first.body.name, names, [*nexts, *ys])
    loop = first.like(code, len(nexts), len(all_columns))
    all_operands = (operands[0], *starts, *[other_starts[j] for j in fresh], *all_columns, *all_shared)
    own_places = [*range(first.carries)]
    own_places += [len(nexts) + i for i in range(first.result_count - first.carries)]
    return loop, all_operands, own_places, other_places


def _arrays(first: Loop, second: Loop, fresh: Sequence[int]) -> list[bool]:
    own = [i in first.body.arrays for i in range(first.carries)]
    return own + [j in second.body.arrays for j in fresh]


def _shared_arrays(loop: Loop, shared: Sequence[int]) -> set[int]:
    width = loop.carries + loop.columns
    return {slot for i, slot in enumerate(shared, width) if i in loop.body.arrays}


def _names(
    first: Loop,
    second: Loop,
    fresh: Sequence[int],
    own: Sequence[list[int]],
    theirs: Sequence[list[int]],
    stacked: Container[int],
) -> list[str]:
    """A name for each input of the joined body, none of them twice."""
    names = [*first.body.inputs[: first.carries], *[second.body.inputs[j] for j in fresh]]
    groups: list[dict[int, str]] = [{}, {}]
    for loop, (columns, shared) in ((first, own), (second, theirs)):
        _, column_names, shared_names = loop.split(loop.body.inputs)
        for group, slots, called in zip(groups, (columns, shared), (column_names, shared_names)):
            for slot, name in zip(slots, called):
                if slot not in stacked:
                    group.setdefault(slot, name)
    names += [*groups[0].values(), *groups[1].values()]
    return distinct(names)


def _twins(
    first: Loop, second: Loop, own: Sequence[list[int]], theirs: Sequence[list[int]]
) -> dict[int, int]:
    """The carries of the second loop that are one of the first's at every step.

    All that start alike are taken for the same, and told apart where their next ones then differ, until
    no more are (J. Hopcroft's way with the states of automata).
    """
    (starts, columns, shared), (other_starts, other_columns, other_shared) = own, theirs
    groups: list[Any] = [*starts, *other_starts]
    while True:
        builder = Builder()
        made: dict[Any, int] = {}

        def input_of(key: Any, made: dict[Any, int] = made, builder: Builder = builder) -> int:
            if key not in made:
                made[key] = builder.input()
            return made[key]

        carried = [input_of(("carry", group)) for group in groups]
        slots = builder.replay(
            first.body,
            [
                *carried[: first.carries],
                *[input_of(("column", slot)) for slot in columns],
                *[input_of(("shared", slot)) for slot in shared],
            ],
        )
        nexts = [slots[output] for output in first.body.outputs[: first.carries]]
        slots = builder.replay(
            second.body,
            [
                *carried[first.carries :],
                *[input_of(("column", slot)) for slot in other_columns],
                *[input_of(("shared", slot)) for slot in other_shared],
            ],
        )
        nexts += [slots[output] for output in second.body.outputs[: second.carries]]
        refined = list(zip(groups, nexts))
        numbers = {pair: i for i, pair in enumerate(dict.fromkeys(refined))}
        if len(numbers) == len(set(groups)):
            break
        groups = [numbers[pair] for pair in refined]
    representative: dict[Any, int] = {}
    for i in range(first.carries):
        representative.setdefault(groups[i], i)
    twin_of = {j: representative.get(groups[first.carries + j]) for j in range(second.carries)}
    return {j: i for j, i in twin_of.items() if i is not None}
