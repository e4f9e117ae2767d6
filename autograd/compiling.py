"""`jit`, `vmap` and `scan`: run a function's program on an engine, once, over a batch, or in sequence.

Each traces the function on its first call for a structure of arguments and keeps the compiled program,
by the function's identity and for as long as the function lives. Called with Values, or while another
function is being traced, they run the function on those Values, unrolled: the outermost is the fast
one, and every nesting is right.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from autograd import watching
from autograd.engines import Compiled, compiled, engine_names
from autograd.ieee import described
from autograd.program import Program
from autograd.tracing import trace
from autograd.trees import Structure, arranged, array_of, flatten
from autograd.value import Value
from autograd.watching import watch

__all__ = ["choose_engine", "jit", "scan", "vmap"]

LONGEST_FOR_LLVM = 20_000  # instructions; beyond, compiling takes longer than it saves
LONGEST_UNROLLED = 10_000  # instructions; beyond, an unrolled loop is worth a warning
_BLOCK = 1 << 20  # samples that are converted to float64 at a time


def choose_engine(program: Program, use: str) -> str:
    """What ``engine="auto"`` means.

    Args:
        program: what is to be run.
        use: "call", "map" or "scan".

    Returns:
        With llvmlite installed "llvm", and "interpreter" for more than 20,000 instructions, which
        would take long to compile. Without it, "numpy" to map and "python" otherwise.
    """
    if importlib.util.find_spec("llvmlite") is not None:
        return "llvm" if len(program) <= LONGEST_FOR_LLVM else "interpreter"
    return "numpy" if use == "map" else "python"


class _Ready(NamedTuple):
    """A program and the engine that runs it."""

    program: Program
    engine: str
    run: Compiled


_kept: WeakKeyDictionary[Callable[..., Any], dict[Any, _Ready]] = WeakKeyDictionary()
_keeping = threading.Lock()


def _ready(
    f: Callable[..., Any], key: Any, engine: str, use: str, call: Callable[..., Any], example: Sequence[Any]
) -> _Ready | None:
    """The program of a function for a structure of arguments; traced and compiled where it is not kept.

    None where the function closes over what it is being differentiated by: that call must be recorded.
    """
    try:
        with _keeping:
            programs = _kept.setdefault(f, {})
    except TypeError:  # what has no weak references is traced anew by each wrapper
        programs = {}
    found = programs.get((key, engine, use))
    if found is None:
        program = trace(call, *example)
        if _closes_over_variables(program):
            return None
        chosen = choose_engine(program, use) if engine == "auto" else engine
        found = programs[key, engine, use] = _Ready(program, chosen, compiled(program, chosen))
    return None if _closes_over_variables(found.program) else found


def _closes_over_variables(program: Program) -> bool:
    return bool(program.captured) and not watching.variables.get().isdisjoint(program.captured)


def _checked_engine(engine: str) -> str:
    if engine not in ("auto", *engine_names()):
        raise ValueError(f"engine must be 'auto' or one of {', '.join(engine_names())}, got {engine!r}")
    return engine


def _records(scalars: Sequence[Any]) -> bool:
    """Whether a call is to be recorded instead of run."""
    if watching.traces and watching.in_trace.get():
        return True
    return not {float}.issuperset(map(type, scalars))


class jit:  # noqa: N801  it is called like a function
    """A function that runs as a compiled program.

    Args:
        f: a function of numbers in any structure that returns numbers in any structure: see `trace`
            for what it may do.
        engine: "auto" (see `choose_engine`), "python", "numpy", "llvm" or "interpreter".
        static_argnums: which arguments are no numbers, but settings: hashable, and for each of their
            values the function is traced anew.

    Raises:
        ValueError: there is no such engine.
        ModuleNotFoundError: (when called) the engine needs a package that is not installed.

    >>> square = jit(lambda x: x * x, engine="python")
    >>> square(3.0)
    9.0
    >>> square.engine(3.0), len(square.program(3.0))
    ('python', 1)
    """

    def __init__(
        self, f: Callable[..., Any], engine: str = "auto", static_argnums: int | Sequence[int] = ()
    ) -> None:
        self._f = f
        self._engine = _checked_engine(engine)
        self._static = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
        self._own: dict[Any, _Ready] = {}
        functools.update_wrapper(self, f, updated=())

    def __call__(self, *args: Any) -> Any:
        scalars, structure, static = self._split(args)
        ready = None if _records(scalars) else self._ready(scalars, structure, static)
        if ready is None:
            return self._f(*args)
        program, _, run = ready
        if program.captured:
            scalars = scalars + [one._data for one in program.captured]
        return program.results.unflatten(run.call(scalars))

    def program(self, *args: Any) -> Program:
        """The program for such arguments."""
        return self._kept(args).program

    def source(self, *args: Any) -> str:
        """That program as Python source."""
        return self.program(*args).source

    def engine(self, *args: Any) -> str:
        """The name of the engine that runs it."""
        return self._kept(args).engine

    def _kept(self, args: tuple[Any, ...]) -> _Ready:
        ready = self._ready(*self._split(args))
        if ready is None:
            raise TypeError("there is no program while the function is differentiated by what it closes over")
        return ready

    def _split(self, args: tuple[Any, ...]) -> tuple[list[Any], Structure, tuple[Any, ...]]:
        if not self._static:
            scalars, structure = flatten(args, "an argument of a jitted function")
            return scalars, structure, ()
        places = {place % len(args) for place in self._static if -len(args) <= place < len(args)}
        scalars, structure = flatten(
            tuple(arg for i, arg in enumerate(args) if i not in places),
            "an argument of a jitted function that is not static",
        )
        return scalars, structure, tuple((i, args[i]) for i in sorted(places))

    def _ready(self, scalars: list[Any], structure: Structure, static: tuple[Any, ...]) -> _Ready | None:
        try:
            found = self._own.get((structure, static))
        except TypeError:
            given = [arg for _, arg in static]
            raise TypeError(f"static arguments must be hashable, got {given!r}") from None
        if found is None or _closes_over_variables(found.program):
            found = self._traced(scalars, structure, static)
            if found is not None:
                self._own[structure, static] = found
        return found

    def _traced(self, scalars: list[Any], structure: Structure, static: tuple[Any, ...]) -> _Ready | None:
        example = structure.unflatten([one._data if isinstance(one, Value) else one for one in scalars])
        if not static:
            return _ready(self._f, structure, self._engine, "call", self._f, example)

        def call(*numbers: Any) -> Any:
            args = list(numbers)
            for place, arg in static:
                args.insert(place, arg)
            return self._f(*args)

        return _ready(self._f, (structure, static), self._engine, "call", call, example)

    def __repr__(self) -> str:
        return f"jit({self._f!r}, engine={self._engine!r})"


def vmap(
    f: Callable[..., Any],
    in_axes: int | Sequence[int | None] | None = 0,
    reduce: str | None = None,
    engine: str = "auto",
) -> Callable[..., Any]:
    """The function that applies ``f``, a formula for one sample, to a batch.

    Args:
        f: a function of one sample: numbers in any structure to numbers in any structure.
        in_axes: for each argument the axis of its arrays that counts the samples, or None for an
            argument that all samples share; one number stands for all arguments. What remains of an
            array reaches ``f`` as an array of scalars.
        reduce: None for the results of every sample, "sum" or "mean" for theirs over the batch; the
            memory used then does not grow with the batch.
        engine: as for `jit`.

    Returns:
        A function of the same arguments. Each scalar that ``f`` returns becomes an array over the
        samples (first axis), or with ``reduce`` a float. The result does not depend on the number of
        cores.

    Raises:
        ValueError: ``reduce`` or the engine is unknown; (when called) arrays differ in the number of
            samples, none is mapped, or an axis is out of range.
        TypeError: (when called) an argument to be mapped is a bare number.

    >>> vmap(lambda w, x: w * x, in_axes=(None, 0), engine="numpy")(2.0, np.array([1.0, 2.0]))
    array([2., 4.])
    """
    if reduce not in (None, "sum", "mean"):
        raise ValueError(f"reduce must be None, 'sum' or 'mean', got {reduce!r}")
    _checked_engine(engine)

    def mapped(*args: Any) -> Any:
        batch = _Batch(args, in_axes)
        ready = None
        if not batch.records:
            ready = _ready(f, batch.structures, engine, "map", f, batch.sample(0 if batch.count else None))
        if ready is None:
            return _unrolled_map(f, batch, reduce)
        program = ready.program
        shared = [one._data for one in program.captured]
        results = _run_in_blocks(ready.run, [*batch.columns, *shared], batch.count, reduce)
        if reduce is not None:
            return program.results.unflatten(results)
        return _stacked(program.results, results, batch.count)

    functools.update_wrapper(mapped, f, updated=())
    return mapped


class _Batch:
    """The arguments of a mapped function, taken apart into one column for each scalar of a sample."""

    def __init__(self, args: tuple[Any, ...], in_axes: int | Sequence[int | None] | None) -> None:
        axes = [in_axes] * len(args) if in_axes is None or isinstance(in_axes, int) else list(in_axes)
        if len(axes) != len(args):
            raise ValueError(f"in_axes must have one entry an argument ({len(args)}), got {len(axes)}")
        self.columns: list[Any] = []
        structures = []
        counts: dict[int, str] = {}
        for place, (arg, axis) in enumerate(zip(args, axes)):
            if axis is None:
                scalars, structure = flatten(arg, f"argument {place}")
                self.columns += scalars
            else:
                arrays, outer = _arrays_of(arg, place)
                moved = [_samples_first(array, axis, place) for array in arrays]
                counts.update({array.shape[0]: f"argument {place}" for array in moved})
                columns, structure = _columns_of(moved, outer)
                self.columns += columns
            structures.append(structure)
        if not counts:
            raise ValueError("vmap needs at least one mapped argument: in_axes names none")
        if len(counts) > 1:
            found = ", ".join(f"{count} in {where}" for count, where in counts.items())
            raise ValueError(f"the mapped arrays must have the same number of samples, got {found}")
        (self.count,) = counts
        self.structures = tuple(structures)

    @property
    def records(self) -> bool:
        """Whether there are Values among the arguments, or a trace is on."""
        return _records([one for one in self.columns if not isinstance(one, np.ndarray)]) or any(
            column.dtype.kind == "O" for column in self.columns if isinstance(column, np.ndarray)
        )

    def sample(self, i: int | None) -> list[Any]:
        """The arguments of one sample; of zeros where there is none."""
        scalars = [
            one if not isinstance(one, np.ndarray) else 0.0 if i is None else _plain(one[i])
            for one in self.columns
        ]
        return arranged(self.structures, scalars)


def _plain(number: Any) -> Any:
    return number if isinstance(number, Value) else float(number)


def _arrays_of(arg: Any, place: int) -> tuple[list[Any], Structure]:
    """The arrays of an argument to be mapped; their elements are left where they are."""
    arrays, outer = Structure.of_arrays(arg)
    for array in arrays:
        if not isinstance(array, np.ndarray) or array.ndim == 0:
            raise TypeError(
                f"argument {place} is to be mapped and must be made of arrays, got {described(array)}: "
                "give it the in_axes entry None to share it among all samples"
            )
        if array.dtype.kind not in "fbiuO":
            raise TypeError(f"argument {place} must hold real numbers, got an array of {array.dtype}")
    return arrays, outer


def _columns_of(arrays: Sequence[np.ndarray], outer: Structure) -> tuple[list[np.ndarray], Structure]:
    """One column (a view) for each scalar of one entry along the first axis, and that entry's structure."""
    columns = [array[(slice(None), *at)] for array in arrays for at in np.ndindex(array.shape[1:])]
    return columns, outer.with_shapes([array.shape[1:] or None for array in arrays])


def _samples_first(array: np.ndarray, axis: int, place: int) -> np.ndarray:
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(
            f"in_axes names axis {axis} of argument {place}, whose array has shape {array.shape}"
        )
    return np.moveaxis(array, axis, 0)


def _run_in_blocks(run: Compiled, columns: Sequence[Any], count: int, reduce: str | None) -> list[Any]:
    """Run a batch, converting what is not float64 block by block."""
    if all(not isinstance(one, np.ndarray) or one.dtype == np.float64 for one in columns):
        return run.map(columns, count, reduce)
    parts = []
    for start in range(0, max(count, 1), _BLOCK):
        block = [
            one[start : start + _BLOCK].astype(np.float64) if isinstance(one, np.ndarray) else one
            for one in columns
        ]
        size = min(_BLOCK, count - start)
        parts.append(run.map(block, size, None if reduce is None else "sum"))
    if reduce is None:
        return [np.concatenate(pieces) for pieces in zip(*parts)]
    totals = [math.fsum(pieces) for pieces in zip(*parts)]
    return [total / count if count else math.nan for total in totals] if reduce == "mean" else totals


def _stacked(results: Structure, columns: Sequence[Any], count: int) -> Any:
    """Columns of results in the structure of one sample's, samples first."""
    parts = []
    at = 0
    for shape in results.shapes:
        size = 1 if shape is None else math.prod(shape)
        block = columns[at : at + size]
        at += size
        if shape is None:
            parts.append(block[0])
        else:
            parts.append(
                np.stack(block, axis=1).reshape(count, *shape) if size else np.empty((count, *shape))
            )
    return results.nest(parts)


class _Counter:
    """Counts the operations of a loop's first turn, to warn of what unrolling will make of it."""

    def __init__(self) -> None:
        self.operations = 0

    def recorded(self, _: Value) -> None:
        """One more."""
        self.operations += 1

    def propagated(self, _: Value, received: Any) -> None:
        """Nothing is made."""


def _turns(count: int, what: str, turn: Callable[[int], Any]) -> list[Any]:
    """Run a loop on Values, and warn before it grows too long."""
    if not count:
        return []
    counter = _Counter()
    with watch(counter):
        results = [turn(0)]
    if counter.operations * count > LONGEST_UNROLLED:
        warnings.warn(
            f"a {what} of {count} turns inside a recorded function is unrolled into "
            f"{counter.operations * count} operations: turn it inside out, so that the {what} is the "
            "outermost and what it is in comes into its function (an epoch of training is one scan of a "
            "step that calls value_and_grad)",
            stacklevel=4,
        )
    return results + [turn(i) for i in range(1, count)]


def _unrolled_map(f: Callable[..., Any], batch: _Batch, reduce: str | None) -> Any:
    rows = [
        flatten(result, "the result") for result in _turns(batch.count, "vmap", lambda i: f(*batch.sample(i)))
    ]
    if not rows:
        raise ValueError("a vmap over Values needs at least one sample")
    structure = rows[0][1]
    if reduce is None:
        columns = [
            array_of(list(column), (batch.count,)) for column in zip(*(scalars for scalars, _ in rows))
        ]
        return _stacked(structure, columns, batch.count)
    totals = [sum(column[1:], column[0]) for column in zip(*(scalars for scalars, _ in rows))]
    return structure.unflatten([total / batch.count for total in totals] if reduce == "mean" else totals)


def scan(
    step: Callable[..., Any], carry: Any, xs: Any, engine: str = "auto", *, length: int | None = None
) -> tuple[Any, Any]:
    """Run a sequential loop inside an engine: ``carry, y = step(carry, x)`` for each x in turn.

    Args:
        step: a function ``(carry, x) -> (carry, y)``; the carry keeps its structure.
        carry: the first carry: numbers in any structure.
        xs: arrays in any structure, whose first axis is time; None with ``length`` where the step
            needs no x.
        engine: as for `jit`.
        length: the number of steps, where xs does not tell.

    Returns:
        The last carry, and the ys stacked along a new first axis.

    Raises:
        ValueError: the arrays differ in length, or there is none and no ``length``.
        TypeError: the step does not return a pair, or a carry of another structure.

    >>> scan(lambda total, x: (total + x, total), 0.0, np.array([1.0, 2.0, 3.0]), engine="python")
    (6.0, array([0., 1., 3.]))
    """
    _checked_engine(engine)
    start, carried = flatten(carry, "the carry")
    arrays, outer = _arrays_of(xs, 1)
    counts = {array.shape[0] for array in arrays} | (set() if length is None else {length})
    if len(counts) != 1:
        raise ValueError(
            f"xs must be arrays of one length, or None with a length given, got lengths {sorted(counts)}"
        )
    (count,) = counts
    columns, each = _columns_of(arrays, outer)
    ready = None
    if not _records(start) and all(column.dtype.kind != "O" for column in columns):
        first = each.unflatten([float(column[0]) if count else 0.0 for column in columns])
        checked = functools.partial(_step_checked, step, carried)
        ready = _ready(step, (carried, each), engine, "scan", checked, [carried.unflatten(start), first])
    if ready is None:
        return _unrolled_scan(step, carry, carried, columns, each, count)
    program = ready.program
    shared = [one._data for one in program.captured]
    last, ys = ready.run.scan(start, [column.astype(float, copy=False) for column in columns], shared, count)
    collected = program.results.child(1)
    return carried.unflatten(last), _stacked(collected, ys, count)


def _step_checked(step: Callable[..., Any], carried: Structure, carry: Any, x: Any) -> tuple[Any, Any]:
    result = step(carry, x)
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"the step must return a pair (carry, y), got {described(result)}")
    _, structure = flatten(result[0], "the carry that the step returns")
    if structure != carried:
        raise TypeError(f"the step must return a carry of the structure {carried}, got {structure}")
    return result


def _unrolled_scan(
    step: Callable[..., Any],
    carry: Any,
    carried: Structure,
    columns: Sequence[np.ndarray],
    each: Structure,
    count: int,
) -> tuple[Any, Any]:
    state = carry

    def turn(i: int) -> Any:
        nonlocal state
        x = each.unflatten([_plain(column[i]) for column in columns])
        state, y = _step_checked(step, carried, state, x)
        return flatten(y, "the y that the step returns")

    rows = _turns(count, "scan", turn)
    if not rows:
        return state, None
    stacked = [array_of(list(column), (count,)) for column in zip(*(scalars for scalars, _ in rows))]
    return state, _stacked(rows[0][1], stacked, count)
