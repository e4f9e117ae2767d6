"""`vmap`: a formula for one sample, run over a batch, on all cores."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any

import numpy as np

from autograd.engines import Compiled
from autograd.graph.anomaly import is_hunted
from autograd.graph.trees import arranged, array_of, flatten
from autograd.programs.births import raise_birth
from autograd.programs.program import Program
from autograd.running.columns import arrays_of, columns_of, plain, samples_first, stacked, turns
from autograd.running.jit import (
    Ready,
    Traces,
    checked_engine,
    prepare,
    traces,
)
from autograd.running.recording import records, warn_of_recording
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
        samples, or with ``reduce`` a float. The result does not depend on the number of
        cores.

    Raises:
        ValueError: ``reduce`` or the engine is unknown, or ``reduce`` leaves no axis for ``out_axes`` to
            place; (when called) arrays differ in the number of samples, none is mapped, or an axis is
            out of range.
        TypeError: (when called) an argument to be mapped is a bare number.

    >>> vmap(lambda w, x: w * x, in_axes=(None, 0), engine="numpy")(2.0, np.array([1.0, 2.0]))
    array([2., 4.])
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
        self._has_warned = False

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
            self._has_warned = self._has_warned or warn_of_recording(
                "vmap(f)(w, xs)", "vmap(lambda x: f(w, x))(xs)"
            )
            return _unrolled_map(self._f, batch, reduce, self._out_axes)
        program = ready.program
        columns = [*batch.columns, *ready.shared]
        results = _run_in_blocks(ready.run, columns, batch.count, reduce)
        if is_hunted(*(results if reduce is None else [results])):
            _hunt(program, columns[: len(program.inputs)], batch.count, None if reduce else results)
        if reduce is not None:
            return program.results.unflatten(results)
        return stacked(program.results, results, batch.count, self._out_axes)

    def ready(self, /, *args: Any, **kwargs: Any) -> Ready | None:
        """The program for one sample of such arguments, made ready; None where there is none."""
        return self._ready(_Batch(args, kwargs, self._in_axes))

    def frozen(self, engine: str) -> Mapped:
        """The same, traced once for a structure of arguments; on another engine unless that is "auto"."""
        engine = self._engine if engine == "auto" else engine
        kept = self._kept if self._kept is not None else traces()
        return Mapped(self._f, self._in_axes, self._reduce, engine, self._out_axes, kept)

    def _ready(self, batch: _Batch) -> Ready | None:
        return prepare(
            self._f,
            lambda: batch.sample(0 if batch.count else None),
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
                counts.update({array.shape[0]: name for array in moved})
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

    @property
    def records(self) -> bool:
        """Whether there are Values among the arguments, or a trace is on."""
        return records([column for column in self.columns if not isinstance(column, np.ndarray)]) or any(
            column.dtype.kind == "O" for column in self.columns if isinstance(column, np.ndarray)
        )

    def sample(self, i: int | None) -> list[Any]:
        """The arguments of one sample, of zeros where there is none; those by keyword in a dict, the last."""
        scalars = [
            column if not isinstance(column, np.ndarray) else 0.0 if i is None else plain(column[i])
            for column in self.columns
        ]
        args = arranged(self.structures, scalars)
        if not self.names:
            return args
        positional = len(args) - len(self.names)
        return [*args[:positional], dict(zip(self.names, args[positional:]))]

    def call(self, f: Callable[..., Any], i: int) -> Any:
        """A function's result for one sample."""
        args = self.sample(i)
        return f(*args[:-1], **args[-1]) if self.names else f(*args)


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


def _hunt(program: Program, columns: Sequence[Any], count: int, results: Sequence[Any] | None) -> None:
    """Repeat samples one by one, and raise where what is not finite is born; all, where they are added up."""
    suspects = range(count) if results is None else np.flatnonzero(~np.isfinite(results).all(axis=0)).tolist()
    totals = [0.0] * len(program.code.outputs)
    for i in suspects:
        inputs = [float(column[i]) if isinstance(column, np.ndarray) else column for column in columns]
        outputs = raise_birth(program.code, inputs, f", sample {i}")
        for j, (total, result) in enumerate(zip(totals, outputs)):
            totals[j] = total + result
            if results is None and math.isinf(totals[j]) and math.isfinite(total) and math.isfinite(result):
                raise FloatingPointError(
                    f"the results of {program.name} add up to {totals[j]}, with {result} of sample {i}"
                )


def _unrolled_map(f: Callable[..., Any], batch: _Batch, reduce: str | None, out_axes: Any) -> Any:
    rows = [
        flatten(result, "the result") for result in turns(batch.count, "vmap", lambda i: batch.call(f, i))
    ]
    if not rows:
        raise ValueError("a vmap over Values needs at least one sample")
    structure = rows[0][1]
    if reduce is None:
        columns = [
            array_of(list(column), (batch.count,)) for column in zip(*(scalars for scalars, _ in rows))
        ]
        return stacked(structure, columns, batch.count, out_axes)
    totals = [functools.reduce(operator.add, column) for column in zip(*(scalars for scalars, _ in rows))]
    return structure.unflatten([total / batch.count for total in totals] if reduce == "mean" else totals)
