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

In the place of an operation's name stands an object where it is of arrays, with its settings: {"stack": 3},
{"length": 0}, {"gather": [5, 1, [2], [2]]}; for a loop {"loop": [2, 1, 0]} with how many
carries and columns it has and whether it is reversed, and in the same object the entries name, inputs,
constants, instructions and outputs of its body, and arrays, the places of the inputs that are arrays. Where
it is said which carries the loop's reverse keeps, that is a fourth entry, [2, 1, 0, "sqrt"]; such a reverse
is {"checkpointed": "sqrt"}, "binomial" or a number, with the entries of its body; a formula applied to many
samples is {"map": [1, [0, 2]]}, how many results are added up and which inputs are mapped, with those. A
constant array is an array of numbers. A function with a derivative of its own is {"custom": "module:name"}
with how its arguments and results are nested, and the entries of its body unless it is called back.

Slots are numbered as in a program: inputs, constants, and the results of each instruction. Numbers are
strings as `float.hex` writes them, so that each bit comes back. `nesting` says how arguments and results
are written. A class has no place in a file, since finding it again would mean to import what the file
names: a program whose arguments or results hold dataclasses or namedtuples is not saved (pickle keeps it).

Reading makes a program and nothing else; no file that a line names is opened. It trusts nothing:
whatever is not of the form above, in range and of one piece is refused with its place, such as
``instructions[3].operands[1]``. A file has at most 50 MB, more than a million instructions.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.derivatives.custom_operation import CustomOperation
from autograd.graph.nodes import is_array, kind_of, number
from autograd.graph.trees import Structure
from autograd.graph.value import Value
from autograd.primitives.operation import Operation, find_operation
from autograd.primitives.primitive import Primitive
from autograd.programs.arrays.files import made_again, written_down
from autograd.programs.code import Code, Instruction
from autograd.programs.loops.loop import Loop
from autograd.programs.loops.mapping import Map
from autograd.programs.loops.reverse.checkpointing import Checkpointed, is_pair
from autograd.programs.loops.reverse.revolve import Policy, checked_policy
from autograd.programs.nesting import custom_of, nesting_of, nesting_of_custom, structure_of
from autograd.support.foreign_files import (
    ForeignFileError,
    Taker,
    check_digest,
    digest,
    parse_json,
    printable,
    read_foreign,
    unexpected,
)
from autograd.support.user_line import Line
from autograd.support.whole_files import write_whole

__all__ = ["ProgramFileError", "SavedProgram", "dump", "dumps", "load", "loads"]

_FORMAT = "valuegrad program 2"
_LARGEST = 50_000_000  # bytes of a file; whatever they are, reading them takes less than 1 GB of memory
_ENTRIES = (
    "format name arguments results captured modules lines inputs constants instructions outputs checksum"
)
_EMPTY = np.empty(0)  # one for all
_BODY = "name inputs arrays constants instructions outputs"
_EXPONENT = "[0-9]{1,3}|10[01][0-9]|102[0-3]"  # beyond, a double overflows
_NUMBER = re.compile(rf"-?0x[01]\.[0-9a-f]{{1,13}}p[+-](?:{_EXPONENT})|-?inf|nan")


class ProgramFileError(ValueError):
    """A file is no program, or not one that can be read here; or a program cannot be written."""


class SavedProgram(NamedTuple):
    """What a file holds of a program: its code, and how that is called.

    Attributes:
        code: what it computes.
        arguments: how the arguments are nested.
        results: how the results are nested.
        captured: the Values that it closes over; new ones, where it comes from a file.
    """

    code: Code
    arguments: Structure
    results: Structure
    captured: Sequence[Value]


def dump(program: SavedProgram, path: str | os.PathLike[str]) -> None:
    """Write a program to a file, all of it or nothing.

    The file holds the names and the text of the source lines that the program was traced from.

    Args:
        program: one whose arguments and results are made of numbers, arrays, lists, tuples, dicts with
            strings for keys, and None.
        path: where to; a file there is replaced.

    Raises:
        ProgramFileError: the arguments or results hold anything else, or the file would be too large.
        OSError: the file cannot be written.
    """
    write_whole(path, dumps(program))


def dumps(program: SavedProgram) -> str:
    """A program as text: see `dump`.

    >>> from autograd.programs.tracing import record
    >>> print(dumps(SavedProgram(*record(lambda x: x * 2, 1.0))))
    {"format": "valuegrad program 2",
    "name": "<lambda>",
    "arguments": {"tuple": ["*"]},
    "results": "*",
    "captured": [],
    ...
    """
    code = program.code
    try:
        arguments = nesting_of(program.arguments, "arguments")
        results = nesting_of(program.results, "results")
        lines: dict[Line, int] = {}
        parts = _written(code, lines)
    except ForeignFileError as error:
        raise ProgramFileError(str(error)) from None
    modules = {
        operation.name: printable(operation.place)
        for operation in code.operations()
        if not operation.is_builtin
    }
    entries = {
        "format": _FORMAT,
        "name": parts.pop("name"),
        "arguments": arguments,
        "results": results,
        "captured": [[_constant(number(value)), printable(value.label)] for value in program.captured],
        "modules": dict(sorted(modules.items())),
        "lines": [[printable(line.file), line.number, printable(line.text)] for line in lines],
        **parts,
    }
    text = "{" + "".join(f'"{key}": {_spread(entry)},\n' for key, entry in entries.items())
    text += f'"checksum": "{digest(text)}"}}\n'
    if len(text) > _LARGEST:
        raise ProgramFileError(f"the program's file would have {len(text)} bytes, more than {_LARGEST}")
    return text


def _row(instruction: Instruction, lines: dict[Line, int]) -> list[Any]:
    """An instruction as it stands in a file."""
    place = None if instruction.line is None else lines.setdefault(instruction.line, len(lines))
    labels = instruction.labels or [""] * len(instruction.results)
    operation = _operation(instruction.operation, lines)
    return [operation, list(instruction.operands), [*map(printable, labels)], place]


def _operation(operation: Operation, lines: dict[Line, int]) -> Any:
    if isinstance(operation, (Loop, Checkpointed, Map)):
        return dict([operation.told], arrays=sorted(operation.body.arrays), **_written(operation.body, lines))
    if isinstance(operation, CustomOperation):
        return nesting_of_custom(operation) | (_written(operation.body, lines) if operation.body else {})
    return written_down(operation) if operation.takes_arrays else operation.name


def _written(code: Code, lines: dict[Line, int]) -> dict[str, Any]:
    return {
        "name": printable(code.name),
        "inputs": [*map(printable, code.inputs)],
        "constants": [_constant(constant) for constant in code.constants],
        "instructions": [_row(instruction, lines) for instruction in code.instructions],
        "outputs": list(code.outputs),
    }


def _constant(constant: Any) -> Any:
    return constant.hex() if type(constant) is float else [each.hex() for each in constant.tolist()]


def _spread(entry: Any) -> str:
    """JSON with a line for each entry of a list of lists."""
    if isinstance(entry, list) and entry and isinstance(entry[0], list) and len(entry) > 1:
        return "[\n" + ",\n".join(map(json.dumps, entry)) + "]"
    return json.dumps(entry)


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
        raise ProgramFileError(f"{os.fspath(path)} cannot be read as a program: {error}") from None
    return loads(text, os.fspath(path))


def loads(text: str, name: str = "<text>") -> SavedProgram:
    """The program that `dumps` wrote.

    Args:
        text: a file's contents.
        name: the file's, for errors.

    Raises:
        ProgramFileError: see `load`.
    """
    try:
        return _Reader().program(text.replace("\r\n", "\n"))
    except ForeignFileError as error:
        raise ProgramFileError(f"{name} cannot be read as a program: {error}") from None


def _refuse_float(digits: str) -> float:
    raise ValueError(f"the number {digits[:30]}: numbers with a point are strings as float.hex writes them")


class _Reader(Taker):
    """Takes what a file says apart, and refuses what is not as expected, with its place."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._modules: dict[str, str] = {}

    def program(self, text: str) -> SavedProgram:
        document = self.document(text)
        modules = self.kind(dict, document["modules"], "modules")
        self._modules = {self.text(key, "modules"): self.text(modules[key], "modules") for key in modules}
        self._lines = self.each(self.line, document["lines"], "lines")
        arguments = structure_of(document["arguments"], "arguments")
        results = structure_of(document["results"], "results")
        captured = self.each(self.captured, document["captured"], "captured")
        arrays = [place for place, value in enumerate(captured, arguments.size) if is_array(value)]
        code = self.code(document | {"arrays": arguments.wholes + arrays})
        if arguments.size + len(captured) != len(code.inputs):
            expected = f"{arguments.size} for the arguments and {len(captured)} for the captured Values"
            raise unexpected("inputs", expected, list(code.inputs))
        kinds = code.kinds()
        if results.size != len(code.outputs):
            expected = f"{results.size} slots, as many as the results have scalars"
            raise unexpected("outputs", expected, list(code.outputs))
        if results.wholes != [place for place, output in enumerate(code.outputs) if kinds[output]]:
            raise unexpected("outputs", "arrays where the results have them whole", list(code.outputs))
        return SavedProgram(code, arguments, results, captured)

    def document(self, text: str) -> Any:
        """The object that a text is, if it is of this format and of one piece."""
        start = f'{{"format": "{_FORMAT}"'
        if not text.startswith(start):
            other = re.match(r'(?:\{"format": ")?valuegrad program ([0-9]{1,9})\b', text)
            if other is None or int(other[1]) == 2:
                raise unexpected("the start", start, text)
            advice = "trace the function again and save it" if int(other[1]) < 2 else "update valuegrad"
            raise ForeignFileError(f"it has format {other[1]}, and this version reads format 2: {advice}")
        check_digest(text)
        document = parse_json(text, _refuse_float)
        wrong = document.keys() ^ set(_ENTRIES.split())
        if wrong:
            raise unexpected("the entries", _ENTRIES, f"these more or less: {' '.join(sorted(wrong))}")
        return document

    def code(self, node: dict[str, Any], within: str = "") -> Code:
        inputs = self.each(self.text, node["inputs"], f"{within}inputs")
        constants = self.each(self.constant, node["constants"], f"{within}constants")
        slots = len(inputs) + len(constants)
        instructions = []
        for i, row in enumerate(self.kind(list, node["instructions"], f"{within}instructions")):
            instructions.append(self.instruction(row, f"{within}instructions[{i}]", slots))
            slots += len(instructions[-1].results)
        at = f"{within}outputs"
        outputs = self.places(node["outputs"], at, slots)
        arrays = self.places(node.get("arrays", []), f"{within}arrays", len(inputs))
        code = Code(
            self.text(node["name"], f"{within}name"), inputs, constants, instructions, outputs, arrays
        )
        try:
            code.kinds()
        except TypeError as error:
            raise unexpected(at, f"numbers and arrays in their places ({error})", node["outputs"]) from None
        return code

    def instruction(self, node: Any, place: str, slots: int) -> Instruction:
        name, operands, labels, line = self.row(node, place, "an operation", "operands", "labels", "a line")
        known = self.entries if type(name) is dict else self.operation
        operation = known(name, f"{place}.operation")
        operands = self.kind(list, operands, f"{place}.operands")
        if isinstance(operation, Primitive):
            operation = operation.of_arity(len(operands))
        if len(operands) != operation.arity:
            raise unexpected(f"{place}.operands", f"the {operation.arity} of {operation.name}", operands)
        labels = self.row(labels, f"{place}.labels", *["a label"] * operation.result_count)
        labels = self.each(self.text, labels, f"{place}.labels")
        source = None if line is None else self._lines[self.index(line, f"{place}.line", len(self._lines))]
        return Instruction(
            operation,
            tuple([self.index(slot, f"{place}.operands[{i}]", slots) for i, slot in enumerate(operands)]),
            tuple(range(slots, slots + operation.result_count)),
            tuple(labels) if any(labels) else (),
            source,
        )

    def operation(self, node: Any, place: str) -> Operation:
        name = self.text(node, place)
        try:
            return find_operation(name)
        except KeyError:
            module = f"import {self._modules.get(name, 'its module')[:80]}"
            raise unexpected(place, f"an operation that is registered here ({module} first)", name) from None

    def entries(self, node: dict[str, Any], place: str) -> Operation:
        """An operation between numbers and arrays, or one that holds code."""
        if "custom" in node:
            return custom_of(node, place, self.code)
        kind = next((kind for kind in ("loop", "checkpointed", "map") if kind in node), None)
        if kind is None:
            operation = made_again(node)
            if operation is None:
                raise unexpected(place, '{"stack": 3}, another operation of arrays or a loop', node)
            return operation
        if node.keys() != {kind, *_BODY.split()}:
            raise unexpected(place, f"the entries {kind} {_BODY}", f"{' '.join(node)}")
        body = self.code(node, f"{place}.")
        if kind == "checkpointed":
            if not is_pair(body):
                raise unexpected(place, "a loop, and one that goes back along its results", node["outputs"])
            return Checkpointed(body, self.policy(node[kind], f"{place}.{kind}"))
        if kind == "map":
            return self.map(node[kind], f"{place}.map", body)
        is_told = type(node["loop"]) is list and len(node["loop"]) == 4
        entries = ("carries", "columns", "0 or 1", *["a checkpoint"] * is_told)
        numbers = self.row(node["loop"], f"{place}.loop", *entries)
        carries = self.index(numbers[0], f"{place}.loop[0]", 1 + min(len(body.inputs), len(body.outputs)))
        columns = self.index(numbers[1], f"{place}.loop[1]", 1 + len(body.inputs) - carries)
        is_reversed = self.index(numbers[2], f"{place}.loop[2]", 2)
        policy = self.policy(numbers[3], f"{place}.loop[3]") if is_told else None
        if not body.outputs:
            raise unexpected(f"{place}.outputs", "at least one", node["outputs"])
        return Loop(body, carries, columns, bool(is_reversed), checkpoint=policy)

    def map(self, node: Any, place: str, body: Code) -> Map:
        sums, columns = self.row(node, place, "how many are added up", "an array of places")
        places = self.places(columns, f"{place}[1]", len(body.inputs))
        return Map(body, places, self.index(sums, f"{place}[0]", 1 + len(body.outputs)))

    def places(self, node: Any, place: str, count: int) -> list[int]:
        return self.each(lambda each, at: self.index(each, at, count), node, place)

    def policy(self, node: Any, place: str) -> Policy:
        try:
            return checked_policy("" if node is None else node)
        except ValueError:
            raise unexpected(place, '"sqrt", "binomial" or a whole number from 1', node) from None

    def constant(self, node: Any, place: str) -> Any:
        if type(node) is list:
            return np.array(self.each(self.number, node, place), float) if node else _EMPTY
        return self.number(node, place)

    def captured(self, node: Any, place: str) -> Any:
        data, label = self.row(node, place, "data", "a label")
        data = self.constant(data, f"{place}[0]")
        value = kind_of(data)(data)
        value.label = self.text(label, f"{place}[1]")
        return value

    def line(self, node: Any, place: str) -> Line:
        file, number, text = self.row(node, place, "a file", "a number", "a text")
        number = self.index(number, f"{place}[1]", 10**9)
        return Line(self.text(file, f"{place}[0]"), number, self.text(text, f"{place}[2]"))

    def number(self, node: Any, place: str) -> float:
        if type(node) is not str or not _NUMBER.fullmatch(node):
            raise unexpected(place, "a number in a string, as float.hex writes it", node)
        return float.fromhex(node)
