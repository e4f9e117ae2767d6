"""`scan` over batches, each an inner `scan` of its samples: on every engine the loop written out."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

import autograd as ag
from autograd import Value, scan, value_and_grad
from autograd.engines import engine_names
from autograd.running.jit import traces
from autograd.running.scan import run_scan
from models.assignment import loss

EXACT = ["eager", *(name for name in engine_names() if name != "numpy")]
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(53, 5)), RNG.normal(size=53)
W = [0.1] * 9


def over_batches(term, turn, carry, columns, rows=None, engine="auto"):
    """``carry, y = turn(carry, totals, row)`` for each batch, a row of each of the columns."""

    def step(carry, x):
        batch, row = x

        def add(totals, sample):
            return [total + each for total, each in zip(totals, term(carry, *sample))], None

        inner = "eager" if engine == "eager" else "auto"
        return turn(carry, scan(add, [0.0] * terms, batch, inner)[0], row)

    terms = len(term(carry, *[0.5] * len(columns)))
    return run_scan(step, carry, (columns, rows), engine, kept=traces(), whole=True)


def shares(carry, *numbers):
    *x, y = numbers
    value, gradient = value_and_grad(loss)(carry["w"], list(x), y)
    return [value, *gradient]


def update(carry, totals, row):
    (value, *gradient), (size, rate) = totals, row
    w = [weight - rate * (g / size) for weight, g in zip(carry["w"], gradient)]
    return {"w": w, "steps": carry["steps"] + 1}, (value / size, carry["w"][0])


def batches_of(size):
    columns = [column[: len(Y) // size * size].reshape(-1, size) for column in [*X.T, Y]]
    count = len(columns[0])
    return columns, (np.full(count, float(size)), np.linspace(0.05, 0.01, count))


def written_out(size):
    """The same loop in plain Python, on floats."""
    w, losses = W, []
    columns, rows = batches_of(size)
    for batch, rate in zip(np.stack(columns, axis=2), rows[1].tolist()):
        totals = [0.0] * 10
        for *x, y in batch.tolist():
            value, gradient = value_and_grad(loss)(w, x, y)
            totals = [total + number for total, number in zip(totals, [value, *gradient])]
        w = [weight - rate * (g / size) for weight, g in zip(w, totals[1:])]
        losses.append(totals[0] / size)
    return w, losses


@pytest.mark.parametrize("engine", EXACT)
@pytest.mark.parametrize("size", [1, 8, 53])
def test_every_engine_gives_the_bits_of_the_loop_written_out(engine, size):
    columns, rows = batches_of(size)
    for _ in range(2):  # compiles, and finds it compiled
        carry, (losses, firsts), _ = over_batches(
            shares, update, {"w": W, "steps": 0.0}, columns, rows, engine
        )
        w, expected = written_out(size)
        assert carry == {"w": w, "steps": float(len(expected))}
        assert losses.tolist() == expected
        assert firsts[0] == 0.1


def test_numpy_is_close():
    carry, (losses, _), _ = over_batches(shares, update, {"w": W, "steps": 0.0}, *batches_of(8), "numpy")
    w, expected = written_out(8)
    assert carry["w"] == pytest.approx(w, rel=1e-13)
    assert losses.tolist() == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("engine", EXACT)
def test_values_that_inner_and_outer_steps_close_over_are_read_at_each_call(engine):
    scale, shift = Value(2.0), Value(10.0)

    def scaled(carry, x):
        return [x * scale + ag.sin(scale) * 0]

    def shifted(carry, totals, row):
        return carry + totals[0] + shift, totals[0]

    xs = np.array([[1.0, 2.0], [3.0, 0.0]])
    for factor in (2.0, 3.0):
        scale.data = factor
        total, each, _ = over_batches(scaled, shifted, 0.0, [xs], engine=engine)
        if engine == "eager":  # called with Values, it answers in Values
            total, each = total.data, np.array([leaf.data for leaf in each])
        assert total == factor * 6 + 20
        assert each.tolist() == [factor * 3, factor * 3]


@pytest.mark.parametrize("engine", ["llvm", "interpreter"])
def test_a_long_program_gives_the_same_bits(engine):
    def long(carry, x):
        for _ in range(1500):
            x = ag.sin(x) * carry
        return [x]

    def half(carry, totals, row):
        return carry - 0.01 * totals[0], totals[0]

    xs = [RNG.normal(size=(2, 32))]
    assert (
        over_batches(long, half, 1.01, xs, None, engine)[0]
        == over_batches(long, half, 1.01, xs, None, "eager")[0]
    )


@pytest.mark.parametrize("engine", ["llvm", "interpreter", "python", "numpy", "eager"])
def test_what_a_called_back_primitive_raises_reaches_the_caller(engine):
    def guarded(x):
        if x > 2:
            raise LookupError("nothing above two")
        return math.sqrt(x)

    root = ag.primitive(f"scanning_root_{engine}", guarded, lambda y, x: (0.5 / y,))

    def run(xs):
        return over_batches(
            lambda c, x: [root(x)], lambda c, t, row: (c + t[0], t[0]), 0.0, [xs], None, engine
        )

    if engine == "eager":
        assert run(np.array([[1.0, 1.0, 1.0]]))[0] == 3.0
    else:
        with pytest.warns(UserWarning, match="called back"):
            assert run(np.array([[1.0, 1.0, 1.0]]))[0] == 3.0
    for _ in range(2):
        with pytest.raises(LookupError, match="nothing above two"):
            run(np.array([[1.0, 1.0, 3.0]]))
    assert run(np.array([[1.0, 1.0, 1.0]]))[0] == 3.0


@pytest.mark.parametrize("engine", ["python", "numpy", "llvm"])
def test_an_anomaly_is_found_in_the_batch_and_the_sample_that_it_was_born_in(engine):
    xs = np.array([[1.0, 2.0], [3.0, -3.0], [-4.0, -5.0]])
    with (
        ag.detect_anomaly(),
        pytest.raises(FloatingPointError, match=r"log\(0\.0\) is -inf in .*, step 1"),
    ):
        over_batches(lambda c, x: [x], lambda c, t, row: (c + ag.log(t[0]), None), 0.0, [xs], None, engine)
    with (
        ag.detect_anomaly(),
        pytest.raises(FloatingPointError, match=r"log\(.*=-3\.0\) is nan in .*, step 1, step 1"),
    ):
        over_batches(lambda c, x: [ag.log(x)], lambda c, t, row: (c + t[0], None), 0.0, [xs], None, engine)


@pytest.mark.parametrize("engine", ["numpy", "interpreter"])
def test_a_batch_of_many_samples_takes_little_memory_at_a_time(engine):
    count = 600_000
    column = np.full((1, count), 0.5)
    over_batches(lambda c, x: [c * x], lambda c, t, row: (t[0], None), 0.5, [column[:, :2]], None, engine)
    tracemalloc.start()
    try:
        carry, _, _ = over_batches(
            lambda c, x: [c * x], lambda c, t, row: (t[0], None), 0.5, [column], None, engine
        )
        peak = tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
    assert carry == count / 4
    assert peak < 16, f"{peak:.1f} MiB: results of all samples are kept"


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="'auto' or one of eager, interpreter"):
        scan(lambda c, x: (c, x), 0.0, np.empty(0), engine="fast")
    with pytest.raises(TypeError, match="xs must hold real numbers, got an array of <U1"):
        scan(lambda c, x: (c, x), 0.0, np.array(["a"] * 5))
    with pytest.raises(ValueError, match=r"one length, .* got 5 in xs\[0\], 4 in xs\[1\]"):
        scan(lambda c, x: (c, None), 0.0, (np.ones(5), np.ones(4)))
    with pytest.raises(TypeError, match="must return a pair"):
        scan(lambda c, x: c, 0.0, np.ones(5))


def test_an_eager_scan_calls_the_step_itself():
    def clipped(total, x):
        return (total + x if x > 0 else total), total

    total, before = scan(clipped, 0.0, np.array([1.0, -2.0, 3.0]), engine="eager")
    assert total == 4.0
    assert before.tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("engine", EXACT)
def test_no_steps_give_ys_of_length_0_as_they_are_nested(engine):
    def step(carry, x):
        return carry + x["a"] / carry, (carry, {"twice": 2 * x["a"]})

    last, (before, named) = scan(step, 0.0, {"a": np.zeros(0)}, engine=engine)
    assert last == 0.0
    assert before.shape == named["twice"].shape == (0,)
    assert scan(lambda c, _: (c, None), 1.5, None, length=0, engine=engine) == (1.5, None)
    start = Value(2.0)
    last, (before, _) = scan(step, start, {"a": np.zeros(0)}, engine=engine)
    last.backward()
    assert (last.data, start.grad, len(before)) == (2.0, 1.0, 0)


def test_a_short_loop_that_is_run_often_keeps_its_bits():
    def last(rate, start):
        return scan(lambda c, x: (c * rate + (x * c).sin(), None), start, np.arange(30.0))[0]

    gradient = ag.grad(last, (0, 1))
    first = gradient(0.9, 0.3)
    assert all(gradient(0.9, 0.3) == first for _ in range(40))
    assert first == ag.jit(gradient)(0.9, 0.3)
