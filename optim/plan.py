"""The plan of a training: what `fit` was asked for, checked once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from autograd import trace
from autograd.running.jit import checked_engine
from optim.checks import Check, check_fields, checked, real, setting, whole
from optim.optimizer import Optimizer
from optim.parameters import Parameters
from optim.samples import Samples

__all__ = ["EarlyStopping", "Plan"]


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


def _kind(kind: type, example: str, name: str, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {example}, got {value!r}")
    return value


def _functions(name: str, functions: Any) -> Sequence[Callable[..., Any]]:
    if not isinstance(functions, (list, tuple)) or not all(map(callable, functions)):
        raise TypeError(
            f"{name} must be a list of functions of an epoch and the parameters, got {functions!r}"
        )
    return functions


def _or_none(check: Check) -> Check:
    return lambda name, value: None if value is None else check(name, value)


@dataclass(frozen=True, eq=False)
class Plan:
    """What a training is to do; attributes that are not described are those of `fit`.

    Attributes:
        parameters: what is trained.
        samples: what it is trained on.
        validation: the data whose loss is taken after each epoch, or None.
        batch_size: how many samples make a step; more than there are count as all.
        shuffled_by: the seed of each epoch's order, None for the samples' own.

    Raises:
        TypeError, ValueError: an argument is not as described; says which, and what was expected.
    """

    loss: Callable[..., Any]
    parameters: Parameters
    samples: Samples
    validation: Samples | None
    shuffled_by: int | None
    progress: bool | str
    checkpoint: str | os.PathLike[str] | None
    resume: bool
    optimizer: Optimizer = setting(partial(_kind, Optimizer, "one of optim's, such as SGD(lr=0.1)"))
    epochs: int = setting(partial(whole, least=0))
    batch_size: int = setting(partial(whole, least=1))
    engine: str = setting(lambda _, engine: checked_engine(engine, "eager"))
    early_stopping: EarlyStopping | None = setting(
        _or_none(partial(_kind, EarlyStopping, "an EarlyStopping(patience=...)"))
    )
    clip_value: float | None = setting(_or_none(real(above=0.0)))
    clip_norm: float | None = setting(_or_none(real(above=0.0)))
    callbacks: Sequence[Callable[..., Any]] = setting(_functions)
    checkpoint_every: int = setting(partial(whole, least=1))

    def __post_init__(self) -> None:
        check_fields(self)
        if self.optimizer.params and not self.parameters.are(self.optimizer.params):
            raise ValueError(
                "the optimizer was made with other Values than params holds: make it with these, or without "
                "any (SGD(lr=0.1)), for fit to bring them"
            )
        self.parameters.check(self.loss, self.samples)
        object.__setattr__(self, "batch_size", min(self.batch_size, len(self.samples)))
        if self.resume and self.checkpoint is None:
            raise ValueError("resume=True needs the checkpoint to go on from: checkpoint=PATH")

    def loss_of(self, weights: Sequence[Any], *sample: Any) -> Any:
        """One sample's loss, by the weights as a flat sequence."""
        return self.loss(self.parameters.arranged(weights), *sample)

    def settings(self) -> dict[str, Any]:
        """What a checkpoint says of the training, as JSON can hold it: another training differs in it."""
        return {
            "optimizer": self.optimizer.settings(),
            "batch_size": self.batch_size,
            "shuffled by": self.shuffled_by,
            "clip_value": self.clip_value,
            "clip_norm": self.clip_norm,
            "early_stopping": self.early_stopping and repr(self.early_stopping),
            "loss": self._loss_digest(),
            "data": self.samples.digest(),
            "validation": self.validation and self.validation.digest(),
        }

    def _loss_digest(self) -> str | None:
        """A fingerprint of the loss's formula: of the program that it is traced to, less names and lines.

        It is the same whatever engine runs the steps; None for a loss that only runs eagerly.
        """
        try:
            program = trace(self.loss_of, list(self.parameters.start), *self.samples.sample(0))
        except Exception:  # an eager loss may do on floats what Values refuse in any way
            return None
        steps = [(step.operation.name, step.operands) for step in program.instructions]
        text = repr((len(program.inputs), program.constants, steps, program.outputs))
        return hashlib.sha256(text.encode()).hexdigest()
