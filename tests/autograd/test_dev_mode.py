"""`python -X dev -W error`: what a user does first warns of nothing and leaves nothing open."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import numpy as np
from autograd import *
from autograd.engines import engine_names
from optim import Adam, curve_fit, fit

def loss(w, x, y):
    return (w[0] * x + w[1] - y) ** 2

x = np.linspace(-1.0, 1.0, 20_000)
v = Value(2.0, "v")
y = (v * v).sin()
y.backward()
draw(y).render("graph.svg")
explain(y).save("page.html")
for engine in engine_names():
    jit(value_and_grad(loss), engine=engine)([1.0, 2.0], 3.0, 4.0)
    vmap(loss, in_axes=(None, 0, 0), engine=engine)([1.0, 2.0], x, x)
    scan(lambda c, one: (c + one, c), 0.0, x[:9], engine=engine)
    fit(loss, [0.0, 0.0], (x[:50], x[:50]), Adam(lr=0.1), 3, 10, engine=engine, checkpoint=engine)
trace(loss, [0.0, 0.0], 0.0, 0.0).save("program")
Program.load("program")([1.0, 2.0], 3.0, 4.0)
curve_fit(lambda t, a, b: a * exp(-b * t), np.arange(5.0), 3 * np.exp(-0.5 * np.arange(5.0)))
assert check_gradients(loss, [1.0, 2.0], 3.0, 4.0).passed
print("done")
"""


def test_nothing_is_warned_of_and_nothing_left_open(tmp_path):
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", CODE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("done\n", "", 0)
