"""`Value.backward`: the chain rule over a whole graph, against central differences and its own laws."""

import functools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

import autograd
from autograd import Value, primitive, stop_gradient
from autograd.graph.walks import topological_order
from autograd.testing import TABLE, Expression, expressions, points
from tests.autograd.exact import Exact


def gradient(f, point: tuple[float, ...]) -> tuple[float, list[float]]:
    """The value of a function at a point and, by `backward`, its derivatives."""
    inputs = [Value(number) for number in point]
    result = f(*inputs)
    result.backward()
    return result.data, [leaf.grad for leaf in inputs]


def central_differences(f, point: tuple[float, ...]) -> list[float]:
    """The derivatives by central differences at 60 digits, which leaves only the engine's own error."""
    step = mpf(10) ** -20
    with mp.workdps(60):

        def at(i: int, distance: mpf) -> mpf:
            return f(*[Exact(number + (distance if i == j else 0)) for j, number in enumerate(point)]).number

        return [float((at(i, step) - at(i, -step)) / (2 * step)) for i in range(len(point))]


def near(gradient: list[float], expected: list[float], stretch: float) -> bool:
    """Whether gradients are equal but for rounding errors, which grow with the formula's stretch."""
    return all(abs(a - b) <= 1e-11 * stretch for a, b in zip(gradient, expected))


# Random formulas.


@given(expressions())
def test_gradients_are_central_differences(expression: Expression):
    actual = gradient(expression, expression.point)[1]
    expected = central_differences(expression, expression.point)
    assert near(actual, expected, expression.stretch), (actual, expected)


@given(expressions(size=60))
def test_gradients_of_larger_formulas_are_central_differences(expression: Expression):
    actual = gradient(expression, expression.point)[1]
    expected = central_differences(expression, expression.point)
    assert near(actual, expected, expression.stretch), (actual, expected)


def test_the_strategy_reaches_every_primitive_with_sharing_and_constants():
    primitives, shared, constants = set(), [], []

    @settings(max_examples=400)
    @given(expressions())
    def look(expression: Expression):
        operands = [operand for step in expression.steps for operand in step.operands]
        places = [operand for operand in operands if type(operand) is int]
        primitives.update(step.primitive for step in expression.steps)
        shared.append(len(places) > len(set(places)))
        constants.append(len(places) < len(operands))

    look()
    assert primitives == set(TABLE)
    assert min(sum(shared), sum(constants)) > len(shared) / 3


@given(expressions())
def test_a_formula_on_floats_and_on_values_gives_the_same_bits(expression: Expression):
    result = expression(*map(Value, expression.point))
    assert type(result.data) is float
    assert result.data == expression(*expression.point)


# Algebraic laws.


@st.composite
def two(draw: st.DrawFn) -> tuple[tuple[float, ...], Expression, Expression]:
    """Two formulas at one point."""
    point = draw(points())
    return point, draw(expressions(point)), draw(expressions(point))


@given(two(), st.floats(-4, 4), st.floats(-4, 4))
def test_gradients_are_linear(both, a, b):
    point, f, g = both
    actual = gradient(lambda *x: a * f(*x) + b * g(*x), point)[1]
    expected = [a * df + b * dg for df, dg in zip(gradient(f, point)[1], gradient(g, point)[1])]
    assert near(actual, expected, f.stretch + g.stretch), (actual, expected)


@given(two())
def test_products_follow_the_product_rule(both):
    point, f, g = both
    (f_value, df), (g_value, dg) = gradient(f, point), gradient(g, point)
    actual = gradient(lambda *x: f(*x) * g(*x), point)[1]
    expected = [f_value * b + a * g_value for a, b in zip(df, dg)]
    assert near(actual, expected, f.stretch * g.stretch), (actual, expected)


@given(two())
def test_quotients_follow_the_quotient_rule(both):
    point, f, g = both
    (f_value, df), (g_value, dg) = gradient(f, point), gradient(g, point)
    below = g_value**2 + 1
    actual = gradient(lambda *x: f(*x) / (g(*x) ** 2 + 1), point)[1]
    expected = [(a * below - f_value * 2 * g_value * b) / below**2 for a, b in zip(df, dg)]
    assert near(actual, expected, f.stretch * g.stretch**2), (actual, expected)


@given(
    expressions(),
    st.sampled_from([autograd.sin, autograd.tanh, autograd.sigmoid, autograd.atan, autograd.erf]),
)
def test_compositions_follow_the_chain_rule(f: Expression, outer):
    value, df = gradient(f, f.point)
    (slope,) = gradient(outer, (value,))[1]
    actual = gradient(lambda *x: outer(f(*x)), f.point)[1]
    assert near(actual, [slope * derivative for derivative in df], f.stretch)


@given(expressions())
def test_the_gradient_by_an_inner_result_is_found_on_the_way(f: Expression):
    """dL/dx = dL/du * du/dx, where the engine holds dL/du on the node u itself."""
    inputs = [Value(number) for number in f.point]
    u = f(*inputs)
    (u.sin() * u).backward()
    assert u.grad == pytest.approx(math.cos(u.data) * u.data + math.sin(u.data), rel=1e-12, abs=1e-12)


# What backward leaves on the nodes.


@given(expressions(), st.integers(1, 4))
def test_leaves_accumulate_over_calls(expression: Expression, calls: int):
    once = gradient(expression, expression.point)[1]
    inputs = [Value(number) for number in expression.point]
    result = expression(*inputs)
    for _ in range(calls):
        result.backward()
    assert near([leaf.grad for leaf in inputs], [calls * leaf for leaf in once], expression.stretch)


@given(expressions())
def test_other_nodes_hold_what_the_last_call_found(expression: Expression):
    result = expression(*map(Value, expression.point))
    result.backward()
    order = topological_order(result)
    once = [node.grad for node in order]
    result.backward()
    assert [node.grad for node in order] == once
    assert not order or result.grad == 1.0


def test_leaves_accumulate_over_results_that_share_them():
    x = Value(3.0)
    shared = x * x
    (2 * shared).backward()
    assert (x.grad, shared.grad) == (12.0, 2.0)
    (5 * shared).backward()
    assert (x.grad, shared.grad) == (12.0 + 30.0, 5.0)


def test_a_gradient_starts_afresh_where_it_is_set_to_0():
    x = Value(3.0)
    for _ in range(2):
        x.grad = 0
        (x * x).backward()
        assert x.grad == 6.0


def test_backward_of_a_leaf_adds_its_derivative_by_itself():
    x = Value(3.0)
    x.backward()
    x.backward()
    assert x.grad == 2.0


def test_what_the_result_does_not_depend_on_keeps_its_gradient():
    x, other = Value(3.0), Value(4.0)
    other.grad = 7.0
    unused = x * other
    (x * 2).backward()
    assert (other.grad, unused.grad) == (7.0, 0.0)


def test_changed_data_is_seen_by_rules_that_read_it():
    """As in micrograd: the graph holds the operands themselves, not their numbers of that moment."""
    w, x = Value(2.0), Value(3.0)
    y = w * x
    x.data = 10.0
    y.backward()
    assert w.grad == 10.0


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: x + x, 2.0),
        (lambda x: x * x, 6.0),
        (lambda x: x - x, 0.0),
        (lambda x: x / x, 0.0),
        (lambda x: x * x * x, 27.0),
        (lambda x: x**x, 27 * (math.log(3) + 1)),
        (lambda x: (x + 1) * (x + 1) * x, 16 + 2 * 4 * 3),
        (lambda x: autograd.hypot(x, x), math.sqrt(2)),
        (lambda x: autograd.where(x, x, x), 1.0),
        (lambda x: autograd.maximum(x, x * x, x), 6.0),
        (lambda x: sum([x] * 100), 100.0),
    ],
)
def test_a_value_used_repeatedly_receives_from_each_use(f, expected):
    assert gradient(f, (3.0,))[1] == pytest.approx([expected], rel=1e-15, abs=1e-15)


# Size.


@pytest.mark.usefixtures("few_frames_left")
def test_a_chain_of_a_million_operations():
    x = Value(0.5)
    y = x
    for _ in range(250_000):
        y = (y * 1.0 + x - 0.5) / 1.0
    y.backward()
    assert y.data == 0.5
    assert x.grad == 250_001.0


@pytest.mark.usefixtures("few_frames_left")
def test_a_diamond_10_000_levels_deep():
    """There are 2**10_000 paths from the result to the leaf."""
    x = Value(1.0)
    y = x
    for _ in range(10_000):
        y = 0.25 * y + y * 0.75
    y.backward()
    assert (y.data, x.grad) == (1.0, 1.0)
    assert len(topological_order(y)) == 30_000


@pytest.mark.usefixtures("few_frames_left")
def test_a_diamond_doubles_at_each_level():
    x = Value(1.0)
    y = functools.reduce(lambda y, _: y + y, range(1000), x)
    y.backward()
    assert x.grad == 2.0**1000


def test_an_operation_of_many_operands():
    wide = primitive("wide", lambda *x: math.fsum(x), tuple(float(i) for i in range(500)))
    leaves = [Value(float(i)) for i in range(500)]
    wide(*[2 * leaf for leaf in leaves]).backward()
    assert [leaf.grad for leaf in leaves] == [2.0 * i for i in range(500)]


def test_a_value_used_ten_thousand_times():
    x = Value(2.0)
    sum(x * i for i in range(10_000)).backward()
    assert x.grad == sum(range(10_000))


def test_each_rule_runs_once_for_each_operation():
    calls = []
    counted = primitive("counted", lambda x: x, lambda y, x: (calls.append(x) or 1.0,))
    y = Value(1.0)
    for _ in range(50):
        y = counted(y) * 0.5 + counted(y) * 0.5
    y.backward()
    assert len(calls) == 100


def test_what_no_gradient_reaches_has_gradient_0():
    x = Value(2.0)
    hidden = x * 3.0
    (stop_gradient(hidden) * x).backward()
    assert (x.grad, str(hidden.grad)) == (6.0, "0.0")
