"""Nested arguments: lists, tuples, dicts, dataclasses, models and arrays of scalars, flattened and put back.

optree handles the nesting. Here arrays are taken apart into their elements, or larger ones kept whole where
that is asked for: such an array stands among the scalars, flat. And the classes of dataclasses
and models are registered with optree when they are first met. A model is an object with a method
``parameters``, which lists its scalars; all else in it belongs to the structure. A dataclass's field that is
declared with ``field(metadata={"static": True})`` is a setting: it belongs to the structure, and must be
hashable.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, TypeVar

import numpy as np
import optree

from autograd.graph.context import current
from autograd.graph.models.fields import fields_of, made_of_fields
from autograd.graph.models.frames import Frame
from autograd.graph.models.taken_apart import is_model, taken_apart
from autograd.graph.nodes import is_node, kinds
from autograd.graph.value import Value
from autograd.primitives.ieee import as_array, described, is_real, to_float
from autograd.support.locks import fork_safe_lock

__all__ = ["Structure", "Whole", "arranged", "array_of", "elements", "flatten", "of_fields"]

M = TypeVar("M")

_NAMESPACE = "valuegrad"
_PLAIN = {float, Value}  # what needs no conversion
_registering = fork_safe_lock()


# How many elements an array has at least that is kept whole: fewer are faster apart, in compiled functions,
# and where an array of floats is differentiated by and nothing is compiled.
SMALLEST_WHOLE = {"large": 32, "operands": 32, "eager": 1000}


class Whole(tuple[Any, ...]):
    """The shape of an array that is kept whole; its first entry is None where any length will do."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is Whole and tuple.__eq__(self, other)

    def __hash__(self) -> int:
        return hash((Whole, *self))


class Structure:
    """How a flat list of scalars is arranged; equal and hashable where the arrangement is the same."""

    __slots__ = ("_has_arrays", "_hash", "_shapes", "_spec", "size")

    size: int  # how many scalars and whole arrays there are

    def __init__(self, spec: Any, shapes: tuple[tuple[int, ...] | None, ...]) -> None:
        self._spec = spec
        self._shapes = shapes
        self._has_arrays = shapes.count(None) < len(shapes)
        self._hash = hash((spec, shapes))
        self.size = len(shapes)
        if self._has_arrays:
            self.size = sum(
                1 if shape is None or type(shape) is Whole else math.prod(shape) for shape in shapes
            )

    @classmethod
    def of_arrays(cls, tree: Any) -> tuple[list[Any], Structure]:
        """The leaves of a tree, whole arrays and what else there is, and how they are nested."""
        leaves, spec = optree.tree_flatten(tree, namespace=_NAMESPACE)
        if _introduce(leaves):
            return cls.of_arrays(tree)
        return leaves, cls(spec, (None,) * len(leaves))

    def with_shapes(self, shapes: Sequence[tuple[int, ...] | None]) -> Structure:
        """The same nesting of leaves of other shapes."""
        return Structure(self._spec, tuple(shapes))

    def child(self, place: int) -> Structure:
        """The structure of one entry of a tuple."""
        specs = optree.treespec_children(self._spec)
        before = sum(spec.num_leaves for spec in specs[:place])
        return Structure(specs[place], self._shapes[before : before + specs[place].num_leaves])

    def places(self, entry: int) -> range:
        """Where the scalars of one entry of a tuple stand among all."""
        before = sum(self.child(place).size for place in range(entry))
        return range(before, before + self.child(entry).size)

    @property
    def is_scalar(self) -> bool:
        """Whether it is one bare scalar, in no container."""
        return self._shapes == (None,) and self._spec.is_leaf()

    def unflatten(self, scalars: Sequence[Any]) -> Any:
        """Arrange scalars. An array is one of floats, or of objects where a Value is among them.

        >>> numbers, structure = flatten({"w": [1.0, 2.0], "b": np.zeros(2)})
        >>> structure.unflatten([10.0, 20.0, 30.0, 40.0])
        {'w': [30.0, 40.0], 'b': array([10., 20.])}
        """
        if not self._has_arrays:
            return optree.tree_unflatten(self._spec, scalars)
        parts: list[Any] = []
        at = 0
        for shape in self._shapes:
            if shape is None:
                parts.append(scalars[at])
                at += 1
            elif type(shape) is Whole:
                parts.append(_arranged(scalars[at], shape))
                at += 1
            else:
                end = at + math.prod(shape)
                parts.append(array_of(scalars[at:end], shape))
                at = end
        return optree.tree_unflatten(self._spec, parts)

    @property
    def wholes(self) -> list[int]:
        """The places, among the scalars, of arrays that are whole."""
        places, at = [], 0
        for shape in self._shapes:
            if type(shape) is Whole:
                places.append(at)
            at += 1 if shape is None or type(shape) is Whole else math.prod(shape)
        return places

    def of_any_length(self, asked: Sequence[bool] | None = None) -> Structure:
        """The same of whole arrays whose first axes have any length from 2.

        Args:
            asked: for each whole array in turn whether its length stays what it is.
        """
        stays = iter([False] * len(self._shapes) if asked is None else asked)
        shapes = [
            Whole((None, *shape[1:]))
            if type(shape) is Whole and not next(stays) and (shape[0] is None or shape[0] > 1)
            else shape
            for shape in self._shapes
        ]
        return self.with_shapes(shapes)

    def apart(self) -> Structure:
        """The same of arrays that are taken apart."""
        return self.with_shapes([tuple(shape) if type(shape) is Whole else shape for shape in self._shapes])

    def as_general_as(self, other: Structure) -> Structure:
        """The same of whole arrays of any length, where those of a structure like it have any."""
        return self.of_any_length([shape[0] is not None for shape in other._shapes if type(shape) is Whole])

    def nest(self, parts: Sequence[Any]) -> Any:
        """Arrange objects in the places of the bare scalars and the whole arrays, one each."""
        return optree.tree_unflatten(self._spec, parts)

    def spread(self, prefix: Any, name: str) -> list[Any]:
        """For each bare scalar and whole array what a prefix of the nesting has in its place, or above it.

        Raises:
            ValueError: it is no prefix.

        >>> flatten([(1.0, 2.0), 3.0])[1].spread([0, 1], "axes")
        [0, 0, 1]
        """
        try:
            return optree.broadcast_prefix(
                prefix, self.nest(range(len(self._shapes))), none_is_leaf=True, namespace=_NAMESPACE
            )
        except ValueError:
            raise ValueError(f"{name} {prefix!r} does not fit a structure {self}") from None

    @property
    def shapes(self) -> tuple[tuple[int, ...] | None, ...]:
        """The shape of each leaf in turn, None for a bare scalar."""
        return self._shapes

    def names(self, root: str) -> list[str]:
        """What to call each scalar, as one would write it: ``w[0]``, ``p['b'][1]``, ``model.bias``.

        >>> flatten({"w": [1.0, 2.0]})[1].names("p")
        ["p['w'][0]", "p['w'][1]"]
        """
        names = []
        for accessor, shape in zip(optree.treespec_accessors(self._spec), self._shapes):
            name = accessor.codify(root)
            indices = [()] if shape is None or type(shape) is Whole else list(np.ndindex(shape))
            names += [name + (f"[{', '.join(map(str, index))}]" if index else "") for index in indices]
        return names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Structure) and (self._spec, self._shapes) == (other._spec, other._shapes)

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        """By way of an arranged sample: the process that loads it may not know the dataclasses in it yet."""
        return _restored, (self.nest([Value(0.0) for _ in self._shapes]), self._shapes)

    def __repr__(self) -> str:
        marks = [
            "*" if shape is None else f"array{tuple(shape)}".replace("None", "n") for shape in self._shapes
        ]
        return repr(optree.tree_unflatten(self._spec, [_Mark(mark) for mark in marks]))


def _restored(sample: Any, shapes: tuple[tuple[int, ...] | None, ...]) -> Structure:
    return Structure(flatten(sample)[1]._spec, shapes)


class _Mark(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def flatten(
    tree: Any, role: str = "the argument", *, integers: bool = True, whole: str = ""
) -> tuple[list[Any], Structure]:
    """Take a nested structure apart into its scalars.

    Args:
        tree: numbers, Values and arrays of them in any nesting of lists, tuples, dicts, dataclasses and
            models. None is an empty structure.
        role: what it is, to name in errors.
        integers: whether arrays of ints will do; gradients by them would be cut to ints.
        whole: which arrays are one entry each: "nodes", those of a graph; "large", those of 32 elements or
            more, flat, of floats or one node; "operands" the same, and those of Values are made one node;
            "eager" as "large", but arrays of floats from 1000 elements on.

    Returns:
        The scalars (Values, and floats for plain numbers) and the `Structure` to put them back.

    Raises:
        TypeError: something in it is neither a real number, nor a Value, nor an array of them.
        ValueError: a parameter of a model is not reached from the object, or a static field of a dataclass
            is not hashable.

    >>> flatten([1, (2.5, None)])
    ([1.0, 2.5], [*, (*, None)])
    """
    leaves, spec = optree.tree_flatten(tree, namespace=_NAMESPACE)
    if _PLAIN.issuperset(map(type, leaves)):
        return leaves, _of_scalars(spec) or Structure(spec, (None,) * spec.num_leaves)
    if _introduce(leaves):
        return flatten(tree, role, integers=integers, whole=whole)
    scalars: list[Any] = []
    shapes: list[tuple[int, ...] | None] = []
    least = SMALLEST_WHOLE.get(whole, math.inf)
    for leaf in leaves:
        if type(leaf) is np.ndarray:
            array = leaf
        elif isinstance(leaf, (float, Value)):
            array = None
        elif whole and is_node(leaf) and (whole == "nodes" or leaf._number.size >= SMALLEST_WHOLE["large"]):
            scalars.append(leaf)
            shapes.append(None if whole == "nodes" else Whole(leaf._dims))
            continue
        else:
            array = as_array(leaf, role)
        if array is not None:
            leaf = array
            if leaf.dtype.kind not in ("fObiu" if integers else "fO"):
                advice = ": pass x.astype(float)" if leaf.dtype.kind in "biu" else ""
                raise TypeError(f"{role} must hold real numbers, got an array of {leaf.dtype}{advice}")
            is_whole = leaf.size >= least and (leaf.dtype.kind != "O" or whole == "operands")
            shapes.append(Whole(leaf.shape) if is_whole else leaf.shape)
            if is_whole and leaf.dtype.kind != "O":
                scalars.append(np.ascontiguousarray(leaf, float).reshape(-1))
            elif leaf.dtype.kind == "f":
                scalars += leaf.ravel().astype(float, copy=False).tolist()
            else:
                parts = [_scalar(element, role) for element in leaf.ravel().tolist()]
                scalars += [kinds[np.ndarray].of(parts)] if is_whole else parts
        else:
            scalars.append(_scalar(leaf, role))
            shapes.append(None)
    return scalars, Structure(spec, tuple(shapes))


@lru_cache(maxsize=1024)
def _of_scalars(spec: Any) -> Structure | None:
    """A structure of bare scalars: one object for each nesting, which makes a jitted call's look-up short.

    None for one with models: the settings of the first such model may since have been changed in place.
    """
    specs = [spec]
    for inner in specs:  # which grows
        parameters = getattr(inner.type, "parameters", None)
        if callable(parameters) and parameters not in _of_fields:
            return None
        specs += optree.treespec_children(inner)
    return Structure(spec, (None,) * spec.num_leaves)


def _scalar(leaf: Any, role: str) -> Any:
    if type(leaf) is float or isinstance(leaf, Value):
        return leaf
    if isinstance(leaf, (bool, np.bool_)):
        return float(leaf)
    if not is_real(leaf):
        raise TypeError(
            f"{role} must be made of real numbers, Values and arrays of them, got {described(leaf)}"
        )
    return to_float(leaf, role)


def _arranged(elements: Any, shape: Whole) -> Any:
    """The flat elements of a whole array in its shape, whose first axis is as long as they make it."""
    if not isinstance(elements, np.ndarray):
        return elements._arranged(tuple(shape))
    width = math.prod(shape[1:])
    return elements.reshape(len(elements) // width if width else shape[0], *shape[1:])


def arranged(structures: Sequence[Structure], scalars: Sequence[Any]) -> list[Any]:
    """Arrange a flat list of scalars in several structures, one after the other."""
    trees = []
    at = 0
    for structure in structures:
        trees.append(structure.unflatten(scalars[at : at + structure.size]))
        at += structure.size
    return trees


def array_of(scalars: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """An array of a shape: of floats where all are floats, of objects otherwise."""
    plain = {float}.issuperset(map(type, scalars))
    array = np.empty(len(scalars), dtype=float if plain else object)
    array[:] = scalars
    array = array.reshape(shape)
    return array if plain or not current().keeps_whole else array.view(elements[-1])


elements: list[Any] = [np.ndarray]  # the last one is the class of arrays of Values


def of_fields(method: M) -> M:
    """Mark a ``parameters`` that flattens its object: a dataclass with it is taken apart by its fields."""
    _of_fields.add(method)
    return method


_of_fields: set[Any] = set()


def _introduce(leaves: list[Any]) -> bool:
    """Register the classes of models and dataclasses among the leaves; whether there were any."""
    any_classes = False
    for cls, leaf in {type(leaf): leaf for leaf in leaves}.items():
        if cls in (float, Value, np.ndarray):
            continue
        by_fields = dataclasses.is_dataclass(leaf) and not isinstance(leaf, type)
        if is_model(leaf) and getattr(cls, "parameters", None) not in _of_fields:
            functions: tuple[Any, Any, Any] = _model_parts, _model_made, _Parameter
        elif by_fields:
            functions = fields_of, partial(made_of_fields, cls), optree.GetAttrEntry
        else:
            continue
        any_classes = True
        with _registering:
            if optree.tree_is_leaf(leaf, namespace=_NAMESPACE):
                take_apart, make, entry = functions
                optree.register_pytree_node(
                    cls, take_apart, make, path_entry_type=entry, namespace=_NAMESPACE
                )
    return any_classes


class _Parameter(optree.GetAttrEntry):
    """How one writes a parameter of a model; found only where somebody asks."""

    def codify(self, node: str = "") -> str:
        entry: Any = self.entry
        frame, index = entry
        return f"{node}{frame.name(index)}"


def _model_parts(model: Any) -> tuple[list[Any], Frame, list[Any]]:
    parameters, frame = taken_apart(model)
    return parameters, frame, [(frame, index) for index in range(len(parameters))]


def _model_made(frame: Frame, parameters: Any) -> Any:
    parameters = list(parameters)
    if parameters and type(parameters[0]) is _Mark:
        return _Mark(repr(frame))
    return frame.model(parameters)
