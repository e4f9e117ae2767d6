"""`fit`: the same result on every engine, resumed or not, and what stops it."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import autograd as ag
from autograd import TracingError, Value
from autograd.engines import engine_names
from models import load_assignment_data
from models.assignment import hand_gradients
from models.assignment import loss as assignment_loss
from optim import SGD, Adam, DivergenceError, EarlyStopping, fit
from optim.checkpoints import CheckpointError

EXACT = ["eager", *(name for name in engine_names() if name != "numpy")]
X, Y = load_assignment_data()
W = np.random.default_rng(0).normal(0.0, 0.01, 9).tolist()

LINE_X = np.linspace(-1.0, 1.0, 20)
LINE = LINE_X, 3 * LINE_X + 0.5


def line_loss(p, x, y):
    return (p["slope"] * x + p["shift"] - y) ** 2


def start():
    return {"slope": 0.0, "shift": 0.0}


def adam():
    return Adam(lr=0.001, betas=(0.9, 0.99), eps=0.0, eps_root=1e-8)


# The same result.


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 1},
        {"batch_size": 32, "shuffle": True, "seed": 3},
        {"batch_size": None},
        {"batch_size": 7, "clip_norm": 0.05, "validation": 0.25},
        {"batch_size": 1, "clip_value": 0.01, "shuffle": True},
    ],
    ids=str,
)
def test_every_engine_gives_the_bits_of_eager(options):
    data = X[:60], Y[:60]
    results = [fit(assignment_loss, W, data, adam(), 3, engine=engine, **options) for engine in EXACT]
    for engine, result in zip(EXACT, results):
        assert result.engine == engine
        assert result.params == results[0].params, engine
        assert [one[:3] for one in result.history] == [one[:3] for one in results[0].history], engine


def test_the_numpy_engine_is_close():
    data = X[:60], Y[:60]
    found = fit(assignment_loss, W, data, adam(), 3, 16, engine="numpy")
    assert found.params == pytest.approx(fit(assignment_loss, W, data, adam(), 3, 16).params, rel=1e-12)


def test_a_step_is_the_update_by_the_mean_gradient_of_its_batch():
    w, losses = np.array(W), []
    for begin in range(0, 50, 8):
        batch = [(X[i], Y[i]) for i in range(begin, min(begin + 8, 50))]
        losses += [float(assignment_loss(w, x, y)) for x, y in batch]
        w = w - 0.05 * np.mean([hand_gradients(w, x, y) for x, y in batch], axis=0)
    found = fit(assignment_loss, W, (X[:50], Y[:50]), SGD(lr=0.05), 1, 8)
    assert found.params == pytest.approx(w.tolist(), rel=1e-12)
    assert found.losses == [pytest.approx(np.mean(losses), rel=1e-12)]


def test_a_seed_gives_the_same_result_and_another_seed_another():
    one, same, other = (
        fit(line_loss, start(), LINE, SGD(lr=0.1), 2, shuffle=True, seed=seed) for seed in (5, 5, 6)
    )
    assert one.params == same.params != other.params


@dataclasses.dataclass
class Line:
    slope: Value
    shift: Value

    def __call__(self, x):
        return self.slope * x + self.shift


def test_values_are_updated_in_place_and_a_model_is_taken_as_it_is():
    model = Line(Value(0.0), Value(0.0))
    slope = model.slope
    found = fit(lambda line, x, y: (line(x) - y) ** 2, model, LINE, SGD(lr=0.1), 60)
    assert found.params is model
    assert model.slope is slope
    assert (slope.data, model.shift.data) == (pytest.approx(3.0), pytest.approx(0.5))


def test_a_bound_optimizer_goes_on_from_its_state():
    w = [Value(one) for one in W]
    optimizer = Adam(w, lr=0.01)
    for _ in range(2):
        fit(assignment_loss, w, (X[:40], Y[:40]), optimizer, 1)
    assert optimizer.steps == 80
    whole = fit(assignment_loss, W, (X[:40], Y[:40]), Adam(lr=0.01), 2)
    assert [one.data for one in w] == whole.params


def test_a_schedule_is_asked_for_each_step():
    asked = []

    def rate(step):
        asked.append(step)
        return 0.1 / (step + 1)

    fit(line_loss, start(), LINE, SGD(lr=rate), 2, 5)
    assert sorted(set(asked)) == list(range(8))


# What it tells, and when it ends.


def test_callbacks_see_every_epoch_and_end_the_training():
    seen = []

    def callback(epoch, params):
        seen.append((epoch.number, epoch.loss, params["slope"]))
        return epoch.number == 3

    found = fit(line_loss, start(), LINE, SGD(lr=0.1), 10, callbacks=[callback])
    assert found.stopped == "callback"
    assert [one[:2] for one in seen] == [(i, loss) for i, loss in enumerate(found.losses, 1)]
    assert len(seen) == 3
    assert seen[-1][2] == found.params["slope"]


def test_early_stopping_returns_the_best_epoch_of_the_validation_loss():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 6))
    y = x[:, 0] + rng.normal(size=12)
    apart = rng.normal(size=(50, 6))

    def linear(w, x, y):
        return (sum(a * b for a, b in zip(w, x)) - y) ** 2

    seen = []
    found = fit(
        linear,
        [0.0] * 6,
        (x, y),
        SGD(lr=0.05),
        1000,
        validation=(apart, apart[:, 0]),
        early_stopping=EarlyStopping(patience=4),
        callbacks=[lambda epoch, params: seen.append(params)],
    )
    losses = [epoch.validation_loss for epoch in found.history]
    assert found.stopped == "early stopping"
    assert found.best == np.argmin(losses) + 1 == len(losses) - 4
    assert found.params == seen[found.best - 1]
    expected = np.mean([(w - y) ** 2 for w, y in zip(apart @ np.array(seen[-2]), apart[:, 0])])
    assert losses[-2] == pytest.approx(expected, rel=1e-12)


def test_a_validation_share_is_kept_apart():
    found = []

    def noting(p, x, y):
        found.append(x)
        return line_loss(p, x, y)

    fit(noting, start(), LINE, SGD(lr=0.1), 1, engine="eager", validation=0.25, seed=1)
    trained, apart = found[1:16], found[16:]  # the first is looked at before the training
    assert len(apart) == 5
    assert sorted([*trained, *apart]) == sorted(LINE_X.tolist())


def test_a_progress_bar_shows_the_loss(capsys):
    found = fit(line_loss, start(), LINE, SGD(lr=0.1), 2, progress="line")
    shown = capsys.readouterr().err
    assert "line" in shown
    assert "2/2" in shown
    assert f"loss {found.losses[-1]:.3e}" in shown


def test_a_missing_progress_bar_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match=r'pip install "valuegrad\[plots\]"'):
        fit(line_loss, start(), LINE, SGD(lr=0.1), 2, progress=True)


def branching(p, x, y):
    difference = p["slope"] * x + p["shift"] - y
    return difference * difference if difference > 0 else -difference


def test_what_cannot_be_traced_is_trained_eagerly_with_a_warning():
    with pytest.warns(UserWarning, match="not compiled") as warned:
        found = fit(branching, start(), LINE, SGD(lr=0.1), 2)
    assert warned[0].filename == __file__
    assert found.engine == "eager"
    assert found.params == fit(branching, start(), LINE, SGD(lr=0.1), 2, engine="eager").params
    with pytest.raises(TracingError):
        fit(branching, start(), LINE, SGD(lr=0.1), 2, engine="python")


# Losses that are not finite.


def risky(p, x, y):
    return (ag.log(p["slope"] + x) - y) ** 2


@pytest.mark.parametrize("engine", ["auto", "eager"])
def test_a_loss_that_turns_nan_names_epoch_sample_and_operation(engine):
    data = np.array([1.0, 2.0, -5.0, 3.0]), np.zeros(4)
    seen = []
    with pytest.raises(DivergenceError) as stopped:
        fit(
            risky,
            {"slope": 4.95},
            data,
            SGD(lr=0.01),
            9,
            engine=engine,
            callbacks=[lambda epoch, params: seen.append(params)],
        )
    error = stopped.value
    assert (error.epoch, error.sample) == (1, 2)
    assert "log(" in str(error)
    assert "return (ag.log(p" in str(error), "the line"
    assert len(error.history) == len(seen) == 0
    once = fit(risky, {"slope": 4.95}, (data[0][:1], data[1][:1]), SGD(lr=0.01), 1)
    assert error.params == once.params, "those that gave the loss of sample 1, the last finite one"


def test_the_sample_is_numbered_as_in_the_data_though_shuffled_and_in_batches():
    x = np.linspace(1.0, 2.0, 30)
    x[17] = -9.0
    with pytest.raises(DivergenceError) as stopped:
        fit(risky, {"slope": 4.0}, (x, np.zeros(30)), SGD(lr=1e-6), 3, 4, shuffle=True)
    assert stopped.value.sample == 17


def test_the_last_good_weights_are_kept_in_the_values():
    w = Value(1.0, "w")
    x = np.array([1.0, 1.0, 1e200, 1.0])
    with pytest.raises(DivergenceError, match=r"pow\(.* is inf") as stopped:
        fit(lambda p, x: (p[0] * x) ** 2, [w], x, SGD(lr=0.1), 2)
    assert stopped.value.sample == 2
    assert w.data == stopped.value.params[0] == pytest.approx(0.8)


def test_weights_that_run_away_in_a_later_epoch_are_found():
    # w <- -9 w: the square overflows after some 160 steps
    with pytest.raises(DivergenceError) as stopped:
        fit(lambda p, x: (p[0] * x) ** 2, [1.0], np.array([1.0, 1.0]), SGD(lr=5.0), 1000)
    error = stopped.value
    assert error.epoch == len(error.history) + 1 > 50
    weight = error.params[0]
    assert math.isfinite(weight * weight)
    assert math.isinf(81 * weight * weight)


def test_an_update_that_overflows_is_named():
    with pytest.raises(DivergenceError, match=r"the update took params\[0\] from 1.0 to -inf"):
        fit(lambda p, x: p[0] * x, [1.0], np.array([1e200]), SGD(lr=1e200), 1)


# Checkpoints.


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
    found = trained(path, 9, resume=True)
    assert found.params == whole.params
    assert [epoch[:3] for epoch in found.history] == [epoch[:3] for epoch in whole.history]
    again = trained(path, 9, resume=True)
    assert again.params == whole.params, "nothing is left to do"


def test_an_early_stop_is_resumed_as_one(tmp_path):
    stopping = EarlyStopping(patience=2, min_delta=10.0)
    whole = trained(None, 9, early_stopping=stopping)
    path = tmp_path / "run.json"
    trained(path, 2, early_stopping=stopping)
    for _ in range(2):
        found = trained(path, 9, early_stopping=stopping, resume=True)
        assert (found.params, found.best, found.stopped) == (whole.params, 1, "early stopping")


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
        found = fit(loss, start(), LINE, SGD(lr=0.1), 2, **going_on)
        assert found.params == fit(line_loss, start(), LINE, SGD(lr=0.1), 2).params


def test_an_eager_training_of_what_cannot_be_traced_is_resumed(tmp_path):
    path = tmp_path / "run.json"
    options = {"engine": "eager", "checkpoint": path, "resume": True}
    for epochs in (1, 3):
        found = fit(branching, start(), LINE, SGD(lr=0.1), epochs, **options)
    assert found.params == fit(branching, start(), LINE, SGD(lr=0.1), 3, engine="eager").params


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


# Bad input.


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"data": (LINE_X, LINE_X[1:])}, ValueError, r"20 in data\[0\], 19 in data\[1\]"),
        ({"data": (np.empty(0), np.empty(0))}, ValueError, "data has no samples"),
        ({"data": ()}, ValueError, "at least one array"),
        ({"data": 3.0}, ValueError, "got the number 3.0"),
        ({"data": (LINE_X, ["a"] * 20)}, TypeError, r"data\[1\] must hold real numbers, got an array of <U1"),
        ({"data": (LINE_X, np.where(LINE_X > 0.9, np.nan, 0))}, ValueError, r"data\[1\]\[19\] is nan: leave"),
        (
            {"data": (np.full((20, 2), np.inf), LINE_X)},
            ValueError,
            r"data\[0\]\[0, 0\] is infinite \(and 39 more\)",
        ),
        ({"params": {}}, ValueError, "at least one number to train"),
        (
            {"params": {"slope": math.nan, "shift": 0.0}},
            ValueError,
            r"params\['slope'\] must start from a fin",
        ),
        ({"params": {"slope": "steep", "shift": 0.0}}, TypeError, "params must be made of real numbers"),
        ({"params": {"slope": Value(1.0) * 2, "shift": 0.0}}, TypeError, "is a result and cannot be trained"),
        ({"optimizer": "adam"}, TypeError, "optimizer must be one of optim's"),
        ({"optimizer": SGD([Value(1.0)], lr=0.1)}, ValueError, "made with other Values than params holds"),
        ({"epochs": -1}, ValueError, "epochs must be at least 0, got -1"),
        ({"epochs": 1.5}, TypeError, "epochs must be a whole number, got 1.5"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
        ({"early_stopping": 3}, TypeError, r"must be an EarlyStopping\(patience=...\), got 3"),
        ({"callbacks": print}, TypeError, "callbacks must be a list of functions"),
        ({"callbacks": [3]}, TypeError, r"callbacks must be a list of functions .*, got \[3\]"),
        ({"shuffle": "no"}, TypeError, "shuffle must be True or False, got 'no'"),
        ({"clip_norm": -1.0}, ValueError, "clip_norm must be above 0"),
        ({"clip_value": "all"}, TypeError, "clip_value must be a number"),
        ({"engine": "fast"}, ValueError, "engine must be 'auto' or one of eager"),
        ({"validation": 1.5}, ValueError, "validation must be a share .* above 0 and below 1"),
        ({"validation": 0.01}, ValueError, "leaves some of the 20 on either side"),
        ({"validation": (LINE_X[:, None], LINE_X)}, ValueError, "samples of the data's shapes"),
        ({"loss": lambda p, x, y: [p["slope"]]}, TypeError, "must return one number a sample, got list"),
        (
            {"data": (LINE_X, LINE[1][:, None])},
            TypeError,
            r"got an array of shape \(1,\)\. data\[1\] is two-dimensional, .*: pass data\[1\]\[:, 0\]",
        ),
        ({"loss": lambda p, x, y: x - y}, TypeError, "does not depend on its first argument"),
    ],
    ids=lambda part: "-".join(part) if isinstance(part, dict) else getattr(part, "__name__", part),
)
def test_bad_input_is_named(changed, error, message):
    arguments = {
        "loss": line_loss, "params": start(), "data": LINE, "optimizer": SGD(lr=0.1), "epochs": 1,
    }  # fmt: skip
    with pytest.raises(error, match=message):
        fit(**{**arguments, **changed})


def test_a_loss_that_closes_over_its_parameters_is_refused():
    model = Line(Value(0.0), Value(0.0))
    with pytest.raises(ValueError, match=r"let it use its first argument, loss\(params, \*sample\)"):
        fit(lambda _, x, y: (model(x) - y) ** 2, [model.slope, model.shift], LINE, SGD(lr=0.1), 1)
