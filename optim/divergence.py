"""Where a training went wrong: the sample and the operation at which a loss turned nan or infinite."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import Value, detect_anomaly
from autograd.graph.trees import Structure
from optim.samples import Samples
from optim.steps import State, Steps

__all__ = ["Divergence", "DivergenceError", "Pass"]


class DivergenceError(FloatingPointError):
    """A loss, or a weight, turned nan or infinite.

    Attributes:
        params: the last good parameters: those that gave the last finite loss.
        epoch: in which epoch, counted from 1.
        sample: the number of the sample in the data, counted from 0; None where none is to blame alone.
        history: the epochs that were finished.
    """

    def __init__(self, message: str, params: Any, epoch: int, sample: int | None, history: Sequence[Any]):
        super().__init__(message)
        self.params = params
        self.epoch = epoch
        self.sample = sample
        self.history = list(history)


class Pass(NamedTuple):
    """One pass over the samples.

    Attributes:
        epoch: its number, counted from 1.
        before: the state that it started from.
        order: the numbers of the samples in the order of this pass.
    """

    epoch: int
    before: State
    order: np.ndarray


class Divergence:
    """Goes back to where the numbers were good, and forward again, watching each operation.

    Args:
        loss: one sample's loss, ``loss(params, *sample)``.
        structure: how the weights are arranged in ``params``.
        names: what to call each weight.
        steps: what the passes were made with.
        samples: all samples.
    """

    def __init__(
        self,
        loss: Callable[..., Any],
        structure: Structure,
        names: Sequence[str],
        steps: Steps,
        samples: Samples,
    ) -> None:
        self._loss = loss
        self._structure = structure
        self._names = names
        self._steps = steps
        self._samples = samples

    def explain(self, passes: Sequence[Pass], losses: np.ndarray) -> tuple[State, int | None, str]:
        """What happened in the last of some passes.

        Args:
            passes: the last two, or the only one.
            losses: the mean loss of each batch in the last one.

        Returns:
            The state that gave the last finite loss, the sample to blame if there is one, and a sentence.
        """
        bad = np.flatnonzero(~np.isfinite(losses))
        step = int(bad[0]) if len(bad) else len(losses)  # all losses finite: the last update went wrong
        now = passes[-1]
        if step:
            good, at = now, step - 1
        elif len(passes) > 1:
            good = passes[0]
            at = len(self._batches(good)) - 1
        else:
            good, at = now, -1
        state = self._before(good, max(at, 0))
        sample, found = self._blame(state, self._batches(good)[at]) if at >= 0 else (None, "")
        if not found and at >= 0:
            found = self._update(state, good, at)
        if not found and step < len(losses):
            sample, found = self._blame(self._before(now, step), self._batches(now)[step])
        return state, sample, found

    def _batches(self, one: Pass) -> list[np.ndarray]:
        size = self._steps.batch_size
        return [one.order[begin : begin + size] for begin in range(0, len(one.order), size)]

    def _before(self, one: Pass, step: int) -> State:
        """The state before a step of a pass."""
        taken = one.order[: step * self._steps.batch_size]
        return self._steps.run(one.before, self._samples.take(taken))[0] if step else one.before

    def _blame(self, state: State, places: np.ndarray) -> tuple[int | None, str]:
        """The first sample whose loss, or gradient, gives birth to what is not finite; and where."""
        for place in places.tolist():
            weights = [Value(weight, name) for weight, name in zip(state.weights, self._names)]
            try:
                with detect_anomaly():
                    result = self._loss(self._structure.unflatten(weights), *self._samples.sample(place))
                    if isinstance(result, Value):
                        result.backward()
            except FloatingPointError as error:
                return place, str(error)
        return None, ""

    def _update(self, state: State, one: Pass, step: int) -> str:
        """What an update did that made a weight infinite; "" where it made none."""
        after, _ = self._steps.run(state, self._samples.take(self._batches(one)[step]))
        for name, before, weight in zip(self._names, state.weights, after.weights):
            if not math.isfinite(weight):
                return f"the update took {name} from {before!r} to {weight!r}"
        return ""
