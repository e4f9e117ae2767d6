"""Whether a call is recorded instead of run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.graph import context

__all__ = ["PLAIN", "records"]

PLAIN = frozenset({float, np.ndarray})  # the types of what runs


def records(scalars: Sequence[Any]) -> bool:
    """Whether a call is to be recorded instead of run."""
    if context.active and context.current().tracing:
        return True
    return not PLAIN.issuperset(map(type, scalars))
