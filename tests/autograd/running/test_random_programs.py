"""Random programs with loops, nested to depth 3: as in plain Python, in every order, on every engine."""

from __future__ import annotations

import functools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings

from autograd import Program, fori_loop, grad, hessian, jacobian, jit, jvp, scan, trace, value_and_grad, vmap
from autograd.engines import engine_names
from autograd.primitives import table
from autograd.testing import LoopedExpression, looped_expressions
from tests.autograd.programs.test_simplification import same_bits

ENGINES = engine_names()
BOTH = (0, 1)

few = settings(max_examples=settings.default.max_examples // 5)  # each takes its time


def on(engine, expression, *inputs, **changes):
    """A formula whose loops are told where they run, or how."""
    changes = {"engine": engine, **changes}
    return expression.run(inputs, functools.partial(scan, **changes), functools.partial(fori_loop, **changes))


def close(first, second, expression: LoopedExpression, power: int = 1) -> bool:
    """Whether derivatives differ by roundings only."""
    return np.max(np.abs(np.subtract(first, second))) <= 1e-13 * expression.stretch ** (power + 1)


@settings(max_examples=settings.default.max_examples // 2)
@given(looped_expressions())
def test_values_and_gradients_are_those_of_loops_in_python_in_both_modes(expression):
    value, gradient = value_and_grad(expression, BOTH)(*expression.point)
    expected, unrolled = value_and_grad(expression.in_python, BOTH)(*expression.point)
    assert same_bits(expression(*expression.point), expression.in_python(*expression.point))
    assert same_bits(value, expected)
    assert close(gradient, unrolled, expression)
    along = [jvp(expression, expression.point, seed)[1] for seed in ((1.0, 0.0), (0.0, 1.0))]
    assert close(gradient, along, expression)


@few
@given(looped_expressions(size=5))
def test_second_derivatives_agree_with_differences_of_first_ones(expression):
    def gradient(point):
        return np.array(grad(expression, BOTH)(*point))

    def formula(point):
        return expression(*point)

    point = np.array(expression.point)
    rows = np.array(hessian(formula)(list(expression.point)))
    assert close(rows, jacobian(lambda p: grad(formula)(p))(list(expression.point)), expression, 2)
    assert close(rows, rows.T, expression, 2)
    h = 2.0**-17
    for i, row in enumerate(rows):
        shift = h * np.eye(2)[i]
        slopes = (gradient(point + shift) - gradient(point - shift)) / (2 * h)
        assert np.max(np.abs(slopes - row)) <= 1e-5 * expression.stretch**2, (slopes, row)


@pytest.mark.parametrize("engine", ENGINES)
@few
@given(looped_expressions(size=4))
def test_every_engine_computes_the_same_bits(engine, expression):
    for f in (expression, value_and_grad(expression, BOTH)):
        assert jit(f, engine)(*expression.point) == f(*expression.point)
    value = expression.in_python(*expression.point)
    assert same_bits(on(engine, expression, *expression.point), value)
    assert close(
        jit(hessian(expression), engine)(*expression.point),
        hessian(expression)(*expression.point),
        expression,
        2,
    )


@pytest.mark.parametrize("engine", ENGINES)
@few
@given(looped_expressions(size=4))
def test_samples_get_what_each_gets_by_itself(engine, expression):
    columns = [np.array([number - 0.001, number, number + 0.001]) for number in expression.point]
    values = vmap(value_and_grad(expression, BOTH), engine=engine)(*columns)
    alone = [value_and_grad(expression, BOTH)(*point) for point in zip(*[c.tolist() for c in columns])]
    assert close(values[0], [value for value, _ in alone], expression)
    assert close(np.transpose(values[1]), [gradient for _, gradient in alone], expression)


@few
@given(looped_expressions())
def test_checkpoints_change_no_bit(expression):
    gradient = grad(expression, BOTH)(*expression.point)
    for checkpoint in ("sqrt", "binomial", 2):
        kept = functools.partial(on, "auto", expression, checkpoint=checkpoint)
        assert grad(kept, BOTH)(*expression.point) == gradient


@few
@given(looped_expressions())
def test_programs_with_loops_are_saved_and_pickled(tmp_path_factory, expression):
    program = trace(value_and_grad(expression, BOTH), *expression.point)
    expected = program(*expression.point)
    path = tmp_path_factory.mktemp("programs") / "loops.program"
    program.save(path)
    for again in (Program.load(path), pickle.loads(pickle.dumps(program))):
        assert again(*expression.point) == expected
        assert str(again) == str(program)


@few
@given(looped_expressions())
def test_the_source_is_the_formula(expression):
    import autograd

    namespace = {"np": np, **vars(autograd)}
    exec(expression.source, namespace)
    assert same_bits(namespace["f"](*expression.point), expression(*expression.point))


IN_JAX = {
    **{name: name for name in ("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan")},
    **{name: name for name in ("sinh", "cosh", "tanh", "hypot", "maximum", "minimum", "where")},
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "div": "divide",
    "neg": "negative",
    **{name: name.replace("a", "arc", 1) for name in ("asin", "acos", "atan", "atan2", "asinh")},
}


@few
@given(looped_expressions(table=[getattr(table, name) for name in IN_JAX]))
def test_jax_computes_the_same(expression):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)

    def formula(*inputs):
        def apply(primitive, *operands):
            return getattr(jax.numpy, IN_JAX[primitive.name])(*map(jax.numpy.asarray, operands))

        def fori(lower, upper, body, carry):
            return jax.lax.fori_loop(
                lower, upper, lambda i, c: body(i * 1.0, c), [jax.numpy.asarray(c) for c in carry]
            )

        def along(step, carry, xs, length):
            return jax.lax.scan(step, [jax.numpy.asarray(c) for c in carry], xs, length)

        return expression.run(inputs, along, fori, apply) * 1.0

    value, gradient = jax.value_and_grad(formula, BOTH)(*expression.point)
    assert close(float(value), expression(*expression.point), expression)
    assert close(np.array(gradient), grad(expression, BOTH)(*expression.point), expression)
