"""Training and fitting: update rules, optimizers, schedules, the training loop, SciPy's solvers."""

from optim.checkpoints import CheckpointError
from optim.clipping import clip_by_norm, clip_by_value, clip_grad_norm_, clip_grad_value_, global_norm
from optim.divergence import DivergenceError
from optim.fitting import Fit, fit
from optim.optimizer import Optimizer
from optim.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, RMSProp, VanillaGradientDescent
from optim.plan import EarlyStopping
from optim.rules import adagrad, adam, adamw, momentum, rmsprop, sgd, vanilla
from optim.schedules import Constant, Cosine, Exponential, Linear, StepDecay, WarmUp
from optim.solvers.curve_fitting import NotConvergedError, curve_fit
from optim.solvers.minimizing import minimize
from optim.solvers.sums_of_squares import least_squares
from optim.training_run import Epoch

__all__ = [
    "SGD", "AdaGrad", "Adam", "AdamW", "CheckpointError", "Constant", "Cosine", "DivergenceError",
    "EarlyStopping", "Epoch", "Exponential", "Fit", "Linear", "Momentum", "NotConvergedError",
    "Optimizer", "RMSProp", "StepDecay", "VanillaGradientDescent", "WarmUp", "adagrad", "adam", "adamw",
    "clip_by_norm", "clip_by_value", "clip_grad_norm_", "clip_grad_value_", "curve_fit", "fit",
    "global_norm", "least_squares", "minimize", "momentum", "rmsprop", "sgd", "vanilla",
]  # fmt: skip
