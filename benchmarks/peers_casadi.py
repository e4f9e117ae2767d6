"""CasADi's part, served from an environment of its own: expression graphs on its virtual machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import casadi
import numpy as np
from contestants import Contestant, Local, numbers_of, serve
from workloads import (
    FIRST_WEIGHTS,
    LEARNING_RATE,
    assignment_loss,
    mlp_output,
    rosenbrock,
    sigmoid_by,
)  # fmt: skip

MATH = SimpleNamespace(
    exp=casadi.exp,
    tanh=casadi.tanh,
    sin=casadi.sin,
    sigmoid=sigmoid_by(casadi.exp),
    relu=lambda x: casadi.fmax(x, 0),
)


def numbers(result: Any) -> list[float]:
    """The numbers of CasADi's matrices, column by column."""
    parts = result if isinstance(result, (tuple, list)) else [result]
    return [number for part in parts for number in numbers_of(np.asarray(part.full()).T.ravel())]


def rosenbrock_derivative(settings: Mapping[str, Any], order: int) -> Contestant:
    """Rosenbrock's gradient (order 1) or Hessian (order 2)."""
    at = casadi.DM(settings["rosenbrock"])
    x = casadi.SX.sym("x", at.shape[0])
    value = rosenbrock(casadi.vertsplit(x))
    expression = casadi.gradient(value, x) if order == 1 else casadi.densify(casadi.hessian(value, x)[0])
    run = casadi.Function("derivative", [x], [expression])
    return Local(lambda: run(at), numbers)


def load(settings: Mapping[str, Any]) -> tuple[str, Mapping[str, Callable[[], Contestant]]]:
    w, row = casadi.SX.sym("w", 9), casadi.SX.sym("row", 6)
    loss = assignment_loss(MATH, casadi.vertsplit(w), casadi.vertsplit(row)[:5], row[5])
    step = casadi.Function("step", [w, row], [w - LEARNING_RATE * casadi.gradient(loss, w), loss])

    def scan() -> Contestant:
        rows = casadi.DM(np.load(settings["rows"]).T)
        run = step.mapaccum("epoch", rows.shape[1])

        def epoch() -> Any:
            every_w, losses = run(FIRST_WEIGHTS, rows)
            return every_w[:, -1], losses

        return Local(epoch, numbers)

    def steps() -> Contestant:
        rows = [casadi.DM(row) for row in settings["epoch"]]

        def epoch() -> Any:
            w = casadi.DM(FIRST_WEIGHTS)
            for row in rows:
                w, value = step(w, row)
            return w, value

        return Local(epoch, numbers)

    def mlp() -> Contestant:
        parameters = casadi.SX.sym("parameters", len(settings["mlp"]["parameters"]))
        x, y = casadi.SX.sym("x", 2), casadi.SX.sym("y")
        difference = mlp_output(MATH, casadi.vertsplit(parameters), casadi.vertsplit(x)) - y
        squared = difference * difference
        sample = casadi.Function(
            "sample", [parameters, x, y], [squared, casadi.gradient(squared, parameters)]
        )
        X, targets = np.array(settings["mlp"]["X"]).T, np.array([settings["mlp"]["y"]])
        run = sample.map(X.shape[1], [True, False, False], [True, True])
        operands = [casadi.DM(settings["mlp"]["parameters"]), casadi.DM(X), casadi.DM(targets)]
        return Local(lambda: run(*operands), numbers)

    return casadi.__version__, {
        "scan": scan,
        "steps": steps,
        "mlp": mlp,
        "rosenbrock gradient": lambda: rosenbrock_derivative(settings, 1),
        "rosenbrock Hessian": lambda: rosenbrock_derivative(settings, 2),
    }


if __name__ == "__main__":
    serve(load)
