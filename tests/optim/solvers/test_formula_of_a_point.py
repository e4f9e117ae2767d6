"""Formulas for one point: what would take all points is refused, and parameters may be fixed beforehand."""

import functools

import numpy as np
import pytest
from scipy import special

from autograd import erf, exp
from optim import SGD, curve_fit, fit, least_squares, minimize

X = np.linspace(0.0, 5.0, 30)
MEAN = np.mean(X)
DECAY = 3.0 * np.exp(-0.8 * (X - MEAN))


def test_a_mean_is_computed_outside():
    popt = curve_fit(lambda x, a, b: a * np.exp(-b * (x - MEAN)), X, DECAY)[0]
    assert popt.tolist() == pytest.approx([3.0, 0.8], rel=1e-12)


@pytest.mark.parametrize(
    "of_all_points",
    [
        np.mean,
        np.sum,
        np.cumsum,
        np.max,
        np.ptp,
        np.std,
        np.median,
        np.size,
        np.linalg.norm,
        lambda x: np.sort(2 * x),
        lambda x: x.mean(),
        lambda x: x.max(),
        lambda x: x.sum() / x.size,
        lambda x: x[0, :],
        len,
    ],
)
def test_what_takes_all_points_is_refused_in_every_formula_for_one_point(of_all_points):
    def model(x, a, b):
        return a * exp(-b * (x - of_all_points(x)))

    def residual(p, x, y):
        return model(x, *p) - y

    def loss(p, x, y):
        return residual(p, x, y) ** 2

    for run in (
        lambda: curve_fit(model, X, DECAY),
        lambda: curve_fit(model, X, DECAY, p0=[1.0, 1.0], method="lm"),
        lambda: curve_fit(lambda xs, a, b: model(xs[0], a, b), np.stack([X, X]), DECAY),
        lambda: least_squares(residual, [1.0, 1.0], data=(X, DECAY)),
        lambda: minimize(loss, [1.0, 1.0], data=(X, DECAY)),
    ):
        with pytest.raises((TypeError, AttributeError), match="outside"):
            run()
    # It begins with a call on the first sample's floats, which have no entries and no methods of arrays.
    with pytest.raises((TypeError, AttributeError, ValueError)):
        fit(loss, [1.0, 1.0], (X, DECAY), SGD(lr=0.01), epochs=1)


def test_of_several_predictors_a_mean_is_that_of_the_point():
    table = np.stack([X, X**2, np.ones_like(X)])
    y = 2.0 * table.mean(axis=0) + 0.5 * table.max(axis=0)
    result = least_squares(
        lambda p, x, y: p[0] * np.mean(x) - y, [1.0], data=(table.T, 2.0 * table.mean(axis=0))
    )
    assert result.x.tolist() == pytest.approx([2.0])
    assert curve_fit(lambda x, a: a * x.sum(), table, table.sum(axis=0))[0].tolist() == pytest.approx([1.0])
    with pytest.raises(IndexError, match=r"x\[0, :\] of the data is x\[0\]"):
        curve_fit(lambda x, a: a * x[0, :], table, y)


def test_scipy_s_function_is_answered_with_ours():
    y = 2.0 * special.erf(0.3 * X)
    with pytest.raises(TypeError, match=r"autograd\.erf"):
        curve_fit(lambda x, a, b: a * special.erf(b * x), X, y)
    assert curve_fit(lambda x, a, b: a * erf(b * x), X, y)[0].tolist() == pytest.approx([2.0, 0.3])


# Parameters that are fixed by `functools.partial`.


def decay(x, a, b, c=0.0):
    return a * exp(-b * (x - MEAN)) + c


def test_a_parameter_fixed_by_keyword_is_left_out():
    for p0 in (None, [1.0]):
        popt, covariances = curve_fit(functools.partial(decay, a=3.0, c=0.0), X, DECAY, p0=p0)
        assert popt.tolist() == pytest.approx([0.8], rel=1e-12)
        assert covariances.shape == (1, 1)
    assert curve_fit(functools.partial(decay, b=0.8), X, DECAY)[0].tolist() == pytest.approx([3.0])


def test_keyword_parameters_come_last_and_are_named():
    def model(x, slope, *, offset, scale=2.0):
        return scale * (slope * x + offset)

    popt = curve_fit(model, X, 6.0 * X + 8.0, p0=[1.0, 1.0], bounds=([0.0, 0.0], [9.0, 9.0]))[0]
    assert popt.tolist() == pytest.approx([3.0, 4.0], rel=1e-12)
    with pytest.raises(ValueError, match="the lower bound of offset must be below"):
        curve_fit(model, X, X, bounds=([0.0, 1.0], [1.0, 1.0]))


def test_as_many_starts_as_parameters_are_left():
    with pytest.raises(ValueError, match="p0 must have 1 entries, one for each of b, got 2; a, c keep"):
        curve_fit(functools.partial(decay, a=3.0, c=0.0), X, DECAY, p0=[1.0, 1.0])
