"""The llvm engine: the same bits as eager Values, in a call, over a batch and in a scan."""

import gc
import math
import resource
import sys
import threading
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import jit, primitive, value_and_grad
from autograd.engines import compiled, llvm
from autograd.engines.looping.nests import Nest
from autograd.engines.machine import compiler, ir
from autograd.primitives import table
from autograd.programs.lowering import lowered
from autograd.programs.program import Program, trace
from tests.autograd.engines.programs import (
    POINTS,
    bits,
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


@given(programs(), st.lists(POINTS, min_size=1, max_size=4))
@settings(max_examples=40)
def test_a_call_gives_the_bits_of_eager_values(program: Program, points: list[list[float]]) -> None:
    check_call("llvm", program, points)


@given(programs(), st.lists(POINTS, max_size=6), st.sampled_from(["sss", "ccc", "csv", "vvs"]))
@settings(max_examples=25)
def test_a_batch_gives_the_bits_of_single_calls(
    program: Program, points: list[list[float]], kinds: str
) -> None:
    check_batch("llvm", program, points, kinds)


@given(programs(), st.lists(POINTS, min_size=1, max_size=6))
@settings(max_examples=25)
def test_a_scan_gives_the_bits_of_a_python_loop(program: Program, points: list[list[float]]) -> None:
    check_scan("llvm", program, points)


def test_every_primitive_of_the_table_at_special_numbers() -> None:
    program, points = table_program()
    check_call("llvm", program, points)
    check_batch("llvm", program, points, "ccc")


def test_sine_and_cosine_of_one_number_give_the_bits_of_each_alone() -> None:
    """LLVM makes one call of sincos of the two."""
    program = trace(lambda x: [table.sin(x), table.cos(x), table.sin(-x), table.cos(-x)], 0.5)
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(size=20_000), rng.normal(size=5_000) * 1e5, [1e300, 1e-310, -0.0]])
    results = compiled(program.code, "llvm").map([points], len(points), None)
    for result, function in zip(
        results, [math.sin, math.cos, lambda x: math.sin(-x), lambda x: math.cos(-x)]
    ):
        assert result.tolist() == [function(x) for x in points]


def test_powers_keep_the_bits_of_libm_whose_exponents_llvm_would_rewrite() -> None:
    exponents = [2.0, 0.5, -0.5, 3.0, -1.0, 1 / 3, 10.0, 0.25, 1.5]
    program = trace(lambda x, n: [*(x**e for e in exponents), 2.0**x, 10.0**x, x**n], 0.5, 0.5)
    engine = compiled(program.code, "llvm")
    rng = np.random.default_rng(2)
    for x in [*rng.exponential(size=2000).tolist(), 0.0, -0.0, math.inf, -math.inf, math.nan, -2.0]:
        assert bits(engine.call([x, 2.0])) == bits(program(x, 2.0)), x
        assert bits(engine.call([x, -0.5])) == bits(program(x, -0.5)), x


def test_products_and_sums_are_not_contracted() -> None:
    program = trace(lambda x, y, z: x * y + z, 0.5, 0.5, 0.5)
    x, y = 1 + 2.0**-30, 1 - 2.0**-30
    assert compiled(program.code, "llvm").call([x, y, -1.0]) == [0.0]  # fused, it would be -2**-60
    columns = [np.full(64, number) for number in (x, y, -1.0)]
    assert compiled(program.code, "llvm").map(columns, 64, "sum") == [0.0]


def test_no_primitive_of_the_table_is_called_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    check_without_python("llvm", monkeypatch)


def test_odd_programs() -> None:
    check_odd_programs("llvm")


def test_what_takes_several_pieces_gives_what_one_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    check_pieces("llvm", monkeypatch)


def test_a_large_program_is_compiled_with_its_numbers_in_memory() -> None:
    program = long_program(5000)
    assert len(lowered(program.code)) > llvm.LARGE
    check_call("llvm", program, [[0.3, -0.7, 1.1], [math.nan, 0.0, -0.0], [1e300, math.inf, 2.0]])
    check_batch("llvm", program, [[0.3, -0.7, 1.1], [0.5, 0.5, 0.5], [-1.0, 2.0, 0.0]], "csv")
    check_scan("llvm", program, [[0.3, -0.7, 1.1], [0.5, 0.5, 0.5], [-1.0, 2.0, 0.0]])


def test_the_time_to_compile_grows_as_the_program_does() -> None:
    def seconds(size: int) -> float:
        best = math.inf
        for _ in range(2):
            engine = compiled(long_program(size).code, "llvm")
            start = time.process_time()
            engine.call([0.1, 0.2, 0.3])
            best = min(best, time.process_time() - start)
        return best

    seconds(3000)
    assert seconds(24_000) < 4 * seconds(12_000)


def test_several_primitives_are_called_back() -> None:
    check_calling_back("llvm")


def test_an_exception_in_a_primitive_that_is_called_back_reaches_the_caller() -> None:
    check_raising("llvm")


def test_the_mean_is_the_same_on_one_core_and_on_two(monkeypatch: pytest.MonkeyPatch) -> None:
    program = trace(value_and_grad(lambda x, y: table.exp(x) * y + y / x), 0.5, 0.5)
    columns = list(np.random.default_rng(3).normal(size=(2, 50_001)))
    totals = []
    for cores in (1, 2, 5):
        use_cores(cores, monkeypatch)
        engine = compiled(program.code, "llvm")
        totals.append((engine.map(columns, 50_001, "mean"), engine.map(columns, 50_001, "sum")))
    assert totals[0] == totals[1] == totals[2]
    stored = compiled(program.code, "llvm").map(columns, 50_001, None)
    np.testing.assert_allclose(totals[0][0], [column.mean() for column in stored], rtol=1e-12)


def test_a_batch_larger_than_memory_is_not_copied(tmp_path: Path) -> None:
    count = 4_000_000
    column = np.memmap(tmp_path / "column", np.float64, "w+", shape=(count,))
    engine = compiled(trace(lambda x: x + 1, 0.5).code, "llvm")
    engine.map([column[:10]], 10, "sum")
    tracemalloc.start()
    try:
        assert engine.map([column], count, "sum") == [count]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200_000, "a column of 32 MB has been copied"


@pytest.mark.parametrize(("size", "expected"), [(9, [1, 2, 3]), (2500, [1, 1, 1])])
def test_each_loop_of_a_small_program_is_compiled_once_and_a_large_program_once_for_all(
    size: int, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    compilations = _counted_compilations(monkeypatch)
    engine, column = compiled(long_program(size).code, "llvm"), np.ones(3)
    counts = []
    for run in (
        lambda: engine.call([1.0, 2.0, 3.0]),
        lambda: engine.map([1.0, 2.0, column], 3, "sum"),
        lambda: engine.scan([1.0, 2.0], [column], [], 3),
    ):
        for _ in range(2):
            run()
        counts.append(len(compilations))
    assert counts == expected


def _counted_compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []
    parse = compiler.binding().parse_assembly

    def counted(text: str, *context: Any) -> Any:
        texts.extend([text] if text else [])  # an engine that modules share begins with an empty one
        return parse(text, *context)

    monkeypatch.setattr(compiler.binding(), "parse_assembly", counted)
    return texts


@pytest.mark.parametrize("size", [9, 2500])
def test_other_threads_run_while_a_loop_does_and_wait_for_a_short_call(size: int) -> None:
    engine = compiled(long_program(size).code, "llvm")
    column = np.ones(40_000_000 // size**2 + 2000)
    engine.scan([1.0, 2.0], [column[:1]], [], 1)
    engine.call([1.0, 2.0, 3.0])
    turns, stop = 0, threading.Event()

    def work() -> None:
        nonlocal turns
        while not stop.is_set():
            turns += 1
            time.sleep(0)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)  # no thread is made to wait: each runs until it lets others
    thread = threading.Thread(target=work)
    thread.start()
    try:
        before = turns
        engine.scan([1.0, 2.0], [column], [], len(column))
        during = turns
        if size == 9:  # one that is compiled in parts does let others
            for _ in range(300):
                engine.call([1.0, 2.0, 3.0])
            assert turns == during
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        thread.join()
    assert during > before


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc's sincos is known to give the same bits")
def test_only_sines_and_cosines_that_may_be_fused_are_called_by_name() -> None:
    for function, name in ((table.sin, "@sin("), (table.cos, "@cos(")):
        assert name in (ir.template(function, fused=True) or "")
        assert name not in (ir.template(function) or name)
    assert ir.template(table.exp, fused=True) == ir.template(table.exp)


def test_columns_are_checked() -> None:
    engine = compiled(trace(lambda x: x + 1, 0.5).code, "llvm")
    with pytest.raises(ValueError, match="column 0 must have shape"):
        engine.map([np.zeros(3)], 4, None)
    with pytest.raises(TypeError, match="must be an array of float64, got float32"):
        engine.map([np.zeros(4, np.float32)], 4, None)


def test_threads_may_share_an_engine_and_compile_at_once() -> None:
    program = trace(lambda x, y: [table.exp(x) * y, x - y], 0.5, 0.5)
    shared = compiled(program.code, "llvm")
    wrong: list[object] = []

    def work(seed: int) -> None:
        own = compiled(program.code, "llvm")
        for i in range(300):
            point = [seed + i / 7, i / 3]
            expected = program(*point)
            if shared.call(point) != expected or own.call(point) != expected:
                wrong.append(point)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_primitive_that_is_called_back_may_call_the_same_engine() -> None:
    engines = []

    def forward(x: float) -> float:
        return engines[0].call([float(x) - 1])[0] + float(x) if x > 0 else 0.0  # type: ignore[no-any-return]

    staircase = primitive("staircase_of_llvm", forward, (1.0,))
    program = trace(lambda x: staircase(x) + 0 * x, 0.0)
    with pytest.warns(UserWarning, match="cannot be traced"):
        engines.append(compiled(program.code, "llvm"))
    assert engines[0].call([4.0]) == [10.0]


def test_a_function_of_c_is_called_by_its_name_and_python_where_there_is_none() -> None:
    called = []

    def larger(a: float, b: float) -> float:
        called.append((a, b))
        return a if a > b else b

    def run(libm: str) -> list[float]:
        program = trace(primitive(f"llvm_{libm}", larger, (1.0, 0.0), libm=libm), 0.5, 0.5)
        with pytest.warns(UserWarning, match="cannot be traced"):
            engine = compiled(program.code, "llvm")
        called.clear()
        return engine.call([2.0, 7.0])

    assert run("fmax") == [7.0]
    assert not called
    assert run("fdim") == [0.0]
    assert not called
    assert run("no_such_function") == [7.0]
    assert called == [(2.0, 7.0)]


@pytest.mark.parametrize(
    "step", ["create_context", "parse_assembly", "create_mcjit_compiler", "ObjectFileRef"]
)
def test_an_interrupt_while_compiling_leaves_nothing_broken(
    monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    interrupt.from_data = interrupt  # type: ignore[attr-defined]
    program = long_program(5000)  # large enough for an engine to itself
    engine = compiled(program.code, "llvm")
    with monkeypatch.context() as patch:
        patch.setattr(compiler.binding(), step, interrupt)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                engine.call([0.3, -0.7, 1.1])
    gc.collect()
    assert engine.call([0.3, -0.7, 1.1]) == program(0.3, -0.7, 1.1)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process's memory as Linux tells it")
def test_compiled_code_is_small_and_is_freed_with_its_engine() -> None:
    def engines_of(first: int, last: int) -> Iterator[Any]:
        for i in range(first, last):
            engine = compiled(trace(lambda x, i=i: x * (i + 0.5) + 1, 0.5).code, "llvm")
            assert engine.call([2.0]) == [2 * (i + 0.5) + 1]
            yield engine

    def grown(engines: Iterator[Any], keep: Callable[[Iterator[Any]], Any]) -> int:
        before = _resident()
        survivors = keep(engines)
        gc.collect()
        assert survivors is not None
        return _resident() - before

    dropped = partial(deque, maxlen=1)
    dropped(engines_of(0, 50))
    assert grown(engines_of(50, 150), dropped) < 1_000_000, (
        "compiled functions that nobody has stay in memory"
    )
    growth = grown(engines_of(150, 300), list) / 150
    assert growth < 50_000, "10,000 compiled functions take more than 500 MB"


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def test_without_llvmlite_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler.loaded.cache_clear()
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "valuegrad\[jit\]"'):
        compiled(trace(lambda x: x + 1, 0.5).code, "llvm")


def test_the_time_to_compile_grows_with_the_number_of_arrays_and_no_faster() -> None:
    def f(x: Any, count: int) -> Any:
        for _ in range(count):
            x = np.sin(x @ x)
        return x

    sizes = [
        len(Nest(lowered(jit(f, static_argnums=1).program(np.ones((6, 6)), n).code)).text) for n in (100, 200)
    ]
    assert sizes[1] < 2.2 * sizes[0]
