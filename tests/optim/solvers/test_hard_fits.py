"""`curve_fit` on hard problems: it finds what is found otherwise, and warns where that is due and only there.

Exact answers are known by construction, or come from linear algebra in 50 digits or from a problem that is
the same in other units.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from autograd import exp, sin
from optim.solvers.curve_fitting import NotConvergedError, curve_fit

optimize = pytest.importorskip("scipy.optimize", reason="the fits need SciPy")
mpmath = pytest.importorskip("mpmath", reason="the reference is linear algebra in 50 digits")

X = np.linspace(0.0, 5.0, 30)
NOISE = 0.01 * np.random.default_rng(0).normal(size=30)
Y = 3.0 * np.exp(-0.5 * X) + 1.0 + NOISE


def decay(x, a, rate, base):
    return a * exp(-rate * x) + base


def two_decays(x, a, b, c, d):
    return a * exp(-b * x) + c * exp(-d * x)


def peak(x, height, place, width):
    return height * exp(-(((x - place) / width) ** 2) / 2)


def line(x, slope, shift):
    return slope * x + shift


def fitted(f, x, y, p0=None, **options):
    """The parameters, and what was told; a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        popt, _, info, *_ = curve_fit(f, x, y, p0, full_output=True, **options)
    return popt, info


def undetermined(f, x, y, p0=None, **options):
    """The parameters, and what was told, where a warning must name what the data do not determine."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        popt, pcov, info, *_ = curve_fit(f, x, y, p0, full_output=True, **options)
    assert issubclass(caught[0].category, optimize.OptimizeWarning)
    assert f"the data do not determine {', '.join(info['undetermined'])}: " in str(caught[0].message)
    assert np.isinf(info["stderr"]).sum() == len(info["undetermined"]) <= np.isinf(np.diag(pcov)).sum()
    return popt, info


def linear_solution(columns, y, sigma):
    """Parameters and standard errors of a linear regression, in 50 digits."""
    with mpmath.workdps(50):
        rows = [
            [mpmath.mpf(float(entry)) / mpmath.mpf(float(s)) for entry in row]
            for row, s in zip(columns, sigma)
        ]
        design = mpmath.matrix(rows)
        target = mpmath.matrix(
            [mpmath.mpf(float(observation)) / mpmath.mpf(float(s)) for observation, s in zip(y, sigma)]
        )
        normal = design.T * design
        solution = mpmath.lu_solve(normal, design.T * target)
        residuals = design * solution - target
        variance = mpmath.fdot(residuals, residuals) / (len(y) - len(solution))
        inverse = normal**-1
        errors = [mpmath.sqrt(inverse[i, i] * variance) for i in range(len(solution))]
        return [float(number) for number in solution], [float(number) for number in errors]


# Data that leave a parameter open.


@pytest.mark.parametrize("level", [3.0, 0.1, -1e12 / 3, 1e-200])
def test_the_rate_of_a_decay_is_not_determined_by_constant_data(level):
    popt, info = undetermined(decay, X, np.full(30, level))
    assert "rate" in info["undetermined"]
    assert abs(popt[2] - level) <= 1e-15 * abs(level)
    assert abs(popt[0]) <= 10 * info["stderr"][0], "nothing, to rounding"


def test_nor_where_the_height_came_out_a_little_off_nothing():
    """The height can be moved to nothing, and the rate is open there."""
    _, info = undetermined(decay, np.arange(10.0), np.full(10, 3.0))
    assert "rate" in info["undetermined"]
    assert np.isinf(info["stderr"]).any()


def test_what_can_be_told_beside_what_cannot_keeps_its_error():
    rng = np.random.default_rng(0)
    y = 2.0 * np.exp(-0.7 * X) + 1e-3 * rng.normal(size=len(X))
    expected = fitted(lambda x, a, rate: a * exp(-rate * x), X, y)[1]["stderr"][1]
    _, info = undetermined(lambda x, a, b, rate: a * b * exp(-rate * x), X, y)
    assert info["undetermined"] == ["a", "b"]
    one_more = np.sqrt((len(X) - 2) / (len(X) - 3))  # parameter, one degree of freedom less
    assert info["stderr"][2] == pytest.approx(expected * one_more, rel=1e-6)


def test_nor_is_it_far_from_the_origin():
    popt, info = undetermined(decay, X + 2000.0, np.full(30, 3.0))
    assert "rate" in info["undetermined"]
    assert popt[2] == pytest.approx(3.0, rel=1e-15)


@pytest.mark.parametrize(
    ("rates", "open_"), [((0.7, 0.7), ["b", "d"]), ((0.7, 0.700001), ["abcd"]), ((0.7, 0.8), [])]
)
def test_decays_whose_rates_cannot_be_told_apart(rates, open_):
    """One decay leaves the other's height at 0, and its rate open; two nearly equal ones leave all open."""
    y = 2.0 * np.exp(-rates[0] * X) + np.exp(-rates[1] * X)
    _, info = undetermined(two_decays, X, y) if open_ else fitted(two_decays, X, y)
    assert "".join(info["undetermined"]) in (open_ or [""])
    assert np.linalg.norm(info["fvec"]) < 1e-14


def test_a_signal_below_the_observations_rounding_is_not_passed_off_as_known():
    undetermined(decay, X, 1e16 + 3.0 * np.exp(-0.5 * X))


def test_a_limit_at_infinity_that_fits_to_rounding_leaves_the_parameters_open():
    popt, info = undetermined(lambda x, a, b: a * x / (b + x), X[1:], 2.0 * X[1:])
    assert info["undetermined"] == ["a", "b"]
    assert popt[0] / popt[1] == pytest.approx(2.0)


def test_two_places_cannot_tell_three_parameters():
    x = np.repeat([0.0, 1.0], 15)
    assert undetermined(decay, x, 3.0 * np.exp(-0.5 * x) + 1.0 + NOISE)[1]["undetermined"] == [
        "a",
        "rate",
        "base",
    ]


def test_a_decay_whose_height_is_beyond_floats_is_not_passed_off_as_found():
    with pytest.raises(NotConvergedError, match="no fit settled at a minimum"):
        curve_fit(decay, X + 2000.0, Y)


# Answers known otherwise.


def test_a_height_of_1e44_is_found():
    expected, near = fitted(decay, X, Y)
    popt, info = fitted(decay, X + 200.0, Y)
    np.testing.assert_allclose(popt[1:], expected[1:], rtol=1e-10)
    np.testing.assert_allclose(info["stderr"][1:], near["stderr"][1:], rtol=1e-9)
    assert np.log(popt[0]) == pytest.approx(np.log(expected[0]) + 200.0 * expected[1], rel=1e-12)


def test_exact_data_have_standard_errors_of_their_rounding():
    truth = np.array([3.0, 0.5, 1.0])
    popt, info = fitted(decay, X, 3.0 * np.exp(-0.5 * X) + 1.0)
    assert (np.abs(popt - truth) <= 5.0 * info["stderr"]).all()
    assert (info["stderr"] < 1e-15).all()


def test_an_offset_of_1e12_costs_no_more_digits_than_it_takes():
    offset = 2.0**40
    y = offset + Y
    expected, exact = fitted(decay, X, y - offset)
    popt, info = fitted(decay, X, y)
    assert (np.abs(popt - expected - [0.0, 0.0, offset]) < 0.1 * exact["stderr"]).all()
    np.testing.assert_allclose(info["stderr"], exact["stderr"], rtol=0.01)


def test_a_peak_far_outside_of_the_data_is_found():
    truth = [7.0, 20.0, 5.0]
    popt, info = fitted(peak, X, 7.0 * np.exp(-(((X - 20.0) / 5.0) ** 2) / 2))
    popt[2] = abs(popt[2])  # which occurs as its square alone
    np.testing.assert_allclose(popt, truth, rtol=1e-12)
    assert (np.abs(popt - truth) <= 5.0 * info["stderr"]).all()


def test_of_frequencies_that_fold_on_even_spacing_the_lowest_is_taken():
    x = np.arange(40.0)
    y = 2.0 * np.sin(2.1 * x + 0.3) + 10.0 * np.resize(NOISE, 40)
    popt, info = fitted(lambda x, a, rate, phase: a * sin(rate * x + phase), x, y)
    assert (np.abs(popt - [2.0, 2.1, 0.3]) < 5.0 * info["stderr"]).all()


def test_repeated_points_are_as_good_as_their_means():
    x = np.array([0.0, 1.0, 2.0, 4.0])
    observed = 3.0 * np.exp(-0.5 * x)[:, None] + 1.0 + NOISE[:20].reshape(4, 5)
    popt, info = fitted(decay, np.repeat(x, 5), observed.ravel(), sigma=0.1, absolute_sigma=True)
    means, alone = fitted(decay, x, observed.mean(axis=1), sigma=0.1 / np.sqrt(5.0), absolute_sigma=True)
    np.testing.assert_allclose(popt, means, rtol=1e-11)
    np.testing.assert_allclose(info["stderr"], alone["stderr"], rtol=1e-11)


def test_a_cubic_of_years_has_the_solution_of_50_digits():
    years = np.arange(1960.0, 2020.0)
    y = np.sin((years - 1990.0) / 20.0) + np.resize(NOISE, 60)
    popt, info = fitted(lambda x, a, b, c, d: a + x * (b + x * (c + x * d)), years, y)
    params, errors = linear_solution(np.vander(years, 4, increasing=True), y, np.ones(60))
    np.testing.assert_allclose(popt, params, rtol=1e-8)
    np.testing.assert_allclose(info["stderr"], errors, rtol=1e-8)


def test_uncertainties_that_differ_by_16_orders_of_magnitude():
    sigma = 10.0 ** np.random.default_rng(1).uniform(-8.0, 8.0, 30)
    y = 2.0 * X + 1.0 + 100.0 * NOISE * sigma
    popt, info = fitted(line, X, y, sigma=sigma)
    params, errors = linear_solution(np.stack([X, np.ones(30)], axis=1), y, sigma)
    np.testing.assert_allclose(popt, params, rtol=1e-13)
    np.testing.assert_allclose(info["stderr"], errors, rtol=1e-9)


def test_what_presses_on_a_bound_lies_on_it():
    y = 1.0 - 0.5 * X + NOISE
    popt, _ = fitted(line, X, y, bounds=(0.0, np.inf))
    assert popt.tolist() == optimize.nnls(np.stack([X, np.ones(30)], axis=1), y)[0].tolist() == [0.0, 0.0]


def test_whole_numbers_are_numbers():
    popt, _ = fitted(lambda x, a, power: a * x**power, [1, 2, 3, 4, 5], [1, 4, 9, 16, 25])
    np.testing.assert_allclose(popt, [1.0, 2.0], rtol=1e-15)


# Units.


@pytest.mark.parametrize("unit", [1e-300, 1e-160, 1e250])
def test_predictors_in_any_unit(unit):
    expected, info = fitted(decay, X, Y)
    with pytest.warns(optimize.OptimizeWarning, match="the variance of rate is beyond what floats can hold"):
        popt, _, scaled, *_ = curve_fit(decay, X * unit, Y, full_output=True)
    np.testing.assert_allclose(popt * [1.0, unit, 1.0], expected, rtol=1e-11)
    np.testing.assert_allclose(scaled["stderr"] * [1.0, unit, 1.0], info["stderr"], rtol=1e-9)


@pytest.mark.parametrize("power", [-1000, -600, 5, 600, 1000])
@pytest.mark.parametrize("bounded", [False, True])
def test_observations_in_any_unit_whose_squares_floats_do_not_hold(power, bounded):
    unit = 2.0**power
    units = np.array([unit, 1.0, unit])
    limits = (np.zeros(3), np.array([9.0, 9.0, 0.9])) if bounded else (-np.inf, np.inf)
    expected, info = fitted(decay, X, Y, [1.0, 1.0, 0.5], bounds=limits)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        popt, pcov, scaled, *_ = curve_fit(
            decay,
            X,
            Y * unit,
            units * [1.0, 1.0, 0.5],
            bounds=tuple(limit * units for limit in limits) if bounded else limits,
            full_output=True,
        )
    np.testing.assert_allclose(popt / units, expected, rtol=1e-12)
    np.testing.assert_allclose(scaled["stderr"] / units, info["stderr"], rtol=1e-9)
    np.testing.assert_allclose(scaled["fvec"] / unit, info["fvec"], rtol=1e-9)
    assert pcov[1, 1] == pytest.approx(info["stderr"][1] ** 2, rel=1e-9)
    assert [str(warning.message).split(":")[0] for warning in caught] == (
        [] if power == 5 else ["the variance of a, base is beyond what floats can hold"]
    )


@pytest.mark.parametrize("power", [-600, 40, 600])
def test_a_power_of_two_in_the_observations_unit_changes_no_bit(power):
    units = np.array([2.0**power, 1.0, 2.0**power])
    expected, info = fitted(decay, X, Y, np.ones(3), method="lm")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # variances overflow
        popt, _, scaled, *_ = curve_fit(decay, X, Y * 2.0**power, units, method="lm", full_output=True)
    assert (popt / units).tolist() == expected.tolist()
    assert (scaled["stderr"] / units).tolist() == info["stderr"].tolist()


@pytest.mark.parametrize("sigma", [1e-250, 1e-160, 1e160, 1e250])
@pytest.mark.parametrize("matrix", [False, True])
def test_uncertainties_in_any_unit(sigma, matrix):
    expected, info = fitted(decay, X, Y, sigma=1.0, absolute_sigma=True)
    unit = np.sqrt(sigma) if matrix else sigma  # of covariances sigma itself is the square
    uncertainties = sigma * np.eye(30) if matrix else unit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # variances overflow
        popt, _, scaled, *_ = curve_fit(
            decay, X, Y, sigma=uncertainties, absolute_sigma=True, full_output=True
        )
    np.testing.assert_allclose(popt, expected, rtol=1e-11)
    np.testing.assert_allclose(scaled["stderr"] / unit, info["stderr"], rtol=1e-11)
    np.testing.assert_allclose(scaled["fvec"] * unit, info["fvec"], rtol=1e-9)


def test_a_saddle_is_not_called_near_a_minimum():
    """The decay is over before the second point, and its rate has next to no effect but the wrong way."""
    with pytest.raises(NotConvergedError, match="the minimum is not near"):
        curve_fit(decay, X, Y, [1.0, 1000.0, 1.0], method="lm")
