"""Elements of an array that tie for its maximum or minimum share the derivative equally, as in PyTorch."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from autograd import Program, array, grad, hvp, jit, jvp, trace
from autograd.engines import engine_names

ENGINES = engine_names()
SHAPES = (40,), (6, 7), (3, 4, 5)
CASES = [
    (shape, axis)
    for shape in SHAPES
    for axis in [
        None,
        *range(len(shape)),
        *[axes for count in range(2, len(shape) + 1) for axes in combinations(range(len(shape)), count)],
    ]
]


def of_rule(x, axis, extreme, weights):
    """The gradient by the definition: the elements that are equal share the weight."""
    ties = x == extreme(x, axis=axis, keepdims=True)
    return ties / ties.sum(axis=axis, keepdims=True) * weights


@pytest.mark.parametrize("extreme", [np.max, np.min])
@pytest.mark.parametrize(("shape", "axis"), CASES)
def test_ties_share_along_axes(shape, axis, extreme):
    rng = np.random.default_rng(5)
    x = rng.integers(0, 3, shape).astype(float)
    weights = rng.normal(size=extreme(x, axis=axis, keepdims=True).shape)

    def weighed(a):
        return np.sum(extreme(a, axis=axis, keepdims=True) * weights)

    def squeezed(a):
        result = extreme(a, axis=axis) * weights.reshape(np.shape(extreme(x, axis=axis)))
        return np.sum(result) if np.ndim(result) else result

    expected = of_rule(x, axis, extreme, weights)
    for f in (weighed, squeezed):
        a = array(x.copy())
        f(a).backward()
        assert np.allclose(np.asarray(a.grad).reshape(shape), expected, rtol=1e-14, atol=0)
        assert np.allclose(jit(grad(f))(x), expected, rtol=1e-14, atol=0)


def test_ties_share_as_in_pytorch():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(2).integers(0, 3, (6, 7)).astype(float)
    tensor = torch.tensor(x, requires_grad=True)
    (torch.amax(tensor, 1) ** 2).sum().backward()
    a = array(x)
    np.sum(np.max(a, axis=1) ** 2).backward()
    assert np.allclose(np.asarray(a.grad), tensor.grad.numpy(), rtol=1e-14, atol=0)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_shares_in_every_mode(engine):
    x = np.tile([1.0, 2.0, 2.0, 0.0], 10)

    def f(a):
        return np.max(a * a) ** 2 + np.sum(np.min(3 * a.reshape(4, 10), axis=1) ** 2)

    expected = np.where(x == 2.0, 4 * 2 * x * 2 / 20, 0.0)
    assert np.allclose(jit(grad(f), engine=engine)(x), expected, rtol=1e-14, atol=0)
    a = array(x)
    jit(f, engine=engine)(a).backward()
    assert np.allclose(a.grad, expected, rtol=1e-14, atol=0)


def test_forward_mode_and_second_order_take_the_mean_of_the_ties():
    x = np.tile([1.0, 2.0, 2.0, 0.0], 300)
    direction = np.random.default_rng(1).normal(size=1200)
    is_top = x == 2.0
    mean = direction[is_top].mean()
    assert jvp(np.max, (x,), (direction,))[1] == pytest.approx(mean, rel=1e-12)
    # of max(a)**2: (2 * mean) / count for each that is equal
    second = hvp(lambda a: np.max(a) ** 2, (x,), (direction,))
    assert np.allclose(second, np.where(is_top, 2 * mean / is_top.sum(), 0.0), rtol=1e-10, atol=0)


def test_values_keep_their_bits_and_infinities_share():
    zeros = array(np.array([-0.0, 0.0, -0.0]))
    assert math.copysign(1.0, np.max(zeros).data) == -1.0  # the first, as of maximum(-0.0, 0.0)
    a = array(np.array([1.0, math.inf, math.inf]))
    top = np.max(a)
    top.backward()
    assert top.data == math.inf
    assert a.grad.tolist() == [0.0, 0.5, 0.5]
    assert math.isnan(np.max(array(np.array([1.0, math.nan, 2.0]))).data)


def test_a_file_keeps_the_rule(tmp_path):
    a = array(np.tile([1.0, 2.0, 2.0, 0.0], 10))
    program = trace(lambda s: np.max(a * s) + np.sum(np.min(a.reshape(4, 10) * s, axis=0)), 1.5)
    program.save(tmp_path / "extremes.program")
    again = Program.load(tmp_path / "extremes.program")
    assert again(1.5) == program(1.5)
    assert grad(again)(1.5) == grad(program)(1.5)
    assert "ties" in (tmp_path / "extremes.program").read_text()
