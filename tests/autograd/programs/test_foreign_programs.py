"""Files of programs that somebody hostile made: refused with the place, and no harm done."""

from __future__ import annotations

import os
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
from autograd.programs.program import Program
from autograd.programs.saving import ProgramFileError
from tests.autograd.programs.files import GOOD, checked, parts, read, write


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
        ('"name": "f"', '"name": 3', r"name: expected a string of at most 1000 printable characters, got 3"),
        ('"name": "f"', '"name": "\\u001b[2J"', r"name: expected a string of .* printable"),
        ('"name": "f"', f'"name": "{"f" * 1001}"', r"name: expected a string of at most 1000"),
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
        (ROW, '["mul", [0, 4], [], 0]', r"instructions\[0\]\.labels: expected an array of a label, got"),
        (
            ROW,
            '["mul", [0, 4], ["a", "b"], 0]',
            r"instructions\[0\]\.labels: expected an array of a label, got",
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
    ids=lambda content: repr(content)[:30],
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
        with pytest.raises(ProgramFileError, match="something that is not a regular file"):
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


@pytest.mark.parametrize("unit", ['"ab",', "[],", "999,", '{"":0},', '"0x1.0p+0",'])
def test_a_hostile_file_takes_memory_in_proportion(unit: str) -> None:
    text = checked(GOOD.replace('"0x1.0000000000000p+1"', unit * 100_000 + "1"))
    tracemalloc.start()
    try:
        with pytest.raises(ProgramFileError):
            read(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * len(text)
