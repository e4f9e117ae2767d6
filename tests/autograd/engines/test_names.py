"""Whatever users call their functions, inputs, results and primitives, generated source computes the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest

import autograd as ag
from autograd import trace
from autograd.engines import compiled, engine_names
from autograd.primitives.operation import _registered
from autograd.primitives.primitive import Primitive
from autograd.programs.program import Program

ENGINES = engine_names() if find_spec("llvmlite") else ("numpy", "python")

pytestmark = pytest.mark.filterwarnings("ignore:the primitive .* cannot be traced")


@pytest.fixture(autouse=True)
def _registered_here_only() -> Iterator[None]:
    before = dict(_registered)
    yield
    _registered.clear()
    _registered.update(before)


def called_back(name: str, scale: float) -> Primitive:
    """A primitive that multiplies by a number and cannot be traced."""
    return ag.primitive(name, lambda x: math.ldexp(x, 0) * scale, (scale,))


def run_source(program: Program, *inputs: float) -> Any:
    namespace: dict[str, Any] = {}
    exec(program.source, namespace)
    return namespace["program"](*inputs)


def check(program: Program, *inputs: float) -> None:
    """The source and every engine give what the program gives."""
    expected = program(*inputs)
    assert run_source(program, *inputs) == (expected,)
    for engine in ENGINES:
        assert compiled(program.code, engine).call(inputs) == [expected], engine


def test_names_that_python_takes_for_one_another_stay_two() -> None:
    ligature, letters = called_back("ﬁ", 3.0), called_back("fi", 5.0)
    check(trace(lambda x: ligature(x) - letters(x), 1.0), 2.0)
    check(trace(lambda x: letters(x) - ligature(x), 1.0), 2.0)


def test_an_input_that_python_takes_for_a_primitive_does_not_hide_it() -> None:
    letters = called_back("fi", 5.0)
    scope: dict[str, Any] = {"fi": letters}
    exec("primitive = fi\ndef f(fi, fi_2): return primitive(fi) + fi_2", scope)
    check(trace(scope["f"], 1.0, 1.0), 2.0, 7.0)
    program = trace(lambda x, y: letters(x) + y, 1.0, 1.0)
    program.code.inputs = ("ﬁ", "fi")
    check(program, 2.0, 7.0)


@pytest.mark.parametrize(
    "name",
    [
        *["program", "math", "abs", "complex", "float", "ValueError", "OverflowError", "ZeroDivisionError"],
        *[
            "find_operation",
            "__debug__",
            "__name__",
            "__builtins__",
            "__import__",
            "_",
            "__",
            "match",
            "print",
        ],
        *["Größe", "größe", "α", "v", "t1", "x", "x_2", "_x", "tuple", "range"],
    ],
)
def test_a_primitive_may_have_any_name(name: str) -> None:
    own = called_back(name, 3.0)
    check(trace(lambda x: _mixed(own, x), 1.0), 2.0)
    program = trace(lambda x: own(x) * 2.0, 1.0)
    program.code.inputs = (name,)
    check(program, 2.0)


def _mixed(own: Callable[[Any], Any], x: Any) -> Any:
    """A number that needs what the library's own functions need: math, abs, complex and the exceptions."""
    overflowing = ag.less(ag.hypot(x * 1e308, 1.5e308), math.inf) + ag.less(ag.exp(x * 1e9), math.inf)
    return own(x) + overflowing + ag.where(ag.log(-abs(x)), 1.0, 0.0) + ag.less(1.0 / (x * 0.0), 0.0)


@pytest.mark.parametrize(
    "label", ["__debug__", "math", "abs", "None", "ﬁ", "log", "program", "１", "x y", "\0"]
)
def test_a_result_and_an_input_may_have_any_label(label: str) -> None:
    def f(x: Any, y: Any) -> Any:
        result = abs(x) * y
        result.label = label
        return ag.log(result) + ag.where(ag.log(-result), 1.0, 0.0)

    program = trace(f, 1.0, 1.0)
    check(program, 2.0, 3.0)
    program.code.inputs = (label, label)
    check(program, 2.0, 3.0)


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "<lambda>", "a\nb", '"""', "\\"])
def test_a_function_may_have_any_name(name: str) -> None:
    def f(x: Any) -> Any:
        return x * 2 + 1

    f.__name__ = name
    check(trace(f, 1.0), 3.0)
    for engine in ENGINES:
        assert ag.jit(f, engine=engine)(3.0) == 7.0


def test_many_results_of_one_label_are_told_apart_in_little_time() -> None:
    def f(x: Any) -> Any:
        for _ in range(5_000):
            x = x * 1.0001
            x.label = "x"
        return x

    check(trace(f, 1.0), 1.5)


def test_a_program_keeps_the_primitive_that_it_was_traced_with() -> None:
    first = called_back("registered_twice", 3.0)
    program = trace(lambda x: first(x), 1.0)
    called_back("registered_twice", 5.0)
    for engine in ENGINES:
        assert compiled(program.code, engine).call([2.0]) == [program(2.0)] == [6.0]
