"""What a Value refuses, and how it says so: steps that a trace would freeze, and nodes built by hand."""

from __future__ import annotations

from typing import Any, NoReturn

from autograd.graph import context
from autograd.support.user_line import user_line

__all__ = ["TracingError", "refuse_arguments", "refuse_by_hand", "refuse_in_trace"]


class TracingError(TypeError):
    """A traced function did what its program could not repeat; names the line of the user's code."""


def refuse_in_trace(what: str, node: Any) -> None:
    """Raise where this context traces a function, whose program could not repeat the step."""
    if not context.current().tracing:
        return
    name = f" of {node.label!r}" if node.label else ""
    raise TracingError(
        f"{what}{name} at {user_line()}\nwould freeze, in the function that is being traced, what must be "
        "found anew at each call. To choose between values write where, maximum, minimum or relu; to cut "
        "a gradient, stop_gradient; for a gradient inside, grad or value_and_grad"
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
