"""`Elements`: an object array of Values that becomes one node where it meets a large array of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partialmethod
from typing import Any

import numpy as np

from autograd.primitives import table
from autograd.programs.arrays.elementwise import as_node, is_whole
from autograd.programs.arrays.numpy_functions import norm

__all__ = ["Elements"]

_LARGE = 256  # elements


class Elements(np.ndarray):
    """An array of a few Values, as an argument that is differentiated, or traced for `jit`, is taken apart.

    It is NumPy's object array. Beside an array of numbers that is large, or one that is a node, it is made a
    node, too, so that ``data @ weights`` is a few operations however many data there are.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            for arg in inputs:
                if type(arg) is not Elements and _is_large(arg):
                    return ufunc(*_as_nodes(inputs))
        if ufunc.__name__ == "clip" and not kwargs:  # which NumPy would do by comparisons, that know no nan
            return np.asarray(table.minimum(table.maximum(*inputs[:2]), inputs[2])).view(Elements)
        out = kwargs.get("out")
        if out is not None:
            kwargs["out"] = tuple(map(_plain, out))
        plain = [arg.view(np.ndarray) if type(arg) is Elements else arg for arg in inputs]
        result = (
            ufunc(*plain) if method == "__call__" and not kwargs else getattr(ufunc, method)(*plain, **kwargs)
        )
        if out is not None:
            return out[0]
        return result.view(Elements) if type(result) is np.ndarray else result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        parts = [part for arg in args for part in (arg if isinstance(arg, (list, tuple)) else (arg,))]
        orders = function in _ORDERS and args and isinstance(args[0], Elements) and args[0].ndim
        if orders or any(map(_is_large, parts)):
            return function(*_as_nodes(args), **kwargs)
        result = norm(*args, **kwargs) if function is np.linalg.norm else NotImplemented
        return (
            super().__array_function__(function, types, args, kwargs) if result is NotImplemented else result
        )

    def __reduce__(self) -> Any:
        return self.view(np.ndarray).__reduce__()

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))


_ORDERS = (np.argmax, np.argmin, np.argsort, np.sort)  # by comparisons, which know no nan

for _function in _ORDERS[:3]:
    setattr(Elements, _function.__name__, partialmethod(_function))


def _is_large(arg: Any) -> bool:
    if isinstance(arg, np.ndarray):
        return arg.size >= _LARGE and arg.dtype.kind in "fiub"
    return is_whole(arg)


def _plain(arg: Any) -> Any:
    return arg.view(np.ndarray) if isinstance(arg, Elements) else arg


def _as_nodes(args: Sequence[Any]) -> list[Any]:
    return [
        as_node(arg)
        if isinstance(arg, Elements) and arg.ndim
        else type(arg)(_as_nodes(arg))
        if type(arg) in (list, tuple)
        else arg
        for arg in args
    ]
