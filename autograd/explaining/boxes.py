"""A graph in primitives: other operations, loops for one, as boxes of which the numbers are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd.derivatives.sweeps import reverse
from autograd.graph.nodes import is_array, is_constant, number, operands
from autograd.graph.value import Value
from autograd.graph.walks import Application, applications
from autograd.primitives.operation import Operation, Projection
from autograd.primitives.primitive import Primitive

__all__ = ["boxed", "is_alike"]


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def boxed(result: Value) -> Value:
    """A result of the same graph, in which each operation is a primitive.

    A number that another operation made is one of a primitive of its own, made for it: a function of the
    numbers that it was made of, whose partial derivatives are those of one reverse sweep. Whole arrays are
    within such boxes.

    Args:
        result: what the graph was recorded for.

    Returns:
        The result itself where there is nothing to do.

    Raises:
        ValueError: a number in the graph was changed after the graph was computed.

    >>> import numpy as np
    >>> from autograd import scan
    >>> w = Value(2.0, "w")
    >>> def step(c, x):
    ...     return c * w + x, None
    >>> box = boxed(scan(step, 1.0, np.array([1.0, 3.0]))[0])
    >>> box.data, box._op, box._prev == {w}
    (9.0, 'step', True)
    """
    applied = applications(result)
    if all(isinstance(operation, Primitive) for operation, *_ in applied):
        return result
    made: dict[Any, Any] = {}
    for operation, parts, results in applied:
        for node in results:
            if is_array(node):
                continue
            if isinstance(operation, Primitive):
                made[node] = operation(*[made.get(part, part) for part in parts])
            elif isinstance(operation, Projection):  # a copy of one of several results
                made[node] = made[parts[0]]
            else:
                below = _numbers_below(node)
                of = [made.get(part, part) for part in below]
                rank = results.index(node) + 1 if sum(not is_array(each) for each in results) > 1 else 0
                made[node] = _box(node, below, rank)(*of) if of else Value(number(node))
            if not is_alike(number(made[node]), number(node)):
                raise ValueError(
                    f"{operation.name} gives {number(made[node])}, but {number(node)} when the graph was "
                    "recorded: a Value's data was changed since (by an optimizer's step, say). Compute the "
                    "result again, then explain it"
                )
            made[node].label = node.label
    return made[result]  # type: ignore[no-any-return]


def _numbers_below(node: Value) -> list[Value]:
    """The Values that a number was made of, by operations between which there are only arrays."""
    found: dict[Value, None] = {}
    seen: set[Any] = set()
    ahead = list(reversed(operands(node)))
    while ahead:
        part = ahead.pop()
        if is_constant(part) or part in seen:
            continue
        seen.add(part)
        if is_array(part):
            ahead += reversed(operands(part))
        else:
            found[part] = None
    return list(found)


def _box(node: Value, below: Sequence[Value], rank: int) -> Primitive:
    """The primitive that computes a number from those below.

    Args:
        node: the number.
        below: what it is computed from.
        rank: which of several numbers of its operation it is, counted from 1; 0 where it is the only one.
    """
    applied = applications(node, stop=below)
    slopes = reverse(applied, [(node, 1.0)], below)

    def computed(*inputs: float) -> Any:
        slots: dict[Any, Any] = dict(zip(below, inputs))
        for operation, parts, results in applied:
            at = [slots[part] if part in slots else number(part) for part in parts]
            is_copy = isinstance(operation, Projection)
            slots.update(zip(results, at if is_copy else operation.run_quietly(at)))
        return slots[node]

    name = _name(applied) + (str(rank).translate(_SUBSCRIPTS) if rank else "")
    return Primitive(name, computed, tuple(map(_only_on_floats, slopes)))


def _only_on_floats(slope: float) -> Callable[..., float]:
    """A rule that has a number and no formula."""

    def partial(*at: Any) -> float:
        if any(isinstance(part, Value) for part in at):
            raise TypeError("the derivative of a box is known as a number alone")
        return slope

    return partial


def _name(applied: Sequence[Application]) -> str:
    """What a box is called: for what was done in it last, and before that."""
    names = list(dict.fromkeys([_name_of(operation) for operation, *_ in reversed(applied)]))
    return "∘".join(names[:2]) + "∘…" * (len(names) > 2)


def _name_of(operation: Operation) -> str:
    body = operation.bodies[0].name if operation.bodies else operation.name
    return body if body.isidentifier() else operation.name


def is_alike(number: float, other: float, tolerance: float = 0.0) -> bool:
    """Whether two numbers are equal within a relative tolerance; nan is like nan."""
    return math.isclose(number, other, rel_tol=tolerance) or (math.isnan(number) and math.isnan(other))
