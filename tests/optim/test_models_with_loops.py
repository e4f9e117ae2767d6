"""Models with loops in them, fitted compiled: the results of SciPy and PyTorch, nothing unrolled."""

from __future__ import annotations

import numpy as np
import pytest

import autograd as ag
from autograd import exp, fori_loop, log, scan
from optim import SGD, curve_fit, fit, least_squares, minimize

pytestmark = pytest.mark.filterwarnings("error")
RNG = np.random.default_rng(0)


def runge_kutta(slope, x, h):
    k1 = slope(x)
    k2 = slope(x + h / 2 * k1)
    k3 = slope(x + h / 2 * k2)
    k4 = slope(x + h * k3)
    return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def counted(calls):
    """A function that counts how often it is called, for a step to call."""
    return lambda: calls.append(1)


def test_a_differential_equation_by_curve_fit():
    scipy_optimize = pytest.importorskip("scipy.optimize")
    times = np.linspace(0.5, 8.0, 12)
    observed = 10 / (1 + 9 * np.exp(-0.8 * times)) + 0.05 * RNG.normal(size=12)

    def grown(t, rate, capacity):
        x = 1.0 + 0 * t
        for _ in range(10):
            x = runge_kutta(lambda x: rate * x * (1 - x / capacity), x, t / 10)
        return x

    def growing(t, rate, capacity, steps=10, note=lambda: None):
        def step(_, x):
            note()
            return runge_kutta(lambda x: rate * x * (1 - x / capacity), x, t / steps)

        return fori_loop(0, steps, step, 1.0)

    params, covariance = curve_fit(growing, times, observed, [0.5, 8.0], starts=4)
    expected, scipy_covariance = scipy_optimize.curve_fit(
        grown, times, observed, [0.5, 8.0], xtol=1e-12, ftol=1e-12
    )
    assert params == pytest.approx(expected, rel=1e-6)
    assert covariance == pytest.approx(scipy_covariance, rel=1e-3)
    calls = {}
    for steps in (5, 50):
        calls[steps] = []
        curve_fit(
            lambda t, r, k, steps=steps: growing(t, r, k, steps, counted(calls[steps])),
            times, observed, [0.5, 8.0], starts=4,
        )  # fmt: skip
    assert len(calls[5]) == len(calls[50])


def test_an_oscillator_by_least_squares():
    scipy_optimize = pytest.importorskip("scipy.optimize")
    times = np.arange(1, 61) * 0.1
    observed = np.exp(-0.15 * times) * np.cos(1.4 * times) + 0.01 * RNG.normal(size=60)

    def residuals(p, note=lambda: None):
        stiffness, damping = p

        def step(state, seen):
            note()
            x, v = state
            for _ in range(4):
                x, v = x + 0.025 * v, v - 0.025 * (stiffness * x + damping * v)
            return (x, v), x - seen

        return scan(step, (1.0, 0.0), observed)[1]

    def in_python(p):
        x, v, apart = 1.0, 0.0, []
        for seen in observed:
            for _ in range(4):
                x, v = x + 0.025 * v, v - 0.025 * (p[0] * x + p[1] * v)
            apart.append(x - seen)
        return apart

    calls = []
    result = least_squares(lambda p: residuals(p, counted(calls)), [1.5, 0.2])
    expected = scipy_optimize.least_squares(in_python, [1.5, 0.2], xtol=1e-14, ftol=1e-14, gtol=1e-14)
    assert result.success
    assert result.x == pytest.approx(expected.x, rel=1e-6)
    assert result.cost == pytest.approx(expected.cost, rel=1e-10)
    assert result.jac == pytest.approx(expected.jac, abs=1e-5)
    assert len(calls) < 10, "traced, and not called for each observation"


def test_a_likelihood_of_a_series_by_minimize():
    scipy_optimize = pytest.importorskip("scipy.optimize")
    variance, returns = 1.0, []
    for noise in RNG.normal(size=400).tolist():
        returns.append(noise * variance**0.5)
        variance = 0.2 + 0.2 * returns[-1] ** 2 + 0.6 * variance

    def surprise(p, note=lambda: None):
        base, news, memory = map(exp, p)

        def step(carry, x):
            note()
            variance, total = carry
            return (base + news * x * x + memory * variance, total + log(variance) + x * x / variance), None

        return scan(step, (1.0, 0.0), np.array(returns))[0][1]

    def in_python(p):
        base, news, memory = np.exp(p)
        variance, total = 1.0, 0.0
        for x in returns:
            total += np.log(variance) + x * x / variance
            variance = base + news * x * x + memory * variance
        return total

    calls = []
    start = np.log([0.1, 0.1, 0.7])
    result = minimize(lambda p: surprise(p, counted(calls)), start)
    expected = scipy_optimize.minimize(in_python, start, method="Nelder-Mead", tol=1e-10)
    assert result.success
    assert result.fun == pytest.approx(expected.fun, rel=1e-12)
    assert np.exp(result.x) == pytest.approx(np.exp(expected.x), rel=1e-4)
    assert len(calls) < 20


@pytest.mark.parametrize("batch_size", [1, 7, 30])
def test_a_recurrent_net_by_fit(batch_size):
    torch = pytest.importorskip("torch")
    X = RNG.normal(size=(30, 6))
    y = np.sin(X[:, -1]) * X[:, 0]
    start = [0.3, -0.2, 0.4, 0.1, 0.8]
    calls = []

    def loss(p, x, y):
        def step(h, each):
            calls.append(1)
            a, b = h
            return (ag.tanh(p[0] * a + p[1] * b + each), ag.tanh(p[2] * a + p[3] * b - each)), None

        (a, b), _ = scan(step, (0.0, 0.0), x)
        return (p[4] * (a + b) - y) ** 2

    trained = fit(loss, start, (X, y), SGD(lr=0.05), 2, batch_size)
    assert trained.engine != "eager"
    assert len(calls) < 20

    weights = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    rule = torch.optim.SGD([weights], lr=0.05)
    for _ in range(2):
        for begin in range(0, 30, batch_size):
            x = torch.tensor(X[begin : begin + batch_size])
            a = b = torch.zeros(len(x), dtype=torch.float64)
            for each in x.T:
                a, b = (
                    torch.tanh(weights[0] * a + weights[1] * b + each),
                    torch.tanh(weights[2] * a + weights[3] * b - each),
                )
            rule.zero_grad()
            ((weights[4] * (a + b) - torch.tensor(y[begin : begin + batch_size])) ** 2).mean().backward()
            rule.step()
    assert trained.params == pytest.approx(weights.tolist(), rel=1e-10)


@pytest.mark.parametrize("engine", ["auto", "python", "interpreter"])
def test_loops_over_what_a_model_closes_over_are_those_of_an_eager_run(engine):
    grid, shift = np.linspace(0, 1, 7), ag.Value(0.3)
    X, y = RNG.normal(size=(13, 2)), RNG.normal(size=13)

    def loss(p, x, y):
        def step(c, t):
            return c + 0.1 * (p[0] * c + p[1] * x[0] * t + shift), c

        last, passed = scan(step, 0.1, grid)
        return (last + x[1] - y) ** 2 + 0.01 * (passed * passed).sum()

    for batch_size in (1, 5, None):
        trained, expected = (
            fit(loss, [0.1, 0.2], (X, y), SGD(lr=0.1), 2, batch_size, engine=name)
            for name in (engine, "eager")
        )
        assert (trained.params, trained.losses) == (expected.params, expected.losses)
    assert shift.grad == 0.0
    least, expected = (minimize(loss, [0.1, 0.2], data=(X, y), engine=name) for name in (engine, "eager"))
    assert least.x == pytest.approx(expected.x, rel=1e-9)
    of_one = minimize(lambda p: loss(p, [1.0, 2.0], 3.0) + p[1] ** 2, [0.1, 0.2], engine=engine)
    expected = minimize(lambda p: loss(p, [1.0, 2.0], 3.0) + p[1] ** 2, [0.1, 0.2], engine="eager")
    assert of_one.x == pytest.approx(expected.x, rel=1e-7)
