"""Chunks are handed out once each, and pieces follow one another."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from autograd.engines.batches import chunks
from autograd.engines.batches.chunks import chunk_size, in_chunks, pieces


@pytest.fixture
def _switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_switching_often")
def test_threads_share_no_chunk_and_leave_none_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "cores", lambda: 8)
    worked: list[int] = []
    in_chunks(lambda chunk, begin, end: worked.append(chunk), 20_000, 1)
    assert Counter(worked) == Counter(range(20_000))


def test_one_thread_at_a_time_asks_for_the_next_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a global lock, a bare iterator that threads share may give a number twice."""
    monkeypatch.setattr(chunks, "cores", lambda: 4)
    inside, together = [0], []

    class Numbers:
        def __init__(self, count: int) -> None:
            self._numbers = iter(range(count))

        def __iter__(self) -> Numbers:
            return self

        def __next__(self) -> int:
            inside[0] += 1
            together.append(inside[0])
            threading.Event().wait(0.0005)  # lets the others run
            inside[0] -= 1
            return next(self._numbers)

    monkeypatch.setattr(chunks, "range", Numbers, raising=False)
    worked: list[int] = []
    in_chunks(lambda chunk, begin, end: worked.append(chunk), 40, 1)
    assert sorted(worked) == list(range(40))
    assert set(together) == {1}


@pytest.mark.parametrize("count", [0, 1, 1000, 200_000])
def test_pieces_follow_one_another_and_are_short_where_primitives_may_raise(count: int) -> None:
    long, short = (list(pieces(count, 5000, calls_back=calls_back)) for calls_back in (False, True))
    for every in (long, short):
        assert [end for _, end in every[:-1]] == [begin for begin, _ in every[1:]]
        assert every == [] if count == 0 else (every[0][0], every[-1][1]) == (0, count)
        assert all(begin < end for begin, end in every)
    assert max((end - begin for begin, end in short), default=0) <= chunk_size(5000)
    assert len(long) <= len(short)
