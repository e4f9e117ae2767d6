"""The reasons why mutants survive (see `docs/mutation.md`) are of code that is there."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "tests/mutation/survivors").glob("*.json"))


def entries_of(file: Path) -> list[tuple[str, dict[str, str]]]:
    """Each entry with its module."""
    by_module = json.loads(file.read_text(encoding="utf-8"))
    return [(module, one) for module, entries in by_module.items() for one in entries]


@cache
def code_of(module: str) -> str:
    """A module on one line, as entries have it."""
    lines = (ROOT / module).read_text(encoding="utf-8").splitlines()
    return " ".join(stripped for line in lines if (stripped := line.strip()))


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_every_reason_is_of_code_that_is_there(file):
    for module, one in entries_of(file):
        assert one["before"] in code_of(module), f"{module}: delete or mend the entry of {one['before']!r}"
        assert one["after"] != one["before"]
        assert one["reason"].endswith("."), one


def test_no_mutant_has_two_reasons():
    keys = [
        (module, one["function"], one["before"], one["after"])
        for file in FILES
        for module, one in entries_of(file)
    ]
    assert len(set(keys)) == len(keys)
