"""Walks over a graph: each operation once, after its operands, without recursion, in linear time."""

from hypothesis import given

from autograd import Value, maximum, where
from autograd.graph.nodes import operands
from autograd.graph.walks import leaves, topological_order
from autograd.testing import Expression, expressions


def reachable(root: Value) -> set[Value]:
    nodes, todo = set(), [root]
    while todo:
        node = todo.pop()
        if node not in nodes:
            nodes.add(node)
            todo.extend(operand for operand in operands(node) if isinstance(operand, Value))
    return nodes


def test_operands_are_nodes_and_constants_in_order():
    a, b = Value(1.0), Value(2.0)
    assert operands(a) == ()
    assert [*map(id, operands(-a))] == [*map(id, (a,))]
    assert [*map(id, operands(a - b))] == [*map(id, (a, b))]
    two, subtracted = operands(2 - a)
    assert (type(two), two, subtracted is a) == (float, 2.0, True)
    assert [*map(id, operands(a + a))] == [*map(id, (a, a))]
    condition, three, other = operands(where(a, 3, b))
    assert (condition is a, type(three), three, other is b) == (True, float, 3.0, True)


@given(expressions())
def test_every_operation_comes_once_and_after_its_operands(expression: Expression):
    root = expression(*map(Value, expression.point))
    order = topological_order(root)
    place = {node: i for i, node in enumerate(order)}
    assert len(place) == len(order)
    assert set(order) == {node for node in reachable(root) if node._operation is not None}
    assert all(
        place[operand] < place[node] for node in order for operand in operands(node) if operand in place
    )
    assert not order or order[-1] is root


@given(expressions())
def test_leaves_come_once_in_the_order_of_first_use(expression: Expression):
    root = expression(*map(Value, expression.point))
    order = topological_order(root)
    inputs = leaves(order)
    uses = [
        operand
        for node in order
        for operand in operands(node)
        if isinstance(operand, Value) and operand._operation is None
    ]
    assert list(map(id, inputs)) == list(dict.fromkeys(map(id, uses)))
    assert set(inputs) == {node for node in reachable(root) if node._operation is None} - (
        {root} - set(order)
    )


def test_a_leaf_has_no_order():
    assert topological_order(Value(1.0)) == []
    assert leaves([]) == []


def test_several_roots_share_one_walk():
    a = Value(1.0)
    shared = a.exp()
    left, right = shared * 2, shared + a
    order = topological_order(left, right)
    assert [[item is node for item in order].count(True) for node in (shared, left, right)] == [1, 1, 1]
    assert order[0] is shared


def test_a_walk_can_be_told_where_to_stop():
    middle = Value(1.0).exp()
    root = middle.sin() + 1
    assert middle not in set(topological_order(root, stop={middle}))
    assert middle in set(topological_order(root))


def test_walks_leave_nothing_behind_that_the_next_could_see():
    a = Value(2.0)
    inner = a * 3
    outer = inner + a
    assert len(topological_order(outer)) == 2
    assert len(topological_order(inner)) == 1
    assert len(topological_order(outer)) == 2


def test_a_walk_looks_at_each_of_many_operands_a_few_times():
    looks = 0

    class Counted:
        """A node that counts how often it is asked what it is."""

        _left = _right = _mark = None
        _number = 0.0

        def __init__(self, *parts):
            self._left = parts

        @property
        def _operation(self):
            nonlocal looks
            looks += 1
            return maximum

    parts = [Counted() for _ in range(1000)]
    assert len(topological_order(Counted(*parts))) == 1001
    assert looks <= 10 * 1000
