"""Nothing but `jit` freezes: what a function closes over is read at each call of `vmap` and `scan`."""

import threading
from functools import partial

import numpy as np
import pytest

from autograd import Value, grad, jit, primitive, scan, tanh, value_and_grad, vmap, where
from autograd.running import store
from models.assignment.graph import loss
from optim import Adam, curve_fit, fit, minimize

ENGINES = ["python", "numpy"]
each_engine = pytest.mark.parametrize("engine", ENGINES)
weight = 0.0


def summed(x):
    return weight * x * x + weight * x


@each_engine
def test_a_global_that_changes_is_read_anew(engine, monkeypatch):
    mapped, xs = vmap(summed, reduce="sum", engine=engine), np.ones(2)
    totals = []
    for number in (0.0, 1.0, 10.0):
        monkeypatch.setitem(globals(), "weight", number)
        totals += [mapped(xs), vmap(summed, reduce="sum", engine=engine)(xs)]
    assert totals == [0.0, 0.0, 4.0, 4.0, 40.0, 40.0]


@each_engine
def test_what_is_closed_over_is_read_anew(engine):
    def step(carry, x):
        return carry + factor * x, carry

    def total(a, xs):
        return vmap(lambda a, x: factor * (a + x), (None, 0), "sum", engine)(a, xs)

    def batch(carry, x):
        total = scan(lambda total, each: (total + factor * each, None), 0.0, np.array([x, x]), engine)[0]
        return carry + factor * total, total

    results = []
    for number in (0.0, 1.0, 10.0):
        factor = number
        loop = scan(step, 0.0, np.ones(3), engine)[0]
        batches = scan(batch, 0.0, np.ones(3), engine)[0]
        results.append((total(1.0, np.ones(2)), loop, batches))
    assert results == [(0.0, 0.0, 0.0), (4.0, 3.0, 6.0), (40.0, 30.0, 600.0)]


@each_engine
def test_flags_arrays_attributes_and_rebound_values_are_read_anew(engine):
    class Line:
        slope = 2.0

        def __call__(self, x):
            return self.slope * x

    array, line, xs = np.array([1.0, 2.0]), Line(), np.array([1.0, 2.0])
    negative, bound = False, Value(3.0)
    by_flag = vmap(lambda x: -x if negative else x, engine=engine)
    by_array = vmap(lambda x: x * array[0] + array[1], engine=engine)
    by_attribute = vmap(line, engine=engine)
    by_value = vmap(lambda x: bound * x, engine=engine)
    mapped = by_flag, by_array, by_attribute, by_value
    assert [f(xs).tolist() for f in mapped] == [[1, 2], [3, 4], [2, 4], [3, 6]]
    negative, line.slope, bound = True, 5.0, Value(7.0)
    array[:] = 10.0, 20.0
    assert [f(xs).tolist() for f in mapped] == [[-1, -2], [30, 40], [5, 10], [7, 14]]
    bound = 4.0
    assert by_value(xs).tolist() == [4, 8]


@each_engine
def test_equal_callables_are_told_apart(engine):
    class Scale:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, x, *_):
            return (x * self.factor, x) if _ else x * self.factor

        def __eq__(self, other):
            return isinstance(other, Scale)

        def __hash__(self):
            return 1

    xs = np.ones(1)
    assert [jit(Scale(n), engine)(1.0) for n in (2.0, 3.0)] == [2.0, 3.0]
    assert [vmap(Scale(n), engine=engine)(xs).tolist() for n in (2.0, 3.0)] == [[2.0], [3.0]]
    assert [scan(Scale(n), 1.0, xs, engine)[0] for n in (2.0, 3.0)] == [2.0, 3.0]


def test_gradients_of_a_formula_with_a_number_that_changes():
    slopes = []
    for decay in (0.0, 1.0, 10.0):
        slope = vmap(grad(lambda w, x, decay=decay: (w - x) ** 2 + decay * w * w), (None, 0), "sum")
        slopes.append(slope(1.0, np.array([0.0, 2.0])))
    assert slopes == [0.0, 4.0, 40.0]


def test_jit_freezes_until_it_is_made_anew():
    factor = 2.0

    def f(x):
        return factor * x

    single, mapped = jit(f, "python"), jit(vmap(f), "numpy")
    assert (single(1.0), mapped(np.ones(1)).tolist()) == (2.0, [2.0])
    factor = 3.0
    assert (single(1.0), mapped(np.ones(1)).tolist()) == (2.0, [2.0])
    assert (jit(f, "python")(1.0), jit(vmap(f), "numpy")(np.ones(1)).tolist()) == (3.0, [3.0])


def test_jit_of_a_vmap_traces_once_and_is_the_same_function():
    calls, bias = [], Value(1.0)

    def f(w, x):
        calls.append(x)
        return w * x + bias

    mapped = vmap(f, (None, 0), "mean", "numpy")
    fast, xs = jit(mapped), np.array([1.0, 3.0])
    assert [fast(2.0, xs), fast(3.0, xs), fast(3.0, np.ones(5))] == [5.0, 7.0, 4.0]
    assert len(calls) == 1
    bias.data = 10.0
    assert fast(2.0, xs) == mapped(2.0, xs) == 14.0
    assert fast.engine(2.0, xs) == "numpy"
    assert len(fast.program(2.0, xs)) == 2
    assert grad(fast)(2.0, xs) == 2.0
    assert jit(mapped, "python").engine(2.0, xs) == "python"


@pytest.fixture
def compilations(monkeypatch):
    """The codes that are compiled."""
    codes = []
    original = store.compiled

    def counted(code, engine):
        codes.append(code)
        return original(code, engine)

    monkeypatch.setattr(store, "compiled", counted)
    monkeypatch.setattr(store, "_store", store.Bounded(store.MOST_BYTES, store._weight))
    return codes


@each_engine
def test_other_constants_compile_nothing_anew(engine, compilations):
    for number in np.linspace(0.25, 0.75, 50).tolist():
        assert vmap(lambda x, n=number: tanh(x) * n, engine=engine)(np.zeros(2)).tolist() == [0.0, 0.0]
    assert len(compilations) == 1
    vmap(lambda x: tanh(x) + 0.5, engine=engine)(np.zeros(2))
    assert len(compilations) == 2


def test_an_operation_registered_anew_is_another(compilations):
    def tripled(x):
        return x * 3

    first = primitive("stale_scaled", tripled, lambda y, x: (3.0,))
    assert vmap(lambda x: first(x), engine="python")(np.ones(1)).tolist() == [3.0]
    second = primitive("stale_scaled", lambda x: x * 5, lambda y, x: (5.0,))
    assert vmap(lambda x: second(x), engine="python")(np.ones(1)).tolist() == [5.0]


@pytest.mark.parametrize("engine", ["python", "numpy", "llvm", "interpreter"])
def test_lifted_constants_give_the_bits_of_those_compiled_in(engine):
    if engine in ("llvm", "interpreter"):
        pytest.importorskip("llvmlite")
    xs = np.array([-np.inf, -3.7, -1.0, -0.0, 0.0, 5e-324, 0.3, 2.0, 1e200, np.inf, np.nan])
    for number in (-2.0, -1.0, -0.0, 0.0, 0.5, 1.0, 2.0, 3.0, np.inf, np.nan):

        def f(x, n=number):
            return x**n, n**x, where(n, x, -x), where(x < n, x * n, x / n), x - n, n - x, tanh(n * x + n)

        program = jit(f, engine="python").program(0.0)
        lifted = store.found_or_compiled(program.code, engine, lift=True)
        frozen = store.found_or_compiled(program.code, engine)
        for run, arguments in (("map", (len(xs), None)), ("scan", ([], len(xs)))):
            if run == "map":
                results = lifted.map([xs, *program.constants], *arguments)
                expected = frozen.map([xs], *arguments)
            else:
                results = lifted.scan([], [xs], program.constants, len(xs))[1]
                expected = frozen.scan([], [xs], [], len(xs))[1]
            for a, b in zip(results, expected):
                same = (a.view(np.int64) == b.view(np.int64)) | (np.isnan(a) & np.isnan(b))
                assert same.all(), (run, number, a, b)


def test_the_store_drops_what_was_used_least_recently(compilations, monkeypatch):
    monkeypatch.setattr(store, "_store", store.Bounded(3 * (20 << 10), store._weight))
    formulas = [lambda x: x + 1, lambda x: x * 3, lambda x: x / 3, lambda x: 1 - x]
    for f in (formulas[0], formulas[1], formulas[2], formulas[0], formulas[3], formulas[0]):
        vmap(f, engine="python")(np.ones(1))
    assert len(compilations) == 4
    vmap(formulas[1], engine="python")(np.ones(1))
    assert len(compilations) == 5
    assert len(store._store) == 3


def test_a_sweep_over_static_arguments_is_bounded(compilations, monkeypatch):
    monkeypatch.setattr("autograd.running.jit.MOST_BYTES", 1 << 20)
    fast = jit(lambda x, n: x * n + 1.5, "python", static_argnums=1)
    assert all(fast(2.0, n) == 2.0 * n + 1.5 for n in range(10_000))
    assert len(fast._traces) <= 64


def test_threads_share_the_store():
    start, failures = threading.Barrier(4), []

    def work(seed):
        start.wait()
        for i in range(30):
            number = seed + i / 8
            if vmap(lambda x, n=number: x * n, engine="numpy")(np.ones(2)).tolist() != [number] * 2:
                failures.append(number)

    threads = [threading.Thread(target=partial(work, seed)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_fit_traces_once():
    calls = []

    def residual(w, x, y):
        calls.append(1)
        return (w * x - y) ** 2

    xs = np.linspace(0.0, 1.0, 8)
    counts = []
    for epochs in (2, 20):
        calls.clear()
        fit(residual, 0.5, (xs, 3 * xs), optimizer=Adam(), epochs=epochs, batch_size=4)
        counts.append(len(calls))
    assert counts[0] == counts[1]


def test_a_minimization_and_a_curve_fit_trace_as_often_however_long_they_take():
    calls = []

    def bowl(p):
        calls.append(1)
        return (p[0] - 3) ** 2 + (p[0] * p[1] - 1) ** 2

    def line(x, a, b):
        calls.append(1)
        return a * tanh(b * x)

    xs = np.linspace(0.0, 1.0, 8)
    counts = []
    for start in ([3.1, 0.3], [30.0, -5.0]):
        calls.clear()
        minimize(bowl, start)
        counts.append(len(calls))
    assert max(counts) <= 4
    calls.clear()
    curve_fit(line, xs, 2 * np.tanh(3 * xs) + 0.01 * np.sin(99 * xs), p0=[1.0, 1.0])
    assert len(calls) <= 20


def test_the_assignment_gradient_is_the_same_frozen_and_not():
    rng = np.random.default_rng(1)
    args = [0.1] * 9, rng.normal(size=(20, 5)), rng.normal(size=20)
    mapped = vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce="mean")
    assert mapped(*args) == jit(mapped)(*args) == mapped(*args)
