"""A user's function follows IEEE 754 and runs on other numbers, however it is written, and stays as it is."""

from __future__ import annotations

import math
import math as maths
import sys
import types
from collections.abc import Callable
from math import log

import pytest

from autograd import Value, check_gradients, primitive
from autograd.primitives.ieee import evaluate

calls = 0
latest = None


def counted(x: float) -> float:
    global calls
    calls += 1
    return math.log(x)


def counted_twice(x: float) -> float:
    """What it counts is seen by whoever looks while it runs, rewritten or not."""
    global calls, latest
    calls += 1
    assert Looking.at_calls() == calls
    latest = counted(x)
    return latest


class Looking:
    @staticmethod
    def at_calls() -> int:
        return calls


def by_attribute(x: float) -> float:
    by_attribute.calls += 1  # type: ignore[attr-defined]
    return math.log(x)


by_attribute.calls = 0  # type: ignore[attr-defined]


def through_globals(x: float) -> float:
    globals()["latest"] = x
    assert "latest" in globals()
    return log(x)


def deep(x: float, depth: int = 3) -> float:
    return math.log(x) if depth == 0 else deep(x, depth - 1)


def late(x: float) -> float:
    """Imports, and makes functions and a class, while it runs."""
    from os import path

    class Local:
        one = x - x + path.isabs("/")

    return (lambda: maths.log(x) * Local.one)()


def calling_itself() -> Callable[[float], float]:
    def forward(x: float, depth: int = 2) -> float:
        return math.log(x) if depth == 0 else forward(x, depth - 1)

    return forward


def calling_each_other() -> Callable[[float], float]:
    def even(x: float, depth: int = 4) -> float:
        return math.log(x) if depth == 0 else odd(x, depth - 1)

    def odd(x: float, depth: int) -> float:
        return even(x, depth - 1)

    return even


def by_keyword(x: float, *, function: Callable[[float], float] = math.log) -> float:
    return function(x)


def by_default(x: float, function: Callable[[float], float] = log) -> float:
    return function(x)


WRITTEN = {
    "a global": lambda x: math.log(x),
    "a module by another name": lambda x: maths.log(x),
    "imported from math": lambda x: log(x),
    "a default": by_default,
    "a default by keyword": by_keyword,
    "a helper": lambda x: counted(x),
    "recursive": deep,
    "a closure that calls itself": calling_itself(),
    "closures that call each other": calling_each_other(),
    "imports and classes": late,
    "globals": through_globals,
}
each_way = pytest.mark.parametrize("way", WRITTEN)


@each_way
def test_where_math_raises_ieee_answers(way: str) -> None:
    function = primitive("rewriting_forward", WRITTEN[way], (lambda y, x: 1 / x,))
    assert function(0.0) == -math.inf
    assert function(Value(0.0)).data == -math.inf
    assert math.isnan(function(-1.0))
    assert function(2.0) == math.log(2.0)


@each_way
def test_it_is_checked_in_high_precision(way: str) -> None:
    function = primitive("rewriting_checked", WRITTEN[way], (lambda y, x: 1 / x,))
    report = check_gradients(function, 0.7, method="high-precision")
    assert report.passed, report
    assert not check_gradients(
        primitive("rewriting_wrong", WRITTEN[way], (lambda y, x: 1.0000001 / x,)),
        0.7,
        method="high-precision",
    )


@pytest.fixture
def counting_from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "calls", 0)


@pytest.mark.usefixtures("counting_from_zero")
@pytest.mark.parametrize(("forward", "expected"), [(counted, 2), (counted_twice, 4)])
def test_what_a_function_counts_in_its_module_is_counted(
    forward: Callable[[float], float], expected: int
) -> None:
    """Once where `math` raises, and once again under IEEE 754's rules."""
    function = primitive("rewriting_counted", forward, (lambda y, x: 1 / x,))
    function(0.0)
    if forward is counted_twice:
        assert latest == -math.inf
    assert calls == expected
    function(1.0)
    assert calls == expected + expected // 2


def test_what_a_closure_counts_is_counted() -> None:
    total, arguments = 0, []

    def forward(x: float) -> float:
        nonlocal total
        total += 1
        arguments.append(x)
        return math.log(x)

    primitive("rewriting_closure", forward, (lambda y, x: 1 / x,))(0.0)
    assert total == len(arguments) == 2


def test_what_a_function_counts_on_itself_is_counted() -> None:
    before = by_attribute.calls  # type: ignore[attr-defined]
    evaluate(by_attribute, 0.0)
    assert by_attribute.calls == before + 1  # type: ignore[attr-defined]


def test_what_it_counted_is_there_when_it_raises() -> None:
    def refusing(x: float) -> float:
        global latest
        latest = "refused"
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        evaluate(refusing, 0.0)
    assert latest == "refused"


def test_the_users_module_stays_as_it_is() -> None:
    before = dict(globals())
    evaluate(lambda x: math.log(x) + deep(x) + by_default(x), 0.0)
    assert globals() == before


@pytest.fixture
def users_module() -> types.ModuleType:
    module = types.ModuleType("users_helpers")
    source = """
import math
calls = 0
def safe(x):
    global calls
    calls += 1
    return math.log(x)
"""
    exec(source, vars(module))
    return module


def test_a_function_of_a_users_module_is_rewritten_too(users_module: types.ModuleType) -> None:
    assert evaluate(lambda x: users_module.safe(x), 0.0) == -math.inf
    assert users_module.calls == 1

    def set_there(x: float) -> float:
        users_module.calls = 10
        return users_module.math.log(x)

    assert evaluate(set_there, 0.0) == -math.inf
    assert users_module.calls == 10


def test_a_helper_that_is_replaced_is_the_one_that_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    function = primitive("rewriting_replaced", lambda x: counted(x), (lambda y, x: 1 / x,))
    assert check_gradients(function, 0.7, method="high-precision").passed
    monkeypatch.setattr(sys.modules[__name__], "counted", lambda x: x * x)
    assert not check_gradients(function, 0.7, method="high-precision").passed
