"""Tracing: a Python function, run once on Values and written down as code."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import FunctionType
from typing import Any

from autograd.graph import context
from autograd.graph.context import Watcher, beginning, current, tracing, watch
from autograd.graph.nodes import is_constant, is_leaf, made_since, number
from autograd.graph.refusals import explain
from autograd.graph.scopes import scopes_of
from autograd.graph.trees import Structure, flatten
from autograd.graph.value import Value
from autograd.graph.walks import applications, leaves_among
from autograd.primitives.operation import Projection
from autograd.programs.code import Code
from autograd.programs.simplification import Transcript
from autograd.support.user_line import Line, user_line

__all__ = ["argument_names", "record", "with_keywords"]


Recording = tuple[Code, Structure, Structure, list[Value]]


def record(f: Callable[..., Any], /, *example_args: Any, **keywords: Any) -> Recording:
    """Run a function once on Values and write down what it computes.

    Args:
        f: a function of numbers in any structure that returns numbers in any structure.
        example_args: arguments of the structure that the code is for. Their numbers do not matter.
        keywords: keyword arguments, which are arranged as one dict after the other arguments.

    Returns:
        The simplified code; how its arguments and its results are arranged; the Values that the function
        closes over, which are inputs of the code after the arguments' scalars.

    Raises:
        TracingError: the function did what code cannot repeat; names the line.
        TypeError: an argument or the result is not made of real numbers, or the function takes one number
            for an array.
    """
    scalars, arguments = flatten(with_keywords(example_args, keywords), "an example argument")
    names = argument_names(f, example_args, keywords)
    inputs = [Value(number(scalar), name) for scalar, name in zip(scalars, names)]
    lines = _Lines()
    began = beginning()
    with tracing(inputs), watch(lines):
        args = arguments.unflatten(inputs)
        try:
            result = f(*args[:-1], **args[-1]) if keywords else f(*args)
        except (TypeError, IndexError) as error:
            explain(error)
            raise
    outputs, results = flatten(result, "the result of the traced function")
    code, captured = _written(getattr(f, "__name__", type(f).__name__), inputs, outputs, began, lines.of)
    return code, arguments, results, captured


class _Lines(Watcher):
    """Remembers the line of the user's code that made each node."""

    def __init__(self) -> None:
        self.of: dict[Value, Line] = {}

    def recorded(self, node: Value) -> None:
        """A derivative's operation belongs to the line of what it is the derivative of."""
        source = current().source.node
        self.of[node] = (source is not None and self.of.get(source)) or user_line()


def _written(
    name: str,
    inputs: Sequence[Value],
    outputs: Sequence[Any],
    began: int,
    lines: dict[Value, Line],
) -> tuple[Code, list[Value]]:
    """The code that computes outputs, and the leaves that they depend on, made before it began."""
    values = [output for output in outputs if isinstance(output, Value)]
    stop = context.variables
    applied = applications(*values, stop=stop)
    known = set(inputs)
    below = dict.fromkeys(
        [
            *leaves_among((operands for _, operands, _ in applied), stop),
            *(value for value in values if is_leaf(value) or value in stop),
        ]
    )
    captured = [leaf for leaf in below if leaf not in known and not made_since(leaf, began)]
    builder = Transcript()
    slots: dict[Value, int] = {node: builder.input() for node in [*inputs, *captured]}

    def slot(operand: Any) -> int:
        if is_constant(operand):
            return builder.constant(operand)
        at = slots.get(operand)
        if at is None:  # a leaf that the function itself made
            at = slots[operand] = builder.constant(number(operand))
        return at

    for operation, operands, results in applied:
        operand_slots, node = tuple([slot(operand) for operand in operands]), results[0]
        if isinstance(operation, Projection):  # of one of several results, once more
            slots[node] = operand_slots[0]
            continue
        base = builder.operation(operation, operand_slots, node.label, lines.get(node), scopes_of(node))
        for place, result in enumerate(results, base):
            slots[result] = place
            if result.label:
                builder.label(place, result.label)
    names = [
        *(node.label for node in inputs),
        *(node.label or f"c{i}" for i, node in enumerate(captured, 1)),
    ]
    return builder.finish(name, _distinct(names), [slot(output) for output in outputs]), captured


def with_keywords(args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, ...]:
    """Arguments as they are arranged: keyword arguments are one dict after the others."""
    return (*args, keywords) if keywords else args


def argument_names(
    f: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any] | None = None
) -> list[str]:
    """What a function's parameters call each scalar of its arguments: ``w[0]``, ``x``."""
    if keywords:
        own = [scalar for name in sorted(keywords) for scalar in _names_of(keywords[name], name)]
        return argument_names(f, args) + own
    found = []
    parameters, starred = _parameters(f)
    if len(args) > len(parameters) and not starred:  # a wrong call, which calling will tell
        return flatten(args)[1].names("args")
    for name, arg in zip(parameters, args):
        found += _names_of(arg, name)
    if len(args) > len(parameters):
        found += _names_of([*args[len(parameters) :]], starred)
    return found


def _parameters(f: Callable[..., Any]) -> tuple[Sequence[str], str]:
    """The names of a function's positional parameters, and of its starred one, "" without."""
    function: Any = f
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    if type(function) is FunctionType:  # read directly, in a hundredth of the time
        code = function.__code__
        names = code.co_varnames
        starred = (
            names[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & inspect.CO_VARARGS else ""
        )
        return names[: code.co_argcount], starred
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # a builtin without a signature
        return (), "args"
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return positional, "".join(p.name for p in parameters if p.kind is p.VAR_POSITIONAL)


def _names_of(arg: Any, root: str) -> list[str]:
    return _scalar_names(flatten(arg)[1], root)


@lru_cache(maxsize=1024)
def _scalar_names(structure: Structure, root: str) -> list[str]:
    return structure.names(root)


def _distinct(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return found
