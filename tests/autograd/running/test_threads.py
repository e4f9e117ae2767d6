"""Threads: graphs built and differentiated at once give what one thread gives."""

import copy
import pickle
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from autograd import (
    Value,
    detect_anomaly,
    grad,
    jit,
    log,
    maximum,
    primitive,
    scan,
    scope,
    sigmoid,
    sin,
    stop_gradient,
    tanh,
    trace,
    vmap,
    where,
)
from autograd.engines import engine_names
from autograd.graph.scopes import scopes_of
from optim import Adam, fit

SEEDS = range(40)
each_number = pytest.mark.parametrize("threads", [2, 8])

softsign = primitive("softsign", lambda x: x / (1 + abs(x)), lambda y, x: (1 / (1 + abs(x)) ** 2,))


@pytest.fixture(autouse=True)
def _threads_change_often():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def at_once(threads: int, function: Callable[[int], object], seeds: range = SEEDS) -> list[object]:
    """The function of every seed, by threads that start together."""
    start = threading.Barrier(threads)
    with ThreadPoolExecutor(threads, initializer=start.wait) as pool:
        return list(pool.map(function, seeds))


def formula(x: list[Value], seed: int) -> Value:
    """A few hundred operations with much sharing, exceptions on the way, and a primitive of a user's own."""
    y = x[0] * seed
    for i in range(60):
        first, second = x[i % 3], x[(i * seed) % 3]
        y = tanh(y * first + sin(second)) + maximum(softsign(y), second) / (i + 1)
        y = where(y > 0, y, sigmoid(y)) * 0.9 + (first * 1e300) ** -2
    return y


def differentiated(seed: int) -> tuple[float, ...]:
    x = [Value(0.1 * (seed + 1)), Value(-0.3), Value(0.7)]
    y = formula(x, seed)
    y.backward()
    return (y.data, *[leaf.grad for leaf in x])


@each_number
def test_threads_find_what_one_thread_finds(threads):
    expected = [differentiated(seed) for seed in SEEDS]
    assert at_once(threads, differentiated) == expected


@each_number
def test_leaves_can_be_read_by_all(threads):
    """A shared Value is read only where no gradient reaches it: a constant for every thread."""
    shared = [Value(0.2), Value(-0.3), Value(0.7)]

    def work(seed: int) -> tuple[float, ...]:
        own = Value(0.1 * (seed + 1))
        y = formula([own, *map(stop_gradient, shared[1:])], seed) * stop_gradient(formula(shared, seed))
        y.backward()
        return y.data, own.grad

    expected = [work(seed) for seed in SEEDS]
    assert at_once(threads, work) == expected
    assert [leaf.grad for leaf in shared] == [0.0, 0.0, 0.0]


@each_number
def test_a_graph_can_be_read_by_all(threads):
    """Copies, pickles and walks of one graph at the same time."""
    y = formula([Value(0.2), Value(-0.3), Value(0.7)], 1)
    expected = pickle.dumps(y)

    def work(seed: int) -> bool:
        copied = copy.deepcopy(y) if seed % 2 else pickle.loads(pickle.dumps(y))
        copied.backward()
        return pickle.dumps(y) == expected and copied.data == y.data

    assert all(at_once(threads, work))


@each_number
def test_results_that_share_operations_can_be_walked_at_once(threads):
    shared = formula([Value(0.2), Value(-0.3), Value(0.7)], 1)

    def work(seed: int) -> bool:
        copied = copy.deepcopy(shared * seed)
        copied.backward()
        return copied.data == shared.data * seed

    assert all(at_once(threads, work))


# Programs: compiled and run at once.

SAMPLES = np.linspace(-1.0, 1.0, 600)


def smooth(x):
    y = x
    for i in range(12):
        y = tanh(y * x + 0.1 * i) + softsign(y)
    return y


def ran(engine: str, function: Callable[..., object]) -> tuple[object, ...]:
    """A call, a gradient, a batch and a loop, traced and compiled where nobody has yet."""
    return (
        jit(function, engine=engine)(0.3),
        jit(grad(function), engine=engine)(0.3),
        vmap(function, reduce="sum", engine=engine)(SAMPLES),
        scan(lambda c, x: (c * 0.5 + function(x), c), 0.0, SAMPLES[:50], engine=engine)[0],
        str(trace(function, 0.3)).count("\n"),
    )


@pytest.mark.parametrize("engine", engine_names())
def test_threads_compile_and_run_one_function_at_once(engine):
    expected = ran(engine, smooth)

    def shared(x):  # one that nobody has compiled: all threads find it missing at once
        return smooth(x)

    assert at_once(8, lambda seed: ran(engine, shared), range(8)) == [expected] * 8


@pytest.mark.parametrize("engine", engine_names())
def test_threads_compile_and_run_functions_of_their_own(engine):
    def work(seed: int) -> tuple[object, ...]:
        return ran(engine, lambda x: smooth(x * seed) + seed)

    expected = [work(seed) for seed in range(8)]
    assert at_once(8, work, range(8)) == expected


def test_threads_train_at_once():
    def work(seed: int) -> tuple[float, list[float]]:
        done = fit(
            lambda w, x: (w * x - seed) ** 2,
            1.0,
            (SAMPLES[:40],),
            Adam(lr=0.01),
            3,
            8,
            shuffle=True,
            seed=seed,
        )
        return done.params, done.losses

    expected = [work(seed) for seed in range(8)]
    assert at_once(8, work, range(8)) == expected


def test_contexts_of_one_thread_reach_no_other():
    """Anomalies are detected, and scopes are open, in every other thread."""

    def work(seed: int) -> object:
        if seed % 2:
            return Value(0.0).log().data, jit(log)(0.0), scopes_of(sin(Value(1.0)))
        with detect_anomaly(), scope(f"part {seed}"):
            named = [opened.name for opened in scopes_of(sin(Value(1.0)))]
            for birth in (lambda: Value(0.0).log().backward(), lambda: jit(log)(0.0)):
                with pytest.raises(FloatingPointError):
                    birth()
            return named

    even = [[f"part {seed}"] for seed in SEEDS[::2]]
    results = at_once(8, work)
    assert results[::2] == even
    assert set(map(str, results[1::2])) == {"(-inf, -inf, ())"}
