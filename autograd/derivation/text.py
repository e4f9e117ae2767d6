"""Expressions as plain text, which reads like Python but for ``^``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from autograd.derivation.expressions import Call, Derivative, Numeral, Power, Slope, Symbol, Symbolic
from autograd.derivation.writer import Writer
from autograd.primitives.notation import Binding

__all__ = ["TextWriter", "text"]


class TextWriter(Writer):
    """Writes ``-2*(y - p)*x/r``."""

    def enclosed(self, written: str) -> str:
        return f"({written})"

    def symbol(self, symbol: Symbol) -> str:
        return symbol.name

    def derivative(self, derivative: Derivative) -> str:
        sign = "∂" if derivative.partial else "d"
        return f"{sign}{derivative.of}/{sign}{derivative.by}"

    def chain(self, parts: Sequence[Symbolic]) -> str:
        written = self.within(Binding.PRODUCT, parts[0])
        for before, part in pairwise(parts):
            written += " * " if isinstance(before, Derivative) else "*"
            written += self.within(Binding.PRODUCT, part)
        return written

    def comparison(self, left: Symbolic, sign: str, right: Symbolic) -> tuple[str, Binding]:
        sides = [self.within(Binding.SUM, side) for side in (left, right)]
        return f"{sides[0]} {sign} {sides[1]}", Binding.COMPARISON

    def call(self, call: Call | Slope) -> str:
        name = call.primitive.name
        if isinstance(call, Slope):
            name = f"{name}'" if len(call.args) == 1 else f"∂{call.place + 1} {name}"
        return f"{name}({', '.join(map(self.write, call.args))})"

    def power(self, power: Power) -> str:
        return f"{self.within(Binding.ATOM, power.base)}^{self.within(Binding.ATOM, power.exponent)}"

    def number(self, number: Numeral) -> str:
        return number.decimal

    def quotient(self, above: Sequence[Symbolic], below: Sequence[Symbolic]) -> str:
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
