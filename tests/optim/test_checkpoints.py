"""Checkpoint files: what is written is read back exactly, and anything else is refused by name."""

from __future__ import annotations

import copy
import json
import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optim.checkpoints import CheckpointError, read_checkpoint, write_checkpoint

WHOLE = {
    "model": "[*, *]",
    "settings": {"optimizer": {"lr": 0.1}, "batch_size": 4},
    "steps": 12,
    "weights": [0.1, -1e-300],
    "states": [[0.0, 5e-324], [1 / 3, 2.0]],
    "history": [[0.5, None, 0.001], [0.25, math.inf, 0.002]],
    "best": {"epoch": 2, "loss": 0.25, "weights": [0.1, 0.2]},
}


def test_every_number_is_read_back_exactly(tmp_path):
    path = tmp_path / "run.json"
    write_checkpoint(path, WHOLE)
    assert read_checkpoint(path) == {"format": "valuegrad checkpoint 2", **WHOLE}
    assert read_checkpoint(str(path))["states"][0][1] == 5e-324


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=5))
def test_any_weights_are(tmp_path_factory, weights):
    path = tmp_path_factory.mktemp("run") / "run.json"
    best = {"epoch": 1, "loss": 0.5, "weights": weights}
    write_checkpoint(path, {**WHOLE, "weights": weights, "states": [[]] * len(weights), "best": best})
    assert list(map(str, read_checkpoint(path)["weights"])) == list(map(str, weights))


DAMAGES = [
    ("format", lambda saved: saved.update(format="another 1")),
    ("format", lambda saved: saved.pop("format")),
    ("weights", lambda saved: saved.pop("weights")),
    ("weights are no list of floats", lambda saved: saved["weights"].__setitem__(0, "0.1")),
    ("weights are no list of floats", lambda saved: saved["weights"].__setitem__(0, 1)),
    ("weights are no list of floats", lambda saved: saved["weights"].__setitem__(0, True)),
    ("3 weights have 2 states", lambda saved: saved["weights"].append(0.5)),
    ("states are no list of floats", lambda saved: saved["states"].__setitem__(0, 0.5)),
    ("states are no list of floats", lambda saved: saved["states"][1].append(None)),
    ("epoch of its history", lambda saved: saved["history"].append([0.5])),
    ("history are no list of floats", lambda saved: saved["history"].append([None, None, 0.5])),
    ("steps", lambda saved: saved.update(steps=1.5)),
    ("steps", lambda saved: saved.update(steps=True)),
    ("2 epochs cannot have had -1 steps", lambda saved: saved.update(steps=-1)),
    ("2 epochs cannot have had 1 steps", lambda saved: saved.update(steps=1)),
    ("weights are not all finite", lambda saved: saved["weights"].__setitem__(0, math.nan)),
    ("weights are not all finite", lambda saved: saved["weights"].__setitem__(1, -math.inf)),
    ("best weights are not all finite", lambda saved: saved["best"]["weights"].__setitem__(0, math.inf)),
    ("states are not all numbers", lambda saved: saved["states"][1].__setitem__(0, math.nan)),
    ("characters that do not print", lambda saved: saved.update(model="\x1b[2J")),
    ("characters that do not print", lambda saved: saved["settings"].update(loss="\x1b[2J")),
    ("deep nesting", lambda saved: saved["settings"].update(loss=eval("[" * 20 + "]" * 20))),
    ("settings", lambda saved: saved.update(settings=[])),
    ("best epoch is none of its epochs", lambda saved: saved["best"].update(epoch=3)),
    ("best", lambda saved: saved["best"].pop("weights")),
    ("best", lambda saved: saved["best"].pop("loss")),
    ("best weights are of another number", lambda saved: saved["best"]["weights"].pop()),
]


@pytest.mark.parametrize(("words", "damage"), DAMAGES)
def test_a_damaged_checkpoint_says_what_is_wrong_with_it(tmp_path, words, damage):
    path = tmp_path / "run.json"
    whole = copy.deepcopy({"format": "valuegrad checkpoint 2", **WHOLE})
    damage(whole)
    path.write_text(json.dumps(whole))
    with pytest.raises(CheckpointError, match=rf"run\.json is no checkpoint, or a damaged one: .*{words}"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[" * 100_000, b"null", b"[1, 2]", b'{"format":', b'{"steps": ' + b"9" * 5000 + b"}"],
    ids=["empty", "not text", "deep", "null", "list", "cut off", "huge number"],
)
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is no checkpoint, or a damaged one"):
        read_checkpoint(path)


def test_a_state_may_be_infinite_and_so_may_a_loss(tmp_path):
    """Adam's mean of squares overflows before a weight does."""
    path = tmp_path / "run.json"
    whole = {**WHOLE, "states": [[0.0, math.inf], [1.0, 2.0]], "history": [[math.inf, math.nan, 0.1]] * 2}
    write_checkpoint(path, whole)
    assert read_checkpoint(path)["states"] == [[0.0, math.inf], [1.0, 2.0]]


def test_a_number_that_overflows_is_no_weight(tmp_path):
    path = tmp_path / "run.json"
    write_checkpoint(path, WHOLE)
    path.write_text(path.read_text().replace('"weights": [0.1, -1e-300]', '"weights": [0.1, 1e999]'))
    with pytest.raises(CheckpointError, match="weights are not all finite"):
        read_checkpoint(path)


def test_a_key_that_is_there_twice_is_refused(tmp_path):
    path = tmp_path / "run.json"
    write_checkpoint(path, WHOLE)
    path.write_text(path.read_text().replace('"steps": 12', '"steps": 12, "steps": 13'))
    with pytest.raises(CheckpointError, match="names a key twice"):
        read_checkpoint(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_what_is_no_file_or_too_large_is_refused_before_it_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "device"):
        with pytest.raises(
            CheckpointError, match=r"is no checkpoint.*: something that is not a regular file"
        ):
            read_checkpoint(path)
    with open(tmp_path / "large", "wb") as file:
        file.truncate(2**40)
    with pytest.raises(CheckpointError, match=r"a file of 1099511627776 bytes, more than the 268435456"):
        read_checkpoint(tmp_path / "large")


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    path = tmp_path / "run.json"
    write_checkpoint(path, WHOLE)
    whole = path.read_bytes()
    for length in range(len(whole) - 2):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            read_checkpoint(path)


def test_no_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / "nothing.json")
