"""Training the nine weights, a sample a step, with the assignment's three optimizers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.assignment.data import Array
from models.assignment.graph import loss
from optim import Adam, DivergenceError, Epoch, Momentum, Optimizer, VanillaGradientDescent, fit

__all__ = ["OPTIMIZERS", "THRESHOLDS", "Training", "epoch_seconds", "first_weights"]

THRESHOLDS = ("1e-1", "1e-2", "1e-3", "1e-4")  # the losses whose first epoch is reported

# Of the learning rate and the momentum. The assignment's Adam has its epsilon inside the root.
OPTIMIZERS: dict[str, Callable[[float, float], Optimizer]] = {
    "vanilla": lambda lr, gamma: VanillaGradientDescent(lr=lr),  # noqa: ARG005
    "momentum": lambda lr, gamma: Momentum(lr=lr, gamma=gamma),
    "adam": lambda lr, gamma: Adam(lr=lr, betas=(0.9, 0.99), eps=0.0, eps_root=1e-8),  # noqa: ARG005
}


def first_weights(seed: int) -> list[float]:
    """The nine weights that training starts from: normal, mean 0, standard deviation 0.01.

    Args:
        seed: equal seeds give equal weights.
    """
    drawn: list[float] = np.random.default_rng(seed).normal(0.0, 0.01, 9).tolist()
    return drawn


@dataclass
class Training:
    """One optimizer's training, and what it has come to.

    Attributes:
        name: the optimizer's name.
        weights: the weights after the last finished epoch.
        loss_per_epoch: for each finished epoch the mean of its samples' losses, each taken before the
            step on that sample.
        seconds: the time that it took, compiling included.
        engine: what ran it, "" before it has run.
        diverged: why it ended early, None where it did not.
    """

    name: str
    weights: Sequence[float]
    loss_per_epoch: list[float] = field(default_factory=list)
    seconds: float = 0.0
    engine: str = ""
    diverged: str | None = None

    def run(
        self,
        X: Array,
        y: Array,
        epochs: int,
        *,
        lr: float = 1e-3,
        gamma: float = 0.3,
        engine: str = "auto",
        progress: bool = False,
    ) -> None:
        """Take a step on every sample in order, for some epochs. An interrupt leaves the finished ones.

        Args:
            X: the features, shape (n, 5).
            y: the targets, shape (n,).
            epochs: how many.
            lr: the learning rate.
            gamma: the momentum.
            engine: as for `optim.fit`.
            progress: whether to show a progress bar.

        >>> training = Training("adam", first_weights(0))
        >>> training.run(np.array([[1.0, 2.0, 3.0, 4.0, 5.0]]), np.array([1.0]), 1, engine="python")
        >>> training.loss_per_epoch
        [0.055239...]
        """

        def finished(epoch: Epoch, weights: list[float]) -> None:
            self.loss_per_epoch.append(epoch.loss)
            self.weights = weights

        began = time.perf_counter()
        optimizer = OPTIMIZERS[self.name](lr, gamma)
        shown = f"{self.name:8}" if progress else False
        try:
            result = fit(
                loss,
                self.weights,
                (X, y),
                optimizer,
                epochs,
                engine=engine,
                callbacks=[finished],
                progress=shown,
            )
            self.engine = result.engine
        except DivergenceError as error:
            self.diverged = str(error)
        finally:
            self.seconds += time.perf_counter() - began

    def first_epoch_below(self, threshold: float) -> int | None:
        """The first epoch, counted from 1, whose loss is below a threshold; None if none is."""
        return next((i for i, mean in enumerate(self.loss_per_epoch, 1) if mean < threshold), None)


def epoch_seconds(X: Array, y: Array, engine: str) -> dict[str, float]:
    """How long one epoch of Adam takes, eager and on an engine, compiling left out.

    Args:
        X: the features, shape (n, 5).
        y: the targets, shape (n,).
        engine: as for `optim.fit`.

    Returns:
        The seconds, by what ran it: the shortest of three epochs.
    """
    seconds = {}
    for name in ("eager", engine):
        result = fit(loss, first_weights(0), (X, y), OPTIMIZERS["adam"](1e-3, 0.0), 3, engine=name)
        seconds[result.engine] = min(epoch.seconds for epoch in result.history)
    return seconds
