"""Jitted functions of larger arrays called with Values: in transforms, maps, loops and fits."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

from autograd import (
    Value,
    array,
    custom_derivative,
    grad,
    hessian,
    jacobian,
    jit,
    jvp,
    scan,
    trace,
    value_and_grad,
    vjp,
    vmap,
)
from autograd.graph.trees import flatten
from optim import SGD, fit, minimize

RNG = np.random.default_rng(8)
A, ROWS = RNG.normal(size=36), RNG.normal(size=(3, 36))
X, Y = RNG.normal(size=(40, 6)), RNG.normal(size=40)
ENGINES = ("python", "numpy", "llvm", "interpreter")

FUNCTIONS = [
    lambda a: (a * a * a).sum(),
    lambda a: (a * a * np.arange(len(a))).sum() / len(a),  # asks for the length
    lambda a: (a.reshape(6, 6) @ a.reshape(6, 6)).sum(),
    lambda a: sum(x * x * x for x in a),
    lambda a: scan(lambda c, x: (0.9 * c + x * x, None), 0.0, a)[0],
    lambda a: np.exp(a).sum() * a[3],
]

USES = [
    lambda f: grad(f)(A),
    lambda f: value_and_grad(f)(A),
    lambda f: hessian(f)(A),
    lambda f: jvp(f, (A,), (A + 1.0,)),
    lambda f: vjp(f, A)[1](2.0),
    lambda f: vmap(f)(ROWS),
    lambda f: vmap(grad(f))(ROWS),
    lambda f: grad(lambda rows: vmap(f)(rows).sum())(ROWS),
    lambda f: scan(lambda c, x: (c + f(x), None), 0.0, ROWS)[0],
    lambda f: grad(lambda rows: scan(lambda c, x: (c + f(x), None), 0.0, rows)[0])(ROWS),
    lambda f: jacobian(lambda a: np.array([f(a), f(2.0 * a)]))(A),
    lambda f: jit(grad(f))(A),
]


def agree(result, expected):
    (scalars, structure), (expected_scalars, expected_structure) = flatten(result), flatten(expected)
    assert structure == expected_structure
    assert scalars == pytest.approx(expected_scalars, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("f", FUNCTIONS)
def test_every_use_is_that_of_the_function_without_jit(f, engine):
    nested = jit(lambda a: jit(f, engine)(1.0 * a), engine)
    pickled = pickle.loads(pickle.dumps(jit(np.sum, engine)))
    agree(grad(pickled)(A), np.ones(36))
    for use in USES:
        expected = use(f)
        agree(use(jit(f, engine)), expected)
        agree(use(nested), expected)
    program = jit(f, engine).program(A)
    agree(grad(program)(A), grad(f)(A))
    agree(program(np.array([Value(number) for number in A])).data, f(A))
    agree(trace(f, A)(array(A)).data, f(A))
    agree(jit(f, engine)(np.array([Value(number) for number in A])).data, f(A))
    agree(jit(f, engine)(A.astype(object)), f(A))
    agree(grad(trace(f, A))(A), grad(f)(A))


@dataclasses.dataclass
class Layer:
    w: object
    b: object


def layer_loss(layer, x, scale=1.0):
    return (np.tanh(x @ layer.w + layer.b) ** 2).mean() * scale


def dict_loss(p, x, scale=1.0):
    return layer_loss(Layer(p["w"], p["deep"][0]), x, scale)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rows", [3, 40])
def test_nested_arguments_keywords_and_static_arguments(engine, rows):
    w, b, x = RNG.normal(size=(6, 8)), RNG.normal(size=8), X[:rows]
    for f, p in ((layer_loss, Layer(w, b)), (dict_loss, {"w": w, "deep": [b]})):
        fast, static = jit(f, engine), jit(f, engine, static_argnames="scale")
        expected = grad(f)(p, x, 2.0)
        for call in (fast, static):
            agree(grad(call)(p, x, 2.0), expected)
            agree(grad(call)(p, x=x, scale=2.0), expected)
        agree(grad(fast, 1)(p, x), grad(f, 1)(p, x))
        agree(hessian(fast)(p, x), hessian(f)(p, x))
    cubes = RNG.normal(size=(3, 4, 5))
    agree(grad(jit(lambda a: (a.sum(axis=1) ** 3).sum(), engine))(cubes),
          np.broadcast_to(3 * cubes.sum(axis=1, keepdims=True) ** 2, cubes.shape))  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
def test_methods_and_arrays_as_results(engine):
    class Scaled:
        def __init__(self, scale):
            self.scale = scale

        def loss(self, a):
            return (a * a).sum() * self.scale

    Scaled.loss = jit(Scaled.loss, engine)
    agree(grad(Scaled(3.0).loss)(A), 6 * A)

    def several(a):
        return {"squares": a * a, "first": a[0]}

    agree(jacobian(jit(several, engine))(A), jacobian(several)(A))
    agree(jvp(jit(several, engine), (A,), (A,)), jvp(several, (A,), (A,)))


@pytest.mark.parametrize("engine", ["python", "numpy", "llvm"])
def test_a_custom_derivative_around_it_and_within(engine):
    inner = jit(lambda a: (a * a).sum(), engine)
    root = custom_derivative(
        lambda a: inner(a), pull=lambda args, result, adjoint: (3.0 * adjoint * args[0],)
    )
    agree(grad(root)(A), 3 * A)
    agree(grad(jit(root, engine))(A), 3 * A)
    agree(jit(grad(root), engine)(A), 3 * A)


@pytest.mark.parametrize("engine", ENGINES)
def test_fits_and_minimisers(engine):
    squares = jit(lambda a: ((a - 1.0) ** 2).sum(), engine)
    assert minimize(squares, np.zeros(40)).x == pytest.approx(np.ones(40), abs=1e-6)
    target = RNG.normal(size=40)

    def loss(w, row):
        return ((w * row - target) ** 2).sum()

    expected = fit(loss, np.zeros(40), np.ones((2, 40)), SGD(lr=0.1), 20)
    fitted = fit(jit(loss, engine), np.zeros(40), np.ones((2, 40)), SGD(lr=0.1), 20)
    agree(fitted.params, expected.params)


@pytest.mark.parametrize("n", [31, 40])
def test_what_a_transform_reaches_through_the_closure_too_is_refused(n):
    weights = np.array([Value(1.0) for _ in range(n)])
    f = jit(lambda a: grad(lambda b: (b * weights[1]).sum())(a).sum())
    with pytest.raises(ValueError, match="also reached through the closure"):
        f(weights)


def test_what_is_no_number_is_refused():
    with pytest.raises(TypeError, match="an argument of a jitted function must be made of real numbers"):
        jit(np.sum)(np.array([Value(1.0)] * 39 + ["a"], dtype=object))
