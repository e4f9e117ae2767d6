"""`scope` and `enclose`: which operations they name, and for how long."""

from __future__ import annotations

import contextlib
import contextvars
import gc
import threading

import pytest

from autograd import Value, detect_anomaly, trace
from autograd.graph import scopes as module
from autograd.graph.scopes import enclose, scope, scopes_of


def names(node):
    return [one.name for one in scopes_of(node)]


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
    with scope("part"), detect_anomaly(), pytest.raises(FloatingPointError):
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
    x, found = Value(1.0), {}

    def work(name):
        found[name] = names(x.sin())

    with scope("main"):
        workers = [
            threading.Thread(target=work, args=["bare"]),
            threading.Thread(target=contextvars.copy_context().run, args=[work, "handed"]),
        ]
        for worker in workers:
            worker.start()
            worker.join()
    assert found == {"bare": [], "handed": ["main"]}


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


def test_what_nobody_holds_is_forgotten(living_values):
    table = module._Table()
    x = Value(1.0)
    there = living_values()
    kept = x.sin()
    for _ in range(20):
        v = kept
        for _ in range(200):
            v = v.cos()
            table.put(v, ())
    assert living_values() <= there + 2 * module._FEWEST
    del v
    table.sweep()
    assert living_values() == there + 1, "a whole graph goes at once, though its nodes hold each other"
    assert table.paths == {}


def test_what_somebody_holds_is_kept():
    table = module._Table()
    v = Value(1.0)
    with scope("kept"):
        for _ in range(300):
            v = v.sin()
            table.put(v, scopes_of(v))
    table.sweep()
    assert len(table.paths) == 300, "the last one holds all before it"
    alone = [v.cos()]
    table.put(alone[0], ())
    table.sweep()
    assert len(table.paths) == 301


def test_a_sweep_during_a_sweep_does_nothing():
    """As where the garbage collector, run by one, calls code that opens a scope."""
    table = module._Table()
    table.put(Value(1.0).sin(), ())
    with table._sweeping:
        table.sweep()
    assert len(table.paths) == 1
    table.sweep()
    assert table.paths == {}


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
        while v._primitive is not None:
            assert names(v) == [f"thread {number}"]
            v = v._left
