"""A whole function as one operation, whose derivatives are rules of the user's own."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from autograd.graph.context import beginning
from autograd.graph.nodes import is_constant, is_leaf, is_node, made_since, number, numbers
from autograd.graph.trees import Structure, flatten
from autograd.graph.walks import leaves, topological_order
from autograd.primitives.operation import Operation
from autograd.primitives.primitive import times

__all__ = ["CustomFunction", "CustomOperation", "customs", "refuse_captured"]

# The functions with rules of their own that were defined at the top of a module: a file finds them here.
customs: dict[str, list[CustomFunction]] = {}


class CustomFunction(Protocol):
    """A function and its rules: see `custom_derivative`."""

    name: str
    function: Callable[..., Any]
    push_rule: Callable[..., Any] | None
    pull_rule: Callable[..., Any] | None
    is_external: bool
    checked_linear: set[str]
    seen: dict[Structure, Structure]

    @property
    def known_as(self) -> str:
        """The name under which its module has it, "module:name", or ""."""


class CustomOperation(Operation):
    """A function with rules of its own, applied to arguments that are nested in one way.

    Args:
        custom: the function and its rules.
        arguments: how its arguments are nested.
        results: how its results are nested; without, the first run tells.
        body: the code of the function, where it has been traced.
    """

    def __init__(
        self, custom: CustomFunction, arguments: Structure, results: Structure | None = None, body: Any = None
    ) -> None:
        self.custom = custom
        self.name = re.sub(r"\W+", "_", custom.name).strip("_")
        self.arguments = arguments
        self.arity = arguments.size
        self.body = body
        self.bodies = () if body is None else (body,)
        self.place = custom.function.__module__
        self.is_called_back = custom.is_external
        self.results: Any = None
        if results is not None:
            self._settle(results)

    def _settle(self, results: Structure) -> None:
        self.results = results
        self.result_count = results.size
        if not results.size:
            raise TypeError(f"{self.name} must return at least one number, got {results}")

    def _key(self) -> tuple[Any, ...]:
        return self.custom, self.arguments, self.results, None if self.body is None else self.body.key()

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, CustomOperation) and self._key() == other._key())

    def __hash__(self) -> int:
        return hash((id(self.custom), self.arguments))

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return CustomOperation, (self.custom, self.arguments, self.results, self.body)

    def with_bodies(self, bodies: Sequence[Any]) -> CustomOperation:
        """The same with other code of the same inputs and outputs."""
        return CustomOperation(self.custom, self.arguments, self.results, *bodies)

    # What it computes.

    def run(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The function's results, by calling it."""
        began = beginning()
        result = self.custom.function(*self.arguments.unflatten(inputs))
        outputs, results = _taken_apart(result, f"the result of {self.name}", inputs)
        if self.results is None:
            self._settle(results)
            self.custom.seen[self.arguments] = results
        elif results != self.results:
            raise TypeError(f"{self.name} must return {self.results}, as when it was traced, got {results}")
        return tuple([_plain(output, began, self.name) if is_node(output) else output for output in outputs])

    def example(self, _: Sequence[Any]) -> tuple[Any, ...]:
        """Any numbers."""
        return (0.5,) * self.result_count

    def expand(self, *inputs: Any) -> Any:
        """What its code computes, or the function where there is none."""
        if self.body is None:
            return super().expand(*inputs)
        outputs = self.body(inputs)
        return outputs[0] if self.result_count == 1 else tuple(outputs)

    # Its derivatives.

    def push(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The rule's answer; without one the sum over the results that `pull` gives for each."""
        if self.custom.push_rule is not None:
            return self._pushed(inputs, results, tangents)
        self._check_rule("pull", self._pulled, inputs, results, self.result_count)
        pushed = []
        for place in range(self.result_count):
            partials = self._pulled(inputs, results, _unit(self.result_count, place))
            pushed.append(_dot(tangents, partials))
        return pushed

    def pull(
        self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The rule's answer; without one the sum over the operands that `push` gives for each."""
        if self.custom.pull_rule is not None:
            return self._pulled(inputs, results, adjoints)
        self._check_rule("push", self._pushed, inputs, results, self.arity)
        return [
            _dot(adjoints, self._pushed(inputs, results, _unit(self.arity, place))) if want else None
            for place, want in enumerate(wanted)
        ]

    def _pushed(self, inputs: Sequence[Any], results: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
        assert self.custom.push_rule is not None
        tangent = self.custom.push_rule(
            self.arguments.unflatten(inputs),
            self.results.unflatten(results),
            self.arguments.unflatten(tangents),
        )
        terms = self._terms(tangent, self.results, "push", "the result's", inputs)
        return terms if _has_node(inputs, results, tangents) else _numbers(terms)

    def _pulled(self, inputs: Sequence[Any], results: Sequence[Any], adjoints: Sequence[Any]) -> list[Any]:
        assert self.custom.pull_rule is not None
        arguments = self.arguments.unflatten(inputs)
        gradients = self.custom.pull_rule(
            arguments, self.results.unflatten(results), self.results.unflatten(adjoints)
        )
        if not isinstance(gradients, (tuple, list)) or len(gradients) != len(arguments):
            raise TypeError(
                f"pull of {self.name} must return a tuple of {len(arguments)}, a derivative or None for each "
                f"argument, got {gradients!r}"
            )
        terms = []
        for place, gradient in enumerate(gradients):
            expected = self.arguments.child(place)
            terms += self._terms(gradient, expected, "pull", f"argument {place}'s", inputs)
        return terms if _has_node(inputs, results, adjoints) else _numbers(terms)

    def _terms(
        self, derivative: Any, expected: Structure, rule: str, whose: str, inputs: Sequence[Any]
    ) -> list[Any]:
        """The scalars of what a rule returned in the place of something with a structure."""
        if derivative is None:
            return [None] * expected.size
        terms, structure = _taken_apart(derivative, f"what {rule} of {self.name} returns", inputs)
        if structure != expected and not (structure.shapes == ((),) and expected.is_scalar):
            raise TypeError(
                f"{rule} of {self.name} must return a derivative of {whose} structure, {expected}, got "
                f"{structure}"
            )
        return terms

    def _check_rule(
        self, kind: str, apply: Callable[..., list[Any]], inputs: Any, results: Any, count: int
    ) -> None:
        """Raise where the one rule that there is cannot stand for the other."""
        if getattr(self.custom, f"{kind}_rule") is None:
            raise TypeError(
                f"{self.name} has no rule for its derivative: give it one with @{self.name}.push or "
                f"@{self.name}.pull"
            )
        if kind in self.custom.checked_linear or not all(type(x) is float or is_node(x) for x in inputs):
            return
        try:
            is_linear = _is_linear(lambda seeds: apply(numbers(inputs), numbers(results), seeds), count)
        except Exception:  # what the rule has against this point, which may be any, it says where it counts
            return
        if not is_linear:
            mode, missing = ("forward", "push") if kind == "pull" else ("reverse", "pull")
            raise TypeError(
                f"{kind} of {self.name} is not linear, as derivatives are, so that {mode} mode does not "
                f"follow from it: give it a rule of its own with @{self.name}.{missing}"
            )
        self.custom.checked_linear.add(kind)


def _is_linear(apply: Callable[[list[float]], list[Any]], count: int) -> bool:
    """Whether a rule gives so many times as much for so many times the seeds, as far as numbers tell."""
    terms = apply([1.0] * count)
    for factor in (2.0**40, 2.0**-40):
        for term, other in zip(terms, apply([factor] * count)):
            expected, scaled = factor * (term or 0.0), other or 0.0
            is_finite = math.isfinite(expected) and math.isfinite(scaled)
            if is_finite and not math.isclose(expected, scaled, rel_tol=1e-6, abs_tol=1e-290):
                return False
    return True


def refuse_captured(name: str, captured: Sequence[Any]) -> None:
    """Refuse a function that closes over Values, of which its rules know nothing."""
    if captured:
        labels = ", ".join(sorted({repr(node.label) for node in captured if node.label}))
        raise TypeError(
            f"{name} closes over {len(captured)} Value(s){' ' + labels if labels else ''}, and its rules "
            "would leave out the derivatives by them: make them arguments"
        )


def _plain(output: Any, began: int, name: str) -> float:
    """A Value as a number, where none from outside went into it."""
    below = [output] if is_leaf(output) else leaves(topological_order(output))
    refuse_captured(name, [leaf for leaf in below if not is_constant(leaf) and not made_since(leaf, began)])
    return number(output)


def _unit(count: int, place: int) -> list[float]:
    return [float(i == place) for i in range(count)]


def _dot(derivatives: Sequence[Any], partials: Sequence[Any]) -> Any:
    """The sum of the products, None where there is none."""
    total = None
    for derivative, partial in zip(derivatives, partials):
        if partial is None or derivative is None or (type(derivative) is float and derivative == 0.0):
            continue
        term = times(derivative, partial)
        total = term if total is None else total + term
    return total


def _has_node(*groups: Sequence[Any]) -> bool:
    return any(is_node(number) for group in groups for number in group)


def _numbers(terms: Sequence[Any]) -> list[Any]:
    return [number(term) if is_node(term) else term for term in terms]


def _taken_apart(tree: Any, role: str, inputs: Sequence[Any]) -> tuple[list[Any], Structure]:
    """The numbers of a tree: real ones, or of another arithmetic (as checks have) where the inputs are."""
    if all(type(operand) is float or is_node(operand) for operand in inputs):
        return flatten(tree, role)
    leaves, structure = Structure.of_arrays(tree)
    shapes = [np.shape(leaf) if isinstance(leaf, np.ndarray) else None for leaf in leaves]
    parts = [leaf.ravel().tolist() if isinstance(leaf, np.ndarray) else [leaf] for leaf in leaves]
    return [number for part in parts for number in part], structure.with_shapes(shapes)
