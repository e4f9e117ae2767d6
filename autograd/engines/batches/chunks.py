"""Batches in chunks: what compiled engines need around a loop over samples."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextvars import copy_context
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from autograd.engines import Compiled

__all__ = ["Columns", "chunk_size", "cores", "in_chunks", "in_turns", "reduced"]

_WAVE = 1024  # chunks whose partial sums are kept at a time
_BLOCK = 2**18  # results of samples that are kept at a time


class Columns:
    """The addresses of a batch's columns, as compiled code takes them.

    Args:
        columns: for each input an array of ``count`` floats (float64, any strides), or one float.
        count: the number of samples.

    Attributes:
        pointers: the address of each column's first element.
        strides: the bytes from one element to the next; 0 for a shared float.
        kinds: a letter for each column: "s" shared, "c" contiguous, "v" anything else.

    Raises:
        TypeError: a column is not made of float64.
        ValueError: a column has another length.
    """

    def __init__(self, columns: Sequence[Any], count: int) -> None:
        self._kept = list(columns)  # the arrays live as long as their addresses are in use
        arrays = [i for i, one in enumerate(self._kept) if isinstance(one, np.ndarray)]
        shared = list(columns)
        for i in arrays:
            shared[i] = 0.0
        self._shared = np.array(shared, float)
        self.pointers = np.uintp(_address(self._shared)) + np.arange(0, 8 * len(shared), 8, dtype=np.uintp)
        self.strides = np.zeros(len(shared), np.int64)
        kinds = ["s"] * len(shared)
        for i in arrays:
            column = self._kept[i]
            if column.dtype != np.float64:
                raise TypeError(f"column {i} must be an array of float64, got {column.dtype}")
            if column.shape != (count,):
                raise ValueError(f"column {i} must have shape ({count},), got {column.shape}")
            stride = column.strides[0]
            kinds[i] = "c" if stride == 8 and column.flags.aligned else "v"
            self.pointers[i] = _address(column)
            self.strides[i] = stride
        self.kinds = "".join(kinds)


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def chunk_size(instructions: int) -> int:
    """How many samples make a chunk: a fraction of a millisecond's work, whatever the machine."""
    return max(1, min(4096, 2**20 // max(1, instructions)))


def cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_chunks(work: Callable[[int, int, int], None], count: int, size: int, kept: Any = None) -> None:
    """Call ``work(chunk, begin, end)`` for each chunk of a batch, on all cores.

    Args:
        work: is called by several threads, in copies of this one's context.
        count: the number of samples.
        size: the samples of a chunk.
        kept: holds memory that ``work`` knows by its address only, for as long as a thread may use it.

    Raises:
        BaseException: what ``work`` raised first, or an interrupt; chunks that have not begun are left
            out, and no thread is.
    """
    chunks = -(-count // size)
    left = iter(range(chunks))  # each thread takes the next one
    failed: list[BaseException] = []

    def take(_: Any) -> None:
        try:
            for chunk in left:
                if failed:
                    return
                work(chunk, chunk * size, min(count, (chunk + 1) * size))
        except BaseException as error:
            failed.append(error)

    helpers = [Thread(target=copy_context().run, args=(take, kept)) for _ in range(min(cores(), chunks) - 1)]
    try:
        _start(helpers)
        take(kept)
        _join(helpers)
    except BaseException as interrupt:
        failed.append(interrupt)  # which stops the helpers
        _join(helpers)
    try:
        if failed:
            raise failed[0]
    finally:
        failed.clear()  # or the error would hold itself, and the batch, until the garbage is collected


def _start(threads: Sequence[Thread]) -> None:
    """Start as many as are to be had: the system may refuse more."""
    try:
        for one in threads:
            one.start()
    except RuntimeError:
        return


def _join(threads: Sequence[Thread]) -> None:
    for one in threads:
        if one.is_alive():
            one.join()


def reduced(
    work: Callable[[np.ndarray, int, int], None],
    count: int,
    size: int,
    width: int,
    reduce: str,
    kept: Any = None,
) -> list[float]:
    """The sums or means over a batch, of partial sums that are added in the order of their chunks.

    Args:
        work: ``work(sums, begin, end)`` writes the sums over some samples.
        count: the number of samples.
        size: the samples of a chunk.
        width: the number of sums.
        reduce: "sum" or "mean".
        kept: as for `in_chunks`.
    """
    total = np.zeros(width)
    wave = size * _WAVE
    for first in range(0, count, wave):
        samples = min(wave, count - first)
        partial = np.zeros((-(-samples // size), width))
        in_chunks(
            lambda chunk, begin, end: work(partial[chunk], first + begin, first + end),  # noqa: B023
            samples,
            size,
            kept,
        )
        for row in partial:
            total += row
    if reduce == "mean":
        with np.errstate(all="ignore"):
            total /= np.float64(count)
    return total.tolist()


def in_turns(
    turn: Compiled,
    each: Compiled,
    carry: Sequence[float],
    columns: Sequence[np.ndarray],
    rows: Sequence[np.ndarray],
    shared: tuple[Sequence[float], Sequence[float]],
    size: int,
) -> tuple[list[float], list[np.ndarray]]:
    """`autograd.engines.BatchesInTurn.scan_batches` by other methods, for any two engines."""
    count = len(columns[0])
    starts = range(0, count, size)
    state = list(carry)
    collected = []
    for row, begin in zip(zip(*(one.tolist() for one in rows)) if rows else ((),) * len(starts), starts):
        samples = [one[begin : begin + size] for one in columns]
        totals = _totals(each, state, samples, shared[0])
        results = turn.call([*state, *totals, *row, *shared[1]])
        state = results[: len(carry)]
        collected.append(results[len(carry) :])
    return state, list(np.array(collected).T)


def _totals(
    each: Compiled, state: Sequence[float], samples: Sequence[np.ndarray], shared: Sequence[float]
) -> list[float]:
    """A program's results, added up over the samples one after the other."""
    count = len(samples[0])
    totals: Any = 0.0
    length = max(1, _BLOCK // max(1, len(state)))
    for begin in range(0, count, length):
        block = [one[begin : begin + length] for one in samples]
        size = len(block[0])
        results = each.map([*state, *block, *shared], size, None)
        terms = np.empty((size + 1, len(results)))
        terms[0] = totals
        terms[1:] = np.array(results).T
        with np.errstate(all="ignore"):
            totals = np.add.accumulate(terms, axis=0)[-1]  # unlike a sum of NumPy's, in order
    return totals.tolist()  # type: ignore[no-any-return]
