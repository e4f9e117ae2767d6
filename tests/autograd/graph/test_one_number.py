"""A Value taken for an array: NumPy's functions of a whole array are refused, with what to write instead."""

import functools
import math

import numpy as np
import pytest
from scipy import special

from autograd import Value, erf, expm1, grad, hessian, jit, log1p, sigmoid, sin, trace, vmap, where

OF_ARRAYS = [
    "all", "amax", "amin", "any", "argmax", "argmin", "argsort", "average", "corrcoef", "cov",
    "count_nonzero", "cumprod", "cumsum", "diff", "ediff1d", "fft.fft", "flatnonzero", "flip", "gradient",
    "linalg.norm", "max", "mean", "median", "min", "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin",
    "nanstd", "nansum", "nanvar", "nonzero", "prod", "ptp", "ravel", "size", "sort",
    "squeeze", "std", "sum", "trace", "transpose", "unique", "unwrap", "var", "atleast_1d", "argwhere",
    "histogram",
]  # fmt: skip
METHODS = [
    "all", "any", "argmax", "argmin", "argsort", "cumprod", "cumsum", "dot", "flatten", "max", "mean", "min",
    "prod", "ptp", "ravel", "repeat",
]  # fmt: skip


def of_numpy(name):
    return functools.reduce(getattr, name.split("."), np)


@pytest.mark.parametrize("name", OF_ARRAYS)
def test_a_function_of_a_whole_array_is_refused_everywhere_alike(name):
    function = of_numpy(name)

    def formula(x):
        return x - function(x)

    for run in (
        lambda: formula(Value(2.0)),
        lambda: grad(formula)(2.0),
        lambda: trace(formula, 2.0),
        lambda: jit(formula)(2.0),
        lambda: vmap(formula)(np.array([1.0, 3.0])),
    ):
        with pytest.raises(TypeError, match=rf"{name.split('.')[-1]}(.|\n)*test_one_number"):
            run()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.percentile(x, 50),
        lambda x: np.quantile(x, 0.5),
        lambda x: np.roll(x, 1),
        lambda x: np.dot(x, x),
        lambda x: np.inner(x, 2.0),
        lambda x: np.trapz(x) if np.__version__ < "2" else np.trapezoid(x, dx=0.1),
        lambda x: np.sum(a=x),
        lambda x: np.convolve(x, [1.0, 2.0]),
        lambda x: np.polyfit(x, x, 1),
        lambda x: np.tile(x, 3),
        lambda x: np.reshape(x, -1),
        lambda x: np.repeat(x, 3),
        lambda x: np.mean(2 * x + 1),
    ],
)
def test_further_arguments_do_not_matter(call):
    for number in (2.0, Value(2.0)):
        with pytest.raises(TypeError, match=r"np\.\w+ of a single number"):
            grad(call)(number)


def test_the_error_says_what_to_do():
    with pytest.raises(TypeError, match=r"np\.mean .*\n.*one number.* outside"):
        trace(lambda x: np.mean(x), 1.0)
    with pytest.raises(TypeError, match=r"np\.linalg\.norm .*\n.*abs\(a\)"):
        trace(lambda x: np.linalg.norm(x), 1.0)
    with pytest.raises(TypeError, match=r"np\.dot .*\n.*a \* b"):
        trace(lambda x: np.dot(x, x), 1.0)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_of_arrays_is_not_there_and_says_why(name):
    assert not hasattr(Value(1.0), name)
    for run in (lambda: trace(lambda x: x - getattr(x, name)(), 1.0), lambda: getattr(Value(1.0), name)):
        with pytest.raises(AttributeError, match=rf"\.{name} of (.|\n)*test_one_number(.|\n)*outside"):
            run()


@pytest.mark.parametrize(
    "function", [lambda x: x[0, :], lambda x: x[0], len, sum, lambda x: [2 * entry for entry in x]]
)
def test_a_number_has_no_entries(function):
    for transform in (jit, grad, vmap):
        with pytest.raises(TypeError, match=r"'Value'(.|\n)*one number(.|\n)*outside"):
            transform(function)(np.ones(3) if transform is vmap else 1.0)


def test_a_column_of_predictors_has_one_axis():
    table = np.ones((3, 2))
    with pytest.raises(IndexError, match=r"too many indices(.|\n)*x\[0, :\] of the data is x\[0\]"):
        vmap(lambda x: x[0, :] * x[1, :])(table)
    assert vmap(lambda x: 2 * x[0] + x[1])(table).tolist() == [3.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("erf", erf), ("expit", sigmoid), ("log1p", log1p), ("expm1", expm1)],
)
def test_functions_of_scipy_that_we_have(theirs, ours):
    function = getattr(special, theirs)
    at = np.array([-0.5, 0.25])
    for run in (lambda: trace(function, 0.5), lambda: grad(function)(0.5), lambda: vmap(function)(at)):
        with pytest.raises(TypeError, match=rf"Write autograd\.{ours.name}\b"):
            run()
    assert vmap(ours)(at).tolist() == pytest.approx(function(at).tolist(), rel=1e-15)


@pytest.mark.parametrize("function", [special.gammaln, special.j0, np.logaddexp, np.heaviside])
def test_functions_that_we_have_not(function):
    arity = function.nin
    with pytest.raises(TypeError, match=r"autograd\.primitive\(name"):
        grad(lambda x: function(*[x] * arity))(0.5)


def test_other_errors_of_the_function_stay_as_they_are():
    with pytest.raises(TypeError, match=r"^unsupported operand[^\n]*$"):
        grad(lambda x: x + "1")(1.0)
    with pytest.raises(IndexError, match=r"^list index out of range$"):
        trace(lambda x: [x][1], 1.0)
    entries = 1.0
    with pytest.raises(TypeError, match=r"^'float' object is not subscriptable$"):
        trace(lambda x: x * entries[0], 1.0)


def sinc(x):
    """What the error about `numpy.sinc` says to write."""
    u = math.pi * x
    v = where(abs(u) < 0.1, 1.0, u)
    series = 1 - u**2 / 6 + u**4 / 120 - u**6 / 5040 + u**8 / 362880
    return where(abs(u) < 0.1, series, sin(v) / v)


def test_sinc():
    for run in (lambda: trace(np.sinc, 1.0), lambda: grad(np.sinc)(0.0), lambda: vmap(np.sinc)(np.ones(2))):
        with pytest.raises(TypeError, match=r"np\.sinc(.|\n)*u\*\*8/362880, sin\(v\)/v"):
            run()
    at = np.array([-1.5, -0.03, 0.0, 1e-9, 0.031, 0.033, 2.25])
    assert vmap(sinc)(at).tolist() == pytest.approx(np.sinc(at).tolist(), rel=2e-15, abs=1e-16)
    assert grad(sinc)(0.0) == 0.0
    assert hessian(sinc)(0.0) == pytest.approx(-(math.pi**2) / 3, rel=1e-14)


# What goes on working.


def test_arrays_of_values_are_reduced_however_short():
    for count in (1, 3):
        a = np.array([Value(float(i)) for i in range(count)])
        expected = np.arange(float(count))
        for reduce in (np.sum, np.mean, np.max, np.prod, np.std, lambda a: a.sum(), lambda a: a.mean()):
            assert reduce(a).data == reduce(expected)
        assert [v.data for v in np.cumsum(a)] == np.cumsum(expected).tolist()
        assert (a @ a).data == expected @ expected
        assert np.sum(list(a)).data == expected.sum()
        assert vmap(lambda x: x.sum() + np.mean(x))(np.ones((2, count))).tolist() == [count + 1.0] * 2


def test_functions_that_work_entry_by_entry():
    v, w = Value(0.5), Value(3.0)
    assert np.where(True, v, w)[()] is v
    assert [entry.data for entry in np.where(np.array([True, False]), v, w)] == [0.5, 3.0]
    assert (np.ndim(v), np.shape(v)) == (0, ())
    assert np.clip(w, 0.0, 1.0) == 1.0
    assert np.polyval([2.0, 0.0, 1.0], v) == 1.5
    assert [entry.data for entry in np.linspace(v, w, 3)] == [0.5, 1.75, 3.0]
    assert [entry.data for entry in np.stack([v, w])] == [0.5, 3.0]
    assert np.full_like(np.array([None, None]), v)[1] is v
    assert np.zeros_like(v) == 0.0
    assert grad(lambda x: np.polyval([2.0, 0.0, 1.0], x))(3.0) == 12.0
    assert jit(lambda x: x * np.ones_like(x))(3.0) == 3.0


def test_an_array_type_of_someone_else_decides_for_itself():
    class Other:
        def __array_function__(self, function, types, args, kwargs):
            return function.__name__, Value in types

    assert np.where(True, Value(1.0), Other()) == ("where", True)
    assert np.sum(Value(1.0), out=Other()) == ("sum", True)
