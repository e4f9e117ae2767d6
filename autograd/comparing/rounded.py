"""Numbers that know how far rounding may have taken them, and gradients made of them.

The bound is a running error bound (J. H. Wilkinson, Error analysis revisited, 1986; N. J. Higham,
Accuracy and Stability of Numerical Algorithms, 2nd edition, section 3.3): each operation hands the errors
of its operands on, times its partial derivatives, and adds its own rounding. It is of first order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autograd.derivation.differentiation import textbook_partial
from autograd.derivation.operators import Operators
from autograd.derivatives.sweeps import dependent_on, reverse
from autograd.graph.value import Value
from autograd.graph.walks import applications, is_constant, number, operands, operation, topological_order
from autograd.primitives import table
from autograd.primitives.primitive import Primitive

__all__ = ["UNIT", "Gradient", "Rounded", "rounded_partial"]

UNIT = 2.0**-53  # the largest relative error of one rounding
_ROUNDED_ONCE = frozenset({table.add, table.sub, table.mul, table.div, table.sqrt})
_EXACT = frozenset({
    table.neg, table.absolute, table.relu, table.maximum, table.minimum, table.where, table.stop_gradient,
    table.less, table.less_equal, table.equal,
})  # fmt: skip
_FUNCTION = 4.0  # roundings that any other function may cost: two units in the last place


class Rounded(Operators):
    """A float and a bound of its distance from the exact result.

    Attributes:
        value: the float.
        error: the bound.

    >>> third = Rounded(1.0) / 3.0
    >>> third.error < 1e-16, (third * 3.0 - 1.0).error > third.error
    (True, True)
    """

    __slots__ = ("error", "value")

    def __init__(self, value: float, error: float = 0.0) -> None:
        self.value = value
        self.error = error

    @staticmethod
    def _apply(primitive: Primitive, args: tuple[Any, ...]) -> Rounded:
        numbers = tuple(arg.value if isinstance(arg, Rounded) else primitive.operand(arg) for arg in args)
        errors = [arg.error if isinstance(arg, Rounded) else 0.0 for arg in args]
        y = primitive(*numbers)
        partials = primitive.partials_at(y, numbers, tuple(error > 0.0 for error in errors))
        handed_on = sum(abs(partial) * error for partial, error in zip(partials, errors) if partial and error)
        return Rounded(y, handed_on + _own_rounding(primitive) * abs(y))

    def __bool__(self) -> bool:
        return self.value != 0.0

    def __repr__(self) -> str:
        return f"{self.value!r} ± {self.error:.1e}"


def _own_rounding(primitive: Primitive) -> float:
    if primitive in _EXACT:
        return 0.0
    return UNIT if primitive in _ROUNDED_ONCE else _FUNCTION * UNIT


class Gradient:
    """A function's gradient at a point, by the engine.

    Attributes:
        result: the function's value.
        components: the derivatives by the inputs asked for.
        errors: for each how far rounding may take a formula for it, derived by textbook rules.
    """

    def __init__(self, result: Any, inputs: Sequence[Value]) -> None:
        if isinstance(result, Value):
            order = topological_order(result)
            self.result = result.data
            self.components = reverse(applications(result), [(result, 1.0)], inputs)
            self.errors = _errors(order, result, inputs)
        else:
            self.result = float(result)
            self.components = self.errors = [0.0] * len(inputs)

    @property
    def is_usable(self) -> bool:
        """Whether something can be compared with it."""
        return all(map(math.isfinite, [self.result, *self.components, *self.errors]))


def _errors(order: list[Value], result: Value, inputs: Sequence[Value]) -> list[float]:
    """A reverse sweep in rounded numbers, by textbook rules: what a person's formulas go through."""
    results: dict[Value, Any] = {}

    def rounded(operand: Any) -> Any:
        return operand if is_constant(operand) else results.setdefault(operand, Rounded(number(operand)))

    for node in order:
        results[node] = operation(node)(*map(rounded, operands(node)))
    involved = dependent_on(inputs, applications(result))
    adjoints: dict[Value, Any] = {result: Rounded(1.0)}
    for node in reversed(order):
        adjoint = adjoints.pop(node, None) if node in involved else None
        if adjoint is None:
            continue
        parts = operands(node)
        args = tuple(map(rounded, parts))
        for place, one in enumerate(parts):
            if not is_constant(one) and one in involved:
                term = adjoint * rounded_partial(operation(node), place, args, results[node])
                adjoints[one] = adjoints[one] + term if one in adjoints else term
    return [adjoints[one].error if one in adjoints else 0.0 for one in inputs]


def rounded_partial(primitive: Any, place: int, args: tuple[Any, ...], y: Any) -> Any:
    """A partial derivative by the textbook's rule; by the table's where that has no number."""
    try:
        found = textbook_partial(primitive, place, args, y)
    except Exception:  # a user's rule may do on rounded numbers whatever it likes: on floats it must work
        found = None
    if isinstance(found, (int, float)) or (
        isinstance(found, Rounded) and math.isfinite(found.value) and math.isfinite(found.error)
    ):
        return found
    wanted = tuple(i == place for i in range(len(args)))
    floats = tuple(arg.value if isinstance(arg, Rounded) else arg for arg in args)
    partial = primitive.partials_at(y.value, floats, wanted)[place]
    return Rounded(partial, _FUNCTION * UNIT * abs(partial))
