"""Update rules and the optimizers that apply them."""

from optim.optimizers import Adam, Momentum, Optimizer, VanillaGradientDescent
from optim.rules import adam, momentum, vanilla

__all__ = ["Adam", "Momentum", "Optimizer", "VanillaGradientDescent", "adam", "momentum", "vanilla"]
