"""What an operation is: how its results are computed, and how derivatives go through it."""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from autograd.primitives.ieee import to_float
from autograd.support.locks import fork_safe_lock
from autograd.support.user_line import Line

__all__ = ["ABSENT", "Operation", "Projection", "find_operation", "register", "registered"]

# The derivative that an operation is given where there is none: 0.0, told by identity from one that is there
# and happens to be 0.
ABSENT = float("0.0")


class Operation:
    """What a node of a graph, or an instruction of code, applies to its operands.

    An operation answers three questions, and nothing else in the library knows how to compute or to
    differentiate it. The answers are ordinary arithmetic, so they serve all kinds of numbers: asked with
    Values, `push` and `pull` build the graph of a derivative, which can be differentiated again.

    A subclass sets ``name``, ``arity`` and, where there are several results, ``result_count``. An object of
    it that is given to `register` can be pickled, and is found again by its name when code is loaded.

    Attributes:
        name: what it is called in programs, drawings and files; an identifier.
        arity: how many operands it takes.
        result_count: how many results it has.
        symbol: its infix or prefix operator ("*"), or "" where it is written as a call.
        commutative: whether its two operands may be exchanged.
        folded: whether a call may name any number of arguments, taken two at a time.
        is_builtin: whether it is of the library's own table.
        is_composite: whether it is to be written out in other operations before it is run.
        is_called_back: whether it cannot be written out, and is not to be tried.
        rules: what `Value.backward` may run without further questions: see `Primitive`.
        libm: the name of the C function of doubles that computes it, or "".
        on_arrays: the same function on NumPy arrays of floats, or None.
        takes_arrays: whether an operand or a result may be a whole array: an array of floats, or a node.
        moves: whether the elements of its results are those of operands, put elsewhere or added up.
        aligned: the operands whose elements go each into that element of the results, and into no other.
        choice: of a `where` of arrays, which operands are the condition and the choices, None for constants.
        bodies: the code that it holds, one or several; none in most.
        roles: of several, what to call each where they are printed.
        leading: what the operands are called that come before those which the code takes.
        is_inlined: whether its body is written out where it becomes an instruction of code.
        place: the module that registered it.
    """

    name: str
    arity: int
    result_count: int = 1
    symbol: str = ""
    commutative: bool = False
    folded: bool = False
    is_builtin: bool = False
    is_composite: bool = False
    is_called_back: bool = False
    rules: Any = None
    libm: str = ""
    on_arrays: Any = None
    takes_arrays: bool = False
    moves: bool = False
    aligned: Sequence[int] = ()
    choice: tuple[int | None, ...] | None = None
    bodies: tuple[Any, ...] = ()
    roles: tuple[str, ...] = ()
    leading: tuple[str, ...] = ()
    is_inlined: bool = False
    place: str = ""

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The results of floats, or of other numbers that the operation computes on."""
        raise NotImplementedError(f"{self.name} does not say how its results are computed (run)")

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """Forward mode: the tangent of each result, from those of the operands, `ABSENT` for none."""
        raise NotImplementedError(f"{self.name} has no rule for forward mode (push)")

    def pull(
        self,
        inputs: Sequence[Any],
        results: Sequence[Any],
        adjoints: Sequence[Any],
        wanted: Sequence[bool],
    ) -> Sequence[Any]:
        """Reverse mode: what each operand's adjoint receives, from those of the results.

        Args:
            inputs: the operands' numbers.
            results: the results, of the same kind.
            adjoints: of each result, `ABSENT`, which is 0.0, where nothing depends on it.
            wanted: for each operand whether what it receives is asked for.

        Returns:
            One number an operand; None where nothing is asked for, or where it is 0 everywhere.
        """
        raise NotImplementedError(f"{self.name} has no rule for reverse mode (pull)")

    def pull_masked(
        self,
        inputs: Sequence[Any],
        results: Sequence[Any],
        adjoints: Sequence[Any],
        masks: Sequence[Any],
        wanted: Sequence[bool],
    ) -> Sequence[tuple[Any, Any]]:
        """Reverse mode where some elements of adjoints are absent, because a `where` did not select them.

        Args:
            inputs, results, adjoints, wanted: as for `pull`; what is absent is 0.0.
            masks: of each adjoint, a number or an array, 0 where it is absent; None where it is there.

        Returns:
            For each operand what `pull` returns, and its mask.
        """
        terms = self.pull(inputs, results, adjoints, wanted)
        if not self.moves:
            return [(term, None) for term in terms]
        present = [
            adjoint if adjoint is ABSENT else 1.0 if mask is None else mask
            for adjoint, mask in zip(adjoints, masks)
        ]
        return list(zip(terms, self.pull(inputs, results, present, wanted)))

    def example(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """Results of the same kinds, for a trace, in which the numbers do not matter."""
        return self.run(inputs)

    def pruned(self, needed: Sequence[bool]) -> tuple[Operation, list[int], list[int]] | None:
        """The same with fewer results: the operation, which operands it takes, and which results are left.

        Args:
            needed: for each result whether it is used. None where nothing can be left out.
        """
        return None

    def hunt(self, inputs: Sequence[Any], place: str = "", line: Line | None = None) -> None:
        """Raise where a nan or an inf is born in the code that it holds.

        Args:
            inputs: its operands' numbers.
            place: which run it was, for the message.
            line: the line that what has none of its own belongs to.
        """

    def run_quietly(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The results of plain numbers, where anomalies may be detected and are not to be hunted."""
        return self.run(inputs)

    def arrays(self, operands: Sequence[bool]) -> tuple[bool, ...]:
        """Which results are whole arrays.

        Args:
            operands: which operands are.

        Raises:
            TypeError: an operand is an array that must be a number, or the other way round.
        """
        self.expect(operands, [False] * self.arity)
        return (False,) * self.result_count

    def expect(self, operands: Sequence[bool], expected: Sequence[bool]) -> None:
        """Raise a TypeError where other operands are whole arrays than was expected: see `arrays`."""
        for place, (is_array, should_be) in enumerate(zip(operands, expected)):
            if is_array != should_be:
                kinds = ("an array", "a number") if should_be else ("a number", "an array")
                raise TypeError(f"operand {place} of {self.name} must be {kinds[0]}, got {kinds[1]}")

    def with_bodies(self, bodies: Sequence[Any]) -> Operation:
        """The same operation, holding other code of the same inputs and outputs."""
        raise NotImplementedError(f"{self.name} holds no code")

    def known(self, operands: Sequence[int], slots: Sequence[Any]) -> tuple[int, ...] | None:
        """The slots that have its results already, where code is written, or None.

        Args:
            operands: slots.
            slots: what is in each: an instruction, or a constant.
        """
        return None

    def joined(
        self, operands: Sequence[int], other: Operation, others: Sequence[int], results: Sequence[int]
    ) -> Any:
        """One operation that does the work of two on these slots, or None: see `Loop.joined`."""
        return None

    def expand(self, *inputs: Any, **how: Any) -> Any:
        """Its result, or the tuple of its results, computed by other operations where that is possible.

        Engines that do not know the operation itself run what this records; where it records nothing
        (it takes floats only), they call `run`.
        """
        results = self.run(inputs)
        return results[0] if self.result_count == 1 else tuple(results)

    def __call__(self, *args: Any) -> Any:
        """Apply it: record on what has the hook ``_apply`` (a Value has), compute on plain numbers."""
        if len(args) != self.arity:
            raise TypeError(f"{self.name} takes {self.arity} argument(s), got {len(args)}")
        for arg in args:
            take_over = getattr(type(arg), "_apply", None)
            if take_over is not None:
                return take_over(self, args)
        results = self.run([self.operand(arg) for arg in args])
        return results[0] if self.result_count == 1 else tuple(results)

    def operand(self, number: object) -> float:
        """A plain number as the float that the operation computes on; a bool counts as 0 or 1."""
        if isinstance(number, (bool, np.bool_)):
            return float(number)
        try:
            return to_float(number, f"an operand of {self.name}")
        except TypeError as error:
            if isinstance(number, (list, tuple)):
                raise TypeError(f"{error}: make it an array, {self.name}(np.array(...))") from None
            raise

    @property
    def definition(self) -> tuple[Any, ...]:
        """The functions that define it: two operations are the same where these were written alike."""
        return type(self).run, type(self).push, type(self).pull

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return find_operation, (self.name,)


class Projection(Operation):
    """How a graph hands out the results of a node that has several: each is a Value that this made of it.

    Derivatives go through it between one such Value and another of the same result, unchanged.

    Attributes:
        index: which of the results it is, counted from 0.
    """

    arity = 1

    def __init__(self, index: int) -> None:
        self.name = f"result_{index}"
        self.index = index

    def push(self, _: Sequence[Any], __: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The same tangent."""
        return tangents

    def pull(
        self, _: Sequence[Any], __: Sequence[Any], adjoints: Sequence[Any], ___: Sequence[bool]
    ) -> Sequence[Any]:
        """The same adjoint."""
        return adjoints

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Projection, (self.index,)


_registered: dict[str, Operation] = {}
_registering = fork_safe_lock()
AnyOperation = TypeVar("AnyOperation", bound=Operation)


def register(operation: AnyOperation) -> AnyOperation:
    """Make an operation known by its name, under which pickles and files find it again.

    A name that is registered again from the same module replaces the old entry.

    Args:
        operation: an object of a subclass of `Operation`.

    Returns:
        The operation.

    Raises:
        ValueError: the name is no identifier, is one of the library's own, or was registered by another
            module for something else.
    """
    name = operation.name
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        kind = type(operation).__name__.lower()
        raise ValueError(f"a {kind}'s name must be an identifier, got {name!r}")
    operation.place = operation.place or type(operation).__module__
    with _registering:
        old = _registered.get(name)
        if old is not None and old.place != operation.place and not _is_copy(operation, old):
            whose = "one of the library's own" if old.is_builtin else f"registered by {old.place}"
            raise ValueError(f"the name {name!r} is taken ({whose}): choose another")
        _registered[name] = operation
    return operation


def _is_copy(operation: Operation, old: Operation) -> bool:
    """Whether a user's definition was copied to a second module: that is no clash."""
    return not old.is_builtin and bool(_written(operation.definition) == _written(old.definition))


def _written(definition: Any) -> Any:
    """What functions were written like."""
    if isinstance(definition, tuple):
        return tuple(map(_written, definition))
    code = getattr(definition, "__code__", None)
    return definition if code is None else (code.co_code, code.co_consts, code.co_names)


def find_operation(name: str) -> Operation:
    """Look an operation up by its name.

    Raises:
        KeyError: none of that name is registered in this process.
    """
    try:
        return _registered[name]
    except KeyError:
        raise KeyError(
            f"no primitive {name!r} is registered: import the module that defines it first"
        ) from None


def registered() -> list[Operation]:
    """All operations, in the order of registration."""
    with _registering:
        return list(_registered.values())
