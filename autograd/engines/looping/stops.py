"""Why compiled loops stop before their end: an interrupt, no memory, or more steps than are compiled.

Four whole numbers in memory, one place for each run, say that it is to stop and why. An exception that a
handler of signals raised is taken from the thread, where compiled code must not leave it, and given back
when that code has returned.
"""

from __future__ import annotations

import ctypes
from functools import cache
from string import Template
from typing import Any

import numpy as np

from autograd.engines.looping.lengths import UnknownLengthError

__all__ = ["NO_MEMORY", "STOP_SLOTS", "TOO_LONG", "raise_stopped", "stops_text"]

STOP_SLOTS = 4
NO_MEMORY, TOO_LONG = 2, 3  # as the reason; 1 is an exception that a handler raised

_TEXT = Template("""
declare noalias ptr @calloc(i64, i64)
declare noalias ptr @malloc(i64)
declare void @free(ptr)
declare i64 @llvm.fptosi.sat.i64.f64(double)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

define private i1 @interrupted(ptr %stop) {
  %state = call i32 $ensure()
  %result = call i32 $check()
  %is = icmp ne i32 %result, 0
  br i1 %is, label %take, label %done
take:
  store i64 1, ptr %stop
  %type = getelementptr i64, ptr %stop, i64 1
  %value = getelementptr i64, ptr %stop, i64 2
  %traceback = getelementptr i64, ptr %stop, i64 3
  call void $fetch(ptr %type, ptr %value, ptr %traceback)
  br label %done
done:
  call void $release(i32 %state)
  ret i1 %is
}
""")


@cache
def stops_text() -> str:
    """The functions that a nest's text calls: of memory, and whether a handler of signals raised."""
    names = {
        "ensure": "PyGILState_Ensure",
        "release": "PyGILState_Release",
        "check": "PyErr_CheckSignals",
        "fetch": "PyErr_Fetch",
    }
    return _TEXT.substitute(
        {name: f"inttoptr (i64 {_address(there)} to ptr)" for name, there in names.items()}
    )


def _address(name: str) -> int:
    """Where Python's own library has a function."""
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0


@cache
def _restore() -> Any:
    """The function that makes an exception the thread's again; calling it so raises it."""
    return ctypes.PYFUNCTYPE(None, *[ctypes.c_void_p] * 3)(_address("PyErr_Restore"))


def raise_stopped(slots: np.ndarray) -> None:
    """Raise what stopped a run, if anything did.

    Args:
        slots: the numbers that it stood in, the last of which are those of this module.

    Raises:
        MemoryError: there was no memory for an array.
        UnknownLengthError: a loop that ends by a condition takes many steps.
        BaseException: what a handler of signals raised.
    """
    stop = slots[-STOP_SLOTS:].view(np.int64)
    why, *exception = stop.tolist()
    if not why:
        return
    stop[:] = 0
    if why == NO_MEMORY:
        raise MemoryError("the arrays that a compiled loop keeps do not fit into memory")
    if why == TOO_LONG:
        raise UnknownLengthError("a loop that ends by a condition takes many steps")
    _restore()(*exception)
