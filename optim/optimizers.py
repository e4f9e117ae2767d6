"""Optimizers: objects that hold the weights and the state of an update rule, used as in PyTorch."""

from __future__ import annotations

import math
from collections.abc import Iterable

from autograd import Value
from optim.rules import adam, momentum, vanilla

__all__ = ["Adam", "Momentum", "Optimizer", "VanillaGradientDescent"]


class Optimizer:
    """Holds the weights; a subclass says what a step does to them.

    Args:
        params: the weights to train; they should be leaves.
        lr: the learning rate, a positive number.

    Raises:
        TypeError: a weight is no `Value`, or the learning rate no number.
        ValueError: there are no weights, one is given twice, or the learning rate is not positive.
    """

    def __init__(self, params: Iterable[Value], lr: float) -> None:
        self.params = list(params)
        if not self.params:
            raise ValueError("an optimizer needs at least one weight, got none")
        for param in self.params:
            if not isinstance(param, Value):
                raise TypeError(f"an optimizer's weights must be Values, got {type(param).__name__}")
        if len(set(self.params)) != len(self.params):
            raise ValueError("a weight is given to the optimizer twice: each would be updated twice a step")
        self.lr = checked("lr", lr, above=0.0)

    def zero_grad(self) -> None:
        """Set every weight's gradient to 0."""
        for param in self.params:
            param._grad = 0.0

    def step(self) -> None:
        """Update every weight by the gradient that it holds."""
        raise NotImplementedError


def checked(
    name: str, number: float, *, least: float = -math.inf, above: float = -math.inf, below: float = math.inf
) -> float:
    """Return a hyperparameter that is in its range.

    Raises:
        TypeError: it is no number.
        ValueError: it is not in its range, or not finite.
    """
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise TypeError(f"{name} must be a number, got {type(number).__name__}")
    if not (math.isfinite(number) and number >= least and above < number < below):
        bounds = [f"at least {least:g}"] if least > -math.inf else []
        bounds += [f"above {above:g}"] if above > -math.inf else []
        bounds += [f"below {below:g}"] if below < math.inf else []
        raise ValueError(f"{name} must be {' and '.join(bounds) or 'finite'}, got {number!r}")
    return float(number)


class VanillaGradientDescent(Optimizer):
    """Gradient descent: ``w <- w - lr * g``.

    >>> w = Value(3.0)
    >>> optimizer = VanillaGradientDescent([w], lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w.data
    1.5
    """

    def __init__(self, params: Iterable[Value], lr: float = 1e-3) -> None:
        super().__init__(params, lr)

    def step(self) -> None:
        """Update every weight by the gradient that it holds."""
        lr = self.lr
        for param in self.params:
            param._data = vanilla(param._data, param._grad, lr=lr)


class Momentum(Optimizer):
    """Gradient descent with momentum: ``v <- gamma*v + lr*g``, ``w <- w - v``.

    Args:
        params: the weights.
        lr: the learning rate.
        gamma: the share of the velocity that is kept, at least 0 and below 1.

    >>> w = Value(3.0)
    >>> optimizer = Momentum([w], lr=0.25, gamma=0.5)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).backward()
    ...     optimizer.step()
    >>> w.data
    0.0
    """

    def __init__(self, params: Iterable[Value], lr: float = 1e-3, gamma: float = 0.9) -> None:
        super().__init__(params, lr)
        self.gamma = checked("gamma", gamma, least=0.0, below=1.0)
        self.velocity = [0.0] * len(self.params)

    def step(self) -> None:
        """Update every weight by the gradient that it holds."""
        for i, param in enumerate(self.params):
            param._data, self.velocity[i] = momentum(
                param._data, param._grad, self.velocity[i], lr=self.lr, gamma=self.gamma
            )


class Adam(Optimizer):
    """Adam, with PyTorch's defaults.

    Args:
        params: the weights.
        lr: the learning rate.
        betas: the shares kept of the running mean of g and of g*g, each at least 0 and below 1.
        eps: added to the root of the mean square.
        eps_root: added under the root. The assignment's form has ``eps=0, eps_root=1e-8``.

    >>> w = Value(3.0)
    >>> optimizer = Adam([w], lr=0.5)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    2.5
    """

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        eps_root: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise TypeError(f"betas must be a pair of numbers, got {betas!r}")
        self.betas = (
            checked("betas[0]", betas[0], least=0.0, below=1.0),
            checked("betas[1]", betas[1], least=0.0, below=1.0),
        )
        self.eps = checked("eps", eps, least=0.0)
        self.eps_root = checked("eps_root", eps_root, least=0.0)
        if self.eps == self.eps_root == 0.0:
            raise ValueError(
                "eps and eps_root must not both be 0: a weight whose gradients are 0 would be divided 0/0"
            )
        self.mean = [0.0] * len(self.params)
        self.square = [0.0] * len(self.params)
        self.steps = 0

    def step(self) -> None:
        """Update every weight by the gradient that it holds."""
        self.steps += 1
        beta1, beta2 = self.betas
        decay1, decay2 = beta1**self.steps, beta2**self.steps
        for i, param in enumerate(self.params):
            param._data, self.mean[i], self.square[i] = adam(
                param._data,
                param._grad,
                self.mean[i],
                self.square[i],
                decay1,
                decay2,
                lr=self.lr,
                beta1=beta1,
                beta2=beta2,
                eps=self.eps,
                eps_root=self.eps_root,
            )
