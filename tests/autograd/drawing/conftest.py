"""Fixtures that open one of the two ways to a layout, or neither."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest


@pytest.fixture
def only_pygraphviz(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pygraphviz", reason="pygraphviz is not installed")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


@pytest.fixture
def only_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("dot") is None:
        pytest.skip("the dot program is not installed")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


@pytest.fixture(params=["dot", "pygraphviz"])
def layout(request: pytest.FixtureRequest) -> str:
    """The name of the only way that is open."""
    request.getfixturevalue(f"only_{request.param}")
    return str(request.param)


@pytest.fixture
def no_graphviz(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
