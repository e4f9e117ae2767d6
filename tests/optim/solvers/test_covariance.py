"""The spread of fitted parameters: covariances in any units; the parameters that are open, and no others."""

from __future__ import annotations

import numpy as np
import pytest

from optim.arrays import lengths
from optim.solvers._covariance import spread

ROUNDING = 1e-16


def design(rng, rows, size):
    """A random matrix, in most cases with one column made of others; which those are, itself included."""
    matrix = (
        rng.integers(-5, 6, (rows, size)).astype(float)
        if rng.random() < 0.5
        else rng.normal(size=(rows, size))
    )
    if rng.random() < 0.3:
        return matrix, []
    column, *others = rng.permutation(size)[: rng.integers(2, size + 1)].tolist()
    matrix[:, column] = matrix[:, others] @ rng.choice([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0], len(others))
    return matrix, sorted([column, *others])


@pytest.mark.parametrize("rows", [8, 30, 1000])
@pytest.mark.parametrize("magnitudes", [0, 12, 100])
def test_columns_that_depend_on_each_other_are_open_in_any_units_and_no_others(rows, magnitudes):
    rng = np.random.default_rng(rows + magnitudes)
    for _ in range(40):
        size = int(rng.integers(2, 7))
        matrix, dependent = design(rng, rows, size)
        if np.linalg.matrix_rank(matrix) != size - bool(dependent):
            continue
        units = 10.0 ** rng.integers(-magnitudes, magnitudes + 1, size)
        scaled = matrix * units
        result = spread(lambda _, it=scaled: it, rng.normal(size=size) / units, np.full(rows, ROUNDING))
        assert result.undetermined == dependent
        if not dependent:
            covariances = (result.factor * units[:, None]) @ (result.factor * units[:, None]).T
            np.testing.assert_allclose(covariances, np.linalg.inv(matrix.T @ matrix), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(("height", "open_"), [(1e-17, [1]), (1e-13, [])])
def test_a_column_that_rounding_may_reverse_counts_as_zero(height, open_):
    """That of the rate in a decay is as high as the decay: one of 1e-17 may as well be one of -1e-17."""
    x = np.linspace(0.0, 1.0, 20)

    def jacobian(params):
        decay = np.exp(-params[1] * x)
        return np.stack([decay, -params[0] * x * decay, np.ones(20)], axis=1)

    result = spread(jacobian, np.array([height, 2.0, 3.0]), np.full(20, 3 * ROUNDING))
    assert result.undetermined == open_


def test_lengths_are_those_of_the_numbers_scaled_by_hand():
    rng = np.random.default_rng(0)
    array = rng.normal(size=(2, 7, 3))
    for axis in (0, 1, 2):
        expected = np.linalg.norm(array, axis=axis)
        for unit in (2.0**-1000, 1.0, 2.0**1000):
            np.testing.assert_allclose(lengths(array * unit, axis) / unit, expected, rtol=1e-15)
    assert lengths(np.array([[np.inf, np.nan], [1.0, 1.0]])).tolist() == pytest.approx(
        [np.inf, np.nan], nan_ok=True
    )
