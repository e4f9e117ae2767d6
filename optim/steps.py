"""The training step, as ordinary functions that engines run: gradient of the mean loss, then the update."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import Value, trace, value_and_grad, vmap
from autograd.graph.trees import Structure
from autograd.running.jit import kept_for
from autograd.running.scan import scan, scan_batches
from optim.clipping import clip_by_norm, clip_by_value
from optim.optimizer import Optimizer
from optim.samples import Samples

__all__ = ["State", "Steps", "mean"]


class State(NamedTuple):
    """What a step starts from.

    Attributes:
        weights: the parameters' scalars.
        states: the optimizer's state of each.
        steps: how many steps were taken.
    """

    weights: list[float]
    states: list[tuple[float, ...]]
    steps: int

    @property
    def is_finite(self) -> bool:
        """Whether every weight is."""
        return all(map(math.isfinite, self.weights))


class Steps:
    """The steps of a fit.

    Args:
        loss: one sample's loss, ``loss(params, *sample)``.
        structure: how the weights are arranged in ``params``.
        optimizer: what an update is.
        batch_size: how many samples a step takes.
        clip_value: the largest absolute gradient of a weight, or None.
        clip_norm: the largest norm of the gradient, or None; after ``clip_value``.
        engine: as for `autograd.scan`.
    """

    def __init__(
        self,
        loss: Callable[..., Any],
        structure: Structure,
        optimizer: Optimizer,
        batch_size: int,
        clip_value: float | None,
        clip_norm: float | None,
        engine: str,
    ) -> None:
        self.batch_size = batch_size
        self.engine = engine
        self._optimizer = optimizer
        self._clip_value = clip_value
        self._clip_norm = clip_norm

        def of_weights(weights: Sequence[Any], *sample: Any) -> Any:
            return loss(structure.unflatten(weights), *sample)

        self._loss = of_weights
        self._value_and_grad = value_and_grad(of_weights)
        # What is traced is kept by the function's identity: each of them is one object.
        self._step, self._sample, self._turn = self.step, self.sample, self.turn

    def run(self, state: State, samples: Samples) -> tuple[State, np.ndarray]:
        """Take a step on each batch of some samples in order.

        Returns:
            The next state, and the mean loss of each batch before its step.
        """
        sizes = self.sizes(samples)
        count = len(sizes)
        numbers = range(state.steps + 1, state.steps + count + 1)
        constants = [np.array(column) for column in zip(*map(self._optimizer.constants, numbers))]
        carry = state.weights, state.states
        if self.batch_size == 1:
            carry, losses = scan(self._step, carry, (samples.arrays, constants), self.engine)
        else:
            carry, losses = scan_batches(
                self._sample,
                self._turn,
                carry,
                samples.arrays,
                self.batch_size,
                (sizes, constants),
                self.engine,
            )
        return State(carry[0], carry[1], state.steps + count), losses

    def sizes(self, samples: Samples) -> np.ndarray:
        """How many samples each batch has."""
        sizes = np.full(-(-len(samples) // self.batch_size), float(self.batch_size))
        sizes[-1] = len(samples) - self.batch_size * (len(sizes) - 1)
        return sizes

    @property
    def chosen(self) -> str:
        """The engine that runs the steps, once they have run: what "auto" came to."""
        kept = kept_for(self._step if self.batch_size == 1 else self._sample)
        return kept[0].engine if kept else self.engine

    def loss_digest(self, weights: Sequence[float], samples: Samples) -> str | None:
        """A fingerprint of the loss's formula: of the program that it is traced to, less names and lines.

        It is the same whatever engine runs the steps; None for a loss that only runs eagerly.
        """
        try:
            program = trace(self._loss, list(weights), *samples.sample(0))
        except Exception:  # an eager loss may do on floats what Values refuse in any way
            return None
        steps = [(one.primitive.name, one.operands) for one in program.instructions]
        text = repr((len(program.inputs), program.constants, steps, program.outputs))
        return hashlib.sha256(text.encode()).hexdigest()

    # What is traced: the carry is the weights and the optimizer's states.

    def step(self, carry: Any, x: Any) -> tuple[Any, Any]:
        """One step on one sample."""
        sample, constants = x
        value, gradient = self._value_and_grad(carry[0], *sample)
        return self._updated(carry, gradient, constants), value

    def sample(self, carry: Any, sample: Any) -> Any:
        """One sample's share in a step: its loss, and the gradient."""
        return self._value_and_grad(carry[0], *sample)

    def turn(self, carry: Any, totals: Any, row: Any) -> tuple[Any, Any]:
        """One step, once the samples of its batch are added up."""
        value, gradient = totals
        size, constants = row
        return self._updated(carry, [one / size for one in gradient], constants), value / size

    def _updated(self, carry: Any, gradient: Any, constants: Any) -> Any:
        if self._clip_value is not None:
            gradient = clip_by_value(gradient, self._clip_value)
        if self._clip_norm is not None:
            gradient = clip_by_norm(gradient, self._clip_norm)
        update = self._optimizer.update
        updated = [update(w, g, state, tuple(constants)) for w, g, state in zip(carry[0], gradient, carry[1])]
        return [weight for weight, _ in updated], [state for _, state in updated]

    def mean_loss(self, weights: list[float], samples: Samples) -> float:
        """The mean of the samples' losses, nothing updated."""
        if self.engine == "eager":
            values = [Value(weight) for weight in weights]  # on which sum adds as in every engine
            results = [self._loss(values, *samples.sample(i)) for i in range(len(samples))]
            losses = np.array([one.data if isinstance(one, Value) else one for one in results], float)
        else:
            in_axes = (None, *(0 for _ in samples.arrays))
            losses = vmap(self._loss, in_axes, engine=self.engine)(weights, *samples.arrays)
        return mean(losses)


def mean(losses: np.ndarray, sizes: np.ndarray | float = 1.0) -> float:
    """The mean over some batches, rounded once: the same in whatever order it is summed."""
    total, count = _sum((losses * sizes).tolist()), np.sum(np.broadcast_to(sizes, losses.shape))
    return total / float(count)


def _sum(numbers: list[float]) -> float:
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # infinities of both signs, or a sum beyond floats
        return sum(numbers)
