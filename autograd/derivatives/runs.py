"""One call of a function on Values of its own, which the transforms sweep over."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.derivatives import sweeps
from autograd.derivatives.replacing import with_values_replaced
from autograd.graph import context
from autograd.graph.context import beginning, current, differentiating
from autograd.graph.models.reached import values_within
from autograd.graph.nodes import (
    is_array,
    is_constant,
    is_leaf,
    is_node,
    kinds,
    made_since,
    number,
    operands,
)
from autograd.graph.refusals import explain
from autograd.graph.trees import Structure, arranged, array_of, flatten
from autograd.graph.value import Value
from autograd.graph.walks import Application, applications, leaves_among

__all__ = ["Argnums", "Run", "argument_places", "present"]

Argnums = int | Sequence[int]


class Run:
    """One call of a function on Values of its own, ready to be swept over."""

    def __init__(
        self,
        f: Callable[..., Any],
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: Argnums,
        *,
        whole: str = "eager",
    ) -> None:
        self.single = isinstance(argnums, int)
        places = argument_places(argnums, len(args))
        called = list(args)
        self.structures: list[Structure] = []
        self.inputs: list[Value] = []
        self._began = beginning()
        self._made: frozenset[Value] = frozenset()  # told by name, for copies
        for place in places:
            scalars, structure = flatten(
                args[place], f"argument {place}, to differentiate by,", integers=False, whole=whole
            )
            own = [_own(scalar) for scalar in scalars]
            called[place] = structure.unflatten(own)
            self.structures.append(structure)
            self.inputs += own
        with differentiating(self.inputs):
            try:
                self.result = f(*called, **kwargs)
            except (TypeError, IndexError) as error:
                explain(error)
                raise
        self._passed_in = {node for node in self.inputs if not is_leaf(node)}
        self._settled: set[Value] = set()  # known to depend on nothing from outside
        self._other_arguments = [*(arg for i, arg in enumerate(args) if i not in places), kwargs]

    def reverse(self, outputs: Sequence[Any], seeds: Sequence[Sequence[Any]]) -> list[list[Any]]:
        """One reverse sweep for each list of seeds, one seed an output."""
        applied, lift = self._applied(outputs, seeds)
        swept = [
            sweeps.reverse(
                applied,
                [(output, seed) for output, seed in zip(outputs, row) if is_node(output)],
                self.inputs,
                lift=lift,
            )
            for row in seeds
        ]
        return [self.settle(row) for row in swept] if lift else swept

    def forward(self, outputs: Sequence[Any], seeds: Sequence[Sequence[Any]]) -> list[list[Any]]:
        """One forward sweep for each list of seeds, one seed an input; a seed 0 has no part in it."""
        applied, lift = self._applied(outputs, seeds)
        swept = [
            sweeps.forward(
                applied,
                [
                    (node, seed)
                    for node, seed in zip(self.inputs, row)
                    if type(seed) is not float or seed != 0.0
                ],
                outputs,
                lift=lift,
            )
            for row in seeds
        ]
        return [self.settle(row) for row in swept] if lift else swept

    def _applied(
        self, outputs: Sequence[Any], seeds: Sequence[Sequence[Any]]
    ) -> tuple[list[Application], bool]:
        """What computes the outputs, and whether their derivative may depend on a Value from outside."""
        values = _values(outputs)
        applied = applications(*values, stop=self.inputs)
        leaves = [*_leaves(applied), *filter(is_leaf, values)]
        outside = {leaf for leaf in leaves if self._is_outside(leaf)}.difference(self.inputs)
        if outside:
            told = current().reached
            if told is not None:
                told |= outside
            self._refuse_replaced(values, outside)
        elif not self._passed_in:
            self._settled.update(values)
        seeded = any(is_node(seed) for row in seeds for seed in row)
        return applied, bool(outside or self._passed_in or seeded)

    def _refuse_replaced(self, outputs: list[Value], outside: set[Value]) -> None:
        """Refuse a result that depends, beside an argument, on the very leaf that was passed as it.

        A node to differentiate by stands for that leaf, here or in a transform around this one, and the
        derivative would leave out what the leaf itself contributes. Where the leaf is what another
        transform differentiates by or traces, it is a variable of its own; and where it is passed as
        another argument too, the partial derivative is what was asked for.
        """
        around = current().variables.union(self.inputs)
        variables = context.variables.union(self.inputs)
        replaced = {operands(node)[0] for node in around if not is_leaf(node)} & outside - variables
        if replaced:  # perhaps by way of a variable, which stands for the leaf as it should
            replaced &= _reached(applications(*outputs, stop=variables), outputs)
        if not replaced or replaced <= values_within(self._other_arguments):
            return
        names = sorted({repr(leaf.label) for leaf in replaced if leaf.label})
        shown = f" ({', '.join(names[:3])})" if names else ""
        raise ValueError(
            f"{len(replaced)} of the Values that were passed as the argument{shown} are also reached through "
            "the closure of the function, and the derivative would leave that part out: let the function "
            "use its argument alone, as in grad(lambda model: loss(model, x))(model), or call backward() on "
            "the result"
        )

    def settle(self, results: Sequence[Any]) -> list[Any]:
        """Turn each result that depends on nothing from outside into a float.

        In a trace that is left to the program's simplification, which finds constants by itself.
        """
        if self._passed_in and current().tracing:
            return list(results)
        nodes = _values(results)
        if self._settled.issuperset(nodes):
            return [number(result) if is_node(result) else result for result in results]
        applied = applications(*_values(results), stop=self.inputs)
        nodes = [*self.inputs, *_leaves(applied), *_values(results)]
        kept = sweeps.dependent_on([node for node in nodes if self._is_outside(node)], applied)
        return [number(result) if is_node(result) and result not in kept else result for result in results]

    def _is_outside(self, node: Value) -> bool:
        """Whether it is an argument that came as a Value, or a leaf that the call did not make."""
        if not is_leaf(node):
            return node in self._passed_in
        return not made_since(node, self._began) and node not in self._made and not is_constant(node)

    def remember_leaves(self, outputs: Sequence[Any]) -> None:
        """Let copies of the call know which of the leaves below its outputs it made: copies do not tell."""
        values = _values(outputs)
        leaves = _reached(applications(*values, stop=self.inputs), values)
        self._made = frozenset(leaf for leaf in leaves if not self._is_outside(leaf))

    def settle_tree(self, tree: Any) -> Any:
        """The same for the Values in any structure, of which all else is left as it is."""
        return with_values_replaced(tree, lambda values: list(map(_shaped, self.settle(values), values)))

    def arrange_block(self, rows: Sequence[Sequence[Any]], shape: tuple[int, ...]) -> Any:
        """The derivatives of an array of results, one row each: arrays of the two shapes in one."""
        blocks = []
        at = 0
        for structure in self.structures:
            parts = []
            for inner in structure.shapes:
                width = 1 if inner is None else math.prod(inner)
                entries = [entry for row in rows for entry in row[at : at + width]]
                parts.append(array_of(entries, shape + (inner or ())))
                at += width
            blocks.append(structure.nest(parts))
        return blocks[0] if self.single else tuple(blocks)

    def arrange(self, derivatives: Sequence[Any]) -> Any:
        """One derivative an input, in the arguments' structure."""
        trees = arranged(self.structures, present(derivatives, self.inputs))
        return trees[0] if self.single else tuple(trees)


def _own(scalar: Any) -> Any:
    """A node to differentiate by; of one that is passed in another, from which the way back stays open."""
    if isinstance(scalar, Value):
        return scalar * 1.0
    if type(scalar) is float:
        return Value(scalar)
    return kinds[np.ndarray](scalar) if isinstance(scalar, np.ndarray) else scalar.again()


def present(derivatives: Sequence[Any], by: Sequence[Any]) -> list[Any]:
    """Derivatives by nodes, or of them; where there is none by an array, zeros."""
    return [
        node.zeros() if type(derivative) is float and is_node(node) and is_array(node) else derivative
        for derivative, node in zip(derivatives, by)
    ]


def _shaped(number: Any, node: Any) -> Any:
    """The number of a node; of an array's in its shape."""
    return number.reshape(node._dims) if isinstance(number, np.ndarray) else number


def argument_places(argnums: Argnums, count: int) -> list[int]:
    """The arguments that ``argnums`` names, counted from 0.

    Raises:
        TypeError: it names none of a call with so many arguments.
        ValueError: it names one twice.
    """
    places = [argnums] if isinstance(argnums, int) else list(argnums)
    for place in places:
        if not isinstance(place, int) or not -count <= place < count:
            raise TypeError(
                f"argnums {argnums!r} names no argument of a call with {count} positional arguments"
            )
    chosen = [place % count for place in places]
    if len(set(chosen)) < len(chosen):
        raise ValueError(
            f"argnums {argnums!r} names an argument twice in a call with {count} positional arguments: name "
            "each once, and use its derivative twice"
        )
    return chosen


def _leaves(applied: Sequence[Application]) -> list[Value]:
    return leaves_among(parts for _, parts, _ in applied)


def _reached(applied: Sequence[Application], outputs: Sequence[Value]) -> set[Value]:
    """The leaves that outputs depend on, or are; constants aside."""
    reached = {*_leaves(applied), *filter(is_leaf, outputs)}
    return {leaf for leaf in reached if not is_constant(leaf)}


def _values(results: Sequence[Any]) -> list[Value]:
    return [result for result in results if is_node(result)]
