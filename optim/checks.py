"""Hyperparameters checked: a number in its range, a whole number, a switch; and dataclass fields of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import MISSING, field, fields
from typing import Any

import numpy as np

from autograd.primitives.ieee import to_float

__all__ = ["check_fields", "checked", "real", "setting", "switch", "whole"]


def checked(
    name: str, number: Any, *, least: float = -math.inf, above: float = -math.inf, below: float = math.inf
) -> float:
    """Return a number that is finite and in its range, as a float.

    Raises:
        TypeError: it is no number.
        ValueError: it is not in its range, or not finite.

    >>> checked("momentum", 0, least=0.0, below=1.0)
    0.0
    """
    if isinstance(number, bool) or not isinstance(number, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number, got {type(number).__name__}")
    value = to_float(number, name)
    if not (math.isfinite(value) and value >= least and above < value < below):
        bounds = [f"at least {least:g}"] if least > -math.inf else []
        bounds += [f"above {above:g}"] if above > -math.inf else []
        bounds += [f"below {below:g}"] if below < math.inf else []
        raise ValueError(f"{name} must be {' and '.join(bounds) or 'finite'}, got {number!r}")
    return value


def whole(name: str, number: Any, least: int) -> int:
    """Return a whole number that is large enough.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is too small.

    >>> whole("steps", 10, least=1)
    10
    """
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {number!r}")
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return int(number)


def switch(name: str, setting: Any) -> bool:
    """Return a setting that is either on or off.

    Raises:
        TypeError: it is neither True nor False: a number in its place was meant for another setting.
    """
    if not isinstance(setting, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {setting!r}")
    return bool(setting)


Check = Callable[[str, Any], Any]


def real(**bounds: float) -> Check:
    """The check of a number in a range: `checked` with its bounds."""
    return lambda name, number: checked(name, number, **bounds)


def setting(check: Check, default: Any = MISSING) -> Any:
    """A field of a dataclass that is checked by `check_fields`.

    Args:
        check: called with the field's name and value; returns the value to keep, or raises.
        default: the field's default; without one the field is required.
    """
    return field(default=default, metadata={"check": check})


def check_fields(instance: Any) -> None:
    """Check every `setting` of a dataclass instance, frozen or not; each becomes what its check returns.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Decay:
    ...     rate: float = setting(real(above=0.0), 0.1)
    ...     def __post_init__(self):
    ...         check_fields(self)
    >>> Decay(2)
    Decay(rate=2.0)
    """
    for each in fields(instance):
        if "check" in each.metadata:
            value = each.metadata["check"](each.name, getattr(instance, each.name))
            object.__setattr__(instance, each.name, value)
