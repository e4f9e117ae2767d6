"""Random functions of whole arrays: NumPy's values, the same eagerly and compiled, at other lengths too."""

from __future__ import annotations

import numpy as np
import pytest

from autograd import array, grad, jit, scan, value_and_grad

# Each makes an array of an array with two axes, a vector of three numbers and a number.
STEPS = [
    lambda x, w, c: np.exp(-x * x) * c,
    lambda x, w, c: x * w[0] + c,
    lambda x, w, c: x[1:] - x[:-1],
    lambda x, w, c: x[::-1] * c,
    lambda x, w, c: x + x.sum(axis=0)[0] * c,
    lambda x, w, c: x * x.mean(axis=1)[:, None],
    lambda x, w, c: x[:, :1] * x,
    lambda x, w, c: np.where(x > c, x, x * x),
    lambda x, w, c: np.concatenate([x, x * c]),
    lambda x, w, c: (x - x.mean(axis=0)) * x[-1, -1],
    lambda x, w, c: x * x.max() - x[0, 0],
    lambda x, w, c: (x @ x[:1].T) * x,
    lambda x, w, c: np.maximum(x, c) + np.cumsum(x[:, 0])[-1],
    lambda x, w, c: np.tanh(x) / (1 + x * x),
    lambda x, w, c: x.reshape(-1)[:, None] * w[-1],
    lambda x, w, c: x * scan(lambda carry, each: (0.5 * carry + each, carry), c, x[:, 0])[1][:, None],
]


def random_function(rng):
    chosen = [(STEPS[rng.integers(len(STEPS))], rng.normal()) for _ in range(rng.integers(2, 6))]

    def f(x, w):
        for step, c in chosen:
            x = step(x, w, c) / 2
        return (x * x).mean() + x.sum() * w[1]

    return f


@pytest.mark.parametrize("seed", range(8))
def test_random_functions_of_arrays(seed):
    rng = np.random.default_rng(seed)
    f, columns, w = random_function(rng), int(rng.integers(1, 4)), rng.normal(size=3)
    engine = ("llvm", "python", "numpy", "interpreter")[seed % 4]
    compiled = jit(lambda x, w: value_and_grad(f, (0, 1))(x, w), engine)
    for rows in (45, 52):
        x = rng.normal(size=(rows, columns))
        a, b = array(x), array(w)
        value = f(a, b)
        value.backward()
        assert value.data == pytest.approx(f(x, w), rel=1e-9, abs=1e-12)
        found, (by_x, by_w) = compiled(x, w)
        assert found == pytest.approx(value.data, rel=1e-13)
        assert by_x == pytest.approx(a.grad, rel=1e-10, abs=1e-12)
        assert by_w == pytest.approx(b.grad, rel=1e-10, abs=1e-12)
    step = rng.normal(size=3)
    slope = (f(x, w + 1e-6 * step) - f(x, w - 1e-6 * step)) / 2e-6
    assert grad(lambda w: f(x, w))(w) @ step == pytest.approx(slope, rel=1e-4, abs=1e-6)
