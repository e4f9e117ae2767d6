"""`minimize`: every method goes as with derivatives by hand; constraints, structures, bad input."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from autograd import TracingError, Value, exp
from autograd.support.extras import MissingExtraError
from optim.solvers.minimizing import minimize

optimize = pytest.importorskip("scipy.optimize", reason="the minimisers are SciPy's")

START = [1.3, 0.7, 0.8, 1.9, 1.2]


def rosenbrock(x):
    return sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


FIRST = ["CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP"]
PRODUCTS = ["Newton-CG", "trust-ncg", "trust-krylov", "trust-constr"]
SECOND = ["dogleg", "trust-exact"]


@pytest.mark.parametrize("method", ["Nelder-Mead", "Powell", *FIRST, *PRODUCTS, *SECOND])
def test_each_method_gets_all_that_it_can_use(method):
    """SciPy's own derivatives of the Rosenbrock function lead to as many evaluations."""
    derivatives: dict[str, Any] = {"jac": optimize.rosen_der} if method in FIRST + PRODUCTS + SECOND else {}
    derivatives |= {"hessp": optimize.rosen_hess_prod} if method in PRODUCTS else {}
    derivatives |= {"hess": optimize.rosen_hess} if method in SECOND else {}
    start = [1.05] * 5 if method == "dogleg" else START  # which must start where the Hessian is positive
    ours = minimize(rosenbrock, start, method=method)
    theirs = optimize.minimize(optimize.rosen, start, method=method, **derivatives)
    assert ours.nit == theirs.nit
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-5 if not derivatives else 3e-4)
    assert np.abs(ours.x - 1.0).max() <= np.abs(theirs.x - 1.0).max()
    assert ours.success


@pytest.mark.parametrize("method", ["bfgs", "L-BFGS", "l-bfgs-b", "trust-exact"])
def test_methods_have_scipy_s_names_in_any_case_and_l_bfgs_its_usual_one(method):
    assert minimize(rosenbrock, START, method=method, tol=1e-9).x == pytest.approx(np.ones(5), abs=1e-5)


def test_the_method_is_chosen_as_in_scipy():
    def steps(**options):
        return minimize(rosenbrock, [2.0, 2.0], **options).nit

    bounds, constraint = [(0, 3)] * 2, {"type": "ineq", "fun": lambda x: 3 - x[0] - x[1]}
    assert steps() == steps(method="BFGS")
    assert steps(bounds=bounds) == steps(bounds=bounds, method="L-BFGS-B")
    assert steps(constraints=constraint) == steps(constraints=constraint, method="SLSQP")


def test_a_method_of_the_user_s_gets_the_gradient():
    def descent(fun, x0, args, jac, **_):
        x = x0
        for _ in range(200):
            x = x - 0.1 * jac(x)
        return optimize.OptimizeResult(x=x, fun=fun(x), success=True)

    assert minimize(lambda x: (x[0] - 2) ** 2, 0.0, method=descent).x == pytest.approx([2.0])


# Constraints: the examples of SciPy's tutorial and reference.


def test_scipy_s_example_of_inequalities():
    constraints = (
        {"type": "ineq", "fun": lambda x: x[0] - 2 * x[1] + 2},
        {"type": "ineq", "fun": lambda x, low: -x[0] - 2 * x[1] - low, "args": (-6,)},
        {"type": "ineq", "fun": lambda x: -x[0] + 2 * x[1] + 2},
    )
    result = minimize(
        lambda x: (x[0] - 1) ** 2 + (x[1] - 2.5) ** 2,
        (2, 0),
        bounds=((0, None),) * 2,
        constraints=constraints,
    )
    np.testing.assert_allclose(result.x, [1.4, 1.7], rtol=1e-7)
    assert result.fun == pytest.approx(0.8)


def curved(x):
    return [x[0] ** 2 + x[1], x[0] ** 2 - x[1]]


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr"])
def test_scipy_s_example_of_a_nonlinear_constraint(method):
    result = minimize(
        rosenbrock,
        [0.5, 0.0],
        method=method,
        bounds=optimize.Bounds([0, -0.5], [1, 2]),
        constraints=[
            optimize.LinearConstraint([1, 2], -np.inf, 1),
            optimize.LinearConstraint([2, 1], 1, 1),
            optimize.NonlinearConstraint(curved, -np.inf, 1),
        ],
        options={"gtol": 1e-10} if method == "trust-constr" else None,
    )
    np.testing.assert_allclose(result.x, [0.4149, 0.1701], atol=1e-4)


def test_trust_constr_gets_the_constraint_s_jacobian_and_hessian():
    """As many steps as with those by hand."""
    by_hand = optimize.NonlinearConstraint(
        lambda x: np.array(curved(x)),
        -np.inf,
        1,
        jac=lambda x: [[2 * x[0], 1], [2 * x[0], -1]],
        hess=lambda x, v: (v[0] + v[1]) * np.array([[2, 0], [0, 0]]),
    )
    results = [
        minimize(rosenbrock, [0.5, 0.0], method="trust-constr", constraints=constraint)
        for constraint in (optimize.NonlinearConstraint(curved, -np.inf, 1), by_hand)
    ]
    assert results[0].nit == results[1].nit
    np.testing.assert_allclose(results[0].x, results[1].x, rtol=1e-8)


@pytest.mark.parametrize("method", ["COBYLA", "SLSQP", "trust-constr"])
def test_constraints_of_a_structure(method):
    result = minimize(
        lambda p: p["a"] ** 2 + (p["b"] - 1) ** 2,
        {"a": 2.0, "b": 0.0},
        method=method,
        constraints={"type": "ineq", "fun": lambda p: p["a"] - p["b"]},
    )
    assert result.x["a"] == pytest.approx(0.5, abs=1e-3)
    assert result.x["b"] == pytest.approx(0.5, abs=1e-3)


# Structures, samples, arguments.


def bowl(p):
    return (p["w"][0] - 1) ** 2 + (p["w"][1] * p["w"][0] - 2) ** 2 + (p["b"] + 3) ** 2


def test_structures_reach_the_function_the_callbacks_and_the_result():
    start = {"w": np.array([0.5, 0.5]), "b": 0.0}
    by_x, by_result = [], []
    result = minimize(bowl, start, callback=by_x.append)
    minimize(bowl, start, callback=lambda intermediate_result: by_result.append(intermediate_result.x))
    np.testing.assert_allclose(result.x["w"], [1.0, 2.0], atol=1e-5)
    assert result.x["b"] == pytest.approx(-3.0)
    assert [point["b"] for point in by_x] == [point["b"] for point in by_result]
    np.testing.assert_allclose(by_x[-1]["w"], result.x["w"], atol=1e-4)  # Newton's steps follow


def test_flat_starts_are_arrays_as_in_scipy():
    points = []
    for start in (1, 1.0, [1, 2], (1.0, 2.0), np.array([1, 2])):
        result = minimize(lambda x: ((x - 3) ** 2).sum() + 0 * x.size, start, callback=points.append)
        np.testing.assert_allclose(result.x, np.full(np.size(start), 3.0), rtol=1e-6)
    assert all(isinstance(point, np.ndarray) for point in points)
    assert minimize(lambda x: (x - 3) ** 2, 0.0).x == pytest.approx([3.0])


def test_values_as_a_start_are_left_alone():
    weights = [Value(1.0), [Value(2.0)]]
    result = minimize(lambda w: (w[0] - 3) ** 2 + (w[1][0] - 4) ** 2, weights)
    assert result.x[1][0] == pytest.approx(4.0)
    assert (weights[0].data, weights[0].grad) == (1.0, 0.0)


@pytest.mark.parametrize("engine", ["python", "numpy", "eager"])
@pytest.mark.parametrize("method", ["L-BFGS", "Newton-CG", "trust-exact"])
def test_the_mean_over_samples_is_minimised(method, engine):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    result = minimize(
        lambda w, x, y: (w @ x - y) ** 2, np.zeros(3), method=method, data=(X, y), engine=engine, tol=1e-12
    )
    np.testing.assert_allclose(result.x, np.linalg.lstsq(X, y, rcond=None)[0], atol=1e-7)
    assert result.fun == pytest.approx(np.mean((X @ result.x - y) ** 2))


def test_further_arguments_may_be_anything():
    result = minimize(
        lambda x, how, a: (x[0] - a) ** 2 if how == "square" else x[0], 0.0, args=("square", 5.0)
    )
    assert result.x == pytest.approx([5.0])
    assert minimize(lambda x, a: (x[0] - a) ** 2, 0.0, args=4.0).x == pytest.approx([4.0])


def test_a_function_that_branches_runs_eager():
    def huber(x):
        return x[0] ** 2 / 2 if abs(x[0]) < 1 else abs(x[0]) - 0.5

    assert minimize(huber, [3.0], engine="eager").x == pytest.approx([0.0], abs=1e-6)
    with pytest.raises(TracingError, match=r"test_minimizing\.py:\d+: return x\[0\] \*\* 2"):
        minimize(huber, [3.0])


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"x0": []}, ValueError, "x0 must hold at least one number"),
        ({"x0": [1.0, math.inf]}, ValueError, r"x0 must be finite, got inf for x0\[1\]"),
        ({"x0": {"a": "b"}}, TypeError, "x0 must be made of real numbers"),
        ({"fun": lambda x: x}, TypeError, r"fun must return one number.*shape \(2,\)"),
        ({"fun": lambda x: None}, TypeError, "fun must return one number.*NoneType"),
        ({"fun": lambda x: (-x[0]).log()}, ValueError, "fun must be finite at x0, got nan"),
        ({"fun": lambda x: math.exp(x[0])}, TracingError, "float"),
        ({"fun": lambda x, y: x[0], "data": np.empty(0)}, ValueError, "data has no samples"),
        ({"method": "adam"}, ValueError, "method must be one of Nelder-Mead.*got 'adam'"),
        ({"engine": "fast"}, ValueError, "engine must be 'auto' or one of eager"),
        ({"constraints": {"type": "eq"}}, ValueError, "keys 'type' and 'fun'"),
    ],
)
def test_bad_input_is_told_what_was_wrong(arguments, error, words):
    with pytest.raises(error, match=words):
        minimize(**{"fun": rosenbrock, "x0": [1.0, 1.0], **arguments})


def test_missing_scipy_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setattr("autograd.support.extras.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"valuegrad\[fit\]"):
        minimize(lambda x: exp(x[0]), [1.0])
