"""Walks over expressions: their parts, expressions made of other parts, the number that one stands for.

Expressions are lines that a person can read, so they are shallow and recursion will do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import Any

from autograd.derivation.expressions import (
    CONSTANTS,
    ONE,
    Applied,
    Chain,
    Numeral,
    Power,
    Product,
    Slope,
    Sum,
    Symbol,
    Symbolic,
    power,
    product,
    total,
)
from autograd.primitives import table

__all__ = ["depth", "evaluate", "ordered", "parts_of", "rebuilt", "size", "substituted", "symbols", "walk"]


def parts_of(expression: Symbolic) -> tuple[Symbolic, ...]:
    """What an expression is made of, one level down."""
    if isinstance(expression, Sum):
        return expression.terms
    if isinstance(expression, Product):
        return expression.factors
    if isinstance(expression, Power):
        return expression.base, expression.exponent
    if isinstance(expression, (Applied, Slope)):
        return expression.args
    return expression.parts if isinstance(expression, Chain) else ()


def walk(expression: Symbolic) -> Iterator[Symbolic]:
    """An expression and all that it is made of."""
    yield expression
    for part in parts_of(expression):
        yield from walk(part)


def symbols(expression: Symbolic) -> Iterator[Symbol]:
    """Every name in an expression, as often as it is written."""
    return (part for part in walk(expression) if isinstance(part, Symbol) and part.name not in CONSTANTS)


def size(expression: Symbolic) -> int:
    """How many names are written in it."""
    return sum(1 for _ in symbols(expression))


def depth(expression: Symbolic) -> int:
    """How many calls there are within each other."""
    return max(map(depth, parts_of(expression)), default=0) + isinstance(expression, Applied)


def rebuilt(expression: Symbolic, parts: Iterable[Symbolic]) -> Symbolic:
    """The same kind of expression of other parts, tidied again."""
    new = tuple(parts)
    if isinstance(expression, Sum):
        return total(*new)
    if isinstance(expression, Product):
        return product(Numeral(expression.coefficient), *new)
    if isinstance(expression, Power):
        return power(*new)
    if isinstance(expression, Applied):
        return Applied(expression.primitive, new)
    if isinstance(expression, Slope):
        return Slope(expression.primitive, expression.place, new)
    return product(*new) if isinstance(expression, Chain) else expression


def substituted(expression: Symbolic, values: Mapping[Symbolic, Symbolic]) -> Symbolic:
    """An expression with others in the place of names; chains become products."""
    if expression in values:
        return values[expression]
    return rebuilt(expression, [substituted(part, values) for part in parts_of(expression)])


def ordered(expression: Symbolic) -> Symbolic:
    """An expression whose products begin with what is simple: names, then functions, then sums."""
    result = rebuilt(expression, map(ordered, parts_of(expression)))
    if isinstance(result, Product):
        return Product(result.coefficient, tuple(sorted(result.factors, key=_rank)))
    return result


def _rank(factor: Symbolic) -> tuple[bool, ...]:
    base = factor.base if isinstance(factor, Power) else factor
    return tuple(not isinstance(base, kind) for kind in (Numeral, Symbol, Applied))


def evaluate(expression: Symbolic, values: Mapping[Symbolic, Any]) -> Any:
    """The number that an expression stands for.

    Args:
        expression: any.
        values: for each of its symbols and derivatives a number of any kind that primitives take.

    >>> evaluate(3 * Symbol("x") ** 2, {Symbol("x"): 2.0})
    12.0
    """
    if expression in values:
        return values[expression]
    if isinstance(expression, Numeral):
        return float(expression.value)
    if isinstance(expression, Symbol):
        return CONSTANTS[expression.name]
    parts = [evaluate(part, values) for part in parts_of(expression)]
    if isinstance(expression, Applied):
        return expression.primitive(*parts)
    if isinstance(expression, Slope):
        y = expression.primitive(*parts)
        wanted = tuple(i == expression.place for i in range(len(parts)))
        return expression.primitive.partials_at(y, tuple(parts), wanted)[expression.place]
    if isinstance(expression, Power):
        return table.div(1.0, parts[0]) if expression.exponent == -ONE else table.pow(*parts)
    if isinstance(expression, Sum):
        return reduce(table.add, parts)
    if isinstance(expression, Product) and expression.coefficient != 1:
        parts = [float(expression.coefficient), *parts]
    return reduce(table.mul, parts)
