"""Models of anyone's class: taken apart into their parameters, put back as copies with others."""

from __future__ import annotations

import functools
import operator
import pickle
import random
import re
import weakref
from collections import OrderedDict, defaultdict, deque
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

from autograd import Value
from autograd.graph.trees import flatten
from tests.autograd.networks import network


class Model:
    """Attributes as they are passed; its parameters are those that are named."""

    def __init__(self, *names: str, **attributes: Any) -> None:
        self.names = names
        vars(self).update(attributes)

    def parameters(self):
        return [vars(self)[name] for name in self.names]


def relu(x):
    return x.relu()


class Slots:
    __slots__ = ("__bias", "scale", "w")

    def __init__(self, w: Any, bias: Any) -> None:
        self.w, self.__bias, self.scale = w, bias, 2.0

    def parameters(self):
        return [self.__bias, *self.w]


class Temperature:
    """Keeps its parameter behind a property that computes, and under a name that the class has too."""

    def __init__(self, kelvin: Any) -> None:
        self.__dict__["celsius"] = kelvin

    @property
    def celsius(self):
        return self.__dict__["celsius"] - 273.15

    def parameters(self):
        return [self.__dict__["celsius"]]


@dataclass
class Line:
    slope: Any
    shift: Any
    dropout: float = 0.5

    def parameters(self):
        return [self.shift, self.slope]


class Sequential(list):
    def parameters(self):
        return [p for entry in self for p in entry.parameters()]


class Pair(NamedTuple):
    first: Any
    second: Any


class Nested:
    def __init__(self, *values: Any) -> None:
        a, b, c, d, e, f, g = values
        self.parts = {"a": a, "inner": OrderedDict(b=[b, (c, Pair(d, "text"))])}
        self.grid = np.array([[e, f], [0.5, None]])
        self.rest = defaultdict(list, {"g": [g]})

    def parameters(self):
        inner = self.parts["inner"]["b"]
        return [
            self.parts["a"],
            inner[0],
            inner[1][0],
            inner[1][1].first,
            *self.grid[0],
            *self.rest["g"],
        ]


def values(count: int) -> list[Value]:
    return [Value(0.5 + i, f"v{i}") for i in range(count)]


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (lambda *v: Model("b", "a", a=v[1], b=v[0]), 2),
        (lambda *v: Slots([v[1], v[2]], v[0]), 3),
        (Temperature, 1),
        (lambda *v: Line(v[1], v[0]), 2),
        (lambda *v: Sequential([Line(v[1], v[0]), Slots([], v[2])]), 3),
        (Nested, 7),
    ],
)
def test_the_leaves_are_the_parameters_in_their_order(make, count):
    parameters = values(count)
    model = make(*parameters)
    scalars, structure = flatten(model)
    assert all(map(operator.is_, scalars, parameters))
    assert structure == flatten(make(*values(count)))[1]
    assert hash(structure) == hash(flatten(make(*values(count)))[1])

    numbers = [10.0 + i for i in range(count)]
    copy = structure.unflatten(numbers)
    assert type(copy) is type(model)
    assert copy.parameters() == numbers
    assert [*model.parameters()] == parameters
    # What a transform made is a model as well; which of its numbers are parameters is still known.
    assert flatten(copy) == (numbers, structure)
    assert flatten(structure.unflatten([0.5] * count)) == ([0.5] * count, structure)
    mixed = [Value(1.0), *numbers[1:]]
    again, same = flatten(structure.unflatten(mixed))
    assert (again[0] is mixed[0], again[1:], same) == (True, numbers[1:], structure)
    assert pickle.loads(pickle.dumps(structure)) == structure


def test_a_deque_is_a_container_as_a_list_is():
    model = Model("w", w=Value(1.0), window=deque(maxlen=3), past=deque([0.5]))
    model.window += [model.w, 0.25]
    structure = flatten(model)[1]
    copy = structure.unflatten([3.0])
    assert copy.window == deque([3.0, 0.25])
    assert (copy.window.maxlen, type(copy.window)) == (3, deque)
    assert copy.past is model.past
    for window, past in [(deque(model.window), model.past), (model.window, deque())]:
        assert flatten(Model("w", w=model.w, window=window, past=past))[1] != structure


def test_settings_stay_and_what_is_not_on_the_way_is_shared():
    options = {"depth": 2, "rates": [0.1, 0.2]}
    model = Model("w", w=Value(1.0), options=options, activation=relu, holder=[options, None])
    copy = flatten(model)[1].unflatten([3.0])
    assert (copy.w, copy.activation, copy.names) == (3.0, relu, ("w",))
    assert copy.options is copy.holder[0] is options
    assert copy.holder is model.holder


def test_tied_weights_are_one_leaf_and_stay_tied():
    w, b = values(2)
    twice = Model("w", "b", "w", w=w, b=b)
    hidden = Model("w", "b", w=w, b=b, decoder={"w": w})
    for model in (twice, hidden):
        scalars, structure = flatten(model)
        assert [scalar.label for scalar in scalars] == ["v0", "v1"]
        for numbers in ([3.0, 4.0], [0.0, 0.0]):
            copy = structure.unflatten(numbers)
            assert flatten(copy) == (numbers, structure)
            assert all(type(number) is float for number in flatten(copy)[0])
            assert flatten(pickle.loads(pickle.dumps(copy))) == (numbers, structure)
    assert structure.unflatten([3.0, 4.0]).decoder == {"w": 3.0}
    assert flatten(twice)[1] != flatten(Model("w", "b", "w2", w=w, b=b, w2=Value(1.0)))[1]


class Chain:
    """Links that know the next and the one before."""

    def __init__(self, w: Any, before: Chain | None) -> None:
        self.w, self.next = w, None
        self.first = self if before is None else before.first
        self.before = before and weakref.ref(before)
        self.bound = self.scaled
        if before is not None:
            before.next = self

    def scaled(self, x):
        return self.w * x

    def parameters(self):
        link, weights = self, []
        while link is not None:
            weights.append(link.w)
            link = link.next
        return weights


def chain(length: int) -> Chain:
    first = last = Chain(Value(0.0), None)
    for i in range(1, length):
        last = Chain(Value(float(i)), last)
    return first


def test_cycles_and_bound_methods_lead_into_the_copy():
    first = flatten(chain(3))[1].unflatten([5.0, 6.0, 7.0])
    assert first.next.before() is first.next.next.first is first
    assert first.next.next.before() is first.next
    assert first.next.bound.__self__ is first.next
    assert first.next.bound(10.0) == 60.0
    assert flatten(first)[1] == flatten(chain(3))[1] != flatten(chain(4))[1]


def test_a_deep_model_is_taken_apart_and_named():
    scalars, structure = flatten(chain(5_000))
    numbers = [float(i) for i in range(5_000)]
    assert [scalar.data for scalar in scalars] == numbers
    assert flatten(structure.unflatten(numbers)) == (numbers, structure)
    deepest = structure.names("m")[-1]
    assert deepest.startswith("m.next.next.")
    assert deepest.endswith(".next.w")
    assert len(deepest) < 100


def test_deep_tuples_are_put_back():
    nested: Any = (Value(1.0),)
    for _ in range(5_000):
        nested = (nested,)
    w = Value(1.0)
    model = Model("w", w=w, nested=((w,), nested))
    copy = flatten(model)[1].unflatten([2.0])
    assert copy.nested[0] == (2.0,)
    assert copy.nested[1] is nested
    for _ in range(5_000):
        model.nested = (model.nested,)
    copy = flatten(model)[1].unflatten([2.0]).nested
    for _ in range(5_000):
        (copy,) = copy
    assert copy[0] == (2.0,)


def test_functions_that_hold_a_parameter_are_led_to_the_copy():
    w = Value(2.0)
    model = Model("w", w=w)
    model.act = lambda x: model.w * x
    model.partial = functools.partial(lambda a, b, c: (a, b, c), w, c=model)
    structure = flatten(model)[1]
    copy = structure.unflatten([3.0])
    assert copy.act(10.0) == 30.0
    a, b, c = copy.partial(1.0)
    assert (a, b) == (3.0, 1.0)
    assert c is copy
    assert flatten(copy) == ([3.0], structure)
    assert model.act(10.0).data == 20.0


def test_names_say_where_a_parameter_stands():
    names = flatten([network(2, 2, 1)])[1].names("ms")
    assert names[:3] == [f"ms[0].layers[0].neurons[0].{name}" for name in ("w[0]", "w[1]", "b")]
    assert flatten(Sequential([Line(*values(2))]))[1].names("m") == ["m[0].shift", "m[0].slope"]
    assert "MLP(layers[0].neurons[0].w[0], ..., layers[1].neurons[0].b: 9 parameters)" in repr(
        flatten(network(2, 2, 1))[1]
    )


class Stateless:
    """A setting that nothing but its class tells from others."""


SAME = (0.5, float("nan"), "text", None, (1, [2.0, {"k": {3}}]), np.arange(3), np.float32(1.5), relu)
OTHERS = (
    *(-0.0, 0.0, 1, True, 1.0, "1", lambda x: x, object(), [], {}, network(1, 1), Line(1.0, 2.0)),
    *(re.compile("a"), re.compile("b"), random.Random(1), random.Random(2), Value(1.0), Value(1.0)),
    *((1, [2.0, {"k": {4}}]), [1, [2.0, {"k": {3}}]], np.arange(4), np.arange(3.0), np.float32(1.25)),
)


def test_settings_are_part_of_the_structure():
    def structure(setting):
        return flatten(Model("w", w=Value(1.0), setting=setting))[1]

    assert structure(Stateless()) == structure(Stateless()) != structure(object())
    for setting in SAME:
        assert structure(setting) == structure(deepcopy(setting))
    for i, setting in enumerate([*SAME, *OTHERS]):
        for j, another in enumerate([*SAME, *OTHERS]):
            assert (structure(setting) == structure(another)) == (i == j), (setting, another)


def test_settings_that_change_in_place_are_another_structure():
    model = Model("w", w=Value(1.0), options={"flags": [True]}, scale=np.ones(2), frozen=Line(1.0, 2.0))
    changes = [
        lambda: model.options["flags"].append(False),
        lambda: model.scale.__setitem__(0, 2.0),
        lambda: setattr(model.frozen, "slope", 3.0),
    ]
    for change in changes:
        before = flatten(model)[1]
        change()
        assert flatten(model)[1] != before


@pytest.mark.parametrize("parameters", [("w",), ()])
def test_a_copy_has_its_own_settings_and_not_those_of_an_equal_model_that_has_changed(parameters):
    first = Model(*parameters, w=1.0, rates=[0.1])
    flatten((first, 2.0))
    first.rates.append(0.2)
    second = Model(*parameters, w=1.0, rates=[0.1])
    scalars, structure = flatten((second, 2.0))
    assert structure.unflatten(scalars)[0].rates is second.rates


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        (Model("w", w=7), TypeError, r"parameter 0 of Model is int: keep its numbers as Values, w = Value"),
        (Model("w", w=np.array([Value(1.0)])), TypeError, r"parameter 0 of Model .*: return the elements"),
        (Model("w", "s", w=Value(1.0), s="text"), TypeError, "parameter 1 of Model is str 'text'"),
        (Line(Value(1.0) * 2, {Value(3.0)}), TypeError, "parameter 0 of Line is set"),
    ],
)
def test_a_parameter_that_is_no_value_is_refused_by_name(model, error, words):
    with pytest.raises(error, match=words):
        flatten(model)


def test_a_parameter_that_cannot_be_reached_is_refused_by_name():
    class Hidden:
        def __init__(self, *nodes: Any) -> None:
            self.hidden = set(nodes)
            self.shown = Value(1.0)

        def parameters(self):
            return [self.shown, *self.hidden]

    with pytest.raises(
        ValueError, match=r"parameter 1 \('alpha'\) of Hidden is not reached.*keep each Value"
    ):
        flatten(Hidden(Value(2.0, "alpha")))

    class Computed(Model):
        def parameters(self):
            return [self.w * 1.0]

    with pytest.raises(ValueError, match="parameter 0 of Computed is not reached"):
        flatten(Computed(w=Value(1.0)))
    with pytest.raises(ValueError, match="parameter 0 of Computed is not reached"):
        flatten(Computed(w=1.0))


def test_other_objects_with_parameters_are_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="parameter 0 of Linear is Parameter"):
        flatten(torch.nn.Linear(2, 1))

    class Single(Model):
        def parameters(self):
            return self.w

    with pytest.raises(TypeError, match=r"parameters\(\) of Single must return its Values in a list"):
        flatten(Single(w=Value(1.0)))
    with pytest.raises(TypeError, match="got type"):
        flatten(Model)


def test_a_container_that_cannot_be_copied_is_refused_by_name():
    class FailureError(Exception):
        pass

    error = FailureError("text")
    error.w = Value(1.0)
    with pytest.raises(TypeError, match=r"a FailureError is on the way to parameters.*what Exception holds"):
        flatten(Model("w", w=error.w, error=error))
