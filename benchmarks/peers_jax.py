"""JAX's part, served from an environment of its own: compiled by `jit`, float64, on the CPU.

Where more than one way of writing the work is usual in JAX, each is a form of its own: all are timed,
and the tables compare with the fastest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from contestants import Contestant, Job, Local, serve
from workloads import (
    AT_REST,
    FIRST_WEIGHTS,
    LEARNING_RATE,
    OSCILLATOR,
    assignment_loss,
    changing_graph,
    mlp_unpacked,
    oscillator_step,
)

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)

MATH = SimpleNamespace(
    exp=jnp.exp,
    tanh=jnp.tanh,
    sin=jnp.sin,
    sigmoid=jax.nn.sigmoid,
    softplus=jax.nn.softplus,
    softmax=lambda numbers: list(jax.nn.softmax(jnp.stack(numbers))),  # compiles 15 times sooner
)

Settings = Mapping[str, Any]


def loss(w: Any, x: Any, y: Any) -> Any:
    """The assignment's loss, the weights as one array."""
    return assignment_loss(MATH, w, x, y)


def step(w: Any, x: Any, y: Any) -> Any:
    """One update by gradient descent; the new weights and the loss."""
    value, gradient = jax.value_and_grad(loss)(w, x, y)
    return w - LEARNING_RATE * gradient, value


def step_of_row(w: Any, row: Any) -> Any:
    """The same update, where the features and the target are sliced out of one array."""
    return step(w, row[:5], row[5])


def first_weights() -> Any:
    """A new array of the weights that every training starts from."""
    return jnp.array(FIRST_WEIGHTS)


def scan(settings: Settings, *, donate: bool) -> Contestant:
    """All steps in one `lax.scan`, over X and y as two arrays."""
    rows = np.load(settings["rows"])
    X, y = jnp.array(rows[:, :5]), jnp.array(rows[:, 5])

    def epoch(w: Any, X: Any, y: Any) -> Any:
        return jax.lax.scan(lambda w, sample: step(w, *sample), w, (X, y))

    run = jax.jit(epoch, donate_argnums=(0,) if donate else ())
    w = first_weights()
    return Local(lambda: jax.block_until_ready(run(first_weights() if donate else w, X, y)))


def scan_rows(settings: Settings) -> Contestant:
    """All steps in one `lax.scan`, over rows that hold the features and the target."""
    rows = jnp.array(np.load(settings["rows"]))
    run = jax.jit(lambda w, rows: jax.lax.scan(step_of_row, w, rows))
    w = first_weights()
    return Local(lambda: jax.block_until_ready(run(w, rows)))


def steps(update: Callable[..., Any], samples: list[tuple[Any, ...]]) -> Contestant:
    """A call each of a jitted step."""
    run, first = jax.jit(update), first_weights()

    def epoch() -> Any:
        w = first
        for sample in samples:
            w, value = run(w, *sample)
        return jax.block_until_ready((w, value))

    return Local(epoch)


def steps_of_samples(settings: Settings, array: Callable[[Any], Any]) -> Contestant:
    """A call each, with the features and the target as two arrays of a library."""
    return steps(step, [(array(row[:5]), array(row[5])) for row in settings["epoch"]])


def steps_of_rows(settings: Settings, array: Callable[[Any], Any]) -> Contestant:
    """A call each, with a row that holds both."""
    return steps(step_of_row, [(array(row),) for row in settings["epoch"]])


def first_result(settings: Settings, *, whole_row: bool) -> Contestant:
    """The first call of a jitted step, compiling included."""
    row, w = settings["epoch"][0], first_weights()
    update: Callable[..., Any] = step_of_row if whole_row else step
    sample = [jnp.array(row)] if whole_row else [jnp.array(row[:5]), jnp.array(row[5])]

    def fresh() -> Any:
        return jax.block_until_ready(jax.jit(lambda *operands: update(*operands))(w, *sample))

    return Job(fresh, forget=jax.clear_caches)


def samples(settings: Settings, *, columns: bool) -> Contestant:
    """The mean gradient over a batch, stored by rows or by columns."""
    table = np.load(settings["samples"])
    batch = jnp.array(np.ascontiguousarray(table.T) if columns else table)
    losses = jax.vmap(lambda w, row: loss(w, row[:5], row[5]), in_axes=(None, 1 if columns else 0))
    run = jax.jit(jax.grad(lambda w, batch: losses(w, batch).mean()))  # sooner than a mean of gradients
    w = first_weights()
    return Local(lambda: jax.block_until_ready(run(w, batch)))


def mlp(settings: Settings) -> Contestant:
    """The network's value and gradient over a batch, as products of matrices."""
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
    """Rosenbrock's function in whole arrays."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def rosenbrock_derivative(settings: Settings, transform: Callable[..., Any]) -> Contestant:
    """Its gradient or its Hessian."""
    x = jnp.array(settings["rosenbrock"])
    run = jax.jit(transform(rosenbrock))
    return Local(lambda: jax.block_until_ready(run(x)))


def oscillator(p: Any, steps: int) -> Any:
    """The oscillator's loss over so many steps."""

    def step_of_time(carry: Any, _: None) -> Any:
        return oscillator_step(MATH, p, carry), None

    return jax.lax.scan(step_of_time, AT_REST, None, length=steps)[0][2]


def oscillation(settings: Settings, transform: Callable[..., Any], steps: str) -> Contestant:
    """A derivative of it."""
    p = jnp.array(OSCILLATOR)
    run = jax.jit(transform(partial(oscillator, steps=settings[steps])))
    return Local(lambda: jax.block_until_ready(run(p)))


def oscillations(settings: Settings) -> Contestant:
    """Gradients of many oscillators."""
    sets = jnp.array(settings["sets"])
    run = jax.jit(jax.vmap(jax.grad(partial(oscillator, steps=settings["steps of sets"]))))
    return Local(lambda: jax.block_until_ready(run(sets)))


def kepler(e: Any, mean_anomaly: Any) -> Any:
    """The eccentric anomaly by Newton's iteration; its derivative is that of the equation."""

    def equation(x: Any) -> Any:
        return x - e * jnp.sin(x) - mean_anomaly

    def solve(f: Callable[[Any], Any], start: Any) -> Any:
        def step(state: Any) -> Any:
            x, _ = state
            change = f(x) / (1 - e * jnp.cos(x))
            return x - change, change

        return jax.lax.while_loop(lambda state: abs(state[1]) > 1e-12, step, (start, 1.0))[0]

    return jax.lax.custom_root(equation, mean_anomaly, solve, lambda g, y: y / g(1.0))


def orbits(settings: Settings) -> Contestant:
    """Gradients of the solutions of many of Kepler's equations."""
    eccentricities, anomalies = (jnp.array(column) for column in zip(*settings["orbits"]))
    run = jax.jit(jax.vmap(jax.grad(kepler, (0, 1))))
    return Local(lambda: jax.block_until_ready(run(eccentricities, anomalies)))


def first_oscillation(settings: Settings) -> Contestant:
    """Its value and gradient, compiling included."""
    p, steps = jnp.array(OSCILLATOR), settings["fewer steps"]

    def fresh() -> Any:
        return jax.block_until_ready(jax.jit(jax.value_and_grad(lambda p: oscillator(p, steps)))(p))

    return Job(fresh, forget=jax.clear_caches)


def graph(settings: Settings) -> Contestant:
    """The changing graph: compiled once, run many times."""
    x, operations = jnp.array(settings["variables"]), settings["operations_of_jax"]

    def runs() -> Any:
        run = jax.jit(jax.value_and_grad(lambda x: changing_graph(MATH, list(x), operations)))
        for _ in range(settings["runs"]):
            result = run(x)
        return jax.block_until_ready(result)

    return Job(runs)


MAKERS: dict[str, Callable[[Settings], Contestant]] = {
    "scan/X and y as two arrays": partial(scan, donate=False),
    "scan/X and y as two arrays, weights donated": partial(scan, donate=True),
    "scan/rows": scan_rows,
    "steps/x and y as two arrays": partial(steps_of_samples, array=jnp.array),
    "steps/x and y as two NumPy arrays": partial(steps_of_samples, array=np.array),
    "steps/rows": partial(steps_of_rows, array=jnp.array),
    "steps/NumPy rows": partial(steps_of_rows, array=np.array),
    "first result/x and y as two arrays": partial(first_result, whole_row=False),
    "first result/a row": partial(first_result, whole_row=True),
    "samples/by columns": partial(samples, columns=True),
    "samples/by rows": partial(samples, columns=False),
    "mlp": mlp,
    "rosenbrock gradient": partial(rosenbrock_derivative, transform=jax.grad),
    "rosenbrock Hessian": partial(rosenbrock_derivative, transform=jax.hessian),
    "oscillator": partial(oscillation, transform=jax.value_and_grad, steps="steps"),
    "oscillator Hessian": partial(oscillation, transform=jax.hessian, steps="fewer steps"),
    "oscillator gradient": partial(oscillation, transform=jax.grad, steps="fewer steps"),
    "oscillators": oscillations,
    "Kepler": orbits,
    "oscillator first": first_oscillation,
    "changing graph of JAX": graph,
}


def load(settings: Settings) -> tuple[str, Mapping[str, Callable[[], Contestant]]]:
    """JAX's version, and for each piece of work or form of it the function that makes it ready."""
    return jax.__version__, {name: partial(make, settings) for name, make in MAKERS.items()}


if __name__ == "__main__":
    serve(load)
