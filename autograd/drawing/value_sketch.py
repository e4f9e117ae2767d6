"""The sketch of the graph that Values were computed by."""

from __future__ import annotations

from typing import Any

from autograd.drawing.sketch import Look, Sketch, SketchNode, extremes_of
from autograd.graph.nodes import gradients, is_constant, is_leaf, number, operands, operation
from autograd.graph.scopes import scopes_of
from autograd.graph.value import Value
from autograd.graph.walks import leaves, topological_order

__all__ = ["has_more_than", "sketch_of_values"]


def sketch_of_values(roots: tuple[Any, ...]) -> Sketch:
    """All that Values were computed by, each with its label, data and gradient.

    Args:
        roots: the results.

    Raises:
        TypeError: a root is no Value.
    """
    for root in roots:
        if not isinstance(root, Value):
            raise TypeError(
                f"draw takes Values, each as an argument of its own, or one Program, got "
                f"{type(root).__name__}: a graph is recorded where a formula is computed on Values"
            )
    order = topological_order(*roots)
    ends = [*leaves(order), *(root for root in roots if is_leaf(root))]
    inputs = dict.fromkeys([leaf for leaf in ends if not is_constant(leaf)])
    nodes = [_node(Look.INPUT, leaf) for leaf in inputs]
    places: dict[Any, int] = {leaf: place for place, leaf in enumerate(inputs)}
    for value in order:
        parts = []
        for operand in operands(value):
            parts.append(len(nodes) if is_constant(operand) else places[operand])
            if is_constant(operand):
                nodes.append(SketchNode(Look.CONSTANT, data=extremes_of(number(operand))))
        places[value] = len(nodes)
        nodes.append(_node(Look.RESULT, value, tuple(parts)))
    return Sketch(nodes, [places[root] for root in dict.fromkeys(roots)])


def has_more_than(root: Value, most: int) -> bool:
    """Whether a graph has more nodes than so many; no more nodes than that are visited."""
    seen = {root}
    ahead = [root]
    while ahead and len(seen) <= most:
        parts = [part for part in operands(ahead.pop()) if not is_constant(part) and part not in seen]
        seen.update(parts)
        ahead += dict.fromkeys(parts)
    return len(seen) > most


def _node(look: Look, value: Value, parts: tuple[int, ...] = ()) -> SketchNode:
    return SketchNode(
        look,
        parts,
        operation(value),
        (str(value.label),) if value.label else (),
        extremes_of(number(value)),
        extremes_of(gradients([value])[0]),
        "" if is_leaf(value) else operation(value).name,
        scopes_of(value),
    )
