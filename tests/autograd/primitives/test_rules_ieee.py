"""Rules follow IEEE 754 wherever they run: on floats, and on floats beside Values in recorded derivatives."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Value, check_gradients, grad, hessian, hvp, jit, jvp, log, maximum, primitive, vmap
from autograd.engines import engine_names
from autograd.primitives.primitive import Primitive, all_primitives
from optim import SGD, DivergenceError, fit

inf, nan = math.inf, math.nan


def over_zero(x: Any) -> Any:
    return x / 0.0


def same(a: float, b: float) -> bool:
    return np.float64(a).tobytes() == np.float64(b).tobytes() or (a != a and b != b)


@pytest.mark.parametrize(
    ("derivative", "value"),
    [
        (lambda: grad(over_zero)(2.0), inf),
        (lambda: jit(grad(over_zero))(2.0), inf),
        (lambda: grad(grad(over_zero))(2.0), 0.0),
        (lambda: hessian(over_zero)(2.0), 0.0),
        (lambda: hvp(over_zero, (2.0,), (1.0,)), 0.0),
        (lambda: jvp(over_zero, (2.0,), (1.0,)), (inf, inf)),
        (lambda: jit(lambda x: jvp(over_zero, (x,), (1.0,))[1])(2.0), inf),
        (lambda: vmap(grad(over_zero))(np.array([2.0, -1.0])).tolist(), [inf, inf]),
    ],
)
def test_a_division_by_a_constant_zero_has_a_derivative(derivative: Callable[[], Any], value: Any) -> None:
    assert derivative() == value


@pytest.mark.parametrize("engine", ["eager", *engine_names()])
def test_a_fit_whose_loss_divides_by_zero_says_that_it_diverges(engine: str) -> None:
    data = (np.array([1.0, 2.0]),)
    scaled = primitive("ieee_fitted", lambda x, c: x / c, lambda y, x, c: (1 / c, -x / c**2))
    for loss in (lambda w, x: w * x / 0.0, lambda w, x: scaled(w * x, 0.0)):
        with pytest.raises(DivergenceError):
            fit(loss, 1.0, data, SGD(lr=0.1), 1, engine=engine)


# Each with the constant, and the derivative by x. The rules reach for `math`, raise a negative number to a
# fraction, overflow, and call primitives on both kinds of numbers.
RULES: dict[str, tuple[Any, Any, float, float]] = {
    "over": (lambda x, c: x / c, lambda y, x, c: (1 / c, -x / c**2), -0.0, -inf),
    "over_each": (lambda x, c: x / c, (lambda y, x, c: 1 / c, lambda y, x, c: -x / c**2), 0.0, inf),
    "exponential": (lambda x, c: x * math.exp(c), lambda y, x, c: (math.exp(c), y), 1000.0, inf),
    "logarithm": (lambda x, c: x * math.log(c), lambda y, x, c: (math.log(c), x / c), 0.0, -inf),
    "root": (lambda x, c: x * math.sqrt(c), lambda y, x, c: (math.sqrt(c), x), -1.0, nan),
    "fraction": (lambda x, c: x * c**0.5, lambda y, x, c: (c**0.5, x * 0.5 * c**-0.5), -8.0, nan),
    "sine_of_fraction": (lambda x, c: x, lambda y, x, c: (math.sin(c**0.5), 0), -8.0, nan),
    "inverse": (lambda x, c: x * c**-1.0, lambda y, x, c: (c**-1.0, -x / c**2), 0.0, inf),
    "huge": (lambda x, c: x * c**200, lambda y, x, c: (c**200, x), 1e100, inf),
    "remainder": (lambda x, c: x * (5.0 % c), lambda y, x, c: (5.0 % c, 0), 0.0, nan),
    "on_both": (lambda x, c: x * math.log(c), lambda y, x, c: (maximum(1 / c, x) + 0 * x, x), 0.0, inf),
    "on_both_swapped": (lambda x, c: x, lambda y, x, c: (x - maximum(x, 1 / c), x), 0.0, -inf),
    "of_constants": (lambda x, c: x, lambda y, x, c: (log(c) / c - 1 / c, x), 0.0, -inf),
    "with_value": (lambda x, c: x / c, lambda y, x, c: ((x / x) / c + (1 / c) ** (x / x), x), 0.0, inf),
    "truth": (lambda x, c: x, lambda y, x, c: (math.exp(c) > 1e308, 1), 1000.0, 1.0),
    "whole": (lambda x, c: x, lambda y, x, c: (3 if 1 / c > 0 else 2, np.float64(1.0)), 0.0, 3.0),
}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.filterwarnings("ignore:the primitive .* cannot be traced")
def test_a_users_rule_has_one_answer_on_floats_and_beside_values(name: str) -> None:
    forward, partials, constant, slope = RULES[name]
    operation = primitive(f"ieee_{name}", forward, partials)

    def f(x: Any) -> Any:
        return operation(x, constant)

    x = Value(2.0)
    f(x).backward()
    assert same(x.grad, slope)
    derivatives = [grad(f)(2.0), vmap(grad(f))(np.array([2.0]))[0], jit(grad(f), engine="python")(2.0)]
    derivatives += [jit(grad(f), engine=engine)(2.0) for engine in engine_names()]
    derivatives += [jvp(f, (2.0,), (1.0,))[1], jit(lambda x: jvp(f, (x,), (1.0,))[1])(2.0)]
    for derivative in derivatives:
        assert same(derivative, slope)
    assert type(grad(grad(f))(2.0)) is float  # raises nothing, and leaves no number of another type behind


def test_what_a_rule_raises_of_its_own_goes_to_the_caller() -> None:
    def partials(y: Any, x: Any, c: Any) -> Any:
        raise ValueError("the rule's own")

    operation = primitive("ieee_raising", lambda x, c: x, partials)
    for derivative in (grad, lambda f: jit(grad(f)), lambda f: grad(grad(f))):
        with pytest.raises(ValueError, match="the rule's own"):
            derivative(lambda x: operation(x, 1.0))(2.0)


def test_a_rule_that_cannot_take_values_says_so_once() -> None:
    operation = primitive("ieee_of_floats", lambda x, c: x, lambda y, x, c: (math.cos(x) / 1.0, 0))
    with pytest.raises(TypeError, match=r"autograd") as caught:
        grad(grad(lambda x: operation(x, 0.0)))(2.0)
    assert caught.value.__context__ is None


SPECIAL = [0.0, -0.0, 1.0, -8.0, 0.5, 1e308, -1e308, 5e-324, 1000.0, inf, -inf, nan]
BINARY = [operation for operation in all_primitives() if operation.is_builtin and operation.arity == 2]


@pytest.mark.parametrize("operation", BINARY, ids=lambda operation: operation.name)
def test_no_constant_makes_a_derivative_of_the_table_raise(operation: Primitive) -> None:
    for constant, at in itertools.product(SPECIAL, [0.0, 2.0, -1.5, inf]):
        for f in (lambda x, c=constant: operation(x, c), lambda x, c=constant: operation(c, x)):
            slope = grad(f)(at)
            assert same(jit(grad(f), engine="python")(at), slope), (constant, at)
            assert type(grad(grad(f))(at)) is float


def test_a_users_rule_with_constants_passes_the_checks_of_gradients() -> None:
    scaled = primitive("ieee_scaled", lambda x, c: x * x / c, lambda y, x, c: (2 * x / c, -x * x / c**2))
    assert check_gradients(lambda x: scaled(x, 4.0), 3.0)
