"""Programs as files: every bit comes back, and a file that was tampered with does no harm."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import pickle
import re
import struct
import subprocess
import sys
from collections import OrderedDict, namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
from autograd.derivatives.transforms import value_and_grad
from autograd.programs.program import Program
from autograd.programs.saving import ProgramFileError, SavedProgram, dumps, loads
from autograd.programs.tracing import trace
from autograd.testing import Expression, expressions
from models.assignment.graph import loss


def write(program: Program) -> str:
    code = program.name, program.inputs, program.constants, program.instructions, program.outputs
    return dumps(SavedProgram(code, program.arguments, program.results, program.captured))


def read(text: str) -> Program:
    code, arguments, results, captured = loads(text)
    return Program(*code, arguments, results, captured)


def parts(program: Program) -> tuple[Any, ...]:
    """All that makes a program, with numbers as bits; any nan is one."""

    def bits(number: float) -> bytes:
        return b"nan" if math.isnan(number) else struct.pack("<d", number)

    steps = program.instructions
    return (
        program.name,
        program.inputs,
        [bits(number) for number in program.constants],
        [(*step[:3], step.line and (step.line.file, step.line.number, step.line.text)) for step in steps],
        program.outputs,
        program.arguments,
        program.results,
        [(bits(one.data), one.label) for one in program.captured],
    )


def checked(text: str) -> str:
    """The same text with its checksum made right again, as somebody hostile would."""
    body = text[: text.rindex('"checksum"')] if '"checksum"' in text else text
    digest = hashlib.sha256(body.replace("\r\n", "\n").encode("ascii", "replace")).hexdigest()
    return f'{body}"checksum": "{digest}"}}\n'


def loss_program() -> Program:
    return trace(value_and_grad(loss), [0.1] * 9, [0.1] * 5, 0.1)


def test_a_program_comes_back_from_its_file(tmp_path: Path) -> None:
    program = loss_program()
    program.save(tmp_path / "loss.json")
    found = Program.load(tmp_path / "loss.json")
    assert parts(found) == parts(program)
    assert str(found) == str(program), "labels and lines are listed as before"
    args = [0.5] * 9, [1.0, -2.0, 3.0, 0.1, 0.7], 0.3
    assert found(*args) == program(*args)


@given(expressions())
def test_programs_come_back(expression: Expression) -> None:
    program = trace(value_and_grad(expression, (0, 1)), *expression.point)
    assert parts(read(write(program))) == parts(program)


NUMBERS = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 0.1, -1e308, 1 / 3, 2.0**-1030]


def test_numbers_come_back_to_the_bit() -> None:
    program = trace(lambda x: [x * number for number in NUMBERS] + NUMBERS, 1.0)
    found = read(write(program))
    assert parts(found) == parts(program)
    expected = [struct.pack("<d", one) for one in program(-2.0) if one == one]
    assert [struct.pack("<d", one) for one in found(-2.0) if one == one] == expected


@pytest.mark.parametrize(
    "argument",
    [
        1.0,
        [],
        (),
        {},
        None,
        [1.0, (2.0, None), {"b": 3.0, "a": [4.0], 'quote"\u00e9': 5.0}],
        np.zeros((2, 3)),
        [np.zeros(()), {"w": np.zeros((2, 0, 4)), "b": (np.ones(1),)}],
    ],
    ids=repr,
)
def test_structures_come_back(argument: Any) -> None:
    program = trace(lambda one, other: (one, {"other": other}), argument, 1.0)
    found = read(write(program))
    assert parts(found) == parts(program)
    assert str(found(argument, 2.0)) == str(program(argument, 2.0))


def test_captured_values_come_back_as_new_ones() -> None:
    bias, plain = ag.Value(0.1, "bias"), ag.Value(-0.0)
    program = trace(lambda x: x * bias + plain, 1.0)
    found = read(write(program))
    assert parts(found) == parts(program)
    bias.data = 100.0
    assert found(2.0) == 0.2
    found.captured[0].data = 3.0
    assert found(2.0) == 6.0


def test_a_label_that_does_not_print_is_written_with_question_marks() -> None:
    odd = ag.Value(2.0, "two\nlines \u2028 \ud800 \u00e9")
    found = read(write(trace(lambda x: x * odd, 1.0)))
    assert found.captured[0].label == "two?lines ? ? \u00e9"


@dataclasses.dataclass
class Weights:
    w: float
    b: float


Pair = namedtuple("Pair", "first second")


@pytest.mark.parametrize(
    ("argument", "kind"),
    [
        (Weights(1.0, 2.0), "Weights"),
        (Pair(1.0, 2.0), "Pair"),
        ({1: 1.0}, "dict with keys that are no printable strings"),
        (OrderedDict(a=1.0), "OrderedDict"),
        ({"line\nbreak": 1.0}, "dict with keys that are no printable strings"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_a_file_cannot_hold_is_refused_at_saving(argument: Any, kind: str, tmp_path: Path) -> None:
    program = trace(lambda one: one, argument)
    with pytest.raises(ProgramFileError, match=f"the arguments hold a {kind}, which .*: trace a function of"):
        program.save(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wrap", "written"),
    [
        (lambda one: [one], "[{}]"),
        (lambda one: (one,), '{{"tuple": [{}]}}'),
        (lambda one: {"a": one}, '{{"dict": {{"a": {}}}}}'),
    ],
    ids=["lists", "tuples", "dicts"],
)
def test_what_is_nested_50_deep_comes_back_and_deeper_is_refused(wrap: Any, written: str) -> None:
    argument: Any = 1.0
    inside = '{"array": [2]}'
    for _ in range(48):  # in the tuple of the arguments, around a number
        argument, inside = wrap(argument), written.format(inside)
    program = trace(lambda one: 2 * next(leaves_of(one)), argument)
    assert parts(read(write(program))) == parts(program)
    deep = checked(GOOD.replace('{"array": [2]}', inside))
    assert write(read(deep)) == deep
    with pytest.raises(ProgramFileError, match="nested at most 50 deep"):
        write(trace(lambda one: 1.0, wrap(argument)))
    with pytest.raises(ProgramFileError, match=r"at arguments.*: expected a nesting of at most 50 levels"):
        read(checked(GOOD.replace('{"array": [2]}', written.format(inside))))


def leaves_of(tree: Any) -> Any:
    if isinstance(tree, (list, tuple, dict)):
        for one in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves_of(one)
    else:
        yield tree


def test_saving_replaces_the_file_or_leaves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "program"
    trace(lambda x: x, 1.0).save(path)
    before = path.read_bytes()

    def failing(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", failing)
        with pytest.raises(OSError, match="No space left"):
            loss_program().save(path)
    assert path.read_bytes() == before
    loss_program().save(str(path))
    assert len(Program.load(path)) == len(loss_program())
    assert list(tmp_path.iterdir()) == [path], "no temporary file is left"


def test_a_primitive_that_is_not_registered_is_named() -> None:
    own = ag.primitive("saved_cube", lambda x: x * x * x, (lambda y, x: 3 * x * x,))
    text = write(trace(lambda x: own(x) + 1, 1.0))
    assert f'"modules": {{"saved_cube": "{__name__}"}}' in text
    assert read(text)(2.0) == 9.0
    elsewhere = checked(text.replace("saved_cube", "nowhere_cube"))
    with pytest.raises(
        ProgramFileError,
        match=rf"instructions\[0\]\.operation: .* \(import {__name__} first\), got 'nowhere_cube'",
    ):
        read(elsewhere)


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


def test_the_documented_format_is_read() -> None:
    program = read(checked(GOOD))
    assert program(0.5, np.array([1.0, 2.0])) == [math.exp(2.5) - 1.0]
    assert write(program) == checked(GOOD)
    assert parts(read(checked(GOOD).replace("\n", "\r\n"))) == parts(program), "line ends of Windows will do"


def test_a_program_from_a_file_shows_the_lines_that_it_carries(tmp_path: Path) -> None:
    listed = str(read(checked(GOOD)))
    assert re.search(r"twice = x \* 2 +# line 3: twice = 2 \* x\n", listed)
    assert "# line 4: return exp(twice + c) - a[0]" in read(checked(GOOD)).source


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_no_file_that_a_program_names_is_opened(tmp_path: Path) -> None:
    """Printing would wait for ever at a pipe; in Windows a name may be a share in the network."""
    os.mkfifo(tmp_path / "f.py")
    program = read(checked(GOOD.replace("f.py", f"{tmp_path}/f.py")))
    assert "twice = 2 * x" in str(program)
    assert "twice = 2 * x" in program.source
    assert "return exp" in str(program.instructions[1].line)
    with ag.detect_anomaly(), pytest.raises(FloatingPointError, match=r"f\.py:3: twice = 2 \* x"):
        program(1e308, np.array([1.0, 1.0]))


ROW = '["mul", [0, 4], ["twice"], 0]'
ARRAY = '{"array": [2]}'
NUMBER = '"0x1.8000000000000p+0"'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "valuegrad program 2",
            "valuegrad program 3",
            r"format 3, .* reads format 2: update valuegrad",
        ),
        (
            '{"format": "valuegrad program 2"',
            "valuegrad program 1",
            r"it has format 1, .*: trace the function ag",
        ),
        ("valuegrad program 2", "", r"the start: expected .*, got"),
        ('"name": "f",\n', "", r"the entries: expected .*, got 'these more or less: name'"),
        ('"name": "f",\n', '"name": "f",\n"name": "f",\n', r"names a key twice"),
        (
            '"name": "f",\n',
            '"name": "f",\n"colour": "f",\n',
            r"the entries: expected .*, got 'these more or less: colour'",
        ),
        ('"name": "f"', '"name": f', r"no JSON .*line 2 column 9"),
        ('"name": "f"', '"name": 3', r"name: expected a string of at most 10000 printable characters, got 3"),
        ('"name": "f"', '"name": "\\u001b[2J"', r"name: expected a string of .* printable"),
        ('"name": "f"', f'"name": "{"f" * 10_001}"', r"name: expected a string of at most 10000"),
        ('"*", {"array"', '"*" {"array"', r"no JSON .*line 3"),
        (ARRAY, '{"array": [-1]}', r"arguments\.tuple\[1\]: expected \"\*\", null"),
        (ARRAY, '{"array": [-2]}', r"arguments\.tuple\[1\]: expected"),
        (ARRAY, '{"array": [true, 2]}', r"arguments\.tuple\[1\]: expected"),
        (ARRAY, '{"array": [2.0]}', r"the number 2\.0: numbers with a point are strings"),
        (ARRAY, '{"array": [NaN]}', r"the number NaN"),
        (ARRAY, '{"array": [1000, 2000]}', r"inputs: expected 2000001 for the arguments and 1 for the capt"),
        (ARRAY, '{"array": [1000000000, 2000000000]}', r"arguments\.tuple\[1\]: expected"),
        (ARRAY, f'{{"array": [{"9" * 10_000}]}}', r"a whole number of 10000 digits"),
        (ARRAY, f'{{"array": {[1] * 33}}}', r"arguments\.tuple\[1\]: expected"),
        (ARRAY, '{"array": [0, 16777216]}', r"inputs: expected 1 for the arguments"),
        (ARRAY, '{"array": [0, 16777217]}', r"arguments\.tuple\[1\]: expected"),
        (ARRAY, '{"array": [0, 2147483647, 2147483647, 2147483647]}', r"arguments\.tuple\[1\]: expected"),
        ('["*"],', '[{"array": [0, 2147483647, 2147483647]}],', r"results\[0\]: expected"),
        (ARRAY, '{"array": {"a": "*", "b": "*"}}', r"arguments\.tuple\[1\]: expected"),
        (ARRAY, '{"models.Secret": [2]}', r"arguments\.tuple\[1\]: expected"),
        (ARRAY, '{"tuple": ["*"], "list": ["*"]}', r"arguments\.tuple\[1\]: expected"),
        (ARRAY, '{"dict": {"\\u0000": "*"}}', r"arguments\.tuple\[1\]: expected"),
        ('["*"],', "[" * 60 + "]" * 60 + ",", r"results(\[0\])*: expected a nesting of at most 50"),
        ('["*"],', "[" * 200_000 + ",", r"JSON that is nested too deeply"),
        ('["*"],', "[" * 200_000 + "]" * 200_000 + ",", r"JSON that is nested too deeply"),
        ('["*"],', '{"dict": ' * 200_000 + ",", r"more than 5000000 arrays or 100000 objects"),
        ('["*"],', '["*", "*"],', r"outputs: expected 2 slots, as many as the results have scalars"),
        (
            '"inputs": ["x", ',
            '"inputs": [',
            r"instructions\[0\]\.operands\[1\]: expected .* less than 4, got 4",
        ),
        ('"inputs": [', '"inputs": ["y", ', r"inputs: expected 3 for the arguments and 1 for the captured"),
        (NUMBER, '"1.5"', r"captured\[0\]\[0\]: expected a number in a string, as float\.hex"),
        (NUMBER, "1", r"captured\[0\]\[0\]: expected a number in a string, as float\.hex"),
        (NUMBER, '"0x1.8p+9999"', r"captured\[0\]\[0\]: expected a number in a string, as float\.hex"),
        (NUMBER, '" 0x1.8p+1"', r"captured\[0\]\[0\]: expected a number in a string, as float\.hex"),
        (f'[{NUMBER}, "c"]', f"[{NUMBER}]", r"captured\[0\]: expected an array of data, a label"),
        (f'[[{NUMBER}, "c"]]', '{"c": 1}', r"captured: expected an array, got an object of 1"),
        (ROW, '["mul", [0, 5], ["twice"], 0]', r"instructions\[0\]\.operands\[1\]: .* less than 5, got 5"),
        (ROW, '["mul", [0, -1], ["twice"], 0]', r"instructions\[0\]\.operands\[1\]: .*, got -1"),
        (ROW, '["mul", [0, true], ["twice"], 0]', r"instructions\[0\]\.operands\[1\]: .*, got true"),
        (ROW, '["mul", [0], ["twice"], 0]', r"instructions\[0\]\.operands: expected the 2 of mul"),
        (ROW, '["mul", "04", ["twice"], 0]', r"instructions\[0\]\.operands: expected an array, got '04'"),
        (ROW, '["mul", [0, 4], [], 0]', r"instructions\[0\]\.labels: expected an array of one for the"),
        (
            ROW,
            '["mul", [0, 4], ["a", "b"], 0]',
            r"instructions\[0\]\.labels: expected an array of one for the",
        ),
        (ROW, '["mul", [0, 4], [3], 0]', r"instructions\[0\]\.labels\[0\]: expected a string"),
        (ROW, '["mul", [0, 4], ["twice"], 2]', r"instructions\[0\]\.line: expected .* less than 2, got 2"),
        (
            ROW,
            '["mul", [0, 4], ["twice"]]',
            r"instructions\[0\]: expected an array of an operation, operands",
        ),
        (
            ROW,
            '["os.system", [0, 4], [""], 0]',
            r"instructions\[0\]\.operation: .*\(import its module first\)",
        ),
        (ROW, '[["mul"], [0, 4], [""], 0]', r"instructions\[0\]\.operation: expected a string"),
        ('["f.py", 3, ', '["f.py", "3", ', r"lines\[0\]\[1\]: expected a whole number"),
        ('["f.py", 3, ', '["f.py", ', r"lines\[0\]: expected an array of a file, a number, a text"),
        ('"twice = 2 * x"', '"\\u001b[2J"', r"lines\[0\]\[2\]: expected a string"),
        ('"modules": {}', '"modules": {"\\n": "m"}', r"modules: expected a string"),
        ('"modules": {}', '"modules": []', r"modules: expected an object, got an array of 0"),
        (
            '"outputs": [8]',
            '"outputs": [9]',
            r"outputs\[0\]: expected a whole number from 0, less than 9, got 9",
        ),
        ('"outputs": [8]', '"outputs": []', r"outputs: expected 1 slots"),
    ],
    ids=lambda one: repr(one)[:30],
)
def test_what_is_wrong_is_named(old: str, new: str, message: str, tmp_path: Path) -> None:
    """With the right checksum, so that each part must stand up for itself."""
    assert old in GOOD
    path = tmp_path / "program"
    path.write_text(checked(GOOD.replace(old, new, 1)), encoding="utf-8")
    with pytest.raises(ProgramFileError, match=message) as caught:
        Program.load(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 500, "a file cannot flood the screen"


def test_an_array_of_32_dimensions_is_read() -> None:
    text = checked(GOOD.replace('{"array": [2]}', f'{{"array": {[2] + [1] * 31}}}'))
    assert write(read(text)) == text


@pytest.mark.parametrize(("length", "shown"), [(60, "z" * 60), (61, "z" * 57 + "...")])
def test_what_was_found_is_shown_up_to_60_characters(length: int, shown: str) -> None:
    with pytest.raises(ProgramFileError, match=rf"at the start: .*, got '{re.escape(shown)}'$"):
        read("z" * length)


def test_every_cut_is_noticed() -> None:
    text = checked(GOOD)
    for length in range(len(text)):
        with pytest.raises(ProgramFileError, match=r"<text> cannot be .*: at the (start|end): expected"):
            read(text[:length])
    with pytest.raises(ProgramFileError, match="at the end: expected a checksum and one end of line"):
        read(text + "x")


def test_every_changed_character_is_noticed() -> None:
    text = checked(GOOD)
    for at in range(len(text)):
        with pytest.raises(ProgramFileError, match=r"at (the start|the end|checksum): expected|format 3"):
            read(text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :])


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"", b"\x80\x04\x95pickle", b"\xff" * 100_000, b"{}", "é\n".encode()):
        path.write_bytes(content)
        with pytest.raises(
            ProgramFileError,
            match=r'file cannot be read as a program: at the start: expected {"format": "valuegrad prog',
        ):
            Program.load(path)
    with pytest.raises(FileNotFoundError):
        Program.load(tmp_path / "nothing")


def test_a_file_of_the_old_format_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "old").write_text('valuegrad program 1\nname "f"\narguments {"tuple": ["*"]}\n')
    with pytest.raises(ProgramFileError, match=r"old .* format 1, .* format 2: trace the function again"):
        Program.load(tmp_path / "old")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_what_is_no_file_or_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "device"):
        with pytest.raises(ProgramFileError, match="cannot be read .*: something that is not a regular"):
            Program.load(path)
    with pytest.raises(ProgramFileError, match="a directory"):
        Program.load(tmp_path)
    with open(tmp_path / "large", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ProgramFileError, match=r"a file of 1099511627776 bytes, more than the 50000000"):
        Program.load(tmp_path / "large")


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["delete", "repeat", "swap", "change", "insert"]),
        st.integers(0, 10_000),
        st.integers(0, 10_000),
        st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(GOOD.split()),
    ),
    min_size=1,
    max_size=6,
)


@given(MUTATIONS, st.booleans())
def test_a_mutated_file_is_refused_or_is_a_program(
    mutations: list[tuple[str, int, int, str]], by_lines: bool
) -> None:
    pieces = GOOD.splitlines(keepends=True) if by_lines else list(GOOD)
    for kind, i, j, text in mutations:
        if not pieces:
            break
        i, j = i % len(pieces), j % len(pieces)
        if kind == "delete":
            del pieces[i : i + 1 + j % 4]
        elif kind == "repeat":
            pieces.insert(i, pieces[j])
        elif kind == "swap":
            pieces[i], pieces[j] = pieces[j], pieces[i]
        elif kind == "change":
            pieces[i] = text
        else:
            pieces.insert(i, text)
    mutated = "".join(pieces)
    if mutated != GOOD:
        with pytest.raises(ProgramFileError):
            read(mutated + checked(GOOD)[len(GOOD) :])
    try:
        program = read(checked(mutated))
    except ProgramFileError:
        return
    assert parts(read(write(program))) == parts(program)
    str(program)


def test_a_long_program_is_read_in_time_that_grows_with_it() -> None:
    def chain(x: Any) -> Any:
        for i in range(5_000):
            x = x * 0.5 + float(i)
        return x

    program = trace(chain, 1.0)
    assert parts(read(write(program))) == parts(program)


def test_programs_are_pickled() -> None:
    bias = ag.Value(0.5, "bias")
    program = trace(lambda p, x: {"y": p.w * x + p.b + bias, "n": math.nan}, Weights(1.0, 2.0), np.zeros(2))
    program(Weights(1.0, 2.0), np.zeros(2))
    found = pickle.loads(pickle.dumps(program))
    assert parts(found) == parts(program)
    assert str(found(Weights(3.0, 4.0), np.ones(2))) == str(program(Weights(3.0, 4.0), np.ones(2)))


def test_a_pickled_program_is_loaded_in_another_process(tmp_path: Path) -> None:
    path = tmp_path / "pickle"
    path.write_bytes(pickle.dumps(trace(lambda p, x: p.w * x + p.b, Weights(1.0, 2.0), 1.0)))
    code = (
        "import pickle, sys\n"
        "program = pickle.loads(open(sys.argv[1], 'rb').read())\n"
        f"from {__name__} import Weights\n"
        "print(program(Weights(3.0, 4.0), 5.0))"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert ran.stdout == "19.0\n", ran.stderr
