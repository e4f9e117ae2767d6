"""`while_loop`: a loop that ends by a condition, run and differentiated as one operation."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any

from autograd.graph import context
from autograd.graph.nodes import is_constant, numbers
from autograd.graph.trees import Structure, flatten
from autograd.primitives.ieee import described
from autograd.programs.control.cond import with_captured
from autograd.programs.control.repeating import While
from autograd.programs.tracing import record_step
from autograd.support.user_line import user_line

__all__ = ["while_loop"]


def while_loop(
    cond: Callable[[Any], Any], body: Callable[[Any], Any], carry: Any, max_steps: int | None = None
) -> Any:
    """Run ``carry = body(carry)`` as long as ``cond(carry)`` holds, as Python's ``while`` does.

    Both functions are traced, and the loop is one operation, wherever it stands: with Values, in a function
    that is traced, in other loops. So are its derivatives, of any order. In reverse mode each step's carry
    is kept, in memory that grows with the steps. In a batch (`vmap`) each sample takes the steps that it
    takes alone; the engine llvm compiles the batch as a whole where no sample takes more than 10,000 steps,
    and otherwise, as the other engines do, runs one sample after the other. The derivative is that of the
    steps taken: that their number depends on the carry too is not seen, as with Python's ``while``.

    A loop that does not end is ended by Ctrl-C, or by ``max_steps``.

    Args:
        cond: a function of the carry that returns a number; 0 is false, all else is true (nan too).
        body: a function of the carry that returns the next one, of the same structure.
        carry: the first carry: numbers in any structure.
        max_steps: the most steps that it may take; None for any number.

    Returns:
        The last carry.

    Raises:
        RuntimeError: the condition still holds after ``max_steps`` steps; names the carry.
        TypeError: ``cond`` returns no number, ``body`` a carry of another structure, one of them is no
            function, or ``max_steps`` is no whole number.
        ValueError: ``max_steps`` is negative.

    >>> from autograd import grad, jit
    >>> def root(a):  # Heron's way
    ...     return while_loop(lambda x: abs(x * x - a) > 1e-12 * a, lambda x: (x + a / x) / 2, a)
    >>> round(root(2.0), 12), round(grad(root)(2.0), 12), round(jit(grad(grad(root)))(4.0), 12)
    (1.414213562373, 0.353553390593, -0.03125)
    """
    for function, name in ((cond, "cond"), (body, "body")):
        if not callable(function):
            raise TypeError(
                f"{name} must be a function of the carry, got {described(function)}, at {user_line()}"
            )
    limit = math.inf if max_steps is None else _whole(max_steps)
    start, carried = flatten(carry, "the carry")
    example = carried.unflatten(numbers(start))
    condition = record_step(update_wrapper(partial(_holds, cond), cond), example)
    step = record_step(update_wrapper(partial(_next, body, carried), body), example)
    captured = list(dict.fromkeys([*condition[3], *step[3]]))
    loop = While(with_captured(condition, captured), with_captured(step, captured), len(start))
    is_plain = not (context.active and context.current().tracing) and all(map(is_constant, captured))
    shared = numbers(captured) if is_plain else captured
    last = loop(limit, *start, *shared)
    return carried.unflatten([last] if loop.result_count == 1 else list(last))


def _whole(max_steps: Any) -> float:
    try:
        steps = operator.index(max_steps)
    except TypeError:
        raise TypeError(f"max_steps must be a whole number or None, got {described(max_steps)}") from None
    if steps < 0:
        raise ValueError(f"max_steps must be at least 0, got {steps}")
    return float(steps)


def _holds(cond: Callable[[Any], Any], carry: Any) -> Any:
    holds = cond(carry)
    _, structure = flatten(holds, "what cond returns")
    if not structure.is_scalar:
        raise TypeError(
            f"cond must return one number, which is 0 where the loop ends, got {structure}, at {user_line()}"
        )
    return holds


def _next(body: Callable[[Any], Any], carried: Structure, carry: Any) -> Any:
    carry = body(carry)
    _, structure = flatten(carry, "the carry that the body returns")
    if structure != carried:
        raise TypeError(f"the body must return a carry of the structure {carried}, got {structure}")
    return carry
