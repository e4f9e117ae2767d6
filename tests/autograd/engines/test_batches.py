"""Chunks on all cores: every one is worked at once, and whatever stops them leaves no thread at work."""

from __future__ import annotations

import ctypes
import gc
import os
import threading
import time
import weakref

import numpy as np
import pytest

from autograd.engines.batches import chunks
from autograd.engines.batches.chunks import ColumnAddresses, chunk_size, cores, in_chunks, reduced
from tests.autograd.engines.programs import use_cores


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch):
    use_cores(4, monkeypatch)


def helpers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if isinstance(thread, Helper)]


class Helper(threading.Thread):
    """A thread whose starting and joining can be interrupted, as by Ctrl-C."""

    starts, joins = 0, 0
    interrupted_at: tuple[str, int] = ("", 0)  # or refused: which call, counted over all threads

    def start(self) -> None:
        Helper.starts += 1
        if Helper.interrupted_at == ("refused", Helper.starts):
            raise RuntimeError("can't start new thread")
        super().start()
        if Helper.interrupted_at == ("start", Helper.starts):
            raise KeyboardInterrupt

    def join(self, timeout: float | None = None) -> None:
        Helper.joins += 1
        kind, at = Helper.interrupted_at
        if kind == "join" and Helper.joins <= at:
            raise KeyboardInterrupt
        super().join(timeout)


@pytest.fixture
def interrupted(monkeypatch):
    """A function that says where the interrupt comes."""
    monkeypatch.setattr(chunks, "Thread", Helper)
    monkeypatch.setattr(Helper, "starts", 0)
    monkeypatch.setattr(Helper, "joins", 0)
    return lambda kind, at: monkeypatch.setattr(Helper, "interrupted_at", (kind, at))


def test_every_chunk_is_worked_at_once():
    worked = []
    in_chunks(lambda chunk, begin, end: worked.append((chunk, begin, end)), 1_003, 10)
    assert sorted(worked) == [(i, 10 * i, min(1_003, 10 * i + 10)) for i in range(101)]


@pytest.mark.parametrize("where", [("start", 1), ("start", 3), ("join", 1)])
def test_an_interrupt_stops_the_helpers_and_waits_for_them(where, interrupted):
    interrupted(*where)
    worked = []

    def work(chunk: int, begin: int, end: int) -> None:
        worked.append(chunk)
        time.sleep(0.001 if threading.current_thread() is threading.main_thread() else 0.05)

    with pytest.raises(KeyboardInterrupt):
        in_chunks(work, 200, 1)
    assert not helpers()
    if where[0] == "start":
        assert len(worked) < 200


def test_as_many_threads_work_as_there_are_cores_or_chunks(interrupted):
    together = threading.Barrier(4)
    workers = set()

    def work(chunk: int, begin: int, end: int) -> None:
        workers.add(threading.get_ident())
        together.wait(10)

    in_chunks(work, 8, 1)
    assert len(workers) == 4
    together = threading.Barrier(2)
    in_chunks(work, 2, 1)
    assert Helper.starts == 4
    together = threading.Barrier(1)
    in_chunks(work, 1, 1)
    in_chunks(work, 0, 1)
    assert Helper.starts == 4, "this thread does it alone"


def test_the_cores_are_those_that_the_process_may_use(monkeypatch):
    of_process = {0: {1, 4, 5}}  # 0 is the one that asks
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: of_process[process], raising=False)
    assert cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert cores() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1


def test_an_error_stops_them_all():
    worked = []

    def work(chunk: int, begin: int, end: int) -> None:
        worked.append(chunk)
        time.sleep(0.001)
        if chunk == 5:
            raise ArithmeticError("chunk 5")

    with pytest.raises(ArithmeticError, match="chunk 5"):
        in_chunks(work, 1_000, 1)
    assert len(worked) < 100


def test_where_no_more_threads_are_to_be_had_those_there_are_do_the_work(interrupted):
    interrupted("refused", 2)
    worked = []
    in_chunks(lambda chunk, begin, end: worked.append(chunk), 50, 1)
    assert sorted(worked) == list(range(50))


class Memory:
    """Stands for arrays that a thread knows by their addresses only."""


def test_memory_outlives_the_threads_that_use_it_however_often_they_are_interrupted(interrupted):
    interrupted("join", 2)
    go_on = threading.Event()
    memory = Memory()
    there = weakref.ref(memory)

    def work(chunk: int, begin: int, end: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            go_on.wait()
        else:
            time.sleep(0.02)  # so that the helpers have some

    try:
        in_chunks(work, 8, 1, memory)
    except KeyboardInterrupt:
        pass
    else:
        pytest.fail("it was not interrupted")
    del memory
    assert helpers(), "a thread is still at work"
    assert there() is not None
    go_on.set()
    for helper in helpers():
        threading.Thread.join(helper)
    gc.collect()  # the exception holds its frames
    assert there() is None


def test_of_several_errors_the_first_is_raised():
    together = threading.Barrier(2)

    def work(chunk: int, begin: int, end: int) -> None:
        together.wait(10)
        time.sleep(0.05 * chunk)
        raise ArithmeticError(f"chunk {chunk}")

    with pytest.raises(ArithmeticError, match="chunk 0"):
        in_chunks(work, 2, 1)


def test_an_error_holds_nothing_once_it_is_handled():
    def work(chunk: int, begin: int, end: int) -> None:
        raise ArithmeticError

    memory = Memory()
    there = weakref.ref(memory)
    gc.disable()
    try:
        with pytest.raises(ArithmeticError):
            in_chunks(work, 8, 1, memory)
        del memory
        assert there() is None, "it waits for the garbage collector"
    finally:
        gc.enable()


@pytest.mark.parametrize("instructions", [0, 1, 256, 257, 3000, 2**20, 2**20 + 1, 2**40])
def test_a_chunk_is_of_limited_work_and_never_empty(instructions):
    size = chunk_size(instructions)
    assert 1 <= size <= 4096
    assert size == 1 or size * instructions <= 2**20
    assert size == 4096 or size * instructions > 2**19  # not less work than it may be


def test_columns_are_told_to_compiled_code_by_address_stride_and_kind():
    block = np.arange(12.0).reshape(4, 3)
    unaligned = np.frombuffer(b"-" + np.array([7.0, 8.0, 9.0, 10.0]).tobytes(), float, offset=1)
    arrays = [np.array([1.0, 2.0, 3.0, 4.0]), block[:, 1], block[::-1, 2], unaligned, block.T[0]]
    addresses = ColumnAddresses([5.0, *arrays, 6.0, 7.0], 4)
    assert addresses.kinds == "scvvvvss"
    pointed_at = [
        [ctypes.c_double.from_address(int(pointer) + i * int(stride)).value for i in range(4)]
        for pointer, stride in zip(addresses.pointers, addresses.strides)
    ]
    assert pointed_at == [[5.0] * 4, *(array.tolist() for array in arrays), [6.0] * 4, [7.0] * 4]


def test_columns_that_compiled_code_could_not_read_are_refused():
    with pytest.raises(TypeError, match="column 1 must be an array of float64, got float32"):
        ColumnAddresses([0.0, np.zeros(4, np.float32)], 4)
    with pytest.raises(ValueError, match=r"column 1 must have shape \(4,\), got \(5,\)"):
        ColumnAddresses([0.0, np.zeros(5)], 4)


@pytest.mark.parametrize("count", [0, 1, 6, 7, 4 * 7, 4 * 7 + 1, 9 * 7 - 3])
def test_partial_sums_are_added_in_the_order_of_their_chunks(count, monkeypatch):
    monkeypatch.setattr(chunks, "_WAVE", 4)
    numbers = np.random.default_rng(count).normal(size=(count, 2))
    worked = []

    def work(sums: np.ndarray, begin: int, end: int) -> None:
        worked.append((begin, end))
        sums[:] = numbers[begin:end].sum(axis=0)

    total = np.zeros(2)
    for begin in range(0, count, 7):
        total += numbers[begin : begin + 7].sum(axis=0)
    assert reduced(work, count, 7, 2, "sum") == total.tolist()
    assert sorted(worked) == [(begin, min(count, begin + 7)) for begin in range(0, count, 7)]
    if count:
        assert reduced(work, count, 7, 2, "mean") == (total / count).tolist()
    else:
        assert all(mean != mean for mean in reduced(work, 0, 7, 2, "mean"))
