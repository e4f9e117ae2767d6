"""How primitives and numbers are written: operators, how tightly they bind, and constants."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np

from autograd.primitives.operation import Operation

__all__ = ["Binding", "binding_of", "format_constant", "format_rounded", "written"]

_DIGITS = 6  # of a rounded number


class Binding(IntEnum):
    """How tightly a written formula holds together; a part that binds less goes into parentheses."""

    COMPARISON = 0
    SUM = 1
    PRODUCT = 2
    NEGATION = 3
    POWER = 4
    ATOM = 5  # a name, a number, a call


_INFIX = {
    **dict.fromkeys(("<", "<=", "=="), Binding.COMPARISON),
    **dict.fromkeys(("+", "-"), Binding.SUM),
    **dict.fromkeys(("*", "/"), Binding.PRODUCT),
    "**": Binding.POWER,
}


def binding_of(primitive: Operation) -> Binding:
    """How tightly a primitive binds its operands; `Binding.ATOM` where it is written as a call.

    >>> from autograd.primitives.table import mul, neg, sin
    >>> [binding_of(primitive).name for primitive in (mul, neg, sin)]
    ['PRODUCT', 'NEGATION', 'ATOM']
    """
    if primitive.symbol not in _INFIX or primitive.arity > 2:
        return Binding.ATOM
    return Binding.NEGATION if primitive.arity == 1 else _INFIX[primitive.symbol]


def written(primitive: Operation, operands: Sequence[str]) -> str:
    """A primitive of operands that have names: ``a * b``, ``-a``, ``sin(a)``."""
    if primitive.symbol and len(operands) == 2:
        return f"{operands[0]} {primitive.symbol} {operands[1]}"
    if primitive.symbol and len(operands) == 1:
        return f"{primitive.symbol}{operands[0]}"
    return f"{primitive.name}({', '.join(operands)})"


def format_constant(number: Any) -> str:
    """A number as a person writes it in Python, 2 for 2.0; of a whole array how long it is."""
    if isinstance(number, np.ndarray):
        return f"array[{len(number)}]"
    is_short = number.is_integer() and abs(number) < 1e15 and str(number) != "-0.0"
    return repr(int(number)) if is_short else repr(number)


def format_rounded(number: float) -> str:
    """A number for reading, in six digits and with a real minus sign.

    >>> format_rounded(-0.1234567), format_rounded(2.0), format_rounded(float("inf"))
    ('−0.123457', '2', 'inf')
    """
    return format(number, f".{_DIGITS}g").replace("-", "−")
