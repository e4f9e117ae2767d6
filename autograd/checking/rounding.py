"""What rounding may have done to a computed number: a running error analysis, carried along by the number.

A `Rounded` is a float and a bound on its distance from what exact arithmetic would have given in its
place. An operation adds its own rounding to what its operands' errors become in it (J. H. Wilkinson,
Rounding Errors in Algebraic Processes, 1963; N. J. Higham, Accuracy and Stability of Numerical Algorithms,
section 3.3). Errors are propagated to first order, by the operation's rules, and over jumps and kinks by
trying both sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.checking.numbers import Number, is_own, restated
from autograd.checking.tape import Tape
from autograd.graph.value import Value
from autograd.graph.walks import number, numbers, operands, operation
from autograd.primitives import table
from autograd.primitives.primitive import Primitive, all_primitives

__all__ = ["Rounded", "adjoints_of", "derivatives", "own_rounding", "partials", "values_of"]

# Within how many units in the last place a function of the library's table is computed, and a partial
# derivative from exact operands; the tests of the table hold both against mpmath.
FUNCTION_ULPS = 4.0
_HALF = 0.5  # the same for what is correctly rounded


class Rounded(Number):
    """A float and a bound on its error.

    Attributes:
        value: the number that the engine computes.
        error: how far it may be from the exact result; inf where nothing is known.
    """

    __slots__ = ("error", "value")

    def __init__(self, value: float, error: float = 0.0) -> None:
        self.value = value
        self.error = error if error == error and math.isfinite(value) else math.inf

    def _ordered(self) -> float:
        return self.value

    @staticmethod
    def _apply(primitive: Primitive, args: tuple[Any, ...]) -> Rounded:
        inputs = [arg if isinstance(arg, Rounded) else _constant(primitive, arg) for arg in args]
        values = [one.value for one in inputs]
        y = primitive(*values)
        rule = _ERRORS.get(primitive)
        if rule is not None:
            return Rounded(y, rule(y, *inputs))
        if not is_own(primitive):
            inner = _looked_into(restated(primitive).forward, inputs)
            apart = math.inf if inner is None else abs(inner.value - y)
            if inner is not None and apart <= 2.0 * inner.error + FUNCTION_ULPS * math.ulp(y):
                return Rounded(y, inner.error + apart)
        return Rounded(y, FUNCTION_ULPS * math.ulp(y) + _spread(primitive, y, values, inputs))

    def __repr__(self) -> str:
        return f"{self.value!r} +- {self.error:.1e}"


def _constant(primitive: Primitive, number: Any) -> Rounded:
    """A number written in a formula: exact where it is a short one, else the nearest float to some real."""
    value = primitive.operand(number)
    with np.errstate(over="ignore"):
        is_short = float(np.float32(value)) == value
    return Rounded(value, 0.0 if is_short else _HALF * math.ulp(value))


def _looked_into(function: Callable[..., Any], inputs: Sequence[Any]) -> Rounded | None:
    """A user's function on these numbers; None where it takes none but floats."""
    try:
        found = function(*inputs)
    except Exception:  # the user's code may refuse strange numbers in any way: the caller has another
        return None
    return found if isinstance(found, Rounded) else None


def _spread(primitive: Primitive, y: float, values: Sequence[float], inputs: Sequence[Rounded]) -> float:
    """What errors of the operands become in the result: to first order, or by trying both ends."""
    wanted = tuple([one.error > 0.0 for one in inputs])
    if not any(wanted):
        return 0.0
    total = 0.0
    for i, slope in enumerate(primitive.partials_at(y, tuple(values), wanted)):
        if not wanted[i]:
            continue
        error = inputs[i].error
        ends = [primitive(*values[:i], values[i] + one, *values[i + 1 :]) for one in (error, -error)]
        total += max(abs(slope or 0.0) * error, *[abs(end - y) for end in ends])
    return total


def _added(y: float, a: Rounded, b: Rounded) -> float:
    return a.error + b.error + _lost(y, a.value, b.value)


def _subtracted(y: float, a: Rounded, b: Rounded) -> float:
    return a.error + b.error + _lost(y, a.value, -b.value)


def _lost(y: float, a: float, b: float) -> float:
    """What rounding took from the sum y of a and b, exactly (D. E. Knuth's TwoSum)."""
    second = y - a
    return abs((a - (y - second)) + (b - second))


def _multiplied(y: float, a: Rounded, b: Rounded) -> float:
    error = abs(a.value) * b.error + abs(b.value) * a.error + a.error * b.error
    return error if _only_scales(a) or _only_scales(b) else error + _HALF * math.ulp(y)


def _only_scales(factor: Rounded) -> bool:
    """Whether a product with it is exact: it is a power of 2."""
    return factor.error == 0.0 and abs(math.frexp(factor.value)[0]) == 0.5


def _divided(y: float, a: Rounded, b: Rounded) -> float:
    nearest = abs(b.value) - b.error
    if nearest <= 0.0:
        return math.inf
    return (a.error + abs(y) * b.error) / nearest + _HALF * math.ulp(y)


def _compared(_: float, a: Rounded, b: Rounded) -> float:
    """An answer is certain unless the errors could turn it."""
    errors = a.error + b.error
    return 1.0 if errors > 0.0 and abs(a.value - b.value) <= errors else 0.0


def _chosen(_: float, c: Rounded, a: Rounded, b: Rounded) -> float:
    if c.error > 0.0 and abs(c.value) <= c.error:
        return max(a.error, b.error) + abs(a.value - b.value)
    return a.error if c.value else b.error


def _largest(_: float, *inputs: Rounded) -> float:
    return max(one.error for one in inputs)


def _rooted(y: float, a: Rounded) -> float:
    return _spread(table.sqrt, y, [a.value], [a]) + _HALF * math.ulp(y)


# What becomes of errors in operations that round correctly, or not at all.
_ERRORS: dict[Primitive, Callable[..., float]] = {
    table.add: _added,
    table.sub: _subtracted,
    table.mul: _multiplied,
    table.div: _divided,
    table.sqrt: _rooted,
    table.less: _compared,
    table.less_equal: _compared,
    table.equal: _compared,
    table.where: _chosen,
    **dict.fromkeys(
        [table.neg, table.absolute, table.relu, table.maximum, table.minimum, table.stop_gradient], _largest
    ),
}


def own_rounding(node: Value) -> float:
    """How far an operation's result may be from that of its operands as they are."""
    primitive = operation(node)
    ulps = _ULPS.get(primitive)
    if ulps is not None:
        return ulps * math.ulp(number(node))
    inputs = map(Rounded, numbers(operands(node)))
    return Rounded._apply(primitive, tuple(inputs)).error


# How many units in the last place the table's operations may be off by.
_ULPS: dict[Primitive, float] = {one: FUNCTION_ULPS for one in all_primitives() if is_own(one)}
_ULPS |= dict.fromkeys([table.add, table.sub, table.mul, table.div, table.sqrt], _HALF)
_ULPS |= {one: 0.0 for one in _ERRORS if one not in (table.add, table.sub, table.mul, table.div, table.sqrt)}


def partials(
    primitive: Primitive, y: Rounded, inputs: tuple[Rounded, ...], wanted: tuple[bool, ...]
) -> Sequence[Rounded | float | None]:
    """The rules of a primitive on rounded numbers."""
    try:
        return restated(primitive).partials_at(y, inputs, wanted)
    except Exception:  # a user's rule may refuse strange numbers in any way: it is tried on floats
        return _tried(primitive, inputs, wanted)


def _tried(
    primitive: Primitive, inputs: tuple[Rounded, ...], wanted: tuple[bool, ...]
) -> list[Rounded | None]:
    """Rules that take none but floats: as accurate as the library's, their errors found at both ends."""

    def at(values: list[float]) -> list[Any]:
        return primitive.partials_at(primitive(*values), tuple(values), wanted)

    values = [one.value for one in inputs]
    found = at(values)
    errors = [0.0 if slope is None else FUNCTION_ULPS * math.ulp(slope) for slope in found]
    for i, one in enumerate(inputs):
        for shift in (one.error, -one.error) if one.error else ():
            there = at([*values[:i], values[i] + shift, *values[i + 1 :]])
            errors = [
                error if slope is None else error + abs(end - slope)
                for error, slope, end in zip(errors, found, there)
            ]
    return [None if slope is None else Rounded(slope, error) for slope, error in zip(found, errors)]


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
        return Rounded(term.value, term.error + edge_ulps * math.ulp(term.value))

    return [tape.adjoints(slots, output, Rounded(1.0), partials, product) for output in tape.outputs]


def derivatives(tape: Tape, slots: Sequence[Rounded], edge_ulps: float = 0.0) -> list[list[Rounded]]:
    """For each output its derivatives by the inputs: see `adjoints_of`."""
    rows = adjoints_of(tape, slots, edge_ulps)
    return [[row.get(slot, Rounded(0.0)) for slot in range(tape.inputs)] for row in rows]
