"""A scan is one operation, and so is its gradient: equal to the same loop in Python, in every nesting."""

from __future__ import annotations

import hashlib
import pickle
import random
import warnings

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
from autograd.programs import saving
from autograd.programs.loops.loop import Loop
from autograd.programs.tracing import record

EXACT = [name for name in engine_names() if name != "numpy"]
POINT = [0.7, -0.4, 1.2]
XS = np.array([0.3, -0.8, 0.5, 1.1])


def python_scan(step, carry, xs, length=None):
    """The same loop, in Python."""
    ys = []
    for i in range(len(xs) if length is None else length):
        carry, y = step(carry, None if xs is None else float(xs[i]))
        ys.append(y)
    return carry, np.array(ys, object)


def random_step(seed):
    """A step of two carries and an x, of operations drawn at random, that closes over parameters."""
    draws = random.Random(seed)

    def step_of(p):
        def step(carry, x):
            pool = [*carry, *p, *([] if x is None else [x]), 0.5]
            choice = random.Random(draws_seed)
            for _ in range(8):
                a, b = choice.choice(pool), choice.choice(pool)
                made = choice.choice(
                    [
                        lambda a, b: a + b,
                        lambda a, b: a * b,
                        lambda a, b: a - b,
                        lambda a, b: ag.sin(a) * b,
                        lambda a, b: ag.tanh(a - b),
                        lambda a, b: a / (2.0 + b * b),
                        lambda a, b: ag.exp(-a * a) + b,
                        lambda a, b: ag.where(ag.less(a, b), a, b * 0.5),
                    ]
                )
                pool.append(made(a, b))
            return (ag.tanh(pool[-1]), ag.sin(pool[-2])), pool[-3] * 1.0

        return step

    draws_seed = draws.random()
    return step_of


def looped(seed, run):
    step_of = random_step(seed)

    def f(p):
        (a, b), ys = run(step_of(p), (p[0], 0.25), XS)
        total = a * b + a
        for i, y in enumerate(ys):
            total = total + y * (i + 1.0)
        return total

    return f


@pytest.mark.parametrize("seed", range(12))
def test_a_random_loop_is_that_of_python_in_every_order(seed):
    ours, theirs = looped(seed, scan), looped(seed, python_scan)
    assert ours(POINT) == theirs(POINT)
    value, gradient = value_and_grad(ours)(POINT)
    expected, slopes = value_and_grad(theirs)(POINT)
    assert value == expected
    assert gradient == pytest.approx(slopes, rel=1e-12, abs=1e-14)
    direction = [1.0, -2.0, 0.5]
    assert jvp(ours, (POINT,), (direction,)) == pytest.approx(
        jvp(theirs, (POINT,), (direction,)), rel=1e-12, abs=1e-14
    )
    assert hvp(ours, (POINT,), (direction,)) == pytest.approx(
        hvp(theirs, (POINT,), (direction,)), rel=1e-10, abs=1e-12
    )
    assert np.array(hessian(ours)(POINT)) == pytest.approx(
        np.array(hessian(theirs)(POINT)), rel=1e-10, abs=1e-12
    )


@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize("seed", range(4))
def test_every_engine_gives_what_eager_gives(engine, seed):
    f = looped(seed, scan)
    value, gradient = value_and_grad(f)(POINT)
    result = jit(value_and_grad(f), engine)(POINT)
    assert result[0] == value
    assert result[1] == pytest.approx(gradient, rel=1e-13, abs=1e-15)
    second = np.array(jit(hessian(f), engine)(POINT))
    assert second == pytest.approx(np.array(hessian(f)(POINT)), rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("seed", range(4))
def test_third_order_and_mixed_modes(seed):
    def along(f):
        return lambda t: f([0.7 + t, -0.4 * t, 1.2])

    ours, theirs = along(looped(seed, scan)), along(looped(seed, python_scan))
    assert grad(grad(grad(ours)))(0.1) == pytest.approx(grad(grad(grad(theirs)))(0.1), rel=1e-8, abs=1e-10)
    assert grad(lambda t: jvp(ours, (t,), (1.0,))[1])(0.1) == pytest.approx(
        grad(grad(theirs))(0.1), rel=1e-9, abs=1e-11
    )


def oscillator(p, steps=200):
    """The loss of a damped oscillator, summed up in the carry."""

    def step(carry, _):
        x, v, loss = carry
        x, v = x + 0.01 * v, v + 0.01 * (-p[0] * x - p[1] * v - 0.1 * ag.sin(x))
        return (x, v, loss + x * x), None

    return scan(step, (1.0, 0.0, 0.0), None, length=steps)[0][2]


def test_a_gradient_of_a_loop_is_a_loop():
    for f, loops in ((oscillator, 1), (value_and_grad(oscillator), 2), (hessian(oscillator), 2)):
        program = trace(f, [2.0, 0.3])
        assert [instruction.operation.name for instruction in program.instructions] == ["loop"] * loops
    # A forward loop that keeps carries and residuals, and another back: nothing is computed twice.
    forward, back = [each.operation for each in trace(value_and_grad(oscillator), [2.0, 0.3]).instructions]
    assert isinstance(forward, Loop)
    assert (forward.is_reversed, back.is_reversed) == (False, True)
    assert forward.body.counts()["sin"] == forward.body.counts()["cos"] == 1
    assert not {"sin", "cos"} & {*back.body.counts()}


@pytest.mark.filterwarnings("error")
def test_a_long_loop_is_neither_unrolled_nor_warned_of():
    value, gradient = value_and_grad(lambda p: oscillator(p, 100_000))([2.0, 0.3])
    assert jit(value_and_grad(lambda p: oscillator(p, 100_000)))([2.0, 0.3]) == (value, gradient)


def test_values_go_backward_through_it():
    w, start = Value(0.5, "w"), Value(2.0, "start")
    carry, ys = scan(lambda c, x: (c * w + x, c * c), start, XS)
    (carry + ys.sum()).backward()
    gradient = grad(
        lambda w, start: (lambda r: r[0] + sum(r[1]))(
            python_scan(lambda c, x: (c * w + x, c * c), start, XS)
        ),
        (0, 1),
    )(0.5, 2.0)
    assert (w.grad, start.grad) == pytest.approx(gradient, rel=1e-14)


def nested(p, run=scan):
    def outer(carry, x):
        inner, zs = run(lambda d, y: (d * p + y * carry, d + y), x, XS[:2])
        _, again = run(lambda d, z: (d, z * p), carry, zs)
        return carry * 0.5 + inner, sum(again)

    carry, ys = run(outer, p, XS)
    return carry * sum(ys)


def test_a_scan_in_a_scan():
    def python(p):
        return nested(p, lambda step, carry, xs: python_any(step, carry, xs))

    def python_any(step, carry, xs):
        ys = []
        for x in xs:
            carry, y = step(carry, x)
            ys.append(y)
        return carry, ys

    assert nested(1.1) == python(1.1)
    for order in (grad, lambda f: grad(grad(f))):
        expected = order(python)(1.1)
        assert order(nested)(1.1) == pytest.approx(expected, rel=1e-12)
        for engine in engine_names():
            assert jit(order(nested), engine)(1.1) == pytest.approx(expected, rel=1e-12)


def test_a_gradient_within_a_step():
    def descent(rate):
        def step(w, x):
            slope = grad(lambda w: (w * x - 1.0) ** 2 + ag.sin(w))(w)
            return w - rate * slope, slope

        return scan(step, 0.5, XS)[0]

    def unrolled(rate):
        w = 0.5
        for x in XS.tolist():
            w = w - rate * (2 * (w * x - 1.0) * x + ag.cos(w))
        return w

    assert descent(0.1) == pytest.approx(unrolled(0.1), rel=1e-14)
    assert grad(descent)(0.1) == pytest.approx(grad(unrolled)(0.1), rel=1e-12)
    assert grad(grad(descent))(0.1) == pytest.approx(grad(grad(unrolled))(0.1), rel=1e-11)


@pytest.mark.parametrize("engine", engine_names())
def test_a_batch_of_loops(engine):
    ps = np.array([0.5, 1.1, -0.3])
    expected = [value_and_grad(nested)(p) for p in ps.tolist()]
    values, slopes = vmap(value_and_grad(nested), engine=engine)(ps)
    assert values.tolist() == pytest.approx([value for value, _ in expected], rel=1e-13)
    assert slopes.tolist() == pytest.approx([slope for _, slope in expected], rel=1e-12)
    total = vmap(nested, reduce="sum", engine=engine)(ps)
    assert total == pytest.approx(sum(value for value, _ in expected), rel=1e-13)
    assert grad(lambda s: vmap(lambda p: nested(p * s), reduce="sum")(ps))(1.0) == pytest.approx(
        sum(p * slope for p, (_, slope) in zip(ps.tolist(), expected)), rel=1e-12
    )


def test_xs_and_ys_are_differentiated():
    def f(p):
        xs = np.array([p[0], p[1] * p[0], p[1]])
        carry, ys = scan(lambda c, x: (c * x + p[0], c), p[1], xs)
        last, _ = scan(lambda c, x: (c * x, None), 1.0, ys)
        return last + carry

    def unrolled(p):
        carry, ys = p[1], []
        for x in (p[0], p[1] * p[0], p[1]):
            ys.append(carry)
            carry = carry * x + p[0]
        return ys[0] * ys[1] * ys[2] + carry

    for order in (grad, hessian):
        expected = np.array(order(unrolled)([1.1, 0.7]))
        assert np.array(order(f)([1.1, 0.7])) == pytest.approx(expected, rel=1e-13)
        assert np.array(jit(order(f))([1.1, 0.7])) == pytest.approx(expected, rel=1e-13)


def test_structures_of_carries_and_ys():
    def f(p):
        carry, ys = scan(
            lambda c, x: ({"a": c["a"] * p, "b": [c["b"][0] + x]}, (c["a"], np.array([c["b"][0], p]))),
            {"a": 1.0, "b": [0.0]},
            XS,
        )
        assert set(carry) == {"a", "b"}
        assert len(ys[0]) == 4
        assert ys[1].shape == (4, 2)
        return carry["a"] + carry["b"][0] * ys[0][1] + ys[1].sum()

    # p**4 + sum(x) p + (the partial sums) + 4p
    sums = np.cumsum([0.0, *XS[:-1]]).sum()
    assert f(1.5) == pytest.approx(1.5**4 + XS.sum() * 1.5 + sums + 6.0)
    assert grad(f)(1.5) == pytest.approx(4 * 1.5**3 + XS.sum() + 4.0)
    assert jit(grad(f))(1.5) == pytest.approx(4 * 1.5**3 + XS.sum() + 4.0)


@pytest.mark.parametrize("engine", engine_names())
def test_no_steps_and_one_step(engine):
    def f(p, xs):
        carry, ys = scan(lambda c, x: (c * p + x, c * p), p, xs)
        return carry + (ys.sum() if len(ys) else 0.0)

    assert value_and_grad(lambda p: f(p, np.empty(0)))(3.0) == (3.0, 1.0)
    assert jit(value_and_grad(lambda p: f(p, np.empty(0))), engine)(3.0) == (3.0, 1.0)
    assert value_and_grad(lambda p: f(p, np.array([2.0])))(3.0) == (20.0, 12.0)
    assert jit(value_and_grad(lambda p: f(p, np.array([2.0]))), engine)(3.0) == (20.0, 12.0)


def test_what_a_step_does_not_choose_receives_nothing():
    def f(p):
        def step(c, x):
            return c + ag.where(x > 0, ag.sqrt(x * p), 0.0), None

        return scan(step, 0.0, np.array([1.0, 0.0, 4.0]))[0]

    assert grad(f)(4.0) == pytest.approx(0.5 / 2 * 1 + 0.5 / 4 * 4)
    assert jit(grad(f))(4.0) == grad(f)(4.0)
    assert grad(grad(f))(4.0) == pytest.approx(-0.25 * (1 + 2) / 8)


def test_what_was_computed_before_is_not_computed_in_each_step():
    def f(p):
        costly = ag.sin(p) * 2.0
        return scan(lambda c, x: (c * costly + x, None), 1.0, XS)[0]

    counts = trace(f, 0.3).counts()
    assert counts == {"sin": 1, "mul": 1, "loop": 1}
    assert grad(f)(0.3) == pytest.approx(
        grad(lambda p: python_scan(lambda c, x: (c * (ag.sin(p) * 2.0) + x, None), 1.0, XS)[0])(0.3),
        rel=1e-13,
    )


def test_an_anomaly_names_the_step():
    def f(p):
        return scan(lambda c, x: (c * p, ag.log(c - x)), 2.0, np.array([1.0, 1.0, 8.0]))[1].sum()

    for run in (f, grad(f), jit(f), jit(value_and_grad(f), "python")):
        with (
            detect_anomaly(),
            pytest.raises(FloatingPointError, match=r"log\(.*0\.0\) is -inf in .*, step 2, at .*ag\.log"),
        ):
            run(2.0)
    with (
        detect_anomaly(),
        pytest.raises(FloatingPointError, match=r"is inf in .*, step 1"),
    ):
        grad(lambda p: scan(lambda c, x: (ag.sqrt(c * p), None), 0.0, np.ones(2))[0])(1.0)


@pytest.mark.parametrize("method", ["high-precision", "complex-step", "richardson", "central", "taylor"])
@pytest.mark.parametrize("order", [1, 2])
def test_its_gradient_is_checked(method, order):
    def f(p):
        carry, ys = scan(lambda c, x: (ag.sin(c * p[0]) + x, c * p[1]), p[1], XS)
        return carry + (ys * ys).sum()

    assert check_gradients(f, [0.7, 0.4], method=method, order=order).passed


def test_programs_are_saved_pickled_printed_and_drawn(tmp_path):
    for f, point in ((nested, 1.1), (grad(nested), 1.1), (hessian(oscillator), [2.0, 0.3])):
        program = trace(f, point)
        program.save(tmp_path / "program")
        for again in (Program.load(tmp_path / "program"), pickle.loads(pickle.dumps(program))):
            assert str(again) == str(program)
            assert again(point) == program(point)
        assert "loop" in draw(program).source
    assert "\n      inputs   c" in str(trace(nested, 1.1)).replace("carry", "c")
    value = nested(Value(1.1))
    assert "loop" in draw(value).source
    again = pickle.loads(pickle.dumps(value))
    again.backward()
    assert again.data == value.data


def test_its_source_is_a_loop():
    program = trace(value_and_grad(nested), 1.1)
    module = {}
    exec(program.source, module)
    assert module["program"](1.1) == program(1.1)
    assert program.source.count("    for ") > 3


def test_compiled_bodies_are_found_again():
    """What a step says tells, and no name in it."""
    assert Loop(trace(lambda c: c * 2.0, 0.0).code, 1, 0) == Loop(trace(lambda d: d * 2.0, 0.0).code, 1, 0)
    assert Loop(trace(lambda c: c * 2.0, 0.0).code, 1, 0) != Loop(trace(lambda d: d * 3.0, 0.0).code, 1, 0)


@pytest.mark.parametrize("engine", EXACT)
def test_a_primitive_that_is_called_back_works_in_a_loop(engine):
    root = ag.primitive(f"loop_root_{engine}", lambda x: float(np.sqrt(x)), lambda y, x: (0.5 / y,))

    def f(p):
        return scan(lambda c, x: (root(c * p + x * x), None), 1.0, XS)[0]

    def same(p):
        return scan(lambda c, x: (ag.sqrt(c * p + x * x), None), 1.0, XS)[0]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is called back is slow
        assert jit(value_and_grad(f), engine)(1.3) == pytest.approx(value_and_grad(same)(1.3), rel=1e-14)


def test_jacobians_and_pullbacks_through_ys():
    def f(p):
        return scan(lambda c, x: (c * p[0] + x * p[1], c), 1.0, XS)[1]

    def unrolled(p):
        return list(python_scan(lambda c, x: (c * p[0] + x * p[1], c), 1.0, XS)[1])

    expected = np.array(jacobian(unrolled)([0.7, -0.2]), float)
    assert jacobian(f)([0.7, -0.2])[0].shape == (4,)
    assert pytest.approx(expected, rel=1e-13) == np.array(jacobian(f)([0.7, -0.2])).T
    values, pull = vjp(f, [0.7, -0.2])
    assert values.dtype == float
    assert pull(np.ones(4))[0] == pytest.approx(expected.sum(axis=0).tolist(), rel=1e-13)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="length must be a whole number from 0, got -1"):
        grad(lambda p: scan(lambda c, _: (c * p, None), 1.0, None, length=-1)[0])(1.0)
    with pytest.raises(TypeError, match="a carry of the structure"):
        grad(lambda p: scan(lambda c, x: ((c, c), x), p, XS)[0])(1.0)
    with pytest.raises(ValueError, match=r"one length.*got 4 in xs"):
        grad(lambda p: scan(lambda c, x: (c * p, x), p, (XS, XS[:3]))[0])(1.0)
    with pytest.raises(ag.TracingError, match="deciding"):
        grad(lambda p: scan(lambda c, x: (c * p if c > 0 else c, x), p, XS)[0])(1.0)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('"loop": [1, 1, 2]', r"operation\.loop\[2\]"),
        ('"loop": [9, 1, 0]', r"operation\.loop\[0\]"),
        ('"loop": [1, 9, 0]', r"operation\.loop\[1\]"),
        ('"loop": [1, 1]', r"operation\.loop"),
        ('"loop": [1, 0, 0]', "must be"),  # a number is where the array of xs should be
        ('"arrays": [0], "loop": [1, 1, 0]', "twice"),
        ('"stack": 3, "loop": [1, 1, 0]', "the entries"),
    ],
)
def test_a_damaged_loop_in_a_file_is_refused(entry, words):
    text = saving.dumps(saving.SavedProgram(*record(lambda p: scan(lambda c, x: (c * x, c), p, XS)[0], 1.0)))
    assert '"loop": [1, 1, 0]' in text
    body, _, _ = text.replace('"loop": [1, 1, 0]', entry).rpartition('"checksum"')
    checksum = hashlib.sha256(body.encode()).hexdigest()
    with pytest.raises(saving.ProgramFileError, match=words):
        saving.loads(f'{body}"checksum": "{checksum}"}}\n')


def test_arrays_of_inner_loops_are_not_part_of_bodies():
    """A body is found compiled whatever numbers its inner loops go along."""

    def f(p, xs):
        return scan(lambda c, y: (scan(lambda d, x: (d * x + p, d), c, xs)[0] + y, c), p, XS)[0]

    for function in (f, lambda p, xs: grad(f)(p, xs)):
        program = trace(lambda p, function=function: function(p, XS * 2.0), 0.3)
        bodies = [body for each in program.instructions for body in each.operation.bodies]
        assert all(type(number) is float for body in bodies for number in body.constants)
    assert f(0.3, XS) == f(Value(0.3), XS).data
    assert type(f(0.3, XS)) is float
    assert (
        scan(lambda c, x: (c + scan(lambda d, y: (d * y, d), x, XS)[1].sum(), c), 0.0, XS)[1].dtype == float
    )


def test_what_does_not_change_is_computed_before_the_loop():
    def f(p, q, count=3):
        def step(carry, x):
            return carry * ag.exp(p) + ag.where(q < 0.0, ag.sqrt(q), x * (p * q)), None

        return scan(step, q, np.arange(float(count)))[0]

    program = trace(f, 0.3, 0.7)
    before, within = [
        [line for line in part.splitlines() if "#" not in line] for part in program.source.split("for x in ")
    ]
    for text in ("exp(p)", "p * q", "sqrt(q)"):
        assert any(text in line for line in before)
        assert not any(text in line for line in within)
    for count in (0, 1, 4):
        expected = f(0.3, 0.7, count)
        for engine in EXACT:
            assert jit(lambda p, q, count=count: f(p, q, count), engine)(0.3, 0.7) == expected
