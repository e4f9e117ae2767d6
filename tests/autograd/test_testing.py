"""`autograd.testing`: the strategies give what is tame and made of what was asked for, printed as source."""

from __future__ import annotations

import re
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import Value, primitive
from autograd.support.extras import MissingExtraError
from autograd.testing import TABLE, Expression, Repetition, Step, expressions, looped_expressions, points

cube = primitive("testing_cube", lambda x: x**3, (lambda y, x: 3 * x**2,))


def drawn_from(strategy: st.SearchStrategy, count: int = 400) -> list:
    """So many of a strategy's examples, always the same."""
    examples = []

    @settings(max_examples=count, derandomize=True)
    @given(strategy)
    def draw(example):
        examples.append(example)

    draw()
    return examples


@given(st.integers(1, 5).flatmap(lambda n: points(n, -0.5, 2.0).map(lambda point: (n, point))))
def test_points_are_hundredths_between_their_ends(drawn):
    inputs, point = drawn
    assert len(point) == inputs
    for number in point:
        assert -0.5 <= number <= 2.0
        assert number == round(number, 2)


def test_points_are_pairs_between_3_and_minus_3_unless_they_are_told():
    examples = drawn_from(points())
    assert {len(point) for point in examples} == {2}
    assert (min(map(min, examples)), max(map(max, examples))) == (-3.0, 3.0)
    assert len(set(examples)) > 200


@pytest.mark.parametrize(("low", "high"), [(0.29, 0.29), (0.285, 0.295), (0.281, 0.29), (0.29, 0.299)])
@pytest.mark.parametrize("sign", [1, -1])
def test_ends_that_are_hundredths_are_drawn_and_none_beyond(sign, low, high):
    least, most = sorted((sign * low, sign * high))

    @settings(max_examples=5)
    @given(points(1, least, most))
    def draw(point):
        assert point == (sign * 0.29,)

    draw()


@given(expressions())
def test_a_printed_expression_can_be_pasted_and_computes_the_same_bits(expression: Expression):
    source = repr(expression)
    names: dict[str, object] = {}
    exec(source, {entry.name: entry for entry in TABLE}, names)
    inputs, others = ([Value(number) for number in expression.point] for _ in range(2))
    mine, pasted = expression(*inputs), names["f"](*others)
    assert pasted.data == mine.data
    mine.backward()
    pasted.backward()
    assert [leaf.grad for leaf in others] == [leaf.grad for leaf in inputs]
    assert source.startswith(f"def f(v0, v1):  # at {expression.point[0]}, {expression.point[1]}\n")


def test_a_failing_test_prints_its_expression_as_it_can_be_pasted():
    @settings(max_examples=20, database=None, print_blob=False)
    @given(expressions(table=[ag.sin, ag.mul], size=3))
    def fails(expression):
        assert len(expression.steps) < 2

    with pytest.raises(AssertionError) as caught:
        fails()
    notes = "\n".join(caught.value.__notes__)
    pasted = textwrap.dedent(re.search(r"def f\(.*?\n +return v\d+\n", notes, re.DOTALL).group())
    names: dict[str, object] = {}
    exec(pasted, {"sin": ag.sin}, names)
    assert callable(names["f"])


def test_constants_and_operators_are_written_as_they_bind():
    steps = (
        Step(ag.pow, (-0.25, 0)),
        Step(ag.neg, (1,)),
        Step(ag.sub, (2.0, 2)),
        Step(ag.less, (0, 3)),
        Step(ag.add, (4, -0.0)),
    )
    lines = Expression((0.5,), steps, 1.0).source.splitlines()
    assert lines == [
        "def f(v0):  # at 0.5",
        "    v1 = pow((-0.25), v0)",
        "    v2 = -v1",
        "    v3 = 2 - v2",
        "    v4 = less(v0, v3)",
        "    v5 = v4 + -0.0",
        "    return v5",
    ]


@given(expressions(table=[cube, ag.add], inputs=3, size=5))
def test_expressions_are_made_of_what_was_asked_for(expression: Expression):
    assert len(expression.point) == 3
    assert {step.primitive for step in expression.steps} <= {cube, ag.add}
    assert len(expression.steps) <= 5 + 3 + 5  # what is unused is added up at the end
    assert {0, 1, 2} <= {operand for step in expression.steps for operand in step.operands}


def test_every_primitive_turns_up_with_constants_and_shared_results():
    drawn = drawn_from(expressions())
    steps = [step for expression in drawn for step in expression.steps]
    assert {step.primitive for step in steps} == set(TABLE)
    constants = {operand for step in steps for operand in step.operands if type(operand) is float}
    assert constants <= {n / 4 for n in range(-12, 13)}
    assert {-3.0, 3.0} < constants
    assert any(len(expression.steps) >= 12 for expression in drawn)
    places = [[part for step in e.steps for part in step.operands if type(part) is int] for e in drawn]
    assert sum(len(set(some)) < len(some) for some in places) > 50


@given(expressions())
def test_every_step_depends_on_an_input_and_the_result_on_every_step(expression: Expression):
    for step in expression.steps:
        assert any(type(operand) is int for operand in step.operands)
    used = {part for step in expression.steps for part in step.operands if type(part) is int}
    assert used == set(range(len(expression.point) + len(expression.steps) - 1))


@settings(derandomize=True)
@given(expressions())
def test_no_error_grows_more_than_the_stretch(expression: Expression):
    """The derivative of the result by that of each step, as reverse mode finds it."""
    results = [Value(number) for number in expression.point]
    for step in expression.steps:
        inputs = [results[part] if type(part) is int else part for part in step.operands]
        results.append(step.primitive(*inputs))
    results[-1].backward()
    assert max(abs(result.grad) for result in results) <= expression.stretch


@given(expressions(table=[ag.sin], inputs=1, size=1))
def test_one_step_is_a_size(expression: Expression):
    assert expression.steps in ((), (Step(ag.sin, (0,)),))


@pytest.mark.parametrize("kink", [0.0, 1.5])
@pytest.mark.parametrize("side", [-0.0005, 0.0005])
@pytest.mark.parametrize("slope", [1.0, -1.0])
def test_what_is_near_a_kink_on_either_side_is_not_drawn(kink, side, slope):
    bent = primitive(
        "testing_bent", lambda x: slope * ag.relu(x - kink), lambda y, x: (slope * ag.less(kink, x),)
    )

    @settings(max_examples=50)
    @given(expressions((kink + side,), table=[bent, ag.neg], size=4))
    def stays_away(expression):
        assert Step(bent, (0,)) not in expression.steps

    stays_away()


@given(points(2).flatmap(lambda point: expressions(point).map(lambda expression: (point, expression))))
def test_a_point_that_is_given_is_kept(drawn):
    point, expression = drawn
    assert expression.point == point


@given(expressions())
def test_expressions_are_tame_at_their_point(expression: Expression):
    results = list(expression.point)
    for step in expression.steps:
        inputs = [results[part] if type(part) is int else part for part in step.operands]
        results.append(step.primitive(*inputs))
        assert abs(results[-1]) <= 20.0 + len(expression.steps) * 20.0  # of one step, or a sum at the end
    assert 1.0 <= expression.stretch <= 1e4 + len(results)
    nearby = expression(*[number + 1e-9 for number in expression.point])
    assert abs(nearby - results[-1]) <= 1e-9 * 40 * expression.stretch


def loops_within(steps, depth=1):
    """For each loop how deep it is nested, and how often it runs."""
    for step in steps:
        if isinstance(step, Repetition):
            yield depth, step.turns
            yield from loops_within(step.steps, depth + 1)


def primitives_within(steps):
    for step in steps:
        if isinstance(step, Repetition):
            yield from primitives_within(step.steps)
        else:
            yield step.primitive


def test_looped_expressions_have_loops_of_every_depth_and_length():
    found = [
        set(loops_within(expression.steps)) for expression in drawn_from(looped_expressions(size=3), 150)
    ]
    assert {depth for each in found for depth, _ in each} == {1, 2, 3}
    assert {turns for each in found for _, turns in each} >= {0, 1, 2, 3}
    assert sum(any(turns > 1 for _, turns in each) for each in found) > 50
    flat = drawn_from(looped_expressions(size=3, depth=0), 20)
    assert all(not list(loops_within(expression.steps)) for expression in flat)


@settings(max_examples=50)
@given(looped_expressions((0.5,), table=[cube], size=4))
def test_looped_expressions_are_made_of_what_was_asked_for_and_sines(expression):
    assert expression.point == (0.5,)
    assert set(primitives_within(expression.steps)) <= {cube, ag.sin, ag.add}


@settings(max_examples=50)
@given(looped_expressions())
def test_looped_expressions_are_tame_at_their_point(expression):
    value = expression(*expression.point)
    assert 1.0 <= expression.stretch <= 1e6
    nearby = expression(*[number + 1e-9 for number in expression.point])
    assert abs(nearby - value) <= 1e-9 * 100 * expression.stretch


def test_without_hypothesis_there_is_a_way_to_get_it(monkeypatch):
    monkeypatch.setattr("autograd.support.extras.find_spec", lambda name: None)
    for strategy in (points, expressions, looped_expressions):
        with pytest.raises(MissingExtraError, match=r'pip install "valuegrad\[testing\]"'):
            strategy()


def test_bad_input_is_told_what_was_wrong():
    with pytest.raises(ValueError, match=r"low must be below high.*got 2 and 1"):
        points(2, 2, 1)
    for low, high in ((0.281, 0.289), (-0.289, -0.281)):
        with pytest.raises(ValueError, match="a hundredth between them"):
            points(1, low, high)
    with pytest.raises(ValueError, match="empty table"):
        expressions(table=[])
    with pytest.raises(ValueError, match="empty table"):
        looped_expressions(table=[])
