"""`jit`: run a function's program on an engine; what `vmap` and `scan` share with it.

A jitted function is traced on its first call for a structure of arguments, and its program is kept. `vmap`
and `scan` trace at each call, and find compiled code by what it says: see `autograd.running.store`. Called
with Values, or while another function is being traced, each is recorded as one operation, whose derivatives
are operations of the same kind: every nesting is right, and compiled.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence, Set
from typing import Any, NamedTuple

import numpy as np

from autograd.engines import Compiled, engine_names
from autograd.engines.machine.limits import may_compile
from autograd.graph import context
from autograd.graph.anomaly import is_hunted
from autograd.graph.context import entered
from autograd.graph.nodes import is_leaf, is_node, numbers, operands, operation
from autograd.graph.trees import Structure, flatten
from autograd.programs.births import raise_birth
from autograd.programs.code import Code
from autograd.programs.loops.call import prepare_by
from autograd.programs.loops.packing import Stack
from autograd.programs.program import Program
from autograd.programs.tracing import Recording, record, record_whole, with_keywords
from autograd.running.recording import PLAIN, records
from autograd.running.settings import (
    BY_NAME,
    Instances,
    Settings,
    stands_in_a_class,
    static_parameters,
)
from autograd.running.store import MOST_BYTES, Bounded, estimated_bytes, found_or_compiled, lifted
from autograd.running.whole_arguments import GeneralStructures, examples
from autograd.support.wrapping import Wrapper

__all__ = [
    "Ready",
    "Traces",
    "checked_engine",
    "choose_engine",
    "jit",
    "made_ready",
    "prepare",
    "reaches",
    "traces",
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
    size = (program.code if isinstance(program, Program) else program).weight()
    if importlib.util.find_spec("llvmlite") is not None and may_compile(min(size, LONGEST_FOR_LLVM)):
        return "llvm" if size <= LONGEST_FOR_LLVM else "interpreter"
    return "numpy" if use == "map" else "python"


class Ready(NamedTuple):
    """A program and the engine that runs it.

    Attributes:
        program: the program.
        engine: the engine's name.
        run: the program compiled. Where its constants are lifted, they are inputs after the others.
        constants: those inputs; none where the constants are compiled into the code.
        reached: the Values that transforms in the function reach through closures.
    """

    program: Program
    engine: str
    run: Compiled
    constants: tuple[float, ...]
    reached: frozenset[Any] = frozenset()

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
    by_name: bool = False,
    record: Callable[..., Recording] = record,
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
        by_name: whether the last argument is a dict of keyword arguments.
        record: how it is traced: see `autograd.programs.tracing`.

    Returns:
        None where the function closes over what it is being differentiated by: that call must be recorded.
    """
    ready = None if kept is None else kept.get(key)
    if ready is None:
        args = example()
        reached: set[Any] = set()
        with entered(scopes=(), reached=reached):  # the scopes of each call are its own
            program = Program(*(record(call, *args[:-1], **args[-1]) if by_name else record(call, *args)))
        if closes_over_variables(program):
            return None
        ready = made_ready(program, engine, use, lift=lift)._replace(reached=frozenset(reached))
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


def reaches(reached: Set[Any], scalars: Sequence[Any]) -> bool:
    """Whether what transforms reach through closures is also passed to a function, or what stands for it.

    Args:
        reached: what transforms in the function reach.
        scalars: the scalars of the arguments. What an outer transform differentiates by stands for a Value.
    """
    nodes = [scalar for scalar in scalars if type(scalar) not in PLAIN]
    stacks = [node for node in nodes if isinstance(operation(node), Stack)]
    nodes += [part for stack in stacks for part in operands(stack) if is_node(part)]
    behind = [operands(node)[0] for node in nodes if node in context.variables and not is_leaf(node)]
    return not reached.isdisjoint([*nodes, *behind])


def checked_engine(engine: str, *others: str) -> str:
    """Return an engine's name, or one of the others that a function takes.

    Raises:
        ValueError: there is no such engine.
    """
    if engine not in ("auto", *others, *engine_names()):
        names = ", ".join((*others, *engine_names()))
        raise ValueError(f"engine must be 'auto' or one of {names}, got {engine!r}")
    return engine


def _made_ready(code: Code, engine: str) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """What computes the outputs of code."""
    return found_or_compiled(code, choose_engine(code, "call") if engine == "auto" else engine).call


prepare_by(_made_ready)


class jit(Wrapper):  # noqa: N801  it is called like a function
    """A function that runs as a compiled program, frozen as it was when it was traced.

    The function is traced on its first call for a structure of arguments. Plain numbers, flags and arrays
    that it closes over keep what they were then, as in JAX; `jit` it anew to have them read again. Values
    that it closes over are read at each call, and nothing but `jit` freezes.

    With Values among the arguments (a model's, say) the call is one node of their graph, however long the
    function is, and `backward` and the transforms run its derivative compiled, which is derived when it is
    first asked for. The results are Values then, and Values that the function closes over receive their
    gradients too. In a function that is traced the call is written out. Called with plain numbers alone it
    answers in plain numbers: a `backward` from what is made of them reaches no Value that the function closes
    over. Where it is to, pass that Value as an argument.

    An array of 32 numbers or more is one input of the program: the function gets an `Array`, and such a
    result is one output. The program serves arrays of other lengths, too, unless the function asks for
    the length (``len(a)``, ``a.shape``, a loop over ``a``): then it is traced for each. Smaller arrays
    arrive as object arrays of Values.

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

    On a method, the instance is an argument where it is made of numbers (a dataclass of them, say), and
    otherwise a setting: for each instance the method is traced anew, and plain numbers in it keep what they
    were. No instance is kept alive by it. A pickled or copied ``jit`` begins without traces.

    Args:
        f: a function of numbers in any structure that returns numbers in any structure: see `trace`
            for what it may do.
        engine: "auto" (see `choose_engine`), "python", "numpy", "llvm" or "interpreter".
        static_argnums: which arguments are no numbers, but settings: hashable, and for each of their
            values the function is traced anew. The type and the sign of zero count, also within tuples.
        static_argnames: the same by name. Either stands for both where ``f`` has a signature.

    Raises:
        ValueError: there is no such engine, or ``f`` has no parameter of that name.
        TypeError: (when called) a static argument is not hashable.
        ModuleNotFoundError: (when called) the engine needs a package that is not installed.

    >>> from autograd import Value
    >>> square = jit(lambda x: x * x, engine="python")
    >>> square(3.0), square(x=3.0)
    (9.0, 9.0)
    >>> square.engine(3.0), len(square.program(3.0))
    ('python', 1)
    >>> w = Value(3.0)
    >>> square(w).backward()
    >>> w.grad
    6.0
    >>> power = jit(lambda x, n=2: x**n, engine="python", static_argnames="n")
    >>> power(3.0), power(3.0, n=3), power(3.0, 4)
    (9.0, 27.0, 81.0)
    """

    def __init__(
        self,
        f: Callable[..., Any],
        engine: str = "auto",
        static_argnums: int | Sequence[int] = (),
        static_argnames: str | Sequence[str] = (),
    ) -> None:
        super().__init__(f)
        self._engine = checked_engine(engine)
        self._static, self._static_names = static_parameters(f, static_argnums, static_argnames)
        self._has_static = bool(self._static or self._static_names)
        self._traces = traces()
        self._traces_of_instances = Instances(traces)
        self._general = GeneralStructures()
        self._is_method = stands_in_a_class(f)
        # What can be frozen in a better way than by tracing a call of it, as a `vmap` can.
        self._frozen = f.frozen(engine) if hasattr(f, "frozen") and not self._has_static else None

    def made_of(self) -> tuple[Any, ...]:
        """The arguments that make the same once more."""
        return self._f, self._engine, self._static, self._static_names

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        self._is_method = True
        if self._frozen is not None and instance is not None:
            return self._frozen.bound(instance, self._traces_of_instances.of(instance))
        return super().__get__(instance, owner)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if self._frozen is not None:
            return self._frozen(*args, **kwargs)
        if kwargs or self._has_static or self._is_method:
            scalars, structure, settings = self._split(args, kwargs)
        else:  # the usual call, as short as it can be
            scalars, structure = flatten(args, "an argument of a jitted function", whole="operands")
            settings = None
        ready = self._ready(scalars, structure, settings)
        if ready is None:
            return self._f(*args, **kwargs)
        program, _, run, _, reached = ready
        if records(scalars):
            if reached and reaches(reached, scalars):  # which the transform in it must see, and refuse
                return self._f(*args, **kwargs)
            return program.applied(scalars, self._engine)
        if program.captured:
            scalars = scalars + numbers(program.captured)
        results = run.call(scalars)
        if context.active and is_hunted(*map(np.atleast_1d, results)):
            raise_birth(program.code, scalars)
        return program.results.unflatten(results)

    def program(self, /, *args: Any, **kwargs: Any) -> Program:
        """The program for such arguments."""
        return self._kept(args, kwargs).program

    def source(self, /, *args: Any, **kwargs: Any) -> str:
        """That program as Python source."""
        return self.program(*args, **kwargs).source

    def engine(self, /, *args: Any, **kwargs: Any) -> str:
        """The name of the engine that runs it."""
        return self._kept(args, kwargs).engine

    def _kept(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Ready:
        if self._frozen is None:
            ready = self._ready(*self._split(args, kwargs))
        else:
            ready = self._frozen.ready(*args, **kwargs)
        if ready is None:
            raise TypeError("there is no program while the function is differentiated by what it closes over")
        return ready

    def _split(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[list[Any], Structure, Settings | None]:
        """The scalars of a call, how they are arranged, and what else there is to it."""
        if not self._has_static:
            try:
                scalars, structure = flatten(
                    (*args, kwargs) if kwargs else args, "an argument of a jitted function", whole="operands"
                )
            except TypeError:
                if not (args and self._is_method):
                    raise
            else:
                return scalars, structure, BY_NAME if kwargs else None
        places = {place % len(args) for place in self._static if -len(args) <= place < len(args)}
        owner = args[0] if self._is_setting(args) and 0 not in places else None
        static = {i: args[i] for i in sorted(places)}
        named = {name: arg for name, arg in kwargs.items() if name in self._static_names}
        others = {name: arg for name, arg in kwargs.items() if name not in named}
        first = 0 if owner is None else 1
        scalars, structure = flatten(
            with_keywords(tuple(arg for i, arg in enumerate(args) if i >= first and i not in places), others),
            "an argument of a jitted function that is not static",
            whole="operands",
        )
        settings = Settings(static, named, bool(others), owner)
        return scalars, structure, settings

    def _is_setting(self, args: tuple[Any, ...]) -> bool:
        """Whether the first argument is an instance, or a class, that is not made of numbers."""
        if not (args and self._is_method):
            return False
        try:
            flatten(args[0])
        except TypeError:
            return True
        return False

    def _ready(self, scalars: list[Any], structure: Structure, settings: Settings | None) -> Ready | None:
        kept, call, key = self._traces, self._f, None
        if settings is not None:
            key, call = settings.key, settings.applied(self._f)
            if settings.owner is not None:
                kept = self._traces_of_instances.of(settings.owner)
        try:
            ready = self._general.get(kept, structure, key)
        except TypeError:
            raise TypeError(f"static arguments must be hashable, got {settings}") from None
        if ready is not None:
            return None if closes_over_variables(ready.program) else ready
        ready = prepare(
            call,
            lambda: structure.unflatten(examples(scalars)),
            self._engine,
            "call",
            lift=False,
            kept=kept,
            key=(structure, key),
            by_name=settings is not None and settings.by_name,
            record=record_whole,
        )
        if ready is not None:
            self._general.keep(kept, ready.program.arguments, key, ready)
        return ready

    def __repr__(self) -> str:
        return f"jit({self._f!r}, engine={self._engine!r})"
