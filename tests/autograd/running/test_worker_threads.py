"""Worker threads that a traced or differentiated function starts, which its context does not reach."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from autograd import TracingError, Value, grad, jit, maximum, scan, trace, value_and_grad, vmap, where
from autograd.engines import engine_names
from optim import SGD, curve_fit, fit


def in_worker(function, *args):
    """What a function returns, or raises, in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *args).result()


def pooled(x):
    """The sum of |x| and 2|x|, each by a worker that decides."""
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(lambda k: x * k if x > 0 else -x * k, [1.0, 2.0]))


def recorded(x):
    """The same by workers that record the choice."""
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(lambda k: where(x > 0, x * k, -x * k), [1.0, 2.0]))


def test_a_decision_in_a_pool_is_refused_in_every_trace():
    at = np.array([-1.0, 2.0])
    for run in (
        lambda: trace(pooled, 1.0),
        lambda: jit(pooled)(1.0),
        lambda: jit(grad(pooled))(1.0),
        lambda: vmap(pooled)(at),
        lambda: scan(lambda c, x: (c + pooled(x), c), 0.0, at),
        lambda: curve_fit(lambda x, a: a * pooled(x), at, at),
        lambda: fit(lambda p, x: p * pooled(x), 1.0, (at,), SGD(lr=0.1), 1, engine="python"),
    ):
        with pytest.raises(TracingError, match=r"deciding(.|\n)*test_worker_threads(.|\n)*where"):
            run()
    assert pooled(-2.0) == 6.0
    assert value_and_grad(pooled)(-2.0) == (6.0, -3.0)


@pytest.mark.parametrize("engine", engine_names())
def test_a_comparison_in_a_pool_is_recorded(engine):
    at = np.array([-1.0, 0.5, 2.0])
    assert vmap(recorded, engine=engine)(at).tolist() == [3.0, 1.5, 6.0]
    assert vmap(grad(recorded), engine=engine)(at).tolist() == [-3.0, 3.0, 3.0]


@pytest.mark.parametrize(
    "step",
    [
        lambda x: x.data,
        lambda x: (2 * x + 1).data,
        lambda x: x.grad,
        lambda x: int(x),
        lambda x: (x * x).backward(),
        lambda x: max(x, 1.0),
        lambda x: sorted([x, 2 * x]),
        lambda x: x in (0.0, 1.0),
        lambda x: x if x == 1 else 2 * x,
        lambda x: x if not x != 1 else 2 * x,  # noqa: SIM202
        lambda x: 1.0 < x * x <= 2.0,
        lambda x: bool(grad(lambda y: y * y)(x)),
        lambda x: bool(sum(x * i for i in range(1000))),
    ],
)
def test_every_step_that_would_freeze_is_refused(step):
    with pytest.raises(TracingError, match=r"test_worker_threads"):
        trace(lambda x: in_worker(step, x) and x, 1.0)


def test_a_thread_by_hand_is_no_way_round():
    results = []

    def f(x):
        def work():
            try:
                results.append(x if x > 0 else -x)
            except TracingError as error:
                results.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return x

    trace(f, 1.0)
    assert isinstance(results[0], TracingError)


def test_what_does_not_depend_on_the_trace_is_decided_freely():
    def absolute(z):
        return z if z > 0 else -z

    def work():
        v = Value(-2.0)
        v.backward()
        return (v < 0, v.data, v.grad, grad(absolute)(-3.0), jit(maximum)(1.0, 2.0))

    program = trace(lambda x: sum(in_worker(work)) * x, 1.0)
    assert program(1.0) == 1.0 - 2.0 + 1.0 - 1.0 + 2.0
    assert not program.captured


def test_a_thread_beside_a_trace_goes_on_deciding():
    tracing, done = threading.Event(), threading.Event()

    def f(x):
        tracing.set()
        assert done.wait(10)
        return 2 * x

    with ThreadPoolExecutor(1) as pool:
        program = pool.submit(trace, f, 1.0)
        assert tracing.wait(10)
        w = Value(3.0)
        y = w * w if w > 1 else w
        y.backward()
        assert (y.data, w.grad, y == 9.0) == (9.0, 6.0, True)
        assert value_and_grad(lambda v: v * v if v > 1 else v)(w * 1.0)[1] == 6.0
        done.set()
        assert program.result()(2.0) == 4.0


def test_after_a_trace_that_failed_its_values_are_numbers_again():
    traced = []

    def f(x):
        traced.append(x)
        raise KeyError("on purpose")

    for _ in range(2):
        with pytest.raises(KeyError):
            trace(f, 1.0)
    assert in_worker(lambda: traced[0] > 0) is True
    assert traced[0].data == 1.0


# What a worker makes is no input from outside, and what it closes over is what the function is about.


def test_a_value_made_in_a_worker_is_a_constant():
    def f(x):
        return in_worker(lambda: x * Value(2.0) + Value(1.0))

    assert value_and_grad(f)(5.0) == (11.0, 2.0)
    assert type(grad(f)(5.0)) is float
    program = trace(f, 1.0)
    assert (program(5.0), program.captured) == (11.0, ())


def test_a_gradient_in_a_worker():
    def f(x):
        return x * in_worker(grad(lambda z: z * z * x), 2.0)  # 4 x^2

    assert value_and_grad(f)(5.0) == (100.0, 40.0)
    assert type(grad(f)(5.0)) is float
    assert jit(grad(f))(5.0) == 40.0
    assert grad(grad(f))(5.0) == 8.0
    assert vmap(f)(np.array([1.0, 5.0])).tolist() == [4.0, 100.0]
    assert grad(lambda q: in_worker(grad(lambda a: a * q), q))(3.0) == 1.0


@pytest.mark.parametrize("inner", [jit, lambda f: lambda x: vmap(f)(np.array([x]))[0]])
def test_what_is_compiled_in_a_worker_does_not_lose_the_derivative(inner):
    for f, expected in (
        (lambda x: in_worker(inner(lambda y: y * x), 3.0), 3.0),
        (lambda x: in_worker(inner(lambda y: y * x * x), 3.0) * x, 36.0),
    ):
        assert grad(f)(2.0) == expected
        assert type(grad(f)(2.0)) is float
        assert grad(f)(Value(2.0)) == expected
        assert jit(grad(f))(2.0) == expected
