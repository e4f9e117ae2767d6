"""Operations that hold code: what tells one from another, and how each of them is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.graph import context
from autograd.graph.anomaly import is_hunted
from autograd.primitives.operation import Operation
from autograd.programs.loops.packing import ArrayOperation
from autograd.support.locks import cached_property

__all__ = ["CodeOperation", "Joined", "example_of"]


class Joined(NamedTuple):
    """One operation in the place of two.

    Attributes:
        operation: the operation.
        operands: its operands' slots.
        own: which of its results are those of the first.
        others: which are those of the second.
    """

    operation: ArrayOperation
    operands: tuple[int, ...]
    own: list[int]
    others: list[int]


class CodeOperation(ArrayOperation):
    """An operation that holds code. A subclass has ``_settings``, which are to be found once."""

    @cached_property
    def _key(self) -> tuple[Any, ...]:
        return self._settings()

    @cached_property
    def _hash(self) -> int:
        return hash((type(self), self._key))

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, CodeOperation)
            and type(self) is type(other)
            and self._hash == other._hash
            and self._key == other._key
        )

    def __hash__(self) -> int:
        return self._hash

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """Its results."""
        results = self.run_quietly(inputs)
        if context.active and is_hunted(*map(np.atleast_1d, results)):
            self.hunt(inputs)
        return results

    def run_quietly(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The same, where nobody hunts for what is not finite."""
        raise NotImplementedError(f"{self.name} does not say how its code is run (run_quietly)")


def example_of(operation: Operation, *operands: Any) -> Any:
    """What `Operation.example` gives, as code is run by: a result, or the tuple of several."""
    results = operation.example(operands)
    return results[0] if operation.result_count == 1 else results
