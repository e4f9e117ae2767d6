"""The parameters of a fit: taken apart into numbers, and put back, into the Values they came from too."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from autograd import Value
from autograd.graph.context import differentiating
from autograd.graph.nodes import is_leaf
from autograd.graph.trees import flatten
from autograd.graph.walks import leaves, topological_order
from autograd.primitives.ieee import described
from optim.samples import Samples

__all__ = ["Parameters"]


class Parameters:
    """What is trained.

    Args:
        params: numbers, arrays or Values in any structure.

    Attributes:
        structure: how the scalars are arranged.
        names: what to call each scalar.
        start: their numbers.

    Raises:
        TypeError: something in it is no number, or a Value that is not a leaf.
        ValueError: there is no number in it, one is not finite, or a Value is in it twice.
    """

    def __init__(self, params: Any) -> None:
        scalars, self.structure = flatten(params, "params", integers=False)
        self._params = params
        self._scalars = scalars
        if not scalars:
            raise ValueError(f"params must hold at least one number to train, got {described(params)}")
        names = self.structure.names("params")
        self.names = [getattr(scalar, "label", "") or name for scalar, name in zip(scalars, names)]
        self.start = [scalar.data if isinstance(scalar, Value) else scalar for scalar in scalars]
        for name, scalar, number in zip(names, scalars, self.start):
            if isinstance(scalar, Value) and not is_leaf(scalar):
                raise TypeError(f"{name} is a result and cannot be trained: give the leaves it is made of")
            if not math.isfinite(number):
                raise ValueError(f"{name} must start from a finite number, got {number}")
        self._trained = [scalar for scalar in scalars if isinstance(scalar, Value)]
        if len(set(self._trained)) != len(self._trained):
            raise ValueError("a Value is twice in params: it would be updated twice a step")

    def arranged(self, numbers: Sequence[Any]) -> Any:
        """Numbers in the structure of the parameters."""
        return self.structure.unflatten(numbers)

    def values(self, numbers: Sequence[float]) -> list[Value]:
        """Numbers as Values with the names of the parameters, in a flat list."""
        return [Value(number, name) for number, name in zip(numbers, self.names)]

    def hand_back(self, numbers: Sequence[float]) -> Any:
        """The trained parameters: where they are Values the very same, updated."""
        for scalar, number in zip(self._scalars, numbers):
            if isinstance(scalar, Value):
                scalar.data = number
        return self._params if len(self._trained) == len(self._scalars) else self.arranged(numbers)

    def are(self, values: Sequence[Value]) -> bool:
        """Whether they are these Values and nothing else."""
        return len(values) == len(self._scalars) and all(map(operator.is_, values, self._scalars))

    def check(self, loss: Callable[..., Any], samples: Samples) -> None:
        """See that a loss can be trained by them.

        Raises:
            TypeError: it returns no scalar, or nothing that depends on them.
            ValueError: it uses parameters that it closes over, instead of those passed to it.
        """
        weights = self.values(self.start)
        with differentiating(weights):
            result = loss(self.arranged(weights), *samples.sample(0))
        if not isinstance(result, (Value, float, int)):
            raise TypeError(
                f"the loss must return one number a sample, got {described(result)}{_columns(samples)}"
            )
        used = set()
        if isinstance(result, Value):
            used = {result, *leaves(topological_order(result))}
        if not used.isdisjoint(self._trained):
            raise ValueError(
                "the loss uses parameters that it closes over, which training would not change: let it use "
                "its first argument, loss(params, *sample), which has the structure of params (a model is "
                "called as it is: loss(model, x, y))"
            )
        if used.isdisjoint(weights):
            raise TypeError(
                "the loss does not depend on its first argument, the parameters: loss(params, *sample) "
                f"returned {described(result)} for the first sample"
            )


def _columns(samples: Samples) -> str:
    """What to say of arrays of one column, which give each sample an array where a number is meant."""
    names = [name for name, array in zip(samples.names, samples.arrays) if array.shape[1:] == (1,)]
    if not names:
        return ""
    return (
        f". {' and '.join(names)} {'is' if len(names) == 1 else 'are'} two-dimensional, with one column, so "
        f"that a sample has an array of shape (1,): pass {', '.join(f'{name}[:, 0]' for name in names)}"
    )
