"""Choices as operations of code: in files, between arrays, nested at random in loops and in each other."""

from __future__ import annotations

import random

import numpy as np
import pytest

import autograd as ag
from autograd import cond, grad, hessian, jit, scan, trace, value_and_grad, vmap
from autograd.engines import compiled, engine_names
from autograd.primitives import table
from autograd.programs import saving
from autograd.programs.code import Code, Instruction
from autograd.programs.control.branching import Cond
from autograd.programs.loops.packing import Stack, Unstack, length
from tests.autograd.programs.files import checked, parts, read, write

POINT = [0.7, -0.4]


def python_cond(pred, true_fun, false_fun, *operands):
    return true_fun(*operands) if pred else false_fun(*operands)


def python_scan(step, carry, xs, length):
    """The same loop, in Python."""
    ys = []
    for _ in range(length):
        carry, y = step(carry, xs)
        ys.append(y)
    return carry, ys


def extended(pool, draws, count):
    """What a pool holds, and operations on it."""
    pool = list(pool)
    for _ in range(count):
        a, b = draws.choice(pool), draws.choice(pool)
        made = [a + b, a * b * 0.5, ag.sin(a) - b, ag.tanh(a * b), a / (2.0 + b * b)]
        pool.append(made[draws.randrange(5)])
    return pool


def drawn(pool, depth, run, seed):
    """A formula with choices and loops in it; what is in a branch is drawn when the branch is run."""
    draws = random.Random(seed)
    pool = extended(pool, draws, 3)
    seeds = [draws.random() for _ in range(3)]
    if depth:
        if draws.random() < 0.6:
            a, b, c = pool[-1], pool[-2], draws.choice(pool)
            made = run["cond"](
                a < b,
                lambda c: (drawn([*pool, c], depth - 1, run, seeds[0]), c),
                lambda c: (drawn([*pool, c * 2.0], depth - 1, run, seeds[1]), a),
                c,
            )
            pool += made
        else:

            def step(carry, _):
                made = drawn([*pool, *carry], depth - 1, run, seeds[2])
                return (ag.tanh(made), carry[0] * 0.5), made * carry[1]

            (one, other), ys = run["scan"](step, (pool[-1] * 1.0, 0.5), None, length=3)
            pool += [one, other, ys[0] + ys[2]]
    return sum(extended(pool, draws, 2)[-3:])


@pytest.mark.parametrize("seed", range(24))
def test_nested_choices_are_those_of_python(seed):
    def theirs(p):
        return drawn(p, 3, {"cond": python_cond, "scan": python_scan}, seed)

    def ours(p):
        return drawn(p, 3, {"cond": cond, "scan": scan}, seed)

    engine = engine_names()[seed % len(engine_names())]
    value, gradient = value_and_grad(theirs)(POINT)
    for f in (value_and_grad(ours), jit(value_and_grad(ours), engine)):
        found = f(POINT)
        assert found[0] == pytest.approx(value, rel=1e-15)
        assert found[1] == pytest.approx(gradient, rel=1e-11, abs=1e-13)
    second = np.array(hessian(theirs)(POINT))
    assert np.array(jit(hessian(ours), engine)(POINT)) == pytest.approx(second, rel=1e-9, abs=1e-11)
    points = np.array([POINT, [-0.3, 0.2], [1.1, 0.9]])
    slopes = vmap(grad(ours), engine=engine)(points)
    expected = [grad(theirs)(point) for point in points.tolist()]
    assert slopes.tolist() == [pytest.approx(slope, rel=1e-11, abs=1e-13) for slope in expected]
    program = trace(value_and_grad(ours), POINT)
    again = read(write(program))
    assert parts(again) == parts(program)
    assert again(POINT) == program(POINT)


def _between_arrays():
    """Code that chooses between arrays: the one that there is, or a stack of other numbers."""
    kept = Code("kept", ["a", "x"], (), [], [0], arrays=[0])
    stacked = Code("stacked", ["a", "x"], (), [Instruction(Stack(3), (1, 1, 1), (2,))], [2], arrays=[0])
    instructions = [
        Instruction(Stack(3), (0, 1, 0), (2,)),
        Instruction(Cond([kept, stacked]), (0, 2, 1), (3,)),
        Instruction(length, (3,), (4,)),
        Instruction(Unstack(3), (3,), (5, 6, 7)),
        Instruction(table.mul, (6, 4), (8,)),
    ]
    return Code("f", ["i", "x"], (), instructions, [5, 8])


@pytest.mark.parametrize("engine", engine_names())
def test_a_choice_between_arrays(engine):
    run = compiled(_between_arrays(), engine)
    assert run.call([0.0, 5.0]) == [0.0, 15.0]
    assert run.call([2.0, 5.0]) == [5.0, 15.0]
    found = run.map([np.array([0.0, 2.0]), np.array([5.0, 7.0])], 2, None)
    assert [array.tolist() for array in found] == [[0.0, 7.0], [15.0, 21.0]]


def test_derivatives_between_arrays():
    (choice,) = [one.operation for one in _between_arrays().instructions if isinstance(one.operation, Cond)]
    array, adjoint = np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0, 100.0])
    for index in (0.0, 1.0):
        results = choice.run([index, array, 5.0])
        received = choice.pull([index, array, 5.0], results, [adjoint], [False, True, True])
        assert received[0] is None  # and so is what the branch does not use
        if index:
            assert received[1:] == [None, 111.0]
        else:
            assert received[1].tolist() == adjoint.tolist()
            assert received[2] is None
        (tangent,) = choice.push([index, array, 5.0], results, [0.0, adjoint, 2.0])
        assert tangent.tolist() == (adjoint.tolist() if index == 0.0 else [2.0] * 3)


def test_branches_that_do_not_fit_each_other_make_no_choice():
    one = Code("one", ["x"], (), [], [0])
    two = Code("two", ["x", "y"], (), [], [0])
    array = Code("array", ["x"], (), [], [0], arrays=[0])
    for other in (two, array):
        with pytest.raises(ValueError, match="same inputs"):
            Cond([one, other])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('{"cond": [{', '{"cond": [3, {', r"operation\.cond\[0\]: expected an object"),
        ('{"cond": [{', '{"cond": [[], {', r"operation\.cond\[0\]: expected an object"),
        ('{"cond": [{', '{"loop": [0, 0, 0], "cond": [{', "cond alone"),
        ('"inputs": ["args[0]"]', '"inputs": ["x", "y"]', "alike"),
        ('"outputs": [1]}', '"outputs": []}', r"outputs: expected at least one"),
        ('"outputs": [1]}', '"outputs": [9]}', r"outputs\[0\]"),
        ('"outputs": [1]}', '"outputs": [1], "shape": 3}', "the entries"),
        ('["cos", [0]', '["cos", [7]', r"instructions\[0\]\.operands\[0\]"),
    ],
)
def test_a_damaged_choice_in_a_file_is_refused(old, new, words):
    text = write(trace(lambda x: cond(x > 0.0, ag.sin, ag.cos, x), 1.0))
    assert old in text
    with pytest.raises(saving.ProgramFileError, match=words):
        saving.loads(checked(text.replace(old, new, 1)))


def test_a_file_that_is_nested_too_deeply_is_refused():
    text = write(trace(lambda x: cond(x > 0.0, ag.sin, ag.cos, x), 1.0))
    choice = text[text.index('{"cond"') : text.index("}]}") + 3]
    for _ in range(400):
        text = text.replace('["cos", [0]', f"[{choice}, [0, 0]", 1)
    with pytest.raises(saving.ProgramFileError, match="deep"):
        saving.loads(checked(text))
