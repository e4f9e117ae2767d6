"""PyTorch's figures that the tests compare with: the cases, how PyTorch runs them, what it gave.

Where PyTorch is installed, ``python -m tests.optim.pytorch_figures`` writes its figures anew.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from autograd import Value
from optim import optimizers
from optim.optimizers import Optimizer
from optim.schedules import Constant, Cosine, Exponential, Linear, Schedule, StepDecay, WarmUp

FILE = Path(__file__).with_suffix(".json")
STEPS = 100
RECORDED_STEPS = (1, 10, STEPS)
RECORDED_PROBLEMS = (0, 1)


class Case(NamedTuple):
    """An optimizer with options, which ours and PyTorch's call alike."""

    ours: str
    theirs: str
    settings: dict[str, Any]
    schedule: Schedule | None = None

    def __str__(self) -> str:
        parts = [f"{name}={value}" for name, value in self.settings.items()]
        return " ".join([self.ours, *parts, *([] if self.schedule is None else [repr(self.schedule)])])

    def optimizer(self, weights: list[Value] | None = None) -> Optimizer:
        """Ours."""
        settings = self.settings if self.schedule is None else {**self.settings, "lr": self.schedule}
        return getattr(optimizers, self.ours)(weights, **settings)  # type: ignore[no-any-return]


def every(ours: str, theirs: str, common: dict[str, Any], **options: Any) -> list[Case]:
    """A case for none of the options, for each by itself, and for all of them."""
    settings = [{}, *({name: value} for name, value in options.items())]
    settings += [options] if len(options) > 1 else []
    return [Case(ours, theirs, {**common, **setting}) for setting in settings]


MOMENTUM = {"lr": 0.05, "momentum": 0.9}
FALL = StepDecay(0.1, every=10, factor=0.5)
CASES = [
    Case("VanillaGradientDescent", "SGD", {"lr": 0.1}),
    *every("SGD", "SGD", {"lr": 0.1}, weight_decay=0.01, dampening=0.3),
    *every("SGD", "SGD", MOMENTUM, weight_decay=0.01, dampening=0.3),
    *every("SGD", "SGD", {**MOMENTUM, "nesterov": True}, weight_decay=0.01),
    Case("SGD", "SGD", MOMENTUM, FALL),
    *every("AdaGrad", "Adagrad", {"lr": 0.1}, lr_decay=0.1, weight_decay=0.01, eps=1e-3),
    Case("AdaGrad", "Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5}),
    *every("RMSProp", "RMSprop", {"lr": 0.01}, alpha=0.8, eps=1e-3, weight_decay=0.01, momentum=0.9),
    *every("RMSProp", "RMSprop", {"lr": 0.01, "centered": True}, weight_decay=0.01, momentum=0.9),
    *every("Adam", "Adam", {"lr": 0.02}, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.01, amsgrad=True),
    Case("Adam", "Adam", {"lr": 0.02, "betas": (0.9, 0.9), "amsgrad": True}),
    Case("Adam", "Adam", {"lr": 0.02}, FALL),
    *every("AdamW", "AdamW", {"lr": 0.02}, weight_decay=0.3, amsgrad=True),
    Case("AdamW", "AdamW", {"lr": 0.02}, FALL),
]

# Each schedule, and how PyTorch makes it from an optimizer of the learning rate 0.1.
SCHEDULES: dict[Schedule, Callable[[Any, Any], Any]] = {
    Constant(0.1): lambda torch, optimizer: torch.ConstantLR(optimizer, factor=1.0),
    StepDecay(0.1, 7, 0.5): lambda torch, optimizer: torch.StepLR(optimizer, step_size=7, gamma=0.5),
    Exponential(0.1, 0.9): lambda torch, optimizer: torch.ExponentialLR(optimizer, gamma=0.9),
    Linear(0.1, 12, 0.02): lambda torch, optimizer: torch.LinearLR(optimizer, 1.0, 0.2, total_iters=12),
    Cosine(0.1, 30, 0.01): lambda torch, optimizer: torch.CosineAnnealingLR(
        optimizer, T_max=30, eta_min=0.01
    ),
    WarmUp(Exponential(0.1, 0.9), 5, 0.025): lambda torch, optimizer: torch.SequentialLR(
        optimizer,
        [torch.LinearLR(optimizer, 0.25, total_iters=5), torch.ExponentialLR(optimizer, gamma=0.9)],
        milestones=[5],
    ),
}
SCHEDULED_STEPS = 30

GRADIENTS = {
    "longer": [3.0, -4.0, 12.0],
    "within": [0.3, -0.4, 0.0],
    "zero": [0.0, -0.0],
    "one": [-7.0],
    "infinite": [1.0, math.inf, -2.0],
    "nan": [1.0, math.nan, -2.0],
    "both": [math.nan, math.inf, 1.0],
}
LIMIT = 1.5


def problem(seed: int) -> tuple[list[float], Callable[[list[float], int], list[float]]]:
    """Weights to begin with, and the gradient at each step: that of one sample's squared error.

    The model is linear, and a step of 0.1 stable, so that rounding is not amplified; the features' sizes
    differ by a factor of 200; the weights stay away from 0.
    """
    rng = random.Random(seed)
    sizes = [1.0, 0.01, 2.0, 0.1, 0.3]
    samples = [[size * rng.uniform(-1, 1) for size in sizes] for _ in range(7)]
    planted = [rng.uniform(4, 6) * rng.choice([-1, 1]) for _ in sizes]
    targets = [_dot(planted, x) + rng.gauss(0, 0.1) for x in samples]

    def gradient(weights: list[float], step: int) -> list[float]:
        x, y = samples[step % len(samples)], targets[step % len(samples)]
        return [2 * (_dot(weights, x) - y) * coordinate for coordinate in x]

    return [1.5 * weight for weight in planted], gradient


def _dot(a: list[float], b: list[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b))


def weights_in_pytorch(case: Case, seed: int) -> list[list[float]]:
    """The weights after each step."""
    import torch

    start, gradient = problem(seed)
    weights = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, case.theirs)([weights], **case.settings)
    history = []
    for step in range(STEPS):
        if case.schedule is not None:
            optimizer.param_groups[0]["lr"] = case.schedule(step)
        weights.grad = torch.tensor(gradient(weights.tolist(), step), dtype=torch.float64)
        optimizer.step()
        history.append(weights.tolist())
    return history


def rates_in_pytorch(schedule: Schedule) -> list[float]:
    """The learning rate of each step."""
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, dtype=torch.float64, requires_grad=True)], lr=0.1)
    scheduler = SCHEDULES[schedule](torch.optim.lr_scheduler, optimizer)
    rates = []
    for _ in range(SCHEDULED_STEPS):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


def clipped_in_pytorch(gradients: list[float]) -> dict[str, list[float]]:
    """The gradients clipped by value and by norm, and the norm."""
    import torch

    def clipped(clip: str) -> tuple[list[float], Any]:
        weight = torch.zeros(len(gradients), dtype=torch.float64, requires_grad=True)
        weight.grad = torch.tensor(gradients, dtype=torch.float64)
        returned = getattr(torch.nn.utils, clip)([weight], LIMIT)
        return weight.grad.tolist(), returned

    by_norm, norm = clipped("clip_grad_norm_")
    return {"value": clipped("clip_grad_value_")[0], "norm": by_norm, "norms": [float(norm)]}


def figures() -> dict[str, Any]:
    """What PyTorch gives, for the file."""
    weights = {}
    for case, seed in product(CASES, RECORDED_PROBLEMS):
        path = weights_in_pytorch(case, seed)
        weights[f"{case}, problem {seed}"] = {str(step): path[step - 1] for step in RECORDED_STEPS}
    return {
        "weights": weights,
        "rates": {repr(schedule): rates_in_pytorch(schedule) for schedule in SCHEDULES},
        "clipped": {name: clipped_in_pytorch(gradients) for name, gradients in GRADIENTS.items()},
    }


def recorded() -> dict[str, Any]:
    """What the file holds."""
    return json.loads(FILE.read_text("utf-8"))  # type: ignore[no-any-return]


def main() -> None:
    """Write the file."""
    import torch

    record = {"PyTorch": torch.__version__, **figures()}
    text = json.dumps(record, indent=1)
    FILE.write_text(re.sub(r"\n +(?=[-\dNI\]])", " ", text) + "\n", "utf-8")  # a list on one line


if __name__ == "__main__":
    main()
