"""A missing extra: what needs it says how to install it, and what can do without says so or just does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograd.support.extras import MissingExtraError, require

# A process in which no optional package can be imported, and no program found. What raises is told by
# its type and message, what does not by its result.
CODE = """
import json, os, sys
OPTIONAL = "matplotlib tqdm rich pygraphviz llvmlite scipy mpmath hypothesis IPython"
sys.modules.update(dict.fromkeys(OPTIONAL.split()))
os.environ["PATH"] = ""
from pathlib import Path
import numpy as np
import autograd, autograd.testing, models, models.moons, models.assignment, optim
from autograd import *
from models.assignment.plots import plot_losses
from models.assignment.report import terminal
from optim import *

def outcome(call):
    try:
        return str(call())
    except Exception as error:
        return f"{type(error).__name__}: {error}"

x = np.linspace(0.0, 1.0, 5)
def square(x):
    return x * x
def distance(w, x):
    return (w - x) ** 2
outcomes = {
    "the engine llvm": outcome(lambda: jit(square, engine="llvm")(1.0)),
    "the engine interpreter": outcome(lambda: vmap(square, engine="interpreter")(x)),
    "minimize": outcome(lambda: minimize(square, 1.0)),
    "least_squares": outcome(lambda: least_squares(lambda x: [x], 1.0)),
    "curve_fit": outcome(lambda: curve_fit(lambda x, a: a * x, x, x)),
    "a progress bar": outcome(lambda: fit(distance, 0.0, x, SGD(lr=0.1), 1, progress=True)),
    "high precision": outcome(lambda: check_gradients(square, 1.0, method="high-precision")),
    "expressions": outcome(lambda: autograd.testing.expressions()),
    "points": outcome(lambda: autograd.testing.points()),
    "the loss plots": outcome(lambda: plot_losses([], "title", Path("plot.png"))),
    "the terminal": outcome(lambda: terminal(quiet=False)),
    "the boundary": outcome(lambda: models.moons.draw_boundary(None, x, x, Path("moons.png"))),
    "a picture": outcome(lambda: draw(Value(1.0) * 2).render("graph.svg")),
    "a notebook's picture": outcome(lambda: draw(Value(1.0) * 2)._repr_svg_()),
    "a call": outcome(lambda: (jit(square)(3.0), jit(square).engine(3.0))),
    "a batch": outcome(lambda: vmap(erf)(x[:1])),
    "training": outcome(lambda: fit(distance, 0.0, x, SGD(lr=0.1), 1).engine),
    "a check": outcome(lambda: check_gradients(square, 1.0)),
    "a page": outcome(lambda: "<html" in explain(Value(2.0) * 3).html),
}
print(json.dumps(outcomes))
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CODE],
        cwd=tmp_path_factory.mktemp("bare"),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    outcomes: dict[str, str] = json.loads(done.stdout)
    return outcomes


@pytest.mark.parametrize(
    ("what", "package", "extra"),
    [
        ("the engine llvm", "llvmlite", "jit"),
        ("the engine interpreter", "llvmlite", "jit"),
        ("minimize", "scipy", "fit"),
        ("least_squares", "scipy", "fit"),
        ("curve_fit", "scipy", "fit"),
        ("a progress bar", "tqdm", "plots"),
        ("expressions", "hypothesis", "testing"),
        ("points", "hypothesis", "testing"),
        ("the loss plots", "matplotlib", "plots"),
        ("the terminal", "rich", "plots"),
        ("the boundary", "matplotlib", "plots"),
    ],
)
def test_what_needs_an_extra_says_how_to_install_it(what, package, extra, outcomes):
    message = f'MissingExtraError: {package} is not installed: run  pip install "valuegrad[{extra}]"'
    assert outcomes[what] == message


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("high precision", 'mpmath is not installed: run  pip install "valuegrad[check]"'),
        ("a picture", 'pip install "valuegrad[draw]"'),
        ("a check", "passed (method complex-step"),
        ("a check", "high-precision could not be used: mpmath is not installed: run  pip install"),
    ],
)
def test_an_error_or_a_fallback_says_it_in_its_own_words(what, message, outcomes):
    assert message in outcomes[what]


def test_everything_else_works_without_any(outcomes):
    assert outcomes["a call"] == "(9.0, 'python')"
    assert outcomes["a batch"] == "[0.]"
    assert outcomes["training"] == "python"
    assert outcomes["a notebook's picture"] == "None"
    assert outcomes["a page"] == "True"


def test_a_missing_extra_is_a_missing_module():
    with pytest.raises(ModuleNotFoundError, match="no_such_package and nor_this_one is not installed"):
        require("plots", "numpy", "no_such_package", "nor_this_one")
    assert issubclass(MissingExtraError, ImportError)
