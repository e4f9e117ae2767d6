"""What the page says of wrong gradients is what `compare` says of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import autograd as ag
from autograd import Value, compare
from autograd.comparing.sentences import Phrase
from autograd.derivation.text import text
from autograd.explaining.candidates import Candidate, Candidates
from autograd.explaining.explained_graph import ExplainedGraph

POINT = (0.7, 1.3, -0.4)


def loss(w: Any, x: Any, b: Any) -> Any:
    u = ag.sin(w * x + b)
    return u * u + 3.0 * w


def by_hand(w: float, x: float, b: float) -> tuple[float, float, float]:
    z = w * x + b
    return 2 * math.sin(z) * math.cos(z) * x + 3, 2 * math.sin(z) * math.cos(z) * w, math.sin(2 * z)


def graph() -> ExplainedGraph:
    return ExplainedGraph(loss(*[Value(number, name) for number, name in zip(POINT, "wxb")]))


def written(phrase: Phrase) -> str:
    return "".join(part if isinstance(part, str) else text(part) for part in phrase)


def matching(node: str, number: float) -> list[Candidate]:
    """What the page would say of a number typed for a node's gradient, the likeliest first."""
    explained = graph()
    slips = Candidates(explained)
    wrong = [*slips.of(explained.names.index(node)), *slips.swapped]
    return [candidate for candidate in wrong if math.isclose(candidate.number, number, rel_tol=1e-9)]


@pytest.mark.parametrize("node", range(3))
@pytest.mark.parametrize(
    ("slip", "words"),
    [
        (lambda right: -right, "has the wrong sign"),
        (lambda right: right * 2, "has a factor 2 too many"),
        (lambda right: right / 2, "lacks the factor 2"),
    ],
)
def test_a_slip_in_a_whole_component_is_called_what_compare_calls_it(
    node: int, slip: Callable[[float], float], words: str
) -> None:
    def hand(*point: float) -> tuple[float, ...]:
        return tuple(slip(right) if i == node else right for i, right in enumerate(by_hand(*point)))

    (best, *_) = matching("wxb"[node], hand(*POINT)[node])
    verdict = compare(loss, hand, *POINT, argnums=(0, 1, 2)).components[node].verdict
    assert written(best.says) == words
    if words != "lacks the factor 2" or node != 0:  # 2*... + 3 has no factor 2
        assert verdict == f"d{'wxb'[node]} {words}"


def test_a_factor_that_is_missing_is_named_by_its_derivative() -> None:
    w, x, b = POINT
    z = w * x + b
    (best, *_) = matching("x", 2 * math.sin(z) * math.cos(z))
    assert written(best.says) == "lacks the factor dt1/dx"
    (best, *_) = matching("x", 2 * math.sin(z) * w)
    assert written(best.says) == "lacks the factor dt3/dt2"


def test_a_term_that_is_missing_is_named_by_what_it_comes_through() -> None:
    (best, *_) = matching("w", by_hand(*POINT)[0] - 3)
    assert written(best.says) == "lacks the term dL/dt5 * dt5/dw"
    assert best.number == by_hand(*POINT)[0] - 3


def test_a_gradient_in_the_place_of_another_is_recognised_last() -> None:
    *_, last = matching("w", by_hand(*POINT)[1])
    assert written(last.says) == "is the derivative by x"


def test_no_candidate_is_the_right_gradient_or_not_a_number() -> None:
    x = Value(0.0, "x")
    for result in (loss(*map(Value, POINT)), 1 / x + x.log(), x * 1.0 + 0.0 * x):
        explained = ExplainedGraph(result)
        for node, right in enumerate(explained.gradients):
            for candidate in Candidates(explained).of(node):
                assert math.isfinite(candidate.number)
                assert candidate.number != right
