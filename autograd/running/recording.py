"""Whether a call is recorded instead of run, and what is said of that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.graph import context
from autograd.support.user_line import warn_user

__all__ = ["PLAIN", "records", "warn_of_recording"]

PLAIN = frozenset({float, np.ndarray})  # the types of what runs


def records(scalars: Sequence[Any]) -> bool:
    """Whether a call is to be recorded instead of run."""
    if context.active and context.current().tracing:
        return True
    return not PLAIN.issuperset(map(type, scalars))


def warn_of_recording(call: str, compiled_form: str) -> bool:
    """Warn that a call records what it was meant to compile, unless a transform or a trace is what it is in.

    Args:
        call: what is called with Values ``w``, as one writes it.
        compiled_form: how to write it so that it runs compiled.

    Returns:
        Whether it warned.
    """
    if context.current().tracing or context.variables:  # of whichever thread: this may be its worker
        return False
    warn_user(
        f"{call} with Values in its arguments records every operation and runs nothing compiled, which is "
        f"slower than without it. {compiled_form} runs compiled: Values that the function closes over are "
        "inputs, read anew at each call. Results are plain numbers: for a gradient call value_and_grad inside"
    )
    return True
