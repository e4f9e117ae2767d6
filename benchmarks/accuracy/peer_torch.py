"""PyTorch's values and derivatives, in an environment of its own: eager, float64, on the CPU."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch


def functions() -> dict[str, Callable[..., Any]]:
    """PyTorch's function for each of our primitives."""
    names = ["exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "hypot", "sin", "cos", "tan", "asin"]
    names += ["acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sigmoid", "erf"]
    names += ["erfc", "relu", "absolute", "maximum", "minimum", "pow", "add", "sub", "mul", "div", "neg"]
    return {
        **{name: getattr(torch, name) for name in names},
        "softplus": torch.nn.functional.softplus,
        "where": lambda c, a, b: torch.where(c != 0, a, b),
    }


def main() -> None:
    """Evaluate at the points of one file, and write the results to another."""
    points, results = np.load(sys.argv[1]), {}
    for name, function in functions().items():
        if name in points:
            leaves = [torch.tensor(column, requires_grad=True) for column in points[name]]
            value = function(*leaves)
            gradients = torch.autograd.grad(value.sum(), leaves, allow_unused=True)
            zero = torch.zeros_like(value)
            first = [zero if gradient is None else gradient for gradient in gradients]
            results[name] = np.array([output.detach().numpy() for output in (value, *first)])
    np.savez(sys.argv[2], version=torch.__version__, **results)


if __name__ == "__main__":
    main()
