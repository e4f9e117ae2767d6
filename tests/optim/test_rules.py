"""Update rules: PyTorch's results, the same bits on every exact engine, derivatives by hyperparameters."""

from __future__ import annotations

import math
from itertools import combinations, pairwise

import pytest

from autograd import Value, grad, jit
from autograd.engines import engine_names
from optim.rules import adagrad, adam, adamw, momentum, rmsprop, sgd
from tests.optim.pytorch_figures import (
    CASES,
    RECORDED_PROBLEMS,
    RECORDED_STEPS,
    STEPS,
    figures,
    problem,
    recorded,
    weights_in_pytorch,
)

each_case = pytest.mark.parametrize("case", CASES, ids=str)
RECORDED = recorded()


def weights_after_each_step(case, seed):
    start, gradient = problem(seed)
    weights = [Value(weight) for weight in start]
    optimizer = case.optimizer(weights)
    history = []
    for step in range(STEPS):
        for weight, slope in zip(weights, gradient([weight.data for weight in weights], step)):
            weight.grad = slope
        optimizer.step()
        history.append([weight.data for weight in weights])
    return history


@each_case
@pytest.mark.parametrize("seed", RECORDED_PROBLEMS)
def test_weights_are_those_that_pytorch_came_to(case, seed):
    history = weights_after_each_step(case, seed)
    for step in RECORDED_STEPS:
        expected = RECORDED["weights"][f"{case}, problem {seed}"][str(step)]
        assert history[step - 1] == pytest.approx(expected, rel=1e-12, abs=0.0)


@each_case
def test_every_step_is_pytorch_s_where_it_is_installed(case):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    for seed in (2, 3, 4):
        for weights, expected in zip(weights_after_each_step(case, seed), weights_in_pytorch(case, seed)):
            assert weights == pytest.approx(expected, rel=1e-12, abs=0.0)


def test_the_recorded_figures_are_those_of_the_pytorch_that_is_installed():
    pytest.importorskip("torch", reason="PyTorch is not installed")

    def numbers(tree):
        if isinstance(tree, dict):
            return {key: numbers(child) for key, child in tree.items()}
        return pytest.approx(tree, rel=1e-12, abs=0.0, nan_ok=True)

    assert {key: RECORDED[key] for key in RECORDED if key != "PyTorch"} == numbers(figures())


def test_every_option_makes_a_difference():
    ends = [RECORDED["weights"][f"{case}, problem 0"][str(STEPS)] for case in CASES]
    same = [pair for pair in combinations(ends, 2) if pair[0] == pytest.approx(pair[1], rel=1e-9)]
    # Gradient descent by two names, and dampening without momentum, with and without weight decay.
    assert len(same) == 4


@pytest.mark.parametrize("engine", [name for name in engine_names() if name != "numpy"])
@each_case
def test_a_traced_update_gives_the_bits_of_the_eager_step(case, engine):
    optimizer = case.optimizer()
    update = jit(optimizer.update, engine=engine)
    for seed in (0, 5):
        start, gradient = problem(seed)
        weights, states = start, [optimizer.initial(weight) for weight in start]
        for step, expected in enumerate(weights_after_each_step(case, seed)[:20]):
            constants = optimizer.constants(step + 1)
            after = [
                update(weight, slope, state, constants)
                for weight, slope, state in zip(weights, gradient(weights, step), states)
            ]
            weights, states = [weight for weight, _ in after], [state for _, state in after]
            assert weights == expected


@pytest.mark.parametrize("engine", [name for name in engine_names() if name != "numpy"])
def test_infinite_gradients_and_nan_go_the_same_way_on_every_engine(engine):
    for case in CASES:
        optimizer = case.optimizer()
        update = jit(optimizer.update, engine=engine)
        for gradient in (math.inf, -math.inf, math.nan, 0.0, 5e-324, 1e308):
            args = 0.5, gradient, optimizer.initial(0.5), optimizer.constants(1)
            assert repr(update(*args)) == repr(optimizer.update(*args))


def test_adam_s_root_is_corrected_before_epsilon_is_added_and_amsgrad_s_maximum_taken_before_that():
    """By hand, at the second step of gradients 2 and 1, where the first mean square stays the largest."""
    settings = {"lr": 1.0, "beta1": 0.5, "beta2": 0.25, "eps": 0.5, "eps_root": 0.0625}
    weight, mean, square, largest = adam(8.0, 2.0, 0.0, 0.0, 0.5, 0.25, **settings, largest=0.0)
    assert (mean, square, largest) == (1.0, 3.0, 3.0)
    assert weight == 8.0 - 2.0 / (math.sqrt(4.0625) + 0.5)
    after = adam(8.0, 1.0, mean, square, 0.25, 0.0625, **settings, largest=largest)
    assert after[1:] == (1.0, 1.5, 3.0)
    assert after[0] == 8.0 - (1.0 / 0.75) / (math.sqrt(3.0 / 0.9375 + 0.0625) + 0.5)


@pytest.mark.parametrize("rate", [0.1, 0.01])
def test_pytorch_s_momentum_is_the_assignment_s_at_a_constant_rate(rate):
    weight, velocity, other, buffer = 1.0, 0.0, 1.0, 0.0
    for step in range(50):
        gradient = math.sin(step)
        weight, velocity = momentum(weight, gradient, velocity, lr=rate, gamma=0.9)
        other, buffer = sgd(other, gradient, buffer, lr=rate, momentum=0.9)
        assert (other, rate * buffer) == pytest.approx((weight, velocity), rel=1e-13)


def test_when_the_rate_falls_to_0_only_the_assignment_s_momentum_goes_on():
    _, velocity = momentum(1.0, 2.0, 0.0, lr=0.5, gamma=0.5)
    _, buffer = sgd(1.0, 2.0, 0.0, lr=0.5, momentum=0.5)
    assert momentum(1.0, 2.0, velocity, lr=0.0, gamma=0.5)[0] == 0.5
    assert sgd(1.0, 2.0, buffer, lr=0.0, momentum=0.5)[0] == 1.0


def test_a_variance_that_rounding_makes_negative_counts_as_0():
    """A gradient that never changes: its mean square and the square of its mean meet."""
    weight, state = 0.0, (0.0, 0.0, 0.0)
    negative = 0
    for _ in range(6000):
        weight, *state = rmsprop(weight, 0.1, *state, lr=0.01, alpha=0.99, eps=1e-8, centered=True)
        negative += state[0] - state[1] * state[1] < 0.0
    assert negative > 0
    assert math.isfinite(weight)


def test_a_hyperparameter_that_is_differentiated_by_is_not_left_out_at_0():
    assert grad(lambda decay: sgd(3.0, 1.0, 0.0, lr=0.5, weight_decay=decay)[0])(0.0) == -1.5
    assert grad(lambda share: sgd(3.0, 1.0, 4.0, lr=0.5, momentum=share)[0])(0.0) == -2.0
    assert grad(lambda decay: adagrad(3.0, 1.0, 3.0, lr=0.5, eps=0.0, weight_decay=decay)[0])(0.0) != 0.0
    by_decay = grad(
        lambda decay: adamw(
            *(3.0, 1.0, 0.0, 0.0, 0.5, 0.5), lr=0.5, beta1=0.5, beta2=0.5, eps=1e-8, weight_decay=decay
        )[0]
    )
    assert by_decay(0.0) == -1.5


def test_amsgrad_s_steps_never_grow_when_gradients_shrink():
    settings = {"lr": 0.1, "beta1": 0.0, "beta2": 0.5, "eps": 1e-8}
    weight, mean, square, largest = 0.0, 0.0, 0.0, 0.0
    lengths = []
    for step in range(1, 30):
        before = weight
        weight, mean, square, largest = adam(
            weight, 0.5**step, mean, square, 0.0, 0.5**step, **settings, largest=largest
        )
        lengths.append(abs(weight - before))
    assert all(later <= earlier for earlier, later in pairwise(lengths))


def test_a_hyperparameter_that_a_rule_does_not_have_is_named():
    with pytest.raises(TypeError, match="SGD has no hyperparameter gamma"):
        sgd(1.0, 2.0, 0.0, lr=0.1, gamma=0.9)
