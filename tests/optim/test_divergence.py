"""A loss that turns nan or infinite ends `fit`: where that is, and which parameters are kept."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autograd as ag
from autograd import Value
from optim import SGD, DivergenceError, fit


def risky(p, x, y):
    return (ag.log(p["slope"] + x) - y) ** 2


@pytest.mark.parametrize("engine", ["auto", "eager"])
def test_a_loss_that_turns_nan_names_epoch_sample_and_operation(engine):
    data = np.array([1.0, 2.0, -5.0, 3.0]), np.zeros(4)
    calls = []
    with pytest.raises(DivergenceError) as stopped:
        fit(
            risky,
            {"slope": 4.95},
            data,
            SGD(lr=0.01),
            9,
            engine=engine,
            callbacks=[lambda epoch, params: calls.append(params)],
        )
    error = stopped.value
    assert (error.epoch, error.sample) == (1, 2)
    assert "log(" in str(error)
    assert "return (ag.log(p" in str(error), "the line"
    assert len(error.history) == len(calls) == 0
    once = fit(risky, {"slope": 4.95}, (data[0][:1], data[1][:1]), SGD(lr=0.01), 1)
    assert error.params == once.params, "those that gave the loss of sample 1, the last finite one"


def test_the_sample_is_numbered_as_in_the_data_though_shuffled_and_in_batches():
    x = np.linspace(1.0, 2.0, 30)
    x[17] = -9.0
    with pytest.raises(DivergenceError) as stopped:
        fit(risky, {"slope": 4.0}, (x, np.zeros(30)), SGD(lr=1e-6), 3, 4, shuffle=True)
    assert stopped.value.sample == 17


def test_the_last_good_weights_are_kept_in_the_values():
    w = Value(1.0, "w")
    x = np.array([1.0, 1.0, 1e200, 1.0])
    with pytest.raises(DivergenceError, match=r"pow\(.* is inf") as stopped:
        fit(lambda p, x: (p[0] * x) ** 2, [w], x, SGD(lr=0.1), 2)
    assert stopped.value.sample == 2
    assert w.data == stopped.value.params[0] == pytest.approx(0.8)


def test_weights_that_run_away_in_a_later_epoch_are_found():
    # w <- -9 w: the square overflows after some 160 steps
    with pytest.raises(DivergenceError) as stopped:
        fit(lambda p, x: (p[0] * x) ** 2, [1.0], np.array([1.0, 1.0]), SGD(lr=5.0), 1000)
    error = stopped.value
    assert error.epoch == len(error.history) + 1 > 50
    weight = error.params[0]
    assert math.isfinite(weight * weight)
    assert math.isinf(81 * weight * weight)


def test_an_update_that_overflows_is_named():
    with pytest.raises(DivergenceError, match=r"the update took params\[0\] from 1.0 to -inf"):
        fit(lambda p, x: p[0] * x, [1.0], np.array([1e200]), SGD(lr=1e200), 1)


@pytest.mark.parametrize("engine", ["auto", "python", "eager"])
def test_an_anomaly_in_a_batch_is_named_where_it_is_born(engine):
    x = np.array([1.0, 2.0, 3.0, -9.0, 1.0])
    with ag.detect_anomaly(), pytest.raises(FloatingPointError, match=r"log\(.*-.*\) is nan") as stopped:
        fit(risky, {"slope": 4.0}, (x, np.zeros(5)), SGD(lr=1e-6), 3, 2, engine=engine)
    assert "return (ag.log(p" in str(stopped.value), "the line"
    if engine != "eager":
        assert ", step 1, step 1" in str(stopped.value), "the second batch's second sample"
