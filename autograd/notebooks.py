"""What a notebook shows of values and programs: attached from above, so that they know nothing of drawing."""

from __future__ import annotations

from importlib import import_module

from autograd.graph.value import Value
from autograd.programs.program import Program

__all__ = ["notebook_svg"]

SHOWN_AT_ONCE = 200  # nodes of the largest graph that a notebook shows because a cell ends with a value


def notebook_svg(shown: Value | Program) -> str | None:
    """The picture that a notebook shows for a value or a program.

    None where there is no layout, or the graph has more than 200 nodes: the notebook then shows the text.
    It takes a few seconds at most and never raises.
    """
    try:
        if isinstance(shown, Program):
            is_large = len(shown) > SHOWN_AT_ONCE
        else:  # what draws is imported when something is shown: most programs draw nothing
            is_large = import_module("autograd.drawing.value_sketch").has_more_than(shown, SHOWN_AT_ONCE)
        return (
            None
            if is_large
            else import_module("autograd.drawing").draw(shown, max_nodes=SHOWN_AT_ONCE)._repr_svg_()
        )
    except Exception:  # whatever goes wrong with the picture, a notebook's cell must not fail by it
        return None


for kind in (Value, Program):
    setattr(kind, "_repr_svg_", notebook_svg)  # noqa: B010  neither class declares it, and mypy holds them to that
