"""Colours for the size of a gradient: a scale in decades, told apart in grey and by the colour-blind."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape

__all__ = ["DARK", "GREY", "INPUT_BORDER", "INPUT_FILL", "Scale", "legend", "text_on"]

DARK, GREY = "#1f2937", "#6b7280"
INPUT_BORDER, INPUT_FILL = "#1d4ed8", "#dbeafe"

# From nothing to the largest: one hue, each step darker than the one before by the same amount to the eye.
FILLS = ("#ffffff", "#fff0b8", "#fdd27a", "#f0943a", "#b8500f", "#7a2400")
NOT_FINITE = "#111111"
_DARK_FILLS = (*FILLS[4:], NOT_FINITE)


class Scale:
    """Which colour a gradient's size has: white is 0, the darkest the decade of the largest.

    Args:
        gradients: all that the picture shows.

    Attributes:
        thresholds: from which size on a colour is used, for all colours but the first two; empty where
            all gradients are 0.
        is_finite: whether all gradients are.
    """

    def __init__(self, gradients: Iterable[float]) -> None:
        sizes = [abs(gradient) for gradient in gradients]
        largest = max((size for size in sizes if math.isfinite(size)), default=0.0)
        self.is_finite = all(map(math.isfinite, sizes))
        self.thresholds: list[float] = []
        if largest > 0.0:
            top = math.floor(math.log10(largest))
            top -= 10.0**top > largest  # where log10 has rounded up
            self.thresholds = [10.0**exponent for exponent in range(top - len(FILLS) + 3, top + 1)]

    def __bool__(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.thresholds) or not self.is_finite

    def fill(self, gradients: Iterable[float]) -> str:
        """The colour of the largest of some gradients."""
        sizes = [abs(gradient) for gradient in gradients]
        if not all(map(math.isfinite, sizes)):
            return NOT_FINITE
        size = max(sizes)
        return FILLS[0] if size == 0.0 else FILLS[1 + sum(size >= threshold for threshold in self.thresholds)]


_KINDS = (
    f'<td border="2" color="{INPUT_BORDER}">input</td><td border="0"> </td>'
    '<td border="0"><table border="1" cellborder="0" cellspacing="0" cellpadding="4" style="rounded">'
    "<tr><td>result</td></tr></table></td>"
)


def legend(scale: Scale, notice: str) -> str:
    """The lines under a picture, as the HTML that DOT's labels take; "" where there is nothing to say.

    Args:
        scale: the picture's scale.
        notice: what the picture leaves out, or "".
    """
    rows = [f"<b>{escape(part)}</b>" for part in notice.split("; ") if part]
    if scale:
        swatches = "".join(
            f'<td bgcolor="{fill}"><font color="{text_on(fill)}">{escape(words)}</font></td>'
            for fill, words in _steps(scale)
        )
        rows.append(
            f'<table border="0" cellborder="1" cellspacing="0" cellpadding="5"><tr>{_KINDS}'
            f'<td border="0">    size of the gradient:</td>{swatches}</tr></table>'
        )
    if not rows:
        return ""
    cells = "".join(f'<tr><td align="left">{row}</td></tr>' for row in rows)
    return f'<<table border="0" cellspacing="0" cellpadding="4">{cells}</table>>'


def _steps(scale: Scale) -> list[tuple[str, str]]:
    """The colours of a scale, each with what it stands for."""
    steps = [(FILLS[0], "0")]
    if scale.thresholds:
        words = list(map(_power_of_ten, scale.thresholds))
        steps.append((FILLS[1], f"< {words[0]}"))
        steps += [(fill, f"≥ {word}") for fill, word in zip(FILLS[2:], words)]
    return steps if scale.is_finite else [*steps, (NOT_FINITE, "inf or nan")]


def _power_of_ten(number: float) -> str:
    exponent = round(math.log10(number)) if number else -324
    return f"{number:g}" if -4 <= exponent <= 4 else f"1e{exponent}"


def text_on(fill: str) -> str:
    """Dark or white, whichever stands out more on a colour of the scale."""
    return "#ffffff" if fill in _DARK_FILLS else DARK
