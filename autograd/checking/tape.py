"""Code at a point, to be computed again on other numbers and differentiated there by the chain rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from autograd.derivatives import sweeps
from autograd.graph.nodes import is_constant, number, numbers, operands, operation, result_index
from autograd.graph.value import Value
from autograd.graph.walks import Application, applications, leaves, topological_order
from autograd.primitives.operation import Operation, Projection
from autograd.primitives.primitive import Primitive
from autograd.programs.code import Code, Instruction
from autograd.programs.loops.packing import expanded
from autograd.programs.lowering import in_primitives, result_of
from autograd.programs.program import Program
from autograd.support.locks import cached_property

__all__ = ["Tape", "located", "primitive_of", "straightened"]

# (primitive, result, operands, which partials are wanted) -> one partial an operand, None for none.
Partials = Callable[[Any, Any, tuple[Any, ...], tuple[bool, ...]], Sequence[Any]]


class Tape:
    """Code, and the numbers of its slots before the first instruction's.

    Attributes:
        code: the operations.
        instructions: these in order.
        outputs: the slots of the results.
        point: the numbers of the code's inputs.
        start: the numbers: the inputs, then constants and whatever else there is.
        inputs: how many inputs there are to differentiate by, from the first on.
    """

    def __init__(self, code: Code, point: Sequence[float], inputs: int) -> None:
        self.code = code
        self.instructions, self.outputs = code.instructions, code.outputs
        self.point = list(point)
        self.start = [*point, *code.constants]
        self.inputs = inputs
        self._applied: list[Application] = [instruction[:3] for instruction in code.instructions]

    @classmethod
    def of_program(cls, program: Program, point: Sequence[float]) -> Tape:
        """A traced program at a point."""
        return cls(in_primitives(program.code), [*point, *numbers(program.captured)], len(point))

    @classmethod
    def of_values(cls, outputs: Sequence[Any], inputs: Sequence[Value]) -> Tape:
        """The graph of results, each operation as it was recorded.

        Args:
            outputs: Values, and floats for results that depend on nothing.
            inputs: Values; other leaves are constants.
        """
        outputs = straightened(outputs, inputs)
        order = topological_order(*[output for output in outputs if not is_constant(output)], stop=inputs)
        recorded = set(order)
        beside = [output for output in outputs if not is_constant(output) and output not in recorded]
        known = dict.fromkeys([*inputs, *leaves(order, frozenset(inputs)), *beside])
        used = [operand for node in order for operand in operands(node)] + list(outputs)
        constants = [operand for operand in used if is_constant(operand)]
        start = len(known) + len(constants)
        slots = {node: slot for slot, node in enumerate(known)}
        slots |= {node: slot for slot, node in enumerate(order, start)}
        constant = count(len(known))

        def slot(operand: Any) -> int:
            return next(constant) if is_constant(operand) else slots[operand]

        instructions = [
            Instruction(primitive_of(node), tuple([slot(operand) for operand in operands(node)]), (at,))
            for at, node in enumerate(order, start)
        ]
        names = [node.label for node in known]
        code = Code("graph", names, constants, instructions, [slot(output) for output in outputs])
        return cls(code, numbers(known), len(inputs))

    @cached_property
    def dependent(self) -> set[int]:
        """The slots that depend on an input."""
        return sweeps.dependent_on(range(self.inputs), self._applied)

    def replayed(self, start: Sequence[Any], apply: Callable[..., Any] = Operation.__call__) -> list[Any]:
        """All slots, computed again from other numbers to start from."""
        known = len(self.code.inputs)
        return self.code.run(start[:known], apply, start[known:])

    def adjoints(
        self,
        slots: Sequence[Any],
        output: int,
        seed: Any,
        partials: Partials,
        product: Callable[[Any, Any], Any],
    ) -> dict[int, Any]:
        """The derivative of an output by each slot that it depends on and that depends on an input.

        Args:
            slots: as `replayed` computed them.
            output: the output's slot.
            seed: its derivative by itself.
            partials: what differentiates an operation.
            product: of an adjoint and a partial, None where it adds nothing.
        """
        reached: dict[int, Any] = {}
        received = {output}

        def pull(
            primitive: Operation,
            inputs: Sequence[Any],
            results: Sequence[Any],
            adjoints: Sequence[Any],
            wanted: Sequence[bool],
        ) -> list[Any]:
            slopes = partials(primitive, results[0], tuple(inputs), tuple(wanted))
            return [None if slope is None else product(adjoints[0], slope) for slope in slopes]

        def observe(application: Application, adjoints: Sequence[Any], sent: sweeps.Received) -> None:
            reached[application[2][0]] = adjoints[0]
            received.update([operand for operand, *_ in sent])

        ends = range(self.inputs)
        swept = sweeps.reverse(
            self._applied,
            [(output, seed)],
            ends,
            values=lambda keys: [slots[key] for key in keys],
            pull=pull,
            observer=observe,
        )
        return reached | {slot: adjoint for slot, adjoint in zip(ends, swept) if slot in received}


def straightened(outputs: Sequence[Any], inputs: Sequence[Value]) -> Sequence[Any]:
    """Results of a graph, or the same of another graph in which loops are written out step by step.

    Labels stay.
    """
    applied = applications(*[output for output in outputs if not is_constant(output)], stop=inputs)
    if not any(application[0].takes_arrays for application in applied):
        return outputs
    made: dict[Any, Any] = {}

    def copied(operand: Any) -> Any:
        return number(operand) if is_constant(operand) else made.get(operand, operand)

    for applied_operation, parts, results in applied:
        copies = [copied(part) for part in parts]
        if isinstance(applied_operation, Projection):
            made[results[0]] = copies[0]
            continue
        outcome = expanded(applied_operation, *copies)
        made.update(zip(results, (outcome,) if len(results) == 1 else outcome))
        for result in results:
            if result.label and isinstance(made[result], Value):
                made[result].label = made[result].label or result.label
    return [copied(output) for output in outputs]


def primitive_of(node: Value) -> Primitive:
    """The primitive that computed a node; for a result of another operation one that stands for it."""
    applied = operation(node)
    return applied if isinstance(applied, Primitive) else result_of(applied, result_index(node))


def located(instruction: Instruction) -> str:
    """Where an operation stands in the user's code, to end a sentence with; "" where that is not known."""
    return f", at {instruction.line}" if instruction.line else ""
