"""The assignment's graph: five features, nine weights, one target, and the squared error.

    part 1:  exp((w1*x1 + w2*x2)^2 + w6)
    part 2:  tanh(part1 + w7)
    part 3:  sigmoid(sin(w3*x3) * (w4*x4 + w5*x5) + w8)
    y'    =  part2 + part3 * w9
    L     =  (y - y')^2

Everywhere here ``w`` holds the nine weights and ``x`` the five features, each a number, a `Value` or an
array: a batch ``X`` of shape (n, 5) goes in as its columns, ``X.T``, with ``y`` of shape (n,).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import exp, sigmoid, sin, tanh

__all__ = ["Forward", "forward", "hand_gradients", "loss"]

Numbers = Sequence[Any] | np.ndarray[Any, Any]


class Forward(NamedTuple):
    """The graph's results by name.

    Attributes:
        exp: part 1.
        tanh: part 2.
        sigmoid: part 3.
        dy_pred: the loss's derivative by the prediction, ``-2 * (y - y')``.
        loss: ``(y - y')^2``.
    """

    exp: Any
    tanh: Any
    sigmoid: Any
    dy_pred: Any
    loss: Any


def loss(w: Numbers, x: Numbers, y: Any) -> Any:
    """The squared error of the prediction.

    Args:
        w: nine weights.
        x: five features: ``x[0]`` is the first, so a batch of shape (n, 5) goes in as ``X.T``.
        y: the target.

    Returns:
        The loss; with arrays one loss a sample.

    Raises:
        ValueError: there are not nine weights and five features.

    >>> loss([0.0] * 9, [1.0, 2.0, 3.0, 4.0, 5.0], 1.0)
    0.056837...
    """
    difference = y - _parts(w, x)[3]
    return difference * difference


def forward(w: Numbers, x: Numbers, y: Any) -> Forward:
    """The graph's results by name; arguments and errors as for `loss`.

    >>> forward([0.0] * 9, [1.0, 2.0, 3.0, 4.0, 5.0], 1.0).sigmoid
    0.5
    """
    part1, part2, part3, prediction = _parts(w, x)
    difference = y - prediction
    return Forward(part1, part2, part3, -2 * difference, difference * difference)


def _parts(w: Numbers, x: Numbers) -> tuple[Any, Any, Any, Any]:
    """The three parts and the prediction."""
    w1, w2, w3, w4, w5, w6, w7, w8, w9, x1, x2, x3, x4, x5 = _checked(w, x)
    u = w1 * x1 + w2 * x2
    part1 = exp(u * u + w6)
    part2 = tanh(part1 + w7)
    part3 = sigmoid(sin(w3 * x3) * (w4 * x4 + w5 * x5) + w8)
    return part1, part2, part3, part2 + part3 * w9


def _checked(w: Numbers, x: Numbers) -> tuple[Any, ...]:
    """The weights and the features in one tuple."""
    if len(w) != 9 or len(x) != 5:
        raise ValueError(
            f"the graph takes 9 weights and 5 features, got {len(w)} and {len(x)} "
            "(a batch X of shape (n, 5) goes in as X.T)"
        )
    return (*w, *x)


def hand_gradients(w: Numbers, x: Numbers, y: Any) -> tuple[Any, ...]:
    """The loss's nine derivatives by the weights, derived by hand; nothing of the engine is used.

    Args:
        w: nine weights, numbers or arrays.
        x: five features, numbers or arrays.
        y: the target.

    Returns:
        dw1 to dw9; with arrays each holds one derivative a sample.

    Raises:
        ValueError: there are not nine weights and five features.

    >>> [round(float(g), 4) for g in hand_gradients([0.0] * 9, [1.0, 2.0, 3.0, 4.0, 5.0], 1.0)]
    [-0.0, -0.0, -0.0, -0.0, -0.0, -0.2002, -0.2002, -0.0, -0.2384]
    """
    w1, w2, w3, w4, w5, w6, w7, w8, w9, x1, x2, x3, x4, x5 = _checked(w, x)
    with np.errstate(all="ignore"):  # inf and nan where weights run away, as in the engine
        u = w1 * x1 + w2 * x2
        q = w4 * x4 + w5 * x5
        e = np.exp(u * u + w6)
        t = np.tanh(e + w7)
        s = 1 / (1 + np.exp(-(np.sin(w3 * x3) * q + w8)))
        dy = -2 * (y - (t + s * w9))
        dw9 = dy * s
        dw8 = dy * w9 * s * (1 - s)
        dw7 = dy * (1 - t * t)
        dw6 = dw7 * e
        dw5 = dw8 * np.sin(w3 * x3) * x5
        dw4 = dw8 * np.sin(w3 * x3) * x4
        dw3 = dw8 * q * np.cos(w3 * x3) * x3
        dw2 = dw6 * 2 * u * x2
        dw1 = dw6 * 2 * u * x1
    return dw1, dw2, dw3, dw4, dw5, dw6, dw7, dw8, dw9
