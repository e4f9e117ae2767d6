"""A fork while other threads work: the child finds no lock held, and compiles or says why it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.skipif(
        not getattr(sys, "_is_gil_enabled", lambda: True)(),
        reason="without the GIL, Python's own objects have locks that a child may find held",
    ),
]

ROOT = Path(__file__).parents[3]

# Children that hang are ended by the alarm. Without llvmlite no thread compiles.
HEAD = """
import functools, os, signal, sys, threading, time, warnings
from importlib.util import find_spec
from autograd import Value, grad, jit, scan, scope, sin, trace, vmap
warnings.simplefilter("ignore", DeprecationWarning)  # since Python 3.12 a fork beside threads warns
def outcome(work):
    "What a forked child ends with: 0, or what went wrong."
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(60)
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]
"""

WORKING = """
def backward():
    x = y = Value(0.5)
    for _ in range(50):
        y = (y * x).tanh()
    y.backward()
    assert x.grad > 0
def traced():
    with scope("part"):
        assert len(trace(lambda x: sin(x) * x, 0.5)) == 2
def called(engine):
    number = time.perf_counter()  # another program each time
    assert jit(lambda x: x * 2.0 + number, engine=engine)(0.5) == 1.0 + number
engines = ["python", "llvm", "interpreter"] if find_spec("llvmlite") else ["python"]
works = [backward, traced, *[functools.partial(called, engine) for engine in engines]]
def for_ever(work):
    while True:
        work()
def all_works():
    for work in works:
        work()
for work in works:
    threading.Thread(target=for_ever, args=(work,), daemon=True).start()
print([outcome(all_works) for _ in range(30)], flush=True)
os._exit(0)
"""


def output(code: str) -> str:
    """What a process of its own prints; if it does not end, something hangs."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_child_hangs_whatever_the_other_threads_were_doing() -> None:
    assert output(WORKING) == f"{[0] * 30}\n"


def test_a_child_takes_no_llvm_that_another_thread_was_using() -> None:
    """It says what to do where it is asked for, calls what is compiled, and frees nothing."""
    pytest.importorskip("llvmlite")
    code = """
import llvmlite.binding as llvm
from autograd.engines.machine import limits
limits.LONGEST_WAIT = 0.1
double = jit(lambda x: x * 2.0, engine="llvm")
assert double(1.0) == 2.0
def compile():
    with llvm.ffi.lib._lock:  # as all that it does in LLVM
        begun.set()
        time.sleep(60.0)
def work():
    global double
    for engine in ("llvm", "interpreter"):
        try:
            jit(lambda x: x + 1.0, engine=engine)(1.0)
        except limits.CannotCompileError as error:
            assert "spawn" in str(error) and 'engine="python"' in str(error)
        else:
            raise AssertionError(engine)
    assert double(3.0) == 6.0
    del double
    automatic = jit(lambda x: x * x + 5.0)
    assert automatic(3.0) == 14.0 and automatic.engine(3.0) == "python"
    assert outcome(lambda: jit(lambda x: x + 1.0)(1.0)) == 0
begun = threading.Event()
threading.Thread(target=compile, daemon=True).start()
begun.wait()
print(outcome(work), flush=True)
os._exit(0)
"""
    assert output(code) == "0\n"
