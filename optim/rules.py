"""Update rules: what one step does to one weight, as scalar functions with explicit state.

Each takes a weight, its gradient and its state, and returns the next weight and the next state. They
are made of operators and primitives, so that they run on floats and on Values alike.
"""

from __future__ import annotations

from typing import Any

from autograd import sqrt

__all__ = ["adam", "momentum", "vanilla"]


def vanilla(weight: Any, gradient: Any, *, lr: Any) -> Any:
    """One step of gradient descent: ``w - lr * g``.

    >>> vanilla(1.0, 2.0, lr=0.25)
    0.5
    """
    return weight - lr * gradient


def momentum(weight: Any, gradient: Any, velocity: Any, *, lr: Any, gamma: Any) -> tuple[Any, Any]:
    """One step of gradient descent with momentum: ``v = gamma*v + lr*g``, ``w - v``.

    Args:
        weight: the weight.
        gradient: the loss's derivative by the weight.
        velocity: what the last step returned, 0 at first.
        lr: the learning rate.
        gamma: the share of the velocity that is kept, 0 to 1.

    Returns:
        The next weight and the next velocity.

    Source: B. T. Polyak, Some methods of speeding up the convergence of iteration methods, 1964.

    >>> momentum(1.0, 2.0, 0.5, lr=0.25, gamma=0.5)
    (0.25, 0.75)
    """
    velocity = gamma * velocity + lr * gradient
    return weight - velocity, velocity


def adam(
    weight: Any,
    gradient: Any,
    mean: Any,
    square: Any,
    decay1: Any,
    decay2: Any,
    *,
    lr: Any,
    beta1: Any,
    beta2: Any,
    eps: Any,
    eps_root: Any,
) -> tuple[Any, Any, Any]:
    """One step of Adam: ``w - lr * mhat / (sqrt(vhat + eps_root) + eps)``.

    Args:
        weight: the weight.
        gradient: the loss's derivative by the weight, g.
        mean: the running mean of g, 0 at first.
        square: the running mean of g*g, 0 at first.
        decay1: ``beta1**t`` where t counts the steps from 1, this one included.
        decay2: ``beta2**t``.
        lr: the learning rate.
        beta1: the share of the mean that is kept.
        beta2: the share of the mean square that is kept.
        eps: added to the root.
        eps_root: added under the root.

    Returns:
        The next weight, mean and mean square.

    Source: D. P. Kingma and J. Ba, Adam: a method for stochastic optimization, 2015, algorithm 1.

    >>> adam(1.0, 2.0, 0.0, 0.0, 0.5, 0.5, lr=0.25, beta1=0.5, beta2=0.5, eps=0.0, eps_root=0.0)
    (0.75, 1.0, 2.0)
    """
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * (gradient * gradient)
    corrected = mean / (1 - decay1)
    return weight - lr * corrected / (sqrt(square / (1 - decay2) + eps_root) + eps), mean, square
