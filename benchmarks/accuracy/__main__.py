"""The accuracy of every primitive and each of its derivatives, measured: see `benchmarks.accuracy`.

``python -m benchmarks.accuracy`` takes a few minutes and writes ``accuracy.json``, and the table made of
it, ``accuracy.md``, to the folder ``docs``. The points are seeded: the same machine finds the same.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autograd import Primitive, all_primitives
from autograd.engines import engine_names
from benchmarks.accuracy import ours
from benchmarks.accuracy.exact import exact
from benchmarks.accuracy.limits import is_ordinary
from benchmarks.accuracy.measuring import Place, Run, Worst, measured, searched
from benchmarks.accuracy.peers import PEERS, answers
from benchmarks.accuracy.points import Point, points
from benchmarks.accuracy.table import report

POINTS = 8000  # of each primitive, before the search around the worst of them
ALIKE = 500  # of these, at which eager and every engine but numpy must return the same


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where to write the two files")
    parser.add_argument("--points", type=int, default=POINTS, help="how many points of each primitive")
    parser.add_argument(
        "--only", nargs="*", default=[], help="names of primitives: prints only these, writes nothing"
    )
    arguments = parser.parse_args()
    table = [entry for entry in all_primitives() if entry.is_builtin]
    chosen = [entry for entry in table if not arguments.only or entry.name in arguments.only]
    where = {entry.name: points(entry.name, entry.arity, arguments.points) for entry in chosen}
    versions, peers = _peers(where)
    stored: dict[str, Any] = {"versions": versions, "points": arguments.points, "primitives": {}}
    for entry in chosen:
        print(f"measuring {entry.name}", flush=True)
        stored["primitives"][entry.name] = _worst(entry, where[entry.name], peers)
    if not arguments.only:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "accuracy.json").write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
        (arguments.out / "accuracy.md").write_text(report(stored), "utf-8")
    print(report(stored))


def _peers(where: Mapping[str, list[Point]]) -> tuple[dict[str, str], dict[str, dict[str, np.ndarray]]]:
    """The versions of everybody, and the peers' results."""
    libc = " ".join(platform.libc_ver())
    versions = {"machine": platform.machine(), "libc": libc, "numpy": np.__version__}
    results = {}
    for peer in PEERS:
        answer = answers(peer, where)
        if answer is None:
            print(f"{PEERS[peer]} is left out: python -m benchmarks.environments {peer}")
        else:
            versions[peer], results[peer] = answer
    return versions, results


def _worst(entry: Primitive, where: list[Point], peers: Mapping[str, Mapping[str, np.ndarray]]) -> Any:
    """The worst errors of a primitive: by output, by exception, by contestant."""
    runs = {engine: ours.on_engine(entry, engine) for engine in engine_names()}
    _check_that_all_agree(entry, where[:ALIKE], runs)
    worst = searched(entry.name, where, {"ours": runs["llvm"], "numpy": runs["numpy"]})
    plain = [i for i, point in enumerate(where) if _is_plain(entry.name, point)]
    theirs = {
        peer: _replayed(results[entry.name][:, plain])
        for peer, results in peers.items()
        if entry.name in results
    }
    worst |= measured(entry.name, [where[i] for i in plain], theirs)
    return _as_json({place: errors[0] for place, errors in worst.items()})


def _is_plain(name: str, point: Point) -> bool:
    """Whether operands and value are 0 or normal numbers: JAX takes subnormal ones for 0."""
    return all(map(is_ordinary, (*point, float(exact(name, point)[""]))))


def _replayed(result: np.ndarray) -> Run:
    return lambda _: result


def _check_that_all_agree(entry: Primitive, where: list[Point], runs: Mapping[str, Run]) -> None:
    """Eager, by `backward` and by transforms, and the engines on C's functions, return the same.

    Raises:
        ValueError: two differ.
    """
    columns = [np.array(column) for column in zip(*where)]
    expected = runs["llvm"](columns)
    others = {"transforms": ours.by_transforms(entry), "backward": ours.by_backward(entry), **runs}
    for name, run in others.items():
        result = run(columns)
        if name != "numpy" and not ours.same(result, expected[: len(result)]):
            raise ValueError(f"{entry.name}: llvm and {name} differ")


def _as_json(worst: Mapping[Place, Worst]) -> dict[str, Any]:
    """By output, by exception, by contestant: the error (null for an infinite one) and the point."""
    stored: dict[str, Any] = {}
    for place, (ulp, at) in sorted(worst.items()):
        by_contestant = stored.setdefault(place.key, {}).setdefault(place.reason, {})
        by_contestant[place.contestant] = {"ulp": round(ulp, 3) if np.isfinite(ulp) else None, "at": at}
    return stored


if __name__ == "__main__":
    main()
