"""Update rules as functions: the optimizers' formulas for one weight, with explicit state.

Each takes a weight, its gradient and its state, and returns the next weight and the next state. They take
floats and Values alike, as hyperparameters too, which are those of the optimizer and are not checked.
"""

from __future__ import annotations

from typing import Any

from optim import optimizers
from optim.optimizer import Optimizer

__all__ = ["adagrad", "adam", "adamw", "momentum", "rmsprop", "sgd", "vanilla"]


def vanilla(weight: Any, gradient: Any, *, lr: Any) -> Any:
    """One step of `VanillaGradientDescent`.

    >>> vanilla(1.0, 2.0, lr=0.25)
    0.5
    """
    return _step(optimizers.VanillaGradientDescent, weight, gradient, (), (lr,))[0]


def momentum(weight: Any, gradient: Any, velocity: Any, *, lr: Any, **hyperparameters: Any) -> Any:
    """One step of `Momentum`.

    Args:
        weight: the weight.
        gradient: the loss's derivative by the weight.
        velocity: what the last step returned, 0 at first.
        lr: the learning rate.
        hyperparameters: those of `Momentum`, by name.

    Returns:
        The next weight and the next velocity.

    >>> momentum(1.0, 2.0, 0.5, lr=0.25, gamma=0.5)
    (0.25, 0.75)
    """
    return _step(optimizers.Momentum, weight, gradient, (velocity,), (lr,), **hyperparameters)


def sgd(
    weight: Any, gradient: Any, buffer: Any, *, lr: Any, dampening: Any = 0.0, **hyperparameters: Any
) -> Any:
    """One step of `SGD`.

    Args:
        weight: the weight.
        gradient: the loss's derivative by the weight.
        buffer: what the last step returned, 0 at first. Without momentum it is left as it is.
        lr: the learning rate.
        dampening: that of this step: 0 at the first one, when the gradient alone is the buffer.
        hyperparameters: those of `SGD`, by name.

    Returns:
        The next weight and the next buffer.

    >>> sgd(1.0, 2.0, 0.5, lr=0.25, momentum=0.5)
    (0.4375, 2.25)
    """
    return _step(optimizers.SGD, weight, gradient, (buffer,), (lr, dampening), **hyperparameters)


def adagrad(weight: Any, gradient: Any, total: Any, *, lr: Any, **hyperparameters: Any) -> Any:
    """One step of `AdaGrad`.

    Args:
        weight: the weight.
        gradient: the loss's derivative by the weight.
        total: the sum of all squares of gradients so far, and what it began with.
        lr: the learning rate of this step: the decay of AdaGrad's rate has its effect here.
        hyperparameters: those of `AdaGrad`, by name.

    Returns:
        The next weight and the next sum.

    >>> adagrad(1.0, 3.0, 16.0, lr=0.5, eps=0.0)
    (0.7, 25.0)
    """
    return _step(optimizers.AdaGrad, weight, gradient, (total,), (lr,), **hyperparameters)


def rmsprop(
    weight: Any, gradient: Any, square: Any, mean: Any, buffer: Any, *, lr: Any, **hyperparameters: Any
) -> Any:
    """One step of `RMSProp`.

    Args:
        weight: the weight.
        gradient: the loss's derivative by the weight, g.
        square: the running mean of g*g, 0 at first.
        mean: the running mean of g, 0 at first. Where not centered it is left as it is.
        buffer: the running sum of the directions, 0 at first. Without momentum it is left as it is.
        lr: the learning rate.
        hyperparameters: those of `RMSProp`, by name.

    Returns:
        The next weight, mean square, mean and buffer.

    >>> rmsprop(1.0, 2.0, 0.0, 0.0, 0.0, lr=0.5, alpha=0.75, eps=0.0)
    (0.0, 1.0, 0.0, 0.0)
    """
    return _step(optimizers.RMSProp, weight, gradient, (square, mean, buffer), (lr,), **hyperparameters)


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
    largest: Any = None,
    kind: type[optimizers.Adam] = optimizers.Adam,
    **hyperparameters: Any,
) -> Any:
    """One step of `Adam`.

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
        largest: for AMSGrad the largest mean square so far, 0 at first.
        kind: whose step it is, `Adam`'s or `AdamW`'s.
        hyperparameters: the others of `Adam`, by name.

    Returns:
        The next weight, mean and mean square; for AMSGrad, fourth, the next largest mean square.

    >>> adam(1.0, 2.0, 0.0, 0.0, 0.5, 0.5, lr=0.25, beta1=0.5, beta2=0.5, eps=0.0)
    (0.75, 1.0, 2.0)
    """
    moments = (mean, square) if largest is None else (mean, square, largest)
    settings = {"betas": (beta1, beta2), "amsgrad": largest is not None, **hyperparameters}
    return _step(kind, weight, gradient, moments, (lr, decay1, decay2), **settings)


def adamw(weight: Any, gradient: Any, *moments: Any, **settings: Any) -> Any:
    """One step of `AdamW`; arguments and results as for `adam`.

    >>> settings = {"beta1": 0.5, "beta2": 0.5, "eps": 0.0}
    >>> adamw(1.0, 2.0, 0.0, 0.0, 0.5, 0.5, lr=0.25, weight_decay=1.0, **settings)
    (0.5, 1.0, 2.0)
    """
    return adam(weight, gradient, *moments, kind=optimizers.AdamW, **settings)


def _step(
    kind: type[Optimizer],
    weight: Any,
    gradient: Any,
    state: tuple[Any, ...],
    constants: tuple[Any, ...],
    **hyperparameters: Any,
) -> tuple[Any, ...]:
    """One update by an optimizer of a kind with these hyperparameters: the next weight and state."""
    rule = object.__new__(kind)  # not called: that would refuse Values
    unknown = hyperparameters.keys() - kind.__dataclass_fields__.keys()
    if unknown:
        raise TypeError(f"{kind.__name__} has no hyperparameter {', '.join(sorted(unknown))}")
    vars(rule).update(hyperparameters)
    weight, after = rule.update(weight, gradient, state, constants)
    return weight, *after
