"""A computation written down, to be repeated on other numbers and differentiated there by the chain rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import count
from typing import Any

from autograd.graph.value import Value
from autograd.graph.walks import is_constant, leaves, numbers, operands, operation, topological_order
from autograd.primitives.primitive import Primitive
from autograd.programs.code import Instruction
from autograd.programs.program import Program

__all__ = ["Tape", "located"]

# (primitive, result, operands, which partials are wanted) -> one partial an operand, None for none.
Partials = Callable[[Any, Any, tuple[Any, ...], tuple[bool, ...]], Sequence[Any]]


class Tape:
    """Operations in order, on numbered slots: the numbers that they start from, then their results.

    Attributes:
        start: the numbers: the inputs, then constants and whatever else there is.
        inputs: how many inputs there are.
        instructions: the operations.
        outputs: the slots of the results.
    """

    def __init__(
        self, start: list[float], inputs: int, instructions: Sequence[Instruction], outputs: Sequence[int]
    ) -> None:
        self.start = start
        self.inputs = inputs
        self.instructions = instructions
        self.outputs = outputs

    @classmethod
    def of_program(cls, program: Program, point: Sequence[float]) -> Tape:
        """A traced program at a point."""
        start = [*point, *numbers(program.captured), *program.constants]
        return cls(start, len(point), program.instructions, program.outputs)

    @classmethod
    def of_values(cls, outputs: Sequence[Any], inputs: Sequence[Value]) -> Tape:
        """The graph of results, each operation as it was recorded.

        Args:
            outputs: Values, and floats for results that depend on nothing.
            inputs: Values; other leaves are constants.
        """
        order = topological_order(*[one for one in outputs if isinstance(one, Value)], stop=inputs)
        recorded = set(order)
        beside = [one for one in outputs if isinstance(one, Value) and one not in recorded]
        known = dict.fromkeys([*inputs, *leaves(order, frozenset(inputs)), *beside])
        constants = [one for node in order for one in operands(node) if is_constant(one)]
        constants += [one for one in outputs if is_constant(one)]
        start = numbers([*known, *constants])
        slots = {one: slot for slot, one in enumerate(known)}
        slots |= {node: slot for slot, node in enumerate(order, len(start))}
        constant = count(len(known))

        def slot(one: Any) -> int:
            return next(constant) if is_constant(one) else slots[one]

        instructions = [
            Instruction(operation(node), tuple([slot(one) for one in operands(node)]), (at,))
            for at, node in enumerate(order, len(start))
        ]
        return cls(start, len(inputs), instructions, [slot(one) for one in outputs])

    @cached_property
    def dependent(self) -> set[int]:
        """The slots that depend on an input."""
        found = set(range(self.inputs))
        for at, instruction in enumerate(self.instructions, len(self.start)):
            if not found.isdisjoint(instruction.operands):
                found.add(at)
        return found

    def replayed(self, start: Sequence[Any], apply: Callable[..., Any] = Primitive.__call__) -> list[Any]:
        """All slots, computed again from other numbers to start from."""
        slots = list(start)
        for instruction in self.instructions:
            slots.append(apply(instruction.operation, *[slots[one] for one in instruction.operands]))
        return slots

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
        found = {output: seed} if output in self.dependent else {}
        for at in range(output, len(self.start) - 1, -1):
            if at not in found:
                continue
            instruction = self.instructions[at - len(self.start)]
            inputs = tuple([slots[one] for one in instruction.operands])
            wanted = tuple([one in self.dependent for one in instruction.operands])
            for one, partial in zip(
                instruction.operands, partials(instruction.operation, slots[at], inputs, wanted)
            ):
                term = None if partial is None else product(found[at], partial)
                if term is not None:
                    found[one] = found[one] + term if one in found else term
        return found


def located(instruction: Instruction) -> str:
    """Where an operation stands in the user's code, to end a sentence with; "" where that is not known."""
    return f", at {instruction.line}" if instruction.line else ""
