"""Losses: against mpmath and PyTorch's figures, traced, with scores however large, and bad input."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import Value, array, check_gradients, grad, hessian, jit, trace, value_and_grad, vmap
from models.losses import cross_entropy, hinge, logistic, squared_error

scores_of = st.floats(-800, 800)
lists_of_scores = st.lists(scores_of, min_size=1, max_size=5)


def exact_cross_entropy(scores, label):
    """Minus the logarithm of softmax, and its gradient, at 700 digits."""
    with mpmath.workdps(700):
        exponentials = [mpmath.exp(mpmath.mpf(score)) for score in scores]
        total = mpmath.fsum(exponentials)
        others = total - exponentials[label]
        gradient = [number / total for number in exponentials]
        gradient[label] = -others / total
        return float(mpmath.log1p(others / exponentials[label])), [float(number) for number in gradient]


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_squared_error_and_hinge_are_their_formulas(a, b):
    assert value_and_grad(squared_error)(a, b) == ((a - b) ** 2, 2 * (a - b))
    for label in (-1.0, 1.0):
        inside = label * a < 1
        assert value_and_grad(hinge)(a, label) == ((1 - label * a, -label) if inside else (0.0, 0.0))


def test_hinge_has_no_slope_at_its_kink():
    assert grad(hinge)(1.0, 1) == grad(hinge)(-1.0, -1) == 0.0


@given(scores_of, st.sampled_from([-1, 1]))
def test_logistic_equals_mpmath(score, label):
    with mpmath.workdps(700):
        e = mpmath.exp(-label * mpmath.mpf(score))
        value, derivative = float(mpmath.log1p(e)), float(-label * e / (1 + e))
    assert value_and_grad(logistic)(score, label) == pytest.approx((value, derivative), rel=1e-14, abs=1e-307)


@given(lists_of_scores, st.data())
def test_cross_entropy_of_an_index_equals_mpmath_however_small_it_is(scores, data):
    label = data.draw(st.integers(0, len(scores) - 1))
    value, gradient = exact_cross_entropy(scores, label)
    # The score's own rounding is what the exponential makes of it.
    assert cross_entropy(scores, label) == pytest.approx(value, rel=1e-12, abs=1e-307)
    assert grad(cross_entropy)(scores, label) == pytest.approx(gradient, rel=1e-12, abs=1e-307)


@given(lists_of_scores, st.data())
def test_cross_entropy_of_probabilities_is_their_mean_over_indices(scores, data):
    weights = data.draw(st.lists(st.floats(0.01, 1), min_size=len(scores), max_size=len(scores)))
    probabilities = [weight / math.fsum(weights) for weight in weights]
    each = [exact_cross_entropy(scores, k) for k in range(len(scores))]
    value = math.fsum(p * loss for p, (loss, _) in zip(probabilities, each))
    gradient = probabilities @ np.array([row for _, row in each])
    result = value_and_grad(cross_entropy)(scores, probabilities)
    assert result[0] == pytest.approx(value, rel=1e-13, abs=1e-15)
    assert result[1] == pytest.approx(gradient.tolist(), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize(
    ("scores", "label", "value", "gradient"),
    [
        ([1.0, 2.0, 3.0], 0, 2.4076059644443806,
         [-0.9099694268296196, 0.24472847105479764, 0.6652409557748218]),
        ([1e4, 0.0, -1e4], 0, 0.0, [0.0, 0.0, 0.0]),
        ([1e4, 0.0, -1e4], 2, 20000.0, [1.0, 0.0, -1.0]),
        ([1e300, -1e300], 1, 2e300, [1.0, -1.0]),
        ([0.0, 0.0, 0.0], 1, 1.0986122886681098,
         [0.3333333333333333, -0.6666666666666667, 0.3333333333333333]),
        ([1.0, -2.0, 0.5], [0.7, 0.2, 0.1], 1.1545969023422833,
         [-0.09625110385137421, -0.16994111243042598, 0.2661922162818002]),
    ],
)  # fmt: skip
def test_figures_are_pytorchs(scores, label, value, gradient):
    """Recorded from torch.nn.functional.cross_entropy of PyTorch 2.13.0, float64."""
    assert cross_entropy(scores, label) == pytest.approx(value, rel=1e-15)
    assert grad(cross_entropy)(scores, label) == pytest.approx(gradient, rel=1e-15)


@pytest.mark.parametrize("score", [-1e308, -1e4, 1e4, 1e308])
def test_huge_scores_do_no_harm(score):
    assert value_and_grad(logistic)(score, 1) == ((-score, -1.0) if score < 0 else (0.0, 0.0))
    assert value_and_grad(cross_entropy)([score, 0.0], 0) == (
        (-score, [-1.0, 1.0]) if score < 0 else (0.0, [0.0, 0.0])
    )
    assert cross_entropy([-math.inf, 0.0], 1) == 0.0


def test_second_derivatives_are_softmax_s():
    scores = [0.3, -1.0, 2.0]
    p = np.exp(scores) / np.exp(scores).sum()
    for label in (1, [0.2, 0.5, 0.3]):
        assert np.array(hessian(cross_entropy)(scores, label)) == pytest.approx(np.diag(p) - np.outer(p, p))


@pytest.mark.parametrize("engine", ["python", "numpy"])
def test_a_label_may_be_a_column_of_the_data(engine):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 4)), rng.integers(4, size=50)
    one_hot = np.eye(4)[y]
    eager = [cross_entropy(x, int(label)) for x, label in zip(X, y)]
    assert vmap(cross_entropy, engine=engine)(X, y) == pytest.approx(np.array(eager), rel=1e-15)
    assert vmap(cross_entropy, engine=engine)(X, one_hot) == pytest.approx(np.array(eager), rel=1e-14)
    for loss in (hinge, logistic, squared_error):
        mapped = vmap(loss, engine=engine)(X[:, 0], np.where(y > 1, 1, -1))
        assert mapped.tolist() == pytest.approx(
            [loss(x, s) for x, s in zip(X[:, 0], np.where(y > 1, 1.0, -1.0))]
        )


@pytest.mark.parametrize("label", [0, 2.0, np.int64(1), np.array(2), Value(1.0), [0.0, Value(1.0), 0.0]])
def test_labels_of_every_kind_give_gradients(label):
    assert check_gradients(lambda scores: cross_entropy(scores, label), [0.5, -1.0, 2.0]).passed


def test_a_traced_label_that_is_no_class_gives_nan():
    run = jit(cross_entropy, engine="python")
    assert run([1.0, 2.0], 1.0) == cross_entropy([1.0, 2.0], 1)
    assert math.isnan(run([1.0, 2.0], 2.0))
    assert math.isnan(run([1.0, 2.0], 0.5))
    assert trace(cross_entropy, [0.0, 0.0], 0.0)([1.0, 2.0], 0.0) == cross_entropy([1.0, 2.0], 0)


@pytest.mark.parametrize(
    ("scores", "label", "error", "words"),
    [
        ([1.0, 2.0], 2, ValueError, "the label must be the index of one of 2 classes, got 2"),
        ([1.0, 2.0], -1, ValueError, "index of one of 2 classes, got -1"),
        ([1.0, 2.0], 0.5, ValueError, "index of one of 2 classes, got 0.5"),
        ([1.0, 2.0], "cat", ValueError, "index of one of 2 classes, got 'cat'"),
        ([1.0, 2.0], [1.0], ValueError, "a probability for each of 2 scores, got 1"),
        ([], 0, ValueError, "a score for each class, got none"),
        (1.0, 0, TypeError, "the scores must be one sample's list or array of numbers, got float"),
        (np.ones((2, 3)), 0, TypeError, r"got an array of shape \(2, 3\): map the function over a batch"),
        ([1.0, 2.0], np.ones((2, 3)), TypeError, r"the label's probabilities .* shape \(2, 3\)"),
    ],
)
def test_bad_input_is_named(scores, label, error, words):
    with pytest.raises(error, match=words):
        cross_entropy(scores, label)


@pytest.mark.parametrize("loss", [squared_error, hinge, logistic])
def test_several_outputs_are_no_score(loss):
    with pytest.raises(TypeError, match=r"the (score|prediction) must be one number, got list of 2"):
        loss([Value(1.0), Value(2.0)], 1.0)


def test_scores_and_probabilities_may_be_whole_arrays():
    scores, probabilities = np.linspace(-2.0, 3.0, 40), np.full(40, 1 / 40)
    expected = cross_entropy(scores.tolist(), probabilities.tolist())
    assert cross_entropy(array(scores), array(probabilities)).data == pytest.approx(expected, rel=1e-14)
    assert jit(cross_entropy, engine="python")(scores, probabilities) == pytest.approx(expected, rel=1e-14)
    gradient = jit(grad(cross_entropy), engine="python")(scores, probabilities)
    assert gradient == pytest.approx(np.exp(scores) / np.exp(scores).sum() - 1 / 40, rel=1e-12)
