"""The main job, ``python -m models.assignment``: grade, check, train, and write what was found."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from autograd.support.extras import require
from models.assignment.data import Array, load_assignment_data, planted_weights
from models.assignment.graders import POINT, check_first_row, grade, hand_against_engine
from models.assignment.plots import draw_loss, plot_losses
from models.assignment.reading import DataError
from models.assignment.report import Results, show_checks, show_training, terminal, write_summary
from models.assignment.solving import levenberg_marquardt
from models.assignment.training import OPTIMIZERS, Training, epoch_seconds, first_weights
from models.options import add_common, check_engine, positive, share, whole

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130  # exit statuses; the last is the shells' 128 + SIGINT
PICTURES = ("graph.svg", "graph.png")
SOLVER = "levenberg_marquardt"  # trains on all samples at once, the optimizers on one after the other


def main(argv: Sequence[str] | None = None) -> int:
    """Run the main job.

    Args:
        argv: the command line's options; None for the process's own.

    Returns:
        The exit status: 0, 1 where a grader failed, 130 after Ctrl-C. Bad input exits with 2.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        return _run(*_prepare(parser, options), options)
    except OSError as error:  # a full disk, after all that
        parser.error(str(error))
    except KeyboardInterrupt:
        print("Interrupted: nothing more was written.", file=sys.stderr)
        return INTERRUPTED


def _prepare(parser: argparse.ArgumentParser, options: argparse.Namespace) -> tuple[Array, Array]:
    """Read the data and draw the graph.

    A package, file or folder that is missing is reported here, before the training starts.
    """
    try:
        require("plots", "matplotlib", "rich", "tqdm")
        if SOLVER in options.optimizers:
            require("fit", "scipy")
        check_engine(options.engine)
        X, y = load_assignment_data(options.data)
        options.out.mkdir(parents=True, exist_ok=True)
        draw_loss(POINT, X[0].tolist(), y[0].item(), [options.out / name for name in PICTURES])
    except (DataError, ImportError, OSError, RuntimeError) as error:
        parser.error(str(error))
    return X, y


def _run(X: Array, y: Array, options: argparse.Namespace) -> int:
    console = terminal(options.quiet)
    results = Results(
        settings={
            **vars(options),
            "data": str(options.data or "of the assignment"),
            "optimizers": list(dict.fromkeys(options.optimizers)),
            "out": str(options.out),
        },
        samples=len(y),
        planted=planted_weights(X, y),
        graders=grade(),
        check=check_first_row(),
        hand_difference=hand_against_engine(X, y),
    )
    show_checks(results, console)
    try:
        _train(results, X, y)
    except KeyboardInterrupt:
        results.interrupted = True
        print("Interrupted: writing the epochs that were finished.", file=sys.stderr)
    results.trainings = [run for run in results.trainings if run.loss_per_epoch or run.diverged]
    show_training(results, console)
    written = _write(results, options.out)
    console.print(f"Written to {options.out}: {', '.join([*written, *PICTURES])}")
    if results.failed:
        print(f"Graders failed: {', '.join(results.failed)}", file=sys.stderr)
    if results.interrupted:
        return INTERRUPTED
    return FAILED if results.failed else 0


def _train(results: Results, X: Array, y: Array) -> None:
    settings = results.settings
    for name in settings["optimizers"]:
        if name == SOLVER:
            _solve(results, X, y)
            continue
        training = Training(name, first_weights(settings["seed"]))
        results.trainings.append(training)
        training.run(
            X,
            y,
            settings["epochs"],
            lr=settings["lr"],
            gamma=settings["momentum"],
            engine=settings["engine"],
            progress=not settings["quiet"],
        )
    if results.trainings:
        results.epoch_seconds = epoch_seconds(X, y, settings["engine"])


def _solve(results: Results, X: Array, y: Array) -> None:
    engine = results.settings["engine"]
    try:
        results.solution = levenberg_marquardt(
            X, y, seed=results.settings["seed"], engine="python" if engine == "eager" else engine
        )
    except (ValueError, FloatingPointError) as error:  # too few samples, or features far out of scale
        results.unsolved = str(error)


def _write(results: Results, out: Path) -> list[str]:
    """Write the summary, first since the plots could be made again from it, and the plots."""
    write_summary(results, out / "summary.json")
    written = ["summary.json"]
    plotted = [training for training in results.trainings if training.loss_per_epoch]
    for training in plotted:
        written.append(f"loss-{training.name}.png")
        plot_losses([training], f"Loss with {training.name}", out / written[-1])
    if plotted:
        written.append("loss-comparison.png")
        plot_losses(plotted, "Loss of the optimizers compared", out / written[-1])
    return written


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models.assignment",
        description="Solve the assignment with the engine: run the graders, check the gradients, train "
        "with three optimizers a sample a step, solve by least squares, and write plots, a drawing of the "
        "graph and every figure.",
        epilog="Exit status: 0, 1 where a grader fails, 2 for bad input, 130 after Ctrl-C (what there is "
        "by then is written). In summary.json inf and nan are strings.",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        help="a .pkl, .npy or .csv file with an array of shape (n, 6), five features and the target, "
        "instead of the assignment's data (the graders always take the assignment's)",
    )
    parser.add_argument(
        "--epochs", type=whole(1), default=100, metavar="N", help="passes over the data (%(default)s)"
    )
    parser.add_argument(
        "--lr", type=positive, default=0.001, metavar="RATE", help="the learning rate (%(default)s)"
    )
    parser.add_argument(
        "--momentum",
        type=share,
        default=0.3,
        metavar="GAMMA",
        help="the share of the velocity that momentum keeps, from 0 to below 1 (%(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=whole(0),
        default=0,
        metavar="N",
        help="draws the first weights, the same for every optimizer (%(default)s)",
    )
    parser.add_argument(
        "--optimizers",
        nargs="+",
        choices=[*OPTIMIZERS, SOLVER],
        default=[*OPTIMIZERS, SOLVER],
        help="which to train with (all)",
    )
    add_common(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
