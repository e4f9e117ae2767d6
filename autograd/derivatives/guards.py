"""Guards: the condition under which a derivative is there at all, kept beside it while it is recorded.

What a `where` does not select receives nothing, so that nothing is multiplied by a derivative there that
may be inf or nan. On numbers a sweep sees which operand was selected. Where it records, what `where` hands
on keeps the condition as its guard, and costs nothing; through other operations the guard goes on with the
product. A selection is recorded only where derivatives of different guards are added up, and where one
leaves the sweep. What is absent adds -0.0, which changes no number, and leaves as 0.0, as the derivative
of what nothing reaches does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from autograd.graph.nodes import constant_node, is_array, is_node, number
from autograd.primitives.masked import unmasked
from autograd.primitives.operation import ABSENT, Operation
from autograd.primitives.primitive import Primitive
from autograd.primitives.table import where

__all__ = ["added", "is_present", "pulled_with_guards", "pushed_with_guards", "unguarded"]

Guard = tuple[tuple[Any, bool], ...]  # conditions, each with the side on which it must be; all must hold


class Guarded(NamedTuple):
    """A derivative that is there only under a condition.

    Attributes:
        derivative: the Value or number; it may be anything where the guard does not hold.
        guard: the condition.
        is_filled: whether it is -0.0 where the last of the guard's conditions, alone, does not hold.
    """

    derivative: Any
    guard: Guard
    is_filled: bool = False


def unguarded(derivative: Any) -> Any:
    """A derivative as a Value or number, 0.0 where its guard does not hold."""
    return _selected(derivative, 0, "0.0") if type(derivative) is Guarded else unmasked(derivative)


def is_present(derivative: Any) -> bool:
    """Whether a derivative is there, by the numbers that its guard's conditions have."""
    return derivative is not None and all(
        np.any(np.asarray(number(each), bool) == side) for each, side in _guard(derivative)
    )


def added(first: Any, second: Any) -> Any:
    """The sum of two derivatives, which is of those that are there, and there where one of them is."""
    if type(first) is not Guarded and type(second) is not Guarded:
        return first + second
    shared = _shared(_guard(first), _guard(second))
    rests = _guard(first)[shared:], _guard(second)[shared:]
    guard = _either(_guard(first), _guard(second))
    if not rests[0] and not rests[1]:
        return _guarded(_derivative(first) + _derivative(second), guard)
    if _are_two_sides(*rests):
        (condition, side), *_ = rests[0]
        chosen = (first, second) if side else (second, first)
        return _guarded(_where(condition, *[_whole(_derivative(each)) for each in chosen]), guard)
    total = _selected(first, shared, "-0.0") + _selected(second, shared, "-0.0")
    return Guarded(total, guard, True) if rests[0] and rests[1] else _guarded(total, guard)


def pulled_with_guards(
    pull: Callable[..., Sequence[Any]],
    operation: Operation,
    operands: Sequence[Any],
    results: Sequence[Any],
    adjoints: Sequence[Any],
    wanted: Sequence[bool],
) -> Sequence[Any]:
    """What each operand of an operation receives, by a chain rule that knows no guards."""
    if operation is where:
        return _of_choice(operands, adjoints[0], wanted)
    if operation.choice is not None:
        return _of_choice_of_arrays(operation, operands, results, adjoints[0], wanted)
    if Guarded not in map(type, adjoints):
        return pull(operation, operands, results, adjoints, wanted)
    if operation.takes_arrays and not _serves_all(operation, adjoints, wanted):
        return _of_arrays(operation, operands, results, adjoints, wanted)
    guard = reduce(_either, [_guard(adjoint) for adjoint in adjoints if adjoint is not None])
    plain = [_derivative(adjoint) for adjoint in adjoints] if len(adjoints) == 1 else map(unguarded, adjoints)
    terms = pull(operation, operands, results, list(plain), wanted)
    return [None if term is None else _guarded(term, guard) for term in terms]


def _serves_all(operation: Operation, adjoints: Sequence[Any], wanted: Sequence[bool]) -> bool:
    """Whether one guard of an operation's results serves for all that its operands receive."""
    if operation.moves and len(adjoints) > 1:
        return False
    conditions = [condition for adjoint in adjoints for condition, _ in _guard(adjoint)]
    if not any(_is_array(condition) for condition in conditions):
        return True
    return all(place in operation.aligned for place, want in enumerate(wanted) if want)


def _of_choice_of_arrays(
    operation: Operation,
    operands: Sequence[Any],
    results: Sequence[Any],
    adjoint: Any,
    wanted: Sequence[bool],
) -> list[Any]:
    """What the operands of a `where` of arrays receive: an array the adjoint, guarded; a number a sum."""
    places = operation.choice or ()
    along = [place is not None and place in operation.aligned and wanted[place] for place in places]
    chosen = [0.0 if place is None else operands[place] for place in places]
    terms: list[Any] = [None] * len(operands)
    for place, term in zip(places, _of_choice(chosen, adjoint, along)):
        if place is not None and term is not None:
            terms[place] = term if terms[place] is None else added(terms[place], term)
    rest = [want and place not in operation.aligned for place, want in enumerate(wanted)]
    if any(rest):
        summed = _of_arrays(operation, operands, results, [adjoint], rest)
        terms = [term if other is None else other for term, other in zip(terms, summed)]
    return terms


def _of_arrays(
    operation: Operation,
    operands: Sequence[Any],
    results: Sequence[Any],
    adjoints: Sequence[Any],
    wanted: Sequence[bool],
) -> list[Any]:
    """What the operands of an operation on arrays receive, whose adjoints' guards say it of each element."""
    masks = [_where(_as_one(_guard(each)), 1.0, 0.0) if _guard(each) else None for each in adjoints]
    filled = [ABSENT if adjoint is None else unguarded(adjoint) for adjoint in adjoints]
    received = operation.pull_masked(operands, results, filled, masks, wanted)
    return [
        term if term is None or mask is None else _guarded(term, ((mask, True),)) for term, mask in received
    ]


def pushed_with_guards(
    operation: Operation, operands: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]
) -> Sequence[Any]:
    """The tangent of each result of an operation, None where there is none."""
    if operation is where:
        return [_tangent_of_choice(operands, tangents)]
    if Guarded not in map(type, tangents):
        return operation.push(operands, results, tangents)
    guards = [_guard(tangent) for tangent in tangents if tangent is not None]
    if isinstance(operation, Primitive) and not all(_is_same(guard, guards[0]) for guard in guards):
        terms: list[Any] = []
        for i, tangent in enumerate(tangents):
            if tangent is not None:
                alone = [tangent if i == j else None for j in range(len(tangents))]
                terms += pushed_with_guards(operation, operands, results, alone)
        terms = [term for term in terms if term is not None]
        return [reduce(added, terms) if terms else None]
    plain = map(_derivative if isinstance(operation, Primitive) else unguarded, tangents)
    guard = reduce(_either, guards)
    pushed = operation.push(operands, results, list(plain))
    return [None if tangent is None else _guarded(tangent, guard) for tangent in pushed]


def _of_choice(operands: Sequence[Any], adjoint: Any, wanted: Sequence[bool]) -> list[Any]:
    """What the operands of a `where` receive: the adjoint, guarded; None where nothing can come."""
    condition = operands[0]
    guard = _guard(adjoint)
    sides = [side for each, side in guard if each is condition]
    if type(condition) is float:
        sides = [bool(condition)]
    terms: list[Any] = [None]
    for side, want in zip((True, False), wanted[1:]):
        if not want or (not side) in sides:
            terms.append(None)
        elif side in sides:
            terms.append(adjoint)
        else:
            terms.append(Guarded(_derivative(adjoint), (*guard, (condition, side))))
    return terms


def _tangent_of_choice(operands: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The tangent of what a `where` selects, there where that has one."""
    condition = operands[0]
    _, *choices = tangents
    if type(condition) is float:
        return choices[0 if condition else 1]
    kept = [
        Guarded(
            _derivative(tangent), ((condition, side), *_guard(tangent)), getattr(tangent, "is_filled", False)
        )
        for side, tangent in zip((True, False), choices)
        if tangent is not None
    ]
    return reduce(added, kept) if kept else None


def _derivative(derivative: Any) -> Any:
    return derivative.derivative if type(derivative) is Guarded else derivative


def _whole(derivative: Any) -> Any:
    """A derivative that is chosen as one; NumPy's array would be chosen element by element."""
    return constant_node(derivative) if isinstance(derivative, np.ndarray) else derivative


def _guard(derivative: Any) -> Guard:
    return derivative.guard if type(derivative) is Guarded else ()


def _guarded(derivative: Any, guard: Guard) -> Any:
    if type(derivative) is Guarded:  # of its own
        return Guarded(derivative.derivative, (*guard, *derivative.guard))
    return Guarded(derivative, guard) if guard else derivative


def _selected(derivative: Any, outer: int, absent: str) -> Any:
    """A derivative where its conditions from a place on hold, and elsewhere a number in its stead."""
    result, inner = _derivative(derivative), _guard(derivative)[outer:]
    if inner and derivative.is_filled and absent == "-0.0":
        inner = inner[:-1]
    for condition, side in reversed(inner):
        choices = (_whole(result), float(absent)) if side else (float(absent), _whole(result))
        result = _where(condition, *choices)
    return result


def _where(condition: Any, *choices: Any) -> Any:
    """`where` of derivatives: the elements of an array count, and not its shape."""
    return where(*[each._arranged((0,)) if _is_array(each) else each for each in (condition, *choices)])


def _is_array(each: Any) -> bool:
    return is_node(each) and is_array(each)


def _shared(first: Guard, second: Guard) -> int:
    """How many conditions two guards begin with alike: the same objects, whatever their numbers are."""
    for count, (ours, theirs) in enumerate(zip(first, second)):
        if ours[0] is not theirs[0] or ours[1] != theirs[1]:
            return count
    return min(len(first), len(second))


def _is_same(first: Guard, second: Guard) -> bool:
    return len(first) == len(second) == _shared(first, second)


def _are_two_sides(first: Guard, second: Guard) -> bool:
    """Whether two guards that have nothing in common begin with the two sides of one condition."""
    return bool(first and second) and first[0][0] is second[0][0]


def _either(first: Guard, second: Guard) -> Guard:
    """The guard that holds where one of two does."""
    shared = _shared(first, second)
    outer, rests = first[:shared], (first[shared:], second[shared:])
    if not rests[0] or not rests[1]:
        return outer
    if not _are_two_sides(*rests):
        return (*outer, (_where(_as_one(rests[0]), 1.0, _as_one(rests[1])), True))
    (condition, side), *_ = rests[0]
    inner = [_as_one(rest[1:]) for rest in (rests if side else rests[::-1])]
    if all(type(each) is float for each in inner):
        return outer
    return (*outer, (_where(condition, *inner), True))


def _as_one(guard: Guard) -> Any:
    """Conditions as one that holds where all do."""
    result: Any = 1.0
    for condition, side in reversed(guard):
        if side:
            result = condition if type(result) is float else _where(condition, result, 0.0)
        else:
            result = _where(condition, 0.0, result)
    return result
