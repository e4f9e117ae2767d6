"""Training: the assignment's conclusion, and the arithmetic of the loop."""

import math

import numpy as np
import pytest

from models import load_assignment_data
from models.assignment import hand_gradients, loss
from models.assignment.training import OPTIMIZERS, Training, epoch_seconds, first_weights
from optim import Adam, Momentum

X, Y = load_assignment_data()


def first_epochs(name, threshold, epochs, gamma=0.3):
    """The first epoch under a threshold for each of the seeds 0, 1 and 2."""
    reached = []
    for seed in (0, 1, 2):
        training = Training(name, first_weights(seed))
        training.run(X, Y, epochs, gamma=gamma)
        reached.append(training.first_epoch_below(threshold))
    return reached


def test_adam_is_under_1e_4_at_epoch_7():
    assert first_epochs("adam", 1e-4, 8) == [7, 7, 7]


def test_momentum_is_under_1e_2_at_epochs_67_to_72():
    epochs = first_epochs("momentum", 1e-2, 73)
    assert (min(epochs), max(epochs)) == (67, 72)


def test_more_momentum_is_under_1e_3_at_epochs_30_to_34():
    epochs = first_epochs("momentum", 1e-3, 35, gamma=0.9)
    assert (min(epochs), max(epochs)) == (30, 34)


def test_vanilla_is_not_under_1e_2_before_epoch_95():
    assert first_epochs("vanilla", 1e-2, 94) == [None, None, None]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("engine", ["auto", "python"])
def test_every_engine_comes_to_the_bits_of_eager(name, engine):
    trained = []
    for runner in ("eager", engine):
        training = Training(name, first_weights(4))
        training.run(X, Y, 2, engine=runner)
        trained.append((training.weights, training.loss_per_epoch))
    assert trained[0] == trained[1]
    assert training.engine != "eager"


def test_an_epoch_is_a_step_a_sample_in_order():
    w, losses = first_weights(3), []
    for x, y in zip(X.tolist(), Y.tolist()):
        losses.append(loss(w, x, y))
        w = [weight - 0.01 * float(g) for weight, g in zip(w, hand_gradients(w, x, y))]
    training = Training("vanilla", first_weights(3))
    training.run(X, Y, 1, lr=0.01)
    assert training.loss_per_epoch == [pytest.approx(sum(losses) / 506, rel=1e-12)]
    assert training.weights == pytest.approx(w, rel=1e-12)
    assert training.seconds > 0


def test_the_optimizers_are_the_assignment_s():
    adam = OPTIMIZERS["adam"](0.001, 0.3)
    assert isinstance(adam, Adam)
    assert (adam.lr, adam.betas, adam.eps, adam.eps_root) == (0.001, (0.9, 0.99), 0.0, 1e-8)
    momentum = OPTIMIZERS["momentum"](0.001, 0.3)
    assert isinstance(momentum, Momentum)
    assert momentum.gamma == 0.3


def test_a_seed_repeats_and_another_differs():
    assert first_weights(5) == first_weights(5) != first_weights(6)
    assert abs(np.std([first_weights(seed) for seed in range(200)]) - 0.01) < 0.001


def test_a_training_that_runs_away_keeps_its_last_good_epoch_and_says_where():
    training = Training("vanilla", first_weights(0))
    training.run(X, Y, 3, lr=1e300)
    assert "epoch 1, sample" in training.diverged
    assert training.loss_per_epoch == []
    assert all(map(math.isfinite, training.weights))


def test_an_interrupt_leaves_the_finished_epochs(monkeypatch):
    training = Training("adam", first_weights(0))

    class Interrupting(list):
        def append(self, loss):
            if len(self) == 2:
                raise KeyboardInterrupt
            super().append(loss)

    training.loss_per_epoch = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        training.run(X, Y, 9)
    expected = Training("adam", first_weights(0))
    expected.run(X, Y, 2)
    assert (list(training.loss_per_epoch), training.weights) == (expected.loss_per_epoch, expected.weights)
    assert training.seconds > 0


def test_an_epoch_is_timed_eager_and_compiled():
    seconds_by_engine = epoch_seconds(X[:20], Y[:20], "python")
    assert list(seconds_by_engine) == ["eager", "python"]
    assert all(seconds > 0 for seconds in seconds_by_engine.values())
