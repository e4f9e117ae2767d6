"""What an Array refuses, and what it answers where NumPy's own way would be wrong or not understood."""

from __future__ import annotations

import operator

import numpy as np
import pytest

from autograd import TracingError, Value, array, grad, jit, value_and_grad, vmap
from optim import SGD

IN_PLACE = [
    operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv, operator.imod,
    operator.ipow, operator.imatmul, operator.iand, operator.ior, operator.ixor, operator.ilshift,
    operator.irshift,
]  # fmt: skip


@pytest.mark.parametrize("write", IN_PLACE)
def test_no_operator_writes_into_an_array(write):
    a = array([1.0, 2.0, 3.0])
    for target, operand in ((a, 2.0), (a[:2], 2.0), (np.zeros(3), a)):
        with pytest.raises(TypeError, match=r"not written to.* write a = a \+ b"):
            write(target, operand)
    assert a.data.tolist() == [1.0, 2.0, 3.0]


def test_a_traced_array_is_not_written_to_either():
    def scaled(weights):
        weights /= weights.sum()
        return weights

    def total(x):
        return scaled(x * np.ones(300)).sum()

    for run in (jit(total), grad(total)):
        with pytest.raises(TypeError, match="not written to"):
            run(np.ones((300,)))


def test_out_is_refused_in_every_function():
    a = array([1.0, 2.0])
    for function in (np.clip, np.sum, np.concatenate, np.exp):
        args = {np.clip: (a, 0, 1), np.concatenate: ([a, a],)}.get(function, (a,))
        with pytest.raises(TypeError, match="for out= assign the result"):
            function(*args, out=np.zeros(2))


def test_a_gradient_is_set_to_real_numbers_alone():
    a = array([1.0, 2.0])
    for wrong in (None, "1", [1.0, None], 1j, True, Value(1.0), a):
        with pytest.raises(TypeError, match="grad"):
            a.grad = wrong
    with pytest.raises(ValueError, match="broadcast"):
        a.grad = [1.0, 2.0, 3.0]
    a.grad = [1, 2]
    (a * a).sum().backward()
    assert a.grad.tolist() == [3.0, 6.0]
    a.grad = 0
    assert a.grad.tolist() == [0.0, 0.0]


def test_copies_of_its_numbers_are_not_written_to():
    a = array([1.0, 2.0])
    for numbers in (a.data, a.grad):
        with pytest.raises(ValueError, match="read-only"):
            numbers[:] = 0.0


ONE_NUMBER = {
    "squeezed": lambda a: np.squeeze(a[:1]) * 3.0,
    "along an axis": lambda a: np.squeeze(a[:1], 0) + 1.0,
    "with an ellipsis": lambda a: a[0, ...] * 3.0 + a[..., -1] ** 2,
    "reshaped": lambda a: a[1:2].reshape(()) + np.reshape(a[:1], ()) ** 2,
    "a result": lambda a: np.squeeze(a[-1:]),
}


@pytest.mark.parametrize("name", ONE_NUMBER)
@pytest.mark.parametrize("size", [3, 300])
def test_what_has_no_axes_is_one_number(name, size):
    use, numbers = ONE_NUMBER[name], np.linspace(2.0, 5.0, size)
    assert isinstance(use(array(numbers)), Value)
    expected = float(use(numbers))
    assert use(array(numbers)).data == pytest.approx(expected, rel=1e-15)
    assert jit(use)(numbers) == pytest.approx(expected, rel=1e-15)
    assert jit(lambda a: use(array(a)))(numbers) == pytest.approx(expected, rel=1e-15)
    step = 1e-6
    number, slopes = value_and_grad(lambda a: use(array(a)))(numbers)
    assert number == pytest.approx(expected, rel=1e-15)
    assert np.allclose(grad(use)(numbers), slopes, rtol=1e-15)
    ahead = [float(use(numbers + step * unit)) - float(use(numbers - step * unit)) for unit in np.eye(size)]
    assert np.allclose(np.array(ahead) / (2 * step), slopes, atol=1e-6)


def test_the_matrices_of_numpy_are_refused():
    m = np.ones((2, 2)).view(np.matrix)
    uses = (
        array,
        jit(lambda x: x * x),
        grad(lambda x: (x * x).sum()),
        vmap(lambda x: x),
        array([1.0]).__mul__,
    )
    for use in uses:
        with pytest.raises(TypeError, match=r"np\.matrix.* pass np\.asarray\(m\)"):
            use(m)
    assert array(np.asarray(m)).shape == (2, 2)


NAN = np.array([3.0, np.nan, 1.0, np.inf])


def test_a_nan_is_ordered_as_by_numpy():
    a = array(NAN)
    for function in (np.argmax, np.argmin, np.argsort, np.isnan, np.isfinite, np.isinf):
        assert np.array_equal(function(a), function(NAN))
    assert [a.argmax(), a.argmin()] == [1, 1]
    assert np.array_equal([x.data for x in np.sort(a)], np.sort(NAN), equal_nan=True)
    for function in (np.argmax, np.argmin):
        assert grad(lambda x, of=function: x[of(x)])(NAN).tolist() == [0.0, 1.0, 0.0, 0.0]
    assert grad(lambda x: np.sort(x, axis=None)[0])(NAN).tolist() == [0.0, 0.0, 1.0, 0.0]


def test_a_clipped_nan_is_nan():
    expected = np.clip(NAN, 0.0, 2.0)
    for clip in (lambda x: np.clip(x, 0.0, 2.0), lambda x: x.clip(0.0, 2.0)):
        assert np.array_equal(jit(clip)(NAN), expected, equal_nan=True)
        assert np.array_equal(clip(array(NAN)).data, expected, equal_nan=True)
        assert np.isnan(value_and_grad(lambda x, by=clip: by(x).sum())(NAN)[0])
    assert np.clip(array([1.0, 3.0]), min=2.0, max=None).data.tolist() == [2.0, 3.0]


@pytest.mark.parametrize("shape", [(2, 2), (300, 2)])
@pytest.mark.parametrize("function", [np.argmax, np.argmin, np.argsort, np.sort])
def test_positions_are_not_frozen_in_a_trace(function, shape):
    for axis in (0, 1, -1):
        with pytest.raises(TracingError, match="would freeze"):
            jit(lambda x, at=axis: function(x, axis=at))(np.ones(shape))


def test_arguments_that_say_nothing_are_taken():
    a = array([1.0, 2.0, 4.0])
    assert np.sum(a, axis=None, dtype=None, out=None).data == 7.0
    assert np.sum(a, initial=2.0).data == 9.0
    assert np.max(a, out=None).data == 4.0
    assert np.concatenate([a, a], axis=0, out=None).shape == (6,)
    assert [x.data for x in np.diff(a, prepend=0.0)] == [1.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "use",
    [
        np.linalg.inv, np.linalg.det, np.cov, lambda a: np.logaddexp(a, a), lambda a: np.copysign(a, -1.0),
        lambda a: np.fmod(a, 2.0), lambda a: a % 2.0, lambda a: np.average(a, returned=True),
    ],
)  # fmt: skip
def test_what_numpy_cannot_do_with_values_says_what_to_write(use):
    with pytest.raises(TypeError, match="functions of autograd, or register it with"):
        use(array([[1.0, 2.0], [3.0, 5.0]]))


def test_only_comparisons_are_combined():
    a = array([1.0, 2.0])
    for use in (lambda: a & 1, lambda: 1 | a, lambda: a ^ a, lambda: ~a):
        with pytest.raises(TypeError, match="combines comparisons"):
            use()
    assert ((a > 0) & (a < 2)).tolist() == [True, False]
    assert jit(lambda x: ((x > 0) & (x < 2)) * 1.0)(np.full(300, 1.0)).tolist() == [1.0] * 300


def test_an_optimizer_says_how_arrays_are_trained():
    for weights in (array([1.0]), [array([1.0])]):
        with pytest.raises(TypeError, match="give a list of Values"):
            SGD(weights, 0.1)


@pytest.mark.parametrize("function", [np.sum, np.mean, np.max, np.min, np.var, np.std])
def test_a_third_argument_by_place_is_numpy_s(function):
    numbers = np.arange(6.0).reshape(2, 3) ** 2
    result = np.asarray(function(array(numbers), 0, None))
    assert [float(each.data) for each in result] == pytest.approx(function(numbers, 0, None).tolist())
