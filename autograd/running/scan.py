"""`scan`: a sequential loop, run inside an engine."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.graph.anomaly import is_hunted
from autograd.graph.context import entered
from autograd.graph.nodes import is_constant, is_node, kind_of, numbers
from autograd.graph.trees import Structure, array_of, flatten
from autograd.graph.value import Value
from autograd.primitives.ieee import described
from autograd.programs.arrays.elementwise import count_of
from autograd.programs.births import raise_birth
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.reverse.revolve import Policy, checked_policy
from autograd.programs.program import Program
from autograd.programs.tracing import place_of, record_step
from autograd.running.columns import arrays_of, columns_of, plain, shape_of, stacked, whole_column
from autograd.running.jit import (
    Ready,
    Traces,
    checked_engine,
    made_ready,
    prepare,
    reaches,
)
from autograd.running.recorded_loops import run_compiled
from autograd.running.recording import records

__all__ = ["called", "check_carry", "run_scan", "scan", "whole_number"]

run_compiled()


def scan(
    step: Callable[..., Any],
    carry: Any,
    xs: Any,
    engine: str = "auto",
    *,
    length: int | None = None,
    checkpoint: Policy = None,
) -> tuple[Any, Any]:
    """Run a sequential loop inside an engine: ``carry, y = step(carry, x)`` for each x in turn.

    The step is traced at each call, and the compiled loop is found again by what it says: see `vmap`.
    Where Values are concerned (in the carry, in xs, or closed over by the step) or another function is being
    traced, the loop is recorded as one operation, whose derivatives are loops too.

    Args:
        step: a function ``(carry, x) -> (carry, y)``; the carry keeps its structure.
        carry: the first carry: numbers in any structure.
        xs: arrays in any structure, whose first axis is time; None with ``length`` where the step
            needs no x.
        engine: as for `jit`, or "eager": the step itself is called, which need not be traceable. It gets
            plain floats where no Values are concerned, of which Python's ``1 / 0.0`` raises ZeroDivisionError
            where an engine has inf. Where there are no steps, one call on Values tells how the ys are nested.
        length: the number of steps, where xs does not tell.
        checkpoint: which carries reverse mode keeps; the others it computes again, to the same bits. None
            keeps all, 8 bytes a step and number, up to 1 GiB; beyond, it says so and does as "sqrt". A
            whole number k keeps every k-th, and those of the k steps that it goes back over. "sqrt" takes
            the root of the number of steps for k. "binomial" keeps 64 at once up to a million steps and 128
            up to a hundred million, and runs each step a few times. What None does is settled when the
            derivative is recorded or traced, by the length then. Reverse mode over reverse mode (which
            `hessian`, `hvp` and `jvp` are not) keeps all, and so does the engine "eager", which records all.

    Returns:
        The last carry, and the ys stacked along a new first axis. What depends on Values is Values, and
        each y an `Array` of them.

    Raises:
        ValueError: the arrays differ in length, or there is none and no ``length``; ``checkpoint`` is none
            of these; a gradient in the step leaves out a Value that is passed on and also closed over.
        TypeError: the step is no function of two arguments, does not return a pair, or a carry of another
            structure; xs is not made of arrays; the length is no whole number.

    >>> scan(lambda total, x: (total + x, total), 0.0, np.array([1.0, 2.0, 3.0]), engine="python")
    (6.0, array([0., 1., 3.]))
    >>> from autograd import grad
    >>> grad(lambda rate: scan(lambda c, _: (c * rate, None), 1.0, None, length=100_000)[0])(1.0)
    100000.0
    >>> grad(lambda r: scan(lambda c, _: (c * r, None), 1.0, None, length=900, checkpoint="binomial")[0])(1.0)
    900.0
    """
    return run_scan(step, carry, xs, engine, length=length, checkpoint=checkpoint)[:2]


class ScanResult(NamedTuple):
    """What a loop came to.

    Attributes:
        carry: the last carry.
        ys: the ys stacked along a new first axis.
        engine: the name of the engine that ran it, "eager" where the step itself was called.
    """

    carry: Any
    ys: Any
    engine: str


def run_scan(
    step: Callable[..., Any],
    carry: Any,
    xs: Any,
    engine: str = "auto",
    *,
    length: int | None = None,
    checkpoint: Policy = None,
    kept: Traces | None = None,
    whole: bool = False,
) -> ScanResult:
    """`scan`, telling which engine ran.

    Args:
        step, carry, xs, engine, length: as for `scan`.
        kept: where what is traced is kept and looked for.
        whole: whether an array of two dimensions gives each step one `Array`, and not its elements.
    """
    if not callable(step):
        raise TypeError(f"step must be a function (carry, x) -> (carry, y), got {described(step)}")
    checked_engine(engine, "eager")
    policy = checked_policy(checkpoint)
    start, carried = flatten(carry, "the carry")
    arrays, outer = arrays_of(xs, "xs", _NO_ARRAY)
    count = _count(arrays, outer, length)
    columns, each = (arrays, outer) if whole else columns_of(arrays, outer)
    checked = functools.update_wrapper(functools.partial(_step_checked, step, carried), step)
    if engine == "eager":
        if not count:
            return ScanResult(carry, _no_ys(checked, carry, _first(columns, each)), "eager")
        return ScanResult(*_unrolled(checked, carry, columns, each, count), "eager")
    example = [carried.unflatten(numbers(start)), _first(columns, each)]
    ready = None
    if kept is not None and _runs(engine, start, columns):
        key = carried, each
        ready = prepare(checked, lambda: example, engine, "scan", kept=kept, key=key)
    if ready is None:
        told: set[Any] = set()
        with entered(reached=told):
            program = Program(*record_step(checked, *example))
        _refuse_reached(told, checked, start, carried, columns, each, count)
        if not (_runs(engine, start, columns) and all(map(is_constant, program.captured))):
            return ScanResult(*_recorded(program, carried, start, columns, count, engine, policy), "eager")
        ready = made_ready(program, engine, "scan", lift=True)
    last, ys = ready.run.scan(start, _floats(columns), ready.shared, count)
    if is_hunted(last, *ys):
        _hunt(ready, start, columns, count)
    ys = stacked(ready.program.results.child(1), ys, count)
    return ScanResult(carried.unflatten(last), ys, ready.engine)


def _recorded(
    program: Program,
    carried: Structure,
    start: Sequence[Any],
    columns: Sequence[Any],
    count: int,
    engine: str,
    policy: Policy,
) -> tuple[Any, Any]:
    """The loop as one operation on Values, or on what is being traced."""
    loop = Loop(program.code, len(start), len(columns), engine=engine, checkpoint=policy)
    steps = count_of(columns[0]) if columns else float(count)
    outputs = loop(steps, *start, *map(whole_column, columns), *program.captured)
    outputs = (outputs,) if loop.result_count == 1 else outputs
    last, ys = outputs[: len(start)], outputs[len(start) :]
    return carried.unflatten(last), stacked(program.results.child(1), ys, count)


def _runs(engine: str, start: Sequence[Any], columns: Sequence[np.ndarray]) -> bool:
    """Whether a loop is for an engine to run, and not to be recorded or called itself."""
    return engine != "eager" and not records(start) and all(column.dtype.kind != "O" for column in columns)


def _first(columns: Sequence[np.ndarray], each: Structure) -> Any:
    """The first entry along arrays; any numbers where there is none, or it is no plain one."""
    known = [column.dtype.kind != "O" and len(column) for column in columns]
    entries = [_entry(column, 0) if is_known else 0.5 for column, is_known in zip(columns, known)]
    return each.unflatten([kind_of(entry)(entry) for entry in entries])


def _entry(column: Any, place: int) -> Any:
    """One entry of a column: a number, or an array of floats."""
    return column[place] if column.ndim > 1 else plain(column[place])


def _floats(columns: Sequence[np.ndarray]) -> list[np.ndarray]:
    return [column.astype(float, copy=False) for column in columns]


def _hunt(ready: Ready, start: Sequence[float], columns: Sequence[np.ndarray], count: int) -> None:
    """Repeat a loop step by step, and raise where what is not finite is born."""
    state = list(start)
    for i in range(count):
        inputs = [*state, *(_entry(column, i) for column in columns), *numbers(ready.program.captured)]
        state = raise_birth(ready.program.code, inputs, f", step {i}")[: len(start)]


def _step_checked(step: Callable[..., Any], carried: Structure, *args: Any) -> tuple[Any, Any]:
    result = called(step, "step", "(carry, x)", args)
    if not isinstance(result, tuple) or len(result) != 2:
        of = f" of {len(result)}" if isinstance(result, tuple) else ""
        raise TypeError(
            f"the step must return a pair (carry, y), got {described(result)}{of}{place_of(step)}"
            ": return carry, None where there is nothing to stack"
        )
    check_carry(result[0], carried, step, "step")
    flatten(result[1], "the y that the step returns")
    return result


def _no_ys(step: Callable[..., tuple[Any, Any]], *example: Any) -> Any:
    """The ys of no steps: a call of the step on Values, recorded by nobody, tells how they are nested."""
    scalars, structure = flatten(example, "the carry and x")
    values = [Value(scalar) if type(scalar) is float else scalar for scalar in numbers(scalars)]
    with entered(tracing=False, watchers=(), scopes=(), detecting=False):
        columns, results = flatten(step(*structure.unflatten(values))[1], "the y that the step returns")
    return stacked(results, [np.empty(0)] * len(columns), 0)


def called(function: Callable[..., Any], name: str, parameters: str, args: Sequence[Any]) -> Any:
    """What the function of a loop returns.

    Raises:
        TypeError: it takes another number of arguments.
    """
    try:
        return function(*args)
    except TypeError as error:
        traceback = error.__traceback__
        if traceback is not None and traceback.tb_next is None and "positional argument" in str(error):
            where = place_of(function)
            raise TypeError(f"{name} must be a function of {parameters}{where}: {error}") from error
        raise


def check_carry(carry: Any, carried: Structure, function: Callable[..., Any], name: str) -> None:
    """Refuse a carry of another structure than the first.

    Args:
        carry: what the function of a loop returns as the next carry.
        carried: the structure of the first.
        function: the function.
        name: what to call it.

    Raises:
        TypeError: the carry has another structure.
    """
    _, structure = flatten(carry, f"the carry that the {name} returns")
    if structure != carried:
        raise TypeError(
            f"the {name} must return a carry of the structure {carried}, got {structure}"
            f"{place_of(function)}\nA carry keeps its nesting and the shapes of its arrays: "
            "begin with one of the structure that the loop ends with, such as np.zeros of the full length"
        )


def whole_number(number: Any, name: str) -> int:
    """A number that says how often a loop runs.

    Raises:
        TypeError: it is no whole number.
    """
    try:
        if not isinstance(number, (bool, np.bool_)):
            return operator.index(number)
    except TypeError:
        pass
    if is_node(number):
        advice = (
            "how often a loop runs may not depend on what is differentiated or traced: while_loop runs until "
            "a condition is false"
        )
    else:
        advice = f"pass int({name}) where a number is meant"
    raise TypeError(f"{name} must be a whole number, got {described(number)}: {advice}")


_NO_ARRAY = ": pass np.array(list(xs)), or None with length=n for n steps without an x"
_MOST_STEPS = 2**53  # that a float counts


def _count(arrays: Sequence[Any], outer: Structure, length: Any) -> int:
    """How many steps a loop has."""
    lengths = [shape_of(array)[0] for array in arrays]
    if len(set(lengths)) > 1:
        listed = ", ".join(f"{count} in {name}" for count, name in zip(lengths, outer.names("xs")))
        raise ValueError(f"xs must be arrays of one length, or None with a length given, got {listed}")
    if length is None:
        if not lengths:
            raise ValueError(
                "xs must be arrays of one length, or None with a length given, got no array and no length: "
                "write length=n for n steps"
            )
        return int(lengths[0])
    count = whole_number(length, "length")
    if not 0 <= count <= _MOST_STEPS:
        raise ValueError(f"length must be a whole number from 0, got {count} (at most 2**53)")
    if lengths and lengths[0] != count:
        raise ValueError(
            f"xs must be arrays of one length, got {lengths[0]} with length={count}: leave length out, or "
            "pass xs[:length]"
        )
    return count


def _refuse_reached(
    told: set[Any],
    step: Callable[..., Any],
    start: Sequence[Any],
    carried: Structure,
    columns: Sequence[np.ndarray],
    each: Structure,
    count: int,
) -> None:
    """Let a transform in the step refuse a leaf that it reaches, where the loop hands it on as well."""
    objects = [column for column in columns if column.dtype.kind == "O" and isinstance(column, np.ndarray)]
    steps = (count if objects else min(count, 1)) if told else 0  # where xs are plain, all steps are alike
    for i in range(steps):
        if reaches(told, [*start, *(column[i] for column in objects)]):
            step(carried.unflatten(start), each.unflatten([_entry(column, i) for column in columns]))
            return


def _unrolled(
    step: Callable[..., tuple[Any, Any]],
    carry: Any,
    columns: Sequence[np.ndarray],
    each: Structure,
    count: int,
) -> tuple[Any, Any]:
    """The loop, run by calling the step itself."""
    rows = []
    for i in range(count):
        carry, y = step(carry, each.unflatten([_entry(column, i) for column in columns]))
        rows.append(flatten(y, "the y that the step returns"))
        if rows[-1][1] != rows[0][1]:
            raise TypeError(
                f"the step must return ys of one structure, got {rows[0][1]}, and {rows[-1][1]} in step {i}: "
                "fill the shorter ones up"
            )
    ys = [array_of(list(column), (count,)) for column in zip(*(scalars for scalars, _ in rows))]
    return carry, stacked(rows[0][1], ys, count)
