"""Choices and loops that end by a condition, as they stand in a program's file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd.primitives.operation import Operation
from autograd.programs.code import Code
from autograd.programs.control.branching import Cond
from autograd.programs.control.repeating import While
from autograd.support.foreign_files import unexpected

__all__ = ["control_of", "entry_of"]


def entry_of(operation: Operation, body: Callable[[Code], Any]) -> dict[str, Any] | None:
    """A choice, or such a loop, as JSON has it; None for another operation.

    Args:
        operation: any operation.
        body: writes code down.
    """
    if isinstance(operation, While):
        return {"while": [*map(body, operation.bodies)], "carries": operation.carries}
    return {"cond": [*map(body, operation.bodies)]} if isinstance(operation, Cond) else None


def control_of(node: dict[str, Any], place: str, body: Callable[[Any, str], Code]) -> Operation | None:
    """The choice, or such a loop, that JSON describes; None where it describes something else.

    Args:
        node: the JSON.
        place: where in the file it stands.
        body: reads code.

    Raises:
        ForeignFileError: it is no whole one; names the place in it.
    """
    if "while" in node:
        return _while_of(node, place, body)
    if "cond" not in node:
        return None
    branches = node["cond"]
    if len(node) == 1 and type(branches) is list and len(branches) > 1:
        bodies = [body(branch, f"{place}.cond[{i}]") for i, branch in enumerate(branches)]
        if not any(map(bodies[0].is_unlike, bodies)):
            return Cond(bodies)
    raise unexpected(place, "cond alone: two or more branches with inputs and outputs alike", node)


def _while_of(node: dict[str, Any], place: str, body: Callable[[Any, str], Code]) -> While:
    codes, carries = node["while"], node.get("carries")
    if node.keys() == {"while", "carries"} and type(codes) is list and len(codes) == 2:
        condition, step = [body(code, f"{place}.while[{i}]") for i, code in enumerate(codes)]
        alike = (condition.inputs, condition.arrays, 1) == (step.inputs, step.arrays, len(condition.outputs))
        most = min(len(step.inputs), len(step.outputs))
        if type(carries) is int and 0 <= carries <= most and alike:
            return While(condition, step, carries)
    expected = "while and carries alone: a condition and a step of the same inputs, and how many are carried"
    raise unexpected(place, expected, node)
