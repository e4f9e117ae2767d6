"""The page: what is told of a graph as data, with the template that shows it, in one HTML text."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib import resources
from string import Template
from typing import Any

from autograd.comparing.sentences import Phrase
from autograd.derivation.expressions import Chain, Derivative, Symbol
from autograd.derivation.text import text
from autograd.explaining.backward_pass import BackwardStep
from autograd.explaining.candidates import Candidate, Candidates
from autograd.explaining.explained_graph import ExplainedGraph
from autograd.explaining.operation_formulas import textbook_remark
from autograd.explaining.picture import picture
from autograd.explaining.telling import Told
from autograd.graph.nodes import number, operands
from autograd.graph.value import Value
from autograd.primitives.notation import format_rounded
from autograd.programs.formulas import Formula, Operand

__all__ = ["assemble"]

PACE = 1500  # milliseconds a step, when the page plays
SHOWN_TERMS = 6  # of a sum in the table
TOLERANCE = 1e-9  # by which gradients derived by hand may differ relatively, where all digits are typed

SCRIPTS = ("writing.js", "story.js", "graph.js", "step.js", "verdicts.js", "table.js", "walk.js")


def assemble(graph: ExplainedGraph, steps: list[Told]) -> str:
    """The whole page, which loads nothing and runs no script but its own."""
    style, script = _template("page.css"), "".join(map(_template, SCRIPTS))
    return Template(_template("page.html")).substitute(
        title=html.escape(graph.names[-1]),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        data=_inert(json.dumps(_data(graph, steps), allow_nan=False, separators=(",", ":"))),
    )


def _template(name: str) -> str:
    return resources.files(__package__).joinpath("web", name).read_text("utf-8")


def _hash(text: str) -> str:
    """What a content security policy knows a style or a script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _inert(text: str) -> str:
    """JSON in which no HTML can begin or end."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


# The data. A number is a pair, as it is read and with all digits (JSON has no inf and no nan); a node is
# its position in the graph.


def _number(number: float | None) -> list[str] | None:
    return None if number is None else [format_rounded(number), repr(number)]


def _data(graph: ExplainedGraph, steps: list[Told]) -> dict[str, Any]:
    drawn = picture(graph)
    return {
        "size": drawn.size,
        "pace": PACE,
        "terms": SHOWN_TERMS,
        "listing": graph.listing(),
        "slips": _slips(graph),
        "nodes": [
            {
                "name": graph.names[node],
                "label": value.label,
                "heading": drawn.headings[node],
                "box": drawn.boxes[node],
                "value": _number(number(value)),
                "gradient": _number(graph.gradients[node]),
                "formula": _formula(graph, graph.formulas[node]),
                "operands": [_operand(graph, operand) for operand in operands(value)],
                "partials": [_formula(graph, partial) for partial in graph.partials[node]],
                "trunk": drawn.trunks[node],
                "edges": drawn.edges[node],
            }
            for node, value in enumerate(graph.nodes)
        ],
        "steps": [
            {
                "phase": step.phase,
                "sentence": step.sentence,
                "node": step.node,
                "gradient": _number(step.backward.gradient) if step.backward else None,
                "shares": _shares(step.backward) if step.backward else [],
            }
            for step in steps
        ],
    }


def _operand(graph: ExplainedGraph, operand: Value | float) -> int | list[str] | None:
    return _number(operand) if isinstance(operand, float) else graph.place[operand]


def _shares(step: BackwardStep) -> list[dict[str, Any]]:
    """What a step backward sends to each operand."""
    return [
        {
            **{
                name: _number(getattr(share, name)) for name in ("partial", "contribution", "before", "after")
            },
            "reason": share.reason,
            "remark": "" if share.partial is None else textbook_remark(step.node, place, share.partial),
        }
        for place, share in enumerate(step.shares)
    ]


def _formula(graph: ExplainedGraph, formula: Formula | None) -> dict[str, Any] | None:
    """A formula in texts, and nodes with whether a negative number must be enclosed there."""
    if formula is None:
        return None
    pieces = [
        [graph.place[piece.value], piece.is_tight]
        if isinstance(piece, Operand) and isinstance(piece.value, Value)
        else Formula((piece,)).text()
        for piece in formula.pieces
    ]
    return {"pieces": pieces, "isFactor": formula.is_factor}


def _slips(graph: ExplainedGraph) -> dict[str, Any]:
    """What slips make of the gradients; what is said often is written once, and referred to by its place."""
    slips = Candidates(graph)
    by_name = {name: node for node, name in enumerate(graph.names)}
    sayings: dict[tuple[Phrase, int | None], int] = {}

    def entry(candidate: Candidate) -> list[Any]:
        saying = sayings.setdefault((candidate.says, candidate.factor), len(sayings))
        return [candidate.number, saying, candidate.suspects]

    return {
        "tolerance": TOLERANCE,
        "factors": [[factor.user, factor.place, _number(factor.partial)] for factor in slips.factors],
        "candidates": [
            [entry(candidate) for candidate in slips.of(node)] for node in range(len(graph.nodes))
        ],
        "swapped": [entry(candidate) for candidate in slips.swapped],
        "sayings": [{"pieces": _saying(says, by_name), "factor": factor} for says, factor in sayings],
    }


def _saying(says: Phrase, by_name: dict[str, int]) -> list[Any]:
    """A phrase in texts and nodes."""
    pieces: list[Any] = []
    for part in says:
        if isinstance(part, str):
            pieces.append(part)
        elif isinstance(part, Derivative):
            pieces += ["∂", [by_name[part.of]], "/∂", [by_name[part.by]]]
        elif isinstance(part, Symbol):
            pieces.append([by_name[part.name]])
        elif isinstance(part, Chain):
            pieces += [piece for factor in part.parts for piece in (" · ", *_saying((factor,), by_name))][1:]
        else:
            pieces.append(text(part))
    return pieces
