"""`fori_loop`: a loop over whole numbers, run and differentiated as a `scan` is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from autograd.graph.trees import Structure, flatten
from autograd.primitives.ieee import described
from autograd.programs.loops.reverse.revolve import Policy
from autograd.running.scan import called, check_carry, scan, whole_number

__all__ = ["fori_loop"]


def fori_loop(
    lower: int,
    upper: int,
    body: Callable[[Any, Any], Any],
    carry: Any,
    engine: str = "auto",
    *,
    checkpoint: Policy = None,
) -> Any:
    """Run ``carry = body(i, carry)`` for each whole number from ``lower`` to below ``upper``.

    It is one operation, as a `scan` is, and so are its derivatives.

    Args:
        lower: the first number.
        upper: the end, which is not reached; nothing is done where it is not above ``lower``.
        body: a function of the number, a float or a Value, and the carry; it returns the next carry, of the
            same structure.
        carry: the first carry: numbers in any structure.
        engine: as for `scan`.
        checkpoint: as for `scan`.

    Returns:
        The last carry.

    Raises:
        TypeError: a bound is no whole number, or the body is no function of two arguments, or returns a carry
            of another structure.
        ValueError: ``checkpoint`` is none of what `scan` takes.

    >>> from autograd import grad
    >>> def power_series(x):
    ...     return fori_loop(0, 20, lambda i, c: (c[0] + c[1], c[1] * x / (i + 1)), (0.0, 1.0))[0]
    >>> round(power_series(1.0), 12), round(grad(power_series)(1.0), 12)
    (2.718281828459, 2.718281828459)
    """
    if not callable(body):
        raise TypeError(f"body must be a function (i, carry) -> carry, got {described(body)}")
    bounds = [whole_number(bound, name) for bound, name in ((lower, "lower"), (upper, "upper"))]
    start, carried = flatten(carry, "the carry")
    step = functools.update_wrapper(functools.partial(_step, body, carried), body)
    steps = max(0, bounds[1] - bounds[0])
    first = float(bounds[0]), carried.unflatten(start)
    (_, last), _ = scan(step, first, None, engine, length=steps, checkpoint=checkpoint)
    return last


def _step(body: Callable[[Any, Any], Any], carried: Structure, state: Any, _: Any) -> Any:
    number, carry = state
    carry = called(body, "body", "(i, carry)", (number, carry))
    check_carry(carry, carried, body, "body")
    return (number + 1.0, carry), None
