"""Numbers of many digits: formulas and primitives computed in mpmath, in contexts of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from autograd.checking.numbers import Scalar, restated
from autograd.primitives import table
from autograd.primitives.primitive import Primitive

__all__ = ["Arithmetic", "Precise", "arithmetic"]


class Arithmetic:
    """Real arithmetic of so many decimal digits. Nobody else's mpmath settings are touched.

    Attributes:
        context: the mpmath context that computes.
    """

    def __init__(self, digits: int) -> None:
        from mpmath.ctx_mp import MPContext

        self.context = context = MPContext()
        context.dps = digits
        self._functions: dict[Primitive, Callable[..., Any]] = {
            **{each: each.forward for each in (table.add, table.sub, table.mul, table.div, table.neg)},
            table.pow: context.power,
            table.log2: lambda x: context.log(x, 2),
            table.absolute: abs,
            table.where: table.where.forward,
            table.less: lambda a, b: context.mpf(a < b),
            table.less_equal: lambda a, b: context.mpf(a <= b),
            table.equal: lambda a, b: context.mpf(a == b),
        }

    def number(self, number: Any) -> Any:
        """A float, or a number of another precision, as one of this."""
        return self.context.mpf(number)

    def power_of_10(self, exponent: int) -> Any:
        """``10**exponent``."""
        return self.number(10) ** exponent

    def apply(self, primitive: Primitive, *numbers: Any) -> Any:
        """A primitive's value; nan where it has no real one."""
        function = self._functions.get(primitive) or self._function(primitive)
        try:
            result = function(*numbers)
        except (ArithmeticError, ValueError):
            return self.context.nan
        return result if isinstance(result, self.context.mpf) else self.context.nan

    def _function(self, primitive: Primitive) -> Callable[..., Any]:
        if primitive.is_builtin and hasattr(self.context, primitive.name):
            return getattr(self.context, primitive.name)  # type: ignore[no-any-return]

        def composite(*numbers: Any) -> Any:
            result = restated(primitive).forward(*[Precise(self, number) for number in numbers])
            return result.number if isinstance(result, Precise) else self.number(result)

        return composite


@lru_cache
def arithmetic(digits: int) -> Arithmetic:
    """The arithmetic of so many decimal digits."""
    return Arithmetic(digits)


class Precise(Scalar):
    """A number of an `Arithmetic`, for the formulas of composite primitives to run on."""

    __slots__ = ("arithmetic", "number")

    def __init__(self, arithmetic: Arithmetic, number: Any) -> None:
        self.arithmetic = arithmetic
        self.number = number

    def _ordered(self) -> Any:
        return self.number

    @staticmethod
    def _apply(primitive: Primitive, args: tuple[Any, ...]) -> Precise:
        own: Arithmetic = next(arg.arithmetic for arg in args if isinstance(arg, Precise))
        numbers = [
            arg.number if isinstance(arg, Precise) else own.number(primitive.operand(arg)) for arg in args
        ]
        return Precise(own, own.apply(primitive, *numbers))
