"""Programs to hold engines to, and what every engine that gives libm's bits must pass."""

import math
import struct
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from autograd import all_primitives, primitive, value_and_grad
from autograd.engines import compiled
from autograd.graph.trees import flatten
from autograd.primitives import table
from autograd.primitives.primitive import Primitive
from autograd.programs.code import Code, Instruction
from autograd.programs.program import Program, trace

TABLE = [primitive for primitive in all_primitives() if primitive.is_builtin]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 5e-324, 1e-310, 1e308, 710.0, math.inf, -math.inf, math.nan]
NUMBERS = st.sampled_from(SPECIAL) | st.floats(-30, 30) | st.floats()
POINTS = st.lists(NUMBERS, min_size=3, max_size=3)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Programs of three inputs over the whole table, untamed: nan and inf are their daily bread."""
    constants = draw(st.lists(NUMBERS, max_size=2))
    instructions: list[Instruction] = []
    for at in range(3 + len(constants), 3 + len(constants) + draw(st.integers(0, 20))):
        primitive = draw(st.sampled_from(TABLE))
        operands = [at - 1 - draw(st.integers(0, at - 1)) for _ in range(primitive.arity)]
        instructions.append(Instruction(primitive, tuple(operands), (at,)))
    slots = 3 + len(constants) + len(instructions)
    outputs = [slots - 1 - draw(st.integers(0, slots - 1)) for _ in range(draw(st.integers(3, 5)))]
    return _program(constants, instructions, outputs)


def _program(
    constants: Sequence[float], instructions: Sequence[Instruction], outputs: Sequence[int], inputs: int = 3
) -> Program:
    names = [f"x{i}" for i in range(inputs)]
    arguments = flatten((0.0,) * inputs)[1]
    code = Code("f", names, constants, instructions, outputs)
    return Program(code, arguments, flatten([0.0] * len(outputs))[1])


def table_program() -> tuple[Program, list[list[float]]]:
    """Each primitive of the table once, and points of special numbers."""
    instructions = [
        Instruction(primitive, tuple(range(primitive.arity)), (3 + i,)) for i, primitive in enumerate(TABLE)
    ]
    points = [[a, b, c] for a in SPECIAL for b in SPECIAL for c in (0.0, 3.0)]
    rng = np.random.default_rng(0)
    points += (rng.normal(size=(300, 3)) * np.exp2(rng.integers(-8, 6, size=(300, 1)))).tolist()
    return _program([], instructions, range(3, 3 + len(instructions))), points


def long_program(size: int) -> Program:
    """A program of so many instructions, of which each uses the one before it and one far away."""
    cycle = [table.mul, table.sin, table.add, table.where, table.sub, table.less, table.neg]
    instructions = []
    for i in range(size):
        primitive, at = cycle[i % len(cycle)], 4 + i
        operands = (at - 1, i * 7919 % at, i % 3)
        instructions.append(Instruction(primitive, operands[: primitive.arity], (at,)))
    return _program([0.75], instructions, [3 + size, 0, 3, 4 + size // 2])


def bits(numbers: Sequence[float]) -> list[bytes]:
    """Numbers to be compared by their bits, all nans as one."""
    return [struct.pack("<d", math.nan if number != number else number) for number in numbers]


def check_call(engine: str, program: Program, points: Sequence[Sequence[float]]) -> None:
    """Single calls against eager Values."""
    runner = compiled(program.code, engine)
    for point in points:
        assert bits(runner.call(point)) == bits(program(*point)), f"at {point}\n{program}"


def check_batch(engine: str, program: Program, points: Sequence[Sequence[float]], kinds: str) -> None:
    """A batch against single calls; ``kinds`` makes columns shared, contiguous or strided."""
    runner = compiled(program.code, engine)
    rows = np.array(points, float).reshape(len(points), 3)
    columns: list[Any] = []
    for i, kind in enumerate(kinds):
        if kind == "s":
            rows[:, i] = 0.75
            columns.append(0.75)
        else:
            columns.append(np.ascontiguousarray(rows[:, i]) if kind == "c" else rows[::-1, i][::-1])
    results = runner.map(columns, len(rows), None)
    assert all(result.shape == (len(rows),) for result in results)
    for i, row in enumerate(rows.tolist()):
        assert bits([result[i] for result in results]) == bits(runner.call(row)), f"at {row}\n{program}"
    sums = runner.map(columns, len(rows), "sum")
    expected = [0.0] * len(results)
    for i in range(len(rows)):
        expected = [total + result[i].item() for total, result in zip(expected, results)]
    assert bits(sums) == bits([0.0 + total for total in expected])


def check_scan(engine: str, program: Program, points: Sequence[Sequence[float]]) -> None:
    """A scan (one carried number, one column, one shared number) against a loop in Python."""
    carry, column, shared = 0.5, np.array([point[1] for point in points]), 0.25
    collected = []
    expected = carry
    for element in column.tolist():
        expected, *ys = program(expected, element, shared)
        collected.append(ys)
    (last,), results = compiled(program.code, engine).scan([carry], [column], [shared], len(points))
    assert bits([last]) == bits([expected]), str(program)
    for i, ys in enumerate(collected):
        assert bits([result[i] for result in results]) == bits(ys), str(program)


def use_cores(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine of so many cores."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(count)), raising=False)


def check_pieces(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches and scans of several chunks and pieces, of short and of long programs, on three cores."""
    use_cores(3, monkeypatch)
    for module in ("llvm", "machine.memory", "batches.chunks"):
        monkeypatch.setattr(f"autograd.engines.{module}.chunk_size", lambda _: 2)
    for size, samples in ((9, 600), (2500, 7)):
        program = long_program(size)
        points = np.random.default_rng(size).normal(size=(samples, 3))
        runner = compiled(program.code, engine)
        results = runner.map([points[:, 0].copy(), points[:, 1], 0.75], samples, None)
        for i, (x, y, _) in enumerate(points.tolist()):
            assert bits([result[i] for result in results]) == bits(runner.call([x, y, 0.75]))
        for total, result in zip(
            runner.map([points[:, 0].copy(), points[:, 1], 0.75], samples, "sum"), results
        ):
            assert total == pytest.approx(math.fsum(result), rel=1e-12, abs=1e-12)
        check_scan(engine, program, points.tolist())


def check_without_python(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No primitive of the table is called back."""
    program, points = table_program()
    expected = flatten(program(*points[-1]))[0]
    runner = compiled(program.code, engine)

    def refuse(*_: Any) -> None:
        raise AssertionError("a primitive is called in Python")

    monkeypatch.setattr(Primitive, "__call__", refuse)
    assert bits(runner.call(points[-1])) == bits(expected)


def check_odd_programs(engine: str) -> None:
    """No instructions, no samples, no inputs, no outputs, the same output twice, a swapped carry."""
    same = compiled(_program([2.5, -0.0], [], [1, 0, 1, 3, 4]).code, engine)
    assert bits(same.call([1.0, -0.0, 3.0])) == bits([-0.0, 1.0, -0.0, 2.5, -0.0])
    assert [result.tolist() for result in same.map([np.array([1.0, 2.0]), 7.0, 8.0], 2, None)] == [
        [7.0, 7.0],
        [1.0, 2.0],
        [7.0, 7.0],
        [2.5, 2.5],
        [0.0, 0.0],
    ]
    assert [result.shape for result in same.map([1.0, 2.0, np.empty(0)], 0, None)] == [(0,)] * 5
    assert same.map([1.0, 2.0, np.empty(0)], 0, "sum") == [0.0] * 5
    assert np.isnan(same.map([1.0, 2.0, np.empty(0)], 0, "mean")).all()
    carry, results = same.scan([1.0, 2.0], [np.arange(3.0)], [], 3)
    assert carry == [2.0, 1.0]
    assert results[0].tolist() == [2.0, 1.0, 2.0]
    carry, results = same.scan([1.0, 2.0], [np.empty(0)], [], 0)
    assert carry == [1.0, 2.0]
    assert [result.shape for result in results] == [(0,)] * 3
    constant = compiled(_program([2.5], [], [0], inputs=0).code, engine)
    assert constant.call([]) == [2.5]
    assert constant.map([], 3, "sum") == [7.5]
    nothing = compiled(_program([], [], []).code, engine)
    assert nothing.call([1.0, 2.0, 3.0]) == []
    assert nothing.map([1.0, 2.0, np.zeros(2)], 2, "mean") == []
    assert nothing.scan([], [np.zeros(2)], [1.0, 2.0], 2) == ([], [])


class RefusedError(Exception):
    """What a primitive of the tests raises."""


refused: list[float] = []  # by that primitive


def _forward(x: float, y: float) -> float:
    if float(x) > 100:
        refused.append(float(x))
        raise RefusedError(f"no {float(x)}")
    return math.floor(float(x)) + y


floor_sum = primitive("floor_sum_of_tests", _forward, (0.0, 1.0))


sign = primitive("sign_of_tests", lambda x: math.copysign(1.0, float(x)), (0.0,))
middle = primitive(
    "middle_of_tests", lambda x, y, z: sorted((float(x), float(y), float(z)))[1], (0.0, 0.0, 0.0)
)


def check_calling_back(engine: str) -> None:
    """Several primitives that are called back, by themselves, one after the other, and among others."""
    cycle = [table.mul, sign, table.add, middle, middle, floor_sum, table.sub, table.sub, sign, table.where]
    for size in (1, 2, 10, 200):
        instructions = []
        for i in range(size):
            primitive, at = cycle[(i + size) % len(cycle)], 4 + i
            operands = (at - 1, i * 7919 % at, i % 3)[: primitive.arity]
            instructions.append(Instruction(primitive, operands, (at,)))
        program = _program([0.75], instructions, [3 + size, 0, 3, 4 + size // 2])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_call(engine, program, [[0.3, -0.7, 1.1], [-2.5, 0.0, -0.0]])
            check_batch(engine, program, [[0.3, -0.7, 1.1], [-2.5, 0.5, 0.5]], "csv")
            check_scan(engine, program, [[0.3, -0.7, 1.1], [-2.5, 0.5, 0.5]])


def check_raising(engine: str) -> None:
    """A primitive that is called back: its results, and its exceptions, in a call, a map and a scan."""
    program = trace(value_and_grad(lambda x, y: floor_sum(x * 2, y) * y + floor_sum(y, x)), 0.5, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it cannot be traced and is called back: said once a process
        runner = compiled(program.code, engine)
    assert runner.call([1.7, 2.5]) == flatten(program(1.7, 2.5))[0]
    columns = [np.linspace(0, 49, 10_000), 2.5]
    results = runner.map(columns, 10_000, None)
    assert [result[7777] for result in results] == runner.call([columns[0][7777], 2.5])
    counted = trace(lambda total, x: [floor_sum(x, total), total], 0.5, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loop = compiled(counted.code, engine)
    assert loop.scan([0.0], [np.arange(101.0)], [], 101)[0] == [5050.0]
    with pytest.raises(RefusedError, match="no 400"):
        runner.call([200.0, 2.5])
    columns[0][8000] = 150.0
    for reduce in (None, "sum"):
        with pytest.raises(RefusedError, match="no 300"):
            runner.map(columns, 10_000, reduce)
    refused.clear()
    with pytest.raises(RefusedError, match="no 101"):
        loop.scan([0.0], [np.arange(103.0)], [], 103)
    assert refused == [101.0], "after an exception nothing is called back"
    assert runner.call([1.7, 2.5]) == flatten(program(1.7, 2.5))[0], "after an exception the engine works on"
