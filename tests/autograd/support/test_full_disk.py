"""A full disk and a read-only folder: every writer names its file, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from autograd import Value, draw, explain, trace
from models.assignment.__main__ import main as assignment
from models.moons import main as moons
from optim import SGD, fit

WRITERS = {
    "program": lambda path: trace(lambda x: x * x, 1.0).save(path),
    "page.html": lambda path: explain(Value(2.0) * 3).save(path),
    "graph.svg": lambda path: draw(Value(2.0) * 3).render(path),
    "graph.gv": lambda path: draw(Value(2.0) * 3).save(path),
    "checkpoint": lambda path: fit(
        lambda w, x: (w - x) ** 2, 0.0, (np.ones(2),), SGD(lr=0.1), 1, engine="python", checkpoint=path
    ),
}
JOBS = {
    "assignment": lambda out: assignment(["--out", str(out), "--epochs", "1", "--quiet"]),
    "moons": lambda out: moons(["--out", str(out), "--steps", "1", "--quiet"]),
}


@pytest.fixture(params=["full", "read-only"])
def folder(request, tmp_path) -> Iterator[Path]:
    """A folder of its own file system, which has no room left, or is read-only."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a file system is not allowed here")
    try:
        if request.param == "full":
            with suppress(OSError), open(tmp_path / "filling", "wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass
        else:
            subprocess.run(["mount", "-o", "remount,ro", tmp_path], check=True, capture_output=True)
        yield tmp_path
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.fixture(autouse=True)
def _posix():
    if os.name != "posix" or not Path("/usr/bin/mount").exists():
        pytest.skip("there is no mount program")


@pytest.mark.parametrize("name", WRITERS)
def test_a_writer_names_the_file_and_leaves_nothing(name, folder):
    before = sorted(folder.iterdir())
    with pytest.raises(OSError, match=r"No space left|Read-only") as failed:
        WRITERS[name](folder / name)
    assert failed.value.filename == str(folder / name)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("name", JOBS)
def test_a_job_ends_with_a_message(name, folder, capsys):
    before = sorted(folder.iterdir())
    with pytest.raises(SystemExit) as ended:
        JOBS[name](folder)
    assert ended.value.code == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "No space left" in line or "Read-only" in line
    assert str(folder) in line
    assert sorted(folder.iterdir()) == before
