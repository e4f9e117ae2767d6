"""JAX's part, served from an environment of its own: compiled by `jit`, float64, on the CPU."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from contestants import Contestant, Job, Local, serve
from workloads import FIRST_WEIGHTS, LEARNING_RATE, assignment_loss, changing_graph, mlp_unpacked


def load(settings: Mapping[str, Any]) -> tuple[str, Mapping[str, Callable[[], Contestant]]]:
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax
    import jax.numpy as jnp
    import numpy as np

    jax.config.update("jax_enable_x64", True)
    math = SimpleNamespace(
        exp=jnp.exp,
        tanh=jnp.tanh,
        sin=jnp.sin,
        sigmoid=jax.nn.sigmoid,
        softplus=jax.nn.softplus,
        softmax=lambda numbers: list(jax.nn.softmax(jnp.stack(numbers))),  # compiles 15 times sooner
    )
    w0 = jnp.array(FIRST_WEIGHTS)

    def loss(w: Any, row: Any) -> Any:
        return assignment_loss(math, w, row[:5], row[5])

    def step(w: Any, row: Any) -> Any:
        value, gradient = jax.value_and_grad(loss)(w, row)
        return w - LEARNING_RATE * gradient, value

    def scan() -> Contestant:
        rows = jnp.array(np.load(settings["rows"]))
        run = jax.jit(lambda w, rows: jax.lax.scan(step, w, rows))
        return Local(lambda: jax.block_until_ready(run(w0, rows)))

    def steps() -> Contestant:
        rows = [jnp.array(row) for row in settings["epoch"]]
        one = jax.jit(step)

        def epoch() -> Any:
            w = w0
            for row in rows:
                w, value = one(w, row)
            return jax.block_until_ready((w, value))

        return Local(epoch)

    def first_result() -> Contestant:
        row = jnp.array(settings["epoch"][0])

        def fresh() -> Any:
            return jax.block_until_ready(jax.jit(lambda w, row: step(w, row))(w0, row))

        return Job(fresh, forget=jax.clear_caches)

    def samples() -> Contestant:
        table = jnp.array(np.load(settings["samples"]))
        losses = jax.vmap(loss, in_axes=(None, 0))
        run = jax.jit(jax.grad(lambda w, table: losses(w, table).mean()))  # sooner than a mean of gradients
        return Local(lambda: jax.block_until_ready(run(w0, table)))

    def mlp() -> Contestant:
        X, y = (jnp.array(settings["mlp"][name]) for name in "Xy")
        parameters = jnp.array(settings["mlp"]["parameters"])

        def total(parameters: Any, X: Any, y: Any) -> Any:
            signal = X
            for depth, (matrix, biases) in enumerate(mlp_unpacked(parameters)):
                signal = signal @ matrix.reshape(len(biases), -1).T + biases
                signal = jax.nn.relu(signal) if depth < 2 else signal
            return ((signal[:, 0] - y) ** 2).sum()

        run = jax.jit(jax.value_and_grad(total))
        return Local(lambda: jax.block_until_ready(run(parameters, X, y)))

    def rosenbrock(x: Any) -> Any:
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    def derivative(transform: Callable[..., Any]) -> Contestant:
        x = jnp.array(settings["rosenbrock"])
        run = jax.jit(transform(rosenbrock))
        return Local(lambda: jax.block_until_ready(run(x)))

    def graph() -> Contestant:
        x = jnp.array(settings["variables"])

        def runs() -> Any:
            run = jax.jit(
                jax.value_and_grad(lambda x: changing_graph(math, list(x), settings["operations_of_jax"]))
            )
            for _ in range(settings["runs"]):
                result = run(x)
            return jax.block_until_ready(result)

        return Job(runs)

    return jax.__version__, {
        "scan": scan,
        "steps": steps,
        "first result": first_result,
        "samples": samples,
        "mlp": mlp,
        "rosenbrock gradient": lambda: derivative(jax.grad),
        "rosenbrock Hessian": lambda: derivative(jax.hessian),
        "changing graph of JAX": graph,
    }


if __name__ == "__main__":
    serve(load)
