"""Comparisons of Values: of their numbers, a bool outside a trace and a node inside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import numpy as np

from autograd.graph import context
from autograd.graph.refusals import is_in_trace, refuse_in_trace
from autograd.primitives import table
from autograd.primitives.ieee import constant, described
from autograd.primitives.primitive import Primitive

__all__ = ["Comparisons", "logical_not"]

N = TypeVar("N", bound="Comparisons")


class Comparisons:
    """The operators; the class that has them makes the nodes, in its hook ``_apply``."""

    __slots__ = ()

    _number: float
    label: str

    def __eq__(self, other: object) -> bool:
        return _compare(table.equal, self, other)

    def __ne__(self, other: object) -> bool:
        is_equal: Any = _compare(table.equal, self, other)
        if isinstance(is_equal, Comparisons):
            return table.sub(1.0, is_equal)  # type: ignore[no-any-return]
        return is_equal if is_equal is NotImplemented else not is_equal

    __hash__ = object.__hash__  # a set or a dict of nodes tells apart those whose numbers are equal

    def __lt__(self, other: Any) -> bool:
        return _compare(table.less, self, other)

    def __le__(self, other: Any) -> bool:
        return _compare(table.less_equal, self, other)

    def __gt__(self, other: Any) -> bool:
        return _compare(table.less, other, self)

    def __ge__(self, other: Any) -> bool:
        return _compare(table.less_equal, other, self)

    def __and__(self, other: Any) -> Any:
        return _combined("&", lambda a, b: table.where(a, table.where(b, 1.0, 0.0), 0.0), self, other)

    def __rand__(self, other: Any) -> Any:
        return self & other

    def __or__(self, other: Any) -> Any:
        return _combined("|", lambda a, b: table.where(a, 1.0, table.where(b, 1.0, 0.0)), self, other)

    def __ror__(self, other: Any) -> Any:
        return self | other

    def __invert__(self) -> NoReturn:
        raise TypeError("~ of a comparison is -1 or -2 outside of a trace: write logical_not(condition)")

    def __bool__(self) -> bool:
        if context.active:
            refuse_in_trace("deciding (if, and, or, in, match, max, sorted, bool())", self)
        return self._number != 0.0


def _compare(primitive: Primitive, left: Any, right: Any) -> bool:
    """A comparison's answer, or in a trace its node; NotImplemented beside what is no real number."""
    a, b = _number(left), _number(right)
    if a is NotImplemented or b is NotImplemented:
        return NotImplemented  # type: ignore[no-any-return]
    if context.active and is_in_trace(left, right):
        return primitive(left, right)  # type: ignore[no-any-return]
    return bool(primitive.forward(a, b))


def _combined(symbol: str, both: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """Two conditions as one, as `_compare` answers; NotImplemented beside what is no real number."""
    table.refuse_inverted(right, f"an operand of {symbol}")
    b = _number(right)
    if b is NotImplemented:
        return NotImplemented
    if context.active and context.current().tracing:
        return both(left, right)
    return bool(both(left._number, float(b)))


def logical_not(condition: Any) -> Any:
    """Whether a condition does not hold: what ``~`` is not, which makes -2 of True.

    Args:
        condition: a bool, a number or a Value (0 is false, all else is true), or an array of them.

    Returns:
        A bool; for an array one of bools; for what depends on the inputs of a function that is being
        traced it is recorded, as 0 or 1.

    Raises:
        TypeError: it is something else.
        ValueError: it is what ``~`` has made of a bool.

    >>> x = np.array([0.0, 7.0])
    >>> logical_not(7.0 > 5.0), logical_not(x > 5.0)
    (False, array([ True, False]))
    """
    table.refuse_inverted(condition, "the condition")
    if isinstance(condition, np.ndarray):
        if condition.dtype.kind == "O":
            opposites = np.asarray(np.frompyfunc(logical_not, 1, 1)(condition))
            is_recorded = any(isinstance(opposite, Comparisons) for opposite in opposites.flat)
            return opposites if is_recorded else opposites.astype(bool)
        return np.logical_not(condition)
    if _number(condition) is NotImplemented:
        raise TypeError(
            f"logical_not takes a bool, a number, a Value or an array of them, got {described(condition)}"
        )
    opposite = condition == 0
    return opposite if isinstance(opposite, Comparisons) else bool(opposite)


def _number(side: Any) -> Any:
    """The number to compare by, or NotImplemented; rounded to a float, as it is recorded in a trace."""
    if isinstance(side, Comparisons):
        return side._number
    if type(side) is float:
        return side
    try:
        return float(side) if type(side) is int else constant(side)
    except OverflowError:
        return side  # an int beyond all floats: Python compares the two exactly
