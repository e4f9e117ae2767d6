"""The report of a gradient check: as numbers, as a table in a terminal and as one in a notebook."""

from __future__ import annotations

import math
from html import escape
from typing import NamedTuple

__all__ = ["GradientCheck", "Row"]


class Row(NamedTuple):
    """The check of one derivative.

    Attributes:
        name: the input, as one would write it (``w[0]``); of a second derivative both (``w[0], w[1]``).
        analytic: the engine's derivative.
        numeric: the derivative by the method of the check; nan where it finds none.
        relative: ``(analytic - numeric) / max(|analytic|, |numeric|)``, 0 where both are the same.
        passed: whether ``|analytic - numeric| <= bound``, and both are finite (or the same).
        bound: how far the two may be apart where the engine is right.
    """

    name: str
    analytic: float
    numeric: float
    relative: float
    passed: bool
    bound: float

    @property
    def verdict(self) -> str:
        """In a word: passed, differs, or undecided where no bound was found."""
        if self.passed:
            return "passed"
        undecided = math.isfinite(self.analytic) and not math.isfinite(self.bound)
        return "undecided" if undecided else "differs"


class GradientCheck(NamedTuple):
    """A report: one `Row` a derivative, and the norm form. True where every derivative passed.

    Attributes:
        rows: the first derivatives in the order of the inputs, then, with ``order=2``, the second ones.
        norm: ``||analytic - numeric|| / (||analytic|| + ||numeric||)`` in Euclidean norms, 0 where
            both are 0 (the form of Andrew Ng's course).
        eps: the step of differences with a fixed step, otherwise None.
        rtol: their relative tolerance, otherwise None.
        atol: their absolute tolerance, otherwise None.
        method: how the derivatives were found: see `check_gradients`.
        order: the highest order of the derivatives.
        notes: what else there is to know, in sentences: why no stronger method was used, which rule is wrong.
    """

    rows: tuple[Row, ...]
    norm: float
    eps: float | None
    rtol: float | None
    atol: float | None
    method: str
    order: int
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every derivative passed."""
        return all(row.passed for row in self.rows)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        width = max([len("input"), *(len(row.name) for row in self.rows)])
        titles = [f"{title:>{wide}}" for title, wide in _COLUMNS.items()]
        lines = [f"{'input':<{width}}  {'  '.join(titles)}"]
        for row in self.rows:
            figures = [f"{figure:>{len(title)}}" for figure, title in zip(_figures(row, 11), titles)]
            mark = "" if row.passed else f"  <-- {row.verdict}"
            lines.append(f"{row.name:<{width}}  {'  '.join(figures)}{mark}")
        return "\n".join([*lines, *self._sentences()])

    def _repr_html_(self) -> str:
        """The table for a notebook; a wrong row is bold, has a bar before it, and says so."""
        head = "".join(f'<th scope="col">{title}</th>' for title in ("input", *_COLUMNS, "verdict"))
        body = []
        for row in self.rows:
            style = "" if row.passed else ' style="font-weight: bold; border-left: 4px solid #d32f2f"'
            figures = "".join(f"<td><code>{figure}</code></td>" for figure in _figures(row, 16))
            verdict = row.verdict if row.passed else f"✗ {row.verdict}"
            name = f'<th scope="row" style="text-align: left">{escape(row.name)}</th>'
            body.append(f"<tr{style}>{name}{figures}<td>{verdict}</td></tr>")
        caption = "<br>".join(escape(sentence) for sentence in self._sentences())
        return (
            '<table cellpadding="4" style="border-collapse: collapse; text-align: right">'
            f'<caption style="text-align: left">{caption}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
        )

    def _sentences(self) -> list[str]:
        wrong = sum(not row.passed for row in self.rows)
        of_what = "inputs" if self.order == 1 else "derivatives"
        verdict = f"FAILED for {wrong} of {len(self.rows)} {of_what}" if wrong else "passed"
        if self.eps is None:
            largest = max((row.bound for row in self.rows if math.isfinite(row.bound)), default=0.0)
            settings = f"method {self.method}, bounds up to {largest:.1e}"
        else:
            settings = f"eps={self.eps:g}, rtol={self.rtol:g}, atol={self.atol:g}"
        return [f"norm form {self.norm:.2e}; {verdict} ({settings})", *self.notes]


# The figures of a row, and how wide they are at most.
_COLUMNS = {"analytic": 19, "numeric": 19, "relative": 9, "difference": 10, "bound": 8}


def _figures(row: Row, digits: int) -> tuple[str, str, str, str, str]:
    return (
        f"{row.analytic:.{digits}e}",
        f"{row.numeric:.{digits}e}",
        f"{row.relative:.2e}",
        f"{abs(row.analytic - row.numeric):.2e}",
        f"{row.bound:.2e}",
    )
