"""Folding: what is alike in a sketch, or lies in one scope, as one box."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from graphlib import TopologicalSorter

from autograd.drawing.forms import forms_of, kind_of
from autograd.drawing.merging import merged
from autograd.drawing.sketch import Sketch, SketchNode
from autograd.graph.scopes import Scope

__all__ = ["FOLDS"]

_ROW = 3  # equal layers in a row that are drawn as one


def _fold_layers(sketch: Sketch) -> Sketch:
    """Draw operations that are alike as one, and with them what only they use: see `draw`."""
    forms = forms_of(sketch)
    layers = _layers(sketch, forms)
    groups = [layers.get(form) for form in forms]
    titles: dict[Hashable, str] = {}
    first: dict[int, int] = {}
    for row in _rows(sketch, groups):
        titles[row[0]] = f"{len(row)} layers in a row, together"
        first.update(dict.fromkeys(row, row[0]))
    return merged(sketch, [None if group is None else first.get(group, group) for group in groups], titles)


def _fold_scopes(sketch: Sketch) -> Sketch:
    """Draw each outermost scope as one box."""
    groups: list[Hashable] = [
        (node.scopes[0] if node.scopes else place) if node.operands else None
        for place, node in enumerate(sketch.nodes)
    ]
    titles: dict[Hashable, str] = {group: group.name for group in groups if isinstance(group, Scope)}
    nodes = [node._replace(scopes=()) for node in sketch.nodes]
    return merged(sketch._replace(nodes=nodes), groups, titles)


FOLDS: dict[str, Callable[[Sketch], Sketch]] = {"layers": _fold_layers, "scopes": _fold_scopes}


def _layers(sketch: Sketch, forms: list[int]) -> dict[int, int]:
    """The layer of each form, named by the form that the layer ends with.

    A form belongs to the layer of those that use it, where that is one layer. But a layer ends with a
    function, of whose results another makes products and sums; with what has a label; with a scope.
    """
    users: dict[int, set[int]] = {}
    example: dict[int, SketchNode] = {}
    ends = {forms[output] for output in sketch.outputs}
    for form, node in zip(forms, sketch.nodes):
        if not node.operands:
            continue
        example[form] = node
        users.setdefault(form, set())
        if node.lines:
            ends.add(form)
        for operand in node.operands:
            if sketch.nodes[operand].operands and forms[operand] != form:
                users[forms[operand]].add(form)
    layers: dict[int, int] = {}
    for form in TopologicalSorter(users).static_order():  # those that use it come first
        above = {layers[user] for user in users[form]}
        joins = len(above) == 1 and form not in ends
        if joins and all(_continues(example[form], example[user]) for user in users[form]):
            layers[form] = above.pop()
        else:
            layers[form] = form
    return layers


def _continues(node: SketchNode, user: SketchNode) -> bool:
    """Whether an operation may be in one layer with the one that uses it."""
    return kind_of(node)[1] == kind_of(user)[1] and (node.is_operator or not user.is_operator)


def _rows(sketch: Sketch, groups: list[int | None]) -> list[list[int]]:
    """The rows of layers of equal content, of which each is used by the next one only.

    A layer that has a label, or is an output, stands alone.
    """
    below: dict[int, set[int]] = {}
    above: dict[int, set[int]] = {}
    content: dict[int, Counter[Hashable]] = {}
    alone = {groups[output] for output in sketch.outputs}
    for node, group in zip(sketch.nodes, groups):
        if group is None:
            continue
        content.setdefault(group, Counter())[kind_of(node)] += 1
        if node.lines:
            alone.add(group)
        for operand in node.operands:
            part = groups[operand]
            if part is not None and part != group:
                below.setdefault(group, set()).add(part)
                above.setdefault(part, set()).add(group)
    following: dict[int, int] = {}
    for part, users in above.items():
        [user, *others] = users
        equal = not others and below[user] == {part} and content[user] == content[part]
        if equal and not alone & {part, user}:
            following[part] = user
    rows = []
    for first in following.keys() - set(following.values()):
        row = [first]
        while row[-1] in following:
            row.append(following[row[-1]])
        if len(row) >= _ROW:
            rows.append(row)
    return rows
