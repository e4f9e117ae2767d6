"""`Call`: a compiled function as one operation, which holds its code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from autograd.derivatives import sweeps
from autograd.graph import context
from autograd.graph.anomaly import is_hunted
from autograd.graph.nodes import is_node, kind_of
from autograd.graph.walks import applications
from autograd.primitives.operation import ABSENT
from autograd.programs.births import raise_birth
from autograd.programs.code import Code
from autograd.programs.loops.loop_rules import lines_of
from autograd.programs.loops.packing import ArrayOperation, expanded
from autograd.programs.simplification import Builder
from autograd.programs.tracing import LinesOfNodes, written

__all__ = ["Call", "prepare_by"]

_MOST_DERIVATIVES = 16  # that are kept of one call: by what is asked for, and what is given

Runner = Callable[[Sequence[Any]], Sequence[Any]]
Mask = tuple[bool, ...]


class Call(ArrayOperation):
    """A call of a function whose code is known: in a graph one node, however long the code.

    Its operands are the code's inputs, its results the outputs. The derivative in either mode is a call
    again, of the code that computes the tangents, or the adjoints together with what these need of the
    results; it is derived once and kept. In other code the call is written out: see `Builder`.

    Args:
        body: the code.
        engine: what runs it: see `prepare_by`.
    """

    is_inlined = True

    def __init__(self, body: Code, engine: str = "auto") -> None:
        self.body = body
        self.bodies = (body,)
        self.name = body.name
        self.engine = engine
        self.arity = len(body.inputs)
        self.result_count = len(body.outputs)
        self._run: Runner | None = None
        self._derivative = lru_cache(_MOST_DERIVATIVES)(partial(_derivative, body, engine))
        self._key: Any = None

    def _settings(self) -> tuple[Any, ...]:
        """What it says, and the lines that say so, which stay when it is written out."""
        if self._key is None:
            self._key = self.body.key(), lines_of(self.body)
        return self._key  # type: ignore[no-any-return]

    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)

    def __hash__(self) -> int:
        return super().__hash__()

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The outputs of its code."""
        results = self.run_quietly(inputs)
        if context.active and is_hunted(*map(np.atleast_1d, results)):
            self.hunt(inputs)
        return results

    def run_quietly(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The same, where nobody hunts for what is not finite."""
        if self._run is None:
            self._run = _preparing[-1](self.body, self.engine)
        return tuple(self._run(inputs))

    def hunt(self, inputs: Sequence[Any], place: str = "") -> None:
        """Repeat its code, and raise where a nan or an inf is born."""
        raise_birth(self.body, inputs, place)

    def example(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """Any numbers; what the code makes of arrays, if there are any."""
        if not self.body.arrays and not any(each.operation.takes_arrays for each in self.body.instructions):
            return (0.5,) * self.result_count
        slots = self.body.run(inputs, _example)
        return tuple([slots[output] for output in self.body.outputs])

    def expand(self, *inputs: Any) -> Any:
        """Its code, written out."""
        slots = self.body.run(inputs, expanded)
        results = tuple([slots[output] for output in self.body.outputs])
        return results[0] if len(results) == 1 else results

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """A call of the code that computes the tangents."""
        given = tuple([tangent is not ABSENT for tangent in tangents])
        derivative = self._derivative(_tangents, given, (True,) * self.result_count, _sizes(inputs))
        return derivative.applied([*inputs, *_having(given, tangents)])

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """A call of the code that computes the adjoints."""
        given = tuple([adjoint is not ABSENT for adjoint in adjoints])
        derivative = self._derivative(_adjoints, given, tuple(map(bool, wanted)), _sizes([*inputs, *results]))
        return derivative.applied([*inputs, *_having(given, adjoints)])

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Call, (self.body, self.engine)


class _Derivative(NamedTuple):
    """The call that computes derivatives.

    Attributes:
        call: the call; None where all are 0 everywhere.
        operands: which it takes of: the other call's inputs, the derivatives that are given.
        places: the derivatives that it computes.
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
            results = self.call(*operands) if recorded else self.call.run(operands)
            if recorded and self.call.result_count == 1:
                results = (results,)
            for place, result in zip(self.places, results):
                derivatives[place] = result
        return derivatives


# What computes derivatives: of inputs, outputs, and leaves that stand for the derivatives given, by place.
_Rule = Callable[[Sequence[Any], Sequence[Any], dict[int, Any]], Sequence[Any]]


def _derivative(
    body: Code, engine: str, rule: _Rule, given: Mask, wanted: Mask, sizes: tuple[Any, ...]
) -> _Derivative:
    """The call of a rule's derivatives.

    Args:
        body: the code of the other call.
        engine: what runs it.
        rule: `_tangents` or `_adjoints`.
        given: which derivatives it gets.
        wanted: which are asked for.
        sizes: the shapes of the inputs, and where adjoints are given of the results.
    """
    inputs = [_leaf(size, name) for name, size in zip(body.inputs, sizes)]
    of_given, names = sizes, body.inputs
    if rule is _adjoints:
        of_given, names = sizes[len(inputs) :], tuple([f"result{i}" for i in range(len(given))])
    seeds = {i: _leaf(of_given[i], f"d_{names[i]}") for i, has in enumerate(given) if has}
    places: list[int] = []

    def compute(lines: LinesOfNodes) -> list[Any]:
        slots = lines.repeated(body, inputs)
        derivatives = rule(inputs, [slots[output] for output in body.outputs], seeds)
        places.extend([i for i, want in enumerate(wanted) if want and not _is_nothing(derivatives[i])])
        return [derivatives[i] for i in places]

    code, _captured = written(f"{body.name}{rule.__name__}", [*inputs, *seeds.values()], compute)
    code, operands = _trimmed(code)
    return _Derivative(Call(code, engine) if places else None, operands, places, len(wanted))


def _tangents(inputs: Sequence[Any], outputs: Sequence[Any], seeds: dict[int, Any]) -> Sequence[Any]:
    applied = applications(*filter(is_node, outputs), stop=inputs)
    return sweeps.forward(applied, [(inputs[i], seed) for i, seed in seeds.items()], outputs, lift=True)


def _adjoints(inputs: Sequence[Any], outputs: Sequence[Any], seeds: dict[int, Any]) -> Sequence[Any]:
    pairs = [(outputs[i], seed) for i, seed in seeds.items() if is_node(outputs[i])]
    applied = applications(*[output for output, _ in pairs], stop=inputs)
    return sweeps.reverse(applied, pairs, inputs, lift=True)


def _trimmed(code: Code) -> tuple[Code, list[int]]:
    """Code without the inputs that it does not use, and which it uses."""
    used = {operand for instruction in code.instructions for operand in instruction.operands}
    used.update(code.outputs)
    kept = [place for place in range(len(code.inputs)) if place in used]
    if len(kept) == len(code.inputs):
        return code, kept
    builder = Builder()
    slots = [
        builder.input(place in code.arrays) if place in used else -1 for place in range(len(code.inputs))
    ]
    slots = builder.replay(code, slots)
    outputs = [slots[output] for output in code.outputs]
    return builder.finish(code.name, [code.inputs[place] for place in kept], outputs), kept


def _leaf(shape: Any, label: str) -> Any:
    """A leaf that stands for an operand, or for a derivative."""
    data = 0.5 if shape is None else np.zeros(shape)
    leaf = kind_of(data)(data)
    leaf.label = label
    return leaf


def _sizes(operands: Sequence[Any]) -> tuple[Any, ...]:
    """The shape of each operand or result that is an array, None for a number."""
    elements = [each if isinstance(each, (float, np.ndarray)) else each._number for each in operands]
    return tuple([each.shape if isinstance(each, np.ndarray) else None for each in elements])


def _is_nothing(derivative: Any) -> bool:
    """Whether a derivative is 0 everywhere."""
    return type(derivative) is float and derivative == 0.0


def _having(given: Mask, derivatives: Sequence[Any]) -> list[Any]:
    return [derivative for has, derivative in zip(given, derivatives) if has]


def _example(operation: Any, *operands: Any) -> Any:
    results = operation.example(operands)
    return results[0] if len(results) == 1 else results


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
