"""The code of derivatives: what computes the tangents, or the adjoints, of what other code computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.derivatives import sweeps
from autograd.graph.nodes import is_node, kind_of, number
from autograd.graph.walks import applications
from autograd.primitives.operation import ABSENT
from autograd.programs.code import Code
from autograd.programs.loops.joining import narrowed
from autograd.programs.loops.loop_rules import is_zero
from autograd.programs.tracing import LinesOfNodes, written

__all__ = ["DerivedCode", "adjoints", "are_present", "derived_code", "only", "shapes_of", "tangents"]

Mask = tuple[bool, ...]

# What computes derivatives: of inputs, outputs, and leaves that stand for the derivatives given, by place.
Rule = Callable[[Sequence[Any], Sequence[Any], dict[int, Any]], Sequence[Any]]


class DerivedCode(NamedTuple):
    """Code that computes derivatives.

    Attributes:
        code: the code; without outputs where all are 0 everywhere.
        operands: which inputs it takes of: those of the other code, the derivatives that are given.
        places: which derivatives it computes.
    """

    code: Code
    operands: list[int]
    places: list[int]


def derived_code(
    body: Code, rule: Rule, present: Mask, wanted: Mask, shapes: Sequence[Any], of_given: Sequence[Any]
) -> DerivedCode:
    """The code of a rule's derivatives.

    Args:
        body: the other code.
        rule: `tangents` or `adjoints`.
        present: which derivatives it gets: of inputs, or of outputs.
        wanted: which are asked for: of outputs, or of inputs.
        shapes: of each input the shape, None for a number.
        of_given: the same of what derivatives are given of.
    """
    inputs = [_leaf(shape, name) for name, shape in zip(body.inputs, shapes)]
    names = body.inputs if rule is tangents else [f"result{i}" for i in range(len(present))]
    seeds = {i: _leaf(of_given[i], f"d_{names[i]}") for i, has in enumerate(present) if has}
    places: list[int] = []

    def compute(lines: LinesOfNodes) -> list[Any]:
        slots = lines.repeated(body, inputs)
        derivatives = rule(inputs, [slots[output] for output in body.outputs], seeds)
        places.extend([i for i, want in enumerate(wanted) if want and not is_zero(derivatives[i])])
        return [derivatives[i] for i in places]

    code, _captured = written(f"{body.name}_{rule.__name__}", [*inputs, *seeds.values()], compute)
    code, operands = only(code, range(len(places)))
    return DerivedCode(code, operands, places)


def tangents(inputs: Sequence[Any], outputs: Sequence[Any], seeds: dict[int, Any]) -> Sequence[Any]:
    """Those of the outputs."""
    applied = applications(*filter(is_node, outputs), stop=inputs)
    return sweeps.forward(applied, [(inputs[i], seed) for i, seed in seeds.items()], outputs, lift=True)


def adjoints(inputs: Sequence[Any], outputs: Sequence[Any], seeds: dict[int, Any]) -> Sequence[Any]:
    """Those of the inputs."""
    pairs = [(outputs[i], seed) for i, seed in seeds.items() if is_node(outputs[i])]
    applied = applications(*[output for output, _ in pairs], stop=inputs)
    return sweeps.reverse(applied, pairs, inputs, lift=True)


def only(code: Code, outputs: Sequence[int]) -> tuple[Code, list[int]]:
    """The code of some of the outputs, by their places, and the inputs that it uses and has left."""
    left = [code.outputs[place] for place in outputs]
    used = set(left)
    for instruction in reversed(code.instructions):
        if not used.isdisjoint(instruction.results):
            used.update(instruction.operands)
    kept = [place for place in range(len(code.inputs)) if place in used]
    if len(kept) == len(code.inputs) and len(left) == len(code.outputs):
        return code, kept
    return narrowed(code, kept, left, used), kept


def are_present(derivatives: Sequence[Any]) -> Mask:
    """Which derivatives are there. One that happens to be 0 is: no other code is derived for it."""
    return tuple([derivative is not ABSENT for derivative in derivatives])


def shapes_of(operands: Sequence[Any]) -> tuple[Any, ...]:
    """The shape of each operand or result that is an array, None for a number."""
    elements = [each if isinstance(each, np.ndarray) else number(each) for each in operands]
    return tuple([each.shape if isinstance(each, np.ndarray) else None for each in elements])


def _leaf(shape: Any, label: str) -> Any:
    """A leaf that stands for an operand, or for a derivative."""
    data = 0.5 if shape is None else np.zeros(shape)
    leaf = kind_of(data)(data)
    leaf.label = label
    return leaf
