"""The assignment's data set, made at load: standardised columns, and targets from the graph itself."""

from __future__ import annotations

import os
from importlib import resources
from typing import Any

import numpy as np

from models.assignment.graph import forward
from models.assignment.reading import read_table

__all__ = ["PLANTED", "Array", "load_assignment_data", "planted_weights"]

Array = np.ndarray[Any, np.dtype[np.float64]]

PLANTED = (1.0,) * 9  # the weights that made the targets


def load_assignment_data(path: str | os.PathLike[str] | None = None) -> tuple[Array, Array]:
    """The data set, or one of the user's own.

    The five features are columns of the Boston housing data: INDUS, AGE, PTRATIO, TAX and NOX, each
    less its mean and divided by its (population) standard deviation. The targets are the predictions
    of the graph with every weight 1, so that the smallest loss is 0.

    Args:
        path: a ``.pkl``, ``.npy`` or ``.csv`` file that holds an array of shape (n, 6): the features,
            taken as they are, and the target. None for the assignment's data.

    Returns:
        X of shape (n, 5) and y of shape (n,), float64.

    Raises:
        DataError: the file cannot be used; the message says what was found and what was expected.

    Source: D. Harrison and D. L. Rubinfeld, Hedonic housing prices and the demand for clean air, 1978.

    >>> X, y = load_assignment_data()
    >>> X.shape, y.shape, round(float(y[0]), 8)
    ((506, 5), (506,), 1.85884913)
    """
    if path is not None:
        table = read_table(path, columns=6)
        return np.ascontiguousarray(table[:, :5]), np.ascontiguousarray(table[:, 5])
    with resources.files(__package__).joinpath("boston.csv").open(encoding="ascii") as file:
        raw = np.loadtxt(file, delimiter=",", skiprows=1)
    # Column by column in memory order: sums over strided columns round differently.
    columns = [np.ascontiguousarray(column) for column in raw.T]
    X = np.column_stack([(column - column.mean()) / column.std() for column in columns])
    return X, np.array([_target(row) for row in X.tolist()])


def _target(x: list[float]) -> float:
    """The prediction at w = 1, on Python floats."""
    at_one = forward(PLANTED, x, 0.0)
    return float(at_one.tanh + at_one.sigmoid)


def planted_weights(X: Array, y: Array) -> tuple[float, ...] | None:
    """The weights that made the targets where they are known, that is, where they fit them exactly.

    >>> planted_weights(*load_assignment_data()) == PLANTED
    True
    """
    targets = [_target(row) for row in X.tolist()]
    return PLANTED if np.allclose(targets, y, rtol=1e-12, atol=0.0) else None
