"""`cond` and `switch`: a choice between functions, of which the one chosen is run and differentiated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.graph import context
from autograd.graph.nodes import is_array, number
from autograd.graph.refusals import is_in_trace
from autograd.graph.trees import flatten
from autograd.graph.value import Value
from autograd.primitives import table
from autograd.primitives.ieee import constant, described
from autograd.programs.code import Code, distinct
from autograd.programs.control.branch_rules import place_of
from autograd.programs.control.branching import Cond
from autograd.programs.simplification import Builder
from autograd.programs.tracing import Recording, record_step
from autograd.support.user_line import user_line

__all__ = ["cond", "switch", "with_captured"]


def cond(pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any) -> Any:
    """Call one of two functions, as ``true_fun(*operands) if pred else false_fun(*operands)`` does.

    Where a function is being traced (by `jit`, `vmap`, `scan`, `trace`, ...) and ``pred`` is found in it,
    both functions are traced, and the choice is recorded as one operation, of which each run computes the
    branch that is chosen alone, forward and backward. So are its derivatives. In a batch each sample has the
    branch of its own; what a sample's branch does not use receives exactly 0, as with `where`. Everywhere
    else the function that is chosen is called, and nothing is done with the other. A `Value` decides by its
    number, also while its gradient is taken: the derivative is that of the branch chosen.

    Args:
        pred: a bool, a number or a Value; 0 is false, all else is true (nan too).
        true_fun, false_fun: functions of the operands that return numbers in one and the same structure.
            What they close over they may use too.
        operands: numbers in any structure.

    Returns:
        What the function returns that is chosen.

    Raises:
        TypeError: ``pred`` is no number, one of the functions cannot be called, or (in a trace) they return
            different structures.

    >>> from autograd import grad, jit, log
    >>> def f(x):
    ...     return cond(x > 1.0, lambda x: 1.0 + log(x), lambda x: x * x, x)
    >>> f(0.5), grad(f)(0.5), jit(grad(f), "python")(4.0)
    (0.25, 1.0, 0.25)
    """
    table.refuse_inverted(pred, "pred")
    _checked_number(pred, "pred")
    functions = {"true_fun": true_fun, "false_fun": false_fun}
    for name, function in functions.items():
        _checked_callable(function, name)
    if _decides(pred):
        holds = number(pred) if isinstance(pred, Value) else pred
        return true_fun(*operands) if holds else false_fun(*operands)
    return _recorded("cond", table.where(pred, 1.0, 0.0), functions, operands, reverse=True)


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """Call one of several functions, as ``branches[index](*operands)`` does.

    It is recorded, run and differentiated as `cond` is. As in JAX, an index that is too small means the
    first function, one that is too large the last. An index in a trace is a float like all numbers there,
    and rounded down; nan means the first.

    Args:
        index: a whole number, or a Value.
        branches: functions of the operands that return numbers in one and the same structure.
        operands: numbers in any structure.

    Returns:
        What the function returns that is chosen.

    Raises:
        TypeError: the index is no whole number, a branch cannot be called, or (in a trace) they return
            different structures.
        ValueError: there are no branches.

    >>> pieces = [lambda x: -x, lambda x: 0.0 * x, lambda x: x * x]
    >>> switch(2, pieces, 3.0), switch(7, pieces, 3.0), switch(-1, pieces, 3.0)
    (9.0, 9.0, -3.0)
    """
    _checked_number(index, "index")
    branches = list(branches)
    if not branches:
        raise ValueError("switch needs at least one branch, got none")
    functions = {f"branches[{place}]": branch for place, branch in enumerate(branches)}
    for name, function in functions.items():
        _checked_callable(function, name)
    if len(branches) == 1:
        return branches[0](*operands)
    if _decides(index):
        data = number(index) if isinstance(index, Value) else float(index)
        if not data.is_integer():
            raise TypeError(f"index must be a whole number, got {described(index)}, at {user_line()}")
        return branches[place_of(data, len(branches))](*operands)
    return _recorded("switch", index, functions, operands)


def _decides(decision: Any) -> bool:
    """Whether a number tells the way here and now: it does not stand for that of a later run."""
    return not (isinstance(decision, Value) and context.active and is_in_trace(decision))


def _recorded(
    what: str,
    index: Any,
    functions: dict[str, Callable[..., Any]],
    operands: tuple[Any, ...],
    *,
    reverse: bool = False,
) -> Any:
    """The choice as one operation on what is being traced; the first function may be the last branch."""
    scalars, _ = flatten(operands, f"an operand of {what}", whole="nodes")
    recordings = {name: record_step(function, *operands) for name, function in functions.items()}
    (first, (_, _, structure, _)), *others = recordings.items()
    for name, (_, _, other, _) in others:
        if other != structure:
            raise TypeError(
                f"the functions of {what} must return the same structure: {first} returns {structure} and "
                f"{name} returns {other}, at {user_line()}\nReturn numbers and arrays of one arrangement "
                "from each, 0.0 where one of them has nothing to say"
            )
    captured = list(dict.fromkeys([node for *_, nodes in recordings.values() for node in nodes]))
    branches = [with_captured(recording, captured) for recording in recordings.values()]
    choice = Cond(branches[::-1] if reverse else branches)
    trimmed, taken, _ = choice.pruned([True] * choice.result_count)
    everything = [index, *scalars, *captured]
    results = trimmed(*[everything[place] for place in taken])
    return structure.unflatten([results] if choice.result_count == 1 else list(results))


def with_captured(recording: Recording, captured: Sequence[Any]) -> Code:
    """A branch's code, whose inputs are the operands and what any branch closes over."""
    code, _, _, own = recording
    width = len(code.inputs) - len(own)
    names = distinct([*code.inputs[:width], *[node.label or f"c{i}" for i, node in enumerate(captured, 1)]])
    builder = Builder()
    inputs = [builder.input(place in code.arrays) for place in range(width)]
    others = {node: builder.input(is_array(node)) for node in captured}
    slots = builder.replay(code, [*inputs, *[others[node] for node in own]])
    return builder.finish(code.name, names, [slots[output] for output in code.outputs])


def _checked_number(decision: Any, name: str) -> None:
    if isinstance(decision, Value) or constant(decision) is not NotImplemented:
        return
    advice = ""
    if np.ndim(decision):
        advice = (
            ": it decides for all of them at once. Write where(pred, a, b) to choose element by element, or "
            "vmap a function of one sample"
        )
    raise TypeError(
        f"{name} must be a bool, a number or a Value, got {described(decision)}, at {user_line()}{advice}"
    )


def _checked_callable(function: Any, name: str) -> None:
    if not callable(function):
        raise TypeError(
            f"{name} must be a function of the operands, got {described(function)}, at {user_line()}\n"
            f"Where it is the result itself, write lambda *_: the result, or where(pred, a, b)"
        )
