"""A training in progress: what it has come to, an epoch at a time."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from autograd import TracingError
from optim.checkpoints import CheckpointError, read_checkpoint
from optim.checks import checked, whole
from optim.divergence import Divergence, DivergenceError, Pass
from optim.optimizer import Optimizer
from optim.parameters import Parameters
from optim.samples import Samples
from optim.steps import State, Steps, mean

__all__ = ["EarlyStopping", "Epoch", "Training"]


class Epoch(NamedTuple):
    """What one pass over the data came to.

    Attributes:
        number: counted from 1.
        loss: the mean of the samples' losses, each taken before the step on its batch.
        validation_loss: the mean loss of the validation data after the epoch, None where there is none.
        seconds: the time it took.
    """

    number: int
    loss: float
    validation_loss: float | None
    seconds: float


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the loss has not fallen for some epochs: the validation loss, where there is one.

    Attributes:
        patience: how many epochs to wait for a better one, at least 1.
        min_delta: by how much a loss must be below the best so far to count as better.
        restore_best: whether the result is the best epoch's parameters, and not the last one's.
    """

    patience: int = 10
    min_delta: float = 0.0
    restore_best: bool = True

    def __post_init__(self) -> None:
        whole("patience", self.patience, 1)
        checked("min_delta", self.min_delta, least=0.0)


class Training:
    """A training in progress.

    Args:
        loss: one sample's loss, ``loss(params, *sample)``.
        parameters: what is trained.
        optimizer: what an update is.
        steps: the steps on its batches.
        samples: what it is trained on.
        validation: what its loss is taken of after each epoch, or None.
        shuffled_by: the seed of each epoch's order, None for the samples' own.
        stopping: when to stop early, or None.

    Attributes:
        history: the finished epochs.
        best: the best epoch's number, loss and weights, where it is to stop early.
        ended: why no further epoch is to be made; "" while one may be.
    """

    def __init__(
        self,
        loss: Callable[..., Any],
        parameters: Parameters,
        optimizer: Optimizer,
        steps: Steps,
        samples: Samples,
        validation: Samples | None,
        shuffled_by: int | None,
        stopping: EarlyStopping | None,
    ) -> None:
        self.history: list[Epoch] = []
        self.best: tuple[int, float, list[float]] | None = None
        self.ended = ""
        self.steps = steps
        self._parameters = parameters
        self._optimizer = optimizer
        self._samples = samples
        self._validation = validation
        self._shuffled_by = shuffled_by
        self._stopping = stopping
        self._divergence = Divergence(loss, parameters.structure, parameters.names, steps, samples)
        self._passes: list[Pass] = []  # the last two: where a divergence is looked for
        states = optimizer.states if optimizer.params else [*map(optimizer.initial, parameters.start)]
        self._state = State(parameters.start, states, optimizer.steps if optimizer.params else 0)

    @property
    def weights(self) -> list[float]:
        """The weights that it has come to: the best epoch's where it ended early and those are asked for."""
        if self.ended == "early stopping" and self.best and self._stopping and self._stopping.restore_best:
            return self.best[2]
        return self._state.weights

    @property
    def params(self) -> Any:
        """Those, in the structure of the parameters."""
        return self._parameters.arranged(self.weights)

    def epoch(self) -> Epoch:
        """Make one epoch.

        Raises:
            DivergenceError: a loss or a weight turned nan or infinite.
        """
        began = time.perf_counter()
        number = len(self.history) + 1
        one = Pass(number, self._state, self._order(number))
        self._passes = [*self._passes[-1:], one]
        samples = self._samples.take(one.order)
        try:
            state, losses = self.steps.run(one.before, samples)
        except TracingError as error:
            if self.steps.engine != "auto":
                raise
            warnings.warn(f"the loss is not compiled, which makes training slow: {error}", stacklevel=4)
            self.steps.engine = "eager"
            state, losses = self.steps.run(one.before, samples)
        if not (np.isfinite(losses).all() and state.is_finite):
            raise self._diverged(number, losses)
        self._state = state
        apart = None if self._validation is None else self.steps.mean_loss(state.weights, self._validation)
        loss = mean(losses, self.steps.sizes(samples))
        epoch = Epoch(number, loss, apart, time.perf_counter() - began)
        self.history.append(epoch)
        self._judge(epoch)
        return epoch

    def _order(self, number: int) -> np.ndarray:
        """The order of an epoch's samples: by its number alone, so that a resumed training has the same."""
        if self._shuffled_by is None:
            return np.arange(len(self._samples))
        return np.random.default_rng([self._shuffled_by, number]).permutation(len(self._samples))

    def _judge(self, epoch: Epoch) -> None:
        if self._stopping is None:
            return
        loss = epoch.loss if epoch.validation_loss is None else epoch.validation_loss
        if self.best is None or loss < self.best[1] - self._stopping.min_delta:
            self.best = epoch.number, loss, self._state.weights
        self._end_if_late()

    def _end_if_late(self) -> None:
        """End early where the best epoch is too long ago."""
        if self._stopping and self.best and len(self.history) - self.best[0] >= self._stopping.patience:
            self.ended = "early stopping"

    def _diverged(self, number: int, losses: np.ndarray) -> DivergenceError:
        self._state, sample, found = self._divergence.explain(self._passes, losses)
        bad = losses[~np.isfinite(losses)]
        what = f"the loss turned {bad[0]}" if len(bad) else "a weight turned infinite"
        where = f"epoch {number}" + ("" if sample is None else f", sample {sample}")
        return DivergenceError(
            f"{what} in {where}{': ' if found else ''}{found}. The last good parameters are in this error's "
            "params; a smaller learning rate or clip_norm may keep them good",
            self.params,
            number,
            sample,
            self.history,
        )

    def hand_back(self) -> Any:
        """Give Values among the parameters their trained data, and a bound optimizer its state."""
        if self._optimizer.params:
            self._optimizer.restore(self._state.steps, self._state.states)
        return self._parameters.hand_back(self.weights)

    def as_checkpoint(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """What `write_checkpoint` takes."""
        return {
            "model": repr(self._parameters.structure),
            "settings": settings,
            "steps": self._state.steps,
            "weights": self._state.weights,
            "states": [list(state) for state in self._state.states],
            "history": [[epoch.loss, epoch.validation_loss, epoch.seconds] for epoch in self.history],
            "best": self.best and {"epoch": self.best[0], "loss": self.best[1], "weights": self.best[2]},
        }

    def resume(self, path: str | os.PathLike[str], settings: Mapping[str, Any]) -> None:
        """Go on from a checkpoint.

        Raises:
            CheckpointError: it is damaged, or of another model or training; names what differs.
        """
        found = read_checkpoint(path)
        name = os.fspath(path)
        model = repr(self._parameters.structure)
        if found["model"] != model or len(found["weights"]) != len(self._state.weights):
            raise CheckpointError(
                f"{name} is a checkpoint of another model: of {len(found['weights'])} parameters "
                f"{_short(found['model'])}, and not of {len(self._state.weights)} {_short(model)}"
            )
        for key, ours in settings.items():
            theirs = found["settings"].get(key)
            if theirs != ours:
                differs = f"is {_short(theirs)}, and not {_short(ours)}"
                if key in ("loss", "data", "validation"):  # of these there are fingerprints
                    differs = "is not the one that is given"
                raise CheckpointError(f"{name} is a checkpoint of another training: its {key} {differs}")
        if {len(state) for state in found["states"]} != {len(state) for state in self._state.states}:
            raise CheckpointError(f"{name} has states of another size than the optimizer's")
        states = [tuple(state) for state in found["states"]]
        self._state = State(found["weights"], states, found["steps"])
        self.history = [Epoch(i, *row) for i, row in enumerate(found["history"], 1)]
        if found["best"]:
            self.best = found["best"]["epoch"], found["best"]["loss"], found["best"]["weights"]
        self._end_if_late()


def _short(thing: Any) -> str:
    text = str(thing)
    return text if len(text) <= 100 else f"{text[:97]}..."
