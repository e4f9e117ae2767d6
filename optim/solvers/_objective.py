"""A function to minimise and its derivatives, compiled; and how a search sees it, kept out of nan."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import detect_anomaly, hvp, value_and_grad
from optim.arrays import Array
from optim.samples import Samples
from optim.solvers._compiling import compiled, one_number
from optim.solvers._unknowns import Unknowns

__all__ = ["Objective", "Point", "Sight"]


class Point(NamedTuple):
    """The unknowns, and the function and its gradient there (zeros where no gradient is used)."""

    x: Array
    value: float
    gradient: Array

    @property
    def is_finite(self) -> bool:
        """Whether a search can go on from here."""
        return bool(np.isfinite(self.value) and np.isfinite(self.gradient).all())


class Objective:
    """The function and its derivatives, compiled, of flat arrays; with data their means over the samples.

    Attributes:
        lower, upper: the bounds, of shape (n,).
    """

    def __init__(
        self,
        unknowns: Unknowns,
        fun: Callable[..., Any],
        args: tuple[Any, ...],
        data: Any,
        engine: str,
        bounds: tuple[Array, Array],
    ) -> None:
        def scalar(x: Sequence[Any], *sample: Any) -> Any:
            result = fun(unknowns.arranged(x), *sample, *args)
            return one_number(result, "fun must return one number to minimise,")

        def product(x: Sequence[Any], direction: Sequence[Any], *sample: Any) -> Any:
            return hvp(lambda x: scalar(x, *sample), (x,), (direction,))

        scalar.__name__ = getattr(fun, "__name__", type(fun).__name__)
        self.lower, self.upper = bounds
        self._arrays = [] if data is None else Samples(data).arrays
        means = functools.partial(compiled, arrays=self._arrays, engine=engine, reduce="mean")
        self._scalar = scalar
        self._value = means(scalar)
        self._value_and_gradient = means(value_and_grad(scalar))
        self._product = means(product, unknowns=2)

    @np.errstate(all="ignore")
    def point(self, x: Array, derived: bool = True) -> Point:
        """The function there, and its gradient if wanted."""
        if not derived:
            return Point(x.copy(), float(self._value(x.tolist())), np.zeros(len(x)))
        value, gradient = self._value_and_gradient(x.tolist())
        return Point(x.copy(), float(value), np.array(gradient))

    @np.errstate(all="ignore")
    def product(self, x: Array, direction: Array) -> Array:
        """Its Hessian times a direction."""
        return np.array(self._product(x.tolist(), direction.tolist()))

    def hessian(self, x: Array) -> Array:
        """Its Hessian, of shape (n, n), by products: their code does not grow with n."""
        columns: Array = np.array([self.product(x, axis) for axis in np.eye(len(x))])
        symmetric: Array = (columns + columns.T) / 2.0
        return symmetric

    def cause(self, point: Point) -> str:
        """Which operation makes the function or its gradient nan or inf there, in words."""
        samples: Any = zip(*self._arrays) if self._arrays else [()]
        wrong = "fun" if not np.isfinite(point.value) else "the gradient"
        number = point.value if wrong == "fun" else point.gradient[~np.isfinite(point.gradient)][0]
        reason = ""
        try:
            with detect_anomaly():
                for sample in samples:
                    value_and_grad(self._scalar)(point.x.tolist(), *sample)
        except FloatingPointError as error:
            reason = f" ({error})"
        return f"{wrong} is {number:g} at x = {point.x.tolist()}{reason}"


class Sight:
    """An objective as a search sees it: where it is not finite, a hill behind the last good point.

    The hill rises from that point as steeply as the function falls there. So a line search turns back to a
    quarter of its step, and a trust region shrinks.

    Args:
        objective: the function.
        derived: whether the search uses its gradient.
        x: where it starts.
        downhill: see below.

    Attributes:
        downhill: whether the search is after the least value alone; constraints ask for more.
        good: the last point where all is finite; of a search downhill, the one of the least value.
        bad: the first point where the function is not finite, if there was one.
        sharp: the one of the least value where the gradient alone is not finite, if there was one.

    Raises:
        ValueError: the function is not finite at the start.
        FloatingPointError: its gradient is not.
    """

    def __init__(self, objective: Objective, derived: bool, x: Array, downhill: bool) -> None:
        self._objective, self._derived, self.downhill = objective, derived, downhill
        self.good = objective.point(x, derived)
        self.bad: Point | None = None
        self.sharp: Point | None = None
        if not np.isfinite(self.good.value):
            raise ValueError(f"fun must be finite at x0: {objective.cause(self.good)}")
        if not self.good.is_finite:
            raise FloatingPointError(
                f"{objective.cause(self.good)}, where the search begins: start elsewhere"
            )

    def point(self, x: Array) -> Point:
        """What is really there."""
        return self._objective.point(x, self._derived)

    def value(self, x: Array) -> float:
        """The function, or the hill."""
        return self.value_and_gradient(x)[0]

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """The same, and its gradient, of shape (n,)."""
        point = self.point(x)
        good = self.good
        if point.is_finite:
            if not self.downhill or point.value <= good.value:
                self.good = point
            return point.value, point.gradient
        if not np.isfinite(point.value):
            self.bad = self.bad or point
        elif self.sharp is None or point.value < self.sharp.value:
            self.sharp = point
        with np.errstate(all="ignore"):
            slope = float(good.gradient @ (x - good.x))
        if not np.isfinite(slope) or slope == 0.0:
            return good.value + max(1.0, abs(good.value)), good.gradient
        return good.value + abs(slope), 3.0 * np.sign(slope) * good.gradient

    def product(self, x: Array, direction: Array) -> Array:
        """The Hessian times a direction; where that is not finite, the unit matrix stands for it."""
        product = self._objective.product(x, direction)
        return product if np.isfinite(product).all() else direction

    def hessian(self, x: Array) -> Array:
        """The Hessian; where that is not finite, the unit matrix stands for it."""
        hessian = self._objective.hessian(x)
        return hessian if np.isfinite(hessian).all() else np.eye(len(x))

    def report(self) -> str:
        """What was met on the way, in words."""
        met = [point for point in (self.bad, self.sharp) if point is not None]
        if not met:
            return ""
        causes = "; ".join(map(self._objective.cause, met))
        return f"; {causes}, and the search went on from the last point where fun and its gradient are finite"
