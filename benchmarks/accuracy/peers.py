"""The peers' values and derivatives at given points, each computed in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.accuracy.points import Point
from benchmarks.environments import python_of

__all__ = ["PEERS", "answers"]

PEERS = {"torch": "PyTorch", "jax": "JAX"}


def answers(peer: str, points: Mapping[str, Sequence[Point]]) -> tuple[str, dict[str, np.ndarray]] | None:
    """A peer's results.

    Args:
        peer: a name of `PEERS`.
        points: for each primitive where.

    Returns:
        The peer's version, and for each primitive that it has the value and the first derivatives, a row
        each; None where there is no environment for it (``python -m benchmarks.environments`` makes it).
    """
    python = python_of(peer)
    if not python.exists():
        return None
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as folder:
        questions, answers_file = Path(folder) / "points.npz", Path(folder) / "results.npz"
        np.savez(questions, **{name: np.array(list(zip(*where))) for name, where in points.items()})
        script = Path(__file__).with_name(f"peer_{peer}.py")
        subprocess.run([str(python), str(script), str(questions), str(answers_file)], check=True, env=clean)
        with np.load(answers_file) as results:
            return str(results["version"]), {name: results[name] for name in points if name in results}
