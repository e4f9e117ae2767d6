"""The work that all contestants do: formulas over whatever numbers and functions an engine brings.

Only the standard library is imported, so that a peer's process can load this file too. ``math`` is
always an object with the functions a formula needs as attributes: our library, or a peer's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

__all__ = [
    "AT_REST", "FIRST_WEIGHTS", "LEARNING_RATE", "MLP_SIZES", "OSCILLATOR", "STEP", "assignment_loss",
    "changing_graph", "mlp_output", "mlp_unpacked", "oscillator_step", "rosenbrock", "sigmoid_by",
    "softmax_by",
]  # fmt: skip

LEARNING_RATE = 0.001
FIRST_WEIGHTS = [0.1] * 9
MLP_SIZES = (2, 16, 16, 1)
OSCILLATOR = [1.3, 0.2]  # its stiffness and its damping
AT_REST = (1.0, 0.0, 0.0)  # place, speed, and the loss so far
STEP = 1e-3  # of time


def assignment_loss(math: Any, w: Sequence[Any], x: Sequence[Any], y: Any) -> Any:
    """The squared error of the assignment's graph: nine weights, five features, a target."""
    w1, w2, w3, w4, w5, w6, w7, w8, w9 = w
    x1, x2, x3, x4, x5 = x
    u = w1 * x1 + w2 * x2
    part2 = math.tanh(math.exp(u * u + w6) + w7)
    part3 = math.sigmoid(math.sin(w3 * x3) * (w4 * x4 + w5 * x5) + w8)
    difference = y - (part2 + part3 * w9)
    return difference * difference


def oscillator_step(math: Any, p: Sequence[Any], carry: Any) -> Any:
    """Euler's step of a damped oscillator, which adds the square of the place to the loss."""
    x, v, loss = carry
    x, v = x + STEP * v, v + STEP * (-p[0] * x - p[1] * v - 0.1 * math.sin(x))
    return x, v, loss + STEP * x * x


def changing_graph(math: Any, variables: Sequence[Any], operations: int) -> Any:
    """The last node of the scalar graph of A. Rogozhnikov, "Fastest Autograd in the West", 2023.

    Args:
        math: has ``softplus``, and ``softmax`` of a list of four.
        variables: the first nodes, at least 30.
        operations: how many follow; each fourth of them appends four nodes.
    """
    nodes = list(variables)
    for k in range(operations):
        kind = k % 4
        if kind == 0:
            nodes.append(math.softplus(nodes[-10]))
        elif kind == 1:
            nodes.append(sum(nodes[-30:-10:5]))
        elif kind == 2:
            nodes.append(nodes[-20] * nodes[-10])
        else:
            nodes.extend(math.softmax(nodes[-4:]))
    return nodes[-1]


def softmax_by(exp: Any) -> Any:
    """Softmax of a list of numbers, for an engine that has none of its own."""

    def softmax(numbers: Sequence[Any]) -> list[Any]:
        exponentials = [exp(number) for number in numbers]
        total = sum(exponentials[1:], exponentials[0])
        return [exponential / total for exponential in exponentials]

    return softmax


def sigmoid_by(exp: Any) -> Any:
    """The sigmoid, for an engine that has none of its own."""
    return lambda x: 1 / (1 + exp(-x))


def rosenbrock(x: Sequence[Any]) -> Any:
    """Rosenbrock's function of any number of variables, as a sum over neighbours."""
    total: Any = 0.0
    for a, b in pairwise(x):
        valley, slope = b - a * a, 1 - a
        total = total + (100 * (valley * valley) + slope * slope)
    return total


def mlp_unpacked(parameters: Any) -> list[tuple[Any, Any]]:
    """The layers (weights row by row, biases) of a flat list of parameters; an array gives arrays."""
    layers = []
    at = 0
    for inputs, outputs in pairwise(MLP_SIZES):
        matrix = parameters[at : at + inputs * outputs]
        at += inputs * outputs
        layers.append((matrix, parameters[at : at + outputs]))
        at += outputs
    return layers


def mlp_output(math: Any, parameters: Sequence[Any], x: Sequence[Any]) -> Any:
    """The 2-16-16-1 network with relu at one sample, scalar by scalar."""
    signal = list(x)
    for depth, (matrix, biases) in enumerate(mlp_unpacked(parameters)):
        width = len(signal)
        sums = [
            sum((w * s for w, s in zip(matrix[i * width : (i + 1) * width], signal)), bias)
            for i, bias in enumerate(biases)
        ]
        signal = [math.relu(total) for total in sums] if depth < len(MLP_SIZES) - 2 else sums
    return signal[0]
