"""`jit`: run a function's program on an engine; what `vmap` and `scan` share with it.

A jitted function is traced on its first call for a structure of arguments, and its program is kept. `vmap`
and `scan` trace at each call, and find compiled code by what it says: see `autograd.running.store`. Called
with Values, or while another function is being traced, a `scan` is recorded as one operation; the other two
run the function on those Values, unrolled: every nesting is right.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autograd.engines import Compiled, engine_names
from autograd.engines.machine.limits import may_compile
from autograd.graph import context
from autograd.graph.anomaly import is_hunted
from autograd.graph.nodes import numbers
from autograd.graph.trees import Structure, flatten
from autograd.programs.births import raise_birth
from autograd.programs.code import Code
from autograd.programs.program import Program, trace
from autograd.running.store import MOST_BYTES, Bounded, estimated_bytes, found_or_compiled, lifted
from autograd.support.user_line import warn_user

__all__ = [
    "Ready",
    "Traces",
    "checked_engine",
    "choose_engine",
    "jit",
    "made_ready",
    "prepare",
    "records",
    "traces",
    "warn_of_recording",
]

LONGEST_FOR_LLVM = 20_000  # instructions; beyond, compiling takes longer than it saves


def choose_engine(program: Program | Code, use: str) -> str:
    """What ``engine="auto"`` means.

    Args:
        program: what is to be run.
        use: "call", "map" or "scan".

    Returns:
        With llvmlite installed "llvm", and "interpreter" for more than 20,000 instructions, which
        would take long to compile. Without it, and where the process cannot compile, "numpy" to map and
        "python" otherwise.
    """
    compiled = min(len(program), LONGEST_FOR_LLVM)
    if importlib.util.find_spec("llvmlite") is not None and may_compile(compiled):
        return "llvm" if len(program) <= LONGEST_FOR_LLVM else "interpreter"
    return "numpy" if use == "map" else "python"


class Ready(NamedTuple):
    """A program and the engine that runs it.

    Attributes:
        program: the program.
        engine: the engine's name.
        run: the program compiled. Where its constants are lifted, they are inputs after the others.
        constants: those inputs; none where the constants are compiled into the code.
    """

    program: Program
    engine: str
    run: Compiled
    constants: tuple[float, ...]

    @property
    def shared(self) -> list[float]:
        """The inputs after those of the arguments: what is closed over, then the lifted constants."""
        return [*numbers(self.program.captured), *self.constants]


# Traced functions by what they were called with.
Traces = Bounded[Any, Ready]


def traces(most: float | None = None) -> Traces:
    """Where functions are kept that are to be traced once; beyond so many bytes the oldest are dropped."""
    most = MOST_BYTES if most is None else most
    return Bounded(most, lambda ready: estimated_bytes(ready.program.code, ready.engine))


def prepare(
    call: Callable[..., Any],
    example: Callable[[], Sequence[Any]],
    engine: str,
    use: str,
    *,
    lift: bool = True,
    kept: Traces | None = None,
    key: Any = None,
) -> Ready | None:
    """Trace a function, and compile its program or find it compiled.

    Args:
        call: the function.
        example: makes arguments of the structure that the program is for.
        engine: the engine's name, or "auto".
        use: what the program is for: see `choose_engine`.
        lift: whether its constants become inputs of what is compiled.
        kept: where to look for it first, and to keep it.
        key: what it is kept under.

    Returns:
        None where the function closes over what it is being differentiated by: that call must be recorded.
    """
    ready = None if kept is None else kept.get(key)
    if ready is None:
        program = trace(call, *example())
        if closes_over_variables(program):
            return None
        ready = made_ready(program, engine, use, lift=lift)
        if kept is not None:
            ready = kept.keep(key, ready)
    return None if closes_over_variables(ready.program) else ready


def made_ready(program: Program, engine: str, use: str, *, lift: bool) -> Ready:
    """A program, compiled or found compiled: see `prepare`."""
    chosen = choose_engine(program, use) if engine == "auto" else engine
    run = found_or_compiled(program.code, chosen, lift=lift)
    return Ready(program, chosen, run, lifted(program.code) if lift else ())


def closes_over_variables(program: Program) -> bool:
    return bool(program.captured) and not context.variables.isdisjoint(program.captured)


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


def warn_of_recording(call: str, compiled_form: str) -> bool:
    """Warn that a call records what it was meant to compile, unless a transform or a trace is what it is in.

    Args:
        call: what is called with Values ``w``, as one writes it.
        compiled_form: how to write it so that it runs compiled.

    Returns:
        Whether it warned.
    """
    if context.current().tracing or context.variables:  # of whichever thread: this may be its worker
        return False
    warn_user(
        f"{call} with Values in its arguments records every operation and runs nothing compiled, which is "
        f"slower than without it. {compiled_form} runs compiled: Values that the function closes over are "
        "inputs, read anew at each call. Results are plain numbers: for a gradient call value_and_grad inside"
    )
    return True


class jit:  # noqa: N801  it is called like a function
    """A function that runs as a compiled program, frozen as it was when it was traced.

    The function is traced on its first call for a structure of arguments. Plain numbers, flags and arrays
    that it closes over keep what they were then, as in JAX; `jit` it anew to have them read again. Values
    that it closes over are read at each call, and nothing but `jit` freezes. Values among the arguments are
    not what compiled code takes: such a call records, and says so once; the gradient by a model's Values
    runs compiled as ``jit(lambda x: value_and_grad(loss)(model, x))``.

    >>> rate = 2.0
    >>> fast = jit(lambda x: rate * x, engine="python")
    >>> fast(1.0)
    2.0
    >>> rate = 3.0
    >>> fast(1.0), jit(lambda x: rate * x, engine="python")(1.0)
    (2.0, 3.0)

    What it was traced for is kept up to about 256 MiB, and the oldest dropped. ``jit(vmap(f))`` runs a batch
    as `vmap` does, without tracing at each call: for whoever loops over a large formula. What it shows is
    the program for one sample.

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
        self._traces = traces()
        self._has_warned = False
        # What can be frozen in a better way than by tracing a call of it, as a `vmap` can.
        self._frozen = f.frozen(engine) if hasattr(f, "frozen") and not self._static else None
        functools.update_wrapper(self, f, updated=())

    def __call__(self, *args: Any) -> Any:
        if self._frozen is not None:
            return self._frozen(*args)
        scalars, structure, static = self._split(args)
        ready = None if records(scalars) else self._ready(scalars, structure, static)
        if ready is None:
            self._has_warned = self._has_warned or warn_of_recording(
                "jit(f)(w, x)", "jit(lambda x: f(w, x))(x)"
            )
            return self._f(*args)
        program, _, run, _ = ready
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
        ready = self._ready(*self._split(args)) if self._frozen is None else self._frozen.ready(*args)
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
        key = structure, static
        try:
            ready = self._traces.get(key)
        except TypeError:
            settings = [arg for _, arg in static]
            raise TypeError(f"static arguments must be hashable, got {settings!r}") from None
        if ready is not None:
            return None if closes_over_variables(ready.program) else ready

        def call(*numbers: Any) -> Any:
            args = list(numbers)
            for place, arg in static:
                args.insert(place, arg)
            return self._f(*args)

        return prepare(
            call if static else self._f,
            lambda: structure.unflatten(numbers(scalars)),
            self._engine,
            "call",
            lift=False,
            kept=self._traces,
            key=key,
        )

    def __repr__(self) -> str:
        return f"jit({self._f!r}, engine={self._engine!r})"
