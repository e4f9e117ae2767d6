"""Checkpoints: a training's state in a file, from which it goes on to the same result.

The file is JSON: numbers have as many digits as it takes to read them back exactly.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from typing import Any

from autograd.support.foreign_files import ForeignFileError, parse_json, read_foreign, shown
from autograd.support.whole_files import write_whole

__all__ = ["CheckpointError", "read_checkpoint", "write_checkpoint"]

_FORMAT = "valuegrad checkpoint 2"
_LARGEST = 2**28  # bytes: the file of about two million weights with Adam's state
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
        CheckpointError: it would be too large to be read again.
        OSError: it cannot be written; the last one is untouched.
    """
    text = json.dumps({"format": _FORMAT, **checkpoint}) + "\n"
    if len(text) > _LARGEST:
        raise CheckpointError(f"a checkpoint may have {_LARGEST} bytes, and this one would have {len(text)}")
    write_whole(path, text)


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
    try:
        text = read_foreign(path, _LARGEST).decode("utf-8")
        return _checked(parse_json(text, float))
    except (UnicodeDecodeError, ForeignFileError, CheckpointError) as error:
        raise CheckpointError(f"{os.fspath(path)} is no checkpoint, or a damaged one: {error}") from None


def _checked(checkpoint: Any) -> dict[str, Any]:
    if not isinstance(checkpoint, dict) or checkpoint.get("format") != _FORMAT:
        stated = checkpoint.get("format") if isinstance(checkpoint, dict) else checkpoint
        raise CheckpointError(f"its format should be {_FORMAT!r}, and is {shown(stated)}")
    for name, kind in _FIELDS.items():
        if (
            name not in checkpoint
            or not isinstance(checkpoint[name], kind)
            or isinstance(checkpoint[name], bool)
        ):
            raise CheckpointError(f"its {name} is missing or of the wrong kind")
    if not _is_shown(checkpoint["model"]) or not _is_shown(checkpoint["settings"]):
        raise CheckpointError("its model or settings have characters that do not print, or deep nesting")
    _floats(checkpoint["weights"], "weights", math.isfinite, "finite")
    for state in checkpoint["states"]:
        _floats(state, "states", lambda number: not math.isnan(number), "numbers")
    if len(checkpoint["states"]) != len(checkpoint["weights"]):
        raise CheckpointError(f"{len(checkpoint['weights'])} weights have {len(checkpoint['states'])} states")
    for row in checkpoint["history"]:
        if not isinstance(row, list) or len(row) != 3:
            raise CheckpointError("an epoch of its history is not a loss, a validation loss and a time")
        _floats([0.0 if i == 1 and number is None else number for i, number in enumerate(row)], "history")
    if checkpoint["steps"] < len(checkpoint["history"]):
        raise CheckpointError(
            f"its {len(checkpoint['history'])} epochs cannot have had {checkpoint['steps']} steps"
        )
    best = checkpoint["best"]
    if best is not None:
        if type(best.get("epoch")) is not int or not 1 <= best["epoch"] <= len(checkpoint["history"]):
            raise CheckpointError("its best epoch is none of its epochs")
        _floats([best.get("loss")], "best loss")
        _floats(best.get("weights"), "best weights", math.isfinite, "finite")
        if len(best["weights"]) != len(checkpoint["weights"]):
            raise CheckpointError("its best weights are of another number than its weights")
    return checkpoint


def _is_shown(node: Any, levels: int = 10) -> bool:
    """Whether an error may show it."""
    if isinstance(node, (list, dict)):
        children = [*node, *node.values()] if isinstance(node, dict) else node
        return levels > 0 and all(_is_shown(child, levels - 1) for child in children)
    return not isinstance(node, str) or node.isprintable()


def _floats(numbers: Any, name: str, fits: Callable[[float], bool] | None = None, what: str = "") -> None:
    if not isinstance(numbers, list) or not all(type(number) is float for number in numbers):
        raise CheckpointError(f"its {name} are no list of floats")
    if fits is not None and not all(map(fits, numbers)):
        raise CheckpointError(f"its {name} are not all {what}")
