"""The engine in Python and the source that it runs."""

from __future__ import annotations

import itertools
import math
import re
import subprocess
import sys

import pytest
from hypothesis import given

import autograd as ag
from autograd import trace, value_and_grad
from autograd.engines.python import PythonEngine as Engine
from autograd.primitives import table
from autograd.primitives.primitive import all_primitives
from autograd.primitives.random_numbers import RANDOM
from autograd.programs.portable import NAMES, STANDS_ON
from autograd.programs.source import _WRITTEN
from autograd.testing import expressions
from models.assignment.graph import loss
from tests.autograd.programs.test_simplification import SPECIAL, same_bits

OWN = [entry for entry in all_primitives() if entry.is_builtin]


@pytest.mark.parametrize("entry", OWN, ids=lambda entry: entry.name)
def test_each_primitive_as_source_gives_its_bits_everywhere(entry):
    program = trace(lambda *args: entry(*args), *[0.5] * entry.arity)
    run = Engine(program.code)
    points = itertools.product([*SPECIAL, -2.0, 3.0, 20.5, -0.3], repeat=entry.arity)
    for point in itertools.islice(points, 400):
        assert same_bits(run.call(point)[0], entry(*point)), point


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("pow", [(-2.0, 1025.0), (-2.0, 1024.0), (-0.5, -1075.0), (-0.5, -1076.0), (2.0, 1025.0)]),
        ("pow", [(-2.0, 2.0**53), (-1.0, 2.0**53 - 1), (-0.0, 1 - 2.0**53), (-0.0, -math.inf)]),
        ("hypot", [(1.5e308, 1.5e308), (-1.5e308, 1.5e308)]),
        ("acosh", [(2.0 ** (58 + i / 101),) for i in range(404)]),
        ("acosh", [(1.0 + i / 101,) for i in range(404)]),
    ],
)
def test_source_gives_the_bits_of_primitives_where_they_leave_the_range_or_change_their_formula(name, points):
    entry = getattr(table, name)
    run = Engine(trace(lambda *args: entry(*args), *[0.5] * entry.arity).code)
    assert [same_bits(run.call(point)[0], entry(*point)) for point in points] == [True] * len(points)


def test_every_primitive_has_a_way_to_be_written():
    own = {entry.name for entry in (*OWN, *RANDOM)}
    others = {*NAMES, *_WRITTEN} - own
    assert own <= {*NAMES, *_WRITTEN}
    assert others == {other for name in own for other in STANDS_ON.get(name, ())} - own
    assert not {*NAMES} & {*_WRITTEN}


def test_the_source_runs_where_the_library_is_not(tmp_path):
    w, x, y = [0.1] * 9, [1.0, 2.0, 3.0, 4.0, 5.0], 1.0
    program = trace(value_and_grad(loss), w, x, y)
    script = program.source + f"\nprint(repr(program(*{[*w, *x, y]!r})))\n"
    assert [line for line in script.splitlines() if "import" in line] == ["import math"]
    (tmp_path / "alone.py").write_text(script)
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "alone.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    value, gradient = program(w, x, y)
    assert ran.stdout.strip() == repr((value, *gradient))


def test_the_source_has_the_labels_and_the_lines():
    def f(x, class_):
        u = x * class_[0]
        u.label = "lambda"  # no name in Python
        v = u + 1
        v.label = "shifted"
        return ag.exp(v)

    source = trace(f, 1.0, [2.0]).source
    assert "def program(x, class__0):" in source
    assert "# line" in source
    assert "v = u + 1" in source
    assert "shifted = vlambda + 1.0" in source
    assert "class__0 is class_[0]" in source


def test_the_source_as_a_whole():
    half = ag.primitive("python_engine_half", lambda x: math.ldexp(x, -1), (0.5,))

    def f(x, weights):
        u = x * -2.5 + weights[0]
        v = u - math.inf
        w = half(v + -math.inf)
        u.label, v.label, w.label = "x", "x", "1st"
        return ag.where(w, u, math.nan), -abs(ag.less(u, v))

    with pytest.warns(UserWarning, match="python_engine_half"):
        source = trace(f, 1.0, [2.0, 3.0]).source
    assert re.sub(r"# line \d+", "# line N", source) == SOURCE


SOURCE = """\
import math

from autograd.primitives.operation import find_operation

python_engine_half = find_operation('python_engine_half')

def program(x, weights_0, weights_1):
    \"\"\"f, written out in 9 operations.

    Inputs: weights_0 is weights[0], weights_1 is weights[1].

    Returns the tuple of its 2 result(s), in the order of the function's.
    \"\"\"
    # line N: u = x * -2.5 + weights[0]
    t1 = x * (-2.5)
    x_2 = t1 + weights_0
    # line N: v = u - math.inf
    x_3 = x_2 - math.inf
    # line N: w = half(v + -math.inf)
    t4 = x_3 + (-math.inf)
    v1st = python_engine_half(t4)
    # line N: return ag.where(w, u, math.nan), -abs(ag.less(u, v))
    t6 = x_2 if v1st else math.nan
    t7 = 1.0 if x_2 < x_3 else 0.0
    t8 = abs(t7)
    t9 = -t8
    return (t6, t9)
"""


def test_names_that_python_or_the_helpers_have_are_avoided():
    source = trace(lambda math, exp, program: ag.exp(math) * exp + program, 1.0, 2.0, 3.0).source
    names: dict = {}
    exec(source, names)
    assert names["program"](1.0, 2.0, 3.0) == (math.e * 2 + 3,)


@given(expressions())
def test_random_programs_equal_recorded_values(expression):
    run = Engine(trace(expression, *expression.point).code)
    assert same_bits(run.call(expression.point)[0], expression(*expression.point))


def test_a_primitive_that_cannot_be_traced_is_called_back():
    special = ag.primitive(
        "python_engine_gamma", lambda x: math.gamma(x) if x > 0 else 0.0, lambda y, x: (y,)
    )
    program = trace(lambda x: special(x) + 1, 1.0)
    with pytest.warns(UserWarning, match="python_engine_gamma.*called back"):
        run = Engine(program.code)
    assert run.call([5.0]) == [25.0]
    assert run.call([-5.0]) == [1.0]


def test_a_primitive_of_the_user_s_that_can_be_traced_is_written_out():
    cube = ag.primitive("python_engine_cube", lambda x: x * x * x, lambda y, x: (3 * x**2,))
    source = trace(lambda x: cube(x) + 1, 1.0).source
    assert "python_engine_cube" not in source
    assert "import math" in source


def test_a_long_program_runs_without_python_s_compiler():
    def f(x):
        for _ in range(25_000):
            x = x * 1.0001 + 0.5
        return x

    program = trace(f, 1.0)
    assert len(program) > 20_000
    assert Engine(program.code).call([1.0]) == [program(1.0)]


@pytest.mark.parametrize("name", ['f"""; raise SystemExit; """', "f\n    raise SystemExit", "\\", 'f"'])
def test_a_name_from_a_file_is_never_run(name):
    program = trace(lambda x: x * 2, 1.0)
    program.code.name = name
    program.code.inputs = (name,)
    assert Engine(program.code).call([3.0]) == [6.0]
