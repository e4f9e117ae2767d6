"""`draw`: what is drawn, how it is written as DOT, and its layout by either program, or by none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import graphviz
import numpy as np
import pytest

import autograd
from autograd import Value, primitive, trace
from autograd.drawing import HUB, SHOWN_NODES, Drawing, draw

SVG = "{http://www.w3.org/2000/svg}"


def nodes(picture: Drawing) -> dict[str, dict[str, str]]:
    """The nodes of a picture by name, each with its attributes."""
    lines = (re.fullmatch(r"\t(\w+) \[(.*)\]\n", line) for line in picture.body)
    return {line[1]: attributes(line[2]) for line in lines if line}


def edges(picture: Drawing) -> list[tuple[str, str, dict[str, str]]]:
    """The edges of a picture: labels of tail and head, attributes."""
    label = {name: found["label"] for name, found in nodes(picture).items()}
    lines = (re.fullmatch(r"\t(\w+) -> (\w+)(?: \[(.*)\])?\n", line) for line in picture.body)
    return [(label[line[1]], label[line[2]], attributes(line[3] or "")) for line in lines if line]


def attributes(text: str) -> dict[str, str]:
    return {key: value.strip('"') for key, value in re.findall(r'(\w+)=("(?:\\.|[^"])*"|\S+)', text)}


def labels(picture: Drawing) -> list[str]:
    return [found["label"] for found in nodes(picture).values()]


def texts(svg: bytes) -> list[str | None]:
    """What is to be read in an SVG, line by line."""
    return [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


# What is drawn.


def test_values_and_operations_are_connected_nodes() -> None:
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    c = a * b
    c.label = "c"
    picture = draw((c + 1).tanh())
    assert [edge[:2] for edge in sorted(edges(picture))] == [
        ("*", "c | data -6 | grad 0"),
        ("+", "data -5 | grad 0"),
        ("1", "+"),
        ("a | data 2 | grad 0", "*"),
        ("b | data -3 | grad 0", "*"),
        ("c | data -6 | grad 0", "+"),
        ("data -5 | grad 0", "tanh"),
        ("tanh", "data -0.99991 | grad 0"),
    ]
    assert len(nodes(picture)) == 9
    assert "rankdir=LR" in picture.source


def test_gradients_are_drawn_and_nothing_is_changed() -> None:
    x, w = Value(1.23456789, "x"), Value(0.5, "w")
    loss = (w * x - 1) ** 2
    loss.backward()
    before = [(v.data, v.grad) for v in (x, w, loss)]
    picture = draw(loss)
    assert "x | data 1.2346 | grad -0.38272" in labels(picture)
    assert f"data {x.data}, grad {x.grad}" in picture.source, "the tooltip has all digits"
    assert [(v.data, v.grad) for v in (x, w, loss)] == before


def test_infinities_and_nan_are_drawn() -> None:
    assert "data inf | grad 0" in labels(draw(Value(1.0) / 0))
    assert "data nan | grad 0" in labels(draw(Value(-1.0).log()))


def test_kinds_of_nodes_differ_in_shape_border_and_fill() -> None:
    found = {one["label"]: one for one in nodes(draw(Value(1.0, "x") * 2)).values()}
    leaf, result = found["x | data 1 | grad 0"], found["data 2 | grad 0"]
    for look in "shape", "fillcolor":
        assert leaf[look] != result[look], f"a leaf and a result have the same {look}"
    assert "penwidth" in leaf
    assert "penwidth" not in result
    assert found["*"]["shape"] == "ellipse"
    assert found["2"]["shape"] == "plaintext"


def test_the_order_of_operands_is_told_where_it_matters() -> None:
    x, y = Value(5.0, "x"), Value(3.0, "y")
    number = {(tail[0], head): more.get("headlabel") for tail, head, more in edges(draw(x - y, y + x))}
    assert number["x", "-"] == "1"
    assert number["y", "-"] == "2"
    assert number["x", "+"] is number["y", "+"] is None
    choice = edges(draw(autograd.where(x, y, 7.0)))
    assert [(tail[0], more["headlabel"]) for tail, head, more in choice if head == "where"] == [
        ("x", "1"),
        ("y", "2"),
        ("7", "3"),
    ]
    assert "headlabel" not in draw(-x).source, "a single operand has no number"


def test_a_value_used_twice_by_one_operation_is_one_node_with_two_edges() -> None:
    x = Value(3.0, "x")
    assert [edge[:2] for edge in edges(draw(x * x))] == [
        ("x | data 3 | grad 0", "*"),
        ("x | data 3 | grad 0", "*"),
        ("*", "data 9 | grad 0"),
    ]


@pytest.mark.parametrize(("uses", "copies"), [(HUB, 1), (HUB + 1, HUB + 1)])
def test_an_input_used_more_than_8_times_is_drawn_again_beside_each_use(uses: int, copies: int) -> None:
    a, v = Value(0.5, "a"), Value(0.0, "v")
    for _ in range(uses):
        v = v + a
    drawn = [one for one in nodes(draw(v)).values() if one["label"].startswith("a |")]
    assert len(drawn) == copies
    assert all(("dashed" in one.get("style", "")) == (copies > 1) for one in drawn)


def test_a_result_is_drawn_once_however_often_it_is_used() -> None:
    h = Value(1.0, "x") * 3
    h.label = "h"
    assert (
        sum(one.startswith("h |") for one in labels(draw(sum((h * i for i in range(20)), Value(0.0))))) == 1
    )


def test_a_constant_is_drawn_at_each_use() -> None:
    x = Value(1.0, "x")
    assert labels(draw((x + 2.5) * 2.5 - 2.5)).count("2.5") == 3


def test_several_results_share_one_picture() -> None:
    x = Value(2.0, "x")
    h = x * 3
    alone = Value(7.0, "alone")
    picture = draw(h + 1, h - 1, h, x, alone, alone)
    assert sorted(label for label in labels(picture) if "data" in label) == [
        "alone | data 7 | grad 0",
        "data 5 | grad 0",
        "data 6 | grad 0",
        "data 7 | grad 0",
        "x | data 2 | grad 0",
    ]


def test_a_leaf_alone_is_a_picture() -> None:
    assert labels(draw(Value(1.0, "x"))) == ["x | data 1 | grad 0"]


def test_a_deep_graph_is_walked_without_recursion() -> None:
    v = Value(1.0)
    for _ in range(5_000):
        v = -v
    assert len(nodes(draw(v))) == 10_001


def test_a_primitive_of_the_users_own_is_drawn_by_its_name_or_symbol() -> None:
    cube = primitive("drawn_cube", lambda x: x**3, lambda _, x: (3 * x**2,))
    odd = primitive("drawn_odd", lambda x, _: x, (1, 0), symbol="<|>")
    x = Value(2.0, "x")
    assert ("drawn_cube", "data 8 | grad 0", {"weight": "2"}) in edges(draw(cube(x)))
    assert r"\<\|\>" in labels(draw(odd(x, x)))


@pytest.mark.parametrize("thing", [3.0, "x", None, [Value(1.0)], np.array([1.0])])
def test_anything_but_a_value_is_refused_by_its_type(thing: object) -> None:
    with pytest.raises(TypeError, match=f"draw takes Values.*got {type(thing).__name__}"):
        draw(thing)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="draw takes Values"):
        draw(Value(1.0), thing)  # type: ignore[arg-type]


def test_a_drawing_says_how_large_it_is_and_what_to_do_with_it() -> None:
    said = repr(draw(Value(1.0) + 1))
    assert "4 nodes and 3 edges" in said
    assert ".render(" in said
    assert ".source" in said


# Layout, by either program.


@pytest.fixture(params=["dot", "pygraphviz"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Only one of the two ways to a layout is open."""
    if request.param == "dot":
        if shutil.which("dot") is None:
            pytest.skip("the dot program is not installed")
        monkeypatch.setitem(sys.modules, "pygraphviz", None)
    else:
        only_pygraphviz(monkeypatch, tmp_path)
    return str(request.param)


def only_pygraphviz(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pygraphviz", reason="pygraphviz is not installed")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


def put_dot_on_path(script: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A `dot` program that does what a shell script says."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "dot").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def picture_of_a_sum() -> Drawing:
    return draw(Value(1.0, "x") + Value(2.0, "y"))


@pytest.mark.parametrize(
    ("name", "kind", "written", "start", "end"),
    [
        ("a.svg", None, "a.svg", b"<?xml", b"</svg>"),
        ("a.PNG", None, "a.PNG", b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
        ("a.pdf", None, "a.pdf", b"%PDF", b"%%EOF"),
        ("new/folder/a", "PNG", "new/folder/a.PNG", b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
        ("a.svg", "svg", "a.svg", b"<?xml", b"</svg>"),
        ("a.png", "svg", "a.png.svg", b"<?xml", b"</svg>"),
    ],
)
def test_render_writes_the_format_that_the_suffix_or_the_argument_names(
    layout: str, tmp_path: Path, name: str, kind: str | None, written: str, start: bytes, end: bytes
) -> None:
    assert picture_of_a_sum().render(tmp_path / name, kind) == str(tmp_path / written)
    content = (tmp_path / written).read_bytes()
    assert content.startswith(start), f"{layout} wrote {content[:20]!r}"
    assert content.rstrip().endswith(end), f"{layout} wrote only a part: ... {content[-20:]!r}"
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == 1, "a partial file is left"


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.dot"])
def test_a_format_that_is_none_of_the_three_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"svg, png or pdf, got '.*\.save\(path\)"):
        picture_of_a_sum().render(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize(
    "label",
    [
        "a|b {c} <d> e",
        'say "hi"',
        "back\\slash",
        '\\N \\n \\l \\\\ \\"',
        "ends in \\",
        "∂L/∂w₁ 日本 é",
        "two\nlines",
        "&lt; & &amp; &#65;",
        "<b>bold</b>",
        "a -> b; // c",
        "graph",
    ],
)
def test_a_label_is_drawn_as_it_is(label: str) -> None:
    *drawn, data, grad = texts(draw(Value(1.0, label)).pipe("svg"))
    assert "\n".join(map(str, drawn)) == label
    assert (data, grad) == ("data 1", "grad 0")


@pytest.mark.usefixtures("layout")
def test_what_an_svg_cannot_hold_is_replaced() -> None:
    assert texts(draw(Value(1.0, "a\x00b\x1bc\ud800d\te")).pipe("svg"))[0] == "a�b�c�d�e"


@pytest.mark.usefixtures("layout")
def test_symbols_of_operations_are_drawn_as_they_are() -> None:
    strange = primitive("drawn_strange", lambda x: x, (1,), symbol="<=&{|}\\>")
    drawn = texts(draw(strange(Value(1.0)), autograd.less(Value(1.0), 2)).pipe("svg"))
    assert "<=&{|}\\>" in drawn
    assert "<" in drawn


def test_a_chain_of_2000_with_one_shared_input_is_laid_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    only_pygraphviz(monkeypatch, tmp_path)
    a, v = Value(0.5, "a"), Value(0.0, "v")
    for _ in range(2_000):
        v = v + a
    svg = draw(v).pipe("svg", timeout=10)
    assert texts(svg).count("a") == 2_000


def test_dot_is_given_the_source_and_the_format(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_dot_on_path(f'echo "$@" > "{tmp_path}/arguments"; cat', monkeypatch, tmp_path)
    picture = picture_of_a_sum()
    assert picture.pipe("png") == picture.source.encode()
    assert (tmp_path / "arguments").read_text() == "-Tpng -Gdpi=144\n"


@pytest.mark.usefixtures("layout")
def test_warnings_are_no_errors_of_the_layout(tmp_path: Path) -> None:
    program = (
        "from autograd.drawing import draw; from autograd import Value; draw(Value(1.0)).render('a.svg')"
    )
    root = Path(autograd.__file__).parents[1]
    subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program],
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"},
        cwd=tmp_path,
        check=True,
    )
    assert (tmp_path / "a.svg").exists()


# Where there is no layout.


@pytest.fixture
def no_graphviz(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


@pytest.mark.usefixtures("no_graphviz")
def test_without_graphviz_the_error_says_what_to_install(tmp_path: Path) -> None:
    picture = picture_of_a_sum()
    with pytest.raises(RuntimeError, match=r'pip install "valuegrad\[draw\]".*apt install graphviz') as error:
        picture.render(tmp_path / "a.svg")
    assert ".source" in str(error.value)
    assert picture.source.startswith("digraph")
    assert picture._repr_svg_() is None
    assert picture._repr_mimebundle_() == {}
    assert not list(tmp_path.iterdir())


def test_at_the_time_limit_the_child_is_killed_and_no_file_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put_dot_on_path(f'echo $$ > "{tmp_path}/pid"; exec sleep 60', monkeypatch, tmp_path)
    target = tmp_path / "out"
    target.mkdir()
    with pytest.raises(TimeoutError, match=r"4 nodes and 3 edges took longer than 1 s.*timeout=") as error:
        draw(Value(1.0) + 1).render(target / "a.svg", timeout=1)
    assert "smaller" in str(error.value)
    assert not list(target.iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_the_time_limit_holds_for_pygraphviz_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    only_pygraphviz(monkeypatch, tmp_path)
    with pytest.raises(TimeoutError, match="took longer than"):
        picture_of_a_sum().render(tmp_path / "a.svg", timeout=1e-3)
    assert not list(tmp_path.iterdir())


def test_where_dot_fails_the_error_says_what_it_said_and_an_older_file_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put_dot_on_path('echo "<svg>half of"; echo "out of ink" >&2; exit 3', monkeypatch, tmp_path)
    target = tmp_path / "out" / "a.svg"
    target.parent.mkdir()
    target.write_text("older")
    with pytest.raises(RuntimeError, match=r"failed on 4 nodes.*exit status 3: out of ink"):
        draw(Value(1.0) + 1).render(target)
    assert target.read_text() == "older"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.usefixtures("layout")
def test_where_the_file_cannot_be_written_no_partial_one_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.svg").mkdir()
    with pytest.raises(OSError, match=r"a\.svg"):
        picture_of_a_sum().render(tmp_path / "a.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]


# In a notebook, in a viewer.


@pytest.mark.usefixtures("layout")
def test_a_notebook_shows_the_picture() -> None:
    picture = picture_of_a_sum()
    svg = picture._repr_svg_()
    assert svg is not None
    assert "x" in texts(svg.encode())
    assert picture._repr_mimebundle_() == {"image/svg+xml": svg}
    assert picture._repr_mimebundle_(include={"image/png"}) == {}
    assert picture._repr_mimebundle_(exclude={"image/svg+xml"}) == {}


def test_a_notebook_does_not_wait_for_a_large_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    v = Value(1.0)
    for _ in range(SHOWN_NODES // 2):
        v = -v
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a layout was started"))
    assert draw(v)._repr_svg_() is None


def test_nothing_that_goes_wrong_reaches_a_notebook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_dot_on_path("exit 1", monkeypatch, tmp_path)
    assert picture_of_a_sum()._repr_svg_() is None


@pytest.mark.usefixtures("layout")
def test_view_opens_what_was_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[str] = []
    monkeypatch.setattr(graphviz, "view", opened.append)
    assert picture_of_a_sum().view(tmp_path / "a.pdf") == str(tmp_path / "a.pdf")
    assert opened == [str(tmp_path / "a.pdf")]
    assert (tmp_path / "a.pdf").exists()


def test_a_program_is_drawn_with_its_names_and_no_numbers():
    program = trace(lambda x, w: [x * w + 2, w, 1.0], 1.0, 2.0)
    source = draw(program).source
    for part in (
        "label=x",
        "label=w",
        'label="*"',
        'label="+"',
        "label=2",
        "result 1",
        "result 2",
        "result 3",
    ):
        assert part in source, part
    assert "data" not in source
    assert draw(program).pipe("svg").startswith(b"<?xml")


def test_a_program_s_hub_is_drawn_again_at_each_use():
    def f(a):
        total = a
        for _ in range(20):
            total = total.sin() + a
        return total

    assert draw(trace(f, 1.0)).source.count("label=a ") == 21
