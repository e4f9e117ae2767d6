"""What fuzzing found, and the seeds it starts from: read without a crash, again and again."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.fuzzing.readers import READERS, Reader

FINDS = Path(__file__).parent / "finds"


@pytest.mark.parametrize("name", READERS)
def test_good_files_and_their_beginnings_are_read_without_a_crash(name):
    for seed in READERS[name].seeds():
        for length in sorted({*range(0, len(seed), max(1, len(seed) // 25)), len(seed)}):
            READERS[name].read(seed[:length])


@pytest.mark.parametrize("name", READERS)
def test_what_was_found_is_read_without_a_crash(name):
    for path in sorted(FINDS.glob(f"{name}-*")):
        READERS[name].read(path.read_bytes())


@pytest.mark.skipif(sys.platform == "win32", reason="memory is not measured here")
def test_a_limit_that_is_exceeded_would_be_seen(monkeypatch):
    with pytest.raises(AssertionError, match=r"1\.\d s"):
        Reader(lambda _: _work(1.1), list).read(b"")
    monkeypatch.setattr("tests.fuzzing.readers.MEMORY", -1)
    with pytest.raises(AssertionError, match="0 MB"):
        Reader(lambda _: None, list).read(b"")


def _work(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_a_broken_promise_would_be_seen(monkeypatch):
    monkeypatch.setattr("tests.fuzzing.readers.read_table", lambda path, columns: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        READERS["data"].read(READERS["data"].seeds()[0])
