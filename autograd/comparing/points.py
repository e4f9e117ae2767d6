"""The points at which two gradients are compared: the given one, and random ones around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NamedTuple

import numpy as np

from autograd.comparing.rounded import RoundedGradient
from autograd.graph.trees import Structure, flatten
from autograd.graph.value import Value
from autograd.primitives.ieee import described

__all__ = ["Pair", "Sample", "of_one_number", "sampled"]

_SPREAD = 0.5  # how far random points are, in units of a coordinate's size, or of 1 where that is more
_TRIES = 8  # points without a number before the spread is halved
_HALVINGS = 12


class Sample(NamedTuple):
    """A point, and both gradients there.

    Attributes:
        args: the arguments, in floats.
        numbers: the same, flat.
        by_hand: the components that the user's function returned.
        by_engine: the engine's gradient.
    """

    args: tuple[Any, ...]
    numbers: tuple[float, ...]
    by_hand: tuple[float, ...]
    by_engine: RoundedGradient


class Pair(NamedTuple):
    """A function and its gradient by hand, to be called at points.

    Attributes:
        f: the function.
        hand: its gradient.
        structure: of the arguments.
        gradient: the structure that the gradient is expected in.
        places: of its components among the arguments' numbers.
        names: what to call each component.
    """

    f: Callable[..., Any]
    hand: Callable[..., Any]
    structure: Structure
    gradient: Structure
    places: Sequence[int]
    names: Sequence[str]

    def at(self, numbers: Sequence[float]) -> Sample:
        """Both gradients at a point.

        Raises:
            ValueError: the user's function raised, or did not return a component for each input.
        """
        inputs = [Value(number) for number in numbers]
        result = self.f(*self.structure.unflatten(inputs))
        if not isinstance(result, (Value, int, float, np.floating, np.integer)):
            raise TypeError(f"the function must return one number or Value, got {described(result)}")
        args = self.structure.unflatten(list(numbers))
        try:
            with np.errstate(all="ignore"):
                returned = self.hand(*args)
        except Exception as error:
            raise ValueError(
                f"the gradient by hand raised {type(error).__name__}: {error}\n{self._expected()}"
            ) from error
        by_engine = RoundedGradient(result, [inputs[place] for place in self.places])
        return Sample(args, tuple(numbers), self._components(returned), by_engine)

    def _components(self, returned: Any) -> tuple[float, ...]:
        try:
            components, structure = flatten(returned, "the gradient by hand")
        except TypeError as error:
            raise ValueError(f"{error}\n{self._expected()}") from None
        if structure != self.gradient:
            self._check_flat(returned, structure)
        return tuple(part.data if isinstance(part, Value) else part for part in components)

    def _check_flat(self, returned: Any, structure: Structure) -> None:
        """Components in another structure than the expected one must be one flat sequence."""
        if structure.size != len(self.names):
            raise ValueError(
                f"the gradient by hand has {structure.size} components where {len(self.names)} were "
                f"expected\n{self._expected()}"
            )
        if isinstance(returned, np.ndarray):
            flat = returned.ndim <= 1
        else:
            flat = isinstance(returned, (list, tuple)) and len(returned) == len(self.names)
        if not flat:
            raise ValueError(f"the gradient by hand has the structure {structure}\n{self._expected()}")

    def _expected(self) -> str:
        shown = ", ".join(self.names[:12]) + (", ..." if len(self.names) > 12 else "")
        return (
            f"It is called with the function's arguments, in floats, and must return the {len(self.names)} "
            f"derivatives by {shown}: in the structure {self.gradient}, or in this order in a flat list, "
            "tuple or array"
        )


def of_one_number(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function; where NumPy makes an array without a dimension of its result, what is in it."""

    @wraps(f)
    def returning_it(*args: Any) -> Any:
        result = f(*args)
        return result.item() if isinstance(result, np.ndarray) and result.shape == () else result

    return returning_it


def sampled(
    pair: Pair, args: tuple[Any, ...], numbers: Sequence[float], chosen: Sequence[int], count: int, seed: int
) -> list[Sample]:
    """Both gradients at the given point and at random points around it.

    Args:
        pair: the function and its gradient.
        args: the arguments of the call.
        numbers: the same, flat.
        chosen: the arguments that are differentiated by. What is an int in others stays as it is: a label,
            or a count.
        count: how many random points; fewer come back where the function is not finite near by.
        seed: of the random numbers.
    """
    samples = [pair.at(numbers)]
    center = np.array(numbers)
    varied = _varied(args, chosen)
    scale = np.where(varied, np.maximum(np.abs(center), 1.0), 0.0)
    rng = np.random.default_rng(seed)
    failed = 0 if np.isfinite(center).all() else _TRIES * _HALVINGS
    while len(samples) <= count and failed < _TRIES * _HALVINGS:
        spread = _SPREAD * 0.5 ** (failed // _TRIES)
        try:
            sample = pair.at((center + spread * scale * rng.uniform(-1, 1, len(center))).tolist())
        except (ArithmeticError, ValueError):  # outside the domain of the function or of its gradient
            failed += 1
            continue
        if sample.by_engine.is_usable:
            samples.append(sample)
        else:
            failed += 1
    return samples


def _varied(args: tuple[Any, ...], chosen: Sequence[int]) -> Any:
    """For each number whether random points differ in it."""
    varied: list[bool] = []
    for place, arg in enumerate(args):
        for leaf in Structure.of_arrays(arg)[0]:
            is_array = isinstance(leaf, np.ndarray)
            whole = leaf.dtype.kind in "biu" if is_array else isinstance(leaf, (int, np.integer, np.bool_))
            varied += [place in chosen or not whole] * (leaf.size if is_array else 1)
    return np.array(varied, dtype=bool)
