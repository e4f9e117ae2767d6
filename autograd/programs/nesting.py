"""How arguments and results are nested, as JSON: a `Structure` written, and read from what may be hostile.

So are functions with rules of their own, which have arguments and results, by their names.

A nesting is "*" for a scalar, null for None, an array for a list, {"tuple": [...]}, {"dict": {...}}, or
{"array": [2, 3]} for an array of that shape; {"whole": [null, 3]} for one that is a single input or output,
the null for any length.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from autograd.derivatives.custom_operation import CustomOperation, customs
from autograd.graph.trees import Structure, Whole
from autograd.support.foreign_files import ForeignFileError, is_text, unexpected

__all__ = ["custom_of", "nesting_of", "nesting_of_custom", "structure_of"]

_DEEPEST = 50  # levels
_DIMENSIONS = 32  # of an array
_ELEMENTS = 1 << 24  # of an array, where each empty axis counts as one; more than fit into a file


class _Leaf:
    """The place of a scalar, or of an array of a shape."""

    def __init__(self, shape: tuple[int, ...] | None) -> None:
        self.shape = shape


def nesting_of(structure: Structure, role: str) -> Any:
    """A structure as JSON has it.

    Args:
        structure: what is nested how.
        role: whose it is, to name in errors.

    Raises:
        ForeignFileError: it has a class in it, or is too deep or too large to be read again.

    >>> from autograd.graph.trees import flatten
    >>> nesting_of(flatten([1.0, (2.0, None)])[1], "results")
    ['*', {'tuple': ['*', None]}]
    """
    return _written(structure.nest([_Leaf(shape) for shape in structure.shapes]), role, _DEEPEST)


def _written(node: Any, role: str, levels: int) -> Any:
    if not levels:
        raise ForeignFileError(f"the {role} must be nested at most {_DEEPEST} deep to be saved: flatten them")
    if isinstance(node, _Leaf):
        is_whole = type(node.shape) is Whole
        if node.shape is not None and not _is_shape([*node.shape], any_length=is_whole):
            raise ForeignFileError(f"the {role} hold an array of shape {node.shape}, too large for a file")
        return "*" if node.shape is None else {"whole" if is_whole else "array": [*node.shape]}
    if node is None:
        return None
    if type(node) is list:
        return [_written(child, role, levels - 1) for child in node]
    if type(node) is tuple:
        return {"tuple": [_written(child, role, levels - 1) for child in node]}
    if type(node) is dict and all(map(is_text, node)):
        return {"dict": {key: _written(child, role, levels - 1) for key, child in node.items()}}
    kind = "dict with keys that are no printable strings" if type(node) is dict else type(node).__name__
    raise ForeignFileError(
        f"the {role} hold a {kind}, which a program's file cannot: trace a function of numbers, arrays, "
        "lists, tuples and dicts with strings for keys (dataclasses.asdict makes one), or use pickle"
    )


def structure_of(node: Any, place: str) -> Structure:
    """The structure that JSON describes.

    Args:
        node: the JSON.
        place: where in the file it stands.

    Raises:
        ForeignFileError: it is no nesting; names the place in it.

    >>> structure_of(["*", {"tuple": ["*", None]}], "results")
    [*, (*, None)]
    """
    leaves, structure = Structure.of_arrays(_read(node, place, _DEEPEST))
    return structure.with_shapes([leaf.shape for leaf in leaves])


def _read(node: Any, place: str, levels: int) -> Any:
    if not levels:
        raise unexpected(place, f"a nesting of at most {_DEEPEST} levels", node)
    if node is None:
        return None
    if node == "*":
        return _Leaf(None)
    if type(node) is list:
        return [_read(child, f"{place}[{i}]", levels - 1) for i, child in enumerate(node)]
    if type(node) is dict and len(node) == 1:
        ((kind, inside),) = node.items()
        if kind == "tuple" and type(inside) is list:
            return tuple(_read(inside, f"{place}.tuple", levels))
        if kind == "dict" and type(inside) is dict and all(map(is_text, inside)):
            return {key: _read(child, f"{place}.dict", levels - 1) for key, child in inside.items()}
        if kind == "array" and _is_shape(inside):
            return _Leaf(tuple(inside))
        if kind == "whole" and inside and _is_shape(inside, any_length=True):
            return _Leaf(Whole(inside))
    raise unexpected(
        place,
        '"*", null, [...], {"tuple": [...]}, {"dict": {...}}, {"array": [a shape]} or {"whole": [a shape]}',
        node,
    )


def _is_shape(node: Any, *, any_length: bool = False) -> bool:
    if type(node) is not list or len(node) > _DIMENSIONS:
        return False
    if any_length and node[:1] == [None]:
        node = node[1:]
    return all(type(n) is int and n >= 0 for n in node) and math.prod(n or 1 for n in node) <= _ELEMENTS


_CUSTOM, _BODY = (
    {"custom", "arguments", "results"},
    {"name", "inputs", "constants", "instructions", "outputs"},
)


def nesting_of_custom(operation: CustomOperation) -> dict[str, Any]:
    """A function with rules of its own as JSON has it, without its body.

    Raises:
        ForeignFileError: no module has it under a name, or as `nesting_of`.
    """
    if not operation.custom.known_as:
        raise ForeignFileError(
            f"{operation.name} has rules that no file holds: define it at the top of a module, so that it is "
            "found by its name"
        )
    return {
        "custom": operation.custom.known_as,
        "arguments": nesting_of(operation.arguments, f"arguments of {operation.name}"),
        "results": nesting_of(operation.results, f"results of {operation.name}"),
    }


def custom_of(
    node: dict[str, Any], place: str, code: Callable[[dict[str, Any], str], Any]
) -> CustomOperation:
    """The operation that JSON describes.

    Args:
        node: the JSON.
        place: where in the file it stands.
        code: reads a body.

    Raises:
        ForeignFileError: it is none, or its function is not known here.
    """
    if node.keys() not in (_CUSTOM, _CUSTOM | _BODY):
        raise unexpected(
            place, f"the entries {' '.join(_CUSTOM)} and those of a body, or none", " ".join(node)
        )
    name = node["custom"]
    known = [custom for custom in customs.get(str(name), ()) if custom.known_as == name]
    if not known:
        module = f"import {str(name).partition(':')[0][:80]} first"
        raise unexpected(f"{place}.custom", f"a function with a derivative of its own ({module})", name)
    arguments = structure_of(node["arguments"], f"{place}.arguments")
    results = structure_of(node["results"], f"{place}.results")
    body = code(node, f"{place}.") if "inputs" in node else None
    if not isinstance(arguments.nest([0.0] * len(arguments.shapes)), tuple) or not results.size:
        raise unexpected(place, "a tuple of arguments, and at least one result", node["arguments"])
    if body is not None and (len(body.inputs), len(body.outputs)) != (arguments.size, results.size):
        raise unexpected(
            f"{place}.inputs", f"a body of {arguments.size} inputs and {results.size} outputs", body
        )
    if body is not None and any(body.kinds()[output] for output in body.outputs):
        raise unexpected(f"{place}.outputs", "numbers, and no arrays", node["outputs"])
    return CustomOperation(known[0], arguments, results, body)
