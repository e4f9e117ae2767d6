"""LLVM's text for each elementary operation.

Compiled code gives the bits that Python gives: no fast-math flag, no contraction, and the functions of
the C library that Python's ``math`` calls, behind LLVM's back.
"""

from __future__ import annotations

import ctypes
import math
import os
import struct
import threading
from functools import cache
from typing import Any

from autograd.engines.machine.compiler import binding
from autograd.engines.machine.random_functions import address_of_random
from autograd.primitives import table
from autograd.primitives.operation import Operation
from autograd.primitives.random_numbers import RANDOM

__all__ = ["Callbacks", "call", "literal", "template"]

# What {y} becomes of the operands {0}, {1}, {2}; {y} may be the beginning of more names. LLVM selects
# these forms quickly where it does not optimise; fabs by its name takes it six times as long.
_TEMPLATES = {
    table.add: "{y} = fadd double {0}, {1}",
    table.sub: "{y} = fsub double {0}, {1}",
    table.mul: "{y} = fmul double {0}, {1}",
    table.div: "{y} = fdiv double {0}, {1}",
    table.neg: "{y} = fneg double {0}",
    table.absolute: "{y}.bits = bitcast double {0} to i64\n{y}.rest = and i64 {y}.bits, 9223372036854775807\n"
    "{y} = bitcast i64 {y}.rest to double",
    table.sqrt: "{y} = call double @llvm.sqrt.f64(double {0})",
    table.less: "{y}.is = fcmp olt double {0}, {1}\n{y} = select i1 {y}.is, double 1.0, double 0.0",
    table.less_equal: "{y}.is = fcmp ole double {0}, {1}\n{y} = select i1 {y}.is, double 1.0, double 0.0",
    table.equal: "{y}.is = fcmp oeq double {0}, {1}\n{y} = select i1 {y}.is, double 1.0, double 0.0",
    # A nan is true in Python: "une" is "unordered or not equal".
    table.where: "{y}.is = fcmp une double {0}, 0.0\n{y} = select i1 {y}.is, double {1}, double {2}",
}
_POW = (
    "{y}.is = fcmp oeq double {1}, 2.0\n{y}.square = fmul double {0}, {0}\n"
    "{y}.pow = CALL\n{y} = select i1 {y}.is, double {y}.square, double {y}.pow"
)


@cache
def _library() -> Any:
    """The C library that Python's ``math`` calls: what that module is linked with, where it is a file."""
    return ctypes.CDLL("ucrtbase" if os.name == "nt" else getattr(math, "__file__", None))


@cache
def _address(name: str) -> int:
    """Where the C library has a function, or another library that LLVM knows; 0 if none has."""
    function = getattr(_library(), name, None)
    if function is not None:
        return ctypes.cast(function, ctypes.c_void_p).value or 0
    return binding().address_of_symbol(name) or 0


def _may_fuse() -> bool:
    """Whether the C library is glibc, whose sincos is known to give the bits of its sin and its cos.

    If so, LLVM is told where they are: it might find those of another library by their names.
    """
    try:
        if not os.confstr("CS_GNU_LIBC_VERSION"):
            return False
    except (AttributeError, ValueError, OSError):  # another system, or another C library
        return False
    names = ("sin", "cos", "sincos")
    for name in names:
        binding().add_symbol(name, _address(name))
    return all(map(_address, names))


def template(primitive: Operation, *, fused: bool = False) -> str | None:
    """The text of one operation, to be formatted with the operands and y.

    Args:
        primitive: the operation.
        fused: whether a sine and a cosine of one number may become one call of glibc's sincos, which
            gives the same bits in less time.

    Returns:
        The text, or None for an operation that must be called back.
    """
    if primitive in _TEMPLATES:
        return _TEMPLATES[primitive]
    address = _address(primitive.libm) if primitive.libm else 0
    if primitive in RANDOM and _address("log"):
        address = address_of_random(primitive, _address("log"))
    if not address:
        return None
    if fused and primitive.libm in ("sin", "cos") and _may_fuse():
        return f"{{y}} = call double @{primitive.libm}(double {{0}})"
    if primitive is table.pow:
        return _POW.replace("CALL", call(address, 2))
    return f"{{y}} = {call(address, primitive.arity)} #0"


def call(address: int, arity: int) -> str:
    """The text of a call, to be formatted with the operands.

    The call is by address, because LLVM rewrites functions whose names it knows (pow(x, 0.5) becomes a square
    root, with other bits) and, without optimisation, takes three times as long to compile a call by name.
    """
    operands = ", ".join(f"double {{{i}}}" for i in range(arity))
    return f"call double inttoptr (i64 {address} to ptr)({operands})"


def literal(number: float) -> str:
    """A constant, bit for bit."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"


class Callbacks:
    """Primitives that compiled code calls back in Python. What one raises waits for the caller.

    After an exception the compiled code runs on, over nans, without calling anything back.
    """

    def __init__(self) -> None:
        self._pending = threading.local()
        self._made: dict[Operation, Any] = {}

    def __bool__(self) -> bool:
        return bool(self._made)

    def address(self, primitive: Operation) -> int:
        """Where compiled code finds the primitive, a C function of doubles."""
        if primitive not in self._made:
            doubles = [ctypes.c_double] * (primitive.arity + 1)
            self._made[primitive] = ctypes.CFUNCTYPE(*doubles)(self.guarded(primitive))
        return ctypes.cast(self._made[primitive], ctypes.c_void_p).value or 0

    def guarded(self, primitive: Operation) -> Any:
        """The primitive as a function that never raises."""
        pending = self._pending

        def run(*operands: float) -> float:
            if getattr(pending, "error", None) is None:
                try:
                    return float(primitive(*operands))
                except BaseException as error:
                    pending.error = error
            return float("nan")

        return run

    def raise_pending(self) -> None:
        """Raise what a primitive raised in this thread since the last time."""
        error = getattr(self._pending, "error", None)
        if error is not None:
            self._pending.error = None
            raise error
