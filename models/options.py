"""Options of command lines: those that every job has, and types that say which numbers they take."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from autograd import jit
from autograd.engines import engine_names

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
        jit(lambda x: x, engine=engine)(0.0)


def whole(least: int) -> Callable[[str], int]:
    """The type of a whole number that has a least value.

    >>> whole(1)("12")
    12
    """

    def option(text: str) -> int:
        number = int(text) if text.strip().isdecimal() else -1
        if number < least:
            raise argparse.ArgumentTypeError(f"must be a whole number of at least {least}, got {text!r}")
        return number

    return option


def positive(text: str) -> float:
    """The type of a number above 0."""
    number = _number(text)
    return _checked(0.0 < number < math.inf, number, "a positive number", text)


def not_negative(text: str) -> float:
    """The type of a number from 0 on."""
    number = _number(text)
    return _checked(0.0 <= number < math.inf, number, "a number of at least 0", text)


def share(text: str) -> float:
    """The type of a number from 0 to below 1."""
    number = _number(text)
    return _checked(0.0 <= number < 1.0, number, "at least 0 and below 1", text)


def _number(text: str) -> float:
    """The number that a text is; nan, which is in no range, for any other text."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _checked(passed: bool, number: float, expected: str, text: str) -> float:
    if not passed:
        raise argparse.ArgumentTypeError(f"must be {expected}, got {text!r}")
    return number
