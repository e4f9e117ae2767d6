"""How far rounding may set two formulas for one gradient apart: the engine's, and one by hand.

The rounding of the engine's own formula can be computed, but a formula by hand rounds other numbers, in
another order. So each operation is charged with the most that its kind loses on any number, and derivatives
follow the textbook's rules.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.checking.numbers import restated
from autograd.checking.rounding import DERIVATIVE_ULPS, OPAQUE_ULPS, SMALLEST, VALUE_ULPS, Rounded
from autograd.checking.tape import Tape
from autograd.derivation.differentiation import textbook_partial
from autograd.derivatives.sweeps import reverse
from autograd.graph.value import Value
from autograd.graph.walks import applications
from autograd.primitives.primitive import Primitive

__all__ = ["UNIT", "HandRounded", "RoundedGradient", "rounded_partial", "roundings"]

UNIT = 2.0**-53  # the largest relative error of one rounding


def roundings(count: float, numbers: Any) -> Any:
    """What so many roundings of numbers may come to, each a part of them or, of the least, a whole unit."""
    return count * np.maximum(UNIT * np.abs(numbers), SMALLEST)


def _charge(ulps: float, number: float) -> float:
    """What so many units in the last place are where a number stands anywhere between two powers of 2."""
    return float(roundings(max(ulps, 1.0), number)) if ulps else 0.0


class HandRounded(Rounded):
    """A float and a bound on its error, in this formula or another way of writing it.

    >>> two = HandRounded(1.0) + 1.0
    >>> two.error == 2.0 * UNIT, (Rounded(1.0) + 1.0).error
    (True, 0.0)
    """

    __slots__ = ()

    @staticmethod
    def _lost(primitive: Primitive, y: float, _: Sequence[Rounded]) -> float:
        return _charge(VALUE_ULPS.get(primitive.of_two, OPAQUE_ULPS), y)


class RoundedGradient:
    """A function's gradient at a point, by the engine, and how far one by hand may be from it.

    Attributes:
        result: the function's value.
        components: the derivatives by the inputs asked for.
        errors: for each how far rounding may take a formula for it, derived by textbook rules.
    """

    def __init__(self, result: Any, inputs: Sequence[Value]) -> None:
        if isinstance(result, Value):
            self.result = result.data
            self.components = reverse(applications(result, stop=inputs), [(result, 1.0)], inputs)
            self.errors = _errors(result, inputs)
        else:
            self.result = float(result)
            self.components = self.errors = [0.0] * len(inputs)

    @property
    def is_usable(self) -> bool:
        """Whether something can be compared with it."""
        return all(map(math.isfinite, [self.result, *self.components, *self.errors]))


def _errors(result: Value, inputs: Sequence[Value]) -> list[float]:
    """A reverse sweep in rounded numbers, by textbook rules: what a person's formulas go through."""
    tape = Tape.of_values([result], inputs)
    slots = tape.code.run([HandRounded(number) for number in tape.point])

    def partials(primitive: Primitive, y: Any, args: tuple[Any, ...], wanted: Sequence[bool]) -> list[Any]:
        return [rounded_partial(primitive, i, args, y) if want else None for i, want in enumerate(wanted)]

    adjoints = tape.adjoints(slots, tape.outputs[0], HandRounded(1.0), partials, operator.mul)
    return [adjoints[slot].error if slot in adjoints else 0.0 for slot in range(len(inputs))]


def rounded_partial(primitive: Any, place: int, args: tuple[Any, ...], y: Any) -> Any:
    """A partial derivative by the textbook's rule; by the table's where that has no number."""
    try:
        partial = textbook_partial(restated(primitive), place, args, y)
    except Exception:  # a user's rule may do on rounded numbers whatever it likes: on floats it must work
        partial = None
    if isinstance(partial, (int, float)) or (isinstance(partial, Rounded) and math.isfinite(partial.error)):
        return partial
    wanted = tuple(i == place for i in range(len(args)))
    floats = tuple(arg.value if isinstance(arg, Rounded) else arg for arg in args)
    slope = primitive.partials_at(y.value, floats, wanted)[place]
    return HandRounded(slope, _charge(DERIVATIVE_ULPS.get(primitive.of_two, OPAQUE_ULPS), slope))
