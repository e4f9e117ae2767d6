"""What `compare` takes: arguments and gradients of any structure; and what it says of others."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autograd import compare, custom_derivative, exp, log


@pytest.mark.parametrize(
    "arranged", [tuple, list, np.array, lambda d: {"a": d[0], "b": [d[1], np.array(d[2:])]}]
)
def test_a_gradient_by_hand_comes_in_any_arrangement(arranged):
    def f(p):
        return p["a"] * p["b"][0] * p["b"][1][0] + p["b"][1][1] ** 2

    def hand(p):
        a, b, (c, d) = p["a"], *p["b"]
        return arranged([b * c, a * c, a * b, 2 * d])

    report = compare(f, hand, {"a": 1.0, "b": [2.0, np.array([3.0, 4.0])]})
    assert report.passed
    assert [part.name for part in report.components] == [
        "p['a']",
        "p['b'][0]",
        "p['b'][1][0]",
        "p['b'][1][1]",
    ]


def test_a_transposed_matrix_is_swapped_components():
    def f(m, x):
        return ((m @ x) ** 2).sum()

    assert compare(f, lambda m, x: 2 * np.outer(m @ x, x), np.ones((2, 2)), np.array([1.0, 2.0]))
    report = compare(f, lambda m, x: 2 * np.outer(x, m @ x), np.ones((2, 2)), np.array([1.0, 2.0]))
    assert report.findings == ("dm[0, 1] is swapped with dm[1, 0].",)


def test_weights_may_be_arguments_of_their_own():
    def f(a, b, x):
        return (a * x).sin() * b["scale"]

    def hand(a, b, x):
        return {"scale": math.sin(a * x)}, math.cos(a * x) * b["scale"]

    point = 0.3, {"scale": 2.0}, 1.7
    report = compare(f, hand, *point, argnums=(1, 0))
    assert [part.name for part in report.components] == ["b['scale']", "a"]
    assert [part.passed for part in report.components] == [True, False]
    assert report.components[1].verdict == "da lacks the factor x"
    assert compare(f, lambda a, b, x: hand(a, b, x)[0], *point, argnums=1)
    assert compare(f, lambda a, b, x: math.cos(a * x) * b["scale"] * a, *point, argnums=-1)


def test_what_is_given_as_an_int_is_not_varied():
    def f(x, n):
        return x**n

    for args in ((2.0, 3), (2, np.int64(3)), (np.array([2.0]), np.array([3]))):
        report = compare(lambda x, n: np.array([f(x, n)]).sum(), lambda x, n: n * x ** (n - 1), *args)
        assert report.passed
        assert {float(np.sum(n)) for _, n in report.points} == {3.0}
        assert len({float(np.sum(x)) for x, _ in report.points}) == 9


def test_the_same_seed_gives_the_same_points():
    first, second, other = [compare(lambda x: x, lambda x: 1.0, 2.0, seed=seed).points for seed in (0, 0, 1)]
    assert first == second != other


@pytest.mark.parametrize(
    ("hand", "words"),
    [
        (
            lambda w, x: [1.0],
            "has 1 components where 2 were expected.*derivatives by w.0., w.1.: in the structure",
        ),
        (lambda w, x: None, "has 0 components"),
        (lambda w, x: 1 / 0, "raised ZeroDivisionError"),
        (lambda w: [1.0, 2.0], "raised TypeError.*called with the function's arguments"),
        (lambda w, x: "ab", "got str 'ab'"),
        (lambda w, x: [[1.0], [2.0, 3.0]], "has 3 components"),
        (lambda w, x: [[1.0, 2.0]], "has the structure"),
        (lambda w, x: {"a": 1.0, "b": 2.0}, "has the structure"),
        (lambda w, x: np.ones((2, 1)), "has the structure"),
    ],
)
def test_a_gradient_by_hand_that_is_none_is_told_what_was_expected(hand, words):
    with pytest.raises(ValueError, match=f"(?s){words}"):
        compare(lambda w, x: w[0] * w[1] * x, hand, [1.0, 2.0], 3.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: compare(lambda x: x, lambda x: 1.0), "got none"),
        (lambda: compare(lambda x: [x], lambda x: 1.0, 1.0), "must return one number"),
        (lambda: compare(lambda x: x[0], lambda x: x, np.array([1, 2])), "astype"),
        (lambda: compare(lambda x: x, lambda x: x, "a"), "got str 'a'"),
        (lambda: compare(lambda x: x, lambda x: x, 1.0, argnums=1), "argnums 1 names no argument"),
        (lambda: compare(lambda x: x, lambda x: (), 1.0, argnums=()), "no number to differentiate by"),
        (lambda: compare(lambda x, y: y, lambda x, y: [], [], 1.0), "no number to differentiate by"),
    ],
)
def test_bad_input_is_told_what_was_wrong(call, words):
    with pytest.raises(TypeError, match=words):
        call()


def test_a_function_with_rules_of_its_own_is_compared_without_formulas():
    log1pexp = custom_derivative(
        lambda x: log(1 + exp(x)), push=lambda args, _, tangents: tangents[0] / (1 + exp(-args[0]))
    )
    assert compare(lambda x: x * log1pexp(x), lambda x: log1pexp(x) + x / (1 + exp(-x)), 0.5).passed
    wrong = compare(lambda x: x * log1pexp(x), lambda x: log1pexp(x), 0.5)
    assert not wrong.passed
    assert "without partial derivatives as formulas" in str(wrong)
