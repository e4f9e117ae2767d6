"""A call of a jitted function on Values is one node, which runs compiled in every order and nesting."""

from __future__ import annotations

import copy
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
    compare,
    derive,
    detect_anomaly,
    draw,
    fori_loop,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    primitive,
    scan,
    trace,
    value_and_grad,
    vjp,
    vmap,
)
from autograd.engines import engine_names
from autograd.graph.walks import topological_order
from models.mlp import MLP

EXACT = [name for name in engine_names() if name != "numpy"]
POINT = (0.7, -0.4)
X = [[0.2, -0.9], [1.1, 0.3], [-0.6, 0.4]]
Y = [1.0, -1.0, 1.0]


def formula(x, y):
    return [ag.sin(x * y) + ag.exp(-x * x), x / (2.0 + y * y), ag.where(ag.less(x, y), x, y * 0.5)]


def mixed(f):
    """A number made of the results of a function of two."""

    def total(p):
        a, b, c = f(p[0], p[1])
        return a * b + c * a * p[0]

    return total


def hinge(model, xs, ys):
    return sum((1.0 - y * model(x)).relu() for x, y in zip(xs, ys)) / len(xs)


def trained(loss, model, steps=3):
    """The losses and the last gradients of gradient descent by hand."""
    losses = []
    for _ in range(steps):
        model.zero_grad()
        result = loss(model, X, Y)
        result.backward()
        losses.append(result.data)
        gradients = [p.grad for p in model.parameters()]
        for p in model.parameters():
            p.data -= 0.1 * p.grad
    return losses, gradients


@pytest.mark.parametrize("engine", engine_names())
def test_a_call_is_one_node_with_the_value_and_the_gradients_of_the_function(engine):
    fast = jit(formula, engine)
    x, y = Value(POINT[0]), Value(POINT[1])
    total = mixed(fast)([x, y])
    total.backward()
    u, v = Value(POINT[0]), Value(POINT[1])
    expected = mixed(formula)([u, v])
    expected.backward()
    assert total.data == (expected.data if engine in EXACT else pytest.approx(expected.data, rel=1e-15))
    assert [x.grad, y.grad] == pytest.approx([u.grad, v.grad], rel=1e-14)
    assert len(topological_order(fast(x, y)[0])) == 1


@pytest.mark.parametrize("engine", EXACT)
def test_a_jitted_model_learns_as_the_model_does(engine):
    model = MLP(2, [4, 1], seed=0)
    expected, slopes = trained(hinge, copy.deepcopy(model))
    losses, gradients = trained(jit(hinge, engine), model)
    assert losses == pytest.approx(expected, rel=1e-14)
    assert gradients == pytest.approx(slopes, rel=1e-12, abs=1e-15)


def test_every_order_and_mode_is_that_of_the_function():
    fast, slow = mixed(jit(formula)), mixed(formula)
    assert value_and_grad(fast)(POINT)[1] == pytest.approx(value_and_grad(slow)(POINT)[1], rel=1e-14)
    assert np.array(hessian(fast)(POINT)) == pytest.approx(np.array(hessian(slow)(POINT)), rel=1e-13)
    assert hvp(fast, (POINT,), ((1.0, -2.0),)) == pytest.approx(
        hvp(slow, (POINT,), ((1.0, -2.0),)), rel=1e-13
    )
    third = grad(lambda p: sum(map(sum, hessian(fast)(p))))(POINT)
    assert third == pytest.approx(grad(lambda p: sum(map(sum, hessian(slow)(p))))(POINT), rel=1e-12)
    for how in (
        lambda f: jacobian(f, (0, 1))(*POINT),
        lambda f: jvp(f, POINT, (1.0, -2.0))[1],
        lambda f: vjp(f, *POINT)[1]([1.0, 0.0, 2.0]),
    ):
        assert np.array(how(jit(formula))) == pytest.approx(np.array(how(formula)), rel=1e-14)


def test_nestings_with_other_transforms_agree():
    inner = jit(lambda c, x: ag.tanh(c * x) + x)
    outer = jit(lambda c, x: inner(inner(c, x), x * c))

    def plain(c, x):
        u = ag.tanh(c * x) + x
        return ag.tanh(u * (x * c)) + x * c

    xs = np.array([0.3, -0.8, 0.5])

    def looped(f):
        return lambda w: scan(lambda c, x: (f(c, x * w), f(x, c)), 0.5, xs)[0]

    for f in (outer, jit(outer), jit(jit(outer, "python"))):
        assert f(*POINT) == plain(*POINT)
        assert grad(f)(*POINT) == pytest.approx(grad(plain)(*POINT), rel=1e-14)
        assert grad(jit(grad(f)))(*POINT) == pytest.approx(grad(grad(plain))(*POINT), rel=1e-13)
        assert jit(hessian(f))(*POINT) == pytest.approx(hessian(plain)(*POINT), rel=1e-13)
        assert looped(f)(0.7) == looped(plain)(0.7)
        assert jit(grad(looped(f)))(0.7) == pytest.approx(grad(looped(plain))(0.7), rel=1e-13)
        assert hessian(jit(looped(f)))(0.7) == pytest.approx(hessian(looped(plain))(0.7), rel=1e-12)
        whole = fori_loop(0, 4, lambda i, c, f=f: f(c, i * 0.1), 0.5)
        assert whole == fori_loop(0, 4, lambda i, c: plain(c, i * 0.1), 0.5)
        each = vmap(grad(f), in_axes=(None, 0))(0.5, xs)
        assert each.tolist() == pytest.approx([grad(plain)(0.5, x) for x in xs.tolist()], rel=1e-14)


def test_a_jitted_loop_is_differentiated_by_its_values():
    def steps(rate, start):
        last, ys = scan(lambda c, x: (c * rate + x, c * x), start, np.array([1.0, 2.0, 3.0]))
        return last, (ys * ys).sum()

    def total(f):
        rate, start = Value(0.5), Value(2.0)
        last, squares = f(rate, start)
        (last * squares).backward()
        return rate.grad, start.grad

    assert total(jit(steps)) == pytest.approx(total(steps), rel=1e-14)


def test_values_closed_over_receive_their_gradients_and_are_read_anew():
    w, b = Value(2.0), Value(0.5)
    scaled = w * 3.0
    fast = jit(lambda x: scaled * x + b)
    for slope in (6.0, 15.0):
        x = Value(4.0)
        y = fast(x)
        y.backward()
        assert (y.data, x.grad, w.grad, b.grad) == (slope * 4.0 + 0.5, slope, 12.0, 1.0)
        w.data, w.grad, b.grad = 5.0, 0.0, 0.0
        assert fast(1.0) == 15.5  # numbers in, numbers out
    assert grad(lambda v: jit(lambda x: v * x)(3.0))(2.0) == 3.0


def test_programs_take_values_and_stand_in_other_traces(tmp_path):
    w = Value(2.0, "w")
    program = trace(lambda x, y: [x * y * w, ag.sin(x)], 1.0, 1.0)
    program.save(tmp_path / "program")
    for each in (program, Program.load(tmp_path / "program"), pickle.loads(pickle.dumps(program))):
        x = Value(0.5)
        product, sine = each(x, 3.0)
        (product * sine).backward()
        assert x.grad == pytest.approx(6.0 * math.sin(0.5) + 3.0 * math.cos(0.5), rel=1e-15)
        assert each.captured[0].grad == pytest.approx(1.5 * math.sin(0.5), rel=1e-15)
        assert grad(lambda x, call=each: call(x, 3.0)[0])(1.0) == 6.0
        within = trace(lambda x, call=each: call(x, x)[0] + 1.0, 0.5)
        within.captured[0].data = 5.0
        assert (within(2.0), len(within)) == (21.0, 3)
    with pytest.raises(TypeError, match="was traced for arguments of the structure"):
        program(Value(1.0))


def test_in_other_code_a_call_is_written_out_with_its_lines_and_scopes():
    fast = jit(lambda x, y: (x * y, ag.sin(x)))

    def f(x):
        with ag.scope("first"):
            u = fast(x, x)[0]
        with ag.scope("second"):
            return fast(u, x)[1] + u

    program = trace(f, 1.0)
    assert program.counts() == {"mul": 1, "sin": 1, "add": 1}
    scopes = {each.operation.name: [scope.name for scope in each.scopes] for each in program.instructions}
    assert scopes == {"mul": ["first"], "sin": ["second"], "add": ["second"]}
    lines = {each.operation.name: each.line.text for each in program.instructions}
    assert lines["sin"] == lines["mul"] == "fast = jit(lambda x, y: (x * y, ag.sin(x)))"
    assert trace(grad(lambda x: fast(x, x)[0]), 1.0).counts() == {"add": 1}


def test_what_nothing_depends_on_hands_nothing_back():
    fast = jit(lambda x: (x * 2.0, ag.sqrt(x)))
    x = Value(0.0)
    fast(x)[0].backward()
    assert x.grad == 2.0
    chosen = jit(lambda x: ag.where(ag.less(0.0, x), ag.sqrt(x), x))
    x = Value(0.0)
    chosen(x).backward()
    assert x.grad == 1.0


def test_a_derivative_is_derived_once_whatever_the_numbers_are():
    asked = []

    def rule(y, x):
        asked.append(1)
        return (3.0 * x * x,)

    cube = primitive("cube_counted", lambda x: x * x * x, rule)
    fast = jit(lambda a, b: (cube(a), cube(b)), engine="python")
    for point in ((1.0, 2.0), (-1.0, 2.0), (-1.0, -2.0), (1.0, -2.0)):
        a, b = map(Value, point)
        u, v = fast(a, b)
        (u.relu() + v.relu()).backward()  # of what is negative the adjoint is 0
        assert [a.grad, b.grad] == [3.0 * p * p if p > 0 else 0.0 for p in point]
        if point == (1.0, 2.0):
            first = len(asked)
    assert len(asked) == first


def test_a_jacobian_derives_each_column_once():
    asked = []

    def rule(y, x):
        asked.append(1)
        return (2.0 * x,)

    square = primitive("square_counted", lambda x: x * x, rule)
    f = jacobian(jit(lambda xs: [square(x) for x in xs]))
    point = [0.1 * i for i in range(24)]
    expected = np.diag([2.0 * x for x in point]).tolist()
    assert f(point) == expected
    first = len(asked)
    assert first
    assert f(point) == f(point) == expected  # in Python the first time, and compiled from then on
    assert len(asked) == first


def test_results_of_every_structure():
    w = Value(2.0)
    assert jit(lambda x: None)(w) is None
    assert jit(lambda x: {"a": [x * 3.0], "b": (x,)})(w)["a"][0].data == 6.0
    assert isinstance(jit(lambda x: x)(w), Value)
    array = jit(lambda x: np.array([x, 2.0 * x]))(w)
    array.sum().backward()
    assert w.grad == 3.0


def test_anomalies_are_named_with_their_line():
    log = jit(lambda x: ag.log(x) * 2.0)
    with pytest.raises(FloatingPointError, match=r"log\(x=0.0\) is -inf .*ag.log"), detect_anomaly():
        log(Value(0.0))
    root = jit(lambda x: ag.sqrt(x) * 2.0)
    with pytest.raises(FloatingPointError, match=r"is inf in .*, at .*ag.sqrt"), detect_anomaly():
        root(Value(0.0)).backward()


def test_a_graph_with_calls_is_pickled_copied_drawn_and_checked():
    fast = jit(formula)
    x, y = Value(POINT[0], "x"), Value(POINT[1], "y")
    total = mixed(fast)([x, y])
    for other in (pickle.loads(pickle.dumps(total)), copy.deepcopy(total)):
        assert other.data == total.data
        other.backward()
    assert "formula" in draw(total).source
    fast, slow = jit(lambda x, y: ag.sin(x * y) / y), lambda p: ag.sin(p[0] * p[1]) / p[1]
    for method in ("central", "richardson", "taylor", "complex-step", "high-precision"):
        assert check_gradients(lambda p: fast(*p), POINT, method=method).passed
    assert check_gradients(lambda p: fast(*p), POINT, order=2).passed
    assert compare(lambda p: fast(*p), grad(slow), POINT)
    assert str(derive(lambda x: jit(ag.sin)(x * 2.0), 1.0)) == str(derive(lambda x: ag.sin(x * 2.0), 1.0))


def test_threads_may_send_a_jitted_function_backward():
    fast = jit(mixed(formula))
    results = {}

    def work(i):
        gradients = []
        for _ in range(10):
            p = [Value(POINT[0] + 0.1 * i), Value(POINT[1])]
            fast(p).backward()
            gradients.append([each.grad for each in p])
        results[i] = gradients

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(8):
        expected = grad(mixed(formula))([POINT[0] + 0.1 * i, POINT[1]])
        assert results[i] == [pytest.approx(expected, rel=1e-13)] * 10
