"""`fit` with a checkpoint: a training that was stopped, or killed, goes on to the same result."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from autograd import Value
from models.assignment import loss as assignment_loss
from optim import SGD, Adam, EarlyStopping, fit
from optim.checkpoints import CheckpointError
from tests.optim.trainings import EXACT, LINE, Line, W, X, Y, adam, branching, line_loss, start


def trained(path, epochs, **options):
    return fit(
        assignment_loss,
        W,
        (X[:80], Y[:80]),
        adam(),
        epochs,
        8,
        shuffle=True,
        seed=2,
        validation=0.2,
        checkpoint=path,
        **options,
    )


def test_a_resumed_training_comes_to_the_same(tmp_path):
    whole = trained(None, 9)
    path = tmp_path / "run.json"
    trained(path, 4)
    result = trained(path, 9, resume=True)
    assert result.params == whole.params
    assert [epoch[:3] for epoch in result.history] == [epoch[:3] for epoch in whole.history]
    again = trained(path, 9, resume=True)
    assert again.params == whole.params, "nothing is left to do"


def test_an_early_stop_is_resumed_as_one(tmp_path):
    stopping = EarlyStopping(patience=2, min_delta=10.0)
    whole = trained(None, 9, early_stopping=stopping)
    path = tmp_path / "run.json"
    trained(path, 2, early_stopping=stopping)
    for _ in range(2):
        result = trained(path, 9, early_stopping=stopping, resume=True)
        assert (result.params, result.best, result.stopped) == (whole.params, 1, "early stopping")


def test_a_checkpoint_is_not_overwritten_unasked(tmp_path):
    path = tmp_path / "run.json"
    trained(path, 1)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="resume=True to go on from it"):
        trained(path, 2)
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="checkpoint=PATH"):
        trained(None, 2, resume=True)


def test_checkpoint_every_writes_some_epochs_and_the_last(tmp_path):
    path = tmp_path / "run.json"
    written = []
    trained(
        path,
        5,
        checkpoint_every=2,
        callbacks=[
            lambda *_: written.append(len(json.loads(path.read_text())["history"]) if path.exists() else 0)
        ],
    )
    assert written == [0, 0, 2, 2, 4]
    assert len(json.loads(path.read_text())["history"]) == 5


def test_a_checkpoint_of_another_model_or_training_is_refused(tmp_path):
    path = tmp_path / "run.json"
    trained(path, 1)

    def other(message, **changed):
        arguments = {
            "loss": assignment_loss, "params": W, "data": (X[:80], Y[:80]), "optimizer": adam(),
            "epochs": 2, "batch_size": 8, "shuffle": True, "seed": 2, "validation": 0.2, **changed,
        }  # fmt: skip
        with pytest.raises(CheckpointError, match=message):
            fit(**arguments, checkpoint=path, resume=True)

    other("another model: of 9 parameters", loss=lambda w, x, y: assignment_loss(w[0], x, y), params=[W])
    other("another training: its optimizer", optimizer=Adam(lr=0.002))
    other("another training: its batch_size is 8, and not 4", batch_size=4)
    other("another training: its data is not the one that is given", data=(X[:80], Y[:80] + 1))
    other("another training: its shuffled by", seed=3)


def renamed(weights, features, target):
    guess = weights["slope"] * features + weights["shift"]
    return (guess - target) ** 2


@pytest.mark.parametrize("engine", EXACT)
@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (renamed, ""),
        (lambda p, x, y: (y - p["slope"] * x - p["shift"]) ** 2, "another training: its loss is not the one"),
        (lambda p, x, y: (p["slope"] * x + 2 * p["shift"] - y) ** 2, "another training: its loss is not"),
        (branching, "another training: its loss is not the one"),
    ],
    ids=["renamed", "reordered", "another constant", "not traced"],
)
def test_a_checkpoint_is_that_of_one_formula_whatever_its_names_and_the_engine(
    tmp_path, engine, loss, message
):
    path = tmp_path / "run.json"
    fit(line_loss, start(), LINE, SGD(lr=0.1), 1, checkpoint=path)
    going_on = {"engine": engine, "checkpoint": path, "resume": True}
    if message:
        with pytest.raises(CheckpointError, match=message):
            fit(loss, start(), LINE, SGD(lr=0.1), 2, **going_on)
    else:
        result = fit(loss, start(), LINE, SGD(lr=0.1), 2, **going_on)
        assert result.params == fit(line_loss, start(), LINE, SGD(lr=0.1), 2).params


def test_an_eager_training_of_what_cannot_be_traced_is_resumed(tmp_path):
    path = tmp_path / "run.json"
    options = {"engine": "eager", "checkpoint": path, "resume": True}
    for epochs in (1, 3):
        result = fit(branching, start(), LINE, SGD(lr=0.1), epochs, **options)
    assert result.params == fit(branching, start(), LINE, SGD(lr=0.1), 3, engine="eager").params


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
def test_a_training_killed_at_any_moment_resumes_to_the_same_weights(tmp_path):
    code = (
        "import sys, numpy as np\n"
        "from models import load_assignment_data\n"
        "from models.assignment import loss\n"
        "from optim import Adam, fit\n"
        "X, y = load_assignment_data()\n"
        "path, epochs = sys.argv[1] or None, 60\n"
        "found = fit(loss, [0.01] * 9, (X, y), Adam(lr=0.001), epochs, shuffle=True, checkpoint=path,\n"
        "            resume=path is not None, engine='python')\n"
        "print(found.params)\n"
    )

    def command(path):
        return [sys.executable, "-c", code, path]

    whole = subprocess.run(command(""), capture_output=True, text=True, check=True, timeout=120).stdout
    path = tmp_path / "run.json"
    for wait in (0.0, 0.05, 0.13):
        with subprocess.Popen(command(str(path)), stdout=subprocess.PIPE, text=True) as process:
            before = path.read_bytes() if path.exists() else b""
            while process.poll() is None and (path.read_bytes() if path.exists() else b"") == before:
                time.sleep(0.002)
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
            process.communicate()
    resumed = subprocess.run(command(str(path)), capture_output=True, text=True, check=True, timeout=120)
    assert resumed.stdout == whole


def test_an_interrupt_leaves_the_finished_epochs(tmp_path):
    model = Line(Value(0.0), Value(0.0))
    path = tmp_path / "run.json"
    last = []

    def interrupt(epoch, params):
        if epoch.number == 3:
            raise KeyboardInterrupt
        last[:] = [params]

    with pytest.raises(KeyboardInterrupt):
        fit(
            lambda line, x, y: (line(x) - y) ** 2,
            model,
            LINE,
            SGD(lr=0.1),
            9,
            callbacks=[interrupt],
            checkpoint=path,
        )
    assert len(json.loads(path.read_text())["history"]) == 2
    assert (last[0].slope, model.slope.data != 0.0) == (pytest.approx(last[0].slope), True)
