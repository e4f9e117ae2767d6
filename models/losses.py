"""Losses of one sample: what a prediction costs, as scalar formulas that can be traced.

A loss over a batch is the mean of these: `optim.fit` and ``vmap(..., reduce="mean")`` take it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from autograd import Value, equal, exp, expm1, log, log1p, maximum, relu, softplus, stop_gradient, where
from autograd.primitives.ieee import described
from autograd.programs.loops.array import Array
from models.arguments import numbers_of

__all__ = ["cross_entropy", "hinge", "logistic", "squared_error"]


def squared_error(prediction: Any, target: Any) -> Any:
    """``(prediction - target)^2``.

    Raises:
        TypeError: the prediction is a list, as that of a model with several outputs.

    >>> squared_error(3.0, 1.0)
    4.0
    """
    _check_one("prediction", prediction)
    difference = prediction - target
    return difference * difference


def hinge(score: Any, label: Any) -> Any:
    """The hinge loss of two classes: ``max(0, 1 - label*score)``.

    Args:
        score: any number; its sign is the prediction.
        label: -1 or +1.

    Raises:
        TypeError: the score is a list, as that of a model with several outputs.

    Source: C. Cortes and V. Vapnik, Support-vector networks, 1995.

    >>> hinge(0.25, 1), hinge(0.25, -1), hinge(2.0, 1)
    (0.75, 1.25, 0.0)
    """
    _check_one("score", score)
    return relu(1 - label * score)


def logistic(score: Any, label: Any) -> Any:
    """The logistic loss of two classes: ``log(1 + exp(-label*score))``, which never overflows.

    Args:
        score: the log-odds of the class +1.
        label: -1 or +1.

    Raises:
        TypeError: the score is a list, as that of a model with several outputs.

    >>> logistic(0.0, 1), logistic(-1000.0, 1), logistic(40.0, 1)
    (0.6931471805599453, 1000.0, 4.248354255291589e-18)
    """
    _check_one("score", score)
    return softplus(-label * score)


def cross_entropy(scores: Sequence[Any], label: Any) -> Any:
    """Minus the logarithm of the probability that softmax gives to the right class.

    Args:
        scores: one for each class, as large or small as they come.
        label: the class's index, counted from 0 (a number or a Value), or one probability for each
            class: one-hot, or smoothed.

    Returns:
        The loss. For an index it is accurate even where it is tiny.

    Raises:
        TypeError: the scores are no list or array of one axis.
        ValueError: there are no scores, the index is none of a class, or there are not as many
            probabilities as scores. (Where a Value is no index, the loss is nan.)

    >>> cross_entropy([1.0, 2.0, 3.0], 2)
    0.407605...
    >>> cross_entropy([1.0, 2.0, 3.0], [0.0, 0.0, 1.0])
    0.407605...
    >>> cross_entropy([1e4, 0.0, -1e4], 1), cross_entropy([40.0, 0.0], 0)
    (10000.0, 4.248354255291589e-18)
    """
    scores = numbers_of(scores, "the scores")
    if not scores:
        raise ValueError("cross_entropy needs a score for each class, got none")
    if isinstance(label, (list, tuple)) or (isinstance(label, (np.ndarray, Array)) and label.ndim):
        return _of_probabilities(scores, numbers_of(label, "the label's probabilities"))
    return _of_index(scores, label)


def _check_one(role: str, number: Any) -> None:
    if isinstance(number, (list, tuple)):
        raise TypeError(f"the {role} must be one number, got {described(number)} of {len(number)}")


def _of_index(scores: Sequence[Any], label: Any) -> Any:
    """``log(sum_j exp(d_j))`` over the margins ``d_j = scores[j] - scores[label]``, of which one is 0.

    The largest margin, m, is taken out of the exponents. What remains is a sum with ``exp(-m)`` for the
    label: near 1 where the prediction is right, so 1 is left to `log1p` and `expm1`.
    """
    if not isinstance(label, Value) and label not in range(len(scores)):
        raise ValueError(f"the label must be the index of one of {len(scores)} classes, got {label!r}")
    is_label = [equal(label, float(k)) for k in range(len(scores))]
    right: Any = math.nan
    for here, score in zip(is_label, scores):
        right = where(here, score, right)
    margins = [score - right for score in scores]
    shift = stop_gradient(reduce(maximum, margins))
    others = [where(here, expm1(-shift), exp(margin - shift)) for here, margin in zip(is_label, margins)]
    return shift + log1p(reduce(operator.add, others))


def _of_probabilities(scores: Sequence[Any], probabilities: Sequence[Any]) -> Any:
    if len(probabilities) != len(scores):
        raise ValueError(f"expected a probability for each of {len(scores)} scores, got {len(probabilities)}")
    shift = stop_gradient(reduce(maximum, scores))
    shifted = [score - shift for score in scores]
    log_sum = log(reduce(operator.add, map(exp, shifted)))
    return reduce(operator.add, (p * (log_sum - score) for p, score in zip(probabilities, shifted)))
