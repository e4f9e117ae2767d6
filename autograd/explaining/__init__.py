"""`explain`: a page that shows the forward and the backward pass of a graph, step by step."""

from __future__ import annotations

import html
import os

from autograd.checking.tape import straightened
from autograd.explaining.boxes import boxed
from autograd.explaining.explained_graph import ExplainedGraph
from autograd.explaining.page import assemble
from autograd.explaining.telling import tell
from autograd.graph.nodes import number
from autograd.graph.value import Value
from autograd.graph.walks import applications, leaves, topological_order
from autograd.primitives.ieee import described
from autograd.programs.lowering import size_written_out
from autograd.support.whole_files import write_whole

__all__ = ["Explanation", "explain"]

MAX_NODES = 300


class Explanation:
    """A graph's two passes, explained: as a page, and as text (``print`` it).

    Attributes:
        html: the page: one HTML text that needs nothing else, no network and no server.
    """

    def __init__(self, result: Value) -> None:
        graph = ExplainedGraph(result)
        steps = list(tell(graph))
        self._sentences = [step.sentence for step in steps]
        self._title = f"The gradient of {graph.names[-1]}, step by step"
        self.html = assemble(graph, steps)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file, whole or not at all.

        Args:
            path: where to; a file there is replaced.

        Raises:
            OSError: it cannot be written.
        """
        write_whole(path, self.html)

    def _repr_html_(self) -> str:
        """The page in a frame of its own: its styles and its script stay there, the notebook's outside."""
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" title="{html.escape(self._title)}" '
            'sandbox="allow-scripts" style="width: 100%; height: 52rem; border: 0"></iframe>'
        )

    def __str__(self) -> str:
        return "\n".join(self._sentences)

    def __repr__(self) -> str:
        return (
            f"<Explanation in {len(self._sentences)} steps: .save('page.html') writes the page, "
            "print() the steps as text>"
        )


def explain(result: Value, *, max_nodes: int = MAX_NODES, unfold: bool = False) -> Explanation:
    """Show how a result and its gradients are computed, on a page to go through step by step.

    The page draws the graph, with a slider to walk forward and then backward, operation by operation.
    Each step shows the operation's rule in symbols and in numbers, and what it sends back to each
    operand. A table lists all gradients with their formulas. A gradient derived by hand can be typed into
    it: the page says whether it is right, and if not what may be wrong with it.

    The numbers are those of `Value.backward` on gradients that start from 0, to the bit; nobody's
    ``grad`` is changed. Formulas are in the textbook's form where the table of primitives has one.
    Nodes go by their labels; operations without one are called t1, t2, and so on, leaves v1, v2.

    A loop, the call of a compiled function, or an operation of one's own with several results is one step for
    each number that comes out of it: a function of the numbers that went in, with its derivatives by them as
    numbers. What it hands on is then that of `Value.backward` to rounding.

    What Python decides (``max``, ``min``, ``if``) is no operation, and what was not chosen is not in the
    graph; the page says so. Write `maximum`, `minimum` or `where` to see the choice.

    Args:
        result: what is differentiated, a loss for example.
        max_nodes: how many leaves and operations the graph may have.
        unfold: whether to write loops out, step by step.

    Returns:
        An `Explanation`. It shows itself in a notebook; `Explanation.save` writes the page to a file.

    Raises:
        TypeError: the result is no Value.
        ValueError: the graph is larger, or a Value in it has been changed since it was recorded.

    >>> w = Value(0.5, "w")
    >>> print(explain(w.sin().tanh()))
    L is computed from 1 leaf by 2 operations.
    Forward: t1 = sin(w) = sin(0.5) = 0.479426.
    Forward: L = tanh(t1) = tanh(0.479426) = 0.445783.
    The gradient of L by itself is 1.
    Backward through L = tanh(t1), with gradient 1: t1 receives 1·0.801277 = 0.801277.
    Backward through t1 = sin(w), with gradient 0.801277: w receives 0.801277·0.877583 = 0.703187.
    Done. The gradients of the leaves: w 0.703187.
    """
    if not isinstance(result, Value):
        raise TypeError(
            f"explain takes a Value, got {described(result)}: a graph is recorded where a formula is "
            "computed on Values"
        )
    _ = result.data  # refused while a function is traced
    if unfold:
        size = sum(
            size_written_out(operation, None if isinstance(parts[0], Value) else number(parts[0]))
            for operation, parts, _ in applications(result)
        )
        if size > max_nodes:
            raise ValueError(
                f"the graph has {size} operations with its loops written out, and nobody goes through so "
                f"many step by step (max_nodes is {max_nodes}): explain fewer steps of the loop, pass a "
                "larger max_nodes, or leave out unfold: a loop is then one operation"
            )
        (result,) = straightened([result], ())
    result = boxed(result)
    order = topological_order(result)
    nodes = len(order) + len(leaves(order))
    if nodes > max_nodes:
        raise ValueError(
            f"the graph has {nodes} nodes, and nobody goes through so many step by step (max_nodes is "
            f"{max_nodes}): explain a smaller part (one sample instead of a batch, a result nearer to the "
            "inputs), or pass a larger max_nodes"
        )
    return Explanation(result)
