"""`draw`: the graph that a value was computed by, or a program, as a picture that Graphviz lays out."""

from __future__ import annotations

from autograd.drawing.dot import written
from autograd.drawing.folding import FOLDS
from autograd.drawing.pictures import Drawing
from autograd.drawing.program_sketch import sketch_of_program, unfolded
from autograd.drawing.sketch import nearest
from autograd.drawing.value_sketch import sketch_of_values
from autograd.graph.value import Value
from autograd.programs.program import Program

__all__ = ["Drawing", "draw"]

MAX_NODES = 2_000


def draw(
    value: Value | Program,
    *more: Value,
    max_nodes: int = MAX_NODES,
    fold: str | None = None,
    unfold: bool = False,
) -> Drawing:
    """Draw the graph that values were computed by, from the inputs on the left to them on the right.

    A value is a box with its label, data and gradient (5 digits; the SVG's tooltips have all): rounded where
    an operation made it; square, with a heavy blue border, where it is an input. An operation is a small dark
    ellipse with its symbol or name; where the order of its operands matters, their arrows are numbered. A
    constant is a bare number, and is drawn at each use. Where a line would be long, the value that it comes
    from is drawn again, with a dashed border. If there are more than 8 inputs, each is drawn at each use.

    An operation with several results is a dark box with a field for each operand and each result. So is one
    that holds code, as a loop does: it says what the code is called and how many operations it has.

    The darker a box, the larger is its gradient, in decades; a legend below names them. The operations of
    a `scope` are in a labelled box. A `Program` is drawn with the names of its inputs, outputs and
    labelled results, and without numbers.

    Args:
        value: the result to draw, or a program.
        more: further results for the same picture.
        max_nodes: how many inputs and results may be drawn. Of a larger graph those nearest to the result
            are drawn, and a line below the picture says so; dashed boxes with "…" stand for the rest.
        fold: "layers" draws operations of the same form as one box that says how many they are, together
            with what only they use, so that a layer of a network is one box. A layer ends with a labelled
            result, with a scope, or with a function whose results go into products and sums. "scopes"
            draws each outermost scope as one box.
        unfold: whether the code that operations hold is drawn too: of a loop one step, without numbers.

    Returns:
        A `Drawing`. It shows itself in a notebook; `Drawing.render` writes it to a file.

    Raises:
        TypeError: an argument is neither a Value nor a program.
        ValueError: `max_nodes` is below 1, or `fold` is not one of the two.

    >>> x = Value(3.0, "x")
    >>> draw(2 * x + 1)
    <Drawing of 7 nodes and 6 edges: .render('graph.svg') writes it, .source is its DOT text>
    >>> draw(2 * x + 1, fold="layers")
    <Drawing of 3 nodes and 2 edges: .render('graph.svg') writes it, .source is its DOT text>
    """
    if fold is not None and fold not in FOLDS:
        raise ValueError(f"fold must be None, {' or '.join(map(repr, FOLDS))}, got {fold!r}")
    if max_nodes < 1:
        raise ValueError(f"max_nodes must be at least 1, got {max_nodes}")
    if isinstance(value, Program) and not more:
        sketch = sketch_of_program(value)
    else:
        sketch = sketch_of_values((value, *more))
    if unfold:
        sketch = unfolded(sketch)
    if fold is not None:
        sketch = FOLDS[fold](sketch)
    drawn = nearest(sketch, max_nodes)
    if drawn.notice:
        advice = "" if fold else '; fold="layers" draws what is alike as one'
        drawn = drawn._replace(notice=f"{drawn.notice}{advice}; max_nodes= draws more or less")
    return written(drawn)
