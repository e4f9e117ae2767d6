"""Programs written for micrograd run as they are, but for nodes built by hand."""

import pytest

from autograd import Value


def test_the_program_of_micrograds_readme():
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"


def test_a_neuron_and_a_step_of_training_in_micrograds_way():
    w, b = [Value(0.5), Value(-0.25)], Value(0)
    xs, ys = [[1.0, 2.0], [-1.0, 1.0]], [1.0, -1.0]

    def loss():
        outputs = [sum((wi * xi for wi, xi in zip(w, x)), b).tanh() for x in xs]
        return sum((output - y) ** 2 for output, y in zip(outputs, ys))

    first = loss()
    for p in [*w, b]:
        p.grad = 0
    first.backward()
    for p in [*w, b]:
        p.data += -0.1 * p.grad
    assert loss().data < first.data


def test_the_drawing_helper_of_micrograds_notebook():
    def trace(root):
        nodes, edges = set(), set()

        def build(v):
            if v not in nodes:
                nodes.add(v)
                for child in v._prev:
                    edges.add((child, v))
                    build(child)

        build(root)
        return nodes, edges

    a, b = Value(2.0, "a"), Value(-3.0, "b")
    root = (a * b + 10.0).tanh() ** 2
    nodes, edges = trace(root)
    assert sorted(n._op for n in nodes) == ["", "", "", "", "*", "**", "+", "tanh"]
    assert sorted(n.data for n in nodes if not n._op) == [-3.0, 2.0, 2.0, 10.0]
    assert len(edges) == 7
    assert (a, (product := next(n for n in nodes if n._op == "*"))) in edges
    assert (b, product) in edges
    assert (a + a)._prev == {a}


def test_the_drawing_attributes_are_read_only():
    v = Value(1.0) + 2
    for name in ("_prev", "_op"):
        with pytest.raises(AttributeError):
            setattr(v, name, ())


@pytest.mark.parametrize(
    "build",
    [
        lambda a: Value(3.0, (a,), "+"),
        lambda a: Value(3.0, (a,)),
        lambda a: Value(3.0, {a}),
        lambda a: Value(3.0, _children=(a,), _op="+"),
        lambda a: Value(3.0, _children=(a,)),
        lambda a: Value(3.0, _op="+"),
    ],
)
def test_nodes_are_not_built_by_hand(build):
    with pytest.raises(TypeError, match=r"not built by hand.*autograd.primitive\(name, forward, partials\)"):
        build(Value(1.0))


@pytest.mark.parametrize("name", ["_backward", "_children"])
def test_closures_are_not_set_by_hand(name):
    v = Value(1.0)
    with pytest.raises(AttributeError, match=r"not built by hand.*autograd.primitive\("):
        setattr(v, name, lambda: None)
    with pytest.raises(AttributeError, match=r"not built by hand.*autograd.primitive\("):
        getattr(v, name)
