"""What a primitive is, how one is called, and the register that knows them all by name."""

from __future__ import annotations

import inspect
import keyword
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd.primitives.ieee import evaluate, to_float

__all__ = ["Primitive", "all_primitives", "find_primitive", "primitive"]

_TABLE = "autograd.primitives.table"  # the module whose primitives are the library's own

Rule = Callable[..., Any] | int | float
Partials = Callable[..., tuple[Any, ...]] | tuple[Rule, ...]


class Primitive:
    """An operation that the engine knows: its value, its partial derivatives, how it is written.

    Primitives are made by `primitive` and are called like functions. An argument that has the hook
    ``_apply(primitive, args)`` (a `Value` has) takes the call over; NumPy arrays are mapped; plain
    numbers are computed on.

    Attributes:
        name: what it is called, in programs and drawings too.
        forward: the function on floats.
        partials: the derivatives by each operand, as given to `primitive`.
        arity: how many operands it takes.
        symbol: its infix or prefix operator ("*"), or "" where it is written as a call.
        commutative: whether its two operands may be exchanged.
        folded: whether a call may name any number of arguments, taken two at a time.
        domain: where it is defined, in words ("x > 0"), or "" for all real numbers.
        textbook: the partials as textbooks write them, where the rule is written otherwise for
            accuracy; for reading only, nothing computes with them.
        expression: the same function in terms of other primitives, or None for an elementary one.
        on_arrays: the same function on NumPy arrays of floats, or None.
        libm: the name of the C function that computes it, or "".
        place: the module that registered it.
        is_builtin: whether it is of the library's own table.
    """

    def __init__(
        self,
        name: str,
        forward: Callable[..., float],
        partials: Partials,
        *,
        arity: int,
        symbol: str,
        commutative: bool,
        folded: bool,
        domain: str,
        textbook: tuple[Rule, ...] | None,
        expression: Callable[..., Any] | None,
        on_arrays: Callable[..., Any] | None,
        libm: str,
        place: str,
        doc: str,
    ) -> None:
        self.name = self.__name__ = name
        self.forward = forward
        self.partials = partials
        self.arity = arity
        self.symbol = symbol
        self.commutative = commutative
        self.folded = folded
        self.domain = domain
        self.textbook = textbook
        self.expression = expression
        self.on_arrays = on_arrays
        self.libm = libm
        self.place = place
        self.is_builtin = place == _TABLE
        self.__doc__ = doc
        # The partials again, where `Value.backward` may run them without further questions: those of
        # the library's own table, for one or two operands, none of them zero. Otherwise None.
        self.rules: tuple[Any, ...] | None = None
        if isinstance(partials, tuple) and arity <= 2 and 0 not in partials and self.is_builtin:
            self.rules = tuple(rule if callable(rule) else float(rule) for rule in partials)

    def __call__(self, *args: Any) -> Any:
        for arg in args:
            if type(arg) is not float:
                return self._dispatch(args)
        if len(args) != self.arity:
            return self._fold(args)
        try:
            result = self.forward(*args)
        except (ArithmeticError, ValueError, TypeError):  # the last where a complex number met `math`
            result = evaluate(self.forward, *args)
        return result if type(result) is float else self._as_float(result, args)

    def _as_float(self, result: object, inputs: tuple[float, ...]) -> float:
        if isinstance(result, (bool, np.bool_)):
            return float(result)
        if isinstance(result, complex):
            result = evaluate(self.forward, *inputs)
        return to_float(result, f"what the forward of {self.name!r} returns")

    def partials_at(self, y: Any, inputs: tuple[Any, ...], wanted: tuple[bool, ...]) -> list[Any]:
        """The partial derivatives at a point: one entry an operand.

        Args:
            y: the operation's result, a float or whatever the rules compute on.
            inputs: its operands' values, of the same kind.
            wanted: for each operand whether its partial is asked for; the rule of one that is not
                asked for is not evaluated (unless all are one function).

        Returns:
            The partials; None for one that is not wanted, or that is zero everywhere.
        """
        if callable(self.partials):
            found = _ieee(self.partials, y, inputs)
            if not isinstance(found, tuple) or len(found) != len(inputs):
                raise TypeError(
                    f"the partials of {self.name!r} must return a tuple of {len(inputs)}, one partial "
                    f"an input, got {found!r}"
                )
            return [self._partial(partial, y) if want else None for partial, want in zip(found, wanted)]
        return [
            None
            if not want or rule == 0
            else self._partial(_ieee(rule, y, inputs) if callable(rule) else rule, y)
            for rule, want in zip(self.partials, wanted)
        ]

    def _partial(self, partial: Any, y: Any) -> Any:
        """What a rule returned: on floats a float, otherwise what it is, but never nothing."""
        if type(partial) is float or (type(y) is not float and partial is not None):
            return partial
        if isinstance(partial, (bool, np.bool_)):
            return float(partial)
        return to_float(partial, f"a partial of {self.name!r}")

    def _dispatch(self, args: tuple[Any, ...]) -> Any:
        """A call with anything but floats among its arguments."""
        if len(args) != self.arity:
            return self._fold(args)
        if any(isinstance(arg, np.ndarray) for arg in args):
            return self._map(args)
        for arg in args:
            take_over = getattr(type(arg), "_apply", None)
            if take_over is not None:
                return take_over(self, args)
        return self(*[self.operand(arg) for arg in args])

    def _fold(self, args: tuple[Any, ...]) -> Any:
        if not self.folded or not args:
            takes = "at least 1 argument" if self.folded else f"{self.arity} argument(s)"
            raise TypeError(f"{self.name} takes {takes}, got {len(args)}")
        if len(args) == 1:
            (only,) = args
            taken = isinstance(only, np.ndarray) or hasattr(type(only), "_apply")
            return only if taken else self.operand(only)
        result = args[0]
        for arg in args[1:]:
            result = self(result, arg)
        return result

    def operand(self, number: object) -> float:
        """A plain number as the float that this primitive computes on; a bool counts as 0 or 1."""
        if isinstance(number, (bool, np.bool_)):
            return float(number)
        try:
            return to_float(number, f"an operand of {self.name}")
        except TypeError as error:
            if isinstance(number, (list, tuple)):
                raise TypeError(f"{error}: make it an array, {self.name}(np.array(...))") from None
            raise

    def _map(self, args: tuple[Any, ...]) -> Any:
        """Element by element over arrays: floats at NumPy's speed where there is a way to."""
        arrays = [np.asarray(arg) for arg in args]
        for array in arrays:
            if array.dtype.kind not in "biufO":
                raise TypeError(
                    f"an operand of {self.name} must be real, got an array of dtype {array.dtype}"
                )
        floats = [array.astype(float, copy=False) for array in arrays if array.dtype.kind != "O"]
        with np.errstate(all="ignore"):
            if len(floats) < len(arrays):
                return np.frompyfunc(self, self.arity, 1)(*arrays)
            if self.on_arrays is not None:
                return self.on_arrays(*floats)
            if self.expression is not None:
                return self.expression(*floats)
            return np.asarray(np.frompyfunc(self, self.arity, 1)(*floats), dtype=float)

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> tuple[Callable[[str], Primitive], tuple[str]]:
        return find_primitive, (self.name,)


def _ieee(rule: Callable[..., Any], y: Any, inputs: tuple[Any, ...]) -> Any:
    """A rule at a point; on floats under IEEE 754 rules."""
    try:
        found = rule(y, *inputs)
    except (ArithmeticError, ValueError):
        if type(y) is not float:
            raise
        return evaluate(rule, y, *inputs)
    if type(y) is float and _has_complex(found):
        return evaluate(rule, y, *inputs)
    return found


def _has_complex(found: Any) -> bool:
    return any(isinstance(f, complex) for f in (found if isinstance(found, tuple) else (found,)))


_registered: dict[str, Primitive] = {}
_lock = threading.Lock()


def primitive(
    name: str,
    forward: Callable[..., float],
    partials: Partials,
    *,
    symbol: str = "",
    commutative: bool = False,
    folded: bool = False,
    domain: str = "",
    textbook: tuple[Rule, ...] | None = None,
    expression: Callable[..., Any] | None = None,
    on_arrays: Callable[..., Any] | None = None,
    libm: str = "",
    doc: str = "",
) -> Primitive:
    """Register a primitive and return the function to call.

    From then on it is a primitive like the library's own: it records on a `Value`, computes on a
    number, maps over a NumPy array, and everything that reads the table works with it.

    Args:
        name: an identifier. A name registered again from the same module replaces the old entry.
        forward: the function on floats. Where Python raises though IEEE 754 has an answer
            (``1/0``, ``math.exp(1000)``), the answer is inf or nan. Where ``math`` is imported inside
            the function, or a complex number is made a real one (``abs``), Python's own way stands.
        partials: ``partials(y, *inputs)`` returns the tuple of the partial derivatives by each
            input, where ``y`` is the result. Or a tuple with one rule an input, ``rule(y, *inputs)``
            or a number, of which only those that are needed are evaluated. Written with operators
            and primitives (not ``math``), a rule serves derivatives of every order.
        symbol: the operator it is written with, if any.
        commutative: whether its two inputs may be exchanged.
        folded: whether it may be called with any number of arguments, taken two at a time.
        domain: where it is defined, in words.
        textbook: rules to show instead of ``partials``; nothing computes with them.
        expression: the same function in terms of other primitives.
        on_arrays: the same function on NumPy arrays of floats.
        libm: the name of the C function of doubles that computes it, bit for bit as ``forward`` does.
        doc: its docstring.

    Raises:
        TypeError: ``forward`` or ``partials`` is not of the form above.
        ValueError: the name is no identifier, is one of the library's own, or was registered by
            another module.

    >>> cube = primitive("cube", lambda x: x**3, lambda y, x: (3 * x**2,))
    >>> cube(2.0)
    8.0
    """
    place = str(sys._getframe(1).f_globals.get("__name__", "?"))
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"a primitive's name must be an identifier, got {name!r}")
    if not callable(forward):
        raise TypeError(f"forward of {name!r} must be a function of floats, got {forward!r}")
    made = Primitive(
        name,
        forward,
        partials,
        arity=_arity(name, partials),
        symbol=symbol,
        commutative=commutative,
        folded=folded,
        domain=domain,
        textbook=textbook,
        expression=expression,
        on_arrays=on_arrays,
        libm=libm or (forward.__name__ if place == _TABLE and forward.__module__ == "math" else ""),
        place=place,
        doc=doc,
    )
    with _lock:
        old = _registered.get(name)
        if (
            old is not None
            and old.place != place
            and not (
                not old.is_builtin and _same_code(old.forward, forward) and _same_code(old.partials, partials)
            )
        ):
            whose = "one of the library's own" if old.is_builtin else f"registered by {old.place}"
            raise ValueError(f"the name {name!r} is taken ({whose}): choose another")
        _registered[name] = made
    return made


def _same_code(one: Any, other: Any) -> bool:
    """Whether functions were written alike: a definition copied to a second module is no clash."""
    return bool(_written(one) == _written(other))


def _written(thing: Any) -> Any:
    if isinstance(thing, tuple):
        return tuple(map(_written, thing))
    code = getattr(thing, "__code__", None)
    return thing if code is None else (code.co_code, code.co_consts, code.co_names)


def _arity(name: str, partials: Partials) -> int:
    """How many inputs: the length of the tuple, or the parameters of the function less ``y``."""
    if isinstance(partials, tuple):
        if not partials or not all(callable(rule) or isinstance(rule, (int, float)) for rule in partials):
            raise TypeError(f"partials of {name!r} must hold a rule or a number an input, got {partials!r}")
        return len(partials)
    if not callable(partials):
        raise TypeError(f"partials of {name!r} must be a function (y, *inputs) or a tuple, got {partials!r}")
    parameters = list(inspect.signature(partials).parameters.values())
    by_position = all(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    if len(parameters) < 2 or not by_position:
        raise TypeError(
            f"partials of {name!r} must take the result and then each input by position, as in "
            f"lambda y, x: (...,), got {inspect.signature(partials)}"
        )
    return len(parameters) - 1


def find_primitive(name: str) -> Primitive:
    """Look a primitive up by its name.

    Raises:
        KeyError: no primitive of that name is registered in this process.
    """
    try:
        return _registered[name]
    except KeyError:
        raise KeyError(
            f"no primitive {name!r} is registered: import the module that defines it first"
        ) from None


def all_primitives() -> Iterator[Primitive]:
    """All registered primitives, in the order of registration."""
    return iter(list(_registered.values()))
