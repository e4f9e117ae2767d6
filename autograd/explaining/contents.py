"""What there is to tell of a graph: its nodes by name, its formulas, the steps of the backward pass."""

from __future__ import annotations

import re

from autograd.explaining.backward_pass import Step, backward_steps
from autograd.explaining.words import (
    Formula,
    alike,
    name_all,
    operation_formula,
    partial_formulas,
    rounded,
    textbook_at,
)
from autograd.graph.value import Value
from autograd.graph.walks import is_constant, is_leaf, leaves, number, operands, topological_order

__all__ = ["Account"]


class Account:
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
        ValueError: the graph's numbers are no longer those that it was computed with.

    >>> x = Value(3.0, "x")
    >>> account = Account(x * x)
    >>> account.equation(1), account.gradients
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
            [self.place[one] for one in operands(node) if not is_constant(one)] for node in self.nodes
        ]
        self.backward, gradients = backward_steps(result, self.order)
        self.gradients = [gradients.get(node, 0.0) for node in self.nodes]

    def listing(self) -> list[int]:
        """The leaves by name, w2 before w10."""
        return sorted(range(len(self.inputs)), key=lambda node: _natural(self.names[node]))

    def referred(self, node: int, place: int) -> int:
        """The node that a reference in an operation's formulas stands for."""
        one = self.nodes[node]
        return self.place[(one, *operands(one))[place]]

    def in_names(self, node: int, formula: Formula) -> str:
        """An operation's formula in symbols."""
        return formula.text(lambda place: self.names[self.referred(node, place)])

    def in_numbers(self, node: int, formula: Formula) -> str:
        """An operation's formula in numbers, rounded for reading."""
        return formula.text(lambda place: rounded(number(self.nodes[self.referred(node, place)])))

    def equation(self, node: int) -> str:
        """``t7 = tanh(t6)``; of a leaf its name."""
        formula = self.formulas[node]
        return self.names[node] + (f" = {self.in_names(node, formula)}" if formula else "")

    def remark(self, step: Step, place: int) -> str:
        """Where the textbook's form, which is shown, gives another number than the rule: why. Or ""."""
        partial = step.shares[place].partial
        shown = None if partial is None else textbook_at(step.node, place)
        if partial is None or shown is None or alike(shown, partial, 1e-6):
            return ""
        return f"In floats this form gives {rounded(shown)}; the engine computes an accurate one."


def _natural(name: str) -> list[int | str]:
    """A key that sorts numbers within names by their size: text and numbers in turn."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"(\d+)", name))]
