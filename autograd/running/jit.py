"""`jit`: run a function's program on an engine; what `vmap` and `scan` share with it.

A function is traced on its first call for a structure of arguments, and the compiled program is kept,
by the function's identity and for as long as the function lives. Called with Values, or while another
function is being traced, the three run the function on those Values, unrolled: the outermost is the
fast one, and every nesting is right.
"""

from __future__ import annotations

import functools
import importlib.util
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from autograd.engines import Compiled, compiled, engine_names
from autograd.graph import context
from autograd.graph.anomaly import is_hunted
from autograd.graph.nodes import numbers
from autograd.graph.trees import Structure, flatten
from autograd.programs.births import raise_birth
from autograd.programs.program import Program, trace

__all__ = ["Ready", "checked_engine", "choose_engine", "jit", "prepare", "records"]

LONGEST_FOR_LLVM = 20_000  # instructions; beyond, compiling takes longer than it saves


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


class Ready(NamedTuple):
    """A program and the engine that runs it."""

    program: Program
    engine: str
    run: Compiled


# By function; then by the structure of arguments and by use; then by the engine that was asked for.
_kept: WeakKeyDictionary[Callable[..., Any], dict[Any, dict[str, Ready]]] = WeakKeyDictionary()
_keeping = threading.Lock()


def prepare(
    f: Callable[..., Any], key: Any, engine: str, use: str, call: Callable[..., Any], example: Sequence[Any]
) -> Ready | None:
    """The program of a function for a structure of arguments, traced once and compiled once an engine.

    None where the function closes over what it is being differentiated by: that call must be recorded.
    """
    try:
        with _keeping:
            engines = _kept.setdefault(f, {}).setdefault((key, use), {})
    except TypeError:  # what has no weak references is traced anew by each wrapper
        engines = {}
    ready = engines.get(engine)
    if ready is None:
        others = list(engines.values())
        program = others[0].program if others else trace(call, *example)
        if closes_over_variables(program):
            return None
        chosen = choose_engine(program, use) if engine == "auto" else engine
        ready = engines[engine] = Ready(program, chosen, compiled(program.code, chosen))
    return None if closes_over_variables(ready.program) else ready


def closes_over_variables(program: Program) -> bool:
    return bool(program.captured) and not context.current().variables.isdisjoint(program.captured)


def checked_engine(engine: str, *others: str) -> str:
    """Return an engine's name, or one of the others that a function takes.

    Raises:
        ValueError: there is no such engine.
    """
    if engine not in ("auto", *others, *engine_names()):
        names = ", ".join((*others, *engine_names()))
        raise ValueError(f"engine must be 'auto' or one of {names}, got {engine!r}")
    return engine


def records(scalars: Sequence[Any]) -> bool:
    """Whether a call is to be recorded instead of run."""
    if context.active and context.current().tracing:
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
        self._engine = checked_engine(engine)
        self._static = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
        self._own: dict[Any, Ready] = {}
        functools.update_wrapper(self, f, updated=())

    def __call__(self, *args: Any) -> Any:
        scalars, structure, static = self._split(args)
        ready = None if records(scalars) else self._ready(scalars, structure, static)
        if ready is None:
            return self._f(*args)
        program, _, run = ready
        if program.captured:
            scalars = scalars + numbers(program.captured)
        results = run.call(scalars)
        if is_hunted(results):
            raise_birth(program.code, scalars)
        return program.results.unflatten(results)

    def program(self, *args: Any) -> Program:
        """The program for such arguments."""
        return self._kept(args).program

    def source(self, *args: Any) -> str:
        """That program as Python source."""
        return self.program(*args).source

    def engine(self, *args: Any) -> str:
        """The name of the engine that runs it."""
        return self._kept(args).engine

    def _kept(self, args: tuple[Any, ...]) -> Ready:
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

    def _ready(self, scalars: list[Any], structure: Structure, static: tuple[Any, ...]) -> Ready | None:
        try:
            found = self._own.get((structure, static))
        except TypeError:
            given = [arg for _, arg in static]
            raise TypeError(f"static arguments must be hashable, got {given!r}") from None
        if found is None or closes_over_variables(found.program):
            found = self._traced(scalars, structure, static)
            if found is not None:
                self._own[structure, static] = found
        return found

    def _traced(self, scalars: list[Any], structure: Structure, static: tuple[Any, ...]) -> Ready | None:
        example = structure.unflatten(numbers(scalars))
        if not static:
            return prepare(self._f, structure, self._engine, "call", self._f, example)

        def call(*numbers: Any) -> Any:
            args = list(numbers)
            for place, arg in static:
                args.insert(place, arg)
            return self._f(*args)

        return prepare(self._f, (structure, static), self._engine, "call", call, example)

    def __repr__(self) -> str:
        return f"jit({self._f!r}, engine={self._engine!r})"
