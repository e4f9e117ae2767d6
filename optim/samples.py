"""The samples of a fit: arrays with one entry a sample, checked, split and shuffled."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from autograd.primitives.ieee import as_array
from optim.arrays import real_array, refuse_infinite

__all__ = ["Samples"]


class Samples:
    """Arrays that belong together, whose first axis counts the samples.

    Args:
        data: an array, or a tuple or list of arrays: ``(X, y)``.
        role: what it is, to name in errors.

    Attributes:
        arrays: the arrays, of float64.
        names: what to call each in errors.

    Raises:
        TypeError: an array does not hold real numbers.
        ValueError: there is none, they differ in the number of samples, there is no sample, or a
            number is nan or infinite.

    >>> len(Samples((np.zeros((3, 2)), [1, 2, 3])))
    3
    """

    def __init__(self, data: Any, role: str = "data") -> None:
        parts = data if isinstance(data, tuple) else [data]
        if isinstance(data, list) and any(as_array(part, role) is not None for part in data):
            parts = data
        if not parts:
            raise ValueError(f"{role} must hold at least one array, got an empty tuple")
        self.names = [f"{role}[{i}]" for i in range(len(parts))] if len(parts) > 1 else [role]
        self.arrays = [_checked(part, name) for part, name in zip(parts, self.names)]
        counts = {name: len(array) for name, array in zip(self.names, self.arrays)}
        if len(set(counts.values())) > 1:
            listed = ", ".join(f"{count} in {name}" for name, count in counts.items())
            raise ValueError(f"the arrays of {role} must have the same number of samples, got {listed}")
        if not len(self):
            raise ValueError(f"{role} has no samples: the arrays' first axis counts them, and it is empty")

    def __len__(self) -> int:
        return len(self.arrays[0])

    def take(self, places: Any) -> Samples:
        """The samples at these places, in this order."""
        selected = object.__new__(Samples)
        selected.names, selected.arrays = self.names, [array[places] for array in self.arrays]
        return selected

    def split(self, share: float, seed: int) -> tuple[Samples, Samples]:
        """Take a random share away.

        Args:
            share: how much of the samples, above 0 and below 1.
            seed: which.

        Returns:
            What is left, in its order, and the share.

        Raises:
            ValueError: the share is no such number, or one of the two would be empty.
        """
        count = len(self)
        size = round(count * share) if 0 < share < 1 else 0
        if not 0 < size < count:
            raise ValueError(
                f"validation must be a share of the samples above 0 and below 1 that leaves some of the "
                f"{count} on either side, or data of its own, got {share!r}"
            )
        chosen = np.zeros(count, bool)
        chosen[np.random.default_rng(seed).permutation(count)[:size]] = True
        return self.take(~chosen), self.take(chosen)

    def digest(self) -> str:
        """A fingerprint of all numbers and shapes."""
        digest = hashlib.sha256()
        for array in self.arrays:
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def sample(self, place: int) -> list[Any]:
        """What one sample is made of: floats, and arrays of floats."""
        return [array[place].item() if array.ndim == 1 else array[place] for array in self.arrays]


def _checked(data: Any, name: str) -> np.ndarray:
    array = real_array(data, name)
    if array.ndim == 0:
        raise ValueError(f"{name} must be an array with one entry a sample, got the number {data!r}")
    refuse_infinite(array, name, ": leave such samples out, or put in what they should be")
    return array
