"""`where` in derivatives: what it does not select receives exactly 0, whatever the derivative there is."""

from __future__ import annotations

import math
import random
from importlib.util import find_spec

import numpy as np
import pytest

import autograd
from autograd import Value, exp, grad, hessian, hvp, jit, jvp, less, log, sqrt, trace, vmap, where
from autograd.primitives.operation import Operation, register

ENGINES = ["python", "numpy", *(["llvm", "interpreter"] if find_spec("llvmlite") else [])]


def root(x):
    return where(less(0.0, x), sqrt(x), 0.0)


def shared(x):
    """Its root is used selected, unselected and by the other side of a second choice."""
    s = sqrt(x)
    return where(less(0.0, x), s, x) + where(less(1.0, x), s * x, 3.0 * x) + where(less(x, -1.0), x, s - s)


def nested(x):
    inner = where(less(x, 2.0), log(x), exp(x) / (x - 2.0))
    return where(less(0.0, x), where(less(x, 1.0), inner, x * inner), -2.0 * x)


def inside(x):
    """The choice stands inside of what has an infinite derivative."""
    return where(less(0.0, x), sqrt(where(less(0.0, x), x, 0.0)) * x, sqrt(where(less(x, 0.0), -x, 0.0)))


def outside(x):
    """Nothing goes on from a selected constant, where the derivative of what it goes into is infinite."""
    return sqrt(where(less(0.0, x), x, 0.0))


def clipped(x):
    capped = autograd.minimum(x, 0.5)
    return autograd.relu(where(less(x, 0.0), 0.0, log(x))) + autograd.maximum(root(x), capped)


# Each at points, with its derivatives of the first three orders there.
TABLE = [
    (root, 0.0, (0.0, 0.0, 0.0)),
    (root, -1.0, (0.0, 0.0, 0.0)),
    (root, 4.0, (0.25, -1 / 32, 3 / 256)),
    (shared, -2.0, (5.0, 0.0, 0.0)),
    (shared, 4.0, (0.25 + 3.0, -1 / 32 + 0.375, 3 / 256 - 3 / 64)),
    (nested, -3.0, (-2.0, 0.0, 0.0)),
    (nested, 0.0, (-2.0, 0.0, 0.0)),
    (nested, 0.5, (2.0, -4.0, 16.0)),
    (outside, 0.0, (0.0, 0.0, 0.0)),
    (outside, -1.0, (0.0, 0.0, 0.0)),
    (inside, 0.0, (0.0, 0.0, 0.0)),
    (clipped, -1.0, (0.0, 0.0, 0.0)),
    (clipped, 4.0, (0.5, -3 / 32, 11 / 256)),
]


def forward(f):
    return lambda x: jvp(f, (x,), (1.0,))[1]


# The ways to a derivative of each order.
WAYS = [
    (grad, forward),
    (lambda f: grad(grad(f)), lambda f: forward(grad(f)), lambda f: grad(forward(f))),
    (lambda f: grad(grad(grad(f))), lambda f: forward(grad(forward(f))), lambda f: grad(forward(grad(f)))),
]


@pytest.mark.parametrize(("f", "x", "expected"), TABLE)
def test_what_is_not_selected_receives_0_in_every_order_and_engine(f, x, expected):
    v = Value(x)
    f(v).backward()
    assert v.grad == pytest.approx(expected[0], rel=1e-15, abs=0.0)
    for order, ways in enumerate(WAYS):
        for way in ways:
            eager = way(f)(x)
            assert eager == pytest.approx(expected[order], rel=1e-14, abs=0.0)
            for engine in ENGINES:
                derivative = jit(way(f), engine=engine)(x)
                assert derivative.hex() == eager.hex() or engine == "numpy", (engine, order, ways.index(way))
                mapped = vmap(way(f), engine=engine)(np.array([x, 7.0, -7.0, x]))
                assert mapped[[0, 3]].tolist() == pytest.approx([expected[order]] * 2, rel=1e-14, abs=0.0)


def test_a_hessian_has_zeros_where_nothing_is_selected():
    def f(p):
        x, y = p
        return where(less(0.0, x), sqrt(x) * y, y * y) + where(less(0.0, y), y * x, sqrt(y))

    expected = [[0.0, 1.0], [1.0, 2.0]]
    assert hessian(f)([0.0, 3.0]) == expected
    assert hvp(f, ([0.0, 3.0],), ([1.0, 0.0],)) == [0.0, 1.0]
    for engine in ENGINES:
        assert jit(hessian(f), engine=engine)([0.0, 3.0]) == expected


def test_samples_of_which_some_are_selected_have_derivatives_of_their_own():
    xs = np.array([-1.0, 0.0, 0.25, 4.0])
    for engine in ENGINES:
        assert vmap(grad(root), engine=engine)(xs).tolist() == [0.0, 0.0, 1.0, 0.25]
        total = vmap(lambda w, x: root(w * x), in_axes=(None, 0), reduce="sum", engine=engine)
        assert grad(lambda w: sum(root(w * x) for x in xs))(1.0) == 0.5 * 0.5 + 1.0  # sqrt(.25)/2 + sqrt(4)/2
        assert total(1.0, xs) == 2.5


def test_a_loop_of_choices_has_the_derivative_of_what_it_selected():
    def step(carry, x):
        x_, slope = carry
        y, slope_ = jvp(root, (x_ - x,), (slope,))
        return (y, slope_), y

    for engine in ("eager", *ENGINES):
        (_, slope), _ = autograd.scan(step, (4.0, 1.0), np.array([0.0, 2.0, 5.0]), engine=engine)
        assert slope == 0.0
        (_, slope), _ = autograd.scan(step, (16.0, 1.0), np.array([0.0, 0.0]), engine=engine)
        assert slope == 1 / 32


def test_several_results_keep_what_each_has_selected():
    def f(x):
        return [root(x), x * x, where(less(x, 0.0), root(-x), sqrt(x) * 0.0)]

    assert autograd.jacobian(f)(-4.0) == [0.0, -8.0, -0.25]
    for engine in ENGINES:
        assert jit(autograd.jacobian(f), engine=engine)(-4.0) == [0.0, -8.0, -0.25]


class RootAndSquare(Operation):
    """An operation of two results, of which one has an infinite derivative at 0."""

    name = "root_and_square"
    arity, result_count = 1, 2

    def run(self, inputs):
        (x,) = inputs
        return sqrt(x), x * x

    def push(self, inputs, results, tangents):
        return autograd.div(0.5, results[0]) * tangents[0], 2.0 * inputs[0] * tangents[0]

    def pull(self, inputs, results, adjoints, wanted):
        return [autograd.div(0.5, results[0]) * adjoints[0] + 2.0 * inputs[0] * adjoints[1]]


root_and_square = register(RootAndSquare())


def test_an_operation_of_several_results_receives_nothing_where_none_is_selected():
    def f(x):
        root, square = root_and_square(x)
        return where(less(0.0, x), root, 1.0) + where(less(1.0, x), square, x)

    for x, expected in ((0.0, 1.0), (0.25, 2.0), (4.0, 8.25)):
        assert backward(f, x) == [expected]
        assert grad(f)(x) == jvp(f, (x,), (1.0,))[1] == expected
        for engine in ENGINES:
            assert jit(grad(f), engine=engine)(x) == jit(forward(f), engine=engine)(x) == expected


def test_a_choice_costs_one_selection_and_no_multiplication():
    assert trace(grad(root), 1.0).counts() == {"less": 1, "sqrt": 1, "div": 1, "where": 1}
    both = trace(grad(lambda x: where(less(0.0, x), sqrt(x), exp(x))), 1.0)
    assert both.counts() == {"less": 1, "sqrt": 1, "div": 1, "exp": 1, "where": 1}


def test_a_gradient_that_is_not_selected_passes_its_check():
    assert autograd.check_gradients(root, -1.0).passed
    assert autograd.check_gradients(lambda x: where(less(0.0, x), log(x), x * x), -2.0).passed


# Random programs: where nothing but what is selected is computed, there is nothing to go wrong.

UNARY = [sqrt, log, exp, autograd.atan, autograd.relu, abs, lambda x: 1.0 / x, lambda x: x * 0.5]
BINARY = [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, autograd.maximum]


def random_program(seed):
    choices = random.Random(seed)
    steps = []
    for size in range(2, 14):
        kind = choices.choice(["unary", "binary", "where", "where"])
        functions = {"unary": UNARY, "binary": BINARY, "where": [None]}[kind]
        steps.append((kind, choices.choice(functions), [choices.randrange(size) for _ in range(4)]))

    def program(x, y, choose=where):
        slots = [x, y]
        for kind, function, (a, b, c, d) in steps:
            if kind == "where":
                slots.append(choose(less(slots[a], slots[b]), slots[c], slots[d]))
            else:
                slots.append(function(slots[a]) if kind == "unary" else function(slots[a], slots[b]))
        return sum(slots[-3:])

    return program


def selected(condition, first, second):
    """A choice that Python makes: what is not selected is in no graph."""
    return first if condition.data else second


@pytest.mark.parametrize("seed", range(60))
def test_random_programs_have_the_derivatives_of_what_they_select(seed):
    f = random_program(seed)
    numbers = random.Random(-seed - 1)
    x, y = numbers.choice([0.0, -1.0, 0.5]), numbers.choice([0.0, 2.0, -0.25])
    both = lambda choose: lambda x, y: f(x, y, choose)  # noqa: E731
    expected = backward(both(selected), x, y)
    assert backward(f, x, y) == pytest.approx(expected, rel=1e-13, nan_ok=True)
    first = grad(f, argnums=(0, 1))
    assert first(x, y) == pytest.approx(expected, rel=1e-13, nan_ok=True)
    second = jit(autograd.hessian(f, argnums=(0, 1)), engine="python")(x, y)
    for eager, traced in zip(autograd.hessian(f, argnums=(0, 1))(x, y), second):
        assert [number.hex() for number in eager] == [number.hex() for number in traced]
    for engine in ENGINES:
        compiled = jit(first, engine=engine)(x, y)
        if engine != "numpy":
            assert [g.hex() for g in compiled] == [g.hex() for g in first(x, y)]
        assert compiled == pytest.approx(expected, rel=1e-13, nan_ok=True)
    along = [jvp(f, (x, y), direction)[1] for direction in ((1.0, 0.0), (0.0, 1.0))]
    pushed = jit(lambda x, y: jvp(f, (x, y), (1.0, 0.0))[1], engine="python")(x, y)
    assert pushed.hex() == along[0].hex()
    if all(map(math.isfinite, expected)):
        assert along == pytest.approx(expected, rel=1e-12, nan_ok=True)


def backward(f, *numbers):
    values = [Value(number) for number in numbers]
    result = f(*values)
    if isinstance(result, Value):
        result.backward()
    return [v.grad for v in values]


def test_an_explanation_says_what_is_not_selected():
    x, y = Value(0.0, "x"), Value(2.0, "y")
    text = str(autograd.explain(where(less(0.0, x), sqrt(x) * y, y * y)))
    assert "t3 receives nothing: it is not selected; t4 receives 1·1 = 1" in text
    assert text.endswith("x 0, y 4.")


@pytest.mark.parametrize("engine", [None, *ENGINES])
@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_a_maximum_multiplies_where_a_where_chooses(engine, name):
    torch = pytest.importorskip("torch")
    other = 1.0 if name == "maximum" else -1.0
    x = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    getattr(torch, name)(torch.sqrt(x), torch.tensor(other, dtype=torch.float64)).backward()

    def multiplied(x):
        return getattr(autograd, name)(sqrt(x), other)

    def chosen(x):
        return where(x > 1.0, sqrt(x), other)

    slopes = [grad(f) if engine is None else jit(grad(f), engine) for f in (multiplied, chosen)]
    assert math.isnan(x.grad.item())
    assert math.isnan(slopes[0](0.0))
    assert (slopes[1](0.0), slopes[1](4.0)) == (0.0, 0.25)
