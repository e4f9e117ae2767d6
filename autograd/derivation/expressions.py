"""Expressions as a person writes them: sums, products, powers and calls, kept tidy as they are made.

They have the operators and the hook that primitives look for, so that the rules in the table of
primitives can be run on them: what a rule returns is then the derivative's formula. Tidying is exact:
numbers are fractions, and are joined only where the result can be written down again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from autograd.primitives import table
from autograd.primitives.ieee import to_float
from autograd.primitives.notation import format_constant
from autograd.primitives.operators import Operators
from autograd.primitives.primitive import Primitive

__all__ = [
    "ARITHMETIC",
    "CONSTANTS",
    "ONE",
    "ZERO",
    "Applied",
    "Chain",
    "Derivative",
    "Numeral",
    "Power",
    "Product",
    "Slope",
    "Sum",
    "Symbol",
    "Symbolic",
    "applied",
    "as_expression",
    "chained",
    "power",
    "product",
    "split",
    "total",
]


class Symbolic(Operators):
    """What all expressions can do; equal where they are written alike."""

    __slots__ = ()

    def __bool__(self) -> bool:
        raise TypeError("an expression is neither true nor false: a rule chooses with where")

    @staticmethod
    def _apply(primitive: Primitive, args: tuple[Any, ...]) -> Symbolic:
        return applied(primitive, args)


@dataclass(frozen=True, slots=True)
class Numeral(Symbolic):
    """A number that can be written down: see `_is_written_exactly`."""

    value: Fraction

    @property
    def decimal(self) -> str:
        """The number in decimals, in the shortest form that is read as the same float."""
        return format_constant(float(self.value))


@dataclass(frozen=True, slots=True)
class Symbol(Symbolic):
    """A name: an input's, an intermediate result's, or a constant's of mathematics."""

    name: str


@dataclass(frozen=True, slots=True)
class Derivative(Symbolic):
    """The derivative of one name by another, itself used like a name.

    Attributes:
        of: what is differentiated.
        by: by what.
        partial: whether it is only the direct dependence that counts, all other names held fixed.
    """

    of: str
    by: str
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Sum(Symbolic):
    """Two or more terms, none of them a sum."""

    terms: tuple[Symbolic, ...]


@dataclass(frozen=True, slots=True)
class Product(Symbolic):
    """A number times one or more factors, none of them a product; a quotient has factors to the -1."""

    coefficient: Fraction
    factors: tuple[Symbolic, ...]


@dataclass(frozen=True, slots=True)
class Power(Symbolic):
    """A base to an exponent."""

    base: Symbolic
    exponent: Symbolic


@dataclass(frozen=True, slots=True)
class Applied(Symbolic):
    """A primitive other than the arithmetic ones, applied."""

    primitive: Primitive
    args: tuple[Symbolic, ...]


@dataclass(frozen=True, slots=True)
class Slope(Symbolic):
    """A partial derivative of a primitive whose rule cannot be written as a formula."""

    primitive: Primitive
    place: int
    args: tuple[Symbolic, ...]


@dataclass(frozen=True, slots=True)
class Chain(Symbolic):
    """Factors as the chain rule yields them, one after the other: their numbers are not joined."""

    parts: tuple[Symbolic, ...]


ZERO, ONE = Numeral(Fraction(0)), Numeral(Fraction(1))


def _is_written_exactly(number: Fraction) -> bool:
    """Whether it is a float, which has a decimal form, or a fraction of small numbers."""
    if number.denominator <= 1000 and abs(number.numerator) < 10**6:
        return True
    try:
        return Fraction(float(number)) == number
    except OverflowError:
        return False


def as_expression(number: Any) -> Symbolic:
    """A plain number as an expression; an expression as it is.

    >>> as_expression(2.5), as_expression(math.pi)
    (Numeral(value=Fraction(5, 2)), Symbol(name='pi'))
    """
    if isinstance(number, Symbolic):
        return number
    value = to_float(float(number) if isinstance(number, bool) else number, "a number of a rule")
    if not math.isfinite(value):
        return -Symbol("inf") if value == -math.inf else Symbol(str(value))
    known = _KNOWN.get(abs(value))
    if known is None:
        return Numeral(Fraction(value))
    return -known() if value < 0 else known()


def _log_of(number: int) -> Symbolic:
    return Applied(table.log, (Numeral(Fraction(number)),))


# Numbers that are written otherwise than in decimals.
_KNOWN: dict[float, Callable[[], Symbolic]] = {
    math.pi: lambda: Symbol("pi"),
    math.pi / 2: lambda: Symbol("pi") / 2,
    2 * math.pi: lambda: 2 * Symbol("pi"),
    4 * math.pi: lambda: 4 * Symbol("pi"),
    math.sqrt(2 * math.pi): lambda: Applied(table.sqrt, (2 * Symbol("pi"),)),
    2 / math.sqrt(math.pi): lambda: 2 / Applied(table.sqrt, (Symbol("pi"),)),
    math.log(2): lambda: _log_of(2),
    math.log(10): lambda: _log_of(10),
    math.log2(math.e): lambda: 1 / _log_of(2),
    math.log10(math.e): lambda: 1 / _log_of(10),
}
CONSTANTS = {"pi": math.pi, "inf": math.inf, "nan": math.nan}  # names that mean numbers


def split(expression: Symbolic) -> tuple[Fraction, tuple[Symbolic, ...]]:
    """An expression as a number and the other factors."""
    if isinstance(expression, Numeral):
        return expression.value, ()
    if isinstance(expression, Product):
        return expression.coefficient, expression.factors
    return Fraction(1), (expression,)


def total(*terms: Symbolic) -> Symbolic:
    """The sum, equal terms counted together.

    >>> x, y = Symbol("x"), Symbol("y")
    >>> total(x, y, x) == 2 * x + y
    True
    """
    collected: list[tuple[Fraction, tuple[Symbolic, ...]]] = []
    places: dict[Any, int] = {}
    for term in _flattened(terms):
        number, factors = split(term)
        key = frozenset(Counter(factors).items())
        at = places.get(key)
        if at is not None and _is_written_exactly(collected[at][0] + number):
            collected[at] = collected[at][0] + number, collected[at][1]
        else:
            places[key] = len(collected)
            collected.append((number, factors))
    remaining = [_joined(number, factors) for number, factors in collected if number != 0]
    if len(remaining) < 2:
        return remaining[0] if remaining else ZERO
    return Sum(tuple(remaining))


def _flattened(terms: Iterable[Symbolic]) -> Iterator[Symbolic]:
    for term in terms:
        if isinstance(term, Sum):
            yield from term.terms
        else:
            yield term


def product(*factors: Symbolic) -> Symbolic:
    """The product, numbers multiplied where that is exact, equal bases joined to powers.

    >>> x = Symbol("x")
    >>> product(x, as_expression(3), x) == 3 * x**2
    True
    """
    number = Fraction(1)
    exponents: dict[tuple[Symbolic, bool], int] = {}
    for factor in factors:
        more, rest = split(factor)
        if more == 0:
            return ZERO
        for part in (Numeral(more), *rest):
            if isinstance(part, Numeral) and _is_written_exactly(number * part.value):
                number *= part.value
                continue
            base, exponent = _as_whole_power(part)
            # x^2 * x^-1 stays: it is not defined at 0, and x is.
            key = base, exponent < 0
            exponents[key] = exponents.get(key, 0) + exponent
    return _joined(number, tuple(_raised(base, exponent) for (base, _), exponent in exponents.items()))


def _as_whole_power(expression: Symbolic) -> tuple[Symbolic, int]:
    if isinstance(expression, Power) and isinstance(expression.exponent, Numeral):
        exponent = expression.exponent.value
        if exponent.denominator == 1:
            return expression.base, int(exponent)
    return expression, 1


def _raised(base: Symbolic, exponent: int) -> Symbolic:
    return base if exponent == 1 else Power(base, Numeral(Fraction(exponent)))


def _joined(number: Fraction, factors: tuple[Symbolic, ...]) -> Symbolic:
    if not factors or number == 0:
        return Numeral(number)
    return factors[0] if number == 1 and len(factors) == 1 else Product(number, factors)


def power(base: Symbolic, exponent: Symbolic) -> Symbolic:
    """A power; whole exponents go to each factor of a product, and multiply one that is there.

    >>> x, y = Symbol("x"), Symbol("y")
    >>> power(2 * x * y**2, as_expression(-1)) == as_expression(0.5) / x / y**2
    True
    """
    if not isinstance(exponent, Numeral):
        return Power(base, exponent)
    n = exponent.value
    if n == 0 or n == 1:
        return base if n else ONE
    if n.denominator == 1 and abs(n) <= 64:
        if isinstance(base, Numeral) and base.value != 0 and _is_written_exactly(base.value ** int(n)):
            return Numeral(base.value ** int(n))
        if isinstance(base, Product):
            return product(
                power(Numeral(base.coefficient), exponent), *[power(f, exponent) for f in base.factors]
            )
        inner, inner_exponent = _as_whole_power(base)
        if inner != base:
            return power(inner, Numeral(inner_exponent * n))
    return Power(base, exponent)


def chained(*parts: Symbolic) -> Symbolic:
    """A product as the chain rule yields it: signs in front, a whole number stays with what it came with.

    >>> u = Symbol("u")
    >>> chained(Symbol("e"), 2 * u)
    Chain(parts=(Symbol(name='e'), Product(coefficient=Fraction(2, 1), factors=(Symbol(name='u'),))))
    """
    lead = Fraction(1)
    groups: list[Symbolic] = []
    for part in parts:
        for group in part.parts if isinstance(part, Chain) else (part,):
            number, factors = split(group)
            if number == 0:
                return ZERO
            size = abs(number)
            if (not factors or not groups) and _is_written_exactly(lead * number):
                lead, size = lead * number, Fraction(1)
            elif number < 0:
                lead = -lead
            body = _joined(size, factors)
            if groups and _are_joined(groups[-1], body):
                groups[-1] = product(groups[-1], body)
            elif body != ONE:
                groups.append(body)
    if not groups:
        return Numeral(lead)
    groups[0] = product(Numeral(lead), groups[0])
    return groups[0] if len(groups) == 1 else Chain(tuple(groups))


def _are_joined(before: Symbolic, after: Symbolic) -> bool:
    """Whether neighbours in a chain are one product: where no number is in the middle, and in fractions."""
    if isinstance(before, Derivative) or isinstance(after, Derivative):
        return False
    return split(after)[0] == 1 or _is_fraction(before) or _is_fraction(after)


def _is_fraction(expression: Symbolic) -> bool:
    number, factors = split(expression)
    return number.denominator != 1 or any(_as_whole_power(factor)[1] < 0 for factor in factors)


def _negated(expression: Symbolic) -> Symbolic:
    return product(Numeral(Fraction(-1)), expression)


ARITHMETIC: dict[Primitive, Callable[..., Symbolic]] = {
    table.add: total,
    table.sub: lambda a, b: total(a, _negated(b)),
    table.mul: product,
    table.div: lambda a, b: product(a, power(b, -ONE)),
    table.neg: _negated,
    table.pow: power,
}


def applied(primitive: Primitive, args: Iterable[Any]) -> Symbolic:
    """A primitive of expressions and numbers."""
    parts = tuple(as_expression(arg) for arg in args)
    combine = ARITHMETIC.get(primitive)
    return Applied(primitive, parts) if combine is None else combine(*parts)
