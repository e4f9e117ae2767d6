"""`scan_batches`: a loop over batches, equal on every engine to the loop written out."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autograd as ag
from autograd import Value, grad, value_and_grad
from autograd.engines import engine_names
from autograd.running.scan import scan, scan_batches
from models.assignment import loss

EXACT = ["eager", *(name for name in engine_names() if name != "numpy")]
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(53, 5)), RNG.normal(size=53)
W = [0.1] * 9


def sample(carry, x):
    return value_and_grad(loss)(carry["w"], *x)


def turn(carry, totals, row):
    value, gradient = totals
    size, rate = row
    w = [weight - rate * (g / size) for weight, g in zip(carry["w"], gradient)]
    return {"w": w, "steps": carry["steps"] + 1}, (value / size, carry["w"][0])


def rows_for(size):
    batches = -(-len(Y) // size)
    sizes = np.full(batches, float(size))
    sizes[-1] = len(Y) - size * (batches - 1)
    return sizes, np.linspace(0.05, 0.01, batches)


def written_out(size):
    """The same loop in plain Python, on floats."""
    w, losses = W, []
    for begin, batch, rate in zip(range(0, len(Y), size), *rows_for(size)):
        totals = [0.0] * 10
        for x, y in zip(X[begin : begin + size].tolist(), Y[begin : begin + size].tolist()):
            value, gradient = value_and_grad(loss)(w, x, y)
            totals = [total + number for total, number in zip(totals, [value, *gradient])]
        w = [weight - float(rate) * (g / float(batch)) for weight, g in zip(w, totals[1:])]
        losses.append(totals[0] / float(batch))
    return w, losses


@pytest.mark.parametrize("engine", EXACT)
@pytest.mark.parametrize("size", [1, 8, 53, 100])
def test_every_engine_gives_the_bits_of_the_loop_written_out(engine, size):
    carry, (losses, firsts) = scan_batches(
        sample, turn, {"w": W, "steps": 0.0}, (X, Y), size, rows_for(size), engine
    )
    w, expected = written_out(size)
    assert carry == {"w": w, "steps": float(len(expected))}
    assert losses.tolist() == expected
    assert firsts[0] == 0.1


def test_numpy_is_close():
    carry, (losses, _) = scan_batches(
        sample, turn, {"w": W, "steps": 0.0}, (X, Y), 8, rows_for(8), engine="numpy"
    )
    w, expected = written_out(8)
    assert carry["w"] == pytest.approx(w, rel=1e-13)
    assert losses.tolist() == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("engine", EXACT)
def test_values_closed_over_by_either_function_are_read_at_each_call(engine):
    scale, shift = Value(2.0), Value(10.0)

    def scaled(carry, x):
        return x * scale + ag.sin(scale) * 0

    def shifted(carry, totals, row):
        return carry + totals + shift, totals

    xs = np.array([1.0, 2.0, 3.0])
    for factor in (2.0, 3.0):
        scale.data = factor
        total, each = scan_batches(scaled, shifted, 0.0, xs, 2, engine=engine)
        if engine == "eager":  # called with Values, it answers in Values
            total, each = total.data, np.array([leaf.data for leaf in each])
        assert total == factor * 6 + 20
        assert each.tolist() == [factor * 3, factor * 3]


@pytest.mark.parametrize("engine", ["llvm", "interpreter"])
def test_a_program_that_is_compiled_in_parts_gives_the_same_bits(engine):
    def long(carry, x):
        for _ in range(1500):
            x = ag.sin(x) * carry
        return x

    def half(carry, totals, row):
        return carry - 0.01 * totals, totals

    xs = RNG.normal(size=70)
    assert (
        scan_batches(long, half, 1.01, xs, 32, engine=engine)[0]
        == scan_batches(long, half, 1.01, xs, 32, engine="eager")[0]
    )


def test_it_can_be_differentiated():
    def total(rate):
        return scan_batches(
            lambda c, x: c * x, lambda c, t, row: (c - rate * t, t), 1.0, np.array([1.0, 2.0, 3.0]), 2
        )[0]

    # (1 - 3r)(1 - 3r) by r
    assert grad(total)(0.1) == pytest.approx(-6 * (1 - 0.3))


@pytest.mark.parametrize("engine", ["llvm", "interpreter", "python", "numpy", "eager"])
def test_what_a_called_back_primitive_raises_reaches_the_caller(engine):
    def guarded(x):
        if x > 2:
            raise LookupError("nothing above two")
        return math.sqrt(x)

    root = ag.primitive(f"scanning_root_{engine}", guarded, lambda y, x: (0.5 / y,))

    def run(xs):
        return scan_batches(lambda c, x: root(x), lambda c, t, row: (c + t, t), 0.0, xs, 2, engine=engine)

    if engine == "eager":
        assert run(np.array([1.0, 1.0, 1.0]))[0] == 3.0
    else:
        with pytest.warns(UserWarning, match="called back"):
            assert run(np.array([1.0, 1.0, 1.0]))[0] == 3.0
    with pytest.raises(LookupError, match="nothing above two"):
        run(np.array([1.0, 1.0, 3.0]))


def test_nothing_to_do_is_not_an_error():
    carry, y = scan_batches(
        lambda c, x: x, lambda c, t, row: (c + t, t), 1.0, np.empty(0), 4, engine="python"
    )
    assert carry == 1.0
    assert y.shape == (0,)
    _, pair = scan_batches(
        lambda c, x: x, lambda c, t, row: (c + t, np.array([t, c])), 1.0, np.empty(0), 4, engine="python"
    )
    assert pair.shape == (0, 2)
    _, nothing = scan_batches(
        lambda c, x: x, lambda c, t, row: (c + t, np.empty(0)), 1.0, np.empty(0), 4, engine="python"
    )
    assert nothing.shape == (0, 0)


def test_bad_input_is_named():
    def total(c, x):
        return x

    def keep(c, t, row):
        return c + t, t

    xs = np.ones(5)
    with pytest.raises(ValueError, match=r"batch_size must be at least 1, got 0"):
        scan_batches(total, keep, 0.0, xs, 0)
    with pytest.raises(ValueError, match=r"one length, got lengths \[4, 5\]"):
        scan_batches(total, keep, 0.0, (xs, xs[1:]), 2)
    with pytest.raises(ValueError, match=r"one length, got lengths \[\]"):
        scan_batches(total, keep, 0.0, None, 2)
    with pytest.raises(ValueError, match=r"one entry a batch \(3\), got \[2\]"):
        scan_batches(total, keep, 0.0, xs, 2, np.ones(2))
    with pytest.raises(ValueError, match="'auto' or one of eager, interpreter"):
        scan_batches(total, keep, 0.0, xs, 2, engine="fast")
    with pytest.raises(ValueError, match="'auto' or one of eager, interpreter"):
        scan(lambda c, x: (c, x), 0.0, np.empty(0), engine="fast")
    words = np.array(["a"] * 5)
    with pytest.raises(TypeError, match="xs must hold real numbers, got an array of <U1"):
        scan_batches(total, keep, 0.0, words, 2)
    with pytest.raises(TypeError, match="rows must hold real numbers, got an array of <U1"):
        scan_batches(total, keep, 0.0, xs, 2, words[:3])
    with pytest.raises(TypeError, match="xs must hold real numbers, got an array of <U1"):
        scan(lambda c, x: (c, x), 0.0, words)
    with pytest.raises(TypeError, match="must return a pair"):
        scan_batches(total, lambda c, t, row: c, 0.0, xs, 2)


def test_many_batches_warn_where_they_are_unrolled_and_not_where_that_was_asked_for():
    def total(rate, engine="auto"):
        return scan_batches(
            lambda c, x: c, lambda c, t, row: (c + rate, c), 0.0, np.ones(11_000), 1, None, engine
        )

    with pytest.warns(UserWarning, match="turn it inside out"):
        assert grad(lambda rate: total(rate)[0])(1.0) == 11_000
    assert total(1.0, "eager")[0] == 11_000


@pytest.mark.parametrize("engine", ["python", "numpy"])
def test_an_anomaly_of_a_turn_is_found_in_the_batch_that_it_was_born_in(engine):
    xs = np.array([1.0, 2.0, 3.0, -3.0, -4.0, -5.0])
    with (
        ag.detect_anomaly(),
        pytest.raises(FloatingPointError, match=r"log\(t=0\.0\) is -inf in .*, batch 1"),
    ):
        scan_batches(lambda c, x: x, lambda c, t, row: (c + ag.log(t), t), 0.0, xs, 2, engine=engine)


def test_an_eager_scan_calls_the_step_itself():
    def clipped(total, x):
        return (total + x if x > 0 else total), total

    total, before = scan(clipped, 0.0, np.array([1.0, -2.0, 3.0]), engine="eager")
    assert total == 4.0
    assert before.tolist() == [0.0, 1.0, 1.0]
