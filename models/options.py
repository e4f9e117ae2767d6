"""Options of command lines: those that every job has, and types that say which numbers they take."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograd import trace
from autograd.engines import compiled, engine_names

__all__ = ["add_common", "check_engine", "not_negative", "positive", "share", "whole"]


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add what every job takes: ``--engine``, ``--out`` and ``--quiet``."""
    parser.add_argument(
        "--engine",
        choices=["auto", "eager", *engine_names()],
        default="auto",
        help="what runs the training: auto takes the fastest that is installed, eager records every step",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("out"), metavar="FOLDER", help="where to write (%(default)s)"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def check_engine(engine: str) -> None:
    """See that an engine has the packages it needs.

    Raises:
        ModuleNotFoundError: one is not installed; names it.
    """
    if engine not in ("auto", "eager"):
        compiled(trace(lambda x: x, 0.0).code, engine)


def _number(
    expected: str, is_allowed: Callable[[float], bool], kind: Callable[[str], float] = float
) -> Callable[[str], Any]:
    """The type of a number in a range.

    Args:
        expected: the range in words, for the error.
        is_allowed: the range.
        kind: reads the number.
    """

    def option(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            number = math.nan  # which is in no range
        if not is_allowed(number):
            raise argparse.ArgumentTypeError(f"must be {expected}, got {text!r}")
        return number

    return option


def whole(least: int) -> Callable[[str], Any]:
    """The type of a whole number that has a least value.

    >>> whole(1)("12")
    12
    """
    return _number(f"a whole number of at least {least}", lambda number: number >= least, int)


positive = _number("a positive number", lambda number: 0.0 < number < math.inf)
not_negative = _number("a number of at least 0", lambda number: 0.0 <= number < math.inf)
share = _number("at least 0 and below 1", lambda number: 0.0 <= number < 1.0)
