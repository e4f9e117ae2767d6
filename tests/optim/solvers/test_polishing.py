"""`minimize` stays out of nan, and ends at rounding level: minima are known to more digits."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest

from autograd import exp, jit, log, sqrt, value_and_grad
from optim.solvers.minimizing import minimize

optimize = pytest.importorskip("scipy.optimize", reason="the minimisers are SciPy's")

FIRST = ["CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP"]
DERIVED = [*FIRST, "Newton-CG", "trust-ncg", "trust-krylov", "trust-exact", "trust-constr"]
FREE = ["Nelder-Mead", "Powell", "COBYLA"]


def garch_returns(count=60):
    """Simulated; `RandomState`'s numbers are the same in every version of NumPy."""
    rng, returns, variance = np.random.RandomState(4), [], 1.0
    for _ in range(count):
        shock = rng.normal() * variance**0.5
        returns.append(0.3 * (0.03 + shock))
        variance = 0.05 + 0.1 * shock**2 + 0.85 * variance
    return returns


RETURNS = garch_returns()
SPREAD = float(np.var(RETURNS))
GARCH_START = [0.0, 0.02, 0.15, 0.8]
GARCH_BOUNDS = [(None, None), (1e-8, None), (0.0, 0.1), (0.0, 1.0)]  # the third is reached


def garch(p):
    mean, base, news, memory = p
    variance, total = SPREAD, 0.0
    for x in RETURNS:
        total = total + (log(variance) + (x - mean) ** 2 / variance) / 2
        variance = base + news * (x - mean) ** 2 + memory * variance
    return total


def garch_minimum(start, free):
    """Where the derivatives by the free parameters, by hand, are zero to 25 digits."""
    mpmath = pytest.importorskip("mpmath")

    def slopes(*unknowns):
        p = [mpmath.mpf(value) for value in start]
        for i, value in zip(free, unknowns):
            p[i] = value
        mean, base, news, memory = p
        variance, of_variance, total = mpmath.mpf(SPREAD), [0, 0, 0, 0], [0, 0, 0, 0]
        for x in RETURNS:
            e = x - mean
            weight = (1 / variance - e**2 / variance**2) / 2
            total = [slope + weight * part for slope, part in zip(total, of_variance)]
            total[0] -= e / variance
            direct = [-2 * news * e, 1, e**2, variance]
            of_variance = [part + memory * before for part, before in zip(direct, of_variance)]
            variance = base + news * e**2 + memory * variance
        return [total[i] for i in free]

    with mpmath.workdps(25):
        root = mpmath.findroot(slopes, [start[i] for i in free])
    minimum = np.array(start)
    minimum[free] = [float(value) for value in root]
    return minimum


@pytest.fixture(scope="module")
def free_minimum():
    return garch_minimum([0.005, 0.0082, 0.1076, 0.7924], [0, 1, 2, 3])


@pytest.fixture(scope="module")
def bounded_minimum():
    return garch_minimum([0.0053, 0.0082, 0.1, 0.798], [0, 1, 3])


@pytest.mark.parametrize("method", DERIVED)
def test_a_search_that_steps_into_nan_goes_on_to_the_minimum(method, free_minimum):
    result = minimize(garch, GARCH_START, method=method)
    assert result.success
    np.testing.assert_allclose(result.x, free_minimum, rtol=1e-11)
    assert result.fun == pytest.approx(garch(free_minimum), rel=1e-14)
    assert "fun is nan at x = [" in result.message
    assert "log(" in result.message
    assert "test_polishing.py" in result.message


@pytest.mark.parametrize("method", ["L-BFGS-B", "TNC", "SLSQP", "trust-constr"])
def test_within_bounds_the_free_parameters_are_polished(method, bounded_minimum):
    result = minimize(garch, GARCH_START, method=method, bounds=GARCH_BOUNDS)
    assert result.success
    assert result.x[2] == 0.1
    np.testing.assert_allclose(result.x, bounded_minimum, rtol=1e-11)


@pytest.mark.parametrize("method", DERIVED + FREE)
@pytest.mark.parametrize(
    ("fun", "start", "minimum"),
    [
        (lambda x: x[0] - log(x[0]), [1e-3], 1.0),
        (lambda x: -log(1 - x[0]) / 10 - 100 * x[0], [0.0], 0.999),
        (lambda x: x[0] * sqrt(x[0]) - 3 * sqrt(x[0]), [0.3], 1.0),
    ],
    ids=["from a steep wall", "towards a wall", "towards a root"],
)
def test_walls_behind_which_there_is_nan(fun, start, minimum, method):
    result = minimize(fun, start, method=method)
    assert result.success
    assert result.x == pytest.approx([minimum], rel=1e-8 if method in DERIVED else 2e-4)


def norm(p):
    return sqrt(sum((value - 1) * (value - 1) for value in p))


@pytest.mark.parametrize("method", [each for each in DERIVED if each != "CG"])
def test_a_gradient_that_is_nan_at_the_minimum_is_named(method):
    with pytest.warns(optimize.OptimizeWarning, match="the gradient is nan at x = ") as caught:
        result = minimize(lambda p: norm(p) ** 2, [0.0, 0.0], method=method)
    words = str(caught[0].message)
    assert caught[0].filename == __file__
    assert "[1.0, 1.0]" in words
    assert "backward through sqrt(0.0)" in words
    assert "test_polishing.py" in words
    assert words.partition("minimize: ")[2] in result.message
    assert result.success
    np.testing.assert_allclose(result.x, [1.0, 1.0], rtol=1e-9)
    assert np.isfinite(result.fun)


def test_so_it_is_with_samples():
    x = np.arange(1.0, 5.0)
    with pytest.warns(optimize.OptimizeWarning, match=r"the gradient is nan at x = \[3\.0\] \(backward"):
        result = minimize(lambda p, x, y: sqrt((p * x - y) * (p * x - y)) ** 2, 1.0, data=(x, 3 * x))
    np.testing.assert_allclose(result.x, [3.0], rtol=1e-9)


def test_where_only_the_point_of_the_nan_gradient_is_least_the_search_fails_with_it():
    """At a kink, reached by the first step."""
    with pytest.warns(optimize.OptimizeWarning, match="sqrt"):
        result = minimize(lambda p: sqrt(p[0] * p[0]), [1.0])
    assert (result.x.tolist(), result.fun, result.success) == ([0.0], 0.0, False)


def test_a_start_without_value_or_gradient_is_refused_with_the_operation():
    with pytest.raises(ValueError, match=r"fun is nan at x = \[-1\.0\] \(log\(-1\.0\) is nan, at .*test_pol"):
        minimize(lambda p: log(p[0]), [-1.0])
    with pytest.raises(
        FloatingPointError, match=r"gradient is nan at x = \[1\.0, 1\.0\] \(backward through sqrt"
    ):
        minimize(norm, [1.0, 1.0])


def test_constraints_keep_a_search_s_last_good_point():
    """The line search of the first iteration leaves the domain."""
    result = minimize(
        lambda x: x[0] ** 2 - log(1 - x[1]) - 50 * x[1],
        [0.0, 0.0],
        constraints={"type": "eq", "fun": lambda x: x[0] - x[1]},
    )
    assert result.success
    # x^2 - log(1 - x) - 50 x is least where 2 x + 1/(1 - x) = 50
    assert result.x == pytest.approx([(52 - np.sqrt(52**2 - 8 * 49)) / 4] * 2, rel=1e-4)


# To rounding level.


def rosenbrock(x):
    return sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


@pytest.mark.parametrize("method", DERIVED)
def test_minima_are_exact_to_rounding(method):
    result = minimize(rosenbrock, [1.3, 0.7, 0.8], method=method)
    np.testing.assert_allclose(result.x, np.ones(3), rtol=1e-13)
    result = minimize(lambda x: exp(x[0]) + x[0] ** 2 + (x[1] - x[0]) ** 2, [1.0, -2.0], method=method)
    # exp(x) = -2 x at minus Lambert's W of 1/2
    np.testing.assert_allclose(result.x, [-0.35173371124919582602] * 2, rtol=1e-15)
    assert result.success
    assert "of Newton's method" in result.message


def beale(x):
    return sum((y - x[0] * (1 - x[1] ** n)) ** 2 for n, y in [(1, 1.5), (2, 2.25), (3, 2.625)])


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def separable(w):
    """A logistic loss without a minimum: the weights would grow for ever."""
    return sum(log(1 + exp(-y * (w[0] + w[1] * x))) for x, y in [(0, -1), (1, -1), (2, 1), (3, 1)])


@pytest.mark.parametrize("method", FIRST)
@pytest.mark.parametrize("fun", [beale, himmelblau, separable])
def test_the_end_is_never_worse_than_scipy_s_with_the_same_derivatives(fun, method):
    compiled = jit(value_and_grad(fun), "python")

    def with_slopes(x):
        value, slopes = compiled(x.tolist())
        return value, np.array(slopes)

    theirs = optimize.minimize(with_slopes, [0.5, 0.5], jac=True, method=method)
    ours = minimize(fun, [0.5, 0.5], method=method)
    assert ours.fun <= theirs.fun
    assert ours.success
    assert ours.nit == theirs.nit
    if fun is separable:
        np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-12)
    else:
        assert np.abs(ours.jac).max() <= 1e-12


@pytest.mark.parametrize("method", ["L-BFGS-B", "TNC", "SLSQP", "trust-constr"])
def test_an_unknown_whose_bounds_are_equal_stays_there(method):
    result = minimize(rosenbrock, [3.0, 0.5, 0.7], method=method, bounds=[(0.9, 0.9), (0, 2), (0, 2)])
    # x[2] = x[1]^2, and 200 (x[1] - 0.81) = 2 (1 - x[1])
    np.testing.assert_allclose(result.x, [0.9, 164 / 202, (164 / 202) ** 2], rtol=1e-14)


def test_many_samples_and_structures_are_polished():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    result = minimize(
        lambda p, x, y: (p["w"] @ x + p["b"] - y) ** 2, {"w": np.zeros(3), "b": 0.0}, data=(X, y)
    )
    expected = np.linalg.lstsq(np.column_stack([X, np.ones(40)]), y, rcond=None)[0]
    np.testing.assert_allclose([*result.x["w"], result.x["b"]], expected, rtol=1e-12)


def test_a_minimum_that_is_flat_is_approached():
    with_four = minimize(lambda x: x[0] ** 4 + (x[1] - 2) ** 2, [1.0, 0.0])
    assert with_four.success
    assert abs(with_four.x[0]) < 1e-8
    assert with_four.x[1] == pytest.approx(2.0, rel=1e-14)
    valley = minimize(lambda x: (x[0] + x[1] - 1) ** 2 + (x[0] + x[1]) ** 4, [3.0, 1.0])
    # 2 (s - 1) + 4 s^3 = 0
    assert valley.x.sum() == pytest.approx(0.58975451230145838, rel=1e-14)
    assert valley.success


def test_a_saddle_is_no_success():
    result = minimize(lambda x: x[0] ** 2 - x[1] ** 2, [1.0, 0.0])
    assert not result.success
    assert "saddle" in result.message
    at_bound = minimize(lambda x: x[0] ** 2 - x[1] ** 2, [1.0, 0.5], bounds=[(-1, 1), (-1, 1)])
    assert at_bound.success  # a bound holds what is bent the wrong way
    np.testing.assert_allclose(at_bound.x, [0.0, 1.0], atol=1e-12)


def test_a_minimum_at_infinity_is_not_run_after():
    result = minimize(lambda x: exp(-x[0]), [1.0])
    theirs = optimize.minimize(lambda x: np.exp(-x[0]), [1.0], jac=lambda x: -np.exp(-x))
    np.testing.assert_allclose(result.x, theirs.x, rtol=1e-9)


@pytest.mark.parametrize("method", DERIVED)
def test_what_was_told_to_stop_stops(method):
    few = {"maxfun": 5} if method == "TNC" else {"maxiter": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = minimize(rosenbrock, [-1.2, 1.0, 0.7], method=method, options=few)
    assert not result.success
    assert "Newton's method" not in result.message
    assert result.fun > 0.1


def test_large_problems_and_methods_without_derivatives_are_left_as_they_ended():
    many = minimize(rosenbrock, np.full(40, 0.9))
    assert "Newton's method" not in many.message
    theirs = optimize.minimize(optimize.rosen, [1.3, 0.7], method="Nelder-Mead")
    assert minimize(rosenbrock, [1.3, 0.7], method="Nelder-Mead").x.tolist() == theirs.x.tolist()
