"""`cond` and `switch`: Python's `if` on every engine and in every order, of the branch taken alone."""

from __future__ import annotations

import copy
import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import autograd as ag
from autograd import (
    TracingError,
    Value,
    check_gradients,
    cond,
    detect_anomaly,
    draw,
    grad,
    hessian,
    jit,
    jvp,
    primitive,
    scan,
    switch,
    trace,
    value_and_grad,
    vmap,
)
from autograd.checking import METHODS
from autograd.engines import engine_names

EXACT = [name for name in engine_names() if name != "numpy"]
POINTS = [[0.5, 2.0], [4.0, -1.5], [-0.75, 0.25], [1.0, 3.0]]


def f(p):
    """Branches of several results in a structure, one branch in another, and a Value closed over."""
    x, y = p

    def large(x):
        return {"size": 1.0 + ag.log(x) * y, "rest": [x, np.array([y, 2.0])]}

    def small(x):
        size = cond(x < 0.0, lambda: ag.sin(x * y), lambda: x**3)
        return {"size": size, "rest": [y, np.array([x, x * y])]}

    made = cond(x > 1.0, large, small, x)
    return made["size"] * made["rest"][0] + (made["rest"][1] ** 2).sum()


def python(p):
    x, y = p
    if x > 1.0:
        size, first, array = 1.0 + ag.log(x) * y, x, [y, 2.0]
    elif x < 0.0:
        size, first, array = ag.sin(x * y), y, [x, x * y]
    else:
        size, first, array = x**3, y, [x, x * y]
    return size * first + (array[0] ** 2 + array[1] ** 2)


@pytest.mark.parametrize("engine", engine_names())
def test_it_is_pythons_if_in_every_order(engine):
    first, second = jit(value_and_grad(f), engine), jit(hessian(f), engine)
    forward = jit(lambda p: jvp(f, (p,), ([1.0, -2.0],)), engine)
    mixed = jit(lambda p: grad(lambda t: jvp(f, ([p[0] + t, p[1]],), ([1.0, 0.5],))[1])(0.0), engine)
    for point in POINTS:
        value, gradient = value_and_grad(python)(point)
        assert first(point)[0] == (pytest.approx(value, rel=1e-15) if engine == "numpy" else value)
        assert first(point)[1] == pytest.approx(gradient, rel=1e-14)
        assert np.array(second(point)) == pytest.approx(np.array(hessian(python)(point)), rel=1e-13)
        assert forward(point) == pytest.approx(jvp(python, (point,), ([1.0, -2.0],)), rel=1e-14)
        along = grad(lambda t, point=point: jvp(python, ([point[0] + t, point[1]],), ([1.0, 0.5],))[1])(0.0)
        assert mixed(point) == pytest.approx(along, rel=1e-13)
        assert f(point) == value


@pytest.mark.parametrize("engine", engine_names())
def test_each_sample_has_its_own_branch(engine):
    points = np.array(POINTS * 700)
    values, slopes = vmap(value_and_grad(f), engine=engine)(points)
    expected = [value_and_grad(python)(point) for point in POINTS]
    assert values[:4].tolist() == pytest.approx([value for value, _ in expected], rel=1e-14)
    assert slopes[:4].tolist() == [pytest.approx(gradient, rel=1e-13) for _, gradient in expected]
    assert np.array_equal(values, np.tile(values[:4], 700))
    summed = vmap(value_and_grad(f), engine=engine, reduce="sum")(points)[0]
    assert summed == pytest.approx(values.sum(), rel=1e-12)


@pytest.mark.parametrize("engine", engine_names())
def test_what_is_not_chosen_receives_exactly_0_whatever_its_derivative(engine):
    def g(x, y):  # the root's derivative at 0 is inf, the logarithm's is nan below
        return cond(x > 0.0, lambda: 2.0 * x, lambda: ag.sqrt(y) * ag.log(x))

    assert jit(value_and_grad(g, (0, 1)), engine)(3.0, 0.0) == (6.0, (2.0, 0.0))
    assert jit(hessian(lambda p: g(*p)), engine)([3.0, 0.0]) == [[0.0, 0.0], [0.0, 0.0]]
    slopes = vmap(grad(g, (0, 1)), engine=engine)(np.array([3.0, -1.0]), np.zeros(2))
    assert (slopes[0][0], slopes[1][0]) == (2.0, 0.0)
    assert math.isnan(slopes[1][1])

    def chained(x):  # its slope before the choice is inf, and what is chosen does not use it
        root = ag.sqrt(x)
        return cond(x > 1.0, lambda: 2.0 * root, lambda: 3.0 + 0.5 * x)

    assert jit(grad(chained), engine)(0.0) == 0.5
    assert vmap(grad(chained), engine=engine)(np.array([0.0, 4.0])).tolist() == [0.5, 0.5]
    assert jit(lambda x: jvp(chained, (x,), (1.0,))[1], engine)(0.0) == 0.5

    def after(x):  # its slope after the choice is inf, and what is chosen is a constant
        return ag.sqrt(cond(x > 1.0, lambda: x, lambda: 0.0)) + x

    assert jit(lambda x: jvp(after, (x,), (1.0,))[1], engine)(0.5) == 1.0
    assert jit(grad(after), engine)(0.5) == 1.0
    # As by `where`, and as PyTorch where the branch is taken in Python.
    assert grad(lambda y: cond(True, lambda: 1.0 * y, lambda: ag.sqrt(y)))(0.0) == 1.0


def test_one_operation_is_made_and_is_computed_once():
    assert trace(f, POINTS[0]).counts()["cond"] == 1
    program = trace(value_and_grad(lambda x: cond(x > 0.0, ag.exp, ag.sin, x)), 1.0)
    assert program.counts() == {"less": 1, "cond": 1}  # value and derivative are one choice
    assert [body.counts() for body in program.instructions[1].operation.bodies] == [
        {"sin": 1, "cos": 1, "mul": 1},
        {"exp": 1, "mul": 1},
    ]
    dropped = trace(lambda x: cond(x > 0.0, lambda: (x, ag.exp(x)), lambda: (-x, ag.sin(x)))[0], 1.0)
    assert [body.counts() for body in dropped.instructions[1].operation.bodies] == [{"neg": 1}, {}]


@pytest.mark.filterwarnings("ignore:.*called back")
@pytest.mark.parametrize("engine", engine_names())
def test_the_branch_that_is_not_taken_is_not_computed_forward_or_backward(engine):
    def fall(x):
        if x > 0.9:
            raise LookupError("the other branch was computed")
        return 2.0 * x

    fall = primitive(f"fall_on_{engine}", fall, (2.0,))

    def g(x, forbidden):
        return cond(x > forbidden, lambda: ag.sin(x), lambda: fall(x))

    run, both = jit(g, engine), jit(value_and_grad(g), engine)
    assert (run(-1.0, 0.0), both(-1.0, 0.0)) == (-2.0, (-2.0, 2.0))
    assert (run(1.0, 0.0), both(1.0, 0.0)) == (math.sin(1.0), (math.sin(1.0), math.cos(1.0)))
    with pytest.raises(LookupError, match="was computed"):
        run(1.0, 2.0)
    values = vmap(g, (0, None), engine=engine)(np.array([-1.0, 1.0]), 0.0)
    assert values.tolist() == pytest.approx([-2.0, math.sin(1.0)], rel=1e-15)


def test_a_number_decides_where_nothing_is_traced():
    called = []

    def branch(name, factor):
        return lambda x: (called.append(name), factor * x)[1]

    assert cond(True, branch("true", 2.0), branch("false", 3.0), 5.0) == 10.0
    assert cond(np.bool_(False), branch("true", 2.0), branch("false", 3.0), 5.0) == 15.0
    assert cond(math.nan, branch("true", 2.0), branch("false", 3.0), 5.0) == 10.0
    x = Value(-4.0)
    y = cond(x, branch("true", 2.0), branch("false", 3.0), x)
    y.backward()
    assert (y.data, x.grad) == (-8.0, 2.0)
    assert grad(lambda x: cond(x < 0.0, branch("true", 2.0), branch("false", 3.0), x))(1.0) == 3.0
    assert called == ["true", "false", "true", "true", "false"]
    # In a trace a plain predicate is a setting, and a Value from outside is read anew.
    flag = Value(1.0)
    run = jit(lambda x: cond(flag, lambda: x, lambda: -x), "python")
    assert run(2.0) == 2.0
    flag.data = 0.0
    assert run(2.0) == -2.0
    assert "cond" not in trace(lambda x: cond(False, lambda: x, lambda: -x), 1.0).counts()


def test_any_number_is_a_predicate_in_a_trace_too():
    run = jit(lambda x: cond(x, lambda: 1.0, lambda: 2.0), "python")
    assert [run(x) for x in (0.0, -0.0, 1.0, 0.25, -3.0, math.inf, math.nan)] == [2.0, 2.0] + [1.0] * 5


PIECES = [lambda x: -x, lambda x: x * x, lambda x: ag.exp(x), lambda x: 7.0]


@pytest.mark.parametrize("engine", engine_names())
def test_switch_clamps_and_rounds_down(engine):
    run = jit(value_and_grad(lambda x, i: switch(i, PIECES, x)), engine)
    cases = [(-3, 0), (-0.5, 0), (math.nan, 0), (0, 0), (1, 1), (1.9, 1), (2, 2), (3, 3), (9, 3)]
    for index, place in [*cases, (math.inf, 3), (-math.inf, 0)]:
        assert run(0.5, float(index)) == pytest.approx(value_and_grad(PIECES[place])(0.5), rel=1e-15)
    found = vmap(lambda i, x: switch(i, PIECES, x), engine=engine)(np.arange(-1.0, 5.0), np.full(6, 0.5))
    assert found.tolist() == pytest.approx([-0.5, -0.5, 0.25, math.exp(0.5), 7.0, 7.0], rel=1e-15)
    assert [switch(i, PIECES, 0.5) for i in (-4, 1, np.int64(3), 8, Value(1.0))] == [-0.5, 0.25, 7, 7, 0.25]
    assert switch(5, PIECES[:1], 2.0) == jit(lambda i: switch(i, PIECES[:1], 2.0), engine)(5.0) == -2.0


@pytest.mark.parametrize("engine", engine_names())
def test_in_loops_and_loops_in_it(engine):
    xs = np.array([0.3, -0.8, 0.5, 1.1])

    def looped(p, scan=scan, cond=cond):
        def step(c, x):
            def inner(c):
                last, ys = scan(lambda d, y: (d * p + y, d * y), c, xs[:3])
                return last + ys[1]

            c = cond(c > 0.4, inner, lambda c: c * p + x, c)
            return c, cond(x < 0.0, lambda: c, lambda: c * c)

        last, ys = scan(step, p, xs)
        return last + sum(ys)

    def python_scan(step, c, xs):
        ys = []
        for x in xs.tolist():
            c, y = step(c, x)
            ys.append(y)
        return c, ys

    def plain(p):
        return looped(p, python_scan, lambda c, a, b, *args: a(*args) if c else b(*args))

    for p in (0.7, -0.4, 1.3):
        assert jit(value_and_grad(looped), engine)(p) == pytest.approx(value_and_grad(plain)(p), rel=1e-13)
        assert jit(grad(grad(looped)), engine)(p) == pytest.approx(grad(grad(plain))(p), rel=1e-12)
        assert value_and_grad(looped)(p) == pytest.approx(value_and_grad(plain)(p), rel=1e-13)
    values = vmap(looped, engine=engine)(np.array([0.7, -0.4, 1.3]))
    assert values.tolist() == pytest.approx([plain(p) for p in (0.7, -0.4, 1.3)], rel=1e-14)


@pytest.mark.parametrize("engine", engine_names())
def test_whole_arrays_are_closed_over(engine):
    def g(p):
        ys = scan(lambda c, _: (c * p, c * c), p, None, length=4)[1]
        return cond(p > 1.0, lambda: ys.sum(), lambda: ys[1] * p)

    def plain(p):
        ys = [p ** (2 * i) for i in range(1, 5)]
        return sum(ys) if p > 1.0 else ys[1] * p

    for p in (1.5, 0.5):
        assert jit(value_and_grad(g), engine)(p) == pytest.approx(value_and_grad(plain)(p), rel=1e-13)
        assert jit(grad(grad(g)), engine)(p) == pytest.approx(grad(grad(plain))(p), rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("point", [0.6, 2.5])
def test_gradients_are_checked_by_every_method(method, point):
    traced = jit(lambda x: cond(x > 1.0, lambda: ag.log(x) * x, lambda: ag.sin(x) / x))
    for g in (traced, lambda x: cond(x > 1.0, lambda: ag.log(x) * x, lambda: ag.sin(x) / x)):
        assert check_gradients(g, point, method=method).passed


def test_an_anomaly_is_found_in_the_branch_taken():
    def g(x):
        return cond(x > 0.0, lambda: ag.log(x - 1.0), lambda: ag.exp(x))

    with pytest.raises(FloatingPointError, match=r"log\(-0.5\) is nan.*ag.log\(x - 1.0\)"), detect_anomaly():
        jit(g, "python")(0.5)
    with pytest.raises(FloatingPointError, match=r"log\(-0.5\) is nan.*, sample 1, at"), detect_anomaly():
        vmap(g)(np.array([-1.0, 0.5]))
    with detect_anomaly():  # what is not taken is nobody's concern
        assert jit(g, "python")(-1.0) == math.exp(-1.0)
        assert jit(grad(g), "llvm")(-1.0) == math.exp(-1.0)


def test_it_is_printed_drawn_and_written_as_source():
    program = trace(lambda x: switch(x, PIECES[:3], x), 1.0)
    text = str(program)
    assert [word in text for word in ("branch 0", "branch 2", "exp(x)")] == [True] * 3
    assert "elif x >= 1.0:" in program.source
    assert draw(program).source.count("|cond") == 1  # one box
    namespace = {}
    exec(program.source, namespace)
    assert namespace["program"](1.0) == (1.0,)


def test_it_can_be_pickled_copied_and_run_by_eight_threads():
    program = trace(value_and_grad(f), POINTS[0])
    for other in (pickle.loads(pickle.dumps(program)), copy.deepcopy(program)):
        assert [other(point) for point in POINTS] == [program(point) for point in POINTS]
    expected = [value_and_grad(f)(point) for point in POINTS]

    def work(seed):
        run = jit(value_and_grad(f), EXACT[seed % len(EXACT)])
        return [run(point)[0] for _ in range(20) for point in POINTS]

    with ThreadPoolExecutor(8) as threads:
        for found in threads.map(work, range(8)):
            assert found == [value for value, _ in expected] * 20


def test_bad_input_is_named():
    def traced(call):
        return trace(call, 1.0)

    with pytest.raises(TypeError, match=r"pred must be .*got an array of shape \(2,\)(.|\n)*where\(pred"):
        cond(np.array([True, False]), ag.sin, ag.cos, 1.0)
    with pytest.raises(TypeError, match=r"pred must be .*got list(.|\n)*vmap"):
        cond([True], ag.sin, ag.cos, 1.0)
    with pytest.raises(TypeError, match="pred must be a bool, a number or a Value, got str 'yes'"):
        cond("yes", ag.sin, ag.cos, 1.0)
    with pytest.raises(ValueError, match="pred"):
        cond(-2, ag.sin, ag.cos, 1.0)
    with pytest.raises(
        TypeError, match=r"false_fun must be a function.*got float.*test_cond.py(.|\n)*lambda"
    ):
        cond(True, ag.sin, 1.0)
    with pytest.raises(
        TypeError, match=r"true_fun returns \* and false_fun returns \(\*, \*\), at .*_cond.py"
    ):
        traced(lambda x: cond(x > 0.0, lambda: x, lambda: (x, x)))
    with pytest.raises(TypeError, match=r"same structure.*array\(2,\).*array\(3,\)"):
        traced(lambda x: cond(x > 0.0, lambda: np.array([x, x]), lambda: np.array([x, x, 1.0])))
    with pytest.raises(TypeError, match=r"branches\[0\] returns \* and branches\[1\] returns None"):
        traced(lambda x: switch(x, [lambda: x, lambda: None]))
    with pytest.raises(TypeError, match=r"an operand of cond must be made of real numbers.*got str"):
        traced(lambda x: cond(x > 0.0, lambda n: x, lambda n: x, "n"))
    with pytest.raises(TypeError, match=r"index must be a whole number, got float"):
        switch(1.5, PIECES, 1.0)
    with pytest.raises(ValueError, match="at least one branch"):
        switch(0, [], 1.0)
    with pytest.raises(TypeError, match=r"branches\[1\] must be a function"):
        switch(0, [ag.sin, 2.0], 1.0)
    with pytest.raises(TracingError, match=r"cond, switch"):
        traced(lambda x: x if x > 0.0 else -x)


def test_a_branch_that_calls_itself_is_an_error_that_says_so():
    def factorial(n):
        return cond(n < 1.0, lambda: 1.0, lambda: n * factorial(n - 1.0))

    assert factorial(5.0) == 120.0  # a number decides
    with pytest.raises(TracingError, match=r"calls itself(.|\n)*fori_loop"):
        jit(factorial)(5.0)
