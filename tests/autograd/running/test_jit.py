"""`jit`, `vmap` and `scan`: results, caching, nesting and errors, on the engines that need nothing.

The engines' own tests hold them against each other; here `python` and `numpy` stand for all.
"""

from __future__ import annotations

import gc
import math
import threading
import weakref

import numpy as np
import pytest

import autograd as ag
from autograd import Value, grad, hessian, jit, scan, trace, value_and_grad, vmap
from autograd.primitives import table
from autograd.programs.code import Code, Instruction
from autograd.running.jit import choose_engine
from models.assignment.graph import loss

ENGINES = ["python", "numpy"]
W = [0.1] * 9
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(11, 5)), RNG.normal(size=11)


@pytest.mark.parametrize("engine", ENGINES)
def test_jit_returns_what_the_function_returns(engine):
    both = jit(value_and_grad(loss), engine=engine)
    for x, y in zip(X.tolist(), Y.tolist()):
        value, gradient = both(W, x, y)
        expected_value, expected = value_and_grad(loss)(W, x, y)
        assert value == pytest.approx(expected_value, rel=1e-14)
        assert gradient == pytest.approx(expected, rel=1e-13)


def test_jit_traces_once_for_each_structure():
    calls = []

    def f(x):
        calls.append(x)
        return x[0] * 2

    fast = jit(f, engine="python")
    assert [fast([1.0]), fast([2.0]), fast([3.0, 4.0]), fast((5.0,)), fast([6.0])] == [2, 4, 6, 10, 12]
    assert len(calls) == 3
    assert jit(f, engine="python")([7.0]) == 14  # which freezes the function as it is then
    assert len(calls) == 4


def test_jit_keeps_no_function_alive():
    def f(x):
        return x * 2

    jit(f, engine="python")(1.0)
    alive = weakref.ref(f)
    del f
    gc.collect()
    assert alive() is None


def test_jit_reads_captured_values_at_each_call():
    w = Value(2.0)
    fast = jit(lambda x: x * w, engine="python")
    assert fast(3.0) == 6.0
    w.data = 10.0
    assert fast(3.0) == 30.0


def test_jit_with_static_arguments():
    fast = jit(
        lambda x, n, how: ag.exp(x) * n if how == "exp" else x**n, engine="python", static_argnums=(1, 2)
    )
    assert fast(2.0, 3, "power") == 8.0
    assert fast(0.0, 3, "exp") == 3.0
    with pytest.raises(TypeError, match="static arguments must be hashable"):
        fast(2.0, [3], "power")


def test_jit_shows_its_program_source_and_engine():
    fast = jit(lambda x: x * x, engine="python")
    assert len(fast.program(2.0)) == 1
    assert "def program(x):" in fast.source(2.0)
    assert fast.engine(2.0) == "python"
    assert jit(lambda x: x).engine(1.0) == choose_engine(fast.program(2.0), "call")


@pytest.mark.parametrize(
    ("installed", "size", "use", "expected"),
    [
        (True, 1, "call", "llvm"),
        (True, 20_000, "map", "llvm"),
        (True, 20_001, "scan", "interpreter"),
        (False, 1, "map", "numpy"),
        (False, 1, "call", "python"),
        (False, 20_001, "scan", "python"),
    ],
)
def test_auto_chooses_by_size_and_by_what_is_installed(monkeypatch, installed, size, use, expected):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if installed else None)
    step = Instruction(table.neg, (0,), (1,))
    steps = [step._replace(operands=(i,), results=(i + 1,)) for i in range(size)]
    assert choose_engine(Code("long", ["x"], (), steps, [size]), use) == expected


def test_auto_counts_what_stands_in_loops():
    def step(carry, x):
        for _ in range(2500):
            carry = ag.sin(carry) * x
        return carry, carry

    looped = ag.trace(lambda x: scan(step, x, np.ones(3))[0], 1.0)
    assert len(looped) == 1
    assert looped.code.weight() == 5001


def test_a_callable_without_weak_references_is_traced_once_by_each_wrapper():
    calls = []

    class Doubling:
        __slots__ = ()

        def __call__(self, x):
            calls.append(x)
            return x * 2

    f = Doubling()
    for _ in range(2):
        fast = jit(f, engine="python")
        assert [fast(1.0), fast(2.0)] == [2.0, 4.0]
    assert len(calls) == 2
    assert vmap(f, engine="python")(np.ones(2)).tolist() == [2.0, 2.0]


def test_static_arguments_count_from_either_end_and_need_not_be_given():
    def f(x, y, n=3):
        return x * y**n

    for static in (2, -1):
        fast = jit(f, engine="python", static_argnums=static)
        assert fast(2.0, 3.0, 2) == 18.0
        assert len(fast.program(2.0, 3.0, 2).inputs) == 2
    last = jit(f, engine="python", static_argnums=2)
    assert last(2.0, 3.0) == 54.0
    assert len(last.program(2.0, 3.0).inputs) == 2
    first = jit(lambda n, x: x**n, engine="python", static_argnums=-2)
    assert (first(3, 2.0), len(first.program(3, 2.0).inputs)) == (8.0, 1)


def test_a_compiled_call_in_a_trace_is_recorded_though_its_arguments_are_constants():
    w = Value(2.0)
    inner = jit(lambda x: w * x, engine="python")
    program = ag.trace(lambda x: x + inner(3.0), 1.0)
    w.data = 5.0
    assert program(1.0) == 16.0


def test_a_compiled_call_runs_though_another_thread_traces():
    w = Value(2.0)
    fast = jit(lambda x: w * x, engine="python")
    assert fast(3.0) == 6.0
    tracing, called = threading.Event(), threading.Event()

    def traced(x):
        tracing.set()
        assert called.wait(60)
        return x * 2

    tracer = threading.Thread(target=ag.trace, args=[traced, 1.0])
    tracer.start()
    assert tracing.wait(60)
    try:
        assert type(fast(3.0)) is float
    finally:
        called.set()
        tracer.join()


def test_there_is_no_program_of_what_must_be_recorded():
    def f(w):
        jit(lambda x: w * x, engine="python").program(5.0)

    with pytest.raises(TypeError, match="there is no program while the function is differentiated by"):
        grad(f)(3.0)


@pytest.mark.parametrize("engine", ENGINES)
def test_nestings_of_jit_and_grad_agree(engine):
    def cube(x):
        return x**3

    fast = jit(cube, engine=engine)
    assert grad(fast)(2.0) == 12.0
    assert jit(grad(fast), engine=engine)(2.0) == 12.0
    assert grad(jit(grad(fast), engine=engine))(2.0) == 12.0
    assert hessian(fast)(2.0) == 12.0
    assert isinstance(fast(Value(2.0)), Value)


@pytest.mark.parametrize("engine", ENGINES)
def test_vmap_equals_a_loop(engine):
    many = vmap(loss, in_axes=(None, 0, 0), engine=engine)(W, X, Y)
    expected = [loss(W, x, y) for x, y in zip(X.tolist(), Y.tolist())]
    assert many.tolist() == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_vmap_reduces_over_the_batch(engine, reduce):
    result = vmap(grad(loss), in_axes=(None, 0, 0), reduce=reduce, engine=engine)(W, X, Y)
    rows = np.array([grad(loss)(W, x, y) for x, y in zip(X.tolist(), Y.tolist())])
    assert isinstance(result, list)
    assert result == pytest.approx(getattr(rows, reduce)(axis=0).tolist(), rel=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_vmap_over_other_axes_dtypes_and_structures(engine):
    def f(p, x):
        return {"scaled": p["a"] * x, "sum": x[0] + x[1] + p["b"]}

    a, b, x = np.arange(4.0), np.arange(4), np.arange(8, dtype=np.float32).reshape(2, 4)
    result = vmap(f, in_axes=(0, 1), engine=engine)({"a": a, "b": b}, x)
    assert result["scaled"].tolist() == (a[:, None] * x.T).tolist()
    assert result["sum"].tolist() == (x.sum(axis=0) + b).tolist()
    assert (
        vmap(f, in_axes=(0, -1), engine=engine)({"a": a, "b": b}, x)["sum"].tolist() == result["sum"].tolist()
    )


def test_vmap_takes_scalars_and_arrays_of_a_result_apart():
    single, pair, three = vmap(lambda x: (x, np.array([2 * x, 3 * x]), 4 * x), engine="python")(
        np.arange(3.0)
    )
    assert single.tolist() == [0.0, 1.0, 2.0]
    assert pair.tolist() == [[0.0, 0.0], [2.0, 3.0], [4.0, 6.0]]
    assert three.tolist() == [0.0, 4.0, 8.0]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
@pytest.mark.parametrize("count", [0, 1, 4, 11])
def test_vmap_converts_other_dtypes_block_by_block(monkeypatch, engine, reduce, count):
    monkeypatch.setattr("autograd.running.vmap._BLOCK", 4)
    ints, floats = np.arange(count), np.linspace(0.0, 1.0, count)
    result = vmap(lambda s, a, b: s * a - b, (None, 0, 0), reduce=reduce, engine=engine)(3.0, ints, floats)
    each = 3.0 * ints - floats
    if reduce is None:
        assert result.tolist() == each.tolist()
    elif reduce == "mean" and count == 0:
        assert np.isnan(result)
    else:
        assert result == pytest.approx(getattr(each, reduce)(), rel=1e-14)


@pytest.mark.parametrize(
    "args",
    [(Value(2.0), np.array([1.0, 3.0])), (2.0, np.array([Value(1.0), Value(3.0)]))],
    ids=["shared", "mapped"],
)
def test_vmap_of_values_is_recorded(args):
    result = vmap(lambda w, x: w * x, in_axes=(None, 0), engine="python")(*args)
    assert all(isinstance(value, Value) for value in result)
    assert [value.data for value in result] == [2.0, 6.0]


def test_vmap_of_values_reduces_them():
    w = Value(2.0)
    for reduce, expected in (("sum", 9.0), ("mean", 3.0)):
        result = vmap(lambda w, x: {"it": w * x}, (None, 0), reduce, "python")(w, np.array([1.0, 3.0, 0.5]))
        assert result["it"].data == expected
    assert vmap(lambda x: x * w, reduce="mean", engine="python")(np.array([w])).data == 4.0
    assert len(vmap(lambda w, x: w * x, (None, 0), engine="python")(w, np.empty(0))) == 0
    assert vmap(lambda w, x: w * x, (None, 0), "sum", engine="python")(w, np.empty(0)).data == 0.0
    assert math.isnan(vmap(lambda w, x: w * x, (None, 0), "mean", engine="python")(w, np.empty(0)).data)


def test_a_jitted_function_has_the_name_of_its_function():
    compiled = jit(loss)
    assert (compiled.__name__, compiled.__wrapped__) == ("loss", loss)
    assert compiled.__doc__ == loss.__doc__


def test_vmap_has_the_name_of_its_function():
    mapped = vmap(loss, in_axes=(None, 0, 0))
    assert (mapped.__name__, mapped.__wrapped__) == ("loss", loss)


@pytest.mark.parametrize("engine", ENGINES)
def test_vmap_of_no_samples(engine):
    assert vmap(lambda x: x * 2, engine=engine)(np.empty(0)).tolist() == []
    assert vmap(lambda x: [x, x * 2], reduce="sum", engine=engine)(np.empty(0)) == [0.0, 0.0]


def test_vmap_nests_in_itself_and_in_grad():
    double = vmap(vmap(lambda x: x * 2, engine="numpy"), engine="numpy")
    assert double(np.ones((2, 3))).tolist() == [[2.0] * 3] * 2

    def total(w):
        return vmap(lambda x: (w * x) ** 2, reduce="sum", engine="numpy")(np.array([1.0, 2.0]))

    assert grad(total)(3.0) == 30.0
    assert jit(grad(total), engine="python")(3.0) == 30.0


def test_what_is_differentiated_by_is_recorded_though_only_closed_over():
    """A compiled call would read it as a number, and the gradient would be lost."""
    xs = np.array([1.0, 2.0])
    assert grad(lambda w: jit(lambda x: w * x, engine="python")(5.0))(3.0) == 5.0
    assert grad(lambda w: vmap(lambda x: w * x, reduce="sum", engine="python")(xs))(3.0) == 3.0
    assert grad(lambda w: scan(lambda c, x: (c + w * x, None), 0.0, xs, engine="python")[0])(3.0) == 3.0
    outer = Value(3.0)
    result = grad(lambda w: jit(lambda x: w * w * x, engine="python")(5.0))(outer)
    result.backward()
    assert (result.data, outer.grad) == (30.0, 10.0)


def test_a_derived_value_closed_over_is_recorded_too():
    def f(w):
        square = w * w
        return jit(lambda x: square * x, engine="python")(5.0)

    assert grad(f)(3.0) == 30.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: vmap(lambda x: x)(1.0), TypeError, "argument 0 must be an array.*float: its in_axes entry"),
        (
            lambda: vmap(lambda x: x)([1.0, 2.0]),
            TypeError,
            r"argument 0 must be an array .*got float in a list: if these are its samples, write np\.array",
        ),
        (lambda: vmap(lambda x: x)(np.array(1.0)), TypeError, r"argument 0 must be .*an array of shape \(\)"),
        (lambda: scan(lambda c, x: (c, x), 0.0, [1.0]), TypeError, r"^xs must be .*got float in a list"),
        (
            lambda: vmap(lambda x, y: x)(np.ones(2), np.ones(3)),
            ValueError,
            "2 in argument 0, 3 in argument 1",
        ),
        (lambda: vmap(lambda x: x, in_axes=1)(np.ones(2)), ValueError, "names axis 1"),
        (lambda: vmap(lambda x: x, in_axes=None)(1.0), ValueError, "at least one mapped argument"),
        (lambda: vmap(lambda x: x, in_axes=(0, 0))(np.ones(2)), ValueError, "one entry an argument"),
        (lambda: vmap(lambda x: x)(np.array(["a"])), TypeError, "real numbers"),
        (lambda: vmap(lambda x: x, reduce="max"), ValueError, "'sum' or 'mean', got 'max'"),
        (lambda: vmap(lambda x: x, engine="fortran"), ValueError, "'auto' or one of .*numpy.*got 'fortran'"),
        (lambda: jit(lambda x: x, engine="fortran"), ValueError, "got 'fortran'"),
        (lambda: scan(lambda c, x: c, 0.0, np.ones(2)), TypeError, "must return a pair"),
        (lambda: scan(lambda c, x: ([c], x), 0.0, np.ones(2)), TypeError, "a carry of the structure"),
        (lambda: scan(lambda c, x: (c, x), 0.0, (np.ones(2), np.ones(3))), ValueError, r"3 in xs\[1\]"),
        (lambda: scan(lambda c, x: (c, x), 0.0, None), ValueError, "None with a length"),
        (lambda: jit(lambda x: x)("a"), TypeError, "got str 'a'"),
    ],
)
def test_bad_input_is_told_what_was_wrong(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.float32, np.bool_])
def test_numbers_of_every_kind_are_mapped_as_float64(engine, dtype):
    xs = np.array([0, 1, 2, 200]).astype(dtype)
    result = vmap(lambda x: x * x * 1e9, engine=engine)(xs)
    assert result.dtype == np.float64
    assert result.tolist() == [x * x * 1e9 for x in xs.astype(float).tolist()]
    total = vmap(lambda x: x * x, reduce="sum", engine=engine)(xs)
    assert total == (xs.astype(float) ** 2).sum()


def step(w, sample):
    x, y = sample
    value, gradient = value_and_grad(loss)(w, x, y)
    return [weight - 0.01 * g for weight, g in zip(w, gradient)], value


@pytest.mark.parametrize("engine", ENGINES)
def test_an_epoch_of_training_is_one_scan(engine):
    w, losses = W, []
    for x, y in zip(X.tolist(), Y.tolist()):
        w, value = step(w, (x, y))
        losses.append(value)
    result, ys = scan(step, W, (X, Y), engine=engine)
    assert result == w
    assert ys.tolist() == losses


@pytest.mark.parametrize("engine", ENGINES)
def test_scan_with_structures_no_xs_no_steps_and_captured_values(engine):
    rate = Value(2.0)
    carry, ys = scan(
        lambda c, _: ({"n": c["n"] + rate, "v": c["v"] * 2}, c["v"]),
        {"n": 0.0, "v": np.ones(2)},
        None,
        engine=engine,
        length=3,
    )
    assert carry["n"] == 6.0
    assert carry["v"].tolist() == [8.0, 8.0]
    assert ys.tolist() == [[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]
    carry, ys = scan(lambda c, x: (c + x, c), 1.0, np.empty(0), engine=engine)
    assert (carry, ys.tolist()) == (1.0, [])


def test_scan_is_differentiated():
    def product(start):
        return scan(lambda c, x: (c * x, c), start, np.array([2.0, 3.0, 4.0]), engine="python")[0]

    assert grad(product)(1.0) == 24.0
    assert jit(grad(product), engine="python")(1.0) == 24.0
    carry, ys = scan(lambda c, x: (c * x, c), Value(1.0), np.array([2.0, 3.0]))
    assert carry.data == 6.0
    assert [y.data for y in ys] == [1.0, 2.0]


def test_a_long_map_is_one_operation():
    def mapped(scale):
        return vmap(lambda x: scale * x + 1.0)(np.ones(1_000_000)).sum()

    assert grad(mapped)(1.0) == 1_000_000
    assert len(trace(grad(mapped), 1.0)) < 5


def test_an_exception_in_the_function_reaches_the_caller_and_nothing_is_kept():
    fail = [True]

    def f(x):
        if fail[0]:
            raise LookupError("not yet")
        return x * 2

    fast = jit(f, engine="python")
    with pytest.raises(LookupError, match="not yet"):
        fast(1.0)
    fail[0] = False
    assert fast(1.0) == 2.0


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_may_share_a_jitted_function(engine):
    fast = jit(value_and_grad(loss), engine=engine)
    expected = [fast(W, x, y) for x, y in zip(X.tolist(), Y.tolist())]
    fresh = jit(lambda w, x, y: value_and_grad(loss)(w, x, y), engine=engine)
    result: dict[int, list] = {}

    def work(i):
        result[i] = [fresh(W, x, y) for _ in range(5) for x, y in zip(X.tolist(), Y.tolist())]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(result[i] == expected * 5 for i in range(8))
