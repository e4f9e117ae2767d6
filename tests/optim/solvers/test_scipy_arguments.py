"""Calls as they are written for SciPy: its orders of arguments, and arguments that mean nothing here."""

from __future__ import annotations

import inspect
import warnings
from itertools import pairwise

import numpy as np
import pytest

from autograd import exp
from optim.solvers.curve_fitting import curve_fit
from optim.solvers.minimizing import minimize
from optim.solvers.sums_of_squares import least_squares

optimize = pytest.importorskip("scipy.optimize", reason="the solvers are SciPy's")

T = np.linspace(0.0, 4.0, 9)


def rosenbrock(x):
    return sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


def decay(t, a, b):
    return a * exp(-b * t)


@pytest.mark.parametrize("ours", [minimize, least_squares, curve_fit])
def test_arguments_by_place_are_scipy_s(ours):
    """As far as the oldest supported SciPy has them: what it added since may be missing at the end."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)

    def by_place(function):
        return [name for name, each in inspect.signature(function).parameters.items() if each.kind in kinds]

    theirs = by_place(getattr(optimize, ours.__name__))
    assert by_place(ours)[: len(theirs)] == theirs


def test_minimize_takes_the_gradient_in_scipy_s_place_and_ignores_it():
    words = r"minimize ignores jac \(derivatives are exact\)"
    with pytest.warns(optimize.OptimizeWarning, match=words) as caught:
        result = minimize(rosenbrock, [-1.2, 1.0], (), "BFGS", lambda x: np.zeros(2))
    assert caught[0].filename == __file__
    np.testing.assert_allclose(result.x, [1.0, 1.0], rtol=1e-5)
    with pytest.warns(optimize.OptimizeWarning, match=r"ignores jac .*, hess .*, hessp"):
        minimize(rosenbrock, [-1.2, 1.0], jac="2-point", hess="3-point", hessp=print)


def test_a_function_with_its_gradient_is_refused():
    with pytest.raises(TypeError, match="jac=True says that fun returns its gradient too"):
        minimize(lambda x: (x[0] ** 2, 2 * x[0]), [1.0], jac=True)


def test_least_squares_takes_the_jacobian_in_scipy_s_place_and_ignores_it():
    with pytest.warns(optimize.OptimizeWarning, match=r"least_squares ignores jac \(derivatives are exact\)"):
        result = least_squares(lambda x: [10 * (x[1] - x[0] ** 2), 1 - x[0]], [-1.2, 1.0], "2-point")
    np.testing.assert_allclose(result.x, [1.0, 1.0], rtol=1e-14)
    with pytest.warns(optimize.OptimizeWarning, match=r"diff_step .*, jac_sparsity .*, workers"):
        least_squares(lambda x: [x[0] - 1], [0.0], diff_step=1e-3, jac_sparsity=[[1]], workers=2)


def test_curve_fit_takes_scipy_s_places_and_names_what_it_ignores():
    y = decay(T, 3.0, 0.8)
    with pytest.warns(
        optimize.OptimizeWarning, match=r"curve_fit ignores jac .*check_finite .*always checked"
    ):
        popt, _ = curve_fit(decay, T, y, [1.0, 1.0], None, False, False, (0.0, 9.0), "trf", "2-point")
    np.testing.assert_allclose(popt, [3.0, 0.8], rtol=1e-13)
    with pytest.warns(optimize.OptimizeWarning, match=r"ignores maxfev \(max_nfev limits.*, epsfcn"):
        popt, _ = curve_fit(decay, T, y, p0=[1.0, 1.0], maxfev=5000, epsfcn=1e-8)
    np.testing.assert_allclose(popt, [3.0, 0.8], rtol=1e-13)


def test_what_is_as_here_anyway_is_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curve_fit(decay, T, decay(T, 3.0, 0.8), [1.0, 1.0], None, False, True)
        minimize(rosenbrock, [-1.2, 1.0], jac=False)
        least_squares(lambda x: [x[0] - 1], [0.0])


def test_what_scipy_does_not_have_either_is_refused():
    with pytest.raises(TypeError, match="curve_fit has no option 'maxfew'; there are"):
        curve_fit(decay, T, T, maxfew=3)


def test_no_constraints_and_no_bounds_may_be_none():
    result = minimize(rosenbrock, [-1.2, 1.0], bounds=None, constraints=None)
    assert result.nit == minimize(rosenbrock, [-1.2, 1.0]).nit
    np.testing.assert_allclose(result.x, [1.0, 1.0], rtol=1e-5)


BOUNDED = ["Nelder-Mead", "Powell", "COBYLA", "L-BFGS-B", "TNC", "SLSQP", "trust-constr", None]


@pytest.mark.parametrize("method", BOUNDED)
@pytest.mark.parametrize(
    "bounds", [[(0.5, None), (None, 2.0)], optimize.Bounds([0.5, -np.inf], [np.inf, 2.0])]
)
def test_a_start_out_of_bounds_is_put_on_them(method, bounds):
    """Out of them the function is nan. The minimum is at (1, 1/2)."""
    result = minimize(
        lambda x: (x[0] - 1.0) ** 2 * (x[0] - 0.25).sqrt() + (x[1] - 0.5) ** 2 * (2.5 - x[1]).sqrt(),
        [-3.0, 7.0],
        method=method,
        bounds=bounds,
    )
    assert result.x[0] == pytest.approx(1.0, abs=1e-3)
    assert result.x[1] == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(
    ("bounds", "error", "words"),
    [
        ((0, 1), ValueError, r"bounds must be a pair \(least, largest\) for each of the 2 numbers of x0"),
        ([(0, 1)], ValueError, r"for each of the 2 numbers of x0, or None, got .*\(1, 2\)"),
        (optimize.Bounds([0, 0, 0], 1), ValueError, "for each of the 2 numbers"),
        ([("a", 1), (0, 1)], TypeError, "bounds must be an array of real numbers"),
    ],
)
def test_bounds_of_another_form_are_told_what_is_wrong(bounds, error, words):
    with pytest.raises(error, match=words):
        minimize(rosenbrock, [0.5, 0.5], bounds=bounds)


def test_least_squares_calls_back_with_unknowns_in_their_structure():
    if "callback" not in inspect.signature(optimize.least_squares).parameters:
        pytest.skip("this SciPy's least_squares has no callback")
    points = []
    result = least_squares(
        lambda p: [10 * (p["b"] - p["a"] ** 2), 1 - p["a"]],
        {"a": -1.2, "b": 1.0},
        callback=lambda intermediate_result: points.append(intermediate_result.x),
    )
    assert points[-1] == result.x
    with pytest.warns(optimize.OptimizeWarning, match="ignores callback"):
        least_squares(lambda x: [x[0] - 1], [0.0], method="gauss-newton", callback=print)
