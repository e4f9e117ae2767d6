"""Products as they are written: a sign, factors, and factors beneath a line."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from autograd.derivation.expressions import ONE, Chain, Expression, Number, Power, Sum, power, product, split
from autograd.primitives.notation import format_constant

__all__ = ["Quotient", "decimal", "signed_terms", "without_sign"]

_LARGEST_BELOW = 10  # x/3 and x/2, but 0.05*x


class Quotient(NamedTuple):
    """A product taken apart.

    Attributes:
        negative: whether a minus sign stands before it.
        above: its factors; one at least.
        below: the factors that it is divided by.
    """

    negative: bool
    above: tuple[Expression, ...]
    below: tuple[Expression, ...]

    @classmethod
    def of(cls, expression: Expression) -> Quotient:
        """Take any expression apart; what is no product is a single factor.

        >>> from autograd.derivation.expressions import Symbol
        >>> Quotient.of(-1 / (2 * Symbol("x"))).below
        (Number(value=Fraction(2, 1)), Symbol(name='x'))
        """
        number, factors = split(expression)
        above: list[Expression] = []
        below: list[Expression] = []
        for factor in factors:
            if (
                isinstance(factor, Power)
                and isinstance(factor.exponent, Number)
                and factor.exponent.value < 0
            ):
                below.append(power(factor.base, Number(-factor.exponent.value)))
            else:
                above.append(factor)
        numerator, denominator = _as_fraction(abs(number), bool(factors))
        if numerator != 1 or not above:
            above.insert(0, Number(numerator))
        if denominator != 1:
            below.insert(0, Number(denominator))
        return cls(number < 0, tuple(above), tuple(below))


def _as_fraction(number: Fraction, is_factor: bool) -> tuple[Fraction, Fraction]:
    """A positive number as one that has a decimal form, and a whole one to divide it by."""
    unit = is_factor and number.numerator == 1 and number.denominator <= _LARGEST_BELOW
    if Fraction(float(number)) == number and not unit:
        return number, Fraction(1)
    return Fraction(number.numerator), Fraction(number.denominator)


def decimal(number: Fraction) -> str:
    """A number in decimals, in the shortest form that is read as the same float."""
    return format_constant(float(number))


def without_sign(expression: Expression) -> tuple[bool, Expression]:
    """Whether a minus sign stands before an expression, and the expression without it."""
    first = expression.parts[0] if isinstance(expression, Chain) else expression
    if split(first)[0] >= 0:
        return False, expression
    positive = product(Number(Fraction(-1)), first)
    if not isinstance(expression, Chain):
        return True, positive
    rest = expression.parts[1:]
    return True, Chain(rest if positive == ONE else (positive, *rest))


def signed_terms(expression: Sum) -> list[tuple[bool, Expression]]:
    """The terms of a sum and whether a minus stands before each; first one without, if there is one."""
    terms = [without_sign(term) for term in expression.terms]
    first = next((i for i, (negative, _) in enumerate(terms) if not negative), 0)
    return [terms[first], *terms[:first], *terms[first + 1 :]]
