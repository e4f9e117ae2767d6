"""Training the nine weights, a sample a step, with the assignment's three optimizers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd import Value
from models.assignment.graders import labelled
from models.assignment.graph import loss
from optim import Adam, Momentum, Optimizer, VanillaGradientDescent

__all__ = ["OPTIMIZERS", "THRESHOLDS", "Training", "start"]

THRESHOLDS = ("1e-1", "1e-2", "1e-3", "1e-4")  # the losses whose first epoch is reported

# The assignment's Adam has its epsilon inside the root.
OPTIMIZERS: dict[str, Callable[[list[Value], float, float], Optimizer]] = {
    "vanilla": lambda w, lr, gamma: VanillaGradientDescent(w, lr),  # noqa: ARG005
    "momentum": lambda w, lr, gamma: Momentum(w, lr, gamma),
    "adam": lambda w, lr, gamma: Adam(w, lr, betas=(0.9, 0.99), eps=0.0, eps_root=1e-8),  # noqa: ARG005
}


@dataclass
class Training:
    """One optimizer at work, and what it has come to.

    Attributes:
        name: the optimizer's name.
        optimizer: it, with the weights.
        loss_per_epoch: for each finished epoch the mean of its samples' losses, each taken before the
            step on that sample.
        weights: the weights after the last finished epoch.
        seconds: the time that the finished epochs took.
    """

    name: str
    optimizer: Optimizer
    loss_per_epoch: list[float] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def run_epoch(self, samples: Iterable[tuple[list[float], float]]) -> float:
        """Take a step on every sample in order; return the mean loss."""
        began = time.perf_counter()
        losses = [self._step(x, y) for x, y in samples]
        self.loss_per_epoch.append(sum(losses) / len(losses))
        self.weights = [w.data for w in self.optimizer.params]
        self.seconds += time.perf_counter() - began
        return self.loss_per_epoch[-1]

    def _step(self, x: list[float], y: float) -> float:
        self.optimizer.zero_grad()
        result: Value = loss(self.optimizer.params, x, y)
        result.backward()
        self.optimizer.step()
        return result.data

    def first_epoch_below(self, threshold: float) -> int | None:
        """The first epoch, counted from 1, whose loss is below a threshold; None if none is."""
        return next((i for i, mean in enumerate(self.loss_per_epoch, 1) if mean < threshold), None)


def start(name: str, *, lr: float = 1e-3, gamma: float = 0.3, seed: int = 0) -> Training:
    """A training of the weights that a seed gives: normal, mean 0, standard deviation 0.01.

    Args:
        name: "vanilla", "momentum" or "adam".
        lr: the learning rate.
        gamma: the momentum.
        seed: equal seeds give equal weights, whichever the optimizer.

    >>> training = start("adam")
    >>> training.run_epoch([([1.0, 2.0, 3.0, 4.0, 5.0], 1.0)])
    0.055239...
    """
    weights: Any = np.random.default_rng(seed).normal(0.0, 0.01, 9)
    return Training(name, OPTIMIZERS[name](labelled(weights.tolist()), lr, gamma))
