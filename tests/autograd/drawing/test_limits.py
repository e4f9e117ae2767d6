"""`max_nodes`, that no graph within it keeps a reader waiting for ever, and texts of any length."""

from __future__ import annotations

import random

import pytest

from autograd import Value, draw, primitive, scope, trace
from autograd.drawing import value_sketch as values
from autograd.drawing.repeats import LONGEST, repeated
from autograd.drawing.sketch import Look, nearest
from autograd.drawing.value_sketch import has_more_than, sketch_of_values
from autograd.graph.nodes import operands
from tests.autograd.drawing.reading import edges, labels, nodes, texts


def chain(length):
    v = Value(1.0, "start")
    for _ in range(length):
        v = v.sin()
    v.label = "end"
    return v


def test_beyond_the_limit_what_is_nearest_to_the_result_is_drawn_and_a_notice_says_so():
    picture = draw(chain(100), max_nodes=5)
    assert labels(picture).count("sin") == 4
    assert not any(label.startswith("start") for label in labels(picture))
    [cut] = [node for node in nodes(picture).values() if node["label"].startswith("… |")]
    assert "dashed" in cut["style"]
    notice = "5 of 101 nodes are drawn, those nearest to the result"
    assert notice in texts(picture.pipe())
    assert notice in repr(picture)
    assert 'fold="layers"' in picture.notice
    assert "max_nodes=" in picture.notice


def test_within_the_limit_nothing_is_left_out():
    picture = draw(chain(4), max_nodes=5)
    assert picture.notice == ""
    assert len(nodes(picture)) == 9


def test_the_limit_may_be_one():
    assert [label.split(" | data")[0] for label in labels(draw(chain(3), max_nodes=1))] == ["… | end"]


def test_the_limit_is_kept_wherever_the_graph_is_wide():
    r = random.Random(0)
    values = [Value(r.random(), f"x{i}") for i in range(5)]
    for _ in range(200):
        values.append(r.choice(values) * r.choice(values) + r.choice([r.choice(values), 2.0]))
    for most in (1, 2, 3, 10, 50, 80):
        sketch = nearest(sketch_of_values((values[-1], values[-2])), most)
        assert 0.8 * most <= sum(node.look is not Look.CONSTANT for node in sketch.nodes) <= most
        for place, node in enumerate(sketch.nodes):
            assert all(operand < place for operand in node.operands)


def test_a_program_and_a_folded_graph_have_the_limit_too():
    program = trace(lambda x: x.sin().cos().exp().tanh(), 1.0)
    assert "3 of 5 nodes" in draw(program, max_nodes=3).notice
    assert sorted(edge[:2] for edge in edges(draw(program, max_nodes=2))) == [
        ("tanh", "result"),
        ("…", "tanh"),
    ]
    assert "fold" not in draw(chain(9) * Value(1.0), fold="layers", max_nodes=2).notice


@pytest.mark.parametrize("most", [0, -1])
def test_a_limit_below_one_is_refused(most):
    with pytest.raises(ValueError, match=f"max_nodes must be at least 1, got {most}"):
        draw(Value(1.0), max_nodes=most)


def test_whether_a_graph_is_large_is_found_without_going_through_it(monkeypatch):
    large, visited = chain(1_000), []
    assert has_more_than(large, 1_000)
    assert not has_more_than(large, 1_001)
    assert not has_more_than(Value(1.0), 1)
    assert not has_more_than(Value(1.0) * 2.0 + 3.0, 3), "constants do not count"
    shared = Value(1.0)
    for _ in range(60):
        shared = shared + shared
    assert not has_more_than(shared, 61), "each value counts once"
    monkeypatch.setattr(values, "operands", lambda node: visited.append(node) or operands(node))
    assert has_more_than(large, 10)
    assert len(visited) == 10


def shared(length):
    a, v = Value(0.5, "a"), Value(0.0, "v")
    for _ in range(length):
        v = v + a
    return v


def network(*widths):
    values = [Value(0.5, f"x{i}") for i in range(widths[0])]
    for width in widths[1:]:
        values = [sum((Value(0.1, "w") * v for v in values), Value(0.0, "b")).tanh() for _ in range(width)]
    return values[0]


def at_random(length):
    r = random.Random(0)
    nodes, unused = [Value(r.random(), f"x{i}") for i in range(20)], {}
    for _ in range(length):
        a, b = r.choice(nodes), r.choice(nodes)
        node, operands = r.choice([(a.sin(), [a]), (a.tanh(), [a]), (a * b, [a, b]), (a - b, [a, b])])
        unused = {node: None for node in [*unused, node] if node not in set(operands)}
        nodes.append(node)
    return tuple(unused)


# 2,000 operations each.
GRAPHS = {"chain": (shared, 2_000), "mlp": (network, 2, 29, 29, 1), "random": (at_random, 2_000)}


@pytest.mark.usefixtures("only_pygraphviz")
@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_of_2000_operations_are_laid_out(name):
    make, *sizes = GRAPHS[name]
    results = make(*sizes)
    picture = draw(*(results if isinstance(results, tuple) else [results]), max_nodes=4_000)
    assert picture.notice == ""
    assert picture.pipe("svg", timeout=40).rstrip().endswith(b"</svg>")


def test_lines_go_no_further_than_dot_can_manage():
    """A hub of 666 uses in a row: each line would cross as many columns, and dot take a minute."""
    h = Value(0.5, "x").exp()
    sketch = sketch_of_values((sum((h + i).sin() for i in range(666)),))
    again = repeated(sketch)
    place = [node.tooltip for node in sketch.nodes].index("exp")
    uses = [user for user, node in enumerate(sketch.nodes) if place in node.operands]
    joined = [user for user in uses if (user, place) not in again]
    assert len(uses) == 666
    assert 0 < len(joined) <= LONGEST + 2


@pytest.mark.parametrize(("length", "repeats"), [(500, 0), (700, 665)])
def test_lines_that_cross_20000_columns_together_are_not_all_drawn(length, repeats):
    """Each value is used by the next one, and 35 columns on: 35 * 665 is too much, 35 * 465 is not."""
    steps = [Value(0.5, "x").exp()]
    for i in range(length):
        steps.append(steps[-1] * steps[-35] if i >= 35 else steps[-1].sin())
    assert len(repeated(sketch_of_values((steps[-1],)))) == repeats


@pytest.mark.parametrize(("length", "style"), [(500, None), (501, "line")])
def test_a_graph_of_more_than_500_operations_has_straight_lines(length, style):
    """Dot would take too long over the curves."""
    assert draw(chain(length)).graph_attr.get("splines") == style


LONG = {
    "characters": "x" * 17_000,
    "to be escaped": "&|" * 8_500,
    "of four bytes": "\U0001f600" * 17_000,
    "lines": "x\n" * 17_000,
    "long lines": f"{'&' * 100}\n" * 170,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_texts_of_any_length_are_drawn_shortened(text):
    """dot takes strings of 16384 bytes, in boxes and in tooltips."""
    with scope(text):
        value = Value(1.0, text) * 2.0
    value.label = text
    pictures = [draw(value), draw(trace(lambda x: {text: x * 2.0, "twice": [x * 2.0] * 100}, 1.0))]
    for picture in pictures:
        assert len(picture.pipe()) < 100_000
        assert "…" in picture.source


def test_a_name_of_any_length_is_drawn_shortened():
    long = primitive("long_" + "x" * 17_000, lambda x: x, (1.0,))
    assert "long_xxx" in str(texts(draw(long(Value(1.0))).pipe()))


def test_a_result_that_is_returned_many_times_is_drawn():
    def many(x):
        y = x * 2.0
        return [y] * 5_000

    assert "result[0]" in texts(draw(trace(many, 1.0)).pipe())


@pytest.mark.parametrize("label", ["\x00", "\\", 'a"b', "\ud800", "a\\"])
def test_a_tooltip_holds_whatever_a_label_does(label):
    def product(x):
        y = x * 2.0
        y.label = label
        return y.sin()

    assert "sin" in texts(draw(trace(product, 1.0)).pipe())
