"""The sketch of the graph that Values were computed by."""

from __future__ import annotations

from typing import Any

from autograd.drawing.sketch import Look, Sketch, SketchNode, constant, extremes_of, size_of
from autograd.graph.nodes import gradients, is_constant, is_leaf, number, operands
from autograd.graph.scopes import scopes_of
from autograd.graph.value import Value
from autograd.graph.walks import applications, leaves_among
from autograd.primitives.operation import Projection

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
    applied = applications(*roots)
    parts_of_all = [parts for _, parts, _ in applied]
    used = {part for parts in parts_of_all for part in parts} | set(roots)
    ends = [*leaves_among(parts_of_all), *(root for root in roots if is_leaf(root))]
    inputs = dict.fromkeys([leaf for leaf in ends if not is_constant(leaf)])
    nodes = [_filled(SketchNode(Look.INPUT), leaf) for leaf in inputs]
    places: dict[Any, int] = {leaf: place for place, leaf in enumerate(inputs)}
    for applied_operation, parts, results in applied:
        below = []
        for part in parts:
            below.append(len(nodes) if is_constant(part) else places[part])
            if is_constant(part):
                nodes.append(constant(number(part)))
        node = SketchNode(Look.RESULT, tuple(below), applied_operation, tooltip=applied_operation.name)
        if len(results) > 1:
            nodes.append(node._replace(scopes=scopes_of(results[0])))
            node = node._replace(operands=(len(nodes) - 1,), primitive=None)
        elif isinstance(applied_operation, Projection):  # a copy of one of several results
            node = node._replace(primitive=None, tooltip="")
        for i, result in enumerate(results, start=1):
            if result in used:
                places[result] = len(nodes)
                nodes.append(_filled(node, result)._replace(result=i if len(results) > 1 else 0))
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


def _filled(node: SketchNode, value: Value) -> SketchNode:
    """A node with what a value says of itself."""
    data = number(value)
    label = (str(value.label),) if value.label else ()
    return node._replace(
        lines=label + size_of(data),
        data=extremes_of(data),
        grad=extremes_of(gradients([value])[0]),
        scopes=scopes_of(value),
    )
