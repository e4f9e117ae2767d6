"""Copies made inside of a function that is traced or differentiated keep the way back to its arguments."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest

from autograd import Value, grad, hessian, jit, scan, value_and_grad, vmap
from optim import minimize


@dataclasses.dataclass
class Pair:
    a: float
    b: float


def product(pair):
    """By way of `asdict`, which copies deeply."""
    parts = dataclasses.asdict(pair)
    return parts["a"] * parts["b"]


def test_a_dataclass_taken_apart_keeps_its_derivatives():
    assert grad(product)(Pair(2.0, 3.0)) == Pair(3.0, 2.0)
    assert value_and_grad(lambda pair: dataclasses.astuple(pair)[0] ** 2)(Pair(3.0, 1.0)) == (
        9.0,
        Pair(6.0, 0.0),
    )


@pytest.mark.parametrize("engine", ["python", "numpy", "llvm", "interpreter"])
def test_a_compiled_function_that_copies_is_not_frozen(engine):
    if engine in ("llvm", "interpreter"):
        pytest.importorskip("llvmlite")
    fast = jit(product, engine=engine)
    assert [fast(Pair(2.0, 3.0)), fast(Pair(4.0, 5.0))] == [6.0, 20.0]
    pairs = Pair(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    assert vmap(product, engine=engine)(pairs).tolist() == [3.0, 8.0]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: copy.deepcopy([value])[0]])
def test_copies_in_transforms_of_every_kind(again):
    assert grad(lambda x: again(x) * x)(3.0) == 6.0
    assert grad(lambda x: again(x * x) * x)(3.0) == 27.0
    assert hessian(lambda x: again(x) ** 3)(2.0) == 12.0

    def step(carry, x):
        carry = again(carry)
        return carry - 0.5 * (carry - x), carry

    assert scan(step, 0.0, np.array([1.0, 2.0, 3.0]))[0] == 2.125


def test_a_loss_that_copies_its_weights_is_minimized():
    pytest.importorskip("scipy")

    def loss(w):
        w = copy.deepcopy(w)
        return (w[0] - 1) ** 2

    assert minimize(loss, [5.0]).x == pytest.approx([1.0])


def test_what_does_not_depend_on_the_arguments_is_copied_as_ever():
    outside = Value(2.0, "outside")
    copies = []

    def f(x):
        copies.append(copy.deepcopy(outside))
        return x * copies[-1]

    assert grad(f)(3.0).data == 2.0
    assert copies[0] is not outside
    assert copies[0].label == "outside"


def test_a_value_of_a_function_that_is_differentiated_goes_to_no_other_process():
    with pytest.raises(TypeError, match="cannot be pickled"):
        grad(lambda x: pickle.loads(pickle.dumps(x)) * x)(3.0)
    with pytest.raises(TypeError, match="cannot be pickled"):
        jit(lambda x: pickle.loads(pickle.dumps([x + 1]))[0])(3.0)
