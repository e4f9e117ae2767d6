"""Operators for anything that takes the primitives' calls over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd.primitives import table
from autograd.primitives.primitive import Primitive

__all__ = ["Operators"]


def _with(primitive: Primitive) -> Callable[[Any, Any], Any]:
    return lambda self, other: self._apply(primitive, (self, other))


def _reflected(primitive: Primitive) -> Callable[[Any, Any], Any]:
    return lambda self, other: self._apply(primitive, (other, self))


class Operators:
    """Arithmetic and comparisons, each a primitive that is handed to the class's hook ``_apply``."""

    __slots__ = ()

    __add__, __radd__ = _with(table.add), _reflected(table.add)
    __sub__, __rsub__ = _with(table.sub), _reflected(table.sub)
    __mul__, __rmul__ = _with(table.mul), _reflected(table.mul)
    __truediv__, __rtruediv__ = _with(table.div), _reflected(table.div)
    __pow__, __rpow__ = _with(table.pow), _reflected(table.pow)
    __lt__, __gt__ = _with(table.less), _reflected(table.less)
    __le__, __ge__ = _with(table.less_equal), _reflected(table.less_equal)

    @classmethod
    def _apply(cls, primitive: Primitive, args: tuple[Any, ...]) -> Any:
        """Compute a primitive, of which at least one argument is of this class."""
        raise NotImplementedError

    def __neg__(self) -> Any:
        return self._apply(table.neg, (self,))

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self._apply(table.absolute, (self,))
