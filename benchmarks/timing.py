"""Paired timing: contestants run in turn, so that the machine's moods fall on all alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping

__all__ = ["in_turn", "ratios"]


def in_turn(work: Mapping[str, Callable[[], object]], *, rounds: int, calls: int) -> dict[str, list[float]]:
    """Time each contestant in every round, one after the other.

    The garbage collector stays on, as it is for users; each turn starts from a collected heap.

    Args:
        work: the contestants, by name.
        rounds: how many times each has its turn, after one turn that is not counted.
        calls: how many calls make a turn.

    Returns:
        For each contestant the seconds a call took, one entry a round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for counted in [False] + [True] * rounds:
        for name, call in work.items():
            gc.collect()
            started = time.perf_counter()
            for _ in range(calls):
                call()
            if counted:
                seconds[name].append((time.perf_counter() - started) / calls)
    return seconds


def ratios(ours: list[float], theirs: list[float]) -> float:
    """How many times as long the other takes: the median over rounds of the ratio within a round."""
    return statistics.median(other / own for own, other in zip(ours, theirs))
