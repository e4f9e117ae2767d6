"""Formulas: a graph of Values as one expression, in pieces or as text; the table of primitives in Markdown.

``python -m autograd.programs.formulas`` prints the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from autograd.graph.nodes import operands, operation
from autograd.graph.value import Value
from autograd.graph.walks import topological_order
from autograd.primitives.notation import Binding, binding_of, format_constant, format_rounded
from autograd.primitives.primitive import Primitive, all_primitives
from autograd.primitives.table import pow as power

__all__ = ["PRINTED_SIGNS", "Formula", "Operand", "application", "as_operand", "formula", "printed", "table"]

PRINTED_SIGNS = {"**": "^", "*": "·", "-": "−", "<=": "≤", "==": "="}
_EXPONENTS: dict[float | None, str] = {float(i): digit for i, digit in enumerate("¹²³⁴⁵⁶⁷⁸⁹", 1)}
# Characters, in the table. Its formulas have at most 28 or else hundreds: any limit between shows the same.
_LONGEST_SHOWN = 80


class Operand(NamedTuple):
    """A place in a formula where a node's name or number goes, or a constant.

    Attributes:
        value: the node, or the constant.
        is_tight: whether a negative number must be enclosed here.
    """

    value: Value | float
    is_tight: bool = False


class Formula(NamedTuple):
    """A formula in pieces.

    Attributes:
        pieces: text, and the operands in it.
        binding: how tightly it holds together.
    """

    pieces: tuple[str | Operand, ...]
    binding: Binding = Binding.ATOM

    @property
    def is_factor(self) -> bool:
        """Whether it can be a factor without parentheses: it is no sum, and begins with no minus sign."""
        return self.binding > Binding.SUM and not self.text(lambda _: "x").startswith("−")

    def text(self, name: Callable[[Value], str] | None = None) -> str:
        """The formula in symbols, or in numbers where no names are given.

        Args:
            name: what to call a node.

        >>> x = Value(-3.0)
        >>> square = application(power, [Formula((Operand(x),)), Formula((Operand(2.0),))], PRINTED_SIGNS)
        >>> square.text(), square.text(lambda node: "x")
        ('(−3)²', 'x²')
        """
        return "".join(
            piece
            if isinstance(piece, str)
            else name(piece.value)
            if name is not None and isinstance(piece.value, Value)
            else _number(piece)
            for piece in self.pieces
        )

    def within(self, least: int, is_tight: bool) -> tuple[str | Operand, ...]:
        """The pieces as a part of another formula, in parentheses where they bind less than ``least``."""
        if self.binding < least:
            return ("(", *self.pieces, ")")
        first, *rest = self.pieces
        return (Operand(first.value, True) if is_tight and isinstance(first, Operand) else first, *rest)


def _number(operand: Operand) -> str:
    """An operand's number; in parentheses where it is negative, or has an exponent, in a tight place."""
    value = operand.value
    text = format_rounded(value.data if isinstance(value, Value) else value)
    return f"({text})" if operand.is_tight and ("e" in text or text.startswith("−")) else text


def application(primitive: Primitive, parts: Sequence[Formula], signs: Mapping[str, str]) -> Formula:
    """The formula of a primitive applied to formulas.

    Args:
        primitive: the operation.
        parts: its operands.
        signs: how operators are written, where not as in Python.
    """
    binding = binding_of(primitive)
    sign = signs.get(primitive.symbol, primitive.symbol)
    if binding is Binding.ATOM:
        inside = [piece for part in parts for piece in (", ", *part.pieces)][1:]
        return Formula((f"{primitive.name}(", *inside, ")"), binding)
    if len(parts) == 1:
        return Formula((sign, *parts[0].within(Binding.NEGATION, True)), binding)
    # a - b - c is (a - b) - c, a**b**c is a**(b**c), and a < b < c is neither
    is_power = binding is Binding.POWER
    left = parts[0].within(binding + (is_power or binding is Binding.COMPARISON), is_power)
    exponent = _constant(parts[1])
    if is_power and exponent in _EXPONENTS:
        return Formula((*left, _EXPONENTS[exponent]), binding)
    right = parts[1].within(binding + (not is_power), True)
    return Formula((*left, f" {sign} " if binding <= Binding.SUM else sign, *right), binding)


def _constant(part: Formula) -> float | None:
    """The number that a formula consists of, if it is an operand that is a constant."""
    match part.pieces:
        case (Operand(float(number)),):
            return number
    return None


def printed(value: Value, nodes: Mapping[Value, Value]) -> Formula:
    """A graph's formula with the signs of printed books: ``2·x²``. An exponent of 1 is left out.

    Args:
        value: the graph's result.
        nodes: for its leaves the nodes that they stand for; a leaf without an entry goes by its label.
    """

    def leaf(operand: Value | float) -> Formula:
        if isinstance(operand, Value) and operand not in nodes:
            return Formula((operand.label or "?",))
        return as_operand(nodes[operand] if isinstance(operand, Value) else operand)

    return _composed(value, leaf, PRINTED_SIGNS)


def as_operand(value: Value | float) -> Formula:
    """A node, or a constant, as a formula."""
    return Formula((Operand(value),), _binding_of_leaf(value))


def _binding_of_leaf(value: Value | float) -> Binding:
    return Binding.ATOM if isinstance(value, Value) or value >= 0 else Binding.NEGATION


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

    def leaf(operand: Value | float) -> Formula:
        text = (operand.label or "?") if isinstance(operand, Value) else format_constant(operand)
        return Formula((text,), _binding_of_leaf(operand))

    return _composed(value, leaf, {}, longest).text()


def _composed(
    value: Value,
    leaf: Callable[[Value | float], Formula],
    signs: Mapping[str, str],
    longest: int | None = None,
) -> Formula:
    """A graph's formula, from those of its leaves up; as one text where its length is limited."""
    formulas: dict[Value, Formula] = {}

    def part(operand: Value | float) -> Formula:
        return formulas[operand] if isinstance(operand, Value) and operand in formulas else leaf(operand)

    for node in topological_order(value):
        primitive, parts = operation(node), [part(operand) for operand in operands(node)]
        assert primitive is not None
        is_first_power = primitive is power and _constant(parts[1]) == 1.0
        composed = parts[0] if is_first_power else application(primitive, parts, signs)
        if longest is not None:
            composed = Formula((composed.text(),), composed.binding)
            if len(composed.pieces[0]) > longest:
                raise ValueError(
                    f"the expression is longer than {longest} characters: draw it, or trace and print it"
                )
        formulas[node] = composed
    return part(value)


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
        call = application(entry, [Formula((name,)) for name in names], {}).text()
        shown = [_as_text(partial) for partial in entry.partials_at(y, tuple(inputs), (True,) * entry.arity)]
        if entry.textbook is not None and max(map(len, shown)) > _LONGEST_SHOWN:
            shown = [_as_text(rule(y, *inputs)) for rule in entry.textbook if callable(rule)]
        rules = ", ".join(f"`{text}`" for text in shown)
        lines.append(f"| {entry.name} | `{call}` | {rules} | {entry.domain or 'all'} |")
    return "\n".join(lines)


def _as_text(partial: Any) -> str:
    if partial is None:
        return "0"
    return formula(partial) if isinstance(partial, Value) else format_constant(float(partial))


if __name__ == "__main__":
    print(table())
