"""The pictures of the main job: loss against epoch, and the graph of one loss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from autograd import Value
from autograd.drawing import draw
from autograd.graph.scopes import enclose
from autograd.support.extras import require
from models.assignment.graders import labelled
from models.assignment.graph import forward
from models.assignment.training import THRESHOLDS, Training
from models.figures import write_figure

__all__ = ["draw_loss", "plot_losses"]

# Told apart by dashes as much as by colour (Okabe and Ito's palette, for the colour-blind).
_STYLES: dict[str, dict[str, Any]] = {
    "vanilla": {"color": "#0072b2", "linestyle": (0, (6, 2))},
    "momentum": {"color": "#d55e00", "linestyle": (0, (2, 1.5))},
    "adam": {"color": "#009e73", "linestyle": "-"},
}
_SCREEN = "14,8"  # inches, which the graph's picture must not exceed: one screen
_LARGEST = 1e100  # beyond it a loss is left out of the picture: matplotlib's own arithmetic overflows


def draw_loss(weights: Sequence[float], x: Sequence[float], y: float, paths: Iterable[Path]) -> None:
    """Draw the graph of one sample's loss, with data and gradients, its three parts in boxes.

    Args:
        weights: nine weights.
        x: five features.
        y: the target.
        paths: the files to write; their endings say which format.
    """
    w = labelled(weights)
    features = [Value(feature, f"x{i}") for i, feature in enumerate(x, 1)]
    results = forward(w, features, Value(y, "y"))
    results.exp.label, results.tanh.label, results.sigmoid.label = "part 1", "part 2", "part 3"
    results.loss.label = "L"
    enclose("part 1 = exp((w1*x1 + w2*x2)^2 + w6)", results.exp)
    enclose("part 2 = tanh(part 1 + w7)", results.tanh)
    enclose("part 3 = sigmoid(sin(w3*x3) * (w4*x4 + w5*x5) + w8)", results.sigmoid)
    results.loss.backward()
    picture = draw(results.loss)
    picture.attr(size=_SCREEN)
    for path in paths:
        picture.render(str(path))


def plot_losses(trainings: Sequence[Training], title: str, path: Path) -> None:
    """Plot the loss of one or more optimizers against the epoch, in linear and in log scale.

    A dot in the log plot marks, with its number, the first epoch under each of the thresholds.

    Args:
        trainings: trainings of at least one epoch.
        title: what stands above the plots.
        path: the PNG to write.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require("plots", "matplotlib")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 4.2), layout="constrained")
    figure.suptitle(title)
    linear, log = figure.subplots(1, 2)
    log.set_yscale("log")
    for training in trainings:
        for axes in (linear, log):
            _curve(axes, training)
        _mark_thresholds(log, training)
    epochs = max(len(training.loss_per_epoch) for training in trainings)
    for axes in (linear, log):
        axes.set_xlabel("epoch")
        axes.set_xlim(0, epochs + 1)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    linear.set_title("linear scale", fontsize=10)
    log.set_title(f"log scale; dots: first epochs under {', '.join(THRESHOLDS)}", fontsize=10)
    linear.set_ylabel("mean loss over the epoch")
    linear.set_ylim(bottom=0.0)
    linear.legend()
    write_figure(figure, path)


def _curve(axes: Any, training: Training) -> None:
    losses = [mean if mean < _LARGEST else math.nan for mean in training.loss_per_epoch]
    alone = "o" if len(losses) == 1 else ""
    label = training.name if any(map(math.isfinite, losses)) else f"{training.name} (not finite)"
    axes.plot(range(1, len(losses) + 1), losses, label=label, marker=alone, **_STYLES[training.name])


def _mark_thresholds(axes: Any, training: Training) -> None:
    for epoch in {training.first_epoch_below(float(threshold)) for threshold in THRESHOLDS}:
        if epoch is None:
            continue
        loss = training.loss_per_epoch[epoch - 1]
        color = _STYLES[training.name]["color"]
        axes.plot(epoch, loss, "o", color=color, markersize=4)
        beside = (10 if training.name == "vanilla" else 4, 3)  # clear of momentum, an epoch before it
        axes.annotate(str(epoch), (epoch, loss), beside, textcoords="offset points", fontsize=8, color=color)
