"""micrograd's part in training the moons classifier, as its demonstration has it, in its own environment."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from contestants import Contestant, Job, Local, serve


def load(settings: Mapping[str, Any]) -> tuple[str, Mapping[str, Callable[[], Contestant]]]:
    from micrograd.engine import Value
    from micrograd.nn import MLP

    sys.setrecursionlimit(200_000)  # its topological sort is recursive
    X, y = settings["X"], settings["y"]
    right: list[bool] = []

    def train() -> list[float]:
        """The losses, each before its step."""
        model = MLP(2, [16, 16, 1])
        for weight, number in zip(model.parameters(), settings["weights"]):
            weight.data = number
        losses = []
        for k in range(settings["timed"]):
            scores = [model(list(map(Value, x))) for x in X]
            hinges = [(1 + -label * score).relu() for label, score in zip(y, scores)]
            mean = sum(hinges) * (1.0 / len(hinges))
            total = mean + settings["penalty"] * sum(weight * weight for weight in model.parameters())
            model.zero_grad()
            total.backward()
            rate = 1.0 - 0.9 * k / settings["steps"]
            for weight in model.parameters():
                weight.data -= rate * weight.grad
            losses.append(total.data)
        right[:] = [(score.data > 0) == (label > 0) for label, score in zip(y, scores)]
        return losses

    def accuracy() -> float:
        """The share of points that the last training had right at its last step."""
        return sum(right) / len(right)

    return version("micrograd"), {"train": lambda: Job(train), "accuracy": lambda: Local(accuracy)}


if __name__ == "__main__":
    serve(load)
