"""`custom_derivative`: a function with derivative rules of one's own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from autograd.derivatives.custom_operation import CustomOperation, customs, refuse_captured
from autograd.graph import context
from autograd.graph.nodes import is_node, numbers, record_node
from autograd.graph.refusals import TracingError
from autograd.graph.trees import Structure, flatten
from autograd.programs.tracing import record
from autograd.support.wrapping import Wrapper

__all__ = ["custom_derivative"]


class custom_derivative(Wrapper):  # noqa: N801  it is called like a function
    """A function whose derivatives are computed by rules of one's own, and not through its operations.

    It is for what should not be differentiated as it is computed: an iteration (whose result has a derivative
    by the implicit function theorem), a formula whose derivative loses digits, a step that is to have another
    derivative than its own, code from outside. The function takes and returns numbers in any structure. In a
    graph, in programs and in loops it is one operation, which every engine runs. Arrays count as their
    numbers, each an operand or a result of it.

    One rule is enough. It is written with the operators and functions of this library, and so serves
    derivatives of every order:

    - ``pull(args, result, adjoint)``, for reverse mode, gets the tuple of the arguments, the result, and the
      adjoint in the result's structure. It returns a tuple with the derivative by each argument, in the
      argument's structure, or None for 0. This is ``bwd`` of JAX's ``custom_vjp``, with the arguments and
      the result for residuals; what else the rule needs, the function returns as one more result.
    - ``push(args, result, tangents)``, for forward mode, gets the tangents in the arguments' structure and
      returns the result's tangent, as the rule of JAX's ``custom_jvp`` does.

    With ``pull`` alone, forward mode calls it once for each number of the result; with ``push`` alone,
    reverse mode calls it once for each number of the arguments. (JAX refuses the first.) A ``pull`` that is
    not linear in the adjoint, as one that clips it, tells nothing of forward mode and is refused there.

    Rules should depend on nothing but what they are given: a compiled loop calls them once.

    Args:
        f: the function. It may not close over Values, of which the rules know nothing; what is no number
            (a string, a function) it closes over.
        push: the rule for forward mode; or ``@name.push`` above the rule's definition.
        pull: the rule for reverse mode; or ``@name.pull``.
        external: whether the function calls code that cannot be traced (SciPy, C, a ``while``): it gets
            floats, and compiled code calls it back in Python. A rule that calls such code needs a wrapped
            function of its own for it.

    Raises:
        TypeError: (when called) an argument or the result is not made of real numbers, or the function closes
            over Values; (when differentiated) there is no rule, or it returns something of another structure.
        TracingError: (when traced) the function does what code cannot repeat, and is not ``external``.

    >>> from autograd import exp, grad, jit, log, log1p
    >>> @custom_derivative
    ... def product_log(a):  # the x with x * exp(x) = a, by Newton's iteration
    ...     x = log1p(a)
    ...     for _ in range(20):
    ...         x = x - (x - a * exp(-x)) / (1 + x)
    ...     return x
    >>> @product_log.pull
    ... def _(args, x, adjoint):
    ...     return (adjoint / (exp(x) * (1 + x)),)
    >>> round(grad(product_log)(1.0), 12), round(jit(grad(grad(product_log)))(1.0), 12)
    (0.361896256635, -0.214540646282)
    """

    def __new__(cls, f: Callable[..., Any] | None = None, *args: Any, **settings: Any) -> Any:
        """The wrapped function; with settings alone what wraps one, as a decorator needs it."""
        return functools.partial(cls, *args, **settings) if f is None else super().__new__(cls)

    def __init__(
        self,
        f: Callable[..., Any],
        push: Callable[..., Any] | None = None,
        pull: Callable[..., Any] | None = None,
        external: bool = False,
    ) -> None:
        super().__init__(f)
        self.function = f
        self.name = getattr(f, "__name__", type(f).__name__)
        self.push_rule = push
        self.pull_rule = pull
        self.is_external = external
        self.checked_linear: set[str] = set()  # rules that were found to be linear
        self.seen: dict[Structure, Structure] = {}  # how results are nested, for arguments
        try:
            self._signature: inspect.Signature | None = inspect.signature(f)
        except (TypeError, ValueError):  # a function in C without one
            self._signature = None
        parameters = self._signature.parameters.values() if self._signature else ()
        self._has_defaults = any(parameter.default is not parameter.empty for parameter in parameters)
        qualname = getattr(self, "__qualname__", "<unknown>")
        if "<" not in qualname:
            customs.setdefault(f"{self.__module__}:{qualname}", []).append(self)

    @property
    def known_as(self) -> str:
        """The name under which its module has it, "module:name", or ""."""
        name = self._global_name()
        return f"{self.__module__}:{name}" if name else ""

    def made_of(self) -> tuple[Any, ...]:
        """The arguments that make the same once more."""
        return self.function, self.push_rule, self.pull_rule, self.is_external

    def push(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set the rule for forward mode; returns it, so that it is a decorator."""
        self.push_rule = rule
        return rule

    def pull(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set the rule for reverse mode; returns it, so that it is a decorator."""
        self.pull_rule = rule
        return rule

    def on(self, *example: Any) -> CustomOperation:
        """The operation on flat numbers for arguments that are nested as these: generated source calls it."""
        return CustomOperation(self, flatten(example, f"an argument of {self.name}")[1])

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if kwargs or self._has_defaults:
            args = self._by_position(args, kwargs)
        try:
            scalars, arguments = flatten(args, f"an argument of {self.name}")
        except TypeError as error:
            raise TypeError(
                f"{error}; what is no number the function closes over: define it and its rules inside another"
            ) from None
        if any(map(is_node, scalars)):
            operation = self._operation(scalars, arguments)
            results = record_node(operation, scalars)
            return operation.results.unflatten((results,) if operation.result_count == 1 else results)
        operation = CustomOperation(self, arguments)
        numbers_of_results = operation.run(scalars)
        return operation.results.unflatten(numbers_of_results)

    def _operation(self, scalars: Sequence[Any], arguments: Structure) -> CustomOperation:
        """The function as an operation on arguments of a structure, traced where a trace needs its code."""
        if not (context.active and context.current().tracing):
            return CustomOperation(self, arguments)
        example = numbers(scalars)
        if self.is_external:
            return CustomOperation(self, arguments, self._results_of(arguments, example))
        try:
            code, _, results, captured = record(self.function, *arguments.unflatten(example))
        except TracingError as error:
            raise TracingError(
                f"{error} This is inside {self.name}, which has a derivative of its own: with "
                "custom_derivative(external=True) compiled code calls it back as it is"
            ) from error
        refuse_captured(self.name, captured)
        return CustomOperation(self, arguments, results, code)

    def _results_of(self, arguments: Structure, example: Sequence[float]) -> Structure:
        """How an external function's results are nested: as they were before, or as a call shows.

        In a trace numbers may be any. Where the function refuses these, it is taken to return one number,
        and a run will tell if it does not.
        """
        if arguments not in self.seen:
            try:
                with context.entered(tracing=False, watchers=(), scopes=()):
                    CustomOperation(self, arguments).run(example)
            except Exception:
                return flatten(0.0)[1]
        return self.seen[arguments]

    def _by_position(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        if self._signature is None:
            raise TypeError(f"{self.name} takes its arguments by position")
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        if bound.kwargs:
            raise TypeError(
                f"{self.name} must take all arguments by position, got {', '.join(bound.kwargs)} by name"
            )
        return bound.args

    def __repr__(self) -> str:
        return f"custom_derivative({self.function!r})"
