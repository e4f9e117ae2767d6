"""Tracing: a Python function, run once on Values and written down as code."""

from __future__ import annotations

import inspect
import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import FunctionType
from typing import Any

import numpy as np

from autograd.graph import context
from autograd.graph.context import Watcher, beginning, current, entered, tracing
from autograd.graph.nodes import is_array, is_constant, is_leaf, is_node, kinds, made_since, number, operands
from autograd.graph.refusals import explain
from autograd.graph.scopes import Path, scopes_of
from autograd.graph.trees import Structure, Whole, flatten
from autograd.graph.value import Value
from autograd.graph.walks import Application, applications, leaves_among
from autograd.primitives.operation import Operation, Projection
from autograd.programs.code import Code, distinct
from autograd.programs.simplification import Builder
from autograd.support.user_line import Line, user_line

__all__ = [
    "LinesOfNodes",
    "argument_names",
    "record",
    "record_step",
    "record_whole",
    "with_keywords",
    "written",
]


LONGEST_REMEMBERED = 2000  # instructions; a longer trace is simplified each time, and takes no memory

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
    return _recorded(f, example_args, keywords, nested=False, whole=True)


def record_step(f: Callable[..., Any], *example_args: Any) -> Recording:
    """The same for a function whose code is to be part of what is being recorded.

    What was computed before the call is captured as it stands, and not written down again; constant arrays
    are captured too.
    """
    return _recorded(f, example_args, {}, nested=True)


def _recorded(
    f: Callable[..., Any],
    example_args: tuple[Any, ...],
    keywords: dict[str, Any],
    *,
    nested: bool,
    whole: bool = False,
) -> Recording:
    scalars, arguments = flatten(with_keywords(example_args, keywords), "an example argument", whole=whole)
    names = argument_names(f, example_args, keywords, whole=whole)
    inputs = [_input(scalar, name) for scalar, name in zip(scalars, names)]
    arrays = [inputs[place] for place in arguments.wholes]
    for node, shape in zip(arrays, [shape for shape in arguments.shapes if type(shape) is Whole]):
        kinds[np.ndarray].begin_at(node, shape)
    structures = []

    def outputs(_: LinesOfNodes) -> list[Any]:
        args = arguments.unflatten(inputs)
        try:
            result = f(*args[:-1], **args[-1]) if keywords else f(*args)
        except (TypeError, IndexError) as error:
            explain(error)
            raise
        outputs, structure = flatten(result, "the result of the traced function", whole=whole)
        structures.append(structure)
        return outputs

    name = getattr(f, "__name__", type(f).__name__)
    code, captured = written(
        name, inputs, outputs, watchers=current().watchers, nested=nested, with_arrays=not nested
    )
    asked = [node.is_length_asked for node in arrays]
    return code, arguments.of_any_length(asked) if arrays else arguments, structures[0], captured


def _input(scalar: Any, name: str) -> Any:
    """The leaf that stands for an argument's scalar, or for a whole array."""
    if not isinstance(scalar, (float, Value)):
        leaf = kinds[np.ndarray](scalar if isinstance(scalar, np.ndarray) else scalar._number)
        leaf.label = name
        return leaf
    return Value(number(scalar), name)


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
        nested: whether it is recorded as `record_step` does.
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
    builder = Transcript()
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


def _slot(builder: Transcript, slots: dict[Any, int], operand: Any) -> int:
    if type(operand) is np.ndarray:
        return builder.constant(operand)
    if type(operand) is float or (operand not in slots and is_constant(operand)):
        return builder.constant(number(operand))
    at = slots.get(operand)
    if at is None:  # a leaf that the function itself made
        at = slots[operand] = builder.constant(number(operand))
    return at


def _write(
    builder: Transcript,
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


class Transcript:
    """Takes down what a `Builder` would be told, and tells it at the end, unless it was told the same before.

    A slot is an int, of a constant a negative one.
    """

    def __init__(self) -> None:
        self._steps: list[tuple[Any, ...]] = []
        self._constants: list[Any] = []
        self._arrays: list[int] = []
        self._size = 0
        self._weight = 0  # instructions

    def input(self, is_array: bool = False) -> int:
        """As `Builder.input`; the inputs come first."""
        if is_array:
            self._arrays.append(self._size)
        self._size += 1
        return self._size - 1

    def constant(self, number: Any) -> int:
        """As `Builder.constant`."""
        self._constants.append(number)
        return -len(self._constants)

    def results(
        self, operation: Operation, operands: tuple[int, ...], label: str, line: Line | None, scopes: Path
    ) -> range:
        """As `Builder.results`."""
        self._steps.append((operation, operands, label, line, scopes))
        self._weight += len(operation.bodies[0]) if operation.is_inlined else 1
        self._size += operation.result_count
        return range(self._size - operation.result_count, self._size)

    def label(self, slot: int, label: str) -> None:
        """As `Builder.label`."""
        self._steps.append((None, (slot,), label))

    def finish(self, name: str, inputs: Sequence[str], outputs: Sequence[int]) -> Code:
        """As `Builder.finish`; the same object where steps, constants and names are the same."""
        told = tuple(inputs), tuple(self._arrays), tuple(self._steps), tuple(outputs)
        if self._weight > LONGEST_REMEMBERED or not {float}.issuperset(map(type, self._constants)):
            return _told(self._constants, name, *told)
        return _told_once(struct.pack(f"{len(self._constants)}d", *self._constants), name, *told)


@lru_cache(maxsize=64)
def _told_once(constants: bytes, *told: Any) -> Code:
    return _told(struct.unpack(f"{len(constants) // 8}d", constants), *told)


def _told(
    constants: Sequence[Any],
    name: str,
    inputs: tuple[str, ...],
    arrays: tuple[int, ...],
    steps: tuple[tuple[Any, ...], ...],
    outputs: tuple[int, ...],
) -> Code:
    builder = Builder()
    slots = [builder.input(place in arrays) for place in range(len(inputs))]

    def slot(at: int) -> int:
        return slots[at] if at >= 0 else builder.constant(constants[-at - 1])

    for operation, parts, label, *rest in steps:
        places = tuple([slot(operand) for operand in parts])
        if operation is None:
            builder.label(places[0], label)
        else:
            slots += builder.results(operation, places, label, *rest)
    return builder.finish(name, inputs, [slot(output) for output in outputs])


def with_keywords(args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, ...]:
    """Arguments as they are arranged: keyword arguments are one dict after the others."""
    return (*args, keywords) if keywords else args


def argument_names(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    keywords: dict[str, Any] | None = None,
    *,
    whole: bool = False,
) -> list[str]:
    """What a function's parameters call each scalar of its arguments, or whole array: ``w[0]``, ``x``."""
    if keywords:
        own = [scalar for name in sorted(keywords) for scalar in _names_of(keywords[name], name, whole)]
        return argument_names(f, args, whole=whole) + own
    found = []
    parameters, starred = _parameters(f)
    if len(args) > len(parameters) and not starred:  # a wrong call, which calling will tell
        return flatten(args, whole=whole)[1].names("args")
    for name, arg in zip(parameters, args):
        found += _names_of(arg, name, whole)
    if len(args) > len(parameters):
        found += _names_of([*args[len(parameters) :]], starred, whole)
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


def _names_of(arg: Any, root: str, whole: bool) -> list[str]:
    return _scalar_names(flatten(arg, whole=whole)[1], root)


@lru_cache(maxsize=1024)
def _scalar_names(structure: Structure, root: str) -> list[str]:
    return structure.names(root)
