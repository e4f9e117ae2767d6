"""A loop's reverse that keeps few carries gives the bits of one that keeps all, in every nesting."""

from __future__ import annotations

import pickle
import re
import warnings

import numpy as np
import pytest

import autograd as ag
from autograd import (
    Program,
    Value,
    check_gradients,
    detect_anomaly,
    fori_loop,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    scan,
    trace,
    value_and_grad,
    vmap,
)  # fmt: skip
from autograd.engines import engine_names
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.reverse.checkpointing import Checkpointed
from autograd.programs.loops.reverse.revolve import schedule
from autograd.programs.tracing import record

EXACT = [name for name in engine_names() if name != "numpy"]
POLICIES = ["sqrt", "binomial", 1, 3, 10**15]
POINT = [0.7, -0.4]
XS = np.random.default_rng(5).normal(size=150)


def filtered(p, xs, checkpoint=None):
    """A filter along xs, whose carries and ys go into the result."""

    def step(carry, x):
        mean, speed = carry
        error = x - mean
        mean = mean + ag.tanh(p[0]) * error + 0.1 * speed
        return (mean, speed * 0.9 + p[1] * error * ag.sin(mean)), error * error

    (mean, speed), errors = scan(step, (p[0], 0.5), xs, checkpoint=checkpoint)
    return mean * speed + errors[0] * errors[-1] + scan(lambda c, e: (c + e * p[0], None), 0.0, errors)[0]


def oscillation(p, steps, checkpoint=None):
    """What an oscillator's place adds up to."""

    def step(carry, _):
        x, v, total = carry
        x, v = x + 0.01 * v, v - 0.01 * (p[0] * x + p[1] * v + 0.1 * ag.sin(x))
        return (x, v, total + x * x), None

    return scan(step, (1.0, 0.0, 0.0), None, length=steps, checkpoint=checkpoint)[0][2]


def checkpointed(program):
    """The policies of the checkpointed loops of a program, those in bodies too."""
    return [
        operation.policy for operation in program.code.operations() if isinstance(operation, Checkpointed)
    ]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("count", [0, 1, 2, 9, 150])
def test_it_gives_the_bits_of_keeping_all(policy, count):
    def run(p, checkpoint):
        return oscillation(p, count, checkpoint) if count in (0, 2) else filtered(p, XS[:count], checkpoint)

    expected = value_and_grad(lambda p: run(p, None))(POINT)
    assert value_and_grad(lambda p: run(p, policy))(POINT) == expected
    for engine in EXACT:
        assert jit(value_and_grad(lambda p: run(p, policy)), engine)(POINT) == expected, engine
    result = jit(value_and_grad(lambda p: run(p, policy)), "numpy")(POINT)
    assert result[1] == pytest.approx(expected[1], rel=1e-12, abs=1e-14)
    assert jit(grad(lambda p: run(p, policy)))(POINT) == expected[1]


@pytest.mark.parametrize("policy", ["sqrt", "binomial", 7])
def test_values_go_backward_through_it(policy):
    gradients = []
    for checkpoint in (None, policy):
        p, xs = [Value(number) for number in POINT], np.array([Value(x) for x in XS])
        filtered(p, xs, checkpoint).backward()
        gradients.append([p[0].grad, p[1].grad, *(x.grad for x in xs)])
    assert gradients[0] == gradients[1]
    assert any(gradients[0][2:])


@pytest.mark.parametrize("policy", ["sqrt", "binomial", 7])
def test_derivatives_of_xs_and_of_every_order(policy):
    def ours(p):
        return filtered(p, XS[:20] * p[1], policy)

    def theirs(p):
        return filtered(p, XS[:20] * p[1])

    assert grad(ours)(POINT) == grad(theirs)(POINT)
    assert np.array(hessian(ours)(POINT)) == pytest.approx(np.array(hessian(theirs)(POINT)), rel=1e-12)
    assert np.array(jit(hessian(ours))(POINT)) == pytest.approx(np.array(hessian(theirs)(POINT)), rel=1e-12)
    assert hvp(ours, (POINT,), ([1.0, -2.0],)) == pytest.approx(
        hvp(theirs, (POINT,), ([1.0, -2.0],)), rel=1e-12
    )
    third = jacobian(hessian(ours))(POINT), jacobian(hessian(theirs))(POINT)
    assert np.array(third[0]) == pytest.approx(np.array(third[1]), rel=1e-11)
    check_gradients(ours, POINT, order=2)


def test_forward_over_reverse_is_checkpointed_too():
    direction = [1.0, -2.0]
    program = trace(lambda p: hvp(lambda q: oscillation(q, 50, "sqrt"), (p,), (direction,)), POINT)
    assert set(checkpointed(program)) == {"sqrt"}
    stacking = [
        operation
        for operation in program.code.operations()
        if isinstance(operation, Loop) and operation.stacked
    ]
    inside = [
        loop for pair in program.code.operations() for body in pair.bodies for loop in body.operations()
    ]
    assert all(loop in inside for loop in stacking)


@pytest.mark.parametrize("policy", ["binomial", 4])
@pytest.mark.parametrize("engine", ["llvm", "python", "interpreter"])
def test_nested_loops_keep_few_carries_within_few(policy, engine):
    def f(p, checkpoint):
        def outer(carry, x):
            def inner(i, state):
                return state + p[1] * ag.sin(state * x) / (i + 1.0)

            carry = fori_loop(0, 90, inner, carry, checkpoint=checkpoint)
            slope = grad(lambda c: fori_loop(0, 9, lambda _, s: s * c + x, c, checkpoint=checkpoint))(p[0])
            return carry + 0.001 * slope, slope

        last, ys = scan(outer, p[0], XS[:40], checkpoint=checkpoint)
        return last * ys[3]

    expected = value_and_grad(lambda p: f(p, None))(POINT)
    assert jit(value_and_grad(lambda p: f(p, policy)), engine)(POINT) == expected
    if engine == "llvm":
        assert value_and_grad(lambda p: f(p, policy))(POINT) == expected


@pytest.mark.parametrize("engine", engine_names())
def test_a_batch(engine):
    points = np.random.default_rng(1).uniform(0.1, 1.0, size=(5, 2))
    rows = [grad(lambda p: oscillation(p, 120))([*point]) for point in points]
    result = vmap(grad(lambda p: oscillation(p, 120, "binomial")), engine=engine)(points)
    assert np.array_equal(result, rows) or (engine == "numpy" and np.allclose(result, rows, rtol=1e-12))


@pytest.mark.parametrize("policy", ["sqrt", "binomial", 5])
def test_loops_that_run_backward(policy):
    body = record(lambda c, d, x, s: (c * ag.sin(s) + x, d + c * x, c * d), 0.5, 0.5, 0.5, 0.5)[0]

    def f(p, checkpoint):
        loop = Loop(body, 2, 1, is_reversed=True, checkpoint=checkpoint)
        c, d, ys = loop(len(XS), p[0], p[1], XS, p[0])
        return c * d + ys[2] * ys[-3]

    expected = grad(lambda p: f(p, None))(POINT)
    assert grad(lambda p: f(p, policy))(POINT) == expected
    for engine in EXACT:
        assert jit(grad(lambda p: f(p, policy)), engine)(POINT) == expected


@pytest.mark.parametrize("policy", ["sqrt", "binomial", 5])
def test_programs_are_saved_pickled_printed_and_read_as_source(policy, tmp_path):
    program = trace(value_and_grad(lambda p: filtered(p, XS, policy)), POINT)
    assert policy in checkpointed(program)
    expected = program(POINT)
    program.save(tmp_path / "program.json")
    for copy in (Program.load(tmp_path / "program.json"), pickle.loads(pickle.dumps(program))):
        assert copy.code.key() == program.code.key()
        assert copy(POINT) == expected
    assert "checkpointed(" in str(program)
    namespace = {}
    exec(program.source, namespace)
    assert namespace["program"](*POINT) == (expected[0], *expected[1])
    text = (tmp_path / "program.json").read_text()
    loop = trace(lambda p: oscillation(p, 9, policy), POINT)
    loop.save(tmp_path / "loop.json")
    (saved,) = [
        operation for operation in Program.load(tmp_path / "loop.json").code.operations() if operation.bodies
    ]
    assert saved.checkpoint == policy
    assert re.search(r'"checkpointed": ("sqrt"|"binomial"|5)', text)


@pytest.mark.parametrize("entry", ['"checkpointed": "often"', '"checkpointed": 0', '"checkpointed": null'])
def test_a_damaged_file_is_refused(entry):
    from autograd.programs import saving

    program = trace(grad(lambda p: oscillation(p, 9, "sqrt")), POINT)
    text = saving.dumps(program)
    body, _, _ = text.replace('"checkpointed": "sqrt"', entry).rpartition('"checksum"')
    damaged = f'{body}"checksum": "{saving.digest(body)}"}}\n'
    with pytest.raises(saving.ProgramFileError, match="checkpointed"):
        saving.loads(damaged)


def gone_back(count, plan):
    """Run a schedule: how often each step is run forward, and how many rows and carries are there at once."""
    runs, most, done = np.zeros(count, int), 0, []
    rows, end = [0], count
    while rows:
        begin = rows[-1]
        most = max(most, len(rows) + min(plan.segment, end - begin))
        if end - begin <= plan.segment:
            done.append((begin, end))
            end = rows.pop()
        else:
            middle = begin + plan.before_next(end - begin, plan.rows - len(rows))
            assert begin < middle < end
            runs[begin:middle] += 1
            rows.append(middle)
    assert [begin for begin, _ in done] == [end for _, end in done[1:]] + [0]
    return runs, most


@pytest.mark.parametrize("policy", ["sqrt", "binomial", 1, 3, 64])
@pytest.mark.parametrize("count", [1, 2, 31, 32, 33, 65, 1000, 31_337])
def test_a_schedule_goes_back_over_each_step_once_within_its_rows(policy, count):
    plan = schedule(policy, count)
    runs, most = gone_back(count, plan)
    assert most <= plan.kept
    assert runs.max() <= (4 if policy == "binomial" else 1)


def test_binomial_keeps_as_few_as_it_says():
    runs, most = gone_back(1_000_000, schedule("binomial", 1_000_000))
    assert most <= 64
    assert runs.mean() < 4
    assert schedule("binomial", 100_000_000).kept == 128
    assert schedule("sqrt", 1_000_000).kept == 2000


def test_more_than_a_gibibyte_is_not_kept_and_that_is_said_once():
    def f(p):
        return oscillation(p, 10**9)

    with pytest.warns(UserWarning, match=r"would keep 22 GiB.*checkpoint=\"sqrt\"") as said:
        program = trace(grad(f), POINT)
    assert len(said) == 1
    assert checkpointed(program) == ["sqrt"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert checkpointed(trace(grad(f), POINT)) == ["sqrt"]
        assert checkpointed(trace(grad(lambda p: oscillation(p, 10**9, "binomial")), POINT)) == ["binomial"]
        assert checkpointed(trace(grad(lambda p: oscillation(p, 10**6)), POINT)) == []


def test_an_anomaly_names_the_step():
    def f(p):
        def step(carry, x):
            return carry * p[0] + ag.sqrt(x - 3.0 * p[1]), None

        return scan(step, 1.0, np.arange(3.0, 9.0), checkpoint=2)[0]

    with detect_anomaly(), pytest.raises(FloatingPointError, match="in step_adjoints, step 0"):
        jit(grad(f))([1.0, 1.0])


@pytest.mark.parametrize("checkpoint", ["often", 0, -3, 2.5, True, [3]])
def test_a_checkpoint_that_is_none_is_refused(checkpoint):
    with pytest.raises(ValueError, match=r"checkpoint must be None, 'sqrt', 'binomial', or .* got"):
        scan(lambda c, _: (c, None), 1.0, None, length=3, checkpoint=checkpoint)
    with pytest.raises(ValueError, match="checkpoint must be"):
        fori_loop(0, 3, lambda _, c: c, 1.0, checkpoint=checkpoint)
