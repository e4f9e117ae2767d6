"""`check_gradients`: each method passes what is right, and finds wrong rules of the size that it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from mpmath import mp, mpf

import autograd as ag
from autograd import Value, check_gradients, primitive, where
from autograd.checking import METHODS, RefusedError
from autograd.checking.differences import ladder
from autograd.support.extras import MissingExtraError
from autograd.testing import TABLE, Expression, expressions
from tests.autograd.exact import derivative
from tests.autograd.graph.test_backward import central_differences
from tests.autograd.primitives.test_table import POINTS

# The relative size of error that a method finds on every primitive of the table, near ordinary points.
FINDS = {"high-precision": 1e-14, "complex-step": 1e-13, "richardson": 1e-10, "central": 1e-7, "taylor": 1e-5}
each_method = pytest.mark.parametrize("method", FINDS)
# Second derivatives of pow are left to tests of their own: the powers of 0 have some that do not exist.
SMOOTH_TWICE = [entry for entry in TABLE if entry is not ag.pow]

# Forwards as users write them, with `math` and with a decision.
wrong_cos = primitive("checking_wrong_cos", math.cos, lambda y, x: (ag.sin(x),))  # the sign is missing
sinc = primitive("checking_sinc", lambda x: math.sin(x) / x, (lambda y, x: (ag.cos(x) - y) / x,))
leaky = primitive(
    "checking_leaky", lambda x: x if x > 0 else 0.01 * x, (lambda y, x: where(ag.less(0.0, x), 1.0, 0.01),)
)
lookup = primitive("checking_lookup", lambda x: float(np.interp(x, [0, 1], [0, 2])), (lambda y, x: 2.0,))
times_sin = primitive(
    "checking_times_sin", lambda x: x * math.sin(x), (lambda y, x: ag.sin(x),)
)  # a term less
cos_off = primitive("checking_cos_off", math.cos, (lambda y, x: -0.5 * ag.sin(x),))
sin_once = primitive("checking_sin_once", math.sin, (lambda y, x: cos_off(x),))  # right, but for its second


def ordinary(entry: ag.Primitive) -> tuple[float, ...]:
    """A point at which a primitive is smooth, and no operand is like another."""
    return {"acosh": (1.75,), "where": (1.0, 0.75, 0.4)}.get(entry.name, (0.75, 0.4)[: entry.arity])


def with_error(entry: ag.Primitive, size: float) -> ag.Primitive:
    """The same primitive with a rule that is wrong by this much and more, of the last operand."""
    point = ordinary(entry)
    slope = entry.partials_at(entry(*point), point, (True,) * entry.arity)[-1] or 0.0
    shift = math.copysign(1.0, slope) * size

    def rules(y, *x):
        slopes = [rule(y, *x) for rule in entry.textbook or ()]  # the same in fewer roundings
        slopes = slopes or entry.partials_at(y, x, (True,) * entry.arity)
        return (*[slope or 0.0 for slope in slopes[:-1]], (slopes[-1] or 0.0) * (1 + size) + shift)

    return primitive(
        f"checking_{entry.name}_off", entry.forward, _of(entry.arity, rules), expression=lambda *x: entry(*x)
    )


def _of(arity, rules):
    """A function of so many named parameters, which is how a primitive's arity is known."""
    return [lambda y, a: rules(y, a), lambda y, a, b: rules(y, a, b), lambda y, a, b, c: rules(y, a, b, c)][
        arity - 1
    ]


def checked(method: str, f, point: tuple[float, ...], order: int = 1):
    """The report, or None where the complex step cannot be used."""
    try:
        return check_gradients(f, *point, method=method, order=order)
    except RefusedError:
        assert method == "complex-step"
        return None


# What is right passes, what is wrong is found.


@each_method
def test_right_rules_pass_and_wrong_ones_are_found_on_every_primitive(method):
    refused = set()
    for entry in TABLE:
        right = checked(method, entry, ordinary(entry))
        if right is None:
            refused.add(entry.name)
            continue
        assert right.passed, f"{entry.name}\n{right}"
        for size in (FINDS[method], 1e-3, -2.0):
            wrong = checked(method, with_error(entry, size), ordinary(entry))
            assert [row.passed for row in wrong.rows] == [True] * (entry.arity - 1) + [False], (
                f"{entry.name}, off by {size}\n{wrong}"
            )
    not_analytic = ["absolute", "relu", "maximum", "minimum", "less", "less_equal", "equal"]
    assert refused == ({*not_analytic, "erf", "erfc", "where"} if method == "complex-step" else set())


@each_method
def test_random_formulas_pass_and_a_wrong_rule_within_them_is_found(method):
    is_large_enough, size = [], max(FINDS[method], 1e-9)
    wrong = primitive("checking_scaled_sin", math.sin, (lambda y, x: ag.cos(x) * (1 + size),))

    @settings(max_examples=40)
    @given(expressions())
    def check(expression: Expression):
        report = checked(method, expression, expression.point)
        right = checked(method, lambda *x: ag.sin(expression(*x)), expression.point)
        broken = checked(method, lambda *x: wrong(expression(*x)), expression.point)
        if report is None:
            return
        assert report.passed, report
        assert right.passed, right
        for row, beside in zip(broken.rows, right.rows):
            is_large_enough.append(size * abs(beside.analytic) > 3.0 * beside.bound)
            assert not (is_large_enough[-1] and row.passed), broken

    check()
    assert sum(is_large_enough) >= 10, "the bounds are too large to find anything"


@each_method
def test_second_derivatives_of_random_formulas_pass(method):
    @settings(max_examples=25)
    @given(expressions(table=SMOOTH_TWICE, size=6))
    def check(expression: Expression):
        report = checked(method, expression, expression.point, order=2)
        assert report is None or report.passed, report

    check()


def test_bounds_of_second_derivatives_are_tight_on_every_primitive():
    for entry in SMOOTH_TWICE:
        report = check_gradients(entry, *ordinary(entry), method="high-precision", order=2)
        assert max(row.bound for row in report.rows) < 1e-12, report


@each_method
def test_a_rule_that_is_right_once_is_found_by_second_derivatives(method):
    def f(x, w):
        return sin_once(x) * w

    assert check_gradients(f, 0.7, 2.0, method=method).passed
    report = check_gradients(f, 0.7, 2.0, method=method, order=2)
    assert [row.name for row in report.rows] == ["x", "w", "x, x", "x, w", "w, x", "w, w"]
    assert [row.passed for row in report.rows] == [True, True, False, True, True, True], str(report)
    assert report.rows[2].analytic == pytest.approx(-math.sin(0.7))
    assert report.rows[2].numeric == pytest.approx(-2 * math.sin(0.7), rel=0.02)


@each_method
def test_a_missing_term_and_a_sign_are_found_in_users_primitives(method):
    for f, x in ((times_sin, 0.7), (wrong_cos, 0.4), (lambda x: times_sin(sinc(x)) ** 2, 1.5)):
        assert not check_gradients(f, x, method=method)
    assert check_gradients(sinc, 0.7, method=method).passed


# Bounds.


@given(expressions())
def test_the_engines_error_bound_holds_and_is_tight(expression: Expression):
    report = check_gradients(expression, *expression.point, method="high-precision")
    for row, exact in zip(report.rows, central_differences(expression, expression.point)):
        assert abs(row.analytic - exact) <= row.bound + math.ulp(exact)  # `exact` was rounded to a float
        assert row.bound <= 1e-13 * expression.stretch


def test_complex_functions_are_within_their_bound_over_the_whole_domain():
    """Against mpmath, in the tails and next to poles too."""
    compared = 0
    for entry in TABLE:
        for point in POINTS[entry.name][::4]:
            report = checked("complex-step", entry, point)
            for i, row in enumerate(report.rows if report else ()):
                orders = tuple(int(j == i) for j in range(len(point)))
                exact = derivative(entry.name, point, orders)
                if math.isfinite(row.bound):
                    assert abs(row.numeric - exact) <= row.bound, (entry.name, point, row, float(exact))
                    compared += 1
    assert compared > 300


@pytest.mark.parametrize("method", ["high-precision", "complex-step"])
@pytest.mark.parametrize(
    ("f", "x"),
    [(ag.tanh, 300.0), (ag.sigmoid, -700.0), (ag.tan, math.pi / 2), (lambda x: x**3, 0.0), (ag.cos, 0.0)],
)
def test_tails_poles_and_zeros_of_derivatives_pass(method, f, x):
    assert check_gradients(f, x, method=method).passed


@pytest.mark.parametrize("method", ["richardson", "central"])
def test_differences_are_not_taken_in_by_periods_and_jumps(method):
    assert check_gradients(ag.sin, 1e8, method=method).passed
    assert check_gradients(lambda x: ag.sin(x * 2 * math.pi * 4096), 0.3, method=method).passed
    steps = [0.02 - 0.25, 0.02 + 0.5]  # jumps on both sides, at distances like those of the quotients' steps

    def stairs(x):
        return ag.sin(x) - ag.less(x, steps[0]) - ag.less(steps[1], x)

    assert check_gradients(stairs, 0.02, method=method).passed
    rough = check_gradients(lambda x: x * 0.1 + (hash(x.data) % 1000) / 1000, 0.3, method=method)
    assert not rough.passed, "no step is small enough for a function that is not continuous"


def kinked(x, y):
    return ag.sigmoid(ag.relu(x)) * y


@pytest.mark.parametrize("method", ["richardson", "central", "taylor"])
@pytest.mark.parametrize(
    ("f", "point"),
    [
        (kinked, (-5e-13, 2.0)),  # a kink that is nearer than the steps
        (lambda x: ag.erfc(ag.hypot(x, x)), (2e-9,)),
        (lambda x: ag.tan(ag.sin(x)), (4538645799668.259,)),  # a period shorter than they
        (lambda x, y: ag.cos(ag.maximum(x, ag.softplus(y))), (-9e-12, 232573895362.40118)),
        (lambda x: ag.asin(x), (-0.9999999999999953,)),  # the edge of the domain
    ],
)
def test_what_differences_cannot_see_is_no_difference(method, f, point):
    report = check_gradients(f, *point, method=method)
    assert "differs" not in [row.verdict for row in report.rows], report
    assert check_gradients(f, *point).passed


def test_what_is_undecided_is_not_passed_and_says_why():
    report = check_gradients(lambda x: ag.sin(x), 4538645799668.259e4, method="richardson")
    assert not report
    assert report.rows[0].verdict == "undecided"
    assert "undecided is x: at no step does the function look smooth" in report.notes[0]
    assert "<-- undecided" in str(report)
    assert "✗ undecided" in report._repr_html_()
    assert check_gradients(wrong_cos, 0.4, method="richardson").rows[0].verdict == "differs"


def test_of_many_undecided_inputs_the_first_are_named():
    def notes(inputs):
        report = check_gradients(
            lambda *x: sum(ag.sin(coordinate) for coordinate in x), *[4.5e16] * inputs, method="richardson"
        )
        return report.notes[0].partition(": at no step")[0]

    assert notes(5) == "undecided is x[0]; x[1]; x[2]; x[3]; x[4]"
    assert notes(6) == "undecided is x[0]; x[1]; x[2]; x[3]; x[4]; ..."


def test_a_derivative_whose_rounding_cannot_be_bounded_is_undecided():
    nearly = math.exp(0.1) * (1 + 2**-52)
    report = check_gradients(lambda x: 1.0 / (ag.exp(x) - nearly), 0.1)
    (row,) = report.rows
    assert row.analytic != row.numeric
    assert (row.bound, row.verdict, row.passed) == (math.inf, "undecided", False)
    assert report.notes == ("undecided is x: the engine's rounding there cannot be bounded",)


def test_bounds_of_second_derivatives_are_tight():
    rows = check_gradients(lambda x, y: 3.0 * x + ag.exp(y), 0.7, 0.5, order=2).rows
    bounds = {row.name: row.bound for row in rows}
    for name in ("x, x", "x, y", "y, x"):  # of constants: what is lost of 160 digits
        assert 1e-40 < bounds[name] < 1e-39
    assert 4.0 <= bounds["y, y"] / math.ulp(math.exp(0.5)) <= 10.0


def test_no_step_hides_the_period_of_a_sine():
    """By a step next to a multiple of pi, and its halves, a sine would look like a line."""
    with mp.workdps(60):
        for halvings in range(-40, 40):
            turns = mpf(next(ladder(1.0))) * mpf(2) ** halvings / mp.pi
            assert turns < 1 or abs(turns - mp.nint(turns)) > mpf(2) ** -6, halvings


@pytest.mark.parametrize("f", [lambda x: ag.softplus(2 * x), lambda x: ag.atan(x + x * 0.0)])
@pytest.mark.parametrize("x", [-90.0, -2.5180281837900937e-20])
def test_tiny_second_derivatives_pass_in_high_precision(f, x):
    assert check_gradients(f, x, method="high-precision", order=2).passed


# Which method, and why.


def branching(x):
    return x * x if x > 0 else -x


def test_the_strongest_method_that_can_be_used_is_and_the_report_says_why(monkeypatch):
    assert check_gradients(sinc, 0.7).method == "high-precision"
    untraceable = check_gradients(branching, 0.7)
    assert untraceable.method == "richardson"
    assert untraceable.passed
    assert "cannot be traced" in untraceable.notes[0]
    assert "return x * x if x > 0" in str(untraceable)
    opaque = check_gradients(lookup, 0.3)
    assert opaque.method == "richardson"
    assert ["checking_lookup" in note for note in opaque.notes] == [True, True]
    monkeypatch.setattr("autograd.support.extras.find_spec", lambda name: None)
    without = check_gradients(sinc, 0.7)
    assert without.method == "complex-step"
    assert 'pip install "valuegrad[check]"' in without.notes[0]
    assert check_gradients(lambda x: x.relu(), 0.7).method == "richardson"
    with pytest.raises(MissingExtraError, match="mpmath"):
        check_gradients(sinc, 0.7, method="high-precision")


@pytest.mark.parametrize(
    ("f", "method", "words"),
    [
        (branching, "high-precision", "the function cannot be traced.*deciding"),
        (lookup, "high-precision", "checking_lookup cannot be computed in mpmath.*expression"),
        (lambda x: 2 * ag.relu(x), "complex-step", r"relu is not analytic, at .*test_checking.py:\d+"),
        (lambda x: where(ag.less(x, 1), x, 1), "complex-step", "less is not analytic"),
        (leaky, "complex-step", "a comparison is not analytic"),
        (lambda x: ag.erf(x), "complex-step", "erf has no complex version"),
        (lambda x: ag.log(x - 1), "complex-step", "log is nan on real numbers"),
    ],
)
def test_a_method_that_cannot_be_used_says_why(f, method, words):
    with pytest.raises(RefusedError, match=f"^{words}"):  # it ends with the line, which holds the words
        check_gradients(f, 0.7, method=method)


def test_an_expression_that_is_not_the_forward_is_found():
    liar = primitive(
        "checking_liar", lambda x: x * x, (lambda y, x: 2 * x,), expression=lambda x: x * x * 1.01
    )
    with pytest.raises(RefusedError, match=r"checking_liar is 0\.25 on floats and 0\.2525 in mpmath"):
        check_gradients(liar, 0.5, method="high-precision")
    assert check_gradients(liar, 0.5).method == "richardson"


def test_a_gradient_lost_on_the_way_is_found_though_the_function_cannot_be_traced():
    report = check_gradients(lambda x: x.data * x, 0.3)
    assert not report
    assert report.rows[0].numeric == pytest.approx(0.6)


def test_a_wrong_rule_is_named_with_its_line_and_what_it_should_be():
    report = check_gradients(lambda a, b: ag.sin(a) * wrong_cos(b), 0.7, 0.4)
    assert not report
    assert [(row.name, row.passed) for row in report.rows] == [("a", True), ("b", False)]
    assert report.norm > 0.1
    (note,) = report.notes
    assert "checking_wrong_cos is -0.389418342308650" in note
    assert "its rule says 0.389418342308650" in note
    assert "wrong_cos(b), 0.7, 0.4)" in note
    lines = str(report).splitlines()
    assert "differs" in lines[2]
    assert "FAILED for 1 of 2 inputs (method high-precision" in lines[3]


def test_a_kink_has_no_derivative_unless_the_whole_function_has():
    at_kink = check_gradients(lambda x: 2 * ag.relu(x), 0.0)
    assert not at_kink
    assert "the derivative of relu does not exist at this point" in at_kink.notes[0]

    def huber(x):
        return where(x < 1, x * x / 2, x - 0.5)

    assert check_gradients(huber, 1.0).passed
    assert [row.passed for row in check_gradients(huber, 1.0, order=2).rows] == [True, False]
    assert check_gradients(lambda x: x * abs(x), 0.0).passed


def test_a_derivative_that_is_nan_or_infinite_fails():
    for method in (None, *METHODS):
        for f, x in ((ag.sqrt, 0.0), (ag.log, -1.0), (lambda x: 1 / x, 0.0)):
            assert method == "complex-step" or not check_gradients(f, x, method=method), method


def test_a_stopped_gradient_is_zero_by_decree_in_high_precision():
    assert check_gradients(lambda x: ag.stop_gradient(x) * x, 3.0).passed
    assert not check_gradients(lambda x: ag.stop_gradient(x) * x, 3.0, method="richardson")


# Arguments and results.


@pytest.mark.parametrize("method", METHODS)
def test_every_number_in_a_nested_argument_is_a_row(method):
    report = check_gradients(
        lambda p, *rest: p["a"][0] * p["b"][1] + rest[0] * rest[1],
        {"a": [2.0], "b": np.array([1.0, 3.0])},
        4.0,
        5.0,
        method=method,
    )
    assert report.passed
    assert report.method == method
    assert [row.name for row in report.rows] == ["p['a'][0]", "p['b'][0]", "p['b'][1]", "rest[0]", "rest[1]"]
    assert [round(row.analytic, 9) for row in report.rows] == [3.0, 0.0, 2.0, 5.0, 4.0]


@pytest.mark.parametrize("method", METHODS)
def test_values_are_read_and_not_touched_wherever_they_come_from(method):
    w, captured = Value(2.0, "weight"), Value(3.0)
    inner = captured * 2
    w.grad, captured.grad, inner.grad = 7.0, 8.0, 9.0
    report = check_gradients(lambda x: x**3 * captured + inner, w, method=method)
    assert report.passed
    assert report.rows[0].name == "weight"
    assert report.rows[0].analytic == 36.0
    assert (w.data, w.grad, captured.grad, inner.grad) == (2.0, 7.0, 8.0, 9.0)


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_function_has_rows_of_zeros(method):
    report = check_gradients(lambda x: 5.0, 1.0, method=method)
    assert report.rows[0][1:4] == (0.0, 0.0, 0.0)
    assert report.rows[0].bound <= 1e-8
    assert report.passed
    assert report.norm == 0.0
    assert check_gradients(lambda: 5.0, method=method).passed


def test_differences_are_given_relative_to_the_larger_and_as_a_norm():
    tripled = primitive("checking_tripled", lambda x: x * x, (lambda y, x: 3.0 * x,))
    report = check_gradients(lambda x, y: 8.0 * tripled(x) + y, 0.75, 2.0)
    assert [row.relative for row in report.rows] == pytest.approx([1 / 3, 0.0])
    assert report.norm == pytest.approx(6.0 / (math.hypot(18.0, 1.0) + math.hypot(12.0, 1.0)))


# Bad input.


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: check_gradients(lambda x: [x], 1.0), TypeError, "one number or Value, got list"),
        (lambda: check_gradients(lambda x: x, "a"), TypeError, "got str 'a'"),
        (lambda: check_gradients(lambda x: x[0], np.array([1, 2])), TypeError, "astype"),
        (lambda: check_gradients(lambda x: x, 1.0, eps=0.0), ValueError, "eps must be a positive number"),
        (lambda: check_gradients(lambda x: x, 1.0, rtol=-0.5), ValueError, "rtol"),
        (lambda: check_gradients(lambda x: x, 1.0, atol=-0.5), ValueError, "atol"),
        (lambda: check_gradients(lambda x: x, 1.0, atol=math.nan), ValueError, "atol"),
        (lambda: check_gradients(lambda x: x, 1.0, order=3), ValueError, "order must be 1 or 2, got 3"),
        (
            lambda: check_gradients(lambda x: x, 1.0, method="magic"),
            ValueError,
            "one of high-precision, .*magic",
        ),
        (lambda: check_gradients(lambda x: x, 1.0, eps=1e-6, method="taylor"), ValueError, "fixed-step"),
        (lambda: check_gradients(lambda x: x, 1.0, eps=1e-6, order=2), ValueError, "of order 1"),
    ],
)
def test_bad_input_is_told_what_was_wrong(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_function_of_more_than_its_arguments_is_refused():
    calls = []
    with pytest.raises(ValueError, match=r"called twice, it returned 2.0 and 4.0"):
        check_gradients(lambda x: x * (calls.append(0) or len(calls)), 2.0)


@pytest.mark.parametrize("numbers", [(math.nan, 2.0), (2.0, math.nan)])
def test_a_function_that_is_nan_once_depends_on_more_than_its_arguments(numbers):
    left = list(numbers)
    with pytest.raises(ValueError, match="called twice"):
        check_gradients(lambda x: x * left.pop(0), 1.0)


def test_a_function_that_is_another_when_it_is_traced_is_refused():
    calls = []

    def f(x):
        calls.append(x)
        return x * (2.0 if len(calls) < 3 else 3.0)

    with pytest.raises(RefusedError, match=r"returns 1\.5, and the program traced from it 2\.25"):
        check_gradients(f, 0.75, method="high-precision")
