"""Loops on engines: batches of them and loops within loops give every sample its own result."""

from __future__ import annotations

import numpy as np
import pytest

import autograd as ag
from autograd import grad, jit, primitive, scan, trace, value_and_grad, vmap
from autograd.engines import compiled, engine_names
from autograd.programs.code import Code, Instruction
from autograd.programs.loops.loop import Loop

XS = np.array([0.3, -0.8, 0.5])


def weighted(p):
    """A loop in a loop, over an array and over what another loop stacked."""

    def outer(carry, x):
        last, ys = scan(lambda c, y: (ag.sin(c * p) + y, c * y), carry, XS)
        _, again = scan(lambda c, y: (c + y, c * p), x, ys)
        return last * 0.5, again.sum() + ys[-1]

    carry, ys = scan(outer, p, np.linspace(-1.0, 1.0, 7))
    return carry + (ys * ys).mean()


@pytest.mark.parametrize("engine", engine_names())
def test_a_batch_gives_each_sample_its_own_result(engine):
    points = np.linspace(-1.5, 1.5, 23)
    expected = [value_and_grad(weighted)(point) for point in points.tolist()]
    values, slopes = vmap(value_and_grad(weighted), engine=engine)(points)
    assert values.tolist() == pytest.approx([value for value, _ in expected], rel=1e-14)
    assert slopes.tolist() == pytest.approx([slope for _, slope in expected], rel=1e-12, abs=1e-14)
    second = vmap(grad(grad(weighted)), engine=engine)(points[:3])
    assert second.tolist() == pytest.approx(
        [grad(grad(weighted))(point) for point in points[:3].tolist()], rel=1e-10
    )


def test_llvm_gives_the_bits_of_eager_to_a_batch_and_to_loops_within_loops():
    points = np.linspace(-1.5, 1.5, 23)
    assert vmap(weighted, engine="llvm")(points).tolist() == [weighted(point) for point in points.tolist()]
    nest = jit(weighted, "llvm")
    assert [nest(point) for point in points.tolist()] == vmap(weighted, engine="python")(points).tolist()


def _along(xs, steps):
    """The code of a loop in a loop that is to go along an array of perhaps another length."""
    add = trace(lambda c, x: c + x, 0.0, 0.0).code.instructions[0].operation
    inner = Loop(Code("inner", ["c", "x"], (), [Instruction(add, (0, 1), (2,))], [2]), 1, 1)
    body = Code("outer", ["c"], (steps, xs), [Instruction(inner, (1, 0, 2), (3,))], [3])
    return Code("f", ["p"], (2.0,), [Instruction(Loop(body, 1, 0), (1, 0), (2,))], [2])


@pytest.mark.parametrize("engine", ["llvm", "interpreter", "numpy"])
@pytest.mark.parametrize("steps", [2.0, 4.0, 1e9])
def test_an_array_of_another_length_is_an_error_and_never_read_beyond_its_end(engine, steps):
    run = compiled(_along(XS, steps), engine)
    for call in (lambda: run.call([1.0]), lambda: run.map([np.ones(2)], 2, None)):
        with pytest.raises(ValueError, match="needs arrays of that length, got lengths"):
            call()
    fitting = compiled(_along(XS, 3.0), engine)
    assert fitting.map([np.ones(2)], 2, None)[0].tolist() == fitting.call([1.0]) * 2


def test_what_a_called_back_primitive_raises_reaches_the_caller():
    def guarded(x):
        if x > 2:
            raise LookupError("nothing above two")
        return x

    guard = primitive("guard_in_nests", guarded, lambda y, x: (1.0,))

    def f(p):
        return scan(lambda c, x: (guard(c) + p, None), 0.0, XS)[0]

    with pytest.warns(UserWarning, match="called back"):
        assert vmap(f, engine="llvm")(np.array([0.1, 0.2])).tolist() == pytest.approx([0.3, 0.6])
    with pytest.raises(LookupError, match="nothing above two"):
        vmap(f, engine="llvm")(np.array([0.1, 1.5]))


@pytest.mark.parametrize("engine", engine_names())
def test_a_loop_that_hands_nothing_on_has_only_what_its_steps_stack(engine):
    inner = Loop(Code("inner", ["c", "x"], (), (), [1]), 1, 0)
    body = Code("outer", ["x"], (0.0,), [Instruction(inner, (1, 1, 0), (2,))], [2])
    loop = Loop(body, 0, 0)
    code = Code("f", ["x"], (2.0,), [Instruction(loop, (1, 0), (2,))], [2])
    (stacked,) = compiled(code, engine).call([0.3])
    assert list(stacked) == list(loop.run([2.0, 0.3])[0]) == [0.0, 0.0]
    carries, ys = compiled(body, engine).scan([], [], [0.3], 3)
    assert list(carries) == []
    assert [y.tolist() for y in ys] == [[0.0, 0.0, 0.0]]
