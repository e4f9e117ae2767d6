"""`compare`: a gradient that was derived by hand, against the engine's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.comparing.branches import Branches
from autograd.comparing.comparison import Comparison, Component, Untried
from autograd.comparing.judgement import judged
from autograd.comparing.points import Pair, of_one_number, sampled, scales
from autograd.derivation import derive
from autograd.derivation.lines import NoFormulaError
from autograd.derivatives.runs import argument_places
from autograd.graph.refusals import TracingError
from autograd.graph.trees import flatten
from autograd.graph.value import Value
from autograd.programs.program import trace
from autograd.programs.tracing import argument_names

__all__ = ["Comparison", "Component", "Untried", "compare"]

_MOST_OPERATIONS = 500  # of a formula whose derivation is searched for slips


def compare(
    f: Callable[..., Any],
    hand: Callable[..., Any],
    *args: Any,
    argnums: int | Sequence[int] = 0,
    points: int = 8,
    seed: int = 0,
) -> Comparison:
    """Check a gradient that was derived by hand, and say what is wrong with it.

    Both gradients are compared at the given point, at random points around it, and at points on both sides of
    each comparison in the function (`where`, `maximum`, `relu`, ...), within what rounding explains. Exactly
    at a kink nothing is compared. If no point is found on one side of a comparison, the report passes only
    for the other side, as its last line and `Comparison.untried` say. A wrong component is compared with the
    formula's derivation, to find a wrong sign, a factor or term that is missing or too many or stands in
    another's place, and components that are swapped.

    Args:
        f: a function that returns one scalar.
        hand: called with the same arguments, in floats, it returns the gradient: in the structure of the
            argument that it is by (a tuple of those where ``argnums`` is a sequence), or in a flat list,
            tuple or array.
        args: where to compare. Ints in arguments that ``argnums`` does not name stay as they are at the
            random points.
        argnums: which argument, or arguments, the gradient is by.
        points: how many random points.
        seed: of the random numbers.

    Returns:
        A `Comparison`, which prints as a table with a sentence for each slip. It does not pass where the
        function is nan or inf at every point tried: nothing could be compared there.

    Raises:
        TypeError: an argument holds something else than numbers, ``f`` returns no scalar, or ``argnums``
            names no argument.
        ValueError: ``hand`` raised, or did not return as many components as there are; says what was
            expected.

    >>> def loss(w, x, y):
    ...     return (y - w[0] * x - w[1]) ** 2
    >>> def by_hand(w, x, y):
    ...     r = y - w[0] * x - w[1]
    ...     return [-2 * r, -2 * r]
    >>> print(compare(loss, by_hand, [0.5, 0.1], 3.0, 1.0))
    component  by hand  by engine  difference  rounding       wrong at
    dw[0]          1.2        3.6    -2.4e+00   4.8e-14  9 of 9 points
    dw[1]          1.2        1.2     0.0e+00   1.4e-14              -
    <BLANKLINE>
    dw[0] lacks the factor x, where
        dL/dw[0] = -2*u*x
    with u = y - w[0]*x - w[1]
         L = u^2
    FAILED: 1 of 2 components is wrong (compared at 9 points)

    Weights that are arguments of their own:

    >>> compare(lambda a, b: a * b**2, lambda a, b: (b**2, 2 * a * b), 1.0, 2.0, argnums=(0, 1)).passed
    True

    A branch that random points miss:

    >>> from autograd import relu
    >>> print(compare(lambda x: relu(x) ** 2 + x, lambda x: 2 * x + 1, 2.0).findings[0])
    dx has a term too many: 2*x (at 3 of 12 points; at the given one it is right), where
        df/dx = 2*relu(x)*(x > 0) + 1
    """
    if not args:
        raise TypeError("compare takes the function's arguments after the two functions, got none")
    f = of_one_number(f)
    chosen = argument_places(argnums, len(args))
    wanted = args[chosen[0]] if isinstance(argnums, int) else tuple(args[place] for place in chosen)
    gradient = flatten(wanted, "the argument to differentiate by", integers=False)[1]
    if not gradient.size:
        raise TypeError(f"there is no number to differentiate by: argnums is {argnums!r}, of {args!r}")
    scalars, structure = flatten(args, "an argument of the function to compare")
    labels = [getattr(scalar, "label", "") or name for scalar, name in zip(scalars, argument_names(f, args))]
    places = [at for place in chosen for at in structure.places(place)]
    numbers = [scalar.data if isinstance(scalar, Value) else scalar for scalar in scalars]
    pair = Pair(f, hand, structure, gradient, places, [labels[at] for at in places])
    first, scale = pair.at(numbers), scales(args, numbers, chosen)
    try:
        program = trace(f, *args)
    except TracingError as error:
        what = str(error).splitlines()[0]
        samples, _ = sampled(pair, first, scale, points, seed)
        reason = f"the function cannot be traced ({what})."
        return judged(samples, pair.names, None, reason, [_decided_in_python(what)])
    samples, untried = sampled(pair, first, scale, points, seed, Branches(program, places))
    if len(program) > _MOST_OPERATIONS:
        reason = f"the function has more than {_MOST_OPERATIONS} operations: compare a smaller part."
        return judged(samples, pair.names, None, reason, untried)
    try:
        derivation = derive(f, *args, argnums=argnums, max_operations=_MOST_OPERATIONS)
    except NoFormulaError as error:
        return judged(samples, pair.names, None, f"{error}.", untried)
    return judged(samples, pair.names, derivation, untried=untried)


def _decided_in_python(what: str) -> Untried:
    return Untried(
        "on the branches that Python took",
        f"The function decides in Python: {what}. Whether the points lie on all its branches is not known: "
        "write maximum, minimum or where in place of max, min or if, and points are looked for on each.",
    )
