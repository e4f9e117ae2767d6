"""A first classifier, ``python -m models.moons``: an MLP learns to tell two moons apart, and is drawn.

It is the demonstration of micrograd: a network of two hidden layers of 16 relu neurons, hinge loss with an L2
penalty on all weights, 100 full-batch steps of gradient descent at a falling rate.
"""

from __future__ import annotations

import argparse
import operator
import sys
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from autograd import vmap
from autograd.support.extras import require
from models.datasets import moons
from models.figures import write_figure
from models.losses import hinge
from models.mlp import MLP
from models.options import add_common, check_engine, not_negative, whole
from optim import SGD, DivergenceError, Fit, Linear, fit

__all__ = ["accuracy", "draw_boundary", "main", "train"]

Array = np.ndarray[Any, np.dtype[np.float64]]

PENALTY = 1e-4
FAILED, INTERRUPTED = 1, 130  # exit statuses; the last is the shells' 128 + SIGINT
PICTURE = "moons.png"

# Told apart by shape and brightness as much as by colour (Okabe and Ito's palette, for the colour-blind).
_CLASSES: dict[int, dict[str, Any]] = {
    -1: {"marker": "o", "facecolor": "#0072b2", "label": "class -1"},
    +1: {"marker": "^", "facecolor": "#f0e442", "label": "class +1"},
}
_REGIONS = ["#a9cfe5", "#fdf8cf"]


def loss(model: Any, x: Any, y: Any) -> Any:
    """One sample's loss: hinge, and an L2 penalty on the weights."""
    squares = (weight * weight for weight in model.parameters())
    return hinge(model(x), y) + PENALTY * reduce(operator.add, squares)


def train(
    model: MLP,
    X: Array,
    y: Array,
    steps: int = 100,
    *,
    engine: str = "auto",
    progress: bool = False,
) -> Fit:
    """Train a classifier by full-batch gradient descent, at a rate that falls from 1 to 0.1.

    Args:
        model: of two inputs and one output, the score; updated in place.
        X: points, of shape (n, 2).
        y: -1 or +1 for each.
        steps: how many.
        engine: as for `optim.fit`.
        progress: whether to show a progress bar.

    Returns:
        What `optim.fit` returns.

    >>> X, y = moons(20)
    >>> model = MLP(2, [8, 8, 1], seed=0)
    >>> losses = train(model, X, y, engine="python").losses
    >>> losses[-1] < 0.1 < losses[0], accuracy(model, X, y)
    (True, 1.0)
    """
    optimizer = SGD(lr=Linear(1.0, steps, last=0.1))
    return fit(loss, model, (X, y), optimizer, steps, None, engine=engine, progress=progress)


def accuracy(model: MLP, X: Array, y: Array) -> float:
    """The share of points whose score has the sign of their class."""
    return float(np.mean((vmap(model)(X) > 0) == (y > 0)))


def draw_boundary(model: MLP, X: Array, y: Array, path: Path) -> None:
    """Draw the points, and where the model draws the line between the classes.

    Args:
        model: of two inputs and one output, the score.
        X: points, of shape (n, 2).
        y: -1 or +1 for each.
        path: the PNG to write.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require("plots", "matplotlib")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 5.4), layout="constrained")
    axes: Any = figure.subplots()
    _draw_scores(axes, model, X)
    for label, style in _CLASSES.items():
        axes.scatter(*X[y == label].T, s=36, edgecolor="black", linewidth=0.8, zorder=3, **style)
    right = accuracy(model, X, y)
    figure.suptitle(f"Two moons: {right:.1%} of {len(y)} points on their class's side")
    axes.set_xlabel("x[0]")
    axes.set_ylabel("x[1]")
    axes.set_aspect("equal")
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    write_figure(figure, path)


def _draw_scores(axes: Any, model: MLP, X: Array) -> None:
    """The two classes' regions, the line between them and the hinge loss's margins."""
    low, high = X.min(axis=0) - 0.5, X.max(axis=0) + 0.5
    across, up = np.linspace(low[0], high[0], 240), np.linspace(low[1], high[1], 200)
    grid = np.stack([axis.ravel() for axis in np.meshgrid(across, up)], axis=1)
    scores = vmap(model)(grid).reshape(len(up), len(across))
    least, most = min(-1.0, scores.min()), max(1.0, scores.max())
    axes.contourf(across, up, scores, levels=[least, 0.0, most], colors=_REGIONS)
    for level, width, dashes in ((-1.0, 1.0, "--"), (0.0, 2.0, "-"), (1.0, 1.0, "--")):
        if scores.min() < level < scores.max():
            axes.contour(
                across, up, scores, levels=[level], colors="black", linewidths=width, linestyles=dashes
            )
    axes.plot([], [], "k-", linewidth=2.0, label="decision boundary")
    axes.plot([], [], "k--", linewidth=1.0, label="margins: score -1, +1")


def main(argv: Sequence[str] | None = None) -> int:
    """Train the classifier, draw it, print how many points it has right.

    Args:
        argv: the command line's options; None for the process's own.

    Returns:
        The exit status: 0, 1 where the training diverged, 130 after Ctrl-C. Bad input exits with 2.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        require("plots", "matplotlib", "tqdm")
        check_engine(options.engine)
        options.out.mkdir(parents=True, exist_ok=True)
        return _run(options)
    except (ImportError, OSError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        print("Interrupted: nothing was written.", file=sys.stderr)
        return INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    say: Callable[[str], object] = (lambda _: None) if options.quiet else print
    X, y = moons(options.points, options.noise, options.seed)
    model = MLP(2, [16, 16, 1], seed=options.seed)
    say(f"{options.points} points, noise {options.noise:g}, seed {options.seed}\n{model}")
    interrupted = False
    try:
        done = train(model, X, y, options.steps, engine=options.engine, progress=not options.quiet)
        _tell(done, say)
    except KeyboardInterrupt:
        interrupted = True
        print("Interrupted: drawing what the finished steps came to.", file=sys.stderr)
    except DivergenceError as error:
        print(f"The training diverged: {error}", file=sys.stderr)
        return FAILED
    say(f"accuracy {accuracy(model, X, y):.1%} on {options.points} points")
    draw_boundary(model, X, y, options.out / PICTURE)
    say(f"Written to {options.out}: {PICTURE}")
    return INTERRUPTED if interrupted else 0


def _tell(done: Fit, say: Callable[[str], object]) -> None:
    """Print the loss on the way."""
    steps = len(done.losses)
    for step in sorted({1, *range(steps, 0, -max(1, steps // 5))}):
        say(f"step {step:4}   loss {done.losses[step - 1]:.6f}")
    say(f"{steps} steps in {done.seconds:.2f} s, everything included (engine {done.engine})")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models.moons",
        description="Train a multilayer perceptron 2-16-16-1 to tell two moons apart, and draw the boundary.",
        epilog="Exit status: 0, 1 where the training diverges, 2 for bad input, 130 after Ctrl-C (what the "
        "finished steps came to is drawn).",
    )
    parser.add_argument(
        "--points", type=whole(2), default=100, metavar="N", help="how many points (%(default)s)"
    )
    parser.add_argument(
        "--noise",
        type=not_negative,
        default=0.1,
        metavar="SIGMA",
        help="the standard deviation of what is added to them (%(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=whole(0),
        default=0,
        metavar="N",
        help="draws the points and the first weights (%(default)s)",
    )
    parser.add_argument(
        "--steps", type=whole(1), default=100, metavar="N", help="steps on all points (%(default)s)"
    )
    add_common(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
