"""Watchers: contexts that see every node as it is recorded and as derivatives go through it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = [
    "Received",
    "Watcher",
    "births",
    "derived_from",
    "deriving",
    "differentiating",
    "in_trace",
    "is_watched",
    "newborn",
    "tell_propagated",
    "tell_pushed",
    "tell_recorded",
    "tracing",
    "variables",
    "watch",
]


Received = list[tuple[Any, float, float]]  # an operand, what it received, what it held before


class Watcher:
    """What `watch` calls; a watcher overrides what it wants to see."""

    def recorded(self, node: Any, /) -> None:
        """A node has been made."""

    def propagated(self, node: Any, adjoint: float, received: Received, /) -> None:
        """A node's adjoint has been handed to its operands, by `Value.backward` or a reverse sweep."""

    def pushed(self, node: Any, tangent: float, tangents: Sequence[float], /) -> None:
        """A node's tangent has been found from those of its operands, by a forward sweep."""


# How many `watch` contexts are open in the process: while it is 0, recording pays for one test and
# nothing else. Who watches is each context's own affair.
contexts = 0
_counting = threading.Lock()
watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())

# The leaves made in this context, where somebody asks for them (see `births`).
newborn: ContextVar[set[Any] | None] = ContextVar("newborn", default=None)


@contextmanager
def births() -> Iterator[set[Any]]:
    """Collect the leaves that are made in this context: what a function makes, it does not close over."""
    outer = newborn.get()
    made: set[Any] = set()
    token = newborn.set(made)
    try:
        yield made
    finally:
        newborn.reset(token)
        if outer is not None:
            outer |= made


# The node whose derivative is being recorded in this context, where a sweep builds one's graph.
derived_from: ContextVar[Any] = ContextVar("derived_from", default=None)


@contextmanager
def deriving() -> Iterator[None]:
    """A sweep names in `derived_from` one node after the other; afterwards it is what it was."""
    token = derived_from.set(derived_from.get())
    try:
        yield
    finally:
        derived_from.reset(token)


# The nodes that functions running in this context are being differentiated by: see `differentiating`.
variables: ContextVar[frozenset[Any]] = ContextVar("variables", default=frozenset())


@contextmanager
def differentiating(nodes: Iterable[Any]) -> Iterator[None]:
    """A function is being differentiated by nodes: whoever would read them as numbers must not."""
    token = variables.set(variables.get().union(nodes))
    try:
        yield
    finally:
        variables.reset(token)


# How many functions are being traced in the process, and whether one is in this context: see `tracing`.
traces = 0
in_trace: ContextVar[bool] = ContextVar("in_trace", default=False)


@contextmanager
def tracing() -> Iterator[None]:
    """A function is being traced: what would turn a Value into a number of this moment is refused."""
    global traces
    with _counting:
        traces += 1
    token = in_trace.set(True)
    try:
        yield
    finally:
        in_trace.reset(token)
        with _counting:
            traces -= 1


@contextmanager
def watch(watcher: Watcher) -> Iterator[None]:
    """Let a watcher see what is recorded, and what goes backward, in this context."""
    global contexts
    with _counting:
        contexts += 1
    token = watchers.set((*watchers.get(), watcher))
    try:
        yield
    finally:
        watchers.reset(token)
        with _counting:
            contexts -= 1


def tell_recorded(node: Any) -> None:
    """Tell this context's watchers of a node; called only while `contexts` is not 0."""
    for watcher in watchers.get():
        watcher.recorded(node)


def is_watched() -> bool:
    """Whether this context has watchers of derivatives: not in a trace, whose numbers do not matter."""
    return bool(contexts and watchers.get() and not in_trace.get())


def tell_propagated(node: Any, adjoint: float, received: Received) -> None:
    """Tell this context's watchers what a node's adjoint has handed to its operands."""
    for watcher in watchers.get():
        watcher.propagated(node, adjoint, received)


def tell_pushed(node: Any, tangent: float, tangents: Sequence[float]) -> None:
    """Tell this context's watchers of a node's tangent, and of those of its operands."""
    for watcher in watchers.get():
        watcher.pushed(node, tangent, tangents)
