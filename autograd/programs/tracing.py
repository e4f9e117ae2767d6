"""Tracing: a Python function, run once on Values and written down as code."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import FunctionType
from typing import Any

from autograd.graph import context
from autograd.graph.context import Watcher, beginning, current, entered, tracing
from autograd.graph.nodes import is_array, is_constant, is_leaf, is_node, made_since, number, operands
from autograd.graph.refusals import explain
from autograd.graph.scopes import scopes_of
from autograd.graph.trees import Structure, flatten
from autograd.graph.value import Value
from autograd.graph.walks import Application, applications, leaves_among
from autograd.primitives.operation import Operation, Projection
from autograd.programs.code import Code, distinct
from autograd.programs.simplification import Builder
from autograd.support.user_line import Line, user_line

__all__ = ["LinesOfNodes", "argument_names", "record", "written"]


Recording = tuple[Code, Structure, Structure, list[Any]]


def record(f: Callable[..., Any], *example_args: Any, nested: bool = False) -> Recording:
    """Run a function once on Values and write down what it computes.

    Args:
        f: a function of numbers in any structure that returns numbers in any structure.
        example_args: arguments of the structure that the code is for. Their numbers do not matter.
        nested: whether what was computed before the call is captured as it stands, and not written down
            again: the code is to be part of what is being recorded.

    Returns:
        The simplified code; how its arguments and its results are arranged; the Values that the function
        closes over, which are inputs of the code after the arguments' scalars.

    Raises:
        TracingError: the function did what code cannot repeat; names the line.
        TypeError: an argument or the result is not made of real numbers, or the function takes one number
            for an array.
    """
    scalars, arguments = flatten(example_args, "an example argument")
    names = argument_names(f, example_args)
    inputs = [Value(number(scalar), name) for scalar, name in zip(scalars, names)]
    structures = []

    def outputs(_: LinesOfNodes) -> list[Any]:
        try:
            result = f(*arguments.unflatten(inputs))
        except (TypeError, IndexError) as error:
            explain(error)
            raise
        outputs, structure = flatten(result, "the result of the traced function")
        structures.append(structure)
        return outputs

    name = getattr(f, "__name__", type(f).__name__)
    code, captured = written(
        name, inputs, outputs, watchers=current().watchers, nested=nested, with_arrays=not nested
    )
    return code, arguments, structures[0], captured


class LinesOfNodes(Watcher):
    """Remembers the line of the user's code that made each node.

    Attributes:
        line: whose line the nodes are, where code is repeated.
    """

    def __init__(self) -> None:
        self.of: dict[Any, Line | None] = {}
        self.line: Line | None = None
        self.is_repeating = False

    def recorded(self, node: Any) -> None:
        """A derivative's operation belongs to the line of what it is the derivative of."""
        source = current().source.node
        line = None if source is None else self.of.get(source)
        self.of[node] = self.line if self.is_repeating else line or user_line()

    def repeated(
        self, code: Code, inputs: Sequence[Any], apply: Callable[..., Any] = Operation.__call__
    ) -> list[Any]:
        """The slots of code, whose lines the nodes that it makes of its inputs belong to: see `Code.run`."""
        slots = [*inputs, *code.constants]
        self.is_repeating = True
        for operation, parts, results, _, self.line, _ in code.instructions:
            result = apply(operation, *[slots[part] for part in parts])
            slots += (result,) if len(results) == 1 else result
        self.is_repeating = False
        return slots


def written(
    name: str,
    inputs: Sequence[Any],
    compute: Callable[[LinesOfNodes], Sequence[Any]],
    *,
    watchers: tuple[Watcher, ...] = (),
    nested: bool = True,
    with_arrays: bool = True,
) -> tuple[Code, list[Any]]:
    """The code that computes what a function returns, and the nodes from outside that it depends on.

    Args:
        name: what the code is called.
        inputs: leaves.
        compute: returns nodes and numbers, the outputs, that it computes of the inputs; it is given what
            remembers lines.
        watchers: who else is told of the nodes.
        nested: as for `record`.
        with_arrays: whether constant arrays are constants of the code; otherwise they are captured.
    """
    lines = LinesOfNodes()
    began = beginning()
    with tracing(inputs), entered(watchers=(*watchers, lines)):
        outputs = compute(lines)
    values = [output for output in outputs if is_node(output)]
    stop = context.variables
    if nested:
        stop = stop.union(_outside(lines.of, values))
    applied = applications(*values, stop=stop)
    known = set(inputs)
    below = dict.fromkeys(
        [
            *leaves_among((operands for _, operands, _ in applied), stop),
            *(value for value in values if is_leaf(value) or value in stop),
        ]
    )
    captured = [
        leaf
        for leaf in below
        if leaf not in known and (not with_arrays if is_constant(leaf) else not made_since(leaf, began))
    ]
    builder = Builder()
    slots = {node: builder.input(is_array(node)) for node in [*inputs, *captured]}
    _write(builder, slots, applied, lines.of)
    names = [
        *(node.label for node in inputs),
        *(node.label or f"c{i}" for i, node in enumerate(captured, 1)),
    ]
    return builder.finish(name, distinct(names), [_slot(builder, slots, at) for at in outputs]), captured


def _outside(lines: dict[Any, Line | None], values: Sequence[Any]) -> set[Any]:
    """The results of operations, among what nodes were made of, that are not among these nodes."""
    used = [*(operand for node in lines for operand in operands(node)), *values]
    return {node for node in used if type(node) is not float and node not in lines and not is_leaf(node)}


def _slot(builder: Builder, slots: dict[Any, int], operand: Any) -> int:
    if type(operand) is float or (operand not in slots and is_constant(operand)):
        return builder.constant(number(operand))
    at = slots.get(operand)
    if at is None:  # a leaf that the function itself made
        at = slots[operand] = builder.constant(number(operand))
    return at


def _write(
    builder: Builder,
    slots: dict[Any, int],
    applied: Sequence[Application],
    lines: dict[Any, Line | None],
) -> None:
    """Write down what was applied, and in which slots the results are."""
    for operation, parts, results in applied:
        operand_slots = tuple([_slot(builder, slots, part) for part in parts])
        node = results[0]
        if isinstance(operation, Projection):  # of one of several results, once more
            slots[node] = operand_slots[0]
            continue
        places = builder.results(operation, operand_slots, node.label, lines.get(node), scopes_of(node))
        for place, result in zip(places, results):
            slots[result] = place
            if result.label:
                builder.label(place, result.label)


def argument_names(f: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """What a function's parameters call each scalar of its arguments: ``w[0]``, ``x``."""
    found = []
    parameters, starred = _parameters(f)
    if len(args) > len(parameters) and not starred:  # a wrong call, which calling will tell
        return flatten(args)[1].names("args")
    for name, arg in zip(parameters, args):
        found += _scalar_names(flatten(arg)[1], name)
    if len(args) > len(parameters):
        found += _scalar_names(flatten([*args[len(parameters) :]])[1], starred)
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


@lru_cache(maxsize=1024)
def _scalar_names(structure: Structure, root: str) -> list[str]:
    return structure.names(root)
