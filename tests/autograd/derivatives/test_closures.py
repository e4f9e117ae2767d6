"""What a function reaches through its closure, beside its arguments."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from autograd import Value, grad, hessian, hvp, jacobian, jit, jvp, value_and_grad, vjp, vmap

ADVICE = "also reached through the closure"


@pytest.fixture
def weights():
    return [Value(2.0, "w"), Value(3.0, "b")]


@pytest.mark.parametrize(
    "use",
    [
        lambda loss, ps: value_and_grad(loss)(ps),
        lambda loss, ps: grad(loss)(ps),
        lambda loss, ps: jacobian(loss)(ps),
        lambda loss, ps: hessian(loss)(ps),
        lambda loss, ps: jvp(loss, (ps,), ([1.0, 0.0],)),
        lambda loss, ps: vjp(loss, ps)[1](1.0),
        lambda loss, ps: hvp(loss, (ps,), ([1.0, 0.0],)),
        lambda loss, ps: jit(grad(loss), engine="python")(ps),
        lambda loss, ps: grad(lambda ps: jit(grad(loss), engine="python")(ps)[0])(ps),
        lambda loss, ps: vmap(lambda ps, x: x * grad(loss)(ps)[0], (None, 0))(ps, np.array([2.0, 3.0])),
        lambda loss, ps: jit(lambda x: x * grad(loss)(ps)[0], engine="python")(2.0),
        lambda loss, ps: vmap(lambda x: x * grad(loss)(ps)[0], engine="python")(np.array([2.0, 3.0])),
        lambda loss, ps: grad(lambda x: x * grad(loss)(ps)[0])(2.0),
    ],
)
@pytest.mark.parametrize("beside", [False, True])
def test_a_result_that_reaches_an_argument_through_the_closure_is_refused(use, beside, weights):
    w, b = weights

    def loss(ps):
        hidden = (w * 5.0 + b) ** 2
        return hidden + 0.01 * sum(p * p for p in ps) if beside else hidden

    with pytest.raises(ValueError, match=rf"2 of the Values .*'b', 'w'.* {ADVICE}"):
        use(loss, weights)


def test_the_leaf_itself_as_the_result_is_refused_too(weights):
    with pytest.raises(ValueError, match=ADVICE):
        grad(lambda ps: weights[0])(weights)


def test_a_leaf_that_an_outer_transform_differentiates_by_keeps_its_meaning():
    def partial(q):
        return grad(lambda a: a * q)(q)

    assert partial(7.0) == 7.0
    assert grad(partial)(7.0) == 1.0
    assert jit(partial, engine="python")(7.0) == 7.0
    assert jit(grad(partial), engine="python")(7.0) == 1.0
    assert vmap(partial, engine="python")(np.array([7.0, 8.0])).tolist() == [7.0, 8.0]
    assert grad(partial)(Value(7.0)) == 1.0


def test_a_leaf_that_is_another_argument_too_has_its_partial_derivative():
    q = Value(4.0)
    assert grad(lambda a, b: a * b)(q, q).data == 4.0
    assert grad(lambda a, b: a * b["w"][0])(q, {"w": [q]}).data == 4.0
    assert grad(lambda a, b: a * b)(q, b=q).data == 4.0


def test_a_function_among_the_arguments_is_a_closure_too():
    q = Value(4.0)
    for function in (lambda x: q * x, q.__mul__, partial(lambda a, x: a * x, q)):
        with pytest.raises(ValueError, match=ADVICE):
            grad(lambda a, g: a + g(2.0))(q, function)


def test_other_leaves_of_the_closure_stay_what_the_gradient_depends_on(weights):
    w, b = weights
    slope = grad(lambda x: w * x * x + b)(Value(5.0))
    assert slope.data == 20.0
    slope.backward()
    assert (w.grad, b.grad) == (10.0, 0.0)
