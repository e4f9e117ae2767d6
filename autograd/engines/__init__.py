"""Engines: each runs a program forward, in a file of its own that is found by its name.

A module ``autograd.engines.NAME`` has a class ``NameEngine`` with the methods of `Compiled`, made from a
program. Nothing else needs to know of it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np

from autograd.engines.looping.stretches import Stretches, has_arrays
from autograd.engines.machine.limits import loading
from autograd.programs.code import Code
from autograd.programs.loops.reverse.checkpointing import Checkpointed

__all__ = ["Compiled", "compiled", "engine_names"]

Column = Any  # an array of n floats, or one float that all samples share


class Compiled(Protocol):
    """A program made ready by an engine. Inputs and outputs are flat, as the program lists them."""

    def __init__(self, program: Code) -> None:
        """Compile a program.

        Raises:
            ModuleNotFoundError: the engine needs a package that is not installed; names it.
        """

    def call(self, inputs: Sequence[float]) -> list[float]:
        """Run it at one point."""

    def map(self, columns: Sequence[Column], count: int, reduce: str | None) -> list[Any]:
        """Run it for many samples.

        Args:
            columns: for each input an array of ``count`` floats (float64, any strides, possibly
                memory-mapped), or one float that all samples share.
            count: the number of samples.
            reduce: None for every sample's results, "sum" or "mean" over the samples for one number
                an output. Sums are made of partial sums over fixed chunks, added in order.

        Returns:
            For each output an array of ``count`` floats, or with ``reduce`` one float.
        """

    def scan(
        self, carry: Sequence[float], columns: Sequence[np.ndarray], shared: Sequence[float], count: int
    ) -> tuple[list[float], list[np.ndarray]]:
        """Run it in sequence, handing results on.

        The program's inputs are the carry, then one element of each column, then the shared numbers;
        its outputs are the next carry, then what is collected.

        Args:
            carry: the first carry.
            columns: arrays with an entry a step; where an input is a whole array, each entry is one.
            shared: numbers, and whole arrays.
            count: the number of steps.

        Returns:
            The last carry, and one array of ``count`` floats for each collected output.
        """


@cache
def engine_names() -> tuple[str, ...]:
    """The engines that there are, installed or not what they need."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg))


def compiled(program: Code, engine: str) -> Compiled:
    """Make a program ready to run.

    Raises:
        ValueError: there is no engine of that name.
        ModuleNotFoundError: the engine needs a package that is not installed; names it.
    """
    if engine not in engine_names():
        raise ValueError(f"engine must be 'auto' or one of {', '.join(engine_names())}, got {engine!r}")
    with loading:
        module = importlib.import_module(f"{__name__}.{engine}")
    engine_class: type[Compiled] = getattr(module, f"{engine.capitalize()}Engine")
    is_checkpointed = any(isinstance(operation, Checkpointed) for operation in program.operations())
    if has_arrays(program) and (engine != "python" or program.arrays or is_checkpointed):
        return Stretches(program, engine_class)
    return engine_class(program)
