"""Formulas as text: a graph of Values written as one expression, and the table of primitives.

``python -m autograd.programs.formulas`` prints the table in Markdown.
"""

from __future__ import annotations

from typing import Any

from autograd.graph.value import Value
from autograd.graph.walks import operands, topological_order
from autograd.primitives.primitive import Primitive, all_primitives
from autograd.programs.program import format_constant

__all__ = ["formula", "table"]

# How tightly an operator binds; a call, a name and a number bind tightest.
_COMPARISON, _SUM, _PRODUCT, _NEGATION, _POWER, _TIGHTEST = range(6)
_BINDING = {
    **dict.fromkeys(("<", "<=", "=="), _COMPARISON),
    **dict.fromkeys(("+", "-"), _SUM),
    **dict.fromkeys(("*", "/"), _PRODUCT),
    "**": _POWER,
}
# Characters, in the table. Its formulas have at most 28 or else hundreds: any limit between shows the same.
_LONGEST_SHOWN = 80


def formula(value: Value, longest: int = 10_000) -> str:
    """A Value as an expression of its leaves, by their labels (``?`` for a leaf without one).

    Args:
        value: any Value.
        longest: the number of characters beyond which it is refused: what a graph shares, an
            expression repeats.

    Raises:
        ValueError: the expression is longer.

    >>> x, y = Value(2.0, "x"), Value(3.0, "y")
    >>> formula(-(x + y) * x.sin() - 2 * y)
    '-(x + y)*sin(x) - 2*y'
    """
    texts: dict[Value, tuple[str, int]] = {}

    def text(one: Any) -> tuple[str, int]:
        if type(one) is float:
            return format_constant(one), _TIGHTEST if one >= 0 else _NEGATION
        return texts[one] if one._primitive is not None else (one.label or "?", _TIGHTEST)

    for node in topological_order(value):
        texts[node] = _joined(node._primitive, [text(one) for one in operands(node)])  # type: ignore[arg-type]
        if len(texts[node][0]) > longest:
            raise ValueError(
                f"the expression is longer than {longest} characters: draw it, or trace and print it"
            )
    return text(value)[0]


def _joined(primitive: Primitive, parts: list[tuple[str, int]]) -> tuple[str, int]:
    symbol = primitive.symbol
    if symbol not in _BINDING or len(parts) > 2:
        return f"{primitive.name}({', '.join(text for text, _ in parts)})", _TIGHTEST
    if len(parts) == 1:
        (part,) = parts
        return f"{symbol}{_enclosed(part, _NEGATION)}", _NEGATION
    binding = _BINDING[symbol]
    # a - b - c is (a - b) - c, a**b**c is a**(b**c), and a < b < c is neither
    left = _enclosed(parts[0], binding + (binding in (_COMPARISON, _POWER)))
    right = _enclosed(parts[1], binding + (binding != _POWER))
    space = " " if binding <= _SUM else ""
    return f"{left}{space}{symbol}{space}{right}", binding


def _enclosed(part: tuple[str, int], least: int) -> str:
    text, binding = part
    return f"({text})" if binding < least else text


def table() -> str:
    """The library's primitives in Markdown: how each is written, its partial derivatives, its domain.

    A rule too long to read in a table is represented by its textbook form.
    """
    lines = [
        "| primitive | written | partial derivatives | defined for |",
        "|---|---|---|---|",
    ]
    for entry in all_primitives():
        if not entry.is_builtin:
            continue
        names = ["x"] if entry.arity == 1 else ["a", "b"] if entry.arity == 2 else ["c", "a", "b"]
        inputs = [Value(0.5, name) for name in names]
        y = Value(0.5, "y")
        written = _joined(entry, [(name, _TIGHTEST) for name in names])[0]
        shown = [_as_text(partial) for partial in entry.partials_at(y, tuple(inputs), (True,) * entry.arity)]
        if entry.textbook is not None and max(map(len, shown)) > _LONGEST_SHOWN:
            shown = [_as_text(rule(y, *inputs)) for rule in entry.textbook if callable(rule)]
        rules = ", ".join(f"`{one}`" for one in shown)
        lines.append(f"| {entry.name} | `{written}` | {rules} | {entry.domain or 'all'} |")
    return "\n".join(lines)


def _as_text(partial: Any) -> str:
    if partial is None:
        return "0"
    return formula(partial) if isinstance(partial, Value) else format_constant(float(partial))


if __name__ == "__main__":
    print(table())
