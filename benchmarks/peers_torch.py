"""PyTorch's part, served from an environment of its own: eager, float64, on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from contestants import Contestant, Local, serve
from workloads import FIRST_WEIGHTS, LEARNING_RATE, assignment_loss, mlp_unpacked


def rosenbrock(x: Any) -> Any:
    """Rosenbrock's function in whole arrays."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def load(settings: Mapping[str, Any]) -> tuple[str, Mapping[str, Callable[[], Contestant]]]:
    import numpy as np
    import torch

    torch.set_default_dtype(torch.float64)

    def steps() -> Contestant:
        rows = [[torch.tensor(number) for number in row] for row in settings["epoch"]]

        def epoch() -> Any:
            w = [torch.tensor(number, requires_grad=True) for number in FIRST_WEIGHTS]
            for *x, y in rows:
                loss = assignment_loss(torch, w, x, y)
                loss.backward()
                with torch.no_grad():
                    for weight in w:
                        weight -= LEARNING_RATE * weight.grad
                        weight.grad = None
            return [weight.detach() for weight in w], loss.detach()

        return Local(epoch)

    def samples() -> Contestant:
        columns = torch.tensor(np.load(settings["samples"])).T
        w = torch.tensor(FIRST_WEIGHTS, requires_grad=True)

        def mean() -> Any:
            loss = assignment_loss(torch, w, columns[:5], columns[5]).mean()
            return torch.autograd.grad(loss, w)[0]

        return Local(mean)

    def mlp() -> Contestant:
        X, y = (torch.tensor(settings["mlp"][name]) for name in "Xy")
        parameters = torch.tensor(settings["mlp"]["parameters"], requires_grad=True)

        def value_and_gradient() -> Any:
            signal = X
            for depth, (matrix, biases) in enumerate(mlp_unpacked(parameters)):
                signal = signal @ matrix.reshape(len(biases), -1).T + biases
                signal = torch.relu(signal) if depth < 2 else signal
            total = ((signal[:, 0] - y) ** 2).sum()
            return total.detach(), torch.autograd.grad(total, parameters)[0]

        return Local(value_and_gradient)

    def derivative(transform: Callable[..., Any]) -> Contestant:
        x = torch.tensor(settings["rosenbrock"])
        run = transform(rosenbrock)
        return Local(lambda: run(x))

    return torch.__version__, {
        "steps": steps,
        "samples": samples,
        "mlp": mlp,
        "rosenbrock gradient": lambda: derivative(torch.func.grad),
        "rosenbrock Hessian": lambda: derivative(torch.func.hessian),
    }


if __name__ == "__main__":
    serve(load)
