"""The random numbers of the table as compiled functions, which programs call by their addresses."""

from __future__ import annotations

import ctypes
import math
import struct
from collections.abc import Sequence
from itertools import count
from typing import Any

from autograd.engines.machine.compiler import CompiledModule
from autograd.primitives.operation import Operation
from autograd.primitives.random_numbers import RANDOM, random_key_0, random_key_1, random_normal
from autograd.primitives.threefry import DRAW, PARITY, QUANTILE, ROTATIONS
from autograd.support.locks import fork_safe_lock

__all__ = ["address_of_random", "quantile_text"]

_compiling = fork_safe_lock()
_functions: dict[str, Any] = {}  # compiled once a process, whose programs have their addresses


def address_of_random(primitive: Operation, log: int) -> int:
    """Where the compiled function of a random number is.

    Args:
        primitive: one of `RANDOM`.
        log: the address of the C library's logarithm.
    """
    with _compiling:
        if not _functions:
            module = CompiledModule(
                "\n".join([quantile_text(log), *[_Function(each).text for each in RANDOM]])
            )
            _functions.update({each.name: module.function(each.name) for each in RANDOM})
    return ctypes.cast(_functions[primitive.name], ctypes.c_void_p).value or 0


def _literal(number: float) -> str:
    return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"


class _Text:
    """A function as LLVM's text, operation by operation as `primitives.threefry` computes it."""

    def __init__(self) -> None:
        self._names = count()
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        """The function."""
        return "\n".join([*self._lines, "}"])

    def _new(self, text: str) -> str:
        name = f"%n{next(self._names)}"
        self._lines.append(f"{name} = {text}")
        return name

    def _return(self, number: str) -> None:
        self._lines.append(f"ret double {number}")


class _Function(_Text):
    """The function of a random number."""

    def __init__(self, primitive: Operation) -> None:
        super().__init__()
        self._lines = [f"define double @{primitive.name}(double %k0, double %k1, double %i) {{", "entry:"]
        keys = primitive in (random_key_0, random_key_1)
        a, b, known = self._words(0 if keys else DRAW)
        self._lines += [
            f"br i1 {known}, label %known, label %none",
            "none:",
            f"ret double {_literal(math.nan)}",
            "known:",
        ]
        if keys:
            word = self._new(f"zext i32 {a if primitive is random_key_0 else b} to i64")
            self._return(self._new(f"uitofp i64 {word} to double"))
        else:
            number = self._uniform(a, b)
            if primitive is random_normal:
                number = self._new(f"call double @normal_quantile(double {number})")
            self._return(number)

    def _whole(self, operand: str, end: int) -> tuple[str, str]:
        """A whole number, and whether the operand is one from 0 to below an end."""
        number = self._new(f"freeze i64 {self._new(f'fptosi double {operand} to i64')}")
        same = self._new(f"fcmp oeq double {self._new(f'sitofp i64 {number} to double')}, {operand}")
        within = self._new(f"icmp ult i64 {number}, {end}")
        return number, self._new(f"and i1 {same}, {within}")

    def _words(self, tag: int) -> tuple[str, str, str]:
        """The two words, and whether the operands are whole numbers of their ranges."""
        (k0, is_k0), (k1, is_k1) = self._whole("%k0", 2**32), self._whole("%k1", 2**32)
        i, is_i = self._whole("%i", 2**53)
        known = self._new(f"and i1 {self._new(f'and i1 {is_k0}, {is_k1}')}, {is_i}")
        k = [self._new(f"trunc i64 {word} to i32") for word in (k0, k1)]
        k.append(self._new(f"xor i32 {self._new(f'xor i32 {k[0]}, {k[1]}')}, {PARITY}"))
        upper = self._new(f"trunc i64 {self._new(f'lshr i64 {i}, 32')} to i32")
        a = self._added(self._new(f"xor i32 {upper}, {tag}"), k[0])
        b = self._added(self._new(f"trunc i64 {i} to i32"), k[1])
        for group in range(1, 6):
            for r in ROTATIONS[:4] if group % 2 else ROTATIONS[4:]:
                a = self._added(a, b)
                left, right = self._new(f"shl i32 {b}, {r}"), self._new(f"lshr i32 {b}, {32 - r}")
                b = self._new(f"xor i32 {self._new(f'or i32 {left}, {right}')}, {a}")
            a, b = self._added(a, k[group % 3]), self._added(b, k[(group + 1) % 3], str(group))
        return a, b, known

    def _added(self, *words: str) -> str:
        total, *others = words
        for word in others:
            total = self._new(f"add i32 {total}, {word}")
        return total

    def _uniform(self, a: str, b: str) -> str:
        a, b = (self._new(f"zext i32 {word} to i64") for word in (a, b))
        high, low = self._new(f"shl i64 {a}, 20"), self._new(f"lshr i64 {b}, 12")
        whole = self._new(f"sitofp i64 {self._new(f'or i64 {high}, {low}')} to double")
        return self._new(f"fmul double {self._new(f'fadd double {whole}, 0.5')}, {_literal(2.0**-52)}")


class _Quantile(_Text):
    """`threefry.normal_quantile`."""

    def __init__(self, log: int) -> None:
        super().__init__()
        self._lines = ["define double @normal_quantile(double %u) {", "entry:"]
        q = self._new("fadd double %u, -0.5")
        size = self._new(f"call double @llvm.fabs.f64(double {q})")
        is_middle = self._new(f"fcmp ole double {size}, {_literal(0.425)}")
        self._lines += [f"br i1 {is_middle}, label %middle, label %tail", "middle:"]
        square = self._new(f"fmul double {q}, {q}")
        self._ratio(self._new(f"fsub double {_literal(0.180625)}, {square}"), q, *QUANTILE[:2])
        self._lines.append("tail:")
        is_low = self._new(f"fcmp olt double {q}, 0.0")
        rest = self._new("fsub double 1.0, %u")
        p = self._new(f"select i1 {is_low}, double %u, double {rest}")
        sign = self._new(f"select i1 {is_low}, double -1.0, double 1.0")
        power = self._new(
            f"fneg double {self._new(f'call double inttoptr (i64 {log} to ptr)(double {p}) #0')}"
        )
        r = self._new(f"call double @llvm.sqrt.f64(double {power})")
        is_near = self._new(f"fcmp ole double {r}, 5.0")
        self._lines += [f"br i1 {is_near}, label %near, label %far", "near:"]
        self._ratio(self._new(f"fsub double {r}, {_literal(1.6)}"), sign, *QUANTILE[2:4])
        self._lines.append("far:")
        self._ratio(self._new(f"fsub double {r}, 5.0"), sign, *QUANTILE[4:6])

    def _ratio(self, x: str, factor: str, tops: Sequence[float], bottoms: Sequence[float]) -> None:
        """Return the quotient of two polynomials times a factor."""
        top, bottom = self._polynomial(x, tops), self._polynomial(x, bottoms)
        quotient = self._new(f"fdiv double {top}, {bottom}")
        self._return(self._new(f"fmul double {factor}, {quotient}"))

    def _polynomial(self, x: str, coefficients: Sequence[float]) -> str:
        """A polynomial of odd degree, by G. Estrin's scheme: pairs of coefficients, then pairs of those."""
        parts, power = [_literal(c) for c in coefficients], x
        while len(parts) > 1:
            parts = [
                self._new(f"fadd double {self._new(f'fmul double {parts[i]}, {power}')}, {parts[i + 1]}")
                for i in range(0, len(parts), 2)
            ]
            power = self._new(f"fmul double {power}, {power}")
        return parts[0]


def quantile_text(log: int) -> str:
    """The function ``normal_quantile`` as LLVM's text, which calls the logarithm at an address."""
    return _Quantile(log).text
