"""The way from LLVM's text to functions in memory, through engines of LLVM's that modules share."""

from __future__ import annotations

import ctypes
import weakref
from functools import cache
from pathlib import Path
from typing import Any

from autograd.engines.machine.limits import check_may_compile, is_locked_out, loading
from autograd.support.extras import require
from autograd.support.locks import fork_safe_lock

__all__ = ["CompiledModule", "binding", "llvm_text", "loaded"]

# An engine of LLVM's takes 60 kB, the code of a small module 12: so several share one, which is freed
# when nobody can call any of them.
_MODULES = 16
_BYTES_OF_A_CHARACTER = 128  # of text, while LLVM compiles it; seen: 80
_BYTES_UNSELECTED = 32  # the same without selection; seen: 8
_LARGE = 1 << 16  # bytes; a module of this size has an engine to itself


def binding() -> Any:
    """llvmlite's binding, ready to compile for this machine.

    Raises:
        MissingExtraError: llvmlite is not installed.
        CannotCompileError: this process must not use it.
    """
    check_may_compile()
    return loaded()


@cache
def loaded() -> Any:
    """The same, whatever the process may do."""
    require("jit", "llvmlite")
    with loading:
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
    return llvm


@cache
def llvm_text(name: str) -> str:
    """A text in LLVM's language that stands beside this file."""
    # By nothing that imports: a child that is forked meanwhile could not import the same.
    return Path(__file__).with_name(f"{name}.ll").read_text("utf-8")


class CompiledModule:
    """Functions compiled from a module's text and ``head.ll``.

    They are freed when neither they nor the few modules that share their engine are in use.

    LLVM's passes are left out. The text comes from simplified programs, of which they improve little
    (measured: 4% in a training step), they double the time to compile, and llvmlite never frees them.

    Args:
        text: the module, in LLVM's language.
        selection: how hard LLVM tries to choose machine instructions well, from 0 to 3. At 0 the time
            it takes is proportional to the text.
    """

    def __init__(self, text: str, *, selection: int = 2) -> None:
        global _filled, _number
        check_may_compile(len(text) * (_BYTES_OF_A_CHARACTER if selection else _BYTES_UNSELECTED))
        with _sharing:
            number = _number = _number + 1
        image, names = _emitted(text, selection, number)
        with _sharing:
            if len(image) >= _LARGE:
                self._engine = _Engine()
            else:
                if _filled is None or _filled.modules == _MODULES:
                    _filled = _Engine()
                self._engine = _filled
            self._addresses = self._engine.add(image, names)

    def function(self, name: str, *arguments: Any, holds_gil: bool = False) -> Any:
        """A function of the module that returns nothing, as ctypes calls it.

        Args:
            name: its name.
            arguments: the ctypes types of its arguments.
            holds_gil: whether other threads wait while it runs, which saves time on a short one.
        """
        kind = ctypes.PYFUNCTYPE if holds_gil else ctypes.CFUNCTYPE
        function: Any = kind(None, *arguments)(self._addresses[name])
        function.engine = self._engine  # the code lives as long as somebody can call it
        return function


def _emitted(text: str, selection: int, number: int) -> tuple[bytes, dict[str, str]]:
    """A module as an object file, and by what names its functions go there, which no other module has.

    Each module has a context of its own, since a context is what keeps its constants. Nothing is closed
    here but by the references that end, the module's before its context's: LLVM crashes otherwise.
    """
    llvm = binding()
    module = llvm.parse_assembly(llvm_text("head") + text, llvm.create_context())
    names = {}
    for function in module.functions:
        if not function.is_declaration and function.linkage is llvm.Linkage.external:
            name = function.name
            function.name = names[name] = f"{name}.{number}"
    return _emitter(selection).emit_object(module), names


class _Engine:
    """The code of several modules in memory, freed with this object.

    Attributes:
        modules: how many they are.
    """

    def __init__(self) -> None:
        llvm = binding()
        # MCJIT is made of a module, whose emptiness leaves nothing in the context that all of LLVM shares.
        self._compiler = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(0))
        # By a finalizer, which holds it until then: the garbage collector would free its parts in any order.
        weakref.finalize(self, _close, self._compiler).atexit = False
        self.modules = 0

    def add(self, image: bytes, names: dict[str, str]) -> dict[str, int]:
        """Load an object file.

        Args:
            image: the file.
            names: what its functions are called in it.

        Returns:
            The functions' addresses.
        """
        self.modules += 1
        with binding().ObjectFileRef.from_data(image) as object_file:
            self._compiler.add_object_file(object_file)
        self._compiler.finalize_object()
        return {name: self._compiler.get_function_address(there) for name, there in names.items()}


_sharing = fork_safe_lock()
_number = 0  # of modules that have been compiled
_filled: _Engine | None = None  # the engine that takes the next module
_kept: list[Any] = []  # what must not be closed


def _close(compiler: Any) -> None:
    """Free an engine's code, where the process is not locked out; an interrupt that comes meanwhile waits."""
    if is_locked_out():
        _kept.append(compiler)
        return
    try:
        compiler.close()
    finally:
        if not compiler.closed:
            _close(compiler)


@cache
def _emitter(selection: int) -> Any:
    """The target that all modules of one kind are compiled by."""
    return _machine(selection)


def _machine(selection: int) -> Any:
    """This machine, as a target of LLVM."""
    llvm = binding()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=_features(), opt=selection, codemodel="jitdefault", jit=True
    )


@cache
def _features() -> str:
    return str(binding().get_host_cpu_features().flatten())
