"""Compiled programs against their peers: every figure that is promised, measured in turn in one run.

``python -m benchmarks.compiled`` prints two tables in Markdown, what is promised and all times, and
writes both as JSON. Everybody's numbers are held against each other before their times are taken. A
peer that may be driven in several forms is timed in all of them and compared in its fastest. The peers'
environments are made by ``python -m benchmarks.environments``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import random
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import hand_c, ours
from benchmarks.contestants import Child, Contestant, PeerMissingError, race
from benchmarks.environments import PEERS, python_of
from benchmarks.timing import ratios
from benchmarks.workloads import MLP_SIZES
from models.assignment.data import load_assignment_data

NAMES = {
    "c": "C, by hand",
    "jax": "JAX",
    "torch": "PyTorch",
    "casadi": "CasADi",
    "autograd": "HIPS autograd",
    "micrograd": "micrograd",
    "by hand": "NumPy, by hand",
    "eager": "ours, eager",
}


class Sizes(NamedTuple):
    """How much work there is."""

    epochs: int = 20
    rows: int = 506
    samples: int = 200_000
    mlp_samples: int = 100
    rosenbrock: int = 100
    steps: int = 1_000_000
    fewer_steps: int = 100_000
    sets: int = 1_000
    steps_of_sets: int = 1_000
    orbits: int = 100_000
    operations: int = 10_000
    operations_of_jax: int = 1_000
    runs: int = 10_000


SMOKE = Sizes(2, 5, 1_000, 5, 6, 200, 100, 7, 50, 60, 120, 40, 3)


class Work(NamedTuple):
    """A race: a piece of work, on which of our engines, and how its time is told."""

    name: str
    title: str
    engines: tuple[str, ...]
    units: Callable[[Sizes], int] = lambda _: 1  # what a call is divided by
    job: bool = False  # done from nothing each time: few rounds, and no turn that is not counted


WORK = (
    Work("scan", "a training step, inside a loop", ("llvm", "interpreter", "python"),
         lambda sizes: sizes.epochs * sizes.rows),
    Work("steps", "a training step, a call each", ("llvm", "interpreter", "python"),
         lambda sizes: sizes.rows),
    Work("samples", "mean gradient over {samples:,} samples", ("llvm", "numpy", "interpreter")),
    Work("mlp", "MLP 2-16-16-1, {mlp_samples} samples, value and gradient", ("llvm", "numpy", "interpreter")),
    Work("mlp of Values", "the same network, called with its Values and sent backward", ("interpreter",)),
    Work("rosenbrock gradient", "Rosenbrock, {rosenbrock} variables, gradient",
         ("llvm", "interpreter", "python")),
    Work("rosenbrock Hessian", "Rosenbrock, {rosenbrock} variables, Hessian",
         ("llvm", "interpreter", "python")),
    Work("oscillator", "oscillator, {steps:,} steps, value and gradient", ("llvm", "interpreter")),
    Work("oscillator, few carries", "the same, 64 carries kept at once", ("llvm",)),
    Work("oscillator gradient", "oscillator, {fewer_steps:,} steps, gradient", ("llvm",)),
    Work("oscillator Hessian", "oscillator, {fewer_steps:,} steps, Hessian", ("llvm",)),
    Work("oscillators", "oscillator, {sets:,} sets of parameters, {steps_of_sets:,} steps, gradients",
         ("llvm", "interpreter")),
    Work("Kepler", "Kepler's equation by Newton's iteration, {orbits:,} orbits, gradients", ("llvm",)),
    Work("oscillator first", "first value and gradient of the oscillator, {fewer_steps:,} steps", ("llvm",)),
    Work("first result", "first result of a jitted training step", ("llvm", "interpreter", "python")),
    Work("changing graph once", "changing graph, {operations:,} operations, value and gradient",
         ("interpreter", "llvm")),
    Work("changing graph", "changing graph, {operations:,} operations, {runs:,} runs, from nothing",
         ("interpreter", "llvm"), job=True),
    Work("changing graph of JAX",
         "changing graph, {operations_of_jax:,} operations, {runs:,} runs, from nothing",
         ("interpreter", "llvm"), job=True),
)  # fmt: skip


class Measure(NamedTuple):
    """One line of what is promised: our time against a peer's."""

    title: str
    work: str
    engines: tuple[str, ...]
    peer: str
    bound: float | None  # None where nothing is promised and the ratio is only shown
    at_most: bool  # the ratio is our time in the peer's; else the peer's in ours


MEASURES = (
    Measure("sequential steps, `scan` on llvm, against C", "scan", ("llvm",), "c", 1.3, True),
    Measure("sequential steps, `scan` on llvm, against JAX", "scan", ("llvm",), "jax", None, False),
    Measure("one call of a jitted step", "steps", ("llvm",), "jax", 1, False),
    Measure("gradient over {samples:,} samples, best engine", "samples", ("llvm", "numpy", "interpreter"),
            "jax", 1, False),
    Measure("the same, numpy engine", "samples", ("numpy",), "jax", 1.3, True),
    Measure("changing graph from nothing, against a C loop", "changing graph", ("interpreter", "llvm"),
            "c", 5, True),
    Measure("value and gradient of that graph, interpreter", "changing graph once", ("interpreter",),
            "micrograd", 200, False),
    Measure("value and gradient through {steps:,} steps of time, against C", "oscillator", ("llvm",),
            "c", 1.25, True),
    Measure("value and gradient through {steps:,} steps of time, against JAX", "oscillator", ("llvm",),
            "jax", 1.3, False),
    Measure("Hessian through {fewer_steps:,} steps of time", "oscillator Hessian", ("llvm",),
            "jax", 1, False),
    Measure("gradients of {sets:,} sets of parameters through {steps_of_sets:,} steps, `vmap` on both cores",
            "oscillators", ("llvm",), "jax", 2, False),
    Measure("gradients through a `while_loop`: Kepler's equation of {orbits:,} orbits by Newton's iteration",
            "Kepler", ("llvm",), "jax", 3, False),
    Measure("first value and gradient through {fewer_steps:,} steps of time", "oscillator first", ("llvm",),
            "jax", None, False),
    Measure("first result of a jitted step", "first result", ("llvm",), "jax", 10, False),
    Measure("jitted network, {mlp_samples} samples, called with its Values and sent `backward()`",
            "mlp of Values", ("interpreter",), "eager", 20, False),
)  # fmt: skip

Seconds = dict[str, dict[str, list[float]]]  # work, contestant: a call's time, round by round


def prepared(sizes: Sizes, folder: Path) -> dict[str, Any]:
    """The numbers that all contestants work on; large arrays as files in the folder."""
    X, y = load_assignment_data()
    epoch = np.column_stack([X, y])[: sizes.rows]
    np.save(folder / "rows.npy", np.tile(epoch, (sizes.epochs, 1)))
    np.save(folder / "samples.npy", np.random.default_rng(0).normal(size=(sizes.samples, 6)))
    rng = random.Random(1)
    parameters = [
        rng.uniform(-1, 1) if i < inputs * outputs else 0.0
        for inputs, outputs in pairwise(MLP_SIZES)
        for i in range(inputs * outputs + outputs)
    ]
    return {
        "rows": str(folder / "rows.npy"),
        "samples": str(folder / "samples.npy"),
        "epoch": epoch.tolist(),
        "mlp": {
            "parameters": parameters,
            "X": [[rng.uniform(-1, 1), rng.uniform(-1, 1)] for _ in range(sizes.mlp_samples)],
            "y": [rng.choice([-1.0, 1.0]) for _ in range(sizes.mlp_samples)],
        },
        "rosenbrock": [rng.uniform(-2, 2) for _ in range(sizes.rosenbrock)],
        "steps": sizes.steps,
        "fewer steps": sizes.fewer_steps,
        "steps of sets": sizes.steps_of_sets,
        "sets": [[rng.uniform(1.0, 2.0), rng.uniform(0.0, 0.5)] for _ in range(sizes.sets)],
        "orbits": [[rng.uniform(0.05, 0.6), rng.uniform(0.1, 3.0)] for _ in range(sizes.orbits)],
        "variables": [i / 99 for i in range(100)],
        "operations": sizes.operations,
        "operations_of_jax": sizes.operations_of_jax,
        "runs": sizes.runs,
    }


Makers = Mapping[str, Callable[[], Contestant]]


class Field:
    """Everybody who takes part, and the names of those who do not and why."""

    def __init__(self, settings: dict[str, Any], folder: Path) -> None:
        self.skipped: dict[str, str] = {}
        self.versions = {"Python": platform.python_version(), "NumPy": np.__version__}
        self._settings = settings
        self._children: dict[str, Child] = {}
        self._engines: dict[str, Makers] = {}
        self._c: Makers = {}
        for engine in ("llvm", "interpreter", "numpy", "python"):
            with self._skipping(f"ours, {engine}"):
                self._engines[engine] = ours.works(engine, settings)
        with self._skipping("c"):
            self.versions["gcc"], self._c = hand_c.works(settings, folder)
        for peer in PEERS:
            with self._skipping(peer):
                script = Path(__file__).with_name(f"peers_{peer}.py")
                self._children[peer] = Child(peer, python_of(peer), script, settings)
                self.versions[NAMES[peer]] = self._children[peer].version

    @contextlib.contextmanager
    def _skipping(self, name: str) -> Iterator[None]:
        try:
            yield
        except PeerMissingError as reason:
            self.skipped[name] = str(reason)
            print(f"skipped: {NAMES.get(name, name)}: {reason}", flush=True)

    def starters(self, work: Work) -> dict[str, Contestant]:
        """Those who do a piece of work."""
        contestants: dict[str, Contestant] = {}
        for engine in work.engines:
            if engine in self._engines:
                contestants[f"ours, {engine}"] = self._engines[engine][work.name]()
        if work.name == "steps":
            contestants["by hand"] = ours.by_hand(self._settings)
        if work.name == "mlp of Values":
            contestants["eager"] = ours.eager(self._settings)
        if work.name in self._c:
            contestants["c"] = self._c[work.name]()
        for child in self._children.values():
            contestants |= child.parts(work.name)
        return contestants

    def instructions(self, sizes: Sizes) -> int | None:
        """How many instructions the changing graph's program has, where there is an interpreter for it."""
        if "interpreter" not in self._engines:
            return None
        variables = self._settings["variables"]
        return len(ours.graph_program(sizes.operations, "interpreter").program(variables))

    def description(self) -> str:
        """The machine and all versions in a line."""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return f"{platform.machine()}, {os.cpu_count()} cores; {versions}; float64; medians"

    def close(self) -> None:
        """End all children."""
        for child in self._children.values():
            child.close()


def promised(seconds: Seconds, sizes: Sizes, instructions: int | None) -> list[dict[str, Any]]:
    """The lines of the first table: ours and the peer's time in seconds, their ratio, the bound."""
    lines = []
    for measure in MEASURES:
        times = seconds[measure.work]
        line: dict[str, Any] = {"measure": measure.title.format(**sizes._asdict())}
        line |= {"peer": NAMES[measure.peer], "at_most": measure.at_most, "bound": measure.bound}
        best = fastest(times, [f"ours, {engine}" for engine in measure.engines])
        rival = fastest(times, forms_of(measure.peer, times))
        if best is not None and rival is not None:
            own, other = times[best], times[rival]
            ratio = ratios(other, own) if measure.at_most else ratios(own, other)
            units = next(work.units(sizes) for work in WORK if work.name == measure.work)
            line |= {"ours": statistics.median(own) / units, "engine": best.removeprefix("ours, ")}
            line |= {"peers": statistics.median(other) / units, "peer": title_of(rival), "ratio": ratio}
            if measure.bound is not None:
                line["reached"] = ratio <= measure.bound if measure.at_most else ratio >= measure.bound
        lines.append(line)
        if measure.work == "changing graph":
            lines.append(against_jax(seconds, sizes))
    lines.append(per_instruction(seconds, instructions))
    return lines


def fastest(times: Mapping[str, list[float]], names: Iterable[str]) -> str | None:
    """The contestant with the smallest median, or None where none of them has run."""
    there = [name for name in names if name in times]
    return min(there, key=lambda name: statistics.median(times[name]), default=None)


def forms_of(peer: str, names: Iterable[str]) -> list[str]:
    """The contestants that are forms of a peer."""
    return [name for name in names if name.partition(", ")[0] == peer]


def title_of(contestant: str) -> str:
    """A contestant's name as the tables have it: a peer's full name and its form."""
    peer, comma, form = contestant.partition(", ")
    return NAMES.get(peer, peer) + comma + form


def against_jax(seconds: Seconds, sizes: Sizes) -> dict[str, Any]:
    """The changing graph against JAX, which runs fewer operations: time per operation and run."""
    line: dict[str, Any] = {
        "measure": "changing graph from nothing, per operation and run "
        f"(JAX at {sizes.operations_of_jax:,} operations, compiling counted)"
    }
    line |= {"peer": NAMES["jax"], "at_most": False, "bound": 50}
    best = fastest(seconds["changing graph"], ("ours, interpreter", "ours, llvm"))
    if best is not None and "jax" in seconds["changing graph of JAX"]:
        own = statistics.median(seconds["changing graph"][best])
        own /= sizes.operations * sizes.runs
        other = statistics.median(seconds["changing graph of JAX"]["jax"])
        other /= sizes.operations_of_jax * sizes.runs
        line |= {"ours": own, "engine": best.removeprefix("ours, "), "peers": other, "ratio": other / own}
        line["reached"] = other / own >= 50
    return line


def per_instruction(seconds: Seconds, instructions: int | None) -> dict[str, Any]:
    """The interpreter's time for an instruction of the changing graph's program."""
    line: dict[str, Any] = {"measure": "interpreter, per instruction of that graph's program", "peer": None}
    line |= {"at_most": True, "bound": 5e-9}
    if instructions is not None and "ours, interpreter" in seconds["changing graph once"]:
        own = statistics.median(seconds["changing graph once"]["ours, interpreter"]) / instructions
        line |= {"ours": own, "engine": "interpreter", "instructions": instructions}
        line |= {"ratio": own, "reached": own <= 5e-9}
    return line


def told(seconds: float) -> str:
    """A time with three digits in the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def required_of(line: Mapping[str, Any]) -> str:
    """The bound of a line in words; nothing where the ratio is only shown."""
    if line["bound"] is None:
        return ""
    bound = told(line["bound"]) if line["peer"] is None else f"{line['bound']:g} times"
    return f"{'at most' if line['at_most'] else 'at least'} {bound}"


def first_table(lines: list[dict[str, Any]]) -> str:
    """What is promised and what is reached, in Markdown."""
    rows = ["| measure | ours | peer | ratio | required | reached |", "|---|---|---|---|---|---|"]
    for line in lines:
        required = required_of(line)
        if "ours" not in line:
            rows.append(f"| {line['measure']} | | {line['peer'] or ''} | not measured | {required} | |")
            continue
        mine = f"{told(line['ours'])} ({line['engine']})"
        theirs = "" if line["peer"] is None else f"{told(line['peers'])} ({line['peer']})"
        ratio = told(line["ours"]) if line["peer"] is None else f"{line['ratio']:.3g}"
        reached = {True: "yes", False: "no", None: ""}[line.get("reached")]
        rows.append(f"| {line['measure']} | {mine} | {theirs} | {ratio} | {required} | {reached} |")
    return "\n".join(rows)


def second_table(seconds: Seconds, sizes: Sizes) -> str:
    """All times, in Markdown."""
    rows = ["| work | contestant | median | fastest |", "|---|---|---|---|"]
    for work in WORK:
        units = work.units(sizes)
        for name, times in sorted(seconds[work.name].items(), key=lambda item: statistics.median(item[1])):
            median, least = told(statistics.median(times) / units), told(min(times) / units)
            rows.append(f"| {work.title.format(**sizes._asdict())} | {title_of(name)} | {median} | {least} |")
    return "\n".join(rows)


def main() -> None:
    """Run all, print the tables, write them to the folder named by ``--out``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compiled", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"), help="where to write compiled.json")
    parser.add_argument("--rounds", type=int, default=15, help="how often each has its turn")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, once: shows that all runs")
    parser.add_argument("--only", nargs="*", help="names of work to do, instead of all")
    args = parser.parse_args()
    sizes, rounds = (SMOKE, 1) if args.smoke else (Sizes(), args.rounds)

    seconds: Seconds = {work.name: {} for work in WORK}
    instructions = None
    with tempfile.TemporaryDirectory() as folder:
        settings = prepared(sizes, Path(folder))
        field = Field(settings, Path(folder))
        try:
            for work in WORK:
                if args.only and work.name not in args.only:
                    continue
                print(f"running: {work.title.format(**sizes._asdict())}", flush=True)
                turns = max(1, rounds // 5) if work.job else rounds
                seconds[work.name] = race(field.starters(work), turns, warm=not work.job)
            instructions = field.instructions(sizes)
        finally:
            field.close()
    lines = promised(seconds, sizes, instructions)
    if args.smoke:
        print("a smoke test: the figures mean nothing")
    print(f"\n{field.description()}\n\n{first_table(lines)}\n\n{second_table(seconds, sizes)}")
    args.out.mkdir(parents=True, exist_ok=True)
    record = {
        "versions": field.versions,
        "cores": os.cpu_count(),
        "sizes": sizes._asdict(),
        "skipped": field.skipped,
        "promised": lines,
        "seconds": seconds,
    }
    (args.out / "compiled.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
