"""Schedules: PyTorch's rates, what they do at their ends, their text, bad input."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from optim.schedules import Constant, Cosine, Exponential, Linear, StepDecay, WarmUp
from tests.optim.pytorch_figures import SCHEDULED_STEPS, SCHEDULES, recorded

RATES = recorded()["rates"]
each_schedule = pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)


@each_schedule
def test_rates_are_pytorch_s(schedule):
    """Whose own are products over the steps before: they hold the rounding of all of them."""
    rates = [schedule(step) for step in range(SCHEDULED_STEPS)]
    assert rates == pytest.approx(RATES[repr(schedule)], rel=1e-12)


@each_schedule
def test_a_schedule_s_text_is_the_call_that_makes_it(schedule):
    names = {kind.__name__: kind for kind in (Constant, Cosine, Exponential, Linear, StepDecay, WarmUp)}
    assert eval(repr(schedule), names) == schedule
    assert hash(eval(repr(schedule), names)) == hash(schedule)


def test_whole_numbers_become_floats_so_that_equal_schedules_have_one_text():
    assert repr(Linear(1, 10)) == repr(Linear(1.0, 10, 0)) == "Linear(rate=1.0, steps=10, last=0.0)"


@pytest.mark.parametrize("kind", [Linear, Cosine])
@pytest.mark.parametrize(("rate", "last"), [(0.1, 0.02), (0.3, 0.7), (0.1, 0.0)])
def test_the_last_rate_is_reached_exactly_and_stays(kind, rate, last):
    schedule = kind(rate, 7, last)
    assert schedule(0) == pytest.approx(rate, rel=1e-15)
    assert [schedule(step) for step in (7, 8, 14, 10**9)] == [last] * 4
    rates = [schedule(step) for step in range(8)]
    assert all((later - earlier) * (last - rate) > 0 for earlier, later in pairwise(rates))
    assert (rates[3] + rates[4]) / 2 == pytest.approx((rate + last) / 2, rel=1e-15)


def test_warm_up_goes_on_with_the_other_schedule_from_its_beginning():
    schedule = WarmUp(StepDecay(0.8, every=2, factor=0.5), steps=4, first=0.0)
    assert [schedule(step) for step in range(9)] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 0.8, 0.4, 0.4, 0.2])
    assert WarmUp(lambda step: 1.0 / (1 + step), 2, 0.5)(3) == 0.5


def test_a_rate_that_outgrows_floats_is_infinite():
    assert Exponential(0.1, 2.0)(2000) == math.inf
    assert Exponential(0.1, 0.5)(2000) == 0.0


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Constant(-0.1), ValueError, "rate must be at least 0, got -0.1"),
        (lambda: Constant("fast"), TypeError, "rate must be a number, got str"),
        (lambda: StepDecay(0.1, 0), ValueError, "every must be at least 1, got 0"),
        (lambda: StepDecay(0.1, 2.5), TypeError, "every must be a whole number, got 2.5"),
        (lambda: StepDecay(0.1, 5, 0.0), ValueError, "factor must be above 0"),
        (lambda: Exponential(0.1, math.inf), ValueError, "factor must be above 0, got inf"),
        (lambda: Cosine(0.1, -5), ValueError, "steps must be at least 1, got -5"),
        (lambda: Cosine(0.1, 5, -1.0), ValueError, "last must be at least 0, got -1.0"),
        (
            lambda: WarmUp(0.1, 5),
            TypeError,
            r"schedule must be a schedule, such as Constant\(0.1\), got float",
        ),
        (lambda: WarmUp(Constant(0.1), 5, math.nan), ValueError, "first must be at least 0, got nan"),
    ],
)
def test_bad_input_is_told_what_was_wrong(make, error, words):
    with pytest.raises(error, match=words):
        make()
