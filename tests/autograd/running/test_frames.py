"""Arrays of other makers: a Series and a frame of pandas, and NumPy's masked arrays."""

from operator import add, eq, ge, gt, le, lt, mul, ne, sub, truediv

import numpy as np
import pytest

from autograd import Value, exp, grad, jit, maximum, scan, softplus, vmap, where
from autograd.engines import engine_names
from optim import SGD, curve_fit, fit, least_squares, minimize

pandas = pytest.importorskip("pandas")

SERIES = pandas.Series([1.0, 2.0, 3.0], index=[5, 6, 7], name="height")
FRAME = pandas.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})
MASKED = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])


# pandas.


def test_primitives_answer_as_numpy_s_functions_do():
    for ours, theirs in (
        (exp(SERIES), np.exp(SERIES)),
        (exp(FRAME), np.exp(FRAME)),
        (maximum(SERIES, 2.5), np.maximum(SERIES, 2.5)),
        (maximum(2.5, SERIES), np.maximum(2.5, SERIES)),
        (maximum(SERIES, np.full(3, 2.0)), np.maximum(SERIES, np.full(3, 2.0))),
        (softplus(FRAME), np.logaddexp(0.0, FRAME)),
        (where(SERIES > 1, SERIES, 0.0), SERIES.where(SERIES > 1, 0.0)),
    ):
        assert type(ours) is type(theirs)
        (pandas.testing.assert_series_equal if ours.ndim == 1 else pandas.testing.assert_frame_equal)(
            ours, theirs
        )


def test_two_series_are_aligned_by_their_index():
    other = pandas.Series([10.0, 0.0, 0.0], index=[7, 6, 5])
    pandas.testing.assert_series_equal(maximum(SERIES, other), np.maximum(SERIES, other))
    assert maximum(SERIES, other).loc[7] == 10.0


def test_values_beside_a_series():
    v = Value(1.5)
    chosen = maximum(v, SERIES)
    assert [leaf.data for leaf in chosen] == [1.5, 2.0, 3.0]
    assert chosen.index.tolist() == [5, 6, 7]
    total = (v * SERIES).sum() + (SERIES * v).sum() + exp(v * SERIES).sum() * 0.0
    total.backward()
    assert v.grad == 12.0


@pytest.mark.parametrize("engine", engine_names())
def test_columns_are_mapped_by_position(engine):
    assert vmap(lambda x: x * x, engine=engine)(SERIES).tolist() == [1.0, 4.0, 9.0]
    assert vmap(lambda row: row[0] * row[1], engine=engine)(FRAME).tolist() == [3.0, 8.0]
    assert vmap(lambda x: 2 * x, engine=engine)(pandas.Series([1, 2], dtype="Int64")).tolist() == [2.0, 4.0]
    slopes = vmap(grad(lambda p, x: p["a"] * x), in_axes=(None, 0), reduce="sum", engine=engine)(
        {"a": 1.0}, SERIES
    )
    assert slopes == {"a": 6.0}
    assert scan(lambda c, x: (c + x, c), 0.0, SERIES, engine=engine)[0] == 6.0


def test_arguments_of_every_transform():
    assert vmap(lambda d: d["x"] + d["y"])({"x": SERIES, "y": SERIES}).tolist() == [2.0, 4.0, 6.0]
    assert grad(lambda x: (x * x).sum())(SERIES).tolist() == [2.0, 4.0, 6.0]
    assert jit(lambda x: x.sum())(SERIES) == 6.0
    assert grad(lambda x: (x * x).sum())(FRAME).tolist() == [[2.0, 6.0], [4.0, 8.0]]
    assert minimize(lambda x: ((x - 1) ** 2).sum(), SERIES).x.tolist() == pytest.approx([1.0] * 3)
    for data in ((SERIES, 2 * SERIES), [SERIES, 2 * SERIES]):
        result = fit(lambda a, x, y: (a * x - y) ** 2, 1.0, data, SGD(lr=0.1), epochs=60)
        assert result.params == pytest.approx(2.0)
    assert least_squares(lambda a, x, y: a[0] * x - y, [1.0], data=(SERIES, 2 * SERIES)).x == pytest.approx(
        2.0
    )


def test_what_is_in_it_must_be_numbers():
    with pytest.raises(TypeError, match=r"argument 0 must hold real numbers, got an array of datetime64"):
        vmap(lambda x: x)(pandas.to_datetime(pandas.Series(["2020-01-01"])))


# Masks.


@pytest.mark.parametrize(
    "call",
    [
        lambda: exp(MASKED),
        lambda: maximum(np.ones(3), MASKED),
        lambda: maximum(Value(1.0), MASKED),
        lambda: exp(np.ma.masked),
        lambda: vmap(lambda x: x)(MASKED),
        lambda: vmap(lambda d: d["x"])({"x": MASKED}),
        lambda: scan(lambda c, x: (c + x, c), 0.0, MASKED),
        lambda: grad(lambda x: x.sum())(MASKED),
        lambda: jit(lambda x: x.sum())(MASKED),
        lambda: curve_fit(lambda x, a: a * x, MASKED, np.ones(3)),
        lambda: curve_fit(lambda x, a: a * x, np.ones(3), MASKED),
        lambda: curve_fit(lambda x, a: a * x, np.ones(3), np.ones(3), sigma=MASKED),
        lambda: least_squares(lambda p, x: p - x, [1.0], data=MASKED),
        lambda: minimize(lambda p: (p * p).sum(), MASKED),
        lambda: fit(lambda p, x: (p - x) ** 2, 1.0, (MASKED,), SGD(lr=0.1), 1),
        lambda: fit(lambda p, x: (p - x) ** 2, 1.0, (np.ones(3),), SGD(lr=0.1), 1, validation=MASKED),
    ],
)
def test_a_mask_is_not_lost(call):
    with pytest.raises(TypeError, match=r"mask.*compressed\(\).*filled"):
        call()


@pytest.mark.parametrize(
    "array", [MASKED, np.ma.array([1.0, 2.0]), np.ma.masked], ids=["some", "none", "all"]
)
@pytest.mark.parametrize(
    "operator",
    [add, sub, mul, truediv, pow, eq, ne, lt, le, gt, ge],
)
def test_the_operators_of_a_value_refuse_masked_arrays_on_either_side(operator, array):
    for left, right in [(Value(2.0), array), (array, Value(2.0))]:
        with pytest.raises(TypeError, match=r"mask.*compressed\(\).*filled"):
            operator(left, right)
    for f in (lambda x: operator(x, array), lambda x: operator(array, x)):
        for transform in (grad, jit):
            with pytest.raises(TypeError, match=r"mask.*compressed\(\).*filled"):
                transform(f)(2.0)


def test_a_masked_array_takes_no_value_in_place_nor_in_its_functions():
    for call in (
        lambda: MASKED.copy().__imul__(Value(2.0)),
        lambda: np.ma.multiply(MASKED, Value(2.0)),
        lambda: np.ma.exp(Value(2.0)),
    ):
        with pytest.raises(TypeError, match=r"mask.*compressed\(\).*filled"):
            call()
    assert not hasattr(Value(1.0), "_data")


@pytest.mark.parametrize("operator", [add, sub, mul, truediv, pow])
def test_what_a_scan_returns_refuses_masks_on_either_side(operator):
    def powers(x):
        return scan(lambda c, _: (c * x, c), 1.0, None, length=3)[1]

    for f in (lambda x: operator(powers(x), MASKED), lambda x: operator(MASKED, powers(x))):
        with pytest.raises(TypeError, match=r"mask.*compressed\(\).*filled"):
            grad(lambda x, f=f: f(x).sum())(2.0)


def test_an_array_in_which_nothing_is_masked_is_an_array():
    whole = np.ma.array([1.0, 2.0])
    assert exp(whole).tolist() == exp(np.array([1.0, 2.0])).tolist()
    assert vmap(lambda x: 2 * x)(whole).tolist() == [2.0, 4.0]
    assert grad(lambda x: (x * x).sum())(whole).tolist() == [2.0, 4.0]
    assert vmap(lambda x: 2 * x)(MASKED.compressed()).tolist() == [2.0, 6.0]
