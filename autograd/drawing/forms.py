"""The form of a node: what it has in common with others of the same structure."""

from __future__ import annotations

import re
from collections.abc import Hashable

from autograd.drawing.sketch import Sketch, SketchNode
from autograd.primitives import table

__all__ = ["forms_of", "kind_of"]

_MOST_TERMS = 32  # kinds of terms of a sum, up to which it does not matter how many there are of each


def forms_of(sketch: Sketch) -> list[int]:
    """A number for the form of each node: equal where operations and operands' forms are.

    All inputs have one form, and so have all constants. Two sums (or maxima, or minima) of the same kinds of
    terms have the same form, whatever the number and order of the terms.

    Args:
        sketch: a sketch in which nothing is merged.
    """
    known: dict[Hashable, int] = {}
    sums: dict[int, tuple[Hashable, frozenset[int]]] = {}  # the kind and the terms of each form that is a sum
    forms: list[int] = []
    for place, node in enumerate(sketch.nodes):
        if node.primitive is None:
            form: Hashable = (place,) if node.operands else node.look  # an output that is no operation
            if node.result:
                form = node.result, forms[node.operands[0]]
            forms.append(known.setdefault(form, len(known)))
            continue
        kind = kind_of(node)
        operands = tuple([forms[operand] for operand in node.operands])
        is_sum = node.primitive is table.add or node.primitive.folded
        terms: frozenset[int] = frozenset()
        for operand in operands if is_sum else ():
            kind_below, terms_below = sums.get(operand, (None, terms))
            terms |= terms_below if kind_below == kind else {operand}
        if 0 < len(terms) <= _MOST_TERMS:
            sums[known.setdefault((kind, terms), len(known))] = kind, terms
            forms.append(known[kind, terms])
        else:
            of = frozenset(operands) if node.primitive.commutative else operands
            forms.append(known.setdefault((kind, of), len(known)))
    return forms


def kind_of(node: SketchNode) -> tuple[Hashable, Hashable]:
    """What nodes must share to be alike, apart from their operands. Scopes may have numbers."""
    return getattr(node.primitive, "of_two", node.primitive), tuple(
        [re.sub(r"\d+", "#", scope.name) for scope in node.scopes]
    )
