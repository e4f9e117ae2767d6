"""What models and losses are given: the numbers of one sample, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.primitives.ieee import described
from autograd.programs.loops.array import Array

__all__ = ["numbers_of"]


def numbers_of(sample: Any, role: str) -> Sequence[Any]:
    """The numbers of one sample, of an array as plain floats or Values.

    Args:
        sample: a list, a tuple or an array (a node, too) of one axis.
        role: what it is, to begin the error's sentence with.

    Raises:
        TypeError: it is none of these; the message says what to write for a batch.

    >>> numbers_of(np.array([1.0, 2.0]), "the inputs")
    [1.0, 2.0]
    """
    if isinstance(sample, (list, tuple)):
        return sample
    is_array = isinstance(sample, (np.ndarray, Array))
    if is_array and sample.ndim == 1:
        return sample.tolist() if isinstance(sample, np.ndarray) else list(sample)
    advice = ": map the function over a batch with vmap" if is_array else ""
    raise TypeError(f"{role} must be one sample's list or array of numbers, got {described(sample)}{advice}")
