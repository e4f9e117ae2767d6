"""`while_loop`: Python's `while` on every engine and in every order, in batches and in nests."""

from __future__ import annotations

import copy
import math
import pickle
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import autograd as ag
from autograd import (
    Value,
    check_gradients,
    cond,
    detect_anomaly,
    draw,
    grad,
    hessian,
    jit,
    jvp,
    scan,
    trace,
    value_and_grad,
    vmap,
    while_loop,
)
from autograd.checking import METHODS
from autograd.engines import engine_names
from autograd.programs.code import Code
from autograd.programs.program import Program
from autograd.programs.saving import ProgramFileError
from autograd.support.foreign_files import digest


def plain_while(cond, body, carry, max_steps=None):
    while cond(carry):
        carry = body(carry)
    return carry


def kepler(e, m, loop=while_loop):
    """The eccentric anomaly, by Newton's iteration."""

    def newton(c):
        step = (c[0] - e * ag.sin(c[0]) - m) / (1.0 - e * ag.cos(c[0]))
        return c[0] - step, step

    return loop(lambda c: abs(c[1]) > 1e-13, newton, (m, 1.0))[0]


def in_python(e, m):
    return kepler(e, m, plain_while)


def collatz(n):
    def step(c):
        number, steps = c
        half = number / 2.0
        is_even = 2.0 * _floor(half) >= number
        return ag.where(is_even, half, 3.0 * number + 1.0), steps + 1.0

    return while_loop(lambda c: c[0] > 1.0, step, (n, 0.0))[1]


def _floor(x):
    """By a loop inside of the loop, of one step for each bit."""

    def step(c):
        left, whole, bit = c
        fits = left >= bit
        return ag.where(fits, left - bit, left), ag.where(fits, whole + bit, whole), bit / 2.0

    return while_loop(lambda c: c[2] >= 1.0, step, (x, 0.0, 65536.0))[1]


def collatz_in_python(n):
    steps = 0
    while n > 1:
        n, steps = (n // 2 if n % 2 == 0 else 3 * n + 1), steps + 1
    return steps


POINTS = [(0.3, 1.0), (0.9, 0.1), (0.1, 2.0), (0.0, 0.5)]


@pytest.mark.parametrize("engine", engine_names())
def test_it_is_pythons_while_in_every_order(engine):
    value, both = jit(kepler, engine), jit(value_and_grad(kepler, (0, 1)), engine)
    second = jit(hessian(lambda p: kepler(*p)), engine)
    forward = jit(lambda e, m: jvp(kepler, (e, m), (1.0, -2.0)), engine)
    mixed = jit(lambda e, m: grad(lambda t: jvp(kepler, (e + t, m), (1.0, 0.5))[1])(0.0), engine)
    for e, m in POINTS:
        expected = in_python(e, m)
        assert value(e, m) == kepler(e, m) == expected
        gradient = value_and_grad(in_python, (0, 1))(e, m)[1]
        assert both(e, m)[0] == expected
        assert both(e, m)[1] == pytest.approx(gradient, rel=1e-14)
        slope = 1.0 - e * math.cos(expected)  # of the implicit function
        assert both(e, m)[1] == pytest.approx((math.sin(expected) / slope, 1.0 / slope), rel=1e-12)
        assert forward(e, m) == pytest.approx(jvp(in_python, (e, m), (1.0, -2.0)), rel=1e-13)
        exact = np.array(hessian(lambda p: in_python(*p))([e, m]))
        assert np.array(second([e, m])) == pytest.approx(exact, rel=1e-11, abs=1e-15)
        along = grad(lambda t, e=e, m=m: jvp(in_python, (e + t, m), (1.0, 0.5))[1])(0.0)
        assert mixed(e, m) == pytest.approx(along, rel=1e-11)


def test_second_derivatives_are_differences_of_first_ones():
    step = 1e-5
    slopes = [grad(kepler)(0.3 + h, 1.0) for h in (-step, step)]
    assert grad(grad(kepler))(0.3, 1.0) == pytest.approx((slopes[1] - slopes[0]) / (2 * step), rel=1e-8)


@pytest.mark.parametrize("engine", engine_names())
def test_each_sample_takes_its_own_steps(engine):
    numbers = np.arange(1.0, 30.0)
    assert vmap(collatz, engine=engine)(numbers).tolist() == [collatz_in_python(n) for n in range(1, 30)]
    es, ms = map(np.array, zip(*POINTS * 20))
    alone = jit(kepler, engine)
    values = vmap(kepler, engine=engine)(es, ms)
    assert values.tolist() == [alone(e, m) for e, m in POINTS] * 20
    slopes = vmap(grad(kepler, (0, 1)), engine=engine)(es, ms)
    each = jit(grad(kepler, (0, 1)), engine)
    assert list(zip(*map(list, slopes))) == [each(e, m) for e, m in POINTS] * 20
    total = vmap(value_and_grad(kepler), engine=engine, reduce="sum")(es, ms)
    assert total == pytest.approx((values.sum(), slopes[0].sum()), rel=1e-12)


def greatest_divisor(a, b, loop=while_loop):
    """By subtraction; of two numbers that need not be whole."""
    return loop(
        lambda c: abs(c[0] - c[1]) > 1e-9,
        lambda c: (ag.where(c[0] > c[1], c[0] - c[1], c[0]), ag.where(c[1] > c[0], c[1] - c[0], c[1])),
        (a, b),
    )[0]


@pytest.mark.parametrize("engine", engine_names())
def test_a_loop_of_subtractions(engine):
    run, both = jit(greatest_divisor, engine), jit(grad(greatest_divisor, (0, 1)), engine)
    for a, b in ((84.0, 36.0), (17.0, 5.0), (6.0, 6.0), (1.0, 3000.0)):
        assert run(a, b) == math.gcd(int(a), int(b))
        assert both(a, b) == grad(lambda a, b: greatest_divisor(a, b, plain_while), (0, 1))(a, b)


@pytest.mark.parametrize("engine", engine_names())
def test_in_loops_and_loops_in_it(engine):
    xs = np.array([0.3, 0.8, 0.5])

    def nested(p, scan=scan, loop=while_loop, cond=cond):
        def step(c, x):
            def inner(d):
                last, ys = scan(lambda s, y: (s + 0.1 * y * p, s * y), d[0], xs)
                return last, d[1] + sum([ys[0], ys[1], ys[2]])

            c, y = loop(lambda d: d[0] < 1.0 + x, inner, (c, p))
            return cond(y > 2.0, lambda c: 0.3 * c, lambda c: 0.5 * c * p, c), y

        last, ys = scan(step, p, xs)
        return last + ys[0] * ys[1] + ys[2]

    def python_scan(step, c, xs):
        ys = []
        for x in xs.tolist():
            c, y = step(c, x)
            ys.append(y)
        return c, ys

    def plain(p):
        return nested(p, python_scan, plain_while, lambda c, a, b, *args: a(*args) if c else b(*args))

    for p in (0.7, 0.4):
        value, slope = value_and_grad(plain)(p)
        assert nested(p) == jit(nested, engine)(p) == pytest.approx(value, rel=1e-15)
        assert jit(grad(nested), engine)(p) == pytest.approx(slope, rel=1e-13)
        assert jit(grad(grad(nested)), engine)(p) == pytest.approx(grad(grad(plain))(p), rel=1e-12)
    values = vmap(nested, engine=engine)(np.array([0.7, 0.4]))
    assert values.tolist() == pytest.approx([plain(0.7), plain(0.4)], rel=1e-14)
    mapped = jit(grad(lambda s: vmap(lambda x: kepler(s, x))(xs).sum()), engine)(0.3)
    assert mapped == pytest.approx(sum(grad(in_python)(0.3, x) for x in xs.tolist()), rel=1e-13)


@pytest.mark.parametrize("engine", engine_names())
def test_thousands_of_steps(engine):
    def f(p, loop=while_loop):
        return loop(
            lambda c: c[1] < 5000.0, lambda c: (c[0] + 0.01 * ag.sin(c[0] * p), c[1] + 1.0), (p, 0.0)
        )[0]

    value, slope = value_and_grad(lambda p: f(p, plain_while))(0.7)
    assert jit(f, engine)(0.7) == f(0.7) == value
    assert jit(grad(f), engine)(0.7) == pytest.approx(slope, rel=1e-11)
    assert grad(f)(0.7) == pytest.approx(slope, rel=1e-11)


@pytest.mark.parametrize("engine", engine_names())
def test_three_deep_in_second_order(engine):
    def f(p, loop=while_loop):
        def middle(d):
            return loop(lambda z: z < d + 0.3, lambda z: z * p, d)

        def outer(c):
            return loop(lambda d: d < c[0] + 1.0, middle, c[0]), c[0] * p

        return loop(lambda c: c[0] < 9.0, outer, (p, 1.0))[1]

    for p in (1.3, 1.7):
        exact = grad(grad(lambda p: f(p, plain_while)))(p)
        assert jit(grad(grad(f)), engine)(p) == pytest.approx(exact, rel=1e-12)
        assert jit(lambda p: jvp(grad(f), (p,), (1.0,))[1], engine)(p) == pytest.approx(exact, rel=1e-12)
        assert vmap(grad(grad(f)), engine=engine)(np.full(5, p)).tolist() == pytest.approx(
            [exact] * 5, rel=1e-12
        )
        assert grad(grad(f))(p) == pytest.approx(exact, rel=1e-12)


def test_one_sample_of_a_batch_takes_many_steps():
    def count(n, p):
        return while_loop(
            lambda c: c[1] < n, lambda c: (c[0] + 1e-4 * ag.sin(p * c[0]), c[1] + 1.0), (p, 0.0)
        )[0]

    numbers, ps = np.array([3.0, 40_000.0, 0.0, 7.0] * 3), np.linspace(0.5, 1.5, 12)
    run = jit(value_and_grad(count, 1))
    expected = [run(*pair) for pair in zip(numbers.tolist(), ps.tolist())]
    values, slopes = vmap(value_and_grad(count, 1))(numbers, ps)
    assert values.tolist() == [value for value, _ in expected]
    assert slopes.tolist() == pytest.approx([slope for _, slope in expected], rel=1e-13)


def test_a_carry_that_counts_from_elsewhere_is_no_number_of_steps():
    def f(p):
        n, x = while_loop(lambda c: c[0] < 7.0, lambda c: (c[0] + 1.0, c[1] * p), (3.0, p))
        return scan(lambda c, _: (c * p, c), x, None, length=3)[1].sum() * n

    slope = 7.0 * sum(k * 1.1 ** (k - 1) for k in (5, 6, 7))
    assert vmap(grad(f))(np.full(9, 1.1)).tolist() == pytest.approx([slope] * 9, rel=1e-13)
    assert jit(grad(f))(1.1) == pytest.approx(slope, rel=1e-13)


def test_one_operation_is_made():
    assert trace(kepler, 0.3, 1.0).counts() == {"while_loop": 1}
    assert len(trace(grad(grad(kepler)), 0.3, 1.0)) < 40
    dropped = trace(
        lambda x: while_loop(lambda c: c[0] < 9.0, lambda c: (2.0 * c[0], ag.exp(c[1])), (x, x))[0], 1.0
    )
    assert dropped.instructions[0].operation.body.counts() == {"mul": 1}


@pytest.mark.parametrize("engine", engine_names())
def test_what_is_no_step_is_the_carry(engine):
    run = jit(value_and_grad(lambda x: while_loop(lambda c: c > 9.0, lambda c: c * c, x)), engine)
    assert run(3.0) == (3.0, 1.0)
    count = jit(lambda x: while_loop(lambda c: c, lambda c: c - 1.0, x), engine)  # any number is a condition
    assert count(7.0) == while_loop(lambda c: c, lambda c: c - 1.0, 7) == 0.0


def test_values_are_closed_over_and_carried():
    p, x = Value(1.5), Value(1.0)
    y = while_loop(lambda c: c < 10.0, lambda c: c * p, x)
    y.backward()
    assert (y.data, x.grad, p.grad) == (1.5**6, 1.5**6, 6 * 1.5**5)
    p.data = 2.0
    run = jit(lambda x: while_loop(lambda c: c < 10.0, lambda c: c * p, x), "python")
    assert run(1.0) == 16.0
    p.data = 3.0  # read anew
    assert run(1.0) == 27.0
    last = while_loop(
        lambda c: c["n"] < 3, lambda c: {"n": c["n"] + 1, "a": c["a"] * 2}, {"n": 0, "a": np.ones(2)}
    )
    assert (last["n"], last["a"].tolist()) == (3.0, [8.0, 8.0])


@pytest.mark.parametrize("engine", engine_names())
def test_max_steps(engine):
    def f(x):
        return while_loop(lambda c: c[0] < 10.0, lambda c: (c[0] + 1.0, c[1] * 2.0), (x, 1.0), max_steps=5)

    run, slope = jit(f, engine), jit(grad(lambda x: f(x)[0] * 2.0), engine)
    assert run(5.0) == f(5.0) == (10.0, 32.0)
    assert slope(5.0) == 2.0
    for call in (f, run, slope, lambda x: vmap(f, engine=engine)(np.array([5.0, x]))):
        with pytest.raises(RuntimeError, match=r"still holds after max_steps=5 steps.*c\[0\]=9.0"):
            call(4.0)
    with pytest.raises(RuntimeError, match="max_steps=0 "):
        while_loop(lambda c: c < 1.0, lambda c: c, 0.0, 0)
    with pytest.raises(RuntimeError, match="max_steps=100000 "):  # whose condition does not see the carry
        while_loop(lambda c: 1.0, lambda c: c + 1.0, 0.0, 100_000)


@pytest.mark.parametrize("engine", engine_names())
def test_an_endless_loop_is_ended_by_an_interrupt(engine):
    endless = jit(lambda x: while_loop(lambda c: c > 0.0, lambda c: c + 1.0, x), engine)
    reverse = jit(grad(lambda x: while_loop(lambda c: abs(c) >= 0.0, ag.sin, x)), engine)
    for call in (endless, reverse, lambda x: while_loop(lambda c: c > 0.0, lambda c: c + 1.0, x)):
        timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            call(1.0)
        timer.join()


@pytest.mark.parametrize("samples", [3, 5000])
def test_an_endless_sample_is_ended_by_an_interrupt(samples):
    starts = np.zeros(samples)
    starts[samples // 2] = 1.0
    endless = vmap(grad(lambda x: while_loop(lambda c: c > 0.0, lambda c: c + 1.0, x)))
    in_a_loop = jit(
        lambda x: scan(lambda c, y: (while_loop(lambda d: d > 0.0, lambda d: d + y, c), c), x, starts)[0]
    )
    for call in (lambda: endless(starts), lambda: in_a_loop(1.0)):
        timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            call()
        timer.join()


@pytest.mark.parametrize("method", METHODS)
def test_gradients_are_checked_by_every_method(method):
    assert check_gradients(kepler, 0.3, 1.0, method=method).passed
    assert check_gradients(jit(kepler), 0.3, 1.0, method=method).passed


def test_an_anomaly_is_found_in_its_step():
    def f(x):
        return while_loop(lambda c: c[1] > -1.5, lambda c: (ag.log(c[1]), c[1] - 1.0), (x, x))[0]

    born = r"log\(.*-0.5\) is nan.*step 3.*ag.log\(c\[1\]\)"
    with pytest.raises(FloatingPointError, match=born), detect_anomaly():
        jit(f, "python")(2.5)
    with pytest.raises(FloatingPointError, match="step 3"), detect_anomaly():
        f(2.5)
    with detect_anomaly():
        assert jit(grad(kepler))(0.3, 1.0) == grad(kepler)(0.3, 1.0)


def test_it_is_printed_drawn_and_written_as_source():
    program = trace(lambda x: while_loop(lambda c: c < 9.0, lambda c: c * c, x, max_steps=9), 2.0)
    text = str(program)
    assert [word in text for word in ("while_loop(9, x)", "condition", "step")] == [True] * 3
    assert draw(program).source.count("|while_loop") == 1  # one box
    namespace = {}
    exec(program.source, namespace)
    assert "while True:" in program.source
    assert namespace["program"](2.0) == (16.0,)
    with pytest.raises(RuntimeError, match=r"max_steps=9 steps.*c=1.0"):
        namespace["program"](1.0)


def test_it_can_be_saved_and_a_damaged_file_is_refused(tmp_path):
    program = trace(value_and_grad(kepler, (0, 1)), 0.3, 1.0)
    path = tmp_path / "kepler.json"
    program.save(path)
    again = Program.load(path)
    for point in POINTS:
        assert again(*point) == program(*point) == jit(value_and_grad(kepler, (0, 1)), "python")(*point)
    text = path.read_text()
    entry = re.search(r'"carries": (\d)', text)
    damages = {
        entry[0]: '"carries": 99',
        f"{entry[0]}}}": f'{entry[0]}, "more": 1}}',
        '{"while": [': '{"while": [1, ',
        '"while": ': '"until": ',
    }
    for old, new in damages.items():
        assert old in text
        body = text.replace(old, new, 1).rpartition('"checksum"')[0]
        path.write_text(f'{body}"checksum": "{digest(body)}"}}\n')
        with pytest.raises(ProgramFileError, match=r"instructions\[\d+\].operation"):
            Program.load(path)


def test_a_name_in_a_file_is_no_formula_in_the_source():
    hostile = '{print("run")}\\"\n{'
    program = trace(lambda x: while_loop(lambda c: c < 9.0, lambda c: c * c, x, max_steps=9), 2.0)
    loop = program.instructions[0].operation
    codes = [
        Code(hostile, [hostile], body.constants, body.instructions, body.outputs) for body in loop.bodies
    ]
    instruction = program.instructions[0]._replace(operation=loop.with_bodies(codes))
    code = Code(hostile, [hostile], program.code.constants, [instruction], program.code.outputs)
    namespace = {"print": None}
    exec(Program(code, program.arguments, program.results, []).source, namespace)
    with pytest.raises(RuntimeError, match=r"\{print"):
        namespace["program"](1.0)


def test_it_can_be_pickled_copied_and_run_by_eight_threads():
    program = trace(value_and_grad(kepler), 0.3, 1.0)
    expected = [program(*point) for point in POINTS]
    for other in (pickle.loads(pickle.dumps(program)), copy.deepcopy(program)):
        assert [other(*point) for point in POINTS] == expected

    def work(seed):
        run = jit(value_and_grad(kepler), engine_names()[seed % len(engine_names())])
        return [run(*point) for _ in range(10) for point in POINTS]

    with ThreadPoolExecutor(8) as threads:
        for results in threads.map(work, range(8)):
            assert results == expected * 10


def test_bad_input_is_named():
    with pytest.raises(TypeError, match="cond must be a function of the carry, got float"):
        while_loop(1.0, lambda c: c, 1.0)
    with pytest.raises(TypeError, match="body must be a function of the carry"):
        while_loop(lambda c: c, 2.0, 1.0)
    with pytest.raises(TypeError, match=r"cond must return one number.*\(\*, \*\).*test_while_loop.py"):
        while_loop(lambda c: (c, c), lambda c: c, 1.0)
    with pytest.raises(TypeError, match=r"structure \(\*, \*\), got \*"):
        while_loop(lambda c: c[0], lambda c: c[0], (1.0, 2.0))
    with pytest.raises(TypeError, match=r"structure array\(2,\), got array\(3,\)"):
        while_loop(lambda c: c[0] < 3.0, lambda c: np.array([c[0]] * 3), np.ones(2))
    with pytest.raises(TypeError, match=r"max_steps must be a whole number or None, got float"):
        while_loop(lambda c: c, lambda c: c, 1.0, 1.5)
    with pytest.raises(ValueError, match="at least 0"):
        while_loop(lambda c: c, lambda c: c, 1.0, -1)
    with pytest.raises(ag.TracingError, match="while_loop"):
        jit(lambda x: in_python(x, 1.0))(0.3)
    with pytest.raises(TypeError, match="depends on its numbers"):
        ag.derive(kepler, 0.3, 1.0)
