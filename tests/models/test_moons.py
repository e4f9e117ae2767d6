"""The moons classifier: what it reaches, what its job prints and draws, its options, and Ctrl-C."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autograd import value_and_grad
from autograd.engines.machine import compiler
from models import moons as job
from models.datasets import moons
from models.mlp import MLP
from models.moons import PENALTY, accuracy, loss, main, train

ROOT = Path(__file__).parents[2]


def by_hand(model, X, y, steps):
    """The same training in NumPy, backpropagation by hand: the losses, each before its step."""
    weights = [np.array([[w.data for w in neuron.w] for neuron in layer.neurons]) for layer in model.layers]
    biases = [np.array([neuron.b.data for neuron in layer.neurons]) for layer in model.layers]
    losses = []
    for k in range(steps):
        signals = [X]
        for matrix, b in zip(weights, biases):
            signals.append(signals[-1] @ matrix.T + b)
            if len(signals) < 4:
                signals[-1] = np.maximum(signals[-1], 0)
        margins = 1 - y * signals[3][:, 0]
        squares = sum((layer * layer).sum() for layer in [*weights, *biases])
        losses.append(np.maximum(margins, 0).mean() + PENALTY * squares)
        adjoint = (-y * (margins > 0) / len(y))[:, None]
        rate = 1 - 0.9 * k / steps
        for depth in (2, 1, 0):
            before = (adjoint @ weights[depth]) * (signals[depth] > 0)
            weights[depth] -= rate * (adjoint.T @ signals[depth] + 2 * PENALTY * weights[depth])
            biases[depth] -= rate * (adjoint.sum(axis=0) + 2 * PENALTY * biases[depth])
            adjoint = before
    return losses


def test_training_equals_one_by_hand_in_numpy():
    X, y = moons(30, 0.1, 1)
    model = MLP(2, [16, 16, 1], seed=1)
    expected = by_hand(model, X, y, 100)
    assert train(model, X, y).losses == pytest.approx(expected, rel=1e-9)


def test_every_point_of_a_hundred_is_right_after_a_hundred_steps():
    X, y = moons(100, 0.1, 0)
    model = MLP(2, [16, 16, 1], seed=0)
    done = train(model, X, y)
    assert accuracy(model, X, y) == 1.0
    assert done.losses[-1] < 0.02
    assert done.params is model
    assert len(done.losses) == 100


def test_the_fallback_without_a_compiler_gives_the_same_bits():
    X, y = moons(3, 0.1, 0)
    runs = []
    for engine in ("eager", "python", "auto"):
        model = MLP(2, [16, 16, 1], seed=0)
        runs.append((train(model, X, y, 3, engine=engine).losses, model.state_dict()))
    assert runs[0] == runs[1] == runs[2]


def test_the_penalty_is_on_all_weights():
    model = MLP(1, [1], seed=0)
    far = [100.0 if model.layers[0].neurons[0].w[0].data > 0 else -100.0]  # beyond the margin: no hinge
    value, gradient = value_and_grad(loss)(model, far, 1.0)
    assert value.data == PENALTY * sum(w.data**2 for w in model.parameters())
    assert [slope.data for slope in gradient.parameters()] == [
        2 * PENALTY * w.data for w in model.parameters()
    ]


def test_the_job_prints_and_draws_what_it_found(tmp_path):
    command = [
        sys.executable,
        "-X",
        "dev",
        "-W",
        "error",
        "-m",
        "models.moons",
        "--out",
        str(tmp_path / "made"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "accuracy 100.0% on 100 points" in done.stdout
    assert "MLP(2 -> 16 relu -> 16 relu -> 1 linear: 337 parameters)" in done.stdout
    assert re.search(r"step  100   loss 0\.0\d+\n100 steps in \d+\.\d\d s", done.stdout)
    assert "100/100" in done.stderr
    picture = (tmp_path / "made" / "moons.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["moons.png"]


def test_options_reach_the_training(tmp_path, capsys, monkeypatch):
    calls = []
    monkeypatch.setattr(job, "train", lambda *args, **rest: calls.append((*args, rest)))
    monkeypatch.setattr(job, "_tell", lambda *_: None)
    options = [
        "--points",
        "20",
        "--noise",
        "0.3",
        "--seed",
        "7",
        "--steps",
        "9",
        "--engine",
        "python",
        "--quiet",
    ]
    assert main([*options, "--out", str(tmp_path)]) == 0
    assert capsys.readouterr() == ("", "")
    ((model, X, y, steps, rest),) = calls
    assert model.state_dict() == MLP(2, [16, 16, 1], seed=7).state_dict()
    assert np.array_equal(X, moons(20, 0.3, 7)[0])
    assert np.array_equal(y, moons(20, 0.3, 7)[1])
    assert (steps, rest) == (9, {"engine": "python", "progress": False})


def test_all_scores_of_one_sign_are_drawn_too(tmp_path):
    X, y = moons(10)
    model = MLP(2, [2, 1], last_activation="sigmoid", seed=0)
    job.draw_boundary(model, X, y, tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 5_000


def test_a_training_that_diverges_is_exit_status_1(tmp_path, capsys):
    assert main(["--points", "4", "--noise", "1e200", "--out", str(tmp_path), "--quiet"]) == 1
    assert re.search("The training diverged: the loss turned .*epoch 2", capsys.readouterr().err)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--points", "1"], "--points: must be a whole number of at least 2, got '1'"),
        (["--noise", "-1"], "--noise: must be a number of at least 0, got '-1'"),
        (["--noise", "inf"], "--noise: must be a number of at least 0, got 'inf'"),
        (["--noise", "much"], "--noise: must be a number of at least 0, got 'much'"),
        (["--seed", "1.5"], "--seed: must be a whole number of at least 0, got '1.5'"),
        (["--steps", "0"], "--steps: must be a whole number of at least 1, got '0'"),
        (["--engine", "steam"], "--engine: invalid choice: 'steam'"),
        (["--out", __file__], "test_moons.py"),
    ],
)
def test_bad_input_is_exit_status_2_and_a_line_that_says_why(tmp_path, monkeypatch, capsys, options, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(options)
    printed = capsys.readouterr()
    assert stopped.value.code == 2
    assert words in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    ("package", "options", "words"),
    [
        ("matplotlib", [], 'matplotlib is not installed: run  pip install "valuegrad[plots]"'),
        ("tqdm", [], 'tqdm is not installed: run  pip install "valuegrad[plots]"'),
        ("llvmlite", ["--engine", "llvm"], 'llvmlite is not installed: run  pip install "valuegrad[jit]"'),
    ],
)
def test_a_missing_package_is_named_before_anything_runs(
    tmp_path, monkeypatch, capsys, package, options, words
):
    compiler.loaded.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit) as stopped:
        main([*options, "--out", str(tmp_path)])
    printed = capsys.readouterr()
    assert stopped.value.code == 2
    assert words in printed.err
    assert printed.out == ""


def test_ctrl_c_draws_what_the_finished_steps_came_to(tmp_path, monkeypatch, capsys):
    def interrupted(model, *args, **kwargs):
        train(model, *args, **{**kwargs, "progress": False, "steps": 3})
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "train", lambda model, X, y, steps, **_: interrupted(model, X, y))
    assert main(["--out", str(tmp_path)]) == 130
    printed = capsys.readouterr()
    assert "Interrupted: drawing what the finished steps came to." in printed.err
    assert re.search(r"accuracy \d+\.\d% on 100 points", printed.out)
    assert (tmp_path / "moons.png").is_file()


def test_ctrl_c_outside_the_training_says_that_nothing_was_written(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "moons", interrupted)
    assert main(["--out", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "Interrupted: nothing was written.\n"
    assert not list(tmp_path.iterdir())


def test_optional_packages_are_not_imported_until_they_are_used():
    code = "import sys, models.moons; print({'matplotlib', 'tqdm', 'llvmlite'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()", done.stderr
