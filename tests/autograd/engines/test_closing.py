"""Compiled code is freed with whoever could call it, also where an interrupt comes while it is freed."""

from __future__ import annotations

import gc
import sys
from importlib import resources
from typing import Any

import pytest

from autograd import trace
from autograd.engines import compiled
from autograd.engines.machine import ir

pytest.importorskip("llvmlite")


@pytest.mark.parametrize("interrupted", [(), (0,), (1,), (2,), (0, 1), (0, 1, 2, 3)])
def test_an_interrupt_while_code_is_closed_leaves_nothing_open(
    monkeypatch: pytest.MonkeyPatch, interrupted: tuple[int, ...]
) -> None:
    llvm = ir.binding()
    made: list[Any] = []
    calls: list[int] = []
    closed: list[int] = []

    def watched(create: Any) -> Any:
        def create_watched(*args: Any) -> Any:
            resource = create(*args)
            close = type(resource).close

            def close_or_be_interrupted() -> None:
                calls.append(len(calls))
                if calls[-1] in interrupted:
                    raise KeyboardInterrupt
                if not resource.closed:
                    closed.append(id(resource))
                close(resource)

            resource.close = close_or_be_interrupted
            made.append(resource)
            return resource

        return create_watched

    for name in ("create_context", "parse_assembly", "create_mcjit_compiler"):
        monkeypatch.setattr(llvm, name, watched(getattr(llvm, name)))
    raised: list[type[BaseException] | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: raised.append(report.exc_type))
    engine = compiled(trace(lambda x: x * 2.0 + 1.0, 1.0).code, "llvm")
    assert engine.call([3.0]) == [7.0]
    assert [resource.closed for resource in made] == [False] * 3
    del engine
    gc.collect()
    assert [resource.closed for resource in made] == [True] * 3
    context, _, compiler = made
    assert closed == [id(compiler), id(context)]  # LLVM crashes otherwise; the compiler closes its module
    assert raised == [KeyboardInterrupt] * bool(interrupted)


def test_each_llvm_text_is_a_module_by_itself_or_a_template_that_says_so() -> None:
    llvm = ir.binding()
    folder = resources.files("autograd.engines.machine")
    names = sorted(path.name.removesuffix(".ll") for path in folder.iterdir() if path.name.endswith(".ll"))
    assert names == ["arrange", "driver", "head", "interpreter", "operand", "run_loop"]
    for name in names:
        text = ir.llvm_text(name)
        assert text.startswith("; ")
        if name in ("interpreter", "operand", "run_loop"):
            assert "template" in text
        else:
            declared = "declare void @run(ptr, ptr)\n" if name == "driver" else ""
            with llvm.create_context() as context, llvm.parse_assembly(declared + text, context) as module:
                module.verify()
