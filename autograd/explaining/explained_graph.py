"""What there is to tell of a graph: its nodes by name, its formulas, the steps of the backward pass."""

from __future__ import annotations

import re

from autograd.explaining.backward_pass import backward_steps
from autograd.explaining.node_names import name_all
from autograd.explaining.operation_formulas import operation_formula, partial_formulas
from autograd.graph.nodes import is_leaf, operands
from autograd.graph.value import Value
from autograd.graph.walks import leaves, topological_order
from autograd.programs.formulas import Formula

__all__ = ["ExplainedGraph"]


class ExplainedGraph:
    """A result and the graph that it was computed by, as they are explained.

    Attributes:
        inputs: the leaves, in the order of first use.
        order: the operations, in the order of execution.
        nodes: both; elsewhere a node is its position here.
        place: of each node its position.
        names: of each node.
        formulas: of each node the operation, None for a leaf.
        partials: of each node the derivatives by its operands, as `partial_formulas` gives them.
        uses: of each node the operands that are nodes, in order.
        backward: the steps of the backward pass.
        gradients: of each node, at the end.

    Raises:
        ValueError: a number in the graph was changed after the graph was computed.

    >>> x = Value(3.0, "x")
    >>> graph = ExplainedGraph(x * x)
    >>> graph.equation(1), graph.gradients
    ('L = x·x', [6.0, 1.0])
    """

    def __init__(self, result: Value) -> None:
        self.order = topological_order(result)
        self.inputs = leaves(self.order) or [result]
        self.nodes = [*self.inputs, *self.order]
        self.place = {node: i for i, node in enumerate(self.nodes)}
        self.names = name_all(self.inputs, self.order)
        self.formulas = [None if is_leaf(node) else operation_formula(node) for node in self.nodes]
        self.partials = [[] if is_leaf(node) else partial_formulas(node) for node in self.nodes]
        self.uses = [
            [self.place[operand] for operand in operands(node) if isinstance(operand, Value)]
            for node in self.nodes
        ]
        self.backward, gradients = backward_steps(result, self.order)
        self.gradients = [gradients.get(node, 0.0) for node in self.nodes]

    def listing(self) -> list[int]:
        """The leaves by name, w2 before w10."""
        return sorted(range(len(self.inputs)), key=lambda node: _natural(self.names[node]))

    def way_from(self, start: int) -> set[int]:
        """A node and all that depend on it: what is on the way from it to the result."""
        way = {start}
        for node, uses in enumerate(self.uses):
            if not way.isdisjoint(uses):
                way.add(node)
        return way

    def in_names(self, formula: Formula) -> str:
        """A formula in symbols."""
        return formula.text(lambda node: self.names[self.place[node]])

    def equation(self, node: int) -> str:
        """``t7 = tanh(t6)``; of a leaf its name."""
        formula = self.formulas[node]
        return self.names[node] + (f" = {self.in_names(formula)}" if formula else "")


def _natural(name: str) -> list[int | str]:
    """A key that sorts numbers within names by their size: text and numbers in turn."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"(\d+)", name))]
