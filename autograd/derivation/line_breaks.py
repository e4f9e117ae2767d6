"""The derivation on paper: headings, equations, and where their lines are broken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from autograd.derivation.chain_rule import DerivativeStep
from autograd.derivation.expression_walks import ordered, size, substituted
from autograd.derivation.expressions import Symbolic
from autograd.derivation.latex import LatexWriter, latex
from autograd.derivation.lines import Lines
from autograd.derivation.text import TextWriter, text

__all__ = ["Equation", "Section", "as_latex", "as_text", "sections_of"]

WIDTH = 100  # characters of a line of text
SIMPLE = 60  # characters up to which a derivative is written in the inputs alone


class Equation(NamedTuple):
    """What is equal to each other.

    Attributes:
        left: the left-hand side.
        rows: right-hand sides, in rows.
    """

    left: Symbolic
    rows: tuple[tuple[Symbolic, ...], ...]


class Section(NamedTuple):
    """Equations under a heading."""

    heading: str
    equations: tuple[Equation, ...]


def sections_of(
    lines: Lines, between: Sequence[DerivativeStep], gradient: Sequence[DerivativeStep]
) -> list[Section]:
    """All that is written, in three sections: forward, backward, gradient."""
    forward = [Equation(name, ((expression,),)) for name, expression in lines.lines]
    backward = [_equation(step, None) for step in between]
    closing = _closing_forms(lines, gradient)
    sections = [
        Section("Forward", tuple(forward)),
        Section("Backward", tuple(backward)),
        Section("Gradient", tuple(_equation(step, last) for step, last in zip(gradient, closing))),
    ]
    return [section for section in sections if section.equations]


def _equation(step: DerivativeStep, last: Symbolic | None) -> Equation:
    """The forms of a derivative, each once: by the chain rule in the first row, in one piece in the next."""
    forms = {text(form): form for form in (step.rule, step.filled) if form != step.derivative}
    rows = [tuple(forms.values())] if sum(map(len, forms)) <= WIDTH else [(form,) for form in forms.values()]
    if last is not None and text(last) not in forms:
        rows.append((last,))
    return Equation(step.derivative, tuple(rows))


def _closing_forms(lines: Lines, gradient: Sequence[DerivativeStep]) -> list[Symbolic | None]:
    """The derivatives by the inputs without other derivatives, where that is short.

    In the inputs alone if all are short in them, else in the lines' names.
    """
    forms = [step.expanded for step in gradient]
    inlined = _in_inputs(lines, forms)
    return [_if_short(form, WIDTH) for form in (forms if None in inlined else inlined)]


def _in_inputs(lines: Lines, forms: Sequence[Symbolic | None]) -> list[Symbolic | None]:
    definitions: dict[Symbolic, Symbolic] = {}
    for name, expression in lines.lines:
        definitions[name] = substituted(expression, definitions)
        if size(definitions[name]) > SIMPLE:
            return [None]
    return [
        None if form is None else _if_short(ordered(substituted(form, definitions)), SIMPLE) for form in forms
    ]


def _if_short(form: Symbolic | None, width: int) -> Symbolic | None:
    return form if form is not None and len(text(form)) <= width else None


def as_text(sections: Sequence[Section]) -> str:
    """Sections as plain text; a long sum goes on in the next line with its next sign."""
    paragraphs = []
    for heading, equations in sections:
        lines = [f"{heading}:"]
        for left, rows in equations:
            lead = "    " + text(left)
            for sign, parts in _broken(rows, TextWriter()):
                lines.append(f"{lead} {sign or ' '} {parts}")
                lead = " " * len(lead)
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def as_latex(sections: Sequence[Section]) -> str:
    """Sections as one ``aligned`` environment."""
    lines = []
    for heading, equations in sections:
        lines.append(rf"&\textbf{{{heading}}}")
        for left, rows in equations:
            lead = f"{latex(left)} &"
            for sign, parts in _broken(rows, LatexWriter()):
                lines.append(lead + (f"= {parts}" if sign else rf"\quad {parts}"))
                lead = "&"
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _broken(rows: Sequence[Sequence[Symbolic]], writer: TextWriter) -> Iterator[tuple[str, str]]:
    """Rows as lines with the sign before each: a long sum is broken between terms, and goes on without."""
    for row in rows:
        if len(row) > 1:
            yield "=", " = ".join(map(writer.write, row))
            continue
        (form,) = row
        widths = [len(term) + 1 for term in TextWriter().terms(form)]
        breaks = [end // WIDTH for end in accumulate(widths)]
        written = writer.terms(form)
        for number in dict.fromkeys(breaks):
            parts = " ".join(term for term, at in zip(written, breaks) if at == number)
            yield "=" if number == breaks[0] else "", parts
