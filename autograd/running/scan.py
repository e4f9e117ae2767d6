"""`scan` and `scan_batches`: sequential loops, run inside an engine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import engines
from autograd.graph.anomaly import is_hunted
from autograd.graph.nodes import is_constant, numbers
from autograd.graph.trees import Structure, array_of, flatten
from autograd.primitives.ieee import described
from autograd.programs.arrays.elementwise import count_of
from autograd.programs.births import raise_birth
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.revolve import Policy, checked_policy
from autograd.programs.program import Program
from autograd.programs.tracing import record_step
from autograd.running.columns import arrays_of, columns_of, plain, shape_of, stacked, turns, whole_column
from autograd.running.jit import (
    Ready,
    Traces,
    checked_engine,
    made_ready,
    prepare,
)
from autograd.running.recorded_loops import run_compiled
from autograd.running.recording import records

__all__ = ["run_scan", "run_scan_batches", "scan", "scan_batches"]

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
        engine: as for `jit`, or "eager": the step itself is called, which need not be traceable.
        length: the number of steps, where xs does not tell.
        checkpoint: which carries reverse mode keeps; the others it computes again, to the same bits. None
            keeps all, 8 bytes a step and number, up to 1 GiB; beyond, it says so and does as "sqrt". A
            whole number k keeps every k-th, and those of the k steps that it goes back over. "sqrt" takes
            the root of the number of steps for k. "binomial" keeps 64 at once up to a million steps and 128
            up to a hundred million, and runs each step a few times. The engine "eager" records every
            operation, and keeps all.

    Returns:
        The last carry, and the ys stacked along a new first axis. What depends on Values is Values, and
        each y an `Array` of them.

    Raises:
        ValueError: the arrays differ in length, or there is none and no ``length``; ``checkpoint`` is none
            of these.
        TypeError: the step does not return a pair, or a carry of another structure.

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
) -> ScanResult:
    """`scan`, telling which engine ran; what it traces is kept and looked for where it is told to."""
    checked_engine(engine, "eager")
    policy = checked_policy(checkpoint)
    start, carried = flatten(carry, "the carry")
    arrays, outer = arrays_of(xs, "xs")
    counts = {shape_of(array)[0] for array in arrays} | (set() if length is None else {length})
    if len(counts) != 1:
        raise ValueError(
            f"xs must be arrays of one length, or None with a length given, got lengths {sorted(counts)}"
        )
    (steps,) = counts
    if not isinstance(steps, (int, np.integer)) or steps < 0:
        raise ValueError(f"length must be a whole number from 0, got {steps!r}")
    count = int(steps)
    columns, each = columns_of(arrays, outer)
    checked = functools.update_wrapper(functools.partial(_step_checked, step, carried), step)
    if engine == "eager":
        return ScanResult(*_unrolled(checked, carry, columns, each, count, warn=False), "eager")
    example = [carried.unflatten(numbers(start)), _first(columns, each)]
    ready = None
    if kept is not None and _runs(engine, start, columns):
        key = carried, each
        ready = prepare(checked, lambda: example, engine, "scan", kept=kept, key=key)
    if ready is None:
        program = Program(*record_step(checked, *example))
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


def scan_batches(
    sample: Callable[..., Any],
    turn: Callable[..., Any],
    carry: Any,
    xs: Any,
    batch_size: int,
    rows: Any = None,
    engine: str = "auto",
) -> tuple[Any, Any]:
    """Run a sequential loop over batches inside an engine; each is an inner loop over its samples.

    For each batch in turn ``totals`` is the sum of ``sample(carry, x)`` over its samples, from 0 and one
    after the other, and ``carry, y = turn(carry, totals, row)``.

    Args:
        sample: a function ``(carry, x) -> numbers`` in any structure.
        turn: a function ``(carry, totals, row) -> (carry, y)``; the carry keeps its structure.
        carry: the first carry: numbers in any structure.
        xs: arrays in any structure, whose first axis counts the samples.
        batch_size: how many samples make a batch; the last one has what is left.
        rows: arrays in any structure, whose first axis counts the batches; None where there is nothing
            to tell of each.
        engine: as for `scan`.

    Returns:
        The last carry, and the ys stacked along a new first axis.

    Raises:
        ValueError: the arrays differ in length, there is none, or the batch size is below 1.
        TypeError: ``turn`` does not return a pair, or a carry of another structure.

    >>> def step(total, batch_total, row):
    ...     return total + batch_total, batch_total
    >>> scan_batches(lambda total, x: x * x, step, 0.0, np.array([1.0, 2.0, 3.0]), 2, engine="python")
    (14.0, array([5., 9.]))
    """
    return run_scan_batches(sample, turn, carry, xs, batch_size, rows, engine)[:2]


def run_scan_batches(
    sample: Callable[..., Any],
    turn: Callable[..., Any],
    carry: Any,
    xs: Any,
    batch_size: int,
    rows: Any = None,
    engine: str = "auto",
    *,
    kept: Traces | None = None,
) -> ScanResult:
    """`scan_batches`, telling which engine ran, and keeping what it traces as `run_scan` does."""
    checked_engine(engine, "eager")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    start, carried = flatten(carry, "the carry")
    columns, each = columns_of(*arrays_of(xs, "xs"))
    lines, row = columns_of(*arrays_of(rows, "rows"))
    counts = {len(column) for column in columns}
    if len(counts) != 1:
        raise ValueError(f"xs must be arrays of one length, got lengths {sorted(counts)}")
    (count,) = counts
    batches = -(-count // batch_size)
    if any(len(line) != batches for line in lines):
        raise ValueError(f"rows must have one entry a batch ({batches}), got {sorted(map(len, lines))}")
    checked = functools.update_wrapper(functools.partial(_step_checked, turn, carried), turn)
    inner = outer = None
    if _runs(engine, start, [*columns, *lines]):
        state = carried.unflatten(start)
        key: tuple[Any, ...] = "sample", carried, each
        inner = prepare(sample, lambda: [state, _first(columns, each)], engine, "scan", kept=kept, key=key)
    if inner is not None:
        totals = inner.program.results
        example = [state, totals.unflatten([0.0] * totals.size), _first(lines, row)]
        key = "turn", carried, totals, row
        outer = prepare(checked, lambda: example, engine, "scan", kept=kept, key=key)
    if inner is None or outer is None:
        summed = functools.partial(_totals, sample, columns, each, batch_size)
        last, ys = _unrolled(checked, carry, lines, row, batches, summed, warn=engine != "eager")
        return ScanResult(last, ys, "eager")
    collected = outer.program.results.child(1)
    if not batches:
        return ScanResult(carry, stacked(collected, [np.empty(0)] * collected.size, 0), inner.engine)
    shared = inner.shared, outer.shared
    last, ys = engines.scan_batches(
        outer.run, inner.run, start, _floats(columns), _floats(lines), shared, batch_size
    )
    if is_hunted(last, *ys):
        _hunt(outer, start, lines, batches, _Inner(inner, columns, batch_size))
    return ScanResult(carried.unflatten(last), stacked(collected, ys, batches), inner.engine)


def _runs(engine: str, start: Sequence[Any], columns: Sequence[np.ndarray]) -> bool:
    """Whether a loop is for an engine to run, and not to be recorded or called itself."""
    return engine != "eager" and not records(start) and all(column.dtype.kind != "O" for column in columns)


def _first(columns: Sequence[np.ndarray], each: Structure) -> Any:
    """The first entry along arrays; zeros where there is none."""
    return each.unflatten([_number(column) for column in columns])


def _number(column: Any) -> float:
    return float(column[0]) if column.dtype.kind != "O" and len(column) else 0.5


def _floats(columns: Sequence[np.ndarray]) -> list[np.ndarray]:
    return [column.astype(float, copy=False) for column in columns]


class _Inner(NamedTuple):
    """What is added up over each batch."""

    ready: Ready
    columns: Sequence[np.ndarray]
    size: int

    def totals(self, state: Sequence[float], batch: int) -> list[float]:
        """What a batch adds up to; raises where what is not finite is born."""
        totals: list[float] = []
        for i in range(batch * self.size, min(len(self.columns[0]), (batch + 1) * self.size)):
            inputs = [
                *state,
                *(float(column[i]) for column in self.columns),
                *numbers(self.ready.program.captured),
            ]
            terms = raise_birth(self.ready.program.code, inputs, f", sample {i}")
            totals = [total + term for total, term in zip(totals or [0.0] * len(terms), terms)]
        return totals


def _hunt(
    ready: Ready,
    start: Sequence[float],
    columns: Sequence[np.ndarray],
    count: int,
    inner: _Inner | None = None,
) -> None:
    """Repeat a loop step by step, and raise where what is not finite is born."""
    state = list(start)
    for i in range(count):
        totals = inner.totals(state, i) if inner else []
        inputs = [
            *state,
            *totals,
            *(float(column[i]) for column in columns),
            *numbers(ready.program.captured),
        ]
        state = raise_birth(ready.program.code, inputs, f", {'batch' if inner else 'step'} {i}")[: len(start)]


def _step_checked(step: Callable[..., Any], carried: Structure, *args: Any) -> tuple[Any, Any]:
    result = step(*args)
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"the step must return a pair (carry, y), got {described(result)}")
    _, structure = flatten(result[0], "the carry that the step returns")
    if structure != carried:
        raise TypeError(f"the step must return a carry of the structure {carried}, got {structure}")
    return result


def _unrolled(
    step: Callable[..., tuple[Any, Any]],
    carry: Any,
    columns: Sequence[np.ndarray],
    each: Structure,
    count: int,
    totals: Callable[[Any, int], Any] | None = None,
    *,
    warn: bool,
) -> tuple[Any, Any]:
    """The loop, run by calling the step itself; with ``totals`` it is one over batches."""
    state = carry

    def turn(i: int) -> Any:
        nonlocal state
        x = each.unflatten([plain(column[i]) for column in columns])
        state, y = step(state, x) if totals is None else step(state, totals(state, i), x)
        return flatten(y, "the y that the step returns")

    rows = turns(count, "scan", turn, warn=warn)
    if not rows:
        return state, None
    ys = [array_of(list(column), (count,)) for column in zip(*(scalars for scalars, _ in rows))]
    return state, stacked(rows[0][1], ys, count)


def _totals(
    sample: Callable[..., Any],
    columns: Sequence[np.ndarray],
    each: Structure,
    size: int,
    carry: Any,
    batch: int,
) -> Any:
    """What a batch's samples add up to."""
    totals: list[Any] = []
    structure = None
    for i in range(batch * size, min(len(columns[0]), (batch + 1) * size)):
        result = sample(carry, each.unflatten([plain(column[i]) for column in columns]))
        terms, structure = flatten(result, "what a sample adds to the totals")
        totals = [total + term for total, term in zip(totals or [0.0] * len(terms), terms)]
    assert structure is not None, "a batch has a sample"
    return structure.unflatten(totals)
