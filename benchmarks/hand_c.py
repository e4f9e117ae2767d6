"""Hand-written C as a contestant: compiled when asked for, called through ctypes."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contestants import Contestant, Job, Local, PeerMissingError
from benchmarks.workloads import FIRST_WEIGHTS, LEARNING_RATE, OSCILLATOR, STEP

__all__ = ["COMMAND", "works"]

COMMAND = ("gcc", "-O3", "-shared", "-fPIC")
SOURCES = Path(__file__).with_name("c")


def works(settings: Mapping[str, Any], folder: Path) -> tuple[str, Mapping[str, Callable[[], Contestant]]]:
    """Compile all sources into a folder.

    Returns:
        The compiler's version, and for each piece of work the function that makes it ready.

    Raises:
        PeerMissingError: there is no gcc.
    """
    c = _library(folder)

    def scan() -> Contestant:
        rows, w = np.load(settings["rows"]), np.empty(9)
        losses = np.empty(len(rows))
        run = Bound(c.scan, w, rows, losses, len(rows), LEARNING_RATE)

        def epoch() -> Any:
            w[:] = FIRST_WEIGHTS
            run()
            return w, losses

        return Local(epoch)

    def samples() -> Contestant:
        table, mean = np.load(settings["samples"]), np.empty(9)
        run = Bound(c.samples, np.array(FIRST_WEIGHTS), table, mean, len(table))
        return Local(lambda: (run(), mean)[1])

    def mlp() -> Contestant:
        parameters, X, y = (np.array(settings["mlp"][name]) for name in ("parameters", "X", "y"))
        gradient = np.empty_like(parameters)
        run = Bound(c.mlp, parameters, X, y, gradient, len(y))
        return Local(lambda: (run(), gradient))

    def derivative(function: Any, order: int) -> Contestant:
        x = np.array(settings["rosenbrock"])
        derivatives = np.empty([len(x)] * order)
        run = Bound(function, x, derivatives, len(x))
        return Local(lambda: (run(), derivatives)[1])

    def oscillator(steps: int) -> Contestant:
        gradient, states = np.empty(2), np.empty((steps, 2))
        run = Bound(c.oscillator, np.array(OSCILLATOR), gradient, states, steps, STEP)
        return Local(lambda: (run(), gradient))

    def graph(operations: int, runs: int) -> Callable[[], Any]:
        variables = np.array(settings["variables"])
        gradient = np.empty_like(variables)
        run = Bound(c.changing_graph, variables, gradient, len(variables), operations, runs)
        return lambda: (run(), gradient)

    version = subprocess.run([COMMAND[0], "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    return version, {
        "scan": scan,
        "samples": samples,
        "mlp": mlp,
        "rosenbrock gradient": lambda: derivative(c.rosenbrock_gradient, 1),
        "rosenbrock Hessian": lambda: derivative(c.rosenbrock_hessian, 2),
        "oscillator": lambda: oscillator(settings["steps"]),
        "changing graph": lambda: Job(graph(settings["operations"], settings["runs"])),
        "changing graph of JAX": lambda: Job(graph(settings["operations_of_jax"], settings["runs"])),
        "changing graph once": lambda: Local(graph(settings["operations"], 1)),
    }


def _library(folder: Path) -> Any:
    """The sources, compiled into a folder and loaded, their functions declared."""
    if shutil.which(COMMAND[0]) is None:
        raise PeerMissingError("gcc is not installed")
    shared_object = folder / "by_hand.so"
    subprocess.run([*COMMAND, "-o", shared_object, *sorted(SOURCES.glob("*.c")), "-lm"], check=True)
    c: Any = ctypes.CDLL(str(shared_object))
    floats, number, count = ctypes.c_void_p, ctypes.c_double, ctypes.c_long
    for name, result, *arguments in (
        ("scan", None, floats, floats, floats, count, number),
        ("samples", None, floats, floats, floats, count),
        ("mlp", number, floats, floats, floats, floats, count),
        ("rosenbrock_gradient", None, floats, floats, count),
        ("rosenbrock_hessian", None, floats, floats, count),
        ("oscillator", number, floats, floats, floats, count, number),
        ("changing_graph", number, floats, floats, count, count, count),
    ):
        function = getattr(c, name)
        function.restype, function.argtypes = result, arguments
    return c


class Bound:
    """The call of a C function with arrays and numbers; the arrays live as long as it does."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._function = function
        self._arguments = arguments
        self._plain = [a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments]

    def __call__(self) -> Any:
        return self._function(*self._plain)
