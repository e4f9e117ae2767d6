"""Real numbers as IEEE 754 doubles: what counts as one, and arithmetic that never raises.

Python raises where IEEE 754 has an answer: ``1/0`` is an exception and not ``inf``, ``math.exp(1000)``
an ``OverflowError``, ``(-8)**(1/3)`` a complex number. The engine computes on plain floats and lets
Python raise; only then is that one computation done again by `evaluate`, on `Float`.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeGuard

import numpy as np

from autograd.primitives.rewriting import rewritten

__all__ = [
    "MASK_IS_LOST",
    "Float",
    "as_array",
    "constant",
    "described",
    "evaluate",
    "floats_of_objects",
    "is_real",
    "power",
    "to_float",
]

MASK_IS_LOST = (
    "must be an array without a mask, which would be lost: pass x.compressed() for the entries that are not "
    "masked, or x.filled(0.0) with a number that stands for the others"
)


def to_float(number: object, role: str) -> float:
    """Return a real number as a Python float.

    Args:
        number: an int, a float, a Fraction, a Decimal or a NumPy real scalar.
        role: what the number is for, to begin the error's sentence with ("the data of a Value").

    Raises:
        TypeError: for anything else: bool, str, complex, None, an array, a Value.
        OverflowError: for an int or a Fraction beyond the largest double.

    >>> to_float(np.float32(0.5), "the data of a Value")
    0.5
    """
    # The test of `is_real`, without a call, for the sake of every operation on an int.
    if (isinstance(number, _REAL) and not isinstance(number, bool)) or type(number) in _EXACT:
        try:
            return float(number)  # type: ignore[arg-type]
        except OverflowError:
            size = f"an int of {number.bit_length()} bits" if isinstance(number, int) else described(number)
            raise OverflowError(
                f"{role} must fit a float64 (at most 1.8e308), got {size}: scale it first, or pass "
                "float('inf')"
            ) from None
    raise TypeError(
        f"{role} must be a real number (int, float, Fraction, Decimal or NumPy real scalar), got "
        f"{described(number)}"
    )


_REAL = (float, int, np.floating, np.integer)
_OPERANDS = (*_REAL, np.bool_)
_EXACT = frozenset({Fraction, Decimal})


def is_real(number: object) -> TypeGuard[float]:
    """Whether something is a real number, as `to_float` takes them; a bool is none."""
    return (isinstance(number, _REAL) and not isinstance(number, bool)) or type(number) in _EXACT


def constant(number: Any) -> Any:
    """An operator's plain operand as a float (a bool counts as 0 or 1), or NotImplemented.

    >>> constant(True), constant(Fraction(1, 4)), constant("2")
    (1.0, 0.25, NotImplemented)
    """
    if isinstance(number, _OPERANDS) or type(number) in _EXACT:
        return to_float(int(number) if isinstance(number, (bool, np.bool_)) else number, "an operand")
    return NotImplemented


def as_array(value: Any, role: str) -> Any:
    """An array, also that which a Series or a frame of pandas holds; None for what is none.

    Raises:
        TypeError: some of it is masked, or it is a matrix of NumPy's, whose ``*`` is a product of matrices.

    >>> as_array(np.ones(2), "x"), as_array(1.0, "x")
    (array([1., 1.]), None)
    """
    if isinstance(value, np.ndarray):
        masked: Any = sys.modules.get(
            "numpy.ma"
        )  # which takes long to import; unless it is, nothing is masked
        if masked is not None and isinstance(value, masked.MaskedArray):
            if not masked.is_masked(value):
                return np.asarray(value)
            raise TypeError(f"{role} {MASK_IS_LOST}")
        if isinstance(value, np.matrix):
            raise TypeError(
                f"{role} must be a plain array, got an np.matrix, whose * is a product of matrices and whose "
                "rows are matrices again: pass np.asarray(m), and write @ for the product"
            )
        return value
    if hasattr(type(value), "__array__") and not isinstance(value, np.generic):
        return np.asarray(value)
    return None


def floats_of_objects(array: np.ndarray, role: str) -> np.ndarray:
    """An array of objects that are real numbers, as floats.

    Raises:
        TypeError: an entry is none, such as a text that reads like one.
    """
    entries = [to_float(entry, f"an entry of {role}") for entry in array.flat]
    return np.array(entries, float).reshape(array.shape)


def described(value: object) -> str:
    """What something is that was to be a number, to end an error's sentence with."""
    kind = type(value).__name__
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, (bool, str, complex, np.bool_)):
        return f"{kind} {value!r}"
    return kind


def evaluate(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function of numbers again, under IEEE 754 rules.

    Floats arrive as `Float`, other kinds of numbers (Values, where a derivative is recorded) as they are.
    Where the function reaches for ``math`` it finds functions that return ``inf`` or ``nan`` where those
    of ``math`` raise. What it raises all the same is its own: that goes to the caller.

    >>> evaluate(lambda x: 1 / x, 0.0)
    inf
    >>> evaluate(math.exp, 1000.0), evaluate(lambda x: 2 * x**0.5, -1.0)
    (inf, nan)
    """
    result = rewritten(function, _NEVER_RAISING)(
        *[Float(a) if isinstance(a, (float, int)) else a for a in args]
    )
    return tuple(map(_plain, result)) if type(result) is tuple else _plain(result)


def _plain(result: Any) -> Any:
    return float(result) if isinstance(result, Float) else result


def power(base: float, exponent: float) -> float:
    """``base ** exponent`` as C's ``pow`` has it, and ``x**2`` as ``x*x`` (which rounds correctly).

    >>> power(-8.0, 1 / 3), power(0.0, -1.0), power(3.0, 2.0)
    (nan, inf, 9.0)
    """
    return base * base if exponent == 2.0 else _pow(base, exponent)


def _never_raising(function: Callable[..., float], of_numpy: Callable[..., Any]) -> Callable[..., float]:
    """The function itself where it answers, NumPy's namesake (inf or nan) where it raises."""

    def answer(*args: float) -> float:
        try:
            return function(*args)
        except (ArithmeticError, ValueError):
            with np.errstate(all="ignore"):
                return float(of_numpy(*map(float, args)))

    return answer


_pow = _never_raising(math.pow, np.power)
_divide = _never_raising(operator.truediv, np.divide)
_floor_divide = _never_raising(operator.floordiv, np.floor_divide)
_remainder = _never_raising(operator.mod, np.remainder)


class Float(float):
    """A float whose arithmetic follows IEEE 754 and stays in this type.

    >>> 1 / Float(0.0), Float(-8.0) ** 0.5, Float(1e200) ** 2
    (inf, nan, inf)
    """

    __slots__ = ()

    @staticmethod
    def _apply(operation: Any, args: tuple[Any, ...]) -> Any:
        """An operation that a rule calls on a `Float`: the hook of `Operation`. Beside others, theirs."""
        results = operation(*map(_plain, args))
        return Float(results) if type(results) is float else results

    def __neg__(self) -> Float:
        return Float(-float(self))

    def __pos__(self) -> Float:
        return self

    def __abs__(self) -> Float:
        return Float(abs(float(self)))


def _method(operation: Callable[[float, float], float], swapped: bool) -> Callable[..., Any]:
    def method(self: Float, other: object) -> Any:
        if not isinstance(other, (int, float)):
            return NotImplemented
        left, right = float(self), float(other)
        return Float(operation(right, left) if swapped else operation(left, right))

    return method


for _name, _operation in {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": _divide,
    "floordiv": _floor_divide,
    "mod": _remainder,
    "pow": power,
}.items():
    setattr(Float, f"__{_name}__", _method(_operation, swapped=False))
    setattr(Float, f"__r{_name}__", _method(_operation, swapped=True))


def _gamma(x: float) -> float:
    return math.copysign(math.inf, x) if x > -1.0 else math.nan  # next to 0 it overflows as 1/x does


def _log(x: float, base: float | None = None) -> Any:
    return np.log(x) if base is None else np.log(x) / np.log(base)


# math's functions that can raise, each with what to answer then: mostly NumPy's namesake.
_NAMESAKES: dict[Callable[..., float], Callable[..., Any]] = {
    math.exp: np.exp,
    math.expm1: np.expm1,
    math.log: _log,
    math.log1p: np.log1p,
    math.log2: np.log2,
    math.log10: np.log10,
    math.sqrt: np.sqrt,
    math.pow: np.power,
    math.fmod: np.fmod,
    math.sin: np.sin,
    math.cos: np.cos,
    math.tan: np.tan,
    math.asin: np.arcsin,
    math.acos: np.arccos,
    math.sinh: np.sinh,
    math.cosh: np.cosh,
    math.acosh: np.arccosh,
    math.atanh: np.arctanh,
    math.gamma: _gamma,
    math.lgamma: lambda _: math.inf,
}
if hasattr(math, "exp2"):  # from Python 3.11 on
    _NAMESAKES[math.exp2] = np.exp2


def _on_float(function: Callable[..., float]) -> Callable[..., Float]:
    return lambda *args: Float(function(*args))


_NEVER_RAISING = {
    function: _on_float(_never_raising(function, otherwise)) for function, otherwise in _NAMESAKES.items()
}
