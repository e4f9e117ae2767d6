"""Batches in chunks: what compiled engines need around a loop over samples."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextvars import copy_context
from threading import Thread
from typing import Any

import numpy as np

__all__ = ["Columns", "chunk_size", "cores", "in_chunks", "reduced"]

_WAVE = 1024  # chunks whose partial sums are kept at a time


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
        self._kept: list[Any] = []  # the arrays live as long as their addresses are in use
        pointers: list[int] = []
        strides: list[int] = []
        kinds: list[str] = []
        for i, column in enumerate(columns):
            if isinstance(column, np.ndarray) and column.ndim:
                if column.dtype != np.float64:
                    raise TypeError(f"column {i} must be an array of float64, got {column.dtype}")
                if column.shape != (count,):
                    raise ValueError(f"column {i} must have shape ({count},), got {column.shape}")
                stride = column.strides[0]
                kinds.append("c" if stride == 8 and column.flags.aligned else "v")
            else:
                column = np.array([column], float)
                stride = 0
                kinds.append("s")
            self._kept.append(column)
            pointers.append(column.__array_interface__["data"][0])
            strides.append(stride)
        self.kinds = "".join(kinds)
        self.pointers = np.array(pointers, np.uintp)
        self.strides = np.array(strides, np.int64)


def chunk_size(instructions: int) -> int:
    """How many samples make a chunk: a fraction of a millisecond's work, whatever the machine."""
    return max(1, min(4096, 2**20 // max(1, instructions)))


def cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_chunks(work: Callable[[int, int, int], None], count: int, size: int) -> None:
    """Call ``work(chunk, begin, end)`` for each chunk of a batch, on all cores.

    Raises:
        BaseException: what ``work`` raised first; chunks that have not begun are left out.
    """
    chunks = -(-count // size)
    left = iter(range(chunks))  # each thread takes the next one
    failed: list[BaseException] = []

    def take() -> None:
        try:
            for chunk in left:
                if failed:
                    return
                work(chunk, chunk * size, min(count, (chunk + 1) * size))
        except BaseException as error:
            failed.append(error)

    helpers = [Thread(target=copy_context().run, args=(take,)) for _ in range(min(cores(), chunks) - 1)]
    for helper in helpers:
        helper.start()
    take()
    try:
        for helper in helpers:
            helper.join()
    except BaseException as interrupt:
        failed.append(interrupt)  # which stops the helpers
    if failed:
        raise failed[0]


def reduced(
    work: Callable[[np.ndarray, int, int], None], count: int, size: int, width: int, reduce: str
) -> list[float]:
    """The sums or means over a batch, of partial sums that are added in the order of their chunks.

    Args:
        work: ``work(sums, begin, end)`` writes the sums over some samples.
        count: the number of samples.
        size: the samples of a chunk.
        width: the number of sums.
        reduce: "sum" or "mean".
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
        )
        for row in partial:
            total += row
    if reduce == "mean":
        with np.errstate(all="ignore"):
            total /= np.float64(count)
    return total.tolist()
