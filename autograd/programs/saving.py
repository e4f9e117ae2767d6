"""Programs as JSON files, which hold numbers, names and lines of source to show, and nothing that runs.

A file is one object with these entries, in this order:

    {"format": "valuegrad program 2",
    "name": "f",
    "arguments": {"tuple": ["*", {"array": [2]}]},    how the arguments are nested
    "results": ["*"],                                 how the results are nested
    "captured": [["0x1.8000000000000p+0", "bias"]],   the data and the label of each captured Value
    "modules": {"cube": "my.rules"},                  where each operation of a user's own is defined
    "lines": [["f.py", 3, "return cube(x) + a[0]"]],  lines of the user's code: file, number, text
    "inputs": ["x", "a[0]", "a[1]", "bias"],          names: the arguments' scalars, then the captured
    "constants": ["0x1.0000000000000p+1"],
    "instructions": [
    ["mul", [0, 4], ["twice"], null],                 an operation's name, its operands' slots, a label
    ["cube", [5], [""], 0]],                          for each of its results, and the place of its line
    "outputs": [6],                                   the slot of each result
    "checksum": "4be1..."}                            the SHA-256 of the text before this line

Slots are numbered as in a program: inputs, constants, and the results of each instruction. Numbers are
strings as `float.hex` writes them, so that each bit comes back. A nesting is "*" for a scalar, null for
None, an array for a list, {"tuple": [...]}, {"dict": {...}}, or {"array": [2, 3]} for an array of that
shape. A class has no place in a file, since finding it again would mean to import what the file names:
a program whose arguments or results hold dataclasses or namedtuples is not saved (pickle keeps it).

Reading makes a program and nothing else; no file that a line names is opened. It trusts nothing:
whatever is not of the form above, in range and of one piece is refused with its place, such as
``instructions[3].operands[1]``. A file has at most 50 MB, more than a million instructions.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from autograd.graph.trees import Structure
from autograd.graph.value import Value
from autograd.primitives.primitive import Primitive, find_primitive
from autograd.programs.program import Instruction, Program
from autograd.support.foreign_files import ForeignFileError, parse_json, read_foreign, shown
from autograd.support.user_line import Line
from autograd.support.whole_files import write_whole

__all__ = ["ProgramFileError", "SavedProgram", "dump", "dumps", "load", "loads"]

_FORMAT = "valuegrad program 2"
_LARGEST = 50_000_000  # bytes of a file; whatever they are, reading them takes less than 1 GB of memory
_DEEPEST = 50  # levels of nesting
_DIMENSIONS = 32  # of an array
_ELEMENTS = 1 << 24  # of an array, where each empty axis counts as one; more than fit into a file
_LONGEST = 10_000  # characters of a string
_ENTRIES = {
    "format", "name", "arguments", "results", "captured", "modules", "lines", "inputs", "constants",
    "instructions", "outputs", "checksum",
}  # fmt: skip
_CHECKSUM = re.compile('"checksum": "([0-9a-f]{64})"}\n')
_NUMBER = re.compile(r"-?0x[01]\.[0-9a-f]{1,13}p[+-][0-9]{1,4}|-?inf|nan")


class ProgramFileError(ValueError):
    """A file is no program, or not one that can be read here; or a program cannot be written."""


class SavedProgram(NamedTuple):
    """What a file holds: code, and how it is called.

    Attributes:
        code: its name, inputs, constants, instructions and outputs.
        arguments: how the arguments are nested.
        results: how the results are nested.
        captured: a new Value for each that the program closes over.
    """

    code: tuple[str, list[str], list[float], list[Instruction], list[int]]
    arguments: Structure
    results: Structure
    captured: list[Value]


def dump(
    path: str | os.PathLike[str],
    code: Program,
    arguments: Structure,
    results: Structure,
    captured: Sequence[Value],
) -> None:
    """Write a program to a file, all of it or nothing.

    The file holds the names and the text of the source lines that the program was traced from.

    Args:
        path: where to; a file there is replaced.
        code: what it does.
        arguments: made of numbers, arrays, lists, tuples, dicts with strings for keys, and None.
        results: made of the same.
        captured: the Values that it closes over.

    Raises:
        ProgramFileError: the arguments or results hold anything else, or the file would be too large.
        OSError: the file cannot be written.
    """
    write_whole(path, dumps(code, arguments, results, captured))


def load(path: str | os.PathLike[str]) -> SavedProgram:
    """Read a program from a file.

    Raises:
        ProgramFileError: it holds no program, a damaged one, or one with an operation that is not
            registered here; names the file, the place in it, what is there and what was expected.
        OSError: the file cannot be read.
    """
    try:
        text = read_foreign(path, _LARGEST).decode("ascii", errors="replace")
    except ForeignFileError as error:
        raise ProgramFileError(f"{os.fspath(path)}: expected a program's file, got {error}") from None
    return loads(text, os.fspath(path))


def dumps(code: Program, arguments: Structure, results: Structure, captured: Sequence[Value]) -> str:
    """A program as text: see `dump`.

    >>> from autograd.programs.tracing import trace
    >>> program = trace(lambda x: x * 2, 1.0)
    >>> print(dumps(program, program.arguments, program.results, program.captured))
    {"format": "valuegrad program 2",
    "name": "<lambda>",
    "arguments": {"tuple": ["*"]},
    "results": "*",
    "captured": [],
    ...
    """
    lines: dict[Line, int] = {}
    instructions = [_row(instruction, lines) for instruction in code.instructions]
    own = {one.primitive for one in code.instructions if not one.primitive.is_builtin}
    entries = {
        "format": _FORMAT,
        "name": _printable(code.name),
        "arguments": _nesting(arguments, "arguments"),
        "results": _nesting(results, "results"),
        "captured": [[one._data.hex(), _printable(one.label)] for one in captured],
        "modules": {one.name: _printable(one.place) for one in sorted(own, key=lambda one: one.name)},
        "lines": [[_printable(line.file), line.number, _printable(line.text)] for line in lines],
        "inputs": [_printable(name) for name in code.inputs],
        "constants": [number.hex() for number in code.constants],
        "instructions": instructions,
        "outputs": list(code.outputs),
    }
    text = "{" + "".join(f'"{key}": {_spread(entry)},\n' for key, entry in entries.items())
    text += f'"checksum": "{_digest(text)}"}}\n'
    if len(text) > _LARGEST:
        raise ProgramFileError(f"the program's file would have {len(text)} bytes, more than {_LARGEST}")
    return text


def _row(instruction: Instruction, lines: dict[Line, int]) -> list[Any]:
    """An instruction as it stands in a file."""
    place = None if instruction.line is None else lines.setdefault(instruction.line, len(lines))
    return [instruction.primitive.name, list(instruction.operands), [_printable(instruction.label)], place]


def _spread(entry: Any) -> str:
    """JSON with a line for each entry of a list of lists."""
    if isinstance(entry, list) and entry and isinstance(entry[0], list) and len(entry) > 1:
        return "[\n" + ",\n".join(map(json.dumps, entry)) + "]"
    return json.dumps(entry)


def _printable(text: str) -> str:
    text = text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("ascii", errors="replace")).hexdigest()


def _refuse_float(digits: str) -> float:
    raise ValueError(f"the number {digits[:30]}: numbers with a point are strings as float.hex writes them")


class _Leaf:
    """The place of a scalar, or of an array of a shape, in a nesting."""

    def __init__(self, shape: tuple[int, ...] | None) -> None:
        self.shape = shape


def _nesting(structure: Structure, role: str) -> Any:
    return _described(structure.nest([_Leaf(shape) for shape in structure.shapes]), role, _DEEPEST)


def _described(node: Any, role: str, levels: int) -> Any:
    if not levels:
        raise ProgramFileError(f"the {role} must be nested at most {_DEEPEST} deep to be saved: flatten them")
    if isinstance(node, _Leaf):
        if node.shape is not None and not _is_shape(list(node.shape)):
            raise ProgramFileError(f"the {role} hold an array of shape {node.shape}, too large for a file")
        return "*" if node.shape is None else {"array": list(node.shape)}
    if node is None:
        return None
    if type(node) is list:
        return [_described(child, role, levels - 1) for child in node]
    if type(node) is tuple:
        return {"tuple": [_described(child, role, levels - 1) for child in node]}
    if type(node) is dict and all(_is_text(key) for key in node):
        return {"dict": {key: _described(child, role, levels - 1) for key, child in node.items()}}
    kind = "dict with keys that are no printable strings" if type(node) is dict else type(node).__name__
    raise ProgramFileError(
        f"the {role} hold a {kind}, which a program's file cannot: trace a function of numbers, arrays, "
        "lists, tuples and dicts with strings for keys (dataclasses.asdict makes one), or use pickle"
    )


def _is_text(node: Any) -> bool:
    return type(node) is str and len(node) <= _LONGEST and node.isprintable()


def _is_shape(node: Any) -> bool:
    if type(node) is not list or len(node) > _DIMENSIONS:
        return False
    return all(type(n) is int and n >= 0 for n in node) and math.prod(n or 1 for n in node) <= _ELEMENTS


def loads(text: str, name: str = "<text>") -> SavedProgram:
    """The program that `dumps` wrote.

    Args:
        text: a file's contents.
        name: the file's, for errors.

    Raises:
        ProgramFileError: see `load`.
    """
    return _Reader(name).program(text.replace("\r\n", "\n"))


class _Reader:
    """Takes what a file says apart, and refuses what is not as expected, with its place."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines: list[Line] = []
        self._modules: dict[str, str] = {}

    def error(self, place: str, expected: str, node: Any) -> ProgramFileError:
        return ProgramFileError(f"{self._name}, at {place}: expected {expected}, got {shown(node)}")

    def program(self, text: str) -> SavedProgram:
        document = self.document(text)
        modules = self.kind(dict, document["modules"], "modules")
        self._modules = {self.text(key, "modules"): self.text(modules[key], "modules") for key in modules}
        self._lines = self.each(self.line, document["lines"], "lines")
        arguments = self.structure(document["arguments"], "arguments")
        results = self.structure(document["results"], "results")
        captured = self.each(self.captured, document["captured"], "captured")
        code = self.code(document)
        _, inputs, _, _, outputs = code
        if arguments.size + len(captured) != len(inputs):
            expected = f"{arguments.size} for the arguments and {len(captured)} for the captured Values"
            raise self.error("inputs", expected, inputs)
        if results.size != len(outputs):
            raise self.error("outputs", f"{results.size} slots, as many as the results have scalars", outputs)
        return SavedProgram(code, arguments, results, captured)

    def document(self, text: str) -> Any:
        """The object that a text is, if it is of this format and of one piece."""
        start = f'{{"format": "{_FORMAT}"'
        if not text.startswith(start):
            other = re.match(r'(?:\{"format": ")?valuegrad program ([0-9]{1,9})\b', text)
            if other is None or int(other[1]) == 2:
                raise self.error("the start", start, text)
            advice = "trace the function again and save it" if int(other[1]) < 2 else "update valuegrad"
            raise ProgramFileError(
                f"{self._name}: a program's file of format {other[1]}; this version of valuegrad reads "
                f"format 2: {advice}"
            )
        self.check_sum(text)
        try:
            document = parse_json(text, _refuse_float)
        except ForeignFileError as error:
            raise ProgramFileError(f"{self._name}: expected a program's file, got {error}") from None
        if document.keys() != _ENTRIES:
            raise self.error("the entries", ", ".join(sorted(_ENTRIES)), ", ".join(sorted(document)))
        return document

    def check_sum(self, text: str) -> None:
        body, keyword, last = text.rpartition('"checksum"')
        end = _CHECKSUM.fullmatch(keyword + last)
        if end is None:
            raise self.error("the end", "a checksum and one end of line: the file is cut off", text[-60:])
        if end[1] != _digest(body):
            raise self.error("checksum", f"{_digest(body)}: the file has been changed", end[1])

    def code(self, node: dict[str, Any]) -> tuple[str, list[str], list[float], list[Instruction], list[int]]:
        inputs = self.each(self.text, node["inputs"], "inputs")
        constants = self.each(self.number, node["constants"], "constants")
        slots = len(inputs) + len(constants)
        instructions = []
        for i, row in enumerate(self.kind(list, node["instructions"], "instructions")):
            instructions.append(self.instruction(row, f"instructions[{i}]", slots))
            slots += 1
        outputs = self.each(lambda slot, place: self.index(slot, place, slots), node["outputs"], "outputs")
        return self.text(node["name"], "name"), inputs, constants, instructions, outputs

    def instruction(self, node: Any, place: str, slots: int) -> Instruction:
        name, operands, labels, line = self.row(node, place, "an operation", "operands", "labels", "a line")
        operation = self.operation(name, f"{place}.operation")
        operands = self.kind(list, operands, f"{place}.operands")
        if len(operands) != operation.arity:
            raise self.error(f"{place}.operands", f"the {operation.arity} of {name}", operands)
        (label,) = self.row(labels, f"{place}.labels", "one for the result")
        source = None if line is None else self._lines[self.index(line, f"{place}.line", len(self._lines))]
        return Instruction(
            operation,
            tuple([self.index(slot, f"{place}.operands[{i}]", slots) for i, slot in enumerate(operands)]),
            self.text(label, f"{place}.labels[0]"),
            source,
        )

    def operation(self, node: Any, place: str) -> Primitive:
        name = self.text(node, place)
        try:
            return find_primitive(name)
        except KeyError:
            module = f"import {self._modules[name]}" if name in self._modules else "import its module"
            raise self.error(place, f"an operation that is registered here ({module} first)", name) from None

    def structure(self, node: Any, place: str) -> Structure:
        leaves, structure = Structure.of_arrays(self.nested(node, place, _DEEPEST))
        return structure.with_shapes([leaf.shape for leaf in leaves])

    def nested(self, node: Any, place: str, levels: int) -> Any:
        if not levels:
            raise self.error(place, f"a nesting of at most {_DEEPEST} levels", node)
        if node is None:
            return None
        if node == "*":
            return _Leaf(None)
        if type(node) is list:
            return [self.nested(child, f"{place}[{i}]", levels - 1) for i, child in enumerate(node)]
        if type(node) is dict and len(node) == 1:
            ((kind, inside),) = node.items()
            if kind == "tuple" and type(inside) is list:
                return tuple(self.nested(inside, f"{place}.tuple", levels))
            if kind == "dict" and type(inside) is dict and all(map(_is_text, inside)):
                return {key: self.nested(child, f"{place}.dict", levels - 1) for key, child in inside.items()}
            if kind == "array" and _is_shape(inside):
                return _Leaf(tuple(inside))
        expected = '"*", null, [...], {"tuple": [...]}, {"dict": {...}} or {"array": [a shape]}'
        raise self.error(place, expected, node)

    def captured(self, node: Any, place: str) -> Value:
        data, label = self.row(node, place, "data", "a label")
        return Value(self.number(data, f"{place}[0]"), self.text(label, f"{place}[1]"))

    def line(self, node: Any, place: str) -> Line:
        file, number, text = self.row(node, place, "a file", "a number", "a text")
        number = self.index(number, f"{place}[1]", 10**9)
        return Line(self.text(file, f"{place}[0]"), number, self.text(text, f"{place}[2]"))

    def number(self, node: Any, place: str) -> float:
        if type(node) is str and _NUMBER.fullmatch(node):
            with suppress(OverflowError):
                return float.fromhex(node)
        raise self.error(place, "a number in a string, as float.hex writes it", node)

    def index(self, node: Any, place: str, count: int) -> int:
        if type(node) is not int or not 0 <= node < count:
            raise self.error(place, f"a whole number from 0, less than {count}", node)
        return node

    def text(self, node: Any, place: str) -> str:
        if not _is_text(node):
            raise self.error(place, f"a string of at most {_LONGEST} printable characters", node)
        return str(node)

    def each(self, check: Callable[[Any, str], Any], node: Any, place: str) -> list[Any]:
        return [check(child, f"{place}[{i}]") for i, child in enumerate(self.kind(list, node, place))]

    def row(self, node: Any, place: str, *entries: str) -> list[Any]:
        if type(node) is not list or len(node) != len(entries):
            raise self.error(place, f"an array of {', '.join(entries)}", node)
        return node

    def kind(self, kind: type, node: Any, place: str) -> Any:
        if type(node) is not kind:
            raise self.error(place, "an array" if kind is list else "an object", node)
        return node
