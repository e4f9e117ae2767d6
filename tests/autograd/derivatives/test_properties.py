"""Laws that hold for every formula, checked on random ones; and each law is seen to fail on a planted error.

A law is a function that raises an `AssertionError` where it does not hold. No tolerance is guessed: what is
not equal to the bit is within the rounding bounds that `autograd.checking` computes for these very numbers.
"""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
from autograd import Value, grad, jvp, primitive, trace, value_and_grad
from autograd.checking.rounding import derivatives, values_of
from autograd.checking.subject import Gradient, Hessian, Subject
from autograd.checking.tape import Tape
from autograd.derivatives import sweeps
from autograd.engines import compiled, engine_names
from autograd.graph.context import Watcher, watch
from autograd.graph.nodes import operands, operation
from autograd.programs import simplification
from autograd.programs.lowering import lowered
from autograd.testing import TABLE, Expression, Step, expressions, points
from models.assignment.graph import loss

EXACT = [name for name in engine_names() if name != "numpy"]
# Powers of 0 have second derivatives that do not exist.
SMOOTH_TWICE = [primitive for primitive in TABLE if primitive is not ag.pow]


def backward(f, point) -> tuple[float, list[float]]:
    """A function's value and its gradient, by `Value.backward`."""
    inputs = [Value(number) for number in point]
    result = f(*inputs)
    result.backward()
    return result.data, [leaf.grad for leaf in inputs]


def bounds(f, point, edge_ulps: float = 0.0) -> list[float]:
    """How far rounding may have moved each derivative that `backward` finds; see `derivatives`."""
    inputs = [Value(number) for number in point]
    tape = Tape.of_values([f(*inputs)], inputs)
    return [derivative.error for derivative in derivatives(tape, values_of(tape), edge_ulps)[0]]


def assert_within(actual, expected, *errors) -> None:
    """Two gradients that rounding may have moved by so much each."""
    for a, b, *allowed in zip(actual, expected, *errors):
        assert abs(a - b) <= sum(allowed), (actual, expected, errors)


# Laws.


def engines_agree_with_backward(f, point, engine) -> None:
    """What `backward` finds on the recorded graph, the compiled program of the gradient finds bit for bit.

    (But for the sign of a zero: a leaf's gradient starts as 0, and 0 + -0 is 0.)
    """
    value, gradient = backward(f, point)
    program = trace(value_and_grad(f, tuple(range(len(point)))), *point)
    assert compiled(program.code, engine).call(list(point)) == [value, *gradient], str(program)


def forward_mode_is_reverse_mode(f, point) -> None:
    """A derivative along each axis, by a forward sweep, is the component of the gradient."""
    axes = np.eye(len(point)).tolist()
    forward = [jvp(f, point, tuple(axis))[1] for axis in axes]
    once_more = bounds(f, point, edge_ulps=1.0)  # a forward sweep adds at operations of two operands
    assert_within(forward, backward(f, point)[1], once_more, bounds(f, point))


def hessian_is_symmetric(f, point) -> None:
    """The gradient of the gradient does not depend on the order of the two inputs."""
    level = Hessian(Gradient(Subject(f, point)))
    hessian = level.analytic
    for i, j in itertools.combinations(range(len(point)), 2):
        assert_within([hessian[i][j]], [hessian[j][i]], [level.errors[i][j]], [level.errors[j][i]])


def nested_grad_is_the_hessian(f, point) -> None:
    """``grad(grad(f))``, reverse over reverse, is `hessian`, forward over reverse."""
    level = Hessian(Gradient(Subject(f, point)))
    for i, j in itertools.product(range(len(point)), repeat=2):
        nested = grad(grad(f, i), j)(*point)
        assert_within([nested], [level.analytic[i][j]], [level.errors[i][j]], [level.errors[i][j]])


def labels_do_not_matter(f, point) -> None:
    """Names change no bit."""
    plain = backward(f, point)
    inputs = [Value(number, f"<{number}> {i}") for i, number in enumerate(point)]
    result = f(*inputs)
    result.label = "result"
    result.backward()
    assert (result.data, [leaf.grad for leaf in inputs]) == plain


def inputs_may_trade_places(f, point, order) -> None:
    """The same function of its arguments in another order has the same gradient in that order, to the bit."""
    value, gradient = backward(f, point)

    def shuffled(*inputs):
        return f(*[inputs[order.index(i)] for i in range(len(order))])

    assert backward(shuffled, [point[i] for i in order]) == (value, [gradient[i] for i in order])


def order_of_recording_does_not_matter(expression: Expression, seed: int) -> None:
    """Independent operations may be recorded in any order: that changes no bit."""
    assert backward(reordered(expression, seed), expression.point) == backward(expression, expression.point)


def operands_of_commutative_operations_may_be_exchanged(expression: Expression) -> None:
    """That changes no bit of the value; the gradient is added up in another order."""
    steps = [
        Step(step.primitive, step.operands[::-1] if step.primitive.commutative else step.operands)
        for step in expression.steps
    ]
    other, point = expression._replace(steps=tuple(steps)), expression.point
    (value, gradient), (swapped, exchanged) = backward(expression, point), backward(other, point)
    assert value == swapped
    assert_within(gradient, exchanged, bounds(expression, point), bounds(other, point))


def simplification_keeps_the_gradient(f, point) -> None:
    """The simplified program, as a function to be differentiated again, has the gradient of the original."""
    program = trace(f, *point)

    def simplified(*inputs):
        (result,) = program.code(inputs)
        return result if isinstance(result, Value) else inputs[0] * 0.0 + result

    (value, gradient), (shorter, same) = backward(f, point), backward(simplified, point)
    assert value == shorter
    assert_within(gradient, same, bounds(f, point), bounds(simplified, point))


def gradients_are_cheap(f, point, gradient=value_and_grad) -> None:
    """At most so many operations: for each of the function's, one, those of its rules, two for each input."""
    inputs = [Value(number) for number in point]
    nodes = recorded(lambda: f(*inputs))
    allowed = 0
    for node in nodes:
        parts = operands(node)
        wanted = tuple(isinstance(part, Value) for part in parts)
        rules = recorded(lambda node=node, parts=parts, wanted=wanted: partials(node, parts, wanted))
        allowed += 1 + len(rules) + 2 * len(parts)
    operations = recorded(lambda: gradient(f, tuple(range(len(point))))(*inputs))
    assert len(operations) <= allowed, f"{len(operations)} operations, at most {allowed} allowed"


# What the laws need.


def partials(node, parts, wanted):
    return operation(node).partials_at(node, parts, wanted)


class _Counter(Watcher):
    """Collects the operations that are recorded."""

    def __init__(self) -> None:
        self.nodes: list[Value] = []

    def recorded(self, node: Value) -> None:
        self.nodes.append(node)


def recorded(call) -> list[Value]:
    """The operations that a call records."""
    counter = _Counter()
    with watch(counter):
        call()
    return counter.nodes


def reordered(expression: Expression, seed: int):
    """The formula, its steps taken in another order that computes operands first."""
    rng = random.Random(seed)
    count = len(expression.point)

    def f(*inputs):
        numbers = dict(enumerate(inputs))
        waiting = list(enumerate(expression.steps, count))
        while waiting:
            ready = [
                (at, step)
                for at, step in waiting
                if all(operand in numbers or type(operand) is float for operand in step.operands)
            ]
            at, step = rng.choice(ready)
            numbers[at] = step.primitive(
                *[numbers[operand] if type(operand) is int else operand for operand in step.operands]
            )
            waiting.remove((at, step))
        return numbers[count + len(expression.steps) - 1]

    return f


# The laws hold.


@pytest.mark.parametrize("engine", EXACT)
@given(expressions())
def test_every_engine_finds_what_backward_finds(engine, expression):
    engines_agree_with_backward(expression, expression.point, engine)


@given(expressions(inputs=3), st.permutations(range(3)), st.integers(0, 2**32))
def test_laws_of_first_derivatives(expression, order, seed):
    point = expression.point
    forward_mode_is_reverse_mode(expression, point)
    labels_do_not_matter(expression, point)
    inputs_may_trade_places(expression, point, order)
    order_of_recording_does_not_matter(expression, seed)
    operands_of_commutative_operations_may_be_exchanged(expression)
    simplification_keeps_the_gradient(expression, point)
    gradients_are_cheap(expression, point)


@given(expressions(table=SMOOTH_TWICE, inputs=3, size=10))
def test_laws_of_second_derivatives(expression):
    def product(*inputs):
        """Of which every two inputs have a second derivative."""
        return expression(*inputs) * (inputs[0] + 2 * inputs[1] - inputs[2])

    hessian_is_symmetric(product, expression.point)
    nested_grad_is_the_hessian(expression, expression.point)
    gradients_are_cheap(grad(expression), expression.point)


@pytest.mark.parametrize(
    "entry", [primitive for primitive in TABLE if primitive.arity == 2], ids=lambda entry: entry.name
)
@given(points(2))
def test_second_derivatives_of_every_operation_on_two_numbers_are_symmetric(entry, point):
    def f(x, y):
        return entry(ag.exp(x) * 0.5 + ag.exp(y), ag.cosh(y) + x * x)

    hessian_is_symmetric(f, (point[0] + 0.001, point[1] - 0.002))


@given(st.floats(0.1, 3), st.floats(-3, 3))
def test_laws_of_powers(base, exponent):
    forward_mode_is_reverse_mode(ag.pow, (base, exponent))
    hessian_is_symmetric(ag.pow, (base, exponent or 0.5))
    nested_grad_is_the_hessian(ag.pow, (base, exponent))


def rosenbrock(*x):
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(x))


def perceptron(*parameters):
    """Two inputs, four hidden tanh, one output: the squared error of one sample."""
    p = iter(parameters)
    hidden = [ag.tanh(next(p) * 0.3 + next(p) * -0.7 + next(p)) for _ in range(4)]
    return (sum(unit * next(p) for unit in hidden) + next(p) - 0.5) ** 2


MODELS = {
    "assignment": (lambda *w: loss(w, [0.1, 0.2, 0.3, 0.4, 0.5], 1.0), [0.1 * i for i in range(1, 10)]),
    "perceptron": (perceptron, [math.sin(i) for i in range(17)]),
    "rosenbrock": (rosenbrock, [0.1 * i for i in range(10)]),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_gradient_costs_at_most_five_times_the_function(name):
    f, point = MODELS[name]
    gradients_are_cheap(f, point)
    function, both = trace(f, *point), trace(value_and_grad(f, tuple(range(len(point)))), *point)
    assert len(both) <= 5 * len(function)
    assert len(lowered(both.code)) <= 5 * len(lowered(function.code))
    inputs = [Value(number) for number in point]
    plain = len(recorded(lambda: f(*inputs)))
    assert len(recorded(lambda: value_and_grad(f, tuple(range(len(point))))(*inputs))) <= 5 * plain


# Each law fails on an error that is planted.


def fails(law, *args) -> None:
    with pytest.raises(AssertionError):
        law(*args)


liar = primitive(
    "properties_liar", lambda x: x * 3, (lambda y, x: 3.0,), expression=lambda x: x * 3 * (1 + 2**-52)
)


@pytest.mark.parametrize("engine", ["llvm", "interpreter"])
def test_an_engine_that_is_off_by_one_bit_is_found(engine):
    fails(engines_agree_with_backward, lambda x, y: liar(x) * y, (0.7, 0.3), engine)


def test_a_forward_sweep_that_loses_a_term_is_found(monkeypatch):
    monkeypatch.setattr(sweeps, "forward", lambda order, seeds, outputs, lift: [1.0 + 1e-14] * len(outputs))
    forward_mode_is_reverse_mode(lambda x, y: x * (1 + 1e-14) + y * (1 + 1e-14), (0.5, 0.25))
    fails(forward_mode_is_reverse_mode, lambda x, y: x + y, (0.5, 0.25))


lopsided = primitive(
    "properties_lopsided", lambda a, b: a * b, (lambda y, a, b: b, lambda y, a, b: ag.stop_gradient(a))
)
forgetful = primitive("properties_forgetful", lambda x: x**3, (lambda y, x: 3 * ag.stop_gradient(x) ** 2,))


def test_a_rule_whose_own_derivative_is_wrong_is_found(monkeypatch):
    fails(hessian_is_symmetric, lopsided, (0.7, 0.3))
    nested_grad_is_the_hessian(forgetful, (0.7,))  # both ask the same rule
    monkeypatch.setattr("autograd.checking.subject.hessian", lambda f: lambda x: [[1.0]])
    fails(nested_grad_is_the_hessian, lambda x: x**3, (0.7,))


def test_what_depends_on_labels_places_and_order_is_found():
    f, point = Expression((0.7, 0.3), (Step(ag.sub, (0, 1)), Step(ag.mul, (2, 0))), 1.0), (0.7, 0.3)
    fails(labels_do_not_matter, lambda x, y: x * 2 if x.label else x, point)
    calls = itertools.count()
    fails(inputs_may_trade_places, lambda x, y: x * y * (1 + next(calls)), point, [1, 0])
    ordered = primitive("properties_ordered", lambda x: x + next(calls), (1.0,))
    fails(order_of_recording_does_not_matter, f._replace(steps=(Step(ordered, (0,)), *f.steps)), 0)
    exchanged = primitive("properties_sub", lambda a, b: a - b, (1.0, -1.0), commutative=True)
    fails(operands_of_commutative_operations_may_be_exchanged, f._replace(steps=(Step(exchanged, (0, 1)),)))


def test_a_wrong_simplification_is_found(monkeypatch):
    monkeypatch.setitem(simplification._REWRITES, ag.mul, lambda at, a, b: a if a == b else None)
    simplification_keeps_the_gradient(lambda x, y: x * y, (0.7, 0.3))
    fails(simplification_keeps_the_gradient, lambda x, y: x * x + y, (0.7, 0.3))


def test_a_gradient_that_costs_too_much_is_found():
    def one_by_one(f, argnums):
        """As many sweeps as there are inputs."""
        return lambda *x: [value_and_grad(f, i)(*x) for i in argnums]

    f, point = MODELS["rosenbrock"]
    gradients_are_cheap(f, point)
    with pytest.raises(AssertionError, match="operations, at most"):
        gradients_are_cheap(f, point, one_by_one)
