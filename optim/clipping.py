"""Gradient clipping: by value, each gradient by itself, and by norm, all of them together.

`clip_by_value` and `clip_by_norm` return clipped gradients and can be traced; the two with PyTorch's
names and its final underscore change the ``grad`` of Values, between ``backward()`` and ``step()``.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Sequence
from typing import Any

from autograd import Value, div, less, maximum, minimum, sqrt, where
from autograd.graph.trees import flatten
from optim.checks import checked

__all__ = ["clip_by_norm", "clip_by_value", "clip_grad_norm_", "clip_grad_value_", "global_norm"]


def clip_by_value(gradients: Any, limit: float) -> Any:
    """Cut each gradient to what is within a limit: ``min(max(g, -limit), limit)``. A nan stays nan.

    Args:
        gradients: numbers or Values in any structure.
        limit: the largest absolute value, above 0.

    Returns:
        The clipped gradients, in the same structure.

    Raises:
        TypeError: the gradients are no numbers, or the limit is none.
        ValueError: the limit is not positive and finite.

    >>> clip_by_value({"w": [3.0, -0.5], "b": -2.0}, 1.0)
    {'w': [1.0, -0.5], 'b': -1.0}
    """
    limit = checked("limit", limit, above=0.0)
    scalars, structure = flatten(gradients, "the gradients")
    return structure.unflatten([minimum(maximum(gradient, -limit), limit) for gradient in scalars])


def clip_by_norm(gradients: Any, limit: float) -> Any:
    """Shorten the gradient to a limit if it is longer: times ``min(limit / norm, 1)``.

    This is exact where PyTorch's has ``norm + 1e-6``: a gradient within the limit keeps its bits, and a
    longer one comes out with a norm of the limit. As in PyTorch, if a gradient is infinite the infinite
    ones turn nan and the others 0, and if one is nan all do.

    Args:
        gradients: numbers or Values in any structure.
        limit: the largest norm of all of them together, above 0.

    Returns:
        The clipped gradients, in the same structure.

    Raises:
        TypeError: the gradients are no numbers, or the limit is none.
        ValueError: the limit is not positive and finite.

    Source: R. Pascanu, T. Mikolov and Y. Bengio, On the difficulty of training recurrent neural
    networks, 2013, algorithm 1.

    >>> clip_by_norm({"w": [3.0, 0.0], "b": 4.0}, 2.5)
    {'w': [1.5, 0.0], 'b': 2.0}
    """
    limit = checked("limit", limit, above=0.0)
    scalars, structure = flatten(gradients, "the gradients")
    return structure.unflatten(_shortened(scalars, _norm(scalars), limit))


def global_norm(gradients: Any) -> Any:
    """The Euclidean norm of all gradients together.

    The squares of the largest floats do not overflow in it, nor do those of the smallest vanish.

    Args:
        gradients: numbers or Values in any structure.

    Raises:
        TypeError: the gradients are no numbers.

    >>> global_norm({"w": [3.0, 0.0], "b": 4.0})
    5.0
    """
    return _norm(flatten(gradients, "the gradients")[0])


def clip_grad_value_(params: Value | Iterable[Value], limit: float) -> None:
    """Cut the gradient of each Value to what is within a limit: see `clip_by_value`.

    Args:
        params: the Values, after ``backward()``.
        limit: the largest absolute value, above 0.

    Raises:
        TypeError: the params are no Values, or the limit is no number.
        ValueError: the limit is not positive and finite.

    >>> w = Value(1.0)
    >>> (w * 3).backward()
    >>> clip_grad_value_([w], 0.5)
    >>> w.grad
    0.5
    """
    weights = _weights(params)
    _assign(weights, clip_by_value([weight.grad for weight in weights], limit))


def clip_grad_norm_(params: Value | Iterable[Value], limit: float) -> float:
    """Shorten the gradient by Values to a limit if it is longer: see `clip_by_norm`.

    Args:
        params: the Values, after ``backward()``.
        limit: the largest norm of all their gradients together, above 0.

    Returns:
        The norm that they had.

    Raises:
        TypeError: the params are no Values, or the limit is no number.
        ValueError: the limit is not positive and finite.

    >>> w, b = Value(1.0), Value(1.0)
    >>> (w * 3 + b * 4).backward()
    >>> clip_grad_norm_([w, b], 2.5)
    5.0
    >>> w.grad, b.grad
    (1.5, 2.0)
    """
    limit = checked("limit", limit, above=0.0)
    weights = _weights(params)
    gradients = [weight.grad for weight in weights]
    norm: float = _norm(gradients)
    _assign(weights, _shortened(gradients, norm, limit))
    return norm


# Squares of gradients beyond these sizes could overflow or vanish: they are scaled by a power of two,
# which rounds nothing.
_LARGE, _SMALL = 1e140, 1e-140
_DOWN, _UP = 2.0**-600, 2.0**600


def _norm(scalars: Sequence[Any]) -> Any:
    """The root of the sum of squares.

    Its scale is chosen by the sum of the absolute values: that bounds them all, costs a compiled step
    little, and leaves the norm differentiable.
    """
    size = _sum([abs(scalar) for scalar in scalars])
    scale = where(less(_LARGE, size), _DOWN, where(less(size, _SMALL), _UP, 1.0))
    scaled = [scalar * scale for scalar in scalars]
    return sqrt(_sum([scalar * scalar for scalar in scaled])) / scale


def _sum(terms: Sequence[Any]) -> Any:
    """The terms added in order. (The builtin `sum` of floats is another one from Python 3.12 on.)"""
    return functools.reduce(operator.add, terms, 0.0)


def _shortened(scalars: Sequence[Any], norm: Any, limit: float) -> list[Any]:
    share = minimum(div(limit, norm), 1.0)  # a norm of 0 gives inf, and so 1
    return [scalar * share for scalar in scalars]


def _weights(params: Value | Iterable[Value]) -> list[Value]:
    """The Values, or the one, whose gradients to clip."""
    weights = [params] if isinstance(params, Value) else list(params)
    for weight in weights:
        if not isinstance(weight, Value):
            raise TypeError(f"the gradients to clip must be those of Values, got {type(weight).__name__}")
    return weights


def _assign(weights: Sequence[Value], gradients: Sequence[float]) -> None:
    for weight, gradient in zip(weights, gradients):
        weight.grad = gradient
