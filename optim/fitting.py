"""`fit`: the training loop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from autograd.running.jit import checked_engine
from autograd.support.extras import require
from optim.checkpoints import write_checkpoint
from optim.checks import checked, switch, whole
from optim.optimizer import Optimizer
from optim.parameters import Parameters
from optim.samples import Samples
from optim.steps import Steps
from optim.training import EarlyStopping, Epoch, Training

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

    A step is the mean loss of a batch, its gradient, and an update by the optimizer, as one program; a
    batch is an inner loop of it, an epoch a `autograd.scan`. Every engine but "numpy" gives the same
    bits, and so does ``engine="eager"``, which traces and compiles nothing.

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
            ends the training.
        progress: whether to show a progress bar with the loss, or what to write before it (the extra
            ``plots`` has it).
        checkpoint: a file to write the training's state to, whole at any moment.
        checkpoint_every: after how many epochs to write it; it is written at the end, too.
        resume: whether to go on from the checkpoint, where there is one. The result is the same as
            that of a training that was not interrupted. Optimizer, data and loss must be the same, of
            the loss the formula that it is traced to; the engine may be another.

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
    seed, epochs = whole("seed", seed, 0), whole("epochs", epochs, 0)
    checked_engine(engine, "eager")
    shuffle = switch("shuffle", shuffle)
    _check_options(early_stopping, callbacks, {"clip_value": clip_value, "clip_norm": clip_norm})
    parameters = Parameters(params)
    _check_optimizer(optimizer, parameters)
    samples, apart = _data(data, validation, seed)
    parameters.check(loss, samples)
    size = len(samples) if batch_size is None else min(whole("batch_size", batch_size, 1), len(samples))
    steps = Steps(loss, parameters.structure, optimizer, size, clip_value, clip_norm, engine)
    shuffled_by = seed if shuffle else None
    training = Training(loss, parameters, optimizer, steps, samples, apart, shuffled_by, early_stopping)
    settings = {
        "optimizer": optimizer.settings(),
        "batch_size": size,
        "shuffled by": shuffled_by,
        "clip_value": clip_value,
        "clip_norm": clip_norm,
        "early_stopping": early_stopping and repr(early_stopping),
    }
    if checkpoint is not None:
        settings["loss"] = steps.loss_digest(parameters.start, samples)
        settings["data"] = samples.digest()
        settings["validation"] = apart and apart.digest()
    file = _File(checkpoint, whole("checkpoint_every", checkpoint_every, 1), training, settings)
    file.begin(resume)
    try:
        with _bar(progress, len(training.history), epochs) as bar:
            _loop(training, epochs, callbacks, file, bar)
    finally:
        result = training.hand_back()
    best = training.best and training.best[0]
    seconds = time.perf_counter() - began
    return Fit(result, training.history, steps.chosen, training.ended or "epochs", best, seconds)


def _loop(
    training: Training, epochs: int, callbacks: Sequence[Callable[[Epoch, Any], Any]], file: _File, bar: Any
) -> None:
    while len(training.history) < epochs and not training.ended:
        epoch = training.epoch()
        for callback in callbacks:
            if callback(epoch, training.params) is True:
                training.ended = "callback"
        file.write(is_last=bool(training.ended) or epoch.number == epochs)
        bar.set_postfix_str(f"loss {epoch.loss:.3e}", refresh=False)
        bar.update()


class _File:
    """The checkpoint of a training, or none."""

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        every: int,
        training: Training,
        settings: Mapping[str, Any],
    ) -> None:
        self._path = path
        self._every = every
        self._training = training
        self._settings = settings

    def begin(self, resume: bool) -> None:
        """Go on from what there is, where that is asked for."""
        if self._path is None:
            if resume:
                raise ValueError("resume=True needs the checkpoint to go on from: checkpoint=PATH")
            return
        if not os.path.exists(self._path):
            return
        if not resume:
            raise FileExistsError(
                f"there is a checkpoint {os.fspath(self._path)}: say resume=True to go on from it, or remove "
                "it to start anew"
            )
        self._training.resume(self._path, self._settings)

    def write(self, *, is_last: bool) -> None:
        """Write it, if an epoch's turn has come."""
        if self._path is not None and (is_last or len(self._training.history) % self._every == 0):
            write_checkpoint(self._path, self._training.as_checkpoint(self._settings))


def _check_options(stopping: Any, callbacks: Any, limits: Mapping[str, Any]) -> None:
    if stopping is not None and not isinstance(stopping, EarlyStopping):
        raise TypeError(f"early_stopping must be an EarlyStopping(patience=...), got {stopping!r}")
    if not isinstance(callbacks, (list, tuple)) or not all(map(callable, callbacks)):
        raise TypeError(
            f"callbacks must be a list of functions of an epoch and the parameters, got {callbacks!r}"
        )
    for name, limit in limits.items():
        if limit is not None:
            checked(name, limit, above=0.0)


def _check_optimizer(optimizer: Any, parameters: Parameters) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be one of optim's, such as SGD(lr=0.1), got {optimizer!r}")
    if optimizer.params and not parameters.are(optimizer.params):
        raise ValueError(
            "the optimizer was made with other Values than params holds: make it with these, or without "
            "any (SGD(lr=0.1)), for fit to bring them"
        )


def _data(data: Any, validation: Any, seed: int) -> tuple[Samples, Samples | None]:
    samples = Samples(data)
    if validation is None:
        return samples, None
    if isinstance(validation, (int, float)):
        return samples.split(float(validation), seed)
    apart = Samples(validation, "validation")
    shapes = [[array.shape[1:] for array in one.arrays] for one in (samples, apart)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"validation must have samples of the data's shapes {shapes[0]}, got {shapes[1]}")
    return samples, apart


@contextmanager
def _bar(progress: bool | str, begun: int, epochs: int) -> Iterator[Any]:
    """A progress bar, shown or not."""
    if progress is False:
        yield _NoBar()
        return
    require("plots", "tqdm")
    from tqdm.auto import tqdm

    text = None if progress is True else progress
    with tqdm(desc=text, initial=begun, total=epochs, unit=" epochs") as bar:
        yield bar


class _NoBar:
    """What is shown where nothing is."""

    def set_postfix_str(self, text: str, refresh: bool) -> None:
        """Show nothing."""

    def update(self) -> None:
        """Show nothing."""
