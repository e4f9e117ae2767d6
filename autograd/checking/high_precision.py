"""The reference in high precision: mpmath differentiates every operation with 160 digits, without its rule.

The traced function is computed in mpmath. Each operation's partial derivatives are difference quotients
there, with a step so small that they are right to dozens of digits. The chain rule joins them. This takes a
few evaluations of each operation, for any number of inputs. Where the derivative by an input passes through
a kink or a jump of an operation, the whole function may still be smooth: it is then differentiated once more,
by a difference quotient of the whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autograd.checking.numbers import RefusedError
from autograd.checking.precise import Arithmetic, arithmetic
from autograd.checking.rounding import Rounded, partials, values_of
from autograd.checking.subject import Estimate, Gradient, Hessian
from autograd.checking.tape import Tape, located
from autograd.primitives import table
from autograd.primitives.primitive import Primitive
from autograd.support.extras import require

__all__ = ["findings", "high_precision"]

# A function of an arithmetic and of numbers, which returns numbers.
Function = Callable[..., Sequence[Any]]


class _Accuracy(NamedTuple):
    """How a difference quotient is taken.

    Attributes:
        digits: of the numbers, and how many of them are right in the function's largest result; then the
            same for another try, where a difference has lost so many that too few are left.
        places: the step is ``10**-places`` of the argument.
        kept: the quotient is rounded to so many digits, which makes that of a linear function exact.
    """

    digits: tuple[tuple[int, int], ...]
    places: int
    kept: int


class _Quotient(NamedTuple):
    """A derivative, nan where there is none, and how far it may be wrong beyond the digits that are kept."""

    value: Any
    error: Any

    def rounded(self) -> float:
        """How far it may be wrong once it is rounded to a float."""
        return 0.5 * math.ulp(float(self.value)) + float(self.error)


_DIGITS = 160
_FIRST = _Accuracy(((_DIGITS, 150), (1000, 990)), 60, 80)  # tanh(300) is lost to fewer than 300 digits
_SECOND = _Accuracy(((_DIGITS, 70),), 30, 25)  # of first derivatives: 80 digits less what cancels


def high_precision(level: Gradient | Hessian) -> list[list[Estimate]]:
    """Derivatives in mpmath, rounded to floats.

    Raises:
        MissingExtraError: mpmath is not installed.
        RefusedError: the function cannot be traced, or a primitive of the user's does not compute in mpmath.
    """
    require("check", "mpmath")
    tape = (level.first if isinstance(level, Hessian) else level).program
    _compare_values(tape)
    if isinstance(level, Hessian):
        rows = _hessian(tape)
    else:
        rows = [[_Quotient(slope, 0.0) for slope in _gradient(tape, tape.start)[0]]]
    return [[Estimate(float(quotient.value), quotient.rounded()) for quotient in row] for row in rows]


def _compare_values(tape: Tape) -> None:
    """Refuse a program that computes something else here than on floats."""
    own = arithmetic(_DIGITS)
    for at, (precise, rounded) in enumerate(zip(_replayed(tape, own, tape.start), values_of(tape))):
        if math.isfinite(rounded.value) and not abs(precise - rounded.value) <= rounded.error:
            instruction = tape.instructions[at - len(tape.start)]
            raise RefusedError(
                f"{instruction.operation.name} is {rounded.value!r} on floats and "
                f"{own.context.nstr(precise, 17)} in mpmath{located(instruction)}"
            )


def _replayed(tape: Tape, own: Arithmetic, start: Sequence[Any]) -> list[Any]:
    def apply(primitive: Primitive, *numbers: Any) -> Any:
        try:
            return own.apply(primitive, *numbers)
        except Exception as error:  # the user's code may refuse strange numbers in any way
            raise RefusedError(
                f"{primitive.name} cannot be computed in mpmath ({type(error).__name__}: {error}): write its "
                "forward with operators and the functions of math or autograd, or give it an expression"
            ) from error

    return tape.replayed([own.number(number) for number in start], apply)


def _gradient(tape: Tape, start: Sequence[Any]) -> tuple[list[Any], Any]:
    """The derivatives of a tape's output by its inputs, nan for one that does not exist.

    And the largest product on the way to them, of whose digits they are made.
    """
    own = arithmetic(_DIGITS)
    largest = own.number(0)

    def product(adjoint: Any, partial: Any) -> Any:
        """A partial of 0 stops a derivative that does not exist: of a condition that stays, for one."""
        nonlocal largest
        if partial == 0:
            return None
        largest = max(largest, abs(adjoint * partial))
        return adjoint * partial

    def whole(own: Arithmetic, *numbers: Any) -> list[Any]:
        return [_replayed(tape, own, numbers)[tape.outputs[0]]]

    slots = _replayed(tape, own, start)
    adjoints = tape.adjoints(slots, tape.outputs[0], own.number(1), _partials, product)
    slopes = [adjoints.get(slot, own.number(0)) for slot in range(tape.inputs)]
    slopes = [
        slope if slope == slope else _derivatives(whole, start, i, _FIRST)[0].value
        for i, slope in enumerate(slopes)
    ]
    return slopes, largest


def _hessian(tape: Tape) -> list[list[_Quotient]]:
    """The second derivatives, a row for each component of the gradient."""

    def first(_: Arithmetic, *numbers: Any) -> list[Any]:
        slopes, largest = _gradient(tape, numbers)
        return [*slopes, largest]

    columns = [_derivatives(first, tape.start, i, _SECOND)[:-1] for i in range(tape.inputs)]
    return [list(row) for row in zip(*columns)]


def _partials(primitive: Primitive, _: Any, inputs: tuple[Any, ...], wanted: tuple[bool, ...]) -> list[Any]:
    """An operation's partials by difference quotients; `stop_gradient` has none, by decree.

    Nor has `where` one by its condition: what a condition turns at is a kink or a jump of the whole function.
    """

    def value(own: Arithmetic, *numbers: Any) -> list[Any]:
        return [own.apply(primitive, *numbers)]

    def partial(i: int) -> Any:
        if primitive is table.where and i == 0:
            return arithmetic(_DIGITS).number(math.nan)
        return _derivatives(value, inputs, i, _FIRST)[0].value

    is_stopped = primitive is table.stop_gradient
    return [partial(i) if want and not is_stopped else None for i, want in enumerate(wanted)]


def _derivatives(function: Function, numbers: Sequence[Any], i: int, accuracy: _Accuracy) -> list[_Quotient]:
    """The derivatives of a function's results by its argument ``i``."""
    for digits, right in accuracy.digits:
        own = arithmetic(digits)
        point = [own.number(number) for number in numbers]
        here = function(own, *point)
        step = (abs(point[i]) or own.number(1)) * own.power_of_10(-accuracy.places)
        noise = max(map(abs, here)) * own.power_of_10(-right) / step
        near = _quotients(function, own, point, i, here, step)
        least = own.power_of_10(accuracy.kept - digits)
        if not any(abs(a + b) * step <= least * abs(y) != 0 for (a, b), y in zip(near, here)):
            break
    closeness = own.power_of_10(-accuracy.places // 2)
    is_plain = all(abs(a - b) <= closeness * abs(a) and abs(a) > closeness for a, b in near)
    wide = near if is_plain else _quotients(function, own, point, i, here, step * 10**10)
    rounded = arithmetic(accuracy.kept).number
    limits = [_limit(*pairs, noise, closeness) for pairs in zip(near, wide)]
    return [_Quotient(rounded(limit.value), rounded(limit.error)) for limit in limits]


def _quotients(
    function: Function, own: Arithmetic, point: list[Any], i: int, here: Sequence[Any], step: Any
) -> list[tuple[Any, Any]]:
    """Difference quotients of each result, to the left and to the right."""
    below, above = [function(own, *point[:i], point[i] + by, *point[i + 1 :]) for by in (-step, step)]
    return [((b - a) / step, (c - b) / step) for a, b, c in zip(below, here, above)]


def _limit(near: tuple[Any, Any], wide: tuple[Any, Any], noise: Any, closeness: Any) -> _Quotient:
    """What quotients to the left and to the right go to; nan where they do not meet.

    Those of a longer step tell, where they must: where a derivative is 0, both go to 0 with the step, and
    need not agree in any digit.
    """
    (a, b), (c, d) = near, wide
    gap, slope = abs(b - a), (a + b) / 2
    # The wide step is 10**10 times as long: a gap grows with it, but not at a kink.
    if gap > closeness * max(abs(a), abs(b)) and gap >= max(noise, abs(d - c) / 10**5):
        return _Quotient(slope * math.nan, noise)
    return _Quotient(slope * 0 if abs(slope) < max(noise, abs(c + d) / 10**5) else slope, noise)


def findings(level: Gradient) -> list[str]:
    """Which operations have no derivative at this point, and which have a wrong rule: a sentence each."""
    tape = level.program
    slots = _replayed(tape, arithmetic(_DIGITS), tape.start)
    rounded = values_of(tape)
    sentences: dict[str, None] = {}
    for at, instruction in enumerate(tape.instructions, len(tape.start)):
        primitive: Any = instruction.operation
        operands = instruction.operands
        wanted = tuple([operand in tape.dependent for operand in operands])
        if primitive is table.where:  # a condition has no derivative, nor needs one
            wanted = (False, *wanted[1:])
        rules = partials(primitive, rounded[at], tuple([rounded[operand] for operand in operands]), wanted)
        true = _partials(primitive, slots[at], tuple([slots[operand] for operand in operands]), wanted)
        for i, (rule, exact) in enumerate(zip(rules, true), start=1):
            finding = "" if exact is None else _finding(rule, exact)
            if finding:
                by = f" by its operand {i}" if primitive.arity > 1 else ""
                sentences[f"the derivative of {primitive.name}{by} {finding}{located(instruction)}"] = None
    return list(sentences)


def _finding(rule: Rounded | float | None, exact: Any) -> str:
    partial = rule if isinstance(rule, Rounded) else Rounded(float(rule or 0.0))
    if exact != exact:
        return "does not exist at this point"
    if abs(partial.value - exact) <= partial.error:
        return ""
    return f"is {float(exact)!r}, and its rule says {partial.value!r}"
