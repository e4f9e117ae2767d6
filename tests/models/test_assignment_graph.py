"""The assignment's graph and its hand-derived gradients."""

import numpy as np
import pytest

from autograd import Value
from models.assignment import forward, graph, hand_gradients, load_assignment_data, loss
from models.assignment.graders import engine_gradients

WEIGHTS = [0.3, -0.2, 0.5, 0.7, -0.4, 0.1, -0.6, 0.25, 0.9]


def test_loss_of_arrays_is_the_loss_of_each_sample():
    X, y = load_assignment_data()
    each = [loss(WEIGHTS, x, t) for x, t in zip(X.tolist(), y.tolist())]
    batch = loss(WEIGHTS, X.T, y)
    assert batch.shape == (506,)
    np.testing.assert_allclose(batch, each, rtol=1e-12)


def test_loss_of_values_is_the_loss_of_numbers():
    X, y = load_assignment_data()
    on_values = loss([Value(w) for w in WEIGHTS], [Value(x) for x in X[3].tolist()], Value(y[3].item()))
    assert on_values.data == loss(WEIGHTS, X[3].tolist(), y[3].item())


def test_values_as_weights_take_a_batch_as_arrays():
    X, y = load_assignment_data()
    w = [Value(weight) for weight in WEIGHTS]
    loss(w, X.T, y).sum().backward()
    by_hand = [slopes.sum() for slopes in hand_gradients(WEIGHTS, X.T, y)]
    np.testing.assert_allclose([weight.grad for weight in w], by_hand, rtol=1e-10)


def test_forward_names_what_loss_computes():
    X, y = load_assignment_data()
    results = forward(WEIGHTS, X[1].tolist(), y[1].item())
    assert results._fields == ("exp", "tanh", "sigmoid", "dy_pred", "loss")
    assert results.loss == loss(WEIGHTS, X[1].tolist(), y[1].item())
    assert results.dy_pred == -2 * (y[1].item() - (results.tanh + results.sigmoid * WEIGHTS[8]))


@pytest.mark.parametrize("function", [loss, forward, hand_gradients])
@pytest.mark.parametrize(("w", "x"), [([0.1] * 8, [0.1] * 5), ([0.1] * 9, np.zeros((506, 5)))])
def test_wrong_number_of_weights_or_features_is_said(function, w, x):
    with pytest.raises(ValueError, match=rf"9 weights and 5 features, got {len(w)} and {len(x)} .*X\.T"):
        function(w, x, 1.0)


def test_hand_gradients_use_nothing_of_the_engine(monkeypatch):
    X, y = load_assignment_data()
    for name in ("exp", "sigmoid", "sin", "tanh"):
        monkeypatch.delattr(graph, name)
    at_planted = hand_gradients([0.1] * 9, X[0], y[0])
    expected = [-0.2297, -0.0214, -0.0056, -0.0047, -0.001, -0.6335, -0.5619, -0.0481, -1.0181]
    assert [round(float(slope), 4) for slope in at_planted] == expected


def test_hand_and_engine_agree_away_from_the_graders_point():
    X, y = load_assignment_data()
    by_hand = np.stack(hand_gradients(WEIGHTS, X.T, y))
    by_engine = np.array([engine_gradients(WEIGHTS, x, t) for x, t in zip(X.tolist(), y.tolist())]).T
    np.testing.assert_allclose(by_engine, by_hand, rtol=1e-9, atol=1e-12)


def test_the_gradient_vanishes_at_the_planted_weights():
    X, y = load_assignment_data()
    assert all(engine_gradients([1.0] * 9, x, t) == [0.0] * 9 for x, t in zip(X.tolist(), y.tolist()))
