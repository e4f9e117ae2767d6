"""Every value and derivative to the unit in the last place, against the stored table and the goals."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp, mpf

import autograd as ag
from autograd import Primitive, all_primitives, grad, primitive, where
from autograd.engines import engine_names
from benchmarks.accuracy import ours
from benchmarks.accuracy.exact import VALUES, exact, keys
from benchmarks.accuracy.limits import GOALS, limit_of
from benchmarks.accuracy.measuring import measured
from benchmarks.accuracy.points import points
from benchmarks.accuracy.table import FIGURES, report, summary
from benchmarks.accuracy.ulp import errors, rounded
from tests.autograd.exact import derivative

README = Path(__file__).parents[3] / "README.md"
STORED = json.loads(FIGURES.read_text("utf-8"))
TABLE = {entry.name: entry for entry in all_primitives() if entry.is_builtin}
ENGINES = [
    name for name in engine_names() if name in ("numpy", "python") or importlib.util.find_spec("llvmlite")
]
SLACK = 0.5  # ulp: another C library's rounding
OF_NUMPY = 4.0  # ulp: how far NumPy's functions are from the C library's, of which a rule calls up to two

each_name = pytest.mark.parametrize("name", TABLE)


def selection(name: str) -> list[tuple[float, ...]]:
    """The worst points that were found, and a sample."""
    worst = {
        tuple(worst["at"])
        for by_reason in STORED["primitives"][name].values()
        for contestant, worst in by_reason.get("", {}).items()
        if contestant in ("ours", "numpy")
    }
    return sorted(worst) + points(name, TABLE[name].arity, 90, seed=1)


def allowed(name: str, key: str, contestant: str) -> float:
    stored = STORED["primitives"][name][key][""]
    limit = limit_of(name, key).ulp
    if contestant == "numpy":
        return limit + (1 + len(key)) * OF_NUMPY
    return min(limit, stored["ours"]["ulp"] + SLACK)


def test_every_primitive_is_measured():
    hint = "give its exact forms in benchmarks/accuracy/exact.py and run: python -m benchmarks.accuracy"
    assert set(STORED["primitives"]) == set(TABLE) == set(VALUES), hint


@each_name
def test_no_value_or_derivative_is_further_off_than_the_table_says(name):
    entry = TABLE[name]
    runs = {"transforms": ours.by_transforms(entry), "backward": ours.by_backward(entry)}
    runs |= {engine: ours.on_engine(entry, engine) for engine in ENGINES}
    for (key, reason, contestant), worst in measured(name, selection(name), runs).items():
        if not reason:
            assert worst[0].ulp <= allowed(name, key, contestant), (key, contestant, worst[0])


@each_name
def test_no_derivative_is_nan_where_there_is_one(name):
    where_defined = points(name, TABLE[name].arity, 200, seed=2)
    results = ours.by_backward(TABLE[name])([np.array(column) for column in zip(*where_defined)])
    for i, point in enumerate(where_defined):
        defined = exact(name, point)
        for key, number in zip(keys(len(point)), results[:, i]):
            assert key not in defined or not math.isnan(number), (point, key)


@pytest.mark.parametrize("exponent", [-3.0, -1.0, -0.3, 0.0, 0.1, 1 / 3, 0.5, 1.0, 2.0, 2.7, 3.0, 10.0])
def test_a_constant_exponent_is_as_exact_as_a_variable_one(exponent):
    def power(a):
        return ag.pow(a, exponent)

    for a in [1e-70, 1e-5, 0.3, 1 - 2**-53, 1.7, 19.0, 1e25, 1e80]:
        truth = exact("pow", (a, exponent))
        derivatives = [power(a), grad(power)(a), grad(grad(power))(a)]
        for order, key in enumerate(("", "a", "aa")):
            assert errors(np.array([derivatives[order]]), rounded([truth[key]]))[0] <= GOALS[order], (a, key)


@pytest.mark.parametrize(("function", "third"), [(ag.tanh, -2.0), (ag.sigmoid, -0.125), (ag.atan, -2.0)])
def test_third_derivatives_are_right_where_a_rule_in_two_pieces_would_not_be(function, third):
    assert grad(grad(grad(function)))(0.0) == pytest.approx(third, rel=1e-15)


@pytest.mark.parametrize("name", ["erf", "erfc", "tanh", "sigmoid", "softplus", "atan", "asinh"])
@pytest.mark.parametrize("x", [-1e305, -1e200, -1e20, 1e20, 1e200, 1e305])
def test_second_derivatives_end_in_0_and_not_in_nan(name, x):
    assert abs(grad(grad(TABLE[name]))(x)) < 1e-39


# Rules that are off, by little or where few look: the selection of points sees each.


def _wrong_at_the_end(y, x):
    return (
        4.0 * ag.sigmoid(2.0 * x) * ag.sigmoid(-2.0 * x) * where(ag.less(19.0, abs(x)), 1.0 + 2.0**-50, 1.0)
    )


PLANTED = {
    "the textbook's tanh": ("tanh", math.tanh, (lambda y, x: 1 - y * y,)),
    "tanh off by 4 ulp at the ends": ("tanh", math.tanh, (_wrong_at_the_end,)),
    "the textbook's sigmoid": ("sigmoid", ag.sigmoid.forward, (lambda y, x: y * (1 - y),)),
    "sigmoid by one quotient": (
        "sigmoid",
        lambda x: 1 / (1 + math.exp(-x)),
        (lambda y, x: y * ag.sigmoid(-x),),
    ),
    "log of 1 + x": ("log1p", lambda x: math.log(1 + x), (lambda y, x: 1 / (1 + x),)),
    "the textbook's erf": ("erf", math.erf, (lambda y, x: 2 / math.sqrt(math.pi) * ag.exp(-x * x),)),
    "the textbook's acosh": ("acosh", math.acosh, (lambda y, x: 1 / ag.sqrt(x * x - 1),)),
    "the textbook's asinh": ("asinh", math.asinh, (lambda y, x: 1 / ag.sqrt(x * x + 1),)),
    "cos for the derivative of cos": ("cos", math.cos, (lambda y, x: -ag.sqrt(1 - y * y),)),
    "a power with a rounded exponent": (
        "pow",
        ag.pow.forward,
        (lambda y, a, b: b * a ** (b - 1), lambda y, a, b: y * ag.log(a)),
    ),
    "a square that overflows": (
        "atan2",
        math.atan2,
        (lambda y, a, b: b / (a * a + b * b), lambda y, a, b: -a / (a * a + b * b)),
    ),
}


@pytest.mark.parametrize("title", PLANTED)
def test_a_planted_error_is_found(title):
    name, forward, partials = PLANTED[title]
    planted: Primitive = primitive(f"planted_{name}", forward, partials)
    worst_errors = measured(name, selection(name), {"planted": ours.by_backward(planted)})
    too_far = [
        key
        for (key, reason, _), worst in worst_errors.items()
        if not reason and worst[0].ulp > limit_of(name, key).ulp
    ]
    assert too_far, {key: worst[0] for key, worst in worst_errors.items()}


# What it is measured with.


@each_name
def test_the_closed_forms_agree_with_difference_quotients(name):
    if name == "stop_gradient":
        return
    arity = TABLE[name].arity
    tame = [point for point in points(name, arity, 400, seed=3) if all(1e-3 < abs(x) < 30 for x in point)]
    for point in tame[:4]:
        for key, form in exact(name, point).items():
            orders = tuple(key.count(operand) for operand in keys(arity)[1 : arity + 1])
            with mp.workdps(50):
                quotient = derivative(name, point, orders) if key else VALUES[name](*map(mpf, point))
                assert abs(quotient - form) <= mpf(10) ** -40 * max(abs(form), 1), (point, key)


def test_errors_are_counted_in_units_of_the_exact_numbers_last_place():
    with mp.workdps(60):
        third, below_1 = mpf(1) / 3, 1 - mpf(2) ** -60
        largest, beyond = mpf(2) ** 1024 * (1 - mpf(2) ** -53), mpf(2) ** 1024
        numbers = [third, below_1, below_1, mpf(0), 1.3 * mpf(5e-324), beyond, beyond, largest, third, third]
    results = [1 / 3, 1.0, 1 - 2**-53, 0.0, 1e-323, math.inf, 1e308, math.inf, math.nan, -math.inf]
    expected = [1 / 3, 2**-7, 1 - 2**-7, 0.0, 0.7, 0.0, math.inf, 1.0, math.inf, math.inf]
    assert errors(np.array(results), rounded(numbers)).tolist() == pytest.approx(expected)


def test_units_double_at_powers_of_2_and_stay_below_the_normal_numbers():
    with mp.workdps(60):
        numbers = [mpf(1), mpf(2), 2 - mpf(2) ** -70, mpf(2) ** -1022, mpf(2) ** -1040, mpf(0)]
    units = rounded(numbers).unit
    assert units.tolist() == [2**-52, 2**-51, 2**-52, *[2.0**-1074] * 3]


def test_the_report_is_made_of_the_stored_figures():
    assert FIGURES.with_suffix(".md").read_text("utf-8") == report(STORED), (
        "run: python -m benchmarks.accuracy"
    )


def test_the_readme_shows_where_peers_lose_digits():
    shown = summary(STORED)
    assert shown in README.read_text("utf-8"), "run: python -m benchmarks.accuracy.table, for README.md"


def test_the_goals_are_reached_or_the_reason_is_named():
    for name, outputs in STORED["primitives"].items():
        for key, by_reason in outputs.items():
            assert by_reason[""]["ours"]["ulp"] <= limit_of(name, key).ulp, (name, key)
