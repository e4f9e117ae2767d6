"""The primitives once more, in mpmath: a number type that the library's formulas run on at any precision."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from mpmath import mp, mpf

from autograd import Primitive
from benchmarks.accuracy.exact import VALUES

__all__ = ["Exact", "derivative"]


class Exact:
    """A number of mpmath with the hook that primitives look for, so that it takes their calls over."""

    def __init__(self, number: Any) -> None:
        self.number = mpf(number) if mp.im(number) == 0 else mp.nan

    @staticmethod
    def _apply(primitive: Primitive, args: tuple[Any, ...]) -> Exact:
        return _called(VALUES[primitive.name], *args)

    def __neg__(self) -> Exact:
        return Exact(-self.number)


def _called(function: Callable[..., Any], *args: Any) -> Exact:
    return Exact(function(*[arg.number if isinstance(arg, Exact) else mpf(arg) for arg in args]))


def _operator(function: Callable[..., Any], swapped: bool) -> Callable[[Exact, Any], Exact]:
    return lambda self, other: _called(function, *((other, self) if swapped else (self, other)))


for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Exact, f"__{_name}__", _operator(getattr(operator, _name), swapped=False))
    setattr(Exact, f"__r{_name}__", _operator(getattr(operator, _name), swapped=True))


def derivative(name: str, point: tuple[float, ...], orders: tuple[int, ...], digits: int = 400) -> Any:
    """A derivative of a primitive by central differences, with digits enough for what cancels in the tails.

    Args:
        name: the primitive's.
        point: where.
        orders: how often by each operand.
        digits: how many are computed with.
    """
    with mp.workdps(digits):
        return mp.diff(VALUES[name], point, orders)
