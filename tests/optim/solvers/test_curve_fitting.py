"""`curve_fit`: NIST's certified values, SciPy's results, hard starts, honesty about bad fits, bad input."""

from __future__ import annotations

import math
from itertools import cycle

import numpy as np
import pytest

from autograd import TracingError, cos, exp, less, log, sin, where
from autograd.support.extras import MissingExtraError
from optim.solvers._descent import descend
from optim.solvers._newton import SquaresIterate
from optim.solvers._regression import Regression
from optim.solvers._whitening import Whitening
from optim.solvers.curve_fitting import NotConvergedError, curve_fit
from tests.optim.solvers.nist_strd import PROBLEMS

optimize = pytest.importorskip("scipy.optimize", reason="the fits need SciPy")

RNG = np.random.default_rng(0)
X = np.linspace(0.0, 5.0, 30)
Y = 3.0 * np.exp(-0.5 * X) + 1.0 + 0.01 * RNG.normal(size=30)
NAMED = {problem.name: problem for problem in PROBLEMS}


def decay(x, a, rate, base):
    return a * exp(-rate * x) + base


def standard_errors(pcov):
    return np.sqrt(np.diag(pcov))


def assert_certified(problem, popt, pcov):
    """To rounding of the 11 certified digits.

    The standard errors of Lanczos1 are those of residuals of 1e-13 in data of 2.5: were all arithmetic exact,
    rounding the data to floats alone would leave them 3.4 digits.
    """
    np.testing.assert_allclose(popt, problem.certified, rtol=1e-10)
    rtol = 1e-2 if problem.name == "Lanczos1" else 1e-9
    np.testing.assert_allclose(standard_errors(pcov), problem.errors, rtol=rtol)


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_nist_s_values_are_found_from_the_far_start(problem):
    assert_certified(problem, *curve_fit(problem.f, problem.x, problem.y, problem.starts[0]))


METHODS = cycle(["levenberg-marquardt", "trf", "dogbox"])


@pytest.mark.parametrize(("problem", "method"), list(zip(PROBLEMS, METHODS)), ids=str)
def test_nist_s_values_are_found_from_the_near_start_by_one_method_alone(problem, method):
    fit = curve_fit(problem.f, problem.x, problem.y, problem.starts[1], method=method, max_nfev=2000)
    assert_certified(problem, *fit)


@pytest.mark.parametrize("name", ["Bennett5", "Hahn1", "Kirby2", "MGH09", "MGH10", "Rat43", "Thurber"])
def test_nist_s_values_are_found_without_a_start(name):
    assert_certified(NAMED[name], *curve_fit(NAMED[name].f, NAMED[name].x, NAMED[name].y))


@pytest.mark.parametrize("name", ["BoxBOD", "Lanczos3", "MGH10", "MGH17", "Nelson", "Roszman1"])
def test_parameters_a_hundred_times_too_large_or_too_small_are_no_obstacle(name):
    problem = NAMED[name]
    wrong = 10.0 ** np.random.default_rng(1).uniform(-2.0, 2.0, len(problem.certified))
    info = curve_fit(problem.f, problem.x, problem.y, problem.certified * wrong, full_output=True)[2]
    assert info["fvec"] @ info["fvec"] == pytest.approx(problem.square, rel=1e-8)


def test_a_plateau_is_not_passed_off_as_a_fit_and_more_than_one_method_is_tried():
    """On the plateau the exponential is gone, and so are the slopes by all its parameters."""
    problem, p0 = NAMED["Rat43"], [1.0, 100.0, 0.1, 100.0]
    with pytest.warns(optimize.OptimizeWarning, match="do not determine b2, b3, b4: "):
        curve_fit(problem.f, problem.x, problem.y, p0, method="lm")
    assert_certified(problem, *curve_fit(problem.f, problem.x, problem.y, p0, starts=0))


def test_units_that_differ_by_ten_orders_of_magnitude_and_more():
    fitted, _ = curve_fit(decay, X, Y)
    popt, pcov = curve_fit(decay, X * 1e12, Y * 1e-20)
    np.testing.assert_allclose(popt, fitted * [1e-20, 1e-12, 1e-20], rtol=1e-11)
    assert (standard_errors(pcov) < 1e-2 * popt).all()


def test_a_frequency_is_found_without_a_start():
    x = np.linspace(0.0, 100.0, 400)
    y = 2.0 * np.sin(3.1 * x + 1.0) + 0.1 * np.random.default_rng(1).normal(size=400)
    popt, _ = curve_fit(lambda x, a, rate, phase: a * np.sin(rate * x + phase), x, y)
    assert abs(popt[1]) == pytest.approx(3.1, abs=1e-3)


SIGMA = np.linspace(0.01, 0.03, 30)
COVARIANCES = np.diag(SIGMA**2) + 1e-4 * np.exp(-np.abs(X[:, None] - X[None, :]))


@pytest.mark.parametrize("absolute_sigma", [True, False])
@pytest.mark.parametrize("sigma", [None, 0.02, SIGMA, COVARIANCES], ids=["none", "one", "vector", "matrix"])
def test_parameters_and_covariances_are_scipy_s(sigma, absolute_sigma):
    expected = optimize.curve_fit(
        lambda x, a, rate, base: a * np.exp(-rate * x) + base,
        X,
        Y,
        [3.0, 0.5, 1.0],
        sigma=None if sigma is None else sigma * np.ones(30) if np.ndim(sigma) == 0 else sigma,
        absolute_sigma=absolute_sigma,
        ftol=1e-14,
        xtol=1e-14,
        gtol=1e-14,
    )
    popt, pcov = curve_fit(decay, X, Y, sigma=sigma, absolute_sigma=absolute_sigma)
    np.testing.assert_allclose(popt, expected[0], rtol=1e-7)
    np.testing.assert_allclose(pcov, expected[1], rtol=1e-5)


@pytest.mark.parametrize(
    "bounds", [([0, 0, 1.2], [10, 10, 2]), optimize.Bounds([0, 0.6, 0], [10, 1, 2]), (0, [10, 0.4, 2])]
)
@pytest.mark.parametrize("method", [None, "trf"])
def test_bounds_are_scipy_s_and_are_reached(bounds, method):
    expected, _ = optimize.curve_fit(
        lambda x, a, rate, base: a * np.exp(-rate * x) + base, X, Y, bounds=bounds, ftol=1e-14, xtol=1e-14
    )
    popt, _ = curve_fit(decay, X, Y, bounds=bounds, method=method)
    np.testing.assert_allclose(popt, expected, rtol=1e-6)
    lower, upper = (bounds.lb, bounds.ub) if isinstance(bounds, optimize.Bounds) else bounds
    assert ((popt == np.array(lower)) | (popt == np.array(upper))).any()


@pytest.mark.parametrize("gap", [1e-3, 1e-7, 1e-11])
def test_newton_s_steps_go_on_to_a_bound_that_a_solver_stopped_before(gap):
    lower, upper = np.array([0.0, 0.0, 1.2]), np.array([10.0, 10.0, 2.0])
    expected, _ = curve_fit(decay, X, Y, bounds=(lower, upper))
    regression = Regression(decay, X, Y, 3, Whitening(None, Y), "numpy", (lower, upper))
    end, _ = descend(SquaresIterate(regression, expected + np.array([0.0, 0.0, gap])))
    assert end.x[2] == 1.2
    np.testing.assert_allclose(end.x, expected, rtol=1e-12)


@pytest.mark.parametrize("sigma", [None, SIGMA, COVARIANCES], ids=["none", "vector", "matrix"])
def test_derivatives_of_the_residuals_are_those_of_differences(sigma):
    regression = Regression(decay, X, Y, 3, Whitening(sigma, Y), "numpy")
    params, step = np.array([2.0, 0.7, 0.5]), 1e-5 * np.eye(3)

    def slope(params):
        return regression.jacobian(params).T @ regression.residuals(params)

    gradient = [(regression.square(params + h) - regression.square(params - h)) / 4e-5 for h in step]
    np.testing.assert_allclose(slope(params), gradient, rtol=1e-6)
    hessian = regression.jacobian(params).T @ regression.jacobian(params)
    hessian += regression.curvature(params, regression.residuals(params))
    differences = [(slope(params + h) - slope(params - h)) / 2e-5 for h in step]
    np.testing.assert_allclose(hessian, differences, rtol=1e-6, atol=1e-6 * hessian.max())


def test_a_robust_loss_is_scipy_s():
    spoiled = Y + 5.0 * (np.arange(30) == 7)
    expected, _ = optimize.curve_fit(
        lambda x, a, rate, base: a * np.exp(-rate * x) + base,
        X,
        spoiled,
        method="trf",
        loss="soft_l1",
        f_scale=0.05,
    )
    popt, _ = curve_fit(decay, X, spoiled, loss="soft_l1", f_scale=0.05)
    np.testing.assert_allclose(popt, expected, rtol=1e-4)


def test_several_predictors_come_as_a_column():
    x = np.array([X, np.sin(X)])
    popt, _ = curve_fit(lambda x, a, b, c: a * x[0] + b * x[1] + c, x, Y)
    solution = np.linalg.lstsq(np.column_stack([*x, np.ones(30)]), Y, rcond=None)[0]
    np.testing.assert_allclose(popt, solution, rtol=1e-10)


def test_the_formula_is_traced_and_not_called_for_every_point():
    calls = []

    def f(x, a, b):
        calls.append(x)
        return a * x + b

    curve_fit(f, np.arange(1000.0), np.arange(1000.0))
    assert len(calls) < 50


@pytest.mark.parametrize("engine", ["python", "numpy"])
def test_engines_agree(engine):
    np.testing.assert_allclose(
        curve_fit(decay, X, Y, [1, 1, 1], starts=0, engine=engine)[0], curve_fit(decay, X, Y)[0], rtol=1e-12
    )


def test_points_with_a_nan_are_left_out_when_asked():
    x, y, sigma = X.copy(), Y.copy(), SIGMA.copy()
    x[3] = y[7] = np.nan
    complete = ~(np.isnan(x) | np.isnan(y))
    expected = curve_fit(decay, x[complete], y[complete], sigma=sigma[complete])[0]
    assert curve_fit(decay, x, y, sigma=sigma, nan_policy="omit")[0].tolist() == expected.tolist()


def test_equal_seeds_give_equal_fits():
    first, second = (curve_fit(decay, X, Y, seed=5)[0].tolist() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("noise", [0.0, 1e-3])
@pytest.mark.parametrize("p0", [[2.0, 1.0, 1.0, 0.2], [1.0, 0.2, 2.0, 1.0]])
def test_of_equally_good_fits_the_one_from_p0_is_kept(p0, noise):
    y = 2 * np.exp(-X) + np.exp(-0.2 * X) + noise * np.random.default_rng(0).normal(size=30)
    popt, _ = curve_fit(lambda x, a, b, c, d: a * exp(-b * x) + c * exp(-d * x), X, y, np.array(p0) * 1.1)
    np.testing.assert_allclose(popt, p0, atol=1e-12 if noise == 0.0 else 0.1)


def test_full_output_tells_how_it_went():
    popt, _, info, message, flag = curve_fit(decay, X, Y, full_output=True)
    np.testing.assert_allclose(info["fvec"], decay(X, *popt) - Y, atol=1e-14)
    assert info["distance"] < 1e-10
    assert info["undetermined"] == []
    assert info["nfev"] > 0
    assert message.startswith("converged by lm")
    assert flag == 1


# What a fit cannot know.


@pytest.mark.parametrize(
    ("f", "undetermined"),
    [
        (lambda x, a, b, c: a * b * x + c, "a, b"),
        (lambda x, a, b, c: a * x + b + c, "b, c"),
        (lambda x, a, b, c: a * x + b + 0 * c, "c"),
        (lambda x, a, b, c: a * exp(b - c * x), "a, b"),
        (lambda x, a, b, c: a + b * x + where(x > 100, c, 0.0), "c"),
    ],
)
def test_parameters_that_the_data_do_not_determine_are_named(f, undetermined):
    with pytest.warns(optimize.OptimizeWarning, match=f"do not determine {undetermined}: "):
        popt, pcov, info, *_ = curve_fit(f, X, Y, [1.0, 1.0, 1.0], full_output=True)
    assert np.isfinite(popt).all()
    assert ", ".join(info["undetermined"]) == undetermined
    unknown = np.isin(["a", "b", "c"], info["undetermined"])
    assert (np.isinf(standard_errors(pcov)) == unknown).all()


def test_what_is_determined_beside_has_the_errors_of_the_formula_without_the_rest():
    with pytest.warns(optimize.OptimizeWarning):
        _, pcov = curve_fit(lambda x, a, b, c: a * x + b + c, X, Y, absolute_sigma=True, sigma=0.1)
    alone = curve_fit(lambda x, a, b: a * x + b, X, Y, absolute_sigma=True, sigma=0.1)[1]
    assert pcov[0, 0] == pytest.approx(alone[0, 0], rel=1e-12)


def test_as_many_parameters_as_points_leave_no_variance():
    with pytest.warns(optimize.OptimizeWarning, match="2 observations of 2 parameters leave nothing"):
        popt, pcov = curve_fit(lambda x, a, b: a * x + b, X[:2], Y[:2])
    np.testing.assert_allclose(popt[0] * X[:2] + popt[1], Y[:2], rtol=1e-14)
    assert np.isinf(pcov).all()
    _, pcov = curve_fit(lambda x, a, b: a * x + b, X[:2], Y[:2], sigma=0.1, absolute_sigma=True)
    assert standard_errors(pcov)[1] == pytest.approx(0.1)


def test_a_minimum_at_infinity_is_not_passed_off_as_a_fit():
    """A power of a growing number tends to the exponential."""
    with pytest.raises(NotConvergedError, match=r"no fit settled at a minimum.* n = .* infinity") as caught:
        curve_fit(lambda x, n: (1 + x / n) ** n, X, np.exp(X))
    assert caught.value.popt[0] > 1e5


def test_a_maximum_is_not_passed_off_as_a_fit():
    """The point of the unit circle that is farthest from (2, 0) has no slope either."""

    def circle(x, angle):
        return where(less(x, 0.5), cos(angle), sin(angle))

    with pytest.raises(NotConvergedError):
        curve_fit(circle, [0.0, 1.0], [2.0, 0.0], [math.pi], method="lm")
    assert math.cos(curve_fit(circle, [0.0, 1.0], [2.0, 0.0], [math.pi])[0][0]) == 1.0


# Bad input.


def spoiled(array, place, number):
    changed = array.copy()
    changed[place] = number
    return changed


SKEWED = np.triu(np.ones((30, 30)))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"f": None}, TypeError, r"f must be a formula f\(x, \*params\), got NoneType"),
        ({"f": lambda x, a, b: [a, b * x]}, TypeError, "must return one number for one point.*got list"),
        ({"f": lambda x, *p: p[0] * x}, ValueError, "p0 must be given where the formula does not name"),
        ({"f": lambda x: x}, ValueError, "p0 must be given where the formula does not name"),
        ({"f": lambda x, a: log(-a * a - 1.0)}, ValueError, "nan or inf at every start.*point 0, x = 0.0"),
        ({"xdata": X[:-1]}, ValueError, r"xdata must have shape \(30,\).*got shape \(29,\)"),
        ({"xdata": np.array([X, X]).T}, ValueError, r"got shape \(30, 2\): pass its transpose"),
        ({"xdata": [[1.0], [1.0, 2.0]]}, TypeError, "xdata .* rows of different lengths"),
        ({"xdata": spoiled(X, 3, np.nan)}, ValueError, r"xdata\[3\] is nan; nan_policy='omit'"),
        (
            {"ydata": Y[:, None]},
            ValueError,
            r"ydata must have shape \(n,\).*is 2-dimensional, of shape \(30, 1\): pass ydata\.ravel\(\)",
        ),
        (
            {"ydata": np.array([Y, Y]).T},
            ValueError,
            r"shape \(30, 2\): fit one column at a time, ydata\[:, 0\]",
        ),
        ({"ydata": 3.0}, ValueError, r"but is 0-dimensional, of shape \(\)$"),
        ({"xdata": [], "ydata": []}, ValueError, "ydata must have at least one observation, got none"),
        ({"ydata": ["a"] * 30}, TypeError, "ydata must be an array of real numbers, got an array of <U1"),
        ({"ydata": Y * 1j}, TypeError, "ydata must be an array of real numbers, got an array of complex"),
        ({"ydata": spoiled(Y, 4, np.inf)}, ValueError, r"ydata\[4\] is inf"),
        ({"ydata": spoiled(Y, 4, np.inf), "nan_policy": "omit"}, ValueError, r"ydata\[4\] is inf"),
        ({"ydata": Y * np.nan, "nan_policy": "omit"}, ValueError, "every point of the data holds a nan"),
        ({"nan_policy": "drop"}, ValueError, "nan_policy must be 'raise' or 'omit', got 'drop'"),
        ({"p0": [1.0, 2.0]}, ValueError, "p0 must have 3 entries, one for each of a, rate, base, got 2"),
        ({"p0": np.ones((3, 1))}, ValueError, r"p0 must have shape \(p,\).*got shape \(3, 1\)"),
        ({"p0": [1.0, np.nan, 1.0]}, ValueError, "p0 must be finite, got nan for rate"),
        ({"p0": "guess"}, TypeError, "p0 must be an array of real numbers, got str 'guess'"),
        ({"sigma": SIGMA[:5]}, ValueError, r"sigma must be one number.*got shape \(5,\)"),
        ({"sigma": spoiled(SIGMA, 2, 0.0)}, ValueError, "sigma must be above 0, got 0 at point 2"),
        ({"sigma": spoiled(SIGMA, 2, np.nan)}, ValueError, r"sigma\[2\] is nan"),
        ({"sigma": -np.eye(30)}, ValueError, "sigma .* is not positive definite"),
        ({"sigma": SKEWED}, ValueError, "sigma .* is not symmetric"),
        ({"bounds": 3}, TypeError, "bounds must be a pair"),
        ({"bounds": (0, [1, 2])}, ValueError, r"the upper bound must .* shape \(3,\).*\(2,\)"),
        (
            {"bounds": (1, [2, 1, 2])},
            ValueError,
            "lower bound of rate must be below the upper, got 1 and",
        ),
        ({"bounds": ([0, 2, 0], 9), "p0": [1, 1, 1]}, ValueError, r"1 for rate, not in \[2, 9\]"),
        ({"bounds": (0, 9), "method": "lm"}, ValueError, "'lm' takes no bounds"),
        ({"method": "newton"}, ValueError, "method must be None or one of .*lm, .*got 'newton'"),
        ({"jax": decay}, TypeError, "no option 'jax'; there are f_scale, ftol"),
        ({"starts": -1}, ValueError, "starts must be at least 0, got -1"),
        ({"engine": "fortran"}, ValueError, "engine must be"),
    ],
)
def test_bad_input_is_told_what_was_wrong(arguments, error, words):
    with pytest.raises(error, match=words):
        curve_fit(**{"f": decay, "xdata": X, "ydata": Y, **arguments})


@pytest.mark.parametrize(
    "f", [lambda x, a: math.exp(-a * x), lambda x, a: a if x > 1 else a * x, lambda x, a: max(a, x)]
)
def test_a_formula_that_cannot_be_traced_is_told_the_line(f):
    with pytest.raises(TracingError, match=r"test_curve_fitting\.py:\d+: .*lambda x, a"):
        curve_fit(f, X, Y)


def test_a_branch_is_written_with_where():
    popt, _ = curve_fit(lambda x, a, b: where(less(x, 2.0), a, b), X, np.where(X < 2.0, 1.0, 3.0))
    assert popt.tolist() == [1.0, 3.0]


def test_missing_scipy_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setattr("autograd.support.extras.find_spec", lambda _: None)
    with pytest.raises(
        MissingExtraError, match=r'scipy is not installed: run  pip install "valuegrad\[fit\]"'
    ):
        curve_fit(decay, X, Y)


@pytest.mark.parametrize("loss", ["soft_l1", "huber", "cauchy", "arctan"])
@pytest.mark.parametrize("unit", [1.0, 1e6])
def test_a_robust_loss_without_f_scale_is_scipys_in_any_unit_of_y(loss, unit):
    x = np.linspace(0.0, 10.0, 21)
    y = 3 * x + 1 + 0.1 * np.sin(7 * x)
    y[5] += 200
    y *= unit
    options = {"p0": [unit, unit], "loss": loss, "sigma": np.full(21, unit), "absolute_sigma": True}
    popt, pcov = curve_fit(lambda x, a, b: a * x + b, x, y, **options)
    options |= {"method": "trf", "ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15}
    expected, covariance = optimize.curve_fit(lambda x, a, b: a * x + b, x, y, **options)
    np.testing.assert_allclose(popt, expected, rtol=1e-5)
    np.testing.assert_allclose(pcov, covariance, rtol=1e-4)


def test_a_text_that_reads_like_a_number_is_none():
    with pytest.raises(TypeError, match=r"xdata must be a real number .* got str '1'"):
        curve_fit(lambda x, a: a * x, np.array(["1", "2"], object), [1.0, 2.0])
