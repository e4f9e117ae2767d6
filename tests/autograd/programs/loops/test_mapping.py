"""A vmap is one operation, and so is its gradient: equal to the same samples in Python, in every nesting."""

from __future__ import annotations

import copy
import hashlib
import math
import pickle
import threading

import numpy as np
import pytest

import autograd as ag
from autograd import (
    Program,
    Value,
    check_gradients,
    detect_anomaly,
    draw,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    scan,
    trace,
    value_and_grad,
    vjp,
    vmap,
)  # fmt: skip
from autograd.engines import engine_names
from autograd.graph.walks import topological_order
from autograd.programs import saving
from autograd.programs.tracing import record

EXACT = [name for name in engine_names() if name != "numpy"]
XS = np.array([0.3, -0.8, 0.5, 1.1])
POINT = [0.7, -0.4]


def sample(p, x):
    return ag.sin(p[0] * x) + ag.exp(-p[1] * x * x), ag.where(ag.less(p[0], x), x * p[1], p[0])


def ours(p, xs=XS):
    first, second = vmap(sample, in_axes=(None, 0))(p, xs)
    return (first * second).sum() + second[1] * p[0]


def theirs(p, xs=XS):
    pairs = [sample(p, x) for x in xs]
    return sum(first * second for first, second in pairs) + pairs[1][1] * p[0]


def mean(p, xs=XS):
    first, second = vmap(sample, (None, 0), "mean")(p, xs)
    return first * second


def mean_in_python(p, xs=XS):
    first, second = zip(*[sample(p, x) for x in xs])
    return sum(first) / len(xs) * (sum(second) / len(xs))


PAIRS = [(ours, theirs), (mean, mean_in_python)]


@pytest.mark.parametrize(("f", "g"), PAIRS)
def test_every_order_and_mode_is_that_of_python(f, g):
    value, gradient = value_and_grad(f)(POINT)
    expected, slopes = value_and_grad(g)(POINT)
    assert value == pytest.approx(expected, rel=1e-15)
    assert gradient == pytest.approx(slopes, rel=1e-14)
    direction = [1.0, -2.0]
    assert jvp(f, (POINT,), (direction,))[1] == pytest.approx(jvp(g, (POINT,), (direction,))[1], rel=1e-13)
    assert hvp(f, (POINT,), (direction,)) == pytest.approx(hvp(g, (POINT,), (direction,)), rel=1e-12)
    assert np.array(hessian(f)(POINT)) == pytest.approx(np.array(hessian(g)(POINT)), rel=1e-12)
    third = grad(lambda p: sum(map(sum, hessian(f)(p))))(POINT)
    assert third == pytest.approx(grad(lambda p: sum(map(sum, hessian(g)(p))))(POINT), rel=1e-11)
    by_xs = [np.asarray(grad(h, 1)(POINT, XS), float) for h in (f, g)]
    assert by_xs[0] == pytest.approx(by_xs[1], rel=1e-13)
    crossed = [np.array(jacobian(grad(h), 1)(POINT, XS), float) for h in (f, g)]
    assert crossed[0] == pytest.approx(crossed[1], rel=1e-12)


@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize(("f", "g"), PAIRS)
def test_every_engine_gives_what_eager_gives(f, g, engine):
    value, gradient = value_and_grad(f)(POINT)
    compiled = jit(value_and_grad(f), engine)(POINT)
    if engine in EXACT:
        assert compiled == (value, gradient)
    assert compiled[0] == pytest.approx(value, rel=1e-14)
    assert compiled[1] == pytest.approx(gradient, rel=1e-14)
    both = jit(grad(f, (0, 1)), engine)(POINT, XS)
    for found, expected in zip(both, grad(g, (0, 1))(POINT, XS)):
        assert list(found) == pytest.approx(list(expected), rel=1e-13)
    second = jit(hessian(f), engine)(POINT)
    assert np.array(second) == pytest.approx(np.array(hessian(g)(POINT)), rel=1e-12)


@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
@pytest.mark.parametrize("engine", ["llvm", "interpreter"])
def test_values_get_the_bits_of_numbers(reduce, engine):
    xs = np.linspace(-1.0, 1.0, 20_000)  # more than a chunk
    call = vmap(sample, (None, 0), reduce, engine)
    for recorded, plain in zip(call([Value(p) for p in POINT], xs), call(POINT, xs)):
        assert np.array_equal(getattr(recorded, "_number", recorded), plain)


def test_backward_reaches_shared_and_mapped_values_through_one_node():
    p, xs = [Value(each) for each in POINT], np.array([Value(x) for x in XS])
    total = ours(p, xs)
    assert len(topological_order(vmap(sample, in_axes=(None, 0))(p, XS)[0])) == 1
    total.backward()
    expected = grad(theirs, (0, 1))(POINT, XS)
    assert [each.grad for each in p] == pytest.approx(expected[0], rel=1e-14)
    assert [each.grad for each in xs] == pytest.approx(list(expected[1]), rel=1e-14)


def test_nestings_with_scan_and_with_itself():
    def steps(run, map_):
        def step(c, x):
            return c + map_(lambda a: ag.sin(a * c * x), XS) * 0.1, c * x

        return lambda w: run(step, w, XS)[0] * w

    def python_scan(step, c, xs):
        for x in xs.tolist():
            c, _ = step(c, x)
        return c, None

    def summed(f, xs):
        return sum(f(x) for x in xs.tolist())

    def mapped(f, xs):
        return vmap(f, reduce="sum")(xs)

    def paths(run, map_):
        return lambda w: map_(lambda a: run(lambda c, x: (ag.tanh(c * a * w + x), None), 0.1, XS)[0], XS)

    def table(_, map_):
        return lambda w: map_(lambda a: map_(lambda b: ag.sin(a * b * w) * a, XS) * a, XS)

    for make in (steps, paths, table):
        f, g = make(scan, mapped), make(python_scan, summed)
        assert f(0.7) == pytest.approx(g(0.7), rel=1e-14)
        for order in (grad, hessian, lambda h: grad(grad(grad(h)))):
            expected = order(g)(0.7)
            assert order(f)(0.7) == pytest.approx(expected, rel=1e-11)
            for engine in engine_names():
                assert jit(order(f), engine)(0.7) == pytest.approx(expected, rel=1e-11)


def test_gradients_within_maps_within_gradients():
    def inner(w, x):
        return ag.sin(w * x) * w

    def f(w):
        return (vmap(grad(inner), (None, 0))(w, XS) ** 2).sum()

    def g(w):
        return sum(grad(inner)(w, x) ** 2 for x in XS.tolist())

    assert grad(f)(0.6) == pytest.approx(grad(g)(0.6), rel=1e-13)
    each = vmap(grad(lambda w: vmap(lambda x: inner(w, x), reduce="mean")(XS)))(XS)
    expected = [grad(lambda w: sum(inner(w, x) for x in XS.tolist()) / 4)(w) for w in XS.tolist()]
    assert each.tolist() == pytest.approx(expected, rel=1e-13)


def test_rows_of_jacobians():
    f = vmap(lambda w, x: scan(lambda c, y: (c * w + x * y, None), 0.5, XS)[0], (None, 0))
    rows = jacobian(f)(0.6, XS)
    expected = []
    for x in XS.tolist():

        def one(w, x=x):
            c = 0.5
            for y in XS.tolist():
                c = c * w + x * y
            return c

        expected.append(grad(one)(0.6))
    assert rows.tolist() == pytest.approx(expected, rel=1e-13)
    assert jit(jacobian(f))(0.6, XS).tolist() == rows.tolist()
    assert np.array(jacobian(f, 1)(0.6, XS)) == pytest.approx(np.diag(np.diag(jacobian(f, 1)(0.6, XS))))
    pulled = vjp(lambda w: f(w, XS), 0.6)[1](np.array([1.0, 0.0, 0.0, 2.0]))[0]
    assert pulled == pytest.approx(expected[0] + 2.0 * expected[3], rel=1e-13)


def test_structures_keywords_axes_and_arrays():
    block = np.arange(6.0).reshape(2, 3)
    w = Value(0.5)

    def f(x, *, y):
        return {"a": x.sum() * w * y, "b": (x[0] * y,)}

    def recorded(x, y):
        return vmap(f, in_axes=1)(x, y=y)

    values = recorded(np.vectorize(Value, otypes=[object])(block), XS[:3])
    (values["a"].sum() + values["b"][0][2]).backward()
    assert w.grad == pytest.approx((block.sum(axis=0) * XS[:3]).sum())
    ys = scan(lambda c, x: (c * w, c), 1.0, XS)[1]
    w.grad = 0.0
    vmap(lambda y, x: y * x, reduce="sum")(ys, XS).backward()
    assert w.grad == pytest.approx(sum(n * 0.5 ** (n - 1) * XS[n] for n in range(1, 4)), rel=1e-14)


def test_no_samples_and_lengths_that_differ():
    w = Value(2.0)
    assert len(vmap(lambda x: x * w)(np.empty(0))) == 0
    assert grad(lambda w: vmap(lambda x: x * w, reduce="sum")(np.empty(0)))(2.0) == 0.0
    assert math.isnan(vmap(lambda w, x: w * x, (None, 0), "mean")(w, np.empty(0)).data)
    with pytest.raises(ValueError, match="same number of samples"):
        vmap(lambda x, y: x * y)(np.array([w, w]), np.ones(3))


def test_what_is_not_selected_receives_nothing():
    def f(w):
        return vmap(lambda x: ag.where(ag.less(0.0, x), ag.sqrt(x * w), 0.0), reduce="sum")(
            np.array([-1.0, 4.0])
        )

    assert grad(f)(1.0) == jit(grad(f))(1.0) == 1.0
    assert grad(lambda w: f(w * w))(1.0) == 2.0
    unused = vmap(lambda w: (w * 2.0, ag.sqrt(w)))
    w = np.array([Value(0.0), Value(1.0)])
    unused(w)[0].sum().backward()
    assert [each.grad for each in w] == [2.0, 2.0]


def test_anomalies_are_named_with_their_sample():
    with pytest.raises(FloatingPointError, match=r"is -inf in .*, sample 2, at .*ag.log"), detect_anomaly():
        vmap(lambda w, x: ag.log(w * x), (None, 0))(Value(1.0), np.array([1.0, 2.0, 0.0]))
    with pytest.raises(FloatingPointError, match=r"sample 1, at .*ag.sqrt"), detect_anomaly():
        vmap(lambda w, x: ag.sqrt(w * x), (None, 0), "sum")(Value(1.0), np.array([1.0, 0.0])).backward()
    with (
        pytest.raises(FloatingPointError, match=r"add up to inf, with 1e\+308 of sample 1"),
        detect_anomaly(),
    ):
        vmap(lambda w, x: w * x, (None, 0), "sum")(Value(1e308), np.ones(2))


def test_programs_are_printed_saved_drawn_and_checked(tmp_path):
    program = trace(value_and_grad(mean), POINT, XS)
    assert program.code.counts()["map"] == 2  # what goes back needs the means
    alone = trace(value_and_grad(lambda w: vmap(lambda x: ag.sin(w * x), reduce="mean")(XS)), 0.5)
    assert alone.code.counts()["map"] == 1  # and here it does not: forward and back in one
    program.save(tmp_path / "program")
    loaded = Program.load(tmp_path / "program")
    assert loaded(POINT, XS) == program(POINT, XS) == value_and_grad(mean)(POINT, XS)
    assert loaded.code.key() == program.code.key()
    namespace = {}
    exec(program.source, namespace)
    assert namespace["program"](*POINT, *XS.tolist())[0] == program(POINT, XS)[0]
    assert "map(" in str(program)
    assert "map" in draw(program).source
    assert pickle.loads(pickle.dumps(program))(POINT, XS) == program(POINT, XS)
    total = mean([Value(p) for p in POINT])
    for other in (pickle.loads(pickle.dumps(total)), copy.deepcopy(total)):
        other.backward()
        assert other.data == total.data

    def smooth(p):
        return vmap(lambda x: ag.sin(p[0] * x) / p[1], reduce="mean")(XS)

    for method in ("central", "richardson", "taylor", "complex-step", "high-precision"):
        assert check_gradients(smooth, POINT, method=method).passed
    assert check_gradients(smooth, POINT, order=2).passed


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('"map": [3, [0]]', r"operation\.map\[0\]"),
        ('"map": [2, [2]]', r"operation\.map\[1\]\[0\]"),
        ('"map": [2, 0]', r"operation\.map\[1\]"),
        ('"map": [2]', r"operation\.map"),
        ('"map": [2, [1]]', "must be"),  # a number is where the array should be
        ('"map": [2, [0, 0]]', "mapped twice"),
        ('"map": [2, [0]], "stack": 3', "the entries"),
    ],
)
def test_a_damaged_map_in_a_file_is_refused(entry, words):
    traced = record(lambda w: vmap(lambda x: (ag.sin(w * x), x * w), reduce="sum")(XS), 0.5)
    text = saving.dumps(saving.SavedProgram(*traced))
    assert '"map": [2, [0]]' in text
    body, _, _ = text.replace('"map": [2, [0]]', entry).rpartition('"checksum"')
    checksum = hashlib.sha256(body.encode()).hexdigest()
    with pytest.raises(saving.ProgramFileError, match=words):
        saving.loads(f'{body}"checksum": "{checksum}"}}\n')


def test_a_gradient_by_what_the_closure_reaches_too_is_refused():
    w = Value(0.5, "w")
    with pytest.raises(ValueError, match="also reached through the closure"):
        vmap(grad(lambda v, x: v * w * x), (None, 0))(w, XS)
    with pytest.raises(ValueError, match="also reached through the closure"):
        jit(vmap(grad(lambda v, x: v * w * x), (None, 0)))(w, XS)


def test_threads_may_share_a_map():
    results = {}

    def work(i):
        results[i] = [value_and_grad(mean)([POINT[0] + 0.1 * i, POINT[1]]) for _ in range(5)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(8):
        assert results[i] == [value_and_grad(mean)([POINT[0] + 0.1 * i, POINT[1]])] * 5
