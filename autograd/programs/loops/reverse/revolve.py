"""Which carries of a loop are kept for its reverse, and in which order the others are computed again.

A schedule holds carries in rows, the last in the row that was filled last. What lies behind the last row is
a segment: a short one is run once more, its carries kept, and gone back over; a longer one is divided, by
running the loop from the last row to the point where the next row is filled. Once a segment has been gone
back over, its row is free.
"""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

__all__ = ["DEEPEST", "ROWS", "TABLE", "Policy", "Schedule", "checked_policy", "schedule"]

# None, where all carries are kept unless they take too much memory; "sqrt"; "binomial"; or every how many
# steps one is kept.
Policy = str | int | None

DEEPEST = 24  # runs of each step that a table knows of
# How many segments can be gone back over from so many free rows, each step being run at most so many times.
TABLE = [[min(math.comb(rows + runs, runs), 1 << 62) for runs in range(DEEPEST)] for rows in range(128)]
ROWS = ((10**6, 32), (10**8, 64), (1 << 63, 128))  # up to so many steps, so many for "binomial"


class Schedule(NamedTuple):
    """A schedule for a number of steps.

    Attributes:
        segment: the most steps that are gone back over at a time.
        rows: how many rows there are.
        is_binomial: whether rows are used again, by the binomial schedule.
    """

    segment: int
    rows: int
    is_binomial: bool

    @property
    def kept(self) -> int:
        """How many carries are kept at once."""
        return self.rows + self.segment

    def before_next(self, steps: int, free: int) -> int:
        """How many steps are run before the next row is filled.

        Args:
            steps: the steps from the last row on, more than a segment has.
            free: how many rows are free.
        """
        if not self.is_binomial:
            return self.segment
        segments = -(-steps // self.segment)
        runs = next(runs for runs in range(1, DEEPEST) if TABLE[free][runs] >= segments)
        return self.segment * min(TABLE[free][runs - 1], segments - TABLE[free - 1][runs - 1])


def schedule(policy: Policy, count: int) -> Schedule:
    """The schedule for a number of steps.

    A policy k, or the root of the number of steps for "sqrt", is the length of a segment, each of which has
    a row. "binomial" goes back over the segments as A. Griewank and A. Walther do over steps (Algorithm 799:
    revolve, ACM Transactions on Mathematical Software 26, 2000), which runs each as rarely as can be: 64
    carries are kept at once up to a million steps, and 128 up to a hundred million.

    >>> schedule("sqrt", 1_000_000).kept, schedule(100, 1_000_000).kept, schedule("binomial", 1_000_000).kept
    (2000, 10100, 64)
    """
    if policy == "binomial":
        rows = next(rows for most, rows in ROWS if count <= most)
        return Schedule(rows, rows, True)
    segment = policy if isinstance(policy, int) else math.isqrt(max(0, count - 1)) + 1
    return Schedule(min(segment, max(1, count)), max(1, -(-count // segment)), False)


def checked_policy(checkpoint: Any) -> Policy:
    """What a user gave for ``checkpoint``.

    Raises:
        ValueError: it is none of what it may be.
    """
    if checkpoint is None or (isinstance(checkpoint, str) and checkpoint in ("sqrt", "binomial")):
        return checkpoint
    try:
        steps = 0 if isinstance(checkpoint, bool) else operator.index(checkpoint)
    except TypeError:
        steps = 0
    if not 1 <= steps < 1 << 63:
        raise ValueError(
            "checkpoint must be None, 'sqrt', 'binomial', or every how many steps a carry is kept, a whole "
            f"number from 1, got {checkpoint!r:.80}"
        )
    return steps
