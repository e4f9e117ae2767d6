"""What a primitive is: an operation on scalars, given by its value and its partial derivatives."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any

import numpy as np

from autograd.primitives.ieee import as_array, evaluate, to_float
from autograd.primitives.operation import Operation, register, registered

__all__ = ["Primitive", "all_primitives", "primitive"]

_TABLE = "autograd.primitives.table"  # the module whose primitives are the library's own

Rule = Callable[..., Any] | int | float
Partials = Callable[..., tuple[Any, ...]] | tuple[Rule, ...]


@dataclass(eq=False, repr=False)
class Primitive(Operation):
    """An operation of one scalar result: its value, its partial derivatives, how it is written.

    Primitives are made by `primitive` and are called like functions. An argument that has the hook
    ``_apply(primitive, args)`` (a `Value` has) takes the call over; NumPy arrays are mapped, and so are
    a Series and a frame of pandas, as by NumPy's functions; plain numbers are computed on.

    Attributes:
        name: what it is called, in programs and drawings too.
        forward: the function on floats.
        partials: the derivatives by each operand, as given to `primitive`.
        arity: how many operands it takes.
        symbol: its infix or prefix operator ("*"), or "" where it is written as a call.
        commutative: whether its two operands may be exchanged.
        folded: whether a call may name any number of arguments, taken two at a time.
        partials_of_many: where a call with more than two arguments is one operation, its partials.
        domain: where it is defined, in words ("x > 0"), or "" for all real numbers.
        textbook: the partials as textbooks write them, where the rule is written otherwise for
            accuracy; for reading only, nothing computes with them.
        expression: the same function in terms of other primitives, or None for an elementary one.
        on_arrays: the same function on NumPy arrays of floats, or None.
        libm: the name of the C function that computes it, or "".
        place: the module that registered it.
        is_builtin: whether it is of the library's own table.
        is_random: whether it is a random number, which has nothing to do with the size of its operands.
    """

    name: str
    forward: Callable[..., float]
    partials: Partials
    symbol: str = ""
    commutative: bool = False
    folded: bool = False
    partials_of_many: Callable[..., tuple[Any, ...]] | None = None
    domain: str = ""
    textbook: tuple[Rule, ...] | None = None
    expression: Callable[..., Any] | None = None
    on_arrays: Callable[..., Any] | None = None
    libm: str = ""
    place: str = ""
    is_random: bool = False

    def __post_init__(self) -> None:
        self.__name__ = self.name
        self.arity = _arity(self.name, self.partials)
        self.is_builtin = self.place == _TABLE
        self.is_composite = self.expression is not None
        self.of_two = self
        if self.is_builtin and not self.libm and self.forward.__module__ == "math":
            self.libm = self.forward.__name__
        # The partials again, where `Value.backward` may run them without further questions: those of
        # the library's own table, for one or two operands, none of them zero. Otherwise None.
        self.rules: tuple[Any, ...] | None = None
        partials = self.partials
        if self.is_builtin and self.arity <= 2 and isinstance(partials, tuple) and 0 not in partials:
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
            partials = _ieee(self.partials, y, inputs)
            if not isinstance(partials, tuple) or len(partials) != len(inputs):
                raise TypeError(
                    f"the partials of {self.name!r} must return a tuple of {len(inputs)}, one partial "
                    f"an input, got {partials!r}"
                )
            return [self._partial(partial, y) if want else None for partial, want in zip(partials, wanted)]
        return [
            None
            if not want or rule == 0
            else self._partial(_ieee(rule, y, inputs) if callable(rule) else rule, y)
            for rule, want in zip(self.partials, wanted)
        ]

    def run(self, inputs: Sequence[Any]) -> tuple[Any]:
        """Its one result."""
        return (self(*inputs),)

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any]:
        """The sum of the partials times the tangents; a tangent None is that of an operand without one."""
        wanted = tuple([tangent is not None for tangent in tangents])
        total = None
        for tangent, partial in zip(tangents, self.partials_at(results[0], tuple(inputs), wanted)):
            if partial is not None:
                term = times(tangent, partial)
                total = term if total is None else total + term
        return (total,)

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> list[Any]:
        """The adjoint times the partials."""
        (adjoint,) = adjoints
        y = results[0]
        if self.rules is not None and type(y) is not complex:
            try:  # what the lines below come to, in half the time
                return [
                    times(adjoint, rule if type(rule) is float else rule(y, *inputs)) if want else None
                    for rule, want in zip(self.rules, wanted)
                ]
            except (ArithmeticError, ValueError, TypeError):  # of a rule: again, under IEEE 754 rules
                pass
        partials = self.partials_at(results[0], tuple(inputs), tuple(wanted))
        return [None if partial is None else times(adjoint, partial) for partial in partials]

    def expand(self, *inputs: Any) -> Any:
        """Its expression in other primitives, or its forward, which may take Values as it takes floats."""
        return (self.expression or self.forward)(*inputs)

    @property
    def definition(self) -> tuple[Any, ...]:
        """Its functions: on floats, and of the partial derivatives."""
        return self.forward, self.partials

    def _partial(self, partial: Any, y: Any) -> Any:
        """What a rule returned: a truth, or a number on floats, as a float; never nothing."""
        if isinstance(partial, (bool, np.bool_)):
            return float(partial)
        if type(partial) is float or (type(y) is not float and partial is not None):
            return partial
        return to_float(partial, f"a partial of {self.name!r}")

    def _dispatch(self, args: tuple[Any, ...]) -> Any:
        """A call with anything but floats among its arguments."""
        if len(args) != self.arity:
            return self._fold(args)
        if len(args) == 1:  # the usual call, without what only arrays need
            kind: Any = type(args[0])
            if hasattr(kind, "_apply") and not hasattr(kind, "__array_ufunc__"):
                return kind._apply(self, args)
        arrays = [a for a in args if hasattr(type(a), "__array_ufunc__") and not isinstance(a, np.generic)]
        for array in arrays:
            if not isinstance(array, np.ndarray):
                return array.__array_ufunc__(_AsUfunc(self), "__call__", *args)
        if arrays:
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
            is_whole = isinstance(only, np.ndarray) or hasattr(type(only), "_apply")
            return only if is_whole else self.operand(only)
        if self.of_two.partials_of_many is not None:
            return self.of_arity(len(args))(*args)
        return reduce(self, args)

    def of_arity(self, count: int) -> Primitive:
        """The same operation of so many operands, where it has `partials_of_many`; otherwise itself.

        All of its forms have its name; the one of two operands, which the table has, is ``of_two``.
        """
        of_two = self.of_two
        if of_two.partials_of_many is None or count < 2:
            return self
        return of_two if count == 2 else _of_many(of_two, count)

    def _map(self, args: tuple[Any, ...]) -> Any:
        """Element by element over arrays: floats at NumPy's speed where there is a way to."""
        arrays = []
        for arg in args:
            array = as_array(arg, f"an operand of {self.name}")
            arrays.append(np.asarray(arg) if array is None else array)
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

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return super().__reduce__() if self is self.of_two else (_of_many, (self.of_two, self.arity))


@cache
def _of_many(of_two: Primitive, count: int) -> Primitive:
    """A primitive of two operands as one operation on more, with partials of its own."""
    many = object.__new__(Primitive)
    vars(many).update(vars(of_two), of_two=of_two, arity=count)
    many.forward = many.expression = lambda *args: reduce(of_two, args)
    many.partials, many.rules = of_two.partials_of_many, None  # type: ignore[assignment]
    many.is_composite, many.commutative, many.libm, many.on_arrays = True, False, "", None
    return many


class _AsUfunc:
    """A primitive as what NumPy's ufuncs hand to other kinds of arrays: a Series or a frame of pandas."""

    nout = 1

    def __init__(self, primitive: Primitive) -> None:
        self.nin = primitive.arity
        self.__name__ = f"primitive {primitive.name}"  # none of NumPy's names, which they treat otherwise
        self.primitive = primitive

    def __call__(self, *arrays: Any) -> Any:
        return self.primitive._map(tuple(map(np.asarray, arrays)))


def times(adjoint: Any, partial: Any) -> Any:
    """The product; a factor 1, or -1, that is a plain number makes no operation (the bits are the same)."""
    if type(partial) is int:
        partial = float(partial)
    if type(partial) is float and abs(partial) == 1.0:
        return adjoint if partial == 1.0 else -adjoint
    if type(adjoint) is float and abs(adjoint) == 1.0:
        return partial if adjoint == 1.0 else -partial
    return adjoint * partial


def _ieee(rule: Callable[..., Any], y: Any, inputs: tuple[Any, ...]) -> Any:
    """A rule at a point: what it computes on floats, beside Values too, under IEEE 754 rules."""
    try:
        partials = rule(y, *inputs)
        if isinstance(y, complex) or not _has_complex(partials):
            return partials
    except (ArithmeticError, ValueError, TypeError):  # the last where a complex number met `math`, or a Value
        pass
    return evaluate(rule, y, *inputs)


def _has_complex(partials: Any) -> bool:
    if type(partials) is tuple:
        return any(isinstance(partial, complex) for partial in partials)
    return isinstance(partials, complex)


def primitive(
    name: str,
    forward: Callable[..., float],
    partials: Partials,
    *,
    symbol: str = "",
    commutative: bool = False,
    folded: bool = False,
    partials_of_many: Callable[..., tuple[Any, ...]] | None = None,
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
        partials_of_many: ``partials(y, *inputs)`` of a folded primitive of any number of inputs. A call
            with more than two is then one operation, which has these; without, it is as many as it takes.
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
    if not callable(forward):
        raise TypeError(f"forward of {name!r} must be a function of floats, got {forward!r}")
    made = Primitive(
        name,
        forward,
        partials,
        symbol=symbol,
        commutative=commutative,
        folded=folded,
        partials_of_many=partials_of_many,
        domain=domain,
        textbook=textbook,
        expression=expression,
        on_arrays=on_arrays,
        libm=libm,
        place=place,
    )
    made.__doc__ = doc
    return register(made)


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


def all_primitives() -> Iterator[Primitive]:
    """All registered primitives but random numbers, in the order of registration."""
    own = [operation for operation in registered() if isinstance(operation, Primitive)]
    return iter([operation for operation in own if not operation.is_random])
