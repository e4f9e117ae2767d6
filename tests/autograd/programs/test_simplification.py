"""Simplification: what it finds, and that it changes no bit, of nans, infinities and signed zeros neither."""

from __future__ import annotations

import itertools
import math
import struct

import pytest
from hypothesis import given

import autograd as ag
from autograd import trace
from autograd.programs.lowering import lowered
from autograd.testing import TABLE, expressions

SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -3.7, math.inf, -math.inf, math.nan, 5e-324, 1e308, 700.0, -800.0]


def same_bits(a: float, b: float) -> bool:
    return struct.pack("<d", a) == struct.pack("<d", b) or (a != a and b != b)


REWRITTEN = [
    (lambda x, y: x * 1, 0),
    (lambda x, y: 1.0 * x, 0),
    (lambda x, y: x / 1, 0),
    (lambda x, y: x - 0.0, 0),
    (lambda x, y: x + -0.0, 0),
    (lambda x, y: -0.0 + x, 0),
    (lambda x, y: -(-x), 0),  # noqa: B002
    (lambda x, y: x**1, 0),
    (lambda x, y: x**0, 0),
    (lambda x, y: ag.maximum(x, x), 0),
    (lambda x, y: ag.minimum(x, x), 0),
    (lambda x, y: ag.less(x, x), 0),
    (lambda x, y: ag.where(1.0, x, y), 0),
    (lambda x, y: ag.where(0.0, x, y), 0),
    (lambda x, y: ag.where(y, x, x), 0),
    (lambda x, y: ag.where(ag.less(x, y), 1.0, 0.0), 1),
    (lambda x, y: ag.less_equal(1.0, ag.equal(x, y)), 1),
    (lambda x, y: x * -1, 1),
    (lambda x, y: x / -1, 1),
    (lambda x, y: x**2, 1),
    (lambda x, y: x + (-y), 2),
    (lambda x, y: (-x) + y, 2),
    (lambda x, y: x - (-y), 2),
    (lambda x, y: (-x) * (-y), 1),
    (lambda x, y: (-x) / (-y), 1),
    (lambda x, y: abs(-x), 1),
    (lambda x, y: abs(abs(x)), 1),
    (lambda x, y: (x * 2.5) / (x * -2.5), 3),  # one product
    (lambda x, y: (x * y) - (y * x), 2),  # one product
    (lambda x, y: ag.hypot(x, y) * ag.hypot(y, x), 2),
    (lambda x, y: ag.exp(ag.Value(1.0)) * x, 1),  # a constant, folded
]


@pytest.mark.parametrize(("f", "longest"), REWRITTEN, ids=range(len(REWRITTEN)))
def test_each_rewriting_is_found_and_changes_no_bit(f, longest):
    program = trace(f, 0.5, 0.25)
    assert len(program) <= longest, str(program)
    for x, y in itertools.product(SPECIAL, repeat=2):
        expected = f(ag.Value(x), ag.Value(y)).data
        assert same_bits(program(x, y), expected), (x, y, program(x, y), expected)


@pytest.mark.parametrize("f", [lambda x: x + 0.0, lambda x: 0.0 - x, lambda x: x * 0.0, lambda x: x - x])
def test_what_would_change_a_signed_zero_or_a_nan_is_left(f):
    program = trace(f, 0.5)
    assert len(program) == 1
    for x in SPECIAL:
        assert same_bits(program(x), f(ag.Value(x)).data), x


@given(expressions())
def test_random_programs_equal_the_recorded_graph_bit_for_bit(expression):
    program = trace(expression, *expression.point)
    assert len(program) <= len(expression.steps)
    for point in [expression.point, *itertools.islice(itertools.product(SPECIAL, repeat=2), 0, None, 7)]:
        recorded = expression(*map(ag.Value, point))
        expected = recorded.data if isinstance(recorded, ag.Value) else recorded
        assert same_bits(program(*point), expected), (point, str(program))


def test_unused_operations_are_dropped_and_inputs_are_kept():
    def f(x, y):
        ag.exp(x) * y
        return x + 1

    program = trace(f, 0.0, 0.0)
    assert program.counts() == {"add": 1}
    assert program.inputs == ("x", "y")


def test_an_operation_that_is_made_twice_has_the_first_label_that_it_was_given():
    def f(x, y):
        products = [x * y, y * x, x * y, y * x]
        for product, label in zip(products, ("", "first", "", "second")):
            product.label = label
        return products

    (product,) = trace(f, 1.0, 2.0).instructions
    assert product.label == "first"


def test_lowering_keeps_the_labels_of_what_stays():
    def f(x):
        y = x * x
        y.label = "square"
        return ag.sigmoid(y)

    program = lowered(trace(f, 0.5).code)
    assert [instruction.label for instruction in program.instructions if instruction.label] == ["square"]


def test_sigmoids_of_opposite_arguments_share_their_exponential():
    counts = lowered(trace(lambda x: ag.sigmoid(x) * ag.sigmoid(-x), 0.5).code).counts()
    assert counts["exp"] == counts["absolute"] == 1


# Operands that a rewriting may look at: inputs, their negations and absolutes, constants.
OPERANDS = {
    "x": lambda x, y: x,
    "y": lambda x, y: y,
    "-x": lambda x, y: -x,
    "-y": lambda x, y: -y,
    "abs(x)": lambda x, y: abs(x),
    **{repr(c): lambda x, y, c=c: c for c in (0.0, -0.0, 1.0, -1.0, 2.0, 3.0, 0.5, -0.7, math.inf, math.nan)},
}
EVERYWHERE = [*itertools.product(SPECIAL, repeat=2), (0.3, 1.7), (-1.9, 0.6), (1.1, -2.3), (7.7, 0.1)]


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.name)
def test_no_operation_on_any_operands_changes_a_bit(entry):
    """Whatever an operation's operands are, and beside the same with its operands in the other order."""
    points = EVERYWHERE if entry.arity < 3 else EVERYWHERE[::5]
    for names in itertools.product(OPERANDS, repeat=entry.arity):
        if len(names) == 3 and not {"x", "y", "-x"}.issuperset(names[:2]):
            continue

        def both(x, y, names=names):
            parts = [OPERANDS[name](x, y) for name in names]
            return [entry(*parts), entry(*parts[::-1])]

        program = trace(both, 0.5, 0.25)
        for x, y in points[:: 1 if entry.arity == 1 else 3]:
            expected = [float(result) for result in both(x, y)]
            results = program(x, y)
            assert all(map(same_bits, results, expected)), (names, x, y, results, expected, str(program))
