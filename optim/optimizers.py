"""The optimizers, used as in PyTorch: each a dataclass that names its hyperparameters and has its formula.

The formulas are made of operators and primitives, so that they run on floats and on Values alike. Of two
forms of a rule that differ in rounding only, it is the one that reads best; PyTorch's results are met within
1e-12. A hyperparameter of 0 leaves out what it would be multiplied by.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from autograd import Value, maximum, relu, sqrt
from autograd.graph.nodes import assign, gradients, numbers
from optim.checks import real, setting, switch
from optim.optimizer import Optimizer, learning_rate
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

_AT_LEAST_0 = real(least=0.0)
_FRACTION = real(least=0.0, below=1.0)


@dataclass(eq=False, repr=False)
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
        return weight - constants[0] * gradient, state

    def step(self) -> None:
        """Update every weight by the gradient that it holds: see `Optimizer.step`.

        Without states to keep the loop takes half the time.
        """
        lr = self.rate(self.steps + 1)
        params = self.params or self._refuse()
        pairs = zip(numbers(params), gradients(params))
        assign(params, [weight - lr * gradient for weight, gradient in pairs])
        self.steps += 1


@dataclass(eq=False, repr=False)
class Momentum(Optimizer):
    """Gradient descent with momentum: ``v <- gamma*v + lr*g``, ``w <- w - v``.

    The velocity holds each gradient times the learning rate of its own step; in `SGD` the rate of the
    present step multiplies all of them.

    Args:
        params: the weights.
        lr: the learning rate, or a schedule.
        gamma: the share of the velocity that is kept, at least 0 and below 1.

    Source: B. T. Polyak, Some methods of speeding up the convergence of iteration methods, 1964.

    >>> w = Value(3.0)
    >>> optimizer = Momentum([w], lr=0.25, gamma=0.5)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).backward()
    ...     optimizer.step()
    >>> w.data
    0.0
    """

    gamma: float = setting(_FRACTION, 0.9)

    state_size: ClassVar[int] = 1  # the velocity

    def update(self, weight: Any, gradient: Any, state: Numbers, constants: Numbers) -> tuple[Any, Numbers]:
        """What a step does to one weight: see `Optimizer.update`."""
        velocity = self.gamma * state[0] + constants[0] * gradient
        return weight - velocity, (velocity,)


@dataclass(eq=False, repr=False)
class SGD(Optimizer):
    """Gradient descent with momentum in PyTorch's form: ``b <- momentum*b + g``, ``w <- w - lr*b``.

    At a constant learning rate that is `Momentum`, whose velocity is ``lr*b`` then. Under a schedule the
    two differ. When the rate falls, the whole buffer counts less at once, while in a velocity each gradient
    keeps the rate of its own step.

    Args:
        params: the weights.
        lr: the learning rate, or a schedule.
        momentum: the share of the buffer that is kept, at least 0 and below 1. Without it the buffer stays
            as it is.
        dampening: the share of each gradient but the first that is kept out of the buffer, at least 0
            and below 1.
        weight_decay: times the weight, added to the gradient; at least 0.
        nesterov: whether the weight goes along ``g + momentum*b``; with momentum and without dampening.

    Source: I. Sutskever, J. Martens, G. Dahl and G. Hinton, On the importance of initialization and
    momentum in deep learning, 2013; in PyTorch's form, where the learning rate stays out of the buffer.

    >>> w = Value(3.0)
    >>> w.grad = 1.0
    >>> optimizer = SGD([w], lr=0.5, momentum=0.5)
    >>> optimizer.step()
    >>> optimizer.step()
    >>> w.data, optimizer.states
    (1.75, [(1.5,)])
    """

    momentum: float = setting(_FRACTION, 0.0)
    dampening: float = setting(_FRACTION, 0.0)
    weight_decay: float = setting(_AT_LEAST_0, 0.0)
    nesterov: bool = setting(switch, False)

    state_size: ClassVar[int] = 1  # the buffer

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and (self.momentum == 0.0 or self.dampening != 0.0):
            raise ValueError(
                "nesterov needs a momentum above 0 and no dampening, got "
                f"momentum={self.momentum!r} and dampening={self.dampening!r}"
            )

    def constants(self, step: int) -> tuple[float, ...]:
        """The learning rate and the dampening, which the first step is without."""
        return self.rate(step), 0.0 if step == 1 else self.dampening

    def update(self, weight: Any, gradient: Any, state: Numbers, constants: Numbers) -> tuple[Any, Numbers]:
        """What a step does to one weight: see `Optimizer.update`."""
        lr, dampening = constants
        gradient = _decayed(gradient, weight, self.weight_decay)
        if _is_zero(self.momentum):
            return weight - lr * gradient, state
        buffer = self.momentum * state[0] + (1 - dampening) * gradient
        direction = gradient + self.momentum * buffer if self.nesterov else buffer
        return weight - lr * direction, (buffer,)


@dataclass(eq=False, repr=False)
class AdaGrad(Optimizer):
    """AdaGrad: ``s <- s + g*g``, ``w <- w - lr * g / (sqrt(s) + eps)``; with PyTorch's defaults.

    Args:
        params: the weights.
        lr: the learning rate, or a schedule.
        lr_decay: the rate of step t, counted from 0, is divided by ``1 + t*lr_decay``; at least 0.
        weight_decay: times the weight, added to the gradient; at least 0.
        initial_accumulator_value: what s begins with, at least 0.
        eps: added to the root, at least 0.

    Source: J. Duchi, E. Hazan and Y. Singer, Adaptive subgradient methods for online learning and
    stochastic optimization, 2011.

    >>> w = Value(3.0)
    >>> optimizer = AdaGrad([w], lr=0.5)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    2.5
    """

    lr: float | Schedule = setting(learning_rate, 1e-2)
    lr_decay: float = setting(_AT_LEAST_0, 0.0)
    weight_decay: float = setting(_AT_LEAST_0, 0.0)
    initial_accumulator_value: float = setting(_AT_LEAST_0, 0.0)
    eps: float = setting(_AT_LEAST_0, 1e-10)

    def __post_init__(self) -> None:
        super().__post_init__()
        _refuse_two_zeros("initial_accumulator_value", self.initial_accumulator_value, self.eps)

    def initial(self, weight: float) -> tuple[float, ...]:  # noqa: ARG002
        """The sum of squares."""
        return (self.initial_accumulator_value,)

    def constants(self, step: int) -> tuple[float, ...]:
        """The learning rate after its decay."""
        return (self.rate(step) / (1 + (step - 1) * self.lr_decay),)

    def update(self, weight: Any, gradient: Any, state: Numbers, constants: Numbers) -> tuple[Any, Numbers]:
        """What a step does to one weight: see `Optimizer.update`."""
        gradient = _decayed(gradient, weight, self.weight_decay)
        total = state[0] + gradient * gradient
        return weight - constants[0] * gradient / (sqrt(total) + self.eps), (total,)


@dataclass(eq=False, repr=False)
class RMSProp(Optimizer):
    """RMSProp: ``s <- alpha*s + (1 - alpha)*g*g``, ``w <- w - lr * g / (sqrt(s) + eps)``.

    Args:
        params: the weights.
        lr: the learning rate, or a schedule.
        alpha: the share of the mean square that is kept, at least 0 and below 1.
        eps: added to the root, above 0.
        weight_decay: times the weight, added to the gradient; at least 0.
        momentum: the share of the direction that is kept, at least 0 and below 1.
        centered: whether to divide by the root of the gradient's variance instead. What rounding makes
            negative there counts as 0 (and is nan in PyTorch).

    Source: T. Tieleman and G. Hinton, Neural networks for machine learning, lecture 6.5, 2012; centered
    as in A. Graves, Generating sequences with recurrent neural networks, 2013.

    >>> w = Value(3.0)
    >>> optimizer = RMSProp([w], lr=0.5, alpha=0.75)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    2.0
    """

    lr: float | Schedule = setting(learning_rate, 1e-2)
    alpha: float = setting(_FRACTION, 0.99)
    eps: float = setting(real(above=0.0), 1e-8)
    weight_decay: float = setting(_AT_LEAST_0, 0.0)
    momentum: float = setting(_FRACTION, 0.0)
    centered: bool = setting(switch, False)

    state_size: ClassVar[int] = 3  # the mean square, the mean and the buffer

    def update(self, weight: Any, gradient: Any, state: Numbers, constants: Numbers) -> tuple[Any, Numbers]:
        """What a step does to one weight: see `Optimizer.update`."""
        square, mean, buffer = state
        gradient = _decayed(gradient, weight, self.weight_decay)
        square = self.alpha * square + (1 - self.alpha) * (gradient * gradient)
        spread = square
        if self.centered:
            mean = self.alpha * mean + (1 - self.alpha) * gradient
            spread = relu(square - mean * mean)
        direction = gradient / (sqrt(spread) + self.eps)
        if not _is_zero(self.momentum):
            direction = buffer = self.momentum * buffer + direction
        return weight - constants[0] * direction, (square, mean, buffer)


def _two_fractions(name: str, pair: Any) -> tuple[float, float]:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(f"{name} must be a pair of numbers, got {pair!r}")
    return _FRACTION(f"{name}[0]", pair[0]), _FRACTION(f"{name}[1]", pair[1])


@dataclass(eq=False, repr=False)
class Adam(Optimizer):
    """Adam: ``w <- w - lr * mhat / (sqrt(vhat + eps_root) + eps)``, with PyTorch's defaults.

    mhat and vhat are the running means of g and of g*g, divided by 1 less the power of their beta that
    counts the steps.

    Args:
        params: the weights.
        lr: the learning rate, or a schedule.
        betas: the shares kept of the running mean of g and of g*g, each at least 0 and below 1.
        eps: added to the root of the mean square, at least 0.
        eps_root: added under the root. The assignment's form has ``eps=0, eps_root=1e-8``.
        weight_decay: times the weight, added to the gradient; at least 0.
        amsgrad: whether to divide by the largest mean square so far. It takes the mean square's place
            before the correction by the power of beta, as in PyTorch.

    Source: D. P. Kingma and J. Ba, Adam: a method for stochastic optimization, 2015, algorithm 1; for
    AMSGrad S. J. Reddi, S. Kale and S. Kumar, On the convergence of Adam and beyond, 2018.

    >>> w = Value(3.0)
    >>> optimizer = Adam([w], lr=0.5)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    2.5
    """

    betas: tuple[float, float] = setting(_two_fractions, (0.9, 0.999))
    eps: float = setting(_AT_LEAST_0, 1e-8)
    _: KW_ONLY
    eps_root: float = setting(_AT_LEAST_0, 0.0)
    weight_decay: float = setting(_AT_LEAST_0, 0.0)
    amsgrad: bool = setting(switch, False)

    def __post_init__(self) -> None:
        super().__post_init__()
        _refuse_two_zeros("eps_root", self.eps_root, self.eps)

    def initial(self, weight: float) -> tuple[float, ...]:  # noqa: ARG002
        """The mean, the mean square and, for AMSGrad, the largest mean square."""
        return (0.0, 0.0, 0.0) if self.amsgrad else (0.0, 0.0)

    def constants(self, step: int) -> tuple[float, ...]:
        """The learning rate and the powers of the betas."""
        beta1, beta2 = self.betas
        return self.rate(step), beta1**step, beta2**step

    def update(self, weight: Any, gradient: Any, state: Numbers, constants: Numbers) -> tuple[Any, Numbers]:
        """What a step does to one weight: see `Optimizer.update`."""
        gradient = _decayed(gradient, weight, self.weight_decay)
        return self._undecayed(weight, gradient, state, constants)

    def _undecayed(
        self, weight: Any, gradient: Any, state: Numbers, constants: Numbers
    ) -> tuple[Any, Numbers]:
        """The update without weight decay."""
        beta1, beta2 = self.betas
        lr, power1, power2 = constants
        mean = beta1 * state[0] + (1 - beta1) * gradient
        square = beta2 * state[1] + (1 - beta2) * (gradient * gradient)
        largest = maximum(state[2], square) if self.amsgrad else square
        root = sqrt(largest / (1 - power2) + self.eps_root)
        weight = weight - lr * (mean / (1 - power1)) / (root + self.eps)
        return weight, (mean, square, largest) if self.amsgrad else (mean, square)


@dataclass(eq=False, repr=False)
class AdamW(Adam):
    """Adam with decoupled weight decay: a step begins with ``w <- (1 - lr*weight_decay) * w``.

    Args:
        params, lr, betas, eps, eps_root, amsgrad: as for `Adam`.
        weight_decay: the share of a weight that a learning rate of 1 would take away, at least 0.

    Source: I. Loshchilov and F. Hutter, Decoupled weight decay regularization, 2019, algorithm 2.

    >>> w = Value(3.0)
    >>> optimizer = AdamW([w], lr=0.5, weight_decay=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    2.35
    """

    _: KW_ONLY
    weight_decay: float = setting(_AT_LEAST_0, 1e-2)

    def update(self, weight: Any, gradient: Any, state: Numbers, constants: Numbers) -> tuple[Any, Numbers]:
        """What a step does to one weight: see `Optimizer.update`."""
        return self._undecayed((1 - constants[0] * self.weight_decay) * weight, gradient, state, constants)


def _is_zero(hyperparameter: Any) -> bool:
    """Whether it is the number 0. A Value never is: no formula depends on the number that is traced."""
    return not isinstance(hyperparameter, Value) and hyperparameter == 0.0


def _decayed(gradient: Any, weight: Any, weight_decay: Any) -> Any:
    """The gradient with the weight's decay added."""
    if type(weight_decay) is float and weight_decay == 0.0:  # by far the usual call
        return gradient
    return gradient if _is_zero(weight_decay) else gradient + weight_decay * weight


def _refuse_two_zeros(name: str, hyperparameter: float, eps: float) -> None:
    if hyperparameter == eps == 0.0:
        raise ValueError(
            f"eps and {name} must not both be 0: a weight whose gradients are 0 would be divided 0/0"
        )
