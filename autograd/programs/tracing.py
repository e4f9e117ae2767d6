"""Tracing: a Python function, run once on Values and written down as code."""

from __future__ import annotations

import inspect
import struct
from collections.abc import Callable, Sequence, Set
from functools import lru_cache
from types import FunctionType
from typing import Any

import numpy as np

from autograd.graph import context
from autograd.graph.context import Watcher, beginning, current, differentiating, entered
from autograd.graph.nodes import (
    constant_node,
    is_array,
    is_constant,
    is_leaf,
    is_node,
    kinds,
    made_since,
    number,
    operands,
)
from autograd.graph.refusals import TracingError, explain
from autograd.graph.scopes import scopes_of
from autograd.graph.trees import Structure, Whole, flatten
from autograd.graph.value import Value
from autograd.graph.walks import Application, Transcript, applications, full_order, leaves_among
from autograd.primitives.operation import Operation, Projection
from autograd.programs.code import Code, distinct
from autograd.programs.simplification import Builder
from autograd.support.user_line import Line, user_line

__all__ = [
    "LinesOfNodes",
    "argument_names",
    "place_of",
    "record",
    "record_step",
    "record_whole",
    "with_keywords",
    "written",
]


LONGEST_REMEMBERED = 2000  # instructions; a longer trace is simplified each time, and takes no memory

_MAKERS = 4  # frames above a watcher that make a node: the watcher's, and of graph/ at least three more

Recording = tuple[Code, Structure, Structure, list[Any]]


def record(f: Callable[..., Any], /, *example_args: Any, **keywords: Any) -> Recording:
    """Run a function once on Values and write down what it computes; arrays are taken apart.

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
    return _recorded(f, example_args, keywords, nested=False)


def record_whole(f: Callable[..., Any], /, *example_args: Any, **keywords: Any) -> Recording:
    """The same, where larger arrays among arguments and results are one input, or output, each.

    In the structure of the arguments first axes have any length, unless what is computed depends on it.
    """
    return _recorded(f, example_args, keywords, nested=False, whole="large")


def record_step(f: Callable[..., Any], /, *example_args: Any, **keywords: Any) -> Recording:
    """The same for a function whose code is to be part of what is being recorded.

    What was computed before the call is captured as it stands, and not written down again; constant arrays
    are captured too.
    """
    return _recorded(f, example_args, keywords, nested=True)


def _recorded(
    f: Callable[..., Any],
    example_args: tuple[Any, ...],
    keywords: dict[str, Any],
    *,
    nested: bool,
    whole: str = "nodes",
) -> Recording:
    called = getattr(f, "__name__", type(f).__name__)
    scalars, arguments = flatten(with_keywords(example_args, keywords), "an example argument", whole=whole)
    names = _argument_names(arguments, *_parameters(f), len(example_args), tuple(sorted(keywords)))
    inputs = [_input(scalar, name) for scalar, name in zip(scalars, names)]
    arrays = [inputs[place] for place in arguments.wholes] if whole == "large" else []
    for node, shape in zip(arrays, [shape for shape in arguments.shapes if type(shape) is Whole]):
        kinds[np.ndarray].begin_at(node, shape)
    structures = []

    def outputs(_: LinesOfNodes) -> list[Any]:
        with entered(keeps_whole=whole == "large"):
            args = arguments.unflatten(inputs)
            try:
                result = f(*args[:-1], **args[-1]) if keywords else f(*args)
            except (TypeError, IndexError) as error:
                explain(error)
                raise
            except RecursionError:
                raise TracingError(
                    f"{called} never ends when it is traced: if it calls itself, it does so in every branch, "
                    f"for no number decides then{place_of(f)}\n"
                    "Write what repeats as a loop: fori_loop or scan"
                ) from None
        outputs, structure = flatten(
            result, "the result of the traced function", whole="" if whole == "nodes" else whole
        )
        structures.append(structure)
        return [constant_node(each) if isinstance(each, np.ndarray) else each for each in outputs]

    watchers = tuple([watcher for watcher in current().watchers if type(watcher) is not LinesOfNodes])
    code, captured = written(
        called, inputs, outputs, watchers=watchers, nested=nested, with_arrays=not nested
    )
    read_lengths = [node.is_length_asked for node in arrays]
    return code, arguments.of_any_length(read_lengths) if arrays else arguments, structures[0], captured


def _input(scalar: Any, name: str) -> Any:
    """The leaf that stands for an argument's scalar, or for a whole array."""
    if isinstance(scalar, np.ndarray):
        leaf = kinds[np.ndarray](scalar)
    elif type(scalar) is not float and is_array(scalar):
        leaf = kinds[np.ndarray](scalar._number.reshape(scalar._dims))
    else:
        return Value(number(scalar), name)
    leaf.label = name
    return leaf


def place_of(f: Callable[..., Any]) -> str:
    """Where a function stands, to end a sentence with; "" where that is not known."""
    code = getattr(inspect.unwrap(f), "__code__", None)
    return f", in {code.co_filename}:{code.co_firstlineno}" if code else ""


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
        line = self.line if self.is_repeating else None if source is None else self.of.get(source)
        self.of[node] = line if line is not None or self.is_repeating else user_line(_MAKERS)

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
        nested: whether it is recorded as `record_step` does.
        with_arrays: whether constant arrays are constants of the code; otherwise they are captured.
    """
    lines = LinesOfNodes()
    began = beginning()
    with differentiating(inputs, tracing=True, watchers=(*watchers, lines)):
        outputs = compute(lines)
    stop = context.variables

    def is_outside(node: Any) -> bool:
        """Whether what no node of the trace made is captured."""
        if is_leaf(node):
            return not with_arrays if is_constant(node) else not made_since(node, began)
        return nested or node in stop

    said = _said(name, inputs, lines.of, outputs, is_outside, stop)
    if said is None:
        return _written_down(name, inputs, lines.of, outputs, is_outside, stop, nested=nested)
    key, outside = said
    remembered = _remembered(key)
    if not remembered:
        code, captured = _written_down(name, inputs, lines.of, outputs, is_outside, stop, nested=nested)
        place = {node: i for i, node in enumerate(outside)}
        if len(code) > LONGEST_REMEMBERED:  # by what stands in the place of calls
            return code, captured
        remembered[:] = code, [place[node] for node in captured]
    code, places = remembered
    return code, [outside[i] for i in places]


@lru_cache(maxsize=64)
def _remembered(_: tuple[Any, ...]) -> list[Any]:
    """The code that a trace came to, and which of the nodes from outside it captures; nothing at first."""
    return []


def _said(
    name: str,
    inputs: Sequence[Any],
    lines: dict[Any, Line | None],
    outputs: Sequence[Any],
    is_outside: Callable[[Any], bool],
    stop: Set[Any],
) -> tuple[tuple[Any, ...], list[Any]] | None:
    """A key of all that a trace's code follows from, and the nodes from outside that it names.

    None where it is not worth remembering, or has constant arrays.
    """
    if len(lines) > LONGEST_REMEMBERED or not stop.isdisjoint(lines):
        return None
    transcript = Transcript(inputs, is_outside)
    transcript.note(lines)
    said = transcript.key(outputs)
    if not transcript.is_complete:  # it uses what was computed before, or in another thread
        order = full_order(*filter(is_node, outputs), stop=stop)
        transcript = Transcript(inputs, is_outside)
        transcript.note({node: lines.get(node) for node in order})
        said = transcript.key(outputs)
        if len(order) > LONGEST_REMEMBERED:
            return None
    constants = transcript.constants
    if not {float}.issuperset(map(type, constants)):
        return None
    bits = struct.pack(f"{len(constants)}d", *constants)
    labels = tuple([(node.label, is_array(node)) for node in inputs])
    return (name, labels, bits, said), transcript.outside


def _written_down(
    name: str,
    inputs: Sequence[Any],
    lines: dict[Any, Line | None],
    outputs: Sequence[Any],
    is_outside: Callable[[Any], bool],
    stop: Set[Any],
    *,
    nested: bool,
) -> tuple[Code, list[Any]]:
    """The code, simplified, and the nodes that it captures."""
    values = [output for output in outputs if is_node(output)]
    if nested:
        stop = stop | _outside(lines, values)
    applied = applications(*values, stop=stop)
    known = set(inputs)
    below = dict.fromkeys(
        [
            *leaves_among((operands for _, operands, _ in applied), stop),
            *(value for value in values if is_leaf(value) or value in stop),
        ]
    )
    captured = [node for node in below if node not in known and is_outside(node)]
    builder = Builder()
    slots = {node: builder.input(is_array(node)) for node in [*inputs, *captured]}
    _write(builder, slots, applied, lines)
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
        if isinstance(operation, Projection):  # of one of several results, once more
            slots[results[0]] = operand_slots[0]
            continue
        node = results[0]
        if node not in lines:  # nothing uses the first of several
            node = next((result for result in results if result in lines), node)
        line, scopes = lines.get(node), scopes_of(node)
        places = builder.results(operation, operand_slots, results[0].label, line, scopes)
        for place, result in zip(places, results):
            slots[result] = place
            if result.label:
                builder.label(place, result.label)


def with_keywords(args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, ...]:
    """Arguments as they are arranged: keyword arguments are one dict after the others."""
    return (*args, keywords) if keywords else args


def argument_names(
    f: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any] | None = None
) -> list[str]:
    """What a function's parameters call each scalar of its arguments: ``w[0]``, ``x``."""
    structure = flatten(with_keywords(args, keywords or {}))[1]
    return _argument_names(structure, *_parameters(f), len(args), tuple(sorted(keywords or ())))


@lru_cache(maxsize=1024)
def _argument_names(
    structure: Structure, parameters: tuple[str, ...], starred: str, count: int, keywords: tuple[str, ...]
) -> list[str]:
    if count > len(parameters) and not starred:  # a wrong call, which calling will tell
        roots = [f"args[{place}]" for place in range(count)]
    else:
        roots = [*parameters[:count], *[f"{starred}[{i}]" for i in range(count - len(parameters))]]
    names = [name for place, root in enumerate(roots) for name in structure.child(place).names(root)]
    if keywords:
        by_name = structure.child(count)
        names += [name for i, root in enumerate(keywords) for name in by_name.child(i).names(root)]
    return names


def _parameters(f: Callable[..., Any]) -> tuple[tuple[str, ...], str]:
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
    return tuple(positional), "".join(p.name for p in parameters if p.kind is p.VAR_POSITIONAL)
