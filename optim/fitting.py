"""`fit`: the training loop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from optim.checks import switch, whole
from optim.optimizer import Optimizer
from optim.parameters import Parameters
from optim.plan import EarlyStopping, Plan
from optim.samples import Samples
from optim.training_run import Epoch, TrainingRun

__all__ = ["Fit", "fit"]


@dataclass
class Fit:
    """A training's result.

    Attributes:
        params: the trained parameters, in the structure of those given; where those are Values it is
            they, updated.
        history: the epochs.
        engine: the name of what ran the steps.
        stopped: why it ended: "epochs", "early stopping" or "callback".
        best: the number of the best epoch, counted from 1, where there was early stopping.
        seconds: the time it took, tracing and compiling included.
    """

    params: Any
    history: list[Epoch]
    engine: str
    stopped: str
    best: int | None
    seconds: float

    @property
    def losses(self) -> list[float]:
        """The loss of each epoch."""
        return [epoch.loss for epoch in self.history]


def fit(
    loss: Callable[..., Any],
    params: Any,
    data: Any,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = 1,
    *,
    engine: str = "auto",
    shuffle: bool = False,
    seed: int = 0,
    validation: Any = None,
    early_stopping: EarlyStopping | None = None,
    clip_value: float | None = None,
    clip_norm: float | None = None,
    callbacks: Sequence[Callable[[Epoch, Any], Any]] = (),
    progress: bool | str = False,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 1,
    resume: bool = False,
) -> Fit:
    """Train parameters by gradient descent on a loss.

    One program makes a step: it computes the mean loss of a batch and its gradient, in an inner loop over
    the samples, and updates the parameters by the optimizer. An epoch is an `autograd.scan` of it. Every
    engine but "numpy" gives the same bits, and so does ``engine="eager"``, which traces and compiles nothing.

    Args:
        loss: one sample's loss: ``loss(params, *sample)``, with a sample's entry of each array of the
            data: a float, or an array where it has more axes.
        params: what to train: numbers, arrays or Values in any structure; a model as it is.
        data: a tuple of arrays ``(X, y)`` whose first axis counts the samples, or one such array.
        optimizer: what a step does, made without weights (``Adam(lr=0.01)``), or with just the Values
            that ``params`` holds: then it goes on from its state.
        epochs: how many passes over the data to make in all.
        batch_size: how many samples make a step; None for all.
        engine: as for `autograd.jit`, or "eager". "auto" falls back to "eager", with a warning, where
            the loss cannot be traced.
        shuffle: whether each epoch takes the samples in an order of its own.
        seed: draws those orders, and the validation share.
        validation: a share of the samples to keep apart (0.2), or data of its own.
        early_stopping: when to stop before all epochs are made.
        clip_value: the largest absolute gradient of a weight; what is beyond is cut to it.
        clip_norm: the largest norm of the gradient; what is longer is shortened to it.
        callbacks: called after each epoch with it and the parameters (of floats); one that returns True
            ends the training. Numbers that the loss closes over are read once a training: what a callback is
            to change in between is a `Value`, or the optimizer's ``lr``.
        progress: whether to show a progress bar with the loss, or what to write before it (the extra
            ``plots`` has it).
        checkpoint: a file to write the training's state to, whole at any moment.
        checkpoint_every: after how many epochs to write it; it is written at the end, too.
        resume: whether to go on from the checkpoint, where there is one. The result is the same as
            that of a training that was not interrupted. The optimizer, the data and the formula that the
            loss is traced to must be the same; the engine may be another.

    Returns:
        A `Fit`. Values among ``params`` have the trained data; where an exception ended the training,
        the last finished epoch's (the last good ones after a `DivergenceError`).

    Raises:
        ValueError, TypeError: an argument is not as described; says which, and what was expected.
        TracingError: the loss cannot be traced, and an engine was named.
        DivergenceError: a loss or a weight turned nan or infinite; names the epoch, the sample and the
            operation, and has the last good parameters.
        CheckpointError: the checkpoint is damaged, or of another model or training.
        FileExistsError: there is a checkpoint, and ``resume`` is not said.
        MissingExtraError: a progress bar was asked for, and tqdm is not installed.

    >>> import numpy as np
    >>> from optim import SGD
    >>> x = np.linspace(-1.0, 1.0, 20)
    >>> def squared_error(p, x, y):
    ...     return (p["slope"] * x + p["shift"] - y) ** 2
    >>> start = {"slope": 0.0, "shift": 0.0}
    >>> line = fit(squared_error, start, (x, 3 * x + 0.5), SGD(lr=0.1), epochs=50, engine="python")
    >>> round(line.params["slope"], 6), round(line.params["shift"], 6)
    (3.0, 0.5)
    """
    began = time.perf_counter()
    seed = whole("seed", seed, 0)
    samples, apart = _data(data, validation, seed)
    plan = Plan(
        loss=loss,
        parameters=Parameters(params),
        samples=samples,
        validation=apart,
        shuffled_by=seed if switch("shuffle", shuffle) else None,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=len(samples) if batch_size is None else batch_size,
        engine=engine,
        early_stopping=early_stopping,
        clip_value=clip_value,
        clip_norm=clip_norm,
        callbacks=callbacks,
        progress=progress,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        resume=resume,
    )
    training = TrainingRun(plan)
    try:
        training.run()
    finally:
        result = training.hand_back()
    best = training.best and training.best[0]
    seconds = time.perf_counter() - began
    return Fit(result, training.history, training.engine, training.ended or "epochs", best, seconds)


def _data(data: Any, validation: Any, seed: int) -> tuple[Samples, Samples | None]:
    """The samples to train on, and those that are kept apart."""
    samples = Samples(data)
    if validation is None:
        return samples, None
    if isinstance(validation, (int, float)):
        return samples.split(float(validation), seed)
    apart = Samples(validation, "validation")
    shapes, others = ([array.shape[1:] for array in part.arrays] for part in (samples, apart))
    if shapes != others:
        raise ValueError(f"validation must have samples of the data's shapes {shapes}, got {others}")
    return samples, apart
