"""`least_squares`: published minima by every method, SciPy's results, structures, samples, bad input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from autograd import TracingError, exp, sqrt
from autograd.support.extras import MissingExtraError
from optim.solvers.sums_of_squares import least_squares
from tests.optim.solvers.nist_strd import PROBLEMS

optimize = pytest.importorskip("scipy.optimize", reason="the solvers are SciPy's")

METHODS = ["trf", "dogbox", "lm", "levenberg-marquardt", "gauss-newton"]
KOWALIK = (
    [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246],
    [4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625],
)
BARD = [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39]


def rosenbrock(x):
    return [10 * (x[1] - x[0] ** 2), 1 - x[0]]


def bard(x):
    rows = [(i, 16 - i, min(i, 16 - i), y) for i, y in enumerate(BARD, 1)]
    return [y - (x[0] + u / (v * x[1] + w * x[2])) for u, v, w, y in rows]


def kowalik_and_osborne(x):
    return [y - x[0] * (u * (u + x[1])) / (u * (u + x[2]) + x[3]) for y, u in zip(*KOWALIK)]


def powell_singular(x):
    return [
        x[0] + 10 * x[1],
        math.sqrt(5) * (x[2] - x[3]),
        (x[1] - 2 * x[2]) ** 2,
        math.sqrt(10) * (x[0] - x[3]) ** 2,
    ]


def brown_and_dennis(x):
    times = [i / 5 for i in range(1, 21)]
    return [
        (x[0] + t * x[1] - math.exp(t)) ** 2 + (x[2] + x[3] * math.sin(t) - math.cos(t)) ** 2 for t in times
    ]


# J. J. More, B. S. Garbow and K. E. Hillstrom, Testing unconstrained optimization software, 1981.
PUBLISHED = [
    (rosenbrock, [-1.2, 1.0], 0.0),
    (bard, [1.0, 1.0, 1.0], 8.21487e-3),
    (kowalik_and_osborne, [0.25, 0.39, 0.415, 0.39], 3.07505e-4),
    (powell_singular, [3.0, -1.0, 0.0, 1.0], 0.0),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("fun", "x0", "square"), PUBLISHED)
def test_published_minima(fun, x0, square, method):
    result = least_squares(fun, x0, method=method)
    assert result.success
    assert 2 * result.cost == pytest.approx(square, rel=2e-6, abs=1e-20)


@pytest.mark.parametrize("method", ["trf", "lm"])
def test_brown_and_dennis_s_minimum_with_large_residuals(method):
    result = least_squares(brown_and_dennis, [25.0, 5.0, -5.0, -1.0], method=method)
    assert 2 * result.cost == pytest.approx(85822.2, rel=1e-6)


def kowalik_jacobian(x):
    u = np.array(KOWALIK[1])
    top, bottom = u * (u + x[1]), u * (u + x[2]) + x[3]
    columns = [-top / bottom, -x[0] * u / bottom, x[0] * top * u / bottom**2, x[0] * top / bottom**2]
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("method", ["trf", "dogbox"])
def test_the_way_is_scipy_s_with_the_jacobian_by_hand(method):
    x0, options = [0.25, 0.39, 0.415, 0.39], {"ftol": 1e-10, "xtol": 1e-10, "gtol": 1e-10}
    ours = least_squares(kowalik_and_osborne, x0, method=method, x_scale=1.0, **options)
    theirs = optimize.least_squares(
        lambda x: np.array(kowalik_and_osborne(x)), x0, kowalik_jacobian, method=method, **options
    )
    assert ours.nfev == theirs.nfev
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-9)
    np.testing.assert_allclose(ours.jac, kowalik_jacobian(ours.x), rtol=1e-12)


def test_bounds_and_a_robust_loss_are_scipy_s():
    options = {"bounds": ([-2.0, 1.2], [1.5, 3.0]), "loss": "soft_l1", "f_scale": 0.5}
    ours = least_squares(rosenbrock, [-1.2, 1.5], **options)
    theirs = optimize.least_squares(lambda x: np.array(rosenbrock(x)), [-1.2, 1.5], xtol=1e-12, **options)
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-6)
    assert ours.active_mask.tolist() == [0, -1]


def test_gauss_newton_takes_few_steps_where_residuals_vanish_and_says_where_it_stalls():
    assert least_squares(rosenbrock, [-1.2, 1.0], method="gauss-newton").nfev <= 15

    def freudenstein_and_roth(x):
        first = -13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1]
        return [first, -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]]

    stalled = least_squares(freudenstein_and_roth, [0.5, -2.0], method="gauss-newton")
    assert not stalled.success
    assert stalled.status == 0
    result = least_squares(freudenstein_and_roth, [0.5, -2.0], method="lm")
    assert 2 * result.cost == pytest.approx(48.9842, rel=2e-6)  # the published local minimum


@dataclass
class Line:
    slope: Any
    offset: Any


def test_unknowns_come_back_in_their_structure():
    x = np.linspace(0.0, 1.0, 5)

    def residuals(line):
        return {
            "fit": [line.slope * entry + line.offset - (2 * entry + 1) for entry in x],
            "tie": line.slope - 2,
        }

    result = least_squares(residuals, Line(slope=np.array([0.0]), offset=0.0), method="lm")
    assert isinstance(result.x, Line)
    assert result.x.slope.shape == (1,)
    assert result.x.slope[0] == pytest.approx(2.0)
    assert result.x.offset == pytest.approx(1.0)
    assert result.fun.shape == (6,)
    assert result.jac.shape == (6, 2)


@pytest.mark.parametrize("engine", ["python", "numpy", "eager"])
def test_samples_are_mapped_over(engine):
    X, y = np.arange(12.0).reshape(6, 2), np.arange(6.0) ** 2

    def of_sample(w, x, y, scale):
        return [scale * (w[0] * x[0] + w[1] * x[1] - y), w[1]]

    def of_all(w):
        return [of_sample(w, x, target, 3.0) for x, target in zip(X, y)]

    mapped = least_squares(of_sample, [1.0, 1.0], data=(X, y), args=(3.0,), engine=engine)
    whole = least_squares(of_all, [1.0, 1.0], engine=engine)
    np.testing.assert_allclose(mapped.x, whole.x, rtol=1e-12)
    np.testing.assert_allclose(mapped.fun, whole.fun, rtol=1e-9)
    np.testing.assert_allclose(mapped.jac, whole.jac, rtol=1e-12)


def test_further_arguments_may_be_anything():
    def residuals(x, target, how="plain", *, weight):
        return [weight * (x[0] - target)] if how == "plain" else [weight * (x[0] + target)]

    result = least_squares(residuals, 0.0, args=(3.0, "mirrored"), kwargs={"weight": 2.0})
    assert result.x.tolist() == [-3.0]
    assert result.jac.tolist() == [[2.0]]


def test_a_function_that_branches_runs_eager():
    def residuals(x):
        return [x[0] - 1 if x[0] > 0 else 2 * (x[0] - 1)]

    assert least_squares(residuals, [-3.0], engine="eager").x.tolist() == [1.0]
    with pytest.raises(TracingError, match=r"test_least_squares\.py:\d+: return \[x\[0\] - 1 if"):
        least_squares(residuals, [-3.0])


@pytest.mark.parametrize("method", ["lm", "gauss-newton"])
def test_nist_s_values_come_from_the_general_function_too(method):
    problem = next(problem for problem in PROBLEMS if problem.name == "Misra1a")
    data = (problem.x, problem.y)
    result = least_squares(lambda p, x, y: y - problem.f(x, *p), problem.starts[1], method=method, data=data)
    np.testing.assert_allclose(result.x, problem.certified, rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"x0": []}, ValueError, "x0 must hold at least one number"),
        ({"x0": [1.0, math.nan]}, ValueError, r"x0 must be finite, got nan for x0\[1\]"),
        ({"x0": "start"}, TypeError, "x0 must be made of real numbers.*str 'start'"),
        ({"method": "newton"}, ValueError, "method must be one of trf.*got 'newton'"),
        ({"engine": "fast"}, ValueError, "engine must be 'auto' or one of eager"),
        ({"bounds": (0, 2), "method": "lm"}, ValueError, "Method 'lm' doesn't support bounds"),
        ({"bounds": (0, 2), "method": "gauss-newton"}, ValueError, "neither bounds nor a loss"),
        ({"loss": "huber", "method": "gauss-newton"}, ValueError, "neither bounds nor a loss"),
        ({"fun": lambda x: []}, ValueError, "at least one residual"),
        (
            {"fun": lambda x: x[0] * np.ones(3) + x[1] - np.ones((3, 1))},
            ValueError,
            r"got an array of shape \(3, 3\)\. .* \(n, 1\) are paired each with each: take",
        ),
        (
            {"fun": lambda x: [1e200 * x[0]]},
            ValueError,
            r"squares overflows at x0, where the largest is 1e\+200",
        ),
        ({"fun": lambda x: "x"}, TypeError, "what fun returns must be made of real numbers"),
        ({"fun": lambda x: [x[0], (-x[0]).log()]}, ValueError, "got nan for residual 1"),
        ({"fun": lambda x: [sqrt(x[0] - 1)]}, FloatingPointError, "residual 0 by unknown 0 is inf at x ="),
        ({"fun": lambda x, y: x - y, "data": np.empty(0)}, ValueError, "data has no samples"),
        ({"fun": lambda x, y: x - y, "data": [np.nan]}, ValueError, r"data\[0\] is nan"),
        ({"fun": lambda x: [math.exp(x[0])]}, TracingError, "float"),
    ],
)
def test_bad_input_is_told_what_was_wrong(arguments, error, words):
    with pytest.raises(error, match=words):
        least_squares(**{"fun": rosenbrock, "x0": [1.0, 1.0], **arguments})


def test_missing_scipy_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setattr("autograd.support.extras.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"valuegrad\[fit\]"):
        least_squares(lambda x: [exp(x[0])], [1.0])
