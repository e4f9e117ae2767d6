"""The mutants of a module: each one small change to its code."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from tests.mutation.operators import OPERATORS

__all__ = ["Mutant", "mutants", "unchanged"]


@dataclass(frozen=True)
class Mutant:
    """A changed module.

    Attributes:
        module: its path, from the root of the project.
        function: where in it, a dotted name; empty outside of functions and classes.
        line: the first line that is changed, counted from 1.
        last: the last line of the statement around it.
        before: what the changed lines said, on one line.
        after: what they say.
        source: the whole module, changed.
    """

    module: str
    function: str
    line: int
    last: int
    before: str
    after: str
    source: str = field(repr=False)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names it also when lines above it come and go."""
        return self.module, self.function, self.before, self.after


def mutants(module: str) -> Iterator[Mutant]:
    """All mutants of a module that are Python, in the order of its lines.

    Of the same change to lines that say the same, in one function, there is the first.

    Left out is what is no code: annotations, ``__all__``, what only a type checker reads, overloads.
    """
    source = Path(module).read_text(encoding="utf-8")
    statements = _statements(source)
    seen: set[tuple[str, str, str, str]] = set()
    start = 0
    for part in get_ast(source).children:
        # a top-level statement by itself: to parse the module for every mutant takes most of the time
        text = part.get_code()
        for function, changed in _changes(text):
            whole = source[:start] + changed + source[start + len(text) :]
            if not _compiles(whole):
                continue  # such as a bare * among parameters, taken for a product
            line, before, after = _difference(source, whole)
            last = statements.get(line, line)
            mutant = Mutant(module, function, line, last, before, after, whole)
            if mutant.key not in seen:
                seen.add(mutant.key)
                yield mutant
        start += len(text)


def unchanged(module: str) -> Mutant:
    """The module as it is, as if it were a mutant: the tests must not find anything in it."""
    return Mutant(module, "", 0, 0, "", "", Path(module).read_text(encoding="utf-8"))


def _changes(text: str) -> Iterator[tuple[str, str]]:
    """The function's name and the changed text, for every change to one top-level statement."""
    nodes = list(ast_nodes(get_ast(text)))
    found = []
    for operator in OPERATORS.values():
        places = (node for node in nodes for _ in operator.mutation_positions(node))
        for occurrence, node in enumerate(places):
            if not _is_left_out(node):
                found.append((node.start_pos, _function(node), operator, occurrence))
    for _, function, operator, occurrence in sorted(found, key=lambda one: one[0]):
        changed = mutate_code(text, operator, occurrence)
        if changed is not None and changed != text:
            yield function, changed


def _ancestors(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every node above it, each with its child on the way."""
    while node.parent is not None:
        yield node.parent, node
        node = node.parent


def _is_left_out(node: Any) -> bool:
    return any(_holds_no_code(parent, child) for parent, child in [(node, None), *_ancestors(node)])


def _holds_no_code(parent: Any, child: Any) -> bool:
    if parent.type in ("param", "funcdef"):
        return parent.annotation is not None and parent.annotation is child
    if parent.type == "operator" and parent.parent.type == "parameters":
        return True  # a bare * or /, taken for a product or a quotient
    if parent.type == "tfpdef":  # name: annotation
        return child is parent.children[-1]
    if parent.type == "annassign":
        return child is parent.children[1]
    if parent.type == "if_stmt":
        return parent.children[1].get_code().strip() == "TYPE_CHECKING"
    if parent.type == "decorated":
        return "@overload" in parent.children[0].get_code()
    return parent.type == "expr_stmt" and parent.children[0].get_code().strip() == "__all__"


def _function(node: Any) -> str:
    names = [one.name.value for one, _ in _ancestors(node) if one.type in ("funcdef", "classdef")]
    if node.type in ("funcdef", "classdef"):
        names.insert(0, node.name.value)
    return ".".join(reversed(names))


def _compiles(source: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            compile(source, "mutant", "exec")
        except SyntaxError:
            return False
    return True


def _statements(source: str) -> dict[int, int]:
    """For each line of a statement the last that is run with it.

    Of a simple statement that is its last; of a compound one the last before its body; but of a function,
    whose head is run at the import, the last of all.
    """
    spans: dict[int, int] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                last, end = node.end_lineno, node.body[0].lineno - 1
            else:
                first = node.lineno
                last = end = max(first, body[0].lineno - 1) if body else node.end_lineno
            spans.update(dict.fromkeys(range(first, end + 1), last))
    return spans


def _difference(one: str, other: str) -> tuple[int, str, str]:
    """The number of the first line in which two texts differ, and what each says from there on."""
    ours, theirs = one.split("\n"), other.split("\n")
    start = next(i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b)
    end = 0
    while end < min(len(ours), len(theirs)) - start and ours[-1 - end] == theirs[-1 - end]:
        end += 1
    return start + 1, _one_line(ours[start : len(ours) - end]), _one_line(theirs[start : len(theirs) - end])


def _one_line(lines: list[str]) -> str:
    return " ".join(stripped for line in lines if (stripped := line.strip()))
