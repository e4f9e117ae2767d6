"""`explain`: its numbers against the engine's, its formulas, names and sentences."""

from __future__ import annotations

import ast
import html
import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import autograd as ag
from autograd import Value, all_primitives, detect_anomaly, explain, primitive, trace
from autograd.explaining import MAX_NODES
from autograd.explaining.explained_graph import ExplainedGraph
from autograd.explaining.telling import tell
from autograd.graph.context import Received, Watcher, watch
from autograd.graph.nodes import operands
from autograd.graph.walks import leaves, topological_order
from autograd.programs.formulas import Formula
from models.assignment.graph import loss as assignment_loss

ROW = [-1.2879095, -0.12001342, -1.45900038, -0.66660821, -0.14421743], 1.85884913  # the data's first
HOSTILE = '</script><b>&amp;\n"quoted"\'<!--{{}}$title\u202e\ud800\x00'


def assignment() -> Value:
    w = [Value(0.1, f"w{i}") for i in range(1, 10)]
    x = [Value(number, f"x{i}") for i, number in enumerate(ROW[0], start=1)]
    return assignment_loss(w, x, Value(ROW[1], "y"))


def shared_leaf() -> Value:
    x = Value(-0.75, "x")
    y = x
    for _ in range(5):
        y = y * x + x.sin()
    return y


def choices() -> Value:
    a, b = Value(-2.0, "a"), Value(3.0, "b")
    chosen = ag.where(ag.less(a, b), a**3 / b, b**2) + ag.maximum(a, -b) - ag.relu(a)
    return chosen * ag.stop_gradient(a * b) + abs(a)


def constants() -> Value:
    x = Value(20.0, "x")
    return (2 * x - 1).tanh() / 3 + 0.5**x - 7 / x + x**-0.5 + (x - 20.0) ** 1.0


def not_finite() -> Value:
    x, y = Value(0.0, "x"), Value(-1.0, "y")
    return x.log() * 0.0 + 1 / x + y.sqrt() + (1000 * x + 1e308) * 10


opaque = primitive("opaque", lambda x: math.sin(x) + 1, lambda y, x: (math.cos(x),))
flat = primitive("flat", lambda x: 1.0, (lambda y, x: 0.0,))
halves = primitive("halves", lambda a, b: a / 2 + b * b / 2, (0.5, lambda y, a, b: b))


def of_the_users() -> Value:
    a, b = Value(0.3, "a"), Value(-0.7)
    return halves(opaque(a), opaque(b) * a)


LOSSES = [assignment, shared_leaf, choices, constants, not_finite, of_the_users, lambda: Value(3.0, "alone")]
each_loss = pytest.mark.parametrize("build", LOSSES, ids=lambda build: build.__name__)


class Recorder(Watcher):
    """What the engine does going backward: for each operation its gradient, and what its operands receive."""

    def __init__(self) -> None:
        self.seen: list[tuple[Value, float, list[tuple[Value, float, float]]]] = []

    def propagated(self, node: Value, adjoints: Sequence[float], received: Received) -> None:
        (adjoint,) = adjoints
        self.seen.append((node, adjoint, [(part, gradient, part.grad) for part, gradient, _ in received]))


def backward(result: Value) -> Recorder:
    """Go backward from gradients of 0, watched."""
    order = topological_order(result)
    for node in (*leaves(order), *order, result):
        node.grad = 0.0
    recorder = Recorder()
    with watch(recorder):
        result.backward()
    return recorder


def partials(node: Value) -> list[float | None]:
    """The engine's partial derivatives at an operation."""
    parts = operands(node)
    inputs = tuple(part if type(part) is float else part.data for part in parts)
    return node._operation.partials_at(node.data, inputs, tuple(type(part) is not float for part in parts))


def reprs(numbers: Any) -> str:
    """Numbers so that they can be compared to the bit, nan included."""
    return repr(numbers)


# The numbers.


@each_loss
def test_every_number_is_the_engines(build: Callable[[], Value]) -> None:
    result = build()
    graph, recorder = ExplainedGraph(result), backward(result)
    steps = [step for step in graph.backward if step.gradient is not None]
    assert [step.node for step in steps] == [node for node, _, _ in recorder.seen]
    for step, (node, gradient, received) in zip(steps, recorder.seen):
        assert reprs(step.gradient) == reprs(gradient)
        assert reprs([share.partial for share in step.shares]) == reprs(partials(node))
        sent = [share for share in step.shares if share.contribution is not None]
        assert reprs([(s.operand, s.contribution) for s in sent]) == reprs([entry[:2] for entry in received])
        last = {share.operand: share.after for share in sent}  # the engine tells of both at once
        assert reprs(list(last.values())) == reprs(
            list({part: total for part, _, total in received}.values())
        )
    assert reprs(graph.gradients) == reprs([node.grad for node in graph.nodes])


@each_loss
def test_nobodys_gradient_is_touched(build: Callable[[], Value]) -> None:
    result = build()
    nodes = ExplainedGraph(result).nodes
    for place, node in enumerate(nodes):
        node.grad = float(place)
    _ = explain(result).html
    assert [node.grad for node in nodes] == list(range(len(nodes)))


def test_a_gradient_that_nothing_is_added_to_stays_a_negative_zero() -> None:
    x = Value(1.0, "x")
    y = x * 1.0
    assert reprs(ExplainedGraph(y * -0.0).gradients) == reprs([0.0, -0.0, 1.0])


# Formulas.

SPECIAL_POINTS = {"acosh": (1.5,), "less_equal": (0.7, 0.7), "where": (1.0, 0.7, -0.6)}


@pytest.mark.parametrize("numbers", [False, True], ids=["in names", "in numbers"])
@pytest.mark.parametrize("entry", [p for p in all_primitives() if p.is_builtin], ids=str)
def test_a_derivative_as_it_is_written_is_the_derivative(entry: Any, numbers: bool) -> None:
    """What is to be read, computed by Python: signs, parentheses and the textbook's forms are right."""
    point = SPECIAL_POINTS.get(entry.name, (0.4,) if entry.arity == 1 else (0.7, -2.0))
    result = entry(*[Value(number, name) for number, name in zip(point, "abc")])
    result.label = "y"
    graph = ExplainedGraph(result)
    names = {node.label: node.data for node in graph.nodes}
    write = Formula.text if numbers else graph.in_names
    formula = graph.formulas[-1]
    assert computed(write(formula), names) == pytest.approx(result.data, rel=1e-5)
    assert formula.is_factor == is_factor(graph.in_names(formula))
    for written, partial in zip(graph.partials[-1], partials(result)):
        if written is not None:
            read = computed(write(written), names)
            assert written.is_factor == is_factor(graph.in_names(written))
            assert read == pytest.approx(partial, rel=1e-5, abs=1e-300, nan_ok=True)


def in_python(text: str) -> str:
    for printed, python in {"·": "*", "−": "-", "²": "**2", "^": "**", " = ": " == ", "≤": "<="}.items():
        text = text.replace(printed, python)
    return text


def is_factor(text: str) -> bool:
    """Whether a formula needs no parentheses in a product: no sign, and Python reads a factor."""
    read = ast.parse(in_python(text), mode="eval").body
    is_sum = isinstance(read, ast.BinOp) and isinstance(read.op, (ast.Add, ast.Sub))
    return text[0] != "−" and not is_sum and not isinstance(read, ast.Compare)


def computed(text: str, names: dict[str, float]) -> float:
    try:
        return float(eval(in_python(text), {**vars(ag), **names}))
    except TypeError:  # complex
        return math.nan


@pytest.mark.parametrize(
    ("node", "written"),
    [
        (lambda x, y: x**2, ["2·x", None]),
        (lambda x, y: x**3, ["3·x²", None]),
        (lambda x, y: 0.5**x, [None, "z·(−0.693147)"]),
        (lambda x, y: x * -3.0 - y * -0.5, ["1", "−1"]),
        (lambda x, y: x**0.5, ["0.5·x^(−0.5)", None]),
        (lambda x, y: x.tanh(), ["1 − z²"]),
        (lambda x, y: x.sigmoid(), ["z·(1 − z)"]),
        (lambda x, y: x - y, ["1", "−1"]),
        (lambda x, y: 3 / x, [None, "−z/x"]),
        (lambda x, y: ag.less(x, y), [None, None]),
        (lambda x, y: opaque(x), [None]),
    ],
)
def test_derivatives_are_written_as_in_a_textbook(node: Any, written: list[str | None]) -> None:
    z = node(Value(0.5, "x"), Value(2.0, "y"))
    z.label = "z"
    graph = ExplainedGraph(z)
    assert [partial and graph.in_names(partial) for partial in graph.partials[-1]] == written


def test_a_formula_is_written_as_the_user_has_it() -> None:
    x = Value(0.5, "x")
    forms = {
        x**1: "x¹",
        x**2: "x²",
        x**10: "x^10",
        x * -3: "x·(−3)",
        x / -0.25: "x/(−0.25)",
        1e-05 * x: "1e−05·x",
    }
    for node, form in forms.items():
        assert ExplainedGraph(node).equation(1) == f"L = {form}"


def test_a_negative_number_is_enclosed_where_it_must_be() -> None:
    x = Value(-3.0, "x")
    text = str(explain((x**2 - x) * x.exp()))
    assert "= (−3)² = 9." in text
    assert "= 9 − (−3) = 12." in text
    assert "= exp(−3) = " in text


def test_a_number_with_an_exponent_is_enclosed_a_name_with_an_e_is_not() -> None:
    x, weight = Value(2.0, "x"), Value(1e-5, "weight")
    assert "Forward: L = x·weight = 2·(1e−05) = 2e−05." in str(explain(x * weight))
    assert "Forward: L = weight² = (1e+20)² = 1e+40." in str(explain(Value(1e20, "weight") ** 2))


def test_where_the_textbooks_form_loses_digits_it_is_said() -> None:
    assert "In floats this form gives 0; the engine computes" in explain(Value(20.0, "x").tanh()).html
    assert "In floats this form" not in explain(Value(2.0, "x").tanh()).html


# Names and sentences.


def test_names_are_labels_and_all_different() -> None:
    w, again, t1, nameless = Value(1.0, "w"), Value(2.0, "w"), Value(3.0, "t1"), Value(4.0)
    graph = ExplainedGraph((w * again + t1) * nameless)
    assert graph.names == ["w", "w#2", "t1", "v4", "t2", "t3", "L"]
    assert ExplainedGraph(Value(1.0, "L") * 2).names == ["L", "t1"]


def test_a_label_cannot_be_taken_for_a_formula() -> None:
    a = Value(1.0, "a + b")
    assert ExplainedGraph(2 * a).equation(1) == "L = 2·“a + b”"
    assert ExplainedGraph(Value(1.0, "x" * 99)).names == ["x" * 23 + "…"]
    assert ExplainedGraph(Value(1.0, "x" * 24)).names == ["x" * 24]
    assert "\u202e" not in ExplainedGraph(Value(1.0, HOSTILE)).names[0]


@pytest.mark.parametrize("character", ["\x00", "\x07", "\u202e", "\u2066", "\ue000", "\ud800"])
def test_a_character_that_cannot_be_written_or_turns_the_text_is_replaced(character: str) -> None:
    assert ExplainedGraph(Value(1.0, f"a{character}b")).names == ["“a�b”"]


def test_the_leaves_are_listed_by_number() -> None:
    result = sum(Value(1.0, f"w{i}") for i in (10, 9, 2, 1))
    graph = ExplainedGraph(result)
    assert [graph.names[i] for i in graph.listing()] == ["w1", "w2", "w9", "w10"]
    names = ["w1[10]", "w1[9]", "w10[2]", "w2[3]", "b"]
    graph = ExplainedGraph(sum(Value(1.0, name) for name in names))
    assert [graph.names[i] for i in graph.listing()] == ["b", "w1[9]", "w1[10]", "w2[3]", "w10[2]"]


def test_the_sentences() -> None:
    x, c = Value(-2.0, "x"), Value(3.0, "c")
    square = x * x
    square.label = "s"
    sentences = [step.sentence for step in tell(ExplainedGraph(square * 2.0 + ag.stop_gradient(c * 1.0)))]
    assert sentences == [
        "L is computed from 2 leaves by 5 operations.",
        "Forward: s = x·x = −2·(−2) = 4.",
        "Forward: t2 = s·2 = 4·2 = 8.",
        "Forward: t3 = c·1 = 3·1 = 3.",
        "Forward: t4 = stop_gradient(t3) = stop_gradient(3) = 3.",
        "Forward: L = t2 + t4 = 8 + 3 = 11.",
        "The gradient of L by itself is 1.",
        "Backward through L = t2 + t4, with gradient 1: t2 receives 1·1 = 1; t4 receives 1·1 = 1.",
        "Backward through t4 = stop_gradient(t3), with gradient 1: t3 receives nothing: the derivative by it "
        "is 0 everywhere.",
        "Backward through t3 = c·1: no gradient reaches it, so it sends none.",
        "Backward through t2 = s·2, with gradient 1: s receives 1·2 = 2; 2 is a constant and receives "
        "nothing.",
        "Backward through s = x·x, with gradient 2: x receives 2·(−2) = −4; x receives 2·(−2) = −4, and has "
        "−8 by now.",
        "Done. The gradients of the leaves: c 0, x −8.",
    ]


@pytest.mark.parametrize(("count", "end"), [(12, "w12 1."), (13, "w12 1, and 1 more.")])
def test_the_last_sentence_lists_twelve_gradients(count: int, end: str) -> None:
    text = str(explain(sum(Value(1.0, f"w{i}") for i in range(1, count + 1))))
    assert text.endswith(end)


def test_a_constant_derivative_is_a_factor_without_parentheses_unless_it_is_negative() -> None:
    graph = ExplainedGraph(halves(Value(1.0, "x"), Value(2.0, "y")) - Value(3.0, "z"))
    half, minus = graph.partials[-2][0], graph.partials[-1][1]
    (zero,) = ExplainedGraph(flat(Value(1.0))).partials[-1]
    for partial, text, is_factor in [(half, "0.5", True), (minus, "−1", False), (zero, "0", True)]:
        assert partial is not None
        assert (partial.text(), partial.is_factor) == (text, is_factor)


# The object.


def test_the_page_is_one_text_with_strict_json_and_nothing_to_load() -> None:
    page = explain(not_finite()).html
    data = json.loads(embedded(page), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert data["nodes"][0]["gradient"][1] in ("inf", "-inf", "nan")
    assert not re.search(r"""(?:src|href|url\()=?["']?(?!data:,|#tip)[a-z]+:""", page)
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def embedded(page: str) -> str:
    """The data within a page."""
    return page.partition('<script type="application/json" id="data">')[2].partition("</script>")[0]


def test_labels_stay_text() -> None:
    product = Value(1.0, HOSTILE) * Value(2.0, HOSTILE)
    product.label = HOSTILE
    page = explain(product).html
    assert page.count("<script") == page.count("</script>") == 2
    assert "<b>" not in page
    assert "<" not in embedded(page)
    page.encode()


def test_a_notebook_gets_the_page_in_a_frame() -> None:
    explained = explain(assignment())
    frame = explained._repr_html_()
    inside = re.fullmatch(
        r'<iframe srcdoc="([^"]*)" title="[^"]*" sandbox="allow-scripts" [^<>]*></iframe>', frame
    )
    assert inside
    assert html.unescape(inside[1]) == explained.html
    assert 'title="The gradient of L, step by step"' in frame
    assert "<title>The gradient of L, step by step</title>" in explained.html


def test_the_page_is_written_whole(tmp_path: Path) -> None:
    explained, path = explain(assignment()), tmp_path / "page.html"
    explained.save(str(path))
    assert path.read_text("utf-8") == explained.html
    with pytest.raises(FileNotFoundError):
        explained.save(tmp_path / "nowhere" / "page.html")
    assert list(tmp_path.iterdir()) == [path]


def test_the_text_and_the_page_are_of_the_moment_of_the_call() -> None:
    x = Value(2.0, "x")
    explained = explain(x * x)
    x.data = 3.0
    assert "x·x = 2·2 = 4" in str(explained)
    assert "7 steps" not in repr(explained)
    assert repr(explained).startswith("<Explanation in 5 steps")


def test_a_graph_with_other_numbers_than_it_was_recorded_with_is_refused() -> None:
    x = Value(2.0, "x")
    y = (x * x).exp()
    x.data = 3.0
    with pytest.raises(ValueError, match=r"3·3 is 9.0, but 4.0 when .* Compute the result again"):
        explain(y)
    x.data = math.nan
    with pytest.raises(ValueError, match=r"is nan, but 4\.0 when"):
        explain(y)
    z = Value(-1.0, "z").log()
    assert "nan" in str(explain(z))


def test_a_large_graph_is_refused_with_advice() -> None:
    x = y = Value(1.0, "x")
    for _ in range(MAX_NODES):
        y = y * x
    with pytest.raises(ValueError, match=rf"{MAX_NODES + 1} nodes.*smaller part.*max_nodes"):
        explain(y)
    assert len(str(explain(y, max_nodes=MAX_NODES + 1)).splitlines()) == 2 * MAX_NODES + 3


@pytest.mark.parametrize("result", [3.0, [Value(1.0)], "x", None])
def test_only_a_value_is_explained(result: Any) -> None:
    with pytest.raises(TypeError, match="explain takes a Value, got"):
        explain(result)


def test_a_trace_refuses_it() -> None:
    with pytest.raises(ag.TracingError):
        trace(lambda x: explain(x * x), 2.0)


def test_it_is_no_anomaly_to_explain_one() -> None:
    result = not_finite()
    page = explain(result).html
    with detect_anomaly():
        assert explain(result).html == page
