"""The covariances of fitted parameters, and which parameters the data do not determine."""

from __future__ import annotations

import numpy as np

from optim.solvers._arrays import Array

__all__ = ["covariance"]

_SMALLEST = 10.0 * float(np.finfo(float).eps)  # singular value, times the larger side, that is not rounding
_PART = 1e-6  # of a parameter in a direction that nothing is known of


def covariance(jacobian: Array) -> tuple[Array, list[int]]:
    """The inverse of ``J' J`` by the singular values of J, whose columns are scaled to length 1.

    Args:
        jacobian: the residuals' derivatives by the parameters, of shape (n, p).

    Returns:
        The covariances of shape (p, p) for residuals of variance 1, and the parameters that the data do
        not determine: those with a part in a direction that leaves the residuals as they are. Their
        rows and columns are inf.

    >>> found, undetermined = covariance(np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0], [0.0, 0.0, 4.0]]))
    >>> float(found[2, 2]), undetermined
    (0.0625, [0, 1])
    """
    rows, size = jacobian.shape
    scale = np.linalg.norm(jacobian, axis=0)
    scaled = jacobian / np.where(scale == 0.0, 1.0, scale)
    triangle = np.linalg.qr(np.vstack([scaled, np.zeros((max(0, size - rows), size))]), mode="r")
    _, singular, right = np.linalg.svd(triangle)
    known = singular > _SMALLEST * max(rows, size) * singular.max(initial=0.0)
    unknown = np.abs(right[~known]).max(axis=0, initial=0.0) > _PART
    to_params = (right[known].T / singular[known]) / np.where(scale == 0.0, 1.0, scale)[:, None]
    found = to_params @ to_params.T
    found[unknown, :] = np.inf
    found[:, unknown] = np.inf
    return found, np.flatnonzero(unknown).tolist()
