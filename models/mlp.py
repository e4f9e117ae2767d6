"""Multilayer perceptrons of scalars, as in micrograd: `Neuron`, `Layer`, `MLP`, and `Module` for one's own.

    neuron:  activation(b + w[0]*x[0] + w[1]*x[1] + ...)
    layer:   neurons that share their inputs
    MLP:     layers, each fed by the one before

A model is a dataclass, and so a nested structure of its weights: transforms, `jit`, `vmap` and `fit` take
the model itself, and what they return in its place (gradients, trained weights) is a model too.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from autograd import Value, erfc, expm1, less, minimum, relu, sigmoid, softplus, tanh, where
from autograd.graph.trees import flatten, of_fields
from autograd.primitives.ieee import described, to_float
from models.arguments import numbers_of
from optim.checks import whole

__all__ = ["ACTIVATIONS", "INITIALISATIONS", "MLP", "Activation", "Layer", "Module", "Neuron"]

Activation = str | Callable[[Any], Any]
Seed = int | np.random.Generator | None

# `where` chooses between the branches of a kink, so that they can be traced; gelu is `x` times the normal
# distribution function, by `erfc`, which keeps its digits where that is small.
ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda x: x,
    "relu": relu,
    "leaky_relu": lambda x: where(less(0.0, x), x, 0.01 * x),
    "elu": lambda x: where(less(x, 0.0), expm1(minimum(x, 0.0)), x),
    "gelu": lambda x: 0.5 * x * erfc(-x * math.sqrt(0.5)),
    "silu": lambda x: x * sigmoid(x),
    "softplus": softplus,
    "sigmoid": sigmoid,
    "tanh": tanh,
}

# How a weight is drawn, by how many inputs the neuron has and how many neurons the layer has. Sources:
# X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010
# (16); K. He et al., Delving deep into rectifiers, 2015 (10).
INITIALISATIONS: dict[str, Callable[[np.random.Generator, int, int], Any]] = {
    "uniform": lambda rng, inputs, outputs: rng.uniform(-1.0, 1.0, inputs),  # noqa: ARG005
    "xavier": lambda rng, inputs, outputs: rng.uniform(-1.0, 1.0, inputs) * math.sqrt(6 / (inputs + outputs)),
    "he": lambda rng, inputs, outputs: rng.normal(0.0, math.sqrt(2 / inputs), inputs),  # noqa: ARG005
}


class Module:
    """A model: a dataclass whose fields are its weights, or hold them in any nesting.

    Subclass it for a model of one's own; a field that is no weight is declared with
    ``field(metadata={"static": True})`` and must be hashable.

    >>> @dataclass(eq=False)
    ... class Line(Module):
    ...     slope: Value
    ...     shift: Value
    ...     def __call__(self, x):
    ...         return self.slope * x + self.shift
    >>> line = Line(Value(2.0), Value(-1.0))
    >>> line.state_dict()
    {'slope': 2.0, 'shift': -1.0}
    """

    @of_fields
    def parameters(self) -> list[Value]:
        """The weights in order, as a flat list. Where a transform made the model, what stands for them."""
        return flatten(self, f"a weight of {type(self).__name__}")[0]

    def zero_grad(self) -> None:
        """Set every weight's gradient to 0."""
        for parameter in self._values():
            parameter.grad = 0.0

    def state_dict(self) -> dict[str, float]:
        """The weights by name, as plain floats: ``json.dumps`` writes them, `load_state_dict` reads them."""
        return {name: _number(weight) for name, weight in zip(self._names(), self.parameters())}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Set the weights to those of a model of the same shape; all of them, or none where one is refused.

        Args:
            state: what `state_dict` returned.

        Raises:
            ValueError: names are missing, or are none of this model's; the message has them.
            TypeError: it is no mapping, something in it is no real number, or the model holds no Values.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"a state must be a dict of numbers by name, got {described(state)}")
        names = self._names()
        missing = [name for name in names if name not in state]
        known = set(names)
        unknown = [name for name in state if name not in known]
        if missing or unknown:
            raise ValueError(
                f"the state does not fit {self!r}: it has {len(state)} numbers, expected {len(names)}"
                + _listed("; missing: ", missing)
                + _listed("; not in the model: ", unknown)
            )
        numbers = [to_float(state[name], f"the state's {name}") for name in names]
        for parameter, number in zip(self._values(), numbers):
            parameter.data = number

    def _names(self) -> list[str]:
        return [name.removeprefix(".") for name in flatten(self)[1].names("")]

    def _label(self) -> None:
        """Label every weight with its name here, as programs and drawings show it."""
        for parameter, name in zip(self.parameters(), self._names()):
            parameter.label = name

    def _values(self) -> list[Value]:
        weights = self.parameters()
        for weight in weights:
            if not isinstance(weight, Value):
                raise TypeError(
                    f"{self!r} holds {described(weight)}s in the place of its weights, as a gradient does: "
                    "only a model of Values can be changed in place"
                )
        return weights


def _number(weight: Any) -> float:
    return weight.data if isinstance(weight, Value) else float(weight)


def _listed(beginning: str, names: Sequence[object]) -> str:
    """Up to three of the names, or nothing where there are none."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return beginning + ", ".join(map(repr, names[:3])) + more if names else ""


@dataclass(init=False, eq=False, repr=False)
class Neuron(Module):
    """A weighted sum of the inputs and a bias, and an activation.

    Args:
        inputs: how many inputs it has.
        activation: a name in `ACTIVATIONS`, or a function of one scalar.
        init: how the weights are drawn; the bias is 0. "uniform": from -1 to 1, as micrograd does;
            "xavier": uniform, with variance 2/(inputs + outputs); "he": normal, with variance 2/inputs.
        seed: equal seeds give equal weights, None others each time. A `numpy.random.Generator` is drawn
            from, so that several layers can share one.
        outputs: how many neurons share the inputs: what "xavier" needs to know.

    Attributes:
        w: the weights.
        b: the bias.
        activation: as it was given.

    Raises:
        ValueError: the activation or the initialisation is unknown, or a number of neurons below 1.
        TypeError: the activation is neither a name nor a function, or a number of neurons no int.

    >>> neuron = Neuron(2, seed=0)
    >>> neuron
    Neuron(2 -> 1 relu)
    >>> neuron([1.0, -2.0]).data
    1.19477...
    """

    w: list[Value]
    b: Value
    activation: Activation = field(metadata={"static": True})

    def __init__(
        self,
        inputs: int,
        activation: Activation = "relu",
        init: str = "uniform",
        seed: Seed = None,
        *,
        outputs: int = 1,
    ) -> None:
        whole("inputs", inputs, least=1)
        whole("outputs", outputs, least=1)
        _check_activation(activation)
        _check_name("initialisation", init, INITIALISATIONS)
        numbers = INITIALISATIONS[init](np.random.default_rng(seed), inputs, outputs).tolist()
        self.w = [Value(number) for number in numbers]
        self.b = Value(0.0)
        self.activation = activation
        self._label()

    def __call__(self, x: Sequence[Any]) -> Any:
        """The neuron's output for one sample: a Value, or a float where weights and inputs are floats."""
        x = _inputs(self, x, len(self.w))
        # Not by `sum`, which from Python 3.12 on rounds floats otherwise than Values.
        total = reduce(operator.add, map(operator.mul, self.w, x), self.b)
        return _function(self.activation)(total)

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)} -> {_shown(1, self.activation)})"


@dataclass(init=False, eq=False, repr=False)
class Layer(Module):
    """Neurons that share their inputs.

    Args:
        inputs: how many inputs it has.
        outputs: how many neurons.
        activation, init, seed: as for `Neuron`.

    Attributes:
        neurons: the neurons.

    Raises:
        ValueError, TypeError: as for `Neuron`.

    >>> Layer(2, 16, "tanh", "xavier", seed=0)
    Layer(2 -> 16 tanh: 48 parameters)
    """

    neurons: list[Neuron]

    def __init__(
        self,
        inputs: int,
        outputs: int,
        activation: Activation = "relu",
        init: str = "uniform",
        seed: Seed = None,
    ) -> None:
        whole("outputs", outputs, least=1)
        rng = np.random.default_rng(seed)
        self.neurons = [Neuron(inputs, activation, init, rng, outputs=outputs) for _ in range(outputs)]
        self._label()

    def __call__(self, x: Sequence[Any]) -> Any:
        """The outputs for one sample: a list, or the output itself where there is one neuron."""
        x = _inputs(self, x, len(self.neurons[0].w))
        outputs = [neuron(x) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        return f"Layer({_shape([self])})"


@dataclass(init=False, eq=False, repr=False)
class MLP(Module):
    """A multilayer perceptron: layers, each fed by the one before.

    Args:
        inputs: how many inputs it has.
        sizes: how many neurons each layer has.
        activation: of all layers but the last, as for `Neuron`.
        init, seed: as for `Neuron`.
        last_activation: of the last layer.

    Attributes:
        layers: the layers.

    Raises:
        ValueError: there is no layer; and as for `Neuron`.
        TypeError: as for `Neuron`.

    >>> from autograd import grad
    >>> model = MLP(2, [16, 16, 1], seed=0)
    >>> model
    MLP(2 -> 16 relu -> 16 relu -> 1 linear: 337 parameters)
    >>> model([1.0, -2.0]).data
    0.95553...
    >>> gradient = grad(lambda model, x: model(x))(model, [1.0, -2.0])
    >>> gradient
    MLP(2 -> 16 relu -> 16 relu -> 1 linear: 337 parameters)
    """

    layers: list[Layer]

    def __init__(
        self,
        inputs: int,
        sizes: Sequence[int],
        activation: Activation = "relu",
        init: str = "uniform",
        seed: Seed = None,
        *,
        last_activation: Activation = "linear",
    ) -> None:
        if not isinstance(sizes, Sequence) or isinstance(sizes, str):
            raise TypeError(f"sizes must be a list with one number a layer, got {described(sizes)}")
        if not sizes:
            raise ValueError("an MLP needs at least one layer, got an empty list of sizes")
        rng = np.random.default_rng(seed)
        widths = [inputs, *sizes]
        activations = [activation] * (len(sizes) - 1) + [last_activation]
        self.layers = [
            Layer(fan_in, fan_out, function, init, rng)
            for fan_in, fan_out, function in zip(widths, sizes, activations)
        ]
        self._label()

    def __call__(self, x: Sequence[Any]) -> Any:
        """The outputs for one sample: a list, or the output itself where the last layer has one neuron."""
        signal: Any = _inputs(self, x, len(self.layers[0].neurons[0].w))
        for layer in self.layers:
            outputs = layer(signal)
            signal = outputs if len(layer.neurons) > 1 else [outputs]
        return outputs

    def __repr__(self) -> str:
        return f"MLP({_shape(self.layers)})"


def _inputs(model: Module, x: Any, expected: int) -> Sequence[Any]:
    numbers = numbers_of(x, f"the inputs of {type(model).__name__}")
    if len(numbers) != expected:
        raise ValueError(f"{model!r} expected {expected} inputs, got {len(numbers)}")
    return numbers


def _function(activation: Activation) -> Callable[[Any], Any]:
    return ACTIVATIONS[activation] if isinstance(activation, str) else activation


def _check_activation(activation: Activation) -> None:
    if isinstance(activation, str):
        _check_name("activation", activation, ACTIVATIONS)
    elif not (callable(activation) and isinstance(activation, Hashable)):
        raise TypeError(
            f"an activation must be a name or a hashable function of one scalar, got {described(activation)}"
        )


def _check_name(kind: str, name: str, known: Mapping[str, object]) -> None:
    if name not in known:
        raise ValueError(f"there is no {kind} {name!r}: it must be one of {', '.join(known)}")


def _shape(layers: Sequence[Layer]) -> str:
    """Layers' sizes and activations, and the number of parameters; nothing of the weights is read."""
    neurons = [neuron for layer in layers for neuron in layer.neurons]
    count = sum(len(neuron.w) + 1 for neuron in neurons)
    sizes = [_shown(len(layer.neurons), layer.neurons[0].activation) for layer in layers]
    return f"{' -> '.join([str(len(neurons[0].w)), *sizes])}: {count} parameters"


def _shown(outputs: int, activation: Activation) -> str:
    name = activation if isinstance(activation, str) else getattr(activation, "__name__", repr(activation))
    return f"{outputs} {name}"
