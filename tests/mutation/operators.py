"""The kinds of change that are made: cosmic-ray's, one for each operator of Python, and one of our own.

cosmic-ray replaces a ``+`` by each of eleven other operators. Most of these raise a TypeError at once, which
shows nothing about the tests, so each operator has one partner here, the closest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.operators.provider import OperatorProvider
from parso.python.tree import Keyword

__all__ = ["OPERATORS"]

_FROM_COSMIC_RAY = (
    *("AddNot", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ZeroIterationForLoop", "ExceptionReplacer"),
    *("NumberReplacer", "RemoveDecorator"),
    *(f"ReplaceUnaryOperator_Delete_{one}" for one in ("USub", "Not", "Invert")),
    *(
        f"ReplaceBinaryOperator_{one}"
        for one in (
            *("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Div", "Mod_FloorDiv", "Pow_Mul"),
            *("LShift_RShift", "RShift_LShift", "BitOr_BitAnd", "BitAnd_BitOr", "BitXor_BitAnd"),
        )
    ),
    *(
        f"ReplaceComparisonOperator_{one}"
        for one in ("Eq_NotEq", "NotEq_Eq", "Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Is_IsNot", "IsNot_Is")
    ),
)


class DeleteStatement(Operator):
    """Put ``pass`` in the place of a statement that has an effect: a call, a raise, a change of a place.

    The assignment of a name is left alone: without it the name is missing, and the first test says so.
    """

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "simple_stmt" and _has_an_effect(node.children[0]):
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: Any, _: int) -> Any:
        statement = node.children[0]
        first = statement.get_first_leaf()
        node.children[0] = Keyword("pass", statement.start_pos, first.prefix)
        # as many lines as before, so that no other line moves
        node.children[-1].value += "\n" * (statement.end_pos[0] - statement.start_pos[0])
        return node

    @classmethod
    def examples(cls) -> Sequence[Example]:
        return (Example("x.append(1)\n", "pass\n"), Example("x.y = 1\n", "pass\n"))


def _has_an_effect(statement: Any) -> bool:
    if statement.type == "expr_stmt":
        target, sign = statement.children[:2]
        augmented = sign.type == "operator" and sign.value != "="
        return augmented or (sign.type == "operator" and target.type in ("atom_expr", "power"))
    if statement.type in ("atom_expr", "power"):  # a call
        return True
    return statement.type in ("raise_stmt", "del_stmt", "yield_expr")


_provider = OperatorProvider()
OPERATORS: dict[str, Operator] = {name: _provider[name]() for name in _FROM_COSMIC_RAY}
OPERATORS["DeleteStatement"] = DeleteStatement()
