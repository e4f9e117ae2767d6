"""Where a process must not compile: forked in the middle of another thread's compiling.

LLVM works under a lock of llvmlite's. A fork waits for it, so that the child does not find it held by a
thread that the child does not have; where that takes too long, the child leaves LLVM alone.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

__all__ = [
    "LONGEST_WAIT",
    "CannotCompileError",
    "check_may_compile",
    "is_locked_out",
    "loading",
    "may_compile",
]

LONGEST_WAIT = 5.0  # seconds that a fork waits

# Held while modules are imported that are needed late: a child could not import what its parent is importing.
loading = threading.RLock()


class _Forking(threading.local):
    """What the thread that forks holds meanwhile, and whether it has waited in vain."""

    def __init__(self) -> None:
        self.locks: list[Any] = []
        self.is_late = False


_forking = _Forking()
_locked_out = False


class CannotCompileError(RuntimeError):
    """This process cannot compile; the message says why, and what to do."""


def is_locked_out() -> bool:
    """Whether the process must not call LLVM at all, since it would wait for ever."""
    return _locked_out


def may_compile() -> bool:
    """Whether `check_may_compile` would raise nothing."""
    return not _locked_out


def check_may_compile() -> None:
    """Check that LLVM can compile in this process.

    Raises:
        CannotCompileError: it cannot.
    """
    if _locked_out:
        raise CannotCompileError(
            "this process was forked while another thread was compiling, and cannot compile: start processes "
            'with multiprocessing.get_context("spawn"), or take engine="python" or "numpy"'
        )


def _before() -> None:
    for lock in filter(None, (loading, _lock_of_llvmlite())):
        if lock.acquire(timeout=LONGEST_WAIT):
            _forking.locks.append(lock)
        else:
            _forking.is_late = True


def _lock_of_llvmlite() -> Any:
    ffi = sys.modules.get("llvmlite.binding.ffi")
    return None if ffi is None else ffi.lib._lock._lock


def _after() -> None:
    while _forking.locks:
        _forking.locks.pop().release()
    _forking.is_late = False


def _after_in_child() -> None:
    global _locked_out
    _locked_out = _locked_out or _forking.is_late
    _after()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after_in_child)
