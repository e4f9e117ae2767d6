"""Comparing Values: their numbers eagerly, nodes in a trace, identity for sets and dicts."""

import copy
import math
import operator

import numpy as np
import pytest

from autograd import (
    TracingError,
    Value,
    cos,
    equal,
    grad,
    primitive,
    scan,
    sin,
    trace,
    value_and_grad,
    vmap,
    where,
)
from autograd.engines import engine_names
from optim import SGD, fit

COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
NUMBERS = [0.0, -0.0, 1.0, -2.5, math.inf, -math.inf, math.nan, 2.0**53]


# Outside a trace.


@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda compare: compare.__name__)
def test_values_compare_as_their_numbers_do(compare):
    for a in NUMBERS:
        for b in NUMBERS:
            for left, right in (
                (Value(a), Value(b)),
                (Value(a), b),
                (a, Value(b)),
                (np.float64(a), Value(b)),
            ):
                answer = compare(left, right)
                assert isinstance(answer, (bool, np.bool_))
                assert answer == compare(a, b)
        v = Value(a)
        assert compare(v, v) == compare(a, a)


@pytest.mark.parametrize("number", [1, True, np.float32(1), np.int8(1), np.bool_(True), np.array(1.0)])
def test_a_number_of_any_kind_is_equal_where_the_float_is(number):
    for a, b in ((Value(1.0), number), (number, Value(1.0))):
        assert a == b
        assert not a != b  # noqa: SIM202  the operator itself is tested
    for a, b in ((Value(2.0), number), (number, Value(2.0))):
        assert a != b
        assert not a == b  # noqa: SIM201


def test_a_number_is_rounded_to_a_float_as_in_a_trace():
    for left, right in ((0.1, np.float32(0.1)), (2.0**53, 2**53 + 1), (0.5, np.float32(0.5))):
        assert (Value(left) == right) == bool(trace(lambda x, right=right: x == right, left)(left))
        assert (Value(left) == right) == (left == float(right))
    assert Value(math.inf) != 10**400


@pytest.mark.parametrize("other", [None, "1.0", 1 + 0j, [1.0], (1.0,), {}, object()])
def test_what_is_no_real_number_is_not_equal(other):
    v = Value(1.0)
    assert (v == other, other == v, v != other, other != v) == (False, False, True, True)
    assert v.__eq__(other) is NotImplemented
    assert v.__ne__(other) is NotImplemented
    assert trace(lambda x: x * 2 if x != other and not x == other else x, 1.0)(3.0) == 6.0  # noqa: SIM201


def test_the_hash_is_the_objects():
    a, b = Value(1.0), Value(1.0)
    assert a == b
    assert len({a, b, a}) == 2
    assert {a: "a", b: "b"}[b] == "b"
    assert a not in {b}
    assert a not in {1.0: "a dict of numbers"}
    assert {1.0: "found"}[a.data] == "found"
    assert hash(a) != hash(copy.copy(a))


def test_lists_look_numbers_up():
    values = [Value(2.0), Value(1.0), Value(1.0)]
    assert Value(1.0) in values
    assert 2 in values
    assert Value(3.0) not in values
    assert (values.index(1), values.count(1.0), values.index(values[2])) == (1, 2, 1)
    first = values[1]
    values.remove(values[2])
    assert len(values) == 2
    assert not any(value is first for value in values)
    assert [Value(1.0), (Value(2.0),)] == [1.0, (2.0,)]


def test_match_compares_numbers():
    def described(x):
        match x:
            case 0:
                return "zero"
            case 1.0:
                return "one"
        return "many"

    assert [described(Value(number)) for number in (0.0, 1.0, 5.0)] == ["zero", "one", "many"]
    with pytest.raises(TracingError, match="match"):
        trace(lambda x: x if described(x) == "one" else 2 * x, 1.0)


# Derivatives.


def test_a_branch_at_a_removable_singularity():
    sinc = value_and_grad(lambda x: 1.0 if x == 0 else sin(x) / x)
    assert sinc(0.0) == (1.0, 0.0)
    assert sinc(1.0) == (pytest.approx(math.sin(1)), pytest.approx(math.cos(1) - math.sin(1)))


def test_an_iteration_until_nothing_changes_ends():
    def root(a):
        x, before = a, 0.0
        while True:
            new = 0.5 * (x + a / x)
            if new in (x, before):  # the last two may take turns
                return new
            x, before = new, x

    assert value_and_grad(root)(2.0) == (pytest.approx(math.sqrt(2)), pytest.approx(0.5 / math.sqrt(2)))


def test_comparisons_have_derivative_zero_even_beside_infinity():
    for compare in COMPARISONS:
        assert grad(lambda x, compare=compare: compare(x, 1.0) * math.inf + x)(2.0) == 1.0
        program = trace(grad(lambda x, compare=compare: compare(x, 1.0) * math.inf + x), 2.0)
        assert program(2.0) == 1.0


# In a trace.


@pytest.mark.parametrize("engine", engine_names())
def test_comparisons_are_recorded(engine):
    at = np.array([0.0, 1.0, -0.0, 2.0, math.nan, math.inf])
    for compare in COMPARISONS:
        for f, expected in (
            (lambda x, compare=compare: compare(x, 1) * 5.0, compare(at, 1) * 5.0),
            (lambda x, compare=compare: compare(np.float64(0.0), x) * 5.0, compare(0.0, at) * 5.0),
            (lambda x, compare=compare: compare(x, x) * 1.0, compare(at, at) * 1.0),
            (lambda x, compare=compare: where(compare(x, True), x, 7.0), np.where(compare(at, 1), at, 7.0)),
        ):
            np.testing.assert_array_equal(vmap(f, engine=engine)(at), expected)


@pytest.mark.parametrize("engine", engine_names())
def test_choosing_in_a_scan(engine):
    def step(total, x):
        return where(x == 0, total, total + x), where(x != 0, 10.0, 20.0)

    total, ys = scan(step, 0.0, np.array([0.0, 1.0, 2.0]), engine=engine)
    assert total == 3.0
    assert ys.tolist() == [20.0, 10.0, 10.0]


def classes(w, x, y):
    """Logistic regression, with the class told by equality."""
    odds = w[0] * x + w[1]
    p = 1 / (1 + (-odds).exp())
    return sum((y == k) * -(p if k else 1 - p).log() for k in (0, 1))


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_loss_that_tells_classes_apart_trains_on_every_engine(batch_size):
    x, y = np.array([-2.0, -1.0, 1.0, 2.0, 0.5]), np.array([0.0, 0.0, 1.0, 1.0, 0.0])

    def trained(engine):
        result = fit(classes, [0.1, 0.0], (x, y), SGD(lr=0.1), epochs=5, batch_size=batch_size, engine=engine)
        return result.params

    eager = trained("eager")
    slopes = np.zeros(2)  # by hand: the gradient of a sample is (p - y) * (x, 1)
    by_hand = np.array([0.1, 0.0])
    for _ in range(5):
        for at in range(0, len(x), batch_size):
            part, labels = x[at : at + batch_size], y[at : at + batch_size]
            missed = 1 / (1 + np.exp(-(by_hand[0] * part + by_hand[1]))) - labels
            slopes = np.array([(missed * part).mean(), missed.mean()])
            by_hand = by_hand - 0.1 * slopes
    assert eager == pytest.approx(by_hand.tolist(), rel=1e-12)
    for engine in engine_names():
        assert trained(engine) == (pytest.approx(eager, rel=1e-13) if engine == "numpy" else eager)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 1.0 if x == 0 else x,
        lambda x: 1.0 if x != 0 else x,
        lambda x: 1.0 if not x == 0 else x,  # noqa: SIM201
        lambda x: 1.0 if x in (0, 1) else x,
        lambda x: 1.0 if 0.0 in [x] else x,
        lambda x: [1.0, 0.0].index(x) * x,
        lambda x: [0.0, x].count(1) * x,
        lambda x: ([1.0, 0.0].remove(x), x)[1],
        lambda x: x if [x] == [2.0] else 2 * x,
        lambda x: (x == 0) and x,
        lambda x: np.where(np.array([x, 2 * x]) == 0, 1.0, 2.0).sum(),
        lambda x: np.sign(np.array([x])).sum(),
        lambda x: np.nansum(np.array([x])),
        lambda x: np.isin(np.array([x]), [1.0]).sum() * x,
        lambda x: np.unique(np.array([x, 2 * x])).sum(),
    ],
)
def test_deciding_on_equality_is_refused_in_a_trace(f):
    with pytest.raises(TracingError, match=r"deciding(.|\n)*test_comparisons(.|\n)*where"):
        trace(f, 5.0)


def test_a_loop_on_equality_is_refused_in_a_trace():
    def f(x):
        while x != 1:
            x = x / 2
        return x

    with pytest.raises(TracingError, match="deciding"):
        trace(f, 4.0)


# Arrays.


def test_an_array_of_values_is_compared_element_by_element():
    a = np.array([Value(0.0), Value(1.0), Value(math.nan)])
    for mask, expected in (
        (a == 0, [True, False, False]),
        (np.equal(0, a), [True, False, False]),
        (a != 0, [False, True, True]),
        (a == a, [True, True, False]),
        (a == Value(1.0), [False, True, False]),
        (Value(1.0) == a, [False, True, False]),
    ):
        assert mask.dtype == bool
        assert mask.tolist() == expected
    chosen = np.where(a == 0, 5.0, a)
    assert chosen[0] == 5.0
    assert chosen[1] is a[1]


def test_what_numpy_asks_of_an_array_with_a_zero():
    a = np.array([Value(0.0), Value(1.0), Value(-2.0), Value(1.0)])
    assert np.sign(a).tolist() == [0, 1, -1, 1]
    assert np.isin(a, [0.0, 1.0]).tolist() == [True, True, False, True]
    assert np.isin(a, a[:1]).tolist() == [True, False, False, False]
    assert np.unique(a).tolist() == [-2.0, 0.0, 1.0]
    assert np.unique(a, return_counts=True)[1].tolist() == [1, 1, 2]
    assert np.array_equal(a, np.array([0.0, 1.0, -2.0, 1.0]))
    assert np.setdiff1d(a, [1.0]).tolist() == [-2.0, 0.0]


def test_sums_that_leave_nan_out():
    a = np.array([Value(0.0), Value(3.0), Value(math.nan)])
    total = np.nansum(a)
    assert total == 3.0
    total.backward()
    assert [v.grad for v in a] == [1.0, 1.0, 0.0]
    assert np.nanmean(a) == 1.5
    assert np.nanmax(a) == 3.0


def test_equal_and_where_choose_in_an_array_that_is_traced():
    program = trace(lambda x: where(equal(np.array([x, 2 * x]), 0.0), 1.0, x).sum(), 3.0)
    assert (program(3.0), program(0.0)) == (6.0, 2.0)


# A primitive of a user's, whose forward decides by equality.

SINC = primitive(
    "sinc_by_equality",
    lambda x: 1.0 if x == 0 else sin(x) / x,
    lambda y, x: (where(x == 0, 0.0, (cos(x) - y) / where(x == 0, 1.0, x)),),
)


@pytest.mark.filterwarnings("ignore:the primitive 'sinc_by_equality' cannot be traced")
@pytest.mark.parametrize("engine", engine_names())
def test_a_primitive_that_decides_by_equality_is_right_on_every_engine(engine):
    values, slopes = vmap(value_and_grad(SINC), engine=engine)(np.array([0.0, 2.0]))
    assert values.tolist() == [1.0, pytest.approx(math.sin(2) / 2)]
    assert slopes.tolist() == [0.0, pytest.approx((math.cos(2) - math.sin(2) / 2) / 2)]
