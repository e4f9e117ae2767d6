"""`fit`: the same result on every engine, what it tells, and when it ends."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from autograd import TracingError, Value
from models.assignment import hand_gradients
from models.assignment import loss as assignment_loss
from optim import SGD, Adam, EarlyStopping, fit
from tests.optim.trainings import EXACT, LINE, LINE_X, Line, W, X, Y, adam, branching, line_loss, start

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
        assert [epoch[:3] for epoch in result.history] == [epoch[:3] for epoch in results[0].history], engine


def test_the_numpy_engine_is_close():
    data = X[:60], Y[:60]
    result = fit(assignment_loss, W, data, adam(), 3, 16, engine="numpy")
    assert result.params == pytest.approx(fit(assignment_loss, W, data, adam(), 3, 16).params, rel=1e-12)


def test_a_step_is_the_update_by_the_mean_gradient_of_its_batch():
    w, losses = np.array(W), []
    for begin in range(0, 50, 8):
        batch = [(X[i], Y[i]) for i in range(begin, min(begin + 8, 50))]
        losses += [float(assignment_loss(w, x, y)) for x, y in batch]
        w = w - 0.05 * np.mean([hand_gradients(w, x, y) for x, y in batch], axis=0)
    result = fit(assignment_loss, W, (X[:50], Y[:50]), SGD(lr=0.05), 1, 8)
    assert result.params == pytest.approx(w.tolist(), rel=1e-12)
    assert result.losses == [pytest.approx(np.mean(losses), rel=1e-12)]


def test_a_seed_gives_the_same_result_and_another_seed_another():
    first, same, other = (
        fit(line_loss, start(), LINE, SGD(lr=0.1), 2, shuffle=True, seed=seed) for seed in (5, 5, 6)
    )
    assert first.params == same.params != other.params


def test_values_are_updated_in_place_and_a_model_is_taken_as_it_is():
    model = Line(Value(0.0), Value(0.0))
    slope = model.slope
    result = fit(lambda line, x, y: (line(x) - y) ** 2, model, LINE, SGD(lr=0.1), 60)
    assert result.params is model
    assert model.slope is slope
    assert (slope.data, model.shift.data) == (pytest.approx(3.0), pytest.approx(0.5))


def test_a_bound_optimizer_goes_on_from_its_state():
    w = [Value(weight) for weight in W]
    optimizer = Adam(w, lr=0.01)
    for _ in range(2):
        fit(assignment_loss, w, (X[:40], Y[:40]), optimizer, 1)
    assert optimizer.steps == 80
    whole = fit(assignment_loss, W, (X[:40], Y[:40]), Adam(lr=0.01), 2)
    assert [weight.data for weight in w] == whole.params


def test_a_schedule_is_asked_for_each_step():
    steps = []

    def rate(step):
        steps.append(step)
        return 0.1 / (step + 1)

    fit(line_loss, start(), LINE, SGD(lr=rate), 2, 5)
    assert sorted(set(steps)) == list(range(8))


# What it tells, and when it ends.


def test_callbacks_see_every_epoch_and_end_the_training():
    epochs = []

    def callback(epoch, params):
        epochs.append((epoch.number, epoch.loss, params["slope"]))
        return epoch.number == 3

    result = fit(line_loss, start(), LINE, SGD(lr=0.1), 10, callbacks=[callback])
    assert result.stopped == "callback"
    assert [epoch[:2] for epoch in epochs] == [(i, loss) for i, loss in enumerate(result.losses, 1)]
    assert len(epochs) == 3
    assert epochs[-1][2] == result.params["slope"]


def test_early_stopping_returns_the_best_epoch_of_the_validation_loss():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 6))
    y = x[:, 0] + rng.normal(size=12)
    apart = rng.normal(size=(50, 6))

    def linear(w, x, y):
        return (sum(a * b for a, b in zip(w, x)) - y) ** 2

    params_by_epoch = []
    result = fit(
        linear,
        [0.0] * 6,
        (x, y),
        SGD(lr=0.05),
        1000,
        validation=(apart, apart[:, 0]),
        early_stopping=EarlyStopping(patience=4),
        callbacks=[lambda epoch, params: params_by_epoch.append(params)],
    )
    losses = [epoch.validation_loss for epoch in result.history]
    assert result.stopped == "early stopping"
    assert result.best == np.argmin(losses) + 1 == len(losses) - 4
    assert result.params == params_by_epoch[result.best - 1]
    expected = np.mean([(w - y) ** 2 for w, y in zip(apart @ np.array(params_by_epoch[-2]), apart[:, 0])])
    assert losses[-2] == pytest.approx(expected, rel=1e-12)


def test_a_validation_share_is_kept_apart():
    samples = []

    def noting(p, x, y):
        samples.append(x)
        return line_loss(p, x, y)

    fit(noting, start(), LINE, SGD(lr=0.1), 1, engine="eager", validation=0.25, seed=1)
    trained, apart = samples[1:16], samples[16:]  # the first is looked at before the training
    assert len(apart) == 5
    assert sorted([*trained, *apart]) == sorted(LINE_X.tolist())


def test_a_progress_bar_shows_the_loss(capsys):
    result = fit(line_loss, start(), LINE, SGD(lr=0.1), 2, progress="line")
    shown = capsys.readouterr().err
    assert "line" in shown
    assert "2/2" in shown
    assert f"loss {result.losses[-1]:.3e}" in shown


def test_a_missing_progress_bar_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match=r'pip install "valuegrad\[plots\]"'):
        fit(line_loss, start(), LINE, SGD(lr=0.1), 2, progress=True)


def test_what_cannot_be_traced_is_trained_eagerly_with_a_warning():
    with pytest.warns(UserWarning, match="not compiled") as warned:
        result = fit(branching, start(), LINE, SGD(lr=0.1), 2)
    assert warned[0].filename == __file__
    assert result.engine == "eager"
    assert result.params == fit(branching, start(), LINE, SGD(lr=0.1), 2, engine="eager").params
    with pytest.raises(TracingError):
        fit(branching, start(), LINE, SGD(lr=0.1), 2, engine="python")


# Bad input.


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"data": (LINE_X, LINE_X[1:])}, ValueError, r"20 in data\[0\], 19 in data\[1\]"),
        ({"data": (np.empty(0), np.empty(0))}, ValueError, "data has no samples"),
        ({"data": ()}, ValueError, "at least one array"),
        ({"data": 3.0}, ValueError, "got the number 3.0"),
        (
            {"data": (LINE_X, ["a"] * 20)},
            TypeError,
            r"data\[1\] must be .* real numbers, got an array of <U1",
        ),
        ({"data": (LINE_X, np.where(LINE_X > 0.9, np.nan, 0))}, ValueError, r"data\[1\]\[19\] is nan: leave"),
        (
            {"data": (np.full((20, 2), np.inf), LINE_X)},
            ValueError,
            r"data\[0\]\[0, 0\] is -?inf \(and 39 more\)",
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
