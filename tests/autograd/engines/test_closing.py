"""Compiled code is freed with whoever could call it, also where an interrupt comes while it is freed."""

from __future__ import annotations

import gc
import sys
from importlib import resources
from typing import Any

import pytest

from autograd.engines import compiled
from autograd.engines.machine import compiler
from tests.autograd.engines.programs import long_program

pytest.importorskip("llvmlite")


@pytest.mark.parametrize("interrupted", [0, 1, 2, 5])
def test_an_interrupt_while_code_is_closed_leaves_nothing_open(
    monkeypatch: pytest.MonkeyPatch, interrupted: int
) -> None:
    llvm = compiler.binding()
    resources: list[Any] = []
    interrupts = iter(range(interrupted))
    create = llvm.create_mcjit_compiler

    def create_watched(*args: Any) -> Any:
        resource = create(*args)
        close = type(resource).close

        def close_or_be_interrupted() -> None:
            if next(interrupts, None) is not None:
                raise KeyboardInterrupt
            close(resource)

        resource.close = close_or_be_interrupted
        resources.append(resource)
        return resource

    monkeypatch.setattr(llvm, "create_mcjit_compiler", create_watched)
    raised: list[type[BaseException] | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: raised.append(report.exc_type))
    program = long_program(5000)  # so large that it shares its engine with no other
    engine = compiled(program.code, "llvm")
    assert engine.call([0.3, -0.7, 1.1]) == program(0.3, -0.7, 1.1)
    assert [resource.closed for resource in resources] == [False]
    del engine
    gc.collect()
    assert [resource.closed for resource in resources] == [True]
    assert raised == [KeyboardInterrupt] * (interrupted > 0)


def test_each_llvm_text_is_a_module_by_itself_or_a_template_that_says_so() -> None:
    llvm = compiler.binding()
    folder = resources.files("autograd.engines.machine")
    names = sorted(path.name.removesuffix(".ll") for path in folder.iterdir() if path.name.endswith(".ll"))
    assert names == ["arrange", "driver", "head", "interpreter", "run_loop"]
    for name in names:
        text = compiler.llvm_text(name)
        assert text.startswith("; ")
        if name in ("interpreter", "run_loop"):
            assert "template" in text
        else:
            declared = "declare void @run(ptr, ptr)\n" if name == "driver" else ""
            with llvm.create_context() as context, llvm.parse_assembly(declared + text, context) as module:
                module.verify()
