"""Data sets: their shapes against scikit-learn's, equal seeds, noise, and bad arguments."""

import numpy as np
import pytest

from models.datasets import circles, moons, spirals

# make_moons(5, shuffle=False) and make_circles(5, shuffle=False, factor=0.5) of scikit-learn 1.9.1; its
# classes 0 and 1 are ours -1 and +1.
HALF_ROOT_3 = 0.4330127018922193
SCIKIT_LEARN = {
    moons: [(1, 0, -1), (-1, 0, -1), (0, 0.5, 1), (1, -0.5, 1), (2, 0.5, 1)],
    circles: [(1, 0, -1), (-1, 0, -1), (0.5, 0, 1), (-0.25, HALF_ROOT_3, 1), (-0.25, -HALF_ROOT_3, 1)],
}
each = pytest.mark.parametrize("make", [moons, circles, spirals])


@pytest.mark.parametrize(("make", "settings"), [(moons, {}), (circles, {"factor": 0.5})])
def test_shapes_are_scikit_learns(make, settings):
    X, y = make(5, **settings)
    rows = sorted(tuple(row) for row in np.column_stack([X, y]).round(12).tolist())
    expected = sorted(tuple(row) for row in np.array(SCIKIT_LEARN[make]).round(12).tolist())
    assert np.array(rows) == pytest.approx(np.array(expected), abs=1e-11)


def test_spirals_are_one_curve_turned():
    X, y = spirals(300, classes=3, turns=1.5)
    radius, angle = np.hypot(*X.T), np.arctan2(X[:, 1], X[:, 0]) / (2 * np.pi)
    turned = (angle - 1.5 * radius - y / 3) % 1.0
    assert np.minimum(turned, 1 - turned) == pytest.approx(np.zeros(300), abs=1e-12)
    for k in range(3):
        assert sorted(radius[y == k]) == pytest.approx(np.arange(1, 101) / 100)


@each
def test_shapes_types_and_classes(make):
    X, y = make(101, noise=0.1)
    assert (X.shape, y.shape, X.dtype) == ((101, 2), (101,), np.float64)
    assert sorted(np.unique(y, return_counts=True)[1].tolist()) == [50, 51]
    assert set(y.tolist()) == ({0, 1} if make is spirals else {-1.0, 1.0})
    assert y.dtype == (np.int64 if make is spirals else np.float64)


@each
def test_equal_seeds_give_equal_data_in_random_order(make):
    first, same, other = (make(40, 0.2, seed) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, same))
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(make(40, 0.2, None)[0], make(40, 0.2, None)[0])
    assert 5 < np.count_nonzero(np.diff(first[1])) < 35


@each
def test_noise_has_the_standard_deviation_asked_for(make):
    spread = make(20_000, 0.5)[0].var(axis=0) - make(20_000)[0].var(axis=0)
    assert spread == pytest.approx(np.full(2, 0.25), rel=0.05)


@each
@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"n": 1}, ValueError, "n must be at least 2, got 1"),
        ({"n": 10.0}, TypeError, "n must be a whole number, got 10.0"),
        ({"n": True}, TypeError, "n must be a whole number, got True"),
        ({"noise": -0.1}, ValueError, "noise must be at least 0, got -0.1"),
        ({"noise": float("nan")}, ValueError, "noise must be at least 0, got nan"),
        ({"noise": "much"}, TypeError, "noise must be a number, got str"),
        ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ({"seed": 1.5}, TypeError, "seed must be a whole number, got 1.5"),
    ],
)
def test_bad_arguments_are_named(make, settings, error, words):
    with pytest.raises(error, match=words):
        make(**settings)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: circles(factor=1.0), "factor must be above 0 and below 1, got 1.0"),
        (lambda: circles(factor=0), "factor must be above 0 and below 1, got 0"),
        (lambda: spirals(classes=1), "classes must be at least 2, got 1"),
        (lambda: spirals(3, classes=4), "n must be at least 4, got 3"),
        (lambda: spirals(turns=0.0), "turns must be above 0, got 0.0"),
        (lambda: spirals(turns=float("inf")), "turns must be above 0, got inf"),
    ],
)
def test_bad_arguments_of_one_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
