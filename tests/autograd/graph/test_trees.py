"""Nested arguments: taken apart, named, put back."""

from __future__ import annotations

import pickle
from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from autograd import Value, grad, jit
from autograd.graph.trees import Structure, flatten

Pair = namedtuple("Pair", "a b")


@dataclass
class Layer:
    w: Any
    b: Any


@pytest.mark.parametrize(
    "tree",
    [
        1.5,
        [1.0, (2.0, [3.0])],
        {"b": 1.0, "a": {"z": 2.0}},
        Pair(1.0, [2.0]),
        OrderedDict(x=1.0, y=2.0),
        Layer(w=[1.0, 2.0], b=Layer(3.0, None)),
        [],
        None,
    ],
)
def test_what_is_taken_apart_is_put_back(tree):
    scalars, structure = flatten(tree)
    assert structure.size == len(scalars) == len(structure.names("t"))
    assert structure.unflatten(scalars) == tree
    assert flatten(tree)[1] == structure
    assert hash(flatten(tree)[1]) == hash(structure)


def test_arrays_are_taken_apart_and_put_back_as_float_or_object_arrays():
    scalars, structure = flatten([np.arange(4.0).reshape(2, 2), 9.0])
    assert scalars == [0.0, 1.0, 2.0, 3.0, 9.0]
    again = structure.unflatten(scalars)
    assert again[0].dtype == float
    assert again[0].tolist() == [[0.0, 1.0], [2.0, 3.0]]
    v = Value(1.0)
    assert structure.unflatten([v, 0.0, 0.0, 0.0, 0.0])[0][0, 0] is v
    assert structure.names("p") == ["p[0][0, 0]", "p[0][0, 1]", "p[0][1, 0]", "p[0][1, 1]", "p[1]"]


def test_names_are_as_one_would_write_them():
    assert flatten({"w": [Layer(1.0, 2.0)]})[1].names("m") == ["m['w'][0].w", "m['w'][0].b"]


@dataclass
class Neuron:
    activation: str = field(metadata={"static": True})
    w: Any
    b: Any


def test_a_static_field_belongs_to_the_structure():
    neuron = Neuron("tanh", [1.0, 2.0], 3.0)
    scalars, structure = flatten(neuron)
    assert scalars == [1.0, 2.0, 3.0]
    assert structure.names("n") == ["n.w[0]", "n.w[1]", "n.b"]
    assert structure.unflatten([4.0, 5.0, 6.0]) == Neuron("tanh", [4.0, 5.0], 6.0)
    assert structure == flatten(Neuron("tanh", [0.0, 0.0], 0.0))[1]
    assert structure != flatten(Neuron("relu", [1.0, 2.0], 3.0))[1]
    assert pickle.loads(pickle.dumps(structure)) == structure


@pytest.mark.parametrize("setting", [["tanh"], {"name": "tanh"}, np.ones(2), (1, ["tanh"])])
def test_a_static_field_that_can_be_changed_in_place_is_refused(setting):
    for transform in (flatten, jit(lambda n: n.b), grad(lambda n: n.b)):
        with pytest.raises(ValueError, match=r"static fields of Neuron must be hashable.*write a tuple"):
            transform(Neuron(setting, [1.0], 2.0))


def test_structures_differ_by_nesting_and_by_shape():
    different = [[1.0, 2.0], (1.0, 2.0), [[1.0], 2.0], np.zeros(2), np.zeros((2, 1)), {"a": 1.0, "b": 2.0}]
    structures = [flatten(tree)[1] for tree in different]
    assert len(set(structures)) == len(structures)


def test_children_and_array_leaves():
    _, structure = flatten((1.0, [np.zeros(3), 2.0]))
    assert structure.child(1) == flatten([np.zeros(3), 2.0])[1]
    leaves, outer = Structure.of_arrays({"x": np.zeros((5, 2)), "y": np.zeros(5)})
    assert [leaf.shape for leaf in leaves] == [(5, 2), (5,)]
    assert outer.with_shapes([(2,), None]) == flatten({"x": np.zeros(2), "y": 0.0})[1]


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ("text", "got str 'text'"),
        ([1.0, 1j], "got complex"),
        (np.array(["a"]), "array of <U1"),
        (np.array([1j]), "array of complex128"),
        (object(), "got object"),
    ],
)
def test_what_is_no_real_number_is_refused(tree, words):
    with pytest.raises(TypeError, match=words):
        flatten(tree)


def test_integer_arrays_are_refused_where_asked():
    assert flatten(np.array([1, 2]))[0] == [1.0, 2.0]
    with pytest.raises(TypeError, match=r"x\.astype\(float\)"):
        flatten(np.array([1, 2]), integers=False)
