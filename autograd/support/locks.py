"""Locks that a forked child finds free: the thread that held one is not there to release it."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakSet

__all__ = ["cached_property", "fork_safe_lock"]

T = TypeVar("T")

_locks: WeakSet[Any] = WeakSet()


def fork_safe_lock() -> threading.Lock:
    """A lock that is free in a child process, whoever held it when the process forked."""
    lock = threading.Lock()
    _locks.add(lock)
    return lock


class cached_property(functools.cached_property[T]):  # noqa: N801  it is used like a function
    """Python's own, whose lock (it has one before Python 3.12) is free in a child process too."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        super().__init__(compute)
        if hasattr(self, "lock"):
            _locks.add(self.lock)


def _renew() -> None:
    for lock in _locks:
        lock._at_fork_reinit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
