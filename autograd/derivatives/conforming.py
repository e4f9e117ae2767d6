"""Scalars that are arranged like others but for which arrays among them are whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.graph.nodes import kinds
from autograd.graph.trees import Structure, Whole

__all__ = ["conformed"]


def conformed(scalars: Sequence[Any], structure: Structure, expected: Structure) -> list[Any] | None:
    """Scalars that are arranged in one structure, as one that is alike but for what is whole has them.

    None where the structures differ in more than that.
    """
    if structure == expected:
        return list(scalars)
    if structure.apart() != expected.apart():
        return None
    places = set(structure.wholes)
    elements: list[Any] = []
    for place, scalar in enumerate(scalars):
        elements += scalar.tolist() if place in places else [scalar]
    regrouped: list[Any] = []
    at = 0
    for shape in expected.shapes:
        end = at + (1 if shape is None else math.prod(shape))
        part = elements[at:end]
        regrouped += [kinds[np.ndarray].of(part)] if type(shape) is Whole else part
        at = end
    return regrouped
