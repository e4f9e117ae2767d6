"""What a Value refuses, and how it says so.

Steps that a trace would freeze, functions of a whole array, and nodes built by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from autograd.graph import context
from autograd.graph.walks import depends_on
from autograd.primitives import table
from autograd.primitives.ieee import MASK_IS_LOST
from autograd.support.user_line import user_line

__all__ = [
    "TracingError",
    "explain",
    "is_in_trace",
    "point_by_point",
    "refuse_arguments",
    "refuse_as_array",
    "refuse_by_hand",
    "refuse_in_trace",
    "refuse_masked",
]


class TracingError(TypeError):
    """A traced function did what its program could not repeat; names the line of the user's code."""


def is_in_trace(*operands: Any) -> bool:
    """Whether this context traces a function, or an operand depends on what another thread traces one on.

    To be asked only while `context.active` is not 0.
    """
    if context.current().tracing:
        return True
    nodes = [operand for operand in operands if hasattr(type(operand), "_apply")]
    return bool(context.traced) and depends_on(nodes, context.traced)


def refuse_in_trace(what: str, node: Any) -> None:
    """Raise where a function is being traced, on a context of this or of its caller's thread.

    Its program could not repeat the step.
    """
    if not is_in_trace(node):
        return
    name = f" of {node.label!r}" if node.label else ""
    raise TracingError(
        f"{what}{name} at {user_line()}\nwould freeze, in the function that is being traced, what must be "
        "found anew at each call. To choose between values write where, maximum, minimum or relu, between "
        "what is computed, cond, switch; to repeat, while_loop, fori_loop or scan; to cut a gradient, "
        "stop_gradient; for a gradient inside, grad or value_and_grad"
    )


_BY_HAND = (
    "nodes are not built by hand (_children, _op, _backward): register the operation with "
    "autograd.primitive(name, forward, partials) and call what it returns"
)


def refuse_arguments(label: object, by_hand: tuple[object, ...], named: dict[str, object]) -> NoReturn:
    """Say what is wrong with the arguments that `Value` was called with, its data aside."""
    unknown = set(named) - {"_children", "_op", "_backward"}
    if unknown:
        raise TypeError(f"Value takes data and label, got an argument {unknown.pop()!r}")
    if by_hand or named or isinstance(label, (tuple, set, list)):
        raise TypeError(_BY_HAND)
    raise TypeError(f"the label of a Value must be a str, got {type(label).__name__}")


def refuse_by_hand(*_: object) -> NoReturn:
    """Refuse to read or to set what a node of micrograd has and ours has not."""
    raise AttributeError(_BY_HAND)


def refuse_masked(node: object) -> NoReturn:
    """Refuse what NumPy's masked arrays read of an operand; for all others there is no such attribute."""
    if sys._getframe(1).f_globals.get("__name__", "").startswith("numpy.ma"):
        beside = f"an operand beside a {type(node).__name__}"
        raise TypeError(f"{beside} {MASK_IS_LOST}; or np.asarray(x) where nothing is masked")
    raise AttributeError(f"{type(node).__name__!r} object has no attribute '_data'")


# A Value taken for an array. In a formula for one point, np.mean(x) would be x itself. It is refused
# outside such formulas, too, so that a formula does the same recorded, traced, mapped and unrolled.

# NumPy's functions that have a meaning for one number, whatever stands beside it: they work entry by entry,
# tell what kind of object it is, or make an array whose size does not come from it.
_POINT_BY_POINT = {
    "allclose", "angle", "around", "array2string", "array_equal", "array_equiv", "array_repr", "array_str",
    "astype", "broadcast_arrays", "broadcast_to", "can_cast", "clip", "common_type", "copy", "copyto",
    "digitize", "empty_like", "fix", "full_like", "geomspace", "i0", "imag", "interp", "isclose", "iscomplex",
    "iscomplexobj", "isin", "isneginf", "isposinf", "isreal", "isrealobj", "linspace", "logspace",
    "may_share_memory", "min_scalar_type", "ndim", "ones_like", "piecewise", "polyval", "real",
    "real_if_close", "result_type", "round", "shape", "shares_memory", "where", "zeros_like",
}  # fmt: skip
_SINC = (
    "Write u = pi*x, v = where(abs(u) < 0.1, 1.0, u) and where(abs(u) < 0.1, 1 - u**2/6 + u**4/120 "
    "- u**6/5040 + u**8/362880, sin(v)/v), which is smooth at 0"
)
_ONE_NUMBER = (
    "A Value is one number, and a formula is for one point. What takes all points is to be computed outside, "
    "from the data, and used by the formula (mean = np.mean(xdata), and x - mean). Of several Values make an "
    "array, np.array([a, b]); of numbers, write a * b for a product and abs(a) for a norm"
)


def point_by_point(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call one of NumPy's functions that was handed a Value, where it has a meaning for one number.

    Raises:
        TypeError: the Value stands for the array that the function is of.
    """
    module, name = function.__module__, function.__name__
    array = next(iter((*args, *kwargs.values())), None)
    if hasattr(type(array), "_apply") and not (module == "numpy" and name in _POINT_BY_POINT):
        called = f"{module}.{name}".replace("numpy", "np", 1)
        raise TypeError(
            f"{called} of a single number, at {user_line()}\n{_SINC if name == 'sinc' else _ONE_NUMBER}"
        )
    return function._implementation(*args, **kwargs)  # type: ignore[attr-defined]


def refuse_as_array(name: str) -> property:
    """An attribute that arrays have: a Value has not (`hasattr` says so), and reading it says what to do."""

    def refuse(_: object) -> NoReturn:
        raise AttributeError(f".{name} of a single number, at {user_line()}\n{_ONE_NUMBER}")

    return property(refuse)


def explain(error: Exception) -> None:
    """Raise a clearer error in the place of one that Python or NumPy raised because a Value is no array.

    They ask the Value nothing that it could refuse itself. What else went wrong is left as it is.
    """
    message = str(error)
    ufunc = _UFUNC.search(message)
    if ufunc is not None:
        name = ufunc[1] or ufunc[2]
        ours = _OURS.get(name, name)
        if hasattr(table, ours):
            advice = f"Write autograd.{ours}, which takes numbers, Values and arrays"
        else:
            advice = (
                f"No {name} takes Values: write it with the functions of autograd, or register it with "
                "autograd.primitive(name, forward, partials)"
            )
    elif _REPEATS.search(message):
        advice = (
            "How often a loop runs may not depend on what is differentiated or traced: range(n) and "
            "fori_loop are for a plain int, which the function closes over; while_loop runs until a "
            "condition is false"
        )
        if "iterable" in message:
            advice = f"{_ONE_NUMBER}. {advice}"
    elif _SUBSCRIPT.search(message):
        advice = _ONE_NUMBER + ". Where x[0, :] was meant, x is that number"
    elif isinstance(error, IndexError) and "too many indices" in message:
        advice = "In a formula for one point, x[0, :] of the data is x[0]"
    elif isinstance(error, IndexError) and message.startswith("only integers, slices"):
        advice = "An index that is a Value is for autograd.array(data)[i], not for an array of NumPy"
    else:
        return
    raise type(error)(f"{message.rstrip('.')}\n{advice}") from error


_UFUNC = re.compile(r"^ufunc '(\w+)' not supported[^\n]*$|^loop of ufunc [^\n]* no callable (\w+) method$")
_SUBSCRIPT = re.compile(
    r"^('Value' object is not subscriptable|cannot unpack non-iterable Value object"
    r"|object of type 'Value' has no len\(\))$"
)
_REPEATS = re.compile(r"^'(Value|Array)' object (is not iterable|cannot be interpreted as an integer)$")
_OURS = {"expit": "sigmoid", "arctan2": "atan2"}
