"""The largest error of every output of a primitive, for any number of contestants at the same points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from benchmarks.accuracy.exact import exact, keys
from benchmarks.accuracy.limits import exception_at, is_ordinary
from benchmarks.accuracy.points import Point, around
from benchmarks.accuracy.ulp import errors, rounded

__all__ = ["Place", "Run", "Worst", "measured", "searched"]

# What a contestant returns: for columns of operands a row for each of `exact.keys`, or for fewer of them.
Run = Callable[[Sequence[np.ndarray]], np.ndarray]

KEPT = 12  # worst points of an output, around which the search goes on
NEARBY = 40  # points around each of them
ROUNDS = 3


class Place(NamedTuple):
    """Whose errors are compared: an output, where an exception holds ("" for none), by a contestant."""

    key: str
    reason: str
    contestant: str


class Worst(NamedTuple):
    """An error in units in the last place, and where it was found."""

    ulp: float
    at: Point


def measured(name: str, points: Sequence[Point], contestants: Mapping[str, Run]) -> dict[Place, list[Worst]]:
    """The errors over some points.

    Args:
        name: of the primitive that the contestants compute.
        points: where.
        contestants: by name.

    Returns:
        A few of the largest errors, the largest first.
    """
    truths = [exact(name, point) for point in points]
    plain = [{key: float(number) for key, number in truth.items()} for truth in truths]
    columns = [np.array(column) for column in zip(*points)]
    results = {contestant: run(columns) for contestant, run in contestants.items()}
    worst = {}
    for row, key in enumerate(keys(len(columns))):
        groups: dict[str, list[int]] = {}
        for i, truth in enumerate(plain):
            if key in truth and (not key or _is_counted(truths[i][key])):
                groups.setdefault(exception_at(name, key, points[i], truth), []).append(i)
        for reason, members in groups.items():
            true = rounded(truths[i][key] for i in members)
            for contestant, result in results.items():
                if row < len(result):
                    off = errors(result[row][members], true)
                    largest = np.argsort(-off, kind="stable")[:KEPT]
                    worst[Place(key, reason, contestant)] = [
                        Worst(float(off[i]), points[members[i]]) for i in largest
                    ]
    return worst


def _is_counted(number: Any) -> bool:
    """Whether an exact derivative is 0 or a normal double, and not so small that it rounds to 0."""
    return is_ordinary(float(number)) and (float(number) != 0.0 or number == 0)


def searched(name: str, points: Sequence[Point], contestants: Mapping[str, Run]) -> dict[Place, list[Worst]]:
    """The errors over some points, and around the worst of them; the same as from `measured`."""
    best = measured(name, points, contestants)
    for turn in range(ROUNDS):
        worst = sorted({entry.at for entries in best.values() for entry in entries})
        nearby = list(chain.from_iterable(around(name, point, NEARBY, turn) for point in worst))
        for place, more in measured(name, nearby, contestants).items():
            every = {*best.get(place, []), *more}
            best[place] = sorted(every, key=lambda entry: (-entry.ulp, entry.at))[:KEPT]
    return best
