"""Names of nodes for a reader: their labels made readable, and all different."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from autograd.derivation.naming import numbered
from autograd.graph.value import Value

__all__ = ["name_all"]

LONGEST_NAME = 24  # characters; the whole label is in the node's tooltip


def name_all(inputs: Sequence[Value], order: Sequence[Value]) -> list[str]:
    """A name for each node, all different: its label where it has one.

    Without one, an input is v1, v2, ..., an operation t1, t2, ..., and the last of them L.

    Args:
        inputs: the leaves.
        order: the operations; the last node is the result.
    """
    labels = [_readable(node.label) for node in (*inputs, *order)]
    in_use = set(labels)
    names: list[str] = []
    for place, label in enumerate(labels):
        if label and label not in names:
            names.append(label)
        elif not label and place == len(labels) - 1 and "L" not in in_use:
            names.append("L")
        else:
            stem, first = (f"{label}#", 2) if label else ("v", place + 1)
            if not label and place >= len(inputs):
                stem, first = "t", place + 1 - len(inputs)
            names.append(numbered(stem, in_use, first))
        in_use.add(names[-1])
    return names


def _readable(label: str) -> str:
    """A label in one line of what can be written, quoted where it would be taken for a formula."""
    text = "".join(c if _is_writable(c) else "�" for c in " ".join(label.split()))
    if len(text) > LONGEST_NAME:
        text = text[: LONGEST_NAME - 1] + "…"
    return text if re.fullmatch(r"[\w.\[\]#'…]*", text) else f"“{text}”"


def _is_writable(character: str) -> bool:
    """Whether a character is more than a command, and would not turn the direction of what follows it."""
    is_command = unicodedata.category(character) in ("Cc", "Cs", "Co")
    return not is_command and unicodedata.bidirectional(character) not in _TURNING


_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
