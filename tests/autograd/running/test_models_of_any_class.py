"""Networks of anyone's class in the transforms, compiled and trained: against `backward` on their Values."""

from __future__ import annotations

import numpy as np
import pytest

from autograd import (
    Value,
    check_gradients,
    compare,
    derive,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    scan,
    trace,
    value_and_grad,
    vjp,
    vmap,
)
from optim import SGD, Adam, fit
from tests.autograd.networks import network

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 2))
Y = np.sign(X[:, 0] * X[:, 1])
SAMPLE = X[0].tolist()


def loss(model, x, y):
    return (model([x[0], x[1]]) - y) ** 2


def numbers(model):
    return [p.data if isinstance(p, Value) else p for p in model.parameters()]


def by_backward(model, x, y):
    model.zero_grad()
    loss(model, x, y).backward()
    return [p.grad for p in model.parameters()]


@pytest.fixture
def model():
    return network(2, 3, 1)


@pytest.fixture
def floats(model):
    """The same with plain numbers."""
    return jit(lambda: grad(lambda m: sum(p * p for p in m.parameters()) * 0.5)(model), engine="python")()


def test_a_gradient_is_a_model_of_the_class(model):
    expected = by_backward(model, SAMPLE, 1.0)
    before = numbers(model)
    value, gradient = value_and_grad(loss)(model, SAMPLE, 1.0)
    assert value.data == loss(model, SAMPLE, 1.0).data
    assert type(gradient) is type(model)
    assert repr(gradient) == repr(model)
    assert numbers(gradient) == expected
    assert numbers(model) == before
    assert [p.grad for p in model.parameters()] == expected


def test_the_closure_is_refused_and_the_model_as_the_argument_is_not(model):
    def regularised(parameters):
        return model(SAMPLE) ** 2 + 0.01 * sum(p * p for p in parameters)

    with pytest.raises(ValueError, match="also reached through the closure"):
        value_and_grad(regularised)(model.parameters())
    with pytest.raises(ValueError, match="also reached through the closure"):
        value_and_grad(lambda m: regularised(m.parameters()))(model)


def test_every_transform_takes_models(model, floats):
    def f(m):
        return loss(m, SAMPLE, 1.0)

    gradient = by_backward(model, SAMPLE, 1.0)
    direction = RNG.normal(size=len(gradient)).tolist()
    tangent = jacobian(lambda m: [sum(d * p for d, p in zip(direction, m.parameters()))])(floats)[0]
    assert numbers(tangent) == direction
    along = float(np.dot(gradient, direction))
    step = [w + 1e-6 * d for w, d in zip(numbers(model), direction)]
    for m in (model, floats):
        value, slope = jvp(f, (m,), (tangent,))
        assert [getattr(slope, "data", slope)] == pytest.approx([along])
        assert numbers(vjp(f, m)[1](2.0)[0]) == [2.0 * g for g in gradient]
        second = numbers(hvp(f, (m,), (tangent,)))
        rows = [numbers(row) for row in hessian(f)(m).parameters()]
        assert second == pytest.approx((np.array(rows) @ direction).tolist())
        moved = network(2, 3, 1)
        for p, w in zip(moved.parameters(), step):
            p.data = w
        difference = (np.array(by_backward(moved, SAMPLE, 1.0)) - gradient) / 1e-6
        assert second == pytest.approx(difference.tolist(), abs=1e-4)
        check_gradients(f, m)
        assert compare(f, lambda m: grad(f)(m), m)
    assert trace(f, model)(floats) == value
    assert "df/dm.layers[0].neurons[0].w[1] = 2" in str(derive(lambda m: m([1.0, 2.0]), network(2, 1)))


@pytest.mark.parametrize("engine", ["python", "llvm"])
def test_compiled_functions_take_models_of_numbers_or_read_the_values_of_the_closure(engine, model, floats):
    pytest.importorskip("llvmlite")
    expected = by_backward(model, SAMPLE, 1.0)
    fast = jit(value_and_grad(loss), engine=engine)
    value, gradient = fast(floats, SAMPLE, 1.0)
    assert (value, numbers(gradient)) == (loss(model, SAMPLE, 1.0).data, expected)
    inside = jit(lambda x, y: value_and_grad(loss)(model, x, y), engine=engine)
    assert numbers(inside(SAMPLE, 1.0)[1]) == expected
    for p in model.parameters():
        p.data -= 0.1 * p.grad
    value, gradient = inside(SAMPLE, 1.0)
    assert (value, numbers(gradient)) == (loss(model, SAMPLE, 1.0).data, by_backward(model, SAMPLE, 1.0))
    value, gradient = fast(model, SAMPLE, 1.0)
    assert numbers(gradient) == by_backward(model, SAMPLE, 1.0)


def test_batches_of_models(model, floats):
    expected = [by_backward(model, x, y) for x, y in zip(X, Y)]
    each = vmap(grad(loss), in_axes=(None, 0, 0))(floats, X, Y)  # a model of arrays
    assert np.array(each.parameters()).T.tolist() == pytest.approx(np.array(expected), rel=1e-12)
    total = vmap(grad(loss), in_axes=(None, 0, 0), reduce="sum")(floats, X, Y)
    assert numbers(total) == pytest.approx(np.sum(expected, axis=0).tolist())
    norms = vmap(lambda g: sum(p * p for p in g.parameters()))(each)
    assert norms == pytest.approx(np.sum(np.square(expected), axis=1))


def test_a_model_is_the_carry_of_a_scan(model, floats):
    def step(m, sample):
        x, y = sample
        value, gradient = value_and_grad(loss)(m, x, y)
        for layer, slopes in zip(m.layers, gradient.layers):
            for neuron, slope in zip(layer.neurons, slopes.neurons):
                neuron.w = [w - 0.1 * g for w, g in zip(neuron.w, slope.w)]
                neuron.b = neuron.b - 0.1 * slope.b
        return m, value

    trained, losses = scan(step, floats, (X, Y))
    expected = []
    for x, y in zip(X, Y):
        expected.append(loss(model, x, y).data)
        for p, slope in zip(model.parameters(), by_backward(model, x, y)):
            p.data -= 0.1 * slope
    assert losses.tolist() == pytest.approx(expected)
    assert numbers(trained) == pytest.approx(numbers(model))


@pytest.mark.parametrize("engine", ["eager", "python"])
def test_fit_trains_a_model_in_place(engine, model, tmp_path):
    by_hand = network(2, 3, 1)
    optimizer = SGD(by_hand.parameters(), lr=0.05)
    for _ in range(3):
        for x, y in zip(X, Y):
            by_backward(by_hand, x, y)
            optimizer.step()
    fitted = fit(loss, model, (X, Y), SGD(lr=0.05), epochs=3, engine=engine)
    assert fitted.params is model
    assert numbers(model) == numbers(by_hand)

    path = tmp_path / "training.json"
    whole = fit(loss, network(2, 3, 1), (X, Y), Adam(lr=0.05), 4, engine=engine)
    fit(loss, network(2, 3, 1), (X, Y), Adam(lr=0.05), 2, engine=engine, checkpoint=path)
    resumed = fit(
        loss, network(2, 3, 1), (X, Y), Adam(lr=0.05), 4, engine=engine, checkpoint=path, resume=True
    )
    assert numbers(resumed.params) == numbers(whole.params)


def test_settings_are_part_of_the_key_of_jit(floats):
    traced = []

    def predict(m, x):
        traced.append(m.layers[0].neurons[0].nonlin)
        return m(x)

    fast = jit(predict, engine="python")
    results = []
    for nonlin in (True, False, True):
        for neuron in floats.layers[0].neurons:
            neuron.nonlin = nonlin
        results.append(fast(floats, [-3.0, 2.0]))
        assert results[-1] == trace(lambda m: m([-3.0, 2.0]), floats)(floats)
    assert traced == [True, False]
    assert results[0] == results[2] != results[1]


class Tied:
    """An autoencoder of numbers whose decoder has the encoder's weight."""

    def __init__(self, w, b):
        self.encoder, self.decoder, self.b = [w], {"w": w}, b

    def __call__(self, x):
        return self.decoder["w"] * (self.encoder[0] * x + self.b).tanh()

    def parameters(self):
        return [*self.encoder, self.b]


def test_tied_weights_have_one_gradient():
    tied = Tied(Value(0.7), Value(0.1))
    tied(2.0).backward()
    expected = [p.grad for p in tied.parameters()]

    def f(m):
        return m(2.0)

    gradient = jit(lambda: grad(f)(tied), engine="python")()
    assert gradient.parameters() == expected
    assert gradient.decoder["w"] == expected[0]
    assert numbers(grad(f)(tied)) == expected
    assert jit(hvp, engine="python", static_argnums=0)(
        f, (gradient,), (gradient,)
    ).parameters() == pytest.approx(numbers(hvp(f, (gradient,), (gradient,))))
    fitted = fit(lambda m, x: (m(x) - x) ** 2, tied, X[:, 0], Adam(lr=0.02), 20, engine="python")
    assert tied.encoder[0] is tied.decoder["w"]
    assert fitted.losses[-1] < fitted.losses[0]


class Gate:
    """Arrays of Values, and an activation that is a lambda over a parameter."""

    def __init__(self, size):
        self.W = np.array([[Value(RNG.normal()) for _ in range(size)] for _ in range(size)])
        self.alpha = Value(0.3)
        self.act = lambda x: np.array([self.alpha * entry.tanh() for entry in x])

    def __call__(self, x):
        return self.act(self.W @ x).sum()

    def parameters(self):
        return [*self.W.flat, self.alpha]


def test_arrays_and_lambdas_over_parameters():
    gate, x = Gate(2), np.array([0.5, -1.0])
    gate(x).backward()
    expected = [p.grad for p in gate.parameters()]
    assert numbers(grad(lambda m: m(x))(gate)) == expected
    gradient = jit(lambda x: grad(lambda m: m(x))(gate), engine="python")(x)
    assert gradient.parameters() == expected
    assert gradient.W.shape == (2, 2)
    step = jit(lambda m, x: grad(lambda m: m(x))(m), engine="python")
    there = Gate(2)
    for p, number in zip(there.parameters(), expected):
        p.data = number
    there(x).backward()
    assert step(gradient, x).parameters() == [p.grad for p in there.parameters()]


class Gated:
    """Which of its weights are parameters depends on a number of its settings."""

    def __init__(self, w, frozen, rate):
        self.w, self.frozen, self.rate = w, frozen, rate

    def parameters(self):
        return [self.w] if self.rate > 0.0 else [self.w, self.frozen]


@pytest.mark.parametrize(("rate", "expected"), [(0.5, [12.0]), (0.0, [12.0, 4.0])])
def test_parameters_may_depend_on_settings_in_a_trace_too(rate, expected):
    gated = Gated(2.0, 3.0, rate)

    def slopes(x):
        return [*grad(lambda m: m.w * m.w * m.frozen)(gated).parameters(), x * 0.0]

    assert slopes(1.0)[:-1] == jit(slopes, engine="python")(1.0)[:-1] == expected
    assert vmap(lambda x: slopes(x)[0], engine="python")(X[:, 0]).tolist() == [12.0] * len(X)
    assert jit(lambda m: m.w * m.frozen, engine="python")(gated) == 6.0
    gated.frozen = 5.0
    assert jit(lambda m: m.w * m.frozen, engine="python")(gated) == 10.0
