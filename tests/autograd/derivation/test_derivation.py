"""`derive`: every line is read back, from the text and from the LaTeX, and evaluated against the engine."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given

import autograd as ag
from autograd import Derivation, TracingError, Value, all_primitives, derive, grad, primitive, where
from autograd.derivation.expression_walks import evaluate
from autograd.testing import Expression, expressions
from models.assignment import hand_gradients, loss

cube = primitive("derivation_cube", lambda x: x**3, lambda y, x: (3 * x**2,))
opaque = primitive("derivation_opaque", lambda x: math.sin(x), lambda y, x: (math.cos(x),))
opaque_of_two = primitive(
    "derivation_opaque_of_two", lambda a, b: a * b, lambda y, a, b: (float(b) + 0.0, float(a) + 0.0)
)


FUNCTIONS: dict[str, Any] = {entry.name: entry for entry in all_primitives()}
FUNCTIONS |= {"pi": math.pi, "max": ag.maximum, "min": ag.minimum, "sigma": ag.sigmoid}
FUNCTIONS |= {"arcsin": ag.asin, "arccos": ag.acos, "arctan": ag.atan}
FUNCTIONS |= {"raised": lambda function, exponent: lambda *args: function(*args) ** exponent}

Equations = list[tuple[str, list[str]]]


def read_text(derivation: Derivation) -> Equations:
    """Each left-hand side with all that is said to equal it, as Python; derivatives are names."""
    equations: Equations = []
    for line in derivation.text.splitlines():
        if not line.startswith("    "):
            continue
        left, equal, right = re.sub(r"([d∂])([\w']+)/[d∂]([\w']+)", _derivative, line).partition(" = ")
        if left.strip() and equal:
            equations.append((left.strip(), []))
        if equal:
            equations[-1][1].extend(right.split(" = "))
        else:
            equations[-1][1][-1] += left
    return [(left, [form.replace("^", "**") for form in forms]) for left, forms in equations]


def read_latex(derivation: Derivation) -> Equations:
    """The same from the LaTeX."""
    equations: Equations = []
    for line in derivation.latex.splitlines()[1:-1]:
        if "textbf" in line:
            continue
        left, _, right = line.removesuffix(r" \\").partition("&")
        if right.startswith(r"\quad"):
            equations[-1][1][-1] += as_python(right)
            continue
        if left:
            equations.append((as_python(left).strip(), []))
        equations[-1][1].extend(as_python(right[2:]).split(" = "))
    return equations


def as_python(latex: str) -> str:
    """An expression in LaTeX as Python, from the innermost braces outwards."""
    text = _with_double_signs(re.sub(r"\\left|\\right|\\quad", "", latex))
    text = re.sub(r"\\mathrm\{([^{}]*)\}", r"\1", text).replace(r"\_", "_")
    text = re.sub(r"_\{(\w+)\}|_(\d)", r"\1\2", text)
    text = re.sub(r"\\frac\{(d|\\partial )([\w']+)\}\{(?:d|\\partial )([\w']+)\}", _derivative, text)
    text = re.sub(r"\\(\w+)\^\{(\d+)\}\(", r"raised(\1, \2)(", text)  # sin^2(x)
    text = re.sub(r"\\le(?= )", "<=", re.sub(r"\\ge(?= )", ">=", re.sub(r"\\ne(?= )", "!=", text)))
    text = text.replace("[", "(").replace("]", ")")
    cases = r"([^{}]*) & \\text\{if \} ([^{}]*) \\\\ ([^{}]*) & \\text\{otherwise\}"
    cases = rf"\\begin\{{cases\}} {cases} \\end\{{cases\}}"
    before = ""
    while text != before:
        before = text
        text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
        text = re.sub(r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)", text)
        text = re.sub(r"\^\{([^{}]*)\}", r"**(\1)", text)
        text = re.sub(r"\|([^|]*)\|", r"absolute(\1)", text)
        text = re.sub(cases, r"where(\2, \1, \3)", text)
    text = text.replace(r"\cdot", "*")
    return re.sub(r"(?<=[\w)']) (?=[\w(\\])", "*", text).replace("\\", "")


def _with_double_signs(latex: str) -> str:
    """Equality signs within brackets and cases compare; others say what is equal."""
    depth, written = 0, ""
    for piece in re.split(r"(\\begin\{cases\}|\\end\{cases\}|[\[\]=])", latex):
        depth += (piece in ("[", r"\begin{cases}")) - (piece in ("]", r"\end{cases}"))
        written += "==" if piece == "=" and depth else piece
    return written


def _derivative(match: re.Match[str]) -> str:
    return f"{'d' if match[1] == 'd' else 'D'}_{match[2]}_{match[3]}"


def check(derivation: Derivation, equations: Equations, point: dict[str, float], tolerance: float) -> None:
    """Every form of every equation comes to what the engine finds from the forward lines."""
    lines = {left: forms[0] for left, forms in equations if not left.startswith("d_")}
    result = list(lines)[-1]

    def run(start: dict[str, Any], upto: str) -> dict[str, Any]:
        """All lines' values, but those that are given."""
        values = dict(start)
        for name, form in lines.items():
            if name not in values:
                result = eval(form, FUNCTIONS, values)
                values[name] = result if isinstance(result, Value) else float(result)
            if name == upto:
                break
        return values

    def slope(of: str, by: str, direct: bool) -> float:
        """The derivative of one name by another: direct, or by way of all lines between."""
        variable = Value(numbers[by])
        inputs = {**(numbers if direct else point), by: variable}
        inputs.pop(of, None)
        result = run(inputs, of)[of]
        if isinstance(result, Value):
            result.backward()
        return variable.grad

    numbers = run(point, result)
    names = dict(numbers)
    for _, forms in equations:
        for sign, of, by in re.findall(r"\b([dD])_([^\W_][\w']*?)_([^\W_][\w']*)", " ".join(forms)):
            names[f"{sign}_{of}_{by}"] = slope(of, by, direct=sign == "D")
    for left, forms in equations:
        expected = numbers[left] if left in numbers else slope(*left.split("_", 2)[1:], direct=False)
        for form in forms:
            number = float(eval(form, FUNCTIONS, names))
            assert number == pytest.approx(expected, rel=tolerance, abs=tolerance), f"{left} = {form}"


def check_both(f: Callable[..., Any], point: dict[str, float], tolerance: float = 1e-12) -> Derivation:
    """Derive by all inputs, and check what is written in text and in LaTeX against the engine."""
    inputs = [Value(number, name) for name, number in point.items()]
    derivation = derive(f, *inputs, argnums=tuple(range(len(inputs))))
    gradient = grad(f, tuple(range(len(inputs))))(*point.values())
    assert [step.name.name for step in derivation.gradient] == list(point)
    for equations in (read_text(derivation), read_latex(derivation)):
        check(derivation, equations, point, tolerance)
        lines = {left: forms[0] for left, forms in equations}
        values = dict(point)
        for name in lines:
            if not name.startswith("d_"):
                values[name] = float(eval(lines[name], FUNCTIONS, values))
        result = derivation.lines.result.name
        assert values[result] == pytest.approx(float(f(*point.values())), rel=tolerance, abs=tolerance)
        for name, expected in zip(point, gradient):
            closing = dict(equations)[f"d_{result}_{name}"][-1]
            if "d_" not in closing:
                number = float(eval(closing, FUNCTIONS, values))
                assert number == pytest.approx(expected, rel=tolerance, abs=tolerance)
    return derivation


@given(expressions(size=16))
def test_every_line_of_a_random_formula_is_true(expression: Expression):
    assume(expression.stretch < 1e3)
    check_both(expression, dict(zip("xy", expression.point)), tolerance=1e-11 * expression.stretch)


def assignment_derivation() -> Derivation:
    w, x = [[Value(0.1, f"{name}{i}") for i in range(1, 10)] for name in "wx"]
    return derive(loss, w, x[:5], Value(1.0, "y"))


def test_the_assignment_is_derived_as_by_hand():
    lines = assignment_derivation().text.splitlines()
    assert [line.strip() for line in lines[1:9]] == [
        "u = w1*x1 + w2*x2",
        "e = exp(u^2 + w6)",
        "t = tanh(e + w7)",
        "q = w4*x4 + w5*x5",
        "z = sin(w3*x3)*q + w8",
        "s = sigmoid(z)",
        "p = t + s*w9",
        "L = (y - p)^2",
    ]
    assert "    dL/dp = -2*(y - p)" in lines
    assert "    dL/de = dL/dt * dt/de = dL/dt * (1 - t^2)" in lines
    assert [line.strip() for line in lines if line.startswith("           = ")] == [
        "= -2*(y - p)*(1 - t^2)*e*2*u*x1",
        "= -2*(y - p)*(1 - t^2)*e*2*u*x2",
        "= -2*(y - p)*w9*s*(1 - s)*q*cos(w3*x3)*x3",
        "= -2*(y - p)*w9*s*(1 - s)*sin(w3*x3)*x4",
        "= -2*(y - p)*w9*s*(1 - s)*sin(w3*x3)*x5",
        "= -2*(y - p)*(1 - t^2)*e",
        "= -2*(y - p)*(1 - t^2)",
        "= -2*(y - p)*w9*s*(1 - s)",
        "= -2*(y - p)*s",
    ]


def test_the_assignment_s_lines_are_true_and_its_last_forms_are_the_hand_formulas():
    rng = np.random.default_rng(0)
    numbers = rng.uniform(-1, 1, 15).tolist()
    point = dict(zip([*(f"w{i}" for i in range(1, 10)), *(f"x{i}" for i in range(1, 6)), "y"], numbers))
    derivation = check_both(lambda *v: loss(v[:9], v[9:14], v[14]), point)
    values = dict(point)
    equations = read_text(derivation)
    for left, forms in equations[:8]:
        values[left] = eval(forms[0], FUNCTIONS, values)
    last = [eval(dict(equations)[f"d_f_w{i}"][-1], FUNCTIONS, values) for i in range(1, 10)]
    assert last == pytest.approx(list(hand_gradients(numbers[:9], numbers[9:14], numbers[14])), rel=1e-13)


@pytest.mark.parametrize(
    ("f", "last"),
    [
        (lambda x: x**3, "3*x^2"),
        (lambda x: ag.exp(x**2) * ag.sin(x), "2*x*sin(x)*exp(x^2) + exp(x^2)*cos(x)"),
        (lambda x: ag.sin(x) / x, "cos(x)/x - sin(x)/x^2"),
        (lambda x: ag.log(x**2 + 1), "2*x/(x^2 + 1)"),
        (lambda x: ag.sqrt(1 - x**2), "-x/sqrt(1 - x^2)"),
        (lambda x: ag.tanh(3 * x), "3*(1 - tanh(3*x)^2)"),
        (lambda x: 1 / (1 + ag.exp(-x)), "exp(-x)/(1 + exp(-x))^2"),
        (lambda x: ag.sin(ag.cos(x)), "-cos(cos(x))*sin(x)"),
        (lambda x: x**0.5 / 3, "1/(6*x^0.5)"),
        (lambda x: math.pi * x**2, "2*pi*x"),
        (lambda x: 2**x, "2^x*log(2)"),
        (lambda x: ag.erf(x), "2*exp(-x^2)/sqrt(pi)"),
        (lambda x: abs(x), "(x > 0) - (x < 0)"),
        (lambda x: where(x < 0, x**2, x**3), "where(x < 0, 2*x, 3*x^2)"),
        (lambda x: cube(2 * x), "24*x^2"),
        (lambda x: x * ag.stop_gradient(x), "stop_gradient(x)"),
        (lambda x: x, "1"),
        (lambda x: 5.0, "0"),
    ],
)
def test_functions_of_one_variable_read_as_in_a_calculus_book(f, last):
    derivation = derive(f, Value(0.7, "x"))
    assert [line for line in derivation.text.splitlines() if " = " in line][-1].endswith(f" = {last}")
    if "stop_gradient" not in last:
        check_both(f, {"x": 0.7})


def test_what_is_used_twice_gets_a_contribution_from_each_use():
    lines = str(derive(lambda x: ag.exp(x**2) * ag.sin(x), 1.0)).splitlines()
    assert "    df/dx = df/de * de/dx + ∂f/∂x = df/de * e*2*x + e*cos(x)" in lines
    assert lines[-1].startswith("∂ stands for the direct dependence")


def test_labels_name_arguments_and_results():
    def f(w, x):
        z = w[0] * x + w[1]
        z.label = "z"
        prediction = z.tanh()
        prediction.label = "y'"
        return (1 - prediction) ** 2

    derivation = derive(f, [Value(0.1, "alpha"), Value(0.2, "my bias")], 2.0)
    assert "y' = tanh(z)" in derivation.text
    assert "df/dz = df/dy' * dy'/dz = df/dy' * (1 - y'^2)" in derivation.text
    assert "dz/dmy_bias" in derivation.text
    assert r"\frac{df}{dz} \cdot \frac{dz}{d\alpha}" in derivation.latex


def test_names_do_not_clash():
    def loss(size, f, pi, e, w):
        return ag.exp(math.pi * pi * w[0]) * e + ag.exp(f * size) * w[1]

    point = {"L": 0.1, "f": 0.2, "pi": 0.3, "e": 0.4, "w": 0.5, "w_2": 0.6}
    inputs = [Value(number, name.removesuffix("_2")) for name, number in point.items()]
    derivation = derive(loss, *inputs[:4], inputs[4:], argnums=(0, 1, 2, 3, 4))
    point["pi_2"] = point.pop("pi")
    check(derivation, read_text(derivation), point, 1e-13)
    assert len({line.name for line in derivation.lines.lines} | set(derivation.lines.inputs)) == 9


def test_structures_arrays_and_argnums():
    text = derive(
        lambda p, m: (m @ p["a"]).sum() * p["b"][0], {"a": np.ones(2), "b": [2.0]}, np.ones((1, 2))
    ).text
    assert "df/dp['a'][1]" in text
    assert "df/dm" not in text
    text = derive(lambda p, m: (m @ p).sum(), np.ones(2), np.ones((1, 2)), argnums=-1).text
    assert "    df/dm[0, 1] = p[1]" in text.splitlines()
    assert "df/dp" not in text


def test_a_value_that_is_closed_over_is_a_constant_with_its_name():
    scale = Value(3.0, "scale")
    assert "df/dx = scale*cos(x)" in derive(lambda x: scale * x.sin(), 1.0).text


def test_a_rule_that_is_no_formula_is_marked_and_its_numbers_are_the_engine_s():
    derivation = derive(lambda x: opaque(x**2) + opaque_of_two(x, 3 * x), 0.5)
    assert "derivation_opaque'(x^2)*2*x + ∂1 derivation_opaque_of_two(x, 3*x)" in derivation.text
    assert "cannot be written as a formula" in derivation.text
    step = derivation.gradient[0]
    assert evaluate(step.filled, {step.name: 0.5}) == grad(lambda x: opaque(x**2) + opaque_of_two(x, 3 * x))(
        0.5
    )
    with pytest.raises(TracingError):
        _ = derivation.source


def test_the_source_computes_value_and_gradient():
    namespace: dict[str, Any] = {}
    exec(derive(lambda x, y: x * y.sin(), 2.0, 0.5, argnums=(0, 1)).source, namespace)
    assert namespace["program"](2.0, 0.5) == (2 * math.sin(0.5), math.sin(0.5), 2 * math.cos(0.5))


def test_every_row_of_latex_is_drawn_by_matplotlib():
    mathtext = pytest.importorskip("matplotlib.mathtext", reason="needs matplotlib").MathTextParser("path")
    for derivation in (
        assignment_derivation(),
        derive(lambda x, m, s: ag.exp(-((x - m) ** 2) / (2 * s**2)) / s, 1.0, 2.0, 3.0, argnums=(1, 2)),
        derive(
            lambda x: abs(x) ** 0.5 * ag.maximum(x, 2.0) + opaque(x) + ag.sqrt(x) / 1e30 + ag.hypot(x, 2), 1.0
        ),
        derive(lambda rate, time: 1e30**rate * time, 1.0, 2.0),
        derive(lambda b: ag.log(b["a b"][0] * b["#%_"]), {"a b": [1.0], "#%_": Value(2.0, "rate_2'")}),
    ):
        for row in derivation.latex.splitlines()[1:-1]:
            if "textbf" not in row:
                mathtext.parse("$" + row.removesuffix(r" \\").replace("&", "") + "$")


def test_a_notebook_shows_formulas_and_a_terminal_text():
    derivation = derive(lambda x: x**2, 1.0)
    assert derivation._repr_latex_() == f"$${derivation.latex}$$"
    assert str(derivation) == derivation.text
    assert repr(derivation) == "<Derivation in 5 lines: print it, or take .latex or .source>"


def test_a_long_formula_stays_in_readable_lines():
    def perceptron(w, x):
        h = x
        for layer in range(3):
            h = [ag.tanh(sum(a * b for a, b in zip(w[layer * 9 + 3 * i :], h))) for i in range(3)]
        return sum(h)

    derivation = derive(perceptron, [0.1] * 27, [1.0, 2.0, 3.0])
    assert max(map(len, derivation.text.splitlines())) < 125
    assert len(derivation.lines.lines) < 20


def test_deep_and_shared_formulas_need_no_time_and_no_recursion(few_frames_left):
    def deep(x):
        for _ in range(60):
            x = ag.sin(x * x) + x
        return x

    assert derive(deep, 1.0, max_operations=300).text


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: derive(lambda x: [x], 1.0), TypeError, "must return one scalar, got the structure"),
        (lambda: derive(lambda x: x, 1.0, argnums=1), TypeError, "argnums 1 names no argument"),
        (lambda: derive(lambda x: x, "a"), TypeError, "got str 'a'"),
        (lambda: derive(lambda x: x if x > 0 else -x, 1.0), TracingError, "where"),
        (
            lambda: derive(lambda x: sum(x * i for i in range(1, 300)), 1.0),
            ValueError,
            "derive a smaller part",
        ),
    ],
)
def test_bad_input_is_told_what_was_wrong(call, error, words):
    with pytest.raises(error, match=words):
        call()
