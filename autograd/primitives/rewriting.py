"""Users' functions of floats, run on other kinds of numbers: ``math.log`` means something else in them then.

A rewritten function is the same code with other globals: a kind of dict that looks each name up in the real
globals, returns the substitute if there is one, and passes what the code stores on to the real globals. So
nothing of the user's is copied or changed, a helper is rewritten when it is called, and a function that
counts its calls in a global still counts them. (CPython looks a global name up by ``__getitem__`` wherever
globals are not an exact dict, in all versions from 3.10 to 3.14. Changing the bytecode instead would have to
follow each of them, and patching the user's module would be seen by other threads.)
"""

from __future__ import annotations

import math
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["rewritten"]


def rewritten(function: Callable[..., Any], substitutes: Mapping[Any, Any]) -> Callable[..., Any]:
    """The function, with substitutes wherever it finds the functions of ``math``.

    It finds them by any name: as ``math.log``, ``m.log``, or ``log`` that was imported; in its globals,
    closure and defaults, and so in the functions and modules of the user's that it uses. What it imports
    while it runs, and what methods and callable objects do, stays as it is.

    Args:
        function: anything callable; what is no Python function of the user's is returned as it is, or is
            substituted itself.
        substitutes: for functions of ``math``, what to call in their place.

    >>> rewritten(math.log, {math.log: abs})(-2.0)
    2.0
    """
    rewriting = _Rewriting(substitutes)
    inner = rewriting.of(function)
    if not isinstance(inner, types.FunctionType) or inner is function:
        return inner  # type: ignore[no-any-return]

    def and_hand_on(*args: Any, **kwargs: Any) -> Any:
        try:
            return inner(*args, **kwargs)
        finally:
            for seen in rewriting.globals.values():
                seen.hand_on()

    return and_hand_on


class _Rewriting:
    """What has been rewritten so far, so that functions that refer to each other end.

    Attributes:
        globals: by the `id` of real globals, what stands in their place.
    """

    def __init__(self, substitutes: Mapping[Any, Any]) -> None:
        self._substitutes = substitutes
        self._functions: dict[types.FunctionType, types.FunctionType] = {}
        self._modules: dict[types.ModuleType, _Module] = {}
        self.globals: dict[int, _Globals] = {}

    def of(self, value: Any) -> Any:
        """What to use in the place of a value that a function finds."""
        if isinstance(value, types.BuiltinFunctionType):
            return self._substitutes.get(value, value)
        if isinstance(value, types.FunctionType):
            return value if _is_ours(value.__module__) else self._of_function(value)
        if isinstance(value, types.ModuleType) and (value is math or _is_users(value)):
            return self._modules.setdefault(value, _Module(value, self))
        return value

    def _of_function(self, function: types.FunctionType) -> types.FunctionType:
        if isinstance(function.__globals__, _Globals):
            return function  # made by a rewritten function while it ran
        if function not in self._functions:
            real = function.__globals__
            seen = self.globals.setdefault(id(real), _Globals(real, self))
            # Before what it refers to: that may be the function itself.
            self._functions[function] = copy = types.FunctionType(
                function.__code__, seen, function.__name__, None, self._closure(function)
            )
            copy.__dict__ = function.__dict__  # shared: the user may count there
            copy.__defaults__ = tuple(map(self.of, function.__defaults__ or ()))
            copy.__kwdefaults__ = {name: self.of(value) for name, value in _items(function.__kwdefaults__)}
            for cell, original in zip(copy.__closure__ or (), function.__closure__ or ()):
                if cell is not original:
                    cell.cell_contents = self.of(original.cell_contents)
        return self._functions[function]

    def _closure(self, function: types.FunctionType) -> tuple[types.CellType, ...] | None:
        """The same cells, to which the user may write; another one, empty yet, where its contents change."""
        cells = function.__closure__
        return cells and tuple(types.CellType() if self._is_changed(cell) else cell for cell in cells)

    def _is_changed(self, cell: types.CellType) -> bool:
        try:
            contents = cell.cell_contents
        except ValueError:  # the user has not assigned it yet
            return False
        if isinstance(contents, types.FunctionType):
            return not _is_ours(contents.__module__)
        return self.of(contents) is not contents


def _items(keyword_defaults: dict[str, Any] | None) -> Any:
    return (keyword_defaults or {}).items()


def _is_ours(module: str | None) -> bool:
    return str(module).partition(".")[0] == _PACKAGE


def _is_users(module: types.ModuleType) -> bool:
    name = module.__name__.partition(".")[0]
    return name != _PACKAGE and name not in sys.stdlib_module_names


_PACKAGE = __name__.partition(".")[0]


class _Globals(dict[str, Any]):
    """Globals as a rewritten function sees them.

    The interpreter looks names up by ``__getitem__``, but stores them in the dict itself: from there they are
    passed on before the next look-up, and when the function is done. What it reads past ``__getitem__``
    (``__name__`` for imports, ``__builtins__``) is kept there.
    """

    def __init__(self, real: dict[str, Any], rewriting: _Rewriting) -> None:
        super().__init__({name: real[name] for name in _READ_DIRECTLY if name in real})
        self._kept = len(self)
        self._real = real
        self._rewriting = rewriting

    def __getitem__(self, name: str) -> Any:
        self.hand_on()
        return self._rewriting.of(self._real[name])

    def hand_on(self) -> None:
        """Store in the real globals what was stored here."""
        while len(self) > self._kept:
            name, value = self.popitem()
            self._real[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        self._real[name] = value

    def __contains__(self, name: object) -> bool:
        return name in self._real


_READ_DIRECTLY = ("__builtins__", "__name__", "__package__", "__spec__", "__loader__", "__path__", "__file__")


class _Module(types.ModuleType):
    """A module whose functions are rewritten when they are asked for."""

    def __init__(self, real: types.ModuleType, rewriting: _Rewriting) -> None:
        super().__init__(real.__name__)
        vars(self).update(_real=real, _rewriting=rewriting)

    def __getattr__(self, name: str) -> Any:
        return self._rewriting.of(getattr(self._real, name))

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real, name, value)
