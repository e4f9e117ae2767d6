"""What rounding may have done to a computed number: a running error analysis, carried along by the number.

A `Rounded` is a float and a bound on its distance from what exact arithmetic would have given in its
place. An operation adds its own rounding to what its operands' errors become in it (J. H. Wilkinson,
Rounding Errors in Algebraic Processes, 1963; N. J. Higham, Accuracy and Stability of Numerical Algorithms,
section 3.3). Errors are propagated to first order, by the operation's rules, and over jumps and kinks by
trying both sides. Bounds are computed in floats too: where they may underflow they are rounded up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.checking.numbers import FOR_FLOATS_ONLY, Scalar, restated
from autograd.checking.tape import Tape, primitive_of
from autograd.graph.nodes import number, numbers, operands
from autograd.graph.value import Value
from autograd.primitives import table
from autograd.primitives.primitive import Primitive, all_primitives
from autograd.primitives.random_numbers import RANDOM

__all__ = [
    "DERIVATIVE_ULPS",
    "OPAQUE_ULPS",
    "SMALLEST",
    "VALUE_ULPS",
    "Rounded",
    "adjoints_of",
    "derivatives",
    "own_rounding",
    "partials",
    "ulps",
    "values_of",
]

SMALLEST = math.ulp(0.0)  # the smallest positive float

# Within how many units in the last place each operation of the library's table, and its first derivatives
# from exact operands, are computed. C libraries differ, so it is four; where docs/accuracy.md measured more
# than 3.75, it is the next whole number at least a quarter above what was measured.
VALUE_ULPS: dict[Primitive, float] = {
    **{entry: 4.0 for entry in all_primitives() if entry.is_builtin},
    **dict.fromkeys(RANDOM, 0.0),  # they are what they are
    **dict.fromkeys([table.add, table.sub, table.mul, table.div, table.sqrt], 0.5),
    **dict.fromkeys([table.neg, table.absolute, table.relu, table.maximum, table.minimum], 0.0),
    **dict.fromkeys([table.where, table.less, table.less_equal, table.equal, table.stop_gradient], 0.0),
    table.erfc: 5.0,
}
OPAQUE_ULPS = 4.0  # the same for what a user computes in a way that cannot be followed
DERIVATIVE_ULPS: dict[Primitive, float] = {
    **dict.fromkeys(VALUE_ULPS, 4.0),
    **dict.fromkeys([table.tanh, table.sigmoid], 5.0),
}


def ulps(count: float, number: float) -> float:
    """So many units in the last place of a number: the smallest float at least, unless there are none."""
    return max(count * math.ulp(number), SMALLEST) if count else 0.0


def _product(a: float, b: float) -> float:
    """A product of bounds, rounded up where it may underflow; 0 times anything is 0."""
    return a * b + SMALLEST if a and b else 0.0


def _quotient(a: float, b: float) -> float:
    return a / b + SMALLEST if a else 0.0


class Rounded(Scalar):
    """A float and a bound on its error.

    Attributes:
        value: the number that the engine computes.
        error: how far it may be from the exact result; inf where nothing is known.

    >>> third = Rounded(1.0) / 3.0
    >>> third.error < 1e-16, (third * 3.0 - 1.0).error > third.error
    (True, True)
    """

    __slots__ = ("error", "value")

    def __init__(self, value: float, error: float = 0.0) -> None:
        self.value = value
        self.error = error if error == error and math.isfinite(value) else math.inf

    def _ordered(self) -> float:
        return self.value

    @classmethod
    def _apply(cls, primitive: Primitive, args: tuple[Any, ...]) -> Rounded:
        inputs = [arg if isinstance(arg, Rounded) else _constant(primitive, arg) for arg in args]
        y = primitive(*[operand.value for operand in inputs])
        if not primitive.is_builtin:
            followed = _followed(primitive, y, inputs)
            if followed is not None:
                return cls(y, followed)
        propagated = _PROPAGATED.get(primitive.of_two)
        error = propagated(y, *inputs) if propagated else _spread(primitive, y, inputs)
        return cls(y, error + cls._lost(primitive, y, inputs))

    @staticmethod
    def _lost(primitive: Primitive, y: float, inputs: Sequence[Rounded]) -> float:
        """What the operation's own rounding took, its operands being what they are."""
        if primitive in (table.add, table.sub):
            a, b = inputs
            return _lost_of_sum(y, a.value, b.value if primitive is table.add else -b.value)
        if primitive is table.mul and any(_only_scales(factor, y) for factor in inputs):
            return 0.0
        lost = ulps(VALUE_ULPS.get(primitive.of_two, OPAQUE_ULPS), y)
        if primitive in _PERIODIC and abs(inputs[0].value) > _LARGE:
            lost += _REDUCTION * (1.0 + y * y)
        return lost

    def __repr__(self) -> str:
        return f"{self.value!r} +- {self.error:.1e}"


_SMALLEST_NORMAL = 2.0**-1022

# The C library takes multiples of pi/2 off a large argument, and what is left is off by so much: next to a
# zero or a pole that is many units in the last place (2**-92.9 is the most that docs/accuracy.md has).
_PERIODIC = frozenset({table.sin, table.cos, table.tan})
_LARGE = 2.0**26
_REDUCTION = 2.0**-90


def _constant(primitive: Primitive, number: Any) -> Rounded:
    """A number written in a formula: exact where it is a short one, else the nearest float to some real."""
    value = primitive.operand(number)
    with np.errstate(over="ignore"):
        is_short = float(np.float32(value)) == value
    return Rounded(value, 0.0 if is_short else ulps(0.5, value))


def _followed(primitive: Primitive, y: float, inputs: Sequence[Rounded]) -> float | None:
    """The error of a user's function, operation by operation; None where it cannot be followed so."""
    try:
        inner = restated(primitive).forward(*inputs)
    except Exception:  # the user's code may refuse strange numbers in any way
        return None
    if not isinstance(inner, Rounded):
        return None
    apart = abs(inner.value - y)
    return inner.error + apart if apart <= 2.0 * inner.error + ulps(OPAQUE_ULPS, y) else None


def _spread(primitive: Primitive, y: float, inputs: Sequence[Rounded]) -> float:
    """What errors of the operands become in the result: to first order, or by trying both ends."""
    values = [operand.value for operand in inputs]
    wanted = tuple([operand.error > 0.0 for operand in inputs])
    if not any(wanted):
        return 0.0
    total = 0.0
    for i, slope in enumerate(primitive.partials_at(y, tuple(values), wanted)):
        if not wanted[i]:
            continue
        error = inputs[i].error
        ends = [primitive(*values[:i], values[i] + shift, *values[i + 1 :]) for shift in (error, -error)]
        total += max(_product(abs(slope or 0.0), error), *[abs(end - y) for end in ends])
    return total


def _summed(_: float, a: Rounded, b: Rounded) -> float:
    return a.error + b.error


def _lost_of_sum(y: float, a: float, b: float) -> float:
    """What rounding took from the sum y of a and b, exactly (D. E. Knuth's TwoSum)."""
    second = y - a
    return abs((a - (y - second)) + (b - second))


def _multiplied(_: float, a: Rounded, b: Rounded) -> float:
    return _product(abs(a.value), b.error) + _product(abs(b.value), a.error) + _product(a.error, b.error)


def _only_scales(factor: Rounded, y: float) -> bool:
    """Whether its product y with anything is exact: it is 0, or a power of 2, and nothing underflows."""
    fraction, exponent = math.frexp(factor.value)
    is_power = abs(fraction) == 0.5 and (exponent >= 1 or abs(y) >= _SMALLEST_NORMAL)
    return factor.error == 0.0 and (is_power or factor.value == 0.0)


def _divided(y: float, a: Rounded, b: Rounded) -> float:
    nearest = abs(b.value) - b.error
    if nearest <= 0.0:
        return math.inf
    return _quotient(a.error, nearest) + _product(abs(y), _quotient(b.error, nearest))


def _compared(_: float, a: Rounded, b: Rounded) -> float:
    """An answer is certain unless the errors could turn it."""
    errors = a.error + b.error
    return 1.0 if errors > 0.0 and abs(a.value - b.value) <= errors else 0.0


def _chosen(_: float, c: Rounded, a: Rounded, b: Rounded) -> float:
    if c.error > 0.0 and abs(c.value) <= c.error:
        return max(a.error, b.error) + abs(a.value - b.value)
    return a.error if c.value else b.error


def _largest(_: float, *inputs: Rounded) -> float:
    return max(operand.error for operand in inputs)


# What becomes of errors in operations that are no smooth functions, or simple ones.
_PROPAGATED: dict[Primitive, Callable[..., float]] = {
    table.add: _summed,
    table.sub: _summed,
    table.mul: _multiplied,
    table.div: _divided,
    table.where: _chosen,
    **dict.fromkeys([table.less, table.less_equal, table.equal], _compared),
    **dict.fromkeys(
        [table.neg, table.absolute, table.relu, table.maximum, table.minimum, table.stop_gradient], _largest
    ),
}


def own_rounding(node: Value) -> float:
    """How far an operation's result may be from that of its operands as they are."""
    primitive = primitive_of(node)
    if primitive.is_builtin:
        return ulps(VALUE_ULPS[primitive.of_two], number(node))
    inputs = map(Rounded, numbers(operands(node)))
    return Rounded._apply(primitive, tuple(inputs)).error


def partials(
    primitive: Primitive, y: Rounded, inputs: tuple[Rounded, ...], wanted: tuple[bool, ...]
) -> Sequence[Rounded | float | None]:
    """The rules of a primitive on rounded numbers."""
    if primitive in FOR_FLOATS_ONLY:
        return _tried(primitive, inputs, wanted)
    try:
        return restated(primitive).partials_at(y, inputs, wanted)
    except Exception:  # a user's rule may refuse strange numbers in any way: it is tried on floats
        return _tried(primitive, inputs, wanted)


def _tried(
    primitive: Primitive, inputs: tuple[Rounded, ...], wanted: tuple[bool, ...]
) -> list[Rounded | None]:
    """Rules that take none but floats: their own error, and what they differ by at both ends."""

    def at(values: list[float]) -> list[Any]:
        return primitive.partials_at(primitive(*values), tuple(values), wanted)

    values = [operand.value for operand in inputs]
    slopes = at(values)
    own = DERIVATIVE_ULPS.get(primitive.of_two, OPAQUE_ULPS)
    errors = [0.0 if slope is None else ulps(own, slope) for slope in slopes]
    for i, operand in enumerate(inputs):
        for shift in (operand.error, -operand.error) if operand.error else ():
            there = at([*values[:i], values[i] + shift, *values[i + 1 :]])
            errors = [
                error if slope is None else error + abs(end - slope)
                for error, slope, end in zip(errors, slopes, there)
            ]
    return [None if slope is None else Rounded(slope, error) for slope, error in zip(slopes, errors)]


def values_of(tape: Tape) -> list[Rounded]:
    """All slots of a tape, with their errors; what it starts from is exact."""
    return tape.replayed([Rounded(number) for number in tape.start])


def adjoints_of(tape: Tape, slots: Sequence[Rounded], edge_ulps: float) -> list[dict[int, Rounded]]:
    """For each output its derivatives by the slots, in the engine's own order, with their errors.

    Args:
        tape: the computation.
        slots: its `values_of`.
        edge_ulps: what each product of an adjoint and a partial may be wrong by beyond the engine's
            rounding, in units in the last place.
    """

    def product(adjoint: Rounded, partial: Rounded | float) -> Rounded:
        factor = partial if isinstance(partial, Rounded) else Rounded(float(partial))
        term = table.mul(adjoint, factor)
        return Rounded(term.value, term.error + ulps(edge_ulps, term.value))

    return [tape.adjoints(slots, output, Rounded(1.0), partials, product) for output in tape.outputs]


def derivatives(tape: Tape, slots: Sequence[Rounded], edge_ulps: float = 0.0) -> list[list[Rounded]]:
    """For each output its derivatives by the inputs: see `adjoints_of`."""
    rows = adjoints_of(tape, slots, edge_ulps)
    return [[row.get(slot, Rounded(0.0)) for slot in range(tape.inputs)] for row in rows]
