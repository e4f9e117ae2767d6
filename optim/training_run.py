"""A training in progress: what it has come to, an epoch at a time."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from autograd.support.extras import require
from optim.checkpoints import CheckpointError, read_checkpoint, write_checkpoint
from optim.divergence import Divergence, DivergenceError, Pass
from optim.plan import Plan
from optim.steps import State, Steps, mean

__all__ = ["Epoch", "TrainingRun"]


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


class TrainingRun:
    """A training in progress; it goes on from the plan's checkpoint, where there is one.

    Args:
        plan: what it is to do.

    Attributes:
        history: the finished epochs.
        best: the best epoch's number, loss and weights, where it is to stop early.
        ended: why no further epoch is to be made; "" while one may be.

    Raises:
        CheckpointError: the checkpoint is damaged, or of another model or training; names what differs.
        FileExistsError: there is a checkpoint, and the plan is not to resume.
    """

    def __init__(self, plan: Plan) -> None:
        self.history: list[Epoch] = []
        self.best: tuple[int, float, list[float]] | None = None
        self.ended = ""
        self._plan = plan
        self._steps = Steps(plan)
        self._passes: list[Pass] = []  # the last two: where a divergence is looked for
        optimizer, start = plan.optimizer, plan.parameters.start
        states = optimizer.states if optimizer.params else [*map(optimizer.initial, start)]
        self._state = State(start, states, optimizer.steps if optimizer.params else 0)
        if plan.checkpoint is not None:
            self._settings = plan.settings()
            if os.path.exists(plan.checkpoint):
                self._resume(plan.checkpoint)

    @property
    def engine(self) -> str:
        """The name of the engine that ran the steps."""
        return self._steps.engine

    @property
    def weights(self) -> list[float]:
        """The weights that it has come to: the best epoch's where it ended early and those are asked for."""
        stopping = self._plan.early_stopping
        if self.ended == "early stopping" and self.best and stopping and stopping.restore_best:
            return self.best[2]
        return self._state.weights

    @property
    def params(self) -> Any:
        """Those, in the structure of the parameters."""
        return self._plan.parameters.arranged(self.weights)

    def run(self) -> None:
        """Make the epochs that are left."""
        plan = self._plan
        with self._progress_bar() as bar:
            while len(self.history) < plan.epochs and not self.ended:
                epoch = self.epoch()
                for callback in plan.callbacks:
                    if callback(epoch, self.params) is True:
                        self.ended = "callback"
                is_last = bool(self.ended) or epoch.number == plan.epochs
                if plan.checkpoint is not None and (is_last or epoch.number % plan.checkpoint_every == 0):
                    write_checkpoint(plan.checkpoint, self._as_checkpoint())
                if bar is not None:
                    bar.set_postfix_str(f"loss {epoch.loss:.3e}", refresh=False)
                    bar.update()

    def _progress_bar(self) -> AbstractContextManager[Any]:
        """The progress bar; that of None where there is none."""
        plan = self._plan
        if plan.progress is False:
            return nullcontext()
        require("plots", "tqdm")
        from tqdm.auto import tqdm

        text = None if plan.progress is True else plan.progress
        bar: AbstractContextManager[Any] = tqdm(
            desc=text, initial=len(self.history), total=plan.epochs, unit=" epochs"
        )
        return bar

    def epoch(self) -> Epoch:
        """Make one epoch.

        Raises:
            DivergenceError: a loss or a weight turned nan or infinite.
        """
        began = time.perf_counter()
        plan, number = self._plan, len(self.history) + 1
        order = self._order(number)
        self._passes = [*self._passes[-1:], Pass(number, self._state, order)]
        samples = plan.samples.take(order)
        state, losses = self._steps.run(self._state, samples)
        if not (np.isfinite(losses).all() and state.is_finite):
            raise self._diverged(number, losses)
        self._state = state
        validation = None
        if plan.validation is not None:
            validation = self._steps.mean_loss(state.weights, plan.validation)
        loss = mean(losses, self._steps.sizes(samples))
        epoch = Epoch(number, loss, validation, time.perf_counter() - began)
        self.history.append(epoch)
        self._judge(epoch)
        return epoch

    def _order(self, number: int) -> np.ndarray:
        """The order of an epoch's samples: by its number alone, so that a resumed training has the same."""
        count = len(self._plan.samples)
        if self._plan.shuffled_by is None:
            return np.arange(count)
        return np.random.default_rng([self._plan.shuffled_by, number]).permutation(count)

    def _judge(self, epoch: Epoch) -> None:
        stopping = self._plan.early_stopping
        if stopping is None:
            return
        loss = epoch.loss if epoch.validation_loss is None else epoch.validation_loss
        if self.best is None or loss < self.best[1] - stopping.min_delta:
            self.best = epoch.number, loss, self._state.weights
        self._end_if_late()

    def _end_if_late(self) -> None:
        """End early where the best epoch is too long ago."""
        stopping = self._plan.early_stopping
        if stopping and self.best and len(self.history) - self.best[0] >= stopping.patience:
            self.ended = "early stopping"

    def _diverged(self, number: int, losses: np.ndarray) -> DivergenceError:
        divergence = Divergence(self._plan, self._steps)
        self._state, sample, reason = divergence.explain(self._passes, losses)
        bad = losses[~np.isfinite(losses)]
        what = f"the loss turned {bad[0]}" if len(bad) else "a weight turned infinite"
        where = f"epoch {number}" + ("" if sample is None else f", sample {sample}")
        return DivergenceError(
            f"{what} in {where}{': ' if reason else ''}{reason}. The last good parameters are in this "
            "error's params; a smaller learning rate or clip_norm may keep them good",
            self.params,
            number,
            sample,
            self.history,
        )

    def hand_back(self) -> Any:
        """Give Values among the parameters their trained data, and a bound optimizer its state."""
        if self._plan.optimizer.params:
            self._plan.optimizer.restore(self._state.steps, self._state.states)
        return self._plan.parameters.hand_back(self.weights)

    def _as_checkpoint(self) -> dict[str, Any]:
        """What `write_checkpoint` takes."""
        return {
            "model": repr(self._plan.parameters.structure),
            "settings": self._settings,
            "steps": self._state.steps,
            "weights": self._state.weights,
            "states": [list(state) for state in self._state.states],
            "history": [[epoch.loss, epoch.validation_loss, epoch.seconds] for epoch in self.history],
            "best": self.best and {"epoch": self.best[0], "loss": self.best[1], "weights": self.best[2]},
        }

    def _resume(self, path: str | os.PathLike[str]) -> None:
        """Go on from a checkpoint, if it is of this training."""
        name = os.fspath(path)
        if not self._plan.resume:
            raise FileExistsError(
                f"there is a checkpoint {name}: say resume=True to go on from it, or remove it to start anew"
            )
        saved = read_checkpoint(path)
        model = repr(self._plan.parameters.structure)
        if saved["model"] != model or len(saved["weights"]) != len(self._state.weights):
            raise CheckpointError(
                f"{name} is a checkpoint of another model: of {len(saved['weights'])} parameters "
                f"{_short(saved['model'])}, and not of {len(self._state.weights)} {_short(model)}"
            )
        for key, ours in self._settings.items():
            theirs = saved["settings"].get(key)
            if theirs != ours:
                differs = f"is {_short(theirs)}, and not {_short(ours)}"
                if key in ("loss", "data", "validation"):  # of these there are fingerprints
                    differs = "is not the one that is given"
                raise CheckpointError(f"{name} is a checkpoint of another training: its {key} {differs}")
        if {len(state) for state in saved["states"]} != {len(state) for state in self._state.states}:
            raise CheckpointError(f"{name} has states of another size than the optimizer's")
        states = [tuple(state) for state in saved["states"]]
        self._state = State(saved["weights"], states, saved["steps"])
        self.history = [Epoch(i, *row) for i, row in enumerate(saved["history"], 1)]
        if saved["best"]:
            self.best = saved["best"]["epoch"], saved["best"]["loss"], saved["best"]["weights"]
        self._end_if_late()


def _short(setting: Any) -> str:
    text = str(setting)
    return text if len(text) <= 100 else f"{text[:97]}..."
