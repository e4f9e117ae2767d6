"""Values beside a large array of numbers are few operations, and loops of exact arithmetic are NumPy's."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from autograd import Array, Value, grad, hessian, jit, scan, trace, value_and_grad, vmap
from autograd.programs.arrays.vectorised import vectorised
from autograd.programs.loops.loop import one_by_one
from autograd.programs.tracing import record

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(11)
X, Y, W = RNG.normal(size=(100, 5)), RNG.normal(size=100), RNG.normal(size=5)


def loss(w):
    return ((X @ w - Y) ** 2).mean() + (w * w).sum()


def by_torch(w):
    t = torch.tensor(w, requires_grad=True)
    x, y = torch.tensor(X), torch.tensor(Y)
    value = ((x @ t - y) ** 2).mean() + (t * t).sum()
    value.backward()
    return value.item(), t.grad.numpy()


def test_a_loss_over_data_that_are_closed_over():
    value, gradient = by_torch(W)
    for f in (value_and_grad(loss), jit(value_and_grad(loss)), jit(value_and_grad(loss), "python")):
        found = f(W)
        assert found[0] == pytest.approx(value, rel=1e-12)
        assert found[1] == pytest.approx(gradient, rel=1e-11)
        assert type(found[1]) is np.ndarray


def test_it_is_a_few_operations():
    f = jit(value_and_grad(loss))
    program = f.program(W)
    assert len(program) < 60
    assert sum(isinstance(constant, np.ndarray) for constant in program.constants) == 2
    assert hessian(loss)(W) == pytest.approx(2 * X.T @ X / 100 + 2 * np.eye(5), rel=1e-10)


@pytest.mark.parametrize(
    "use",
    [
        lambda w: (X * w).sum() + (X[:, :, None] * w[:, None]).mean(),
        lambda w: (w @ X[:5, :].T @ np.ones(5)) + (w @ (X.T @ X)).sum() + np.dot(X, w)[3],
        lambda w: np.concatenate([X @ w, w]).sum() + np.where(X > 0, w, 0.0).sum(),
        lambda w: np.maximum(X, w).sum() + (np.exp(w) * X / (1 + X**2)).sum(),
        lambda w: np.einsum("ij,j->", np.asarray(X @ np.diag(np.ones(5))), w) + np.sort(w)[0] * w.max(),
        lambda w: ((X @ w.reshape(5, 1))[:, 0] * Y).sum() + sum(X @ w),
    ],
)
def test_whatever_is_done_beside_large_arrays(use):
    def apart(w):
        return use(np.array([*w], object))

    assert grad(use)(W) == pytest.approx(grad(apart)(W), rel=1e-11)
    if "sort" not in use.__code__.co_names:  # which decides
        assert jit(grad(use))(W) == pytest.approx(grad(use)(W), rel=1e-12)


def test_what_one_works_with_stays_an_object_array():
    seen = []

    def f(w):
        seen.append(w)
        w[0] = w[0] * 2
        assert isinstance(w, np.ndarray)
        assert isinstance(w + 1.0, np.ndarray)
        assert isinstance(w[1:], np.ndarray)
        assert not isinstance(X[:3] @ w, Array)
        assert isinstance(X @ w, Array)
        return w.sum() + np.dot(w, w) + w.max()

    assert np.isfinite(grad(f)(W)).all()
    assert "Value" in repr(seen[0])
    assert [v.data for v in pickle.loads(pickle.dumps(seen[0]))] == [v.data for v in seen[0]]
    with pytest.raises(TypeError, match="not written to"):
        grad(lambda w: (X @ w).__setitem__(0, 1.0))(W)


def test_formulas_for_one_sample_stay_straight():
    matrix = RNG.normal(size=(16, 16))
    program = trace(lambda x: (matrix @ x).sum(), np.ones(16))
    assert "product" not in program.counts()
    assert vmap(lambda x: (matrix @ x).sum())(np.ones((3, 16))) == pytest.approx(np.full(3, matrix.sum()))


BODIES = [
    (lambda t, x, a: [t + x, t], 1),
    (lambda t, x, a: [t + x * a, (t + x * a) - 1.0], 1),
    (lambda t, x, a: [t, t * x], 1),
    (lambda t, s, x, a: [t + x, s, s * x - t], 2),
    (lambda x, a: [x * a + 1.0, (x / a - abs(x)) ** 2], 0),
    (lambda t, x, a: [t * x, t], 1),
    (lambda t, x, a: [t + x.exp(), t], 1),
    (lambda t, x, a: [t + t, t], 1),
]


@pytest.mark.parametrize("place", range(len(BODIES)))
def test_numpy_runs_loops_of_exact_arithmetic_to_the_same_bits(place):
    body, carries = BODIES[place]
    code = record(body, *[0.5] * (carries + 2))[0]
    column = np.r_[RNG.normal(size=50) * 10.0 ** RNG.integers(-20, 20, 50), np.inf, -0.0, 3.0]
    start = RNG.normal(size=carries).tolist()
    found = vectorised(code, start, [column], [0.3], len(column))
    if place >= 5:
        assert found is None
        return
    last, ys = one_by_one(code, "python", start, [column], [0.3], len(column))
    assert np.array_equal(found[0], last, equal_nan=True)
    for ours, theirs in zip(found[1], ys):
        assert np.array_equal(ours, theirs, equal_nan=True)


def test_a_scan_of_values_is_no_other_for_it():
    p = Value(0.7)
    total, ys = scan(lambda c, x: (c + x * p, c), 0.0, Y)
    (total + (ys * ys).sum()).backward()
    expected = grad(lambda q: sum_by_hand(q))(0.7)
    assert p.grad == pytest.approx(expected, rel=1e-12)


def sum_by_hand(p):
    carry, total = 0.0, 0.0
    for y in Y.tolist():
        total = total + carry * carry
        carry = carry + y * p
    return carry + total
