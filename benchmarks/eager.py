"""The eager engine in plain Python against its peers: time of a training step, memory of a node.

``python -m benchmarks.eager`` prints a table and writes it as JSON. The garbage collector is on.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import sys
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from autograd import Value
from benchmarks.peers import TapeValue, micrograd_value
from benchmarks.timing import in_turn, ratios
from models.assignment.data import load_assignment_data

Step = Callable[[], object]


def trained_on(kind: type[Any], weights: list[Any], loss: Callable[[], Any]) -> Step:
    """One training step as the engine's own users write it: gradients to 0, backward, update.

    The loss stays in a variable until the next one is there, as in a training loop: its graph is alive
    while the next is recorded.
    """
    result: Any = None
    if kind is Value:
        from optim import VanillaGradientDescent

        optimizer = VanillaGradientDescent(weights, lr=1e-4)

        def ours() -> None:
            nonlocal result
            optimizer.zero_grad()
            result = loss()
            result.backward()
            optimizer.step()

        return ours

    def theirs() -> None:
        nonlocal result
        for weight in weights:
            weight.grad = 0
        result = loss()
        result.backward()
        for weight in weights:
            weight.data -= 1e-4 * weight.grad

    return theirs


def assignment_step(kind: type[Any]) -> Step:
    """The assignment's loss on the first row."""
    return assignment_batch(kind, 1)


def assignment_batch(kind: type[Any], rows: int) -> Step:
    """The assignment's loss summed over rows of the data set (repeated where it is too short)."""
    features, targets = load_assignment_data()
    samples = [(features[i % 506].tolist(), float(targets[i % 506])) for i in range(rows)]
    weights = [kind(0.1) for _ in range(9)]
    w1, w2, w3, w4, w5, w6, w7, w8, w9 = weights

    def loss() -> Any:
        total: Any = 0.0
        for (x1, x2, x3, x4, x5), y in samples:
            u = w1 * x1 + w2 * x2
            part2 = ((u * u + w6).exp() + w7).tanh()
            part3 = ((w3 * x3).sin() * (w4 * x4 + w5 * x5) + w8).sigmoid()
            difference = y - (part2 + part3 * w9)
            total = total + difference * difference if rows > 1 else difference * difference
        return total

    return trained_on(kind, weights, loss)


def mlp_step(kind: type[Any], samples: int) -> Step:
    """A 2-16-16-1 network with relu, squared error over samples: micrograd's demo model."""
    rng = random.Random(1)
    sizes = [2, 16, 16, 1]
    layers = [
        [([kind(rng.uniform(-1, 1)) for _ in range(inputs)], kind(0.0)) for _ in range(outputs)]
        for inputs, outputs in pairwise(sizes)
    ]
    data = [([rng.uniform(-1, 1) for _ in range(2)], rng.choice([-1.0, 1.0])) for _ in range(samples)]

    def loss() -> Any:
        total: Any = 0.0
        for x, y in data:
            signal: list[Any] = x
            for depth, layer in enumerate(layers):
                signal = [sum((w * s for w, s in zip(weights, signal)), bias) for weights, bias in layer]
                if depth < 2:
                    signal = [s.relu() for s in signal]
            difference = signal[0] + -y
            total = difference * difference + total
        return total

    return trained_on(
        kind, [w for layer in layers for weights, bias in layer for w in [*weights, bias]], loss
    )


def bytes_a_node(nodes: int = 1_000_000) -> float:
    """The memory of a graph of additions and multiplications, divided by its nodes (tracemalloc)."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    x = node = Value(1.0)
    for _ in range(nodes // 2):
        node = (node + x) * 0.999
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / nodes


def main() -> None:
    """Run all, print the table, write it to the folder named by ``--out``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eager", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"), help="where to write eager.json")
    parser.add_argument("--rounds", type=int, default=15, help="how often each has its turn")
    args = parser.parse_args()
    sys.setrecursionlimit(200_000)  # the peers' topological sort is recursive

    kinds: dict[str, type[Any]] = {"microgpt style": TapeValue}
    try:
        kinds["micrograd"] = micrograd_value()
    except ModuleNotFoundError:
        print('micrograd is not installed and is skipped: pip install "valuegrad[bench]"')

    small, large = ["micrograd", "microgpt style"], ["microgpt style"]  # micrograd takes seconds a call
    work: list[tuple[str, Callable[[type[Any]], Step], int, list[str]]] = [
        ("assignment, one row", assignment_step, 500, small),
        ("MLP 2-16-16-1, 20 samples", lambda kind: mlp_step(kind, 20), 3, small),
        ("assignment, 2,500 rows: 50,000 nodes", lambda kind: assignment_batch(kind, 2500), 10, large),
        ("MLP 2-16-16-1, 80 samples: 50,000 nodes", lambda kind: mlp_step(kind, 80), 10, large),
    ]
    rows = []
    print(f"Python {platform.python_version()}, one training step, plain Python, garbage collector on\n")
    print("| step | ours | micrograd / ours | microgpt style / ours |\n|---|---|---|---|")
    for name, make, calls, against in work:
        peers = [peer for peer in against if peer in kinds]
        steps = {"ours": make(Value), **{peer: make(kinds[peer]) for peer in peers}}
        seconds = in_turn(steps, rounds=args.rounds, calls=calls)
        row: dict[str, Any] = {"step": name, "ours_us": statistics.median(seconds["ours"]) * 1e6}
        row["times_ours"] = {peer: ratios(seconds["ours"], seconds[peer]) for peer in peers}
        rows.append(row)
        shown = [f"{row['times_ours'][peer]:.2f}" if peer in peers else "" for peer in small]
        print(f"| {name} | {row['ours_us']:.1f} us | {shown[0]} | {shown[1]} |", flush=True)
    memory = bytes_a_node()
    print(f"\nMemory of a node, in a graph of a million: {memory:.0f} bytes.")
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "eager.json").write_text(json.dumps({"steps": rows, "bytes_a_node": memory}, indent=1) + "\n")


if __name__ == "__main__":
    main()
