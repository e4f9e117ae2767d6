"""micrograd's part, served from an environment of its own: eager, with the functions it lacks added."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from math import exp, log1p
from types import SimpleNamespace
from typing import Any

from contestants import Contestant, Local, serve
from peers import micrograd_value
from workloads import (
    FIRST_WEIGHTS,
    LEARNING_RATE,
    assignment_loss,
    changing_graph,
    mlp_output,
    rosenbrock,
    softmax_by,
)  # fmt: skip


def functions(Value: type[Any]) -> SimpleNamespace:  # noqa: N803  it is a class
    """The functions of the formulas, on micrograd's values."""

    def softplus(x: Any) -> Any:
        out = Value(log1p(exp(-abs(x.data))) + max(x.data, 0.0), (x,), "softplus")

        def _backward() -> None:
            x.grad += out.grad / (1 + exp(-x.data))

        out._backward = _backward
        return out

    return SimpleNamespace(
        exp=Value.exp,
        tanh=Value.tanh,
        sin=Value.sin,
        sigmoid=Value.sigmoid,
        relu=Value.relu,
        softplus=softplus,
        softmax=softmax_by(Value.exp),
    )


def load(settings: Mapping[str, Any]) -> tuple[str, Mapping[str, Callable[[], Contestant]]]:
    Value = micrograd_value()  # noqa: N806  it is a class
    sys.setrecursionlimit(200_000)  # its topological sort is recursive

    math = functions(Value)

    def steps() -> Contestant:
        rows = [(row[:5], row[5]) for row in settings["epoch"]]

        def epoch() -> Any:
            w = [Value(number) for number in FIRST_WEIGHTS]
            for x, y in rows:
                for weight in w:
                    weight.grad = 0
                loss = assignment_loss(math, w, x, y)
                loss.backward()
                for weight in w:
                    weight.data -= LEARNING_RATE * weight.grad
            return [weight.data for weight in w], loss.data

        return Local(epoch)

    def value_and_gradient(f: Callable[[list[Any]], Any], numbers: list[float]) -> Callable[[], Any]:
        variables = [Value(number) for number in numbers]

        def both() -> Any:
            for variable in variables:
                variable.grad = 0
            result = f(variables)
            result.backward()
            return result.data, [variable.grad for variable in variables]

        return both

    def mlp() -> Contestant:
        X, y = settings["mlp"]["X"], settings["mlp"]["y"]

        def total(parameters: list[Any]) -> Any:
            differences = [mlp_output(math, parameters, x) - target for x, target in zip(X, y)]
            return sum(difference * difference for difference in differences)

        return Local(value_and_gradient(total, settings["mlp"]["parameters"]))

    def gradient() -> Contestant:
        both = value_and_gradient(rosenbrock, settings["rosenbrock"])
        return Local(lambda: both()[1])

    def graph() -> Contestant:
        def last(variables: list[Any]) -> Any:
            return changing_graph(math, variables, settings["operations"])

        return Local(value_and_gradient(last, settings["variables"]))

    return version("micrograd"), {
        "steps": steps,
        "mlp": mlp,
        "rosenbrock gradient": gradient,
        "changing graph once": graph,
    }


if __name__ == "__main__":
    serve(load)
