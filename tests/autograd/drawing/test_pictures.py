"""`Drawing`: layout by either program, files written whole, what a notebook shows, and errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import graphviz
import pytest

import autograd
from autograd import Value, draw, primitive, trace
from autograd.drawing import Drawing
from autograd.drawing.pictures import SHOWN_NODES
from autograd.notebooks import SHOWN_AT_ONCE, notebook_svg
from tests.autograd.drawing.reading import texts


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


def test_a_layout_that_takes_too_long_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put_dot_on_path("exec sleep 60", monkeypatch, tmp_path)
    advice = r'4 nodes and 3 edges took longer than 0\.01 s.*fold="layers".*timeout=\.\.\.'
    with pytest.raises(TimeoutError, match=advice):
        picture_of_a_sum().pipe(timeout=0.01)


@pytest.mark.usefixtures("only_pygraphviz")
def test_the_time_limit_holds_for_pygraphviz_too(tmp_path: Path) -> None:
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
    with pytest.raises(RuntimeError, match=r"Graphviz .*dot. failed on 4 nodes.*exit status 3: out of ink"):
        draw(Value(1.0) + 1).render(target)
    assert target.read_text() == "older"
    assert list(target.parent.iterdir()) == [target]


def test_a_layout_that_says_nothing_has_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_dot_on_path("exit 0", monkeypatch, tmp_path)
    with pytest.raises(RuntimeError, match="failed on 4 nodes"):
        picture_of_a_sum().pipe()


def test_save_writes_the_dot_text_into_a_folder_that_it_makes(tmp_path: Path) -> None:
    picture = picture_of_a_sum()
    target = tmp_path / "new" / "folder" / "graph.gv"
    for _ in range(2):
        assert picture.save(target) == str(target)
        assert target.read_text(encoding="utf-8") == picture.source


@pytest.mark.usefixtures("layout")
def test_where_the_file_cannot_be_written_no_partial_one_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.svg").mkdir()
    with pytest.raises(OSError, match=r"a\.svg"):
        picture_of_a_sum().render(tmp_path / "a.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]


@pytest.mark.usefixtures("layout")
def test_a_notebook_shows_the_picture() -> None:
    picture = picture_of_a_sum()
    svg = picture._repr_svg_()
    assert svg is not None
    assert "x" in texts(svg.encode())
    assert picture._repr_mimebundle_() == {"image/svg+xml": svg}
    assert picture._repr_mimebundle_(include={"image/png"}) == {}
    assert picture._repr_mimebundle_(exclude={"image/svg+xml"}) == {}
    both = {"image/svg+xml", "image/png"}
    assert picture._repr_mimebundle_(include=both, exclude={"image/png"}) == {"image/svg+xml": svg}
    assert picture._repr_mimebundle_(include=both, exclude=both) == {}


def test_a_notebook_does_not_wait_for_a_large_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    v = Value(1.0)
    for _ in range(SHOWN_NODES // 2):
        v = -v
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a layout was started"))
    assert draw(v)._repr_svg_() is None
    assert draw(v, max_nodes=10)._repr_svg_() is None, "what is not all there stays a text, which says so"


def test_a_picture_of_2000_nodes_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_dot_on_path("echo drawn", monkeypatch, tmp_path)
    v = Value(1.0) + 1.0  # with the constant and the operation four nodes; each further operation is two
    for _ in range(SHOWN_NODES // 2 - 2):
        v = -v
    assert draw(v)._repr_svg_() == "drawn\n"
    assert draw(-v)._repr_svg_() is None


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


@pytest.mark.usefixtures("layout")
def test_a_value_and_a_program_have_a_picture_for_a_notebook() -> None:
    x = Value(1.0, "x")
    for shown in (x.sin(), trace(lambda x: x.sin(), 1.0)):
        svg = notebook_svg(shown)
        assert svg is not None
        assert {"x", "sin"} <= set(texts(svg.encode()))


@pytest.mark.parametrize(("length", "is_shown"), [(199, True), (200, False)])
def test_a_value_of_at_most_200_nodes_is_shown(length: int, is_shown: bool) -> None:
    v = Value(1.0)
    for _ in range(length):
        v = -v
    assert (notebook_svg(v) is not None) == is_shown


@pytest.mark.usefixtures("no_graphviz")
def test_without_graphviz_their_text_stands() -> None:
    assert notebook_svg(Value(1.0).sin()) is None
    assert notebook_svg(trace(lambda x: x.sin(), 1.0)) is None


def test_of_large_ones_the_text_stands_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def chain(v: Value) -> Value:
        for _ in range(SHOWN_AT_ONCE + 1):
            v = v.sin()
        return v

    value, program = chain(Value(1.0)), trace(chain, 1.0)
    for slow in ("sketch_of_values", "sketch_of_program"):
        monkeypatch.setattr(autograd.drawing, slow, lambda _: pytest.fail("all of it was looked at"))
    assert notebook_svg(value) is None
    assert notebook_svg(program) is None


def test_what_cannot_be_drawn_is_a_text_in_a_notebook_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Drawing, "pipe", lambda *_: 1 / 0)
    assert notebook_svg(Value(1.0).sin()) is None
    assert notebook_svg("no value") is None  # type: ignore[arg-type]


def test_size_counts_nodes_and_edges_whatever_labels_say() -> None:
    x = Value(1.0, 'a -> b [label="c"]')
    with autograd.graph.scopes.scope("x -> y"):
        y = -x
    y.backward()
    assert repr(draw(y)).startswith("<Drawing of 3 nodes and 2 edges:")
