"""Levenberg-Marquardt on the assignment: the planted weights, to 1e-10, from random starts."""

from __future__ import annotations

import numpy as np
import pytest

from models.assignment import forward, load_assignment_data
from models.assignment.solving import levenberg_marquardt, representative

pytest.importorskip("scipy", reason="the solver is SciPy's")

X, Y = load_assignment_data()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_planted_weights_are_found(seed):
    solution = levenberg_marquardt(X, Y, seed=seed)
    assert max(abs(weight - 1.0) for weight in solution.weights) < 1e-10
    assert solution.loss < 1e-22
    assert 1 <= solution.found < solution.starts == 12
    assert solution.seconds > 0.0


def test_without_a_compiler_the_same_is_found():
    solution = levenberg_marquardt(X, Y, starts=4, engine="numpy")
    assert solution.found == levenberg_marquardt(X, Y, starts=4).found >= 1
    assert max(abs(weight - 1.0) for weight in solution.weights) < 1e-10


def test_representatives_predict_the_same():
    w = np.random.default_rng(0).normal(size=9)
    expected = forward(w, X.T, Y).loss
    for signs in ([1, 1, 1, 1, 1], [-1, -1, 1, 1, 1], [1, 1, -1, -1, -1], [-1, -1, -1, -1, -1]):
        mirrored = w * np.array([*signs, 1, 1, 1, 1])
        np.testing.assert_allclose(forward(mirrored, X.T, Y).loss, expected, rtol=1e-12)
        assert representative(mirrored.tolist()) == representative(w.tolist())
    assert representative(w.tolist())[0] >= 0.0
    assert representative(w.tolist())[2] >= 0.0


def test_noisy_targets_have_a_best_solution_all_the_same():
    noise = 1e-3 * np.random.default_rng(0).normal(size=len(Y))
    solution = levenberg_marquardt(X, Y + noise)
    assert solution.loss == pytest.approx(1e-6, rel=0.2)
    assert solution.found >= 1
    np.testing.assert_allclose(np.array(solution.weights)[[2, 3, 4, 7, 8]], np.ones(5), atol=0.01)


def test_features_that_overflow_are_said():
    with pytest.raises(FloatingPointError, match="overflows from each of 12 starts: scale the features"):
        levenberg_marquardt(X * 1e3, Y)
