"""All engines on the same programs: bit for bit where they compute with C's functions, close on numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
from autograd import Value, grad, jit, scan, trace, value_and_grad, vmap
from autograd.engines import compiled, engine_names
from autograd.testing import expressions
from models.assignment.graph import loss
from tests.autograd.programs.test_simplification import same_bits

EXACT = [name for name in engine_names() if name != "numpy"]


def test_the_engines_are_those_of_the_folder():
    assert set(engine_names()) == {"interpreter", "llvm", "numpy", "python"}


def test_the_folder_is_looked_into_once(monkeypatch):
    names = engine_names()
    monkeypatch.setattr("pkgutil.iter_modules", lambda *_: [])
    assert engine_names() == names


@pytest.mark.parametrize("name", ["fortran", "batches", ""])
def test_another_name_is_refused_and_the_engines_are_told(name):
    with pytest.raises(ValueError, match=f"one of interpreter, llvm, numpy, python, got '{name}'"):
        compiled(trace(lambda x: x, 0.5).code, name)


@pytest.mark.parametrize("engine", EXACT)
@given(expressions())
def test_values_and_gradients_of_random_formulas_are_the_same_bits(engine, expression):
    def f(*inputs):
        result = expression(*inputs)
        return result if isinstance(result, Value) else result + 0.0 * inputs[0]

    program = trace(value_and_grad(f, (0, 1)), *expression.point)
    value, gradient = program(*expression.point)
    results = compiled(program.code, engine).call(list(expression.point))
    assert all(same_bits(a, b) for a, b in zip(results, [value, *gradient])), str(program)


@pytest.mark.parametrize("engine", engine_names())
def test_a_primitive_of_the_user_s_works_in_every_engine_with_its_second_derivative(engine):
    square = ag.primitive("agreement_square_plus", lambda x: x * x + x, lambda y, x: (2 * x + 1,))
    points = np.array([-2.0, 0.5, 3.0])
    for function, expected in [
        (square, points * points + points),
        (grad(square), 2 * points + 1),
        (grad(grad(square)), np.full(3, 2.0)),
    ]:
        assert vmap(function, engine=engine)(points).tolist() == expected.tolist()
        assert [jit(function, engine=engine)(x) for x in points.tolist()] == expected.tolist()


@pytest.mark.parametrize("engine", engine_names())
def test_a_primitive_that_is_called_back_works_and_its_exception_reaches_the_caller(engine):
    def guarded(x):
        if x < 0:
            raise LookupError("nothing below zero")
        return math.sqrt(x)

    root = ag.primitive(f"agreement_root_{engine}", guarded, lambda y, x: (0.5 / y,))
    with pytest.warns(UserWarning, match="called back"):
        assert jit(lambda x: root(x) + 1, engine=engine)(4.0) == 3.0
    assert vmap(grad(root), engine=engine)(np.array([1.0, 4.0])).tolist() == [0.5, 0.25]
    for call in (
        lambda: jit(lambda x: root(x) * 2, engine=engine)(-1.0),
        lambda: vmap(lambda x: root(x) * 3, engine=engine)(np.array([1.0, -1.0])),
        lambda: scan(lambda c, x: (c + root(x), c), 0.0, np.array([1.0, -1.0]), engine=engine),
    ):
        with pytest.raises(LookupError, match="nothing below zero"):
            call()


@pytest.mark.parametrize("engine", ["llvm", "interpreter", "python"])
def test_training_is_the_same_bits_in_every_engine_and_eager(engine):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 5)), rng.normal(size=50)

    def step(w, sample):
        value, gradient = value_and_grad(loss)(w, *sample)
        return [weight - 0.05 * g for weight, g in zip(w, gradient)], value

    w, losses = [0.1] * 9, []
    for sample in zip(X.tolist(), y.tolist()):
        w, value = step(w, sample)
        losses.append(value)
    weights, values = scan(step, [0.1] * 9, (X, y), engine=engine)
    assert weights == w
    assert values.tolist() == losses


@given(st.integers(0, 2**32 - 1), st.integers(0, 40_000))
def test_sums_over_a_batch_agree(seed, count):
    xs = np.random.default_rng(seed).normal(size=count)
    exact = math.fsum(np.tanh(xs))
    for engine in ("llvm", "interpreter", "numpy"):
        total = vmap(ag.tanh, reduce="sum", engine=engine)(xs)
        assert total == pytest.approx(exact, rel=1e-12, abs=1e-12 * math.sqrt(count + 1))
