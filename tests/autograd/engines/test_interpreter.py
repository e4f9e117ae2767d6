"""The interpreter engine: the same bits as eager Values, and nothing compiled for a program."""

import sys
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import jit, scan, trace, value_and_grad, vmap
from autograd.engines import compiled, interpreter
from autograd.engines.machine import compiler
from autograd.primitives import table
from autograd.programs.program import Program
from tests.autograd.engines.programs import (
    POINTS,
    check_batch,
    check_call,
    check_calling_back,
    check_odd_programs,
    check_pieces,
    check_raising,
    check_scan,
    check_without_python,
    long_program,
    programs,
    table_program,
    use_cores,
)

pytest.importorskip("llvmlite")

RNG = np.random.default_rng(7)


@given(programs(), st.lists(POINTS, min_size=1, max_size=4))
def test_a_call_gives_the_bits_of_eager_values(program: Program, points: list[list[float]]) -> None:
    check_call("interpreter", program, points)


@given(programs(), st.lists(POINTS, max_size=6), st.sampled_from(["sss", "ccc", "csv", "vvs"]))
@settings(max_examples=50)
def test_a_batch_gives_the_bits_of_single_calls(
    program: Program, points: list[list[float]], kinds: str
) -> None:
    check_batch("interpreter", program, points, kinds)


@given(programs(), st.lists(POINTS, min_size=1, max_size=6))
@settings(max_examples=50)
def test_a_scan_gives_the_bits_of_a_python_loop(program: Program, points: list[list[float]]) -> None:
    check_scan("interpreter", program, points)


def test_every_primitive_of_the_table_at_special_numbers() -> None:
    program, points = table_program()
    check_call("interpreter", program, points)


def test_no_primitive_of_the_table_is_called_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    check_without_python("interpreter", monkeypatch)


def test_odd_programs() -> None:
    check_odd_programs("interpreter")


def test_what_takes_several_pieces_gives_what_one_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    check_pieces("interpreter", monkeypatch)


def test_a_long_program_whose_instructions_are_put_in_another_order() -> None:
    program = long_program(5000)
    check_call("interpreter", program, [[0.3, -0.7, 1.1], [float("nan"), 0.0, -0.0]])
    check_batch("interpreter", program, [[0.3, -0.7, 1.1], [0.5, 0.5, 0.5]], "csv")
    check_scan("interpreter", program, [[0.3, -0.7, 1.1], [0.5, 0.5, 0.5]])


def test_a_run_of_one_operation_is_told_once() -> None:
    def f(x: Any) -> Any:
        for i in range(5000):
            x = x + float(i)
        return x

    program = trace(f, 0.5)
    compiled(program.code, "interpreter")
    tracemalloc.start()
    try:
        engine = compiled(program.code, "interpreter")
        size = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert engine.call([1.0]) == [program(1.0)]
    # A slot for each result and each constant, and two operands; not an operation and a count as well.
    assert size < (2 * 8 + 2 * 4 + 4) * len(program)


def test_a_run_takes_the_memory_of_the_one_before() -> None:
    size = 30_000
    engine, column = compiled(long_program(size).code, "interpreter"), np.ones(1)
    for run in (
        lambda: engine.call([1.0, 2.0, 3.0]),
        lambda: engine.map([1.0, 2.0, column], 1, "sum"),
        lambda: engine.scan([1.0, 2.0], [column], [], 1),
    ):
        run()
        tracemalloc.start()
        try:
            for _ in range(3):
                run()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 8 * size / 2, "the slots have been copied again"


def test_nothing_is_compiled_for_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(long_program(10).code, "interpreter")  # compiles the interpreter itself

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something is compiled")

    monkeypatch.setattr("autograd.engines.machine.compiler.CompiledModule.__init__", refuse)
    start = time.process_time()
    engine = compiled(long_program(100_000).code, "interpreter")
    engine.call([0.1, 0.2, 0.3])
    assert time.process_time() - start < 2


def test_several_primitives_are_called_back() -> None:
    check_calling_back("interpreter")


def test_an_exception_in_a_primitive_that_is_called_back_reaches_the_caller() -> None:
    check_raising("interpreter")


def test_the_mean_is_the_same_on_one_core_and_on_two_and_in_both_engines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = trace(value_and_grad(lambda x, y: table.exp(x) * y + y / x), 0.5, 0.5)
    columns = list(np.random.default_rng(3).normal(size=(2, 20_001)))
    means = []
    for cores in (1, 2):
        use_cores(cores, monkeypatch)
        means += [
            compiled(program.code, engine).map(columns, 20_001, "mean") for engine in ("interpreter", "llvm")
        ]
    assert means[0] == means[1] == means[2] == means[3]


def test_without_llvmlite_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler.loaded.cache_clear()
    interpreter._interpreter.cache_clear()
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "valuegrad\[jit\]"'):
        compiled(trace(lambda x: x + 1, 0.5).code, "interpreter")


# Code with arrays, which is written out in numbers where that pays.


def test_arrays_are_written_out_for_each_length_with_the_bits_of_other_engines() -> None:
    w = RNG.normal(size=(8, 4))
    f = value_and_grad(lambda x, w: (np.tanh(x @ w)[1:] * x[:-1, :4]).sum() + (np.exp(x.T[2]) ** 2).sum())
    run, by_llvm, by_python = (jit(f, engine) for engine in ("interpreter", "llvm", "python"))
    for length in (5, 7, 300, 7, 5, 6, 6, 7, 7):
        x = RNG.normal(size=(length, 8))
        value, gradient = run(x, w)
        for other in (by_llvm, by_python):
            assert other(x, w)[0] == value
            np.testing.assert_array_equal(other(x, w)[1], gradient)


def test_a_result_that_is_an_array_shares_no_memory() -> None:
    x = RNG.normal(size=40)
    run = jit(lambda x: (x, x[:33] * 2, x[3]), "interpreter")
    first, half, number = run(x)
    first[:], half[:] = 0.0, 1.0
    again = run(x)
    np.testing.assert_array_equal(again[0], x)
    np.testing.assert_array_equal(again[1], x[:33] * 2)
    assert again[2] == number == x[3]


def test_code_on_small_arrays_runs_at_the_speed_of_its_numbers() -> None:
    x = RNG.normal(size=(6, 6))

    def f(x: Any) -> Any:
        for _ in range(30):
            x = np.tanh(x @ x.T)[:, ::-1] + x
        return x

    run = jit(f, "interpreter")
    run(x)
    seconds = min(_seconds(run, x) for _ in range(5))
    assert seconds < min(_seconds(f, x) for _ in range(5)) * 2  # NumPy's


@pytest.mark.parametrize("steps", [3, 5000])
def test_a_loop_over_arrays_is_the_same_few_steps_or_many(steps: int) -> None:
    def f(x: Any) -> Any:
        return scan(lambda c, _: (np.sin(x * c).sum(), c), 1.0, None, length=steps)

    x = RNG.normal(size=40)
    last, ys = jit(f, "interpreter")(x)
    began = time.perf_counter()
    jit(f, "interpreter")(x)
    assert time.perf_counter() - began < 2  # a long one is not written out step by step
    expected, expected_ys = jit(f, "llvm")(x)
    assert last == expected
    np.testing.assert_array_equal(ys, expected_ys)


def test_samples_that_share_an_array() -> None:
    w, xs = RNG.normal(size=(40, 3)), RNG.normal(size=(50, 40))
    f = value_and_grad(lambda x: (np.tanh(x @ w) ** 2).sum())
    for ours, others in zip(vmap(f, engine="interpreter")(xs), vmap(f, engine="llvm")(xs)):
        np.testing.assert_array_equal(ours, others)


def _seconds(f: Any, *args: Any) -> float:
    began = time.perf_counter()
    f(*args)
    return time.perf_counter() - began
