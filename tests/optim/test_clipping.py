"""Clipping: closed forms, PyTorch's treatment of inf and nan, norms at both ends of the floats, tracing."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import Value, grad, jit
from autograd.engines import engine_names
from optim.clipping import clip_by_norm, clip_by_value, clip_grad_norm_, clip_grad_value_, global_norm
from tests.optim.pytorch_figures import GRADIENTS, LIMIT, recorded

CLIPPED = recorded()["clipped"]
each_gradient = pytest.mark.parametrize("name", GRADIENTS)
lists = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9)


@each_gradient
def test_clipping_is_pytorch_s(name):
    """By norm up to the 1e-6 that PyTorch adds to a norm beyond the limit."""
    gradients, expected = GRADIENTS[name], CLIPPED[name]
    assert repr(clip_by_value(gradients, LIMIT)) == repr(expected["value"])
    (norm,) = expected["norms"]
    assert global_norm(gradients) == pytest.approx(norm, rel=1e-15, nan_ok=True)
    clipped = clip_by_norm(gradients, LIMIT)
    as_there = [gradient * (norm / (norm + 1e-6) if LIMIT < norm < math.inf else 1.0) for gradient in clipped]
    assert as_there == pytest.approx(expected["norm"], rel=1e-15, nan_ok=True)


@each_gradient
def test_gradients_of_values_are_clipped_in_place_as_in_pytorch(name):
    def weights():
        leaves = [Value(1.0) for _ in GRADIENTS[name]]
        for weight, gradient in zip(leaves, GRADIENTS[name]):
            weight.grad = gradient
        return leaves

    by_value, by_norm = weights(), weights()
    assert clip_grad_value_(iter(by_value), LIMIT) is None
    assert repr([weight.grad for weight in by_value]) == repr(clip_by_value(GRADIENTS[name], LIMIT))
    assert repr(clip_grad_norm_(iter(by_norm), LIMIT)) == repr(global_norm(GRADIENTS[name]))
    assert repr([weight.grad for weight in by_norm]) == repr(clip_by_norm(GRADIENTS[name], LIMIT))


@given(lists)
def test_the_norm_is_right_from_the_smallest_floats_to_the_largest(gradients):
    exact = float(mpmath.sqrt(mpmath.fsum(mpmath.mpf(gradient) ** 2 for gradient in gradients)))
    assert global_norm(gradients) == pytest.approx(exact, rel=4e-16 * len(gradients), abs=1e-323)


@given(lists, st.floats(1e-3, 1e3))
def test_what_is_longer_comes_out_as_long_as_the_limit_in_the_same_direction(gradients, limit):
    norm, clipped = global_norm(gradients), clip_by_norm(gradients, limit)
    if norm <= limit:
        assert clipped == gradients
    elif norm < math.inf:
        scale = limit / norm
        rounded = math.ulp(scale) / scale  # of a norm near the largest floats it is subnormal
        assert global_norm(clipped) == pytest.approx(limit, rel=1e-14 + rounded, abs=0.0)
        assert clipped == pytest.approx([gradient * scale for gradient in gradients], rel=1e-14, abs=1e-323)


@given(lists, st.floats(1e-300, 1e300))
def test_by_value_only_what_is_beyond_the_limit_changes(gradients, limit):
    expected = [
        math.copysign(limit, gradient) if abs(gradient) > limit else gradient for gradient in gradients
    ]
    assert clip_by_value(gradients, limit) == expected


def test_gradients_come_back_in_their_structure():
    clipped = clip_by_norm({"w": np.array([[3.0, 0.0], [0.0, 4.0]]), "b": (12.0, None)}, 6.5)
    assert clipped["w"].tolist() == [[1.5, 0.0], [0.0, 2.0]]
    assert clipped["b"] == (6.0, None)
    assert clip_by_norm([], 1.0) == clip_by_value([], 1.0) == []
    assert global_norm({}) == 0.0


CASES = [*GRADIENTS.values(), [1e300, -1e308], [3e-320, 5e-324], [1e150, 1e-150, 1.0], [0.1] * 9]


@pytest.mark.parametrize("engine", [name for name in engine_names() if name != "numpy"])
@pytest.mark.parametrize("clip", [clip_by_norm, clip_by_value])
def test_every_engine_gives_the_bits_of_floats(clip, engine):
    run = jit(lambda gradients: clip(gradients, LIMIT), engine=engine)
    for gradients in CASES:
        assert repr(run(gradients)) == repr(clip(gradients, LIMIT))


def test_a_clipped_step_can_be_differentiated():
    """At [3, 4] the first of the gradients shortened to 1 is x/5, and its derivative by x is 16/125."""
    for scale in (1.0, 2.0**500, 2.0**-500):
        by_first = grad(lambda x, scale=scale: clip_by_norm([x, 4.0 * scale], scale)[0])
        assert by_first(3.0 * scale) == pytest.approx(16 / 125, rel=1e-14)
    assert grad(lambda x: clip_by_norm([x, 4.0], 10.0)[0])(3.0) == 1.0
    assert [grad(lambda x: clip_by_value(x, 2.0))(x) for x in (-3.0, 1.0, 3.0)] == [0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: clip_by_norm([1.0], 0.0), ValueError, "limit must be above 0, got 0.0"),
        (lambda: clip_by_value([1.0], -1.0), ValueError, "limit must be above 0, got -1.0"),
        (lambda: clip_by_value([1.0], None), TypeError, "limit must be a number, got NoneType"),
        (lambda: clip_grad_norm_([Value(1.0)], math.nan), ValueError, "limit must be above 0, got nan"),
        (lambda: clip_by_norm(["a"], 1.0), TypeError, "the gradients must be made of real numbers"),
        (lambda: clip_grad_norm_([1.0], 1.0), TypeError, "must be those of Values, got float"),
    ],
)
def test_bad_input_is_told_what_was_wrong(call, error, words):
    with pytest.raises(error, match=words):
        call()
