"""Programs as text files, which hold numbers and names and no code.

A file is lines of ASCII, each a keyword and what belongs to it, in this order:

    valuegrad program 1                     the format and its version
    name "loss"                             strings as in JSON, all printable
    arguments {"tuple": [["*", "*"], "*"]}  how the arguments are nested: see below
    results "*"                             how the results are nested
    input "w[0]"                            one line an input: the arguments' scalars, then the captured
    captured 0x1.8p+1 "bias"                one line a captured Value: its data and its label
    constant 0x1.999999999999ap-4           one line a constant; numbers are written as `float.hex` does
    primitive "cube" "my.rules"             one line for each primitive of a user's own, and its module
    step mul 0 3                            one line an instruction: a primitive and its operands' slots
    step add 4 1 | "total"                  with the result's label, where it has one
    step exp 5 | "" | "loss.py":12          and with the line of the user's code that made it
    output 6                                one line a result: its slot
    checksum 4be1...                        the SHA-256 of all lines before

Slots are numbered as in a `Program`: inputs, constants, instructions. A nesting is "*" for a scalar,
null for None, an array for a list, {"tuple": [...]}, {"dict": {...}}, or {"array": [2, 3]} for an array
of that shape. A class has no place in a file, since finding it again would mean to import what the
file names: a program whose arguments or results hold dataclasses or namedtuples is not saved (pickle
keeps it).

Reading makes a program and nothing else. It trusts no line: whatever is not of the form above, in
range and of one piece is refused with its line number.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import optree

from autograd.graph.trees import Structure
from autograd.graph.value import Value
from autograd.graph.walks import number
from autograd.primitives.operation import find_operation
from autograd.programs.code import Code, Instruction
from autograd.support.user_line import Line
from autograd.support.whole_files import write_whole

__all__ = ["ProgramFileError", "load", "read", "save", "write"]

_HEADER = "valuegrad program 1"
_DEEPEST = 50  # levels of nesting
_DIMENSIONS = 32  # of an array
_STRING = r'"(?:[^"\\]|\\.)*"'
_STEP = re.compile(rf"(\w+)((?: [0-9]+)*)(?: \| ({_STRING}))?(?: \| ({_STRING}):([0-9]{{1,9}}))?")


class ProgramFileError(ValueError):
    """A file is no program, or not one that can be read here; or a program cannot be written."""


Parts = tuple[Code, Structure, Structure, Sequence[Value]]  # the code, arguments, results, captured Values


def save(path: str | os.PathLike[str], *parts: Any) -> None:
    """Write a program to a file, all of it or nothing.

    The file tells the names of the source files that the program was traced from.

    Args:
        path: where to; a file there is replaced.
        parts: the code, and its arguments, results and captured Values. The arguments and results must be
            made of numbers, arrays, lists, tuples, dicts with strings for keys, and None.

    Raises:
        ProgramFileError: the arguments or results hold anything else.
        OSError: the file cannot be written.
    """
    write_whole(path, write(*parts))


def load(path: str | os.PathLike[str]) -> Parts:
    """Read a program from a file.

    Raises:
        ProgramFileError: it holds no program, a damaged one, or one with a primitive that is not
            registered here; names the file, the line, what is there and what was expected.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        start = file.readline(len(_HEADER) + 2)  # a file of another kind is not read any further
        rest = file.read() if start.rstrip() == _HEADER.encode() else b""
    return read((start + rest).decode("ascii", errors="replace"), os.fspath(path))


def write(code: Code, arguments: Structure, results: Structure, captured: Sequence[Value]) -> str:
    """A program as text.

    Raises:
        ProgramFileError: its arguments or results hold what a file cannot: see `save`.

    >>> from autograd.programs.tracing import record
    >>> print(write(*record(lambda x: x * 2, 1.0)))
    valuegrad program 1
    name "<lambda>"
    arguments {"tuple": ["*"]}
    results "*"
    input "x"
    constant 0x1.0000000000000p+1
    step mul 0 1 | ...
    output 2
    checksum ...
    """
    own = {one.operation: None for one in code.instructions if not one.operation.is_builtin}
    lines = [
        _HEADER,
        f"name {_quoted(code.name)}",
        f"arguments {_nesting(arguments, 'arguments')}",
        f"results {_nesting(results, 'results')}",
        *(f"input {_quoted(name)}" for name in code.inputs),
        *(f"captured {number(one).hex()} {_quoted(one.label)}" for one in captured),
        *(f"constant {constant.hex()}" for constant in code.constants),
        *(f"primitive {_quoted(one.name)} {_quoted(one.place)}" for one in own),
        *(_step(instruction) for instruction in code.instructions),
        *(f"output {output}" for output in code.outputs),
    ]
    text = "".join(f"{line}\n" for line in lines)
    return f"{text}checksum {_checksum(text)}\n"


def read(text: str, name: str = "<text>") -> Parts:
    """The program that `write` wrote.

    Captured Values come back as new ones.

    Args:
        text: a file's contents.
        name: the file's, for errors.

    Raises:
        ProgramFileError: see `load`.
    """
    lines = _Lines(text, name)
    if lines.first() != _HEADER:
        raise lines.error(f"{_HEADER!r}, with which a program's file begins", lines.first())
    title = lines.string(lines.one("name"))
    arguments = lines.structure(lines.one("arguments"))
    results = lines.structure(lines.one("results"))
    inputs = [lines.string(rest) for rest in lines.many("input")]
    captured = [lines.value(rest) for rest in lines.many("captured")]
    constants = [lines.number(rest) for rest in lines.many("constant")]
    modules = dict(lines.pair(rest) for rest in lines.many("primitive"))
    steps: list[Instruction] = []
    for rest in lines.many("step"):
        steps.append(lines.step(rest, len(inputs) + len(constants) + len(steps), modules))
    there = len(inputs) + len(constants) + len(steps)
    outputs = [lines.slot(rest, there) for rest in lines.many("output")]
    lines.end()
    try:
        code = Code(title, inputs, constants, steps, outputs)
        code.check_convention(arguments.size, len(captured), results.size)
    except ValueError as error:  # as many inputs as the arguments have scalars, and the like
        raise ProgramFileError(f"{name}: {error}") from None
    return code, arguments, results, captured


def _quoted(text: str) -> str:
    return json.dumps("".join(one if one.isprintable() else "?" for one in text))


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode("ascii", errors="replace")).hexdigest()


def _step(instruction: Instruction) -> str:
    text = " ".join(["step", instruction.operation.name, *map(str, instruction.operands)])
    line = instruction.line
    if line is not None and _is_source(line.file):
        return f"{text} | {_quoted(instruction.label)} | {_quoted(line.file)}:{line.number}"
    return f"{text} | {_quoted(instruction.label)}" if instruction.label else text


def _is_source(file: str) -> bool:
    """Whether printing a program may look a line up there: not in a device, not across the network."""
    return file.endswith((".py", ">")) and not file.startswith(("//", "\\\\"))


class _Leaf:
    """The place of a scalar, or of an array of a shape, in a nesting."""

    def __init__(self, shape: tuple[int, ...] | None) -> None:
        self.shape = shape


def _nesting(structure: Structure, role: str) -> str:
    skeleton = structure.nest([_Leaf(shape) for shape in structure.shapes])
    return json.dumps(_described(skeleton, role, _DEEPEST))


def _described(node: Any, role: str, levels: int) -> Any:
    if not levels:
        raise ProgramFileError(f"the {role} must be nested at most {_DEEPEST} deep to be saved: flatten them")
    if isinstance(node, _Leaf):
        return "*" if node.shape is None else {"array": list(node.shape)}
    if node is None:
        return None
    if type(node) is list:
        return [_described(one, role, levels - 1) for one in node]
    if type(node) is tuple:
        return {"tuple": [_described(one, role, levels - 1) for one in node]}
    if type(node) is dict and all(type(key) is str and key.isprintable() for key in node):
        return {"dict": {key: _described(one, role, levels - 1) for key, one in node.items()}}
    kind = "dict with keys that are no printable strings" if type(node) is dict else type(node).__name__
    raise ProgramFileError(
        f"the {role} hold a {kind}, which a program's file cannot: trace a function of numbers, arrays, "
        "lists, tuples and dicts with strings for keys (dataclasses.asdict makes one), or use pickle"
    )


def _is_shape(thing: Any) -> bool:
    if not isinstance(thing, list) or len(thing) > _DIMENSIONS:
        return False
    return all(type(one) is int and 0 <= one < 1 << 31 for one in thing)


class _Lines:
    """A text, taken line by line; whatever is not as expected is refused."""

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._lines = text.replace("\r\n", "\n").split("\n")
        self._next = 1  # the place of the next line; the errors of parsing are about the one before
        self._tried: list[str] = []
        self._strings: dict[str, str] = {}  # a file's name comes with every instruction

    def error(self, expected: str, found: str) -> ProgramFileError:
        shown = ascii(found if len(found) <= 60 else f"{found[:57]}...")
        return ProgramFileError(f"{self._name}, line {self._next}: expected {expected}, got {shown}")

    def first(self) -> str:
        """The first line, which is behind us from the start."""
        return self._lines[0]

    def many(self, keyword: str) -> Iterator[str]:
        """What follows the keyword on each line, as long as lines begin with it."""
        self._tried.append(keyword)
        while self._next < len(self._lines):
            first, _, rest = self._lines[self._next].partition(" ")
            if first != keyword:
                return
            self._next += 1
            self._tried = [keyword]
            yield rest

    def one(self, keyword: str) -> str:
        """What follows the keyword on the next line."""
        for rest in self.many(keyword):
            self._tried = []
            return rest
        found = self._lines[self._next] if self._next < len(self._lines) else ""
        self._next += 1
        raise self.error(
            f"a line that begins with {' or '.join(self._tried)}", found or "nothing: the file is cut off"
        )

    def end(self) -> None:
        """Check the sum of the lines before, and that it is the last."""
        before = "".join(f"{line}\n" for line in self._lines[: self._next])
        given = self.one("checksum")
        if given != _checksum(before):
            raise self.error(f"the checksum {_checksum(before)}: the file has been changed", given)
        if self._lines[self._next :] != [""]:
            raise self.error(
                "one end of line after the checksum, and nothing more", "".join(self._lines[self._next :])
            )

    def json(self, text: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise self.error("a value in JSON", text) from None

    def string(self, text: str) -> str:
        found = self._strings.get(text) or self.json(text)
        if type(found) is not str or not found.isprintable():
            raise self.error("a string of printable characters in double quotes", text)
        return self._strings.setdefault(text, found)

    def number(self, text: str) -> float:
        if re.fullmatch(r"-?0x[01]\.[0-9a-f]{1,13}p[+-][0-9]{1,4}|-?inf|nan", text):
            with suppress(OverflowError):
                return float.fromhex(text)
        raise self.error("a number as float.hex writes it", text)

    def value(self, text: str) -> Value:
        """A captured Value: its data and its label."""
        number, _, label = text.partition(" ")
        return Value(self.number(number), self.string(label))

    def pair(self, text: str) -> tuple[str, str]:
        """A primitive's name and its module."""
        found = re.fullmatch(rf"({_STRING}) ({_STRING})", text)
        if found is None:
            raise self.error("a primitive and its module, each in double quotes", text)
        return self.string(found[1]), self.string(found[2])

    def slot(self, text: str, there: int) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or int(text) >= there:
            raise self.error(f"a slot from 0 to {there - 1}, which there are before", text)
        return int(text)

    def structure(self, text: str) -> Structure:
        leaves, spec = optree.tree_flatten(self._nested(self.json(text), text, _DEEPEST))
        return Structure(spec, tuple(leaf.shape for leaf in leaves))

    def _nested(self, node: Any, text: str, levels: int) -> Any:
        if not levels:
            raise self.error(f"a nesting of at most {_DEEPEST} levels", text)
        if node is None:
            return None
        if node == "*":
            return _Leaf(None)
        if isinstance(node, list):
            return [self._nested(one, text, levels - 1) for one in node]
        if isinstance(node, dict) and len(node) == 1:
            ((kind, inside),) = node.items()
            if kind == "tuple" and isinstance(inside, list):
                return tuple(self._nested(one, text, levels - 1) for one in inside)
            if kind == "dict" and isinstance(inside, dict) and all(key.isprintable() for key in inside):
                return {key: self._nested(one, text, levels - 1) for key, one in inside.items()}
            if kind == "array" and _is_shape(inside):
                return _Leaf(tuple(inside))
        raise self.error('"*", null, [...], {"tuple": [...]}, {"dict": {...}} or {"array": [a shape]}', text)

    def step(self, text: str, there: int, modules: dict[str, str]) -> Instruction:
        found = _STEP.fullmatch(text)
        if found is None:
            raise self.error('a primitive and its operands, as in mul 0 3 | "label" | "file.py":12', text)
        name, operands, label, file, number = found.groups()
        try:
            primitive = find_operation(name)
        except KeyError:
            module = f"import {modules[name]}" if name in modules else "import the module that defines it"
            raise self.error(f"a primitive that is registered here ({module} first)", name) from None
        if len(operands.split()) != primitive.arity:
            raise self.error(f"{primitive.arity} operands of {name}", text)
        line = None
        if file is not None:
            line = Line(self.string(file), int(number))
            if not _is_source(line.file):
                raise self.error("a file of Python source", file)
        slots = tuple([self.slot(operand, there) for operand in operands.split()])
        labels = (self.string(label),) if label else ()
        return Instruction(primitive, slots, (there,), labels, line)
