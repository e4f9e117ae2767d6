"""MLPs: against backpropagation by hand in NumPy, PyTorch and micrograd; as nested structures; bad input."""

import copy
import json
import math
import pickle
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import Value, check_gradients, grad, jit, value_and_grad, vmap
from autograd.graph.trees import flatten
from models.losses import cross_entropy
from models.mlp import ACTIVATIONS, INITIALISATIONS, MLP, Layer, Module, Neuron

# What the activations by name are, in mpmath.
EXACT = {
    "linear": lambda x: x,
    "relu": lambda x: max(x, 0),
    "leaky_relu": lambda x: x if x > 0 else x / 100,
    "elu": lambda x: x if x > 0 else mpmath.expm1(x),
    "gelu": lambda x: x * mpmath.ncdf(x),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
}
# The derivatives at 0 that PyTorch 2.13.0 gives.
AT_ZERO = {"linear": 1, "relu": 0, "leaky_relu": 0.01, "elu": 1, "gelu": 0.5, "silu": 0.5, "softplus": 0.5,
           "sigmoid": 0.25, "tanh": 1}  # fmt: skip


def with_weights(model, rule=lambda n: math.sin(1.0 + n)):
    """The model with the n-th weight, from 1 on, set by a rule."""
    for n, parameter in enumerate(model.parameters(), 1):
        parameter.data = rule(n)
    return model


def numbers(values):
    return [value.data if isinstance(value, Value) else value for value in values]


def backpropagated(model, x):
    """The output of an MLP of tanh neurons, and its gradient, by hand in NumPy, in the parameters' order."""
    layers = [(np.array([[w.data for w in neuron.w] for neuron in layer.neurons]),
               np.array([neuron.b.data for neuron in layer.neurons])) for layer in model.layers]  # fmt: skip
    signals = [np.array(x)]
    for depth, (weights, biases) in enumerate(layers):
        sums = weights @ signals[-1] + biases
        signals.append(sums if depth == len(layers) - 1 else np.tanh(sums))
    adjoint, gradient = np.ones(1), []
    for depth in reversed(range(len(layers))):
        if depth < len(layers) - 1:
            adjoint = adjoint * (1 - signals[depth + 1] ** 2)
        by_layer = np.column_stack([np.outer(adjoint, signals[depth]), adjoint])
        gradient = [*by_layer.ravel(), *gradient]
        adjoint = layers[depth][0].T @ adjoint
    return float(signals[-1][0]), gradient


@given(st.integers(0, 10**6), st.lists(st.floats(-3, 3), min_size=2, max_size=2))
def test_output_and_gradient_equal_backpropagation_by_hand(seed, x):
    model = MLP(2, [5, 4, 1], "tanh", seed=seed)
    value, gradient = backpropagated(model, x)
    output = model(x)
    output.backward()
    assert output.data == pytest.approx(value, rel=1e-13, abs=1e-14)
    assert [p.grad for p in model.parameters()] == pytest.approx(gradient, rel=1e-12, abs=1e-14)
    transformed = grad(lambda model: model(x))(model)
    assert numbers(transformed.parameters()) == pytest.approx(gradient, rel=1e-12, abs=1e-14)


def test_gradient_of_a_classifier_equals_pytorch():
    """Recorded from PyTorch 2.13.0, float64: weights sin(2), sin(3), ... layer by layer, matrix then bias."""
    order = [1, 2, 7, 3, 4, 8, 5, 6, 9, 10, 11, 12, 16, 13, 14, 15, 17]
    model = with_weights(MLP(2, [3, 2], "gelu"), lambda n: math.sin(1.0 + order[n - 1]))
    loss, gradient = value_and_grad(lambda model, x: cross_entropy(model(x), 1))(model, [0.5, -1.5])
    assert loss.data == pytest.approx(0.016824366199971002, rel=1e-13)
    assert [f"{slope:.14f}" for slope in gradient.parameters()] == [
        "-0.01861710680649", "0.05585132041948", "-0.03723421361298", "-0.01117019087591", "0.03351057262774",
        "-0.02234038175183", "-0.00069584094504", "0.00208752283512", "-0.00139168189008", "0.01832045625837",
        "0.02282863343347", "-0.00132386012022", "0.01668362693927", "-0.01832045625837", "-0.02282863343347",
        "0.00132386012022", "-0.01668362693927",
    ]  # fmt: skip


def test_numbers_are_micrograds():
    """Same weights, same input: the same output to the last bit, the same gradient."""
    nn = pytest.importorskip("micrograd.nn", reason="micrograd is not installed")
    ours, theirs = MLP(3, [4, 4, 1], seed=1), nn.MLP(3, [4, 4, 1])
    for weight, other in zip(theirs.parameters(), ours.parameters()):
        weight.data = other.data
    x = [2.0, 3.0, -1.0]
    mine, other = ours(x), theirs(x)
    mine.backward()
    other.backward()
    assert mine.data == other.data
    assert [p.grad for p in ours.parameters()] == pytest.approx(
        [p.grad for p in theirs.parameters()], rel=1e-14
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("x", [-1000.0, -8.0, -3.0, -1e-9, 1e-9, 0.5, 3.0, 1000.0])
def test_activations_and_their_derivatives_equal_mpmath(name, x):
    with mpmath.workdps(40):
        value, derivative = EXACT[name](mpmath.mpf(x)), mpmath.diff(EXACT[name], x, h=mpmath.mpf("1e-16"))
    result = value_and_grad(ACTIVATIONS[name])(x)
    assert result == pytest.approx((float(value), float(derivative)), rel=2e-13, abs=1e-300)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivatives_at_zero_are_pytorchs_and_nan_passes_on(name):
    assert grad(ACTIVATIONS[name])(0.0) == AT_ZERO[name]
    assert math.isnan(ACTIVATIONS[name](math.nan))


def test_an_activation_may_be_any_function_of_one_scalar():
    model = MLP(1, [3, 1], lambda x: x * x, last_activation=abs, seed=0)
    hidden = [n.w[0].data * 2.0 + n.b.data for n in model.layers[0].neurons]
    last = model.layers[1].neurons[0]
    assert model([2.0]).data == pytest.approx(abs(sum(v.data * h * h for v, h in zip(last.w, hidden))))
    assert check_gradients(lambda model: model([2.0]), model).passed


def test_one_output_is_a_value_and_several_are_a_list():
    assert isinstance(MLP(2, [3, 1])([1.0, 2.0]), Value)
    assert [type(output) for output in MLP(2, [1, 1, 2])([1.0, 2.0])] == [Value, Value]
    assert isinstance(Layer(2, 1)([1.0, 2.0]), Value)
    assert len(MLP(2, [3]).parameters()) == 9


def test_inputs_may_be_values_arrays_and_tuples():
    model = MLP(2, [3, 1], seed=0)
    expected = model([1.0, 2.0]).data
    for x in (
        (1, 2),
        np.array([1.0, 2.0]),
        [Value(1.0), Value(2.0)],
        np.array([Value(1.0), 2.0], dtype=object),
    ):
        assert model(x).data == expected


@pytest.mark.parametrize(
    ("init", "variance", "bound"),
    [("uniform", 1 / 3, 1.0), ("xavier", 2 / (30 + 50), math.sqrt(6 / 80)), ("he", 2 / 30, math.inf)],
)
def test_weights_are_drawn_with_the_variance_of_their_initialisation(init, variance, bound):
    layer = Layer(30, 50, init=init, seed=0)
    weights = np.array([w.data for neuron in layer.neurons for w in neuron.w])
    assert weights.mean() == pytest.approx(0.0, abs=4 * math.sqrt(variance / 1500))
    assert weights.var() == pytest.approx(variance, rel=0.1)
    assert abs(weights).max() <= bound
    assert {neuron.b.data for neuron in layer.neurons} == {0.0}


@pytest.mark.parametrize("init", INITIALISATIONS)
def test_equal_seeds_give_equal_weights(init):
    first, same, other = (MLP(2, [4, 1], init=init, seed=seed).state_dict() for seed in (1, 1, 2))
    assert first == same != other
    assert MLP(2, [4, 1]).state_dict() != MLP(2, [4, 1]).state_dict()
    assert len(set(first.values())) == len(first) - 4  # all differ but the five biases, which are 0


def test_transforms_take_the_model_and_its_parameters_and_leave_their_gradients_alone():
    model, x = MLP(2, [3, 1], "tanh", seed=3), [1.0, -2.0]
    gradient = grad(lambda model, x: model(x))(model, x)
    squares = grad(lambda weights: sum(w * w for w in weights))(model.parameters())
    assert isinstance(gradient, MLP)
    assert numbers(squares) == [2 * w.data for w in model.parameters()]
    assert {w.grad for w in model.parameters()} == {0.0}
    model(x).backward()
    assert numbers(gradient.parameters()) == [w.grad for w in model.parameters()]


def floats_of(model):
    """The model with plain floats in the places of its weights."""
    weights, structure = flatten(model)
    return structure.unflatten([w.data for w in weights])


@pytest.mark.parametrize("engine", ["python", "numpy"])
def test_models_of_floats_of_values_and_compiled_agree_to_the_bit(engine):
    model, X = MLP(2, [16, 16, 1], seed=5), np.random.default_rng(0).normal(size=(20, 2))
    plain = floats_of(model)
    expected = [model(x).data for x in X]
    assert [plain(x) for x in X] == expected
    assert [jit(model, engine=engine)(x) for x in X.tolist()] == expected
    assert [jit(lambda m, x: m(x), engine=engine)(plain, x) for x in X.tolist()] == expected
    assert vmap(model, engine=engine)(X).tolist() == expected
    assert type(plain(X[0])) is float


def test_a_compiled_model_reads_its_weights_anew():
    model = MLP(1, [1], seed=0)
    run = jit(model, engine="python")
    before = run([1.0])
    model.layers[0].neurons[0].b.data = 10.0
    assert run([1.0]) == before + 10.0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_stand_alone(copied):
    model = MLP(2, [3, 1], "silu", seed=0)
    twin = copied(model)
    assert (repr(twin), twin.state_dict()) == (repr(model), model.state_dict())
    twin.layers[0].neurons[0].b.data = 7.0
    assert model.layers[0].neurons[0].b.data == 0.0
    assert twin([1.0, 2.0]).data != model([1.0, 2.0]).data


def test_weights_are_labelled_with_their_names():
    assert [w.label for w in Neuron(2).parameters()] == ["w[0]", "w[1]", "b"]
    for model in (Layer(2, 2), MLP(1, [2, 1])):
        assert [w.label for w in model.parameters()] == list(model.state_dict())


def test_gradients_are_set_to_zero():
    model = MLP(2, [2, 1], seed=0)
    model([1.0, 2.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert not any(p.grad for p in model.parameters())


def test_a_state_goes_through_json_into_another_model():
    model, other = (MLP(2, [3, 1], init="he", seed=seed) for seed in (1, 2))
    other.load_state_dict(json.loads(json.dumps(model.state_dict())))
    assert other.state_dict() == model.state_dict()
    assert list(model.state_dict())[:3] == [f"layers[0].neurons[0].{name}" for name in ("w[0]", "w[1]", "b")]
    assert other([1.0, 2.0]).data == model([1.0, 2.0]).data


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda s: s.pop("b"), ValueError, r"it has 2 numbers, expected 3; missing: 'b'$"),
        (lambda s: s.update(c=1.0), ValueError, r"4 numbers, expected 3; not in the model: 'c'$"),
        (lambda s: s.clear(), ValueError, r"Neuron\(2 -> 1 relu\).* missing: 'w\[0\]', 'w\[1\]', 'b'$"),
        (lambda s: s.update({str(i): 0.0 for i in range(5)}), ValueError, r"'0', '1', '2' and 2 more$"),
        (lambda s: s.update(b="1"), TypeError, r"the state's b must be a real number .*got str '1'"),
        (lambda s: s.update(b=None), TypeError, r"the state's b .*got NoneType"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_whole(change, error, words):
    neuron = Neuron(2, seed=0)
    before = neuron.state_dict()
    state = dict.fromkeys(before, 5.0)
    change(state)
    with pytest.raises(error, match=words):
        neuron.load_state_dict(state)
    assert neuron.state_dict() == before


def test_a_gradient_has_a_state_but_is_not_changed():
    gradient = grad(lambda model: model([1.0, 2.0]))(floats_of(MLP(2, [1], seed=0)))
    assert list(gradient.state_dict().values()) == [1.0, 2.0, 1.0]
    with pytest.raises(TypeError, match="holds floats in the place of its weights, as a gradient does"):
        gradient.load_state_dict(gradient.state_dict())
    with pytest.raises(TypeError, match="a state must be a dict of numbers by name, got list"):
        gradient.load_state_dict([1.0])


def test_repr_shows_the_shape():
    assert repr(MLP(2, [16, 16, 1])) == "MLP(2 -> 16 relu -> 16 relu -> 1 linear: 337 parameters)"
    assert repr(MLP(3, [2], last_activation=math.sin)) == "MLP(3 -> 2 sin: 8 parameters)"
    assert repr(Layer(2, 3, "tanh")) == "Layer(2 -> 3 tanh: 9 parameters)"
    assert "MLP(1 -> 1 linear: 2 parameters)" in repr(flatten([MLP(1, [1])])[1])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: MLP(2, [3, 1], "rely"),
            ValueError,
            "no activation 'rely': it must be one of linear, relu, ",
        ),
        (lambda: MLP(2, [1], last_activation="x"), ValueError, "there is no activation 'x'"),
        (
            lambda: MLP(2, [1], init="zero"),
            ValueError,
            "no initialisation 'zero': it must be one of uniform, ",
        ),
        (lambda: Neuron(2, 3), TypeError, "an activation must be a name or a hashable function.*got int"),
        (lambda: MLP(2, []), ValueError, "at least one layer, got an empty list"),
        (lambda: MLP(2, 16), TypeError, "sizes must be a list with one number a layer, got int"),
        (lambda: MLP(0, [1]), ValueError, "inputs must be at least 1, got 0"),
        (lambda: MLP(2, [3, -1]), ValueError, "outputs must be at least 1, got -1"),
        (lambda: MLP(2, [1.5]), TypeError, "outputs must be a whole number, got 1.5"),
        (lambda: MLP(2, [3, 1])([1.0]), ValueError, r"MLP\(2 -> 3 relu.*\) expected 2 inputs, got 1"),
        (lambda: Layer(2, 3)([1.0] * 3), ValueError, r"Layer\(2 -> 3 relu.*\) expected 2 inputs, got 3"),
        (lambda: Neuron(1)([]), ValueError, r"Neuron\(1 -> 1 relu\) expected 1 inputs, got 0"),
        (lambda: MLP(1, [1])(1.0), TypeError, "the inputs of MLP must be one sample's .*, got float$"),
        (lambda: MLP(2, [1])(np.ones((2, 2))), TypeError, r"array of shape \(2, 2\): map .* with vmap"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_model_of_ones_own():
    @dataclass(eq=False)
    class Residual(Module):
        inner: Layer
        scale: Any
        name: str = field(default="residual", metadata={"static": True})

        def __call__(self, x):
            return [a + self.scale * b for a, b in zip(x, self.inner(x))]

    model = Residual(Layer(2, 2, "tanh", seed=0), Value(0.5))
    assert len(model.parameters()) == 7
    assert list(model.state_dict())[-2:] == ["inner.neurons[1].b", "scale"]
    gradient = grad(lambda model: model([1.0, 2.0])[0])(model)
    assert (gradient.name, len(gradient.parameters())) == ("residual", 7)
    assert check_gradients(lambda model: model([1.0, 2.0])[0], model).passed
