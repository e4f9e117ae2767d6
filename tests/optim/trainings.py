"""What the tests of `fit` train: the assignment's nine weights, a line, and a loss that cannot be traced."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autograd import Value
from autograd.engines import engine_names
from models import load_assignment_data
from optim import Adam

EXACT = ["eager", *(name for name in engine_names() if name != "numpy")]
X, Y = load_assignment_data()
W = np.random.default_rng(0).normal(0.0, 0.01, 9).tolist()

LINE_X = np.linspace(-1.0, 1.0, 20)
LINE = LINE_X, 3 * LINE_X + 0.5


def line_loss(p, x, y):
    return (p["slope"] * x + p["shift"] - y) ** 2


def start():
    return {"slope": 0.0, "shift": 0.0}


def adam():
    return Adam(lr=0.001, betas=(0.9, 0.99), eps=0.0, eps_root=1e-8)


@dataclass
class Line:
    slope: Value
    shift: Value

    def __call__(self, x):
        return self.slope * x + self.shift


def branching(p, x, y):
    difference = p["slope"] * x + p["shift"] - y
    return difference * difference if difference > 0 else -difference
