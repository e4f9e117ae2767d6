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
from autograd.graph.comparisons import Comparisons
from autograd.graph.copies import Copied
from autograd.graph.functions import Functions
from autograd.graph.nodes import (
    is_constant,
    is_node,
    kinds,
    new_node,
    numbers,
    operands,
    operation,
    parents,
    record_node,
)
from autograd.graph.refusals import refuse_arguments, refuse_by_hand, refuse_in_trace, refuse_masked
from autograd.graph.walks import full_order
from autograd.primitives import table
from autograd.primitives.ieee import constant, evaluate, to_float
from autograd.primitives.masked import pulled
from autograd.primitives.operation import ABSENT, Operation, Projection
from autograd.primitives.primitive import Primitive

__all__ = ["Value"]

Number = Union[float, int, "np.floating[Any]", "np.integer[Any]"]


class Value(Comparisons, Functions, Copied):
    """A scalar that records the operations applied to it, so that they can be differentiated.

    Args:
        data: a real number: int, float, Fraction, Decimal or NumPy real scalar.
        label: a name, for printing and drawing.

    Attributes:
        data: the number, a float; assignable.
        grad: the derivative of the last `backward` call's result by this value, a float; assignable.
            On a leaf (a Value that no operation made) it accumulates over calls.
        label: the name; assignable.

    ``==``, ``!=``, ``<`` and the like compare numbers, and answer with a bool. So ``in``, ``list.index``,
    ``list.count`` and ``list.remove`` find the first Value whose number is equal; for the same object
    ask ``any(item is v for item in values)``. In a function that is being traced a comparison is
    recorded, as 0 or 1, and deciding on it (``if``, ``while``, ``in``, ``match``, ``index``) is refused.
    The hash is the object's, as that of PyTorch's tensors: sets and dicts tell Values apart that are
    equal, and a dict or a set of numbers does not find a Value: look up ``v.data``.

    Raises:
        TypeError: the data is no real number (bool, str, complex, arrays and Values are none), or
            the label is no string.

    >>> w, x = Value(2.0, "w"), Value(-3.0, "x")
    >>> y = (w * x).tanh() + x**2
    >>> y.backward()
    >>> w.grad, round(y.data, 6)
    (-7.37...e-05, 8.000012)
    >>> w == 2, w != x, Value(2.0) in [x, w], len({w, Value(2.0)}), w in {2.0}
    (True, True, True, 2, False)
    """

    __slots__ = ("_grad", "_left", "_mark", "_number", "_operation", "_right", "_scopes", "label")

    _number: float
    _grad: float
    _operation: Any
    _left: Any
    _right: Any
    _scopes: Any
    _mark: object
    label: str

    def __init__(self, data: Number, label: str = "", *by_hand: object, **named: object) -> None:
        if by_hand or named or type(label) is not str:
            refuse_arguments(label, by_hand, named)
        self._number = data if type(data) is float else to_float(data, "the data of a Value")
        self._grad = 0.0
        self._operation = self._right = self._mark = None
        self._left = context.beginnings
        self.label = label

    @property
    def data(self) -> float:
        """The number."""
        if context.active:
            refuse_in_trace("reading .data", self)
        return self._number

    @data.setter
    def data(self, number: Number) -> None:
        self._number = number if type(number) is float else to_float(number, "data")

    @property
    def grad(self) -> float:
        """The derivative of the last result that went backward, by this value."""
        if context.active:
            refuse_in_trace("reading .grad", self)
        return self._grad

    @grad.setter
    def grad(self, number: Number) -> None:
        self._grad = number if type(number) is float else to_float(number, "grad")

    def backward(self) -> None:
        """Set `grad`, on every Value that this one was computed from, to this one's derivative by it.

        Leaves add it to what they hold (assign 0 to start afresh); the others hold the derivative of
        the last call. The work is linear in the number of operations.
        """
        if context.active:
            refuse_in_trace("backward()", self)
        order = full_order(self)
        for node in order:
            node._grad = _NOTHING
        self._grad += 1.0
        if context.active and context.is_watched():
            return _backward_watched(order)
        # What `_propagate` does at one node, written out for one and two operands. A rule is a
        # function of the result and the operands, or the number that it is everywhere.
        for node in reversed(order):
            grad = node._grad
            if grad is _NOTHING:  # none reaches it: a stop_gradient, a comparison or a where is above
                node._grad = 0.0
                continue
            left = node._left
            right = node._right
            rules = node._operation.rules
            try:
                if rules is None:
                    _propagate(node)
                elif right is None:
                    rule = rules[0]
                    left._grad += grad * (rule if type(rule) is float else rule(node._number, left._number))
                elif type(right) is float:
                    rule = rules[0]
                    left._grad += grad * (
                        rule if type(rule) is float else rule(node._number, left._number, right)
                    )
                elif type(left) is float:
                    rule = rules[1]
                    right._grad += grad * (
                        rule if type(rule) is float else rule(node._number, left, right._number)
                    )
                else:
                    by_left, by_right = rules
                    if type(by_left) is not float:
                        by_left = by_left(node._number, left._number, right._number)
                    if type(by_right) is not float:
                        by_right = by_right(node._number, left._number, right._number)
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
        return self._unary(table.neg)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return self._unary(table.absolute)

    @staticmethod
    def _apply(operation: Operation, args: tuple[Any, ...]) -> Any:
        """Record an operation that was called as a function: the hook of `Operation.__call__`."""
        if not isinstance(operation, Primitive):
            return record_node(operation, args)
        if len(args) == 1 and operation.is_builtin:
            return args[0]._unary(operation)
        try:
            parts = [arg if isinstance(arg, Value) else operation.operand(arg) for arg in args]
        except TypeError:
            for arg in args:
                if is_node(arg) and not isinstance(arg, Value):  # an array takes the call over
                    return arg._apply(operation, args)
            raise
        node = new_node(Value, operation, parts, operation(*numbers(parts)))
        if context.active:
            context.tell_recorded(node)
        return node

    def _unary(self, primitive: Primitive) -> Value:
        """Record a primitive of one operand: what each of the `Functions` calls."""
        try:
            data = primitive.forward(self._number)
        except (ArithmeticError, ValueError):
            data = evaluate(primitive.forward, self._number)
        node = _new(Value)
        node._number = data
        node._grad = 0.0
        node.label = ""
        node._operation = primitive
        node._left = self
        node._right = node._mark = None
        if context.active:
            context.tell_recorded(node)
        return node

    # As a number, as text.

    def __float__(self) -> NoReturn:
        refuse_in_trace("float() (which functions of math call: write autograd.exp for math.exp)", self)
        raise TypeError(
            "a Value does not turn into a float, because its gradient would be lost (float(v), "
            "math.sin(v), np.float64(v)): write autograd.sin(v) or v.sin() to record the operation, "
            "v.data for the number alone"
        )

    def __int__(self) -> NoReturn:
        refuse_in_trace("int()", self)
        raise TypeError(
            "a Value does not turn into an int, because its gradient would be lost: write int(v.data)"
        )

    def __format__(self, spec: str) -> str:
        return format(self._number, spec)

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._number!r}, grad={self._grad!r}{label})"

    # What micrograd's drawing helper reads, and what it cannot have.

    @property
    def _prev(self) -> set[Value]:
        return {Value(part) if type(part) is float else part for part in operands(self)}

    @property
    def _op(self) -> str:
        return "" if self._operation is None else operation(self).symbol or operation(self).name

    _children = _backward = property(refuse_by_hand, refuse_by_hand)
    _data = property(refuse_masked)


kinds[float] = Value

# What an operation's gradient is until something is added to it: by identity, not by its value (-0.0
# plus x is x, to the bit). Were it a plain zero, its rule would make nan of it where a partial is inf.
_NOTHING = float("-0.0")

# Recording. An operation computes on floats and makes a node of the result, without `__init__`, which
# checks what a user passes. The node is made in place, three times over (here and in `Value._unary`): a
# call more would cost every operation a tenth of its time.

_new = object.__new__


def _operate(primitive: Primitive, left: Value, right: Any) -> Value:
    """An operator's node, or NotImplemented where the right operand is no real number (an array, say)."""
    if isinstance(right, Value):
        number = right._number
    elif type(right) is float:
        number = right
    else:
        number = right = constant(right)
        if right is NotImplemented:
            return NotImplemented  # type: ignore[no-any-return]
    try:
        data = primitive.forward(left._number, number)
    except (ArithmeticError, ValueError):
        data = evaluate(primitive.forward, left._number, number)
    node = _new(Value)
    node._number = data
    node._grad = 0.0
    node.label = ""
    node._operation = primitive
    node._left = left
    node._right = right
    node._mark = None
    if context.active:
        context.tell_recorded(node)
    return node


def _reflected(primitive: Primitive, left: Any, right: Value) -> Value:
    """The node of an operator whose left operand is a plain number, or NotImplemented."""
    if type(left) is not float:
        left = constant(left)
        if left is NotImplemented:
            return NotImplemented  # type: ignore[no-any-return]
    try:
        data = primitive.forward(left, right._number)
    except (ArithmeticError, ValueError):
        data = evaluate(primitive.forward, left, right._number)
    node = _new(Value)
    node._number = data
    node._grad = 0.0
    node.label = ""
    node._operation = primitive
    node._left = left
    node._right = right
    node._mark = None
    if context.active:
        context.tell_recorded(node)
    return node


def _propagate(node: Value) -> context.Received:
    """The chain rule at one node: add to each operand's gradient, and return what each received."""
    operation, parts = node._operation, parents(node)
    if type(operation) is Projection:
        return _collect(node, node._left, operation.index)
    several = operation.result_count > 1
    results: Any = node._number if several else (node._number,)
    adjoints: Any = node._grad if several else (node._grad,)
    wanted = [not is_constant(part) for part in parts]
    gradients = pulled(operation, numbers(parts), results, adjoints, wanted)
    received = []
    for part, gradient, want in zip(parts, gradients, wanted):
        if want and gradient is not None:
            held = part._grad
            received.append((part, gradient, held))
            part._grad = held + gradient
    return received


def _collect(result: Value, node: Any, index: int) -> context.Received:
    """Hand the gradient of one of several results to the node that has them all."""
    if node._grad is _NOTHING:
        node._grad = [ABSENT] * node._operation.result_count
    node._grad[index] = node._grad[index] + result._grad
    return []


def _backward_watched(order: list[Value]) -> None:
    for node in reversed(order):
        grad: Any = node._grad
        if grad is _NOTHING:
            node._grad = 0.0
        else:
            context.tell_propagated(node, grad if type(grad) is list else [grad], _propagate(node))
