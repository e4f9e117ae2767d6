"""The assignment's graders, each written out again here, and what a wrong engine does to them."""

import math

import pytest

import autograd
from autograd import Value, sigmoid
from models import load_assignment_data
from models.assignment import forward, graders, loss
from models.assignment.graders import check_first_row, grade, hand_against_engine


@pytest.mark.parametrize("grader", grade(), ids=lambda grader: grader.name)
def test_every_grader_passes(grader):
    assert grader.passed, f"{grader.name}: expected {grader.expected!r} {grader.rule}, got {grader.got!r}"


def test_forward_figures_to_the_last_bit():
    X, y = load_assignment_data()
    assert sigmoid(2) == 0.8807970779778823
    assert forward([0.1] * 9, X[0].tolist(), y[0].item()) == (
        1.1272967040973583,
        0.8417934192562146,
        0.5279179387419721,
        -1.9285278284819143,
        0.9298048963072919,
    )


def test_backward_figures():
    X, y = load_assignment_data()
    w = [Value(0.1) for _ in range(9)]
    loss(w, X[0], y[0]).backward()
    expected = [-0.2297, -0.0214, -0.0056, -0.0047, -0.001, -0.6335, -0.5619, -0.0481, -1.0181]
    assert [round(weight.grad, 4) for weight in w] == expected


def test_gradient_check():
    check = check_first_row()
    assert [row.name for row in check.rows] == [f"w{i}" for i in range(1, 10)]
    assert check.passed
    assert all(abs(row.relative) <= 1e-3 for row in check.rows)
    assert check.norm < 1e-7


def test_hand_and_engine_agree_on_all_samples():
    assert hand_against_engine(*load_assignment_data()) < 1e-13


def test_a_wrong_derivative_fails_the_graders(monkeypatch):
    monkeypatch.setattr(autograd.sigmoid, "rules", (lambda y, x: 1.01 * y * sigmoid(-x),))
    failed = {grader.name for grader in grade() if not grader.passed}
    assert {"dw8", "gradient check"} <= failed
    assert {"sigmoid(2)", "dy", "L", "part 1", "part 2", "part 3", "dw6", "dw7", "dw9"}.isdisjoint(failed)
    assert hand_against_engine(*load_assignment_data()) > 1e-3


def test_exactly_means_exactly_only_with_glibc(monkeypatch):
    one_up = math.nextafter(0.5, 1.0)
    monkeypatch.setattr(graders.platform, "libc_ver", lambda: ("glibc", "2.36"))
    assert not graders._exactly("half", 0.5, one_up).passed
    monkeypatch.setattr(graders.platform, "libc_ver", lambda: ("", ""))
    assert graders._exactly("half", 0.5, one_up).passed
    assert not graders._exactly("half", 0.5, math.nextafter(one_up, 1.0)).passed
