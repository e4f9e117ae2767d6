"""The engine on NumPy against eager evaluation: accuracy, chunks, threads, memory."""

from __future__ import annotations

import itertools
import math
import sys
import tracemalloc
from collections.abc import Callable
from contextvars import ContextVar

import numpy as np
import pytest
from hypothesis import given

import autograd as ag
from autograd.derivatives.transforms import grad, value_and_grad
from autograd.engines import numpy as engine_module
from autograd.engines.numpy import NumpyEngine as Engine
from autograd.primitives import table
from autograd.programs.program import Program, trace
from autograd.testing import Expression, expressions
from models.assignment.graph import loss
from tests.autograd.engines.programs import use_cores

LONGEST = engine_module._LONGEST
SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    math.inf,
    -math.inf,
    math.nan,
    5e-324,
    -1e-310,
    1e308,
    -1e308,
    2.0,
    0.5,
    -3.0,
]
TABLE = [primitive for primitive in ag.all_primitives() if primitive.is_builtin]


def ulps(actual: float, expected: float) -> float:
    """How many units in the last place two numbers are apart; the same infinity or a nan each: none.

    Zeros of two signs are infinitely far apart, as their reciprocals are.
    """
    if actual == expected == 0.0:
        return 0.0 if math.copysign(1.0, actual) == math.copysign(1.0, expected) else math.inf
    if math.isnan(actual) or math.isnan(expected) or math.isinf(actual) or math.isinf(expected):
        return 0.0 if actual == expected or (actual != actual and expected != expected) else math.inf
    return abs(actual - expected) / math.ulp(expected)


def points(arity: int) -> list[tuple[float, ...]]:
    """Special numbers, and ordinary ones of every size."""
    random = np.random.default_rng(0)
    sizes = 10.0 ** random.uniform(-12.0, 2.0, (400, arity)) * random.choice([-1.0, 1.0], (400, arity))
    near = random.uniform(-4.0, 4.0, (400, arity))
    return [
        *itertools.product(SPECIAL, repeat=arity),
        *map(tuple, sizes.tolist()),
        *map(tuple, near.tolist()),
    ]


def training_batch(count: int) -> list[object]:
    """Nine weights that all samples share, five features and the target as columns."""
    random = np.random.default_rng(1)
    features = random.normal(size=(count, 5))
    return [*random.normal(size=9).tolist(), *features.T, random.normal(size=count)]


def loss_gradient() -> Program:
    return trace(grad(loss), [0.1] * 9, [0.1] * 5, 0.1)


@pytest.mark.parametrize("primitive", TABLE, ids=lambda primitive: primitive.name)
def test_each_primitive_is_within_4_ulp_of_its_value_on_floats(primitive: ag.Primitive) -> None:
    program = trace(primitive, *[0.5] * primitive.arity)
    rows = points(primitive.arity)
    (results,) = Engine(program.code).map(list(np.array(rows).T), len(rows), None)
    apart = [(ulps(result, primitive(*row)), row) for result, row in zip(results.tolist(), rows)]
    assert max(apart) <= (4.0,), max(apart)


@pytest.mark.parametrize(
    "primitive",
    [primitive for primitive in TABLE if primitive.arity > 1],
    ids=lambda primitive: primitive.name,
)
def test_an_operand_may_be_shared(primitive: ag.Primitive) -> None:
    """Shared operands are broadcast, not columns: `where` and `pow` have ways of their own for them."""
    engine = Engine(trace(primitive, *[0.5] * primitive.arity).code)
    column = np.array(SPECIAL)
    for place, number in itertools.product(range(primitive.arity), SPECIAL):
        columns: list[object] = [column] * primitive.arity
        columns[place] = number
        (results,) = engine.map(columns, len(SPECIAL), None)
        for result, other in zip(results.tolist(), SPECIAL):
            row = [number if i == place else other for i in range(primitive.arity)]
            assert ulps(result, primitive(*row)) <= 4.0, (primitive.name, row)


def test_a_square_is_the_rounded_product_whether_its_exponent_is_shared_or_a_column() -> None:
    engine = Engine(trace(table.pow, 0.5, 0.5).code)
    bases = np.random.default_rng(0).normal(size=3000)
    exponents = np.tile([2.0, 3.0, -2.0], 1000)
    assert engine.map([bases, 2.0], 3000, None)[0].tolist() == (bases * bases).tolist()
    (powers,) = engine.map([bases, exponents], 3000, None)
    assert powers[::3].tolist() == (bases * bases)[::3].tolist()
    np.testing.assert_allclose(powers[1::3], bases[1::3] ** 3, rtol=1e-15)
    np.testing.assert_allclose(powers[2::3], 1 / bases[2::3] ** 2, rtol=1e-15)


def error_bounds(program: Program, inputs: list[float]) -> tuple[list[float], list[float]]:
    """A program's results at a point, and how far off each may be if every instruction errs by 4 ulp.

    To first order a result is off by the sum over the instructions of its derivative by that
    instruction's result times 4 ulp; twice that leaves room for the second order.
    """
    slots = [*inputs, *program.constants]
    first = len(slots)
    for step in program.instructions:
        slots.append(step.operation(*[slots[operand] for operand in step.operands]))
    bounds = []
    for output in program.outputs:
        adjoint = [0.0] * len(slots)
        adjoint[output] = 1.0
        bound = 0.0
        for at in range(len(slots) - 1, first - 1, -1):
            if adjoint[at] == 0.0:
                continue
            step = program.instructions[at - first]
            bound += abs(adjoint[at]) * 4.0 * math.ulp(slots[at])
            operands = tuple(slots[operand] for operand in step.operands)
            partials = step.operation.partials_at(slots[at], operands, (True,) * len(operands))
            for operand, partial in zip(step.operands, partials):
                adjoint[operand] += adjoint[at] * (partial or 0.0)
        bounds.append(2.0 * bound)
    return [slots[output] for output in program.outputs], bounds


@given(expressions())
def test_programs_are_within_their_error_bounds(expression: Expression) -> None:
    program = trace(value_and_grad(expression, (0, 1)), *expression.point)
    nearby = [tuple(coordinate + shift for coordinate in expression.point) for shift in (0.0, 1e-5, -1e-5)]
    results = Engine(program.code).map(list(np.array(nearby).T), 3, None)
    for i, inputs in enumerate(nearby):
        expected, bounds = error_bounds(program, list(inputs))
        for column, exact, bound in zip(results, expected, bounds):
            assert abs(column[i] - exact) <= bound, (inputs, column[i], exact, bound)


def test_the_training_gradient_is_within_its_error_bound() -> None:
    program = loss_gradient()
    columns = training_batch(500)
    results = Engine(program.code).map(columns, 500, None)
    for i in range(500):
        inputs = [column if isinstance(column, float) else float(column[i]) for column in columns]  # type: ignore[index]
        expected, bounds = error_bounds(program, inputs)
        for column, exact, bound in zip(results, expected, bounds):
            assert abs(column[i] - exact) <= bound


@pytest.mark.parametrize("reduce", ["sum", "mean"])
@pytest.mark.parametrize("count", [1, LONGEST - 1, LONGEST, LONGEST + 1, 5 * LONGEST + 7])
def test_reduced_results_are_the_sums_of_the_columns(reduce: str, count: int) -> None:
    engine = Engine(loss_gradient().code)
    columns = training_batch(count)
    divisor = count if reduce == "mean" else 1
    reduced = engine.map(columns, count, reduce)
    for total, column in zip(reduced, engine.map(columns, count, None)):
        assert column.shape == (count,)
        allowed = 1e-13 * math.fsum(np.abs(column)) / divisor
        assert abs(total - math.fsum(column) / divisor) <= allowed


@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
def test_results_do_not_depend_on_the_number_of_cores(
    reduce: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 9 * LONGEST + 11
    columns = training_batch(count)
    results = []
    for cores in (1, 2, 3, 2):
        use_cores(cores, monkeypatch)
        results.append(np.array(Engine(loss_gradient().code).map(columns, count, reduce)).tobytes())
    assert len(set(results)) == 1


def test_sums_do_not_depend_on_which_chunk_is_done_first(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 6 * LONGEST
    engine, columns = Engine(loss_gradient().code), training_batch(count)
    expected = engine.map(columns, count, "sum")

    def shuffled(work: Callable[[int, int, int], None], count: int, size: int) -> None:
        for chunk in (2, 0, 5, 1, 4, 3):
            work(chunk, chunk * size, (chunk + 1) * size)

    monkeypatch.setattr(engine_module, "in_chunks", shuffled)
    assert engine.map(columns, count, "sum") == expected


def test_without_scipy_erf_is_python_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    numbers = np.linspace(-3.0, 3.0, 101)
    (result,) = Engine(trace(ag.erf, 0.5).code).map([numbers], 101, None)
    assert result.tolist() == [math.erf(x) for x in numbers.tolist()]


def test_an_engine_is_used_again_for_other_lengths_and_numbers() -> None:
    engine = Engine(trace(lambda a, x: (a * x).sin() + a, 1.0, 1.0).code)
    for a, count in ((1.0, 3), (2.0, 3 * LONGEST), (3.0, 1), (4.0, 3)):
        column = np.arange(count) / count
        assert np.allclose(engine.map([a, column], count, None)[0], np.sin(a * column) + a, rtol=1e-14)


def test_memory_does_not_grow_with_the_batch_where_it_is_reduced() -> None:
    count = 3_000_000
    column = np.broadcast_to(np.float64(0.25), (count,))  # a column of no memory
    engine = Engine(trace(lambda w, x: (w * x + 1) * x, 1.0, 1.0).code)
    tracemalloc.start()
    try:
        (mean,) = engine.map([2.0, column], count, "mean")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert mean == 0.375
    assert peak < 2_000_000 < 8 * count, f"{peak} bytes for {count} samples"


def test_a_memory_mapped_file_is_read_chunk_by_chunk(tmp_path: object) -> None:
    count = 400_000
    table = np.memmap(f"{tmp_path}/table", dtype=float, mode="w+", shape=(count, 2))
    table[:] = np.arange(2 * count).reshape(count, 2) / count
    table.flush()
    table = np.memmap(f"{tmp_path}/table", dtype=float, mode="r", shape=(count, 2))
    engine = Engine(trace(lambda a, b: a * b, 1.0, 1.0).code)
    tracemalloc.start()
    try:
        (total,) = engine.map([table[:, 0], table[:, 1]], count, "sum")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    exact = sum(2 * i * (2 * i + 1) for i in range(count)) / count**2
    assert math.isclose(total, exact, rel_tol=1e-13)
    assert peak < 8 * count, f"{peak} bytes: a whole column was read"


def test_buffers_are_used_again_once_their_slot_is_dead() -> None:
    def chain(x: ag.Value) -> ag.Value:
        for i in range(500):
            x = ag.where(ag.less(x, float(i)), x + 1.0, x * 0.5)
        return x

    engine = Engine(trace(chain, 1.0).code)
    (result,) = engine.map([np.array([0.5, 300.0])], 2, None)
    (plan,) = engine._plans.values()
    assert plan.width <= 5, "a chain of operations needs no more than a few buffers"
    assert result.tolist() == [Engine(trace(chain, 1.0).code).call([x])[0] for x in (0.5, 300.0)]


def test_results_that_are_summed_give_their_buffers_back() -> None:
    engine = Engine(trace(lambda x: [x * float(i) for i in range(2, 300)], 1.0).code)
    sums = engine.map([np.array([1.0, 2.0])], 2, "sum")
    (plan,) = engine._plans.values()
    assert plan.width == 2
    assert sums == [3.0 * i for i in range(2, 300)]


@pytest.mark.parametrize(("width", "memory"), [(100, 4 << 20), (700, 4 << 20), (100, 64)])
def test_a_wide_program_runs_in_shorter_chunks(
    width: int, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "_MEMORY", memory)
    column = np.arange(1500.0)
    results = Engine(trace(lambda x: [x * (i + 0.5) for i in range(width)], 1.0).code).map(
        [column], 1500, None
    )
    assert np.array_equal(results, np.outer(np.arange(width) + 0.5, column))


def test_the_buffers_of_a_wide_program_take_a_few_mib_and_are_used_again() -> None:
    engine = Engine(trace(lambda x: [x * (i + 0.5) for i in range(400)], 1.0).code)
    column = np.ones(100)
    for least, most in ((4.3, 5.0), (0.0, 1.0)):
        tracemalloc.start()
        try:
            engine.map([column], 100, None)
            peak = tracemalloc.get_traced_memory()[1] / 2**20
        finally:
            tracemalloc.stop()
        assert least < peak < most


def test_what_all_samples_share_is_computed_once() -> None:
    calls = []

    def counted(x: float) -> float:
        calls.append(math.sqrt(x))  # math refuses Values: the primitive stays a call
        return calls[-1]

    primitive = ag.primitive("counted_root", counted, (lambda y, x: 0.5 / y,))
    with pytest.warns(UserWarning, match="counted_root"):
        engine = Engine(trace(lambda w, x: primitive(w) * x, 4.0, 1.0).code)
    calls.clear()
    (result,) = engine.map([9.0, np.ones(3 * LONGEST)], 3 * LONGEST, None)
    assert calls == [3.0]
    assert (result == 3.0).all()


@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
def test_outputs_that_are_inputs_constants_and_one_another(reduce: str | None) -> None:
    program = trace(lambda w, x: (w, x, 2.0, w * 3.0, x * x, x * x, x * x), 1.0, 1.0)
    results = Engine(program.code).map([5.0, np.array([1.0, 2.0, 3.0])], 3, reduce)
    columns = [[5.0] * 3, [1.0, 2.0, 3.0], [2.0] * 3, [15.0] * 3, *[[1.0, 4.0, 9.0]] * 3]
    if reduce is None:
        assert [result.tolist() for result in results] == columns
        assert not any(
            np.shares_memory(result, other) for result, other in itertools.combinations(results, 2)
        )
    else:
        assert results == [sum(column) / (3 if reduce == "mean" else 1) for column in columns]


def test_no_samples() -> None:
    engine = Engine(trace(lambda w, x: (w, w * x), 1.0, 1.0).code)
    columns = [math.inf, np.empty(0)]
    assert [result.shape for result in engine.map(columns, 0, None)] == [(0,), (0,)]
    assert engine.map(columns, 0, "sum") == [0.0, 0.0]
    assert all(math.isnan(mean) for mean in engine.map(columns, 0, "mean"))


def test_nan_and_inf_come_without_warnings_from_every_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    use_cores(2, monkeypatch)
    engine = Engine(trace(lambda x: (x.log(), 1 / x, x.exp() - x.exp()), 1.0).code)
    column = np.tile([-1.0, 0.0, 1000.0], 2 * LONGEST)
    with np.errstate(all="raise"):
        results = engine.map([column], len(column), None)
    assert np.isnan(results[0][0])
    assert results[1][1] == math.inf
    assert np.isnan(results[2][2])


def test_columns_of_any_layout() -> None:
    engine = Engine(trace(lambda a, b, c: a - b * c, 1.0, 1.0, 1.0).code)
    block = np.arange(30.0).reshape(10, 3)
    columns = [block[::-1, 0], block[:, 1].astype(">f8"), block.T[2]]
    expected = block[::-1, 0] - block[:, 1] * block[:, 2]
    assert engine.map(columns, 10, None)[0].tolist() == expected.tolist()


def test_a_condition_may_be_any_number() -> None:
    """A nan counts as true, as in Python; a comparison that is also a result is a number."""
    engine = Engine(
        trace(lambda c, x: (ag.where(c, x, -x), ag.where(ag.less(x, c), x, c), ag.less(x, c)), 1.0, 1.0).code
    )
    conditions = np.array([0.0, -0.0, math.nan, 2.5])
    results = engine.map([conditions, np.full(4, 2.0)], 4, None)
    assert results[0].tolist() == [-2.0, -2.0, 2.0, 2.0]
    assert results[1][3] == 2.0
    assert results[2].tolist() == [0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("reduce", [None, "sum"])
def test_a_comparison_may_be_a_condition_a_choice_and_a_result_at_once(reduce: str | None) -> None:
    def f(x: ag.Value, y: ag.Value) -> list[ag.Value]:
        below, equal, above = ag.less(x, y), ag.less_equal(x, y), ag.less(y, x)
        return [
            ag.where(below, equal, above),
            ag.where(x, below, above),
            below,
            ag.less(x, 5.0) + ag.less(y, 6.0),
            ag.where(1, above, x),
        ]

    columns = [np.array([0.0, 1.0, 2.0, math.nan]), np.array([1.0, 1.0, -1.0, 1.0])]
    program = trace(f, 0.5, 0.5)
    rows = np.array([program(*point) for point in zip(*(column.tolist() for column in columns))])
    results = Engine(program.code).map(columns, 4, reduce)
    assert np.array_equal(results, rows.sum(axis=0) if reduce else rows.T)


def test_a_users_way_with_arrays_is_taken() -> None:
    shapes = []

    def on_arrays(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        shapes.append(a.shape)
        return np.sqrt(a) + b

    primitive = ag.primitive(
        "root_plus", lambda a, b: math.sqrt(a) + b, (lambda y, a, b: 0.5 / (y - b), 1), on_arrays=on_arrays
    )
    with pytest.warns(UserWarning, match="root_plus"):
        engine = Engine(trace(lambda a, b: primitive(a, b) * 2 + a, 1.0, 1.0).code)
    (result,) = engine.map([np.array([4.0, 9.0]), 1.0], 2, None)
    assert result.tolist() == [10.0, 17.0]
    assert shapes == [(2,)]


level: ContextVar[float] = ContextVar("level", default=0.0)


def _refusing(x: float) -> float:
    if x > 1.0:
        raise LookupError(f"no value for {x}")
    return math.floor(x) + level.get()


refusing = ag.primitive("refusing", _refusing, (0,))


CALLED_BACK = pytest.mark.filterwarnings("ignore:the primitive 'refusing' cannot be traced")


@CALLED_BACK
@pytest.mark.parametrize("cores", [1, 2])
def test_an_exception_in_a_primitive_that_is_called_back_reaches_the_caller(
    cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cores(cores, monkeypatch)
    engine = Engine(_traced_refusing().code)
    count = 6 * LONGEST
    column = np.zeros(count)
    for bad in (0, count - 1):
        column[:] = 0.0
        column[bad] = 2.0
        with pytest.raises(LookupError, match=r"no value for 2\.0"):
            engine.map([column], count, "sum")
    assert engine.map([np.zeros(count)], count, "sum") == [0.0], "the engine is good for the next call"


@CALLED_BACK
def test_contexts_reach_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    use_cores(3, monkeypatch)
    engine = Engine(_traced_refusing().code)
    token = level.set(7.0)
    try:
        (result,) = engine.map([np.zeros(4 * LONGEST)], 4 * LONGEST, None)
    finally:
        level.reset(token)
    assert (result == 7.0).all()


def _traced_refusing() -> Program:
    return trace(lambda x: refusing(x), 0.5)


def test_a_point_and_a_scan_are_computed_as_in_python() -> None:
    program = trace(lambda v, x: (v * 0.5 + x.exp(), v), 1.0, 1.0)
    engine = Engine(program.code)
    assert engine.call([1.0, 0.25]) == list(program(1.0, 0.25))
    carry, (collected,) = engine.scan([1.0], [np.array([0.25, 0.5])], [], 2)
    first = program(1.0, 0.25)
    second = program(first[0], 0.5)
    assert (carry, collected.tolist()) == ([second[0]], [1.0, first[0]])
