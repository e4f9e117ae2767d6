"""What there is to a call of a jitted function beside numbers: static arguments, keywords, the instance."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, Generic, TypeVar

from autograd.support.exact_keys import exact_key

__all__ = ["BY_NAME", "Instances", "Settings", "stands_in_a_class", "static_parameters"]

T = TypeVar("T")


class Settings:
    """What there is to a call beside the scalars of its arguments.

    Args:
        static: the static arguments by their places.
        named: those that were passed by keyword.
        by_name: whether there are others by keyword.
        owner: the instance that the call is on, where it is a setting.
    """

    def __init__(
        self, static: dict[int, Any], named: dict[str, Any], by_name: bool, owner: Any = None
    ) -> None:
        self.static = static
        self.named = named
        self.by_name = by_name
        self.owner = owner
        self.key = (
            by_name,
            tuple((i, exact_key(arg)) for i, arg in static.items()),
            tuple((name, exact_key(named[name])) for name in sorted(named)),
        )

    def applied(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """The function of the other arguments."""
        first = () if self.owner is None else (self.owner,)
        bound = functools.partial(f, *first, **self.named)  # its signature has the names of the others
        if self.static:
            bound = functools.partial(self._with_static, bound)
        vars(bound)["__name__"] = getattr(f, "__name__", type(f).__name__)
        return bound

    def _with_static(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        full = list(args)
        for place, arg in self.static.items():
            full.insert(place - (self.owner is not None), arg)
        return f(*full, **kwargs)

    def __repr__(self) -> str:
        return ", ".join(map(repr, [*self.static.values(), *self.named.values()]))


BY_NAME = Settings({}, {}, by_name=True)


def static_parameters(
    f: Callable[..., Any], nums: int | Sequence[int], names: str | Sequence[str]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The static parameters by place and by name, of which a signature tells one from the other.

    Raises:
        ValueError: there is no parameter of such a name.
    """
    places = (nums,) if isinstance(nums, int) else tuple(nums)
    labels = (names,) if isinstance(names, str) else tuple(names)
    if not places and not labels:
        return (), ()
    try:
        parameters = inspect.signature(f).parameters
    except (TypeError, ValueError):  # a builtin without a signature
        return places, labels
    unknown = [label for label in labels if label not in parameters]
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        raise ValueError(f"static_argnames names {unknown[0]!r}, which is no parameter of {f!r}")
    positional = [
        p.name for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    by_place = [positional[place] for place in places if -len(positional) <= place < len(positional)]
    by_label = [place for place, name in enumerate(positional) if name in labels]
    return tuple(dict.fromkeys([*places, *by_label])), tuple(dict.fromkeys([*labels, *by_place]))


def stands_in_a_class(f: Callable[..., Any]) -> bool:
    """Whether a function was defined in the body of a class, and so is handed an instance or a class."""
    function = inspect.unwrap(f)
    place = function.__qualname__.rpartition(".")[0] if isinstance(function, FunctionType) else ""
    return bool(place) and not place.endswith("<locals>")


class Instances(Generic[T]):
    """What is kept for instances, each by identity: gone when the instance is.

    Args:
        make: makes what is to be kept for an instance.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._kept: dict[int, tuple[weakref.ref[Any], T]] = {}

    def of(self, instance: Any) -> T:
        """What is kept for an instance, or made; not kept where it would keep the instance alive."""
        entry = self._kept.get(id(instance))
        if entry is not None and entry[0]() is instance:
            return entry[1]
        cache, place, own = self._kept, id(instance), self._make()
        try:
            reference = weakref.ref(instance, lambda _: cache.pop(place, None))
        except TypeError:  # it takes no weak reference
            return own
        cache[place] = reference, own
        return own
