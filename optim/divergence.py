"""Where a training went wrong: the sample and the operation at which a loss turned nan or infinite."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import Value, detect_anomaly
from optim.plan import Plan
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
        plan: what the training is to do.
        steps: what the passes were made with.
    """

    def __init__(self, plan: Plan, steps: Steps) -> None:
        self._plan = plan
        self._steps = steps

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
        last = passes[-1]
        if step:
            good, at = last, step - 1
        elif len(passes) > 1:
            good = passes[0]
            at = len(self._steps.batches(good.order)) - 1
        else:
            good, at = last, -1
        state = self._before(good, max(at, 0))
        sample, reason = self._blame(state, self._steps.batches(good.order)[at]) if at >= 0 else (None, "")
        if not reason and at >= 0:
            reason = self._update(state, good, at)
        if not reason and step < len(losses):
            sample, reason = self._blame(self._before(last, step), self._steps.batches(last.order)[step])
        return state, sample, reason

    def _before(self, run: Pass, step: int) -> State:
        """The state before a step of a pass."""
        if not step:
            return run.before
        return self._run(run.before, np.concatenate(self._steps.batches(run.order)[:step]))

    def _run(self, state: State, places: np.ndarray) -> State:
        """The state after the steps on some samples."""
        return self._steps.run(state, self._plan.samples.take(places))[0]

    def _blame(self, state: State, places: np.ndarray) -> tuple[int | None, str]:
        """The first sample whose loss, or gradient, gives birth to what is not finite; and where."""
        for place in places.tolist():
            weights = self._plan.parameters.values(state.weights)
            try:
                with detect_anomaly():
                    result = self._plan.loss_of(weights, *self._plan.samples.sample(place))
                    if isinstance(result, Value):
                        result.backward()
            except FloatingPointError as error:
                return place, str(error)
        return None, ""

    def _update(self, state: State, run: Pass, step: int) -> str:
        """What an update did that made a weight infinite; "" where it made none."""
        after = self._run(state, self._steps.batches(run.order)[step])
        for name, before, weight in zip(self._plan.parameters.names, state.weights, after.weights):
            if not math.isfinite(weight):
                return f"the update took {name} from {before!r} to {weight!r}"
        return ""
