"""Larger arrays are one input, or output, each of a jitted function; another length compiles nothing anew."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import autograd as ag
from autograd import Array, Program, Value, array, detect_anomaly, grad, jit, scan, value_and_grad

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(200, 5)), RNG.normal(size=200)
W = RNG.normal(size=5)
ENGINES = ("python", "numpy", "llvm", "interpreter")


def loss(w, x, y):
    return ((x @ w - y) ** 2).mean()


def by_hand(w, x, y):
    return 2 * x.T @ (x @ w - y) / len(y)


class Counted:
    """A function that counts how often it was traced."""

    def __init__(self, f):
        self.f, self.count = f, 0

    def __call__(self, *args):
        self.count += 1
        return self.f(*args)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_array_is_one_input_and_one_output(engine):
    f = jit(lambda a, b: {"product": np.exp(a) * b, "rows": a[1:] @ W}, engine)
    results = f(X, Y[:, None])
    assert results["product"] == pytest.approx(np.exp(X) * Y[:, None], rel=1e-14)
    assert results["rows"] == pytest.approx(X[1:] @ W, rel=1e-13)
    assert [type(each) for each in results.values()] == [np.ndarray, np.ndarray]
    assert len(f.program(X, Y[:, None]).inputs) == 2
    assert len(f.program(X, Y[:, None]).outputs) == 2


@pytest.mark.parametrize("engine", ENGINES)
def test_a_gradient_of_a_loss_over_data(engine):
    f = jit(lambda w, x, y: value_and_grad(loss)(w, x, y), engine)
    value, gradient = f(W, X, Y)
    assert value == pytest.approx(loss(W, X, Y), rel=1e-13)
    assert gradient == pytest.approx(by_hand(W, X, Y), rel=1e-12)
    assert len(f.program(W, X, Y)) < 20


@pytest.mark.parametrize("engine", ENGINES)
def test_another_length_is_traced_only_where_something_depends_on_it(engine):
    general = Counted(lambda w, x, y: value_and_grad(loss)(w, x, y))
    f = jit(general, engine)
    for n in (200, 50, 20, 133, 200, 50):
        assert f(W, X[:n], Y[:n])[1] == pytest.approx(by_hand(W, X[:n], Y[:n]), rel=1e-11)
    # 20 numbers are fewer than are kept whole: they are taken apart
    assert general.count == 2


@pytest.mark.parametrize(
    "use",
    [
        lambda a: a.sum() / len(a),
        lambda a: (a * np.arange(a.shape[0])).sum(),
        lambda a: sum(a) / 2,
        lambda a: a.reshape(len(a) // 2, 2).sum(axis=0)[1],
        lambda a: a.size * a[0],
        lambda a: max(a.tolist(), key=id) * 0 + a[-1],
        lambda a: np.stack([a, a]).sum(),
        lambda a: (a[len(a) // 2 :] ** 2).sum(),
        lambda a: np.asarray(a)[::3].sum(),
    ],
)
def test_a_length_that_is_asked_for_is_traced_for(use):
    counted = Counted(use)
    f = jit(counted)
    for n in (60, 100, 60):
        assert f(X[:n, 0]) == pytest.approx(use(X[:n, 0]), rel=1e-12)
    assert counted.count == 2


@pytest.mark.parametrize(
    "use",
    [
        lambda a: a[0] + a[3] * a[-1] - a[-2],
        lambda a: (a[1:] - a[:-1]).mean() + a[::2].sum() + a[::-1][0] + a[-5:].sum(),
        lambda a: np.cumsum(a)[-1] + a.max() - a.min(),
        lambda a: (a[:, None] * W).sum(axis=0) @ W + (a[:, None] + W).mean(),
        lambda a: np.concatenate([a, a[2:]]).sum() + np.stack([a, a], axis=1).sum(),
        lambda a: np.where(a > 0, a, 0.0).sum() + np.clip(a, -1, 1).mean(),
        lambda a: np.outer(a, W).sum(axis=1).sum() + a.reshape(-1, 1).sum() + np.dot(a, a),
        lambda a: scan(lambda c, x: (0.5 * c + x, c), 0.0, a)[1].sum(),
        lambda a: scan(lambda c, i: (c + a[i], None), 0.0, np.arange(5.0))[0],
        lambda a: np.std(a - a.mean()),
        lambda a: (np.stack([a, a * a], axis=1)[:, 1] * np.stack([a, a], axis=1)[..., 0]).sum(),
    ],
)
def test_what_asks_for_no_length_is_traced_once(use):
    def plain(a):
        if isinstance(use(array(a)), float):
            return use(array(a))
        return use(array(a)).data

    counted = Counted(use)
    for engine in ("python", "llvm"):
        f, derived = jit(counted, engine), jit(lambda a: grad(use)(a * 1.0), engine)
        counted.count = 0
        for n in (60, 100, 61):
            assert f(X[:n, 0]) == pytest.approx(plain(X[:n, 0]), rel=1e-12)
            a = array(X[:n, 0])
            use(a).backward()
            assert derived(X[:n, 0]) == pytest.approx(a.grad, rel=1e-12, abs=1e-15)
        assert counted.count == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_lengths_that_do_not_fit_are_refused(engine):
    f = jit(lambda a, b: (a * b).sum(), engine)
    assert f(Y[:50], Y[:50]) == pytest.approx(Y[:50] @ Y[:50])
    with pytest.raises(ValueError, match="length"):
        f(Y[:50], Y[:60])
    g = jit(lambda a: a[40], engine)
    assert g(Y[:50]) == Y[40]
    with pytest.raises(IndexError):
        g(Y[:36])


def test_what_is_closed_over_is_frozen_and_one_constant():
    data = X.copy()
    f = jit(lambda a: (a @ data).sum() + (a @ data**2).sum() + (data @ W)[0] * a[0])
    before = f(Y)
    assert before == pytest.approx((Y @ data).sum() + (Y @ data**2).sum() + (data @ W)[0] * Y[0])
    data[:] = 0.0
    assert f(Y) == before
    shared = jit(lambda a: (a * Y).sum() + (a + Y).max() + (Y / a).min())
    shared(np.ones(200))
    arrays = [
        constant for constant in shared.program(np.ones(200)).constants if isinstance(constant, np.ndarray)
    ]
    assert len(arrays) <= 2  # the array, and it without its first


def test_an_array_of_a_graph_is_read_at_each_call():
    a = array(Y)
    f = jit(lambda k: (a * k).sum())
    assert f(2.0) == pytest.approx(2 * Y.sum())
    g = jit(lambda b: (a * b).sum())
    g(a).backward()
    assert a.grad == pytest.approx(2 * Y)


def test_arrays_of_a_graph_go_in_and_come_out():
    a = array(X)
    f = jit(lambda a, k: np.tanh(a) * k)
    result = f(a, 2.0)
    assert isinstance(result, Array)
    assert result.shape == X.shape
    (result * result).sum().backward()
    t = np.tanh(X)
    assert a.grad == pytest.approx(8 * t * (1 - t * t), rel=1e-12)
    k = Value(3.0)
    f(X, k).sum().backward()
    assert k.grad == pytest.approx(t.sum(), rel=1e-12)


def test_results_are_the_callers_own():
    f = jit(lambda a: (a, a[1:], a.reshape(-1, 2), np.ones(40)))
    for engine in ENGINES:
        f = jit(lambda a: (a, a[1:], a.reshape(-1, 2), np.ones(40) * 1.0), engine)
        data = Y.copy()
        for result in f(data):
            result[0] = 77.0
        assert np.array_equal(data, Y)
        assert f(data)[3][0] == 1.0


def test_ints_and_floats_of_any_layout():
    f = jit(lambda a: (a * 2).sum(axis=0))
    for data in (np.arange(100).reshape(20, 5), X.T, X[::2], X.astype(np.float32), X > 0):
        assert f(data) == pytest.approx((data.astype(float) * 2).sum(axis=0), rel=1e-6)


def test_programs_of_whole_arrays_are_saved_printed_and_run(tmp_path):
    f = jit(lambda w, x, y: grad(loss)(w, x, y))
    program = f.program(W, X, Y)
    program.save(tmp_path / "f.json")
    again = Program.load(tmp_path / "f.json")
    for p in (program, again, pickle.loads(pickle.dumps(program))):
        assert p(W, X, Y) == pytest.approx(by_hand(W, X, Y), rel=1e-12)
        assert p(W, X[:50], Y[:50]) == pytest.approx(by_hand(W, X[:50], Y[:50]), rel=1e-12)
    assert "array(n, 5)" in repr(program.arguments)
    with pytest.raises(TypeError, match="array"):
        program(W, X[:, :4], Y)
    namespace = {}
    exec(program.source, namespace)
    listed = namespace["program"](*W.tolist(), X.ravel().tolist(), Y.tolist())
    assert list(listed) == pytest.approx(by_hand(W, X, Y), rel=1e-12)


def test_an_anomaly_in_an_array_is_found():
    f = jit(lambda a: np.log(a).sum())
    with pytest.raises(FloatingPointError, match="log"), detect_anomaly():
        f(np.r_[Y**2, 0.0])


def test_keywords_methods_and_static_arguments():
    class Model:
        def __init__(self, scale):
            self.scale = scale

        @jit
        def loss(self, x, *, power=2):
            return (ag.absolute(x) ** power).sum() * self.scale

    model = Model(3.0)
    for n in (200, 100):
        assert model.loss(Y[:n]) == pytest.approx(3 * (Y[:n] ** 2).sum())
    f = jit(lambda x, p: (ag.absolute(x) ** p).sum(), static_argnames="p")
    assert f(Y, p=3) == pytest.approx((abs(Y) ** 3).sum())


def test_an_array_is_not_decided_on():
    with pytest.raises(ag.TracingError):
        jit(lambda a: a if (a > 0).all() else -a)(Y)
    with pytest.raises(TypeError, match="where"):
        jit(lambda a: a[a > 0].sum())(Y)
