"""Arrays of any rank: NumPy's values, PyTorch's gradients, the same on every engine and in every order."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import autograd as ag
from autograd import Program, Value, array, check_gradients, detect_anomaly, grad, hvp, jit, scan, trace

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(7)
A = RNG.normal(size=(4, 3))
B = RNG.normal(size=(3, 2))
U, V = RNG.normal(size=4), RNG.normal(size=3)

# What is done to an array of shape (4, 3), in NumPy's and in PyTorch's words.
USES = {
    "broadcasting": (
        lambda a: (a * V + U[:, None]).sum() - (2.0 / (3.0 + a * a)).sum(),
        lambda a: (a * T(V) + T(U)[:, None]).sum() - (2.0 / (3.0 + a * a)).sum(),
    ),
    "pairs": (
        lambda a: np.exp(a[:, None, :] * a[None, :, :]).sum(),
        lambda a: torch.exp(a[:, None, :] * a[None, :, :]).sum(),
    ),
    "means": (
        lambda a: (a.mean(axis=0) ** 2).sum() + np.mean(a, axis=1) @ U + a.mean(),
        lambda a: (a.mean(0) ** 2).sum() + a.mean(1) @ T(U) + a.mean(),
    ),
    "extremes": (
        lambda a: a.max() + a.max(axis=0) @ V + np.min(a, axis=1) @ U + a.min(),
        lambda a: a.max() + a.amax(0) @ T(V) + a.amin(1) @ T(U) + a.min(),
    ),
    "products": (
        lambda a: ((a @ B) ** 2).sum() + ((a.T @ a) ** 2).sum() + U @ a @ V + np.dot(a[1], V),
        lambda a: ((a @ T(B)) ** 2).sum() + ((a.T @ a) ** 2).sum() + T(U) @ a @ T(V) + a[1] @ T(V),
    ),
    "slices": (
        lambda a: (a[1:] - a[:-1]).sum() * a[-1, -1] + a[:, 1] @ U + (a[:, ::2] ** 2).sum() + (a[2] * V)[0],
        lambda a: (
            (a[1:] - a[:-1]).sum() * a[-1, -1] + a[:, 1] @ T(U) + (a[:, ::2] ** 2).sum() + a[2, 0] * V[0]
        ),
    ),
    "reversal": (
        lambda a: (
            (a[::-1] * a).sum() + (np.flip(a, 1) * a[..., None][..., 0]).sum() + (a[::2] / a[1::2])[0, 0]
        ),
        lambda a: (a.flip(0) * a).sum() + (a.flip(1) * a).sum() + a[0, 0] / a[1, 0],
    ),
    "joining": (
        lambda a: (
            (np.concatenate([a, a * 2, B.T @ a[:3]]) ** 2).sum() + (np.stack([a[0], a[1]], 1) ** 3).sum()
        ),
        lambda a: (
            (torch.cat([a, a * 2, T(B).T @ a[:3]]) ** 2).sum() + (torch.stack([a[0], a[1]], 1) ** 3).sum()
        ),
    ),
    "columns": (
        lambda a: (
            np.concatenate([a, a], axis=1) @ np.arange(6.0) @ U + (np.column_stack([a[:, 0], a]) ** 2).sum()
        ),
        lambda a: torch.cat([a, a], 1) @ T(np.arange(6.0)) @ T(U) + (a**2).sum() + (a[:, 0] ** 2).sum(),
    ),
    "running sums": (
        lambda a: np.cumsum(a[:, 0]) @ U + (np.diff(a[:, 1]) ** 2).sum(),
        lambda a: torch.cumsum(a[:, 0], 0) @ T(U) + (torch.diff(a[:, 1]) ** 2).sum(),
    ),
    "spread": (
        lambda a: np.var(a) + np.std(a, axis=0).sum() + np.var(a, axis=1, ddof=1).sum(),
        lambda a: a.var(unbiased=False) + a.std(0, unbiased=False).sum() + a.var(1).sum(),
    ),
    "shapes": (
        lambda a: (a.reshape(2, 6) @ np.arange(6.0)).sum() + (np.ravel(a)[3:9] ** 2).sum() + a.T.ravel()[7],
        lambda a: (a.reshape(2, 6) @ T(np.arange(6.0))).sum() + (a.ravel()[3:9] ** 2).sum() + a[3, 1],
    ),
    "choices": (
        lambda a: np.where(a > 0, a * a, -a).sum() + 2 * np.clip(a, -0.5, 0.5).sum() + np.maximum(a, V).sum(),
        lambda a: (
            torch.where(a > 0, a * a, -a).sum() + 2 * a.clip(-0.5, 0.5).sum() + torch.maximum(a, T(V)).sum()
        ),
    ),
    "normed rows": (
        lambda a: (a / np.sqrt((a * a).sum(axis=1, keepdims=True)) * V).sum() + np.outer(a[0], a[:, 0]).sum(),
        lambda a: (
            (a / torch.sqrt((a * a).sum(1, keepdim=True)) * T(V)).sum() + torch.outer(a[0], a[:, 0]).sum()
        ),
    ),
    "softmax": (
        lambda a: (SOFTMAX(a) * np.log(SOFTMAX(a)) * V).sum(),
        lambda a: (torch.softmax(a, 1) * torch.log_softmax(a, 1) * T(V)).sum(),
    ),
    "three axes": (
        lambda a: (
            (a.reshape(2, 2, 3).sum(axis=1) ** 2).sum()
            + np.transpose(a.reshape(2, 2, 3), (1, 2, 0)).sum((0, 2)) @ V
        ),
        lambda a: (
            (a.reshape(2, 2, 3).sum(1) ** 2).sum() + a.reshape(2, 2, 3).permute(1, 2, 0).sum((0, 2)) @ T(V)
        ),
    ),
    "functions": (
        lambda a: (ag.tanh(a) + np.sin(a) * ag.sigmoid(a) + np.square(a) - np.abs(a) + a**3).sum(),
        lambda a: (torch.tanh(a) + torch.sin(a) * torch.sigmoid(a) + a * a - a.abs() + a**3).sum(),
    ),
    "values beside": (
        lambda a: (a * a[0, 0] + a[1, 1]).sum() + (np.array([a[0, 1], a[2, 2], 1.0], object) * a).sum(),
        lambda a: (a * a[0, 0] + a[1, 1]).sum() + (torch.stack([a[0, 1], a[2, 2], T(1.0)]) * a).sum(),
    ),
}


def T(numbers):  # noqa: N802  a tensor
    return torch.tensor(numbers, dtype=torch.float64)


def SOFTMAX(a):  # noqa: N802
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def of_numbers(use):
    """The function of the twelve numbers of the array, which is one node."""
    return lambda *numbers: use(array(np.array(numbers, object).reshape(4, 3)))


@pytest.mark.parametrize("name", USES)
def test_values_are_numpys_and_gradients_pytorchs(name):
    ours, theirs = USES[name]
    a, t = array(A), T(A).requires_grad_()
    result, reference = ours(a), theirs(t)
    assert result.data == pytest.approx(ours(A), rel=1e-13)
    assert result.data == pytest.approx(reference.item(), rel=1e-12)
    result.backward()
    reference.backward()
    assert a.grad == pytest.approx(t.grad.numpy(), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("name", USES)
def test_every_engine_does_the_same_as_eager(name):
    f = of_numbers(USES[name][0])
    flat, places = A.ravel().tolist(), tuple(range(12))
    a = array(A)
    result = USES[name][0](a)
    result.backward()
    expected = a.grad.ravel().tolist()
    for engine in ("python", "numpy", "llvm", "interpreter"):
        assert jit(f, engine)(*flat) == result.data
        assert jit(grad(f, places), engine)(*flat) == pytest.approx(expected, rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("name", USES)
def test_second_derivatives_are_pytorchs(name):
    ours, theirs = USES[name]
    direction = RNG.normal(size=12)
    found = hvp(lambda xs: of_numbers(ours)(*xs), (A.ravel().tolist(),), (direction.tolist(),))
    expected = torch.autograd.functional.hvp(theirs, T(A), T(direction.reshape(4, 3)))[1]
    assert np.reshape(found, (4, 3)) == pytest.approx(expected.numpy(), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", USES)
def test_programs_are_saved_printed_and_written_out(name, tmp_path):
    flat = A.ravel().tolist()
    program = trace(grad(of_numbers(USES[name][0]), tuple(range(12))), *flat)
    program.save(tmp_path / "f.json")
    again = Program.load(tmp_path / "f.json")
    assert again(*flat) == program(*flat)
    assert str(again).split("\n")[0] == str(program).split("\n")[0]
    namespace = {}
    exec(program.source, namespace)
    assert list(namespace["program"](*flat)) == pytest.approx(program(*flat), rel=1e-15)


@pytest.mark.parametrize("name", ["broadcasting", "products", "slices", "joining", "choices", "softmax"])
def test_gradients_are_checked(name):
    assert check_gradients(of_numbers(USES[name][0]), *A.ravel().tolist())


def test_operations_are_few_however_many_numbers_there_are():
    data = RNG.normal(size=(1000, 5))

    def loss(*w):
        return ((data @ array(np.array(w, object)) - data[:, 0]) ** 2).mean()

    program = trace(grad(loss, tuple(range(5))), *[0.5] * 5)
    assert len(program) < 20
    assert sum(isinstance(constant, np.ndarray) for constant in program.constants) <= 2
    expected = 2 * data.T @ (data @ np.full(5, 0.5) - data[:, 0]) / 1000
    for engine in ("python", "llvm"):
        assert jit(grad(loss, tuple(range(5))), engine)(*[0.5] * 5) == pytest.approx(expected, rel=1e-12)


def test_leaves_accumulate_gradients_and_can_be_assigned():
    a = array([[1.0, 2.0], [3.0, 4.0]], "a")
    (a * a).sum().backward()
    a.sum().backward()
    assert np.array_equal(a.grad, 2 * a.data + 1)
    a.grad = 0.0
    (a[0] @ a[1]).backward()
    assert np.array_equal(a.grad, [[3.0, 4.0], [1.0, 2.0]])
    assert a.label == "a"
    assert (a.shape, a.ndim, a.size, len(a), a.T.shape) == ((2, 2), 2, 4, 2, (2, 2))


def test_values_make_an_array_and_get_their_gradients():
    w = [Value(1.0), Value(2.0)]
    (array([w, [3.0, 4.0]]) ** 2).sum().backward()
    assert [each.grad for each in w] == [2.0, 4.0]


def test_an_index_may_be_a_value():
    def walk(a):
        return scan(
            lambda c, i: (c + a[i, 1] * (a[i] ** 2).sum(), None), 0.0, np.array([0.0, 2.0, 2.0, 1.0])
        )[0]

    def of(*numbers):
        return walk(array(np.array(numbers, object).reshape(3, 2)))

    numbers = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    a = array(np.reshape(numbers, (3, 2)))
    walk(a).backward()
    assert a.grad.ravel().tolist() == [4.0, 13.0, 24.0, 57.0, 120.0, 266.0]
    for engine in ("python", "numpy", "llvm", "interpreter"):
        assert jit(grad(of, (0, 1, 2, 3, 4, 5)), engine)(*numbers) == tuple(a.grad.ravel().tolist())


def test_numpys_arrays_are_not_indexed_by_values():
    data = np.arange(3.0)
    with pytest.raises(IndexError, match=r"autograd.array\(data\)\[i\]"):
        scan(lambda c, i: (c + data[i], None), 0.0, data)
    assert scan(lambda c, i: (c + array(data)[i], None), 0.0, data)[0] == 3.0


@pytest.mark.parametrize("index", [-1.0, 3.0, 0.5])
def test_an_index_out_of_range_is_named(index):
    def read(i, *numbers):
        return scan(lambda c, x: (c + array(np.array(numbers, object))[i * x], None), 0.0, np.ones(3))[0]

    with pytest.raises(IndexError, match=f"index {index} is no place in an array of 3 entries"):
        array([1.0, 2.0, 3.0])[Value(index)]
    for engine in ("python", "numpy", "llvm", "interpreter"):
        with pytest.raises(IndexError, match=f"index {index} is no place in an array of 3 entries"):
            jit(read, engine)(index, 1.0, 2.0, 3.0)


def test_copies_and_pickles_keep_the_shape():
    a = array(A, "a")
    b = np.exp(a) * V
    for again in (copy.copy(b), copy.deepcopy(b), pickle.loads(pickle.dumps(b))):
        assert again.shape == (4, 3)
        assert np.array_equal(again.data, b.data)
        again.sum().backward()
    assert a.grad == pytest.approx(np.exp(A) * V, rel=1e-14)
    assert pickle.loads(pickle.dumps(a)).shape == (4, 3)


def test_an_anomaly_is_found():
    a = array([[1.0, 0.0], [2.0, 3.0]])
    with pytest.raises(FloatingPointError, match="log"), detect_anomaly():
        np.log(a).sum().backward()


def test_comparisons_are_of_numbers():
    a = array([[1.0, -2.0], [0.0, 3.0]])
    assert (a > 0).tolist() == [[True, False], [False, True]]
    assert (a != 0).dtype == bool
    assert (a[a > 0] ** 2).sum().data == 10.0


def test_what_is_not_done_whole_is_done_to_values():
    a = array(A)
    assert np.prod(a[0]).data == pytest.approx(np.prod(A[0]))
    assert np.sort(a[:, 0])[0].data == A[:, 0].min()
    assert np.einsum("ij,j->i", np.asarray(a), V)[1].data == pytest.approx((A @ V)[1])
    assert [row.shape for row in a] == [(3,)] * 4


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (lambda a: a.backward(), AttributeError, "add it up"),
        (lambda a: a.__setitem__(0, 1.0), TypeError, "not written to"),
        (lambda a: a[4], IndexError, "index 4 is out of"),
        (lambda a: a[0, 3], IndexError, "index 3 is out of range for axis 1, of length 3"),
        (lambda a: a[a], TypeError, "where"),
        (lambda a: a[Value(1.0), 0:1], TypeError, "stands alone or among ints"),
        (lambda a: a @ U, ValueError, r"\(4, 3\) and \(4,\)"),
        (lambda a: a + U, ValueError, "broadcast"),
        (lambda a: a.sum(axis=2), ValueError, "axis 2 is out of bounds"),
        (lambda a: a[:0].max(), ValueError, "zero-size"),
        (lambda a: np.add(a, a, out=a), TypeError, "not written to"),
        (lambda a: a.reshape(5, 5), ValueError, "reshape"),
        (lambda a: float(a[0, 0]), TypeError, "gradient would be lost"),
    ],
)
def test_what_is_wrong_is_refused(wrong, error, words):
    with pytest.raises(error, match=words):
        wrong(array(A))


@pytest.mark.parametrize("data", [3.0, "text", [1.0, "x"], np.array([1j]), [None]])
def test_an_array_is_made_of_real_numbers(data):
    with pytest.raises(TypeError):
        array(data)


def test_empty_arrays():
    a = array(np.empty((0, 3)))
    assert a.sum() == 0.0
    assert (a * 2).shape == (0, 3)
    assert a.sum(axis=0).data.tolist() == [0.0, 0.0, 0.0]
    assert np.concatenate([a, array(A)]).shape == (4, 3)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0, 0.5, -1.0, -2.0, 2.5, float("nan")])
def test_a_power_that_is_a_plain_number_is_that_of_each_element(exponent):
    points = [0.0, -0.0, 0.7, -1.3, 5.0, float("inf")]
    slopes = ag.grad(lambda a: (array(a) ** exponent).sum())(np.array(points))
    expected = [ag.grad(lambda x: x**exponent)(point) for point in points]
    assert np.array_equal(slopes, expected, equal_nan=True)


def test_the_derivative_of_a_square_is_written_without_the_rule_of_a_power():
    program = ag.trace(ag.grad(lambda m: ((array([1.0, 2.0, 4.0]) - m) ** 2).mean()), 0.5)
    assert not {"pow", "log", "where"} & {operation.name for operation in program.code.operations()}
