"""`trace`: from a Python function to a `Program`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from autograd.graph.context import Watcher, births, current, tracing, watch
from autograd.graph.scopes import scopes_of
from autograd.graph.trees import Structure, flatten
from autograd.graph.value import Value
from autograd.graph.walks import is_constant, is_leaf, leaves, number, operands, operation, topological_order
from autograd.programs.program import Program
from autograd.programs.simplification import Builder
from autograd.support.user_line import Line, user_line

__all__ = ["argument_names", "trace"]


def trace(f: Callable[..., Any], *example_args: Any) -> Program:
    """Run a function once on Values and write down what it computes.

    Args:
        f: a function of numbers in any structure that returns numbers in any structure. What it does
            must not depend on the numbers: where it asks (``if x > 0``, ``x.data``) tracing refuses.
        example_args: arguments of the structure that the program is for. Their numbers do not matter.

    Returns:
        The simplified `Program`. A Value that the function closes over is one more input, read anew
        at each call.

    Raises:
        TracingError: the function did what a program cannot repeat; names the line.
        TypeError: an argument or the result is not made of real numbers.

    >>> program = trace(lambda x: (x * 2 + 1) ** 2, 0.0)
    >>> program(3.0)
    49.0
    >>> program.counts()
    {'mul': 2, 'add': 1}
    """
    scalars, arguments = flatten(example_args, "an example argument")
    names = argument_names(f, example_args)
    inputs = [Value(number(scalar), name) for scalar, name in zip(scalars, names)]
    lines = _Lines()
    with births() as made, tracing(), watch(lines):
        result = f(*arguments.unflatten(inputs))
    outputs, results = flatten(result, "the result of the traced function")
    return _program(
        getattr(f, "__name__", type(f).__name__), inputs, outputs, made, lines.of, arguments, results
    )


class _Lines(Watcher):
    """Remembers the line of the user's code that made each node."""

    def __init__(self) -> None:
        self.of: dict[Value, Line] = {}

    def recorded(self, node: Value) -> None:
        """A derivative's operation belongs to the line of what it is the derivative of."""
        self.of[node] = self.of.get(current().source.node) or user_line()


def _program(
    name: str,
    inputs: Sequence[Value],
    outputs: Sequence[Any],
    made: set[Value],
    lines: dict[Value, Line],
    arguments: Structure,
    results: Structure,
) -> Program:
    values = [one for one in outputs if isinstance(one, Value)]
    stop = current().variables
    order = topological_order(*values, stop=stop)
    known = set(inputs)
    below = dict.fromkeys([*leaves(order, stop), *(one for one in values if is_leaf(one) or one in stop)])
    captured = [leaf for leaf in below if leaf not in known and leaf not in made]
    builder = Builder()
    slots: dict[Value, int] = {one: builder.input() for one in [*inputs, *captured]}

    def slot(one: Any) -> int:
        if is_constant(one):
            return builder.constant(one)
        if one not in slots:  # a leaf that the function itself made
            slots[one] = builder.constant(number(one))
        return slots[one]

    for node in order:
        slots[node] = builder.operation(
            operation(node),
            [slot(one) for one in operands(node)],
            node.label,
            lines.get(node),
            scopes_of(node),
        )
    constants, instructions, places = builder.finish([slot(one) for one in outputs])
    names = [*(one.label for one in inputs), *(one.label or f"c{i}" for i, one in enumerate(captured, 1))]
    return Program(name, _distinct(names), constants, instructions, places, arguments, results, captured)


def argument_names(f: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """What a function's parameters call each scalar of its arguments: ``w[0]``, ``x``."""
    try:
        signature = inspect.signature(f)
        bound = signature.bind(*args).arguments
    except (TypeError, ValueError):  # a builtin without a signature; a wrong call, which calling will tell
        return flatten(args)[1].names("args")
    found: list[str] = []
    for name, arg in bound.items():
        starred = signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
        found += flatten(list(arg) if starred else arg)[1].names(name)
    return found


def _distinct(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return found
