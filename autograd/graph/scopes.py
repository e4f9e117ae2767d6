"""`scope`: names for parts of a graph, which `draw` shows as labelled boxes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autograd.graph import context
from autograd.graph.context import current, entered
from autograd.graph.walks import topological_order

__all__ = ["Path", "Scope", "enclose", "scope", "scopes_of"]


class Scope:
    """One named part of a graph. Each opening makes another, whatever the name.

    Attributes:
        name: what the box is called.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        if type(name) is not str:
            raise TypeError(f"the name of a scope must be a str, got {type(name).__name__}")
        self.name = name

    def __repr__(self) -> str:
        return f"Scope({self.name!r})"


Path = tuple[Scope, ...]  # the outermost first


@contextmanager
def scope(name: str) -> Iterator[Scope]:
    """Name what is computed in this context: `draw` puts it into a box of that name.

    Scopes may be nested. While one is open, recording an operation takes up to half as long again;
    otherwise scopes cost nothing. What must run at full speed names its parts afterwards: `enclose`.
    Copies and pickles of a graph have no scopes.

    Args:
        name: what the box is called.

    Raises:
        TypeError: the name is no str.

    >>> from autograd import Value
    >>> x = Value(2.0, "x")
    >>> with scope("square"):
    ...     y = x * x
    >>> scopes_of(y), scopes_of(y + 1)
    ((Scope('square'),), ())
    """
    innermost = Scope(name)
    with entered(scopes=(*current().scopes, innermost)):
        yield innermost


def enclose(name: str, *results: Any) -> Scope:
    """Put what results were computed by into a scope, after the fact.

    The scope takes the operations beneath the results that are in none so far: of parts that build on
    each other, enclose the first one first.

    Args:
        name: what the box is called.
        results: Values.

    Raises:
        TypeError: the name is no str.

    >>> from autograd import Value
    >>> square = Value(2.0) ** 2
    >>> y = square.sin()
    >>> inner, outer = enclose("inner", square), enclose("outer", y)
    >>> scopes_of(square), scopes_of(y)
    ((Scope('inner'),), (Scope('outer'),))
    """
    enclosing = Scope(name)
    context.any_scopes = True
    for node in topological_order(*results):
        if not scopes_of(node):
            node._scopes = (enclosing,)
    return enclosing


def scopes_of(node: Any) -> Path:
    """The scopes that an operation was recorded in, the outermost first."""
    path: Path = getattr(node, "_scopes", ())
    return path
