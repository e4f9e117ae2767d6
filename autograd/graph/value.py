"""`Value`: a number that remembers how it was computed, and reverse-mode differentiation.

Every operation on Values makes a node: its result, the primitive that computed it, its operands.
`Value.backward` goes through the nodes from the result back to the leaves. By the chain rule, each
operand of an operation receives

    the gradient of the operation's result  *  the operation's partial derivative by that operand

and since a node may be used many times, what it receives is added up. The partial derivatives are in
the table of primitives; there is no mathematics here.
"""

from __future__ import annotations

from typing import Any, NoReturn, Union

import numpy as np

from autograd.graph import context
from autograd.graph.walks import leaves, operands, topological_order
from autograd.primitives import table
from autograd.primitives.ieee import evaluate, to_float
from autograd.primitives.primitive import Primitive
from autograd.support.user_line import user_line

__all__ = ["TracingError", "Value"]

Number = Union[float, int, "np.floating[Any]", "np.integer[Any]"]


class Value:
    """A scalar that records the operations applied to it, so that they can be differentiated.

    Args:
        data: a real number: int, float or NumPy real scalar.
        label: a name, for printing and drawing.

    Attributes:
        data: the number, a float; assignable.
        grad: the derivative of the last `backward` call's result by this value, a float; assignable.
            On a leaf (a Value that no operation made) it accumulates over calls.
        label: the name; assignable.

    Raises:
        TypeError: the data is no real number (bool, str, complex, arrays and Values are none), or
            the label is no string.

    >>> w, x = Value(2.0, "w"), Value(-3.0, "x")
    >>> y = (w * x).tanh() + x**2
    >>> y.backward()
    >>> w.grad, round(y.data, 6)
    (-7.37...e-05, 8.000012)
    """

    __slots__ = ("_data", "_grad", "_left", "_mark", "_primitive", "_right", "label")

    _data: float
    _grad: float
    _primitive: Primitive | None
    _left: Any
    _right: Any
    _mark: object
    label: str

    def __init__(self, data: Number, label: str = "", *by_hand: object, **named: object) -> None:
        if by_hand or named or type(label) is not str:
            _refuse_label_or_parts(label, by_hand, named)
        self._data = data if type(data) is float else to_float(data, "the data of a Value")
        self._grad = 0.0
        self._primitive = self._left = self._right = self._mark = None
        self.label = label
        made = context.newborn.get()
        if made is not None:
            made.add(self)

    @property
    def data(self) -> float:
        """The number."""
        if context.traces:
            _refuse_in_trace("reading .data", self)
        return self._data

    @data.setter
    def data(self, number: Number) -> None:
        self._data = number if type(number) is float else to_float(number, "data")

    @property
    def grad(self) -> float:
        """The derivative of the last result that went backward, by this value."""
        if context.traces:
            _refuse_in_trace("reading .grad", self)
        return self._grad

    @grad.setter
    def grad(self, number: Number) -> None:
        self._grad = number if type(number) is float else to_float(number, "grad")

    def backward(self) -> None:
        """Set `grad`, on every Value that this one was computed from, to this one's derivative by it.

        Leaves add it to what they hold (assign 0 to start afresh); the others hold the derivative of
        the last call. The work is linear in the number of operations.
        """
        if context.traces:
            _refuse_in_trace("backward()", self)
        order = topological_order(self)
        for node in order:
            node._grad = _NOTHING
        self._grad += 1.0
        if context.contexts and context.watchers.get():
            return _backward_watched(order)
        # What `_propagate` does at one node, written out for one and two operands. A rule is a
        # function of the result and the operands, or the number that it is everywhere.
        for node in reversed(order):
            grad = node._grad
            if grad is _NOTHING:  # no gradient reaches it: there is a stop_gradient or a comparison above
                node._grad = 0.0
                continue
            left = node._left
            right = node._right
            rules = node._primitive.rules  # type: ignore[union-attr]
            try:
                if rules is None:
                    _propagate(node)
                elif right is None:
                    rule = rules[0]
                    left._grad += grad * (rule if type(rule) is float else rule(node._data, left._data))
                elif type(right) is float:
                    rule = rules[0]
                    left._grad += grad * (
                        rule if type(rule) is float else rule(node._data, left._data, right)
                    )
                elif type(left) is float:
                    rule = rules[1]
                    right._grad += grad * (
                        rule if type(rule) is float else rule(node._data, left, right._data)
                    )
                else:
                    by_left, by_right = rules
                    if type(by_left) is not float:
                        by_left = by_left(node._data, left._data, right._data)
                    if type(by_right) is not float:
                        by_right = by_right(node._data, left._data, right._data)
                    left._grad += grad * by_left
                    right._grad += grad * by_right
            except ArithmeticError:  # a rule divided by zero: that node again, under IEEE 754 rules
                _propagate(node)
        return None

    # Operators.

    def __add__(self, other: Any) -> Value:
        return _operate(table.add, self, other)

    def __radd__(self, other: Any) -> Value:
        return _reflected(table.add, other, self)

    def __sub__(self, other: Any) -> Value:
        return _operate(table.sub, self, other)

    def __rsub__(self, other: Any) -> Value:
        return _reflected(table.sub, other, self)

    def __mul__(self, other: Any) -> Value:
        return _operate(table.mul, self, other)

    def __rmul__(self, other: Any) -> Value:
        return _reflected(table.mul, other, self)

    def __truediv__(self, other: Any) -> Value:
        return _operate(table.div, self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return _reflected(table.div, other, self)

    def __pow__(self, other: Any) -> Value:
        return _operate(table.pow, self, other)

    def __rpow__(self, other: Any) -> Value:
        return _reflected(table.pow, other, self)

    def __neg__(self) -> Value:
        return _unary(table.neg, self)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return _unary(table.absolute, self)

    def __lt__(self, other: Any) -> bool:
        return _compare(table.less, self, other)

    def __le__(self, other: Any) -> bool:
        return _compare(table.less_equal, self, other)

    def __gt__(self, other: Any) -> bool:
        return _compare(table.less, other, self)

    def __ge__(self, other: Any) -> bool:
        return _compare(table.less_equal, other, self)

    def __bool__(self) -> bool:
        if context.traces:
            _refuse_in_trace("deciding (if, and, or, max, sorted, bool())", self)
        return self._data != 0.0

    # Functions of one value, in NumPy's spelling too (NumPy calls these on object arrays).

    def exp(self) -> Value:
        return _unary(table.exp, self)

    def expm1(self) -> Value:
        return _unary(table.expm1, self)

    def log(self) -> Value:
        return _unary(table.log, self)

    def log1p(self) -> Value:
        return _unary(table.log1p, self)

    def log2(self) -> Value:
        return _unary(table.log2, self)

    def log10(self) -> Value:
        return _unary(table.log10, self)

    def sqrt(self) -> Value:
        return _unary(table.sqrt, self)

    def sin(self) -> Value:
        return _unary(table.sin, self)

    def cos(self) -> Value:
        return _unary(table.cos, self)

    def tan(self) -> Value:
        return _unary(table.tan, self)

    def asin(self) -> Value:
        return _unary(table.asin, self)

    def acos(self) -> Value:
        return _unary(table.acos, self)

    def atan(self) -> Value:
        return _unary(table.atan, self)

    def sinh(self) -> Value:
        return _unary(table.sinh, self)

    def cosh(self) -> Value:
        return _unary(table.cosh, self)

    def tanh(self) -> Value:
        return _unary(table.tanh, self)

    def asinh(self) -> Value:
        return _unary(table.asinh, self)

    def acosh(self) -> Value:
        return _unary(table.acosh, self)

    def atanh(self) -> Value:
        return _unary(table.atanh, self)

    def sigmoid(self) -> Value:
        return _unary(table.sigmoid, self)

    def softplus(self) -> Value:
        return _unary(table.softplus, self)

    def erf(self) -> Value:
        return _unary(table.erf, self)

    def erfc(self) -> Value:
        return _unary(table.erfc, self)

    def relu(self) -> Value:
        return _unary(table.relu, self)

    def absolute(self) -> Value:
        return _unary(table.absolute, self)

    def stop_gradient(self) -> Value:
        return _unary(table.stop_gradient, self)

    arcsin, arccos, arctan = asin, acos, atan
    arcsinh, arccosh, arctanh = asinh, acosh, atanh
    fabs = absolute

    def hypot(self, other: Any) -> Any:
        return table.hypot(self, other)

    def atan2(self, other: Any) -> Any:
        return table.atan2(self, other)

    arctan2 = atan2

    def conjugate(self) -> Value:
        return self

    @staticmethod
    def _apply(primitive: Primitive, args: tuple[Any, ...]) -> Value:
        """Record a primitive that was called as a function: the hook of `registry.Primitive`."""
        parts: list[Any] = [arg if isinstance(arg, Value) else primitive.operand(arg) for arg in args]
        data = primitive(*[part if type(part) is float else part._data for part in parts])
        node = _node(primitive, data, 0.0, "", *_in_slots(parts))
        if context.contexts:
            context.tell_recorded(node)
        return node

    # As a number, as text.

    def __float__(self) -> NoReturn:
        _refuse_in_trace("float() (which functions of math call: write autograd.exp for math.exp)", self)
        raise TypeError(
            "a Value does not turn into a float, because its gradient would be lost (float(v), "
            "math.sin(v), np.float64(v)): write autograd.sin(v) or v.sin() to record the operation, "
            "v.data for the number alone"
        )

    def __int__(self) -> NoReturn:
        _refuse_in_trace("int()", self)
        raise TypeError(
            "a Value does not turn into an int, because its gradient would be lost: write int(v.data)"
        )

    def __format__(self, spec: str) -> str:
        return format(self._data, spec)

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._data!r}, grad={self._grad!r}{label})"

    # Copies: never by recursion, however deep the graph.

    def __copy__(self) -> Value:
        return _node(self._primitive, self._data, self._grad, self.label, self._left, self._right)

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        order = topological_order(self)
        for node in [*leaves(order), *order, self]:
            if id(node) not in memo:
                parts = [one if type(one) is float else memo[id(one)] for one in operands(node)]
                memo[id(node)] = _node(node._primitive, node._data, node._grad, node.label, *_in_slots(parts))
        return memo[id(self)]  # type: ignore[no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the whole graph, flat.

        Leaves stay the same object wherever they occur in one pickle; an operation shared by two
        results that are pickled side by side comes back once for each.
        """
        if self._primitive is None:
            return _node, (None, self._data, self._grad, self.label, None, None)
        order = topological_order(self)
        inputs = leaves(order)
        place = {node: i for i, node in enumerate([*inputs, *order])}
        rows = [
            (
                node._primitive,
                node._data,
                node._grad,
                node.label,
                tuple(one if type(one) is float else place[one] for one in operands(node)),
            )
            for node in order
        ]
        return _rebuilt, (inputs, rows)

    # What micrograd's drawing helper reads, and what it cannot have.

    @property
    def _prev(self) -> set[Value]:
        return {Value(one) if type(one) is float else one for one in operands(self)}

    @property
    def _op(self) -> str:
        return "" if self._primitive is None else self._primitive.symbol or self._primitive.name

    def _by_hand(self, *_: object) -> NoReturn:
        raise AttributeError(_BY_HAND)

    _children = _backward = property(_by_hand, _by_hand)


# What an operation's gradient is until something is added to it: by identity, not by its value (-0.0
# plus x is x, to the bit). Were it a plain zero, its rule would make nan of it where a partial is inf.
_NOTHING = float("-0.0")

_BY_HAND = (
    "nodes are not built by hand (_children, _op, _backward): register the operation with "
    "autograd.primitive(name, forward, partials) and call what it returns"
)


def _refuse_label_or_parts(label: object, by_hand: tuple[object, ...], named: dict[str, object]) -> None:
    unknown = set(named) - {"_children", "_op", "_backward"}
    if unknown:
        raise TypeError(f"Value takes data and label, got an argument {unknown.pop()!r}")
    if by_hand or named or isinstance(label, (tuple, set, list)):
        raise TypeError(_BY_HAND)
    raise TypeError(f"the label of a Value must be a str, got {type(label).__name__}")


def _refuse_in_trace(what: str, node: Value) -> None:
    """Raise where this context traces a function, whose program could not repeat the step."""
    if not context.in_trace.get():
        return
    name = f" of {node.label!r}" if node.label else ""
    raise TracingError(
        f"{what}{name} at {user_line()}\nwould freeze, in the function that is being traced, what must be "
        "found anew at each call. To choose between values write where, maximum, minimum or relu; to cut "
        "a gradient, stop_gradient; for a gradient inside, grad or value_and_grad"
    )


class TracingError(TypeError):
    """A traced function did what its program could not repeat; names the line of the user's code."""


# Recording. An operation computes on floats and makes a node of the result, without `__init__`, which
# checks what a user passes. The node is made in place, three times over: a call more would cost every
# operation a tenth of its time.

_new = object.__new__


def _unary(primitive: Primitive, x: Value) -> Value:
    try:
        data = primitive.forward(x._data)
    except (ArithmeticError, ValueError):
        data = evaluate(primitive.forward, x._data)
    node = _new(Value)
    node._data = data
    node._grad = 0.0
    node.label = ""
    node._primitive = primitive
    node._left = x
    node._right = node._mark = None
    if context.contexts:
        context.tell_recorded(node)
    return node


def _operate(primitive: Primitive, left: Value, right: Any) -> Value:
    """An operator's node, or NotImplemented where the right operand is no real number (an array, say)."""
    if isinstance(right, Value):
        number = right._data
    elif type(right) is float:
        number = right
    else:
        number = right = _constant(right)
        if right is NotImplemented:
            return NotImplemented  # type: ignore[no-any-return]
    try:
        data = primitive.forward(left._data, number)
    except (ArithmeticError, ValueError):
        data = evaluate(primitive.forward, left._data, number)
    node = _new(Value)
    node._data = data
    node._grad = 0.0
    node.label = ""
    node._primitive = primitive
    node._left = left
    node._right = right
    node._mark = None
    if context.contexts:
        context.tell_recorded(node)
    return node


def _reflected(primitive: Primitive, left: Any, right: Value) -> Value:
    """The node of an operator whose left operand is a plain number, or NotImplemented."""
    if type(left) is not float:
        left = _constant(left)
        if left is NotImplemented:
            return NotImplemented  # type: ignore[no-any-return]
    try:
        data = primitive.forward(left, right._data)
    except (ArithmeticError, ValueError):
        data = evaluate(primitive.forward, left, right._data)
    node = _new(Value)
    node._data = data
    node._grad = 0.0
    node.label = ""
    node._primitive = primitive
    node._left = left
    node._right = right
    node._mark = None
    if context.contexts:
        context.tell_recorded(node)
    return node


def _compare(primitive: Primitive, left: Any, right: Any) -> bool:
    """A comparison's answer, or in a trace its node; NotImplemented beside what is no real number."""
    a = left._data if isinstance(left, Value) else left
    b = right._data if isinstance(right, Value) else right
    if not isinstance(a, _REAL) or not isinstance(b, _REAL):
        return NotImplemented  # type: ignore[no-any-return]
    if context.traces and context.in_trace.get():
        return primitive(left, right)  # type: ignore[no-any-return]
    answer: bool = primitive.forward(a, b) != 0.0
    return answer


_REAL = (int, float, np.floating, np.integer, np.bool_)


def _constant(number: Any) -> Any:
    """An operator's plain operand as a float (a bool counts as 0 or 1), or NotImplemented."""
    if isinstance(number, _REAL):
        return to_float(int(number) if isinstance(number, (bool, np.bool_)) else number, "an operand")
    return NotImplemented


def _in_slots(parts: list[Any]) -> tuple[Any, Any]:
    """Operands as a node keeps them: `graph.Node`."""
    if len(parts) == 1:
        return parts[0], None
    return (parts[0], parts[1]) if len(parts) == 2 else (tuple(parts), None)


def _node(primitive: Primitive | None, data: float, grad: float, label: str, left: Any, right: Any) -> Value:
    node = _new(Value)
    node._data, node._grad, node.label = data, grad, label
    node._primitive = primitive
    node._left = left
    node._right = right
    node._mark = None
    return node


def _rebuilt(inputs: list[Value], rows: list[tuple[Primitive, float, float, str, tuple[Any, ...]]]) -> Value:
    nodes = list(inputs)
    for primitive, data, grad, label, places in rows:
        parts = [place if type(place) is float else nodes[place] for place in places]
        nodes.append(_node(primitive, data, grad, label, *_in_slots(parts)))
    return nodes[-1]


def _propagate(node: Value) -> context.Received:
    """The chain rule at one node: add to each operand's gradient, and return what each received."""
    parts = operands(node)
    inputs = tuple(one if type(one) is float else one._data for one in parts)
    wanted = tuple(type(one) is not float for one in parts)
    partials = node._primitive.partials_at(node._data, inputs, wanted)  # type: ignore[union-attr]
    received = []
    for one, partial in zip(parts, partials):
        if partial is not None:
            gradient = node._grad * partial
            received.append((one, gradient, one._grad))
            one._grad += gradient
    return received


def _backward_watched(order: list[Value]) -> None:
    for node in reversed(order):
        if node._grad is _NOTHING:
            node._grad = 0.0
        else:
            context.tell_propagated(node, node._grad, _propagate(node))
