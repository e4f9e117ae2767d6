"""The report of a comparison: a table of components, and a sentence for each that is wrong."""

from __future__ import annotations

import html
from typing import Any, NamedTuple

__all__ = ["Comparison", "Component", "Untried"]

_MOST_CONDITIONS = 3  # that are printed


class Component(NamedTuple):
    """One component of the gradient, at the given point.

    Attributes:
        name: what it is the derivative by.
        by_hand: what the user's function returned.
        by_engine: the engine's derivative.
        difference: ``by_hand - by_engine``.
        allowed: how far rounding may set the two apart.
        compared_at: the points where there is a number to compare with: places in `Comparison.points`.
        wrong_at: those where the two are further apart.
        verdict: what is wrong with it, in a sentence; "" where nothing is.
    """

    name: str
    by_hand: float
    by_engine: float
    difference: float
    allowed: float
    compared_at: tuple[int, ...]
    wrong_at: tuple[int, ...]
    verdict: str

    @property
    def passed(self) -> bool:
        """Whether it could be compared, and is right wherever it could."""
        return bool(self.compared_at) and not self.wrong_at


class Untried(NamedTuple):
    """A branch of the function that no point may lie on.

    Attributes:
        condition: what alone was tried, to go on with after "passed": ``only where x > 0``.
        sentence: what that means, and what to do.
    """

    condition: str
    sentence: str


class Comparison(NamedTuple):
    """A gradient by hand beside the engine's. True where all components are right; prints as a table.

    Attributes:
        components: the derivatives, in the order of the numbers that they are by.
        findings: a sentence for each slip, components with the same slip together.
        definitions: what the names in the findings stand for, as in `autograd.derive`.
        points: the arguments at each point compared; the given one is first.
        untried: the branches of the function that no point was found on; the last line printed tells of
            them where all components are right.
    """

    components: tuple[Component, ...]
    findings: tuple[str, ...]
    definitions: tuple[str, ...]
    points: tuple[tuple[Any, ...], ...]
    untried: tuple[Untried, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all components are right."""
        return all(component.passed for component in self.components)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        rows = [_HEADINGS, *map(_cells, self.components)]
        first, *widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join([name.ljust(first), *map(str.rjust, numbers, widths)]) for name, *numbers in rows]
        names = [("with " if i == 0 else "     ") + name for i, name in enumerate(self.definitions)]
        return "\n".join([*lines, "", *self._sentences(), *names, self._summary()])

    def __repr__(self) -> str:
        return f"<Comparison: {self._summary()}>"

    def _repr_html_(self) -> str:
        """A table for notebooks, wrong components in bold."""
        head = "".join(f"<th>{heading}</th>" for heading in _HEADINGS)
        rows = []
        for component in self.components:
            style = "" if component.passed else ' style="font-weight: bold"'
            cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(component))
            rows.append(f"<tr{style}>{cells}</tr>")
        items = "".join(f"<li>{_in_html(finding)}</li>" for finding in self._sentences())
        names = _in_html("\n".join(self.definitions))
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
            f"{f'<ul>{items}</ul>' if items else ''}{f'<p>with<br>{names}</p>' if names else ''}"
            f"<p>{html.escape(self._summary())}</p>"
        )

    def _sentences(self) -> list[str]:
        sentences = [*self.findings, *[sentence for _, sentence in self.untried[:_MOST_CONDITIONS]]]
        more = len(self.untried) - _MOST_CONDITIONS
        return [*sentences, *([f"So were {more} more: see .untried."] if more > 0 else [])]

    def _summary(self) -> str:
        total = len(self.components)
        components = _counted(total, "component")
        wrong = sum(bool(component.wrong_at) for component in self.components)
        skipped = sum(not component.compared_at for component in self.components)
        if skipped and not wrong:
            return f"FAILED: {skipped} of {components} could not be compared"
        points = _counted(max(len(component.compared_at) for component in self.components), "point")
        if wrong:
            verb = "is" if wrong == 1 else "are"
            return f"FAILED: {wrong} of {components} {verb} wrong (compared at {points})"
        shown = [condition for condition, _ in self.untried[:_MOST_CONDITIONS]]
        more = len(self.untried) - len(shown)
        conditions = ", ".join(shown) + (f", and {more} conditions more" if more else "")
        passed = f"passed {conditions}" if conditions else "passed"
        return f"{passed}: {components} {'is' if total == 1 else 'are'} equal to rounding at {points}"


def _cells(component: Component) -> tuple[str, ...]:
    """A row of the table."""
    name, by_hand, by_engine, difference, allowed, compared_at, wrong_at, _ = component
    where = f"{len(wrong_at)} of {_counted(len(compared_at), 'point')}" if wrong_at else "-"
    if not compared_at:
        where = "not compared"
    return f"d{name}", f"{by_hand:.9g}", f"{by_engine:.9g}", f"{difference:.1e}", f"{allowed:.1e}", where


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + "s" * (count != 1)


def _in_html(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


_HEADINGS = ("component", "by hand", "by engine", "difference", "rounding", "wrong at")
