"""The data set, rebuilt to the last bit."""

import os
from pathlib import Path

import numpy as np
import pytest

from models import load_assignment_data
from models.assignment.data import planted_weights

ORIGINAL = Path(os.environ.get("VALUEGRAD_DATA", Path(__file__).parents[2] / "../shared/data/data.pkl"))


def test_shapes_types_and_order_in_memory():
    X, y = load_assignment_data()
    assert (X.shape, y.shape, X.dtype, y.dtype) == ((506, 5), (506,), np.float64, np.float64)
    assert X.flags.c_contiguous


def test_the_first_row_is_the_assignments():
    X, y = load_assignment_data()
    assert [round(x, 8) for x in X[0].tolist()] == [
        -1.2879095, -0.12001342, -1.45900038, -0.66660821, -0.14421743,
    ]  # fmt: skip
    assert round(y[0].item(), 8) == 1.85884913


def test_columns_are_standardised():
    X, _ = load_assignment_data()
    np.testing.assert_allclose(X.mean(axis=0), 0.0, atol=1e-14)
    np.testing.assert_allclose(X.std(axis=0), 1.0, rtol=1e-14)


@pytest.mark.skipif(not ORIGINAL.is_file(), reason="the assignment's own file is not here")
def test_equal_to_the_assignments_file_to_the_last_bit():
    X, y = load_assignment_data()
    of_file = load_assignment_data(ORIGINAL)
    assert np.column_stack([X, y]).tobytes() == np.column_stack(of_file).tobytes()


def test_planted_weights_are_known_only_where_they_fit():
    X, y = load_assignment_data()
    assert planted_weights(X, y) == (1.0,) * 9
    assert planted_weights(X, y + 1e-6) is None
