"""Where a process may have little memory, nothing ends it: auto takes another engine, and others say so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("llvmlite")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits address space as Linux does")

HEAD = """
import resource, sys
from autograd import grad, jit, sin, tanh
def limit(room):
    "Let the process have so many MiB beside those that it has."
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (room << 20),) * 2)
def formula(number, size=60):
    def f(x):
        y = x
        for i in range(size):
            y = tanh(y * x + number) - sin(y)
        return y
    return grad(f)
"""


def output_lines(code: str) -> list[str]:
    """What a process of its own prints, which must end well."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + code],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout.split()


@pytest.mark.parametrize("room", [40, 150, 190, 215, 240, 320])
def test_llvm_is_loaded_only_where_there_is_room_for_it(room: int) -> None:
    code = f"""
expected = formula(0.5)(0.3)
limit({room})
for engine in ("auto", "llvm", "interpreter"):
    f = jit(formula(0.5), engine=engine)
    try:
        assert f(0.3) == expected
        print(f.engine(0.3))
    except RuntimeError as error:
        assert "ulimit" in str(error) and 'engine="python"' in str(error)
        print("refused")
"""
    engines = output_lines(code)
    if room < 200:
        assert engines == ["python", "refused", "refused"]
    if room > 300:
        assert engines == ["llvm", "llvm", "interpreter"]


def test_functions_are_compiled_until_memory_ends_and_run_all_the_same() -> None:
    code = """
first = jit(formula(-1.0))
assert first(0.3) == formula(-1.0)(0.3)
limit(38)
engines, functions = [], []
while engines[-3:] != ["python"] * 3:
    functions.append(jit(formula(len(functions) / 100, 15)))
    functions[-1](0.3)
    engines.append(functions[-1].engine(0.3))
for i in (0, 1, -2, -1):
    assert functions[i](0.3) == formula(i % len(functions) / 100, 15)(0.3)
assert first(0.3) == formula(-1.0)(0.3)
print(engines[0], engines[-1])
"""
    assert output_lines(code) == ["llvm", "python"]


def test_a_loop_whose_arrays_do_not_fit_raises_a_memory_error() -> None:
    code = """
import numpy as np
from autograd import fori_loop, scan, vmap
def f(x, count):
    return grad(lambda p: fori_loop(0, count, lambda _, c: sin(c * p), p))(x)
def step(c, _):
    return f(c, 1 << 25), None
limit(400)
for call in (
    lambda: scan(step, 0.5, None, length=2)[0],
    lambda: vmap(lambda x: f(x, 1 << 25))(np.ones(4)),
    lambda: jit(grad(lambda p: fori_loop(0, 1 << 26, lambda _, c: sin(c * p), p, checkpoint=1)))(0.5),
):
    try:
        call()
    except MemoryError:
        print("refused")
print(vmap(lambda x: f(x, 9))(np.ones(2))[1] == f(1.0, 9))
"""
    assert output_lines(code) == ["refused"] * 3 + ["True"]
