"""Batches in chunks on all cores, and sequential loops in pieces: what engines need around their loops."""

from __future__ import annotations

import contextlib
import ctypes
import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from threading import Lock, Thread
from typing import Any

import numpy as np

__all__ = [
    "ColumnAddresses",
    "addresses",
    "chunk_size",
    "cores",
    "entry_addresses",
    "in_chunks",
    "pieces",
    "reduced",
]

_WAVE = 1024  # chunks whose partial sums are kept at a time


class ColumnAddresses:
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
        self._columns = list(columns)  # the arrays live as long as their addresses are in use
        arrays = [(i, column) for i, column in enumerate(columns) if isinstance(column, np.ndarray)]
        shared, kinds, strides = list(columns), ["s"] * len(columns), [0] * len(columns)
        for i, column in arrays:
            if column.dtype != np.float64:
                raise TypeError(f"column {i} must be an array of float64, got {column.dtype}")
            if column.shape != (count,):
                raise ValueError(f"column {i} must have shape ({count},), got {column.shape}")
            shared[i], strides[i] = 0.0, column.strides[0]
            kinds[i] = "c" if strides[i] == 8 and column.flags.aligned else "v"
        self._shared = array("d", shared)
        first = self._shared.buffer_info()[0]
        pointers = [*range(first, first + 8 * len(shared), 8)]
        for i, column in arrays:
            pointers[i] = _address(column)
        self.pointers = array("Q", pointers)
        self.strides = array("q", strides)
        self.kinds = "".join(kinds)


def _address(entries: Any) -> int:
    if entries.flags.carray and entries.size:  # in a fifth of the time
        return ctypes.addressof(ctypes.c_char.from_buffer(entries))
    return int(entries.__array_interface__["data"][0])


def addresses(arrays: Sequence[np.ndarray]) -> array[int]:
    """Where each array's first element stands in memory."""
    return array("Q", map(_address, arrays))


def entry_addresses(entries: np.ndarray) -> list[int]:
    """Where each entry along an array's first axis stands in memory."""
    first, stride = _address(entries), entries.strides[0]
    return [first + i * stride for i in range(len(entries))]


def chunk_size(instructions: int) -> int:
    """How many samples make a chunk: a fraction of a millisecond's work, whatever the machine."""
    return max(1, min(4096, 2**20 // max(1, instructions)))


def pieces(count: int, instructions: int, *, calls_back: bool) -> Iterator[tuple[int, int]]:
    """The beginnings and ends of pieces of a sequential loop, each one call of compiled code.

    Between pieces Python may notice an interrupt, and what a primitive raised that was called back:
    soon where one may raise, and otherwise after a fraction of a second.

    Args:
        count: the steps of the loop.
        instructions: how many a step takes.
        calls_back: whether primitives are called back.
    """
    size = (1 if calls_back else 256) * chunk_size(instructions)
    for begin in range(0, count, size):
        yield begin, min(count, begin + size)


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
    if chunks == 1:
        work(0, 0, count)
        return
    remaining, taking = iter(range(chunks)), Lock()
    errors: list[BaseException] = []

    def next_chunk() -> int | None:
        with taking:  # threads may not share a bare iterator where there is no global lock
            return None if errors else next(remaining, None)

    def work_on(_: Any) -> None:
        try:
            while (chunk := next_chunk()) is not None:
                work(chunk, chunk * size, min(count, (chunk + 1) * size))
        except BaseException as error:
            errors.append(error)

    helpers = [
        Thread(target=copy_context().run, args=(work_on, kept)) for _ in range(min(cores(), chunks) - 1)
    ]
    try:
        with contextlib.suppress(RuntimeError):  # the system may refuse more: as many as are to be had
            for helper in helpers:
                helper.start()
        work_on(kept)
        _join(helpers)
    except BaseException as interrupt:
        errors.append(interrupt)  # which stops the helpers
        _join(helpers)
    try:
        if errors:
            raise errors[0]
    finally:
        errors.clear()  # or the error would hold itself, and the batch, until the garbage is collected


def _join(threads: Sequence[Thread]) -> None:
    for thread in threads:
        if thread.is_alive():
            thread.join()


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
