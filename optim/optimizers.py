"""The optimizers: an update rule each, used as in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from autograd import Value
from autograd.graph.walks import update_each
from optim.base import Optimizer
from optim.checks import checked, switch
from optim.rules import adagrad, adam, adamw, momentum, rmsprop, sgd, vanilla
from optim.schedules import Schedule

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Optimizer",
    "RMSProp",
    "VanillaGradientDescent",
]

Numbers = tuple[Any, ...]


class VanillaGradientDescent(Optimizer):
    """Gradient descent: ``w <- w - lr * g``.

    >>> w = Value(3.0)
    >>> optimizer = VanillaGradientDescent([w], lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w.data
    1.5
    """

    def update(self, weight: Any, gradient: Any, state: Numbers, constants: Numbers) -> tuple[Any, Numbers]:
        """What a step does to one weight: see `Optimizer.update`."""
        return vanilla(weight, gradient, lr=constants[0]), state

    def step(self) -> None:
        """Update every weight by the gradient that it holds: see `Optimizer.step`.

        Without states to keep the loop takes half the time.
        """
        lr = self.rate(self.steps + 1)
        update_each(self.params or self._refuse(), vanilla, lr)
        self.steps += 1


class Momentum(Optimizer):
    """Gradient descent with momentum: ``v <- gamma*v + lr*g``, ``w <- w - v``.

    The velocity holds each gradient times the learning rate of its own step; in `SGD` the rate of the
    present step multiplies all of them.

    Args:
        params: the weights.
        lr: the learning rate, or a schedule.
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

    hyperparameters = ("gamma",)

    def __init__(
        self, params: Iterable[Value] | None = None, lr: float | Schedule = 1e-3, gamma: float = 0.9
    ) -> None:
        super().__init__(params, lr)
        self.gamma = checked("gamma", gamma, least=0.0, below=1.0)

    def initial(self, weight: float) -> tuple[float, ...]:  # noqa: ARG002
        """The velocity."""
        return (0.0,)

    def update(self, weight: Any, gradient: Any, state: Numbers, constants: Numbers) -> tuple[Any, Numbers]:
        """What a step does to one weight: see `Optimizer.update`."""
        weight, velocity = momentum(weight, gradient, state[0], lr=constants[0], gamma=self.gamma)
        return weight, (velocity,)


class SGD(Optimizer):
    """Gradient descent with momentum in PyTorch's form: ``b <- momentum*b + g``, ``w <- w - lr*b``.

    At a constant learning rate that is `Momentum`, whose velocity is ``lr*b`` then. Under a schedule the
    two differ: when the rate falls, here the whole buffer counts less at once, while a velocity goes on
    at the rates that its gradients came with.

    Args:
        params: the weights.
        lr: the learning rate, or a schedule.
        momentum: the share of the buffer that is kept, at least 0 and below 1.
        dampening: the share of each gradient but the first that is kept out of the buffer, at least 0
            and below 1.
        weight_decay: times the weight, added to the gradient; at least 0.
        nesterov: whether the weight goes along ``g + momentum*b``; with momentum and without dampening.

    >>> w = Value(3.0)
    >>> w.grad = 1.0
    >>> optimizer = SGD([w], lr=0.5, momentum=0.5)
    >>> optimizer.step()
    >>> optimizer.step()
    >>> w.data, optimizer.states
    (1.75, [(1.5,)])
    """

    hyperparameters = ("momentum", "dampening", "weight_decay", "nesterov")

    def __init__(
        self,
        params: Iterable[Value] | None = None,
        lr: float | Schedule = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(params, lr)
        self.momentum = checked("momentum", momentum, least=0.0, below=1.0)
        self.dampening = checked("dampening", dampening, least=0.0, below=1.0)
        self.weight_decay = checked("weight_decay", weight_decay, least=0.0)
        self.nesterov = switch("nesterov", nesterov)
        if self.nesterov and (self.momentum == 0.0 or self.dampening != 0.0):
            raise ValueError(
                "nesterov needs a momentum above 0 and no dampening, got "
                f"momentum={momentum!r} and dampening={dampening!r}"
            )

    def initial(self, weight: float) -> tuple[float, ...]:  # noqa: ARG002
        """The buffer."""
        return (0.0,)

    def constants(self, step: int) -> tuple[float, ...]:
        """The learning rate and the dampening, which the first step is without."""
        return self.rate(step), 0.0 if step == 1 else self.dampening

    def update(self, weight: Any, gradient: Any, state: Numbers, constants: Numbers) -> tuple[Any, Numbers]:
        """What a step does to one weight: see `Optimizer.update`."""
        weight, buffer = sgd(
            weight,
            gradient,
            state[0],
            lr=constants[0],
            momentum=self.momentum,
            dampening=constants[1],
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )
        return weight, (buffer,)


class AdaGrad(Optimizer):
    """AdaGrad: ``s <- s + g*g``, ``w <- w - lr * g / (sqrt(s) + eps)``; with PyTorch's defaults.

    Args:
        params: the weights.
        lr: the learning rate, or a schedule.
        lr_decay: the rate of step t, counted from 0, is divided by ``1 + t*lr_decay``; at least 0.
        weight_decay: times the weight, added to the gradient; at least 0.
        initial_accumulator_value: what s begins with, at least 0.
        eps: added to the root, at least 0.

    >>> w = Value(3.0)
    >>> optimizer = AdaGrad([w], lr=0.5)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    2.5
    """

    hyperparameters = ("lr_decay", "weight_decay", "initial_accumulator_value", "eps")

    def __init__(
        self,
        params: Iterable[Value] | None = None,
        lr: float | Schedule = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        super().__init__(params, lr)
        self.lr_decay = checked("lr_decay", lr_decay, least=0.0)
        self.weight_decay = checked("weight_decay", weight_decay, least=0.0)
        self.initial_accumulator_value = checked(
            "initial_accumulator_value", initial_accumulator_value, least=0.0
        )
        self.eps = checked("eps", eps, least=0.0)
        _refuse_two_zeros("initial_accumulator_value", self.initial_accumulator_value, self.eps)

    def initial(self, weight: float) -> tuple[float, ...]:  # noqa: ARG002
        """The sum of squares."""
        return (self.initial_accumulator_value,)

    def constants(self, step: int) -> tuple[float, ...]:
        """The learning rate after its decay."""
        return (self.rate(step) / (1 + (step - 1) * self.lr_decay),)

    def update(self, weight: Any, gradient: Any, state: Numbers, constants: Numbers) -> tuple[Any, Numbers]:
        """What a step does to one weight: see `Optimizer.update`."""
        weight, total = adagrad(
            weight, gradient, state[0], lr=constants[0], eps=self.eps, weight_decay=self.weight_decay
        )
        return weight, (total,)


class RMSProp(Optimizer):
    """RMSProp: ``s <- alpha*s + (1 - alpha)*g*g``, ``w <- w - lr * g / (sqrt(s) + eps)``.

    Args:
        params: the weights.
        lr: the learning rate, or a schedule.
        alpha: the share of the mean square that is kept, at least 0 and below 1.
        eps: added to the root, above 0.
        weight_decay: times the weight, added to the gradient; at least 0.
        momentum: the share of the direction that is kept, at least 0 and below 1.
        centered: whether to divide by the root of the gradient's variance instead.

    >>> w = Value(3.0)
    >>> optimizer = RMSProp([w], lr=0.5, alpha=0.75)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    2.0
    """

    hyperparameters = ("alpha", "eps", "weight_decay", "momentum", "centered")

    def __init__(
        self,
        params: Iterable[Value] | None = None,
        lr: float | Schedule = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(params, lr)
        self.alpha = checked("alpha", alpha, least=0.0, below=1.0)
        self.eps = checked("eps", eps, above=0.0)
        self.weight_decay = checked("weight_decay", weight_decay, least=0.0)
        self.momentum = checked("momentum", momentum, least=0.0, below=1.0)
        self.centered = switch("centered", centered)

    def initial(self, weight: float) -> tuple[float, ...]:  # noqa: ARG002
        """The mean square, the mean and the buffer."""
        return 0.0, 0.0, 0.0

    def update(self, weight: Any, gradient: Any, state: Numbers, constants: Numbers) -> tuple[Any, Numbers]:
        """What a step does to one weight: see `Optimizer.update`."""
        weight, *after = rmsprop(
            weight,
            gradient,
            *state,
            lr=constants[0],
            alpha=self.alpha,
            eps=self.eps,
            momentum=self.momentum,
            centered=self.centered,
            weight_decay=self.weight_decay,
        )
        return weight, tuple(after)


class Adam(Optimizer):
    """Adam, with PyTorch's defaults.

    Args:
        params: the weights.
        lr: the learning rate, or a schedule.
        betas: the shares kept of the running mean of g and of g*g, each at least 0 and below 1.
        eps: added to the root of the mean square, at least 0.
        eps_root: added under the root. The assignment's form has ``eps=0, eps_root=1e-8``.
        weight_decay: times the weight, added to the gradient; at least 0.
        amsgrad: whether to divide by the largest mean square so far.

    >>> w = Value(3.0)
    >>> optimizer = Adam([w], lr=0.5)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    2.5
    """

    hyperparameters = ("betas", "eps", "eps_root", "weight_decay", "amsgrad")
    _rule: Callable[..., Numbers] = staticmethod(adam)

    def __init__(
        self,
        params: Iterable[Value] | None = None,
        lr: float | Schedule = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        eps_root: float = 0.0,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
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
        _refuse_two_zeros("eps_root", self.eps_root, self.eps)
        self.weight_decay = checked("weight_decay", weight_decay, least=0.0)
        self.amsgrad = switch("amsgrad", amsgrad)

    def initial(self, weight: float) -> tuple[float, ...]:  # noqa: ARG002
        """The mean, the mean square and, for AMSGrad, the largest mean square."""
        return (0.0, 0.0, 0.0) if self.amsgrad else (0.0, 0.0)

    def constants(self, step: int) -> tuple[float, ...]:
        """The learning rate and the powers of the betas."""
        beta1, beta2 = self.betas
        return self.rate(step), beta1**step, beta2**step

    def update(self, weight: Any, gradient: Any, state: Numbers, constants: Numbers) -> tuple[Any, Numbers]:
        """What a step does to one weight: see `Optimizer.update`."""
        after = self._rule(
            weight,
            gradient,
            state[0],
            state[1],
            constants[1],
            constants[2],
            lr=constants[0],
            beta1=self.betas[0],
            beta2=self.betas[1],
            eps=self.eps,
            eps_root=self.eps_root,
            weight_decay=self.weight_decay,
            largest=state[2] if self.amsgrad else None,
        )
        return after[0], after[1:]


class AdamW(Adam):
    """Adam with decoupled weight decay: a step begins with ``w <- (1 - lr*weight_decay) * w``.

    Args:
        args: params, lr, betas and eps, as for `Adam`.
        weight_decay: the share of a weight that a learning rate of 1 would take away, at least 0.
        others: eps_root and amsgrad, as for `Adam`.

    >>> w = Value(3.0)
    >>> optimizer = AdamW([w], lr=0.5, weight_decay=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    2.35
    """

    _rule = staticmethod(adamw)

    def __init__(self, *args: Any, weight_decay: float = 1e-2, **others: Any) -> None:
        super().__init__(*args, weight_decay=weight_decay, **others)


def _refuse_two_zeros(name: str, one: float, eps: float) -> None:
    if one == eps == 0.0:
        raise ValueError(
            f"eps and {name} must not both be 0: a weight whose gradients are 0 would be divided 0/0"
        )
