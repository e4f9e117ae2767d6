"""What all ways to write an expression down have in common: signs, parentheses, quotients, terms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import IntEnum, auto

from autograd.derivation.expressions import (
    Call,
    Chain,
    Derivative,
    Expression,
    Number,
    Power,
    Slope,
    Sum,
    Symbol,
)
from autograd.derivation.quotients import Quotient, signed_terms, without_sign
from autograd.primitives import table

__all__ = ["COMPARISONS", "Binding", "Writer", "comparison"]

COMPARISONS = {table.less: ("<", ">"), table.less_equal: ("<=", ">="), table.equal: ("==", "==")}


class Binding(IntEnum):
    """How tightly what is written holds together."""

    COMPARISON = auto()
    SUM = auto()
    PRODUCT = auto()
    POWER = auto()
    ATOM = auto()


def comparison(call: Call) -> tuple[Expression, str, Expression]:
    """A comparison as it is written, a number on the right: ``x > 0``."""
    left, right = call.args
    sign, turned = COMPARISONS[call.primitive]
    return (right, turned, left) if isinstance(left, Number) else (left, sign, right)


class Writer(ABC):
    """Writes expressions down; subclasses know the signs."""

    def write(self, expression: Expression) -> str:
        """An expression in one line."""
        return self.written(expression)[0]

    def terms(self, expression: Expression) -> list[str]:
        """An expression in pieces between which a line may be broken: terms with their signs."""
        if not isinstance(expression, Sum):
            return [self.write(expression)]
        (negative, first), *rest = signed_terms(expression)
        found = ["-" * negative + self.within(Binding.PRODUCT, first)]
        for negative, term in rest:
            found.append(("- " if negative else "+ ") + self.within(Binding.PRODUCT, term))
        return found

    def within(self, least: Binding, expression: Expression) -> str:
        """An expression as a part of another, in parentheses where it would fall apart."""
        written, binding = self.written(expression)
        return self.enclosed(written) if binding < least else written

    def written(self, expression: Expression) -> tuple[str, Binding]:
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
        if isinstance(expression, Call) and expression.primitive in COMPARISONS:
            return self.comparison(*comparison(expression))
        if isinstance(expression, (Call, Slope)):
            return self.call(expression), Binding.ATOM
        quotient = Quotient.of(expression)
        if isinstance(expression, Power) and not quotient.below:
            return self.power(expression), Binding.POWER
        if isinstance(expression, Number) and not quotient.below:
            return self.number(expression), Binding.SUM if quotient.negative else Binding.ATOM
        binding = Binding.SUM if quotient.negative else Binding.PRODUCT
        return "-" * quotient.negative + self.quotient(quotient.above, quotient.below), binding

    @abstractmethod
    def enclosed(self, written: str) -> str:
        """In parentheses."""

    @abstractmethod
    def symbol(self, symbol: Symbol) -> str:
        """A name."""

    @abstractmethod
    def derivative(self, derivative: Derivative) -> str:
        """The derivative of a name by a name."""

    @abstractmethod
    def chain(self, parts: Sequence[Expression]) -> str:
        """A product as the chain rule yields it."""

    @abstractmethod
    def comparison(self, left: Expression, sign: str, right: Expression) -> tuple[str, Binding]:
        """A comparison as a number, 0 or 1."""

    @abstractmethod
    def call(self, call: Call | Slope) -> str:
        """A function of arguments."""

    @abstractmethod
    def power(self, power: Power) -> str:
        """A power that is not a divisor."""

    @abstractmethod
    def number(self, number: Number) -> str:
        """A number."""

    @abstractmethod
    def quotient(self, above: Sequence[Expression], below: Sequence[Expression]) -> str:
        """Factors, and factors that they are divided by, if any."""
