"""Comparisons of Values: of their numbers, a bool outside a trace and a node inside it."""

from __future__ import annotations

from typing import Any, TypeVar

from autograd.graph import context
from autograd.graph.refusals import is_in_trace, refuse_in_trace
from autograd.primitives import table
from autograd.primitives.ieee import constant
from autograd.primitives.primitive import Primitive

__all__ = ["Comparisons"]

N = TypeVar("N", bound="Comparisons")


class Comparisons:
    """The operators; the class that has them makes the nodes, in its hook ``_apply``."""

    __slots__ = ()

    _data: float
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

    def __bool__(self) -> bool:
        if context.active:
            refuse_in_trace("deciding (if, and, or, in, match, max, sorted, bool())", self)
        return self._data != 0.0


def _compare(primitive: Primitive, left: Any, right: Any) -> bool:
    """A comparison's answer, or in a trace its node; NotImplemented beside what is no real number."""
    a, b = _number(left), _number(right)
    if a is NotImplemented or b is NotImplemented:
        return NotImplemented  # type: ignore[no-any-return]
    if context.active and is_in_trace(left, right):
        return primitive(left, right)  # type: ignore[no-any-return]
    return bool(primitive.forward(a, b))


def _number(side: Any) -> Any:
    """The number to compare by, or NotImplemented; rounded to a float, as it is recorded in a trace."""
    if isinstance(side, Comparisons):
        return side._data
    if type(side) is float:
        return side
    try:
        return float(side) if type(side) is int else constant(side)
    except OverflowError:
        return side  # an int beyond all floats: Python compares the two exactly
