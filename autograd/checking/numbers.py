"""Numbers of other arithmetics, which formulas and primitives compute on as they do on floats and Values."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

from autograd.primitives import table
from autograd.primitives.primitive import Primitive, all_primitives

__all__ = ["Number", "RefusedError", "is_own", "restated"]


class RefusedError(ValueError):
    """A method of checking cannot be used on this function at this point; says why."""


class Number:
    """What the numbers of an arithmetic have in common: operators, each a call of its primitive.

    An arithmetic is a class with `_apply`, the hook of `registry.Primitive`, and `_ordered`.
    """

    __slots__ = ()

    @staticmethod
    def _apply(primitive: Primitive, args: tuple[Any, ...]) -> Any:
        """Compute a primitive; at least one argument is a number of this arithmetic."""
        raise NotImplementedError

    def _ordered(self) -> Any:
        """What comparisons compare it by."""
        raise NotImplementedError

    def __neg__(self) -> Any:
        return self._apply(table.neg, (self,))

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self._apply(table.absolute, (self,))

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
    return number._ordered() if isinstance(number, Number) else number


def _operator(primitive: Primitive, swapped: bool) -> Callable[[Number, Any], Any]:
    if swapped:
        return lambda self, other: self._apply(primitive, (other, self))
    return lambda self, other: self._apply(primitive, (self, other))


_OPERATORS = {"add": table.add, "sub": table.sub, "mul": table.mul, "truediv": table.div, "pow": table.pow}
for _name, _primitive in _OPERATORS.items():
    setattr(Number, f"__{_name}__", _operator(_primitive, swapped=False))
    setattr(Number, f"__r{_name}__", _operator(_primitive, swapped=True))


def is_own(primitive: Primitive) -> bool:
    """Whether a primitive is of the library's own table, whose accuracy the library's tests hold."""
    return primitive.place == table.__name__


def restated(primitive: Primitive) -> Primitive:
    """The same primitive, whose forward and rules take any `Number`.

    Its expression stands for its forward, where it has one. What a user wrote for floats says
    ``math.sin``: in the restated function that means `primitives.sin`.
    """
    if primitive not in _restated:
        twin = object.__new__(Primitive)
        vars(twin).update(vars(primitive))
        known: dict[int, Any] = {}
        # The rule of erf takes its argument apart, for accuracy: that is for floats and means nothing here.
        rules: Any = primitive.textbook if primitive in (table.erf, table.erfc) else primitive.partials
        twin.forward = primitive.expression or _with_primitives(primitive.forward, known)
        twin.partials = (
            tuple(_with_primitives(rule, known) for rule in rules)
            if isinstance(rules, tuple)
            else _with_primitives(rules, known)
        )
        _restated[primitive] = twin
    return _restated[primitive]


_restated: WeakKeyDictionary[Primitive, Primitive] = WeakKeyDictionary()

# Functions of `math`, each with the primitive that computes the same.
_SAME: dict[Any, Primitive] = {
    getattr(math, one.name): one
    for one in all_primitives()
    if is_own(one) and one.name != "pow" and hasattr(math, one.name)
}
_SAME |= {math.fabs: table.absolute, math.pow: table.pow}
_MATH = types.SimpleNamespace(
    **{name: _SAME.get(one, one) if callable(one) else one for name, one in vars(math).items()}
)


def _with_primitives(thing: Any, known: dict[int, Any]) -> Any:
    """A function that finds primitives wherever it would find functions of ``math``."""
    if thing is math:
        return _MATH
    if isinstance(thing, types.BuiltinFunctionType):
        return _SAME.get(thing, thing)
    if not isinstance(thing, types.FunctionType) or str(thing.__module__).partition(".")[0] == _PACKAGE:
        return thing
    if id(thing) not in known:
        world = dict(thing.__globals__)
        cells = tuple(types.CellType() for _ in thing.__closure__ or ())
        defaults = tuple(_with_primitives(one, known) for one in thing.__defaults__ or ())
        twin = types.FunctionType(thing.__code__, world, thing.__name__, defaults, cells)
        twin.__kwdefaults__ = {
            name: _with_primitives(one, known) for name, one in (thing.__kwdefaults__ or {}).items()
        }
        known[id(thing)] = twin
        for cell, original in zip(cells, thing.__closure__ or ()):
            cell.cell_contents = _with_primitives(original.cell_contents, known)
        for name in _names_in(thing.__code__) & world.keys():
            world[name] = _with_primitives(world[name], known)
    return known[id(thing)]


_PACKAGE = __name__.partition(".")[0]


def _names_in(code: types.CodeType) -> set[str]:
    """The names that a function's code uses, and the code of functions within it."""
    inner = [_names_in(constant) for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*inner)
