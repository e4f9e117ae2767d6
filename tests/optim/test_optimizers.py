"""Optimizers: their formulas by hand, their state per weight, agreement of object and rule, bad input."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import Value, grad, trace
from optim import Adam, Momentum, VanillaGradientDescent, adam, momentum, vanilla

GRADIENTS = [[0.5, -2.0], [1.5, 0.0], [-0.25, 3.0], [0.0, 1e-3]]


def run(optimizer, weights):
    for gradients in GRADIENTS:
        optimizer.zero_grad()
        assert [w.grad for w in weights] == [0.0, 0.0]
        for weight, gradient in zip(weights, gradients):
            weight.grad = gradient
        optimizer.step()
    return [w.data for w in weights]


def test_vanilla_is_its_formula():
    weights = [Value(1.0), Value(-1.0)]
    expected = [w - 0.1 * sum(g[i] for g in GRADIENTS) for i, w in enumerate([1.0, -1.0])]
    assert run(VanillaGradientDescent(weights, lr=0.1), weights) == pytest.approx(expected, rel=1e-15)


def test_momentum_is_the_assignment_s_formula_with_a_velocity_for_each_weight():
    weights = [Value(1.0), Value(-1.0)]
    found = run(Momentum(weights, lr=0.1, gamma=0.9), weights)
    for i, w in enumerate([1.0, -1.0]):
        v = 0.0
        for g in GRADIENTS:
            v = 0.9 * v + 0.1 * g[i]
            w = w - v
        assert found[i] == w


@pytest.mark.parametrize(("eps", "eps_root"), [(1e-8, 0.0), (0.0, 1e-8)])
def test_adam_is_its_formula_with_epsilon_outside_or_inside_the_root(eps, eps_root):
    weights = [Value(1.0), Value(-1.0)]
    found = run(Adam(weights, lr=0.1, betas=(0.9, 0.99), eps=eps, eps_root=eps_root), weights)
    for i, w in enumerate([1.0, -1.0]):
        m = v = 0.0
        for t, g in enumerate(GRADIENTS, 1):
            m = 0.9 * m + (1 - 0.9) * g[i]
            v = 0.99 * v + (1 - 0.99) * g[i] ** 2
            m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.99**t)
            w = w - 0.1 * m_hat / (math.sqrt(v_hat + eps_root) + eps)
        assert found[i] == pytest.approx(w, rel=1e-14)


def test_adam_s_defaults_are_pytorch_s():
    optimizer = Adam([Value(1.0)])
    assert (optimizer.lr, optimizer.betas, optimizer.eps, optimizer.eps_root) == (
        1e-3,
        (0.9, 0.999),
        1e-8,
        0.0,
    )


def test_rules_are_scalar_functions_that_can_be_traced_and_differentiated():
    assert trace(lambda w, g: vanilla(w, g, lr=0.1), 1.0, 2.0)(1.0, 2.0) == vanilla(1.0, 2.0, lr=0.1)
    traced = trace(lambda w, g, v: momentum(w, g, v, lr=0.1, gamma=0.9), 1.0, 2.0, 3.0)
    assert traced(1.0, 2.0, 3.0) == momentum(1.0, 2.0, 3.0, lr=0.1, gamma=0.9)

    def one(w, g, m, v):
        return adam(w, g, m, v, 0.9, 0.99, lr=0.1, beta1=0.9, beta2=0.99, eps=1e-8, eps_root=0.0)

    assert trace(one, 1.0, 2.0, 0.1, 0.2)(1.0, 2.0, 0.1, 0.2) == one(1.0, 2.0, 0.1, 0.2)
    assert grad(lambda lr: vanilla(1.0, 2.0, lr=lr))(0.1) == -2.0


@pytest.mark.parametrize("make", [VanillaGradientDescent, Momentum, Adam])
@given(start=st.floats(-5, 5))
def test_each_finds_the_minimum_of_a_parabola(make, start):
    w = Value(start)
    optimizer = make([w], lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        ((w - 1.5) ** 2).backward()
        optimizer.step()
    assert w.data == pytest.approx(1.5, abs=1e-2)
    assert type(w.data) is float


def test_a_gradient_that_ran_away_does_not_raise():
    for make in (VanillaGradientDescent, Momentum, Adam):
        w = Value(1.0)
        w.grad = math.inf
        make([w], lr=0.1).step()
        assert not math.isfinite(w.data)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Adam([]), ValueError, "at least one weight"),
        (lambda: Adam([1.0]), TypeError, "must be Values, got float"),
        (lambda: Adam([Value(1.0)] * 2), ValueError, "twice"),
        (lambda: VanillaGradientDescent([Value(1.0)], lr=-1.0), ValueError, "lr must be above 0, got -1.0"),
        (
            lambda: VanillaGradientDescent([Value(1.0)], lr=math.nan),
            ValueError,
            "lr must be above 0, got nan",
        ),
        (lambda: VanillaGradientDescent([Value(1.0)], lr="fast"), TypeError, "lr must be a number, got str"),
        (lambda: Momentum([Value(1.0)], gamma=1.0), ValueError, "gamma must be at least 0 and below 1"),
        (lambda: Adam([Value(1.0)], betas=(0.9, 1.5)), ValueError, r"betas\[1\]"),
        (lambda: Adam([Value(1.0)], betas=0.9), TypeError, "betas must be a pair"),
        (lambda: Adam([Value(1.0)], eps=0.0), ValueError, "must not both be 0"),
    ],
)
def test_bad_input_is_told_what_was_wrong(call, error, words):
    with pytest.raises(error, match=words):
        call()
