"""Optimizers: their formulas by hand, state per weight, schedules, saving and loading, bad input."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import Value, grad, trace
from optim.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Optimizer, RMSProp, VanillaGradientDescent
from optim.rules import adam, momentum, vanilla
from optim.schedules import Cosine, StepDecay, WarmUp
from tests.optim.pytorch_figures import CASES

ALL = [VanillaGradientDescent, Momentum, SGD, AdaGrad, RMSProp, Adam, AdamW]
each_optimizer = pytest.mark.parametrize("make", ALL)
each_case = pytest.mark.parametrize("case", CASES, ids=str)
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
    results = run(Momentum(weights, lr=0.1, gamma=0.9), weights)
    for i, w in enumerate([1.0, -1.0]):
        v = 0.0
        for g in GRADIENTS:
            v = 0.9 * v + 0.1 * g[i]
            w = w - v
        assert results[i] == w


@pytest.mark.parametrize(("eps", "eps_root"), [(1e-8, 0.0), (0.0, 1e-8)])
def test_adam_is_its_formula_with_epsilon_outside_or_inside_the_root(eps, eps_root):
    weights = [Value(1.0), Value(-1.0)]
    results = run(Adam(weights, lr=0.1, betas=(0.9, 0.99), eps=eps, eps_root=eps_root), weights)
    for i, w in enumerate([1.0, -1.0]):
        m = v = 0.0
        for t, g in enumerate(GRADIENTS, 1):
            m = 0.9 * m + (1 - 0.9) * g[i]
            v = 0.99 * v + (1 - 0.99) * g[i] ** 2
            m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.99**t)
            w = w - 0.1 * m_hat / (math.sqrt(v_hat + eps_root) + eps)
        assert results[i] == pytest.approx(w, rel=1e-14)


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

    def adam_step(w, g, m, v):
        return adam(w, g, m, v, 0.9, 0.99, lr=0.1, beta1=0.9, beta2=0.99, eps=1e-8, eps_root=0.0)

    assert trace(adam_step, 1.0, 2.0, 0.1, 0.2)(1.0, 2.0, 0.1, 0.2) == adam_step(1.0, 2.0, 0.1, 0.2)
    assert grad(lambda lr: vanilla(1.0, 2.0, lr=lr))(0.1) == -2.0


@each_optimizer
@settings(max_examples=20)
@given(start=st.floats(-5, 5))
def test_each_finds_the_minimum_of_a_parabola(make, start):
    w = Value(start)
    without_decay = {"weight_decay": 0.0} if make is AdamW else {}
    optimizer = make([w], lr=1.0 if make is AdaGrad else 0.05, **without_decay)
    for _ in range(400):
        optimizer.zero_grad()
        ((w - 1.5) ** 2).backward()
        optimizer.step()
    assert w.data == pytest.approx(1.5, abs=5e-2 if make is RMSProp else 1e-2)
    assert type(w.data) is float


@each_optimizer
def test_a_gradient_that_ran_away_does_not_raise(make):
    for gradient in (math.inf, -math.inf, math.nan):
        w = Value(1.0)
        w.grad = gradient
        make([w], lr=0.1).step()
        assert not math.isfinite(w.data)


@each_case
def test_a_step_is_update_with_the_constants_of_its_number(case):
    """What compiled loops rely on: floats in, floats out, lengths that stay."""
    weights = [Value(1.0), Value(-2.0)]
    optimizer = case.optimizer(weights)
    plain = [weight.data for weight in weights]
    states = [optimizer.initial(weight) for weight in plain]
    assert optimizer.states == states
    lengths = {(len(states[0]), len(optimizer.constants(1)))}
    for number, gradients in enumerate(GRADIENTS, 1):
        constants = optimizer.constants(number)
        after = [optimizer.update(*operands, constants) for operands in zip(plain, gradients, states)]
        plain, states = [weight for weight, _ in after], [state for _, state in after]
        for weight, gradient in zip(weights, gradients):
            weight.grad = gradient
        optimizer.step()
        assert ([weight.data for weight in weights], optimizer.states, optimizer.steps) == (
            plain,
            states,
            number,
        )
        assert {type(number) for number in [*plain, *constants, *states[0]]} == {float}
        assert constants[0] == optimizer.rate(number) or "lr_decay" in case.settings
        lengths.add((len(states[0]), len(constants)))
    assert len(lengths) == 1


# Learning rates and their schedules.


def test_a_schedule_is_called_with_the_number_of_the_step_from_0():
    steps = []
    w = Value(0.0)
    optimizer = VanillaGradientDescent([w], lr=lambda step: steps.append(step) or 2.0**-step)
    for _ in range(3):
        w.grad = 1.0
        optimizer.step()
    assert (steps, w.data) == ([0, 1, 2], -1.75)


def test_the_learning_rate_is_assigned_as_in_pytorch():
    w = Value(0.0)
    optimizer = SGD([w], lr=1.0)
    w.grad = 1.0
    optimizer.step()
    optimizer.lr = 0.25
    optimizer.step()
    assert (optimizer.lr, w.data) == (0.25, -1.25)
    optimizer.lr = schedule = StepDecay(0.5, every=1)
    assert optimizer.lr is schedule
    assert optimizer.rate(1) == 0.5
    with pytest.raises(ValueError, match=r"lr must be above 0, got -0\.1"):
        optimizer.lr = -0.1
    assert optimizer.lr is schedule


def test_a_rate_of_0_from_a_schedule_leaves_the_weight_alone():
    w = Value(3.0)
    w.grad = 1.0
    AdamW([w], lr=WarmUp(Cosine(0.1, 10), 5)).step()
    assert w.data == 3.0


@each_optimizer
@pytest.mark.parametrize(
    ("rate", "error"),
    [(-0.1, ValueError), (math.nan, ValueError), (math.inf, ValueError), ("fast", TypeError)],
)
def test_a_schedule_that_gives_no_rate_is_named_with_the_step(make, rate, error):
    def schedule(step):
        return rate if step == 2 else 0.1

    w = Value(1.0)
    optimizer = make([w], lr=schedule)
    optimizer.step()
    optimizer.step()
    before = w.data, optimizer.steps
    with pytest.raises(error, match=r"the schedule <function .*schedule at .*> gives for step 2 must be"):
        optimizer.step()
    assert (w.data, optimizer.steps) == before
    assert optimizer.constants(2)[0] == 0.1


# Without weights, for `fit`; saving and loading.


@each_optimizer
def test_an_optimizer_without_weights_is_for_fit(make):
    optimizer = make(lr=0.25)
    assert (optimizer.params, optimizer.states, optimizer.steps) == ([], [], 0)
    state = optimizer.initial(1.0)
    assert optimizer.update(1.0, 2.0, state, optimizer.constants(1))[0] < 1.0
    with pytest.raises(RuntimeError, match=f"this {make.__name__} was made without weights"):
        optimizer.step()


def trained(case, steps, optimizer=None, weights=None):
    """An optimizer after some steps, and its weights."""
    weights = weights or [Value(1.0), Value(-2.0)]
    optimizer = optimizer or case.optimizer(weights)
    for _ in range(steps):
        for weight in weights:
            weight.grad = math.sin(weight.data) + optimizer.steps
        optimizer.step()
    return optimizer, weights


@each_case
def test_a_state_dict_goes_through_json_and_the_training_goes_on_to_the_same_bits(case):
    optimizer, weights = trained(case, 7)
    saved = json.loads(json.dumps(optimizer.state_dict()))
    settings = {} if case.schedule is None else {"lr": case.schedule}
    other = type(optimizer)([Value(weight.data) for weight in weights], **settings)
    other.load_state_dict(saved)
    assert other.settings() == optimizer.settings() == saved["settings"]
    _, resumed = trained(case, 5, other, other.params)
    _, expected = trained(case, 5, optimizer, weights)
    assert [weight.data for weight in resumed] == [weight.data for weight in expected]
    assert (other.states, other.steps) == (optimizer.states, 12)


@each_case
def test_fit_hands_the_state_back_by_restore(case):
    optimizer, weights = trained(case, 3)
    other = case.optimizer([Value(weight.data) for weight in weights])
    other.restore(optimizer.steps, [list(state) for state in optimizer.states])
    assert (other.states, other.steps) == (optimizer.states, 3)


def test_settings_are_the_arguments_as_json_holds_them():
    optimizer = Adam(lr=Cosine(0.1, 10), betas=(0.8, 0.9))
    assert optimizer.settings() == {
        "optimizer": "Adam",
        "lr": "Cosine(rate=0.1, steps=10, last=0.0)",
        "betas": [0.8, 0.9],
        "eps": 1e-8,
        "eps_root": 0.0,
        "weight_decay": 0.0,
        "amsgrad": False,
    }
    assert repr(Momentum([Value(1.0)], lr=1)) == "Momentum(1 weights, lr=1.0, gamma=0.9, steps=0)"


def test_a_function_as_schedule_is_written_the_same_in_every_run():
    schedules = [lambda step: 0.1, partial(max, 0.1), math.cos]
    written = [SGD(lr=schedule).settings()["lr"] for schedule in schedules]
    assert written[1:] == ["functools.partial(<built-in function max>, 0.1)", "<built-in function cos>"]
    assert "lambda" in written[0]
    assert " at 0x" not in written[0]


SAVED = Adam([Value(1.0), Value(2.0)], lr=0.1).state_dict()
SCHEDULED = Adam([Value(1.0), Value(2.0)], lr=Cosine(0.1, 10)).state_dict()


@pytest.mark.parametrize(
    ("optimizer", "saved", "error", "words"),
    [
        (SGD, SAVED, ValueError, "the state is that of Adam, and this is SGD"),
        (AdamW, SAVED, ValueError, "the state is that of Adam, and this is AdamW"),
        (Adam, SCHEDULED, ValueError, r"rate is Cosine\(.*\), and this optimizer's is 0.001: a schedule"),
        (partial(Adam, lr=Cosine(0.2, 10)), SCHEDULED, ValueError, r"is Cosine\(rate=0.2"),
        (partial(Adam, lr=Cosine(0.2, 10)), SAVED, ValueError, "rate is 0.1, and this optimizer's is Cosine"),
        (Adam, {**SAVED, "states": [[0.0, 0.0]]}, ValueError, "those of 1 weights, and this Adam has 2"),
        (Adam, {**SAVED, "states": [[0.0], [0.0]]}, ValueError, r"states\[0\] must have 2 numbers, got 1"),
        (Adam, {**SAVED, "states": [[0.0, 0.0], [0.0, "x"]]}, TypeError, r"states\[1\]\[1\] must be a real"),
        (Adam, {**SAVED, "steps": -1}, ValueError, "steps must be at least 0, got -1"),
        (Adam, {"steps": 1}, TypeError, r"must have the settings .*, got {'steps': 1}"),
        (Adam, None, TypeError, "must have the settings .*, got None"),
        (Adam, {**SAVED, "settings": {"optimizer": "Adam"}}, ValueError, "settings must be .*'lr', 'betas'"),
        (
            Adam,
            {**SAVED, "settings": {**SAVED["settings"], "betas": [0.9, 2.0]}},
            ValueError,
            r"betas\[1\] must be at least 0 and below 1, got 2.0",
        ),
        (
            Adam,
            {**SAVED, "settings": {**SAVED["settings"], "amsgrad": True}},
            ValueError,
            r"states\[0\] must have 3 numbers, got 2",
        ),
    ],
)
def test_a_state_dict_that_does_not_fit_is_told_and_changes_nothing(optimizer, saved, error, words):
    bound = optimizer([Value(1.0), Value(2.0)])
    bound.step()
    before = bound.state_dict()
    with pytest.raises(error, match=words):
        bound.load_state_dict(saved)
    assert bound.state_dict() == before


def test_an_optimizer_of_one_s_own_is_an_update():
    class SignDescent(Optimizer):
        def update(self, weight, gradient, state, constants):
            return weight - constants[0] * ((gradient > 0) - (gradient < 0)), state

    w = Value(1.0)
    w.grad = 5.0
    optimizer = SignDescent([w], lr=0.25)
    optimizer.step()
    assert w.data == 0.75
    assert optimizer.state_dict()["settings"] == {"optimizer": "SignDescent", "lr": 0.25}


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Adam([]), ValueError, "at least one weight"),
        (lambda: Adam([1.0]), TypeError, "must be Values, got float"),
        (lambda: Adam(Value(1.0)), TypeError, r"an iterable of Values, got Value: write \[w\]"),
        (lambda: Adam(3), TypeError, "an iterable of Values, got int"),
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
        (lambda: AdaGrad(eps=0.0), ValueError, "eps and initial_accumulator_value must not both be 0"),
        (lambda: RMSProp(eps=0.0), ValueError, "eps must be above 0"),
        (lambda: RMSProp(alpha=1.0), ValueError, "alpha must be at least 0 and below 1"),
        (lambda: SGD(momentum=-0.1), ValueError, "momentum must be at least 0 and below 1"),
        (lambda: SGD(nesterov=True), ValueError, "nesterov needs a momentum above 0 and no dampening"),
        (
            lambda: SGD(momentum=0.9, dampening=0.1, nesterov=True),
            ValueError,
            "got momentum=0.9 and dampening=0.1",
        ),
        (lambda: SGD(nesterov=0.9), TypeError, "nesterov must be True or False, got 0.9"),
        (lambda: AdamW(weight_decay=-1.0), ValueError, "weight_decay must be at least 0, got -1.0"),
        (lambda: Optimizer([Value(1.0)]).step(), NotImplementedError, "Optimizer does not define update"),
        (lambda: Adam(lr=True), TypeError, "lr must be a number, got bool"),
    ],
)
def test_bad_input_is_told_what_was_wrong(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_an_optimizer_of_one_s_own_is_a_dataclass_of_its_hyperparameters():
    @dataclass(eq=False, repr=False)
    class HeavyBall(Optimizer):
        drag: float = 0.5
        state_size = 1

        def update(self, weight, gradient, state, constants):
            velocity = (1 - self.drag) * state[0] - constants[0] * gradient
            return weight + velocity, (velocity,)

    w = Value(1.0)
    w.grad = 1.0
    optimizer = HeavyBall([w], 0.25, drag=0.75)
    optimizer.step()
    optimizer.step()
    assert (w.data, optimizer.states) == (0.4375, [(-0.3125,)])
    assert repr(optimizer) == "HeavyBall(1 weights, lr=0.25, drag=0.75, steps=2)"
    other = HeavyBall([Value(w.data)], lr=1.0)
    other.load_state_dict(json.loads(json.dumps(optimizer.state_dict())))
    assert (other.lr, other.drag, other.steps, other.states) == (0.25, 0.75, 2, optimizer.states)


def test_signatures_are_those_of_pytorch_in_its_order():
    """By position: the learning rate, and then each optimizer's own hyperparameters."""
    w = [Value(1.0)]
    assert vars(SGD(w, 0.1, 0.9, 0.1, 0.2, False)) == vars(
        SGD(w, lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.2, nesterov=False)
    )
    assert (Adam(w, 0.1, (0.5, 0.6), 1e-3).betas, Adam(w, 0.1, (0.5, 0.6), 1e-3).eps) == ((0.5, 0.6), 1e-3)
    assert (AdaGrad(w).lr, RMSProp(w).lr, Adam(w).lr, AdamW(w).weight_decay) == (0.01, 0.01, 0.001, 0.01)
    for make in (Adam, AdamW):
        with pytest.raises(TypeError, match="positional"):
            make(w, 0.1, (0.9, 0.999), 1e-8, 1e-8)


@pytest.mark.parametrize("make", [lambda leaf: leaf * 2, lambda leaf: -leaf, lambda leaf: leaf + 0.0])
def test_a_weight_that_is_no_leaf_is_refused(make):
    with pytest.raises(ValueError, match=r"must be leaves.*Value\(w.data\)"):
        SGD([Value(1.0), make(Value(0.5))], lr=0.1)
    w = Value(make(Value(0.5)).data)
    assert SGD([w], lr=0.1).params == [w]
