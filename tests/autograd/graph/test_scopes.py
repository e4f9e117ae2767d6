"""`scope` and `enclose`: which operations they name, and for how long."""

from __future__ import annotations

import contextlib
import contextvars
import copy
import gc
import pickle
import threading

import pytest

from autograd import Value, detect_anomaly, trace
from autograd.graph.nodes import operands
from autograd.graph.scopes import enclose, scope, scopes_of
from autograd.graph.walks import topological_order


def names(node):
    return [part.name for part in scopes_of(node)]


def test_an_operation_is_in_the_scopes_that_were_open_when_it_was_recorded():
    x = Value(2.0, "x")
    before = x + 1
    with scope("outer") as outer:
        inside = before * 2
        with scope("inner"):
            deep = inside.sin()
        again = deep + inside
    after = again - 1
    assert [names(node) for node in (before, inside, deep, again, after)] == [
        [],
        ["outer"],
        ["outer", "inner"],
        ["outer"],
        [],
    ]
    assert scopes_of(inside)[0] is outer
    assert scopes_of(x) == (), "a leaf belongs to those who use it"


def test_each_opening_is_a_part_of_its_own():
    x = Value(2.0)
    parts = []
    for _ in range(2):
        with scope("part"):
            parts.append(x * 2)
    first, second = map(scopes_of, parts)
    assert first != second


def test_a_scope_ends_where_an_error_leaves_it():
    x = Value(2.0)
    with pytest.raises(KeyError), scope("broken"):
        raise KeyError
    assert names(x * 2) == []


def test_a_function_may_be_a_scope():
    @scope("square")
    def square(x):
        return x * x

    a, b = square(Value(1.0)), square(Value(2.0))
    assert names(a) == names(b) == ["square"]
    assert scopes_of(a) != scopes_of(b)


def test_other_watchers_see_what_a_scope_sees():
    with pytest.raises(FloatingPointError), scope("part"), detect_anomaly():
        Value(0.0).log()
    with detect_anomaly(), scope("part"):
        y = Value(1.0).log()
        y.backward()
    assert names(y) == ["part"]


def test_scopes_change_neither_numbers_nor_gradients():
    def run(context):
        x = Value(0.7)
        with context:
            y = (x.sin() * x).exp()
            y.backward()
        return y.data, x.grad

    assert run(scope("part")) == run(contextlib.nullcontext())


def test_a_thread_has_scopes_of_its_own_unless_it_is_handed_a_context():
    x, scopes = Value(1.0), {}

    def work(name):
        scopes[name] = names(x.sin())

    with scope("main"):
        workers = [
            threading.Thread(target=work, args=["bare"]),
            threading.Thread(target=contextvars.copy_context().run, args=[work, "handed"]),
        ]
        for worker in workers:
            worker.start()
            worker.join()
    assert scopes == {"bare": [], "handed": ["main"]}


def test_a_function_may_be_traced_with_scopes_in_it():
    def f(x):
        with scope("part"):
            return x.sin() * 2

    assert trace(f, 1.0)(0.5) == trace(lambda x: x.sin() * 2, 1.0)(0.5)


@pytest.mark.parametrize("name", [None, 1, b"part"])
def test_a_name_must_be_a_text(name):
    with (
        pytest.raises(TypeError, match=f"name of a scope must be a str, got {type(name).__name__}"),
        scope(name),
    ):
        pass
    with pytest.raises(TypeError, match="name of a scope must be a str"):
        enclose(name, Value(1.0))


def test_results_are_enclosed_with_all_beneath_that_is_in_no_scope_yet():
    x = Value(1.0)
    inner = x.sin()
    product = inner * 2
    outer = product.exp()
    end = outer + 1
    first, second = enclose("first", product), enclose("second", outer, inner)
    assert scopes_of(inner) == scopes_of(product) == (first,)
    assert scopes_of(outer) == (second,)
    assert scopes_of(end) == ()


# How long it is remembered.


def test_scopes_keep_nothing_alive(living_values):
    x = Value(1.0)
    before = living_values()
    with scope("part"):
        v = x
        for _ in range(2_000):
            v = v.cos()
            x.sin()  # which nobody holds
        assert living_values() == before + 2_000
    enclose("whole", v + 1)
    del v
    assert living_values() == before


def test_each_operation_is_in_its_scope_as_long_as_anybody_holds_the_result():
    with scope("kept"):
        end = v = Value(1.0)
        for _ in range(300):
            end = end.sin()
    node, count = end, 0
    while node is not v:
        assert names(node) == ["kept"]
        (node,) = operands(node)
        count += 1
    assert count == 300


def test_copies_and_pickles_have_no_scopes():
    with scope("part"):
        y = Value(1.0).sin() * 2
    for copied in (copy.copy(y), copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        assert [names(node) for node in topological_order(copied)][-1] == []
    assert [names(node) for node in topological_order(copy.deepcopy(y))] == [[], []]
    assert names(y) == ["part"]


def test_threads_record_into_scopes_at_once():
    x, ends = Value(1.0), []

    def work(number):
        with scope(f"thread {number}"):
            for _ in range(50):
                v = x
                for _ in range(100):
                    v = v.sin()
        ends.append((number, v))

    workers = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    gc.collect()
    for number, v in ends:
        while v is not x:
            assert names(v) == [f"thread {number}"]
            (v,) = operands(v)
