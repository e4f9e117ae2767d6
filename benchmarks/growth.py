"""Graphs of up to 10,000,000 nodes: time and memory of building, going backward and freeing.

``python -m benchmarks.growth`` prints a table, stores it and draws it; ``--out docs`` renews the picture
in the README. Each size is measured in processes of its own, the garbage collector on, and the fastest
counts. What grows linearly has the same time and memory a node at every size: a flat line, but for what
the processor's caches and the garbage collector make of it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from autograd.support.extras import MissingExtraError, require
from autograd.support.whole_files import write_whole
from models.figures import write_figure

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
TIMES = (("build", "#0072b2", "o"), ("backward", "#d55e00", "s"), ("free", "#009e73", "^"))

# A chain through all nodes, which recursion would not survive, with a shared leaf on every link. Of small
# graphs there are several at a time, to be measurable.
_MEASURED = """
import json, resource, sys, time
from autograd import Value
size = int(sys.argv[1])
several = max(1, 100_000 // size)
def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
def graph():
    w = Value(1.0 + 1e-9)
    y = w
    for _ in range(size // 2):
        y = y * w + 1e-9
    return y
before = memory()
began = time.perf_counter()
graphs = [graph() for _ in range(several)]
built = time.perf_counter()
used = memory() - before
for y in graphs:
    y.backward()
backward = time.perf_counter()
del y, graphs
freed = time.perf_counter()
nodes = several * size
print(json.dumps({
    "build_ns": (built - began) / nodes * 1e9,
    "backward_ns": (backward - built) / nodes * 1e9,
    "free_ns": (freed - backward) / nodes * 1e9,
    "bytes": used / nodes,
    "bytes_left": (memory() - before) / nodes,
}))
"""


def measured(size: int, times: int) -> dict[str, float]:
    """Nanoseconds and bytes a node for a graph of a size: the least of several measurements."""
    command = [sys.executable, "-c", _MEASURED, str(size)]
    processes = [subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True) for _ in range(times)]
    rows = [json.loads(process.stdout) for process in processes]
    return {"nodes": size, **{name: min(row[name] for row in rows) for name in rows[0]}}


def draw(rows: list[dict[str, float]], path: Path) -> None:
    """Time and memory a node against the number of nodes.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require("plots", "matplotlib")
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    figure.suptitle("Time and memory a node, from a thousand nodes to ten million (dashes: medians)")
    times, memory = figure.subplots(1, 2)
    sizes = [row["nodes"] for row in rows]
    for name, color, marker in TIMES:
        _curve(times, sizes, [row[f"{name}_ns"] for row in rows], name, color, marker)
    _curve(memory, sizes, [row["bytes"] for row in rows], "held while the graph lives", "#000000", "o")
    times.set_ylabel("nanoseconds a node")
    memory.set_ylabel("bytes a node")
    for axes in (times, memory):
        axes.set_xscale("log")
        axes.set_xticks(sizes)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.0f}"))
        axes.tick_params(axis="x", labelsize=8)
        axes.set_xlabel("nodes")
        axes.set_ylim(0.0, 1.35 * axes.get_ylim()[1])
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="upper center", ncols=3, frameon=False)
    write_figure(figure, path)


def _curve(axes: Any, sizes: list[float], heights: list[float], label: str, color: str, marker: str) -> None:
    axes.axhline(statistics.median(heights), color=color, linewidth=0.8, linestyle=(0, (4, 4)), alpha=0.6)
    axes.plot(sizes, heights, color=color, marker=marker, label=label)


def main() -> None:
    """Measure, print, store, draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"), metavar="FOLDER")
    parser.add_argument("--smoke", action="store_true", help="small sizes, to see that it runs")
    options = parser.parse_args()
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        _run(options)
    except OSError as error:
        parser.error(str(error))


def _run(options: argparse.Namespace) -> None:
    rows = []
    print("| nodes | build, ns a node | backward | free | bytes a node | left after |")
    print("|---|---|---|---|---|---|")
    for size in SIZES[:3] if options.smoke else SIZES:
        row = measured(size, 1 if options.smoke else 3)
        rows.append(row)
        figures = [f"{row[name]:.0f}" for name in list(row)[1:]]
        print(f"| {size:,} | {' | '.join(figures)} |", flush=True)
    write_whole(options.out / "growth.json", json.dumps(rows, indent=1) + "\n")
    try:
        draw(rows, options.out / "growth.png")
    except MissingExtraError as error:
        print(f"No picture: {error}")


if __name__ == "__main__":
    main()
