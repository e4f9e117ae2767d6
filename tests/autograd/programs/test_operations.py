"""An operation with two results, defined here and nowhere else, works wherever a primitive does."""

from __future__ import annotations

import copy
import math
import pickle
import warnings

import numpy as np
import pytest

from autograd import (
    Program,
    Value,
    check_gradients,
    detect_anomaly,
    draw,
    grad,
    hessian,
    jacobian,
    jit,
    jvp,
    scan,
    trace,
    value_and_grad,
    vjp,
    vmap,
)  # fmt: skip
from autograd.engines import engine_names
from autograd.primitives.operation import Operation, find_operation, register


class FloorDivision(Operation):
    """The whole quotient q of a by b, and what remains: a = q*b + r."""

    name = "floor_division"
    arity = 2
    result_count = 2

    def run(self, inputs):
        a, b = inputs
        ratio = a / b
        quotient = float(math.floor(ratio)) if math.isfinite(ratio) else ratio
        return quotient, a - quotient * b

    def push(self, inputs, results, tangents):
        (by_a, by_b), (quotient, _) = tangents, results
        return 0.0, by_a - quotient * by_b

    def pull(self, inputs, results, adjoints, wanted):
        (_, remainder), (quotient, _) = adjoints, results
        return remainder, -quotient * remainder


divide = register(FloorDivision())


def wave(a, b):
    """A formula in which both results occur, the quotient as a factor."""
    quotient, remainder = divide(a * a, b)
    return quotient * remainder**2 + remainder * b


A, B = 3.7, 1.3  # a*a = 13.69 = 10*b + 0.69


def by_hand(a, b):
    """Value and gradient: the quotient is a constant."""
    q, r = divmod(a * a, b)
    by_r = 2 * q * r + b
    return q * r**2 + r * b, [by_r * 2 * a, by_r * -q + r]


def test_it_computes_on_numbers():
    assert divide(7.5, 2) == (3.0, 1.5)
    with pytest.raises(TypeError, match="floor_division takes 2"):
        divide(1.0)
    with pytest.raises(TypeError, match="an operand of floor_division must be a real number"):
        divide("7", 2.0)


def test_each_result_is_a_value_and_goes_backward():
    a, b = Value(A, "a"), Value(B, "b")
    y = wave(a, b)
    y.backward()
    value, gradient = by_hand(A, B)
    assert y.data == pytest.approx(value, rel=1e-15)
    assert [a.grad, b.grad] == pytest.approx(gradient, rel=1e-14)


def test_a_node_goes_backward_once_after_all_its_results():
    a, b = Value(A), Value(B)
    quotient, remainder = divide(a, b)
    (remainder + remainder.sin() * quotient + copy.copy(remainder)).backward()
    assert a.grad == pytest.approx(2 + math.cos(A % B) * 2.0, rel=1e-14)
    assert remainder.grad == pytest.approx(1 + math.cos(A % B) * 2.0, rel=1e-14)


def test_a_result_that_nothing_depends_on_does_no_harm():
    a = Value(A)
    divide(a, B)[0].backward()
    assert a.grad == 0.0


def test_derivatives_of_first_and_second_order():
    _, gradient = by_hand(A, B)
    assert value_and_grad(wave, (0, 1))(A, B)[1] == pytest.approx(gradient, rel=1e-14)
    assert jvp(wave, (A, B), (1.0, 0.0))[1] == pytest.approx(gradient[0], rel=1e-14)
    assert vjp(wave, A, B)[1](2.0) == pytest.approx([2 * derivative for derivative in gradient], rel=1e-14)
    q, r = divmod(A * A, B)
    by_a, by_b = 2 * q * (2 * A) ** 2 + 2 * (2 * q * r + B), -2 * q * q * 2 * A + 2 * A
    assert grad(grad(wave))(A, B) == pytest.approx(by_a, rel=1e-13)
    assert jacobian(grad(wave), 1)(A, B) == pytest.approx(by_b, rel=1e-13)
    rows = hessian(lambda p: wave(*p))([A, B])
    assert rows[0] == pytest.approx([by_a, by_b], rel=1e-13)
    assert rows[1] == pytest.approx([by_b, 2 * q**3 - 2 * q], rel=1e-13)


def test_copies_and_pickles_of_its_results():
    a = Value(A, "a")
    results = divide(a * 2.0, B)
    for again in (copy.deepcopy(results[1]), pickle.loads(pickle.dumps(results[1])), copy.copy(results[1])):
        again.backward()
        assert again.data == results[1].data
    assert pickle.loads(pickle.dumps(divide)) is divide is find_operation("floor_division")


def test_it_is_printed_with_both_results():
    def named(a, b):
        quotient, remainder = divide(a, b)
        quotient.label = "q"
        return quotient * remainder

    assert "q, t2 = floor_division(a, b)" in str(trace(named, A, B))


def test_it_is_drawn():
    a, b = Value(A, "a"), Value(B, "b")
    quotient, remainder = divide(a, b)
    quotient.label, remainder.label = "quotient", "remainder"
    for shown in (quotient * remainder, trace(wave, A, B)):
        assert "floor_division" in draw(shown).source
    assert "remainder" in draw(quotient * remainder).source


def test_it_is_saved_and_loaded(tmp_path):
    program = trace(value_and_grad(wave, (0, 1)), A, B)
    program.save(tmp_path / "wave.program")
    again = Program.load(tmp_path / "wave.program")
    assert str(again) == str(program)
    assert again(A, B) == program(A, B)


@pytest.mark.parametrize("engine", engine_names())
def test_every_engine_runs_it(engine):
    program = trace(value_and_grad(wave, (0, 1)), A, B)
    expected = program(A, B)
    assert expected == value_and_grad(wave, (0, 1))(A, B)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is called back is slow
        assert jit(value_and_grad(wave, (0, 1)), engine)(A, B) == expected
        points = np.linspace(1.0, 5.0, 7)
        results = vmap(wave, (0, None), engine=engine)(points, B)
        assert results.tolist() == [wave(point, B) for point in points.tolist()]
        last, ys = scan(lambda c, x: divide(c + x, B)[::-1], 0.5, points, engine=engine)
    carry, quotients = 0.5, []
    for point in points.tolist():
        quotient, carry = divide(carry + point, B)
        quotients.append(quotient)
    assert (last, ys.tolist()) == (carry, quotients)


def test_an_anomaly_in_a_result_is_named():
    large = Value(1e308, "large")
    with (
        pytest.raises(FloatingPointError, match=r"floor_division\(large=1e\+308, 1e-10\) is inf"),
        detect_anomaly(),
    ):
        divide(large, 1e-10)


def test_a_result_that_is_no_number_is_refused():
    class Broken(FloorDivision):
        name = "broken_division"

        def run(self, inputs):
            return (1.0,)

    with pytest.raises(TypeError, match="broken_division must have 2 results, got 1"):
        Broken()(Value(1.0), 2.0)


@pytest.mark.parametrize("settings", [{}, {"method": "richardson"}, {"method": "central"}])
def test_its_gradient_is_checked(settings):
    assert check_gradients(wave, A, B, **settings).passed


def test_a_wrong_rule_is_found():
    class Wrong(FloorDivision):
        name = "wrong_division"

        def pull(self, inputs, results, adjoints, wanted):
            return adjoints[1], results[0] * adjoints[1]

    assert not check_gradients(lambda a, b: Wrong()(a, b)[1], A, B, method="central").passed
