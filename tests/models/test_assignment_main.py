"""The main job: what it prints and writes, its options, its exit statuses, and Ctrl-C."""

import html
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autograd.engines import engine_names
from autograd.engines.machine.compiler import loaded
from models import load_assignment_data
from models.assignment import graders
from models.assignment.__main__ import main

ROOT = Path(__file__).parents[2]
FILES = {
    "summary.json", "graph.svg", "graph.png", "loss-vanilla.png", "loss-momentum.png", "loss-adam.png",
    "loss-comparison.png",
}  # fmt: skip


def summary_in(out):
    def refuse(name):
        raise AssertionError(f"summary.json holds {name}, which is not JSON")

    return json.loads((out / "summary.json").read_text(), parse_constant=refuse)


def status_of_exit(*options):
    with pytest.raises(SystemExit) as stopped:
        main(options)
    return stopped.value.code


@pytest.fixture(scope="module")
def two_epochs(tmp_path_factory):
    """A run of two epochs as a user starts it, under -X dev -W error: (its output, its folder)."""
    out = tmp_path_factory.mktemp("job") / "made" / "by it"
    command = [sys.executable, "-X", "dev", "-W", "error", "-m", "models.assignment"]
    done = subprocess.run(
        [*command, "--epochs", "2", "--out", str(out)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert "Traceback" not in done.stderr
    return done, out


def test_it_writes_its_files_and_nothing_else(two_epochs):
    _, out = two_epochs
    assert {path.name for path in out.iterdir()} == FILES
    for path in out.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size > 5_000
    assert "</svg>" in (out / "graph.svg").read_text()


def test_the_drawing_shows_data_and_gradients_by_name(two_epochs):
    text = html.unescape((two_epochs[1] / "graph.svg").read_text())
    for shown in ("w1", "x5", "part 3", ">L<", "-0.22973", "1.1273", "-1.9285"):
        assert shown in text, shown


def test_it_prints_what_it_found(two_epochs):
    printed = two_epochs[0].stdout
    for shown in (
        "X (506, 5), y (506,)",
        "0.8807970779778823",
        "-1.9285278284819143",
        "norm form",
        "largest relative difference",
        "loss after epoch 1 ",
        "loss after epoch 2 ",
        "first epoch under 1e-4",
        "planted",
        "summary.json",
    ):
        assert shown in printed, shown
    assert printed.count(" ok ") == 16
    assert all(len(line) <= 80 for line in printed.splitlines() if not line.startswith("Written"))
    for name in ("vanilla", "momentum", "adam"):
        assert re.search(rf"{name} *: 100%.*2/2 .*loss \d\.\d+e-\d\d", two_epochs[0].stderr)


def test_the_summary_has_every_figure(two_epochs):
    summary = summary_in(two_epochs[1])
    assert [grader["passed"] for grader in summary["graders"]] == [True] * 16
    assert summary["graders"][0] == {
        "name": "sigmoid(2)",
        "rule": "exactly",
        "expected": 0.8807970779778823,
        "got": 0.8807970779778823,
        "passed": True,
    }
    assert len(summary["gradient_check"]["rows"]) == 9
    assert summary["gradient_check"]["passed"] is True
    assert summary["gradient_check"]["norm"] < 1e-7
    assert summary["hand_against_engine"]["largest_relative_difference"] < 1e-13
    assert summary["planted_weights"] == [1.0] * 9
    assert summary["data"] == {"X": [506, 5], "y": [506]}
    assert (summary["interrupted"], summary["passed"]) == (False, True)
    assert list(summary["optimizers"]) == ["vanilla", "momentum", "adam", "levenberg_marquardt"]
    solution = summary["optimizers"].pop("levenberg_marquardt")
    assert set(solution) == {"weights", "loss", "found", "starts", "seconds"}
    assert max(abs(weight - 1.0) for weight in solution["weights"]) < 1e-10
    assert 1 <= solution["found"] <= solution["starts"]
    for name, training in summary["optimizers"].items():
        assert set(training) == {
            "loss_per_epoch", "first_epoch_below", "weights", "seconds", "engine", "diverged",
        }  # fmt: skip
        assert (training["engine"] in engine_names(), training["diverged"]) == (True, None)
        assert len(training["loss_per_epoch"]) == 2
        assert training["first_epoch_below"] == {"1e-1": None, "1e-2": None, "1e-3": None, "1e-4": None}, name
        assert len(training["weights"]) == 9
        assert training["seconds"] > 0
    assert next(iter(summary["epoch_seconds"])) == "eager"
    assert len(summary["epoch_seconds"]) == 2


def test_options_reach_the_training(tmp_path, capsys):
    numbers = ["--epochs", "1", "--lr", "0.01", "--momentum", "0.5", "--seed", "7"]
    assert main([*numbers, "--optimizers", "momentum", "momentum", "--quiet", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr() == ("", "")
    summary = summary_in(tmp_path)
    settings = {"epochs": 1, "lr": 0.01, "momentum": 0.5, "seed": 7, "optimizers": ["momentum"]}
    assert settings.items() <= summary["settings"].items()
    assert {path.name for path in tmp_path.iterdir()} == FILES - {"loss-vanilla.png", "loss-adam.png"}
    assert summary["optimizers"]["momentum"]["loss_per_epoch"] == [pytest.approx(0.1, abs=0.05)]


def test_data_of_the_users_own(tmp_path, capsys):
    X, y = load_assignment_data()
    np.save(tmp_path / "own.npy", np.column_stack([X, y + 1.0])[:40])
    path, out = str(tmp_path / "own.npy"), str(tmp_path / "out")
    assert main(["--data", path, "--epochs", "1", "--optimizers", "adam", "--out", out]) == 0
    printed = capsys.readouterr().out
    assert "own.npy: X (40, 5), y (40,)" in printed.replace("\n", "")
    assert "planted" not in printed
    assert summary_in(tmp_path / "out")["planted_weights"] is None


def test_a_training_that_runs_away_is_still_reported(tmp_path, capsys):
    options = ["--epochs", "2", "--lr", "1e308", "--out", str(tmp_path)]
    assert main([*options, "--optimizers", "vanilla", "adam"]) == 0
    training = summary_in(tmp_path)["optimizers"]["vanilla"]
    assert training["loss_per_epoch"] == []
    assert "epoch 1, sample 1" in training["diverged"]
    assert "vanilla ended early: the loss turned" in capsys.readouterr().out


def test_a_failing_grader_is_exit_status_1(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(graders, "sigmoid", lambda _: 0.5)
    assert main(["--epochs", "1", "--optimizers", "adam", "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert re.search(r"sigmoid\(2\), exactly .* 0\.5 +FAILED", printed.out)
    assert "Graders failed: sigmoid(2)" in printed.err
    summary = summary_in(tmp_path)
    assert (summary["passed"], summary["graders"][0]["passed"]) == (False, False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--data", "no-such.csv"], "no-such.csv: found no such file; expected"),
        (["--epochs", "0"], "--epochs: must be a whole number of at least 1, got '0'"),
        (["--epochs", "ten"], "--epochs: must be a whole number of at least 1, got 'ten'"),
        (["--seed", "-1"], "--seed: must be a whole number of at least 0, got '-1'"),
        (["--lr", "0"], "--lr: must be a positive number, got '0'"),
        (["--lr", "nan"], "--lr: must be a positive number, got 'nan'"),
        (["--lr", "inf"], "--lr: must be a positive number, got 'inf'"),
        (["--momentum", "1"], "--momentum: must be at least 0 and below 1, got '1'"),
        (["--momentum", "much"], "--momentum: must be at least 0 and below 1, got 'much'"),
        (["--optimizers", "sgd"], "invalid choice: 'sgd'"),
        (["--engine", "gpu"], "invalid choice: 'gpu'"),
        (["--out", __file__], os.path.basename(__file__)),
    ],
)
def test_bad_input_is_exit_status_2_and_a_line_that_says_why(tmp_path, monkeypatch, capsys, options, words):
    monkeypatch.chdir(tmp_path)
    assert status_of_exit(*options) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.out == ""
    assert "Traceback" not in printed.err
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize(
    ("extra", "package"), [("plots", "matplotlib"), ("plots", "rich"), ("plots", "tqdm"), ("fit", "scipy")]
)
def test_a_missing_package_is_named_with_the_command_before_anything_runs(
    tmp_path, monkeypatch, capsys, extra, package
):
    monkeypatch.setitem(sys.modules, package, None)
    assert status_of_exit("--out", str(tmp_path)) == 2
    printed = capsys.readouterr()
    assert f'{package} is not installed: run  pip install "valuegrad[{extra}]"' in printed.err
    assert printed.out == ""


def test_an_engine_that_is_not_installed_is_named_before_anything_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setattr("autograd.engines.machine.compiler.loaded", loaded.__wrapped__)
    assert status_of_exit("--engine", "llvm", "--out", str(tmp_path)) == 2
    assert "llvmlite" in capsys.readouterr().err


def test_what_cannot_be_solved_is_said(tmp_path, capsys):
    X, y = load_assignment_data()
    np.save(tmp_path / "few.npy", np.column_stack([X, y])[:5])
    options = ["--data", str(tmp_path / "few.npy"), "--out", str(tmp_path), "--epochs", "1"]
    assert main([*options, "--optimizers", "levenberg_marquardt"]) == 0
    assert "Levenberg-Marquardt found nothing: " in capsys.readouterr().out
    assert summary_in(tmp_path)["optimizers"] == {}


def test_optional_packages_are_not_imported_until_they_are_used():
    code = (
        "import sys, models.assignment.__main__; "
        "print({'matplotlib', 'rich', 'tqdm', 'pygraphviz', 'scipy', 'llvmlite'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()", done.stderr


def test_help_explains_every_option(capsys):
    assert status_of_exit("--help") == 0
    text = capsys.readouterr().out
    options = (
        "--data", "--epochs", "--lr", "--momentum", "--seed", "--optimizers", "--engine", "--out", "--quiet",
    )  # fmt: skip
    for option in options:
        assert re.search(rf"^  {option}.*\n? +\S", text, re.MULTILINE), option
    assert "the learning rate (0.001)" in " ".join(text.split())


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for a child process here")
def test_ctrl_c_writes_what_is_there(tmp_path):
    # A job that a shell put in the background ignores SIGINT, and so do the processes that it starts.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from models.assignment.__main__ import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", code, "--epochs", "100000", "--out", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            shown = ""
            while "loss" not in shown:  # the bar has moved: the training is on
                letter = process.stderr.read(1)
                assert letter, f"the job ended early: {shown}"
                shown += letter
            process.send_signal(signal.SIGINT)
            printed, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Interrupted" in errors
    assert "Traceback" not in errors
    assert "loss after epoch" in printed
    summary = summary_in(tmp_path)
    assert summary["interrupted"] is True
    assert list(summary["optimizers"]) == ["vanilla"]
    losses = summary["optimizers"]["vanilla"]["loss_per_epoch"]
    assert 1 <= len(losses) < 100000
    assert (tmp_path / "loss-vanilla.png").is_file()


def test_ctrl_c_in_the_first_epoch_writes_the_checks(tmp_path, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("models.assignment.training.fit", interrupted)
    assert main(["--out", str(tmp_path)]) == 130
    summary = summary_in(tmp_path)
    assert (summary["interrupted"], summary["optimizers"]) == (True, {})
    assert len(summary["graders"]) == 16
    assert "Interrupted" in capsys.readouterr().err


def test_ctrl_c_before_the_training_says_so(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("models.assignment.__main__.draw_loss", interrupted)
    assert main(["--out", str(tmp_path)]) == 130
    assert "Interrupted: nothing more was written" in capsys.readouterr().err


def test_a_write_that_fails_leaves_the_old_summary(monkeypatch, tmp_path):
    (tmp_path / "summary.json").write_text("old")
    monkeypatch.setattr("models.assignment.report.json.dumps", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["--epochs", "1", "--optimizers", "adam", "--out", str(tmp_path), "--quiet"])
    assert (tmp_path / "summary.json").read_text() == "old"
