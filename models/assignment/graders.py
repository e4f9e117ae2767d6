"""The assignment's graders: figures that a right implementation reproduces, and the gradient check."""

from __future__ import annotations

import math
import platform
from typing import Any, NamedTuple

import numpy as np

from autograd import Value, sigmoid
from autograd.checking import GradientCheck, check_gradients
from models.assignment.data import load_assignment_data
from models.assignment.graph import forward, hand_gradients, loss

__all__ = [
    "POINT",
    "WEIGHT_NAMES",
    "Grader",
    "check_first_row",
    "engine_gradients",
    "grade",
    "hand_against_engine",
    "labelled",
]

WEIGHT_NAMES = tuple(f"w{i}" for i in range(1, 10))

POINT = (0.1,) * 9  # where the forward and backward graders stand, on the data set's first row
BACKWARD = (-0.2297, -0.0214, -0.0056, -0.0047, -0.001, -0.6335, -0.5619, -0.0481, -1.0181)

CHECK_POINT = (
    0.00271756, 0.01260512, 0.00167639, -0.00207756, 0.00720768, 0.00114524, 0.00684168, 0.02242521,
    0.01296444,
)  # fmt: skip
CHECK_EPS = 1e-7
CHECK_RTOL = 1e-3


class Grader(NamedTuple):
    """One figure to reproduce.

    Attributes:
        name: what it is.
        rule: how ``got`` is held against ``expected``: "exactly", "to 4 decimals" or "at most".
        expected: the assignment's figure.
        got: ours, at full precision.
        passed: the verdict.
    """

    name: str
    rule: str
    expected: float
    got: float
    passed: bool


def grade() -> list[Grader]:
    """Every grader, on the assignment's own data.

    >>> all(grader.passed for grader in grade())
    True
    """
    X, y = load_assignment_data()
    first = forward(POINT, X[0].tolist(), y[0].item())
    check = check_first_row()
    largest = max(abs(row.relative) for row in check.rows)
    return [
        _exactly("sigmoid(2)", 0.8807970779778823, sigmoid(2)),
        _exactly("dy", -1.9285278284819143, first.dy_pred),
        _exactly("L", 0.9298048963072919, first.loss),
        _exactly("part 1", 1.1272967040973583, first.exp),
        _exactly("part 2", 0.8417934192562146, first.tanh),
        _exactly("part 3", 0.5279179387419721, first.sigmoid),
        *[
            Grader(f"d{name}", "to 4 decimals", expected, got, round(got, 4) == expected)
            for name, expected, got in zip(
                WEIGHT_NAMES, BACKWARD, engine_gradients(POINT, X[0].tolist(), y[0].item())
            )
        ],
        Grader("gradient check", "at most", CHECK_RTOL, largest, check.passed),
    ]


def _exactly(name: str, expected: float, got: float) -> Grader:
    """The figures were made with glibc; another C library may differ in the last bit."""
    allowed = 0.0 if platform.libc_ver()[0] == "glibc" else math.ulp(expected)
    return Grader(name, "exactly", expected, got, abs(got - expected) <= allowed)


def check_first_row() -> GradientCheck:
    """The assignment's gradient check: central differences on the data set's first row.

    >>> check_first_row().passed
    True
    """
    X, y = load_assignment_data()
    x, target = X[0].tolist(), y[0].item()
    return check_gradients(
        lambda w: loss(w, x, target), labelled(CHECK_POINT), eps=CHECK_EPS, rtol=CHECK_RTOL, atol=0.0
    )


def labelled(weights: Any) -> list[Value]:
    """Nine weights as Values that bear their names.

    >>> labelled([0.0] * 9)[0]
    Value(data=0.0, grad=0.0, label='w1')
    """
    return [Value(weight, name) for weight, name in zip(weights, WEIGHT_NAMES)]


def engine_gradients(weights: Any, x: Any, y: float) -> list[float]:
    """The loss's nine derivatives for one sample, by the engine.

    >>> [round(g, 4) for g in engine_gradients([0.0] * 9, [1.0, 2.0, 3.0, 4.0, 5.0], 1.0)][6:]
    [-0.2002, 0.0, -0.2384]
    """
    w = labelled(weights)
    loss(w, x, y).backward()
    return [weight.grad for weight in w]


def hand_against_engine(X: Any, y: Any) -> float:
    """The largest relative difference between hand-derived and engine gradients, every weight 0.1.

    Args:
        X: the features, shape (n, 5).
        y: the targets, shape (n,).

    Returns:
        The largest ``|hand - engine| / max(|hand|, |engine|)`` over the samples and the weights.

    >>> hand_against_engine(*load_assignment_data()) < 1e-12
    True
    """
    hand = np.stack(hand_gradients(POINT, X.T, y))
    engine = np.array([engine_gradients(POINT, x, t) for x, t in zip(X.tolist(), y.tolist())]).T
    difference = np.abs(hand - engine)
    size = np.maximum(np.abs(hand), np.abs(engine))
    return float(np.max(np.divide(difference, size, out=np.zeros_like(size), where=difference > 0)))
