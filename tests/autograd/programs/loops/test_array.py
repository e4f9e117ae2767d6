"""What a scan stacks is one node, and does all that an object array of Values does."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import autograd as ag
from autograd import Value, grad, jit, scan, trace
from autograd.programs.loops.array import Array

XS = np.array([0.5, -1.0, 2.0])


def ys_of(p):
    """[p, p + 0.5, p - 0.5], as one array."""
    return scan(lambda c, x: (c + x, c), p, XS)[1]


def listed(p):
    return np.array([p, p + 0.5, p - 0.5], object)


USES = [
    lambda ys: ys.sum(),
    lambda ys: ys.mean(),
    lambda ys: np.sum(ys) + np.mean(ys),
    lambda ys: (ys * 2.0 + 1.0).sum(),
    lambda ys: (2.0 - ys * ys).sum(),
    lambda ys: (ys / (1.0 + ys**2)).sum(),
    lambda ys: np.exp(-ys).sum() + np.sin(ys).sum() + np.sqrt(ys * ys + 1.0).sum(),
    lambda ys: (ag.tanh(ys) * XS).sum(),
    lambda ys: (XS * ys - np.abs(ys)).sum(),
    lambda ys: ((ys - XS) ** 2).mean(),
    lambda ys: np.maximum(ys, 0.6).sum(),
    lambda ys: ag.hypot(ys, 2.0).sum(),
    lambda ys: ys[0] * ys[-1] + ys[np.int64(1)],
    lambda ys: ys[1:].sum() - ys[::-1][0],
    lambda ys: ys @ XS + np.dot(XS, ys),
    lambda ys: sum(ys) + len(ys),
    lambda ys: ys.reshape(3, 1).sum() + np.cumsum(ys)[1],
    lambda ys: ys[ys > 0.6].sum() if not isinstance(ys[0], float) else 0.0,
    lambda ys: max(ys) * min(ys),
    lambda ys: (ys * ys[1]).sum() + (ys[2] / ys).sum(),
    lambda ys: np.stack([ys, ys * 2.0]).sum() + np.concatenate([ys, ys])[4],
    lambda ys: (ys + np.array([ys[0], ys[1], 1.0])).sum(),
    lambda ys: np.prod(ys) + np.max(ys),
    lambda ys: (-ys + +ys * 3.0).sum() + (1.0 / ys).sum() + (2.0**ys).sum(),
]


@pytest.mark.parametrize("use", USES)
def test_whatever_numpy_does_to_values_it_does_to_it(use):
    assert isinstance(ys_of(Value(0.7)), Array)
    ours, theirs = (lambda p: use(ys_of(p))), (lambda p: use(listed(p)))
    assert grad(ours)(0.7) == pytest.approx(grad(theirs)(0.7), rel=1e-14)
    assert grad(grad(ours))(0.7) == pytest.approx(grad(grad(theirs))(0.7), rel=1e-13, abs=1e-15)
    value = ours(Value(0.7))
    assert value.data == pytest.approx(theirs(Value(0.7)).data, rel=1e-15)
    value.backward()


@pytest.mark.parametrize("use", [use for i, use in enumerate(USES) if i not in (17, 18, 22)])
@pytest.mark.parametrize("engine", ["python", "llvm"])
def test_it_does_so_in_a_trace(use, engine):
    result = jit(grad(lambda p: use(ys_of(p))), engine)(0.7)
    assert result == pytest.approx(grad(lambda p: use(listed(p)))(0.7), rel=1e-14)


def test_arithmetic_stays_whole():
    program = trace(lambda p: ((ag.tanh(np.exp(ys_of(p))) - XS) ** 2).mean(), 0.7)
    assert {instruction.operation.name for instruction in program.instructions} == {"loop", "div"}


def test_it_has_the_shape_and_text_of_an_array():
    ys = ys_of(Value(0.7))
    assert (len(ys), ys.shape, ys.size, ys.ndim, ys.dtype) == (3, (3,), 3, 1, object)
    assert [y.data for y in ys] == [0.7, 1.2, pytest.approx(0.2)]
    assert repr(ys).startswith("Array([0.7, 1.2")
    assert ys.tolist()[1].data == np.asarray(ys)[1].data == 1.2
    with pytest.raises(IndexError, match="index 3 is out of range for an array of 3 elements"):
        ys[3]
    with pytest.raises(AttributeError):
        ys.nothing_of_the_kind  # noqa: B018


def test_reading_every_element_one_by_one_is_linear():
    def f(p):
        ys = scan(lambda c, _: (c * p, c), 1.0, None, length=300)[1]
        total = 0.0
        for i in range(300):
            total = total + ys[i] * (i % 3)
        return total

    program = trace(f, 0.9)
    assert program.counts()["unstack_300"] == 1
    assert grad(f)(0.9) == pytest.approx(sum(i * 0.9 ** (i - 1) * (i % 3) for i in range(300)), rel=1e-12)


def test_it_is_copied_and_pickled():
    p = Value(0.7, "p")
    ys = ys_of(p)
    for again in (copy.copy(ys), copy.deepcopy(ys), pickle.loads(pickle.dumps(ys))):
        assert [y.data for y in again] == [y.data for y in ys]
        (again * 2.0).sum().backward()
    assert p.grad == 6.0  # of the shallow copy


def test_loops_over_what_loops_stacked_need_no_values():
    def f(p):
        ys = ys_of(p)
        carry, zs = scan(lambda c, y: (c * y[0] + y[1], c), 1.0, (ys, XS))
        return carry + zs.sum()

    assert trace(f, 0.7).counts() == {"loop": 1, "add": 1}  # side by side, and one along the other
    assert grad(f)(0.7) == pytest.approx(grad(lambda p: _f(listed(p)))(0.7), rel=1e-14)


def _f(ys):
    carry, total = 1.0, 0.0
    for y, x in zip(ys, XS.tolist()):
        total = total + carry
        carry = carry * y + x
    return carry + total


def test_what_has_another_shape_is_numpys_error():
    with pytest.raises(ValueError, match="could not be broadcast"):
        ys_of(Value(0.7)) + np.ones(4)


def test_a_trace_that_takes_it_apart_leaves_its_numbers_alone():
    def f(p):
        ys = ys_of(p)
        inner, _ = scan(lambda c, _: (c + sum(ys), None), 0.0, None, length=2)
        return inner + ys[1] * list(ys)[2]

    assert f(Value(0.7)).data == pytest.approx(2 * 2.1 + 1.2 * 0.2)
    assert grad(f)(0.7) == pytest.approx(6.0 + 1.2 + 0.2)
    assert jit(grad(f))(0.7) == pytest.approx(6.0 + 1.2 + 0.2)


def test_what_becomes_of_numbers_afterwards_does_not_matter():
    """Neither to a graph that goes backward, nor to a program, which is frozen as it was."""
    xs = np.array([1.0, 2.0])

    def f(p):
        carry, ys = scan(lambda c, x: (c * x * p, c), 1.0, xs)
        return carry + (ys * xs).sum()

    p, fast = Value(3.0), jit(f)
    value, frozen = f(p), fast(3.0)
    xs[:] = 100.0
    value.backward()
    assert (value.data, p.grad) == (18.0 + 1.0 + 6.0, 12.0 + 2.0)
    assert fast(3.0) == frozen == 25.0
