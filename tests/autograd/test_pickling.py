"""What transforms return is pickled and copied: a process pool needs it."""

from __future__ import annotations

import copy
import functools
import multiprocessing
import pickle
import re

import numpy as np
import pytest

from autograd import Value, grad, hessian, hvp, jacobian, jit, jvp, trace, value_and_grad, vjp, vmap


def cube(x, n=1.0):
    return x * x * x * n


@functools.partial(jit, engine="python")
@grad
def decorated(x):
    return x * x


@grad
def slope(x):
    return x * x


class Scaled:
    def __init__(self, scale):
        self.scale = scale

    def square(self, x):
        return self.scale * x * x

    @functools.partial(jit, engine="python", static_argnames="n")
    def power(self, x, n=2):
        return self.scale * x**n


TRANSFORMED = [
    grad(cube),
    grad(cube, has_aux=False, argnums=(0,)),
    value_and_grad(cube),
    jacobian(cube),
    hessian(cube),
    grad(grad(grad(cube))),
    jit(cube, engine="python"),
    jit(grad(cube), engine="python"),
    jit(functools.partial(cube, n=2.0), engine="python"),
    grad(functools.partial(cube, n=2.0)),
    grad(Scaled(5.0).square),
    jit(Scaled(5.0).square, engine="python"),
    Scaled(5.0).power,
    decorated,
    slope,
    trace(cube, 1.0),
]
COPIES = [
    lambda f: pickle.loads(pickle.dumps(f)),
    copy.copy,
    copy.deepcopy,
]


@pytest.mark.parametrize("again", COPIES)
@pytest.mark.parametrize("f", TRANSFORMED, ids=lambda f: re.sub(" at 0x[0-9a-f]+", "", repr(f)))
def test_a_transformed_function_is_pickled_and_copied(f, again):
    expected = f(2.0)
    assert again(f)(2.0) == expected
    assert getattr(again(f), "__name__", "") == getattr(f, "__name__", "")


@pytest.mark.parametrize("again", COPIES)
def test_a_mapped_function_is_pickled_and_copied(again):
    xs = np.array([1.0, 2.0])
    for f in (vmap(cube, engine="python"), jit(vmap(cube, engine="python")), jit(vmap(grad(cube)), "python")):
        assert again(f)(xs).tolist() == f(xs).tolist()
    turned = again(vmap(lambda_of_two, (None, 1), engine="python", out_axes=1))
    assert turned(2.0, np.ones((3, 2))).tolist() == [[2.0, 2.0], [2.0, 2.0], [2.0, 2.0]]
    total = again(vmap(cube, reduce="sum", engine="python"))
    assert total(xs) == 9.0


def lambda_of_two(w, row):
    return w * row


def test_what_was_decorated_is_pickled_by_its_name():
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    assert copy.deepcopy(slope) is slope
    assert pickle.loads(pickle.dumps(Scaled.power)) is Scaled.power


def test_static_arguments_survive_pickling():
    static = pickle.loads(pickle.dumps(jit(cube, engine="python", static_argnames="n")))
    assert static(2.0, n=2) == static(2.0, 2) == 16.0
    assert static.program(2.0, n=2).inputs == ("x",)


def test_what_vjp_returns_is_pickled():
    value, pull = vjp(cube, 2.0, 3.0)
    assert pickle.loads(pickle.dumps((value, pull)))[1](1.0) == pull(1.0) == (36.0, 8.0)
    assert copy.deepcopy(pull)(1.0) == (36.0, 8.0)
    _, pull = vjp(lambda x: x * x * Value(3.0) + Value(2.0), 2.0)
    (cotangent,) = pickle.loads(pickle.dumps(pull))(1.0)
    assert (cotangent, type(cotangent)) == (12.0, float)


def test_transforms_of_pickled_functions_nest():
    again = pickle.loads(pickle.dumps(grad(cube)))
    assert jvp(again, (2.0,), (1.0,)) == (12.0, 12.0)
    assert hvp(pickle.loads(pickle.dumps(jit(cube, engine="python"))), (2.0,), (1.0,)) == 12.0


def test_a_local_function_is_refused_by_pickle_itself():
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        pickle.dumps(grad(lambda x: x))


def test_a_process_pool_takes_transforms():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(grad(cube), [1.0, 2.0]) == [3.0, 12.0]
        assert pool.map(decorated, [1.0, 2.0]) == [2.0, 4.0]
