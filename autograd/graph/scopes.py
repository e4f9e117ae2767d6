"""`scope`: names for parts of a graph, which `draw` shows as labelled boxes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from autograd.graph.context import Watcher, watch
from autograd.graph.walks import topological_order

__all__ = ["Scope", "enclose", "scope", "scopes_of"]


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

_open: ContextVar[Path] = ContextVar("open_scopes", default=())


@contextmanager
def scope(name: str) -> Iterator[Scope]:
    """Name what is computed in this context: `draw` puts it into a box of that name.

    Scopes may be nested. While one is open, recording an operation takes about three times as long;
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
    outer = _open.get()
    here = Scope(name)
    token = _open.set((*outer, here))
    try:
        if outer:  # it is being watched already
            yield here
        else:
            with watch(_RECORDER):
                yield here
    finally:
        _open.reset(token)


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
    here = Scope(name)
    for node in topological_order(*results):
        if not scopes_of(node):
            _table.put(node, (here,))
    return here


def scopes_of(node: Any) -> Path:
    """The scopes that an operation was recorded in, the outermost first."""
    return _table.paths.get(node, ())


class _Table:
    """The scopes of operations, for as long as anybody else holds the operations.

    Nodes have no room for weak references, so the table looks at the count of references instead: an
    operation that nothing but the table holds is dropped. It looks whenever it has doubled since it
    last did, so that an entry costs the same however many there are.

    Attributes:
        paths: the scopes of each operation, in the order of recording.
    """

    def __init__(self) -> None:
        self.paths: dict[Any, Path] = {}
        self._full = _FEWEST
        self._sweeping = threading.Lock()

    def put(self, node: Any, path: Path) -> None:
        self.paths[node] = path
        if len(self.paths) >= self._full:
            self.sweep()

    def sweep(self) -> None:
        """Drop what nobody else holds, the newest first: it may be all that holds what is older."""
        if not self._sweeping.acquire(blocking=False):  # somebody is at it
            return
        try:
            nodes = list(self.paths)
            while nodes:
                if _references(nodes) == _UNHELD:
                    del self.paths[nodes[-1]]
                nodes.pop()
            self._full = 2 * len(self.paths) + _FEWEST
        finally:
            self._sweeping.release()


_FEWEST = 1_000  # entries that are worth a look


def _references(nodes: list[Any]) -> int:
    """How many references there are to the last of some nodes."""
    return sys.getrefcount(nodes[-1])


# What `_references` finds where only a dict and the list hold a node: it counts its own as well.
_alone = {object(): None}
_UNHELD = _references(list(_alone))

_table = _Table()


class _Recorder(Watcher):
    """Enters each operation into the table, with the scopes that are open in its context."""

    def recorded(self, node: Any) -> None:
        _table.put(node, _open.get())


_RECORDER = _Recorder()
