"""`trace` and `Program`: what is written down, what is refused, and what a call checks."""

from __future__ import annotations

import math
import pickle
import threading

import numpy as np
import pytest

import autograd as ag
from autograd import Program, TracingError, Value, grad, trace, value_and_grad
from autograd.graph import context
from autograd.primitives.notation import format_constant
from autograd.primitives.operation import find_operation
from autograd.programs.code import Code, Instruction
from models.assignment.graph import loss

W, X, Y = [0.1] * 9, [-1.2879095, -0.12001342, -1.45900038, -0.66660821, -0.14421743], 1.85884913


def test_the_assignment_s_value_and_gradient_is_at_most_50_instructions():
    program = trace(value_and_grad(loss), W, X, Y)
    assert len(program) <= 50
    assert program.inputs[:2] == ("w[0]", "w[1]")
    assert program.inputs[9:] == ("x[0]", "x[1]", "x[2]", "x[3]", "x[4]", "y")
    assert program(W, X, Y) == value_and_grad(loss)(W, X, Y)


def test_a_gradient_s_instructions_belong_to_the_lines_of_the_formula():
    def f(x):
        u = x * x
        return ag.exp(u)

    program = trace(grad(f), 0.5)
    assert {instruction.line.text for instruction in program.instructions} == {
        "u = x * x",
        "return ag.exp(u)",
    }


@pytest.mark.parametrize("derive", [grad, lambda f: lambda x: ag.jvp(f, (x,), (1.0,))[1]])
def test_what_follows_a_derivative_belongs_to_its_own_line(derive):
    def f(x):
        slope = derive(lambda y: y * y * y)(x)
        return slope.sin()

    program = trace(f, 0.5)
    (last,) = [instruction for instruction in program.instructions if instruction.operation.name == "sin"]
    assert last.line.text == "return slope.sin()"


def test_labels_name_results_in_the_listing():
    def f(x):
        u = x * x
        u.label = "u"
        return u + 1

    assert "u = x * x" in str(trace(f, 0.5))
    assert "t2 = u + 1" in str(trace(f, 0.5))


def test_a_value_closed_over_is_read_anew_at_each_call():
    w = Value(2.0, "w")
    program = trace(lambda x: x * w + w.sin(), 0.0)
    assert program.captured == (w,)
    assert program(3.0) == 6.0 + ag.sin(2.0)
    w.data = 5.0
    assert program(3.0) == 15.0 + ag.sin(5.0)


def test_a_value_closed_over_may_be_a_result():
    w = Value(2.0)
    program = trace(lambda x: (w, x), 0.0)
    assert program(1.0) == (2.0, 1.0)
    w.data = 5.0
    assert program(1.0) == (5.0, 1.0)


def test_values_closed_over_without_a_label_are_numbered():
    v, w = Value(2.0), Value(3.0)
    assert trace(lambda x: x * v + w, 1.0).inputs == ("x", "c1", "c2")


def test_an_interior_value_closed_over_is_computed_anew_from_its_leaves():
    w = Value(2.0)
    square = w * w
    program = trace(lambda x: x + square, 0.0)
    w.data = 3.0
    assert program(1.0) == 10.0


def test_a_value_made_inside_is_a_constant():
    program = trace(lambda x: x * Value(4.0), 0.0)
    assert program.captured == ()
    assert program(2.0) == 8.0


def test_a_function_that_does_not_tell_its_parameters_has_inputs_by_number():
    class Unsigned:
        def __call__(self, x, pair):
            return x * pair[0] + pair[1]

        @property
        def __signature__(self):
            raise ValueError("no signature found for builtin")

    program = trace(Unsigned(), 2.0, (3.0, 4.0))
    assert program.inputs == ("args[0]", "args[1][0]", "args[1][1]")
    assert program(2.0, (3.0, 4.0)) == 10.0


def test_a_call_with_too_many_arguments_is_refused_as_by_python():
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        trace(lambda x: x, 1.0, 2.0)


def test_comparisons_are_recorded_in_a_trace():
    program = trace(lambda x, y: (x > y) * x + (x <= y) * y, 0.0, 0.0)
    assert (program(1.0, 2.0), program(5.0, 2.0)) == (2.0, 5.0)
    choose = trace(lambda x: ag.where(x > 0, x, -2 * x), 1.0)
    assert (choose(3.0), choose(-3.0)) == (3.0, 6.0)


CLOSED_OVER = Value(1.5, "v")


@pytest.mark.parametrize(
    ("f", "what"),
    [
        (lambda x: x if x > 0 else -x, "deciding"),
        (lambda x: max(x, 1.0), "deciding"),
        (lambda x: x and 1.0, "deciding"),
        (lambda x: x * x.data, "reading .data of 'x'"),
        (lambda x: x * CLOSED_OVER.data, "reading .data of 'v'"),
        (lambda x: x.grad, "reading .grad"),
        (lambda x: float(x), "float()"),
        (lambda x: int(x), "int()"),
        (lambda x: (x * x).backward(), "backward()"),
        (lambda x: CLOSED_OVER if CLOSED_OVER > 1 else x, "deciding"),
    ],
)
def test_what_a_program_could_not_repeat_is_refused_with_the_line(f, what):
    with pytest.raises(TracingError) as caught:
        trace(f, 1.0)
    message = str(caught.value)
    assert message.startswith(what), message
    assert "test_tracing.py:" in message
    for advice in ("where", "maximum", "relu", "stop_gradient"):
        assert advice in message


def test_a_refusal_leaves_no_trace_behind():
    with pytest.raises(TracingError):
        trace(lambda x: float(x), 1.0)
    assert context.active == 0
    v = Value(2.0)
    assert v > 1
    assert v.data == 2.0


def test_a_trace_in_one_thread_refuses_nothing_in_another():
    inside, done = threading.Event(), threading.Event()
    seen = []

    def f(x):
        inside.set()
        assert done.wait(10)
        return x * 2

    tracer = threading.Thread(target=trace, args=(f, 1.0))
    tracer.start()
    assert inside.wait(10)
    seen.append(Value(3.0).data)
    seen.append(Value(3.0) > 2)
    done.set()
    tracer.join()
    assert seen == [3.0, True]


def test_arguments_and_results_keep_their_structure():
    def f(p, a):
        return {"sum": p["x"] + p["y"][0], "scaled": a * 2}

    program = trace(f, {"x": 1.0, "y": (2.0,)}, np.zeros(2))
    result = program({"x": 3.0, "y": (4.0,)}, np.array([5.0, 6.0]))
    assert result["sum"] == 7.0
    assert result["scaled"].tolist() == [10.0, 12.0]


@pytest.mark.parametrize(
    "args", [(1.0,), (1.0, [2.0]), (1.0, [2.0, 3.0, 4.0]), (1.0, (2.0, 3.0)), ([1.0], [2.0, 3.0])]
)
def test_a_call_with_another_structure_is_refused(args):
    program = trace(lambda x, y: x * y[0] + y[1], 1.0, [2.0, 3.0])
    with pytest.raises(TypeError, match="was traced for arguments of the structure"):
        program(*args)


def test_a_call_with_another_type_is_refused():
    program = trace(lambda x: x * 2, 1.0)
    with pytest.raises(TypeError, match="got str 'a'"):
        program("a")


def test_results_may_be_inputs_constants_and_each_other():
    program = trace(lambda x, y: [y, 3.0, x, x * y, x * y], 1.0, 2.0)
    assert program(4.0, 5.0) == [5.0, 3.0, 4.0, 20.0, 20.0]
    assert len(program) == 1


def test_counts_listing_and_length():
    program = trace(lambda x, y: x * y + x.sin() * y, 1.0, 2.0)
    assert program.counts() == {"mul": 2, "sin": 1, "add": 1}
    assert len(program) == 4
    listing = str(program)
    assert "inputs   x, y" in listing
    assert "sin(x)" in listing
    assert repr(program) == "<Program <lambda>: 2 inputs, 4 instructions, 1 outputs>"


def test_a_listing_s_lines_stand_in_a_column():
    def f(x):
        return (x * x).sin() + 1.0

    program = trace(f, 0.5)
    here = program.instructions[0].line.number
    assert str(program).splitlines() == [
        "f: 1 inputs, 3 instructions, 1 outputs",
        "  inputs   x",
        f"  t1 = x * x    # line {here}: return (x * x).sin() + 1.0",
        f"  t2 = sin(t1)  # line {here}: return (x * x).sin() + 1.0",
        f"  t3 = t2 + 1   # line {here}: return (x * x).sin() + 1.0",
        "  outputs  t3",
    ]


def test_an_instruction_longer_than_48_columns_does_not_push_the_column_out():
    def f(x):
        wide = x * x
        wide.label = "w" * 60
        return wide.sin()

    first, second = str(trace(f, 0.5)).splitlines()[2:4]
    assert first.startswith(f"  {'w' * 60} = x * x  # line")
    assert second.startswith(f"  t2 = sin({'w' * 60})  # line")

    def g(x):
        wide = x * x
        wide.label = "w" * 60
        return x.sin() + wide

    lines = str(trace(g, 0.5)).splitlines()[2:4]
    assert [line.index("  # line") for line in lines if "sin(x)" in line] == [48]


def test_two_results_never_share_a_name():
    def f(x):
        y = x
        for label in ("u", "v", "v", "u", "x", "t6", ""):
            y = y.sin()
            y.label = label
        return y

    names = trace(f, 0.5).names()
    assert names[:3] == ["x", "u", "v"]
    assert len(set(names)) == len(names) == 8


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2.0, "2"),
        (-3.0, "-3"),
        (0.0, "0"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (999999999999999.0, "999999999999999"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (math.inf, "inf"),
    ],
)
def test_a_whole_number_is_written_without_a_point_where_every_digit_counts(number, text):
    assert format_constant(number) == text


@pytest.mark.parametrize(
    ("instructions", "outputs", "message"),
    [
        ([("mul", (0,))], (2,), "mul takes 2 operands, got 1"),
        ([("mul", (0, -1))], (2,), "instruction 0 uses a slot that is not computed before it"),
        ([("mul", (0, 1)), ("sin", (3,))], (2,), "instruction 1 uses a slot that is not computed before it"),
        ([("mul", (0, 2))], (2,), "instruction 0 uses a slot that is not computed before it"),
        ([("sin", (0,))], (3,), "an output is a slot that the program does not have"),
        ([("sin", (0,))], (4,), "an output is a slot that the program does not have"),
        ([("sin", (0,))], (-1,), "an output is a slot that the program does not have"),
        ([("sin", (0,))], (2, 2), "a program must return 1 results, got 2"),
    ],
)
def test_parts_that_make_no_program_are_refused(instructions, outputs, message):
    program = trace(lambda x, y: x * y, 1.0, 2.0)
    steps = [
        Instruction(find_operation(name), operands, (2 + i,))
        for i, (name, operands) in enumerate(instructions)
    ]
    with pytest.raises(ValueError, match=message):
        Program(Code("f", ["x", "y"], [], steps, outputs), program.arguments, program.results)


def test_a_program_needs_an_input_for_each_argument():
    program = trace(lambda x, y: x * y, 1.0, 2.0)
    with pytest.raises(ValueError, match="a program of 2 arguments and 0 captured Values must have as many"):
        Program(trace(lambda x: x * x, 1.0).code, program.arguments, program.results)


def test_a_symbol_is_written_before_one_operand_between_two_and_not_among_three():
    fused = ag.primitive("fused", lambda a, b, c: a * b + c, lambda y, a, b, c: (b, a, 1.0), symbol="⊕")
    listing = str(trace(lambda x, y: (-x, x * y, fused(x, y, x)), 1.0, 2.0))
    assert "= -x " in listing
    assert "= x * y " in listing
    assert "= fused(x, y, x) " in listing


def test_a_program_is_pickled():
    program = trace(value_and_grad(loss), W, X, Y)
    again = pickle.loads(pickle.dumps(program))
    assert again(W, X, Y) == program(W, X, Y)
    assert str(again) == str(program)


def test_a_program_is_saved_and_loaded(tmp_path):
    program = trace(value_and_grad(loss), W, X, Y)
    program.save(tmp_path / "step.program")
    again = ag.Program.load(tmp_path / "step.program")
    assert again(W, X, Y) == program(W, X, Y)
    assert str(again) == str(program)


def test_what_is_traced_again_is_told_apart_by_its_numbers_labels_and_lines():
    def times(number):
        return trace(lambda x: x * number + number, 0.0)

    for number in (1.0, 2.0, 0.0, -0.0, -2.0, 1.0, -0.0):
        for x in (3.0, -0.0):
            result, expected = times(number)(x), x * number + number
            assert (result, math.copysign(1.0, result)) == (expected, math.copysign(1.0, expected))
    assert [len(times(number)) for number in (1.0, 2.0, 0.0)] == [1, 2, 2]
    assert math.copysign(1.0, trace(lambda x: (x * 0.0) * -0.0, 0.0)(1.0)) == -1.0
    assert math.copysign(1.0, trace(lambda x: (x * -0.0) * -0.0, 0.0)(1.0)) == 1.0

    def labelled(label):
        def f(x):
            y = x * 3.0
            y.label = label
            return y + 1.0

        return trace(f, 0.0).names()[-2:]

    assert labelled("a") != labelled("b")
    assert labelled("a") == labelled("a")
    first = trace(lambda x: x * 3.0, 0.0)
    second = trace(lambda x: x * 3.0, 0.0)
    assert first.instructions[0].line.number + 1 == second.instructions[0].line.number


def test_what_is_traced_again_reads_the_values_that_it_closes_over_then():
    def product(first, second):
        return trace(lambda x: x * first + second * x, 0.0)

    a, b, c = Value(2.0, "a"), Value(3.0), Value(3.0)
    pairs = (a, b, 2), (b, a, 2), (b, c, 2), (b, b, 1), (a * b, b, 2), (a * b, a * c, 3)
    for first, second, count in pairs:
        for _ in range(2):
            program = product(first, second)
            assert program(5.0) == 5.0 * first.data + second.data * 5.0
            assert len(program.captured) == count
    program = product(a, a * b)
    a.data = 7.0
    assert program(5.0) == 5.0 * 7.0 + 21.0 * 5.0
    assert product(a, b).inputs == ("x", "a", "c2")
    assert product(b, a).inputs == ("x", "c1", "a")


def test_what_is_traced_again_is_told_apart_by_its_order_and_by_where_its_numbers_come_from():
    outside = Value(2.0)

    def made(swapped, inside, unused):
        def f(x, y):
            factor = Value(2.0) if inside else outside
            if unused:
                _ = (x + outside) / y
            pair = x * factor, y - x
            return pair[::-1] if swapped else pair

        return trace(f, 0.0, 0.0)

    for swapped in (False, True):
        for inside in (False, True):
            for unused in (False, True, False):
                program = made(swapped, inside, unused)
                assert program(3.0, 10.0) == ((7.0, 6.0) if swapped else (6.0, 7.0))
                assert program.captured == (() if inside else (outside,))
                assert len(program) == 2


def test_what_is_traced_again_has_the_scopes_of_its_own_time():
    def f(x):
        with ag.scope("inner") as inner:
            opened.append(inner)
            return x * 3.0

    opened = []
    for _ in range(2):
        assert trace(f, 0.0).instructions[0].scopes == (opened[-1],)


def test_a_worker_thread_s_part_of_a_trace_is_read_at_each_trace():
    def f(x, number):
        results = []
        worker = threading.Thread(target=lambda: results.append(x * number))
        worker.start()
        worker.join()
        return results[0] + x

    for number in (2.0, 3.0, 2.0):
        program = trace(lambda x, number=number: f(x, number), 0.0)
        assert program(5.0) == 5.0 * number + 5.0
