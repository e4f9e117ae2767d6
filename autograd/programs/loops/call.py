"""`Call`: a compiled function as one operation, which holds its code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import compress
from typing import Any, NamedTuple

from autograd.graph.nodes import is_node
from autograd.programs.births import raise_birth
from autograd.programs.code import Code
from autograd.programs.loops import derived_code as rules
from autograd.programs.loops.derived_code import are_present, derived_code, shapes_of
from autograd.programs.loops.holding import CodeOperation, example_of
from autograd.programs.loops.loop_rules import lines_of, results_of
from autograd.programs.loops.packing import expanded
from autograd.support.user_line import Line

__all__ = ["Call", "prepare_by"]

_MOST_DERIVATIVES = 64  # that are kept of one call: by what is asked for, and what is given

Runner = Callable[[Sequence[Any]], Sequence[Any]]
Mask = tuple[bool, ...]


class Call(CodeOperation):
    """A call of a function whose code is known: in a graph one node, however long the code.

    Its operands are the code's inputs, its results the outputs. The derivative in either mode is a call
    again, of the code that computes the tangents, or the adjoints together with what these need of the
    results; it is derived once and kept. In other code the call is written out: see `Builder`.

    Args:
        body: the code.
        engine: what runs it: see `prepare_by`.
        is_once: whether it may not be run again: the first time it is run in Python, which takes less than
            to compile it, and only then made ready.
    """

    is_inlined = True

    def __init__(self, body: Code, engine: str = "auto", is_once: bool = False) -> None:
        self.body = body
        self.bodies = (body,)
        self.name = body.name
        self.engine = engine
        self.is_once = is_once
        self.arity = len(body.inputs)
        self.result_count = len(body.outputs)
        self._run: Runner | None = None
        self._derivative = lru_cache(_MOST_DERIVATIVES)(partial(_derivative, body, engine))

    def _settings(self) -> tuple[Any, ...]:
        """What it says, and the lines that say so, which stay when it is written out."""
        return self.body.key(), lines_of(self.body)

    def run_quietly(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The outputs of its code."""
        run = self._run
        if run is None and self.is_once:
            self.is_once = False
            run = self.body
        elif run is None:
            run = self._run = _preparing[-1](self.body, self.engine)
        return tuple(run(inputs))

    def hunt(self, inputs: Sequence[Any], place: str = "", line: Line | None = None) -> None:
        """Repeat its code, and raise where a nan or an inf is born."""
        raise_birth(self.body, inputs, place, line)

    def example(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """Any numbers; what the code makes of arrays, if there are any."""
        if not self.body.arrays and not any(each.operation.takes_arrays for each in self.body.instructions):
            return (0.5,) * self.result_count
        return tuple(self.body(inputs, example_of))

    def expand(self, *inputs: Any, apply: Callable[..., Any] = expanded) -> Any:
        """Its code, written out."""
        results = tuple(self.body(inputs, apply))
        return results[0] if len(results) == 1 else results

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """A call of the code that computes the tangents."""
        present, shapes = are_present(tangents), shapes_of(inputs)
        derivative = self._derivative(rules.tangents, present, (True,) * self.result_count, shapes, shapes)
        return derivative.applied([*inputs, *compress(tangents, present)])

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """A call of the code that computes the adjoints."""
        present, wanted = are_present(adjoints), tuple(map(bool, wanted))
        derivative = self._derivative(rules.adjoints, present, wanted, shapes_of(inputs), shapes_of(results))
        return derivative.applied([*inputs, *compress(adjoints, present)])

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Call, (self.body, self.engine)


class _Derivative(NamedTuple):
    """The call that computes derivatives.

    Attributes:
        call: the call; None where all are 0 everywhere.
        operands: which it takes of: the other call's inputs, the derivatives that are given.
        places: which derivatives it computes.
        size: how many were asked for.
    """

    call: Call | None
    operands: list[int]
    places: list[int]
    size: int

    def applied(self, inputs: Sequence[Any]) -> list[Any]:
        """The derivatives, None for each that is 0 everywhere."""
        derivatives: list[Any] = [None] * self.size
        if self.call is not None:
            operands = [inputs[place] for place in self.operands]
            recorded = not {float}.issuperset(map(type, operands)) and any(map(is_node, operands))
            results = results_of(self.call, operands) if recorded else self.call.run(operands)
            for place, result in zip(self.places, results):
                derivatives[place] = result
        return derivatives


def _derivative(
    body: Code, engine: str, rule: Any, present: Mask, wanted: Mask, shapes: Any, of_given: Any
) -> _Derivative:
    """The call of a rule's derivatives: see `derived_code`."""
    code, operands, places = derived_code(body, rule, present, wanted, shapes, of_given)
    call = Call(code, engine, is_once=engine == "auto") if places else None
    return _Derivative(call, operands, places, len(wanted))


def _in_python(code: Code, _: str) -> Runner:
    return code


_preparing: list[Callable[[Code, str], Runner]] = [_in_python]  # the last one makes code ready


def prepare_by(prepare: Callable[[Code, str], Runner]) -> None:
    """Have calls run otherwise than in Python.

    Args:
        prepare: is called once with the code and the name of an engine; returns what computes the outputs
            of inputs.
    """
    _preparing.append(prepare)
