"""`Array`: a whole array of numbers as one node of a graph; `array` makes one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NoReturn

import numpy as np

from autograd.graph import context
from autograd.graph.context import current
from autograd.graph.copies import Copied
from autograd.graph.nodes import is_constant, kinds, record_node
from autograd.graph.refusals import refuse_in_trace, refuse_masked
from autograd.graph.trees import array_of, elements
from autograd.graph.value import Value
from autograd.primitives.ieee import as_array, described, floats_of_objects
from autograd.primitives.operation import Operation
from autograd.primitives.primitive import Primitive
from autograd.programs.arrays import indexing, numpy_functions, shaping
from autograd.programs.arrays.elements import Elements
from autograd.programs.arrays.elementwise import count_of, fits, mapped, primitive_of
from autograd.programs.loops import answers
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.packing import Item, Stack, Unstack

__all__ = ["Array", "array"]

_MOST_ITEMS = 8  # elements that are read one by one before all are


def array(data: Any, label: str = "") -> Array:
    """An array of numbers that is one node of a graph, as a `Value` is for one number.

    It does what NumPy's arrays do, in NumPy's spelling: operators and functions element by element, with
    broadcasting; ``sum``, ``mean``, ``max``, ``min`` with an axis, ``dot``, ``@``, ``cumsum``; slices, views,
    and ``np.concatenate`` and its kin. All of these make one operation, or a few, however many numbers there
    are. What else NumPy does takes it apart, into an object array of `Value`s.

    Args:
        data: real numbers in an array, or in nested lists; Values among them are what it is made of.
        label: a name.

    Returns:
        An `Array`. `Value.backward` adds to its ``grad``, an array of the same shape.

    Raises:
        TypeError: the data is not made of real numbers, or is one number alone.

    >>> x = array([[1.0, 2.0], [3.0, 4.0]])
    >>> ((x * x).sum(axis=0) @ [1.0, 10.0]).backward()
    >>> x.grad
    array([[ 2., 40.],
           [ 6., 80.]])
    """
    numbers = np.asarray(data, None if isinstance(data, np.ndarray) else object)
    as_array(data, "the data of an array")  # refuses what is masked
    if not numbers.ndim:
        raise TypeError(f"an array is made of an array or nested lists of numbers, got {described(data)}")
    if numbers.dtype.kind == "O" and any(isinstance(entry, Value) for entry in numbers.flat):
        made: Array = shaping.shaped(Stack(numbers.size)(*numbers.flat), numbers.shape)
    else:
        if numbers.dtype.kind == "O":
            numbers = floats_of_objects(numbers, "the data")
        if numbers.dtype.kind not in "fbiu":
            raise TypeError(f"the data of an array must be real numbers, got an array of {numbers.dtype}")
        made = Array(np.array(numbers, float))
    made.label = label
    return made


class Array(Copied, np.lib.mixins.NDArrayOperatorsMixin):
    """An array of numbers that remembers how it was computed: one node of a graph. See `array`.

    `scan` returns one for each y.

    Args:
        data: floats.

    Attributes:
        label: a name; assignable.

    >>> from autograd import grad, scan
    >>> def total(rate):
    ...     return (scan(lambda c, _: (c * rate, c), 1.0, None, length=3)[1] ** 2).sum()
    >>> float(total(2.0)), grad(total)(2.0)  # 1 + r**2 + r**4
    (21.0, 36.0)
    """

    __slots__ = (
        "_axes",
        "_dims",
        "_grad",
        "_items",
        "_left",
        "_mark",
        "_number",
        "_operation",
        "_parts",
        "_right",
        "_scopes",
        "label",
    )

    _number: Any  # its elements, flat
    _grad: Any
    _operation: Any
    _left: Any
    _right: Any
    _scopes: Any
    _mark: Any
    _axes: tuple[shaping.Axis, ...]
    _dims: tuple[int, ...]
    label: str

    __hash__ = object.__hash__
    __array_priority__ = 1000

    def __init__(self, data: np.ndarray) -> None:
        self._number = np.ascontiguousarray(data, float).reshape(-1)
        if data.ndim != 1:
            self._dims = data.shape
        self._grad = 0.0
        self._operation = self._right = self._mark = None
        self._left = context.beginnings
        self.label = ""

    def _arranged(self, dims: tuple[int, ...]) -> Array:
        """The same elements in a shape, whose first axis is as long as they make it."""
        width = math.prod(dims[1:])
        dims = (len(self._number) // width if width else dims[0], *dims[1:])
        if self._dims == dims:
            return self
        return shaping.shaped(shaping.UNCHANGED(self), dims)  # type: ignore[no-any-return]

    def again(self) -> Array:
        """Another node of the same elements, to differentiate by."""
        return shaping.shaped(shaping.UNCHANGED(self), self._dims, self._axes)  # type: ignore[no-any-return]

    @staticmethod
    def of(elements: Sequence[Any]) -> Any:
        """A flat array of elements: of floats, or a node of those among which there are Values."""
        if {float}.issuperset(map(type, elements)):
            return np.array(elements)
        return Stack(len(elements))(*elements)

    def zeros(self) -> Any:
        """A flat array of as many zeros."""
        return Loop.filling()(count_of(self), 0.0) if self._axes else np.zeros(len(self._number))

    def begin_at(self, dims: tuple[int, ...]) -> None:
        """Be what a function is traced on: an array of a shape whose first axis may have another length."""
        shaping.shaped(self, tuple(dims), [shaping.Axis()])

    @property
    def is_length_asked(self) -> bool:
        """Whether something depends on the length of its first axis, of what a function is traced on."""
        return any(axis.is_asked for axis in self._axes)

    # What it is like.

    def __getattr__(self, name: str) -> Any:
        """What has not been set, and what an object array of Values has."""
        if name == "_dims":
            return self._number.shape
        if name == "_axes":  # of what an operation made, and nobody has said more of
            self._axes = shaping.axes_below(self) if context.active and current().tracing else ()
            return self._axes
        if name == "backward":
            raise AttributeError("backward begins at one number, got an array: add it up, as with .sum()")
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"an Array has no attribute {name!r}")
        if name in ("argmax", "argmin", "argsort", "clip", "searchsorted"):
            return partial(getattr(np, name), self)
        return getattr(np.asarray(self), name)

    @property
    def shape(self) -> tuple[int, ...]:
        """How long each axis is."""
        shaping.ask_for_length(self)
        return self._dims

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self._dims)

    @property
    def size(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the object array that it is taken apart into."""
        return np.dtype(object)

    @property
    def data(self) -> np.ndarray:
        """Its numbers, a copy that is not written to: ``array(numbers)`` makes an Array of others."""
        if context.active:
            refuse_in_trace("reading .data", self)
        return _read_only(self._number.reshape(self._dims).copy())

    @property
    def grad(self) -> np.ndarray:
        """The derivative of the last result that went backward, by each of its elements, a copy.

        It is assigned whole, as in ``a.grad = 0.0`` or ``a.grad = a.grad / 2``, and not written to.

        Raises:
            TypeError: what is assigned is no real number, and no array of them.
            ValueError: what is assigned has a shape that does not go with that of the Array.
        """
        if context.active:
            refuse_in_trace("reading .grad", self)
        return _read_only(np.array(np.broadcast_to(self._grad, self._number.shape).reshape(self._dims)))

    @grad.setter
    def grad(self, numbers: Any) -> None:
        given = np.asarray(numbers)
        if given.dtype.kind not in "fiu":  # None would be nan, and a text what it reads like
            given = floats_of_objects(given.astype(object), "grad")
        self._grad = np.array(np.broadcast_to(given, self._dims), float).reshape(-1)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"Array({np.array2string(self._number.reshape(self._dims), separator=', ', threshold=6)})"

    def __bool__(self) -> bool:
        return bool(np.asarray(self))

    _data = property(refuse_masked)

    # Its elements.

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """An object array of Values."""
        elements: np.ndarray = array_of(self._apart(), self.shape)
        return elements if dtype is None else elements.astype(dtype)

    def _apart(self) -> Sequence[Any]:
        """The elements, taken apart once; again where a trace, whose numbers do not matter, has done it."""
        if is_constant(self):
            return self._number.tolist()  # type: ignore[no-any-return]
        tracing = bool(context.active and current().tracing)
        parts, was_tracing = getattr(self, "_parts", (None, False))
        if parts is None or (was_tracing and not tracing):
            size = self.size
            parts = Unstack(size)(self) if size > 1 else [Item(0)(self)] * size
            self._parts = parts, tracing
        return parts

    def __iter__(self) -> Iterator[Any]:
        if self.ndim == 1:
            return iter(self._apart())
        return iter([self[i] for i in range(len(self))])

    def __getitem__(self, index: Any) -> Any:
        place = indexing.element(self._dims, index)
        if place is None:
            part = indexing.part(self, index)
            return np.asarray(self)[index] if part is None else part
        items = getattr(self, "_items", 0)
        if is_constant(self) or getattr(self, "_parts", None) is not None or items >= _MOST_ITEMS:
            return self._apart()[place]
        self._items = items + 1
        return Item(place)(self)

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        answers.refuse_writing()

    # What is done with it whole.

    @property
    def T(self) -> Any:  # noqa: N802  as NumPy calls it
        """With its axes in reverse order."""
        return np.transpose(self)

    def sum(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """The sum of its elements, or along axes, from the first to the last."""
        return numpy_functions.sum_along(self, axis, keepdims=keepdims)

    def mean(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """The mean of its elements, or along axes."""
        return numpy_functions.mean_along(self, axis, keepdims=keepdims)

    def max(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """The largest of its elements, or along axes."""
        return numpy_functions.largest_along(self, axis, keepdims=keepdims)

    def min(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """The smallest of its elements, or along axes."""
        return numpy_functions.smallest_along(self, axis, keepdims=keepdims)

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """The same elements in another shape."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)  # type: ignore[call-overload]

    def transpose(self, *axes: Any) -> Any:
        """With its axes in another order, in reverse order if none is told."""
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    @staticmethod
    def _apply(operation: Operation, args: tuple[Any, ...]) -> Any:
        """Record an operation that was called as a function: the hook of `Operation.__call__`."""
        if operation.takes_arrays or not isinstance(operation, Primitive):
            return record_node(operation, args)
        if fits(args):
            return mapped(operation, args)
        return np.frompyfunc(operation, operation.arity, 1)(*answers.taken_apart(args))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if "out" in kwargs:
            answers.refuse_writing()
        if method == "__call__" and not kwargs:
            primitive = primitive_of(ufunc)
            if primitive is not None and fits(inputs):
                return mapped(primitive, inputs)
            result = numpy_functions.of_ufunc(ufunc, inputs)
            if result is not NotImplemented:
                return result
        call = ufunc if method == "__call__" else getattr(ufunc, method)
        return answers.of_values(call, answers.taken_apart(inputs), kwargs)

    def __array_function__(self, function: Any, _: Any, args: Any, kwargs: Any) -> Any:
        return numpy_functions.called(function, args, kwargs)


def _read_only(numbers: np.ndarray) -> np.ndarray:
    """A copy, in which nothing is written that would have no effect on what it was copied from."""
    numbers.flags.writeable = False
    return numbers


kinds[np.ndarray] = Array
elements.append(Elements)
