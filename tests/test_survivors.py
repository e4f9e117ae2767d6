"""The reasons why mutants survive (see `docs/mutation.md`) are of code that is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "tests/mutation/survivors").glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_every_reason_is_of_code_that_is_there(file):
    for module, entries in json.loads(file.read_text(encoding="utf-8")).items():
        lines = (ROOT / module).read_text(encoding="utf-8").splitlines()
        source = " ".join(stripped for line in lines if (stripped := line.strip()))
        for one in entries:
            assert one["before"] in source, f"{module}: delete or mend the entry of {one['before']!r}"
            assert one["after"] != one["before"]
            assert one["reason"].endswith("."), one


def test_no_mutant_has_two_reasons():
    entries = [
        (module, one["function"], one["before"], one["after"])
        for file in FILES
        for module, some in json.loads(file.read_text(encoding="utf-8")).items()
        for one in some
    ]
    assert len(set(entries)) == len(entries)
