"""Random numbers by key and number: published words, the same bits everywhere, distributions, gradients."""

from __future__ import annotations

import ctypes
import math
import pickle

import numpy as np
import pytest
from mpmath import mp

from autograd import (
    Program,
    Value,
    check_gradients,
    detect_anomaly,
    exp,
    fori_loop,
    grad,
    jit,
    jvp,
    random,
    scan,
    trace,
    value_and_grad,
    vmap,
    where,
)
from autograd.engines import engine_names
from autograd.primitives.threefry import normal_quantile, quantile_of_arrays, threefry

ENGINES = engine_names()
KEY = random.key(2026)


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_the_known_answers_of_random123(counter, key, words):
    """`kat_vectors` of Random123 (D. E. Shaw Research), threefry2x32 with 20 rounds."""
    upper, lower = counter
    assert threefry(float(key[0]), float(key[1]), float(lower), upper) == words


def test_keys_are_those_of_jax():
    """`jax.random.key_data` of `fold_in` and `split`, computed with JAX 0.10.2."""
    key = random.key(7)
    assert random.split(key) == [(3625411723.0, 1954958720.0), (195045567.0, 4062205631.0)]
    assert random.fold_in(key, 12345) == (3187294848.0, 248916179.0)
    key = random.key(2**40 + 5)
    assert key == (256.0, 5.0)
    assert random.fold_in(key, 1) == (316930262.0, 1451589314.0)


def test_keys_are_those_of_the_jax_that_is_installed():
    jax = pytest.importorskip("jax")
    for seed in (0, 12345):
        theirs = jax.random.key(seed)
        for i in (0, 1, 2**31):
            words = jax.random.key_data(jax.random.fold_in(theirs, i)).tolist()
            assert random.fold_in(random.key(seed), i) == tuple(map(float, words))


# Numbers that words are cut at, and others.
NUMBERS = [0.0, 1.0, 2.0, 1000.0, 2.0**32 - 1, 2.0**32, 2.0**32 + 1, 2.0**53 - 1, 6.02e15]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_computes_the_same_bits(engine):
    def drawn(key, i):
        return random.uniform(key, i), random.normal(key, i), random.fold_in(key, i)

    expected = [drawn(KEY, i) for i in NUMBERS]
    call = jit(drawn, engine)
    assert [call(KEY, i) for i in NUMBERS] == expected
    uniform, normal, (first, second) = vmap(drawn, (None, 0), engine=engine)(KEY, np.array(NUMBERS))
    rows = zip(uniform.tolist(), normal.tolist(), zip(first.tolist(), second.tolist()))
    assert list(rows) == expected
    assert random.normal(KEY, np.array(NUMBERS)).tolist() == normal.tolist()
    assert random.fold_in(KEY, np.array(NUMBERS))[0].tolist() == first.tolist()


@pytest.mark.parametrize("engine", ENGINES)
def test_many_numbers_are_the_same_in_loops(engine):
    numbers = np.arange(2000)
    expected = [random.normal(KEY, i) for i in numbers.tolist()]
    assert random.normal(KEY, numbers).tolist() == expected

    def step(i, _):
        return i + 1, random.normal(KEY, i)

    assert scan(step, 0.0, None, engine, length=2000)[1].tolist() == expected
    assert vmap(lambda i: random.normal(KEY, i), engine=engine)(numbers).tolist() == expected

    def nested(key):
        def outer(i, total):
            own = random.fold_in(key, i)
            return fori_loop(0, 5, lambda j, x: x + random.normal(own, j), total)

        return fori_loop(0, 4, outer, 0.0)

    total = 0.0
    for i in range(4):
        for j in range(5):
            total += random.normal(random.fold_in(KEY, i), j)
    assert jit(nested, engine)(KEY) == nested(KEY) == total


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_no_whole_number_gives_nan(engine):
    call = jit(random.uniform, engine)
    for i in (0.5, -1.0, 2.0**53, math.inf, -math.inf, math.nan, 1e300):
        assert math.isnan(call(KEY, i))
        assert math.isnan(jit(random.normal, engine)(KEY, i))
    for key in ((0.5, 1.0), (-1.0, 0.0), (0.0, 2.0**32)):
        assert math.isnan(call(key, 1.0))
        assert math.isnan(jit(random.fold_in, engine)(key, 1.0)[1])


def test_an_anomaly_names_it():
    with pytest.raises(FloatingPointError, match=r"random_normal\(.*\) is nan"), detect_anomaly():
        random.normal(KEY, Value(0.5))


def test_wrong_arguments_are_refused():
    for seed, error in ((1.5, TypeError), ("1", TypeError), (-1, ValueError), (2**64, ValueError)):
        with pytest.raises(error, match="the seed must be"):
            random.key(seed)
    with pytest.raises(TypeError, match="a key is a pair of numbers"):
        random.uniform(3.0, 1)
    for i in (0.5, -1, 2**53, np.array([1.0, 0.5])):
        with pytest.raises(ValueError, match="i must be made of whole numbers"):
            random.normal(KEY, i)
    with pytest.raises(ValueError, match="a key must be made of whole numbers"):
        random.fold_in((0.5, 1.0), 1)
    with pytest.raises(TypeError, match="must be a real number"):
        random.uniform(KEY, "1")


PROBABILITIES = [2.0**-53, 1e-15, 1e-12, 1.3e-11, 1.5e-11, 1e-6, 0.01, 0.0749, 0.0751, 0.3, 0.5 - 1e-9, 0.5]


def test_the_quantile_is_right_in_its_middle_and_tails():
    from autograd.engines.machine.compiler import CompiledModule
    from autograd.engines.machine.random_functions import quantile_text

    address = ctypes.cast(ctypes.CDLL(getattr(math, "__file__", None)).log, ctypes.c_void_p).value
    call = "define void @at(ptr %u, ptr %y) {\n%n = load double, ptr %u\n"
    call += "%m = call double @normal_quantile(double %n)\nstore double %m, ptr %y\nret void\n}"
    compiled = CompiledModule(quantile_text(address) + "\n" + call).function("at", *[ctypes.c_void_p] * 2)
    for p in [*PROBABILITIES, *(1 - p for p in PROBABILITIES if p > 1e-9)]:
        y = normal_quantile(p)
        with mp.workdps(40):
            expected = mp.sqrt(2) * mp.erfinv(2 * mp.mpf(p) - 1)
            assert abs(y - expected) <= 2e-15 * abs(expected)
        assert quantile_of_arrays(np.array([p])).tolist() == [y]
        u, found = ctypes.c_double(p), ctypes.c_double()
        compiled(ctypes.addressof(u), ctypes.addressof(found))
        assert found.value == y


def test_uniform_numbers_are_uniform_and_normal_ones_normal():
    stats = pytest.importorskip("scipy.stats")
    numbers = np.arange(100_000)
    u, z = random.uniform(KEY, numbers), random.normal(KEY, numbers)
    assert 0.0 < u.min() < 1e-4
    assert 1.0 - 1e-4 < u.max() < 1.0
    assert stats.kstest(u, "uniform").pvalue > 0.01
    assert stats.kstest(z, "norm").pvalue > 0.01
    error = 1 / math.sqrt(len(numbers))
    for power, moment, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((z**power).mean() - moment) < 4 * math.sqrt(spread) * error
    others = random.normal(random.fold_in(KEY, 1), numbers)
    for shifted in (z[1:] * z[:-1], z * others, z[2:] * others[:-2]):
        assert abs(shifted.mean()) < 4 * error
    words = np.concatenate([random.fold_in(KEY, numbers)])
    assert len(np.unique(words)) > words.size - 10
    bits = (u * 2**52).astype(np.int64)
    for bit in range(52):
        assert abs((bits >> bit & 1).mean() - 0.5) < 4 * 0.5 * error


def test_derivatives_by_key_and_number_are_0():
    assert grad(lambda i: random.normal(KEY, i))(3.0) == 0.0
    assert jvp(lambda i: random.uniform(KEY, i), (3.0,), (1.0,))[1] == 0.0
    assert grad(lambda k: random.normal((k, 1.0), 2.0))(3.0) == 0.0
    i = Value(3.0)
    y = random.normal(KEY, i) * i
    y.backward()
    assert i.grad == random.normal(KEY, 3)
    assert y.data == i.grad * 3.0


# The price of a call option on a path of so many steps: its derivative by the first price is known.

STRIKE, RATE, SIGMA, TERM = 105.0, 0.03, 0.2, 1.0


def payoff(price, key, steps=4):
    h = TERM / steps

    def step(carry, _):
        i, x = carry
        growth = (RATE - SIGMA**2 / 2) * h + SIGMA * math.sqrt(h) * random.normal(key, i)
        return (i + 1, x * exp(growth)), None

    last = scan(step, (0.0, price), None, length=steps)[0][1]
    return math.exp(-RATE * TERM) * where(last < STRIKE, 0.0, last - STRIKE)


def black_scholes(price):
    """The price and its derivative (F. Black and M. Scholes, 1973)."""
    d = (math.log(price / STRIKE) + (RATE + SIGMA**2 / 2) * TERM) / (SIGMA * math.sqrt(TERM))
    delta, other = (0.5 * math.erfc(-x / math.sqrt(2)) for x in (d, d - SIGMA * math.sqrt(TERM)))
    return price * delta - STRIKE * math.exp(-RATE * TERM) * other, delta


@pytest.mark.parametrize("engine", [engine for engine in ENGINES if engine != "python"])
def test_the_delta_of_an_option_is_that_of_black_and_scholes(engine):
    keys = random.fold_in(KEY, np.arange(4000))
    prices, deltas = vmap(value_and_grad(payoff), (None, 0), engine=engine)(100.0, keys)
    for samples, expected in zip((prices, deltas), black_scholes(100.0)):
        assert abs(samples.mean() - expected) < 3 * samples.std() / math.sqrt(len(samples))
    few = [value_and_grad(payoff)(100.0, (first, second)) for first, second in zip(*(k[:20] for k in keys))]
    assert [price for price, _ in few] == pytest.approx(prices[:20].tolist(), rel=1e-14)
    assert [delta for _, delta in few] == pytest.approx(deltas[:20].tolist(), rel=1e-14)


def test_split_refuses_what_is_no_count():
    assert random.split(KEY, 0) == []
    assert len(random.split(KEY, np.int64(3))) == 3
    with pytest.raises(ValueError, match="count of keys must be from 0, got -1"):
        random.split(KEY, -1)
    with pytest.raises(TypeError, match="count of keys must be a whole number"):
        random.split(KEY, 2.5)


def test_a_path_is_checked_saved_and_written_out(tmp_path):
    assert check_gradients(lambda price: payoff(price, KEY), 120.0).passed
    for method in ("high-precision", "complex-step", "richardson"):
        assert check_gradients(
            lambda x: fori_loop(0, 3, lambda i, y: y * x + random.normal(KEY, i), x), 1.1, method=method
        ).passed
    program = trace(payoff, 100.0, KEY)
    program.save(tmp_path / "path.program")
    for again in (Program.load(tmp_path / "path.program"), pickle.loads(pickle.dumps(program))):
        assert again(100.0, KEY) == program(100.0, KEY) == payoff(100.0, KEY)
    source = trace(lambda i: (random.normal(KEY, i), *random.fold_in(KEY, i)), 0.0).source
    assert "import autograd" not in source
    namespace: dict = {}
    exec(source, namespace)
    assert namespace["program"](3.0) == (random.normal(KEY, 3), *random.fold_in(KEY, 3))
