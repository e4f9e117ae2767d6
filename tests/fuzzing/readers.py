"""The readers of foreign bytes, as a fuzzer sees them: bytes in, nothing or a documented error out."""

from __future__ import annotations

import hashlib
import io
import json
import math
import pickle
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from autograd import grad, trace, value_and_grad
from autograd.programs.program import Program
from autograd.programs.saving import ProgramFileError, SavedProgram, dumps
from models.assignment import loss
from models.assignment.reading import DataError, read_table
from optim.checkpoints import CheckpointError, read_checkpoint, write_checkpoint

if sys.platform != "win32":
    import resource

__all__ = ["MEMORY", "READERS", "SECONDS", "Reader"]

MEMORY = 1024  # MB that one input may take
SECONDS = 1.0

_FOLDER = Path(tempfile.mkdtemp(prefix="valuegrad-fuzzing-"))


class Reader(NamedTuple):
    """One of them.

    Attributes:
        parse: reads bytes; raises nothing but what is documented, which it swallows, and an
            AssertionError where what was read breaks a promise.
        seeds: good files, from which a fuzzer starts.
    """

    parse: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]

    def read(self, content: bytes) -> None:
        """Parse within the limits.

        Raises:
            AssertionError: a promise is broken, or it took more time or memory than one input may.
        """
        started, before = time.process_time(), _peak()
        self.parse(content)
        seconds, megabytes = time.process_time() - started, _peak() - before
        assert seconds <= SECONDS, f"{seconds:.1f} s"
        assert megabytes <= MEMORY, f"{megabytes:.0f} MB"


def _peak() -> float:
    """The most memory that this process has had, in MB."""
    if sys.platform == "win32":
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


# Data files. The first byte chooses the kind of file.

_KINDS = (".pkl", ".npy", ".csv")


def _read_data(content: bytes) -> None:
    path = _FOLDER / f"data{_KINDS[content[0] % 3] if content else '.csv'}"
    path.write_bytes(content[1:])
    try:
        table = read_table(path, columns=6)
    except DataError:
        return
    assert table.dtype == np.float64, table.dtype
    assert table.shape[1:] == (6,), table.shape
    assert len(table), "no rows"
    assert np.isfinite(table).all(), "not finite"


def _data_seeds() -> list[bytes]:
    table = np.arange(12.0).reshape(2, 6) / 7
    tables = [table, np.asfortranarray(table), table.astype(np.float32), table.astype(np.int16)]
    seeds = [b"\x00" + pickle.dumps(array, protocol=p) for array in tables for p in range(6)]
    for array in tables:
        file = io.BytesIO()
        np.save(file, array)
        seeds.append(b"\x01" + file.getvalue())
    text = "\n".join(",".join(map(repr, row)) for row in table.tolist())
    return [*seeds, b"\x02" + text.encode(), b"\x02" + f"a,b,c,d,e,f\n{text}\n".encode()]


# Program files.


def _read_program(content: bytes) -> None:
    """The checksum is made right, as somebody hostile would: each part must stand up for itself."""
    body = content[: content.rindex(b'"checksum"')] if b'"checksum"' in content else content
    text = body.decode("ascii", "replace").replace("\r\n", "\n")
    digest = hashlib.sha256(text.encode("ascii", "replace")).hexdigest()
    path = _FOLDER / "program"
    path.write_bytes(body + f'"checksum": "{digest}"}}\n'.encode())
    try:
        program = Program.load(path)
    except ProgramFileError:
        return
    again = _written(program)
    path.write_text(again)
    assert _written(Program.load(path)) == again, "a program that is written and read again is another"
    compile(program.source, "<source>", "exec")
    str(program)
    for structure in (program.arguments, program.results):
        structure.unflatten([0.0] * structure.size)


def _written(program: Program) -> str:
    return dumps(SavedProgram(program.code, program.arguments, program.results, program.captured))


def _program_seeds() -> list[bytes]:
    functions = [
        (lambda x: x * 2 + 1, (1.0,)),
        (value_and_grad(loss), ([0.1] * 9, [0.2] * 5, 1.0)),
        (lambda p, x: {"y": p["w"][0] * x[1]}, ({"w": np.ones(2), "n": None}, np.ones(2))),
        (grad(lambda x: (x.tanh() ** 3).exp()), (0.5,)),
    ]
    return [_written(trace(f, *args)).encode() for f, args in functions]


# Checkpoints.


def _read_checkpoint(content: bytes) -> None:
    path = _FOLDER / "checkpoint.json"
    path.write_bytes(content)
    try:
        checkpoint = read_checkpoint(path)
    except CheckpointError:
        return
    assert len(checkpoint["weights"]) == len(checkpoint["states"])
    assert all(map(math.isfinite, checkpoint["weights"]))
    assert checkpoint["steps"] >= len(checkpoint["history"])
    again = {name: entry for name, entry in checkpoint.items() if name != "format"}
    write_checkpoint(path, again)
    assert json.dumps(read_checkpoint(path)) == json.dumps(checkpoint), "it is written otherwise than read"


def _checkpoint_seeds() -> list[bytes]:
    whole = {
        "model": "[*, *]",
        "settings": {"optimizer": {"optimizer": "Adam", "lr": 0.1}, "batch_size": 4, "early_stopping": None},
        "steps": 12,
        "weights": [0.1, -1e-300],
        "states": [[0.0, 5e-324], [0.3, 2.0]],
        "history": [[0.5, None, 0.001], [0.25, 1e300, 0.002]],
        "best": {"epoch": 2, "loss": 0.25, "weights": [0.1, 0.2]},
    }
    path = _FOLDER / "seed.json"
    seeds = []
    for checkpoint in (whole, {**whole, "best": None, "history": []}):
        write_checkpoint(path, checkpoint)
        seeds.append(path.read_bytes())
    return seeds


READERS = {
    "data": Reader(_read_data, _data_seeds),
    "programs": Reader(_read_program, _program_seeds),
    "checkpoints": Reader(_read_checkpoint, _checkpoint_seeds),
}
