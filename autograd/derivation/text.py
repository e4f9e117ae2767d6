"""Expressions as plain text, which reads like Python but for ``^``; other ways to write them build on it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from autograd.derivation.expressions import (
    ONE,
    Applied,
    Chain,
    Derivative,
    Numeral,
    Power,
    Slope,
    Sum,
    Symbol,
    Symbolic,
    power,
    product,
    split,
)
from autograd.primitives.notation import Binding, binding_of

__all__ = ["SignedQuotient", "TextWriter", "comparison", "is_comparison", "text"]

_LARGEST_BELOW = 10  # x/3 and x/2, but 0.05*x
_TURNED = {"<": ">", "<=": ">=", "==": "=="}


class TextWriter:
    """Writes ``-2*(y - p)*x/r``; a subclass may write each kind of expression in another way."""

    def write(self, expression: Symbolic) -> str:
        """An expression in one line."""
        return self.written(expression)[0]

    def terms(self, expression: Symbolic) -> list[str]:
        """An expression in pieces between which a line may be broken: terms with their signs."""
        if not isinstance(expression, Sum):
            return [self.write(expression)]
        (negative, first), *rest = signed_terms(expression)
        terms = ["-" * negative + self.within(Binding.PRODUCT, first)]
        for negative, term in rest:
            terms.append(("- " if negative else "+ ") + self.within(Binding.PRODUCT, term))
        return terms

    def within(self, least: Binding, expression: Symbolic) -> str:
        """An expression as a part of another, in parentheses where it would fall apart."""
        written, binding = self.written(expression)
        return self.enclosed(written) if binding < least else written

    def written(self, expression: Symbolic) -> tuple[str, Binding]:
        """An expression, and how tightly it holds together."""
        if isinstance(expression, Symbol):
            return self.symbol(expression), Binding.ATOM
        if isinstance(expression, Derivative):
            return self.derivative(expression), Binding.ATOM
        if isinstance(expression, Sum):
            return " ".join(self.terms(expression)), Binding.SUM
        if isinstance(expression, Chain):
            negative, positive = without_sign(expression)
            parts = positive.parts if isinstance(positive, Chain) else (positive,)
            return "-" * negative + self.chain(parts), Binding.PRODUCT
        if isinstance(expression, Applied) and is_comparison(expression):
            return self.comparison(*comparison(expression))
        if isinstance(expression, (Applied, Slope)):
            return self.call(expression), Binding.ATOM
        quotient = SignedQuotient.of(expression)
        if isinstance(expression, Power) and not quotient.below:
            return self.power(expression), Binding.POWER
        if isinstance(expression, Numeral) and not quotient.below:
            return self.number(expression), Binding.SUM if quotient.negative else Binding.ATOM
        binding = Binding.SUM if quotient.negative else Binding.PRODUCT
        return "-" * quotient.negative + self.quotient(quotient.above, quotient.below), binding

    def enclosed(self, written: str) -> str:
        """In parentheses."""
        return f"({written})"

    def symbol(self, symbol: Symbol) -> str:
        """A name."""
        return symbol.name

    def derivative(self, derivative: Derivative) -> str:
        """The derivative of a name by a name."""
        sign = "∂" if derivative.partial else "d"
        return f"{sign}{derivative.of}/{sign}{derivative.by}"

    def chain(self, parts: Sequence[Symbolic]) -> str:
        """A product as the chain rule yields it."""
        written = self.within(Binding.PRODUCT, parts[0])
        for before, part in pairwise(parts):
            written += " * " if isinstance(before, Derivative) else "*"
            written += self.within(Binding.PRODUCT, part)
        return written

    def comparison(self, left: Symbolic, sign: str, right: Symbolic) -> tuple[str, Binding]:
        """A comparison as a number, 0 or 1."""
        sides = [self.within(Binding.SUM, side) for side in (left, right)]
        return f"{sides[0]} {sign} {sides[1]}", Binding.COMPARISON

    def call(self, call: Applied | Slope) -> str:
        """A function of arguments."""
        name = call.primitive.name
        if isinstance(call, Slope):
            name = f"{name}'" if len(call.args) == 1 else f"∂{call.place + 1} {name}"
        return f"{name}({', '.join(map(self.write, call.args))})"

    def power(self, power: Power) -> str:
        """A power that is not a divisor."""
        return f"{self.within(Binding.ATOM, power.base)}^{self.within(Binding.ATOM, power.exponent)}"

    def number(self, number: Numeral) -> str:
        """A number."""
        return number.decimal

    def quotient(self, above: Sequence[Symbolic], below: Sequence[Symbolic]) -> str:
        """Factors, and factors that they are divided by, if any."""
        product, divisor = [
            "*".join(self.within(Binding.POWER, factor) for factor in side) for side in (above, below)
        ]
        if len(below) > 1:
            divisor = f"({divisor})"
        return f"{product}/{divisor}" if below else product


def text(expression: Symbolic) -> str:
    """An expression in one line.

    >>> u, w = Symbol("u"), Symbol("w")
    >>> text(-3 * (1 - u**2) / (4 * u * w)), text(Derivative("L", "w") * 2)
    ('-0.75*(1 - u^2)/(u*w)', '2*dL/dw')
    """
    return TextWriter().write(expression)


def is_comparison(expression: Symbolic) -> bool:
    """Whether it compares two expressions."""
    return isinstance(expression, Applied) and binding_of(expression.primitive) is Binding.COMPARISON


def comparison(call: Applied) -> tuple[Symbolic, str, Symbolic]:
    """A comparison as it is written, a number on the right: ``x > 0``."""
    left, right = call.args
    sign = call.primitive.symbol
    return (right, _TURNED[sign], left) if isinstance(left, Numeral) else (left, sign, right)


class SignedQuotient(NamedTuple):
    """A product taken apart.

    Attributes:
        negative: whether a minus sign stands before it.
        above: its factors; one at least.
        below: the factors that it is divided by.
    """

    negative: bool
    above: tuple[Symbolic, ...]
    below: tuple[Symbolic, ...]

    @classmethod
    def of(cls, expression: Symbolic) -> SignedQuotient:
        """Take any expression apart; what is no product is a single factor.

        >>> from autograd.derivation.expressions import Symbol
        >>> SignedQuotient.of(-1 / (2 * Symbol("x"))).below
        (Numeral(value=Fraction(2, 1)), Symbol(name='x'))
        """
        number, factors = split(expression)
        above: list[Symbolic] = []
        below: list[Symbolic] = []
        for factor in factors:
            exponent = factor.exponent if isinstance(factor, Power) else ONE
            if isinstance(factor, Power) and isinstance(exponent, Numeral) and exponent.value < 0:
                below.append(power(factor.base, Numeral(-exponent.value)))
            else:
                above.append(factor)
        numerator, denominator = _as_fraction(abs(number), bool(factors))
        if numerator != 1 or not above:
            above.insert(0, Numeral(numerator))
        if denominator != 1:
            below.insert(0, Numeral(denominator))
        return cls(number < 0, tuple(above), tuple(below))


def _as_fraction(number: Fraction, is_factor: bool) -> tuple[Fraction, Fraction]:
    """A positive number as one that has a decimal form, and a whole one to divide it by."""
    unit = is_factor and number.numerator == 1 and number.denominator <= _LARGEST_BELOW
    if Fraction(float(number)) == number and not unit:
        return number, Fraction(1)
    return Fraction(number.numerator), Fraction(number.denominator)


def without_sign(expression: Symbolic) -> tuple[bool, Symbolic]:
    """Whether a minus sign stands before an expression, and the expression without it."""
    first = expression.parts[0] if isinstance(expression, Chain) else expression
    if split(first)[0] >= 0:
        return False, expression
    positive = product(Numeral(Fraction(-1)), first)
    if not isinstance(expression, Chain):
        return True, positive
    rest = expression.parts[1:]
    return True, Chain(rest if positive == ONE else (positive, *rest))


def signed_terms(expression: Sum) -> list[tuple[bool, Symbolic]]:
    """The terms of a sum and whether a minus stands before each; first one without, if there is one."""
    terms = [without_sign(term) for term in expression.terms]
    first = next((i for i, (negative, _) in enumerate(terms) if not negative), 0)
    return [terms[first], *terms[:first], *terms[first + 1 :]]
