"""Graphs of up to 10,000,000 nodes: time and memory of building, going backward and freeing.

``python -m benchmarks.growth`` prints a table, and draws it where matplotlib is installed. Each size is
measured in a process of its own, the garbage collector on. What grows linearly has the same time and
memory a node at every size.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)

# A chain through all nodes, which recursion would not survive, with a shared leaf on every link.
_MEASURED = """
import json, resource, sys, time
from autograd import Value
size = int(sys.argv[1])
def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
before = memory()
began = time.perf_counter()
w = Value(1.0 + 1e-9)
y = w
for _ in range(size // 2):
    y = y * w + 1e-9
built = time.perf_counter()
used = memory() - before
y.backward()
backward = time.perf_counter()
del y
freed = time.perf_counter()
print(json.dumps([built - began, backward - built, freed - backward, used, memory() - before]))
"""


def measured(size: int) -> dict[str, float]:
    """Seconds and bytes a node for a graph of a size."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(size)], capture_output=True, text=True, check=True
    )
    build, backward, free, used, left = json.loads(done.stdout)
    return {
        "nodes": size,
        "build_ns": build / size * 1e9,
        "backward_ns": backward / size * 1e9,
        "free_ns": free / size * 1e9,
        "bytes": used / size,
        "bytes_left": left / size,
    }


def draw(rows: list[dict[str, float]], path: Path) -> None:
    """Time and memory against the size, in log scales: what is linear is a straight line of slope 1."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    times, memory = figure.subplots(1, 2)
    sizes = [row["nodes"] for row in rows]
    for name, marker in (("build", "o-"), ("backward", "s--"), ("free", "^:")):
        times.loglog(sizes, [row[f"{name}_ns"] * row["nodes"] / 1e9 for row in rows], marker, label=name)
    times.set_ylabel("seconds")
    times.legend()
    memory.loglog(sizes, [row["bytes"] * row["nodes"] / 2**20 for row in rows], "o-", color="black")
    memory.set_ylabel("MiB")
    for axes in (times, memory):
        axes.set_xlabel("nodes")
        axes.grid(color="0.9")
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--smoke", action="store_true", help="small sizes, to see that it runs")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    print("| nodes | build, ns a node | backward | free | bytes a node | left after |")
    print("|---|---|---|---|---|---|")
    for size in SIZES[:2] if options.smoke else SIZES:
        row = measured(size)
        rows.append(row)
        figures = [
            f"{row[name]:.0f}" for name in ("build_ns", "backward_ns", "free_ns", "bytes", "bytes_left")
        ]
        print(f"| {size:,} | {' | '.join(figures)} |", flush=True)
    (options.out / "growth.json").write_text(json.dumps(rows, indent=2) + "\n")
    try:
        draw(rows, options.out / "growth.png")
    except ImportError:
        print('No plot: matplotlib is not installed, run  pip install "valuegrad[plots]"')


if __name__ == "__main__":
    main()
