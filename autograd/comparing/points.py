"""The points at which two gradients are compared: the given one, random ones, others beyond kinks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NamedTuple

import numpy as np

from autograd.comparing.branches import Branches
from autograd.comparing.comparison import Untried
from autograd.comparing.rounded import RoundedGradient
from autograd.comparing.slips import FEWEST_POINTS
from autograd.graph.context import differentiating
from autograd.graph.trees import Structure, flatten
from autograd.graph.value import Value
from autograd.primitives.ieee import described, is_real

__all__ = ["Pair", "Sample", "of_one_number", "sampled", "scales"]

_SPREAD = 0.5  # how far random points are, in units of a coordinate's size, or of 1 where that is more
_TRIES = 8  # points without a number before the spread is halved
_HALVINGS = 12
_DISTANCES = -12, 24  # powers of 2: how far the other side of a comparison may be, in the same units
_MOST_COORDINATES = 32  # along which it is looked for at each distance
_RANDOM = 16  # directions beside them
_MOST_FAILED = 30  # points beyond it that are outside the function's domain
_BISECTIONS = 20  # to come near to it from there

Array = np.ndarray[Any, np.dtype[Any]]


class Sample(NamedTuple):
    """A point, and both gradients there.

    Attributes:
        args: the arguments, in floats.
        numbers: the same, flat.
        by_hand: the components that the user's function returned.
        by_engine: the engine's gradient.
        is_at_kink: whether a comparison turns exactly there, and so nothing can be compared.
    """

    args: tuple[Any, ...]
    numbers: tuple[float, ...]
    by_hand: tuple[float, ...]
    by_engine: RoundedGradient
    is_at_kink: bool = False

    @property
    def is_usable(self) -> bool:
        """Whether the gradients can be compared there."""
        return self.by_engine.is_usable and not self.is_at_kink


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
        with differentiating(inputs):
            result = self.f(*self.structure.unflatten(inputs))
        if not (isinstance(result, (Value, bool)) or is_real(result)):
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
        if structure.size != len(self.names):
            raise ValueError(
                f"the gradient by hand has {structure.size} components where {len(self.names)} were "
                f"expected\n{self._expected()}"
            )
        is_flat = isinstance(returned, (list, tuple)) and len(returned) == structure.size
        if isinstance(returned, np.ndarray):
            is_flat = returned.ndim <= 1
        if structure != self.gradient and not is_flat:
            raise ValueError(f"the gradient by hand has the structure {structure}\n{self._expected()}")
        return tuple(part.data if isinstance(part, Value) else part for part in components)

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
    pair: Pair,
    first: Sample,
    scale: Array,
    count: int,
    seed: int,
    branches: Branches | None = None,
) -> tuple[list[Sample], list[Untried]]:
    """Both gradients at the given point, at random points around it, and on both sides of each comparison.

    Args:
        pair: the function and its gradient.
        first: both at the given point.
        scale: how far the points may be from it: see `scales`.
        count: how many random points; fewer come back where the function is not finite near by.
        seed: of the random numbers.
        branches: the function's comparisons, where it can be traced.

    Returns:
        The samples, and what to say of the sides that no point was found on.
    """
    center = np.array(first.numbers)
    if branches is not None and branches.sides(first.numbers) is None:
        first = first._replace(is_at_kink=True)
    samples = [first]
    if not np.isfinite(center).all():
        return samples, []
    rng = np.random.default_rng(seed)
    failed = 0
    while len(samples) <= count and failed < _TRIES * _HALVINGS:
        spread = _SPREAD * 0.5 ** (failed // _TRIES)
        sample = _usable(pair, center + spread * scale * rng.uniform(-1, 1, len(center)), branches)
        if sample is None:
            failed += 1
        else:
            samples.append(sample)
    return samples, [] if branches is None else _on_other_sides(pair, samples, scale, rng, branches)


def _usable(pair: Pair, point: Array, branches: Branches | None) -> Sample | None:
    """Both gradients at a point; None outside the domain of either function, and exactly at a kink."""
    numbers = point.tolist()
    try:
        sample = pair.at(numbers)
    except (ArithmeticError, ValueError):
        return None
    is_at_kink = branches is not None and branches.sides(numbers) is None
    return sample if sample.is_usable and not is_at_kink else None


def _on_other_sides(
    pair: Pair, samples: list[Sample], scale: Array, rng: np.random.Generator, branches: Branches
) -> list[Untried]:
    """Add points where comparisons turn that do not turn between the samples; say which never did.

    The search starts at the first usable point and goes along coordinates and in random directions, at
    growing distances, so that the points added are as near as possible.
    """
    usable = [sample for sample in samples if sample.is_usable]
    if not usable:
        return []
    center = np.array(usable[0].numbers)
    wanted = dict.fromkeys(branches.missing([branches.sides(s.numbers) or [] for s in usable]), 0)
    missing = set(wanted)
    failed = 0
    for power in range(*_DISTANCES):
        if not wanted or failed > _MOST_FAILED:
            break
        points = center + 2.0**power * scale * _directions(scale, rng)
        for point, sides in zip(points, branches.sides_of_many(points)):
            turned = [key for key in enumerate(sides.tolist()) if key in wanted]
            sample = _usable(pair, point, branches) if turned else None
            if turned and sample is None:
                sample = _usable(pair, _just_beyond(branches, turned[0], center, point), branches)
            if turned and sample is None:
                failed += 1
            if sample is None:
                continue
            samples.append(sample)
            for key in enumerate(branches.sides(sample.numbers) or ()):
                missing.discard(key)
                if key in wanted:
                    wanted[key] += 1
                    if wanted[key] == FEWEST_POINTS:
                        del wanted[key]
    return branches.untried(sorted(missing))


def _just_beyond(branches: Branches, key: tuple[int, bool], near: Array, far: Array) -> Array:
    """A point on the way from one point to another, a little beyond the place where a comparison turns."""
    i, side = key
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        is_beyond = branches.sides_of_many(near + middle * (far - near)[None])[0, i] == side
        low, high = (low, middle) if is_beyond else (middle, high)
    return near + high * (far - near)


def _directions(scale: Array, rng: np.random.Generator) -> Array:
    """To both sides along coordinates, all of them or as many as is reasonable; and random ones."""
    coordinates = rng.permutation(np.flatnonzero(scale))[:_MOST_COORDINATES]
    along = np.eye(len(scale))[coordinates]
    return np.concatenate([along, -along, rng.uniform(-1, 1, (_RANDOM, len(scale)))])


def scales(args: tuple[Any, ...], numbers: Sequence[float], chosen: Sequence[int]) -> Array:
    """For each number how far points may be from it: its size, or 1 where that is more; 0 if it stays.

    Args:
        args: the arguments of the call.
        numbers: the same, flat.
        chosen: the arguments that are differentiated by. What is an int in others stays as it is: a label,
            or a count.
    """
    varied: list[bool] = []
    for place, arg in enumerate(args):
        for leaf in Structure.of_arrays(arg)[0]:
            is_array = isinstance(leaf, np.ndarray)
            whole = leaf.dtype.kind in "biu" if is_array else isinstance(leaf, (int, np.integer, np.bool_))
            varied += [place in chosen or not whole] * (leaf.size if is_array else 1)
    return np.where(varied, np.maximum(np.abs(numbers), 1.0), 0.0)
