"""The notebooks: each runs whole, in order, and prints what is stored in it.

A cell with the tag "varies" prints what no two runs have in common, such as timings: it is run only.
"""

from __future__ import annotations

import contextlib
import io
import json
import linecache
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_prints_what_it_shows(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict = {"__name__": "__main__"}
    for number, cell in enumerate(json.loads(path.read_text("utf-8"))["cells"], 1):
        if cell["cell_type"] != "code":
            continue
        printed = io.StringIO()
        source, name = "".join(cell["source"]), f"<{path.name}, cell {number}>"
        linecache.cache[name] = len(source), None, source.splitlines(True), name  # as Jupyter does
        with contextlib.redirect_stdout(printed):
            exec(compile(source, name, "exec"), names)
        stored = "".join(text for output in cell["outputs"] for text in output.get("text", []))
        if "varies" in cell["metadata"].get("tags", []):
            assert bool(printed.getvalue()) == bool(stored), f"cell {number}"
        else:
            assert printed.getvalue() == stored, f"cell {number}"


def test_there_are_notebooks():
    assert NOTEBOOKS
