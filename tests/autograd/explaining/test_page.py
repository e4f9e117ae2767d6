"""The page that `explain` makes, in a browser: every number, every control, what it says and does not do."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from autograd import Explanation, Value, explain
from autograd.explaining.explained_graph import ExplainedGraph
from autograd.graph.nodes import operands
from tests.autograd.browser import Browser, chromium
from tests.autograd.explaining.test_explaining import (
    HOSTILE,
    assignment,
    backward,
    constants,
    each_loss,
    partials,
)

WHOLE_WALK = """
const last = (one) => [...one.querySelectorAll("data")].at(-1).value;
document.querySelector("#first").click();
return steps.map((_, i) => {
  if (i) document.querySelector("#next").click();
  const shares = [...document.querySelectorAll("#step dl.share")];
  const boxes = [...document.querySelectorAll("#graph .node")];
  return {
    sentence: document.querySelector("#sentence").textContent,
    current: Number(document.querySelector("#graph .node.current")?.dataset.node ?? -1),
    arrived: document.querySelector("#step > p data")?.value ?? null,
    shares: shares.map((share) => [...share.querySelectorAll("dd")].map(last)),
    edges: document.querySelectorAll("#graph .edge.current").length,
    values: boxes.map((box) => box.dataset.value),
    gradients: boxes.map((box) => box.dataset.gradient),
  };
});
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as window:
        yield window


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Callable[[Explanation], Browser]]:
    """A function that opens a page, which then must not complain, nor ask anything of the network."""
    path = tmp_path / "page.html"

    def open_page(explained: Explanation) -> Browser:
        explained.save(path)
        browser.resize(1280, 900)
        browser.open(path)
        return browser

    browser.open(Path(__file__))  # leaves the browser's own first page, which loads much
    browser.complaints(), browser.requests()
    yield open_page
    assert browser.complaints() == []
    assert {address for address in browser.requests() if not address.startswith("data:")} == {path.as_uri()}


def position(browser: Browser) -> int:
    return int(browser.run("return document.querySelector('#slider').value"))


# Numbers.


@each_loss
def test_every_number_on_the_page_is_the_engines(show: Any, build: Callable[[], Value]) -> None:
    result = build()
    explained, nodes = explain(result), ExplainedGraph(result).nodes
    steps = show(explained).run(WHOLE_WALK)
    assert [step["sentence"] for step in steps] == str(explained).splitlines()
    operations = (len(steps) - 3) // 2
    forward, back, recorder = steps[1 : operations + 1], steps[operations + 2 : -1], backward(result)
    for step in forward:
        node = nodes[step["current"]]
        assert step["values"][step["current"]] == repr(node.data)
        assert step["edges"] == sum(isinstance(operand, Value) for operand in operands(node))
    reached = [step for step in back if step["arrived"] is not None]
    assert len(reached) == len(recorder.seen)
    for step, (node, gradient, received) in zip(reached, recorder.seen):
        assert nodes[step["current"]] is node
        assert step["arrived"] == repr(gradient)
        assert step["edges"] == len(received)
        local = [partial for partial in partials(node) if partial is not None]
        assert [share[:2] for share in step["shares"]] == [
            [repr(partial), repr(sent)] for partial, (_, sent, _) in zip(local, received)
        ]
        for operand, _, total in received:
            (place,) = (place for place, other in enumerate(nodes) if other is operand)
            assert step["gradients"][place] == repr(total)
    assert steps[-1]["gradients"] == [repr(node.grad) for node in nodes]
    assert steps[-1]["values"] == [repr(node.data) for node in nodes]


def test_a_leaf_used_twice_shows_how_its_gradient_adds_up(show: Any) -> None:
    x = Value(3.0, "x")
    browser = show(explain(x**2 + 5 * x))
    boxes = []
    for _ in range(8):
        browser.press("right")
        boxes.append(browser.text("[data-node='0'] .gradient"))
    assert boxes == ["", "", "", "", "", "∂ 5 (1/2)", "∂ 11", "∂ 11"]
    browser.press("left", "left")
    assert browser.text("#step dl.share") == "derivative\n∂t2/∂x = 5\nsends\n∂L/∂t2 · ∂t2/∂x = 1 · 5 = 5\n" \
        "adds up, 1 of 2\n∂L/∂x = 5 so far"  # fmt: skip
    browser.press("right")
    assert browser.text("#step dl.share").endswith("adds up, 2 of 2\n∂L/∂x = 5 + 6 = 11")


def test_rules_are_shown_in_symbols_and_in_numbers(show: Any) -> None:
    x = Value(-0.5, "x")
    browser = show(explain(x.tanh()))
    browser.press("end", "left")
    assert browser.text("#step dl.share dd") == "∂L/∂x = 1 − L² = 1 − (−0.462117)² = 0.786448"
    assert browser.text("#leaves td.rule") == "∂L/∂L · (1 − L²)"
    browser.click("#digits")
    assert browser.text("#leaves td:nth-child(3)") == repr(1 - math.tanh(0.5) ** 2)
    assert repr(math.tanh(0.5)) in browser.text("#step")


# Controls.


def test_keys_walk(show: Any) -> None:
    browser = show(explain(assignment()))
    walked = [position(browser)]
    for key in ("right", "right", "left", "end", "right", "home", "left"):
        browser.press(key)
        walked.append(position(browser))
    assert walked == [0, 1, 2, 1, 42, 42, 0, 0]


def test_keys_stay_with_the_control_that_needs_them(show: Any) -> None:
    browser = show(explain(assignment()))
    browser.press("right")
    browser.fill("#leaves input", "1 2")
    browser.press("left", "home", " ", "right")
    assert position(browser) == 1
    assert browser.run("return document.querySelector('#leaves input').value") == " 1 2"
    browser.run("document.querySelector('#next').focus()")
    browser.press(" ")
    assert position(browser) == 2
    assert browser.text("#play") == "Play"
    browser.run("document.querySelector('#slider').focus()")
    browser.press("right", "right", "left")
    assert position(browser) == 3


def test_the_slider_walks(show: Any) -> None:
    browser = show(explain(assignment()))
    browser.run("slider.value = 25; slider.dispatchEvent(new Event('input'))")
    assert browser.text("#count") == "Step 26 of 43, backward"
    assert browser.text("#step-title") == "Backward through t17 = t16·w9"


def test_play_goes_on_to_the_end_and_can_be_stopped(show: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograd.explaining.page.PACE", 5)
    browser = show(explain(assignment()))
    browser.press(" ")
    assert browser.text("#play") == "Pause"
    for _ in range(1000):
        if browser.text("#play") == "Play":
            break
        time.sleep(0.01)
    assert position(browser) == 42
    browser.run("data.pace = 1e6; play()")  # from the end it starts again
    assert (browser.text("#play"), position(browser)) == ("Pause", 0)
    browser.press("right")
    assert (browser.text("#play"), position(browser)) == ("Play", 1)


def test_a_click_goes_to_where_a_gradient_is_completed(show: Any) -> None:
    browser = show(explain(assignment()))
    browser.click("#graph .leaf:nth-of-type(2) rect")
    assert browser.text("#step-title").startswith("Backward through t1 = w1·x1")
    browser.click("#operations tr:first-child button")
    assert browser.text("#step-title") == "The backward pass starts"


def test_the_way_from_a_leaf_is_walked_alone(show: Any) -> None:
    browser = show(explain(assignment()))
    browser.press("end")
    choose = "leaf.value = [...leaf.options].find((o) => o.text === arguments[0]).value;"
    browser.run(choose + "leaf.dispatchEvent(new Event('change'))", "w9")
    assert browser.text("#count") == "Step 11 of 11, backward"  # t17, t18, t19, L and back; start, seed, end
    rows = browser.run(
        "return rows.filter(({ row }) => !row.hidden).map(({ row }) => row.cells[0].innerText)"
    )
    assert rows == ["∂L/∂w9", "∂L/∂L", "∂L/∂t19", "∂L/∂t18", "∂L/∂t17"]
    assert browser.run("return document.querySelectorAll('.node:not(.aside)').length") == 5
    browser.run("goTo(completed[0])")  # w1, which is aside
    assert browser.text("#count") == "Step 42 of 43, backward"


# Those who do not see it, or not all of it.


def test_what_a_screen_reader_is_told(show: Any) -> None:
    browser = show(explain(assignment()))
    browser.press(*["right"] * 26)
    assert browser.run("return document.querySelector('#sentence').ariaLive") == "polite"
    assert browser.text("#sentence") == (
        "Backward through t16 = sigmoid(t15), with gradient −0.192853: t15 receives −0.192853·0.249221 = "
        "−0.0480629."
    )
    assert browser.announced("#slider") == ("slider", "Step")
    assert browser.run("return document.querySelector('#slider').ariaValueText") == "Step 27 of 43, backward"
    assert browser.announced("#play") == ("button", "Play")
    assert browser.announced("#leaf") == ("combobox", "Way from")
    assert browser.announced("#digits") == ("checkbox", "all digits")
    assert browser.announced("#leaves input") == ("textbox", "your gradient of w1")
    assert browser.announced("#leaves button") == ("button", "∂L/∂w1")
    assert browser.announced("#graph svg") == ("group", "The graph of L")
    role, name = browser.announced("#graph .node.current")
    assert role in ("img", "image")
    assert re.fullmatch(r"t16: 0\.52791793\d+, gradient -0\.19285278\d+", name)
    unnamed = """
      return [...document.querySelectorAll("button, input, select")].filter((one) =>
        !one.labels.length && !one.ariaLabel && !one.textContent.trim()).length"""
    assert browser.run(unnamed) == 0


def test_the_focus_is_seen_and_goes_everywhere_by_tab(show: Any) -> None:
    browser = show(explain(Value(2.0, "x") * 3))
    focused_on = set()
    for _ in range(14):
        browser.press("tab")
        focused = "const one = document.activeElement;"
        assert browser.run(
            focused + "return parseFloat(getComputedStyle(one).outlineWidth) >= 2 || one === document.body"
        )
        focused_on.add(browser.run(focused + "return one.id || one.tagName"))
    assert focused_on >= {
        "first",
        "back",
        "play",
        "next",
        "last",
        "slider",
        "leaf",
        "digits",
        "BUTTON",
        "INPUT",
    }


@pytest.mark.parametrize("width", [500, 800, 1280])
def test_the_page_is_no_wider_than_the_window(show: Any, width: int) -> None:
    browser = show(explain(assignment()))
    browser.resize(width, 800)
    browser.press(*["right"] * 36)
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    visible = """
      const frame = document.querySelector("#graph").getBoundingClientRect();
      const box = document.querySelector(".node.current").getBoundingClientRect();
      return box.left >= frame.left && box.right <= frame.right &&
        box.top >= frame.top && box.bottom <= frame.bottom"""
    assert browser.run(visible)


def test_colours_have_contrast_in_the_light_and_in_the_dark() -> None:
    """At least 4.5 to 1, as the Web Content Accessibility Guidelines 2.2 want it (1.4.3)."""
    style = resources.files("autograd.explaining").joinpath("web").joinpath("page.css").read_text("utf-8")
    themes = [dict(re.findall(r"--([\w-]+): (#\w{6})", part)) for part in style.split("@media")[:2]]
    assert themes[0].keys() == themes[1].keys()
    for colours in themes:
        for text, papers in {
            "ink": ("paper", "panel", "forward-paper", "backward-paper"),
            "quiet": ("paper", "panel"),
            "backward": ("paper", "panel", "backward-paper"),
            "forward": ("paper", "forward-paper"),
            "right": ("paper", "backward-paper"),
            "wrong": ("paper", "backward-paper"),
        }.items():
            for paper in papers:
                bright, dark = sorted((luminance(colours[text]), luminance(colours[paper])), reverse=True)
                assert (bright + 0.05) / (dark + 0.05) >= 4.5, (text, paper)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# Gradients found by hand.

HAND = """
const one = rows.find(({ node }) => nodes[node].name === arguments[0]).row;
const field = one.querySelector("input");
field.value = arguments[1];
field.dispatchEvent(new Event("input"));
return one.querySelector("output").innerText;
"""


@pytest.mark.parametrize(
    ("name", "typed", "verdict"),
    [
        ("w1", "-0.2297", "✓ agrees"),
        ("w1", "−.22973", "✓ agrees"),
        ("w1", "-0,2297", "✓ agrees"),
        ("w1", "-2.297e-1", "✓ agrees"),
        ("w1", "-0.2296", "✗ it is another number"),
        ("w1", "-0.22973328", "✗ it is another number"),
        ("w1", "0", "✗ it is another number"),
        ("w1", "1/2", "not a number"),
        ("w1", "", ""),
        (
            "w1",
            "0.2297",
            "✗ has the wrong sign, where ∂t19/∂t18 = −1, ∂t4/∂t3 = t3 = −0.140792, ∂t1/∂w1 = x1 = −1.28791",
        ),
        ("w1", "-0.4595", "✗ has a factor 2 too many"),
        ("w1", "-0.1149", "✗ lacks the factor 2"),
        ("w1", "-0.0214", "✗ is the derivative by w2"),
        ("w3", "-0.0056858", "✗ lacks the factor ∂t10/∂t9, where ∂t10/∂t9 = cos(t9) = 0.989375"),
        ("w8", "-0.19285", "✗ lacks the factor ∂t16/∂t15, where ∂t16/∂t15 = t16·(1 − t16) = 0.249221"),
        ("w7", "-1.9285", "✗ lacks the factor ∂t8/∂t7, where ∂t8/∂t7 = 1 − t8² = 0.291384"),
        ("t3", "0.0891884", "✗ lacks the term ∂L/∂t4 · ∂t4/∂t3, where ∂t4/∂t3 = t3 = −0.140792"),
    ],
)
def test_a_hand_derived_gradient_is_judged(slips: Browser, name: str, typed: str, verdict: str) -> None:
    assert slips.run(HAND, name, typed) == verdict
    slips.run(HAND, name, "")


def test_a_gradient_that_is_right_clears_the_factors_that_it_shares(show: Any) -> None:
    browser = show(explain(assignment()))
    assert browser.run(HAND, "w4", "0.0047").count("=") > 2
    browser.run(HAND, "w5", "-0.00101")
    verdict = browser.run(
        "return entries.get(nodes.findIndex(({ name }) => name === 'w4')).verdict.innerText"
    )
    assert verdict == "✗ has the wrong sign, where ∂t11/∂w4 = x4 = −0.666608"


@pytest.fixture(scope="module")
def slips(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Browser:
    path = tmp_path_factory.mktemp("slips") / "page.html"
    explain(assignment()).save(path)
    browser.open(path)
    return browser


def test_the_summary_names_the_first_error_on_the_way_back(show: Any) -> None:
    browser = show(explain(assignment()))
    for name, typed in [
        ("w1", "0.2297"),
        ("w9", "-1.0181"),
        ("w6", "0.6335"),
        ("t8", "-1.92853"),
        ("w2", "?"),
    ]:
        browser.run(HAND, name, typed)
    assert browser.text("#summary").startswith("2 of 4 agree. The first error, going backward: ∂L/∂w6.")
    browser.click("#summary button")
    assert browser.text("#step-title") == "Backward through t5 = t4 + w6"
    for name in ("w1", "w6"):
        browser.run(HAND, name, "")
    assert browser.text("#summary") == "2 of 2 agree."


@pytest.mark.parametrize(
    "text",
    [
        "(-0.2297, -0.0214, 0.0056)",
        "[np.float64(-0.2297), np.float64(-0.0214), np.float64(0.0056)]",
        "[-2.297e-01 -2.141e-02  5.625e-03]",
        "−0.2297,−0.0214,0.0056",
    ],
)
def test_a_list_is_pasted_into_field_after_field(show: Any, text: str) -> None:
    browser = show(explain(assignment()))
    browser.run(PASTE, text)
    verdicts = browser.run("return rows.map(({ row }) => row.querySelector('output').innerText)")
    sign = "✗ has the wrong sign, where ∂t14/∂t10 = t13 = −0.0810826, ∂t9/∂w3 = x3 = −1.459"
    assert verdicts[:4] == ["✓ agrees", "✓ agrees", sign, ""]
    assert browser.text("#summary").startswith("2 of 3 agree.")


def test_one_number_is_pasted_as_ever(show: Any) -> None:
    browser = show(explain(assignment()))
    assert [browser.run(PASTE, text) for text in ("-0,2297", "-0.2297", "1 2")] == [True, True, False]


PASTE = """
const clipboardData = new DataTransfer();
clipboardData.setData("text", arguments[0]);
const event = new ClipboardEvent("paste", { clipboardData, cancelable: true });
return document.querySelector("td input").dispatchEvent(event);
"""


def test_a_gradient_that_is_not_finite_agrees_with_nothing(show: Any) -> None:
    x = Value(0.0, "x")
    browser = show(explain(1 / x))
    assert browser.run(HAND, "x", "-5") == "✗ it is another number"


# What it must not do.


def test_labels_of_any_characters_are_shown_as_text(show: Any) -> None:
    browser = show(explain(Value(1.0, HOSTILE) * Value(2.0, "${x}`<img src=x onerror=alert(1)>")))
    browser.press("end", "left")
    assert browser.run("return document.querySelectorAll('b, img').length") == 0
    assert "</script><b>" in browser.text("#step")


def test_pages_in_one_notebook_keep_to_themselves(browser: Browser, tmp_path: Path) -> None:
    first, second = explain(assignment()), explain(constants())
    notebook = tmp_path / "notebook.html"
    cells = [
        "<!DOCTYPE html><title>Notebook</title><h1 id=step>Cell</h1>",
        *(explanation._repr_html_() for explanation in (first, second)),
    ]
    notebook.write_text("".join(cells), "utf-8")
    browser.open(notebook)
    for frame, walked in ((0, 3), (1, 1)):
        browser.enter(frame)
        browser.click("h1")
        browser.press(*["right"] * walked)
        assert position(browser) == walked
        browser.enter(None)
    browser.enter(0)
    assert position(browser) == 3
    assert browser.run("return document.querySelectorAll('#graph .node').length") == 35
    browser.enter(None)
    assert browser.text("#step") == "Cell"
    assert browser.run("return getComputedStyle(document.querySelector('#step')).fontSize") == "32px"
    assert browser.complaints() == []


def test_the_page_may_ask_nothing_of_the_network(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    explain(constants()).save(path)
    browser.open(path)
    answer = browser.run("return fetch('http://127.0.0.1:9/').then(() => 'answered', (error) => error.name)")
    assert answer == "TypeError"
    assert any("Content Security Policy" in complaint for complaint in browser.complaints())
    browser.requests()
