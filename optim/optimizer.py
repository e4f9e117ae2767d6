"""`Optimizer`: what all optimizers share: the weights, the learning rate, the states and the step."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, NoReturn

from autograd import Value
from autograd.graph.nodes import assign, clear_gradients, gradients, is_leaf, numbers
from autograd.primitives.ieee import to_float
from autograd.programs.loops.array import Array
from optim.checks import check_fields, checked, setting, whole
from optim.schedules import Schedule

__all__ = ["Optimizer", "learning_rate"]


def learning_rate(name: str, lr: Any) -> float | Schedule:
    """The check of a learning rate: a positive number, or a schedule."""
    return lr if callable(lr) else checked(name, lr, above=0.0)


def _weights(name: str, params: Any) -> list[Value]:  # noqa: ARG001
    """The check of the weights: what is iterable and holds each Value once; none for None."""
    if params is None:
        return []
    if isinstance(params, Value) or not hasattr(params, "__iter__"):
        advice = ": write [w]" if isinstance(params, Value) else ""
        raise TypeError(
            f"an optimizer's weights must be an iterable of Values, got {type(params).__name__}{advice}"
        )
    weights: list[Any] = [params] if isinstance(params, Array) else list(params)
    if not weights:
        raise ValueError("an optimizer needs at least one weight, got none")
    for weight in weights:
        if isinstance(weight, Array):
            raise TypeError(
                "an optimizer trains Values, got an Array: give a list of Values and make the Array of them, "
                "array(weights), or step a plain array by value_and_grad"
            )
        if not isinstance(weight, Value):
            raise TypeError(f"an optimizer's weights must be Values, got {type(weight).__name__}")
        if not is_leaf(weight):
            raise ValueError(
                f"an optimizer's weights must be leaves, got the result of an operation, {weight!r}: a step "
                "would not reach what it was computed from. Give the leaves, or make it one: Value(w.data)"
            )
    if len({id(weight) for weight in weights}) != len(weights):
        raise ValueError("a weight is given to the optimizer twice: each would be updated twice a step")
    return weights


@dataclass(eq=False, repr=False)
class Optimizer:
    """Holds weights, and for each the state of an update rule.

    A subclass is a dataclass whose fields are its hyperparameters. It defines `update`, what one step does
    to one weight, and if needed `state_size` or `initial`, and `constants`. Everything else follows from
    these, for training loops in Python and for compiled ones.

    Args:
        params: the weights to train, leaves. None where `fit` is to bring them:
            ``Adam(lr=0.01)``.
        lr: the learning rate, a positive number; or a schedule, which is called with the number of the
            step, counted from 0, and returns the rate. Assignable.

    Attributes:
        params: the weights, a list.
        steps: how many steps were taken.

    Raises:
        TypeError: a weight is no `Value`, or the learning rate neither a number nor a function.
        ValueError: there are no weights, one is given twice or is no leaf, or the learning rate is not
            positive.
    """

    params: Any = setting(_weights, None)
    lr: float | Schedule = setting(learning_rate, 1e-3)
    steps: int = field(init=False, default=0)

    state_size: ClassVar[int] = 0
    """How many numbers a weight's state has, where it begins with zeros."""

    def __post_init__(self) -> None:
        check_fields(self)
        self._states: list[tuple[float, ...]] = []

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "lr":
            value = learning_rate(name, value)
        object.__setattr__(self, name, value)

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        """The arguments beside ``params`` and ``lr``, each an attribute too."""
        return tuple(each.name for each in fields(self) if each.init)[2:]

    @property
    def states(self) -> list[tuple[float, ...]]:
        """The state of each weight, in the order of ``params``."""
        if not self._states:
            self._states = [self.initial(weight) for weight in numbers(self.params)]
        return self._states

    # What a subclass says.

    def initial(self, weight: float) -> tuple[float, ...]:  # noqa: ARG002  a subclass may want it
        """A weight's state before its first step. An optimizer's states are all of one length."""
        return (0.0,) * self.state_size

    def constants(self, step: int) -> tuple[float, ...]:
        """What a step needs that is the same for all weights: the learning rate first.

        Args:
            step: its number, counted from 1.

        Raises:
            TypeError, ValueError: the schedule gives no rate: see `rate`.
        """
        return (self.rate(step),)

    def update(
        self, weight: Any, gradient: Any, state: tuple[Any, ...], constants: tuple[Any, ...]
    ) -> tuple[Any, tuple[Any, ...]]:
        """What a step does to one weight; on floats or, to be traced, on Values.

        Args:
            weight: the weight.
            gradient: the loss's derivative by it.
            state: its state.
            constants: the step's `constants`.

        Returns:
            The next weight and its next state.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define update")

    # What follows from it.

    def rate(self, step: int) -> float:
        """The learning rate of a step.

        Args:
            step: its number, counted from 1.

        Raises:
            TypeError: the schedule returns no number.
            ValueError: it returns one that is negative, infinite or nan.
        """
        lr = self.lr
        if isinstance(lr, float):
            return lr
        rate = lr(step - 1)
        if isinstance(rate, float) and 0.0 <= rate < math.inf:
            return float(rate)
        role = f"the learning rate that the schedule {lr!r} gives for step {step - 1}"
        number = to_float(rate, role)
        if not 0.0 <= number < math.inf:
            raise ValueError(f"{role} must be finite and at least 0, got {rate!r}")
        return number

    def step(self) -> None:
        """Update every weight by the gradient that it holds.

        Raises:
            RuntimeError: the optimizer was made without weights.
        """
        constants = self.constants(self.steps + 1)
        params, update = self.params or self._refuse(), self.update
        stepped = [
            update(weight, gradient, state, constants)
            for weight, gradient, state in zip(numbers(params), gradients(params), self.states)
        ]
        assign(params, [weight for weight, _ in stepped])
        self._states = [state for _, state in stepped]
        self.steps += 1

    def _refuse(self) -> NoReturn:
        raise RuntimeError(
            f"this {type(self).__name__} was made without weights, for fit to bring them: to step by hand, "
            "give it some"
        )

    def zero_grad(self) -> None:
        """Set every weight's gradient to 0."""
        clear_gradients(self.params)

    def settings(self) -> dict[str, Any]:
        """The name of the optimizer and all its hyperparameters, as JSON can hold them.

        A schedule is there as its `repr`, less the addresses that differ from run to run.
        """
        lr = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(self.lr)) if callable(self.lr) else self.lr
        settings: dict[str, Any] = {"optimizer": type(self).__name__, "lr": lr}
        for name in self.hyperparameters:
            value = getattr(self, name)
            settings[name] = list(value) if isinstance(value, tuple) else value
        return settings

    def state_dict(self) -> dict[str, Any]:
        """The settings, the number of steps and the weights' states, as JSON can hold them.

        The weights themselves are not in it, as in PyTorch.
        """
        return {
            "settings": self.settings(),
            "steps": self.steps,
            "states": [list(state) for state in self.states],
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned, its hyperparameters included, as in PyTorch.

        Raises:
            TypeError, ValueError: it is no such dict, or of another optimizer, another schedule or
                another number of weights; nothing is changed then.
        """
        parts = {"settings": dict, "steps": int, "states": list}
        if not isinstance(saved, dict) or not all(isinstance(saved.get(k), v) for k, v in parts.items()):
            raise TypeError(
                "a state dict must have the settings (a dict), the steps (a number) and the states (a list) "
                f"that state_dict() returns, got {saved!r}"
            )
        loaded = self._made_with(saved["settings"])
        loaded.params = self.params
        loaded.restore(saved["steps"], saved["states"])
        for name in ("lr", "steps", "_states", *self.hyperparameters):
            setattr(self, name, getattr(loaded, name))

    def restore(self, steps: int, states: Sequence[Sequence[float]]) -> None:
        """Go on from a number of steps and the states that they led to.

        Raises:
            TypeError: the steps are no whole number, or a state is not made of real numbers.
            ValueError: there is not one state a weight, or it is not of the length of `initial`.
        """
        steps = whole("steps", steps, 0)
        restored = [
            tuple(to_float(number, f"states[{i}][{j}]") for j, number in enumerate(state))
            for i, state in enumerate(states)
        ]
        if self.params and len(restored) != len(self.params):
            raise ValueError(
                f"the states are those of {len(restored)} weights, and this {type(self).__name__} has "
                f"{len(self.params)}"
            )
        size = len(self.initial(0.0))
        for i, state in enumerate(restored):
            if len(state) != size:
                raise ValueError(f"states[{i}] must have {size} numbers, got {len(state)}")
        self.steps, self._states = steps, restored

    def _made_with(self, settings: dict[str, Any]) -> Optimizer:
        """An optimizer of this kind with settings that were saved."""
        ours = self.settings()
        kind = settings.get("optimizer")
        if kind != ours["optimizer"]:
            raise ValueError(f"the state is that of {kind}, and this is {ours['optimizer']}: make that one")
        if settings.keys() != ours.keys():
            raise ValueError(f"the saved settings must be {list(ours)}, got {list(settings)}")
        if settings["lr"] != ours["lr"] and (isinstance(settings["lr"], str) or isinstance(ours["lr"], str)):
            raise ValueError(
                f"the saved learning rate is {settings['lr']}, and this optimizer's is {ours['lr']}: a "
                "schedule is not in a state dict, so make the optimizer with the one that was saved"
            )
        lr = self.lr if callable(self.lr) else settings["lr"]
        return type(self)(None, lr=lr, **{name: settings[name] for name in self.hyperparameters})

    def __repr__(self) -> str:
        settings = {"lr": self.lr, **{name: getattr(self, name) for name in self.hyperparameters}}
        shown = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        return f"{type(self).__name__}({len(self.params)} weights, {shown}, steps={self.steps})"
