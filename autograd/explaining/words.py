"""Formulas, numbers and names as a person reads them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any, NamedTuple

from autograd.graph.value import Value
from autograd.graph.walks import is_constant, number, numbers, operands, operation
from autograd.primitives.ieee import evaluate
from autograd.programs.formulas import formula

__all__ = [
    "Formula",
    "Reference",
    "name_all",
    "operation_formula",
    "partial_formulas",
    "rounded",
    "sign",
    "textbook_at",
]

LONGEST_NAME = 24  # characters; the whole label is in the node's tooltip
DIGITS = 6  # of a number that is read; all are in its tooltip


def rounded(number: float) -> str:
    """A number for reading, with a real minus sign.

    >>> rounded(-0.1234567), rounded(2.0), rounded(float("inf"))
    ('−0.123457', '2', 'inf')
    """
    return format(number, f".{DIGITS}g").replace("-", "−")


def alike(one: float, other: float, tolerance: float = 0.0) -> bool:
    """Whether two numbers are equal within a relative tolerance; nan is like nan."""
    return math.isclose(one, other, rel_tol=tolerance) or (math.isnan(one) and math.isnan(other))


# Names.


def name_all(inputs: Sequence[Value], order: Sequence[Value]) -> list[str]:
    """A name for each node, all different: its label where it has one.

    Without one, an input is v1, v2, ..., an operation t1, t2, ..., and the last of them L.

    Args:
        inputs: the leaves.
        order: the operations; the last node is the result.
    """
    labels = [_readable(node.label) for node in (*inputs, *order)]
    taken = set(labels)
    names: list[str] = []
    for place, label in enumerate(labels):
        if label and label not in names:
            names.append(label)
        elif not label and place == len(labels) - 1 and "L" not in taken:
            names.append("L")
        else:
            stem, first = (f"{label}#", 2) if label else ("v", place + 1)
            if not label and place >= len(inputs):
                stem, first = "t", place + 1 - len(inputs)
            names.append(_free(stem, first, taken))
        taken.add(names[-1])
    return names


def _free(stem: str, number: int, taken: set[str]) -> str:
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


def _readable(label: str) -> str:
    """A label in one line of what can be written, quoted where it would be taken for a formula."""
    text = "".join(one if _is_writable(one) else "�" for one in " ".join(label.split()))
    if len(text) > LONGEST_NAME:
        text = text[: LONGEST_NAME - 1] + "…"
    return text if re.fullmatch(r"[\w.\[\]#'…]*", text) else f"“{text}”"


def _is_writable(one: str) -> bool:
    """Whether a character is more than a command, and would not turn the direction of what follows it."""
    return (
        unicodedata.category(one) not in ("Cc", "Cs", "Co") and unicodedata.bidirectional(one) not in _TURNING
    )


_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


# Formulas. Operands stand in them as private characters, so that no label can be taken for a part of
# the formula; `formula` writes it, and what it wrote is taken apart again.


class Reference(NamedTuple):
    """A place in a formula where the name of a node goes, or its number.

    Attributes:
        place: 0 for the operation itself, 1 for its first operand, and so on.
        tight: whether a negative number must be enclosed here.
    """

    place: int
    tight: bool


class Formula(NamedTuple):
    """A formula in pieces.

    Attributes:
        pieces: text, and references to the operation and its operands.
        loose: whether it must be enclosed as a factor.
    """

    pieces: tuple[str | Reference, ...]
    loose: bool

    def text(self, named: Callable[[int], str]) -> str:
        """The formula with each reference written as ``named`` has it.

        >>> Formula(("2·", Reference(1, True)), False).text(lambda place: "−3")
        '2·(−3)'
        """
        written = []
        for piece in self.pieces:
            if isinstance(piece, str):
                written.append(piece)
            else:
                name = named(piece.place)
                written.append(f"({name})" if piece.tight and _TO_ENCLOSE.fullmatch(name) else name)
        return "".join(written)


_TO_ENCLOSE = re.compile(r"−.*|.*e[−+]\d+")  # a negative number, or one with an exponent; no name reads so


def operation_formula(node: Value) -> Formula:
    """An operation as an expression of its operands.

    Raises:
        ValueError: an operand's number has been changed since the operation was computed.
    """
    stand_ins = _stand_ins(node)
    again = Context().run(operation(node), *stand_ins[1:])
    if not alike(number(again), number(node)):
        text = _taken_apart(formula(again)).text(lambda place: rounded(number(stand_ins[place])))
        raise ValueError(
            f"{text} is {number(again)}, but {number(node)} when the graph was recorded: a Value's data was "
            "changed since (by an optimizer's step, say). Compute the result again, then explain it"
        )
    return _taken_apart(formula(again))


def partial_formulas(node: Value) -> list[Formula | None]:
    """An operation's partial derivatives, in the textbook's form where the table has one.

    Returns:
        One an operand; None where there is nothing to read: by a constant, where the derivative is zero
        everywhere, and where a user's rule computes on floats only.
    """
    primitive = operation(node)
    y, *inputs = _stand_ins(node)
    wanted = tuple(isinstance(one, Value) for one in inputs)

    def write() -> list[Formula | None]:
        if primitive.textbook is None:
            partials = primitive.partials_at(y, tuple(inputs), wanted)
        else:
            partials = [
                (rule(y, *inputs) if callable(rule) else rule) if want else None
                for rule, want in zip(primitive.textbook, wanted)
            ]
        return [None if one is None else _written(one) for one in partials]

    try:
        return Context().run(write)
    except Exception:  # a user's rule may do on Values whatever it likes; its numbers stand all the same
        return [None] * len(inputs)


def textbook_at(node: Value, place: int) -> float | None:
    """What the textbook's form of a partial gives in floats; None where the table has none."""
    textbook = operation(node).textbook
    rule = textbook[place] if textbook else None
    if not callable(rule):
        return None
    return float(evaluate(rule, *numbers((node, *operands(node)))))


def _stand_ins(node: Value) -> list[Any]:
    """For the operation and its operands Values of the same numbers, with labels of one private character.

    Of the same numbers, so that a rule with a Python ``if`` takes the branch that it takes for them.
    """
    return [
        one if is_constant(one) else Value(number(one), chr(_FIRST + place))
        for place, one in enumerate((node, *operands(node)))
    ]


_FIRST = 0xE000  # of Unicode's private use area


def _written(partial: Any) -> Formula:
    if isinstance(partial, Value):
        return _taken_apart(re.sub(r"\*\*1(?![\d.e])", "", formula(partial)))  # b*a**(b - 1) where b is 2
    return Formula((rounded(float(partial)),), partial < 0)


def sign(operation: Value) -> str:
    """The operator, as in print, or the name of an operation."""
    return _SIGNS.get(operation._op, operation._op)


_PIECE = re.compile(
    r"(?P<operand>[\ue000-\uf8ff])"
    r"|\*\*(?P<exponent>[1-9])(?![\d.e])"
    r"|(?P<number>(?:(?<=[*/])-)?\d+\.\d+(?:e[-+]\d+)?|(?<=[*/])-\d+)"
    r"|(?P<sign>\*\*|\*|-|<=|==)"
)
_EXPONENTS = ("", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹")
_SIGNS = {"**": "^", "*": "·", "-": "−", "<=": "≤", "==": "="}


def _taken_apart(text: str) -> Formula:
    """A formula of private characters in pieces, with the signs that are used in print."""
    pieces: list[str | Reference] = [""]

    def put(piece: str | Reference) -> None:
        if isinstance(piece, str) and isinstance(pieces[-1], str):
            pieces[-1] += piece
        else:
            pieces.append(piece)

    end = 0
    for found in _PIECE.finditer(text):
        put(text[end : found.start()])
        end = found.end()
        if found["operand"]:
            first = text[: found.start()].rstrip()[-1:] in ("", "(", ",")
            put(Reference(ord(found["operand"]) - _FIRST, not first or text.startswith("**", end)))
        elif found["exponent"]:
            put(_EXPONENTS[int(found["exponent"])])
        elif found["number"]:
            number = rounded(float(found["number"]))
            put(f"({number})" if number[0] == "−" else number)
        else:
            put(_SIGNS[found["sign"]])
    put(text[end:])
    return Formula(tuple(piece for piece in pieces if piece != ""), _is_loose(text))


def _is_loose(text: str) -> bool:
    """Whether a sign, or an operator with spaces about it, stands outside all parentheses."""
    depth = 0
    for one in text:
        depth += (one == "(") - (one == ")")
        if depth == 0 and one == " ":
            return True
    return text.startswith("-")
