"""Programs as files: every bit comes back, and a file that was tampered with does no harm."""

from __future__ import annotations

import dataclasses
import hashlib
import math
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
from autograd import trace
from autograd.derivatives.transforms import value_and_grad
from autograd.programs.program import Program
from autograd.programs.saving import ProgramFileError, load, read, save, write
from autograd.testing import Expression, expressions
from models.assignment.graph import loss


def parts(program: Program) -> tuple[Any, ...]:
    """All that makes a program, with numbers as bits; any nan is one."""

    def bits(number: float) -> bytes:
        return b"nan" if math.isnan(number) else struct.pack("<d", number)

    return (
        program.name,
        program.inputs,
        [bits(number) for number in program.constants],
        program.instructions,
        program.outputs,
        program.arguments,
        program.results,
        [(bits(one.data), one.label) for one in program.captured],
    )


def checked(text: str) -> str:
    """The same text with its checksum made right again, as somebody hostile would."""
    body = text[: text.rindex("checksum")] if "checksum" in text else text
    return f"{body}checksum {hashlib.sha256(body.encode('ascii', 'replace')).hexdigest()}\n"


def loss_program() -> Program:
    return trace(value_and_grad(loss), [0.1] * 9, [0.1] * 5, 0.1)


def test_a_program_comes_back_from_its_file(tmp_path: Path) -> None:
    program = loss_program()
    save(program, tmp_path / "loss.txt")
    found = load(tmp_path / "loss.txt")
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
        save(program, tmp_path / "file")
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
    with pytest.raises(ProgramFileError, match="line 3: expected a nesting of at most 50 levels"):
        read(checked(GOOD.replace('{"array": [2]}', written.format(inside))))


def leaves_of(tree: Any) -> Any:
    if isinstance(tree, (list, tuple, dict)):
        for one in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves_of(one)
    else:
        yield tree


def test_saving_replaces_the_file_or_leaves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "program"
    save(trace(lambda x: x, 1.0), path)
    before = path.read_bytes()

    def failing(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", failing)
        with pytest.raises(OSError, match="No space left"):
            save(loss_program(), path)
    assert path.read_bytes() == before
    save(loss_program(), str(path))
    assert len(load(path)) == len(loss_program())
    assert list(tmp_path.iterdir()) == [path], "no temporary file is left"


def test_a_primitive_that_is_not_registered_is_named() -> None:
    own = ag.primitive("saved_cube", lambda x: x * x * x, (lambda y, x: 3 * x * x,))
    text = write(trace(lambda x: own(x) + 1, 1.0))
    assert f'primitive "saved_cube" "{__name__}"\n' in text
    assert read(text)(2.0) == 9.0
    elsewhere = checked(text.replace("saved_cube", "nowhere_cube"))
    with pytest.raises(
        ProgramFileError, match=rf"line 8: .*registered here \(import {__name__} first\), got 'nowhere_cube'"
    ):
        read(elsewhere)


GOOD = """valuegrad program 1
name "f"
arguments {"tuple": ["*", {"array": [2]}]}
results ["*"]
input "x"
input "a[0]"
input "a[1]"
input "c"
captured 0x1.8000000000000p+0 "c"
constant 0x1.0000000000000p+1
step mul 0 4 | "twice" | "f.py":3
step add 5 3 | "" | "f.py":4
step exp 6 | "e"
step sub 7 1
output 8
"""


def test_the_documented_format_is_read() -> None:
    program = read(checked(GOOD))
    assert program(0.5, np.array([1.0, 2.0])) == [math.exp(2.5) - 1.0]
    assert write(program) == checked(GOOD)
    assert parts(read(checked(GOOD).replace("\n", "\r\n"))) == parts(program), "line ends of Windows will do"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("valuegrad program 1", "valuegrad program 2", r"line 1: expected 'valuegrad program 1'"),
        ("valuegrad program 1", "", r"line 1: expected 'valuegrad"),
        ('name "f"\n', "", r"line 2: expected a line that begins with name, got 'arguments"),
        ('name "f"', "name f", r"line 2: expected a value in JSON, got 'f'"),
        ('name "f"', "name 3", r"line 2: expected a string of printable"),
        ('name "f"', 'name "\\u001b[2J"', r"line 2: expected a string of printable"),
        ('"*", {"array"', '"*" {"array"', r"line 3: expected a value in JSON"),
        ('{"array": [2]}', '{"array": [-1]}', r"line 3: expected \"\*\", null"),
        ('{"array": [2]}', '{"array": [-2]}', r"line 3: expected \"\*\", null"),
        ('{"array": [2]}', '{"array": [true, 2]}', r"line 3: expected \"\*\", null"),
        ('{"array": [2]}', '{"array": [2.0]}', r"line 3: expected \"\*\", null"),
        ('{"array": [2]}', '{"array": [1000000000, 2000000000]}', r"as many inputs"),
        ('{"array": [2]}', f'{{"array": [{"9" * 10_000}]}}', r"line 3: expected"),
        ('{"array": [2]}', f'{{"array": {[1] * 33}}}', r"line 3: expected \"\*\", null"),
        ('{"array": [2]}', '{"array": [0, 2147483647]}', r"as many inputs"),
        ('{"array": [2]}', '{"array": [0, 2147483648]}', r"line 3: expected \"\*\", null"),
        ('{"array": [2]}', '{"array": {"a": "*", "b": "*"}}', r"line 3: expected \"\*\", null"),
        ('arguments {"tuple": ["*", {"array": [2]}]}\n', "", r"line 3: .* that begins with arguments, got"),
        ("step mul", "primitive cube\nstep mul", r"line 11: expected a primitive and its module"),
        ('{"array": [2]}', '{"models.Secret": [2]}', r"line 3: expected \"\*\", null"),
        ('{"array": [2]}', '{"tuple": ["*"], "list": ["*"]}', r"line 3: expected \"\*\", null"),
        ('["*"]\ninput', "[" * 60 + "]" * 60 + "\ninput", r"line 4: expected a nesting of at most 50"),
        ('["*"]\ninput', "[" * 200_000 + "\ninput", r"line 4: expected a value in JSON"),
        ('["*"]\ninput', "[" * 200_000 + "]" * 200_000 + "\ninput", r"line 4: expected"),
        ('["*"]\ninput', '["*", "*"]\ninput', r"must return 2 results, got 1"),
        ('input "x"\n', "", r"line 10: expected a slot from 0 to 3.*, got '4'"),
        ("captured 0x1.8000000000000p+0", "captured 1.5", r"line 9: expected a number as float.hex"),
        ("captured 0x1.8000000000000p+0", "captured 0x1.8p+9999", r"line 9: expected a number as float.hex"),
        ('0x1.8000000000000p+0 "c"', "0x1.8000000000000p+0", r"line 9: expected a value in JSON"),
        (
            "constant",
            "constants",
            r"line 10: expected a line that begins with captured or constant or prim.* or step",
        ),
        ("constant 0x1", "constant  0x1", r"line 10: expected a number as float.hex"),
        (
            "step mul 0 4",
            "step mul 0 5",
            r"line 11: expected a slot from 0 to 4, which there are before, got '5'",
        ),
        ("step mul 0 4", "step mul 0 -1", r"line 11: expected a primitive and its operands"),
        ("step mul 0 4", "step mul 0", r"line 11: expected 2 operands of mul"),
        ("step mul 0 4", f"step mul 0 {'9' * 5000}", r"line 11: expected a slot"),
        ("step mul 0 4", "step os.system 0 4", r"line 11: expected a primitive and its operands"),
        ("step mul 0 4", "step system 0 4", r"line 11: .*registered here \(import the module that defines"),
        ('"f.py":3', '"/dev/zero":3', r"line 11: expected a file of Python source"),
        ('"f.py":3', '"//host/share/f.py":3', r"line 11: expected a file of Python source"),
        ('"f.py":3', '"f.py":x', r"line 11: expected a primitive and its operands"),
        ("output 8", "output 9", r"line 15: expected a slot from 0 to 8"),
        ("output 8\n", "", r"must return 1 results, got 0"),
        (
            "output 8\n",
            "output 8\ninput 0\n",
            r"line 16: expected a line that begins with output or checksum",
        ),
    ],
    ids=lambda one: repr(one)[:30],
)
def test_a_wrong_line_is_named(old: str, new: str, message: str, tmp_path: Path) -> None:
    """With the right checksum, so that each line must stand up for itself."""
    assert old in GOOD
    path = tmp_path / "program"
    path.write_text(checked(GOOD.replace(old, new, 1)), encoding="utf-8")
    with pytest.raises(ProgramFileError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 500, "a file cannot flood the screen"


def test_an_array_of_32_dimensions_is_read() -> None:
    text = checked(GOOD.replace('{"array": [2]}', f'{{"array": {[2] + [1] * 31}}}'))
    assert write(read(text)) == text


@pytest.mark.parametrize(("length", "shown"), [(60, "z" * 60), (61, "z" * 57 + "...")])
def test_what_was_found_is_shown_up_to_60_characters(length: int, shown: str) -> None:
    with pytest.raises(ProgramFileError, match=rf"line 1: .*, got '{re.escape(shown)}'$"):
        read("z" * length)


def test_every_cut_is_noticed() -> None:
    text = checked(GOOD)
    for length in range(len(text)):
        with pytest.raises(ProgramFileError, match=r"<text>, line \d+: expected"):
            read(text[:length])
    with pytest.raises(ProgramFileError, match="nothing more"):
        read(text + "x")


def test_every_changed_character_is_noticed() -> None:
    text = checked(GOOD)
    for at in range(len(text)):
        with pytest.raises(ProgramFileError, match=r"<text>, line \d+: expected"):
            read(text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :])


def test_files_of_other_kinds_are_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"", b"\x80\x04\x95pickle", b"\xff" * 100_000, b"valuegrad program 12\n", "é\n".encode()):
        path.write_bytes(content)
        with pytest.raises(ProgramFileError, match="line 1: expected 'valuegrad program 1'"):
            load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing")


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
