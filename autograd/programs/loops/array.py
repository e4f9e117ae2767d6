"""`Array`: a whole array of numbers as one node of a graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from autograd.graph import context
from autograd.graph.context import current
from autograd.graph.copies import Copied
from autograd.graph.nodes import is_leaf, kinds, operation, record_node
from autograd.graph.refusals import refuse_masked
from autograd.graph.trees import array_of
from autograd.graph.value import Value
from autograd.primitives import table
from autograd.primitives.ieee import as_array
from autograd.primitives.operation import Operation
from autograd.primitives.primitive import Primitive, all_primitives
from autograd.programs.code import Code, Instruction
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.packing import Item, Stack, Unstack, length

__all__ = ["Array", "count_of", "whole"]

_MOST_ITEMS = 8  # elements that are read one by one before all are


class Array(Copied, np.lib.mixins.NDArrayOperatorsMixin):
    """An array of numbers, of one dimension, that remembers how it was computed: one node of a graph.

    `scan` returns one for each y. Arithmetic and elementary functions on it, in NumPy's spelling, and `sum`
    and `mean` make one operation each. Anything else that NumPy does takes it apart, into an object array
    of `Value`s: ``np.asarray(ys)`` is that array.

    Args:
        data: floats.
        label: a name for it.

    >>> from autograd import grad, scan
    >>> def total(rate):
    ...     return (scan(lambda c, _: (c * rate, c), 1.0, None, length=3)[1] ** 2).sum()
    >>> float(total(2.0)), grad(total)(2.0)  # 1 + r**2 + r**4
    (21.0, 36.0)
    """

    __slots__ = (
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

    _number: Any
    _grad: Any
    _operation: Any
    _left: Any
    _right: Any
    _scopes: Any
    _mark: Any
    label: str

    __hash__ = object.__hash__

    def __init__(self, data: np.ndarray, label: str = "") -> None:
        self._number = np.ascontiguousarray(data, float)
        self._grad = 0.0
        self._operation = self._right = self._mark = None
        self._left = context.beginnings
        self.label = label

    # What it is like.

    ndim = 1
    __array_priority__ = 1000

    @property
    def shape(self) -> tuple[int]:
        """Its length, as NumPy has it."""
        return (len(self._number),)

    @property
    def size(self) -> int:
        """How many elements it has."""
        return len(self._number)

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the object array that it is taken apart into."""
        return np.dtype(object)

    def __len__(self) -> int:
        return len(self._number)

    def __repr__(self) -> str:
        return f"Array({np.array2string(self._number, separator=', ', threshold=6)})"

    # Its elements.

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """An object array of Values."""
        array: np.ndarray = array_of(self._apart(), self.shape)
        return array if dtype is None else array.astype(dtype)

    def _apart(self) -> Sequence[Any]:
        """The elements, taken apart once; again where a trace, whose numbers do not matter, has done it."""
        tracing = bool(context.active and current().tracing)
        parts, was_tracing = getattr(self, "_parts", (None, False))
        if parts is None or (was_tracing and not tracing):
            size = len(self)
            parts = Unstack(size)(self) if size > 1 else [Item(0)(self)] * size
            self._parts = parts, tracing
        return parts

    def __iter__(self) -> Iterator[Any]:
        return iter(self._apart())

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, (int, np.integer)) or isinstance(index, bool):
            return np.asarray(self)[index]
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range for an array of {len(self)} elements")
        items = getattr(self, "_items", 0)
        if getattr(self, "_parts", None) is not None or items >= _MOST_ITEMS:
            return self._apart()[int(index)]
        self._items = items + 1
        return Item(int(index))(self)

    def __getattr__(self, name: str) -> Any:
        """What an object array of Values has."""
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"an Array has no attribute {name!r}")
        return getattr(np.asarray(self), name)

    _data = property(refuse_masked)

    # What is done with it whole.

    def sum(self, *args: Any, **kwargs: Any) -> Any:
        """The sum of its elements, from the first to the last."""
        if args or kwargs:
            return np.asarray(self).sum(*args, **kwargs)
        return _sum()(count_of(self), -0.0, self) if len(self) else 0.0

    def mean(self, *args: Any, **kwargs: Any) -> Any:
        """The mean of its elements."""
        if args or kwargs or not len(self):
            return np.asarray(self).mean(*args, **kwargs)
        return self.sum() / count_of(self)

    @staticmethod
    def _apply(operation: Operation, args: tuple[Any, ...]) -> Any:
        """Record an operation that was called as a function: the hook of `Operation.__call__`."""
        if operation.takes_arrays or not isinstance(operation, Primitive):
            return record_node(operation, args)
        if all(isinstance(arg, Array) or not np.ndim(arg) for arg in args):
            return whole(operation, args)
        return np.frompyfunc(operation, operation.arity, 1)(*_taken_apart(args))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        primitive = getattr(ufunc, "primitive", None) or _primitives().get(ufunc)
        if method == "__call__" and not kwargs and primitive is not None and _fit(inputs):
            return whole(primitive, inputs)
        return getattr(ufunc, method)(*_taken_apart(inputs), **kwargs)

    def __array_function__(self, function: Any, _: Any, args: Any, kwargs: Any) -> Any:
        if function in (np.sum, np.mean) and len(args) == 1 and not kwargs and args[0] is self:
            return self.sum() if function is np.sum else self.mean()
        return function(*_taken_apart(args), **{name: _all_apart(arg) for name, arg in kwargs.items()})


kinds[np.ndarray] = Array


def count_of(array: Any) -> Any:
    """How many elements an array has; in a trace of it, as a number that is read when the program runs."""
    if not isinstance(array, Array):
        return float(len(array))
    made_by = operation(array)
    is_constant = is_leaf(array) and array not in context.variables
    if isinstance(made_by, Stack) or is_constant or not (context.active and current().tracing):
        return float(len(array))
    return length(array)


def whole(primitive: Primitive, args: Sequence[Any]) -> Any:
    """A primitive of arrays, element by element, and of numbers, which go with every element."""
    parts = [_operand(arg, primitive) for arg in args]
    places = [i for i, part in enumerate(parts) if isinstance(part, (Array, np.ndarray))]
    others = [i for i in range(len(parts)) if i not in places]
    count = count_of(next((parts[i] for i in places if isinstance(parts[i], Array)), parts[places[0]]))
    return _elementwise(primitive, tuple(places))(count, *[parts[i] for i in [*places, *others]])


def _operand(arg: Any, primitive: Primitive) -> Any:
    if isinstance(arg, (Array, Value)):
        return arg
    array = as_array(arg, "an operand beside an Array")
    if array is not None and array.ndim == 1:
        return Stack(len(array))(*array.tolist()) if array.dtype.kind == "O" else array.astype(float)
    return primitive.operand(arg.item() if isinstance(arg, np.ndarray) else arg)


@lru_cache(maxsize=1024)
def _elementwise(primitive: Primitive, arrays: tuple[int, ...]) -> Loop:
    """The loop that applies a primitive to the elements of the operands that are arrays."""
    order = [*arrays, *(i for i in range(primitive.arity) if i not in arrays)]
    operands = tuple([order.index(i) for i in range(primitive.arity)])
    names = [f"x{i}" for i in range(primitive.arity)]
    instructions = [Instruction(primitive, operands, (primitive.arity,))]
    return Loop(Code(primitive.name, names, (), instructions, [primitive.arity]), 0, len(arrays))


@lru_cache(maxsize=1)
def _sum() -> Loop:
    """The loop that adds up an array."""
    return Loop(Code("sum", ["total", "x"], (), [Instruction(table.add, (0, 1), (2,))], [2]), 1, 1)


@lru_cache(maxsize=1)
def _primitives() -> dict[Any, Primitive]:
    """NumPy's functions of whole arrays that are primitives of the table; comparisons answer with bools."""
    comparisons = (table.less, table.less_equal, table.equal)
    own = [one for one in all_primitives() if one.is_builtin and isinstance(one.on_arrays, np.ufunc)]
    found = {one.on_arrays: one for one in own if one not in comparisons}
    return {
        **found,
        np.add: table.add,
        np.subtract: table.sub,
        np.multiply: table.mul,
        np.true_divide: table.div,
        np.negative: table.neg,
        np.power: table.pow,
        np.absolute: table.absolute,
        np.maximum: table.maximum,
        np.minimum: table.minimum,
    }


def _fit(inputs: Sequence[Any]) -> bool:
    """Whether operands are numbers, and arrays of one length and dimension."""
    shapes = {
        np.shape(arg) if not isinstance(arg, Array) else arg.shape for arg in inputs if not _is_value(arg)
    }
    return len(shapes - {()}) == 1 and all(len(shape) < 2 for shape in shapes) and all(map(_is_real, inputs))


def _is_value(arg: Any) -> bool:
    return isinstance(arg, Value)


def _is_real(arg: Any) -> bool:
    if isinstance(arg, np.ndarray):
        return arg.dtype.kind in "fbiuO"
    return isinstance(arg, (Array, Value, float, int, np.floating, np.integer, np.bool_))


def _taken_apart(args: Sequence[Any]) -> list[Any]:
    return [_all_apart(arg) for arg in args]


def _all_apart(arg: Any) -> Any:
    """An argument in which arrays of a graph are object arrays."""
    if isinstance(arg, Array):
        return np.asarray(arg)
    if type(arg) in (list, tuple):
        return type(arg)(_taken_apart(arg))
    return arg
