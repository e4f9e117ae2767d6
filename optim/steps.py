"""The training step, as ordinary functions that engines run: gradient of the mean loss, then the update."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import TracingError, Value, value_and_grad
from autograd.graph import nodes
from autograd.graph.context import differentiating
from autograd.programs.arrays.elementwise import count_of
from autograd.running.columns import arrays_of, columns_of
from autograd.running.jit import traces
from autograd.running.scan import run_scan, scan
from autograd.running.vmap import Mapped
from optim.clipping import clip_by_norm, clip_by_value
from optim.plan import Plan
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
    """The steps of a training.

    Args:
        plan: what the training is to do.

    Attributes:
        engine: the name of the engine that ran the last steps; before the first step, the plan's.
    """

    def __init__(self, plan: Plan) -> None:
        self.engine = plan.engine
        self._plan = plan
        self._requested_engine = plan.engine
        self._value_and_grad = value_and_grad(plan.loss_of)
        self._traces = traces(math.inf)  # one training traces once, however large its loss

    def run(self, state: State, samples: Samples) -> tuple[State, np.ndarray]:
        """Take a step on each batch of some samples in order.

        With ``engine="auto"`` a loss that cannot be traced is run eagerly from then on, with a warning.

        Returns:
            The next state, and the mean loss of each batch before its step.
        """
        try:
            return self._run(state, samples)
        except TracingError as error:
            if self._requested_engine != "auto":
                raise
            warnings.warn(f"the loss is not compiled, which makes training slow: {error}", stacklevel=5)
            self._requested_engine = "eager"
            return self._run(state, samples)

    def _run(self, state: State, samples: Samples) -> tuple[State, np.ndarray]:
        columns, self._each = columns_of(*arrays_of(samples.arrays, "data"))
        size, count = self._plan.batch_size, len(samples)
        if size == 1:
            return self._scanned(self.step, state, columns)
        losses = []
        whole = count - count % size
        for part, width in (slice(whole), size), (slice(whole, count), count - whole):
            if width:  # the last batch, where it is shorter, is a loop of its own
                batches = [column[part].reshape(-1, width) for column in columns]
                state, of_each = self._scanned(self.batch, state, batches)
                losses.append(of_each)
        return state, np.concatenate(losses)

    def _scanned(
        self, step: Callable[..., Any], state: State, columns: list[np.ndarray]
    ) -> tuple[State, np.ndarray]:
        """Take a step for each entry of the columns."""
        steps = state.steps + len(columns[0])
        constants = map(self._plan.optimizer.constants, range(state.steps + 1, steps + 1))
        xs = columns, [np.array(column) for column in zip(*constants)]
        carry = state.weights, state.states
        result = run_scan(step, carry, xs, self._requested_engine, kept=self._traces, whole=True)
        self.engine = result.engine
        weights, states = result.carry
        return State(weights, states, steps), result.ys

    def batches(self, order: np.ndarray) -> list[np.ndarray]:
        """The numbers of each batch's samples, of samples in this order."""
        size = self._plan.batch_size
        return [order[begin : begin + size] for begin in range(0, len(order), size)]

    def sizes(self, samples: Samples) -> np.ndarray:
        """How many samples each batch has."""
        return np.array([len(batch) for batch in self.batches(np.arange(len(samples)))], float)

    # What is traced: the carry is the weights and the optimizer's states.

    def step(self, carry: Any, x: Any) -> tuple[Any, Any]:
        """One step on one sample."""
        numbers, constants = x
        value, *gradient = self._terms(carry[0], numbers)
        return self._updated(carry, gradient, constants), value

    def batch(self, carry: Any, x: Any) -> tuple[Any, Any]:
        """One step on a batch: its samples are an inner loop, in which losses and gradients add up."""
        columns, constants = x

        def sample(totals: Any, numbers: Any) -> tuple[Any, None]:
            terms = self._terms(carry[0], numbers)
            return [total + term for total, term in zip(totals, terms)], None

        engine = "eager" if self._requested_engine == "eager" else "auto"
        totals, _ = scan(sample, [0.0] * (1 + len(carry[0])), columns, engine)
        value, *gradient = [total / count_of(columns[0]) for total in totals]
        return self._updated(carry, gradient, constants), value

    def _terms(self, weights: Sequence[Any], numbers: Sequence[Any]) -> list[Any]:
        """A sample's loss, and its gradient; of floats in an eager run, whatever the loss closes over."""
        value, gradient = self._value_and_grad(weights, *self._each.unflatten(numbers))
        terms = [value, *gradient]
        return nodes.numbers(terms) if self._requested_engine == "eager" else terms

    def _updated(self, carry: Any, gradient: Any, constants: Any) -> Any:
        plan = self._plan
        if plan.clip_value is not None:
            gradient = clip_by_value(gradient, plan.clip_value)
        if plan.clip_norm is not None:
            gradient = clip_by_norm(gradient, plan.clip_norm)
        update = plan.optimizer.update
        updated = [update(w, g, state, tuple(constants)) for w, g, state in zip(carry[0], gradient, carry[1])]
        return [weight for weight, _ in updated], [state for _, state in updated]

    def mean_loss(self, weights: list[float], samples: Samples) -> float:
        """The mean of the samples' losses, nothing updated."""
        loss_of = self._plan.loss_of
        if self._requested_engine == "eager":
            values = [Value(weight) for weight in weights]  # on which sum adds as in every engine
            with differentiating(values):
                results = [loss_of(values, *samples.sample(i)) for i in range(len(samples))]
            losses = np.array([loss.data if isinstance(loss, Value) else loss for loss in results], float)
        else:
            in_axes = (None, *(0 for _ in samples.arrays))
            mapped = Mapped(loss_of, in_axes, None, self._requested_engine, kept=self._traces)
            losses = mapped(weights, *samples.arrays)
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
