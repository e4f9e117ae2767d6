"""Programs as text, for the tests: written, read, compared, and one with a checksum made right."""

from __future__ import annotations

import hashlib
import math
import struct
from typing import Any

from autograd.programs.program import Program
from autograd.programs.saving import SavedProgram, dumps, loads


def write(program: Program) -> str:
    return dumps(SavedProgram(program.code, program.arguments, program.results, program.captured))


def read(text: str) -> Program:
    return Program(*loads(text))


def parts(program: Program) -> tuple[Any, ...]:
    """All that makes a program, with numbers as bits; any nan is one."""

    def bits(number: float) -> bytes:
        return b"nan" if math.isnan(number) else struct.pack("<d", number)

    steps = program.instructions
    return (
        program.name,
        program.inputs,
        [bits(number) for number in program.constants],
        [(*step[:4], step.line and (step.line.file, step.line.number, step.line.text)) for step in steps],
        program.outputs,
        program.arguments,
        program.results,
        [(bits(leaf.data), leaf.label) for leaf in program.captured],
    )


def checked(text: str) -> str:
    """The same text with its checksum made right again, as somebody hostile would."""
    body = text[: text.rindex('"checksum"')] if '"checksum"' in text else text
    digest = hashlib.sha256(body.replace("\r\n", "\n").encode("ascii", "replace")).hexdigest()
    return f'{body}"checksum": "{digest}"}}\n'


GOOD = """{"format": "valuegrad program 2",
"name": "f",
"arguments": {"tuple": ["*", {"array": [2]}]},
"results": ["*"],
"captured": [["0x1.8000000000000p+0", "c"]],
"modules": {},
"lines": [
["f.py", 3, "twice = 2 * x"],
["f.py", 4, "return exp(twice + c) - a[0]"]],
"inputs": ["x", "a[0]", "a[1]", "c"],
"constants": ["0x1.0000000000000p+1"],
"instructions": [
["mul", [0, 4], ["twice"], 0],
["add", [5, 3], [""], 1],
["exp", [6], ["e"], null],
["sub", [7, 1], [""], null]],
"outputs": [8],
"""
