"""Programs as files: every bit comes back."""

from __future__ import annotations

import dataclasses
import math
import pickle
import struct
import subprocess
import sys
from collections import OrderedDict, namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import autograd as ag
from autograd import trace
from autograd.derivatives.transforms import value_and_grad
from autograd.programs.program import Program
from autograd.programs.saving import ProgramFileError
from autograd.testing import Expression, expressions
from models.assignment.graph import loss
from tests.autograd.programs.files import GOOD, checked, parts, read, write


def loss_program() -> Program:
    return trace(value_and_grad(loss), [0.1] * 9, [0.1] * 5, 0.1)


def test_a_program_comes_back_from_its_file(tmp_path: Path) -> None:
    program = loss_program()
    program.save(tmp_path / "loss.json")
    loaded = Program.load(tmp_path / "loss.json")
    assert parts(loaded) == parts(program)
    assert str(loaded) == str(program), "labels and lines are listed as before"
    args = [0.5] * 9, [1.0, -2.0, 3.0, 0.1, 0.7], 0.3
    assert loaded(*args) == program(*args)


@given(expressions())
def test_programs_come_back(expression: Expression) -> None:
    program = trace(value_and_grad(expression, (0, 1)), *expression.point)
    assert parts(read(write(program))) == parts(program)


NUMBERS = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 0.1, -1e308, 1 / 3, 2.0**-1030]


def test_numbers_come_back_to_the_bit() -> None:
    program = trace(lambda x: [x * number for number in NUMBERS] + NUMBERS, 1.0)
    loaded = read(write(program))
    assert parts(loaded) == parts(program)
    expected = [struct.pack("<d", number) for number in program(-2.0) if number == number]
    assert [struct.pack("<d", number) for number in loaded(-2.0) if number == number] == expected


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
    program = trace(lambda first, second: (first, {"other": second}), argument, 1.0)
    loaded = read(write(program))
    assert parts(loaded) == parts(program)
    assert str(loaded(argument, 2.0)) == str(program(argument, 2.0))


def test_captured_values_come_back_as_new_ones() -> None:
    bias, plain = ag.Value(0.1, "bias"), ag.Value(-0.0)
    program = trace(lambda x: x * bias + plain, 1.0)
    loaded = read(write(program))
    assert parts(loaded) == parts(program)
    bias.data = 100.0
    assert loaded(2.0) == 0.2
    loaded.captured[0].data = 3.0
    assert loaded(2.0) == 6.0


def test_a_label_that_does_not_print_is_written_with_question_marks() -> None:
    odd = ag.Value(2.0, "two\nlines \u2028 \ud800 \u00e9")
    loaded = read(write(trace(lambda x: x * odd, 1.0)))
    assert loaded.captured[0].label == "two?lines ? ? \u00e9"


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
    ids=lambda argument: type(argument).__name__,
)
def test_what_a_file_cannot_hold_is_refused_at_saving(argument: Any, kind: str, tmp_path: Path) -> None:
    program = trace(lambda x: x, argument)
    with pytest.raises(ProgramFileError, match=f"the arguments hold a {kind}, which .*: trace a function of"):
        program.save(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wrap", "written"),
    [
        (lambda leaf: [leaf], "[{}]"),
        (lambda leaf: (leaf,), '{{"tuple": [{}]}}'),
        (lambda leaf: {"a": leaf}, '{{"dict": {{"a": {}}}}}'),
    ],
    ids=["lists", "tuples", "dicts"],
)
def test_what_is_nested_50_deep_comes_back_and_deeper_is_refused(wrap: Any, written: str) -> None:
    argument: Any = 1.0
    inside = '{"array": [2]}'
    for _ in range(48):  # in the tuple of the arguments, around a number
        argument, inside = wrap(argument), written.format(inside)
    program = trace(lambda tree: 2 * next(leaves_of(tree)), argument)
    assert parts(read(write(program))) == parts(program)
    deep = checked(GOOD.replace('{"array": [2]}', inside))
    assert write(read(deep)) == deep
    with pytest.raises(ProgramFileError, match="nested at most 50 deep"):
        write(trace(lambda tree: 1.0, wrap(argument)))
    with pytest.raises(ProgramFileError, match=r"at arguments.*: expected a nesting of at most 50 levels"):
        read(checked(GOOD.replace('{"array": [2]}', written.format(inside))))


def leaves_of(tree: Any) -> Any:
    if isinstance(tree, (list, tuple, dict)):
        for child in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves_of(child)
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


def test_the_documented_format_is_read() -> None:
    program = read(checked(GOOD))
    assert program(0.5, np.array([1.0, 2.0])) == [math.exp(2.5) - 1.0]
    assert write(program) == checked(GOOD)
    assert parts(read(checked(GOOD).replace("\n", "\r\n"))) == parts(program), "line ends of Windows will do"


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
    loaded = pickle.loads(pickle.dumps(program))
    assert parts(loaded) == parts(program)
    assert str(loaded(Weights(3.0, 4.0), np.ones(2))) == str(program(Weights(3.0, 4.0), np.ones(2)))


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


def test_a_long_label_is_saved_shortened() -> None:
    def doubled(x: Any) -> Any:
        result = x * 2.0
        result.label = "y" * 20_000
        return result

    loaded = read(write(trace(doubled, 1.0)))
    assert loaded(2.0) == 4.0
    assert loaded.instructions[0].label == "y" * 999 + "…"
