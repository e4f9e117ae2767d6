"""The context that code runs in: who watches it, its scopes, whether it is traced or differentiated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import Any

from autograd.support.locks import fork_safe_lock

__all__ = [
    "Context",
    "Received",
    "Source",
    "Watcher",
    "beginning",
    "current",
    "deriving",
    "differentiating",
    "entered",
    "is_watched",
    "tell_propagated",
    "tell_pushed",
    "tell_recorded",
    "watch",
]


Received = list[tuple[Any, float, float]]  # an operand, what it received, what it held before


class Watcher:
    """What `watch` calls; a watcher overrides what it wants to see."""

    def recorded(self, node: Any, /) -> None:
        """A node has been made."""

    def propagated(self, node: Any, adjoints: Sequence[float], received: Received, /) -> None:
        """The adjoints of a node's results have been handed to its operands, by whichever reverse pass."""

    def pushed(self, node: Any, tangent: float, tangents: Sequence[float], /) -> None:
        """A node's tangent has been found from those of its operands, by a forward sweep."""


class Source:
    """The node whose derivative is being recorded; each sweep has its own, and names node after node."""

    __slots__ = ("node",)

    def __init__(self, node: Any = None) -> None:
        self.node = node


class Context:
    """All that recording, sweeping and reading a number depend on beside their arguments.

    It is never changed: `entered` makes another, which holds the fields that differ from those below.

    Attributes:
        watchers: who is told of nodes and derivatives.
        scopes: the open scopes, the outermost first.
        source: what the operations being recorded are the derivative of.
        variables: the nodes that running functions are being differentiated by, or traced on; those of
            every thread are in the module's `variables`.
        tracing: whether a function is being traced.
        detecting: whether anomalies are.
        keeps_whole: whether an array of Values is one node where it meets a large array of numbers.
        reached: where transforms put what they reach through closures, if somebody asks.
    """

    watchers: tuple[Watcher, ...] = ()
    scopes: tuple[Any, ...] = ()
    source: Source = Source()
    variables: frozenset[Any] = frozenset()
    tracing: bool = False
    detecting: bool = False
    keeps_whole: bool = True
    reached: set[Any] | None = None


_context: ContextVar[Context] = ContextVar("context", default=Context())  # noqa: B039

current = _context.get  # the `Context` of the code that asks

# How many contexts are open in the process that have watchers, scopes or a trace. While it is 0, making
# a node or reading its number pays for one test and nothing else; otherwise `current` tells who is
# concerned. Sources and variables do not count: transforms open them around eager code.
active = 0
_COUNTED = frozenset({"watchers", "scopes", "tracing"})
_counting = fork_safe_lock()

# The variables of all threads, and those among them that functions are being traced on. A user's own worker
# threads are started without the context of the function that hands them its Values (before Python 3.14).
variables: frozenset[Any] = frozenset()
traced: frozenset[Any] = frozenset()

# Whether a node has ever been in a scope. To look for what is not there takes a node's slot long.
any_scopes = False

# How many times `beginning` was called. A leaf bears what it was when it was made.
beginnings = 0


class entered:  # noqa: N801  it is called like a function
    """Run what follows in this context with some fields of the `Context` changed."""

    __slots__ = ("_changes", "_counted", "_token")

    def __init__(self, **changes: Any) -> None:
        self._changes = changes
        self._counted = not _COUNTED.isdisjoint(changes)

    def __enter__(self) -> Context:
        global active
        changed = Context()
        changed.__dict__ = current().__dict__ | self._changes
        if self._counted:
            with _counting:
                active += 1
        self._token = _context.set(changed)
        return changed

    def __exit__(self, *_: object) -> None:
        global active
        _context.reset(self._token)
        if self._counted:
            with _counting:
                active -= 1


def beginning() -> int:
    """A number that leaves bear from now on, whichever thread makes them, or a greater: see `made_since`."""
    global beginnings
    with _counting:
        beginnings += 1
        return beginnings


def deriving() -> entered:
    """A sweep records derivatives, and names in `source.node` what they are of, one node after the other."""
    return entered(source=Source(current().source.node))


class differentiating(entered):  # noqa: N801  as above
    """A function is differentiated by nodes: none must read them as numbers.

    With ``tracing=True`` it is traced on them, and what would turn a Value into a number of this moment is
    refused.
    """

    __slots__ = ("_nodes", "_traced")

    def __init__(self, nodes: Iterable[Any], **changes: Any) -> None:
        self._nodes = frozenset(nodes)
        self._traced = self._nodes if "tracing" in changes else frozenset()
        super().__init__(variables=current().variables | self._nodes, **changes)

    def __enter__(self) -> Context:
        global variables, traced
        with _counting:
            variables |= self._nodes
            traced |= self._traced
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        global variables, traced
        super().__exit__()
        with _counting:
            variables -= self._nodes
            traced -= self._traced


def watch(watcher: Watcher) -> entered:
    """Let a watcher see what is recorded, and what goes backward, in this context."""
    return entered(watchers=(*current().watchers, watcher))


def tell_recorded(node: Any) -> None:
    """Enter a node into the open scopes, and tell watchers of it; called only while `active` is not 0."""
    global any_scopes
    context = current()
    if context.scopes:
        node._scopes = context.scopes
        any_scopes = True
    for watcher in context.watchers:
        watcher.recorded(node)


def is_watched() -> bool:
    """Whether this context has watchers of derivatives: not in a trace, whose numbers do not matter."""
    return bool(active and current().watchers and not current().tracing)


def tell_propagated(node: Any, adjoints: Sequence[float], received: Received) -> None:
    """Tell this context's watchers what a node's adjoint has handed to its operands."""
    for watcher in current().watchers:
        watcher.propagated(node, adjoints, received)


def tell_pushed(node: Any, tangent: float, tangents: Sequence[float]) -> None:
    """Tell this context's watchers of a node's tangent, and of those of its operands."""
    for watcher in current().watchers:
        watcher.pushed(node, tangent, tangents)
