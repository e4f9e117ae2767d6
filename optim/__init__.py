"""Training: update rules, the optimizers that apply them, schedules, and the training loop."""

from optim.base import Optimizer
from optim.checkpoints import CheckpointError
from optim.clipping import clip_by_norm, clip_by_value, clip_grad_norm_, clip_grad_value_, global_norm
from optim.divergence import DivergenceError
from optim.fitting import Fit, fit
from optim.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, RMSProp, VanillaGradientDescent
from optim.rules import adagrad, adam, adamw, momentum, rmsprop, sgd, vanilla
from optim.schedules import Constant, Cosine, Exponential, Linear, StepDecay, WarmUp
from optim.training import EarlyStopping, Epoch

__all__ = [
    "SGD", "AdaGrad", "Adam", "AdamW", "CheckpointError", "Constant", "Cosine", "DivergenceError",
    "EarlyStopping", "Epoch", "Exponential", "Fit", "Linear", "Momentum", "Optimizer", "RMSProp",
    "StepDecay", "VanillaGradientDescent", "WarmUp", "adagrad", "adam", "adamw", "clip_by_norm",
    "clip_by_value", "clip_grad_norm_", "clip_grad_value_", "fit", "global_norm", "momentum", "rmsprop",
    "sgd", "vanilla",
]  # fmt: skip
