"""Checkpoints: a training's state in a file, from which it goes on to the same result.

The file is JSON: numbers have as many digits as it takes to read them back exactly.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograd.support.whole_files import write_whole

__all__ = ["CheckpointError", "read_checkpoint", "write_checkpoint"]

_FORMAT = "valuegrad checkpoint 2"
_LARGEST = 2**32  # bytes; what is larger was not written here
_FIELDS: dict[str, Any] = {
    "format": str,
    "model": str,
    "settings": dict,
    "steps": int,
    "weights": list,
    "states": list,
    "history": list,
    "best": (dict, type(None)),
}


class CheckpointError(ValueError):
    """A file is no checkpoint, a damaged one, or one of another model or training."""


def write_checkpoint(path: str | os.PathLike[str], checkpoint: Mapping[str, Any]) -> None:
    """Write a checkpoint, all of it or nothing.

    Args:
        path: where to; a file there is replaced.
        checkpoint: what to write: the fields that `read_checkpoint` returns.

    Raises:
        OSError: it cannot be written; the last one is untouched.
    """
    write_whole(path, json.dumps({"format": _FORMAT, **checkpoint}) + "\n")


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a checkpoint.

    Args:
        path: the file.

    Returns:
        Its fields:

        - ``model``: how the parameters are nested, as text.
        - ``settings``: what the training was started with.
        - ``steps``: how many steps were taken.
        - ``weights``: the parameters' scalars, floats.
        - ``states``: for each weight the list of its optimizer's state.
        - ``history``: for each epoch its loss, validation loss (or None) and seconds.
        - ``best``: None, or the ``epoch``, ``loss`` and ``weights`` of the best epoch so far.

    Raises:
        CheckpointError: it is no checkpoint, or not a whole one; says what is wrong.
        OSError: it cannot be read.
    """
    size = Path(path).stat().st_size
    if size > _LARGEST:
        raise CheckpointError(f"{os.fspath(path)} is no checkpoint: it has {size} bytes")
    try:
        found = json.loads(Path(path).read_text("utf-8"), parse_int=_whole)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{os.fspath(path)} is no checkpoint, or a damaged one: {error}") from None
    try:
        return _checked(found)
    except CheckpointError as error:
        raise CheckpointError(f"{os.fspath(path)} is no checkpoint, or a damaged one: {error}") from None


def _whole(digits: str) -> int:
    if len(digits) > 18:
        raise ValueError(f"a whole number of {len(digits)} digits")
    return int(digits)


def _checked(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        given = str(found.get("format") if isinstance(found, dict) else None)[:40]
        raise CheckpointError(f"its format should be {_FORMAT!r}, and is {given!r}")
    for name, kind in _FIELDS.items():
        if name not in found or not isinstance(found[name], kind) or isinstance(found[name], bool):
            raise CheckpointError(f"its {name} is missing or of the wrong kind")
    _floats(found["weights"], "weights")
    for state in found["states"]:
        _floats(state, "states")
    if len(found["states"]) != len(found["weights"]):
        raise CheckpointError(f"{len(found['weights'])} weights have {len(found['states'])} states")
    for row in found["history"]:
        if not isinstance(row, list) or len(row) != 3:
            raise CheckpointError("an epoch of its history is not a loss, a validation loss and a time")
        _floats([0.0 if one is None and i == 1 else one for i, one in enumerate(row)], "history")
    if found["steps"] < 0:
        raise CheckpointError("its steps are negative")
    best = found["best"]
    if best is not None:
        if type(best.get("epoch")) is not int or not 1 <= best["epoch"] <= len(found["history"]):
            raise CheckpointError("its best epoch is none of its epochs")
        _floats([best.get("loss")], "best loss")
        _floats(best.get("weights"), "best weights")
        if len(best["weights"]) != len(found["weights"]):
            raise CheckpointError("its best weights are of another number than its weights")
    return found


def _floats(numbers: Any, name: str) -> None:
    if not isinstance(numbers, list) or not all(type(one) is float for one in numbers):
        raise CheckpointError(f"its {name} are no list of floats")
