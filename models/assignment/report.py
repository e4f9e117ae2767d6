"""What the main job found: as tables for people and as ``summary.json`` for programs."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd.checking import GradientCheck
from autograd.support.extras import require
from autograd.support.whole_files import write_whole
from models.assignment.graders import WEIGHT_NAMES, Grader
from models.assignment.solving import Solution
from models.assignment.training import THRESHOLDS, Training

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["Results", "show_checks", "show_training", "terminal", "write_summary"]

SHOWN_EPOCHS = (1, 7, 20, 70, 100)


@dataclass
class Results:
    """Everything that the main job found, filled in as it goes.

    Attributes:
        settings: the options it ran with.
        samples: how many samples the data has.
        planted: the weights that made the targets, None where they are not known.
        graders: the graders' figures and verdicts.
        check: the gradient check.
        hand_difference: the largest relative difference of hand-derived and engine gradients.
        trainings: the optimizers' trainings; an interrupted one holds its finished epochs.
        solution: what Levenberg-Marquardt found, None where it was not asked or found none.
        unsolved: why it found none, "" otherwise.
        epoch_seconds: how long an epoch takes, by what runs it: eager, and the chosen engine.
        interrupted: whether Ctrl-C ended it.
    """

    settings: dict[str, Any]
    samples: int
    planted: tuple[float, ...] | None
    graders: list[Grader]
    check: GradientCheck
    hand_difference: float
    trainings: list[Training] = field(default_factory=list)
    solution: Solution | None = None
    unsolved: str = ""
    epoch_seconds: dict[str, float] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def failed(self) -> list[str]:
        """The names of the graders that did not pass."""
        return [grader.name for grader in self.graders if not grader.passed]


def terminal(quiet: bool = False) -> Console:
    """Where tables are printed to."""
    require("plots", "rich")
    from rich.console import Console

    return Console(quiet=quiet, highlight=False, markup=False)


def _table(title: str, *columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left", no_wrap=True)
    return table


def show_checks(results: Results, console: Console) -> None:
    """Print the data set's shapes, the graders, the gradient check, and hand against engine."""
    console.print(f"Data set {results.settings['data']}: X {(results.samples, 5)}, y {(results.samples,)}\n")
    table = _table("Graders", "", "expected", "got", "verdict")
    for grader in results.graders:
        verdict = "ok" if grader.passed else "FAILED"
        name = f"{grader.name}, {grader.rule}"
        table.add_row(name, repr(grader.expected), repr(grader.got), verdict)
    console.print(table)
    console.print("Gradient check: the engine against central differences, first sample", style="bold")
    console.print(f"{results.check}\n", soft_wrap=True)
    console.print("Hand-derived against engine gradients", style="bold")
    console.print(
        f"{results.samples} samples, every weight 0.1: largest relative difference "
        f"{results.hand_difference:.2e}\n"
    )


def show_training(results: Results, console: Console) -> None:
    """Print what each optimizer came to, and the weights it found beside the planted ones."""
    trainings, solution = results.trainings, results.solution
    if trainings or solution:
        _show_table(results, console)
    for training in trainings:
        if training.diverged:
            console.print(f"{training.name} ended early: {training.diverged}\n", soft_wrap=True)
    if solution:
        console.print(
            f"LM: Levenberg-Marquardt on all samples at once, {solution.starts} random starts: "
            f"{solution.found} came to a mean squared error of {solution.loss:.1e}."
            + (
                ""
                if results.planted is None
                else f" The weights are the planted ones to {_error(results):.0e}."
            )
            + "\n"
        )
    if results.unsolved:
        console.print(f"Levenberg-Marquardt found nothing: {results.unsolved}\n")
    if results.epoch_seconds:
        times = [f"{seconds * 1e3:.3g} ms {name}" for name, seconds in results.epoch_seconds.items()]
        console.print(f"One epoch of Adam takes {', '.join(times)}.\n")
    if results.planted:
        console.print(
            "The loss does not change with the sign of (w1, w2) together, nor with that of (w3, w4, w5).\n"
        )


def _show_table(results: Results, console: Console) -> None:
    trainings, solution = results.trainings, results.solution
    solved = ["LM"] if solution else []
    planted = [] if results.planted is None else ["planted"]
    names = [training.name for training in trainings]
    table = _table("Training (mean loss over the epoch)", "", *names, *solved, *planted)
    longest = max((len(training.loss_per_epoch) for training in trainings), default=0)
    for epoch in sorted({*(e for e in SHOWN_EPOCHS if e < longest), longest} - {0}):
        losses = [training.loss_per_epoch[epoch - 1 : epoch] for training in trainings]
        table.add_row(f"loss after epoch {epoch}", *(f"{loss[0]:.3e}" if loss else "-" for loss in losses))
    table.add_section()
    for threshold in THRESHOLDS if trainings else ():
        epochs = [training.first_epoch_below(float(threshold)) for training in trainings]
        table.add_row(f"first epoch under {threshold}", *(str(epoch or "-") for epoch in epochs))
    table.add_section()
    reached: list[Training | Solution] = [*trainings, *([solution] if solution else [])]
    for i, name in enumerate(WEIGHT_NAMES):
        row = [f"{result.weights[i]:#.6g}" for result in reached]
        table.add_row(name, *row, *(f"{weight:g}" for weight in (results.planted or ())[i : i + 1]))
    table.add_section()
    table.add_row("seconds", *(f"{result.seconds:.2f}" for result in reached))
    console.print(table)


def _error(results: Results) -> float:
    """The largest distance of a solved weight from its planted one."""
    assert results.solution
    assert results.planted
    return max(abs(weight - planted) for weight, planted in zip(results.solution.weights, results.planted))


def write_summary(results: Results, path: Path) -> None:
    """Write every figure at full precision as JSON; a reader never sees a half-written file.

    JSON has no inf and no nan: they are written as the strings "inf", "-inf" and "nan", which
    ``float`` reads.

    Args:
        results: what was found.
        path: the file to write.
    """
    optimizers: dict[str, Any] = {
        training.name: {
            **{key: entry for key, entry in asdict(training).items() if key != "name"},
            "first_epoch_below": {
                threshold: training.first_epoch_below(float(threshold)) for threshold in THRESHOLDS
            },
        }
        for training in results.trainings
    }
    if results.solution:
        optimizers["levenberg_marquardt"] = asdict(results.solution)
    summary = {
        "settings": results.settings,
        "data": {"X": [results.samples, 5], "y": [results.samples]},
        "graders": results.graders,
        "gradient_check": {**results.check._asdict(), "passed": results.check.passed},
        "hand_against_engine": {
            "samples": results.samples,
            "weight": 0.1,
            "largest_relative_difference": results.hand_difference,
        },
        "planted_weights": results.planted,
        "optimizers": optimizers,
        "epoch_seconds": results.epoch_seconds,
        "interrupted": results.interrupted,
        "passed": not results.failed,
    }
    write_whole(path, json.dumps(_writable(summary), indent=2, allow_nan=False) + "\n")


def _writable(tree: Any) -> Any:
    """The same with strings for inf and nan, and with dicts for named tuples."""
    if hasattr(tree, "_asdict"):
        tree = tree._asdict()
    if isinstance(tree, dict):
        return {name: _writable(entry) for name, entry in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_writable(entry) for entry in tree]
    return str(tree) if isinstance(tree, float) and not math.isfinite(tree) else tree
