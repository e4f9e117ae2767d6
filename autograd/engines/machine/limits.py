"""Where a process must not compile: forked amid another thread's compiling, or short of address space.

LLVM works under a lock of llvmlite's. A child that is forked while another thread holds it could never take
it. So a fork waits for the lock; if that takes too long, the child does not use LLVM. And when LLVM cannot
get memory it ends the process, so the free address space is checked before it is called.
"""

from __future__ import annotations

import mmap
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

LONGEST_WAIT = 5.0  # seconds that a fork waits for another thread's compiling
_LONGEST_IMPORT = 60.0  # and for its imports, which end soon, on a busy machine later

# What is looked for before LLVM is asked, in bytes: more than it was seen to take.
_LOADING = 192 << 20  # seen: 154 MiB
_COMPILING = 16 << 20  # the least; seen: 2 MiB
_COMPILING_AN_INSTRUCTION = 16 << 10  # seen: 4 KiB
_PRIVATE: Any = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}

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


def may_compile(instructions: int) -> bool:
    """Whether a program of so many instructions can be compiled in this process, with some room left."""
    return _refusal(_COMPILING + _COMPILING_AN_INSTRUCTION * instructions) is None


def check_may_compile(needed: int = 0) -> None:
    """Check that LLVM can be used in this process.

    Args:
        needed: the bytes of memory that it will need, beside those that it always may.

    Raises:
        CannotCompileError: it cannot.
    """
    refusal = _refusal(needed)
    if refusal is not None:
        raise CannotCompileError(refusal)


def _refusal(needed: int) -> str | None:
    """Why the process must not compile what needs so much memory."""
    if _locked_out:
        return (
            "this process was forked while another thread was compiling, and cannot compile: start processes "
            'with multiprocessing.get_context("spawn"), or take engine="python" or "numpy"'
        )
    needed += _COMPILING
    if "llvmlite.binding" not in sys.modules:
        needed += _LOADING
    try:
        mmap.mmap(-1, needed, **_PRIVATE).close()
    except (OSError, MemoryError):
        return (
            f"compiling takes up to {needed >> 20} MiB of address space, which this process cannot have: "
            'raise its limit (ulimit -v), or take engine="python" or "numpy"'
        )
    return None


def _before() -> None:
    _take(loading, _LONGEST_IMPORT)
    ffi = sys.modules.get("llvmlite.binding.ffi")  # whose import has ended
    if ffi is not None:
        _take(ffi.lib._lock._lock, LONGEST_WAIT)


def _take(lock: Any, longest: float) -> None:
    """Hold a lock until the fork is over, or note that it could not be had in so many seconds."""
    if lock.acquire(timeout=longest):
        _forking.locks.append(lock)
    else:
        _forking.is_late = True


def _after() -> None:
    while _forking.locks:
        _forking.locks.pop().release()
    _forking.is_late = False


def _after_in_child() -> None:
    global _locked_out
    _locked_out = _locked_out or _forking.is_late
    if loading not in _forking.locks:
        loading._at_fork_reinit()  # type: ignore[attr-defined]
    _after()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after_in_child)
