"""The peers in plain Python: micrograd, completed for the assignment, and an engine after microgpt."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

__all__ = ["TapeValue", "micrograd_value"]


def micrograd_value() -> type[Any]:
    """micrograd's own `Value` with exp, tanh, sin and sigmoid added in its own manner.

    Raises:
        ModuleNotFoundError: micrograd is not installed.
    """
    from micrograd.engine import Value

    def unary(name: str, forward: Callable[[float], float], partial: Callable[[float, float], float]) -> Any:
        def method(self: Any) -> Any:
            out = Value(forward(self.data), (self,), name)

            def _backward() -> None:
                self.grad += partial(out.data, self.data) * out.grad

            out._backward = _backward
            return out

        return method

    Value.exp = unary("exp", math.exp, lambda y, x: y)
    Value.tanh = unary("tanh", math.tanh, lambda y, x: 1 - y * y)
    Value.sin = unary("sin", math.sin, lambda y, x: math.cos(x))
    Value.sigmoid = unary("sigmoid", lambda x: 1 / (1 + math.exp(-x)), lambda y, x: y * (1 - y))
    return Value  # type: ignore[no-any-return]


class TapeValue:
    """An engine in 40 lines after microgpt: tuples of children and of local gradients, recursive sort."""

    __slots__ = ("_children", "_local_grads", "data", "grad")

    def __init__(
        self, data: float, children: tuple[Any, ...] = (), local_grads: tuple[Any, ...] = ()
    ) -> None:
        self.data = data
        self.grad = 0
        self._children = children
        self._local_grads = local_grads

    def __add__(self, other: Any) -> Any:
        other = other if isinstance(other, TapeValue) else TapeValue(other)
        return TapeValue(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other: Any) -> Any:
        other = other if isinstance(other, TapeValue) else TapeValue(other)
        return TapeValue(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, other: float) -> Any:
        return TapeValue(self.data**other, (self,), (other * self.data ** (other - 1),))

    def exp(self) -> Any:
        return TapeValue(math.exp(self.data), (self,), (math.exp(self.data),))

    def tanh(self) -> Any:
        y = math.tanh(self.data)
        return TapeValue(y, (self,), (1 - y * y,))

    def sin(self) -> Any:
        return TapeValue(math.sin(self.data), (self,), (math.cos(self.data),))

    def sigmoid(self) -> Any:
        y = 1 / (1 + math.exp(-self.data))
        return TapeValue(y, (self,), (y * (1 - y),))

    def relu(self) -> Any:
        return TapeValue(max(0, self.data), (self,), (float(self.data > 0),))

    def __neg__(self) -> Any:
        return self * -1

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return other + (-self)

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def __truediv__(self, other: Any) -> Any:
        return self * other**-1

    def backward(self) -> None:
        topo = []
        visited = set()

        def build(v: Any) -> None:
            if v not in visited:
                visited.add(v)
                for child in v._children:
                    build(child)
                topo.append(v)

        build(self)
        self.grad = 1
        for v in reversed(topo):
            for child, local_grad in zip(v._children, v._local_grads):
                child.grad += local_grad * v.grad
