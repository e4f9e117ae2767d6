"""`derive`: the derivative of a formula, derived step by step as a person would write it down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.derivation.chain_rule import DerivativeStep, chain_rule
from autograd.derivation.expression_walks import walk
from autograd.derivation.expressions import Applied, Derivative, Slope, Symbol
from autograd.derivation.line_breaks import as_latex, as_text, sections_of
from autograd.derivation.lines import Lines, lines_of
from autograd.derivation.text import is_comparison
from autograd.derivatives.runs import argument_places
from autograd.derivatives.transforms import value_and_grad
from autograd.graph.trees import flatten
from autograd.graph.value import Value
from autograd.primitives import table
from autograd.programs.lowering import size_of_straight, straight
from autograd.programs.program import Program, trace

__all__ = ["Derivation", "derive"]

MAX_OPERATIONS = 200


class Derivation:
    """A derivative, derived: as text (``print`` it), in LaTeX (notebooks show it), as Python source.

    Attributes:
        lines: the formula, in lines that each have a name.
        between: the derivatives by the lines' names, from the result back.
        gradient: the derivatives by the inputs.
        program: makes the program that returns the value and the gradient.
        captured: the Values that the function closes over, the last of the lines' inputs.
    """

    def __init__(
        self,
        lines: Lines,
        inputs: Sequence[Symbol],
        program: Callable[[], Program],
        captured: Sequence[Value] = (),
    ) -> None:
        self.lines = lines
        self.captured = tuple(captured)
        self.between, self.gradient = chain_rule(lines, inputs)
        self._sections = sections_of(lines, self.between, self.gradient)
        self.program = program

    @property
    def steps(self) -> list[DerivativeStep]:
        """All derivatives, from the result back, the inputs' last."""
        return [*self.between, *self.gradient]

    @property
    def text(self) -> str:
        """The derivation as plain text."""
        return "\n\n".join([as_text(self._sections), *self._notes()])

    @property
    def latex(self) -> str:
        """The derivation in LaTeX: an ``aligned`` environment, for math mode."""
        return as_latex(self._sections)

    @property
    def source(self) -> str:
        """Python source of a function of the flat inputs that returns the value and the gradient.

        Raises:
            TracingError: a rule of a primitive of the user's computes on floats only.
        """
        return self.program().source

    def _notes(self) -> list[str]:
        """What has to be said about how it is written, where it is written so."""
        rows = [row for section in self._sections for equation in section.equations for row in equation.rows]
        written = {part for row in rows for form in row for part in walk(form)}
        calls = {part.primitive for part in written if isinstance(part, Applied)}
        notes = []
        if any(isinstance(part, Derivative) and part.partial for part in written):
            notes.append("∂ stands for the direct dependence: the other names in the line are held fixed.")
        if any(map(is_comparison, written)):
            notes.append("A comparison counts as 1 where it holds, as 0 elsewhere.")
        if table.where in calls:
            notes.append("where(c, a, b) is a where c holds, b elsewhere.")
        if table.stop_gradient in calls:
            notes.append("stop_gradient(x) is x, but counts as a constant.")
        slopes = sorted({part.primitive.name for part in written if isinstance(part, Slope)})
        if slopes:
            notes.append(
                f"The rule of {', '.join(slopes)} cannot be written as a formula: ' (or ∂1, ∂2) marks it."
            )
        return ["\n".join(notes)] if notes else []

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Derivation in {len(self.text.splitlines())} lines: print it, or take .latex or .source>"

    def _repr_latex_(self) -> str:
        return f"$${self.latex}$$"


def derive(
    f: Callable[..., Any], *args: Any, argnums: int | Sequence[int] = 0, max_operations: int = MAX_OPERATIONS
) -> Derivation:
    """Derive the gradient of a formula by the chain rule, step by step, as people do by hand.

    The formula is written in a few named lines, then the derivative of its result by each name, from
    the result back, then by each input. Each derivative is written first by the chain rule, then with the
    partial derivatives filled in, in the form that textbooks have, then in one piece if that is short.

    Loops are written out, step by step.

    Names are those of the function's parameters (``w[0]``), and the labels of Values: label the arguments,
    ``Value(0.1, "w1")``, or results inside the function, ``u.label = "u"``, to see the names of your own
    notes. Other results are named where they need a name.

    Args:
        f: a function that can be traced and returns one scalar.
        args: its arguments, as for `trace`: numbers, Values and arrays in any nesting. Their numbers do not
            matter.
        argnums: which argument, or arguments, to differentiate by.
        max_operations: how large the formula may be.

    Returns:
        A `Derivation`, which prints as text and shows itself as formulas in a notebook.

    Raises:
        TracingError: the function cannot be traced: it decides by a number.
        TypeError: it does not return one scalar, an argument is not made of numbers, or ``argnums``
            names no argument.
        ValueError: the formula has more operations than ``max_operations``.

    >>> from autograd import sigmoid
    >>> def loss(w, x, y):
    ...     return (y - sigmoid(w[0] * x + w[1])) ** 2
    >>> print(derive(loss, [0.5, 0.1], 2.0, 1.0))
    Forward:
        s = sigmoid(w[0]*x + w[1])
        L = (y - s)^2
    <BLANKLINE>
    Backward:
        dL/ds = -2*(y - s)
    <BLANKLINE>
    Gradient:
        dL/dw[0] = dL/ds * ds/dw[0] = dL/ds * s*(1 - s)*x
                 = -2*(y - s)*s*(1 - s)*x
        dL/dw[1] = dL/ds * ds/dw[1] = dL/ds * s*(1 - s)
                 = -2*(y - s)*s*(1 - s)
    """
    program = trace(f, *args)
    if not program.results.is_scalar:
        raise TypeError(
            f"the function to derive must return one scalar, got the structure {program.results}: add it "
            "up to one, or derive its results one by one"
        )
    size = size_of_straight(program.code)
    if size > max(max_operations, len(program.code)):
        raise ValueError(
            f"{program.name} has {size} operations with its loops written out step by step, and nobody "
            f"derives so many by hand (max_operations is {max_operations}): derive a loop of fewer steps, or "
            "what one step computes; print(trace(value_and_grad(f), ...)) shows the gradient as a loop"
        )
    code = straight(program.code)
    if len(code) > max_operations:
        raise ValueError(
            f"{program.name} has {len(code)} operations, and nobody derives so many by hand "
            f"(max_operations is {max_operations}): derive a smaller part (one sample instead of a batch), "
            "read trace(value_and_grad(f), ...).source, or pass a larger max_operations"
        )
    scalars, _ = flatten(args)
    labels = [
        scalar.label if isinstance(scalar, Value) and scalar.label else name
        for scalar, name in zip(scalars, program.inputs)
    ]
    lines = lines_of(code, [*labels, *program.inputs[len(labels) :]])
    places = [at for place in argument_places(argnums, len(args)) for at in program.arguments.places(place)]
    inputs = [lines.inputs[at] for at in places]
    return Derivation(lines, inputs, lambda: trace(value_and_grad(f, argnums), *args), program.captured)
