"""`fold`: what is alike drawn as one, with what a person would count in it."""

from __future__ import annotations

import contextvars

import pytest

import autograd
from autograd import Value, draw, scope, trace
from autograd.drawing.folding import FOLDS
from autograd.drawing.value_sketch import sketch_of_values
from tests.autograd.drawing.reading import boxes, edges, labels, texts


def layer(number, inputs, width):
    """tanh(sum of w*x, and b), as often as wide."""
    return [
        sum(
            (Value(0.1 * i, f"w{number}[{j},{i}]") * x for i, x in enumerate(inputs)),
            Value(0.5, f"b{number}[{j}]"),
        ).tanh()
        for j in range(width)
    ]


def mlp(*widths):
    values = [Value(1.0 + i, f"x{i}") for i in range(widths[0])]
    for number, width in enumerate(widths[1:], 1):
        values = layer(number, values, width)
    return values[0]


def words(picture):
    """The nodes of a picture by their text without numbers, and the edges between these."""
    return {label.split(" | data")[0] for label in labels(picture)}, {
        (tail.split(" | data")[0], head.split(" | data")[0]) for tail, head, _ in edges(picture)
    }


def test_an_mlp_is_a_box_a_layer_with_its_inputs_weights_and_biases():
    drawn, joined = words(draw(mlp(2, 4, 4, 1), fold="layers"))
    first, second, last = "4 tanh | of 8 *, 8 +", "4 tanh | of 16 *, 16 +", "tanh | of 4 *, 4 +"
    assert joined == {
        ("2 inputs | x0, x1", first),
        ("8 inputs | w1[0,0] … w1[3,1]", first),
        ("4 inputs | b1[0] … b1[3]", first),
        (first, second),
        ("16 inputs | w2[0,0] … w2[3,3]", second),
        ("4 inputs | b2[0] … b2[3]", second),
        (second, last),
        ("4 inputs | w3[0,0] … w3[0,3]", last),
        ("b3[0]", last),
    }
    assert drawn == {name for edge in joined for name in edge}


def test_a_program_folds_like_the_graph_of_its_values():
    def net(weights, x):
        for rows in weights:
            x = [sum((w * value for w, value in zip(row, x)), 0.0).tanh() for row in rows]
        return x

    program = trace(net, [[[0.1] * 2] * 4, [[0.1] * 4]], [1.0, 2.0])
    _, joined = words(draw(program, fold="layers"))
    hidden = "4 tanh | of 8 *, 8 +"
    assert {(hidden, "result[0] | tanh | of 4 *, 4 +"), ("2 inputs | x[0], x[1]", hidden)} <= joined


def test_a_box_has_the_extremes_of_its_results_and_the_colour_of_the_largest_gradient():
    weights = [Value(0.25 * i, f"w{i}") for i in range(1, 4)]
    loss = sum(w.exp() for w in weights)
    loss.backward()
    shown = labels(draw(loss, fold="layers"))
    assert "3 exp | data 1.284 … 2.117 | grad 1" in shown
    assert "3 inputs | w1 … w3 | data 0.25 … 0.75 | grad 1.284 … 2.117" in shown


def test_what_is_alike_across_a_batch_is_one_box():
    w = Value(0.5, "w")
    loss = sum(((w * x - 1.0) ** 2 for x in (1.0, 2.0, 3.0)), 0.0)
    assert words(draw(loss, fold="layers"))[0] == {"w", "+ | of 3 *, 3 -, 3 **, 2 +", "0 … 3"}


@pytest.mark.parametrize(
    ("total", "operations"), [(lambda *terms: sum(terms[1:], terms[0]), 13), (autograd.maximum, 6)]
)
def test_sums_are_alike_however_many_terms_they_have_and_in_whichever_order(total, operations):
    x = [Value(float(i), f"x{i}") for i in range(8)]
    in_pairs = total(total(x[0], x[1]), total(x[2], x[3]))
    sums = [total(*x[:2]), total(*x[3:6]), total(*x), in_pairs]
    drawn, _ = words(draw(*(value.sin() for value in sums), fold="layers"))
    symbol = sums[0]._op
    assert f"4 sin | of {operations} {symbol}" in drawn


def test_an_extreme_of_what_holds_a_nan_is_nan():
    x = [Value(number, f"x{i}") for i, number in enumerate((1.0, -1.0, 2.0))]
    assert "3 log | data nan | grad 0" in labels(draw(*(value.log() for value in x), fold="layers"))


def test_equal_layers_in_a_row_are_one_box():
    v, a = Value(0.1, "v"), Value(0.5, "a")
    for _ in range(1_000):
        v = v.sin() + a
    drawn, _ = words(draw(v, fold="layers"))
    assert "999 layers in a row, together | sin | of 999 +, 998 sin" in drawn
    assert len(drawn) == 7
    drawn, _ = words(draw(mlp(2, *[3] * 9, 1), fold="layers"))
    assert "8 layers in a row, together | 3 tanh | of 72 *, 72 +, 21 tanh" in drawn


def in_a_row(*results):
    """The rows of layers that are drawn as one box: how many layers each has."""
    shown = labels(draw(*results, fold="layers"))
    return sorted(int(label.split()[0]) for label in shown if "layers in a row" in label)


def chain(length, step):
    """A value, and what it becomes step by step."""
    a, b = Value(0.5, "a"), Value(0.25, "b")
    steps = [Value(0.1, "v")]
    for i in range(length):
        steps.append(step(i, steps[-1], a, b))
    return steps


@pytest.mark.parametrize(("length", "rows"), [(3, []), (4, [3]), (9, [8])])
def test_three_layers_make_a_row(length, rows):
    """The first step is no layer like the others: it has an input where they have a result."""
    assert in_a_row(chain(length, lambda i, v, a, b: v.sin() + a)[-1]) == rows


@pytest.mark.parametrize(
    ("fifth", "rows"),
    [
        (lambda v, a, b: v.sin() + a + b, [3, 4]),
        (lambda v, a, b: v.tanh() + a, [3, 4]),
        (lambda v, a, b: v.sin() + b.cos(), [4, 4]),
    ],
    ids=["has more in it", "has something else in it", "uses another layer as well"],
)
def test_a_row_ends_with_a_layer_that(fifth, rows):
    steps = chain(9, lambda i, v, a, b: fifth(v, a, b) if i == 4 else v.sin() + a)
    assert in_a_row(steps[-1]) == rows


def test_a_layer_with_a_label_or_a_second_use_or_that_is_a_result_is_in_no_row():
    steps = chain(9, lambda i, v, a, b: v.sin() + a)
    assert in_a_row(steps[-1], steps[5]) == [3, 4]
    assert in_a_row(steps[-1] + steps[5].cos()) == [3, 4]
    steps = chain(9, lambda i, v, a, b: v.sin())
    for i, step in enumerate(steps):
        step.label = f"step {i}"
    assert in_a_row(steps[-1]) == []


def test_an_operation_that_two_layers_use_is_in_neither():
    h = Value(2.0, "x") * Value(3.0, "y")
    _, joined = words(draw(h.sin() + h.cos(), fold="layers"))
    assert ("*", "data 6 | grad 0") in joined
    assert {("data 6 | grad 0", "sin"), ("data 6 | grad 0", "cos")} <= joined


def test_a_layer_ends_with_a_scope():
    with scope("outer"):
        with scope("inner"):
            product = Value(2.0, "x") * Value(3.0, "y")
        total = product + 1.0
    assert {"*", "+", "-"} <= words(draw(total - 1.0, fold="layers"))[0]


def test_operations_are_alike_whichever_operand_comes_first_only_where_that_does_not_matter():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    products, differences = (
        ((x.sin() * y).exp(), (y * x.sin()).exp()),
        ((x.sin() - y).exp(), (y - x.sin()).exp()),
    )
    assert "2 exp | of 2 *" in words(draw(*products, fold="layers"))[0]
    assert "2 exp | of 2 -" not in words(draw(*differences, fold="layers"))[0]


def test_inputs_constants_and_results_are_not_alike():
    x = Value(2.0, "x")
    products = [x.sin() * x, x * 3.0, x.sin() * 3.0]
    drawn, _ = words(draw(*(product.exp() for product in products), fold="layers"))
    assert "2 sin" in drawn
    assert not any("2 exp" in label or "3 exp" in label for label in drawn)


def test_an_input_that_is_a_result_as_well_is_a_box_of_its_own():
    x, y = Value(1.0, "x"), Value(2.0, "y")
    assert "2 inputs | x, y" in words(draw(x.sin() + y.sin(), fold="layers"))[0]
    assert {"x", "y"} <= words(draw(x.sin() + y.sin(), x, fold="layers"))[0]


def test_an_operation_alone_keeps_its_constants():
    x = Value(1.0, "x")
    _, joined = words(draw(autograd.where(x, 5.0, 7.0).exp(), fold="scopes"))
    assert {("5", "where"), ("7", "where")} <= joined


def test_a_box_names_five_kinds_of_operations_and_counts_the_rest():
    x = Value(1.0, "x")
    with scope("part"):
        y = (x.sin().sin().sin() * x.cos().cos() * x.tanh() - x.exp() / x).log()
    drawn, _ = words(draw(y + 1.0, fold="scopes"))
    assert "part | log | of 3 sin, 2 cos, 2 *, tanh, exp and 2 more" in drawn


def test_a_box_of_a_programs_results_has_their_labels_and_not_what_they_are_called_outside():
    def f(x, w):
        products = [(x * weight).sin() for weight in w]
        for i, product in enumerate(products):
            product.label = f"h{i}"
        return products

    drawn, _ = words(draw(trace(f, 1.0, [1.0] * 4), fold="layers"))
    assert "h0 … h3 | 4 sin | of 4 *" in drawn


def test_a_folded_sketch_has_each_box_after_those_that_it_uses():
    a, b, x = Value(1.0, "a"), Value(2.0, "b"), Value(3.0, "x")
    sketch = FOLDS["layers"](sketch_of_values((a * b + x.sin(),)))
    assert len(sketch.nodes) == 5
    assert all(operand < place for place, node in enumerate(sketch.nodes) for operand in node.operands)


def test_what_has_a_label_ends_a_layer():
    x = [Value(float(i), f"x{i}") for i in range(4)]
    products = [a * 2.0 for a in x]
    for i, product in enumerate(products):
        product.label = f"p{i}"
    drawn, _ = words(draw(sum(products[1:], products[0]) * 3.0, fold="layers"))
    assert "p0 … p3 | 4 *" in drawn


def test_scopes_stay_and_those_that_are_alike_become_one():
    values = [Value(1.0, "x0"), Value(2.0, "x1")]
    heads = []
    for h in range(3):
        with scope(f"head {h}"), scope("score"):
            heads += layer(h, values, 1)
    with scope("end"):
        total = heads[0] * heads[1] + heads[2]
    contents = boxes(draw(total, fold="layers").pipe())
    assert contents.keys() == {"head 0 … head 2", "score × 3", "end"}
    assert "3 tanh" in contents["score × 3"]
    assert "3 tanh" in contents["head 0 … head 2"]


def test_folding_scopes_draws_each_outermost_one_as_one_box():
    x = Value(1.0, "x")
    with scope("inner"):
        h = layer(1, [x, x * 2.0], 2)
        with scope("nested"):
            y = h[0] * h[1]
    _, joined = words(draw(y + 1.0, fold="scopes"))
    assert ("x", "inner | * | of 5 *, 4 +, 2 tanh") in joined
    assert ("inner | * | of 5 *, 4 +, 2 tanh", "+") in joined


def test_scopes_that_use_each_other_fold_all_the_same():
    def elsewhere(value):
        with scope("b"):
            return value.cos()

    with scope("a"):
        value = contextvars.Context().run(elsewhere, Value(1.0, "x").sin()).exp()
    _, joined = words(draw(value, fold="scopes"))
    assert joined == {("x", "a | sin, exp"), ("a | sin, exp", "b | cos"), ("b | cos", "a | sin, exp")}


def test_a_graph_of_nothing_alike_folds_into_fewer_nodes_or_as_many():
    x, y = Value(1.0, "x"), Value(2.0, "y")
    z = (x.sin() * y).exp() - x / y
    assert len(labels(draw(z, fold="layers"))) <= len(labels(draw(z)))
    assert words(draw(x, fold="layers"))[0] == {"x"}


def test_a_deep_graph_folds_without_recursion(few_frames_left):
    v = Value(0.5, "v")
    for i in range(5_000):
        v = v.sin() if i % 7 else v * v
    assert len(labels(draw(v, fold="layers"))) < 5_000


@pytest.mark.parametrize("fold", ["layer", "", True, 1])
def test_other_folds_are_refused(fold):
    with pytest.raises(ValueError, match="fold must be None, 'layers' or 'scopes', got"):
        draw(Value(1.0), fold=fold)


@pytest.mark.usefixtures("layout")
def test_a_folded_picture_is_laid_out():
    shown = texts(draw(mlp(2, 3, 1), fold="layers").pipe())
    assert {"3 tanh", "of 6 *, 6 +", "2 inputs"} <= set(shown)
