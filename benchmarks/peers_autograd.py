"""HIPS autograd's part, served from an environment of its own: its package has our package's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

from contestants import Contestant, Local, serve
from workloads import FIRST_WEIGHTS, LEARNING_RATE, assignment_loss, mlp_unpacked, sigmoid_by


def load(settings: Mapping[str, Any]) -> tuple[str, Mapping[str, Callable[[], Contestant]]]:
    import autograd.numpy as np

    from autograd import grad, hessian, value_and_grad

    math = SimpleNamespace(exp=np.exp, tanh=np.tanh, sin=np.sin, sigmoid=sigmoid_by(np.exp))

    def steps() -> Contestant:
        rows = [(row[:5], row[5]) for row in settings["epoch"]]
        both = value_and_grad(lambda w, x, y: assignment_loss(math, w, x, y))

        def epoch() -> Any:
            w = np.array(FIRST_WEIGHTS)
            for x, y in rows:
                value, gradient = both(w, x, y)
                w = w - LEARNING_RATE * gradient
            return w, value

        return Local(epoch)

    def samples() -> Contestant:
        columns = np.load(settings["samples"]).T
        w = np.array(FIRST_WEIGHTS)
        gradient = grad(lambda w: assignment_loss(math, w, columns[:5], columns[5]).mean())
        return Local(lambda: gradient(w))

    def mlp() -> Contestant:
        X, y = (np.array(settings["mlp"][name]) for name in "Xy")
        parameters = np.array(settings["mlp"]["parameters"])

        def total(parameters: Any) -> Any:
            signal = X
            for depth, (matrix, biases) in enumerate(mlp_unpacked(parameters)):
                signal = np.dot(signal, matrix.reshape(len(biases), -1).T) + biases
                signal = np.where(signal > 0, signal, 0.0) if depth < 2 else signal
            return ((signal[:, 0] - y) ** 2).sum()

        both = value_and_grad(total)
        return Local(lambda: both(parameters))

    def rosenbrock(x: Any) -> Any:
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    def derivative(transform: Callable[..., Any]) -> Contestant:
        x = np.array(settings["rosenbrock"])
        run = transform(rosenbrock)
        return Local(lambda: run(x))

    return version("autograd"), {
        "steps": steps,
        "samples": samples,
        "mlp": mlp,
        "rosenbrock gradient": lambda: derivative(grad),
        "rosenbrock Hessian": lambda: derivative(hessian),
    }


if __name__ == "__main__":
    serve(load)
