"""Update rules: what one step does to one weight, as scalar functions with explicit state.

Each takes a weight, its gradient and its state, and returns the next weight and the next state. They
are made of operators and primitives, so that they run on floats and on Values alike. Of two forms of a
rule that differ in rounding only, it is the one that reads best; PyTorch's results are met within 1e-12.

A hyperparameter that is a plain 0 leaves out what it would be multiplied by. A Value never counts as 0
there, as it is equal to nothing but itself: a formula does not depend on the number that is traced.
"""

from __future__ import annotations

from typing import Any

from autograd import maximum, relu, sqrt

__all__ = ["adagrad", "adam", "adamw", "momentum", "rmsprop", "sgd", "vanilla"]


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


def sgd(
    weight: Any,
    gradient: Any,
    buffer: Any,
    *,
    lr: Any,
    momentum: Any = 0.0,
    dampening: Any = 0.0,
    nesterov: bool = False,
    weight_decay: Any = 0.0,
) -> tuple[Any, Any]:
    """One step of PyTorch's gradient descent: ``b = momentum*b + (1 - dampening)*g``, ``w - lr*b``.

    Args:
        weight: the weight.
        gradient: the loss's derivative by the weight, g.
        buffer: what the last step returned, 0 at first. Without momentum it is left as it is.
        lr: the learning rate.
        momentum: the share of the buffer that is kept.
        dampening: the share of the gradient that is kept out of the buffer. It is 0 at the first step,
            when the gradient alone is the buffer.
        nesterov: whether the weight goes along ``g + momentum*b`` instead of b.
        weight_decay: times the weight, added to the gradient.

    Returns:
        The next weight and the next buffer.

    Source: I. Sutskever, J. Martens, G. Dahl and G. Hinton, On the importance of initialization and
    momentum in deep learning, 2013; in PyTorch's form, where the learning rate stays out of the buffer.

    >>> sgd(1.0, 2.0, 0.5, lr=0.25, momentum=0.5)
    (0.4375, 2.25)
    """
    if weight_decay != 0.0:
        gradient = gradient + weight_decay * weight
    if momentum == 0.0:
        return vanilla(weight, gradient, lr=lr), buffer
    buffer = momentum * buffer + (1 - dampening) * gradient
    direction = gradient + momentum * buffer if nesterov else buffer
    return vanilla(weight, direction, lr=lr), buffer


def adagrad(
    weight: Any, gradient: Any, total: Any, *, lr: Any, eps: Any, weight_decay: Any = 0.0
) -> tuple[Any, Any]:
    """One step of AdaGrad: ``s = s + g*g``, ``w - lr * g / (sqrt(s) + eps)``.

    Args:
        weight: the weight.
        gradient: the loss's derivative by the weight, g.
        total: the sum of all g*g so far, and what it began with.
        lr: the learning rate of this step: the decay of AdaGrad's rate has its effect here.
        eps: added to the root.
        weight_decay: times the weight, added to the gradient.

    Returns:
        The next weight and the next sum.

    Source: J. Duchi, E. Hazan and Y. Singer, Adaptive subgradient methods for online learning and
    stochastic optimization, 2011.

    >>> adagrad(1.0, 3.0, 16.0, lr=0.5, eps=0.0)
    (0.7, 25.0)
    """
    if weight_decay != 0.0:
        gradient = gradient + weight_decay * weight
    total = total + gradient * gradient
    return weight - lr * gradient / (sqrt(total) + eps), total


def rmsprop(
    weight: Any,
    gradient: Any,
    square: Any,
    mean: Any,
    buffer: Any,
    *,
    lr: Any,
    alpha: Any,
    eps: Any,
    momentum: Any = 0.0,
    centered: bool = False,
    weight_decay: Any = 0.0,
) -> tuple[Any, Any, Any, Any]:
    """One step of RMSProp: ``s = alpha*s + (1 - alpha)*g*g``, ``w - lr * g / (sqrt(s) + eps)``.

    Args:
        weight: the weight.
        gradient: the loss's derivative by the weight, g.
        square: the running mean of g*g, 0 at first.
        mean: the running mean of g, 0 at first. Where not centered it is left as it is.
        buffer: the running sum of the directions, 0 at first. Without momentum it is left as it is.
        lr: the learning rate.
        alpha: the share of the means that is kept.
        eps: added to the root.
        momentum: the share of the buffer that is kept.
        centered: whether the root is of the variance, ``s - mean*mean``. What rounding makes negative
            there counts as 0 (and is nan in PyTorch).
        weight_decay: times the weight, added to the gradient.

    Returns:
        The next weight, mean square, mean and buffer.

    Source: T. Tieleman and G. Hinton, Neural networks for machine learning, lecture 6.5, 2012; centered
    as in A. Graves, Generating sequences with recurrent neural networks, 2013.

    >>> rmsprop(1.0, 2.0, 0.0, 0.0, 0.0, lr=0.5, alpha=0.75, eps=0.0)
    (0.0, 1.0, 0.0, 0.0)
    """
    if weight_decay != 0.0:
        gradient = gradient + weight_decay * weight
    square = alpha * square + (1 - alpha) * (gradient * gradient)
    spread = square
    if centered:
        mean = alpha * mean + (1 - alpha) * gradient
        spread = relu(square - mean * mean)
    direction = gradient / (sqrt(spread) + eps)
    if momentum == 0.0:
        return weight - lr * direction, square, mean, buffer
    buffer = momentum * buffer + direction
    return weight - lr * buffer, square, mean, buffer


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
    eps_root: Any = 0.0,
    weight_decay: Any = 0.0,
    largest: Any = None,
) -> tuple[Any, ...]:
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
        weight_decay: times the weight, added to the gradient.
        largest: for AMSGrad the largest mean square so far, 0 at first. It takes the mean square's place
            before the correction by ``1 - decay2``, as in PyTorch.

    Returns:
        The next weight, mean and mean square; for AMSGrad, fourth, the next largest mean square.

    Source: D. P. Kingma and J. Ba, Adam: a method for stochastic optimization, 2015, algorithm 1; for
    AMSGrad S. J. Reddi, S. Kale and S. Kumar, On the convergence of Adam and beyond, 2018.

    >>> adam(1.0, 2.0, 0.0, 0.0, 0.5, 0.5, lr=0.25, beta1=0.5, beta2=0.5, eps=0.0)
    (0.75, 1.0, 2.0)
    """
    if weight_decay != 0.0:
        gradient = gradient + weight_decay * weight
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * (gradient * gradient)
    seen = square if largest is None else maximum(largest, square)
    corrected = mean / (1 - decay1)
    weight = weight - lr * corrected / (sqrt(seen / (1 - decay2) + eps_root) + eps)
    return (weight, mean, square) if largest is None else (weight, mean, square, seen)


def adamw(weight: Any, gradient: Any, *moments: Any, lr: Any, weight_decay: Any, **others: Any) -> Any:
    """One step of AdamW: Adam's, from a weight that has been multiplied by ``1 - lr*weight_decay``.

    Args:
        weight: the weight.
        gradient: the loss's derivative by the weight.
        moments: mean, square, decay1 and decay2 of `adam`.
        lr: the learning rate.
        weight_decay: the share of the weight that a learning rate of 1 would take away.
        others: the other arguments of `adam`.

    Returns:
        What `adam` returns.

    Source: I. Loshchilov and F. Hutter, Decoupled weight decay regularization, 2019, algorithm 2.

    >>> settings = {"beta1": 0.5, "beta2": 0.5, "eps": 0.0}
    >>> adamw(1.0, 2.0, 0.0, 0.0, 0.5, 0.5, lr=0.25, weight_decay=1.0, **settings)
    (0.5, 1.0, 2.0)
    """
    return adam((1 - lr * weight_decay) * weight, gradient, *moments, lr=lr, **others)
