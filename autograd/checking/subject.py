"""What is checked: derivatives that the engine found at a point, and how far rounding may have moved them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autograd.checking.numbers import RefusedError, restated
from autograd.checking.rounding import Rounded, derivatives, own_rounding, values_of
from autograd.checking.tape import Tape, straightened
from autograd.derivatives.transforms import grad, hessian
from autograd.graph.context import differentiating
from autograd.graph.nodes import is_array, is_constant, number, numbers, operation
from autograd.graph.trees import flatten
from autograd.graph.value import Value
from autograd.graph.walks import leaves, topological_order
from autograd.primitives.primitive import Primitive
from autograd.programs.program import trace
from autograd.programs.tracing import argument_names
from autograd.support.locks import cached_property

__all__ = ["Estimate", "Gradient", "Hessian", "Subject"]


class Estimate(NamedTuple):
    """A derivative by another way than the engine's.

    Attributes:
        numeric: the derivative.
        bound: how far it may be from the true one.
    """

    numeric: float
    bound: float


class Subject:
    """A function of one list of numbers, made of one of any arguments, and the point to check it at.

    Attributes:
        point: the numbers.
        names: what the arguments are called, one name a number.
    """

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...]) -> None:
        scalars, self._structure = flatten(args, "an argument of the function to check", integers=False)
        self._f = f
        self.point = numbers(scalars)
        self.names = [
            getattr(scalar, "label", "") or name for scalar, name in zip(scalars, argument_names(f, args))
        ]

    def __call__(self, scalars: Sequence[Any]) -> Any:
        """The function on floats, Values or numbers of other kinds."""
        return self._f(*self._structure.unflatten(scalars))

    def trace(self, differentiated: bool = False) -> Tape:
        """The function, or its gradient, as a program.

        Raises:
            RefusedError: it cannot be traced.
        """
        args = self._structure.unflatten(self.point)
        f = grad(self._f, tuple(range(len(args)))) if differentiated else self._f
        try:
            program = trace(f, *args)
        except Exception as error:  # it ran on Values before: whatever it raises, tracing is the reason
            told = str(error).partition("\n")[0]
            raise RefusedError(f"the function cannot be traced ({type(error).__name__}: {told})") from error
        return Tape.of_program(program, self.point)

    def run(self, point: Sequence[float]) -> tuple[list[Value], Value | float]:
        """The function on Values: those of its inputs, and the result."""
        inputs = [Value(coordinate) for coordinate in point]
        with differentiating(inputs):
            return inputs, _scalar(self(inputs))

    def value(self, point: Sequence[float]) -> float:
        """The function's value."""
        return number(self.run(point)[1])


def _scalar(result: Any) -> Value | float:
    if isinstance(result, Value):
        return result
    if isinstance(result, (int, float)):
        return float(result)
    raise TypeError(f"the function to check must return one number or Value, got {type(result).__name__}")


class Gradient:
    """The first derivatives, by `Value.backward`.

    Attributes:
        subject: the function and the point.
        names: a name for each derivative, in rows: one row here.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.names = [subject.names]
        self._inputs, self._result = subject.run(subject.point)
        first, second = numbers([self._result, subject.run(subject.point)[1]])
        if not _same(first, second):
            raise ValueError(
                "the function to check must depend on its arguments alone: called twice, it returned "
                f"{first!r} and {second!r}"
            )

    @cached_property
    def analytic(self) -> list[list[float]]:
        """The engine's derivatives, in one row."""
        return [_swept(self._inputs, self._result)[0]]

    @cached_property
    def errors(self) -> list[list[float]]:
        """How far rounding may have moved each derivative."""
        tape = Tape.of_values([self._result], self._inputs)
        return [[slope.error for slope in row] for row in derivatives(tape, values_of(tape))]

    def sample(self, point: Sequence[float]) -> list[Rounded]:
        """What the derivatives are of, elsewhere: the function's value."""
        inputs, result = self.subject.run(point)
        return [Rounded(number(result), _swept(inputs, result)[1])]

    @cached_property
    def program(self) -> Tape:
        """What the derivatives are of, as a program: the function.

        Raises:
            RefusedError: it cannot be traced, or its program computes something else.
        """
        tape = self.subject.trace()
        expected = number(self._result)
        replayed = tape.replayed(tape.start)[tape.outputs[0]]
        if not _same(replayed, expected):
            raise RefusedError(
                f"the function returns {expected!r}, and the program traced from it {replayed!r}"
            )
        return tape


def _swept(inputs: Sequence[Value], result: Value | float) -> tuple[list[float], float]:
    """The derivatives by `Value.backward`, and how far rounding may have moved the result.

    That is, to first order, each operation's own rounding times the result's derivative by it. No one
    else's `grad` is touched.
    """
    if not isinstance(result, Value):
        return [0.0] * len(inputs), 0.0
    gradient, rounding = _backward(inputs, result)
    (straight,) = straightened([result], inputs)
    if straight is not result:
        rounding = 0.0 if is_constant(straight) else _backward(inputs, straight)[1]
    return gradient, rounding


def _backward(inputs: Sequence[Value], result: Value) -> tuple[list[float], float]:
    order = topological_order(result)
    own = set(inputs)
    others = [node for node in {*leaves(order), *order, result} if node not in own and not is_array(node)]
    before = [node.grad for node in others]
    held = [leaf.grad for leaf in inputs]
    result.backward()
    gradient = [leaf.grad for leaf in inputs]
    rounding = sum(
        [abs(node.grad) * own_rounding(node) for node in order if not operation(node).takes_arrays]
    )
    for node, received in zip([*others, *inputs], [*before, *held]):
        node.grad = received
    return gradient, rounding


def _same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)


class Hessian:
    """The second derivatives, by `hessian`: of each component of the gradient, one row.

    Attributes:
        first: the gradient.
        subject: the function and the point.
        names: a name for each derivative, in rows.
    """

    def __init__(self, first: Gradient) -> None:
        self.first = first
        self.subject = subject = first.subject
        self.names = [[f"{name}, {other}" for other in subject.names] for name in subject.names]

    @cached_property
    def analytic(self) -> list[list[float]]:
        """The engine's derivatives."""
        rows = hessian(self.subject)(self.subject.point)
        return [numbers(row) for row in rows]

    @cached_property
    def errors(self) -> list[list[float]]:
        """How far rounding may have moved each derivative: `hessian` sweeps forward, and adds once more."""
        tape = self._gradient()
        return [[slope.error for slope in row] for row in derivatives(tape, values_of(tape), edge_ulps=1.0)]

    def _gradient(self) -> Tape:
        """The gradient's own graph."""
        inputs, result = self.subject.run(self.subject.point)
        tape = Tape.of_values([result], inputs)
        slots: list[Any] = tape.replayed([*inputs, *tape.start[tape.inputs :]])

        def rules(primitive: Primitive, *at: Any) -> Sequence[Any]:
            return restated(primitive).partials_at(*at)

        adjoints = tape.adjoints(slots, tape.outputs[0], 1.0, rules, operator.mul)
        gradient = [adjoints.get(slot, 0.0) for slot in range(tape.inputs)]
        return Tape.of_values(
            [slope if isinstance(slope, Value) else float(slope) for slope in gradient], inputs
        )

    def sample(self, point: Sequence[float]) -> list[Rounded]:
        """What the derivatives are of, elsewhere: the gradient."""
        inputs, result = self.subject.run(point)
        tape = Tape.of_values([result], inputs)
        return derivatives(tape, values_of(tape))[0]

    @cached_property
    def program(self) -> Tape:
        """What the derivatives are of, as a program: the gradient.

        Raises:
            RefusedError: it cannot be traced.
        """
        return self.subject.trace(differentiated=True)
