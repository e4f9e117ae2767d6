"""Compiled code calls the C library that Python's math calls, or calls Python back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograd.engines.machine import ir
from autograd.primitives import table

pytest.importorskip("llvmlite")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the other functions are in glibc")


def test_functions_of_another_library_that_llvm_knows_by_these_names_are_not_called() -> None:
    code = """
import numpy as np
from autograd import cos, exp, grad, jit, primitive, sin, vmap
import llvmlite.binding as llvm
llvm.load_library_permanently("libm.so.6")
others = {"exp": "exp2", "sin": "cos", "cos": "exp", "larger": "fmax"}
for name, address in [(name, llvm.address_of_symbol(other)) for name, other in others.items()]:
    llvm.add_symbol(name, address)
def f(x):
    return exp(x) * sin(x) * cos(x)
xs = np.array([0.25, 1.5])
for engine in ("llvm", "interpreter"):
    assert jit(grad(f), engine=engine)(0.3) == grad(f)(0.3)
    assert vmap(f, engine=engine)(xs).tolist() == [f(x) for x in xs]
calls = []
def forward(a, b):
    calls.append((a, b))
    return max(a, b)
fast = jit(primitive("larger", forward, (1.0, 0.0), libm="larger"), engine="llvm")
fast(1.0, 2.0)
calls.clear()
print(fast(3.0, 7.0), calls)  # a function of a library of the user's own
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "7.0 []\n"), done.stderr


@pytest.mark.parametrize("error", [ValueError, OSError, None])
def test_sine_and_cosine_are_fused_by_glibc_alone(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception] | None
) -> None:
    def confstr(name: str) -> str | None:
        if error:
            raise error(name)
        return None

    monkeypatch.setattr(os, "confstr", confstr, raising=False)
    for operation in (table.sin, table.cos):
        assert ir.template(operation, fused=True) == ir.template(operation)
    monkeypatch.delattr(os, "confstr")
    assert ir.template(table.sin, fused=True) == ir.template(table.sin)
