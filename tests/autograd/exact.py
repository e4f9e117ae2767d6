"""The primitives once more, in mpmath: a number type that the library's formulas run on at any precision."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from mpmath import mp, mpf

from autograd import Primitive

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "pow": mp.power,
    "exp": mp.exp,
    "log": mp.log,
    "log1p": mp.log1p,
    "expm1": mp.expm1,
    "log2": lambda x: mp.log(x, 2),
    "log10": mp.log10,
    "sqrt": mp.sqrt,
    "hypot": mp.hypot,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "atan2": mp.atan2,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "asinh": mp.asinh,
    "acosh": mp.acosh,
    "atanh": mp.atanh,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "erf": mp.erf,
    "erfc": mp.erfc,
    "relu": lambda x: max(x, mpf(0)),
    "absolute": abs,
    "maximum": max,
    "minimum": min,
    "where": lambda c, a, b: a if c else b,
    "less": lambda a, b: mpf(a < b),
    "less_equal": lambda a, b: mpf(a <= b),
    "equal": lambda a, b: mpf(a == b),
    "stop_gradient": lambda x: x,
}


class Exact:
    """A number of mpmath with the hook that primitives look for, so that it takes their calls over."""

    def __init__(self, number: Any) -> None:
        self.number = mpf(number)

    @staticmethod
    def _apply(primitive: Primitive, args: tuple[Any, ...]) -> Exact:
        return _called(FUNCTIONS[primitive.name], *args)

    def __neg__(self) -> Exact:
        return Exact(-self.number)


def _called(function: Callable[..., Any], *args: Any) -> Exact:
    return Exact(function(*[arg.number if isinstance(arg, Exact) else mpf(arg) for arg in args]))


def _operator(function: Callable[..., Any], swapped: bool) -> Callable[[Exact, Any], Exact]:
    return lambda self, other: _called(function, *((other, self) if swapped else (self, other)))


for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Exact, f"__{_name}__", _operator(getattr(operator, _name), swapped=False))
    setattr(Exact, f"__r{_name}__", _operator(getattr(operator, _name), swapped=True))


def derivative(
    primitive: Primitive, point: tuple[float, ...], by: int, order: int = 1, digits: int = 400
) -> Any:
    """A partial derivative by central differences, with digits enough for what cancels in the tails."""
    orders = tuple(order if i == by else 0 for i in range(len(point)))
    with mp.workdps(digits):
        return mp.diff(FUNCTIONS[primitive.name], point, orders)
