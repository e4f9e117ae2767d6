"""The complex step: the imaginary part of ``f(x + ih) / h``, which no subtraction has cost a digit.

For an analytic function it is the derivative, wrong by ``h**2``: with a tiny step, by rounding alone (W.
Squire and G. Trapp, Using complex variables to estimate derivatives of real functions, 1998). The traced
program is computed on complex numbers; where a primitive is not analytic, or has no complex version here,
the method is refused.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd.checking.numbers import RefusedError, Scalar, restated
from autograd.checking.rounding import Rounded, adjoints_of, values_of
from autograd.checking.subject import Estimate, Gradient, Hessian
from autograd.checking.tape import Tape, located
from autograd.primitives import table
from autograd.primitives.primitive import Primitive, all_primitives

__all__ = ["complex_step"]

# Within how many units in the last place each part of a complex function is computed, beyond what the real
# one is allowed; the tests hold it against mpmath.
_EXTRA_ULPS = 8.0
_STEP = 2.0**-150  # of the input, where that is less than 1
_RATIO = 2.0**-50  # of two steps that are compared
_LEAST_STEP = 2.0**-900  # so that numbers much smaller are normal ones yet


class Complex(Scalar):
    """A complex number for the formulas of primitives to run on."""

    __slots__ = ("number",)

    def __init__(self, number: complex) -> None:
        self.number = number

    def _ordered(self) -> Any:
        raise RefusedError("a comparison is not analytic")

    @staticmethod
    def _apply(primitive: Primitive, args: tuple[Any, ...]) -> Any:
        if primitive.is_builtin:
            return _elementary(primitive, args)
        return restated(primitive).forward(*args)


def _elementary(primitive: Primitive, args: tuple[Any, ...]) -> Any:
    if primitive is table.where and not isinstance(args[0], Complex):
        return args[1] if args[0] else args[2]
    function = _FUNCTIONS.get(primitive)
    if function is None:
        reason = "is not analytic" if primitive.of_two in _NOT_ANALYTIC else "has no complex version here"
        raise RefusedError(f"{primitive.name} {reason}")
    numbers = [arg.number if isinstance(arg, Complex) else complex(primitive.operand(arg)) for arg in args]
    try:
        return Complex(function(*numbers))
    except (ArithmeticError, ValueError):
        return Complex(complex(math.nan, math.nan))


# Near the real axis these keep every digit of the imaginary part, which is all that counts here.


def _power(a: complex, b: complex) -> complex:
    """In polar form, after a negative base's sign, which only an integer exponent allows.

    At a base of 0 other powers have a branch point.
    """
    sign = 1.0
    if a.real <= 0.0:
        if b.imag or not b.real.is_integer():
            return complex(math.nan, math.nan)
        sign, a = math.cos(math.pi * (b.real % 2.0)), -a
    size, angle = abs(a), cmath.phase(a)
    size, angle = (
        sign * size**b.real * math.exp(-b.imag * angle),
        b.real * angle + (b.imag * math.log(size) if b.imag else 0.0),
    )
    return complex(size * math.cos(angle), size * math.sin(angle))


def _expm1(z: complex) -> complex:
    x, y = z.real, z.imag
    return complex(math.expm1(x) * math.cos(y) - 2.0 * math.sin(y / 2.0) ** 2, math.exp(x) * math.sin(y))


def _log1p(z: complex) -> complex:
    x, y = z.real, z.imag
    return complex(math.log1p(x) + 0.5 * math.log1p((y / (1.0 + x)) ** 2), math.atan2(y, 1.0 + x))


def _hypot(a: complex, b: complex) -> complex:
    size = max(abs(a), abs(b))
    return size * cmath.sqrt((a / size) ** 2 + (b / size) ** 2) if size else 0j


def _atan2(a: complex, b: complex) -> complex:
    if abs(a.real) <= abs(b.real):
        turn = 0.0 if b.real > 0.0 else math.copysign(math.pi, a.real)
        return turn + cmath.atan(a / b)
    return math.copysign(math.pi / 2.0, a.real) - cmath.atan(b / a)


def _sigmoid(z: complex) -> complex:
    if z.real >= 0.0:
        return 1.0 / (1.0 + cmath.exp(-z))
    e = cmath.exp(z)
    return e / (1.0 + e)


def _softplus(z: complex) -> complex:
    return z + _log1p(cmath.exp(-z)) if z.real > 0.0 else _log1p(cmath.exp(z))


_FUNCTIONS: dict[Primitive, Callable[..., complex]] = {
    **{each: each.forward for each in (table.add, table.sub, table.mul, table.div, table.neg)},
    table.pow: _power,
    table.expm1: _expm1,
    table.log1p: _log1p,
    table.log2: lambda z: cmath.log(z) / math.log(2.0),
    table.hypot: _hypot,
    table.atan2: _atan2,
    table.sigmoid: _sigmoid,
    table.softplus: _softplus,
    **{
        primitive: getattr(cmath, primitive.name)
        for primitive in all_primitives()
        if primitive.is_builtin and hasattr(cmath, primitive.name)
    },
}
_NOT_ANALYTIC = {
    *(table.absolute, table.relu, table.maximum, table.minimum, table.where),
    *(table.less, table.less_equal, table.equal, table.stop_gradient),
}


def complex_step(level: Gradient | Hessian) -> list[list[Estimate]]:
    """Imaginary parts, and what rounding may have done to them.

    Raises:
        RefusedError: the function cannot be traced, or a primitive on the way is not analytic, or has no
            complex version.
    """
    tape = level.program
    rounded = values_of(tape)
    adjoints = adjoints_of(tape, rounded, _EXTRA_ULPS)
    rows: list[list[Estimate]] = [[] for _ in tape.outputs]
    for i, x in enumerate(tape.start[: tape.inputs]):
        step = _STEP * min(abs(x) or 1.0, 1.0)
        if step < _LEAST_STEP:
            raise RefusedError(f"{level.subject.names[i]} = {x!r} is too small for a complex step beside it")
        slopes = _slopes(tape, i, step, rounded)
        truncation = [0.0] * len(slopes)
        if any(abs(slope) < _STEP for slope in slopes):  # as small as what the step leaves of a derivative 0
            wider = _slopes(tape, i, step / _RATIO, rounded)
            truncation = [2.0 * abs(slope - wide) * _RATIO**2 for slope, wide in zip(slopes, wider)]
        for row, slope, error, received in zip(rows, slopes, truncation, adjoints):
            # A part that is too small for a normal number is wrong by the smallest one, at each operation.
            reach = sum(abs(adjoint.value) for adjoint in received.values())
            underflow = _EXTRA_ULPS * math.ulp(0.0) / step * reach
            row.append(Estimate(slope, received.get(i, Rounded(0.0)).error + underflow + error))
    return rows


def _slopes(tape: Tape, i: int, step: float, rounded: Sequence[Rounded]) -> list[float]:
    """The imaginary part of each output by the step."""
    slots = _replayed(tape, i, step, rounded)
    results = [slots[output] for output in tape.outputs]
    return [result.number.imag / step if isinstance(result, Complex) else 0.0 for result in results]


def _replayed(tape: Tape, i: int, step: float, rounded: Sequence[Rounded]) -> list[Any]:
    """All slots, one input moved off the real axis."""
    slots: list[Any] = [
        Complex(complex(number, step if slot == i else 0.0)) if slot < tape.inputs else number
        for slot, number in enumerate(tape.start)
    ]
    for instruction in tape.instructions:
        primitive, inputs = instruction.operation, [slots[operand] for operand in instruction.operands]
        try:
            result = primitive(*inputs)
        except RefusedError as error:
            raise RefusedError(f"{error}{located(instruction)}") from None
        except Exception as error:  # the user's code may refuse strange numbers in any way
            raise RefusedError(
                f"{primitive.name} takes no complex numbers ({error}){located(instruction)}"
            ) from error
        real = result.number.real if isinstance(result, Complex) else result
        expected = rounded[len(slots)]
        if not abs(real - expected.value) <= 3.0 * expected.error + step:
            raise RefusedError(
                f"{primitive.name} is {expected.value:.6g} on real numbers and {real:.6g} on complex ones"
                + located(instruction)
            )
        slots.append(result)
    return slots
