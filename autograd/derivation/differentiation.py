"""The derivative of one expression by one name, every other name held fixed."""

from __future__ import annotations

from typing import Any

from autograd.derivation.expression_walks import symbols
from autograd.derivation.expressions import (
    ONE,
    ZERO,
    Applied,
    Chain,
    Numeral,
    Power,
    Product,
    Slope,
    Sum,
    Symbol,
    Symbolic,
    as_expression,
    chained,
    product,
    total,
)
from autograd.primitives import table
from autograd.primitives.primitive import Primitive

__all__ = ["differentiate", "rule_mentions_result", "textbook_partial"]


def differentiate(expression: Symbolic, by: Symbol, name: Symbol | None = None) -> Symbolic:
    """The partial derivative, the rules in the form that textbooks have.

    Args:
        expression: the right-hand side of a line.
        by: the name to differentiate by.
        name: the line's left-hand side, which stands for the expression where a rule uses the result.

    >>> x, s = Symbol("x"), Symbol("s")
    >>> differentiate(Applied(table.sigmoid, (2 * x,)), x, s) == 2 * s * (1 - s)
    True
    """
    y = expression if name is None else name
    if expression == by:
        return ONE
    if isinstance(expression, Sum):
        return total(*[differentiate(term, by) for term in expression.terms])
    if isinstance(expression, Product):
        return _of_product(expression, by)
    if isinstance(expression, Power):
        args: tuple[Symbolic, ...] = expression.base, expression.exponent
        return _of_call(table.pow, args, by, y)
    if isinstance(expression, Applied):
        return _of_call(expression.primitive, expression.args, by, y)
    return ZERO


def _of_product(expression: Product, by: Symbol) -> Symbolic:
    terms = []
    for i, factor in enumerate(expression.factors):
        inner = differentiate(factor, by)
        if inner != ZERO:
            others = expression.factors[:i] + expression.factors[i + 1 :]
            first, *rest = inner.parts if isinstance(inner, Chain) else (inner,)
            terms.append(chained(product(Numeral(expression.coefficient), *others, first), *rest))
    return total(*terms)


def _of_call(primitive: Primitive, args: tuple[Symbolic, ...], by: Symbol, y: Symbolic) -> Symbolic:
    inner = [differentiate(arg, by) for arg in args]
    if primitive is table.where:  # by the table's rules, the two branches would be two sums
        return ZERO if inner[1:] == [ZERO, ZERO] else Applied(primitive, (args[0], inner[1], inner[2]))
    terms = []
    for place, slope in enumerate(inner):
        if slope != ZERO:
            terms.append(chained(_partial(primitive, place, args, y), slope))
    return total(*terms)


def _partial(primitive: Primitive, place: int, args: tuple[Symbolic, ...], y: Symbolic) -> Symbolic:
    """One partial derivative of a primitive, or a name for it where it cannot be written."""
    try:
        return as_expression(textbook_partial(primitive, place, args, y))
    except Exception:  # a user's rule may do on expressions whatever it likes, `math` for instance
        return Slope(primitive, place, args)


def textbook_partial(primitive: Primitive, place: int, args: tuple[Any, ...], y: Any) -> Any:
    """A partial derivative in the form that textbooks have, on numbers of any kind.

    Args:
        primitive: the operation.
        place: which operand it is by.
        args: the operands.
        y: the operation's result.
    """
    if primitive.textbook is None:
        wanted = tuple(i == place for i in range(len(args)))
        partial = primitive.partials_at(y, args, wanted)[place]
        return 0.0 if partial is None else partial
    rule = primitive.textbook[place]
    return rule(y, *args) if callable(rule) else rule


def rule_mentions_result(primitive: Primitive) -> bool:
    """Whether a partial derivative is written with the operation's result, as exp's is."""
    y, args = Symbol("result"), tuple(Symbol(f"operand {i}") for i in range(primitive.arity))
    return any(y in symbols(_partial(primitive, place, args, y)) for place in range(primitive.arity))
