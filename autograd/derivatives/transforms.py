"""Transforms: from a function to its derivatives, of any order and nested in any way.

Each makes Values of the arguments, runs the function on them and sweeps over the graph. Results are
floats unless they depend on a Value from outside (one passed in, or one that the function closes
over): those stay Values, so that a transform inside a transform is differentiated like anything else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.derivatives.conforming import conformed
from autograd.derivatives.runs import Argnums, Run, present
from autograd.graph.trees import Structure, flatten
from autograd.graph.value import Value
from autograd.primitives.ieee import described, is_real
from autograd.support.wrapping import Wrapper

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]


class Transform(Wrapper):
    """The function that a transform returns: it runs ``f``, and derives what it has recorded.

    Args:
        f: the function to differentiate.
        apply: what to make of a call: a function of ``f``, its arguments, its keyword arguments and settings.
        what: what it returns, in words.
        settings: which arguments to differentiate by, and how.
    """

    def __init__(
        self, f: Callable[..., Any], apply: Callable[..., Any], what: str, argnums: Argnums, *settings: Any
    ) -> None:
        super().__init__(f, ("__module__", "__qualname__"))
        self._apply = apply
        self._what = what
        self._settings = (argnums, *settings)
        name = getattr(f, "__name__", type(f).__name__)
        self.__name__ = f"{what} of {name}".replace(" ", "_")
        self.__doc__ = f"The {what} of {name}."

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self._apply(self._f, args, kwargs, *self._settings)

    def made_of(self) -> tuple[Any, ...]:
        """The arguments that make the same once more."""
        return self._f, self._apply, self._what, *self._settings

    def __repr__(self) -> str:
        return f"<{self._what} of {self._f!r}>"


def grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that returns the gradient of ``f``.

    Args:
        f: returns one scalar (with ``has_aux`` a pair: the scalar and anything else).
        argnums: which argument, or arguments, to differentiate by. Each is a number, a Value, an
            array of floats, a model (any object whose ``parameters()`` are Values), or any nesting of
            them in lists, tuples, dicts and dataclasses.
        has_aux: whether ``f`` returns a pair.

    Returns:
        A function of the same arguments. It returns the derivative by the argument, in the
        argument's structure; a tuple of those where ``argnums`` is a sequence; with ``has_aux`` a
        pair of that and what ``f`` returned beside the scalar.

    Raises:
        TypeError: (when called) ``f`` does not return a scalar, or an argument to differentiate by
            is not made of real numbers, or is an array of ints.
        ValueError: (when called) the result also depends, through the closure of ``f``, on a Value that
            was passed as an argument to differentiate by.

    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    >>> grad(lambda x: x * grad(lambda y: x * y)(x))(3.0)
    6.0
    """
    return Transform(f, _gradient, "gradient", argnums, has_aux)


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that returns the value of ``f`` and its gradient: see `grad`.

    Returns:
        A function that returns ``(value, gradient)``; with ``has_aux``, ``((value, aux), gradient)``.

    >>> value_and_grad(lambda p: p["a"] * p["b"])({"a": 2.0, "b": 3.0})
    (6.0, {'a': 3.0, 'b': 2.0})
    """
    return Transform(f, _both, "value and gradient", argnums, has_aux)


def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that returns the derivative of every result of ``f`` by every input.

    Args:
        f: returns numbers in any structure.
        argnums: which argument, or arguments, to differentiate by.

    Returns:
        A function of the same arguments. It returns the result's structure, and in the place of each
        scalar there the argument's structure. Where both are arrays, that is one array of the shapes
        one after the other. By forward sweeps where there are at least as many results as inputs, by
        reverse sweeps otherwise.

    Raises:
        TypeError: (when called) as `grad`, but for any structure of results.

    >>> jacobian(lambda x: [x[0] * x[1], x[0].sin()])([2.0, 3.0])
    [[3.0, 2.0], [-0.4161468365471424, 0.0]]
    """
    return Transform(f, _jacobian, "jacobian", argnums)


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that returns the second derivatives of ``f``: `jacobian` of `grad`.

    Args:
        f: returns one scalar.
        argnums: which argument, or arguments, to differentiate by.

    Returns:
        A function of the same arguments. It returns the argument's structure with each scalar replaced by
        its row of second derivatives, in the argument's structure again.

    >>> hessian(lambda x: x[0] ** 2 * x[1])([2.0, 3.0])
    [[6.0, 4.0], [4.0, 0.0]]
    """
    return Transform(f, _hessian, "hessian", argnums)


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of ``f`` and its derivative along a direction, by one forward sweep.

    Args:
        f: returns numbers in any structure.
        primals: the tuple of its arguments.
        tangents: the direction: for each argument one of the same structure.

    Returns:
        The value and the tangent, both in the result's structure.

    Raises:
        TypeError: primals or tangents are no tuple or list, or their structures differ.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 10.0))
    (6.0, 23.0)
    """
    run, direction = _along(f, primals, tangents)
    outputs, structure = flatten(run.result, "the result", whole="large")
    (tangent,) = run.forward(outputs, [direction])
    return structure.unflatten(run.settle(outputs)), structure.unflatten(present(tangent, outputs))


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of ``f``, and the function that pulls a cotangent of the result back to the arguments.

    Args:
        f: returns numbers in any structure.
        primals: its arguments.

    Returns:
        The value, and a function from a cotangent in the result's structure to the tuple of the arguments'
        cotangents.

    >>> value, pull = vjp(lambda x, y: [x * y, x], 2.0, 3.0)
    >>> value, pull([1.0, 10.0])
    ([6.0, 2.0], (13.0, 2.0))
    """
    run = Run(f, primals, {}, tuple(range(len(primals))))
    outputs, structure = flatten(run.result, "the result", whole="large")
    return structure.unflatten(run.settle(outputs)), _Pull(run, outputs, structure)


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The Hessian of ``f`` by its first argument, times a direction: forward over reverse.

    Args:
        f: returns one scalar.
        primals: the tuple of its arguments.
        tangents: the direction: for each argument one of the same structure.

    Returns:
        The derivative of the gradient along the direction, in the first argument's structure.

    >>> hvp(lambda x: x[0] ** 2 * x[1], ([2.0, 3.0],), ([1.0, 0.0],))
    [6.0, 4.0]
    """
    return jvp(grad(f), primals, tangents)[1]


def _both(
    f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Argnums, has_aux: bool
) -> Any:
    run = Run(f, args, kwargs, argnums)
    result, aux = run.result, None
    if has_aux:
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                f"with has_aux the function must return a pair (scalar, anything), got {described(result)}"
            )
        result, aux = result
    output = _scalar(result)
    outputs = [output] if isinstance(output, Value) else []
    (derivative,) = run.reverse(outputs, [[1.0] * len(outputs)])
    (value,) = run.settle([output])
    return ((value, run.settle_tree(aux)) if has_aux else value), run.arrange(derivative)


def _gradient(
    f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Argnums, has_aux: bool
) -> Any:
    value, derivative = _both(f, args, kwargs, argnums, has_aux)
    return (derivative, value[1]) if has_aux else derivative


def _jacobian(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Argnums) -> Any:
    run = Run(f, args, kwargs, argnums, whole="")
    outputs, structure = flatten(run.result, "the result")
    if len(outputs) >= len(run.inputs):
        unit = np.eye(len(run.inputs)).tolist()
        rows = [list(row) for row in zip(*run.forward(outputs, unit))]
        rows = rows or [[] for _ in outputs]
    else:
        rows = run.reverse(outputs, np.eye(len(outputs)).tolist())
    return _blocks(structure, run, rows)


def _hessian(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Argnums) -> Any:
    return _jacobian(grad(f, argnums), args, kwargs, argnums)


class _Pull:
    """What `vjp` returns beside the value: it pulls a cotangent back through the recorded call."""

    def __init__(self, run: Run, outputs: list[Any], structure: Structure) -> None:
        self.run = run
        self.outputs = outputs
        self.structure = structure

    def __getstate__(self) -> dict[str, Any]:
        self.run.remember_leaves(self.outputs)
        return self.__dict__

    def __call__(self, cotangent: Any) -> tuple[Any, ...]:
        scalars, structure = flatten(cotangent, "the cotangent", whole="large")
        seeds = conformed(scalars, structure, self.structure)
        if seeds is None:
            raise TypeError(
                f"the cotangent must have the result's structure {self.structure}, got {structure}"
            )
        (pulled,) = self.run.reverse(self.outputs, [seeds])
        return tuple(self.run.arrange(pulled))


def _along(f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Run, list[Any]]:
    for name, parts in (("primals", primals), ("tangents", tangents)):
        if not isinstance(parts, (tuple, list)):
            raise TypeError(
                f"{name} must be a tuple with one entry an argument, got {described(parts)}: write ({name},)"
            )
    scalars, structure = flatten(tuple(tangents), "a tangent", whole="eager")
    _, expected = flatten(tuple(primals), "a primal", integers=False, whole="eager")
    direction = conformed(scalars, structure, expected)
    if direction is None:
        raise TypeError(f"the tangents must have the primals' structure {expected}, got {structure}")
    return Run(f, primals, {}, tuple(range(len(primals)))), direction


def _scalar(result: Any) -> Any:
    if isinstance(result, np.ndarray) and result.shape == ():
        result = result.item()
    if isinstance(result, Value):
        return result
    if is_real(result) or isinstance(result, bool):
        return float(result)
    raise TypeError(
        f"the function to differentiate must return one scalar, got {described(result)}: "
        "add it up to one, or use jacobian"
    )


def _blocks(results: Structure, run: Run, rows: list[list[Any]]) -> Any:
    """Rows of derivatives (one a result) in the result's structure; an array of results makes one
    block of its rows, so that arrays nest in arrays as one array."""
    parts: list[Any] = []
    at = 0
    for shape in results.shapes:
        if shape is None:
            parts.append(run.arrange(rows[at]))
            at += 1
            continue
        size = math.prod(shape)
        parts.append(run.arrange_block(rows[at : at + size], shape))
        at += size
    return results.nest(parts)
