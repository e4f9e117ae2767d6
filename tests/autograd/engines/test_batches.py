"""Chunks on all cores: every one is worked at once, and whatever stops them leaves no thread at work."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest

from autograd.engines import _batches
from autograd.engines._batches import in_chunks


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch):
    monkeypatch.setattr(_batches, "cores", lambda: 4)


def helpers() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if isinstance(one, Helper)]


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
    monkeypatch.setattr(_batches, "Thread", Helper)
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
    for one in helpers():
        threading.Thread.join(one)
    gc.collect()  # the exception holds its frames
    assert there() is None
