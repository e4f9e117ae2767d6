"""Arrays of derivatives of which some are absent, where a sweep computes on plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.primitives.operation import ABSENT, Operation

__all__ = ["Masked", "pulled", "unmasked"]


class Masked(np.ndarray):
    """Derivatives of the elements of an array, those of some of which are absent, and 0.0.

    Attributes:
        mask: 0 where they are absent; None where none is.
    """

    mask: Any = None

    def __add__(self, other: Any) -> Any:
        """The sum of those that are there, which is there where one of the two is."""
        if type(other) is float and other == 0.0:  # what a sum begins with
            return self
        mine, theirs, total = unmasked(self), unmasked(other), unmasked(self) + unmasked(other)
        if self.mask is None:
            return total
        if type(other) is not Masked or other.mask is None:
            return np.where(self.mask, total, theirs)
        total = np.where(self.mask, np.where(other.mask, total, mine), theirs)
        return _masked(total, np.where(self.mask, 1.0, other.mask))

    __radd__ = __add__

    def __reduce__(self) -> Any:
        return unmasked(self).__reduce__()


def unmasked(derivative: Any) -> Any:
    """A derivative as a plain number or array."""
    return derivative.view(np.ndarray) if type(derivative) is Masked else derivative


def pulled(
    operation: Operation,
    inputs: Sequence[Any],
    results: Sequence[Any],
    adjoints: Sequence[Any],
    wanted: Sequence[bool],
) -> Sequence[Any]:
    """What each operand receives, by plain numbers: `Operation.pull`, where no `where` has chosen."""
    is_partial = operation.moves and len(adjoints) > 1 and any(each is ABSENT for each in adjoints)
    if operation.choice is None and not is_partial and Masked not in map(type, adjoints):
        return operation.pull(inputs, results, adjoints, wanted)
    masks = [getattr(adjoint, "mask", None) for adjoint in adjoints]
    plain = [unmasked(adjoint) for adjoint in adjoints]
    return [_masked(*each) for each in operation.pull_masked(inputs, results, plain, masks, wanted)]


def _masked(term: Any, mask: Any) -> Any:
    """A term where its mask is not 0; None where it is 0 everywhere."""
    if term is None or mask is None:
        return term
    if not np.any(mask):
        return None
    if type(term) is not np.ndarray or np.all(mask):
        return term
    result = np.where(mask, term, 0.0).view(Masked)
    result.mask = mask
    return result
