"""`where` of whole arrays in derivatives: as on numbers, what it does not select receives exactly 0."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

import autograd
from autograd import (
    array,
    detect_anomaly,
    exp,
    fori_loop,
    grad,
    hvp,
    jit,
    jvp,
    less,
    log,
    scan,
    sqrt,
    vmap,
    where,
)

ENGINES = ["python", "numpy", *(["llvm", "interpreter"] if find_spec("llvmlite") else [])]


def points(count):
    """Numbers of both signs and zeros, where roots and logarithms have no finite derivative."""
    x = np.sin(np.arange(count) * 1.7)
    x[::7] = 0.0
    return x


# Formulas of a number, or of an array, element by element.


def root(x):
    return where(less(0.0, x), sqrt(x), 0.0)


def chain(x):
    """The infinite derivative stands operations above the choice."""
    return where(less(0.0, x), exp(-sqrt(x) * 0.5) * x, 2.0 * x)


def two_sides(x):
    return where(less(0.0, x), sqrt(x), sqrt(1.0 - x) * 3.0) + where(less(x, 0.0), 1.0, x)


def shared(x):
    """Its root is used selected, unselected and by the other side of a second choice."""
    s = sqrt(x)
    return where(less(0.0, x), s, x) + where(less(0.5, x), s * x, 3.0 * x) + where(less(x, -0.5), x, s - s)


def nested(x):
    inner = where(less(x, 0.5), log(x), sqrt(x - 0.5))
    return where(less(0.0, x), where(less(x, 0.25), inner, inner * x), -2.0 * x)


def inside(x):
    return where(less(0.0, x), sqrt(where(less(0.0, x), x, 0.0)), x)


def outside(x):
    return sqrt(where(less(0.0, x), x, 0.0))


def by_a_number(x):
    """The condition is a number, or nothing but one."""
    return where(x * 0.0 + 1.0, root(x), sqrt(x)) + where(0.0, sqrt(x), where(1.0, x * x, sqrt(x)))


pytestmark = pytest.mark.filterwarnings("ignore:(invalid value|divide by zero):RuntimeWarning")

FORMULAS = [root, chain, two_sides, shared, nested, inside, outside, by_a_number]


def elementwise(derivative, x):
    """What a derivative of a formula of one number is at each element."""
    return np.array([derivative(number) for number in x.tolist()])


def check(f, x, expected):
    """A gradient by an array in every way in which one is computed."""
    v = array(x)
    f(v).backward()
    np.testing.assert_allclose(v.grad, expected, rtol=1e-12)
    np.testing.assert_allclose(grad(f)(x), expected, rtol=1e-12)
    for engine in ENGINES:
        np.testing.assert_allclose(jit(grad(f), engine=engine)(x), expected, rtol=1e-12)
        if x.size >= 1000:
            np.testing.assert_allclose(grad(jit(f, engine=engine))(x), expected, rtol=1e-12)


@pytest.mark.parametrize("f", FORMULAS)
@pytest.mark.parametrize("count", [40, 1500])
def test_what_is_not_selected_receives_0_in_every_engine(f, count):
    x = points(count)
    check(lambda x: f(x).sum(), x, elementwise(grad(f), x))


@pytest.mark.parametrize("f", FORMULAS)
def test_what_is_not_selected_receives_0_in_the_second_order(f):
    x = points(40)
    expected = elementwise(grad(grad(f)), x)
    ways = [
        grad(lambda x: grad(lambda x: f(x).sum())(x).sum()),
        lambda x: hvp(lambda x: f(x).sum(), (x,), (np.ones(40),)),
    ]
    for way in ways:
        np.testing.assert_allclose(way(x), expected, rtol=1e-12)
        np.testing.assert_allclose(jit(way)(x), expected, rtol=1e-12)


@pytest.mark.parametrize("f", [root, chain, two_sides, shared, nested, by_a_number])
def test_a_tangent_is_of_what_is_selected(f):
    x = points(40)
    expected = elementwise(grad(f), x)
    np.testing.assert_allclose(jvp(f, (x,), (np.ones(40),))[1], expected, rtol=1e-12)
    np.testing.assert_allclose(jit(lambda x: jvp(f, (x,), (np.ones(40),))[1])(x), expected, rtol=1e-12)


def test_one_compilation_serves_arrays_of_any_length():
    derivative = jit(grad(lambda x: shared(x).sum()))
    for count in (40, 70, 1500):
        x = points(count)
        np.testing.assert_allclose(derivative(x), elementwise(grad(shared), x), rtol=1e-12)


# What moves elements between the choice and the infinite derivative.

MOVED = {
    "slices": lambda s, x: (
        where(less(0.0, x[1:-1]), s[1:-1], 0.0).sum() + where(less(0.0, x[::2]), s[::2], 1.0).sum()
    ),
    "reversal": lambda s, x: where(less(0.0, x[::-1]), s[::-1] * x, x).sum(),
    "joining": lambda s, x: (
        where(less(0.0, np.concatenate([x, -x])), np.concatenate([s, x * 2.0]), 0.0) ** 3
    ).sum(),
    "rows": lambda s, x: (where(less(0.0, x.reshape(8, 5)), s.reshape(8, 5), 0.0).T @ np.arange(8.0)).sum(),
    "broadcasting": lambda s, x: where(
        less(0.0, x + np.zeros((3, 1))), s * np.array([[1.0], [2.0], [3.0]]), 0.0
    ).sum(),
    "all elements": lambda s, x: sum(where(less(0.0, v), r, 0.0) for v, r in zip(x, s)),
}


@pytest.mark.parametrize("moved", MOVED)
def test_absent_derivatives_stay_absent_where_elements_are_moved(moved):
    def f(x):
        return MOVED[moved](sqrt(x), x)

    def on_numbers(x):  # an object array, of which NumPy moves the elements
        return MOVED[moved](sqrt(x), x)

    x = points(40)
    values = np.array([autograd.Value(number) for number in x], object)
    on_numbers(values).backward()
    check(f, x, np.array([value.grad for value in values]))


def test_a_sum_over_what_is_selected_by_a_shared_number():
    """The root is nan where it is not selected."""
    x = points(40)
    roots = np.sqrt(x[x > 0]).sum()

    def f(p):
        return where(less(0.0, x), sqrt(x) * p, 0.0).sum()

    with np.errstate(invalid="ignore"):
        p = autograd.Value(2.0)
        f(p).backward()
        assert p.grad == pytest.approx(roots, rel=1e-14)
        assert grad(f)(2.0) == pytest.approx(roots, rel=1e-14)
        for engine in ENGINES:
            assert jit(grad(f), engine=engine)(2.0) == pytest.approx(roots, rel=1e-14)
    check(lambda x: where(less(0.0, x), sqrt(x) * x[1], 0.0).sum(), x, _by_shared(x))


def _by_shared(x):
    expected = np.where(x > 0, 0.5 / np.sqrt(np.where(x > 0, x, 1.0)) * x[1], 0.0)
    expected[1] += np.sqrt(x[x > 0]).sum()
    return expected


def test_a_number_that_no_element_selects_receives_nothing():
    def f(p, x):
        return where(less(0.0, x), x, sqrt(p)).sum()

    for x, expected in ((np.full(40, 1.0), 0.0), (np.full(40, -1.0), np.inf)):
        p = autograd.Value(0.0)
        f(p, array(x)).backward()
        assert p.grad == grad(f)(0.0, x) == expected
        for engine in ENGINES:
            assert jit(grad(f), engine=engine)(0.0, x) == expected


def test_the_results_of_loops_and_batches_are_chosen_of():
    x = points(40)

    def scanned(x):
        total, roots = scan(lambda total, x: (total + x, sqrt(x)), 0.0, x)
        return where(less(0.0, x), roots, x).sum() * 2.0 + total

    def batch(x):
        return where(less(0.0, x), vmap(sqrt)(x), x).sum() * 2.0 + x.sum()

    expected = elementwise(grad(lambda x: where(less(0.0, x), sqrt(x), x) * 2.0 + x), x)
    check(scanned, x, expected)
    check(batch, x, expected)

    def repeated(x):
        return fori_loop(0, 3, lambda _, total: total + where(less(0.0, x), sqrt(x), x).sum(), 0.0)

    check(repeated, x, elementwise(grad(lambda x: where(less(0.0, x), sqrt(x), x) * 3.0), x))


def test_no_anomaly_is_seen_where_nothing_is_selected():
    x = np.abs(points(1500))
    with detect_anomaly():
        v = array(x)
        where(less(0.0, v), sqrt(v), 0.0).sum().backward()
        np.testing.assert_allclose(v.grad, elementwise(grad(root), x), rtol=1e-12)


def test_gradients_add_up_over_two_backward_passes_and_are_plain_arrays():
    x = points(40)
    v = array(x)
    for times in (1, 2):
        root(v).sum().backward()
        assert type(v.grad) is np.ndarray
        np.testing.assert_allclose(v.grad, times * elementwise(grad(root), x), rtol=1e-12)
    assert type(grad(lambda x: root(x).sum())(x)) is np.ndarray


SHAPES = [
    ((40,), {}),
    ((8, 9), {"axis": 0}),
    ((8, 9), {"axis": -1, "keepdims": True}),
    ((8, 9), {"ord": "fro"}),
]


@pytest.mark.parametrize(("shape", "settings"), [((3,), {}), ((2, 3), {"axis": 0}), *SHAPES])
def test_a_norm_has_the_derivative_0_at_the_origin(shape, settings):
    def f(x):
        return (
            np.linalg.norm(x, **settings).sum()
            if settings.keys() & {"axis"}
            else np.linalg.norm(x, **settings)
        )

    x = np.sin(np.arange(np.prod(shape, dtype=int)) + 1.0).reshape(shape)
    if "axis" in settings:
        x[(slice(None), 1) if settings["axis"] == 0 else 1] = 0.0
    axis = settings.get("axis")
    length = np.sqrt((x * x).sum(axis=axis, keepdims=True))
    expected = x / np.where(length > 0, length, 1.0)
    for derivative in (grad(f), jit(grad(f))):
        np.testing.assert_allclose(derivative(x), expected, rtol=1e-12, atol=1e-15)
        assert not np.any(derivative(np.zeros(shape)))
    assert float(f(x)) == pytest.approx(np.linalg.norm(x, **settings).sum(), rel=1e-14)
