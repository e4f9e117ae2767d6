"""The measured accuracy as text: Markdown made of the stored figures.

``python -m benchmarks.accuracy.table`` prints the table for the README.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.accuracy.limits import GOALS, limit_of

__all__ = ["FIGURES", "report", "summary"]

FIGURES = Path(__file__).resolve().parents[2] / "docs" / "accuracy.json"

OURS = {"ours": "ours", "numpy": "ours on numpy"}
PEERS = {"torch": "PyTorch", "jax": "JAX"}
NO_DIGIT = 2.0**51  # units in the last place from which on not even the leading bit is right
LOST = 100.0  # units from which on a peer's loss is shown
ORDERS = ("value", "derivative", "second derivative")


class _Figure(NamedTuple):
    """One stored error: of an output of a primitive, by a contestant, where no exception or one holds."""

    primitive: str
    key: str
    reason: str
    contestant: str
    ulp: float
    at: tuple[float, ...]


def report(stored: Mapping[str, Any]) -> str:
    """The whole of it."""
    versions = stored["versions"]
    peers = [f"{title} {versions.get(name, 'not installed')}" for name, title in PEERS.items()]
    return f"""# Accuracy

The largest errors found, in units in the last place (ulp) of the exact result, over the whole domain of
each primitive: {stored["points"]:,} points dense in exponent, near zeros, poles and saturated ends, and then
around the worst of them. The exact results are computed with 60 digits. Eager Values and the engines
python, llvm and interpreter return the same numbers, which each run checks; the engine numpy has functions
of its own. The goals, wherever the exact result is a normal number (for values: everywhere), are
{GOALS[0]:g} ulp for values, {GOALS[1]:g} for derivatives and {GOALS[2]:g} for second derivatives.

The peers are measured at those of the points where operands and value are normal numbers: JAX takes
others for 0. "none": no digit is right.

Measured by `python -m benchmarks.accuracy` on {versions["machine"]} with {versions["libc"]} and NumPy
{versions["numpy"]}; {", ".join(peers)}.

{_all(stored)}

Left out above, or beyond a goal, by name:

{_exceptions(stored)}

Where a peer is off by more than {LOST:g} ulp, and ours at its worst:

{_losses(stored)}
"""


def summary(stored: Mapping[str, Any]) -> str:
    """The figures for the primitives in which a peer loses digits."""
    figures = list(_figures(stored))
    losing = (figure for figure in figures if figure.contestant in PEERS and _is_loss(figure))
    losers = {figure.primitive: None for figure in losing}
    shown = ["ours", *[name for name in PEERS if name in stored["versions"]]]
    return _main_table(figures, list(losers), [(name, order) for order in (0, 1) for name in shown])


def _all(stored: Mapping[str, Any]) -> str:
    contestants = [*OURS, *[name for name in PEERS if name in stored["versions"]]]
    columns = [(name, order) for order in (0, 1) for name in contestants] + [("ours", 2)]
    return _main_table(list(_figures(stored)), list(stored["primitives"]), columns)


def _figures(stored: Mapping[str, Any]) -> Iterator[_Figure]:
    for primitive, outputs in stored["primitives"].items():
        for key, by_reason in outputs.items():
            for reason, by_contestant in by_reason.items():
                for contestant, error in by_contestant.items():
                    ulp = math.inf if error["ulp"] is None else error["ulp"]
                    yield _Figure(primitive, key, reason, contestant, ulp, tuple(error["at"]))


def _main_table(figures: list[_Figure], primitives: list[str], columns: list[tuple[str, int]]) -> str:
    worst: dict[tuple[str, str, int], float] = {}
    for figure in figures:
        if not figure.reason:
            place = figure.primitive, figure.contestant, len(figure.key)
            worst[place] = max(worst.get(place, 0.0), figure.ulp)
    titles = [f"{ORDERS[order]}, {(OURS | PEERS)[name]}" for name, order in columns]
    rows = [
        [primitive, *[_written(worst.get((primitive, name, order))) for name, order in columns]]
        for primitive in primitives
    ]
    return _markdown(["primitive", *titles], rows)


def _exceptions(stored: Mapping[str, Any]) -> str:
    rows: dict[tuple[str, str, str], list[_Figure]] = {}
    for figure in _figures(stored):
        if figure.contestant == "ours" and figure.ulp > GOALS[len(figure.key)]:
            why = figure.reason or limit_of(figure.primitive, figure.key).reason
            rows.setdefault((why, figure.primitive, ORDERS[len(figure.key)]), []).append(figure)
    return _markdown(
        ["reason", "primitive", "of", "ulp"],
        [
            [why, primitive, _named(order, figures), _written(max(figure.ulp for figure in figures))]
            for (why, primitive, order), figures in sorted(rows.items())
        ],
    )


def _named(order: str, figures: list[_Figure]) -> str:
    """The outputs by name, where there are several of that order."""
    names = ", ".join(figure.key for figure in figures)
    return f"{order} by {names}" if names.strip("x, ") else order


def _losses(stored: Mapping[str, Any]) -> str:
    figures = {figure[:4]: figure for figure in _figures(stored)}
    return _markdown(
        ["peer", "primitive", "of", "at", "ulp", "ours"],
        [
            [
                PEERS[figure.contestant],
                figure.primitive,
                _named(ORDERS[len(figure.key)], [figure]),
                ", ".join(map(repr, figure.at)),
                _written(figure.ulp),
                _written(figures[(*figure[:3], "ours")].ulp),
            ]
            for name in PEERS
            for figure in figures.values()
            if figure.contestant == name and _is_loss(figure)
        ],
    )


def _is_loss(figure: _Figure) -> bool:
    return not figure.reason and figure.ulp > LOST


def _written(ulp: float | None) -> str:
    if ulp is None:
        return ""
    if ulp >= NO_DIGIT:
        return "none"
    if ulp >= 1e6:
        return f"{ulp:.0e}".replace("e+0", "e").replace("e+", "e")
    return f"{ulp:.2f}" if ulp < LOST else f"{ulp:,.0f}"


def _markdown(titles: list[str], rows: list[list[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    print(summary(json.loads(FIGURES.read_text("utf-8"))))
