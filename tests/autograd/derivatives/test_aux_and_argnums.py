"""What `has_aux` hands out, and which arguments `argnums` may name."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field

import numpy as np
import pytest

from autograd import Value, check_gradients, compare, derive, grad, hessian, jacobian, jit, value_and_grad

Pair = namedtuple("Pair", "first second")


@dataclass
class Metrics:
    loss: object
    name: str = "metrics"
    parts: list = field(default_factory=list)


@dataclass(frozen=True)
class Frozen:
    loss: object


class Slotted:
    __slots__ = ("loss",)

    def __init__(self, loss):
        self.loss = loss


class Model:
    def __init__(self, weight):
        self.weight = Value(weight, "weight")
        self.hidden = None
        self.me = self

    def parameters(self):
        return [self.weight]


def aux_of(make, x=3.0):
    return grad(lambda x: (x * x, make(x * 2.0)), has_aux=True)(x)[1]


def is_six(derivative):
    return type(derivative) is float and derivative == 6.0


def test_aux_of_every_container_holds_floats():
    assert is_six(aux_of(lambda y: y))
    array = aux_of(lambda y: np.array([[y, y]]))
    assert array.dtype == float
    assert array.tolist() == [[6.0, 6.0]]
    mixed = aux_of(lambda y: np.array([y, None, "text"], dtype=object))
    assert mixed.tolist() == [6.0, None, "text"]
    assert aux_of(lambda y: np.array(y, dtype=object)).item() == 6.0
    assert aux_of(lambda y: {y}) == {6.0}
    assert aux_of(lambda y: frozenset([y, "a"])) == frozenset([6.0, "a"])
    assert aux_of(lambda y: deque([y, 1], maxlen=2)) == deque([6.0, 1])
    assert aux_of(lambda y: Pair(y, [y])) == Pair(6.0, [6.0])
    assert aux_of(lambda y: (y, [y, {"a": (y,)}])) == (6.0, [6.0, {"a": (6.0,)}])
    assert aux_of(lambda y: {y: "key"}) == {6.0: "key"}
    ordered = aux_of(lambda y: OrderedDict(b=y, a=1))
    assert type(ordered) is OrderedDict
    assert list(ordered.items()) == [("b", 6.0), ("a", 1)]
    counted = aux_of(lambda y: defaultdict(list, a=[y]))
    assert counted["a"] == [6.0]
    assert counted["b"] == []
    assert aux_of(lambda y: Metrics(y, parts=[y])) == Metrics(6.0, parts=[6.0])
    assert aux_of(lambda y: Frozen(Frozen(y))) == Frozen(Frozen(6.0))
    assert is_six(aux_of(Slotted).loss)


def test_aux_with_cycles_and_sharing():
    def loss(x):
        y = x * 2.0
        inner = [y]
        ring = {"inner": inner, "again": inner}
        ring["itself"] = ring
        return y, ring

    ring = grad(loss, has_aux=True)(3.0)[1]
    assert ring["itself"] is ring
    assert ring["again"] is ring["inner"]
    assert ring["inner"] == [6.0]


def test_plain_aux_is_copied_where_it_holds_a_value_and_nowhere_else():
    untouched, text = {"a": [1, 2.5, None], "b": ()}, "text"

    def f(x):
        shared = [x * 2.0]
        aux = {"same": untouched, "new": (x, [x * x, text, True]), "twice": [shared, shared], "empty": []}
        return x * x, (aux if with_sharing else {**aux, "twice": shared})

    for with_sharing in (False, True):
        aux = grad(f, has_aux=True)(3.0)[1]
        twice = [[6.0], [6.0]] if with_sharing else [6.0]
        assert aux == {"same": untouched, "new": (3.0, [9.0, "text", True]), "twice": twice, "empty": []}
        assert aux["same"] is untouched
        assert not with_sharing or aux["twice"][0] is aux["twice"][1]
        assert [type(number) for number in (aux["new"][0], *aux["new"][1])] == [float, float, str, bool]


def test_aux_that_is_hashed_is_whole_before_it_is():
    assert aux_of(lambda y: frozenset([Frozen((y,))])) == frozenset([Frozen((6.0,))])
    assert aux_of(lambda y: {Frozen(Frozen(y)): [y]}) == {Frozen(Frozen(6.0)): [6.0]}
    assert aux_of(lambda y: {(y, frozenset([Frozen(y)])), "a"}) == {(6.0, frozenset([Frozen(6.0)])), "a"}
    assert list(aux_of(lambda y: {1: "a", y: "b", "c": y})) == [1, 6.0, "c"]


def test_aux_may_be_deep_and_may_hold_itself_by_way_of_a_tuple():
    def nested(y):
        for _ in range(20_000):
            y = [y]
        return y

    entry = aux_of(nested)
    for _ in range(20_000):
        (entry,) = entry
    assert is_six(entry)

    def ring(y):
        metrics = Metrics(y)
        metrics.parts = (metrics, y)
        return metrics.parts

    around = aux_of(ring)
    assert around[0].parts is around
    assert (around[1], around[0].loss) == (6.0, 6.0)


def test_aux_of_a_class_written_in_c_keeps_what_it_holds():
    def failure(y):
        error = ValueError("text", 1)
        error.loss = y
        return error

    error = aux_of(failure)
    assert (type(error), error.args, error.loss) == (ValueError, ("text", 1), 6.0)


def test_aux_model_keeps_its_own_weights_and_the_object_itself_where_nothing_is_to_settle():
    model = Model(2.0)
    other = {"untouched": [1, "text", Value(5.0)]}

    def loss(x):
        model.hidden = model.weight * x
        return model.hidden * x, (model, other)

    slope, (after, same) = grad(loss, has_aux=True)(3.0)
    assert slope.data == 12.0
    assert after is model  # what it holds depends on its weight, and so stays a Value
    assert same is other
    assert isinstance(after.hidden, Value)

    def frozen(x):
        scratch = Model(2.0)
        scratch.hidden = scratch.weight * x
        return x * x, scratch

    after = value_and_grad(frozen, has_aux=True)(3.0)[0][1]
    assert [after.weight, after.hidden] == [2.0, 6.0]
    assert type(after.hidden) is type(after.weight) is float
    assert after.me is after


def test_aux_inside_an_outer_transform_stays_differentiable():
    def outer(x):
        _, aux = grad(lambda y: (y * y, Metrics(y * x, parts=[{y * 2.0}])), has_aux=True)(x)
        return aux.loss * sum(aux.parts[0])

    assert outer(2.0) == 16.0
    assert grad(outer)(2.0) == 24.0
    assert jit(grad(outer), engine="python")(2.0) == 24.0


@pytest.mark.parametrize("argnums", [(0, 0), (0, -2), (1, -1), [0, 1, 1]])
def test_argnums_that_name_an_argument_twice_are_refused(argnums):
    def f(x, y):
        return x * x * y

    calls = [
        lambda: grad(f, argnums)(3.0, 4.0),
        lambda: value_and_grad(f, argnums)(3.0, 4.0),
        lambda: jacobian(f, argnums)(3.0, 4.0),
        lambda: hessian(f, argnums)(3.0, 4.0),
        lambda: jit(grad(f, argnums), engine="python")(3.0, 4.0),
        lambda: derive(f, 3.0, 4.0, argnums=argnums),
        lambda: compare(f, lambda x, y: (0.0, 0.0), 3.0, 4.0, argnums=argnums),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="names an argument twice"):
            call()


def test_argnums_from_the_end_and_in_another_order():
    def f(x, y):
        return x * x * y

    assert grad(f, (-1, 0))(3.0, 4.0) == (9.0, 24.0)
    assert grad(f, -1)(3.0, 4.0) == 9.0
    assert check_gradients(f, 3.0, 4.0)
