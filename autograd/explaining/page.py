"""The page: an account of a graph as data, with the template that shows it, in one HTML text."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib import resources
from string import Template
from typing import Any

from autograd.explaining.backward_pass import Step
from autograd.explaining.contents import Account
from autograd.explaining.picture import picture
from autograd.explaining.telling import Told
from autograd.explaining.words import Formula, rounded
from autograd.graph.value import Value
from autograd.graph.walks import number, operands

__all__ = ["assemble"]

PACE = 1500  # milliseconds a step, when the page plays
SHOWN_TERMS = 6  # of a sum in the table

SCRIPTS = ("writing.js", "story.js", "graph.js", "step.js", "slips.js", "table.js", "walk.js")


def assemble(account: Account, steps: list[Told]) -> str:
    """The whole page, which loads nothing and runs no script but its own."""
    style, script = _template("page.css"), "".join(map(_template, SCRIPTS))
    return Template(_template("page.html")).substitute(
        title=html.escape(account.names[-1]),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        data=_inert(json.dumps(_data(account, steps), allow_nan=False, separators=(",", ":"))),
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
# its position in the account.


def _number(number: float | None) -> list[str] | None:
    return None if number is None else [rounded(number), repr(number)]


def _data(account: Account, steps: list[Told]) -> dict[str, Any]:
    graph = picture(account)
    return {
        "size": graph.size,
        "pace": PACE,
        "terms": SHOWN_TERMS,
        "listing": account.listing(),
        "nodes": [
            {
                "name": account.names[node],
                "label": value.label,
                "heading": graph.headings[node],
                "box": graph.boxes[node],
                "value": _number(number(value)),
                "gradient": _number(account.gradients[node]),
                "formula": _formula(account, node, account.formulas[node]),
                "operands": [_operand(account, one) for one in operands(value)],
                "partials": [_formula(account, node, one) for one in account.partials[node]],
                "trunk": graph.trunks[node],
                "edges": graph.edges[node],
            }
            for node, value in enumerate(account.nodes)
        ],
        "steps": [
            {
                "phase": told.phase,
                "sentence": told.sentence,
                "node": told.node,
                "gradient": _number(told.backward.gradient) if told.backward else None,
                "shares": _shares(account, told.backward) if told.backward else [],
            }
            for told in steps
        ],
    }


def _operand(account: Account, operand: Value | float) -> int | list[str] | None:
    return _number(operand) if isinstance(operand, float) else account.place[operand]


def _shares(account: Account, step: Step) -> list[dict[str, Any]]:
    """What a step backward sends to each operand."""
    return [
        {
            "partial": _number(share.partial),
            "contribution": _number(share.contribution),
            "before": _number(share.before),
            "after": _number(share.after),
            "remark": account.remark(step, place),
        }
        for place, share in enumerate(step.shares)
    ]


def _formula(account: Account, node: int, formula: Formula | None) -> dict[str, Any] | None:
    """A formula with nodes for references; ``loose`` is whether it must be enclosed as a factor."""
    if formula is None:
        return None
    pieces = [
        piece if isinstance(piece, str) else [account.referred(node, piece.place), piece.tight]
        for piece in formula.pieces
    ]
    return {"pieces": pieces, "loose": formula.loose}
