"""`compare`: slips planted in gradients by hand are named, and right gradients are never blamed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Value, compare, primitive, where
from models.assignment import hand_gradients, loss
from models.assignment.data import load_assignment_data

FORMULAS = {
    "u": "w1*x1 + w2*x2",
    "q": "w4*x4 + w5*x5",
    "e": "np.exp(u*u + w6)",
    "t": "np.tanh(e + w7)",
    "s": "1/(1 + np.exp(-(np.sin(w3*x3)*q + w8)))",
    "dy": "-2*(y - (t + s*w9))",
    "dw9": "dy*s",
    "dw8": "dy*w9*s*(1 - s)",
    "dw7": "dy*(1 - t*t)",
    "dw6": "dw7*e",
    "dw5": "dw8*np.sin(w3*x3)*x5",
    "dw4": "dw8*np.sin(w3*x3)*x4",
    "dw3": "dw8*q*np.cos(w3*x3)*x3",
    "dw2": "dw6*2*u*x2",
    "dw1": "dw6*2*u*x1",
}
WEIGHTS = [Value(0.1, f"w{i}") for i in range(1, 10)]
FEATURES = [
    Value(x, f"x{i}") for i, x in enumerate((-1.2879095, -0.12001342, -1.459, -0.66660821, -0.14421743), 1)
]
TARGET = Value(1.85884913, "y")


def by_hand(**slips: str) -> Callable[..., Any]:
    """The assignment's gradient by its formulas, some of them written otherwise."""
    formulas = {**FORMULAS, **slips}

    def gradient(w: Any, x: Any, y: Any) -> list[Any]:
        names = {"np": np, "y": y}
        names |= {
            f"{name}{i}": number for name, group in (("w", w), ("x", x)) for i, number in enumerate(group, 1)
        }
        for name, formula in formulas.items():
            names[name] = eval(formula, names)
        return [names[f"dw{i}"] for i in range(1, 10)]

    return gradient


def findings(**slips: str) -> list[str]:
    """What is said of the assignment's gradient with slips in it; the first line of each finding."""
    report = compare(loss, by_hand(**slips), WEIGHTS, FEATURES, TARGET, points=4)
    assert not report
    return [finding.splitlines()[0].removesuffix(", where").removesuffix(".") for finding in report.findings]


def test_the_assignment_s_hand_gradient_passes():
    report = compare(loss, hand_gradients, WEIGHTS, FEATURES, TARGET)
    assert report.passed
    assert report
    assert [component.name for component in report.components] == [f"w{i}" for i in range(1, 10)]
    assert report.findings == report.definitions == ()
    assert len(report.points) == 9
    assert str(report).endswith("passed: 9 components are equal to rounding at 9 points")


@pytest.mark.parametrize("i", range(1, 10))
def test_a_wrong_sign_is_found_in_every_component(i):
    def gradient(w, x, y):
        return [-slope if k == i else slope for k, slope in enumerate(hand_gradients(w, x, y), 1)]

    report = compare(loss, gradient, WEIGHTS, FEATURES, TARGET)
    assert [component.name for component in report.components if not component.passed] == [f"w{i}"]
    assert report.components[i - 1].verdict == f"dw{i} has the wrong sign"
    assert report.components[i - 1].wrong_at == tuple(range(9))
    assert len(report.findings) == 1


FACTORS = {
    "dw9": "s",
    "dw8": "w9 s 1-s",
    "dw7": "1-t^2",
    "dw6": "1-t^2 e",
    "dw5": "w9 s 1-s sin(w3*x3) x5",
    "dw4": "w9 s 1-s sin(w3*x3) x4",
    "dw3": "w9 s 1-s q cos(w3*x3) x3",
    "dw2": "1-t^2 e 2 u x2",
    "dw1": "1-t^2 e 2 u x1",
}


def multiplied(factors: list[str]) -> str:
    written = "*".join(["dy", *(f"({factor})" for factor in factors)]).replace("^", "**")
    return written.replace("sin", "np.sin").replace("cos", "np.cos")


@pytest.mark.parametrize("component", FACTORS)
def test_every_factor_that_is_left_out_of_a_component_is_named(component):
    right = {name: multiplied(factors.split()) for name, factors in FACTORS.items()}
    factors = FACTORS[component].split()
    for i, factor in enumerate(factors):
        (finding,) = findings(**{**right, component: multiplied(factors[:i] + factors[i + 1 :])})
        assert finding.partition(" = ")[0] == f"{component} lacks the factor {factor.replace('-', ' - ')}"


@pytest.mark.parametrize(
    ("slips", "expected"),
    [
        ({"dw1": "dw6*2*u*x2", "dw2": "dw6*2*u*x1"}, ["dw1 is swapped with dw2"]),
        (
            {"dw4": "dw8*np.sin(w3*x3)*x5", "dw5": "dw8*np.sin(w3*x3)*x4"},
            ["dw4 is swapped with dw5"],
        ),
        ({"dw1": "dw6*2*u*x2"}, ["dw1 has x2 where x1 belongs"]),
        ({"dw3": "dw8*q*np.sin(w3*x3)*x3"}, ["dw3 has sin(w3*x3) where cos(w3*x3) belongs"]),
        ({"dw9": "dy*s*w9"}, ["dw9 has a factor w9 too many"]),
        ({"dw9": "3*dy*s"}, ["dw9 has a factor 3 too many"]),
        ({"dw9": "dy*s/3"}, ["dw9 is 1/3 of what it should be"]),
        ({"dw9": "-dy"}, ["dw9 lacks the factor s and has the wrong sign"]),
        ({"dw1": "dw6*x1"}, ["dw1 lacks the factor 2*u"]),
        ({"dw1": "dw6*x1*u*1.0371"}, ["dw1 is 0.51855 times what it should be"]),
        ({"dw1": "dw6*2*u*x1 + x1"}, ["dw1 has a term too many: x1"]),
        ({"dw2": "0.0"}, ["dw2 is 0"]),
        ({"dw9": "np.sin(dy*s)"}, ["dw9 fits no known slip"]),
    ],
    ids=str,
)
def test_other_slips_in_one_place_are_named(slips, expected):
    assert [
        finding.partition(":")[0] if "fits" in finding else finding for finding in findings(**slips)
    ] == expected


@pytest.mark.parametrize(
    ("slips", "words", "place"),
    [
        ({"dy": "2*(y - (t + s*w9))"}, "Every component has the wrong sign", "dL/dp = -2*(y - p)"),
        ({"dy": "-(y - (t + s*w9))"}, "Every component lacks the factor 2", "dL/dp = -2*(y - p)"),
        (
            {"dy": "-2*(y + (t + s*w9))"},
            "Every component has y + p where y - p belongs",
            "dL/dp = -2*(y - p)",
        ),
        (
            {"dw8": "dy*w9"},
            "dw3, dw4, dw5, dw8: each lacks the factor s*(1 - s) = ds/dz",
            "dL/dz = dL/ds * s*(1 - s)",
        ),
        (
            {"dw8": "dy*w9*s*(1 + s)"},
            "dw3, dw4, dw5, dw8: each has 1 + s where 1 - s belongs",
            "dL/dz = dL/ds * s*(1 - s)",
        ),
        ({"dw8": "dy*s*(1 - s)"}, "dw3, dw4, dw5, dw8: each lacks the factor w9", "dL/ds = dL/dp * w9"),
        (
            {"dw7": "dy*(1 - t)"},
            "dw1, dw2, dw6, dw7: each has 1 - t where 1 - t^2 = dt/de belongs",
            "dL/de = dL/dt * (1 - t^2)",
        ),
        (
            {"dw7": "dy*t*(1 - t)"},
            "dw1, dw2, dw6, dw7: each has t*(1 - t) where 1 - t^2 = dt/de belongs",
            "dL/de = dL/dt * (1 - t^2)",
        ),
        ({"dw6": "dw7"}, "dw1, dw2, dw6: each lacks the factor e", "dL/du = dL/de * e*2*u"),
        (
            {"dw1": "-dw6*2*u*x1", "dw2": "-dw6*2*u*x2"},
            "dw1, dw2: each has the wrong sign",
            "dL/du = dL/de * e*2*u",
        ),
        (
            {"dw1": "dy*e*2*u*x1", "dw2": "dy*e*2*u*x2"},
            "dw1, dw2: each lacks the factor 1 - t^2 = dt/de",
            "dL/du = dL/de * e*2*u",
        ),
    ],
    ids=str,
)
def test_a_slip_that_others_inherit_is_found_where_it_was_made(slips, words, place):
    report = compare(loss, by_hand(**slips), WEIGHTS, FEATURES, TARGET)
    (finding,) = report.findings
    first, *places = finding.splitlines()
    assert first == f"{words}, where"
    assert places[0] == f"    {place}"
    assert "p = t + s*w9" in report.definitions
    assert report.definitions[-1] == "L = (y - p)^2"


@pytest.mark.parametrize(
    ("slips", "words"),
    [
        ({"u": "w1*x1 - w2*x2"}, "u = w1*x1 - w2*x2 in place of u = w1*x1 + w2*x2"),
        ({"e": "np.exp(u*u)"}, "e = exp(u^2) in place of e = exp(u^2 + w6)"),
    ],
    ids=str,
)
def test_a_misread_formula_is_found_behind_wrong_components(slips, words):
    assert findings(**slips) == [f"Every component would be right for {words}"]


def test_two_slips_are_told_apart():
    assert findings(dw8="-dy*w9*s*(1 - s)", dw1="dw6*2*u") == [
        "dw1 lacks the factor x1",
        "dw3, dw4, dw5, dw8: each has the wrong sign",
    ]


def of_one(f: Callable[..., Any], hand: Callable[..., Any], x: float = 0.7, **options: Any) -> str:
    """What is said of a derivative of a function of one variable."""
    report = compare(f, hand, Value(x, "x"), **options)
    return report.components[0].verdict


@pytest.mark.parametrize(
    ("f", "hand", "words"),
    [
        (lambda x: x * x.sin(), lambda x: math.sin(x), "dx lacks the term x*cos(x)"),
        (
            lambda x: x * x.sin(),
            lambda x: math.sin(x) - x * math.cos(x),
            "dx has a wrong term: x*cos(x) has the wrong sign",
        ),
        (
            lambda x: (x**2).exp() * x.sin(),
            lambda x: 2 * x * math.exp(x**2) * math.sin(x),
            "dx lacks the term e*cos(x)",
        ),
        (
            lambda x: (x**2).exp() * x.sin(),
            lambda x: math.exp(x**2) * (math.sin(x) + math.cos(x)),
            "dx has a wrong term: df/de * e*2*x lacks the factor 2*x",
        ),
        (lambda x: x**3, lambda x: 3 * x**3, "dx has a factor x too many"),
        (lambda x: x**3, lambda x: 3 * x, "dx lacks the factor x"),
        (lambda x: x.log(), lambda x: x, "dx has x where 1/x belongs"),
        (lambda x: x.cos(), lambda x: math.sin(x), "dx has the wrong sign"),
        (lambda x: x**3, lambda x: math.nan, "dx is nan where it should be 1.47"),
        (lambda x: x * 0.0 + 1.0, lambda x: x, "dx should be 0: the function does not depend on it there"),
    ],
)
def test_slips_of_calculus_are_named(f, hand, words):
    assert of_one(f, hand) == words


def test_a_component_that_is_right_at_one_point_only_is_found():
    words = of_one(lambda x: x**3, lambda x: 3 * x**3, x=1.0)
    assert words == "dx has a factor x too many (at 8 of 9 points; at the given one it is right)"
    words = of_one(lambda x: x**3, lambda x: 3 * x**2 if x != 0.7 else 0.0)
    assert words == "dx is 0 (at the given point only)"


def test_a_slip_in_one_branch_is_told_with_its_points():
    words = of_one(lambda x: where(x < 0.7, x**2, x**3), lambda x: 2 * x if x < 0.7 else -3 * x**2, points=12)
    assert words.startswith("dx has the wrong sign (at ")


def test_a_contribution_that_is_left_out_on_the_way_is_named():
    def f(x):
        p, q = x.sin(), x.exp()
        u = p * q
        a = u.sin()
        f = a * u
        p.label, q.label, u.label, a.label, f.label = "p", "q", "u", "a", "f"
        return f

    def hand(x):
        u = math.sin(x) * math.exp(x)
        du = math.sin(u)  # and u * cos(u), by way of a
        return du * (math.cos(x) * math.exp(x) + u)

    report = compare(f, hand, 0.3)
    assert report.findings[0].splitlines() == [
        "dx lacks the term df/da * cos(u), where",
        "    df/du = df/da * cos(u) + a",
    ]


def test_nothing_is_made_of_numbers_that_rounding_has_eaten():
    """Where tanh is 1, its derivative by the textbook's rule is noise."""
    words = of_one(lambda x: ag.tanh(x), lambda x: 3.7, x=25.0)
    assert words.startswith("dx fits no known slip")


def test_a_coincidence_is_not_a_slip():
    words = of_one(lambda x: x**3, lambda x: 5.0, x=0.7)
    assert words.startswith("dx fits no known slip: it is off by ")


def test_no_false_alarms_on_the_assignment_s_data_and_where_functions_saturate():
    features, targets = load_assignment_data()
    rng = np.random.default_rng(0)
    for scale in (0.01, 0.3, 1.0, 3.0, 10.0):
        row = rng.integers(len(targets))
        w = (scale * rng.normal(size=9)).tolist()
        for hand in (hand_gradients, by_hand()):
            report = compare(loss, hand, w, features[row].tolist(), float(targets[row]), points=6)
            assert report.passed, str(report)


def test_the_assignment_s_weights_one_by_one():
    def separate(*numbers):
        return loss(numbers[:9], numbers[9:14], numbers[14])

    def hand(*numbers):
        gradient = by_hand(dw3="dw8*q*x3")(numbers[:9], numbers[9:14], numbers[14])
        return tuple(gradient)

    report = compare(separate, hand, *WEIGHTS, *FEATURES, TARGET, argnums=range(9), points=4)
    (finding,) = report.findings
    assert finding.startswith("dw3 lacks the factor cos(w3*x3), where")


@pytest.mark.parametrize("by_hand", [math.nan, math.inf, 1.0])
@pytest.mark.parametrize("f", [lambda x: ag.log(-ag.exp(x)), lambda x: ag.exp(1e6 * x)])
def test_where_the_function_has_no_number_nothing_passes(f, by_hand):
    report = compare(f, lambda x: by_hand, 1.0)
    assert not report
    assert report.components[0].wrong_at == report.components[0].compared_at == ()
    assert report.findings[0].startswith("Nothing could be compared: the function is ")
    assert str(report).endswith("FAILED: 1 of 1 component could not be compared")


def test_a_point_without_a_number_counts_for_nothing():
    report = compare(ag.exp, lambda x: math.exp(x) if x < 709 else 0.0, 1000.0)
    assert report
    assert report.components[0].compared_at == (1, 2)
    assert str(report).endswith("passed: 1 component is equal to rounding at 2 points")
    assert compare(ag.sqrt, lambda x: 0.5 / math.sqrt(x) if x else math.inf, 0.0)
    assert not compare(ag.sqrt, lambda x: 0.5 / math.sqrt(x) if x else 0.0, 0.0)


@pytest.mark.parametrize(
    ("hand", "words"),
    [
        (lambda x: 3 * x**2 * (1 + 1e-9), "dx is nearly right, but too large by 1.0e-09 of its size"),
        (lambda x: 2.99999 * x**2, "dx is nearly right, but too small by 3.3e-06 of its size"),
        (lambda x: ((x + 1e-6) ** 3 - x**3) / 1e-6, "dx is nearly right, but off by"),
    ],
)
def test_what_is_nearly_right_is_called_so(hand, words):
    assert of_one(lambda x: x**3, hand).startswith(words)


def test_a_function_that_cannot_be_traced_is_compared_all_the_same():
    def f(x, y):
        return x * y if x > 0 else -x * y

    assert compare(f, lambda x, y: y if x > 0 else -y, 2.0, 3.0)
    report = compare(f, lambda x, y: -y if x > 0 else y, 2.0, 3.0)
    assert report.components[0].verdict == "dx has the wrong sign"
    report = compare(f, lambda x, y: y + x**2, 2.0, 3.0)
    assert report.findings[-1].startswith(
        "Factors and terms could not be looked for: the function cannot be traced"
    )


def test_rules_that_are_no_formulas_and_values_closed_over_are_no_hindrance():
    opaque = primitive("comparing_opaque", lambda x: math.sin(x), lambda y, x: (math.cos(x),))
    scale = Value(3.0, "scale")
    scale.grad = 7.0

    def f(x):
        return scale * opaque(x * x)

    assert compare(f, lambda x: 6 * x * math.cos(x * x), 0.5)
    report = compare(f, lambda x: 6 * math.cos(x * x), 0.5)
    assert report.components[0].verdict == "dx lacks the factor x"
    assert scale.grad == 7.0


def test_a_report_shows_itself():
    report = compare(loss, by_hand(dw3="-dw8*q*np.cos(w3*x3)*x3"), WEIGHTS, FEATURES, TARGET)
    lines = str(report).splitlines()
    assert lines[3].split()[0] == "dw3"
    assert lines[3].endswith("9 of 9 points")
    assert lines[-1] == "FAILED: 1 of 9 components is wrong (compared at 9 points)"
    assert repr(report) == f"<Comparison: {lines[-1]}>"
    html = report._repr_html_()
    assert html.count("<tr") == 10
    assert html.count('style="font-weight: bold"') == 1
    assert "dw3 has the wrong sign" in html
    assert "<script" not in compare(lambda x: x, lambda x: 2, Value(1.0, "<script>"))._repr_html_()
