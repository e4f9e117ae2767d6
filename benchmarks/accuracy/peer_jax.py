"""JAX's values and derivatives, in an environment of its own: compiled, float64, on the CPU."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)


def functions() -> dict[str, Callable[..., Any]]:
    """JAX's function for each of our primitives."""
    names = ["exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "hypot", "sin", "cos", "tan", "sinh"]
    names += ["cosh", "tanh", "maximum", "minimum", "absolute"]
    others = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh"}
    others |= {"acosh": "arccosh", "atanh": "arctanh", "pow": "power", "neg": "negative", "add": "add"}
    others |= {"sub": "subtract", "mul": "multiply", "div": "divide"}
    return {
        **{name: getattr(jnp, name) for name in names},
        **{ours: getattr(jnp, theirs) for ours, theirs in others.items()},
        "sigmoid": jax.nn.sigmoid,
        "softplus": jax.nn.softplus,
        "relu": jax.nn.relu,
        "erf": jax.scipy.special.erf,
        "erfc": jax.scipy.special.erfc,
        "where": lambda c, a, b: jnp.where(c != 0, a, b),
    }


def main() -> None:
    """Evaluate at the points of one file, and write the results to another."""
    points, results = np.load(sys.argv[1]), {}
    for name, function in functions().items():
        if name in points:
            columns = [jnp.array(column) for column in points[name]]
            every = jax.jit(jax.vmap(jax.value_and_grad(function, tuple(range(len(columns))))))
            value, first = every(*columns)
            results[name] = np.array([value, *first])
    np.savez(sys.argv[2], version=jax.__version__, **results)


if __name__ == "__main__":
    main()
