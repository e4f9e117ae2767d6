"""Our library's part in the work, on each engine, and the assignment's loop with gradients by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np

import autograd
from autograd import Value, cos, grad, hessian, jit, scan, sin, value_and_grad, vmap, while_loop
from autograd.engines import engine_names
from benchmarks.contestants import Contestant, Job, Local, PeerMissingError
from benchmarks.workloads import (
    AT_REST,
    FIRST_WEIGHTS,
    LEARNING_RATE,
    OSCILLATOR,
    assignment_loss,
    changing_graph,
    mlp_output,
    oscillator_step,
    rosenbrock,
    softmax_by,
)  # fmt: skip

__all__ = ["by_hand", "eager", "graph_program", "works"]

MATH = SimpleNamespace(**{name: getattr(autograd, name) for name in autograd.__all__})
MATH.softmax = softmax_by(autograd.exp)


def loss(w: Any, x: Any, y: Any) -> Any:
    """The assignment's loss on a sample."""
    return assignment_loss(MATH, w, x, y)


def step(w: Any, x: Any, y: Any, rate: float = LEARNING_RATE) -> Any:
    """One update by gradient descent; the new weights and the loss."""
    value, gradient = value_and_grad(loss)(w, x, y)
    return [weight - rate * g for weight, g in zip(w, gradient)], value


def oscillator(p: Any, steps: int, factor: float = 1.0, checkpoint: Any = None) -> Any:
    """The oscillator's loss over so many steps, times a factor."""

    def step_of_time(carry: Any, _: None) -> Any:
        return oscillator_step(MATH, p, carry), None

    return factor * scan(step_of_time, AT_REST, None, length=steps, checkpoint=checkpoint)[0][2]


def kepler(e: Any, mean_anomaly: Any) -> Any:
    """The eccentric anomaly by Newton's iteration, which is differentiated as it is."""

    def step(state: Any) -> Any:
        x, _ = state
        change = (x - e * sin(x) - mean_anomaly) / (1 - e * cos(x))
        return x - change, change

    return while_loop(lambda state: abs(state[1]) > 1e-12, step, (mean_anomaly, 1.0))[0]


_ulps = count(1)


def unmet(number: float) -> float:
    """Nearly the number, and another at each call: code that holds it has not been compiled before."""
    return number + next(_ulps) * math.ulp(number)


def works(engine: str, settings: Mapping[str, Any]) -> Mapping[str, Callable[[], Contestant]]:
    """For each piece of work the function that makes it ready on an engine.

    Raises:
        PeerMissingError: there is no such engine, or it needs a package that is not installed.
    """
    if engine not in engine_names():
        raise PeerMissingError("there is no such engine")
    try:
        jit(lambda x: x * x, engine=engine)(1.0)
    except ModuleNotFoundError as error:
        raise PeerMissingError(str(error)) from error

    def epoch() -> Contestant:
        rows = np.load(settings["rows"])
        X, y = np.ascontiguousarray(rows[:, :5]), np.ascontiguousarray(rows[:, 5])

        def sequence(w: Any, sample: Any) -> Any:
            return step(w, *sample)

        return Local(lambda: scan(sequence, FIRST_WEIGHTS, (X, y), engine=engine))

    def first_result() -> Contestant:
        *x, y = settings["epoch"][0]

        def first() -> Any:
            rate = unmet(LEARNING_RATE)
            return jit(lambda w, x, y: step(w, x, y, rate), engine=engine)(FIRST_WEIGHTS, x, y)

        return Job(first)

    def samples() -> Contestant:
        table = np.load(settings["samples"])
        X, y = table[:, :5], table[:, 5]
        mean = jit(vmap(grad(loss), in_axes=(None, 0, 0), reduce="mean", engine=engine))
        return Local(lambda: mean(FIRST_WEIGHTS, X, y))

    def derivative(transform: Callable[..., Any]) -> Contestant:
        x = settings["rosenbrock"]
        run = jit(transform(rosenbrock), engine=engine)
        return Local(lambda: run(x))

    def oscillation(transform: Callable[..., Any], steps: int, checkpoint: Any = None) -> Contestant:
        run = jit(transform(partial(oscillator, steps=steps, checkpoint=checkpoint)), engine=engine)
        return Local(lambda: run(OSCILLATOR))

    def oscillations() -> Contestant:
        sets = np.array(settings["sets"])
        run = jit(vmap(grad(partial(oscillator, steps=settings["steps of sets"])), engine=engine))
        return Local(lambda: run(sets))

    def orbits() -> Contestant:
        eccentricities, anomalies = np.array(settings["orbits"]).T.copy()
        run = jit(vmap(grad(kepler, (0, 1)), engine=engine))
        return Local(lambda: run(eccentricities, anomalies))

    def first_oscillation() -> Contestant:
        def first() -> Any:
            p = partial(oscillator, steps=settings["fewer steps"], factor=unmet(1.0))
            return jit(value_and_grad(p), engine=engine)(OSCILLATOR)

        return Job(first)

    def graph(operations: int) -> Contestant:
        def runs() -> Any:
            run = graph_program(operations, engine)
            for _ in range(settings["runs"]):
                result = run(settings["variables"])
            return result

        return Job(runs)

    def graph_once() -> Contestant:
        run = graph_program(settings["operations"], engine)
        return Local(lambda: run(settings["variables"]))

    return {
        "scan": epoch,
        "steps": lambda: _steps(engine, settings),
        "first result": first_result,
        "samples": samples,
        "mlp": lambda: _mlp(engine, settings),
        "mlp of Values": lambda: _mlp_of_values(engine, settings),
        "rosenbrock gradient": lambda: derivative(grad),
        "rosenbrock Hessian": lambda: derivative(hessian),
        "oscillator": lambda: oscillation(value_and_grad, settings["steps"]),
        "oscillator, few carries": lambda: oscillation(value_and_grad, settings["steps"], "binomial"),
        "oscillator Hessian": lambda: oscillation(hessian, settings["fewer steps"]),
        "oscillator gradient": lambda: oscillation(grad, settings["fewer steps"]),
        "oscillators": oscillations,
        "Kepler": orbits,
        "oscillator first": first_oscillation,
        "changing graph": lambda: graph(settings["operations"]),
        "changing graph of JAX": lambda: graph(settings["operations_of_jax"]),
        "changing graph once": graph_once,
    }


def _steps(engine: str, settings: Mapping[str, Any]) -> Contestant:
    """A call each of a jitted step."""
    rows = [(row[:5], row[5]) for row in settings["epoch"]]
    jitted = jit(step, engine=engine)

    def epoch() -> Any:
        w = FIRST_WEIGHTS
        for x, y in rows:
            w, value = jitted(w, x, y)
        return w, value

    return Local(epoch)


def _mlp(engine: str, settings: Mapping[str, Any]) -> Contestant:
    """The network's value and gradient over a batch, mapped from a formula for one sample."""
    X, y = (np.array(settings["mlp"][name]) for name in "Xy")
    parameters = settings["mlp"]["parameters"]

    def squared(parameters: Any, x: Any, y: Any) -> Any:
        difference = mlp_output(MATH, parameters, x) - y
        return difference * difference

    total = jit(vmap(value_and_grad(squared), in_axes=(None, 0, 0), reduce="sum", engine=engine))
    return Local(lambda: total(parameters, X, y))


def _mlp_of_values(engine: str | None, settings: Mapping[str, Any]) -> Contestant:
    """The network's value and the gradient that `backward` leaves in its Values; without an engine eager."""
    X, y = settings["mlp"]["X"], settings["mlp"]["y"]
    weights = [Value(number) for number in settings["mlp"]["parameters"]]

    def total(weights: Any, X: Any, y: Any) -> Any:
        differences = [mlp_output(MATH, weights, row) - target for row, target in zip(X, y)]
        return sum(difference * difference for difference in differences)

    loss = total if engine is None else jit(total, engine=engine)

    def step() -> Any:
        for weight in weights:
            weight.grad = 0.0
        result = loss(weights, X, y)
        result.backward()
        return result.data, [weight.grad for weight in weights]

    return Local(step)


def eager(settings: Mapping[str, Any]) -> Contestant:
    """The network of Values, and nothing compiled."""
    return _mlp_of_values(None, settings)


def graph_program(operations: int, engine: str) -> Any:
    """The value and the gradient of the changing graph's last node, traced and compiled anew."""
    factor = unmet(1.0)
    return jit(
        value_and_grad(lambda variables: factor * changing_graph(MATH, variables, operations)), engine=engine
    )


def by_hand(settings: Mapping[str, Any]) -> Contestant:
    """One step a call in NumPy, gradients derived by hand, as the assignment has it."""
    rows = [(row[:5], row[5]) for row in settings["epoch"]]

    def step_by_hand(w: Any, x: Any, y: Any) -> Any:
        w1, w2, w3, w4, w5, w6, w7, w8, w9 = w
        x1, x2, x3, x4, x5 = x
        u = w1 * x1 + w2 * x2
        q = w4 * x4 + w5 * x5
        e = np.exp(u * u + w6)
        t = np.tanh(e + w7)
        r = np.sin(w3 * x3)
        s = 1 / (1 + np.exp(-(r * q + w8)))
        difference = y - (t + s * w9)
        dy = -2 * difference
        dw8 = dy * w9 * s * (1 - s)
        dw7 = dy * (1 - t * t)
        dw6 = dw7 * e
        du = dw6 * 2 * u
        dw3 = dw8 * q * np.cos(w3 * x3) * x3
        gradient = (du * x1, du * x2, dw3, dw8 * r * x4, dw8 * r * x5, dw6, dw7, dw8, dy * s)
        return [a - LEARNING_RATE * g for a, g in zip(w, gradient)], difference * difference

    def epoch() -> Any:
        w = FIRST_WEIGHTS
        for x, y in rows:
            w, value = step_by_hand(w, x, y)
        return w, value

    return Local(epoch)
