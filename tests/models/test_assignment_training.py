"""Training: the assignment's conclusion, and the arithmetic of the loop."""

import math

import pytest

from models import load_assignment_data
from models.assignment import hand_gradients, loss
from models.assignment.training import start


@pytest.fixture(scope="module")
def samples():
    X, y = load_assignment_data()
    return list(zip(X.tolist(), y.tolist()))


def first_epochs(samples, name, threshold, at_most, gamma=0.3):
    """The first epoch under a threshold for each of the seeds 0, 1 and 2."""
    found = []
    for seed in (0, 1, 2):
        training = start(name, gamma=gamma, seed=seed)
        while training.first_epoch_below(threshold) is None and len(training.loss_per_epoch) < at_most:
            training.run_epoch(samples)
        found.append(training.first_epoch_below(threshold))
    return found


def test_adam_is_under_1e_4_at_epoch_7(samples):
    assert first_epochs(samples, "adam", 1e-4, at_most=8) == [7, 7, 7]


def test_momentum_is_under_1e_2_at_epochs_67_to_72(samples):
    found = first_epochs(samples, "momentum", 1e-2, at_most=73)
    assert (min(found), max(found)) == (67, 72)


def test_more_momentum_is_under_1e_3_at_epochs_30_to_34(samples):
    found = first_epochs(samples, "momentum", 1e-3, at_most=35, gamma=0.9)
    assert (min(found), max(found)) == (30, 34)


def test_vanilla_is_not_under_1e_2_before_epoch_95(samples):
    assert first_epochs(samples, "vanilla", 1e-2, at_most=94) == [None, None, None]


def test_an_epoch_is_a_step_a_sample_in_order(samples):
    training = start("vanilla", lr=0.01, seed=3)
    w = [one.data for one in training.optimizer.params]
    losses = []
    for x, y in samples:
        losses.append(loss(w, x, y))
        w = [weight - 0.01 * float(g) for weight, g in zip(w, hand_gradients(w, x, y))]
    mean = training.run_epoch(samples)
    assert math.isclose(mean, sum(losses) / 506, rel_tol=1e-12)
    assert training.weights == pytest.approx(w, rel=1e-12)
    assert training.loss_per_epoch == [mean]
    assert training.seconds > 0


def test_a_seed_gives_every_optimizer_the_same_weights_and_repeats(samples):
    starts = {name: [w.data for w in start(name, seed=5).optimizer.params] for name in ("vanilla", "adam")}
    assert starts["vanilla"] == starts["adam"] != [w.data for w in start("adam", seed=6).optimizer.params]
    one, other = start("adam", seed=5), start("adam", seed=5)
    assert one.run_epoch(samples[:50]) == other.run_epoch(samples[:50])


def test_an_interrupted_epoch_leaves_the_finished_ones(samples):
    training = start("adam")
    training.run_epoch(samples)
    losses, weights = list(training.loss_per_epoch), list(training.weights)

    def interrupted():
        yield from samples[:10]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.run_epoch(interrupted())
    assert (training.loss_per_epoch, training.weights) == (losses, weights)
