"""Training the moons classifier: the steps of micrograd's demonstration, on micrograd and here.

``python -m benchmarks.moons`` starts both from the same data and weights, holds their losses against each
other, and prints a line of Markdown. Ours is timed as a user meets it: every training traces and compiles
anew. micrograd takes minutes: a few of its steps are timed and multiplied, or with ``--all`` every one is.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.compiled import first_table, told
from benchmarks.contestants import Child, Contestant, Job, PeerMissingError, race
from benchmarks.environments import python_of
from benchmarks.timing import ratios
from models.datasets import moons
from models.mlp import MLP
from models.moons import PENALTY, accuracy, train

POINTS, STEPS = 100, 100
BOUND = 100


class Outcome(NamedTuple):
    """What a race came to.

    Attributes:
        seconds: for each contestant the seconds of each turn: all steps of ours, those timed of
            micrograd's.
        timed: how many steps micrograd took in a turn.
        engine: what ran ours.
        accuracy: the share of points that a whole training has right.
        version: micrograd's.
    """

    seconds: dict[str, list[float]]
    timed: int
    engine: str
    accuracy: dict[str, float]
    version: str

    @property
    def line(self) -> dict[str, Any]:
        """The line of the table."""
        own = self.seconds["ours"]
        other = [seconds * STEPS / self.timed for seconds in self.seconds["micrograd"]]
        ratio = ratios(own, other)
        return {
            "measure": f"moons classifier, {POINTS} points, {STEPS} full-batch steps, from nothing",
            "ours": statistics.median(own),
            "engine": self.engine,
            "peer": "micrograd",
            "peers": statistics.median(other),
            "ratio": ratio,
            "at_most": False,
            "bound": BOUND,
            "reached": ratio >= BOUND,
        }


def compare(timed: int, rounds: int) -> Outcome:
    """Train on both.

    Args:
        timed: how many steps micrograd takes in a turn; ours takes all.
        rounds: how many turns each has.

    Raises:
        PeerMissingError: micrograd is not there.
        ValueError: the losses differ, or a whole training has a point wrong.
    """
    X, y = moons(POINTS, noise=0.1, seed=0)
    model = MLP(2, [16, 16, 1], seed=0)
    start = model.state_dict()
    engines = []

    def ours() -> list[float]:
        """The losses of the steps that micrograd takes too."""
        model.load_state_dict(start)
        done = train(model, X, y, STEPS)
        engines.append(done.engine)
        return done.losses[:timed]

    settings = {"X": X.tolist(), "y": y.tolist(), "weights": list(start.values())}
    settings |= {"penalty": PENALTY, "steps": STEPS, "timed": timed}
    script = Path(__file__).with_name("peers_micrograd_moons.py")
    child = Child("micrograd", python_of("micrograd"), script, settings)
    try:
        contestants: dict[str, Contestant] = {"ours": Job(ours), **child.parts("train")}
        contestants["ours"].turn()  # LLVM itself is loaded and started once a process
        seconds = race(contestants, rounds, warm=timed < STEPS)
        right = {"ours": accuracy(model, X, y)}
        if timed == STEPS:
            (right["micrograd"],) = child.parts("accuracy")["micrograd"].check()
    finally:
        child.close()
    if set(right.values()) != {1.0}:
        raise ValueError(f"not every point is on its class's side: {right}")
    return Outcome(seconds, timed, engines[-1], right, child.version)


def main() -> None:
    """Compare, print the line, write it to the folder named by ``--out``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.moons", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"), help="where to write moons.json")
    parser.add_argument("--rounds", type=int, default=5, help="how often each has its turn (%(default)s)")
    parser.add_argument("--all", action="store_true", help="time every step of micrograd's (default: 3)")
    args = parser.parse_args()
    try:
        outcome = compare(STEPS if args.all else 3, args.rounds)
    except PeerMissingError as reason:
        sys.exit(f"skipped: micrograd: {reason}")
    line = outcome.line
    scaled = "" if args.all else f", multiplied by {STEPS}/{outcome.timed}"
    print(
        f"micrograd {outcome.version}: {outcome.timed} of {STEPS} steps timed{scaled}; "
        f"{told(line['peers'] / STEPS)} a step. The losses of both agree to 1e-9. Accuracy: "
        + ", ".join(f"{name} {share:.0%}" for name, share in outcome.accuracy.items())
    )
    print(f"\n{first_table([line])}")
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "moons.json").write_text(json.dumps({**outcome._asdict(), "line": line}, indent=1) + "\n")


if __name__ == "__main__":
    main()
