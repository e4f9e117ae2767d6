"""Numbers of other arithmetics, which formulas and primitives compute on as they do on floats and Values."""

from __future__ import annotations

import math
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

from autograd.primitives import table
from autograd.primitives.operators import Operators
from autograd.primitives.primitive import Primitive, all_primitives
from autograd.primitives.rewriting import rewritten

__all__ = ["RefusedError", "Scalar", "restated"]


class RefusedError(ValueError):
    """A method of checking cannot be used on this function at this point; says why."""


class Scalar(Operators):
    """A number of another arithmetic than that of floats; it decides where floats decide.

    An arithmetic is a class with `_apply`, the hook of `Primitive`, and `_ordered`.
    """

    __slots__ = ()

    def _ordered(self) -> Any:
        """What comparisons compare it by."""
        raise NotImplementedError

    def __bool__(self) -> bool:
        return bool(self._ordered() != 0)

    def __lt__(self, other: Any) -> bool:
        return bool(self._ordered() < _ordered(other))

    def __le__(self, other: Any) -> bool:
        return bool(self._ordered() <= _ordered(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self._ordered() > _ordered(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self._ordered() >= _ordered(other))

    def __eq__(self, other: object) -> bool:
        return bool(self._ordered() == _ordered(other))

    __hash__ = None  # type: ignore[assignment]

    def __float__(self) -> NoReturn:
        raise TypeError("it asks for a float, and there is another kind of number")


def _ordered(number: Any) -> Any:
    return number._ordered() if isinstance(number, Scalar) else number


# The rules of these take their argument apart, for accuracy: that is for floats and means nothing elsewhere.
FOR_FLOATS_ONLY = frozenset({table.erf, table.erfc})


def restated(primitive: Primitive) -> Primitive:
    """The same primitive, whose forward and rules take any `Scalar`.

    Its expression stands for its forward, where it has one. What a user wrote for floats says
    ``math.sin``: in the restated function that means `table.sin`.
    """
    if primitive not in _restated:
        copy = object.__new__(Primitive)
        vars(copy).update(vars(primitive))
        rules: Any = primitive.textbook if primitive in FOR_FLOATS_ONLY else primitive.partials
        copy.forward = primitive.expression or _of_scalars(primitive.forward)
        copy.partials = tuple(map(_of_scalars, rules)) if isinstance(rules, tuple) else _of_scalars(rules)
        _restated[primitive] = copy
    return _restated[primitive]


_restated: WeakKeyDictionary[Primitive, Primitive] = WeakKeyDictionary()

# Functions of `math`, each with the primitive that computes the same.
_SAME: dict[Any, Primitive] = {
    getattr(math, entry.name): entry
    for entry in all_primitives()
    if entry.is_builtin and entry.name != "pow" and hasattr(math, entry.name)
}
_SAME |= {math.fabs: table.absolute, math.pow: table.pow}


def _of_scalars(rule: Any) -> Any:
    return rewritten(rule, _SAME) if callable(rule) else rule
