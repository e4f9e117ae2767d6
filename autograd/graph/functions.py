"""The functions that a Value has as methods, in NumPy's spelling too (NumPy calls them on object arrays)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from autograd.graph.refusals import point_by_point, refuse_as_array
from autograd.primitives import table
from autograd.primitives.primitive import Primitive

__all__ = ["Functions"]

N = TypeVar("N", bound="Functions")


class Functions:
    """The methods; the class that has them makes the nodes, in `_unary`."""

    __slots__ = ()

    if TYPE_CHECKING:

        def _unary(self: N, primitive: Primitive) -> N: ...

    def exp(self: N) -> N:
        return self._unary(table.exp)

    def expm1(self: N) -> N:
        return self._unary(table.expm1)

    def log(self: N) -> N:
        return self._unary(table.log)

    def log1p(self: N) -> N:
        return self._unary(table.log1p)

    def log2(self: N) -> N:
        return self._unary(table.log2)

    def log10(self: N) -> N:
        return self._unary(table.log10)

    def sqrt(self: N) -> N:
        return self._unary(table.sqrt)

    def sin(self: N) -> N:
        return self._unary(table.sin)

    def cos(self: N) -> N:
        return self._unary(table.cos)

    def tan(self: N) -> N:
        return self._unary(table.tan)

    def asin(self: N) -> N:
        return self._unary(table.asin)

    def acos(self: N) -> N:
        return self._unary(table.acos)

    def atan(self: N) -> N:
        return self._unary(table.atan)

    def sinh(self: N) -> N:
        return self._unary(table.sinh)

    def cosh(self: N) -> N:
        return self._unary(table.cosh)

    def tanh(self: N) -> N:
        return self._unary(table.tanh)

    def asinh(self: N) -> N:
        return self._unary(table.asinh)

    def acosh(self: N) -> N:
        return self._unary(table.acosh)

    def atanh(self: N) -> N:
        return self._unary(table.atanh)

    def sigmoid(self: N) -> N:
        return self._unary(table.sigmoid)

    def softplus(self: N) -> N:
        return self._unary(table.softplus)

    def erf(self: N) -> N:
        return self._unary(table.erf)

    def erfc(self: N) -> N:
        return self._unary(table.erfc)

    def relu(self: N) -> N:
        return self._unary(table.relu)

    def absolute(self: N) -> N:
        return self._unary(table.absolute)

    def stop_gradient(self: N) -> N:
        return self._unary(table.stop_gradient)

    arcsin, arccos, arctan = asin, acos, atan
    arcsinh, arccosh, arctanh = asinh, acosh, atanh
    fabs = absolute

    def hypot(self, other: Any) -> Any:
        return table.hypot(self, other)

    def atan2(self, other: Any) -> Any:
        return table.atan2(self, other)

    arctan2 = atan2

    def conjugate(self: N) -> N:
        return self

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """NumPy's functions but for its ufuncs, where a Value itself is among their arguments."""
        if not all(issubclass(kind, (np.ndarray, Functions)) for kind in types):
            return NotImplemented  # some other kind of array's affair
        return point_by_point(function, args, kwargs)


for _name in (
    "all", "any", "argmax", "argmin", "argsort", "cumprod", "cumsum", "dot", "flatten", "max", "mean", "min",
    "prod", "ptp", "ravel", "repeat", "reshape", "size", "sort", "squeeze", "std", "sum", "take", "var",
):  # fmt: skip
    setattr(Functions, _name, refuse_as_array(_name))
