"""`compare`: a gradient that was derived by hand, against the engine's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd.comparing.judgement import judged
from autograd.comparing.points import Pair, sampled
from autograd.comparing.report import Comparison, Component
from autograd.derivation import Derivation, derive
from autograd.tracing import argument_names
from autograd.trees import flatten
from autograd.value import TracingError, Value

__all__ = ["Comparison", "Component", "compare"]

_MOST_OPERATIONS = 500  # of a formula whose derivation is searched for slips


def compare(
    f: Callable[..., Any], hand: Callable[..., Any], *args: Any, points: int = 8, seed: int = 0
) -> Comparison:
    """Check a gradient that was derived by hand, and say what is wrong with it.

    Both gradients are compared at the given point and at random points around it, within what rounding
    explains. A wrong component is held against the formula's derivation: a wrong sign, a factor or a term
    that is missing or too many, one in another's place, components that are swapped.

    Args:
        f: a function that returns one scalar.
        hand: called with the same arguments, in floats, it returns the gradient by the first: in that
            argument's structure, or in a flat list, tuple or array.
        args: where to compare. Numbers after the first argument that are ints stay as they are at the
            random points.
        points: how many random points.
        seed: of the random numbers.

    Returns:
        A `Comparison`, which prints as a table with a sentence for each slip.

    Raises:
        TypeError: an argument holds something else than numbers, or ``f`` returns no scalar.
        ValueError: ``hand`` raised, or did not return as many components as there are; says what was
            expected.

    >>> def loss(w, x, y):
    ...     return (y - w[0] * x - w[1]) ** 2
    >>> def by_hand(w, x, y):
    ...     r = y - w[0] * x - w[1]
    ...     return [-2 * r, -2 * r]
    >>> print(compare(loss, by_hand, [0.5, 0.1], 3.0, 1.0))
    component  by hand  by engine  difference  rounding       wrong at
    dw[0]          1.2        3.6    -2.4e+00   4.6e-14  9 of 9 points
    dw[1]          1.2        1.2     0.0e+00   1.3e-14              -
    <BLANKLINE>
    dw[0] lacks the factor x, where
        dL/dw[0] = -2*u*x
    with u = y - w[0]*x - w[1]
         L = u^2
    FAILED: 1 of 2 components are wrong (compared at 9 points)
    """
    if not args:
        raise TypeError("compare takes the function's arguments after the two functions, got none")
    first = flatten(args[0], "the argument to differentiate by", integers=False)[1].size
    scalars, structure = flatten(args, "an argument of the function to compare")
    names = [getattr(one, "label", "") or name for one, name in zip(scalars, argument_names(f, args)[:first])]
    numbers = [one.data if isinstance(one, Value) else one for one in scalars]
    samples = sampled(Pair(f, hand, structure, names), args, numbers, points, seed)
    return judged(samples, names, *_derivation(f, args))


def _derivation(f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Derivation | None, str]:
    """The derivation that slips are looked for in; or None, and the reason why there is none."""
    try:
        return derive(f, *args, max_operations=_MOST_OPERATIONS), ""
    except TracingError as error:
        return None, f"the function cannot be traced ({str(error).splitlines()[0]})."
    except ValueError:
        return None, f"the function has more than {_MOST_OPERATIONS} operations: compare a smaller part."
