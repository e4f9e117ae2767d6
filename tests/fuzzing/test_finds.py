"""What fuzzing found, and the seeds it starts from: read without a crash, again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzzing.readers import READERS

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


def test_a_broken_promise_would_be_seen(monkeypatch):
    monkeypatch.setattr("tests.fuzzing.readers.read_table", lambda path, columns: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        READERS["data"].read(READERS["data"].seeds()[0])
