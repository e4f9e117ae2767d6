"""`MatrixProduct`: a product of matrices, whose derivatives are products of the same kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.programs.arrays import on_lists
from autograd.programs.arrays.rearranging import Rearrangement

__all__ = ["MatrixProduct"]

_AT_ONCE = 1 << 18  # elements of products that are kept at a time


class MatrixProduct(Rearrangement):
    """Of two of the matrices a (n, k), b (k, m) and c (n, m) what goes with the third.

    The sum of a[n, k] b[k, m] c[n, m] over all three indices has one derivative by each matrix, a product of
    the other two: a b, the one by c, is the usual one. Sums begin with 0 and go on in the order of the index.

    Args:
        k, m: how long those axes are; n follows from the operands.
        missing: "a", "b" or "c"; the operands are the others in this order.
    """

    arity = 2
    moves = False
    listed = staticmethod(on_lists.product)

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The matrix."""
        k, m, missing = self.settings
        self._check(*map(len, inputs))
        shapes = {"a": (-1, k), "b": (k, m), "c": (-1, m)}
        first, second = [array.reshape(shapes[name]) for array, name in zip(inputs, _others(missing))]
        with np.errstate(all="ignore"):
            if missing == "b":
                return (_summed(first, second).reshape(-1),)
            result = np.zeros((len(first if missing == "c" else second), m if missing == "c" else k))
            if missing == "c":
                for i in range(k):
                    result += first[:, i : i + 1] * second[i]
            else:
                for i in range(m):
                    result += first[:, i] * second[:, i : i + 1]
        return (result.reshape(-1),)

    def size(self, first: int, second: int) -> int:
        """How many products of numbers are added up, of operands of so many elements."""
        k, m, missing = self.settings
        return int(second * k if missing == "a" else first * m)

    def _check(self, first: int, second: int) -> None:
        k, m, missing = self.settings
        if missing == "c":
            fits = first % k == 0 and second == k * m
        elif missing == "a":
            fits = first == k * m and second % m == 0
        else:
            fits = first % k == 0 and second == first // k * m
        if not fits:
            raise ValueError(
                f"a product of matrices over axes of {k} and {m} does not take {first} and {second} elements"
            )

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """Of each tangent with the other matrix."""
        (first, second), (by_first, by_second) = inputs, tangents
        terms = []
        if type(by_first) is not float:
            terms.append(self(by_first, second))
        if type(by_second) is not float:
            terms.append(self(first, by_second))
        return (terms[0] if len(terms) == 1 else terms[0] + terms[1] if terms else None,)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The two other products."""
        k, m, missing = self.settings
        names = _others(missing)
        matrices = {missing: adjoints[0], **dict(zip(names, inputs))}
        return [
            MatrixProduct(k, m, name)(*[matrices[other] for other in _others(name)]) if want else None
            for name, want in zip(names, wanted)
        ]


def _others(missing: str) -> str:
    return "abc".replace(missing, "")


def _summed(a: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The sum of a[n, :] c[n, :] over n, one after the other."""
    total = np.zeros((a.shape[1], c.shape[1]))
    size = max(1, _AT_ONCE // total.size)
    for begin in range(0, len(a), size):
        terms = a[begin : begin + size, :, None] * c[begin : begin + size, None, :]
        if total.size == 1:  # which NumPy would add up in pairs
            total = np.add.accumulate(np.concatenate([total[None], terms]))[-1]
        else:
            total = np.add.reduce(np.concatenate([total[None], terms]))
    return total
