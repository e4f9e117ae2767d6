"""Copies of Values: copy, deepcopy, pickle, repr and deletion, of graphs of any depth."""

import copy
import operator
import pickle
from itertools import pairwise

import pytest
from hypothesis import given

from autograd import Value, grad, hypot, maximum, primitive, where
from autograd.graph.nodes import operands
from autograd.graph.walks import leaves, topological_order
from autograd.primitives import operation
from autograd.testing import Expression, expressions

tenfold = primitive("tenfold", lambda x: 10 * x, (10,))
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def pickled(thing, protocol: int = pickle.DEFAULT_PROTOCOL):
    return pickle.loads(pickle.dumps(thing, protocol))


each_way = pytest.mark.parametrize("copied", [copy.deepcopy, pickled], ids=["deepcopy", "pickle"])


def listing(root: Value) -> list[tuple]:
    """A graph without identities: a row a node, operands by their place."""
    order = topological_order(root)
    nodes = [*leaves(order), *order] or [root]
    place = {node: i for i, node in enumerate(nodes)}
    return [
        (
            node._operation,
            node.data,
            node.grad,
            node.label,
            [place.get(operand, operand) for operand in operands(node)],
        )
        for node in nodes
    ]


def chain(length: int) -> Value:
    y = Value(0.5, "x")
    for _ in range(length):
        y = y * 1.0
    return y


# One node, one graph.


def test_a_copy_of_a_leaf_is_another_leaf():
    v = Value(2.0, "w")
    v.grad = 3.0
    for copied in (copy.copy(v), copy.deepcopy(v), *[pickled(v, protocol) for protocol in PROTOCOLS]):
        assert copied is not v
        assert listing(copied) == listing(v)
        copied.data = 7.0
        assert v.data == 2.0


def test_a_shallow_copy_of_a_result_has_the_same_operands():
    a, b = Value(2.0), Value(3.0)
    copied = copy.copy(a * b)
    assert [*map(id, operands(copied))] == [*map(id, (a, b))]
    copied.backward()
    assert (a.grad, b.grad) == (3.0, 2.0)


@given(expressions())
def test_a_deep_copy_is_the_same_graph_of_other_nodes(expression: Expression):
    root = expression(*map(Value, expression.point))
    root.backward()
    copied = copy.deepcopy(root)
    assert listing(copied) == listing(root)
    order, theirs = topological_order(root), topological_order(copied)
    assert not {root, *order, *leaves(order)} & {copied, *theirs, *leaves(theirs)}


@given(expressions())
def test_a_pickled_graph_is_the_same_graph(expression: Expression):
    root = expression(*map(Value, expression.point))
    root.backward()
    for protocol in PROTOCOLS:
        assert listing(pickled(root, protocol)) == listing(root)


@each_way
def test_operations_of_many_operands_and_constants_are_kept(copied):
    x = Value(2.0, "x")
    root = where(x > 1, maximum(x, 1.0, -0.0), hypot(3, x)) - float("inf")
    root.label = "root"
    assert listing(copied(root)) == listing(root)


@each_way
def test_a_copy_goes_backward_by_itself(copied):
    x = Value(3.0)
    y = copied(x * x)
    y.backward()
    (operand,) = y._prev
    assert operand.grad == 6.0
    assert x.grad == 0.0


# Sharing.


@each_way
def test_what_is_shared_within_a_graph_stays_shared(copied):
    x = Value(3.0)
    shared = x.exp()
    y = copied(shared * shared + x)
    product, leaf = operands(y)
    left, right = operands(product)
    assert left is right
    assert [*map(id, operands(left))] == [*map(id, (leaf,))]


@each_way
def test_leaves_are_shared_between_results_copied_together(copied):
    w = Value(3.0, "w")
    model = copied({"weights": [w], "loss": w * 2, "other": w + 1})
    (weight,) = model["weights"]
    assert operands(model["loss"])[0] is weight
    assert operands(model["other"])[0] is weight


def test_operations_are_shared_between_results_copied_together():
    hidden = Value(3.0).exp()
    first, loss = copy.deepcopy((hidden, hidden * 2))
    assert operands(loss)[0] is first


def test_operations_come_back_once_for_each_result_pickled_together():
    hidden = Value(3.0).exp()
    first, loss = pickled((hidden, hidden * 2))
    second = operands(loss)[0]
    assert listing(first) == listing(second) == listing(hidden)
    assert [*map(id, operands(first))] == [*map(id, operands(second))]  # the leaf is one


def test_the_memo_of_deepcopy_is_respected():
    x, w = Value(3.0), Value(2.0)
    y = x.exp() * w
    replacement = Value(5.0)
    memo = {id(w): replacement}
    copied = copy.deepcopy(y, memo)
    assert operands(copied)[1] is replacement
    assert copy.deepcopy(y, memo) is copied
    assert copy.deepcopy(x, memo) is operands(operands(copied)[0])[0]


def test_a_node_that_the_memo_keeps_does_not_keep_what_was_computed_from_it():
    x = Value(3.0)
    y = x * 2.0
    copied = copy.deepcopy(y, {id(x): x})
    assert copied is not y
    assert operands(copied)[0] is x


# Depth.


@pytest.mark.usefixtures("few_frames_left")
@each_way
def test_a_chain_of_50_000_is_copied(copied):
    y = chain(50_000)
    assert listing(copied(y)) == listing(y)


def test_all_nodes_of_a_chain_are_copied_together_in_linear_time():  # by one walk each it would be minutes
    chain = [Value(1.0)]
    for _ in range(20_000):
        chain.append(chain[-1] * 1.5)
    copies = copy.deepcopy(chain)
    assert all(operands(after)[0] is before for before, after in pairwise(copies))
    assert not set(copies) & set(chain)

    def last(x):
        nodes = [x]
        for _ in range(20_000):
            nodes.append(nodes[-1] * 1.0)
        assert all(again is node for again, node in zip(copy.deepcopy(nodes), nodes))
        return nodes[-1]

    assert grad(last)(2.0) == 1.0


@pytest.mark.usefixtures("few_frames_left")
def test_a_chain_of_50_000_is_printed_and_copied_shallowly():
    y = chain(50_000)
    assert repr(y) == str(copy.copy(y)) == "Value(data=0.5, grad=0.0)"
    assert f"{y:.1f}" == "0.5"
    assert len(y._prev) == 2


def test_the_pickle_of_a_chain_grows_with_its_length():
    sizes = [len(pickle.dumps(chain(length))) for length in (1000, 2000, 4000)]
    assert sizes[2] - sizes[1] == pytest.approx(2 * (sizes[1] - sizes[0]), rel=0.05)
    assert sizes[2] < 4000 * 60


@pytest.mark.usefixtures("few_frames_left")
@pytest.mark.parametrize(
    ("length", "operation"),
    [(1_000_000, operator.neg), (200_000, lambda y: y + y), (200_000, lambda y: where(1.0, y, y))],
    ids=["neg", "add", "where"],
)
def test_a_chain_of_a_million_is_deleted(length, operation, living_values):
    before = living_values()
    y = Value(1.0)
    for _ in range(length):
        y = operation(y)
    assert living_values() == before + length + 1
    del y
    assert living_values() == before


# Primitives of a user's own.


@each_way
def test_a_primitive_of_a_users_own_is_kept_by_name(copied):
    x = Value(2.0)
    y = copied(tenfold(x) + 1)
    assert operands(y)[0]._operation is tenfold
    assert copied(tenfold) is tenfold
    y.backward()
    assert operands(operands(y)[0])[0].grad == 10.0


def test_a_pickle_of_a_missing_primitive_says_which(monkeypatch):
    saved = pickle.dumps(tenfold(Value(2.0)))
    monkeypatch.delitem(operation._registered, "tenfold")
    with pytest.raises(
        KeyError, match="no primitive 'tenfold' is registered: import the module that defines it"
    ):
        pickle.loads(saved)
