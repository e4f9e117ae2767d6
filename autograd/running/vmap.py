"""`vmap`: a formula for one sample, run over a batch, on all cores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any

import numpy as np

from autograd.engines import Compiled
from autograd.graph.anomaly import is_hunted
from autograd.graph.context import entered
from autograd.graph.nodes import is_node, number
from autograd.graph.trees import arranged, flatten
from autograd.graph.value import Value
from autograd.primitives import table
from autograd.programs.arrays.elementwise import count_of
from autograd.programs.loops.loop_rules import results_of
from autograd.programs.loops.mapping import Map
from autograd.programs.program import Program
from autograd.programs.tracing import record_step
from autograd.running.columns import arrays_of, columns_of, samples_first, shape_of, stacked, whole_column
from autograd.running.jit import Ready, Traces, checked_engine, prepare, reaches, traces
from autograd.running.recording import records
from autograd.support.wrapping import Wrapper

__all__ = ["vmap"]

_BLOCK = 1 << 20  # samples that are converted to float64 at a time


def vmap(
    f: Callable[..., Any],
    in_axes: int | Sequence[int | None] | None = 0,
    reduce: str | None = None,
    engine: str = "auto",
    out_axes: Any = 0,
) -> Callable[..., Any]:
    """The function that applies ``f``, a formula for one sample, to a batch.

    ``f`` is traced at each call, so that what it closes over is read anew each time. Formulas that differ
    only in their constants share compiled code. To call a large formula that does not change in a loop, write
    ``jit(vmap(f))``, which traces once.

    Called with Values, or in a function that is traced or differentiated, the batch is one operation, and so
    are its derivatives: ``grad`` of a mean over a ``vmap`` is a batch of gradients, compiled, on all cores.

    Args:
        f: a function of one sample: numbers in any structure to numbers in any structure.
        in_axes: for each argument the axis of its arrays that counts the samples, or None for an
            argument that all samples share; one number stands for all arguments. What remains of an
            array reaches ``f`` as an array of scalars. Keyword arguments are mapped along axis 0. On a method
            the instance is shared; where ``in_axes`` is a sequence its first entry is the instance's.
        reduce: None for the results of every sample, "sum" or "mean" for theirs over the batch; the
            memory used then does not grow with the batch.
        engine: as for `jit`.
        out_axes: where the axis of the samples stands in the results; one number for all of them, or
            one in each place of a structure that the result's begins with, as in JAX.

    Returns:
        A function of the same arguments. Each scalar that ``f`` returns becomes an array over the
        samples, or with ``reduce`` a float; of Values an `Array`, or a Value. Values that ``f`` closes over
        are read anew at each call, as numbers where all arguments are: `backward` from such results does not
        reach them, and one that it is to reach must be an argument. The result does not depend on the number
        of cores: sums are of partial sums over chunks of samples, which each engine chooses; inside of other
        loops, where there are more samples than in a chunk, they are added up one after the other.

    Raises:
        ValueError: ``reduce`` or the engine is unknown, or ``reduce`` leaves no axis for ``out_axes`` to
            place; (when called) arrays differ in the number of samples, none is mapped, or an axis is
            out of range.
        TypeError: (when called) an argument to be mapped is a bare number.

    >>> vmap(lambda w, x: w * x, in_axes=(None, 0), engine="numpy")(2.0, np.array([1.0, 2.0]))
    array([2., 4.])
    >>> from autograd import grad
    >>> loss = vmap(lambda w, x: (w * x - 1.0) ** 2, in_axes=(None, 0), reduce="mean")
    >>> grad(loss)(2.0, np.array([1.0, 2.0]))
    7.0
    """
    if reduce not in (None, "sum", "mean"):
        raise ValueError(f"reduce must be None, 'sum' or 'mean', got {reduce!r}")
    if reduce is not None and out_axes != 0:
        raise ValueError(f"out_axes must be 0 with reduce={reduce!r}, which leaves no axis, got {out_axes!r}")
    checked_engine(engine)
    return Mapped(f, in_axes, reduce, engine, out_axes)


class Mapped(Wrapper):
    """What `vmap` returns: see there.

    Args:
        f, in_axes, reduce, engine, out_axes: as for `vmap`.
        kept: where what is traced is kept and looked for; without it each call traces.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        in_axes: int | Sequence[int | None] | None,
        reduce: str | None,
        engine: str,
        out_axes: Any = 0,
        kept: Traces | None = None,
    ) -> None:
        super().__init__(f)
        self._in_axes = in_axes
        self._reduce = reduce
        self._engine = engine
        self._out_axes = out_axes
        self._kept = kept

    def made_of(self) -> tuple[Any, ...]:
        """The arguments that make the same once more."""
        return self._f, self._in_axes, self._reduce, self._engine, self._out_axes

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None or isinstance(self._f, staticmethod) or not hasattr(self._f, "__get__"):
            return self
        return self.bound(instance, self._kept)

    def bound(self, instance: Any, kept: Traces | None) -> Any:
        """The same of a method of an instance, which all samples share unless it is to be mapped itself."""
        axes = self._in_axes
        if not (isinstance(axes, int) or axes is None):
            if axes[0] is not None:
                return MethodType(self, instance)
            axes = axes[1:]
        method: Any = self._f
        return Mapped(method.__get__(instance), axes, self._reduce, self._engine, self._out_axes, kept)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        batch, reduce = _Batch(args, kwargs, self._in_axes), self._reduce
        ready = None if batch.records else self._ready(batch)
        if ready is None:
            return self._recorded(batch)
        program = ready.program
        columns = [*batch.columns, *ready.shared]
        results = _run_in_blocks(ready.run, columns, batch.count, reduce)
        if is_hunted(*(results if reduce is None else [results])):
            _as_map(program, batch, reduce).hunt([batch.count, *columns[: len(program.inputs)]])
        if reduce is not None:
            return program.results.unflatten(results)
        return stacked(program.results, results, batch.count, self._out_axes)

    def _recorded(self, batch: _Batch) -> Any:
        """The batch as one operation on Values, or on what is being traced."""
        program = self._program(batch)
        call = _as_map(program, batch, self._reduce, self._engine)
        columns = [whole_column(batch.columns[place]) for place in batch.mapped]
        count = count_of(next((column for column in columns if is_node(column)), columns[0]))
        operands = [*batch.columns, *program.captured]
        for place, column in zip(batch.mapped, columns):
            operands[place] = column
        results = list(results_of(call, [count, *operands])) if program.outputs else []
        if self._reduce is None:
            return stacked(program.results, results, batch.count, self._out_axes)
        if self._reduce == "mean":
            results = [table.div(total, count) for total in results]
        return program.results.unflatten(results)

    def _program(self, batch: _Batch) -> Program:
        """The program for one sample, of what is recorded."""
        ready = None if self._kept is None else self._ready(batch)
        if ready is not None:
            program, reached = ready.program, ready.reached
        else:
            args, keywords = batch.arguments(batch.example)
            told: set[Any] = set()
            with entered(reached=told):
                program, reached = Program(*record_step(self._f, *args, **keywords)), frozenset(told)
        if batch.count and reached and reaches(reached, batch.nodes()):
            args, keywords = batch.arguments(batch.first)
            self._f(*args, **keywords)  # with the Values themselves, which a transform in it may refuse
        return program

    def ready(self, /, *args: Any, **kwargs: Any) -> Ready | None:
        """The program for one sample of such arguments, made ready; None where there is none."""
        return self._ready(_Batch(args, kwargs, self._in_axes))

    def frozen(self, engine: str) -> Mapped:
        """The same, traced once for a structure of arguments; on another engine unless that is "auto"."""
        engine = self._engine if engine == "auto" else engine
        kept = self._kept if self._kept is not None else traces()
        return Mapped(self._f, self._in_axes, self._reduce, engine, self._out_axes, kept)

    def _ready(self, batch: _Batch) -> Ready | None:
        def example() -> list[Any]:
            args, keywords = batch.arguments(batch.example)
            return [*args, keywords] if keywords else args

        return prepare(
            self._f,
            example,
            self._engine,
            "map",
            kept=self._kept,
            key=(batch.structures, batch.names),
            by_name=bool(batch.names),
        )


# What to do where an argument is a bare number.
_SHARE = ": its in_axes entry None shares it among all samples"
_SHARE_BY_PLACE = f"{_SHARE}, where it is passed by position; keyword arguments are mapped along axis 0"


class _Batch:
    """The arguments of a mapped function, taken apart into one column for each scalar of a sample."""

    def __init__(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        in_axes: int | Sequence[int | None] | None,
    ) -> None:
        axes = [in_axes] * len(args) if in_axes is None or isinstance(in_axes, int) else list(in_axes)
        if len(axes) != len(args):
            raise ValueError(f"in_axes must have one entry an argument ({len(args)}), got {len(axes)}")
        self.columns: list[Any] = []
        structures = []
        counts: dict[int, str] = {}
        self.names = tuple(sorted(kwargs))
        called = [
            (f"argument {place}", arg, axis, _SHARE) for place, (arg, axis) in enumerate(zip(args, axes))
        ]
        called += [(f"argument {name!r}", kwargs[name], 0, _SHARE_BY_PLACE) for name in self.names]
        for name, arg, axis, share in called:
            if axis is None:
                scalars, structure = flatten(arg, name)
                self.columns += scalars
            else:
                arrays, outer = arrays_of(arg, name, share)
                moved = [samples_first(array, axis, name) for array in arrays]
                counts.update({shape_of(array)[0]: name for array in moved})
                columns, structure = columns_of(moved, outer)
                self.columns += columns
            structures.append(structure)
        if not counts:
            raise ValueError("vmap needs at least one mapped argument: in_axes names none")
        if len(counts) > 1:
            listed = ", ".join(f"{count} in {where}" for count, where in counts.items())
            raise ValueError(f"the mapped arrays must have the same number of samples, got {listed}")
        (self.count,) = counts
        self.structures = tuple(structures)
        self.mapped = [
            place for place, column in enumerate(self.columns) if not isinstance(column, (float, Value))
        ]

    @property
    def records(self) -> bool:
        """Whether there are Values among the arguments, or a trace is on."""
        shared = [column for column in self.columns if not isinstance(column, np.ndarray)]
        return records(shared) or any(self.columns[place].dtype.kind == "O" for place in self.mapped)

    def arguments(self, scalars: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of one sample by place and by name, of a scalar for each column."""
        args = arranged(self.structures, scalars)
        positional = len(args) - len(self.names)
        return args[:positional], dict(zip(self.names, args[positional:]))

    @property
    def example(self) -> list[Any]:
        """Scalars for a trace."""
        mapped = set(self.mapped)
        return [0.5 if place in mapped else number(column) for place, column in enumerate(self.columns)]

    @property
    def first(self) -> list[Any]:
        """The scalars of the first sample."""
        mapped = set(self.mapped)
        return [column[0] if place in mapped else column for place, column in enumerate(self.columns)]

    def nodes(self) -> list[Any]:
        """The Values and arrays of a graph among the arguments."""
        columns = [column if isinstance(column, np.ndarray) else [column] for column in self.columns]
        return [each for column in columns for each in column if is_node(each)]


def _as_map(program: Program, batch: _Batch, reduce: str | None, engine: str = "auto") -> Map:
    """The batch as an operation."""
    return Map(program.code, batch.mapped, 0 if reduce is None else len(program.outputs), engine)


def _run_in_blocks(run: Compiled, columns: Sequence[Any], count: int, reduce: str | None) -> list[Any]:
    """Run a batch, converting what is not float64 block by block."""
    if all(not isinstance(column, np.ndarray) or column.dtype == np.float64 for column in columns):
        return run.map(columns, count, reduce)
    parts = []
    for start in range(0, max(count, 1), _BLOCK):
        block = [
            column[start : start + _BLOCK].astype(np.float64) if isinstance(column, np.ndarray) else column
            for column in columns
        ]
        size = min(_BLOCK, count - start)
        parts.append(run.map(block, size, None if reduce is None else "sum"))
    if reduce is None:
        return [np.concatenate(pieces) for pieces in zip(*parts)]
    totals = [math.fsum(pieces) for pieces in zip(*parts)]
    return [total / count if count else math.nan for total in totals] if reduce == "mean" else totals
