"""No recursion anywhere: a graph, and a program, of 20,000 operations in a chain, with few frames left.

Deleting has its tests in `test_copying`, `Value.backward` in `test_backward`.
"""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from autograd import (
    Program,
    Value,
    check_gradients,
    compare,
    derive,
    draw,
    explain,
    grad,
    hessian,
    jit,
    jvp,
    trace,
    vmap,
)
from autograd.engines import compiled, engine_names
from autograd.graph.scopes import enclose, scopes_of

LENGTH = 20_000  # the frames left are 60
SHORT = 2_000  # for what is done to each operation many times over


def chain(x, length=LENGTH):
    y = x
    for _ in range(length // 2):
        y = y * x + 0.001
    return y


@pytest.fixture(scope="module")
def deep() -> Value:
    return chain(Value(0.5, "x"))


@pytest.fixture(scope="module")
def program() -> Program:
    return trace(chain, 0.5)


@pytest.fixture(scope="module", autouse=True)
def _imported():
    """What is imported, or compiled once a process, is not what is tested."""
    check_gradients(lambda x: x * 2, 1.0)
    for engine in engine_names():
        jit(lambda x: x * 2, engine=engine)(1.0)


@pytest.mark.usefixtures("few_frames_left")
def test_a_deep_graph_is_printed_copied_pickled_and_put_into_a_scope(deep):
    assert repr(deep) == "Value(data=0.002, grad=0.0)"
    assert copy.copy(deep).data == copy.deepcopy(deep).data == deep.data
    assert pickle.loads(pickle.dumps(deep)).data == deep.data
    scope = enclose("all of it", deep)
    assert scopes_of(deep) == (scope,)


@pytest.mark.usefixtures("few_frames_left")
def test_a_deep_graph_is_drawn_in_part_and_says_so(deep):
    assert "of 20001 nodes are drawn" in draw(deep).notice
    assert deep._repr_svg_() is None


@pytest.mark.usefixtures("few_frames_left")
def test_what_nobody_would_read_is_refused_with_advice(deep):
    with pytest.raises(ValueError, match=r"20001 nodes.*explain a smaller part"):
        explain(deep)
    with pytest.raises(ValueError, match=r"2000 operations.*derive a smaller part"):
        derive(lambda x: chain(x, SHORT), 0.5)


@pytest.mark.usefixtures("few_frames_left")
def test_a_deep_formula_is_differentiated_by_every_transform():
    slope = grad(chain)(0.5)
    assert slope == pytest.approx(0.004, rel=1e-12)  # y = x y + 0.001 has y = 0.002 and y' = y / (1 - x)
    assert jvp(chain, (0.5,), (1.0,))[1] == pytest.approx(slope, rel=1e-12)
    assert hessian(lambda x: chain(x, SHORT))(0.5) == pytest.approx(0.016, rel=1e-12)


@pytest.mark.usefixtures("few_frames_left")
def test_a_deep_formula_is_checked_and_compared():
    def short(x):
        return chain(x, SHORT)

    assert check_gradients(short, 0.5).passed
    assert "FAILED" in str(compare(short, lambda x: 1.0, 0.5))


@pytest.mark.usefixtures("few_frames_left")
def test_a_deep_program_is_printed_saved_copied_and_drawn(program, tmp_path):
    assert len(program) == LENGTH
    assert str(program).count("\n") == LENGTH + 2
    assert repr(program).startswith("<Program chain")
    program.save(tmp_path / "program")
    assert Program.load(tmp_path / "program")(0.5) == program(0.5)
    assert pickle.loads(pickle.dumps(program))(0.5) == program(0.5)
    assert len(copy.deepcopy(program)) == LENGTH
    assert program.source.count("\n") > LENGTH
    assert "of 20001 nodes are drawn" in draw(program).notice
    assert program._repr_svg_() is None


@pytest.mark.usefixtures("few_frames_left")
@pytest.mark.parametrize("engine", engine_names())
def test_a_deep_program_runs_on_every_engine(engine, program):
    run = compiled(program.code, engine)
    assert run.call([0.5]) == [program(0.5)]
    assert run.map([0.5], 1, "sum") == [program(0.5)]


@pytest.mark.usefixtures("few_frames_left")
@pytest.mark.parametrize("engine", engine_names())
def test_a_deep_formula_is_traced_simplified_and_compiled(engine):
    def short(x):
        return chain(x, SHORT)

    assert jit(grad(short), engine=engine)(0.5) == grad(short)(0.5)
    assert vmap(short, engine=engine)(np.full(3, 0.5)) == pytest.approx(short(0.5), rel=1e-12)
